"""Divergences of two given densities, and measures of one: a number, and how sure it is."""

from __future__ import annotations

from html import escape
from typing import Any, Mapping, Sequence

import numpy as np

from . import _klfit, _like
from ._estimates import with_error
from .errors import UsageError
from .mixture import Mixture

__all__ = ["Answer", "Matrix", "divergence", "entropy", "kl", "matrix"]

#: What is asked of one density.
_OF_ONE = ("entropy", "total-correlation")
#: What others call a divergence.
_SHORT = {"kl": "forward-kl", "jensen-shannon": "js"}


class Answer(float):
    """A number with all there is to say of it; it is a float.

    Attributes:
        name: What it is: `"forward-kl"`.
        value: The number.
        error: One standard error of a sample, the error estimate of an integral, a bound of the rounding of a formula;
            None of an approximation.
        interval: The 95 % interval of a sample; the value with its error otherwise.
        bracket: What it lies between for certain, where that is known.
        method: How it was found: `"closed-form"`, `"quadrature"`, `"monte-carlo"`, ….
        claim: What that makes it: `"exact"`, `"rounded"`, `"integral"`, `"sample"`, `"bracket"`, `"upper-bound"`,
            `"approximation"` or `"plug-in"`.
        reason: Why it was found so.
        unit: `"nats"`, where it has one.
        samples: Draws that were made.
        reached: Whether the error that was asked for is reached; None if none was asked for.
        seconds: How long it took.
    """

    name: str
    title: str
    symbol: str
    unit: str | None
    value: float
    error: float | None
    interval: tuple[float, float] | None
    bracket: tuple[float, float] | None
    method: str
    claim: str
    reason: str
    samples: int
    reached: bool | None
    seconds: float

    def __new__(cls, core: _klfit.Answer) -> Answer:
        self = super().__new__(cls, core.value)
        for name in cls.__annotations__:
            setattr(self, name, getattr(core, name))
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (float(self), self.__dict__)

    def __format__(self, form: str) -> str:
        return format(float(self), form) if form else str(self)

    def _number(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return with_error(self.value, self.error) + unit

    def __str__(self) -> str:
        return f"{self.symbol} = {self._number()}"

    def __repr__(self) -> str:
        return f"<{self} by {self.method}>"

    def _repr_html_(self) -> str:
        rows = [("value", self._number()), ("method", f"{self.method}: {self.reason}")]
        if self.bracket is not None:
            rows.insert(1, ("bracket", "[{:.10g}, {:.10g}]".format(*self.bracket)))
        if self.samples:
            rows.append(("samples", f"{self.samples:,}"))
        cells = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows)
        return f"<table><caption>{escape(self.title)}</caption>{cells}</table>"


def _unpickled(value: float, known: dict[str, Any]) -> Answer:
    answer = float.__new__(Answer, value)
    answer.__dict__.update(known)
    return answer


def _density(thing: Any) -> Any:
    """A mixture, or rows, which stand for the Gaussian with their moments."""
    if not isinstance(thing, Mixture) and _like.parameters(thing) is None:
        of_rows = _like.rows(thing)
        if of_rows is not None:
            return of_rows[1]
    return Mixture.of(thing)._core


def _aligned(p: Any, q: Any) -> Any:
    """q with its columns in the order of those of p, where both are data frames with the same."""
    if _like.is_frame(p) and _like.is_frame(q) and set(p.columns) == set(q.columns):
        return q[list(p.columns)]
    return q


def _positive(**given: float | None) -> None:
    for name, value in given.items():
        if value is not None and not value > 0:
            raise UsageError(f"{name} is {value}", "give a number above 0, or leave it out")


def divergence(
    p: Any,
    q: Any = None,
    kind: str = "kl",
    *,
    method: str = "auto",
    abs_err: float | None = None,
    rel_err: float | None = None,
    samples: int | None = None,
    seed: int = 0,
    bracket: bool = True,
) -> Answer:
    """A divergence of p and q, or a measure of p alone, by the surest way there is.

    Args:
        p: A mixture, as `klfit.Mixture.of` takes it; or rows of shape (N, D), an array or a data frame, which stand for
            the Gaussian with their mean and their covariance, divided by N − 1.
        q: The same; left out for `"entropy"` and `"total-correlation"`.
        kind: `"kl"`, which is KL(p‖q), `"reverse-kl"`, `"jeffreys"`, `"js"`, `"chi2"`, `"squared-hellinger"`,
            `"total-variation"`, `"renyi-0.5"` and `"alpha-2"` with any order, `"bhattacharyya"`, `"wasserstein-2"`,
            `"entropy"` or `"total-correlation"`.
        method: `"auto"`, `"closed-form"`, `"quadrature"`, `"monte-carlo"`, `"qmc"`, or an approximation.
        abs_err: What half the interval may be, in nats.
        rel_err: The same as a share of the number.
        samples: Draws at most.
        seed: Of the draws.
        bracket: Whether to look for what it lies between for certain.

    Raises:
        UsageError: If p and q have different dimensions, or the method cannot do what is asked.

    >>> import klfit
    >>> p = klfit.Mixture([0.3, 0.7], means=[[-2.0], [1.0]], stds=[[1.0], [1.0]])
    >>> q = klfit.Mixture([1.0], means=[[0.0]], stds=[[2.0]])
    >>> answer = klfit.divergence(p, q, "js")
    >>> round(float(answer), 8), answer.method
    (0.02617343, 'quadrature')
    """
    kind = _SHORT.get(kind, kind)
    _positive(abs_err=abs_err, rel_err=rel_err, samples=samples)
    of_one = kind in _OF_ONE
    if of_one and q is not None:
        raise UsageError(f"{kind} is of one density, and there are two", "ask for that of each by itself")
    if not of_one and q is None:
        raise UsageError(f"{kind} is of two densities, and there is one", "give q")
    answers = _klfit.ask(
        _density(p),
        None if of_one else _density(_aligned(p, q)),
        [kind],
        method=method,
        abs_err=abs_err,
        rel_err=rel_err,
        samples=samples,
        seed=seed,
        brackets=bracket,
    )
    return Answer(answers[0])


def kl(p: Any, q: Any, **asked: Any) -> Answer:
    """KL(p‖q) in nats, as `klfit.divergence` finds it.

    >>> import klfit
    >>> from klfit import Mixture
    >>> p, q = (Mixture([1.0], means=[[0.0]], stds=[[std]]) for std in (1.0, 2.0))
    >>> klfit.kl(p, q)
    <KL(p‖q) = 0.31814718055994529 ± 6e-16 nats by closed-form>
    """
    return divergence(p, q, "kl", **asked)


def entropy(p: Any, **asked: Any) -> Answer:
    """The entropy of p in nats, as `klfit.divergence` finds it."""
    return divergence(p, None, "entropy", **asked)


class Matrix:
    """A divergence from each of N densities to each.

    Attributes:
        names: What the densities are called.
        answers: N rows of N answers: D(row‖column).
        values: The numbers, of shape (N, N).
        errors: Their errors, of shape (N, N); NaN where there is none.
    """

    def __init__(self, names: Sequence[str], answers: list[list[Answer]]) -> None:
        self.names = list(names)
        self.answers = answers
        self.values = np.array([[float(one) for one in row] for row in answers])
        self.errors = np.array([[np.nan if one.error is None else one.error for one in row] for row in answers])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.values, dtype=dtype)

    def __repr__(self) -> str:
        return f"<{self.answers[0][0].title} of {len(self.names)} densities>\n{self.values}"

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in self.names)
        rows = "".join(
            f"<tr><th>{escape(name)}</th>{''.join(f'<td>{value:.4g}</td>' for value in row)}</tr>"
            for name, row in zip(self.names, self.values)
        )
        unit = self.answers[0][0].unit
        caption = escape(f"{self.answers[0][0].symbol}, p down and q across{f', in {unit}' if unit else ''}")
        return f"<table><caption>{caption}</caption><tr><th></th>{head}</tr>{rows}</table>"


def matrix(densities: Sequence[Any] | Mapping[str, Any], kind: str = "kl", **asked: Any) -> Matrix:
    """A divergence between every two of several densities, each with its own error.

    Args:
        densities: A list of them, or a dict with their names.
        kind: As in `klfit.divergence`, of two densities.
        asked: As in `klfit.divergence`.
    """
    if isinstance(densities, Mapping):
        names, things = [str(name) for name in densities], list(densities.values())
    else:
        names, things = [str(i + 1) for i in range(len(densities))], list(densities)
    if not things:
        raise UsageError("there are no densities", "give two or more")
    answers = [[divergence(p, q, kind, **asked) for q in things] for p in things]
    return Matrix(names, answers)
