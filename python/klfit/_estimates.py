"""Numbers with their errors."""

from __future__ import annotations

import math
from typing import Any, Mapping


def number(written: Any) -> float:
    """JSON has no infinities: they are written as text."""
    return float("nan") if written is None else float(written)


def numbers(written: Any) -> Any:
    """The same with every infinity a number."""
    if isinstance(written, dict):
        return {key: numbers(value) for key, value in written.items()}
    if isinstance(written, list):
        return [numbers(value) for value in written]
    return float(written) if written in ("inf", "-inf", "nan") else written


def with_error(value: float, error: float | None) -> str:
    """A number to the second digit of its error, and the error."""
    if not error or not math.isfinite(error):
        return f"{value:.10g}"
    if abs(value) < error < 1e-6:
        return f"{value:.0e} ± {error:.0e}"
    digits = max(0, min(17, 1 - math.floor(math.log10(error))))
    number = f"{value:.{digits}f}" if abs(value) < 1e15 else f"{value:.10g}"
    return f"{number} ± {error:.1g}"


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

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Estimate:
        """As a summary has it."""
        return cls(number(found["value"]), number(found["error"]), found.get("method", ""))

    def __repr__(self) -> str:
        return with_error(float(self), self.error)

    def __getnewargs__(self) -> tuple[float, float, str]:  # type: ignore[override]
        return float(self), self.error, self.method
