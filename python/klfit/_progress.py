"""A bar of tqdm's that follows a run."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import Any, Callable, Iterator

log = logging.getLogger("klfit")

Told = Callable[[str, str, int, int, float], None]


def _is_watched() -> bool:
    """Whether someone looks on: on a terminal, or in a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None or sys.stderr.isatty()


@contextmanager
def follower(progress: bool | None) -> Iterator[Told]:
    """What is told of the steps of a run."""
    bars: list[Any] = []
    wanted = _is_watched() if progress is None else progress
    try:
        from tqdm.auto import tqdm
    except ImportError:
        tqdm = None

    def told(event: str, label: str, step: int, steps: int, loss: float) -> None:
        if event == "begin":
            log.info("%s begins, %d steps at most", label, steps)
            if wanted and tqdm is not None:
                bars.append(tqdm(total=steps, desc=label, unit="step", leave=False))
        elif event == "end":
            log.info("%s ended, loss %.6g", label, loss)
            if bars:
                bars.pop().close()
        elif bars:
            bars[-1].set_postfix_str(f"loss {loss:.5g}", refresh=False)
            bars[-1].update(step - bars[-1].n)

    try:
        yield told
    finally:
        for bar in bars:
            bar.close()
