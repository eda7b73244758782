"""The sample catalog's features in one lazy polars query: with_polars.py LAKE AS_OF OUT [bits|unique]

`bits` keeps a bit a day and a category, `unique` counts unique values directly.
"""

import sys
from datetime import date

import polars as pl

from declared import CATEGORIES, PRODUCTS, counts

lake, as_of, out = sys.argv[1:4]
variant = sys.argv[4] if len(sys.argv) > 4 else "unique"

kind, category, age, amount = pl.col("kind"), pl.col("category"), pl.col("age"), pl.col("amount_yen")
bought = kind == "purchase"


def where(kinds, one, window):
    mask = kind.is_in(kinds) if len(kinds) > 1 else kind == kinds[0]
    mask = mask & (category == one) if one else mask
    return mask & (age < window)


def aggregates():
    for name, kinds, one, window in counts():
        yield where(kinds, one, window).sum().cast(pl.Int32).alias(name)
    for window in (30, 60):
        yield pl.when(bought & (age < window)).then(amount).otherwise(0).sum().alias(f"spend_{window}d")
    yield (bought & (age < 60) & amount.is_not_null()).sum().alias("values")
    visit = kind.is_in(["view", "cart", "purchase"])
    yield pl.when(visit).then(age).min().alias("last_visit")
    yield pl.when(bought).then(age).min().alias("last_purchase")
    yield age.max().alias("first_seen")
    yield ((kind == "click") & (age < 30)).sum().alias("clicks")
    yield (age < 30).sum().alias("events")
    for product in PRODUCTS:
        yield pl.when(bought & (category == product)).then(age).min().alias(f"converted_on:{product}")
    if variant == "bits":
        days = pl.lit(2, pl.Int64).pow(age.clip(0, 62).cast(pl.Int64))
        for window in (7, 30, 60):
            yield pl.when(age < window).then(days).otherwise(0).bitwise_or().bitwise_count_ones().cast(pl.Int32).alias(f"active_days_{window}d")
        bit = category.replace_strict(CATEGORIES, [1 << i for i in range(len(CATEGORIES))], default=0, return_dtype=pl.Int64)
        seen = pl.when((kind == "view") & (age < 60)).then(bit).otherwise(0)
        yield seen.bitwise_or().bitwise_count_ones().cast(pl.Int32).alias("view_categories_60d")
    else:
        for window in (7, 30, 60):
            yield age.filter(age < window).n_unique().cast(pl.Int32).alias(f"active_days_{window}d")
        yield category.filter((kind == "view") & (age < 60)).n_unique().cast(pl.Int32).alias("view_categories_60d")


day = date.fromisoformat(as_of)
events = (
    pl.scan_parquet(f"{lake}/events/day=*/*.parquet", hive_partitioning=False)
    .filter(pl.col("user_id").is_not_null(), pl.col("occurred_at").dt.date() <= day)
    .select("user_id", "kind", "category", "amount_yen",
            (pl.lit(day) - pl.col("occurred_at").dt.date()).dt.total_days().cast(pl.Int32).alias("age"))
)
counted = events.group_by("user_id").agg(list(aggregates()))
zero = [name for name, *_ in counts()] + ["spend_30d", "spend_60d", "view_categories_60d"] + [f"active_days_{w}d" for w in (7, 30, 60)]
users = pl.scan_parquet(f"{lake}/users/*.parquet").select("user_id", "age", "gender", "prefecture", "opt_out")
(
    users.join(counted, on="user_id", how="left")
    .with_columns(pl.col(zero).fill_null(0))
    .with_columns(
        pl.when(pl.col("values") > 0).then(pl.col("spend_60d") / pl.col("values")).alias("basket_60d"),
        pl.when(pl.col("events") > 0).then(pl.col("clicks") / pl.col("events")).alias("click_share_30d"),
        *[(pl.lit(day) - pl.duration(days=pl.col(f"converted_on:{product}"))).alias(f"converted_on:{product}") for product in PRODUCTS],
    )
    .drop("values", "events", "clicks")
    .sort("user_id")
    .sink_parquet(out, compression="zstd", engine="streaming")
)
