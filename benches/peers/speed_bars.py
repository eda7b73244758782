"""The speed bars: which ratio, its limit, and what else must hold."""
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bar:
    """`field` of run `ours` over that of `peer`, in the same repeat, must stay at or under `limit`."""

    title: str
    field: str
    ours: str
    peer: str
    limit: float
    must: float = None  # a softer limit that must hold in any case
    auc_over: tuple = None  # (peer run, margin): our AUC must be at least the peer's plus the margin


BARS = (
    Bar("train, all rows, CPU / LightGBM same regularisation", "cpu_seconds", "ours", "lightgbm_reg", 0.33, 0.5,
        ("lightgbm_reg", -0.0005)),
    Bar("train, all rows, CPU / LightGBM default", "cpu_seconds", "ours", "lightgbm", 0.33, 0.5),
    Bar("train, all rows, CPU / XGBoost hist", "cpu_seconds", "ours", "xgboost", 0.125, 0.2),
    Bar("train, all rows, CPU / hessboost", "cpu_seconds", "ours", "hessboost", 0.33, 0.5),
    Bar("train, 20 negatives a positive, CPU / LightGBM all rows", "cpu_seconds", "ours_sampled", "lightgbm", 0.07,
        0.125, ("lightgbm", 0.003)),
    Bar("train, dense 1 % positives, CPU / LightGBM", "cpu_seconds", "ours_dense", "lightgbm_dense", 0.6, 0.77,
        ("lightgbm_dense", -0.0005)),
    Bar("train, dense 50 % positives, CPU / LightGBM", "cpu_seconds", "ours_dense_half", "lightgbm_dense_half", 0.6,
        0.77, ("lightgbm_dense_half", -0.0005)),
    Bar("training memory growth / LightGBM", "growth_bytes", "ours", "lightgbm", 0.67, 1.0),
    Bar("score from f32 columns, CPU / LightGBM", "score_us", "ours", "lightgbm", 0.05, 0.08),
    Bar("score from f32 columns, CPU / CatBoost", "score_us", "ours", "catboost", 0.5),
    Bar("score from f32 columns, CPU / CatBoost", "score_us", "ours", "catboost_scoring", 0.5),
    Bar("score pre-binned, CPU / LightGBM", "prebinned_us", "ours", "lightgbm", 0.033),
    Bar("score pre-binned, CPU / lleaves", "prebinned_us", "ours", "lleaves", 0.2),
)
THREADS_SPEEDUP = 1.8
LINEARITY_LIMIT = 1.1
CALIBRATION_LIMIT = 0.1
PEER_FIELD = {"prebinned_us": "score_us"}


def median(values):
    """The median, or None of nothing."""
    values = [value for value in values if value is not None]
    return float(np.median(values)) if values else None


def pairs(results, ours, peer, threads):
    """(our result, the peer's result) of each repeat that has both."""
    found = {(r["run"], r["repeat"]): r for r in results if r["threads"] == threads and "error" not in r}
    repeats = sorted({r["repeat"] for r in results})
    return [(found[ours, n], found[peer, n]) for n in repeats if (ours, n) in found and (peer, n) in found]


def judge(bar, results, threads):
    """One line of the report, or None when a side was not measured."""
    paired = pairs(results, bar.ours, bar.peer, threads)
    ratio = median(
        a[bar.field] / b[PEER_FIELD.get(bar.field, bar.field)] for a, b in paired if a.get(bar.field) is not None
    )
    if ratio is None:
        return None
    line = dict(title=bar.title, threads=threads, ratio=ratio, limit=bar.limit, must=bar.must, pairs=len(paired),
                passed=ratio <= bar.limit, must_passed=ratio <= (bar.must or bar.limit))
    if bar.auc_over:
        against, margin = bar.auc_over
        gain = median(a["auc"] - b["auc"] for a, b in pairs(results, bar.ours, against, threads))
        line.update(auc_gain=gain, auc_gain_needed=margin)
        line["passed"] &= gain >= margin
        line["must_passed"] &= gain >= margin
    return line


def judge_threads(results):
    """Two threads against one, wall time of training, per run that has both."""
    lines = []
    for run in dict.fromkeys(r["run"] for r in results):
        speedups = []
        for repeat in sorted({r["repeat"] for r in results}):
            walls = {r["threads"]: r.get("wall_seconds") for r in results
                     if r["run"] == run and r["repeat"] == repeat and "error" not in r}
            if walls.get(1) and walls.get(2):
                speedups.append(walls[1] / walls[2])
        if speedups:
            ours = run == "ours"
            lines.append(dict(title=f"two threads against one, wall, {run}", speedup=median(speedups),
                              limit=THREADS_SPEEDUP if ours else None, pairs=len(speedups),
                              passed=median(speedups) >= THREADS_SPEEDUP if ours else None))
    return lines


def judge_linearity(results):
    """The larger table against the base table: time a row and memory a row."""
    paired = pairs(results, "ours_linearity", "ours", 1)
    if not paired:
        return []
    lines = []
    for field in ("cpu_seconds", "growth_bytes"):
        ratio = median(a[field] / a["rows"] / (b[field] / b["rows"]) for a, b in paired)
        lines.append(dict(title=f"{paired[0][0]['rows']:,} rows against {paired[0][1]['rows']:,}: {field} a row",
                          threads=1, ratio=ratio, limit=LINEARITY_LIMIT, must=None, pairs=len(paired),
                          passed=ratio <= LINEARITY_LIMIT, must_passed=ratio <= LINEARITY_LIMIT))
    return lines


def judge_calibration(results):
    """Training on sampled rows must still give probabilities that sum to the positives."""
    lines = []
    for threads in sorted({r["threads"] for r in results}):
        found = [r["calibration"] for r in results
                 if (r["run"], r["threads"]) == ("ours_sampled", threads) and "error" not in r]
        if found:
            value = median(found)
            lines.append(dict(title="sampled: sum of the probabilities / positives", threads=threads,
                              calibration=value, limit=CALIBRATION_LIMIT, pairs=len(found),
                              passed=abs(value - 1) <= CALIBRATION_LIMIT))
    return lines


def judge_all(results):
    """Every bar that was measured."""
    threads = sorted({r["threads"] for r in results})
    lines = [judge(bar, results, count) for bar in BARS for count in threads]
    measured = [line for line in lines if line]
    return measured + judge_calibration(results) + judge_linearity(results) + judge_threads(results)
