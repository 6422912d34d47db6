"""`GaussianMixture` with scikit-learn's habits."""

from __future__ import annotations

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from . import _klfit
from .mixture import Mixture

#: What scikit-learn calls the forms of covariances, and what klfit does.
_COVARIANCES = {"full": "full", "diag": "diagonal", "spherical": "isotropic"}


class GaussianMixture(DensityMixin, BaseEstimator):
    """The mixture of Gaussians of the largest likelihood, by expectation–maximisation from several k-means starts.

    What scikit-learn's `GaussianMixture` does, with sample weights. No standard deviation falls below 1e-3 of that of
    all rows, so that no component collapses on a row; scikit-learn adds `reg_covar` to the variances for that.

    Args:
        n_components: K.
        covariance_type: `"full"`, `"diag"` or `"spherical"`.
        tol: A change of the mean log-likelihood over ten steps at which starts are compared; the best goes on alone, until
            it changes less than a thousandth of that.
        n_init: How many starts there are.
        max_iter: Steps of each at most.
        random_state: Of the starts.

    Attributes:
        weights_: The weights, of shape (K,).
        means_: The means, of shape (K, D).
        covariances_: The covariances, of shape (K, D, D), (K, D) or (K,) by their type.
        mixture_: All of them as a `klfit.Mixture`.
        lower_bound_: The mean log-likelihood of a row in nats.
        n_iter_: Steps of the best start.
        converged_: Whether it came to rest within `max_iter`.
    """

    mixture_: Mixture
    weights_: np.ndarray
    means_: np.ndarray
    covariances_: np.ndarray

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        n_init: int = 10,
        max_iter: int = 1000,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.n_init = n_init
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> GaussianMixture:
        """Fits it to rows of shape (N, D), with a weight of each where there are some; `y` is not looked at."""
        for name in ("n_components", "n_init", "max_iter"):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < 1:
                raise ValueError(f"{name} is {value!r}; give a whole number from 1 on")
        if not (isinstance(self.tol, Real) and 0.0 < self.tol < np.inf):
            raise ValueError(f"tol is {self.tol!r}; give a number above 0")
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        if self.covariance_type not in _COVARIANCES:
            known = ", ".join(_COVARIANCES)
            raise ValueError(f"covariance_type is {self.covariance_type!r}; take one of {known}")
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
            # What has no weight is not there.
            rows, weights = rows[weights > 0.0], weights[weights > 0.0]
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        core, likelihood, steps, is_at_rest = _klfit.estimate(
            rows,
            weights,
            components=int(self.n_components),
            covariance=_COVARIANCES[self.covariance_type],
            starts=int(self.n_init),
            steps=int(self.max_iter),
            tolerance=float(self.tol),
            seed=int(seed),
        )
        self.mixture_ = Mixture._of(core, getattr(self, "feature_names_in_", None))
        self.weights_, self.means_ = core.weights, core.means
        full = core.covariances
        diagonals = np.diagonal(full, axis1=1, axis2=2)
        self.covariances_ = {"full": full, "diag": diagonals.copy(), "spherical": diagonals[:, 0].copy()}[
            self.covariance_type
        ]
        self.lower_bound_, self.n_iter_, self.converged_ = likelihood, steps, is_at_rest
        if not is_at_rest:
            warnings.warn(f"not at rest after {steps} steps; give more by max_iter", ConvergenceWarning, stacklevel=2)
        return self

    def _rows(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return validate_data(self, X, reset=False, dtype=np.float64)

    def score_samples(self, X: Any) -> np.ndarray:
        """The log-density in nats of each row."""
        rows = self._rows(X)
        return self.mixture_.log_density(rows)

    def score(self, X: Any, y: Any = None) -> float:
        """The mean log-density of the rows, in nats."""
        return float(self.score_samples(X).mean())

    def predict_proba(self, X: Any) -> np.ndarray:
        """The shares of the components in the density of each row, of shape (N, K)."""
        rows = self._rows(X)
        return self.mixture_.responsibilities(rows)

    def predict(self, X: Any) -> np.ndarray:
        """The component with the largest share at each row, counted from 0."""
        return self.predict_proba(X).argmax(axis=1)

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None) -> np.ndarray:
        """`fit`, then `predict` of the same rows."""
        return self.fit(X, y, sample_weight).predict(X)

    def sample(self, n_samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Draws of shape (n, D), and the component with the largest share at each."""
        check_is_fitted(self)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        draws = self.mixture_.sample(n_samples, seed=int(seed))
        return draws, self.mixture_.predict(draws)

    def _n_parameters(self) -> int:
        """Free parameters."""
        count, dim = self.means_.shape
        of_covariances = {"full": dim * (dim + 1) // 2, "diag": dim, "spherical": 1}[self.covariance_type]
        return count * (of_covariances + dim + 1) - 1

    def bic(self, X: Any) -> float:
        """Schwarz's criterion of the rows; less is better."""
        return -2.0 * self.score(X) * len(X) + self._n_parameters() * float(np.log(len(X)))

    def aic(self, X: Any) -> float:
        """Akaike's criterion of the rows; less is better."""
        return -2.0 * self.score(X) * len(X) + 2.0 * self._n_parameters()
