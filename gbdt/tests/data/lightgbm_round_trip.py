"""Lets LightGBM score models of ours, and train models for us to score.

    python lightgbm_round_trip.py DIRECTORY

DIRECTORY/written/*/   has model.txt and rows.csv (a value for each feature, "nan" for missing).
DIRECTORY/trained/*/   has train.csv (as rows.csv, with the label, 0 or 1, in the last column), rows.csv and params.json
                       ({"rounds": .., "categorical": [feature, ..], "params": {..}}); model.txt is written.
DIRECTORY/refused/*/   has train.csv and params.json; model.txt is written, of a kind that is not to be scored.

The first two get predictions.csv: for each row of rows.csv the raw score, the probability, the contribution of each feature and
the expected raw score, with 17 digits.
"""

import json
import pathlib
import sys

import lightgbm
import numpy


def read(path):
    return numpy.loadtxt(path, delimiter=",", ndmin=2)


def predict(case):
    booster = lightgbm.Booster(model_file=case / "model.txt")
    rows = read(case / "rows.csv")
    raw = booster.predict(rows, raw_score=True, num_threads=1)
    probability = booster.predict(rows, num_threads=1)
    contributions = booster.predict(rows, pred_contrib=True, num_threads=1)
    predictions = numpy.column_stack([raw, probability, contributions])
    numpy.savetxt(case / "predictions.csv", predictions, fmt="%.17g", delimiter=",")


def train(case):
    settings = json.loads((case / "params.json").read_text())
    table = read(case / "train.csv")
    data = lightgbm.Dataset(table[:, :-1], table[:, -1], categorical_feature=settings["categorical"])
    fixed = {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": 1, "deterministic": True}
    booster = lightgbm.train(fixed | settings["params"], data, num_boost_round=settings["rounds"])
    booster.save_model(case / "model.txt")


def main(directory):
    for case in sorted(directory.glob("trained/*/")):
        train(case)
        predict(case)
    for case in sorted(directory.glob("written/*/")):
        predict(case)
    for case in sorted(directory.glob("refused/*/")):
        train(case)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
