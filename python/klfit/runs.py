"""Fits and runs: what was asked, what came out, and how sure it is."""

from __future__ import annotations

import json
import logging
import tempfile
from html import escape
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from . import _klfit, _target
from ._progress import follower
from .errors import Error, FunctionError, UsageError
from .mixture import Mixture

__all__ = ["Estimate", "Figure", "Fit", "Run", "Trajectory", "fit", "run"]

log = logging.getLogger("klfit")

#: Where an error in arguments is said to be.
_ARGUMENTS = "arguments"


class Estimate(float):
    """A number with its error, and how it was found.

    Attributes:
        error: One standard error of a sample, or the error of an integral.
        method: `"closed-form"`, `"quadrature"` or `"monte-carlo"`.
    """

    error: float
    method: str

    def __new__(cls, value: float, error: float = float("nan"), method: str = "") -> Estimate:
        self = super().__new__(cls, value)
        self.error, self.method = error, method
        return self

    def __repr__(self) -> str:
        return f"{float(self):.8g} ± {self.error:.1g}"

    def __getnewargs__(self) -> tuple[float, float, str]:
        return float(self), self.error, self.method


def _estimate(found: Mapping[str, Any] | None) -> Estimate | None:
    if found is None:
        return None
    return Estimate(_number(found["value"]), _number(found["error"]), found.get("method", ""))


def _number(written: Any) -> float:
    """JSON has no infinities: they are written as text."""
    return float("nan") if written is None else float(written)


class Trajectory(dict):  # type: ignore[type-arg]
    """Every logged step of every restart: a dict of columns, each an array of numbers."""

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame`."""
        import pandas

        return pandas.DataFrame(dict(self))

    def to_polars(self) -> Any:
        """A `polars.DataFrame`."""
        import polars

        return polars.DataFrame(dict(self))

    def __repr__(self) -> str:
        rows = len(next(iter(self.values()), ()))
        return f"<klfit.Trajectory of {rows} rows: {', '.join(self)}>"


class Figure:
    """A figure of a run, which shows itself in a notebook.

    Attributes:
        name: What it is: `"densities"`, `"convergence"`, ….
        svg: The picture.
    """

    def __init__(self, name: str, svg: str) -> None:
        self.name, self.svg = name, svg

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<klfit.Figure: {self.name}>"

    def save(self, path: str | PathLike[str]) -> None:
        """Writes it as SVG."""
        Path(path).write_text(self.svg, encoding="utf-8")


class Fit:
    """One fit of a run.

    Attributes:
        label: What it is called.
        run: The run that it is of.
        summary: All that is known of it, as `summary.json` has it.
    """

    def __init__(self, run: Run, summary: dict[str, Any]) -> None:
        self.run, self.summary, self.label = run, summary, summary["label"]

    @property
    def _best(self) -> dict[str, Any]:
        best = self.summary["best"]
        if best is None:
            raise Error(f'fit "{self.label}" has no result: {self.summary.get("failure")}')
        return best

    @property
    def mixture(self) -> Mixture:
        """q, where its best restart ended."""
        found = self._best["mixture"]
        names = self.run._names
        if "stds" in found:
            return Mixture(found["weights"], found["means"], stds=found["stds"], names=names)
        return Mixture(found["weights"], found["means"], found["covariances"], names=names)

    @property
    def divergence(self) -> Estimate:
        """What it minimised, at the end."""
        return self.divergences[self.summary["divergence"]]

    @property
    def divergences(self) -> dict[str, Estimate]:
        """Every divergence at the end, by name."""
        found = self._best["divergences"]
        return {name: _estimate(one) for name, one in found.items() if isinstance(one, dict)}  # type: ignore[misc]

    @property
    def log_normalizer(self) -> Estimate | None:
        """log Z of a target that is known up to a constant."""
        target = self.run.summary["target"]
        if "log_normalizer" not in target:
            return None
        return Estimate(_number(target["log_normalizer"]), _number(target["log_normalizer_error"]))

    @property
    def elbo(self) -> Estimate | None:
        """E_q[log f − log q] = log Z − KL(q‖p), of a target f that is known up to a constant."""
        log_z, reverse = self.log_normalizer, self.divergences.get("reverse-kl")
        if log_z is None or reverse is None:
            return None
        # KL(q‖p) was found with the same log Z, whose error is in neither.
        return Estimate(log_z - reverse, reverse.error, reverse.method)

    @property
    def k_hat(self) -> float:
        """k̂ of the weights p/q: above 0.7 draws of q cannot stand for p."""
        psis = self._best["diagnostics"].get("psis")
        return float("nan") if psis is None else _number(psis["k_hat"])

    @property
    def trajectory(self) -> Trajectory:
        """Every logged step of every restart."""
        return Trajectory(_klfit.columns(_klfit.trajectory(self.run.path, self.label)))

    def __repr__(self) -> str:
        if self.summary["best"] is None:
            return f"<klfit.Fit: {self.label}, which failed>"
        return f"<klfit.Fit: {self.label}, {self.summary['divergence']} {self.divergence!r}>"

    def _repr_html_(self) -> str:
        return _table([self])


class Run:
    """The folder of a run: its fits, figures and reports.

    Attributes:
        path: The folder.
        summary: All that came out, as `summary.json` has it.
        notes: What was taken in a way that may not be meant.
        fits: The fits, in the order of the config.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        notes: Sequence[str] = (),
        names: Sequence[str] | None = None,
        kept: Sequence[Any] = (),
    ) -> None:
        self.path = Path(path)
        self.summary: dict[str, Any] = json.loads(_klfit.summary(self.path))
        self.notes = list(notes)
        self._names = names
        # A folder that goes with the run, and what its config names.
        self._kept = list(kept)
        self.fits = [Fit(self, one) for one in self.summary["fits"]]

    def __getitem__(self, label: str | int) -> Fit:
        if isinstance(label, int):
            return self.fits[label]
        for one in self.fits:
            if one.label == label:
                return one
        known = ", ".join(one.label for one in self.fits)
        raise UsageError(f'the run has no fit "{label}"', f"it has {known}")

    def __iter__(self) -> Iterator[Fit]:
        return iter(self.fits)

    def __len__(self) -> int:
        return len(self.fits)

    def figures(self, **looks: Any) -> dict[str, Figure]:
        """Its figures by name, in looks by the keys of `[figures]`: `width="column"`, `font="serif"`, …."""
        with tempfile.TemporaryDirectory() as folder:
            files = _klfit.draw(self.path, {**looks, "format": ["svg"]}, folder)
            svgs = [Path(file) for file in files if fspath(file).endswith(".svg")]
            return {file.stem: Figure(file.stem, file.read_text(encoding="utf-8")) for file in svgs}

    def plot(self, out: str | PathLike[str] | None = None, **looks: Any) -> list[Path]:
        """Writes its figures, into its folder unless another is given, and returns the files."""
        return [Path(file) for file in _klfit.draw(self.path, looks, out)]

    def report(self, out: str | PathLike[str] | None = None) -> Path:
        """Writes a report, into its folder unless another is given, and returns the HTML page."""
        return Path(_klfit.report([self.path], self.path if out is None else out)[0])

    def __repr__(self) -> str:
        return f"<klfit.Run in {self.path}: {', '.join(one.label for one in self.fits)}>"

    def _repr_html_(self) -> str:
        return _table(self.fits)


def _table(fits: Sequence[Fit]) -> str:
    kinds = list(dict.fromkeys(kind for one in fits if one.summary["best"] for kind in one.divergences))
    head = "".join(f"<th>{escape(kind)}</th>" for kind in kinds)
    rows = []
    for one in fits:
        found = one.divergences if one.summary["best"] else {}
        cells = "".join(f"<td>{escape(repr(found[kind])) if kind in found else ''}</td>" for kind in kinds)
        rows.append(f"<tr><th>{escape(one.label)}</th>{cells}<td>{one.summary['seconds']:.2f} s</td></tr>")
    return f"<table><tr><th>fit</th>{head}<th>time</th></tr>{''.join(rows)}</table>"


def _start(
    path: str | PathLike[str],
    config: Mapping[str, Any] | None,
    overrides: Sequence[str],
    out: str | PathLike[str] | None,
    existing: str,
    progress: bool | None,
    target: _target.Target | None = None,
) -> Run:
    kept: list[Any] = [target]
    if out is None:
        folder = tempfile.TemporaryDirectory(prefix="klfit-")
        kept.append(folder)
        out = Path(folder.name) / "run"
    with follower(progress) as told:
        try:
            notes = _klfit.run(fspath(path), None if config is None else dict(config), list(overrides), fspath(out), existing, told)
        except Error as error:
            raised = target.given.take_raised() if target is not None and target.given is not None else None
            if raised is None:
                raise
            if not isinstance(raised, Exception):
                raise raised
            raise FunctionError(error.message, error.help) from raised
    for note in notes:
        log.info("%s", note)
    return Run(out, notes=notes, names=target.names if target else None, kept=kept)


def run(
    config: str | PathLike[str] | Mapping[str, Any],
    *,
    out: str | PathLike[str] | None = None,
    existing: str = "refuse",
    set: Sequence[str] = (),
    progress: bool | None = None,
) -> Run:
    """Runs an experiment.

    Args:
        config: The path of a TOML file, or its keys as a dict.
        out: The folder of the run; a temporary one that goes with the run by default.
        existing: `"refuse"`, `"replace"` or `"resume"` a run that is in that folder.
        set: Keys to set on top, as in `["optimizer.steps=200"]`.
        progress: Whether a bar is shown; on a terminal and in a notebook by default.

    Raises:
        ConfigError: If the config says something that cannot be run: the message names the line or the key.
        KeyboardInterrupt: After the step that was at work; a run with `out` goes on with `existing="resume"`.
    """
    if isinstance(config, Mapping):
        return _start(_ARGUMENTS, {"name": "run", **config}, set, out, existing, progress)
    return _start(config, None, set, out, existing, progress)


def fit(
    target: Any,
    *,
    divergence: str | None = None,
    components: int | str | Sequence[int] = 1,
    covariance: str = "full",
    restarts: int | None = None,
    seed: int = 0,
    optimizer: str | Mapping[str, Any] | None = None,
    estimator: str | Mapping[str, Any] | None = None,
    init: str | Mapping[str, Any] | Mixture | None = None,
    stop: Mapping[str, Any] | None = None,
    sample_weight: Any = None,
    weight_kind: str = "importance",
    dim: int | None = None,
    variables: Sequence[str] | None = None,
    support: Mapping[str, Any] | None = None,
    out: str | PathLike[str] | None = None,
    existing: str = "refuse",
    name: str = "fit",
    progress: bool | None = None,
    **sections: Any,
) -> Fit:
    """Fits a Gaussian or a mixture of Gaussians q to a target p.

    The arguments are the keys of a config, which `docs/config.md` explains; what is left out has the same default.

    Args:
        target: A mixture, as `klfit.Mixture.of` takes it; rows of shape (N, D), an array or a data frame; a function of
            points of shape (S, D) that returns log p in nats up to a constant, of shape (S,), or that and its gradient
            of shape (S, D); a formula; a file; or the keys of `[target]`.
        divergence: What is minimised; `"forward-kl"` by default, and `"reverse-kl"` for a function or a formula.
        components: K; or a list, or `"auto"`, of which one is chosen.
        covariance: `"full"`, `"diagonal"`, `"isotropic"` or `"low-rank"`.
        restarts: How many runs start together.
        seed: Of all noise.
        optimizer: A type, as `"lbfgs"`, or the keys of `[optimizer]`.
        estimator: A type, as `"quasi-monte-carlo"`, or the keys of `[estimator]`.
        init: A type, as `"k-means"`, the keys of `[init]`, or a mixture to start from.
        stop: The keys of `[stop]`.
        sample_weight: A weight of each row.
        weight_kind: What these are: `"importance"`, or `"frequency"`, how many equal rows there are.
        dim: D, of a function whose coordinates have no names.
        variables: The names of the coordinates of a function or a formula.
        support: Where they live, by name: `"real"`, `"positive"` or `[lower, upper]`.
        out: The folder of the run; a temporary one that goes with the fit by default.
        existing: `"refuse"`, `"replace"` or `"resume"` a run that is in that folder.
        name: What the experiment is called.
        progress: Whether a bar is shown; on a terminal and in a notebook by default.
        sections: Other sections of the config: `log`, `anneal`, `adapt`, `device`, `figures`, ….

    Returns:
        The fit; of several K, the one that is chosen. `fit.run` has all.

    >>> import klfit
    >>> def log_p(x):
    ...     return -0.5 * ((x[:, 0] - 3.0) / 2.0) ** 2, -(x - 3.0) / 4.0
    >>> found = klfit.fit(log_p, dim=1, restarts=2, optimizer="lbfgs")
    >>> found.mixture.means_.round(6).tolist(), found.mixture.covariances_.round(6).tolist()
    ([[3.0]], [[[4.0]]])
    """
    known = _target.of(
        target, sample_weight=sample_weight, weight_kind=weight_kind, dim=dim, variables=variables, support=support
    )
    is_function = "function" in known.section or "log_density" in known.section
    one: dict[str, Any] = {"divergence": divergence or ("reverse-kl" if is_function else "forward-kl")}
    one["family"] = {"components": components if isinstance(components, (int, str)) else list(components)}
    one["family"]["covariance"] = covariance
    if isinstance(init, Mixture):
        init = {
            "weights": init.weights_.tolist(),
            "means": init.means_.tolist(),
            "covariances": init.covariances_.tolist(),
        }
    for key, value in {"optimizer": optimizer, "estimator": estimator, "init": init, "stop": stop}.items():
        if value is not None:
            one[key] = {"type": value} if isinstance(value, str) else dict(value)
    for key in ("anneal", "adapt", "label"):
        if key in sections:
            one[key] = sections.pop(key)
    if restarts is not None:
        one["restarts"] = restarts
    config = {"name": name, "seed": seed, "target": known.section, **sections, "fit": [one]}
    ran = _start(_ARGUMENTS, config, (), out, existing, progress, known)
    choices = ran.summary.get("choices")
    return ran[choices[0]["chosen"]] if choices and choices[0].get("chosen") else ran.fits[0]
