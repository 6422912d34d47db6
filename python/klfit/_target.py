"""What is fitted to: the section `[target]` of a config, of whatever a user holds."""

from __future__ import annotations

import itertools
from os import PathLike, fspath
from typing import Any, Mapping, Sequence

import numpy as np

from . import _klfit, _like
from ._function import host
from .errors import UsageError
from .mixture import Mixture

#: Ends of names of files that hold a target.
_FILES = (".json", ".npz", ".csv", ".npy", ".parquet", ".arrow", ".feather")

_numbers = itertools.count(1)


class Target:
    """A target as a config has it.

    Attributes:
        section: Its keys.
        given: What the section names that is no file; it must be kept for as long as the config is used.
    """

    def __init__(self, section: dict[str, Any], given: Any = None) -> None:
        self.section = section
        self.given = given

    def __repr__(self) -> str:
        return f"<target of {', '.join(self.section)}>"


def _unique(name: str) -> str:
    """A name that nothing else in this process is given by."""
    return f"{name}-{next(_numbers)}"


def of(
    thing: Any,
    *,
    sample_weight: Any = None,
    weight_kind: str = "importance",
    dim: int | None = None,
    variables: Sequence[str] | None = None,
    support: Mapping[str, Any] | None = None,
) -> Target:
    """The target that a thing is: a mixture, rows, a function, a formula, a file, or the keys of `[target]`."""
    coordinates = {"dim": dim, "variables": variables and list(variables), "support": support and dict(support)}
    coordinates = {key: value for key, value in coordinates.items() if value is not None}
    if isinstance(thing, Target):
        return thing
    if isinstance(thing, Mapping):
        section = {**thing, **coordinates}
        if callable(section.get("function")):
            return _of_function(section.pop("function"), section)
        return Target(section)
    if isinstance(thing, Mixture) or isinstance(getattr(thing, "mixture", None), Mixture):
        return _of_mixture(Mixture.of(thing))
    if _like.parameters(thing) is not None:
        return _of_mixture(Mixture.of(thing))
    found = _like.rows(thing)
    if found is not None:
        return _of_rows(*found, sample_weight, weight_kind)
    if sample_weight is not None:
        raise UsageError("sample_weight is of rows, and the target is none", "leave it out")
    if callable(thing):
        return _of_function(thing, coordinates)
    if isinstance(thing, (str, PathLike)):
        text = fspath(thing)
        if text.endswith(_FILES):
            return Target({"file": text})
        return Target({"log_density": text, **coordinates})
    raise UsageError(
        f"{type(thing).__name__} is no target that klfit knows",
        "give a mixture, rows of shape (N, D), a function of points (S, D), a formula, or a file",
    )


def _of_function(function: Any, section: Mapping[str, Any]) -> Target:
    name = _unique(getattr(function, "__name__", "log_density").strip("<>"))
    return Target({"function": name, **section}, _klfit.Given.function(name, function))


def _of_mixture(mixture: Mixture) -> Target:
    section = {
        "names": mixture.names,
        "weights": mixture.weights_.tolist(),
        "means": mixture.means_.tolist(),
        "covariances": mixture.covariances_.tolist(),
    }
    return Target(section)


def _of_rows(names: list[str] | None, rows: np.ndarray, sample_weight: Any, weight_kind: str) -> Target:
    dim = rows.shape[1]
    names = names or (["x"] if dim == 1 else [f"x{i + 1}" for i in range(dim)])
    columns, section = list(names), {}
    if sample_weight is not None:
        weights = host(sample_weight).reshape(-1, 1)
        if len(weights) != len(rows):
            raise UsageError(f"there are {len(weights)} weights for {len(rows)} rows", "give one for each row")
        rows = np.concatenate([rows, weights], axis=1)
        column = "weight"
        while column in columns:
            column += "_"
        columns.append(column)
        section = {"weights": column, "weight_kind": weight_kind}
    given = _klfit.Given.table(_unique("rows"), columns, np.ascontiguousarray(rows))
    return Target({"type": "samples", "file": given.path, **section}, given)
