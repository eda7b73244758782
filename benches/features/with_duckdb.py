"""The sample catalog's features in one DuckDB statement: with_duckdb.py LAKE AS_OF OUT [daily|bits|distinct]

`daily` groups by person and day first, `bits` keeps a bit a day, `distinct` counts distinct days directly.
"""

import sys

import duckdb

from declared import CATEGORIES, PRODUCTS, counts

lake, as_of, out = sys.argv[1:4]
variant = sys.argv[4] if len(sys.argv) > 4 else "bits"


def where(kinds, category, window):
    parts = ["kind IN (" + ", ".join(f"'{kind}'" for kind in kinds) + ")"] if kinds else []
    parts += [f"category = '{category}'"] if category else []
    parts += [f"age < {window}"] if window else []
    return " AND ".join(parts)


def columns():
    for name, kinds, category, window in counts():
        yield f'count(*) FILTER ({where(kinds, category, window)})::INTEGER AS "{name}"'
    bought = "kind = 'purchase'"
    for window in (30, 60):
        yield f"coalesce(sum(amount_yen) FILTER ({bought} AND age < {window}), 0)::BIGINT AS spend_{window}d"
    yield (f"sum(amount_yen) FILTER ({bought} AND age < 60)::DOUBLE"
           f" / nullif(count(amount_yen) FILTER ({bought} AND age < 60), 0) AS basket_60d")
    yield "min(age) FILTER (kind IN ('view', 'cart', 'purchase')) AS last_visit"
    yield f"min(age) FILTER ({bought}) AS last_purchase"
    yield "max(age) AS first_seen"
    yield ("count(*) FILTER (kind = 'click' AND age < 30)::DOUBLE"
           " / nullif(count(*) FILTER (age < 30), 0) AS click_share_30d")
    for product in PRODUCTS:
        yield (f"DATE '{as_of}' - min(age) FILTER ({bought} AND category = '{product}')"
               f' AS "converted_on:{product}"')
    if variant == "bits":
        for window in (7, 30, 60):
            yield f"bit_count(coalesce(bit_or(1::BIGINT << least(age, 62)) FILTER (age < {window}), 0))::INTEGER AS active_days_{window}d"
        of = "CASE category " + " ".join(f"WHEN '{name}' THEN {1 << i}" for i, name in enumerate(CATEGORIES)) + " END"
        yield f"bit_count(coalesce(bit_or({of}) FILTER (kind = 'view' AND age < 60), 0))::INTEGER AS view_categories_60d"
    else:
        for window in (7, 30, 60):
            yield f"count(DISTINCT age) FILTER (age < {window})::INTEGER AS active_days_{window}d"
        yield "count(DISTINCT category) FILTER (kind = 'view' AND age < 60)::INTEGER AS view_categories_60d"


def zeros():
    names = [name for name, *_ in counts()] + ["spend_30d", "spend_60d", "view_categories_60d"]
    for name in names + [f"active_days_{window}d" for window in (7, 30, 60)]:
        yield f'coalesce(counted."{name}", 0) AS "{name}"'


con = duckdb.connect()
con.execute("SET preserve_insertion_order = false")
con.execute(f"""
COPY (
  WITH counted AS (
    SELECT user_id, {", ".join(columns())}
    FROM (
      SELECT user_id, kind, category, amount_yen, (DATE '{as_of}' - occurred_at::DATE)::INTEGER AS age
      FROM read_parquet('{lake}/events/day=*/*.parquet', hive_partitioning = false)
      WHERE user_id IS NOT NULL AND occurred_at::DATE <= DATE '{as_of}'
    )
    GROUP BY user_id
  )
  SELECT users.user_id, users.age, users.gender, users.prefecture, users.opt_out,
         counted.* EXCLUDE (user_id) REPLACE ({", ".join(zeros())})
  FROM read_parquet('{lake}/users/*.parquet') AS users LEFT JOIN counted ON users.user_id = counted.user_id
  ORDER BY users.user_id
) TO '{out}' (FORMAT parquet, COMPRESSION zstd)
""")
