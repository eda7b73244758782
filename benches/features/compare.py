"""Runs every engine over one lake, compares what they wrote, and prints times, ratios and memory. See `run`."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import polars as pl


AS_OF, DAY_BEFORE = "2026-11-23", "2026-11-22"
HERE = Path(__file__).parent


def measured(command, env=None):
    """Wall seconds, CPU seconds and peak MiB of a command and its children."""
    start = time.perf_counter()
    child = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"{command[0]} failed")
    wall = time.perf_counter() - start
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024}


class SegmentBot:
    """Our snapshot from scratch, and the same when all days but the last are stored."""

    def __init__(self, program, lake, store):
        self.program, self.store = program, store
        self.env = {
            "SEGMENT_LAKE": f"file://{lake}",
            "SEGMENT_STORE": f"file://{store}",
            "SEGMENT_CATALOG": str(lake / "catalog.toml"),
        }

    def build(self, day):
        return measured([self.program, "features", "build", "--as-of", day, "--again"], self.env)

    def scratch(self):
        shutil.rmtree(self.store, ignore_errors=True)
        return self.build(AS_OF)

    def new_day(self):
        shutil.rmtree(self.store, ignore_errors=True)
        self.build(DAY_BEFORE)
        return self.build(AS_OF)

    def rows(self):
        return pl.read_parquet(self.store / f"snapshots/as_of={AS_OF}/part-*.parquet").sort("user_id")


def floor(rows, out):
    """What writing the same rows takes, with nothing read or computed, by polars' own writer."""
    start, cpu = time.perf_counter(), time.process_time()
    rows.write_parquet(out, compression="zstd", compression_level=3, row_group_size=32 * 1024)
    return {"wall": time.perf_counter() - start, "cpu": time.process_time() - cpu, "mib": 0}


def peer(script, lake, out):
    return measured([sys.executable, str(HERE / script), str(lake), AS_OF, str(out)])


def differences(ours, theirs):
    """Columns of ours in which any cell is another; codes of gender and region are mapped by the catalog."""
    different = []
    for name in ours.columns:
        # A name with a stop is of a rhythm, which segment-bot computes besides what the peers do.
        if name in ("gender", "region", "opted_out", "has_events") or "." in name:
            continue
        pair = [frame[name] for frame in (ours, theirs)]
        kind = pl.Float64 if pair[0].dtype.is_numeric() else pl.String
        if pair[0].cast(kind).ne_missing(pair[1].cast(kind)).any():
            different.append(name)
    return different


def table(rounds):
    baseline = {name: [one[name]["wall"] for one in rounds] for name in rounds[0]}
    lines = ["| engine | wall, s | CPU, s | peak memory, MiB | × DuckDB | × polars | × from scratch |", "|---|---|---|---|---|---|---|"]
    for name, walls in baseline.items():
        middle = lambda key: median(one[name][key] for one in rounds)  # noqa: E731
        ratio = lambda other: median(a / b for a, b in zip(walls, baseline[other]))  # noqa: E731
        ratios = [f"{ratio(other):.2f}" for other in ("DuckDB", "polars", "segment-bot, from scratch")]
        lines.append(f"| {name} | {middle('wall'):.1f} | {middle('cpu'):.1f} | {middle('mib'):.0f} | " + " | ".join(ratios) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--segment-bot", required=True)
    parser.add_argument("--lake", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out-dir", type=Path, required=True)
    args = parser.parse_args()
    lake, out = args.lake.resolve(), args.out_dir.resolve()
    ours = SegmentBot(str(Path(args.segment_bot).resolve()), lake, out / "store")
    rounds = []
    for number in range(args.repeats):
        one = {"segment-bot, from scratch": ours.scratch()}
        rows = ours.rows()
        for name, script in (("DuckDB", "with_duckdb.py"), ("polars", "with_polars.py")):
            theirs = out / f"{name}.parquet"
            one[name] = peer(script, lake, theirs)
            if number == 0:
                different = differences(rows, pl.read_parquet(theirs).sort("user_id"))
                if different:
                    sys.exit(f"{name} differs in {', '.join(different)}")
        one["segment-bot, a new day"] = ours.new_day()
        one["writing the snapshot's rows alone (polars)"] = floor(rows, out / "floor.parquet")
        if number == 0 and not ours.rows().equals(rows):
            sys.exit("a new day differs from a build from scratch")
        rounds.append(one)
        print(f"round {number + 1}: " + ", ".join(f"{name} {run['wall']:.1f} s" for name, run in one.items()), file=sys.stderr)
    facts = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(), "lake": lake.name, "rounds": rounds}
    (out / "features.json").write_text(json.dumps(facts, indent=1))
    (out / "features.md").write_text(table(rounds) + "\n")
    print(table(rounds))


if __name__ == "__main__":
    main()
