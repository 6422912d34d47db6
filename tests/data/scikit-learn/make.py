"""Makes the files beside it: mixtures fitted by scikit-learn, and what it says of their densities.

Needs scikit-learn 1.x. The fits are of K = 2 components in D = 3 dimensions.
"""
import json
from pathlib import Path

import numpy as np
from sklearn.mixture import GaussianMixture

HERE = Path(__file__).parent
ATTRIBUTES = ["weights_", "means_", "covariances_", "covariance_type"]

rng = np.random.default_rng(0)
slopes = np.array([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [-0.3, 0.5, 1.2]])
data = np.concatenate([
    rng.normal(size=(120, 3)) @ slopes.T + [-2.0, 0.0, 1.0],
    rng.normal(size=(80, 3)) * [0.5, 1.5, 0.8] + [2.0, 1.0, -1.0],
])
points = data[::40]


def fit(kind, data):
    return GaussianMixture(2, covariance_type=kind, random_state=0).fit(data)


expected = {"points": points.tolist(), "log_density": {}}
for kind in ["full", "tied", "diag", "spherical"]:
    model = fit(kind, data)
    attributes = {name: getattr(model, name) for name in ATTRIBUTES}
    np.savez(HERE / f"{kind}.npz", **attributes)
    as_lists = {name: np.asarray(value).tolist() for name, value in attributes.items()}
    (HERE / f"{kind}.json").write_text(json.dumps(as_lists) + "\n")
    expected["log_density"][kind] = model.score_samples(points).tolist()

# A fit in single precision, compressed, with the means in Fortran's order and no type.
model = fit("full", data.astype(np.float32))
np.savez_compressed(
    HERE / "single.npz",
    weights_=model.weights_,
    means_=np.asfortranarray(model.means_),
    covariances_=model.covariances_,
)
expected["log_density"]["single"] = model.score_samples(points.astype(np.float32)).tolist()
print("single precision:", model.covariances_.dtype, "asymmetry",
      np.abs(model.covariances_ - model.covariances_.transpose(0, 2, 1)).max())

(HERE / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
