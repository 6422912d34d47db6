"""Tasks of others: the points of a sweep as work for `concurrent.futures`, Dask or Ray."""

from __future__ import annotations

import time
from typing import Any, Callable, Iterator, Sequence

from .errors import UsageError

#: Between two looks at what is done, in seconds.
_PAUSE = 0.05
#: How often a task is begun again whose worker was lost: it goes on where that one was.
_RETRIES = 5


def done(executor: Any, task: Callable[..., Any], shared: Sequence[Any], each: Sequence[Any]) -> Iterator[Any]:
    """Has a task done with what all share, sent once, and one of each; yields what they return, in the order in which they end.

    When it is left, by an error too, what has not begun is cancelled.

    Raises:
        UsageError: If the executor is none that klfit knows.
    """
    if getattr(executor, "__name__", None) == "ray":
        return _by_ray(executor, task, shared, each)
    if callable(getattr(executor, "submit", None)):
        return _by_futures(executor, task, shared, each)
    raise UsageError(
        f"{type(executor).__name__} is no executor",
        "give the module ray, a dask.distributed.Client, or one of concurrent.futures",
    )


def _by_ray(ray: Any, task: Callable[..., Any], shared: Sequence[Any], each: Sequence[Any]) -> Iterator[Any]:
    remote = ray.remote(max_retries=_RETRIES)(task)
    kept = [ray.put(one) for one in shared]
    open_ = [remote.remote(*kept, one) for one in each]
    try:
        while open_:
            ended, open_ = ray.wait(open_, timeout=None)
            for one in ended:
                yield ray.get(one)
    finally:
        for one in open_:
            ray.cancel(one)


def _by_futures(executor: Any, task: Callable[..., Any], shared: Sequence[Any], each: Sequence[Any]) -> Iterator[Any]:
    asked = {}
    if hasattr(executor, "scheduler_info"):
        # Dask takes a task of the same arguments for one that it has the answer of.
        asked = {"pure": False, "retries": _RETRIES}
        # To every worker: what one alone has is lost with it.
        shared = executor.scatter(list(shared), broadcast=True, hash=False)
    open_ = [executor.submit(task, *shared, one, **asked) for one in each]
    try:
        while open_:
            ended = [one for one in open_ if one.done()]
            open_ = [one for one in open_ if one not in ended]
            for one in ended:
                yield one.result()
            if open_ and not ended:
                time.sleep(_PAUSE)
    finally:
        for one in open_:
            one.cancel()
