"""Regenerates model1.csv, model2.csv and model3.csv: samples of three linear-Gaussian networks.

Needs numpy only. The legacy generator seeded with 37 gives the same numbers in every numpy version.
"""
import numpy as np

rng = np.random.RandomState(37)
COUNT = 1000
MODELS = [  # mean of x1, mean of x2, and x3 = intercept + slope1 * x1 + slope2 * x2 + noise
    (0.00, 1.00, 2.0, 0.80, -0.20),
    (0.85, 1.05, 2.0, 0.90, -0.25),
    (2.00, 5.00, 4.0, 0.80, -0.80),
]
for number, (mean1, mean2, intercept, slope1, slope2) in enumerate(MODELS, start=1):
    x1 = rng.normal(mean1, 1, COUNT)
    x2 = rng.normal(mean2, 1, COUNT)
    x3 = rng.normal(intercept + slope1 * x1 + slope2 * x2, 1, COUNT)
    rows = np.column_stack((x1, x2, x3))
    np.savetxt(f"model{number}.csv", rows, delimiter=",", header="x1,x2,x3", comments="", fmt="%.17g")
