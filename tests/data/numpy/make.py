"""Makes the arrays beside it. Needs NumPy only."""
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
TABLE = np.array([[1, 2, 3], [4, 5, 7], [8, 8, 9], [3, 1, 2]], dtype=float)

arrays = {
    "double": TABLE,
    "fortran": np.asfortranarray(TABLE),
    "single": TABLE.astype("<f4"),
    "big-endian": TABLE.astype(">f8"),
    "integer": TABLE.astype("<i8"),
    "byte": TABLE.astype("u1"),
    "line": np.array([0.5, -1.25, 3.0]),
    "cube": np.arange(8.0).reshape(2, 2, 2),
    "text": np.array(["one", "two"]),
    "not-finite": np.array([[1.0, 2.0], [np.nan, 4.0]]),
}
for name, array in arrays.items():
    np.save(HERE / f"{name}.npy", array)

np.savez(HERE / "histogram.npz", counts=np.array([1, 3, 2]), edges=np.array([0.0, 1.0, 2.0, 4.0]))
np.savez(
    HERE / "histogram-2d.npz",
    counts=np.arange(1.0, 10.0).reshape(3, 3),
    xedges=np.array([0.0, 1.0, 2.0, 3.0]),
    yedges=np.array([-1.0, 0.0, 5.0, 6.0]),
)
