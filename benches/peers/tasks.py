"""The tables that the quality benchmark runs on, all in one form."""
import gzip
import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import shopping
import synthetic

FOLDS = 5


@dataclass
class Task:
    """A table: f32 columns (categories as codes, NaN = missing), labels and folds."""

    name: str
    matrix: np.ndarray
    labels: np.ndarray
    folds: np.ndarray
    names: list
    categories: dict  # column position -> the texts of its codes

    @property
    def categorical(self):
        return sorted(self.categories)

    def digest(self):
        """A hash of everything a result depends on."""
        hashed = hashlib.sha256()
        for array in (self.matrix, self.labels, self.folds):
            hashed.update(repr(array.shape).encode())
            hashed.update(np.ascontiguousarray(array).data)
        hashed.update(repr(self.categorical).encode())
        return hashed.hexdigest()[:16]

    def frame(self, rows):
        """The rows as a data frame with texts for categories, as a user's file would have them."""
        columns = {}
        for position, name in enumerate(self.names):
            values = self.matrix[rows, position]
            columns[name] = self._texts(position, values) if position in self.categories else values
        return pd.DataFrame(columns).assign(label=self.labels[rows])

    def _texts(self, position, codes):
        texts = np.array(self.categories[position] + [None], dtype=object)
        return texts[np.where(np.isnan(codes), len(texts) - 1, np.nan_to_num(codes)).astype(np.int64)]


def stratified_folds(labels, seed):
    """A fold number a row: each fold has the same share of positives."""
    random = np.random.default_rng(seed)
    folds = np.empty(len(labels), dtype=np.uint8)
    for value in (0, 1):
        rows = random.permutation(np.flatnonzero(labels == value))
        folds[rows] = np.arange(len(rows)) % FOLDS
    return folds


def from_frame(name, frame, label, folds, categorical=()):
    """A task from a data frame; text columns and those named are categorical."""
    features = frame.drop(columns=[label])
    matrix = np.empty((len(frame), features.shape[1]), dtype=np.float32)
    categories = {}
    for position, column in enumerate(features.columns):
        values = features[column]
        if column in categorical or not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
            coded = values.astype("string").astype("category").cat
            matrix[:, position] = np.where(coded.codes < 0, np.nan, coded.codes)
            categories[position] = [str(text) for text in coded.categories]
        else:
            matrix[:, position] = values.astype("float64")
    labels = frame[label].to_numpy().astype(np.uint8)
    return Task(name, matrix, labels, folds, list(features.columns), categories)


def table_task(folder, seed):
    """A folder with table.csv.gz (`label`, perhaps `fold`) and table.json (`categorical`)."""
    folder = Path(folder)
    described = json.loads((folder / "table.json").read_text())
    texts = {column: str for column in described.get("categorical", [])}
    frame = pd.read_csv(folder / "table.csv.gz", dtype=texts, keep_default_na=False, na_values=[""])
    folds = frame.pop("fold").to_numpy().astype(np.uint8) if "fold" in frame else None
    if folds is None:
        folds = stratified_folds(frame["label"].to_numpy(), seed)
    return from_frame(folder.name, frame, "label", folds, set(texts))


def parquet_task(text, seed):
    """FILE:LABEL[:IGNORE,…]; a column named `fold` gives the folds."""
    path, label, *rest = text.split(":")
    frame = pd.read_parquet(path)
    frame = frame.drop(columns=[column for column in ",".join(rest).split(",") if column])
    folds = frame.pop("fold").to_numpy().astype(np.uint8) if "fold" in frame else None
    if folds is None:
        folds = stratified_folds(frame[label].to_numpy(), seed)
    return from_frame(f"{Path(path).stem}_{label}", frame, label, folds)


def code_texts(matrix, position):
    """Texts of integer codes that sort as the codes do."""
    size = int(np.nanmax(matrix[:, position])) + 1
    return [f"v{code:04d}" for code in range(size)]


def synthetic_task(text, make_data, seed):
    """ROWS:POSITIVE_RATE[:FEATURES] from the generator."""
    rows, rate, *rest = text.split(":")
    features = int(rest[0]) if rest else 50
    matrix, labels, names, categorical, _ = make_data(int(rows), features, seed, float(rate))
    texts = {position: code_texts(matrix, position) for position in categorical}
    name = f"synthetic_{rows}_{rate}_s{seed}"
    return Task(name, matrix, labels, stratified_folds(labels, seed), list(names), texts)


def shopping_tasks(folder, cutoff, horizon_days, targets, seed):
    """One task a target category of an event log (see shopping.py)."""
    table = shopping.build_features(folder, cutoff, targets)
    labels = shopping.build_labels(folder, cutoff, horizon_days, table.index.to_numpy(), targets)
    for target in targets:
        folds = stratified_folds(labels[target], seed)
        frame = table.reset_index(drop=True).assign(label=labels[target])
        yield from_frame(f"{Path(folder).name}_{target}", frame, "label", folds)


def write_raw(task, path):
    """The task as one little-endian file for programs without a table reader.

    u32 rows, u32 features, u8 categorical flag a feature, column-major f32 values
    (NaN = missing), u8 label a row, u8 fold a row; the names go to `<path>.names.txt`."""
    path = Path(path)
    rows, features = task.matrix.shape
    with path.open("wb") as file:
        file.write(struct.pack("<II", rows, features))
        file.write(bytes(int(position in task.categories) for position in range(features)))
        for position in range(features):
            file.write(np.ascontiguousarray(task.matrix[:, position], dtype="<f4").data)
        file.write(task.labels.astype(np.uint8).tobytes())
        file.write(task.folds.astype(np.uint8).tobytes())
    path.with_suffix(".names.txt").write_text("".join(f"{name}\n" for name in task.names))


def write_csv(task, path):
    """The task as a gzipped CSV with `label` and `fold`."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", compresslevel=1) as file:
        task.frame(slice(None)).assign(fold=task.folds).to_csv(file, index=False)


def add_task_arguments(parser):
    """The options that choose the tasks."""
    parser.add_argument("--table-dir", action="append", default=[], help="folder with table.csv.gz and table.json")
    parser.add_argument("--parquet-task", action="append", default=[], metavar="FILE:LABEL[:IGNORE]")
    parser.add_argument("--synthetic", action="append", default=[], metavar="ROWS:RATE[:FEATURES]")
    parser.add_argument("--peers-bench", help="a bench_peers.py whose make_data replaces the own generator")
    parser.add_argument("--shopping-dir", help="folder with users.parquet and events-*.parquet")
    parser.add_argument("--shopping-cutoff", default="2001-01-31")
    parser.add_argument("--shopping-horizon", type=int, default=28, help="days after the cut-off for the label")
    parser.add_argument("--shopping-targets", default="130102,110401,120103,100205")
    parser.add_argument("--seed", type=int, default=1, help="of generated data and of the folds")


def load_tasks(options):
    """Yields the chosen tasks one by one."""
    make_data = synthetic.load_make_data(options.peers_bench)
    for folder in options.table_dir:
        yield table_task(folder, options.seed)
    for text in options.parquet_task:
        yield parquet_task(text, options.seed)
    for text in options.synthetic:
        yield synthetic_task(text, make_data, options.seed)
    if options.shopping_dir:
        targets = options.shopping_targets.split(",")
        yield from shopping_tasks(
            options.shopping_dir, options.shopping_cutoff, options.shopping_horizon, targets, options.seed
        )
