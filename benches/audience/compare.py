"""Runs warm requests and their peer over one store, compares whom they pick, and prints times and ratios. See `run`."""

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median


AS_OF, PRODUCT, SIZE = "2026-11-23", "skincare", 50_000
HERE = Path(__file__).parent
REQUESTS = {
    "everyone": ([], {}),
    "women of 25–39 in two prefectures": (
        ["--gender", "f", "--age", "25-39", "--region", "13,14"],
        {"gender": "f", "age": [25, 39], "region": ["13", "14"]},
    ),
}


def measured(command, env=None):
    """Wall seconds, CPU seconds, peak MiB and the output of a command."""
    start = time.perf_counter()
    child = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, text=True)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} failed")
    wall = time.perf_counter() - start
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024, "output": output}


def picked(path):
    with open(path, newline="") as file:
        return {row["user_id"] for row in csv.DictReader(file)}


def model_text(program, store, out):
    """The model of the store as a text that LightGBM reads."""
    found = sorted((store / "models" / PRODUCT).glob("*/model.json"), key=lambda path: path.stat().st_mtime)
    subprocess.run([program, "model", "export", "--model", found[-1], "--out", out], check=True, stdout=subprocess.DEVNULL)


def table(rounds):
    lines = ["| request | engine | wall, s | CPU, s | peak memory, MiB | × peer |", "|---|---|---|---|---|---|"]
    for request in REQUESTS:
        for engine in ("segment-bot", "polars + lightgbm", "reading alone (polars)"):
            runs = [one[request][engine] for one in rounds]
            ratio = median(one[request][engine]["wall"] / one[request]["polars + lightgbm"]["wall"] for one in rounds)
            middle = [median(run[key] for run in runs) for key in ("wall", "cpu", "mib")]
            lines.append(f"| {request} | {engine} | {middle[0]:.2f} | {middle[1]:.2f} | {middle[2]:.0f} | {ratio:.2f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--segment-bot", required=True)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out-dir", type=Path, required=True)
    args = parser.parse_args()
    lake, store, out = args.lake.resolve(), args.store.resolve(), args.out_dir.resolve()
    program = str(Path(args.segment_bot).resolve())
    env = {
        "SEGMENT_LAKE": f"file://{lake}",
        "SEGMENT_STORE": f"file://{store}",
        "SEGMENT_CATALOG": str(lake / "catalog.toml"),
    }

    def create(conditions, folder):
        command = [program, "segment", "create", "--product", PRODUCT, "--size", str(SIZE), "--out", str(folder)]
        return measured([*command, *conditions], env)

    shutil.rmtree(store / "models", ignore_errors=True)
    cold = create([], out / "cold")
    stages = re.search(r"Took .*", cold["output"]).group()
    print(f"cold: {cold['wall']:.1f} s, {cold['cpu']:.1f} CPU s, {cold['mib']:.0f} MiB. {stages}", file=sys.stderr)
    text = out / "model.txt"
    model_text(program, store, text)
    counts = [measured([program, "segment", "estimate", "--product", PRODUCT, "--size", "5%", *REQUESTS[request][0]], env)
              for _ in range(5) for request in REQUESTS]
    counted = {key: median(run[key] for run in counts) for key in ("wall", "cpu", "mib")}
    print(f"estimate, whole process: {counted['wall'] * 1000:.0f} ms, {counted['mib']:.0f} MiB", file=sys.stderr)
    rounds = []
    for number in range(args.repeats):
        one = {}
        for request, (ours, theirs) in REQUESTS.items():
            script = [sys.executable, str(HERE / "with_polars.py"), str(store), str(text), env["SEGMENT_CATALOG"], AS_OF]
            script += [PRODUCT, str(SIZE), str(out / "peer.csv"), json.dumps(theirs)]
            one[request] = {
                "segment-bot": create(ours, out / "warm"),
                "polars + lightgbm": measured(script),
                "reading alone (polars)": measured([*script, "read"]),
            }
            if picked(out / "warm" / "segment.csv") != picked(out / "peer.csv"):
                sys.exit(f"{request}: the peer picked other people")
        rounds.append(one)
        walls = [f"{engine} {run['wall']:.2f} s" for runs in one.values() for engine, run in runs.items()]
        print(f"round {number + 1}: {', '.join(walls)}", file=sys.stderr)
    report = {"cores": os.cpu_count(), "lake": lake.name, "cold": cold, "estimate": counted, "rounds": rounds}
    (out / "audience.json").write_text(json.dumps(report, indent=1))
    (out / "audience.md").write_text(table(rounds) + "\n")
    print(table(rounds))


if __name__ == "__main__":
    main()
