"""One peer in one process: trains, predicts, prints one JSON object.

A process of its own keeps the peak memory and the thread settings of the libraries apart.
"""
import argparse
import json
import os
import resource
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

import peers

PREDICT_REPEATS = 3
SCORING_ONLY_ROWS = 100_000

LIGHTGBM_REGULARISED = {**peers.LIGHTGBM_TABLE, "lambda_l2": 1.0, "min_sum_hessian_in_leaf": 1.0}
XGBOOST = {**peers.MATCHED["xgboost"], "max_bin": 256}
# run -> (library, native categories?, settings, training rows or None for all)
RUNS = {
    "lightgbm": ("lightgbm", True, peers.LIGHTGBM_TABLE, None),
    "lightgbm_reg": ("lightgbm", True, LIGHTGBM_REGULARISED, None),
    "xgboost": ("xgboost", True, XGBOOST, None),
    "hessboost": ("hessboost", True, peers.MATCHED["hessboost"], None),
    "catboost": ("catboost", False, peers.MATCHED["catboost"], None),
    "catboost_native": ("catboost", True, peers.MATCHED["catboost"], None),
    "catboost_scoring": ("catboost", False, peers.MATCHED["catboost"], SCORING_ONLY_ROWS),
}


def peak_bytes(reset=False):
    """The process's peak resident memory; `reset` first forgets the peak so far."""
    if reset:
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            pass  # then the growth is measured from the old peak and comes out lower
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def cpu_seconds():
    """User and system time of this process, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def timed(function, *arguments):
    """Result, CPU seconds, wall seconds."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    result = function(*arguments)
    return result, cpu_seconds() - cpu, time.perf_counter() - wall


def predict_cost(predict, test, train):
    """Predictions of the test rows and the least CPU µs a row of some calls."""
    costs = []
    for _ in range(PREDICT_REPEATS):
        probabilities, cpu, _ = timed(predict, test)
        costs.append(cpu / len(test))
    _, cpu, _ = timed(predict, train)
    costs.append(cpu / len(train))
    return np.asarray(probabilities).reshape(-1), min(costs) * 1e6


def train_and_predict(run, data, threads, trees, model_path):
    """The facts of one run of a library."""
    library, native, settings, row_limit = RUNS[run]
    train, labels = data["train_x"][:row_limit], data["train_y"][:row_limit]
    categorical = data["categorical"] if native else []
    peers.import_library(library)
    before = peak_bytes(reset=True)
    settings = {**settings, "trees": trees}
    predict, cpu, wall = timed(peers.fit, library, train, labels, categorical, settings, threads)
    growth = peak_bytes() - before
    if model_path and library == "lightgbm":
        predict.model.save_model(model_path)
    probabilities, cost = predict_cost(predict, data["test_x"], train)
    return dict(cpu_seconds=cpu, wall_seconds=wall, growth_bytes=growth, score_us=cost,
                settings=settings, **quality(data["test_y"], probabilities))


def lleaves_predict(data, threads, model_path):
    """LightGBM's saved model compiled by lleaves; only the prediction is of interest."""
    import lleaves

    model = lleaves.Model(model_file=model_path)
    _, cpu, wall = timed(model.compile)
    test, train = (np.asarray(data[key], dtype=np.float64) for key in ("test_x", "train_x"))
    probabilities, cost = predict_cost(lambda rows: model.predict(rows, n_jobs=threads), test, train[: len(test)])
    return dict(compile_cpu_seconds=cpu, score_us=cost, **quality(data["test_y"], probabilities))


def quality(labels, probabilities):
    """AUC and the sum of the probabilities over the positives."""
    return dict(auc=float(roc_auc_score(labels, probabilities)), calibration=float(probabilities.sum() / labels.sum()))


def load(folder, order=0):
    """The arrays that speed.py wrote, the training rows in another order unless that is 0."""
    folder = Path(folder)
    data = {key: np.load(folder / f"{key}.npy") for key in ("train_x", "train_y", "test_x", "test_y")}
    if order:
        rows = np.random.default_rng(order).permutation(len(data["train_y"]))
        data.update(train_x=data["train_x"][rows], train_y=data["train_y"][rows])
    data["categorical"] = json.loads((folder / "meta.json").read_text())["categorical"]
    return data


def main():
    """Runs what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, choices=[*RUNS, "lleaves"])
    parser.add_argument("--data", required=True, help="folder that speed.py wrote")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--trees", type=int, default=200)
    parser.add_argument("--model", help="LightGBM's model: written by its runs, read by lleaves")
    parser.add_argument("--order", type=int, default=0, help="of the training rows; 0: as they lie there")
    options = parser.parse_args()
    data = load(options.data, options.order)
    if options.run == "lleaves":
        result = lleaves_predict(data, options.threads, options.model)
    else:
        result = train_and_predict(options.run, data, options.threads, options.trees, options.model)
    print(json.dumps(dict(result, load=os.getloadavg()[0])))


if __name__ == "__main__":
    main()
