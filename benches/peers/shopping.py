"""Tasks from a shop's event log: "buys category C in the days after the cut-off".

The folder holds users.parquet (user_id, age, region) and events-*.parquet
(user_id, occurred_on, category, item, quantity, amount). Features use events up to
and with the cut-off day only; the label uses the days after it.
"""
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

WINDOWS_DAYS = (7, 28, 90)
TOP_CATEGORIES = 40


def read_events(folder):
    """All event files as one table, with dates as day numbers."""
    events = pd.concat([pd.read_parquet(path) for path in sorted(Path(folder).glob("events-*.parquet"))])
    events["day"] = (pd.to_datetime(events["occurred_on"]) - pd.Timestamp(0)).dt.days
    return events


def day_number(text):
    """Days since 1970-01-01 of an ISO date."""
    return (date.fromisoformat(text) - date(1970, 1, 1)) // timedelta(days=1)


def build_features(folder, cutoff, targets):
    """One row a user with at least one event up to the cut-off, in user_id order."""
    events, cutoff_day = read_events(folder), day_number(cutoff)
    past = events[events["day"] <= cutoff_day].assign(age_days=lambda rows: cutoff_day - rows["day"])
    users = pd.read_parquet(Path(folder) / "users.parquet").set_index("user_id")
    table = users.loc[sorted(past["user_id"].unique()), ["age", "region"]].copy()
    by_user = past.groupby("user_id")["age_days"]
    table["recency_days"] = by_user.min()
    table["tenure_days"] = by_user.max()
    for days in WINDOWS_DAYS:
        add_window(table, past[past["age_days"] < days], days)
    add_shopping_habits(table, past)
    add_categories(table, past[past["age_days"] < max(WINDOWS_DAYS)], past, targets)
    return table


def add_window(table, rows, days):
    """Counts, baskets (days with a purchase), quantity, amount and variety of one window."""
    grouped = rows.groupby("user_id")
    features = {
        "purchases": grouped.size(),
        "baskets": grouped["day"].nunique(),
        "quantity": grouped["quantity"].sum(),
        "amount": grouped["amount"].sum(),
        "categories": grouped["category"].nunique(),
    }
    for name, values in features.items():
        table[f"{name}_{days}d"] = values.reindex(table.index).fillna(0)


def add_shopping_habits(table, past):
    """Basket size, gaps between baskets, weekend share, price of an item."""
    baskets = past.groupby(["user_id", "day"]).agg(amount=("amount", "sum"), items=("item", "size")).reset_index()
    grouped = baskets.groupby("user_id")
    table["basket_amount_mean"] = grouped["amount"].mean()
    table["basket_amount_max"] = grouped["amount"].max()
    table["basket_items_mean"] = grouped["items"].mean()
    gaps = baskets.assign(gap=grouped["day"].diff()).groupby("user_id")["gap"]
    table["gap_days_mean"], table["gap_days_std"] = gaps.mean(), gaps.std()
    weekend = ((baskets["day"] + 3) % 7 >= 5).groupby(baskets["user_id"]).mean()
    table["weekend_share"] = weekend
    sums = past.groupby("user_id")[["amount", "quantity"]].sum()
    table["unit_price_mean"] = sums["amount"] / sums["quantity"]


def add_categories(table, rows, past, targets):
    """Purchases of each frequent category, and the recency of the target categories."""
    frequent = rows["category"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    chosen = sorted(set(frequent.index[:TOP_CATEGORIES]) | set(targets))
    counts = rows[rows["category"].isin(chosen)].groupby(["user_id", "category"]).size().unstack(fill_value=0)
    for category in chosen:
        values = counts[category] if category in counts else pd.Series(dtype=float)
        table[f"bought_{category}"] = values.reindex(table.index).fillna(0)
    for target in targets:
        since = past[past["category"] == target].groupby("user_id")["age_days"].min()
        table[f"since_{target}"] = since.reindex(table.index)


def build_labels(folder, cutoff, horizon_days, users, targets):
    """Per target: 1 when the user buys that category in the `horizon_days` after the cut-off."""
    events, cutoff_day = read_events(folder), day_number(cutoff)
    after = events[(events["day"] > cutoff_day) & (events["day"] <= cutoff_day + horizon_days)]
    return {
        target: np.isin(users, after.loc[after["category"] == target, "user_id"].unique()).astype(np.uint8)
        for target in targets
    }
