"""Cross-validated AUC of the peers and of segment-bot's defaults, same folds for all.

Example:
  quality.py --table-dir data/bank_marketing --synthetic 200000:0.01 \
             --segment-bot target/release/segment-bot --out quality.json

Peers run at their defaults and at matched settings, with native categories and
(LightGBM, XGBoost) with ordinal codes; the better of the two counts. Their results are
kept in --cache, one file a task, keyed by a hash of data, settings and version, so a
second run trains only segment-bot.
"""
import argparse
import hashlib
import json
import shlex
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

import peers
import segment_bot
import tasks

LIBRARIES = ("lightgbm", "xgboost", "catboost")
PRESETS = {"default": peers.DEFAULTS, "matched": peers.MATCHED}
OURS = "segment-bot"


def variants(task, libraries, catboost_ordinal):
    """Yields (row of the table, variant, library, settings, categorical), cheap ones first."""
    runs = []
    for preset in PRESETS:
        for library in libraries:
            settings = PRESETS[preset][library]
            runs.append((f"{library} {preset}", "native", library, settings, task.categorical))
            if task.categorical and (library != "catboost" or catboost_ordinal):
                runs.append((f"{library} {preset}", "ordinal", library, settings, []))
    return sorted(runs, key=lambda run: (run[2] == "catboost", run[3]["trees"]))


class Cache:
    """Results by key in one JSON file a task."""

    def __init__(self, folder, name):
        self.path = Path(folder) / f"{name}.json"
        self.entries = json.loads(self.path.read_text()) if self.path.exists() else {}

    def put(self, key, entry):
        """Keeps an entry at once, so that an interrupted run loses one fold at most."""
        self.entries[key] = entry
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.entries, indent=1))
        temporary.replace(self.path)


def cache_key(digest, library, settings, categorical, fold):
    """What a fold's result depends on."""
    described = json.dumps([digest, library, peers.version(library), settings, categorical, fold], sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()[:24]


def peer_fold(task, library, settings, categorical, fold, threads):
    """AUC and CPU seconds of one fold."""
    train, test = task.folds != fold, task.folds == fold
    started = time.process_time()
    predict = peers.fit(library, task.matrix[train], task.labels[train], categorical, settings, threads)
    seconds = time.process_time() - started
    return dict(auc=float(roc_auc_score(task.labels[test], predict(task.matrix[test]))), cpu_seconds=seconds)


def run_peers(task, options):
    """Every engine row of the task: {row: {variant: [fold results]}}."""
    cache, digest, results = Cache(options.cache, task.name), task.digest(), {}
    for row, variant, library, settings, categorical in variants(task, options.peers, options.catboost_ordinal):
        if options.skip_slow and library == "catboost" and settings["trees"] > 200:
            continue
        folds = []
        for fold in np.unique(task.folds).tolist():
            key = cache_key(digest, library, settings, categorical, fold)
            if key not in cache.entries:
                if options.cached_only:
                    break
                result = peer_fold(task, library, settings, categorical, fold, options.threads)
                cache.put(key, dict(task=task.name, row=row, variant=variant, fold=fold, settings=settings, **result))
            folds.append(cache.entries[key])
        else:
            results.setdefault(row, {})[variant] = folds
            report_progress(task.name, f"{row} ({variant})", folds)
    return results


def report_progress(task, engine, folds):
    """One line on stderr as an engine finishes."""
    auc, seconds = mean(folds, "auc"), sum(fold["cpu_seconds"] for fold in folds)
    print(f"  {task}: {engine}: AUC {auc:.5f}, {seconds:.0f} CPU s", file=sys.stderr, flush=True)


def mean(folds, key):
    """The mean of a field over the folds."""
    return float(np.mean([fold[key] for fold in folds]))


def run_ours(task, options):
    """segment-bot with its defaults on the same folds, through files as a user would."""
    folds = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        files = {name: folder / name for name in ("train.parquet", "test.parquet", "model.json", "scores.csv")}
        for fold in np.unique(task.folds).tolist():
            test = task.folds == fold
            task.frame(~test).to_parquet(files["train.parquet"], index=False)
            task.frame(test).to_parquet(files["test.parquet"], index=False)
            report = segment_bot.train(
                options.segment_bot, files["train.parquet"], files["model.json"],
                options=shlex.split(options.segment_bot_args), threads=options.threads, seed=options.model_seed,
            )
            segment_bot.score(options.segment_bot, files["model.json"], files["test.parquet"], files["scores.csv"])
            probabilities = segment_bot.read_probabilities(files["scores.csv"])
            auc = float(roc_auc_score(task.labels[test], probabilities))
            folds.append(dict(auc=auc, cpu_seconds=report["fit_cpu_seconds"], trees=report["trees"],
                              calibration=float(probabilities.sum() / task.labels[test].sum())))
    report_progress(task.name, OURS, folds)
    return folds


def summarise(task, results, ours):
    """Mean AUCs of one task: the better variant of each engine, the best peer, ours."""
    engines = {}
    for row, by_variant in results.items():
        means = {variant: mean(folds, "auc") for variant, folds in by_variant.items()}
        best = max(means, key=means.get)
        seconds = {variant: sum(fold["cpu_seconds"] for fold in folds) for variant, folds in by_variant.items()}
        engines[row] = dict(auc=means[best], variant=best, variants=means, cpu_seconds=seconds)
    best_peer = max(engines, key=lambda row: engines[row]["auc"]) if engines else None
    summary = dict(task=task.name, rows=len(task.labels), features=len(task.names),
                   positives=int(task.labels.sum()), engines=engines, best_peer=best_peer)
    if best_peer:
        summary["best_peer_auc"] = engines[best_peer]["auc"]
    if ours:
        summary.update(ours=mean(ours, "auc"), ours_folds=ours)
        if best_peer:
            summary["difference"] = summary["ours"] - summary["best_peer_auc"]
    return summary


def table_rows(summaries):
    """The table as lists of texts, heading first."""
    engines = [f"{library} {preset}" for preset in PRESETS for library in LIBRARIES]
    rows = [["task", "rows", "positives", *engines, "best peer", OURS, "difference"]]
    for summary in summaries:
        cells = [summary["task"], str(summary["rows"]), str(summary["positives"])]
        for engine in engines:
            entry = summary["engines"].get(engine)
            cells.append(f"{entry['auc']:.4f}{'o' if entry['variant'] == 'ordinal' else ''}" if entry else "-")
        cells.append(summary["best_peer"] or "-")
        cells.append(f"{summary['ours']:.4f}" if "ours" in summary else "-")
        cells.append(f"{summary['difference']:+.4f}" if "difference" in summary else "-")
        rows.append(cells)
    return rows


def print_table(rows):
    """Aligned columns; `o` after a number: ordinal codes were the better variant."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def verdict(summaries):
    """The bar: at least +0.002 on average over the best peer, never below it by more than 0.002."""
    differences = [summary["difference"] for summary in summaries if "difference" in summary]
    if not differences:
        return {}
    average, worst = float(np.mean(differences)), min(differences)
    return dict(average_difference=average, worst_difference=worst,
                passed=bool(average >= 0.002 and worst >= -0.002))


def parse_options():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks.add_task_arguments(parser)
    parser.add_argument("--segment-bot", help="path of the program; without it only the peers run")
    parser.add_argument("--segment-bot-args", default="", help="extra options of `model train`, as one text")
    parser.add_argument("--model-seed", type=int, default=1, help="segment-bot's --seed")
    parser.add_argument("--peers", type=lambda text: text.split(","), default=list(LIBRARIES))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", default="cache", help="folder of the peers' kept results")
    parser.add_argument("--cached-only", action="store_true", help="no peer training: use what the cache has")
    parser.add_argument("--skip-slow", action="store_true", help="leave out CatBoost's 1000 default trees")
    parser.add_argument("--catboost-ordinal", action="store_true", help="CatBoost with ordinal codes, too")
    parser.add_argument("--out", help="write the results as JSON")
    parser.add_argument("--markdown", help="write the table as Markdown")
    return parser.parse_args()


def write_markdown(path, rows):
    """The table for a document."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    Path(path).write_text("\n".join(lines) + "\n")


def main():
    """Runs the chosen tasks and prints the table."""
    options = parse_options()
    summaries = []
    for task in tasks.load_tasks(options):
        results = run_peers(task, options)
        ours = run_ours(task, options) if options.segment_bot and Path(options.segment_bot).exists() else None
        summaries.append(summarise(task, results, ours))
    rows = table_rows(summaries)
    print_table(rows)
    judged = verdict(summaries)
    if judged:
        print(f"\naverage difference {judged['average_difference']:+.4f} (bar +0.002), "
              f"worst {judged['worst_difference']:+.4f} (bar -0.002): {'pass' if judged['passed'] else 'FAIL'}")
    if options.out:
        versions = {library: peers.version(library) for library in options.peers}
        Path(options.out).write_text(json.dumps(dict(tasks=summaries, verdict=judged, versions=versions), indent=1))
    if options.markdown:
        write_markdown(options.markdown, rows)


if __name__ == "__main__":
    main()
