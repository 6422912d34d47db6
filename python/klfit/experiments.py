"""What is asked: experiments, which are fits of a target, and sweeps of them."""

from __future__ import annotations

import difflib
import inspect
import logging
import operator
import shutil
import tempfile
import warnings
import weakref
from os import PathLike, fspath
from os.path import abspath
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

from . import _executor, _klfit, _target
from ._progress import counting, following
from .errors import Error, FunctionError, UsageError
from .mixture import Mixture
from .results import Fit, Run, Sweep

__all__ = ["experiment", "fit", "run", "sweep"]

log = logging.getLogger("klfit")

Path_ = str | PathLike[str]

#: Where an error in a dict is said to be.
_ARGUMENTS = "arguments"


class _Folder:
    """A folder that goes when nobody has it any more."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix="klfit-")
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


class _Asked:
    """An experiment that is to run: where it is, or what its keys are, and where it goes."""

    def __init__(self, config: Path_ | Mapping[str, Any], out: Path_ | None, existing: str) -> None:
        self.path: Path_ = _ARGUMENTS
        self.keys: dict[str, Any] | None = None
        self.existing = existing
        self.target: _target.Target | None = None
        is_known = isinstance(config, (str, PathLike, Mapping))
        if not is_known:
            raise UsageError(
                f"{type(config).__name__} is no config", "give the path of one or a dict, as klfit.experiment(target) makes it"
            )
        #: What must be there for as long as the results are.
        self.kept: list[Any] = []
        if isinstance(config, Mapping):
            self.keys = {"name": "run", **config}
            if "target" in self.keys:
                self.target = _target.of(self.keys["target"])
                self.keys["target"] = self.target.section
                self.kept.append(self.target)
        else:
            self.path = fspath(config)
        if out is None:
            folder = _Folder()
            self.kept.append(folder)
            out = Path(folder.path) / "run"
        self.out = abspath(out)
        if existing == "resume" and self.target is not None:
            self.target.go_on(self.out)

    def done(self, work: Callable[..., Any], set: Sequence[str], told: Callable[..., None]) -> Any:
        """Does it; what a function of the user raised is the cause of what is raised."""
        try:
            return work(self.path, self.keys, list(set), self.out, self.existing, told)
        except Error as error:
            is_function = self.target is not None and "function" in self.target.section
            raised = self.target.take_raised() if self.target is not None else None
            if raised is None and is_function and "is not a number at" in error.message:
                raise FunctionError(error.message, "return -inf where there is no density") from None
            if raised is None:
                raise
            if not isinstance(raised, Exception):
                raise raised
            raise FunctionError(error.message, error.help) from raised


def _noted(notes: Sequence[str]) -> Sequence[str]:
    for note in notes:
        log.info("%s", note)
    return notes


def run(
    config: Path_ | Mapping[str, Any],
    *,
    out: Path_ | None = None,
    existing: str = "refuse",
    set: Sequence[str] = (),
    verbose: bool | None = None,
) -> Run:
    """Runs an experiment.

    Args:
        config: The path of a TOML file; or its keys as a dict, where `target` may be whatever `klfit.fit` takes.
        out: The folder of the run; a temporary one that goes with the run by default.
        existing: `"refuse"`, `"replace"` or `"resume"` a run that is in that folder.
        set: Keys to set on top, as in `["optimizer.steps=200"]`.
        verbose: Whether a bar is shown; on a terminal and in a notebook by default, where tqdm is installed.

    Raises:
        ConfigError: If the config says something that cannot be run: the message names the line or the key.
        FunctionError: If a function that is the target raised something, or answered with what is no log-density.
        KeyboardInterrupt: On Ctrl-C, after the step that was at work; a run with `out` goes on with
            `existing="resume"`.

    >>> import klfit
    >>> p = klfit.Mixture([0.5, 0.5], means=[[-3.0], [3.0]], stds=[[1.0], [1.0]])
    >>> fits = [{"divergence": "forward-kl"}, {"divergence": "reverse-kl"}]
    >>> both = klfit.run({"target": p, "optimizer": {"type": "lbfgs"}, "fit": fits, "restarts": 2})
    >>> [round(float(one.mixture.covariances_[0, 0, 0]), 4) for one in both]
    [10.0, 1.0473]
    """
    asked = _Asked(config, out, existing)
    with following(verbose) as told:
        notes = asked.done(_klfit.run, set, told)
    return Run(asked.out, notes=_noted(notes), kept=asked.kept)


def _nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Keys with dots, as in "optimizer.steps", as dicts in dicts."""
    nested: dict[str, Any] = {}
    for key, value in settings.items():
        *outer, last = key.split(".")
        inside = nested
        for name in outer:
            inside = inside.setdefault(name, {})
        inside[last] = value
    return nested


def sweep(
    config: Path_ | Mapping[str, Any],
    grid: Mapping[str, Sequence[Any]] | None = None,
    *,
    points: Sequence[Mapping[str, Any]] | None = None,
    out: Path_ | None = None,
    existing: str = "refuse",
    set: Sequence[str] = (),
    verbose: bool | None = None,
    executor: Any = None,
) -> Sweep:
    """Runs an experiment for each point of a grid or a list of settings.

    Args:
        config: The path of a TOML file with a `[sweep]`; or its keys as a dict, as `klfit.experiment` makes one.
        grid: For keys, as in `"optimizer.learning_rate"`, a list of values: every combination is a point.
        points: A list of points, each a dict of keys with their values.
        out: The folder of the sweep; a temporary one that goes with it by default.
        existing: `"refuse"`, `"replace"` or `"resume"` a sweep that is in that folder.
        set: Keys to set on top.
        verbose: Whether a bar is shown.
        executor: What runs the points, each as a task, if not this process: the module `ray`, a
            `dask.distributed.Client`, or an executor of `concurrent.futures`. Its workers see `out`, on a file system that
            all share; a point whose worker was lost goes on in another, and with Ray and Dask that is done for you.

    Raises:
        ConfigError: If a point says something that cannot be run, before anything runs.
        KeyboardInterrupt: On Ctrl-C, after the steps that were at work.

    >>> import klfit
    >>> p = klfit.Mixture([0.5, 0.5], means=[[-3.0], [3.0]], stds=[[1.0], [1.0]])
    >>> asked = klfit.experiment(p, divergence="reverse-kl", optimizer="lbfgs", restarts=8)
    >>> swept = klfit.sweep(asked, {"family.components": [1, 2]})
    >>> [(point.settings["family.components"], round(abs(point.run[0].divergence), 4)) for point in swept]
    [(1, 0.6888), (2, 0.0)]
    """
    given = {"grid": grid and _nested(grid), "list": points and [_nested(one) for one in points]}
    given = {name: value for name, value in given.items() if value}
    if given:
        if not isinstance(config, Mapping):
            raise UsageError(
                f"grid and points go with a dict, and the config is {fspath(config)}",
                "write them as [sweep.grid] and [[sweep.list]] into the file",
            )
        config = {**config, "sweep": given}
    asked = _Asked(config, out, existing)
    with counting(verbose, "sweep") as told:
        if executor is None:
            broken, notes = asked.done(_klfit.sweep, set, told)
        else:
            broken, notes = _elsewhere(executor, asked, config, set, told)
    return Sweep(asked.out, broken=dict(broken), notes=_noted(notes), kept=asked.kept)


def _elsewhere(
    executor: Any, asked: _Asked, config: Path_ | Mapping[str, Any], set: Sequence[str], told: Callable[[int], None]
) -> tuple[list[tuple[str, str]], Sequence[str]]:
    """Has the points of a sweep run by others, and gathers what came of them."""
    if asked.target is not None and not (asked.existing == "resume" and asked.target.go_on(asked.out)):
        asked.target.name_for_others()
    where = (asked.path, asked.keys, list(set), asked.out)
    labels, notes = _klfit.begin_sweep(*where, asked.existing)
    if not isinstance(config, Mapping):
        config = abspath(fspath(config))
    elif asked.target is not None:
        config = {**config, "target": asked.target}
    shared, points = (config, asked.out, list(set)), range(1, len(labels) + 1)
    for ended, _ in enumerate(_executor.done(executor, _point, shared, points), 1):
        told(ended)
    broken, left = _klfit.gather(*where, "resume")
    if left:
        raise Error(f"{len(left)} of {len(labels)} points did not end: {left[0]}, …", 'go on with existing="resume"')
    return broken, notes


def _point(config: Path_ | Mapping[str, Any], out: str, set: Sequence[str], number: int) -> None:
    """Runs one point of a sweep, in whatever process this is. What breaks down is kept in its folder."""
    asked = _Asked(config, out, "resume")
    asked.done(lambda *given: _klfit.sweep_point(*given[:-1], number), set, lambda _: None)


def experiment(
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
    name: str = "fit",
    **sections: Any,
) -> dict[str, Any]:
    """The config of one fit, as `klfit.run` and `klfit.sweep` take it.

    The arguments are the keys of a config, which `docs/config.md` explains; what is left out has the same default.

    Args:
        target: A mixture, as `klfit.Mixture.of` takes it; rows of shape (N, D), an array or a data frame; a function of
            points of shape (S, D) that returns log p in nats up to a constant, of shape (S,), or that and its gradient
            of shape (S, D); a formula; a file; or the keys of `[target]`.
        divergence: What is minimised; `"forward-kl"` by default, and `"reverse-kl"` for a function or a formula. Those of
            a number take it as `alpha`.
        components: K; or a list, or `"auto"`, of which one is chosen.
        covariance: `"full"`, `"diagonal"`, `"isotropic"` or `"low-rank"`.
        restarts: How many runs start together.
        seed: Of all noise.
        optimizer: A type, as `"lbfgs"`, or the keys of `[optimizer]`; for forward KL to rows `"em"` by default, which is
            exact there.
        estimator: A type, as `"quasi-monte-carlo"`, or the keys of `[estimator]`.
        init: A type, as `"k-means"`, the keys of `[init]`, or a mixture to start from, as `klfit.Mixture.of` takes it.
        stop: The keys of `[stop]`.
        sample_weight: A weight of each row.
        weight_kind: What these are: `"importance"`, or `"frequency"`, how many equal rows there are.
        dim: D, of a function whose coordinates have no names.
        variables: The names of the coordinates of a function or a formula.
        support: Where they live, by name: `"real"`, `"positive"` or `[lower, upper]`.
        name: What the experiment is called.
        sections: Other sections of the config: `log`, `anneal`, `adapt`, `device`, `figures`, …; and more keys of
            `family`.
    """
    _check(sections)
    known = _target.of(
        target, sample_weight=sample_weight, weight_kind=weight_kind, dim=dim, variables=variables, support=support
    )
    is_function = "function" in known.section or "log_density" in known.section
    one: dict[str, Any] = {"divergence": divergence or ("reverse-kl" if is_function else "forward-kl")}
    config: dict[str, Any] = {"name": name, "seed": seed, "target": known}
    of_family = {"components": _count(components), "covariance": covariance}
    config["family"] = {**of_family, **sections.pop("family", {})}
    if init is not None and not isinstance(init, (str, Mapping)):
        start = Mixture.of(init)
        init = {
            "weights": start.weights_.tolist(),
            "means": start.means_.tolist(),
            "covariances": start.covariances_.tolist(),
        }
    is_rows = known.section.get("type") == "samples"
    is_plain = estimator is None and covariance != "low-rank" and not {"anneal", "adapt"} & set(sections)
    if optimizer is None and is_rows and is_plain and one["divergence"] in ("forward-kl", "kl"):
        optimizer = "em"
    for key, value in {"optimizer": optimizer, "estimator": estimator, "init": init, "stop": stop}.items():
        if isinstance(value, str):
            config[key] = {"type": value}
        elif isinstance(value, Mapping):
            config[key] = dict(value)
        elif value is not None:
            raise UsageError(f"{key} is {value!r}", "give the name of a type, or a dict of its keys")
    if restarts is not None:
        config["restarts"] = restarts
    for key in ("label", "alpha"):
        if key in sections:
            one[key] = sections.pop(key)
    return {**config, **sections, "fit": [one]}


#: What others call an argument.
_ELSEWHERE = {"n_components": "components", "k": "components", "K": "components", "covariance_type": "covariance"}


def _check(sections: Mapping[str, Any]) -> None:
    """Refuses what was meant for an argument; which sections there are the library knows."""
    known = [*inspect.signature(experiment).parameters, "out", "existing", "verbose"]
    for name in sections:
        close = difflib.get_close_matches(name, known, 1, cutoff=0.75)
        meant = _ELSEWHERE.get(name) or (close[0] if close else None)
        if meant is not None:
            raise UsageError(f"there is no argument {name}", f"did you mean {meant}?")


def _count(components: Any) -> Any:
    """K, a list of several, or a text."""
    if isinstance(components, str):
        return components
    try:
        return operator.index(components)
    except TypeError:
        pass
    try:
        return [operator.index(one) for one in components]
    except TypeError:
        raise UsageError(f"components is {components!r}", 'give a whole number, a list of them, or "auto"') from None


def fit(
    target: Any,
    *,
    out: Path_ | None = None,
    existing: str = "refuse",
    verbose: bool | None = None,
    **asked: Any,
) -> Fit:
    """Fits a Gaussian or a mixture of Gaussians q to a target p.

    Args:
        target: A mixture, rows, a function, a formula or a file, as in `klfit.experiment`.
        out: The folder of the run; a temporary one that goes with the fit by default.
        existing: `"refuse"`, `"replace"` or `"resume"` a run that is in that folder.
        verbose: Whether a bar is shown; on a terminal and in a notebook by default, where tqdm is installed.
        asked: What is asked, as in `klfit.experiment`: `divergence`, `components`, `covariance`, `restarts`, `seed`,
            `optimizer`, `estimator`, `init`, `stop`, `sample_weight`, `dim`, `variables`, `support`, ….

    Returns:
        The fit; of several K, the one that is chosen. `fit.run` has all.

    Raises:
        ConfigError, FunctionError, KeyboardInterrupt: As `klfit.run`.

    Warns:
        RuntimeWarning: If every restart failed: `fit.failure` says why.

    >>> import klfit
    >>> def log_p(x):
    ...     return -0.5 * ((x[:, 0] - 3.0) / 2.0) ** 2, -(x - 3.0) / 4.0
    >>> found = klfit.fit(log_p, dim=1, restarts=2, optimizer="lbfgs")
    >>> found.mixture.means_.round(6).tolist(), found.mixture.covariances_.round(6).tolist()
    ([[3.0]], [[[4.0]]])
    """
    config = experiment(target, **asked)
    try:
        ran = run(config, out=out, existing=existing, verbose=verbose)
    except BaseException:
        # A traceback keeps it, and its name would be taken where the run goes on.
        config["target"].given = None
        raise
    choices = ran.summary.get("choices")
    found = ran[choices[0]["chosen"]] if choices and choices[0].get("chosen") else ran.fits[0]
    if found.failure is not None:
        warnings.warn(f"the fit failed: {found.failure}", RuntimeWarning, stacklevel=2)
    return found
