"""What is fitted to: the section `[target]` of a config, of whatever a user holds."""

from __future__ import annotations

import itertools
import re
import threading
import uuid
import weakref
from os import PathLike, fspath
from os.path import abspath, isdir
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

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

    def __init__(self, section: dict[str, Any], given: Any = None, function: Any = None, table: Any = None) -> None:
        self.section = section
        self.given = given
        self._function = function
        self._table = table
        self._token: str | None = None

    def __reduce__(self) -> tuple[Callable[..., Target], tuple[Any, ...]]:
        """As another process takes it: what was given by a name is given there by the same one."""
        if self.given is None:
            return Target, (self.section,)
        self._token = self._token or uuid.uuid4().hex
        return _restored, (self._token, self.section, self.given.name, self._function, self._table)

    def go_on(self, out: str) -> bool:
        """Takes the name that its function had in the run, or the sweep, that has begun in a folder, if one has."""
        for path in (Path(out) / "config.toml", *Path(out).glob("*/config.toml")):
            try:
                begun = re.search(r'^function = "([^"\\]*)"$', path.read_text(encoding="utf-8"), re.MULTILINE)
            except OSError:
                continue
            return begun is not None and self._rename(begun[1])
        return False

    def name_for_others(self) -> None:
        """Gives its function a name that no other process has for another."""
        if self._function is not None:
            self._rename(f"{self.section['function']}-{uuid.uuid4().hex[:12]}")

    def _rename(self, name: str) -> bool:
        if self._function is None:
            return False
        if name != self.section["function"]:
            try:
                self.given = _klfit.Given.function(name, self._function)
            except UsageError:
                # Another function has it, and the run will say so.
                return False
            self.section["function"] = name
        return True

    def take_raised(self) -> BaseException | None:
        """What a function raised last, once."""
        return None if self.given is None else self.given.take_raised()

    def __repr__(self) -> str:
        return f"<target of {', '.join(self.section)}>"


#: Targets that came from another process, by their tokens, for as long as something has them; and the last one, which
#: the next task will ask for.
_alive: weakref.WeakValueDictionary[str, Target] = weakref.WeakValueDictionary()
_last: list[Target] = []
_lock = threading.Lock()


def _restored(token: str, section: dict[str, Any], name: str, function: Any, table: Any) -> Target:
    """A target of another process. A function has the name that it has there, which is in the config of its runs."""
    with _lock:
        target = _alive.get(token)
        if target is None:
            if function is not None:
                given = _klfit.Given.function(name, function)
            else:
                given = _unique("rows", lambda name: _klfit.Given.table(name, *table))
                section = {**section, "file": given.path}
            target = Target(section, given, function, table)
            target._token = token
            _alive[token] = target
        _last[:] = [target]
        return target


def _unique(name: str, give: Callable[[str], Any]) -> Any:
    """What is given by a name: by that alone if nothing else is, so that a run of it can be gone on with."""
    try:
        return give(name)
    except UsageError:
        return give(f"{name}-{next(_numbers)}")


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
    coordinates: dict[str, Any] = {"dim": dim, "variables": None if variables is None else list(variables)}
    if support is not None:
        if not isinstance(support, Mapping):
            raise UsageError(f"support is {support!r}", 'say it by name, as in support={"x": "positive"}')
        coordinates["support"] = {str(name): one for name, one in support.items()}
    coordinates = {key: value for key, value in coordinates.items() if value is not None}
    weighed = sample_weight is not None

    def alone(what: str, *, may_have_weights: bool = False) -> None:
        """Refuses what does not go with the target."""
        if coordinates:
            raise UsageError(f"{next(iter(coordinates))} is of a function or a formula, and the target is {what}", "leave it out")
        if weighed and not may_have_weights:
            raise UsageError(f"sample_weight is of rows, and the target is {what}", "leave it out")

    if isinstance(thing, Target):
        return thing
    if isinstance(thing, Mapping):
        if weighed:
            raise UsageError("sample_weight is of rows, and the target is a dict", "name the column of the weights in it")
        section = {**thing, **coordinates}
        if callable(section.get("function")):
            return _of_function(section.pop("function"), section)
        return Target(section)
    is_frame = _like.is_frame(thing)
    is_fit = not is_frame and isinstance(getattr(thing, "mixture", None), Mixture)
    if isinstance(thing, Mixture) or is_fit or _like.parameters(thing) is not None:
        alone("a mixture")
        return _of_mixture(Mixture.of(thing))
    found = _like.rows(thing)
    if found is not None:
        alone("rows", may_have_weights=True)
        return _of_rows(*found, sample_weight, weight_kind)
    if weighed:
        raise UsageError("sample_weight is of rows, and the target is none", "leave it out")
    if callable(thing):
        return _of_function(thing, coordinates)
    if isinstance(thing, (str, PathLike)):
        text = fspath(thing)
        if text.endswith(_FILES) or isinstance(thing, PathLike) or isdir(text):
            alone("a file")
            return Target({"file": abspath(text)})
        return Target({"log_density": text, **coordinates})
    raise UsageError(
        f"{type(thing).__name__} is no target that klfit knows",
        "give a mixture, rows of shape (N, D), a function of points (S, D), a formula, or a file",
    )


def _of_function(function: Any, section: Mapping[str, Any]) -> Target:
    name = getattr(function, "__name__", "log_density").strip("<>")
    given = _unique(name, lambda name: _klfit.Given.function(name, function))
    return Target({"function": given.name, **section}, given, function)


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
        weights = host(sample_weight)
        if weights.shape not in ((len(rows),), (len(rows), 1)):
            raise UsageError(
                f"sample_weight has the shape {weights.shape} for {len(rows)} rows", "give one number for each row"
            )
        rows = np.concatenate([rows, weights.reshape(-1, 1)], axis=1)
        column = "weight"
        while column in columns:
            column += "_"
        columns.append(column)
        section = {"weights": column, "weight_kind": weight_kind}
    table = np.ascontiguousarray(rows)
    given = _unique("rows", lambda name: _klfit.Given.table(name, columns, table))
    return Target({"type": "samples", "file": given.path, **section}, given, table=(columns, table))
