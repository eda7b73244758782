"""What a data scientist would write for a warm request: with_polars.py STORE MODEL CATALOG AS_OF PRODUCT SIZE OUT CONDITIONS [read]

STORE is where snapshots are, MODEL a LightGBM text model of the same features, CONDITIONS a JSON object with
`gender`, `age` ([from, to]) and `region` (codes), each optional. With `read` it stops once the people are read. Reads only what it needs, filters while it reads,
predicts on every core, keeps the best SIZE people and writes them as CSV.
"""

import json
import sys
import tomllib
from datetime import date, timedelta
from pathlib import Path

import lightgbm
import polars as pl

store, model, catalog, as_of, product, size, out, conditions = sys.argv[1:9]
catalog, conditions = tomllib.loads(Path(catalog).read_text()), json.loads(conditions)
booster = lightgbm.Booster(model_file=model)
names = json.loads(Path(f"{model}.categories.json").read_text())
features = [names.get(name, {"name": name})["name"] for name in booster.feature_name()]
codes = {
    "gender": {gender["id"]: place for place, gender in enumerate(catalog["genders"])},
    "region": {region["code"]: place for place, region in enumerate(catalog["regions"])},
}


def feature(name):
    if name in codes:
        return pl.col(name).replace_strict(codes[name], default=None, return_dtype=pl.Float32)
    return pl.col(name).cast(pl.Float32)


days = {found["id"]: found["exclude_converted"] for found in catalog["products"]}[product]
long_ago = date.fromisoformat(as_of) - timedelta(days=int(days.rstrip("d")))
manifest = json.loads(Path(f"{store}/snapshots/as_of={as_of}/_manifest.json").read_text())
people = pl.scan_parquet([f"{store}/{part['key']}" for part in manifest["parts"]]).filter(
    ~pl.col("opted_out"),
    pl.col(f"converted_on:{product}").is_null() | (pl.col(f"converted_on:{product}") <= long_ago),
)
if "gender" in conditions:
    people = people.filter(pl.col("gender") == conditions["gender"])
if "age" in conditions:
    people = people.filter(pl.col("age").is_between(*conditions["age"]))
if "region" in conditions:
    people = people.filter(pl.col("region").is_in(conditions["region"]))
people = people.select("user_id", *[feature(name).alias(f"x{place}") for place, name in enumerate(features)]).collect(engine="streaming")
if sys.argv[9:] == ["read"]:
    sys.exit()
rows = people.drop("user_id").to_numpy()
scored = people.select("user_id", score=pl.Series(booster.predict(rows)))
best = scored.sort(["score", "user_id"], descending=[True, False]).head(int(size))
best.with_row_index("rank", 1).write_csv(out)
