"""Bars of tqdm's that follow runs and sweeps."""

from __future__ import annotations

import logging
import sys
import warnings
from contextlib import contextmanager
from typing import Any, Callable, Iterator

log = logging.getLogger("klfit")


def _is_watched() -> bool:
    """Whether someone looks on: on a terminal, or in a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None or sys.stderr.isatty()


class Bars:
    """The bars that are open; none where nobody looks on, or tqdm is not installed."""

    def __init__(self, verbose: bool | None) -> None:
        self._open: list[Any] = []
        self._new: Callable[..., Any] | None = None
        if _is_watched() if verbose is None else verbose:
            try:
                with warnings.catch_warnings():
                    # Without ipywidgets its bar is one of letters, which is as good.
                    warnings.simplefilter("ignore")
                    from tqdm.auto import tqdm
            except ImportError:
                return
            self._new = tqdm

    def begin(self, label: str, steps: int, unit: str) -> None:
        """Opens one."""
        if self._new is not None:
            self._open.append(self._new(total=steps, desc=label, unit=unit, leave=False))

    def go_to(self, step: int, said: str = "") -> None:
        """Moves the last one on."""
        if self._open:
            bar = self._open[-1]
            bar.set_postfix_str(said, refresh=False)
            bar.update(step - bar.n)

    def end(self) -> None:
        """Closes the last one."""
        if self._open:
            self._open.pop().close()

    def close(self) -> None:
        """Closes all."""
        while self._open:
            self.end()


@contextmanager
def following(verbose: bool | None) -> Iterator[Callable[[str, str, int, int, float], None]]:
    """What is told of the steps of a run."""
    bars = Bars(verbose)

    def told(event: str, label: str, step: int, steps: int, loss: float) -> None:
        if event == "begin":
            log.info("%s begins, %d steps at most", label, steps)
            bars.begin(label, steps, "step")
        elif event == "end":
            log.info("%s ended after %d steps, loss %.6g", label, step, loss)
            bars.end()
        else:
            bars.go_to(step, f"loss {loss:.5g}")

    try:
        yield told
    finally:
        bars.close()


@contextmanager
def counting(verbose: bool | None, label: str) -> Iterator[Callable[[int], None]]:
    """What is told how many points of a sweep are done."""
    bars = Bars(verbose)
    bars.begin(label, None, "point")  # type: ignore[arg-type]

    def told(done: int) -> None:
        log.info("%s: %d points done", label, done)
        bars.go_to(done)

    try:
        yield told
    finally:
        bars.close()
