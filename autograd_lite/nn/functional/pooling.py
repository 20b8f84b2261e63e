"""Pools: what is taken of each window. In space (3d) the windows are laid out in two passes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import Tensor
from autograd_lite.layer_misfit import kernel_error
from autograd_lite.nn.functional.parts import batched, shape_of, unbatched
from autograd_lite.ops.conv import Sizes, columns, out_sizes, sizes
from autograd_lite.ops.shape import _data, _operand, pad

__all__ = [
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
]


class _Windows:
    """The windows of every channel of (N, C, ...), as (N * C, entries of the kernel, positions)."""

    def __init__(
        self,
        name: str,
        dims: int,
        input: Any,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        ceil_mode: Any,
        fill: float,
    ) -> None:
        x, self.single = batched(input, name, dims)
        self.kernel = sizes(kernel_size, dims, "kernel_size")
        no_stride = stride is None or (isinstance(stride, tuple | list) and not stride)
        self.step = self.kernel if no_stride else sizes(stride, dims, "stride")
        self.margin, self.spread = sizes(padding, dims, "padding", 0), sizes(dilation, dims, "dilation")
        if any(2 * m > k for m, k in zip(self.margin, self.kernel, strict=True)):
            raise ValueError(f"{name}: padding {self.margin} is more than half of the kernel {self.kernel}")
        n, c, *size = shape_of(x)
        self.size = tuple(size)
        self.after = self._after(ceil_mode)
        whole = [(m, m + a) for m, a in zip(self.margin, self.after, strict=True)]
        if any(a or b for a, b in whole):
            x = pad(x, [(0, 0), (0, 0), *whole], fill)
        padded = shape_of(x)[2:]
        reach = tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.spread, strict=True))
        if any(r > m for r, m in zip(reach, padded, strict=True)):
            raise kernel_error(name, input, self.kernel, reach, whole)
        self.out = out_sizes(padded, self.kernel, self.step, self.spread)
        self.shape = (n, c, *self.out)
        self.columns = columns(ops.reshape(x, (n * c, 1, *padded)), self.kernel, self.step, self.spread)

    def _after(self, ceil_mode: bool) -> Sizes:
        """What ceil_mode adds behind the padding, so that a last window which starts inside is whole."""
        if not ceil_mode:
            return (0,) * len(self.size)
        found = []
        for n, k, s, m, d in zip(self.size, self.kernel, self.step, self.margin, self.spread, strict=True):
            reach = d * (k - 1) + 1
            last = -(-(n + 2 * m - reach) // s)
            last -= last * s >= n + m
            found.append(max(0, last * s + reach - (n + 2 * m)))
        return tuple(found)

    def shaped(self, y: Any) -> Tensor:
        """One number for each window, in the shape of the result."""
        return unbatched(ops.reshape(y, self.shape), self.single)

    def counts(self, dtype: Any, with_padding: bool) -> Any:
        """How many entries of each window are of the input, or also of its padding."""
        inside = np.ones((), dtype)
        for n, k, s, m, places in zip(self.size, self.kernel, self.step, self.margin, self.out, strict=True):
            starts = np.arange(places) * s - m
            low, high = (-m, n + m) if with_padding else (0, n)
            along = np.minimum(starts + k, high) - np.maximum(starts, low)
            inside = inside[..., None] * along.astype(dtype)
        return inside.reshape(1, -1)


def _largest(dims: int, input: Any, *args: Any) -> Any:
    kernel_size, stride, padding, dilation, ceil_mode, return_indices = args
    w = _Windows(f"max_pool{dims}d", dims, input, kernel_size, stride, padding, dilation, ceil_mode, -np.inf)
    places = ops.unsqueeze(ops.argmax(w.columns, 1), 1)
    whole = [(m, m + a) for m, a in zip(w.margin, w.after, strict=True)]
    padded = any(a or b for a, b in whole)
    if not (padded or return_indices):
        return w.shaped(ops.gather(w.columns, 1, places))
    numbered = np.pad(np.arange(math.prod(w.size)).reshape(w.size), whole, constant_values=-1)[None, None]
    first: Any = columns(numbered, w.kernel, w.step, w.spread)
    where = np.broadcast_to(first, shape_of(w.columns))
    if padded:  # of -inf alone the first that is not of the padding
        inside = np.argmax(first >= 0, axis=1, keepdims=True)
        places = ops.where(ops.less(ops.gather(where, 1, places), 0), inside, places)
    y = w.shaped(ops.gather(w.columns, 1, places))
    return (y, w.shaped(ops.gather(where, 1, places))) if return_indices else y


def max_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window of (N, C, L); see `max_pool2d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.max_pool1d(al.tensor([[[1.0, 3.0, 2.0, 5.0]]]), 2).tolist()
    [[[3.0, 5.0]]]
    """
    return _largest(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window of (N, C, H, W) or (C, H, W), the stride being the kernel's size unless given.

    The gradient goes to the first of equals. Padding never wins. With `ceil_mode` a last window that starts inside
    counts though it is not whole. With `return_indices` also where each was, in its flattened channel.

    >>> import autograd_lite as al
    >>> al.nn.functional.max_pool2d(al.arange(16.0).reshape(1, 1, 4, 4), 2).tolist()
    [[[[5.0, 7.0], [13.0, 15.0]]]]
    """
    return _largest(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window of (N, C, D, H, W); see `max_pool2d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.max_pool3d(al.arange(8.0).reshape(1, 1, 2, 2, 2), 2).item()
    7.0
    """
    return _largest(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def averaged(dims: int, input: Any, *args: Any) -> Tensor:
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor = args
    w = _Windows(f"avg_pool{dims}d", dims, input, kernel_size, stride, padding, 1, ceil_mode, 0.0)
    if divisor is not None:
        if not divisor:
            raise ValueError("divisor_override must not be 0")
        return w.shaped(ops.sum(w.columns, 1) / float(divisor))
    if not any(w.after) and (count_include_pad or not any(w.margin)):
        return w.shaped(ops.mean(w.columns, 1))
    return w.shaped(ops.sum(w.columns, 1) / w.counts(_data(w.columns).dtype, count_include_pad))


def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window of (N, C, L); see `avg_pool2d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.avg_pool1d(al.tensor([[[1.0, 3.0, 2.0, 6.0]]]), 2).tolist()
    [[[2.0, 4.0]]]
    """
    return averaged(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of (N, C, H, W) or (C, H, W), zeros of the padding included unless told otherwise.

    With `ceil_mode` a last window that starts inside counts though it is not whole. `divisor_override` is what sums
    are divided by in place of the number of entries.

    >>> import autograd_lite as al
    >>> al.nn.functional.avg_pool2d(al.arange(4.0).reshape(1, 1, 2, 2), 2).item()
    1.5
    """
    return averaged(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window of (N, C, D, H, W); see `avg_pool2d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.avg_pool3d(al.arange(8.0).reshape(1, 1, 2, 2, 2), 2).item()
    3.5
    """
    return averaged(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _lengths(dims: int, input: Any, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Tensor:
    powers = ops.power(_operand(input), float(norm_type))
    means = averaged(dims, powers, kernel_size, stride, 0, ceil_mode, True, None)
    total = means * float(math.prod(sizes(kernel_size, dims, "kernel_size")))
    if norm_type == 1:
        return total
    safe = ops.where(total > 0, total, 1.0)
    return ops.where(total > 0, ops.power(safe, 1.0 / norm_type), 0.0)


def lp_pool1d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The root of the sum of powers of each window of (N, C, L); where the sum is not positive, 0, and flat.

    With norm_type 1 it is the sum, of any sign.
    A window that `ceil_mode` cuts short counts as much as a whole one: its mean times the kernel's size.

    >>> import autograd_lite as al
    >>> al.nn.functional.lp_pool1d(al.tensor([[[3.0, 4.0]]]), 2, 2).item()
    5.0
    """
    return _lengths(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The root of the sum of powers of each window of (N, C, H, W); see `lp_pool1d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.lp_pool2d(al.ones(1, 1, 2, 2), 2, 2).item()
    2.0
    """
    return _lengths(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Tensor:
    """The root of the sum of powers of each window of (N, C, D, H, W); see `lp_pool1d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.lp_pool3d(al.ones(1, 1, 2, 2, 2), 1, 2).item()
    8.0
    """
    return _lengths(3, input, norm_type, kernel_size, stride, ceil_mode)
