"""How much LightGBM's AUC depends on nothing but the order of rows and columns.

Example, after speed.py has written its tables:
  order_noise.py --table target/peers/speed-data/dense-1000000-50-0.01-1-synthetic

A difference between two engines that is smaller than this says nothing about either.
"""
import argparse
from pathlib import Path

import lightgbm
import numpy as np
from sklearn.metrics import roc_auc_score

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--table", type=Path, required=True, help="a folder that speed.py wrote, without categories")
parser.add_argument("--orders", type=int, default=4)
parser.add_argument("--threads", type=int, default=1)
options = parser.parse_args()

train_x, train_y, test_x, test_y = (np.load(options.table / f"{part}.npy")
                                    for part in ("train_x", "train_y", "test_x", "test_y"))
settings = dict(objective="binary", num_leaves=31, learning_rate=0.1, lambda_l2=1, min_sum_hessian_in_leaf=1,
                num_threads=options.threads, verbose=-1)
for seed in range(1, options.orders + 1):
    generator = np.random.default_rng(seed)
    columns, rows = generator.permutation(train_x.shape[1]), generator.permutation(len(train_y))
    shuffled = lightgbm.Dataset(np.ascontiguousarray(train_x[rows][:, columns]), train_y[rows])
    model = lightgbm.train(dict(settings, data_random_seed=seed), shuffled, 200)
    scores = model.predict(test_x[:, columns], num_threads=options.threads)
    print(f"order {seed}: AUC {roc_auc_score(test_y, scores):.5f}", flush=True)
