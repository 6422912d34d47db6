"""Mixtures of Gaussians: what comes out of a fit, and what a divergence is asked about."""

from __future__ import annotations

from html import escape
from os import PathLike
from typing import Any, Iterable, Mapping, Sequence

import numpy as np

from . import _klfit, _like
from ._function import host
from .errors import MixtureError, UsageError

Array = np.ndarray


def _pairs(dim: int, names: Sequence[str]) -> str:
    return ", ".join(names) if dim <= 12 else f"{dim} coordinates"


class Mixture:
    """A mixture of K Gaussians in D dimensions; a Gaussian is one of K = 1.

    Args:
        weights: K weights that sum to 1.
        means: K means of D numbers, of shape (K, D).
        covariances: Covariances of shape (K, D, D), or …
        stds: … standard deviations of independent coordinates, of shape (K, D).
        names: What the coordinates are called; x1, x2, … by default.

    Raises:
        MixtureError: If they are none: the message says which component, and why.

    >>> import klfit
    >>> q = klfit.Mixture([0.25, 0.75], means=[[0.0], [4.0]], stds=[[1.0], [1.0]])
    >>> q
    <klfit.Mixture: 2 components in 1 dimension>
    >>> round(float(q.log_density([[4.0]])[0]), 6)
    -1.206509
    """

    __slots__ = ("_core", "names")

    def __init__(
        self,
        weights: Any,
        means: Any,
        covariances: Any = None,
        *,
        stds: Any = None,
        names: Sequence[str] | None = None,
    ) -> None:
        if (covariances is None) == (stds is None):
            raise MixtureError("a mixture needs covariances or stds", "give one of them")
        weights, means = np.atleast_1d(host(weights)), np.atleast_2d(host(means))
        if stds is not None:
            core = _klfit.Mixture.from_stds(weights, means, np.atleast_2d(host(stds)))
        else:
            covariances = host(covariances)
            if covariances.ndim == 2:
                covariances = covariances[None]
            core = _klfit.Mixture.from_covariances(weights, means, covariances)
        self._set(core, names)

    def _set(self, core: _klfit.Mixture, names: Sequence[str] | None) -> None:
        self._core = core
        dim = core.dim
        self.names = self._default_names(dim) if names is None else [str(name) for name in names]
        if len(self.names) != dim or len(set(self.names)) != dim:
            raise MixtureError(f"the names of {dim} coordinates are {self.names}", "give each one of its own")

    @staticmethod
    def _default_names(dim: int) -> list[str]:
        return ["x"] if dim == 1 else [f"x{i + 1}" for i in range(dim)]

    @classmethod
    def _of(cls, core: _klfit.Mixture, names: Sequence[str] | None = None) -> Mixture:
        mixture = cls.__new__(cls)
        mixture._set(core, names)
        return mixture

    @classmethod
    def of(cls, thing: Any) -> Mixture:
        """What says by its attributes that it is a mixture of Gaussians.

        Args:
            thing: scikit-learn's `GaussianMixture` or `BayesianGaussianMixture`, the mixtures and Gaussians of
                PyTorch, NumPyro and TensorFlow Probability, SciPy's frozen `norm` and `multivariate_normal`, a fit of
                klfit, or the path of a `.json`, `.npz` or the folder of a run.

        Raises:
            UsageError: If it is nothing of these.
        """
        if isinstance(thing, Mixture):
            return thing
        if not _like.is_frame(thing) and isinstance(getattr(thing, "mixture", None), Mixture):
            return thing.mixture
        if hasattr(thing, "fits") and len(thing.fits) == 1:
            return thing.fits[0].mixture
        if isinstance(thing, (str, PathLike)):
            return cls.read(thing)
        found = _like.parameters(thing)
        if found is None:
            raise UsageError(
                f"{type(thing).__name__} is no mixture of Gaussians that klfit knows",
                "give klfit.Mixture(weights, means, covariances), or a fitted GaussianMixture",
            )
        names = getattr(thing, "feature_names_in_", None)
        return cls(*found, names=names)

    @classmethod
    def read(cls, path: str | PathLike[str], fit: str | None = None) -> Mixture:
        """A mixture of a `.json` or `.npz` file, or of a fit in the folder of a run."""
        return cls._of(_klfit.Mixture.read(path, fit))

    @property
    def n_components(self) -> int:
        """K."""
        return self._core.components

    @property
    def dim(self) -> int:
        """D."""
        return self._core.dim

    @property
    def weights_(self) -> Array:
        """The weights, of shape (K,)."""
        return self._core.weights

    @property
    def means_(self) -> Array:
        """The means, of shape (K, D)."""
        return self._core.means

    @property
    def covariances_(self) -> Array:
        """The covariances, of shape (K, D, D)."""
        return self._core.covariances

    def mean(self) -> Array:
        """The mean of the whole, of shape (D,)."""
        return self._core.mean()

    def covariance(self) -> Array:
        """The covariance of the whole, of shape (D, D)."""
        return self._core.covariance()

    def _points(self, x: Any) -> Array:
        # Columns are told by their names, where they have these.
        if _like.is_frame(x) and set(self.names) <= set(x.columns):
            x = x[self.names].to_numpy()
        x = host(x)
        if x.ndim == 0 or (x.ndim == 1 and self.dim == 1):
            x = x.reshape(-1, 1)
        return np.atleast_2d(x)

    def log_density(self, x: Any) -> Array:
        """The log-density in nats at points of shape (N, D): of shape (N,)."""
        return self._core.log_density(self._points(x))

    def score_samples(self, x: Any) -> Array:
        """As `log_density`, by the name it has in scikit-learn."""
        return self.log_density(x)

    def responsibilities(self, x: Any) -> Array:
        """The shares of the components in the density at points of shape (N, D): of shape (N, K)."""
        return self._core.responsibilities(self._points(x))

    def predict(self, x: Any) -> Array:
        """The component with the largest share at each of N points, counted from 0: of shape (N,)."""
        return self.responsibilities(x).argmax(axis=1)

    def sample(self, n: int = 1, seed: int = 0) -> Array:
        """Independent draws, of shape (n, D); the same for the same seed."""
        return self._core.sample(n, seed)

    def _places(self, names: Iterable[int | str]) -> list[int]:
        def place(name: int | str) -> int:
            if isinstance(name, str):
                if name not in self.names:
                    raise UsageError(f'there is no coordinate "{name}"', f"there are {_pairs(self.dim, self.names)}")
                return self.names.index(name)
            if not -self.dim <= name < self.dim:
                raise UsageError(f"there is no coordinate {name}", f"count them from 0 to {self.dim - 1}")
            return name % self.dim

        return [place(name) for name in names]

    def marginal(self, keep: Iterable[int | str]) -> Mixture:
        """The mixture of some of its coordinates, by name or counted from 0."""
        places = self._places(keep)
        return self._of(self._core.marginal(places), [self.names[i] for i in places])

    def condition(self, given: Mapping[int | str, float]) -> Mixture:
        """The mixture of the other coordinates where some are known: by the Schur complement, with weights by the
        density of what is given."""
        places = self._places(given)
        core, _, _ = self._core.condition(list(zip(places, map(float, given.values()))))
        return self._of(core, [name for i, name in enumerate(self.names) if i not in places])

    def reduce(self, n_components: int) -> Mixture:
        """A mixture with fewer components, by Runnalls' merging and then down on KL(self‖reduced)."""
        return self._of(self._core.reduce(n_components)[0], self.names)

    def product(self, other: Any) -> Mixture:
        """The normalised product of the two densities."""
        return self._of(self._core.product(Mixture.of(other)._core)[0], self.names)

    def convolve(self, other: Any) -> Mixture:
        """The density of the sum of independent draws of both."""
        return self._of(self._core.convolve(Mixture.of(other)._core), self.names)

    def transform(self, a: Any, b: Any = None) -> Mixture:
        """The density of A x + b, with A of shape (E, D), E ≤ D."""
        a = np.atleast_2d(host(a))
        b = np.zeros(len(a)) if b is None else np.atleast_1d(host(b))
        is_diagonal = a.shape == (self.dim, self.dim) and not (a - np.diag(np.diagonal(a))).any()
        return self._of(self._core.transform(a, b), self.names if is_diagonal else None)

    def export(self, to: str, digits: int | None = None) -> str:
        """The source of a program that has this density: `sklearn`, `pytorch`, `jax`, `scipy`, `stan`, `c` or `latex`."""
        return self._core.export(to, self.names, digits)

    def to_sklearn(self) -> Any:
        """A fitted `sklearn.mixture.GaussianMixture`."""
        from sklearn.mixture import GaussianMixture

        found = GaussianMixture(self.n_components, covariance_type="full")
        found.weights_, found.means_, found.covariances_ = self.weights_, self.means_, self.covariances_
        lower = self._core.scale_trils
        # scikit-learn's factor U of the precision, U Uᵀ = Σ⁻¹, is upper triangular: L⁻ᵀ.
        found.precisions_cholesky_ = np.stack([np.linalg.inv(one).T for one in lower])
        found.precisions_ = np.stack([one @ one.T for one in found.precisions_cholesky_])
        found.n_features_in_ = self.dim
        if self.names != self._default_names(self.dim):
            found.feature_names_in_ = np.array(self.names, dtype=object)
        found.converged_, found.n_iter_ = True, 0
        found.lower_bound_ = float("nan")
        return found

    def to_torch(self, dtype: Any = None, device: Any = None) -> Any:
        """A `torch.distributions.MixtureSameFamily` of `MultivariateNormal`."""
        import torch

        def tensor(values: Array) -> Any:
            return torch.tensor(values, dtype=dtype or torch.float64, device=device)

        distributions = torch.distributions
        return distributions.MixtureSameFamily(
            distributions.Categorical(tensor(self.weights_)),
            distributions.MultivariateNormal(tensor(self.means_), scale_tril=tensor(self._core.scale_trils)),
        )

    def to_scipy(self) -> Any:
        """SciPy's frozen `multivariate_normal`, where K = 1; else a list of (weight, frozen component)."""
        from scipy.stats import multivariate_normal

        parts = [multivariate_normal(mean, cov) for mean, cov in zip(self.means_, self.covariances_)]
        return parts[0] if len(parts) == 1 else list(zip(map(float, self.weights_), parts))

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self.weights_, self.means_, self._core.scale_trils, self.names)

    def _repr_html_(self) -> str:
        shown = min(self.dim, 8)
        stds = np.sqrt(np.diagonal(self.covariances_, axis1=1, axis2=2))
        head = "".join(f"<th>{escape(name)}</th>" for name in self.names[:shown])
        rows = "".join(
            f"<tr><td>{weight:.4g}</td>{''.join(f'<td>{m:.4g} ± {s:.2g}</td>' for m, s in zip(mean[:shown], std))}</tr>"
            for weight, mean, std in zip(self.weights_, self.means_, stds)
        )
        more = "" if shown == self.dim else f", the first {shown} of {self.dim}"
        caption = f"means ± standard deviations of components{more}"
        return f"<table><caption>{caption}</caption><tr><th>weight</th>{head}</tr>{rows}</table>"

    def __repr__(self) -> str:
        def count(n: int, what: str) -> str:
            return f"{n} {what}{'' if n == 1 else 's'}"

        return f"<klfit.Mixture: {count(self.n_components, 'component')} in {count(self.dim, 'dimension')}>"


def _unpickled(weights: Array, means: Array, scale_trils: Array, names: list[str]) -> Mixture:
    return Mixture._of(_klfit.Mixture.from_scale_trils(weights, means, scale_trils), names)
