"""Functions of the user as log-densities."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np

from .errors import FunctionError, UsageError

Array = np.ndarray


def host(values: Any) -> Array:
    """An array of float64 of whatever is like one: tensors on a device too.

    Raises:
        UsageError: If a part of it would be lost: masked values, or imaginary parts.
    """
    detach = getattr(values, "detach", None)
    if detach is not None:
        values = detach().cpu().numpy()
    if np.ma.is_masked(values):
        raise UsageError("some of the values are masked", "leave them out, or fill them")
    if np.iscomplexobj(values):
        raise UsageError("the values are complex", "give real numbers")
    return np.asarray(values, dtype=np.float64)


def evaluate(function: Callable[[Array], Any], points: Array) -> tuple[Array, Array | None]:
    """What a function says of points (N, D): log p (N,), and its gradient (N, D) if it gives one."""
    # Far out, where the search for p looks too, a power overflows to a density of 0; what is not a number is told.
    with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
        answered = function(points)
    return _answer(answered, *points.shape)


def _answer(answered: Any, count: int, dim: int) -> tuple[Array, Array | None]:
    gradient = None
    if isinstance(answered, tuple) or (isinstance(answered, list) and len(answered) == 2 and np.ndim(answered[0]) > 0):
        if len(answered) != 2:
            raise FunctionError(f"it answered with {len(answered)} things", "return log p, or log p and its gradient")
        answered, gradient = answered
    try:
        values = host(answered)
        slopes = None if gradient is None else host(gradient)
    except (TypeError, ValueError) as error:
        raise FunctionError(
            f"it answered with what is no array of numbers: {error}",
            "return log p of each point, or log p and its gradient",
        ) from error
    if values.shape not in ((count,), (count, 1)):
        raise FunctionError(
            f"for points of shape {(count, dim)} it returned log p of shape {values.shape}",
            f"return one number for each point, an array of shape {(count,)}",
        )
    values = np.ascontiguousarray(values).reshape(count)
    if slopes is None:
        return values, None
    if slopes.shape != (count, dim) and not (dim == 1 and slopes.shape == (count,)):
        raise FunctionError(
            f"for points of shape {(count, dim)} it returned a gradient of shape {slopes.shape}",
            f"return the gradient of log p by x at each point, an array of shape {(count, dim)}",
        )
    slopes = np.ascontiguousarray(slopes).reshape(count, dim)
    if np.isnan(slopes).any():
        # Far out both may overflow.
        lost = np.isnan(slopes).any(axis=1) & (values > -1e8)
        if lost.any():
            raise FunctionError(
                f"the gradient is not a number where log p is {values[lost][0]:.6g}",
                "return the gradient of log p by x, and look at it with differences",
            )
    return values, slopes


def jax(function: Callable[[Any], Any]) -> Callable[[Array], tuple[Array, Array]]:
    """A log-density with its gradient, of one written for JAX.

    Args:
        function: log p in nats, up to a constant, of one point of shape (D,), in operations of JAX.

    Returns:
        A function of points of shape (S, D) for `klfit.fit`: log p of shape (S,) and its gradient of shape (S, D), in
        64 bits where `jax_enable_x64` is on. Batches are filled up to a power of two, so that few sizes are compiled.
    """
    import jax as engine

    both = engine.jit(engine.vmap(engine.value_and_grad(function)))

    def evaluate(x: Array) -> tuple[Array, Array]:
        count = len(x)
        size = 1 << max(count - 1, 0).bit_length()
        filled = np.concatenate([x, np.broadcast_to(x[-1:], (size - count, x.shape[1]))])
        values, slopes = both(filled)
        return host(values)[:count], host(slopes)[:count]

    evaluate.__name__ = getattr(function, "__name__", "log_density")
    return evaluate


def torch(
    function: Callable[[Any], Any], *, device: Any = None, dtype: Any = None
) -> Callable[[Array], tuple[Array, Array]]:
    """A log-density with its gradient, of one written for PyTorch.

    Args:
        function: log p in nats, up to a constant, of points of shape (S, D): a tensor of shape (S,).
        device: Where its points are; the CPU by default.
        dtype: Of what type; `torch.float64` by default.

    Returns:
        A function of points of shape (S, D) for `klfit.fit`: log p of shape (S,) and its gradient of shape (S, D).
    """
    import torch as engine

    def evaluate(x: Array) -> tuple[Array, Array]:
        points = engine.tensor(x, device=device, dtype=dtype or engine.float64, requires_grad=True)
        values = function(points)
        # Each value depends on its own point alone.
        (slopes,) = engine.autograd.grad(values.sum(), points)
        return host(values), host(slopes)

    evaluate.__name__ = getattr(function, "__name__", "log_density")
    return evaluate
