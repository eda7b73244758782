"""Generated tables: an ad-audience-like one with categoricals, and a dense continuous one.

The mixed table comes from the `make_data` of a bench_peers.py when its path is
given, else from the small generator below, which has the same kinds of columns.
"""
import importlib.util

import numpy as np

CATEGORY_EFFECTS = {  # name -> (number of values, spread of the effect on the label)
    "age_band": (7, 0.4), "gender": (3, 0.2), "region": (85, 0.45), "device": (4, 0.3), "channel": (8, 0.0),
}


def load_make_data(peers_bench):
    """The `make_data(rows, features, seed, positive_rate)` to use."""
    if not peers_bench:
        return own_make_data
    spec = importlib.util.spec_from_file_location("peers_bench", peers_bench)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_data


def labels_at_rate(random, score, positive_rate):
    """Bernoulli labels whose log-odds are `score` plus the intercept that gives the rate."""
    low, high = -40.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        if (1 / (1 + np.exp(-(score + middle)))).mean() > positive_rate:
            high = middle
        else:
            low = middle
    probability = 1 / (1 + np.exp(-(score + low)))
    return (random.random(len(score)) < probability).astype(np.uint8), probability.astype(np.float32)


def own_make_data(rows, features, seed, positive_rate):
    """Categoricals, recencies with gaps, zero-inflated counts, amounts, rates and noise.

    Returns (matrix, labels, names, categorical positions, true probabilities)."""
    random = np.random.default_rng(seed)
    columns, names = [], []

    def put(name, values):
        names.append(name)
        columns.append(np.asarray(values, dtype=np.float32))

    activity = random.gamma(0.6, 1.0, rows)
    affinity = random.normal(0, 1, rows)
    score = 1.1 * affinity + 0.7 * np.log1p(4 * activity)
    for name, (size, spread) in CATEGORY_EFFECTS.items():
        codes = np.minimum(random.zipf(1.35, rows) - 1, size - 1) if size > 20 else random.integers(0, size, rows)
        score += random.normal(0, spread, size)[codes]
        put(name, codes)
    recency = random.exponential(30, rows) / (0.2 + activity)
    put("recency_days", np.where(random.random(rows) < np.exp(-2 * activity), np.nan, recency))
    put("tenure_days", random.integers(1, 2000, rows))
    makers = [_counts, _counts, _amounts, _recency, _rate, _noise]
    number = 0
    while len(names) < features:
        name, values, effect = makers[number % len(makers)](random, activity, affinity, number)
        put(f"{name}_{number}", values)
        score += effect
        number += 1
    labels, probability = labels_at_rate(random, 1.2 * score, positive_rate)
    matrix = np.empty((rows, len(columns)), dtype=np.float32)
    for position, values in enumerate(columns):
        matrix[:, position] = values
    return matrix, labels, names, list(range(len(CATEGORY_EFFECTS))), probability


def _counts(random, activity, affinity, number):
    strength = 0.5 if number % 6 == 0 else 0.1
    counts = random.poisson(activity * np.exp(strength * affinity) * (0.05 + 0.6 * random.random()))
    return "count", counts, (0.25 if number % 6 == 0 else 0.0) * np.log1p(counts)


def _amounts(random, activity, affinity, number):
    bought = random.poisson(0.3 * activity)
    amounts = np.where(bought > 0, bought * random.lognormal(3.0, 0.9, len(activity)), 0)
    return "amount", amounts, 0.08 * np.log1p(amounts)


def _recency(random, activity, affinity, number):
    gaps = random.random(len(activity)) < 0.7
    return "since", np.where(gaps, np.nan, random.exponential(60, len(activity))), 0.0


def _rate(random, activity, affinity, number):
    rates = random.beta(1 + activity.clip(0, 5), 6)
    return "rate", rates, 0.4 * rates


def _noise(random, activity, affinity, number):
    return "noise", random.normal(0, 1, len(activity)), 0.0


def make_dense(rows, features, seed, positive_rate):
    """Standard-normal columns: no zeros, no gaps, as many distinct values as rows."""
    random = np.random.default_rng(seed)
    matrix = random.standard_normal((rows, features), dtype=np.float32)
    used = min(features, 20)
    score = matrix[:, :used] @ random.normal(0, 0.25, used).astype(np.float32)
    score += 0.5 * np.abs(matrix[:, 0]) + 0.4 * matrix[:, 1 % features] * matrix[:, 2 % features]
    score += 0.5 * (matrix[:, 3 % features] > 0.5) * (matrix[:, 4 % features] > 0)
    labels, probability = labels_at_rate(random, score.astype(np.float64), positive_rate)
    names = [f"normal_{number}" for number in range(features)]
    return matrix, labels, names, [], probability
