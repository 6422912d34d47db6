"""What other packages call a mixture, and rows: told by their attributes, without importing them."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from ._function import host
from .errors import UsageError

Array = np.ndarray


def _called(value: Any) -> Any:
    """A number that some packages give as an attribute, and some as a method."""
    return value() if callable(value) else value


def _matrices(weights: Array, means: Array, kind: str, given: Any) -> Array:
    """The covariances (K, D, D) of scikit-learn's kinds."""
    given = host(given)
    count, dim = means.shape
    if kind == "full":
        return given
    if kind == "tied":
        return np.broadcast_to(given, (count, dim, dim)).copy()
    if kind == "diag":
        return np.stack([np.diag(row) for row in given])
    return np.stack([value * np.eye(dim) for value in given])


def _of_components(parts: Any) -> tuple[Array, Array] | None:
    """Means (…, D) and covariances (…, D, D) of a Gaussian, or of a batch of them."""
    base = getattr(parts, "base_dist", None)
    if base is None:
        base = getattr(parts, "distribution", None)
    if base is not None and type(base).__name__ == "Normal":
        loc, scale = np.broadcast_arrays(host(base.loc), host(base.scale))
        return loc, scale[..., None] ** 2 * np.eye(loc.shape[-1])
    name = type(parts).__name__
    is_gaussian = name.startswith("MultivariateNormal") or name == "LowRankMultivariateNormal"
    if is_gaussian and hasattr(parts, "covariance_matrix"):
        loc = host(parts.loc)
        covariance = host(parts.covariance_matrix)
        return loc, np.broadcast_to(covariance, (*loc.shape, loc.shape[-1]))
    if is_gaussian:
        covariance = host(_called(parts.covariance))
        return np.broadcast_to(host(parts.loc), covariance.shape[:-1]), covariance
    if name == "Normal":
        loc, scale = np.broadcast_arrays(host(parts.loc), host(parts.scale))
        return loc[..., None], scale[..., None, None] ** 2
    return None


def _of_mixture(thing: Any) -> tuple[Array, Array, Array] | None:
    """Of the mixtures of PyTorch, NumPyro and TensorFlow Probability."""
    for mixing in ("mixture_distribution", "mixing_distribution"):
        shares = getattr(thing, mixing, None)
        if shares is not None:
            break
    else:
        return None
    parts = getattr(thing, "component_distribution", getattr(thing, "components_distribution", None))
    found = _of_components(parts) if parts is not None else None
    if found is None:
        raise UsageError(
            f"{type(thing).__name__} has components that are no Gaussians: {type(parts).__name__}",
            "take MultivariateNormal, Independent(Normal) or Normal",
        )
    weights = getattr(shares, "probs", None)
    if weights is None or callable(weights):
        weights = shares.probs_parameter()
    means, covariances = found
    weights = host(weights)
    return weights / weights.sum(), means, covariances


def _of_scipy(thing: Any) -> tuple[Array, Array, Array] | None:
    """Of SciPy's frozen `norm` and `multivariate_normal`."""
    distribution = getattr(thing, "dist", None)
    if getattr(distribution, "name", None) == "norm":
        return np.ones(1), np.array([[thing.mean()]]), np.array([[[thing.var()]]])
    if type(thing).__name__ == "multivariate_normal_frozen":
        mean = np.atleast_1d(host(thing.mean))
        return np.ones(1), mean[None], host(thing.cov_object.covariance).reshape(1, len(mean), len(mean))
    return None


def is_frame(thing: Any) -> bool:
    """Whether it is a data frame: its columns are no attributes of a mixture, whatever they are called."""
    return hasattr(thing, "columns") and hasattr(thing, "to_numpy")


def parameters(thing: Any) -> tuple[Array, Array, Array] | None:
    """Weights (K,), means (K, D) and covariances (K, D, D) of what says by its attributes that it is a mixture."""
    if is_frame(thing):
        return None
    if all(hasattr(thing, name) for name in ("weights_", "means_", "covariances_")):
        weights, means = host(thing.weights_), host(thing.means_)
        kind = getattr(thing, "covariance_type", "full")
        return weights, means, _matrices(weights, means, kind, thing.covariances_)
    found = _of_mixture(thing) or _of_scipy(thing)
    if found is not None or not hasattr(thing, "log_prob"):
        return found
    one = _of_components(thing)
    if one is None:
        return None
    means, covariances = one
    if means.ndim != 1:
        raise UsageError(
            f"{type(thing).__name__} is a batch of shape {means.shape[:-1]}", "give one of them, or a mixture of them"
        )
    return np.ones(1), means.reshape(1, -1), covariances.reshape(1, means.size, means.size)


def rows(thing: Any) -> tuple[list[str] | None, Array] | None:
    """Names of columns, where there are some, and rows (N, D) of an array or a data frame."""
    if isinstance(thing, (str, bytes, PathLike, dict)) or callable(thing):
        return None
    columns = getattr(thing, "columns", None)
    to_numpy = getattr(thing, "to_numpy", None)
    if not (to_numpy or hasattr(thing, "__array__") or isinstance(thing, (list, tuple))):
        return None
    try:
        values = host(to_numpy() if to_numpy else thing)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the rows are no numbers: {error}", "leave out the columns that are none, or code them as numbers"
        ) from error
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2:
        raise UsageError(f"the rows have the shape {values.shape}", "give N rows of D numbers, of shape (N, D)")
    names = None
    if columns is not None and len(columns) == values.shape[1]:
        names = [str(name) for name in columns]
        _check(names)
    elif getattr(thing, "name", None) is not None and values.shape[1] == 1:
        names = [str(thing.name)]
    return names, values


def _check(names: list[str]) -> None:
    """Refuses columns that could not be told apart."""
    twice = [name for name in names if names.count(name) > 1 or not name.strip()]
    if twice:
        raise UsageError(f"the rows have columns {twice}", "give every column a name of its own")
