"""Prints KL and JS of full.json and tied.json by Monte Carlo with scikit-learn, as is often advised.

Each with its standard error; 100000 draws of each mixture. Needs scikit-learn 1.x.
"""
import json
from pathlib import Path

import numpy as np
from sklearn.mixture import GaussianMixture
from sklearn.mixture._gaussian_mixture import _compute_precision_cholesky

HERE = Path(__file__).parent
COUNT = 100_000


def load(kind, seed):
    saved = json.loads((HERE / f"{kind}.json").read_text())
    model = GaussianMixture(len(saved["weights_"]), covariance_type=kind, random_state=seed)
    for name in ["weights_", "means_", "covariances_"]:
        setattr(model, name, np.array(saved[name]))
    model.precisions_cholesky_ = _compute_precision_cholesky(model.covariances_, kind)
    return model


p, q = load("full", 0), load("tied", 1)
x, y = p.sample(COUNT)[0], q.sample(COUNT)[0]
ratio = p.score_samples(x) - q.score_samples(x)
print("kl", ratio.mean(), ratio.std(ddof=1) / COUNT**0.5)


def to_middle(own, points):
    """log of one density over that of half of each, at draws of it."""
    logs = [model.score_samples(points) for model in (p, q)]
    return logs[own] - np.logaddexp(*logs) + np.log(2)


sides = [to_middle(0, x), to_middle(1, y)]
mean = sum(side.mean() for side in sides) / 2
error = (sum(side.var(ddof=1) for side in sides) / COUNT) ** 0.5 / 2
print("js", mean, error)
