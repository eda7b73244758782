"""Runs the segment-bot command line and reads what it reports."""
import json
import os
import subprocess
import time
from pathlib import Path

import pandas as pd


class CommandFailed(Exception):
    """The program ended with an error; the text is its own."""


def run_json(arguments, environment=None):
    """Runs a command; returns its JSON object plus CPU, wall and peak memory as the system counts them."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **(environment or {})},
    )
    with process.stdout, process.stderr:
        output = process.stdout.read()
        errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CommandFailed(f"{' '.join(map(str, arguments))}\n{errors[-2000:]}")
    report = json.loads(output[output.index("{"):])
    report["process_wall_seconds"] = time.perf_counter() - started
    report["process_cpu_seconds"] = usage.ru_utime + usage.ru_stime
    report["process_peak_bytes"] = usage.ru_maxrss * 1024
    return report


def train(program, data, model, label="label", options=(), threads=1, seed=1, validation=None):
    """`segment-bot model train`; returns its report."""
    command = [program, "model", "train", "--data", data, "--label", label, "--out", model,
               "--threads", threads, "--seed", seed, "--json", *options]
    if validation:
        command += ["--validation", validation]
    return run_json(command)


def score(program, model, data, scores, threads=1):
    """`segment-bot model score`; returns its report."""
    return run_json([program, "model", "score", "--model", model, "--data", data, "--out", scores,
                     "--threads", threads, "--json", "--measure-prebinned"])


def read_probabilities(scores):
    """The probabilities in row order."""
    return pd.read_csv(Path(scores)).sort_values("row", kind="stable")["probability"].to_numpy()
