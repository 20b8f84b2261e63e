"""Padding, as `torch.nn.functional.pad` has it: from the last dimension to the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.ops.shape import _operand
from autograd_lite.ops.shape import pad as widened

__all__ = ["pad"]

_modes = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # and what np.pad calls them


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """With something around it: `pad` is (before, after) of the last dimension, then of the one before it, and so on.

    The mode is "constant" (`value`, 0 unless given), "reflect" (mirrored, the edge not repeated), "replicate" (the
    edge) or "circular" (from the other end); with "constant" a negative number cuts off.

    >>> import autograd_lite as al
    >>> al.nn.functional.pad(al.tensor([1.0, 2.0, 3.0]), (1, 2), mode="reflect")
    tensor([2., 1., 2., 3., 2., 1.])
    """
    x, ends = _operand(input), [int(n) for n in pad]
    if len(ends) % 2 or len(ends) > 2 * x.ndim:
        raise ValueError(f"pad: {tuple(ends)} has no pair for each of up to {x.ndim} dimensions of an input {x.shape}")
    widths = list(zip(ends[::2], ends[1::2], strict=True))
    if mode == "constant":
        return _with_value(x, widths, 0.0 if value is None else value)
    if mode not in _modes:
        raise ValueError(f"pad: mode is 'constant', 'reflect', 'replicate' or 'circular', and not {mode!r}")
    if value:
        raise ValueError(f"pad: a value is for mode 'constant', and not for {mode!r}")
    for dim, (before, after) in enumerate(widths, start=1):
        size = x.shape[-dim]
        most = {"reflect": size - 1, "circular": size}.get(mode, before + after if size else 0)
        if min(before, after) < 0 or max(before, after) > most:
            raise ValueError(f"pad: {(before, after)} does not fit dimension {-dim} of {x.shape} in mode {mode!r}")
        if before or after:
            x = ops.index_select(x, -dim, np.pad(np.arange(size), (before, after), mode=_modes[mode]))  # type: ignore[call-overload]
    return x


def _with_value(x: Any, widths: list[tuple[int, int]], value: float) -> Any:
    every = [(0, 0)] * (x.ndim - len(widths)) + widths[::-1]
    if any(a < 0 or b < 0 for a, b in every):
        spans = [(max(0, -a), n + min(0, b)) for n, (a, b) in zip(x.shape, every, strict=True)]
        if any(a > b for a, b in spans):
            raise ValueError(f"pad: {tuple(widths)} cuts off more than an input {x.shape} has")
        x = x[tuple(slice(a, b) for a, b in spans)]
    return widened(x, [(max(0, a), max(0, b)) for a, b in every], value)
