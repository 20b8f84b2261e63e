"""`unfold` lays the windows of images out as columns, `fold` adds them up again: what convolutions are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.core import Tensor, primitive
from autograd_lite.memory import Array
from autograd_lite.ops.shape import _data, pad, permute, reshape

__all__ = ["fold", "unfold"]

Pair = tuple[int, int]


def sizes(value: int | Sequence[int], count: int, name: str, least: int = 1) -> tuple[int, ...]:
    """One number for each of `count` directions: given as such, or as one for all.

    Raises TypeError where it is neither, ValueError for a number under `least`.
    """
    if isinstance(value, int | np.integer):
        each: list[Any] = [value] * count
    elif isinstance(value, tuple | list) and len(value) in (1, count):
        each = list(value) * (count if len(value) == 1 else 1)
    else:
        raise TypeError(f"{name} is a number, or {count} of them, and not {value!r}")
    if any(n < least for n in each):
        raise ValueError(f"{name} must be at least {least}, and is {value}")
    return tuple(int(n) for n in each)


def pair(value: int | Sequence[int], name: str, least: int = 1) -> Pair:
    """A number for both directions, or two. Raises ValueError under `least`."""
    a, b = sizes(value, 2, name, least)
    return a, b


def _out_size(size: Pair, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    h, w = out_sizes(size, kernel, stride, dilation)
    return h, w


def _window(i: int, j: int, size: Pair, stride: Pair, dilation: Pair) -> tuple[Any, ...]:
    """The index of what kernel entry (i, j) meets, over all positions."""
    (h, w), (sh, sw), (dh, dw) = size, stride, dilation
    return ..., slice(i * dh, i * dh + sh * (h - 1) + 1, sh), slice(j * dw, j * dw + sw * (w - 1) + 1, sw)


@primitive(
    x=lambda g, x_shape, kernel, stride, dilation: _fold(
        g, size=x_shape[2:], kernel=kernel, stride=stride, dilation=dilation
    )
)
def _unfold(x: Array, *, kernel: Pair, stride: Pair, dilation: Pair) -> Any:
    n, c, *size = x.shape
    out = _out_size((size[0], size[1]), kernel, stride, dilation)
    columns = np.empty_like(x, shape=(n, c, *kernel, *out))
    for i in range(kernel[0]):  # k² copies beat a strided view, which the reshape would copy in worse order
        for j in range(kernel[1]):
            columns[:, :, i, j] = x[_window(i, j, out, stride, dilation)]
    return columns.reshape(n, c * kernel[0] * kernel[1], out[0] * out[1])


@primitive(g=lambda g, kernel, stride, dilation: _unfold(g, kernel=kernel, stride=stride, dilation=dilation))
def _fold(g: Array, *, size: Pair, kernel: Pair, stride: Pair, dilation: Pair) -> Any:
    out = _out_size(size, kernel, stride, dilation)
    columns = g.reshape(g.shape[0], g.shape[1] // (kernel[0] * kernel[1]), *kernel, *out)
    x = np.zeros((g.shape[0], columns.shape[1], *size), g.dtype)
    for i in range(kernel[0]):
        for j in range(kernel[1]):
            x[_window(i, j, out, stride, dilation)] += columns[:, :, i, j]
    return x


def _sized(x: Any, name: str, ndim: int, form: str) -> tuple[int, ...]:
    """The shape of x. Raises ValueError for another number of dimensions."""
    shape: tuple[int, ...] = np.shape(_data(x))
    if len(shape) != ndim:
        raise ValueError(f"{name}: the input is {form}, and this one has shape {shape}")
    return shape


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The windows of (N, C, H, W) or (C, H, W) as columns: (N, C * kh * kw, positions), positions row by row.

    >>> import autograd_lite as al
    >>> al.nn.functional.unfold(al.arange(9.0).reshape(1, 1, 3, 3), 2)[0, :, 0].tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    if np.ndim(_data(input)) == 3:
        columns = unfold(reshape(input, (1, *np.shape(_data(input)))), kernel_size, dilation, padding, stride)
        return reshape(columns, np.shape(_data(columns))[1:])
    _sized(input, "unfold", 4, "(N, C, H, W)")
    (ph, pw), kernel = pair(padding, "padding", 0), pair(kernel_size, "kernel_size")
    x = pad(input, [(0, 0), (0, 0), (ph, ph), (pw, pw)]) if ph or pw else input
    return _unfold(x, kernel=kernel, stride=pair(stride, "stride"), dilation=pair(dilation, "dilation"))


def fold(
    input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Columns (N, C * kh * kw, positions) added up at their places in (N, C, H, W): the pair of `unfold`.

    Or both without N. Raises ValueError where the sizes do not fit.

    >>> import autograd_lite as al
    >>> al.nn.functional.fold(al.ones(4, 4), (3, 3), 2)[0].tolist()
    [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    """
    if np.ndim(_data(input)) == 2:
        whole = fold(reshape(input, (1, *np.shape(_data(input)))), output_size, kernel_size, dilation, padding, stride)
        return reshape(whole, np.shape(_data(whole))[1:])
    _, rows, positions = _sized(input, "fold", 3, "(N, C * kh * kw, positions)")
    (h, w), (ph, pw), kernel = (
        pair(output_size, "output_size"),
        pair(padding, "padding", 0),
        pair(kernel_size, "kernel_size"),
    )
    step, spread = pair(stride, "stride"), pair(dilation, "dilation")
    size = h + 2 * ph, w + 2 * pw
    out = _out_size(size, kernel, step, spread)
    if rows % (kernel[0] * kernel[1]) or positions != out[0] * out[1]:
        raise ValueError(
            f"fold: input {np.shape(_data(input))} needs a multiple of {kernel[0] * kernel[1]} rows and "
            f"{out[0] * out[1]} positions for an output of {(h, w)}"
        )
    whole = _fold(input, size=size, kernel=kernel, stride=step, dilation=spread)
    return whole[:, :, ph : ph + h, pw : pw + w] if ph or pw else whole


# In one, two or three directions: a line is an image of one row; in space, the slices are laid out first, then the
# third direction

Sizes = tuple[int, ...]


def out_sizes(size: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Sizes:
    """How many places windows have. Raises ValueError where one does not fit at all."""
    out = tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(size, kernel, stride, dilation, strict=True))
    if any(n < 1 for n in out):
        raise ValueError(
            f"a kernel of {kernel} with dilation {dilation} does not fit into an input of {size} (padding included)"
        )
    return out


def columns(x: Any, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Tensor:
    """The windows of (N, C, ...) as columns, (N, C * entries of the kernel, positions)."""
    n, c, *size = np.shape(_data(x))
    if len(kernel) == 1:
        x, kernel, stride, dilation = reshape(x, (n, c, 1, *size)), (1, *kernel), (1, *stride), (1, *dilation)
    if len(kernel) == 2:
        return _unfold(x, kernel=kernel, stride=stride, dilation=dilation)
    out = out_sizes(tuple(size), kernel, stride, dilation)
    (k, *face), (depth, *rest) = kernel, size
    x = _unfold(reshape(x, (n, c * depth, *rest)), kernel=kernel[1:], stride=stride[1:], dilation=dilation[1:])
    area, places = face[0] * face[1], out[1] * out[2]
    x = reshape(x, (n * c, 1, depth, area * places))
    x = _unfold(x, kernel=(k, 1), stride=(stride[0], 1), dilation=(dilation[0], 1))
    x = permute(reshape(x, (n, c, k, out[0], area, places)), (0, 1, 2, 4, 3, 5))
    return reshape(x, (n, c * k * area, out[0] * places))


def from_columns(y: Any, size: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Tensor:
    """Columns added up at their places in (N, C, *size): the pair of `columns`."""
    n, rows, _ = np.shape(_data(y))
    c = rows // int(np.prod(kernel))
    if len(kernel) == 1:
        kernel, stride, dilation = (1, *kernel), (1, *stride), (1, *dilation)
        return reshape(_fold(y, size=(1, *size), kernel=kernel, stride=stride, dilation=dilation), (n, c, *size))
    if len(kernel) == 2:
        return _fold(y, size=size, kernel=kernel, stride=stride, dilation=dilation)
    out = out_sizes(size, kernel, stride, dilation)
    k, depth = kernel[0], size[0]
    area, places = kernel[1] * kernel[2], out[1] * out[2]
    y = permute(reshape(y, (n, c, k, area, out[0], places)), (0, 1, 2, 4, 3, 5))
    y = reshape(y, (n * c, k, out[0] * area * places))
    y = _fold(y, size=(depth, area * places), kernel=(k, 1), stride=(stride[0], 1), dilation=(dilation[0], 1))
    y = reshape(y, (n, c * depth * area, places))
    y = _fold(y, size=size[1:], kernel=kernel[1:], stride=stride[1:], dilation=dilation[1:])
    return reshape(y, (n, c, *size))
