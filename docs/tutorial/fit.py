import json

import numpy as np
from sklearn.mixture import GaussianMixture

columns = ["bill_length_mm", "bill_depth_mm"]
rows = np.genfromtxt("penguins.csv", delimiter=",", names=True, missing_values="NA")
rows = np.column_stack([rows[name] for name in columns])
rows = rows[~np.isnan(rows).any(axis=1)]

for name, components in [("six", 6), ("three", 3)]:
    gm = GaussianMixture(components, random_state=0, n_init=20, tol=1e-8, max_iter=2000).fit(rows)
    saved = {key: getattr(gm, key) for key in ["weights_", "means_", "covariances_"]}
    saved = {key: value.round(6).tolist() for key, value in saved.items()}
    with open(f"{name}.json", "w") as file:
        json.dump({"covariance_type": "full", "feature_names_in_": columns, **saved}, file, indent=1)
