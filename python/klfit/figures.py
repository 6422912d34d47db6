"""Figures: those of klfit, and what is drawn on the axes of Matplotlib."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

from .errors import UsageError
from .mixture import Mixture

if TYPE_CHECKING:
    from .results import Fit

__all__ = ["Figure"]

#: The colour of p, and that of q.
_GREY, _BLUE = "0.55", "#0072B2"
#: Where a region of highest density of a Gaussian ends, in standard deviations.
_REGIONS = (1.0, 2.0)
#: Points on a side of a grid, and draws of p.
_GRID, _DRAWS = 161, 8192


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
        """Writes it as SVG; `Run.plot` writes PNG, PDF and others.

        Raises:
            UsageError: If the path ends otherwise.
        """
        if Path(path).suffix != ".svg":
            raise UsageError(f"{path} is no name of an SVG", 'end it with .svg, or use run.plot(out, format=["png"])')
        Path(path).write_text(self.svg, encoding="utf-8")


def draw(fit: Fit, name: str, ax: Any, coordinates: Sequence[int | str] | None) -> None:
    """Draws a fit on axes of Matplotlib."""
    if name == "convergence":
        _convergence(fit, ax)
    elif name == "densities":
        _densities(fit, ax, coordinates)
    else:
        raise UsageError(
            f'"{name}" is not drawn on axes', 'take "densities" or "convergence", or leave ax out for all figures'
        )


def _convergence(fit: Fit, ax: Any) -> None:
    """The loss of every run over the steps, and the best one over them."""
    table = fit.trajectory
    best = fit.summary["best"]["run"] if fit.summary["best"] else None
    for run in np.unique(table["run"]):
        rows = table["run"] == run
        is_best = run == best
        ax.plot(
            table["step"][rows],
            table["loss"][rows],
            color=_BLUE if is_best else _GREY,
            linewidth=1.5 if is_best else 0.7,
            zorder=3 if is_best else 2,
            label=fit.label if is_best else None,
        )
    ax.set_xlabel("step")
    ax.set_ylabel("loss / nats")


def _densities(fit: Fit, ax: Any, coordinates: Sequence[int | str] | None) -> None:
    """p in grey and q in blue, in one coordinate or two."""
    q = fit.mixture
    if coordinates is None:
        coordinates = range(min(q.dim, 2))
    shown = q._places(coordinates)
    if len(shown) not in (1, 2):
        raise UsageError(f"axes have one coordinate or two, not {len(shown)}", "name them, as in coordinates=[0, 1]")
    q = q if shown == list(range(q.dim)) else q.marginal(shown)
    if len(shown) == 1:
        _line(fit, ax, q, shown[0])
    else:
        _plane(fit, ax, q, shown)


def _ends(q: Mixture, draws: np.ndarray) -> list[tuple[float, float]]:
    """Where q and nearly all of p are, in each coordinate."""
    stds = np.sqrt(np.diagonal(q.covariances_, axis1=1, axis2=2))
    low, high = np.quantile(draws, [0.002, 0.998], axis=0)
    low = np.minimum(low, (q.means_ - 3.0 * stds).min(axis=0))
    high = np.maximum(high, (q.means_ + 3.0 * stds).max(axis=0))
    return [(float(a), float(b)) for a, b in zip(low - 0.05 * (high - low), high + 0.05 * (high - low))]


def _line(fit: Fit, ax: Any, q: Mixture, shown: int) -> None:
    target = fit.run._target
    rows = target.rows()
    draws = (target.sample(_DRAWS, 0) if rows is None else rows)[:, [shown]]
    ((low, high),) = _ends(q, draws)
    # Densely where a component is.
    stds = np.sqrt(q.covariances_[:, 0, 0])
    near = (q.means_ + np.linspace(-5.0, 5.0, _GRID) * stds[:, None]).ravel()
    x = np.unique(np.concatenate([np.linspace(low, high, 4 * _GRID), near[(near > low) & (near < high)]]))
    logs = target.log_density(x[:, None]) if fit.mixture.dim == 1 else np.full(len(x), np.nan)
    if np.isfinite(logs).any():
        ax.fill_between(x, np.exp(logs), color=_GREY, alpha=0.5, linewidth=0, label="p")
    else:
        weights = None if rows is None else target.weights()
        ax.hist(draws[:, 0], bins="auto" if weights is None else 40, weights=weights, density=True, color=_GREY, alpha=0.5, label="p")
    ax.plot(x, np.exp(q.log_density(x)), color=_BLUE, label="q")
    ax.set_xlim(low, high)
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel(q.names[0])
    ax.set_ylabel("density")
    ax.legend(frameon=False)


def _plane(fit: Fit, ax: Any, q: Mixture, shown: list[int]) -> None:
    from matplotlib.patches import Ellipse

    target = fit.run._target
    rows = target.rows()
    draws = (target.sample(_DRAWS, 0) if rows is None else rows)[:, shown]
    (left, right), (low, high) = _ends(q, draws)
    logs: np.ndarray = np.full((1, 1), np.nan)
    if fit.mixture.dim == 2:
        x, y = np.linspace(left, right, _GRID), np.linspace(low, high, _GRID)
        points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
        logs = target.log_density(points[:, np.argsort(shown)]).reshape(_GRID, _GRID)
    if np.isfinite(logs).any():
        # The regions of highest density that have the masses of the ellipses.
        at_draws = target.log_density(draws[:, np.argsort(shown)])
        levels = np.quantile(at_draws, sorted(np.exp(-0.5 * np.square(_REGIONS))))
        ax.contourf(x, y, logs, levels=[*levels, np.inf], colors=["0.85", "0.65"])
    else:
        ax.scatter(*draws[: 2 * _DRAWS].T, s=3, color=_GREY, linewidths=0, alpha=0.5)
    for weight, mean, covariance in zip(q.weights_, q.means_, q.covariances_):
        if weight <= 0.0:
            continue
        squares, axes = np.linalg.eigh(covariance)
        angle = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
        for reach in _REGIONS:
            across, along = 2.0 * reach * np.sqrt(squares)
            ax.add_patch(Ellipse(mean, along, across, angle=angle, fill=False, edgecolor=_BLUE))
    ax.set_xlim(left, right)
    ax.set_ylim(low, high)
    ax.set_xlabel(q.names[0])
    ax.set_ylabel(q.names[1])
