"""The peer libraries behind one call: fit a matrix, get a function that predicts.

Categories come as codes in the f32 matrix. "native" hands them over as categories,
"ordinal" as plain numbers.
"""
import importlib
import importlib.metadata
import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # no spinning: the cores may be shared

import numpy as np

SEED = 1

# name -> (library, native categories?, settings); "trees" counts the rounds.
DEFAULTS = {
    "lightgbm": dict(trees=100),
    "xgboost": dict(trees=100, tree_method="hist"),
    "catboost": dict(trees=1000),
    "hessboost": dict(trees=100, tree_method="hist"),
}
MATCHED = {
    "lightgbm": dict(trees=200, num_leaves=31, learning_rate=0.1, lambda_l2=1.0, min_sum_hessian_in_leaf=1.0),
    "xgboost": dict(trees=200, tree_method="hist", grow_policy="lossguide", max_leaves=31, max_depth=0, eta=0.1,
                    reg_lambda=1.0, min_child_weight=1.0),
    "catboost": dict(trees=200, depth=6, learning_rate=0.1, l2_leaf_reg=1.0),
    "hessboost": dict(trees=200, tree_method="hist", grow_policy="lossguide", max_leaves=31, max_depth=0, eta=0.1,
                      reg_lambda=1.0, min_child_weight=1.0),
}
LIGHTGBM_TABLE = dict(trees=200, num_leaves=31, learning_rate=0.1)  # its own regularisation


def import_library(library):
    """Loads the library; before the memory is read, so that its code does not count."""
    return importlib.import_module(library)


def version(library):
    """The installed version."""
    return importlib.metadata.version(library)


def fit(library, matrix, labels, categorical, settings, threads):
    """Trains; returns a function from rows to probabilities."""
    settings = dict(settings)
    trees = settings.pop("trees")
    return FITTERS[library](matrix, labels, list(categorical), settings, trees, threads)


def fit_lightgbm(matrix, labels, categorical, settings, trees, threads):
    """LightGBM's native interface."""
    import lightgbm

    parameters = dict(objective="binary", num_threads=threads, verbose=-1, seed=SEED, **settings)
    data = lightgbm.Dataset(
        matrix, labels, categorical_feature=categorical or "auto", params=parameters, free_raw_data=False
    )
    model = lightgbm.train(parameters, data, trees)

    def predict(rows):
        return model.predict(rows, num_threads=threads)

    predict.model = model
    return predict


def feature_types(matrix, categorical):
    """XGBoost's letters for the columns."""
    return ["c" if position in categorical else "q" for position in range(matrix.shape[1])]


def fit_xgboost(matrix, labels, categorical, settings, trees, threads):
    """XGBoost on its own quantile matrix, as its docs advise for hist."""
    import xgboost

    types = feature_types(matrix, categorical)
    parameters = dict(objective="binary:logistic", nthread=threads, seed=SEED, **settings)
    data = xgboost.QuantileDMatrix(
        matrix, labels, feature_types=types, enable_categorical=bool(categorical), nthread=threads
    )
    model = xgboost.train(parameters, data, trees)

    def predict(rows):
        if not categorical:
            return model.inplace_predict(rows)
        shaped = xgboost.DMatrix(rows, feature_types=types, enable_categorical=True, nthread=threads)
        return model.predict(shaped)

    return predict


def fit_hessboost(matrix, labels, categorical, settings, trees, threads):
    """hessboost's DMatrix interface."""
    import hessboost

    types = feature_types(matrix, categorical)
    data = hessboost.DMatrix(matrix, label=labels.astype(np.float32), feature_types=types)
    parameters = dict(objective="binary:logistic", nthread=threads, seed=SEED, max_bin=256, **settings)
    model = hessboost.train(parameters, data, trees, verbose_eval=False)
    return lambda rows: model.predict(hessboost.DMatrix(rows, feature_types=types))


def fit_catboost(matrix, labels, categorical, settings, trees, threads):
    """CatBoost; categories as texts, numbers as f32."""
    import catboost

    model = catboost.CatBoostClassifier(
        iterations=trees, thread_count=threads, random_seed=SEED, verbose=False, allow_writing_files=False, **settings
    )
    model.fit(catboost_pool(matrix, categorical, labels, threads))

    def predict(rows):
        shaped = catboost_pool(rows, categorical, None, threads) if categorical else rows
        return model.predict_proba(shaped, thread_count=threads)[:, 1]

    return predict


def catboost_pool(matrix, categorical, labels, threads):
    """Numbers and category texts in CatBoost's fastest Python form."""
    import catboost

    if not categorical:
        return catboost.Pool(matrix, labels, thread_count=threads)
    numeric = [position for position in range(matrix.shape[1]) if position not in categorical]
    codes = np.nan_to_num(matrix[:, categorical], nan=-1).astype(np.int32)
    size = int(codes.max()) + 2
    texts = np.array([str(code).encode() for code in range(-1, size)], dtype=object)
    data = catboost.FeaturesData(
        num_feature_data=np.ascontiguousarray(matrix[:, numeric]) if numeric else None,
        cat_feature_data=texts[codes + 1],
    )
    return catboost.Pool(data, labels, thread_count=threads)


FITTERS = {
    "lightgbm": fit_lightgbm,
    "xgboost": fit_xgboost,
    "hessboost": fit_hessboost,
    "catboost": fit_catboost,
}
