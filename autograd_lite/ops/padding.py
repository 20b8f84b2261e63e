"""Padding: with a value, with what is at the edge, mirrored, or from the other end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.ops import shape
from autograd_lite.ops.shape import _operand, along, broadcast_to, cat

__all__ = ["pad"]

MODES = "constant", "reflect", "replicate", "circular"


def pad(input: Any, pad: Sequence[Any], mode: str = "constant", value: float | None = None) -> Tensor:
    """Wider at both ends of its last dimensions.

    `pad` is PyTorch's list of numbers, (before, after) for the last dimension first: (left, right, top, bottom, ...);
    or NumPy's list of a pair for each dimension. A constant (0 unless given) is put there, or, by `mode`, the
    elements next to the edge mirrored (reflect), the edge itself (replicate), or those of the other end (circular).
    Negative numbers cut. Raises ValueError for widths that do not fit, and for another mode.

    >>> import autograd_lite as al
    >>> al.nn.functional.pad(al.tensor([1.0, 2.0, 3.0]), (1, 2))
    tensor([0., 1., 2., 3., 0., 0.])
    >>> al.nn.functional.pad(al.tensor([1.0, 2.0, 3.0]), (2, 1), mode="reflect")
    tensor([3., 2., 1., 2., 3., 2.])
    """
    x = _operand(input)
    if mode not in MODES:
        raise ValueError(f"pad: mode is one of {', '.join(MODES)}, and not {mode!r}")
    if mode != "constant" and value:
        raise ValueError(f"pad: value is for mode 'constant', and this is {mode!r}")
    widths = _pairs(pad, x.ndim)
    if mode == "constant":
        if any(n + a + b < 0 for n, (a, b) in zip(x.shape, widths, strict=True)):
            raise ValueError(f"pad: {tuple(pad)} cuts off more than an input {x.shape} has")
        inside = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, widths, strict=True))
        if any(min(pair) < 0 for pair in widths):
            x = x[inside]
        return shape.pad(x, [(max(a, 0), max(b, 0)) for a, b in widths], 0.0 if value is None else value)
    for d, (a, b) in enumerate(widths):
        if a or b:
            x = _widened(x, d, a, b, mode)
    return x


def _pairs(widths: Sequence[Any], ndim: int) -> list[tuple[int, int]]:
    """A pair for each dimension."""
    if widths and isinstance(widths[0], tuple | list):
        if len(widths) != ndim:
            raise ValueError(f"pad: {len(widths)} pairs for {ndim} dimensions")
        return [(int(a), int(b)) for a, b in widths]
    if len(widths) % 2 or len(widths) > 2 * ndim:
        raise ValueError(f"pad: {tuple(widths)} is no list of (before, after) for at most {ndim} dimensions")
    last = [(int(a), int(b)) for a, b in zip(widths[::2], widths[1::2], strict=True)]
    return [(0, 0)] * (ndim - len(last)) + last[::-1]


def _widened(x: Any, d: int, a: int, b: int, mode: str) -> Any:
    if mode == "circular":  # around what is left
        x, a, b = x[along(d, slice(max(-a, 0), x.shape[d] - max(-b, 0)))], max(a, 0), max(b, 0)
    n = x.shape[d]
    most = {"reflect": n - 1, "circular": n}.get(mode, np.inf)
    if max(a, b) > most or not n:
        raise ValueError(f"pad: {mode} of a dimension of size {n} can add at most {most} at each end, and not {a}, {b}")
    start, stop = max(-a, 0), n - max(-b, 0)
    parts = [x[along(d, slice(start, stop))]]
    if mode == "replicate":
        first, last = x[along(d, slice(0, 1))], x[along(d, slice(n - 1, n))]
        ends = [broadcast_to(e, (*x.shape[:d], max(w, 0), *x.shape[d + 1 :])) for e, w in ((first, a), (last, b))]
    elif mode == "circular":
        ends = [x[along(d, slice(n - max(a, 0), n))], x[along(d, slice(0, max(b, 0)))]]
    else:
        turned = x[along(d, slice(None, None, -1))]
        ends = [turned[along(d, slice(n - 1 - max(a, 0), n - 1))], turned[along(d, slice(1, 1 + max(b, 0)))]]
    return cat([ends[0], *parts, ends[1]], d)
