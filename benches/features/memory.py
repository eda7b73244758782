"""Builds one snapshot within several bounds of memory; prints time and peak memory of each.

  python3 benches/features/memory.py --segment-bot target/release/segment-bot [--users N] [--visits N] [--bounds BYTES…] [--out-dir DIR]

Fails when a peak is above its bound, or when any byte of the snapshot differs between bounds.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

AS_OF = "2026-11-23"


def build(program, lake, store, bound):
    """Wall seconds, CPU seconds and peak bytes of a build from scratch, and the hash of what it wrote."""
    shutil.rmtree(store, ignore_errors=True)
    env = {
        **os.environ,
        "SEGMENT_LAKE": f"file://{lake}",
        "SEGMENT_STORE": f"file://{store}",
        "SEGMENT_CATALOG": str(lake / "catalog.toml"),
        "SEGMENT_MEMORY_BYTES": str(bound),
    }
    start = time.perf_counter()
    command = [program, "features", "build", "--as-of", AS_OF, "--again"]
    child = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status != 0:
        sys.exit(f"the build within {bound} bytes failed")
    wall = time.perf_counter() - start
    parts = sorted((store / f"snapshots/as_of={AS_OF}").glob("*.parquet"))
    whole = hashlib.sha256(b"".join(hashlib.sha256(part.read_bytes()).digest() for part in parts)).hexdigest()
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, whole


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--segment-bot", required=True)
    parser.add_argument("--users", type=int, default=300_000)
    parser.add_argument("--visits", type=int, default=2)
    parser.add_argument("--bounds", type=int, nargs="+", default=[512 << 20, 1 << 30, 4 << 30])
    parser.add_argument("--out-dir", type=Path, default=Path("target/features-bench"))
    args = parser.parse_args()
    program, out = str(Path(args.segment_bot).resolve()), args.out_dir.resolve()
    lake = out / f"lake-{args.users}-{args.visits}"
    if not (lake / "_sample.json").exists():
        size = ["--users", str(args.users), "--visits", str(args.visits)]
        command = [program, "sample-lake", "--out", str(lake), "--days", "90", *size, "--last-day", AS_OF]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    hashes = set()
    print("| bound, MiB | peak memory, MiB | wall, s | CPU, s |\n|---|---|---|---|")
    for bound in args.bounds:
        wall, cpu, peak, whole = build(program, lake, out / "memory-store", bound)
        print(f"| {bound >> 20} | {peak / (1 << 20):.0f} | {wall:.1f} | {cpu:.1f} |")
        if peak > bound:
            sys.exit(f"the peak is above the bound of {bound} bytes")
        hashes.add(whole)
    if len(hashes) > 1:
        sys.exit("the snapshot's bytes follow from the bound")


if __name__ == "__main__":
    main()
