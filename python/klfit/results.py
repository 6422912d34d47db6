"""What comes out: fits, runs and sweeps, and how sure every number is."""

from __future__ import annotations

import csv
import json
import tempfile
from functools import cached_property
from html import escape
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from . import _klfit, figures
from ._estimates import Estimate, number, numbers
from .errors import Error, NumericalError, UsageError
from .figures import Figure
from .mixture import Mixture

__all__ = ["Fit", "Run", "Sweep", "SweepPoint", "Table"]

Array = np.ndarray


class Table(dict):  # type: ignore[type-arg]
    """A dict of columns, each an array of as many numbers."""

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
        return f"<klfit.Table of {rows} rows: {', '.join(self)}>"


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
            raise NumericalError(f'fit "{self.label}" has no result: {self.failure}')
        return best

    @property
    def failure(self) -> str | None:
        """Why every restart failed; None where one ended well."""
        if self.summary["best"] is not None:
            return None
        said = self.summary.get("failure")
        return said if isinstance(said, str) else json.dumps(said)

    @property
    def at_rest(self) -> bool:
        """Whether its best restart stopped by a tolerance, before all of its steps were taken."""
        stop = self._best.get("stop")
        return stop is not None and stop.get("reason") != "steps"

    @property
    def mixture(self) -> Mixture:
        """q, where its best restart ended; of coordinates with bounds, a mixture of log x and the like."""
        found = self._best["mixture"]
        return Mixture(
            found["weights"],
            found["means"],
            found.get("covariances"),
            stds=found.get("stds"),
            names=self.run.names,
        )

    @property
    def divergence(self) -> Estimate:
        """What it minimised, at the end."""
        found = self.divergences.get(self.summary["divergence"])
        return Estimate.of(self._best["loss"]) if found is None else found

    @property
    def divergences(self) -> dict[str, Estimate]:
        """Every divergence at the end, by name."""
        found = self._best["divergences"]
        return {name: Estimate.of(one) for name, one in found.items() if isinstance(one, Mapping)}

    @property
    def log_normalizer(self) -> Estimate | None:
        """log Z of a target that is known up to a constant."""
        target = self.run.summary["target"]
        if "log_normalizer" not in target:
            return None
        return Estimate(number(target["log_normalizer"]), number(target["log_normalizer_error"]))

    @property
    def elbo(self) -> Estimate | None:
        """E_q[log f − log q] = log Z − KL(q‖p), of a target f that is known up to a constant."""
        log_z, reverse = self.log_normalizer, self.divergences.get("reverse-kl")
        if log_z is None or reverse is None:
            return None
        # KL(q‖p) was found with the same log Z, whose error is in neither.
        return Estimate(log_z - reverse, reverse.error, reverse.method)

    @property
    def diagnostics(self) -> dict[str, Any]:
        """k̂ and the effective sample size of the weights p/q (`psis`), the mass of q where p is, and the modes it covers:
        those that there are for the target, as `summary.json` has them."""
        return numbers(self._best["diagnostics"])

    @property
    def k_hat(self) -> float:
        """k̂ of the weights p/q: above 0.7 draws of q cannot stand for p."""
        psis = self.diagnostics.get("psis")
        return float("nan") if psis is None else number(psis["k_hat"])

    @cached_property
    def trajectory(self) -> Table:
        """Every logged step of every restart: `step`, `run`, `loss`, the divergences, and the parameters of q."""
        return Table(_klfit.columns(_klfit.trajectory(self.run.path, self.label)))

    def sample(self, n: int = 1, seed: int = 0) -> Array:
        """Draws of q, of shape (n, D); of coordinates with bounds, within them."""
        return self.run._target.x_of(self.mixture.sample(n, seed))

    def figures(self, **looks: Any) -> dict[str, Figure]:
        """The figures of its run, as `Run.figures`."""
        return self.run.figures(**looks)

    def figure(
        self, name: str = "densities", *, ax: Any = None, coordinates: Sequence[int | str] | None = None, **looks: Any
    ) -> Any:
        """A figure of its run by its name; or itself on axes of Matplotlib, which are returned.

        Args:
            name: `"densities"`, `"convergence"`, …; on axes, one of these two.
            ax: The axes: p in grey, q in blue, its components at one and two standard deviations.
            coordinates: The one or two that axes show, by name or counted from 0; of p, draws are shown where there are
                more.
            looks: The keys of `[figures]`, of a figure of the run.
        """
        if ax is None:
            if coordinates is not None:
                raise UsageError("coordinates are of axes, and there are none", "give ax, or leave them out")
            return self.run.figure(name, **looks)
        if looks:
            raise UsageError(f"{next(iter(looks))} is of a figure of the run", "say it of the axes, or leave ax out")
        figures.draw(self, name, ax, coordinates)
        return ax

    def report(self, out: str | PathLike[str] | None = None) -> Path:
        """Writes a report on its run, as `Run.report`."""
        return self.run.report(out)

    def to_arviz(self, n: int = 1000, seed: int = 0) -> Any:
        """An `arviz.InferenceData` (from ArviZ 1.0 on a `DataTree`) of draws of q, as the posterior of one chain.

        Its `sample_stats` have log q (`log_q`) and, where p has a density, log p (`lp`), in nats, of the coordinates
        that q is a mixture of. Draws of q are draws of p as far as `k_hat` says.
        """
        import arviz

        draws = self.mixture.sample(n, seed)
        target = self.run._target
        x = target.x_of(draws)
        posterior = {name: x[None, :, d] for d, name in enumerate(target.names_of_x)}
        stats = {"log_q": self.mixture.log_density(draws)[None]}
        logs = target.log_density(draws)
        if not np.isnan(logs).all():
            stats["lp"] = logs[None]
        if int(arviz.__version__.split(".")[0]) > 0:
            return arviz.from_dict({"posterior": posterior, "sample_stats": stats})
        return arviz.from_dict(posterior=posterior, sample_stats=stats)

    def __repr__(self) -> str:
        if self.summary["best"] is None:
            return f"<klfit.Fit: {self.label}, which failed>"
        end = "" if self.at_rest else ", all steps taken"
        return f"<klfit.Fit: {self.label}, {self.summary['divergence']} {self.divergence!r}{end}>"

    def _repr_html_(self) -> str:
        return _table([self])


class Run:
    """The folder of a run: its fits, figures and reports.

    Args:
        path: The folder of a run that there is; `klfit.run` makes one.

    Attributes:
        path: The folder.
        summary: All that came out, as `summary.json` has it.
        notes: What was taken in a way that may not be meant.
        fits: The fits, in the order of the config.
    """

    def __init__(self, path: str | PathLike[str], *, notes: Sequence[str] = (), kept: Sequence[Any] = ()) -> None:
        self.path = Path(path).absolute()
        self.summary: dict[str, Any] = json.loads(_klfit.summary(self.path))
        self.notes = list(notes)
        # A folder that goes with the run, and what its config names.
        self._kept = list(kept)
        self.fits = [Fit(self, one) for one in self.summary["fits"]]

    def __getstate__(self) -> dict[str, Any]:
        # What the target is stays in this process, and so does a folder that goes with the run.
        state = {**self.__dict__, "names": self.names, "_kept": []}
        state.pop("_target", None)
        return state

    @cached_property
    def _target(self) -> _klfit.Target:
        return _klfit.Target.read(self.path)

    @cached_property
    def names(self) -> list[str] | None:
        """What the coordinates of q are called; None where the target is gone with the program that gave it."""
        try:
            return self._target.names
        except Error:
            return None

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
        return _drawn(lambda asked, out: _klfit.draw(self.path, asked, out), looks)

    def figure(self, name: str = "densities", **looks: Any) -> Figure:
        """One of its figures."""
        found = self.figures(**{**looks, "only": [name]})
        if name not in found:
            raise UsageError(f'the run has no figure "{name}"', f"it has {', '.join(self.figures())}")
        return found[name]

    def plot(self, out: str | PathLike[str] | None = None, **looks: Any) -> list[Path]:
        """Writes its figures, into its folder unless another is given, and returns the files."""
        return [Path(file) for file in _klfit.draw(self.path, looks, out)]

    def report(self, out: str | PathLike[str] | None = None) -> Path:
        """Writes a report, into its folder unless another is given, and returns the HTML page."""
        return Path(_klfit.report([self.path], self.path if out is None else out)[0])

    def __repr__(self) -> str:
        return f"<klfit.Run: {', '.join(one.label for one in self.fits)}>"

    def _repr_html_(self) -> str:
        return _table(self.fits)


class SweepPoint:
    """A point of a sweep.

    Attributes:
        label: What its folder is called.
        settings: The keys that it sets, with their values.
        run: Its run.
    """

    def __init__(self, label: str, settings: dict[str, Any], run: Run) -> None:
        self.label, self.settings, self.run = label, settings, run

    def __repr__(self) -> str:
        return f"<klfit.SweepPoint: {', '.join(f'{key} = {value}' for key, value in self.settings.items())}>"


class Sweep:
    """The folder of a sweep: its points, each with a run.

    Args:
        path: The folder of a sweep that there is; `klfit.sweep` makes one.

    Attributes:
        path: The folder.
        points: Those that ran, in order.
        broken: The labels of those that broke down, with the reason.
        notes: What was taken in a way that may not be meant.
        table: One row for each fit of each point, as `sweep.csv` has it: the point, the fit, the settings, and what came
            out.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        broken: Mapping[str, str] | None = None,
        notes: Sequence[str] = (),
        kept: Sequence[Any] = (),
    ) -> None:
        self.path, self._kept = Path(path).absolute(), list(kept)
        self.broken, self.notes = dict(broken or {}), list(notes)
        with open(self.path / "sweep.csv", newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file)) or [[]]
        columns = {name: [row[at] for row in rows] for at, name in enumerate(header)}
        self.table = Table({name: _column(cells) for name, cells in columns.items()})
        last = len(header) - header[::-1].index("divergence") - 1 if header else 0
        settings = header[2:last]
        self.points: list[SweepPoint] = []
        for row in rows:
            if self.points and self.points[-1].label == row[0]:
                continue
            written = {name: row[header.index(name)] for name in settings}
            point = {name: _value(cell) for name, cell in written.items() if cell}
            self.points.append(SweepPoint(row[0], point, Run(self.path / row[0], kept=self._kept)))

    def __iter__(self) -> Iterator[SweepPoint]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, at: int) -> SweepPoint:
        return self.points[at]

    def figure(self, **looks: Any) -> Figure:
        """Its figure, in looks by the keys of `[figures]`."""
        return _drawn(lambda asked, out: _klfit.draw_sweep(self.path, asked, out), looks)["sweep"]

    def report(self, out: str | PathLike[str] | None = None) -> Path:
        """Writes a report, into its folder unless another is given, and returns the HTML page."""
        return Path(_klfit.report([self.path], self.path if out is None else out)[0])

    def __repr__(self) -> str:
        return f"<klfit.Sweep: {len(self.points)} points>"

    def _repr_html_(self) -> str:
        rows = zip(*self.table.values())
        head = "".join(f"<th>{escape(name)}</th>" for name in self.table)
        body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
        return f"<table><tr>{head}</tr>{body}</table>"


def _value(cell: str) -> Any:
    """A cell of settings, which are in TOML; what is more than numbers, texts and lists of them stays as it is."""
    try:
        return json.loads(cell)
    except ValueError:
        return cell


def _column(cells: list[str]) -> Array:
    """Numbers, with NaN where there is none; or what they are."""
    try:
        return np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return np.array([_value(cell) for cell in cells], dtype=object)


def _drawn(draw: Any, looks: dict[str, Any]) -> dict[str, Figure]:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(file) for file in draw({**looks, "format": ["svg"]}, folder)]
        svgs = [file for file in files if fspath(file).endswith(".svg")]
        return {file.stem: Figure(file.stem, file.read_text(encoding="utf-8")) for file in svgs}


def _table(fits: Sequence[Fit]) -> str:
    kinds = list(dict.fromkeys(kind for one in fits if one.summary["best"] for kind in one.divergences))
    head = "".join(f"<th>{escape(kind)}</th>" for kind in kinds)
    rows = []
    for one in fits:
        found = one.divergences if one.summary["best"] else {}
        cells = "".join(f"<td>{escape(repr(found[kind])) if kind in found else ''}</td>" for kind in kinds)
        if one.failure is not None:
            cells = f"<td colspan='{max(len(kinds), 1)}'>failed: {escape(one.failure)}</td>"
        rows.append(f"<tr><th>{escape(one.label)}</th>{cells}<td>{one.summary['seconds']:.2f} s</td></tr>")
    return f"<table><tr><th>fit</th>{head}<th>time</th></tr>{''.join(rows)}</table>"
