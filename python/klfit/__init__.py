"""Fit Gaussians and mixtures of Gaussians to a density, and say how sure every number is.

>>> import klfit
>>> p = klfit.Mixture([0.5, 0.5], means=[[-2.0], [2.0]], stds=[[1.0], [1.0]])
>>> found = klfit.fit(p, divergence="reverse-kl", restarts=4, optimizer="lbfgs")
>>> round(float(found.divergence), 6)
0.226508

All logarithms are natural, and divergences in nats.
"""

from __future__ import annotations

from typing import Any

from ._estimates import Estimate
from ._function import jax, torch
from ._klfit import __version__
from .divergences import Answer, Matrix, divergence, entropy, kl, matrix
from .errors import (
    ConfigError,
    Error,
    FigureError,
    FileError,
    FunctionError,
    MixtureError,
    NumericalError,
    RunFolderError,
    UsageError,
)
from .experiments import experiment, fit, run, sweep
from .figures import Figure
from .mixture import Mixture
from .results import Fit, Run, Sweep, SweepPoint, Table

__all__ = [
    "Answer",
    "ConfigError",
    "Error",
    "Estimate",
    "Figure",
    "FigureError",
    "FileError",
    "Fit",
    "FunctionError",
    "GaussianMixture",
    "Matrix",
    "Mixture",
    "MixtureError",
    "NumericalError",
    "Run",
    "RunFolderError",
    "Sweep",
    "SweepPoint",
    "Table",
    "UsageError",
    "__version__",
    "divergence",
    "entropy",
    "experiment",
    "fit",
    "jax",
    "kl",
    "matrix",
    "run",
    "sweep",
    "torch",
]


def __getattr__(name: str) -> Any:
    # scikit-learn takes longer to import than all else.
    if name == "GaussianMixture":
        from ._estimator import GaussianMixture

        return GaussianMixture
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
