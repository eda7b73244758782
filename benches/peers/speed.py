"""Training and scoring speed of segment-bot and its peers, paired in one run.

Example:
  speed.py --segment-bot target/release/segment-bot --repeats 3 --threads 1,2 \
           --out speed.json --markdown speed.md

Every engine trains in its own process on the same rows; each repeat runs them one after
the other, each with all thread counts, and only ratios within a repeat are reported. Each
repeat shuffles the peers' rows anew and gives segment-bot another seed, because either moves
the AUC by more than the bars allow. CPU time of training includes binning and excludes
reading files. Without --segment-bot only the peers run.
"""
import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

import peers
import segment_bot
import speed_bars
import synthetic
import tasks

HERE = Path(__file__).resolve().parent
MATCHED = ["--leaves", "31", "--learning-rate", "0.1", "--l2", "1", "--child-weight-min", "1",
           "--feature-fraction", "1", "--row-fraction", "1", "--patience", "0"]
# run -> (table, worker's run or segment-bot's options)
PEER_RUNS = {
    "lightgbm": ("mixed", "lightgbm"),
    "lightgbm_reg": ("mixed", "lightgbm_reg"),
    "xgboost": ("mixed", "xgboost"),
    "hessboost": ("mixed", "hessboost"),
    "catboost": ("mixed", "catboost"),
    "catboost_native": ("mixed", "catboost_native"),
    "catboost_scoring": ("mixed", "catboost_scoring"),
    "lleaves": ("mixed", "lleaves"),
    "lightgbm_dense": ("dense", "lightgbm_reg"),
    "lightgbm_dense_half": ("dense_half", "lightgbm_reg"),
}
OUR_RUNS = {
    "ours": ("mixed", MATCHED),
    "ours_sampled": ("mixed", [*MATCHED, "--negatives-per-positive", "20"]),
    "ours_defaults": ("mixed", None),
    "ours_dense": ("dense", MATCHED),
    "ours_dense_half": ("dense_half", MATCHED),
    "ours_linearity": ("large", MATCHED),
}
# The order of a repeat: ours next to what its ratio is taken against.
ORDER = ("lightgbm", "ours_sampled", "lightgbm_reg", "ours", "ours_linearity", "xgboost", "hessboost", "catboost",
         "catboost_native", "catboost_scoring", "lleaves", "ours_defaults", "lightgbm_dense", "ours_dense",
         "lightgbm_dense_half", "ours_dense_half")
# A few seconds each: repeated more often, for two threads against one.
SHORT = ("ours", "ours_sampled")
ONE_THREAD_ONLY = ("catboost_scoring", "lleaves", "ours_linearity", "ours_defaults")
STANDARD = ("lightgbm", "ours_sampled", "lightgbm_reg", "ours", "xgboost", "hessboost", "catboost_scoring", "lleaves",
            "lightgbm_dense", "ours_dense", "ours_defaults")


def table_specification(name, options):
    """(generator, training rows, positive rate) of a table."""
    mixed = synthetic.load_make_data(options.peers_bench)
    return {
        "mixed": (mixed, options.rows, options.positive_rate),
        "dense": (synthetic.make_dense, options.rows, options.positive_rate),
        "dense_half": (synthetic.make_dense, options.rows, 0.5),
        "large": (mixed, options.rows * options.linearity_factor, options.positive_rate),
    }[name]


def prepare_table(name, options):
    """Generates a table once; returns its folder."""
    make_data, rows, rate = table_specification(name, options)
    folder = Path(options.work_dir) / f"{name}-{rows}-{options.features}-{rate}-{options.seed}-{make_data.__module__}"
    if (folder / "meta.json").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    print(f"generating {folder.name}", file=sys.stderr, flush=True)
    matrix, labels, names, categorical, truth = make_data(rows * 5 // 4, options.features, options.seed, rate)
    texts = {position: tasks.code_texts(matrix, position) for position in categorical}
    task = tasks.Task(name, matrix, labels, None, list(names), texts)
    for part, chosen in (("train", slice(None, rows)), ("test", slice(rows, None))):
        np.save(folder / f"{part}_x.npy", matrix[chosen])
        np.save(folder / f"{part}_y.npy", labels[chosen])
        task.frame(chosen).to_parquet(folder / f"{part}.parquet", index=False)
    best_auc = float(roc_auc_score(labels[rows:], truth[rows:]))
    facts = dict(categorical=categorical, rows=rows, positives=int(labels[:rows].sum()), best_possible_auc=best_auc)
    (folder / "meta.json").write_text(json.dumps(facts))
    return folder


def run_peer(run, folder, threads, repeat, options):
    """A peer's result from its own process."""
    _, worker_run = PEER_RUNS[run]
    command = [sys.executable, HERE / "speed_worker.py", "--run", worker_run, "--data", folder,
               "--threads", threads, "--trees", options.trees, "--order", repeat]
    if worker_run in ("lightgbm", "lleaves"):
        command += ["--model", folder / "lightgbm.txt"]
    environment = dict(OMP_WAIT_POLICY="PASSIVE", OMP_NUM_THREADS=str(threads), RAYON_NUM_THREADS=str(threads))
    return segment_bot.run_json(command, environment)


def run_ours(run, folder, threads, repeat, options):
    """segment-bot's training and scoring of the same rows."""
    _, settings = OUR_RUNS[run]
    model, scores = folder / f"{run}.json", folder / f"{run}.csv"
    shape = [] if settings is None else ["--trees", options.trees, *settings]
    trained = segment_bot.train(options.segment_bot, folder / "train.parquet", model, options=shape,
                                threads=threads, seed=options.model_seed + repeat)
    apart = trained["binning_cpu_seconds"] if options.fit_excludes_binning else 0
    reports = [segment_bot.score(options.segment_bot, model, folder / f"{part}.parquet", scores, threads)
               for part in ("train", "test")]
    probabilities, labels = segment_bot.read_probabilities(scores), np.load(folder / "test_y.npy")
    return dict(
        cpu_seconds=trained["fit_cpu_seconds"] + apart,
        wall_seconds=trained["fit_wall_seconds"],
        binning_cpu_seconds=trained.get("binning_cpu_seconds"),
        growth_bytes=trained["peak_growth_bytes"],
        trees=trained["trees"],
        rows=trained["rows"],
        score_us=cost_us(reports, "score_cpu_seconds"),
        prebinned_us=cost_us(reports, "prebinned_cpu_seconds"),
        auc=float(roc_auc_score(labels, probabilities)),
        calibration=float(probabilities.sum() / labels.sum()),
        process_cpu_seconds=trained["process_cpu_seconds"],
        process_peak_bytes=trained["process_peak_bytes"],
        load=os.getloadavg()[0],
    )


def cost_us(reports, field):
    """The least CPU µs a row of the scoring runs, or None when the program does not report it."""
    costs = [report[field] / report["rows"] * 1e6 for report in reports if report.get(field) is not None]
    return min(costs) if costs else None


def measure(run, threads, repeat, folders, options):
    """One run of one engine, as a result line; an error becomes a line, too."""
    table = (PEER_RUNS | OUR_RUNS)[run][0]
    runner = run_peer if run in PEER_RUNS else run_ours
    try:
        result = runner(run, folders[table], threads, repeat, options)
    except segment_bot.CommandFailed as error:
        result = dict(error=str(error)[-600:])
    result = dict(run=run, threads=threads, repeat=repeat, table=table, **result)
    print(describe(result), file=sys.stderr, flush=True)
    return result


def describe(result):
    """A progress line."""
    head = f"repeat {result['repeat']} threads {result['threads']} {result['run']:<20}"
    if "error" in result:
        return f"{head} ERROR {result['error'].strip().splitlines()[-1]}"
    fields = ("cpu_seconds", "wall_seconds", "growth_bytes", "score_us", "prebinned_us", "auc", "load")
    return head + " ".join(f"{field}={result[field]:.5g}" for field in fields if result.get(field) is not None)


def chosen_runs(options):
    """The runs in the order of a repeat."""
    wanted = set(options.runs or STANDARD)
    for name, runs in (("catboost", ("catboost",)), ("catboost_native", ("catboost_native",)),
                       ("dense_half", ("lightgbm_dense_half", "ours_dense_half")), ("linearity", ("ours_linearity",))):
        if getattr(options, name):
            wanted.update(runs)
    if not options.segment_bot:
        wanted -= set(OUR_RUNS)
    return [run for run in ORDER if run in wanted]


def summarise(results):
    """Medians over the repeats, and the ratios to LightGBM of the same repeat."""
    summary = []
    for run, threads in dict.fromkeys((r["run"], r["threads"]) for r in results):
        mine = [r for r in results if (r["run"], r["threads"]) == (run, threads) and "error" not in r]
        if not mine:
            continue
        table = mine[0]["table"]
        reference = {"mixed": "lightgbm", "dense": "lightgbm_dense", "dense_half": "lightgbm_dense_half"}.get(table)
        line = dict(run=run, threads=threads, table=table, repeats=len(mine))
        for field in ("cpu_seconds", "wall_seconds", "auc", "growth_bytes", "score_us", "prebinned_us", "calibration"):
            line[field] = speed_bars.median(r.get(field) for r in mine)
        paired = speed_bars.pairs(results, run, reference, threads)
        for field in ("cpu_seconds", "growth_bytes", "score_us"):
            ratios = [a[field] / b[field] for a, b in paired if a.get(field) and b.get(field)]
            line[f"{field}_ratio"] = speed_bars.median(ratios)
        summary.append(line)
    return summary


def machine(options):
    """Where and when this was measured."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fields = dict(line.split(":", 1) for line in text.split("\n\n")[0].splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = fields.get("flags", "").split()
    versions = {name: peers.version(name) for name in ("lightgbm", "xgboost", "catboost", "hessboost", "lleaves")}
    return dict(
        date=datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        cpu=f"{fields.get('model name', platform.processor())} family {fields.get('cpu family', '?')}",
        cores=os.cpu_count(),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        avx2="avx2" in flags, avx512="avx512bw" in flags, load_at_start=os.getloadavg()[0],
        versions=versions, python=platform.python_version(), command=" ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        rows=options.rows, features=options.features, seed=options.seed, positive_rate=options.positive_rate,
    )


HEADINGS = ("run", "threads", "CPU s", "× LightGBM", "wall s", "AUC", "Σp / positives", "growth MiB", "× LightGBM",
            "score µs/row", "× LightGBM", "pre-binned µs/row")


def number(value, digits):
    """A number for a table cell."""
    return "–" if value is None else f"{value:.{digits}f}"


def table_cells(summary):
    """Rows of text for the table."""
    for line in summary:
        growth = None if line["growth_bytes"] is None else line["growth_bytes"] / 2**20
        yield (line["run"], str(line["threads"]), number(line["cpu_seconds"], 2), number(line["cpu_seconds_ratio"], 3),
               number(line["wall_seconds"], 2), number(line["auc"], 4), number(line["calibration"], 3),
               number(growth, 0), number(line["growth_bytes_ratio"], 2), number(line["score_us"], 3),
               number(line["score_us_ratio"], 3), number(line["prebinned_us"], 3))


def bar_cells(lines):
    """Rows of text for the bars."""
    for line in lines:
        if "speedup" in line:
            limit = "–" if line["limit"] is None else f"≥ {line['limit']}"
            measured, threads = f"{line['speedup']:.2f}", "2 : 1"
        elif "calibration" in line:
            limit = f"within ± {line['limit']} of 1"
            measured, threads = f"{line['calibration']:.3f}", str(line["threads"])
        else:
            limit = f"≤ {line['limit']}" + (f" (must {line['must']})" if line["must"] else "")
            measured, threads = f"{line['ratio']:.3f}", str(line["threads"])
        if line.get("auc_gain") is not None:
            measured += f", AUC {line['auc_gain']:+.4f}"
            limit += f", AUC {line['auc_gain_needed']:+.4f}"
        verdict = "–" if line["passed"] is None else "pass" if line["passed"] else (
            "must passed" if line.get("must_passed") else "FAIL")
        yield line["title"], threads, measured, limit, str(line["pairs"]), verdict


def markdown(about, summary, lines):
    """The report."""
    def table(headings, rows):
        return "\n".join(["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings),
                          *("| " + " | ".join(row) + " |" for row in rows)])

    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return "\n\n".join([
        f"{about['date']}, {about['cores']} cores ({about['cpu']}; AVX2 {about['avx2']}, AVX-512 {about['avx512']}), "
        f"{about['memory_gib']} GiB, load {about['load_at_start']:.1f} at the start; {versions}. "
        f"{about['rows']:,} training rows × {about['features']}, seed {about['seed']}, "
        f"{about['positive_rate']:.2%} positives. Medians; ratios within a repeat.",
        f"Command: `{about['command']}`",
        table(HEADINGS, table_cells(summary)),
        table(("bar", "threads", "measured", "limit", "pairs", "verdict"), bar_cells(lines)),
    ]) + "\n"


def parse_options():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segment-bot", help="path of the program; without it only the peers run")
    parser.add_argument("--peers-bench", help="a bench_peers.py whose make_data replaces the own generator")
    parser.add_argument("--work-dir", default="speed-data", help="generated tables and models (some GB)")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--positive-rate", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1, help="of the generated tables")
    parser.add_argument("--model-seed", type=int, default=1, help="segment-bot's --seed in the first repeat")
    parser.add_argument("--trees", type=int, default=200)
    parser.add_argument("--threads", default="1,2", type=lambda text: [int(part) for part in text.split(",")])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--short-repeats", type=int, default=0, help="repeats of our own short runs, if more")
    parser.add_argument("--runs", type=lambda text: text.split(","), help=f"of {', '.join(ORDER)}")
    parser.add_argument("--catboost", action="store_true", help="CatBoost on all rows, ordinal codes (slow)")
    parser.add_argument("--catboost-native", action="store_true", help="CatBoost, native categories (very slow)")
    parser.add_argument("--dense-half", action="store_true", help="the dense table with 50 %% positives, too")
    parser.add_argument("--linearity", action="store_true", help="segment-bot on a larger table, too")
    parser.add_argument("--linearity-factor", type=int, default=4)
    parser.add_argument("--fit-excludes-binning", action="store_true",
                        help="segment-bot's fit_cpu_seconds lacks binning_cpu_seconds: add it")
    parser.add_argument("--out", help="write everything as JSON")
    parser.add_argument("--markdown", help="write the tables as Markdown")
    options = parser.parse_args()
    if options.segment_bot and not shutil.which(options.segment_bot):
        parser.error(f"no program at {options.segment_bot}")
    return options


def main():
    """Runs the repeats and reports."""
    options = parse_options()
    runs, results, about = chosen_runs(options), [], machine(options)
    folders = {table: prepare_table(table, options) for table in {(PEER_RUNS | OUR_RUNS)[run][0] for run in runs}}
    for repeat in range(max(options.repeats, options.short_repeats)):
        for run in [run for run in runs if repeat < options.repeats or run in SHORT]:
            for threads in options.threads:
                if run in ONE_THREAD_ONLY and threads != min(options.threads):
                    continue
                results.append(measure(run, threads, repeat, folders, options))
                if options.out:
                    Path(options.out).write_text(json.dumps(dict(machine=about, results=results), indent=1))
    summary, lines = summarise(results), speed_bars.judge_all(results)
    report = markdown(about, summary, lines)
    print(report)
    if options.out:
        everything = dict(machine=about, results=results, summary=summary, bars=lines)
        Path(options.out).write_text(json.dumps(everything, indent=1))
    if options.markdown:
        Path(options.markdown).write_text(report)


if __name__ == "__main__":
    main()
