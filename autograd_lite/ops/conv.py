"""Convolution by im2col: `unfold` lays the windows out as columns, one matrix product does the rest. And pooling."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.core import primitive
from autograd_lite.memory import Array
from autograd_lite.ops.index import gather
from autograd_lite.ops.linalg import matmul
from autograd_lite.ops.reduce import argmax, mean
from autograd_lite.ops.shape import _data, pad, reshape, unsqueeze

__all__ = ["avg_pool2d", "conv2d", "fold", "max_pool2d", "unfold"]

Pair = tuple[int, int]


def pair(value: int | tuple[int, int], name: str, least: int = 1) -> Pair:
    """A number for both directions, or two. Raises ValueError under `least`."""
    if isinstance(value, str) or not (isinstance(value, int | np.integer) or len(value) == 2):
        raise TypeError(f"{name} is a number, or a pair of them for rows and columns, and not {value!r}")
    a, b = (value, value) if isinstance(value, int | np.integer) else value
    if a < least or b < least:
        raise ValueError(f"{name} must be at least {least}, and is {value}")
    return int(a), int(b)


def _out_size(size: Pair, kernel: Pair, stride: Pair, dilation: Pair) -> Pair:
    h, w = ((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(size, kernel, stride, dilation, strict=True))
    if h < 1 or w < 1:
        raise ValueError(
            f"a kernel of {kernel} with dilation {dilation} does not fit into an input of {size} (padding included)"
        )
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


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The windows of (N, C, H, W) as columns: (N, C * kh * kw, positions), positions row by row.

    >>> import autograd_lite as al
    >>> al.nn.functional.unfold(al.arange(9.0).reshape(1, 1, 3, 3), 2)[0, :, 0].tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    _refuse_dims("unfold", input, 4, "(N, C, H, W)")
    kernel, step, spread = (
        pair(kernel_size, "kernel_size"),
        pair(stride, "stride"),
        pair(dilation, "dilation"),
    )
    return _unfold(_padded(input, pair(padding, "padding", 0)), kernel=kernel, stride=step, dilation=spread)


def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Columns (N, C * kh * kw, positions) added up at their places in (N, C, H, W): the pair of `unfold`.

    Raises ValueError where the sizes do not fit.
    """
    _refuse_dims("fold", input, 3, "(N, C * kh * kw, positions)")
    (h, w), (ph, pw), kernel = (
        pair(output_size, "output_size"),
        pair(padding, "padding", 0),
        pair(kernel_size, "kernel_size"),
    )
    step, spread = pair(stride, "stride"), pair(dilation, "dilation")
    size = h + 2 * ph, w + 2 * pw
    out = _out_size(size, kernel, step, spread)
    _, rows, positions = np.shape(_data(input))
    if rows % (kernel[0] * kernel[1]) or positions != out[0] * out[1]:
        raise ValueError(
            f"fold: input {np.shape(_data(input))} needs a multiple of {kernel[0] * kernel[1]} rows and "
            f"{out[0] * out[1]} positions for an output of {(h, w)}"
        )
    whole = _fold(input, size=size, kernel=kernel, stride=step, dilation=spread)
    return whole[:, :, ph : ph + h, pw : pw + w] if ph or pw else whole


def _padded(x: Any, padding: Pair, value: float = 0.0) -> Any:
    (a, b) = padding
    return pad(x, [(0, 0), (0, 0), (a, a), (b, b)], value) if a or b else x


def _refuse_dims(name: str, x: Any, ndim: int, form: str) -> None:
    if np.ndim(_data(x)) != ndim:
        raise ValueError(f"{name}: the input is {form}, and this one has shape {np.shape(_data(x))}")


def conv2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Cross-correlation of images (N, C, H, W) with kernels (O, C / groups, kh, kw), plus bias (O,).

    Each output size is (n + 2 padding - dilation (k - 1) - 1) // stride + 1. Raises ValueError where sizes do not fit.

    >>> import autograd_lite as al
    >>> x = al.arange(9.0).reshape(1, 1, 3, 3)
    >>> al.nn.functional.conv2d(x, al.ones(1, 1, 2, 2)).tolist()
    [[[[8.0, 12.0], [20.0, 24.0]]]]
    """
    _refuse_dims("conv2d", input, 4, "(N, C, H, W)")
    _refuse_dims("conv2d weight", weight, 4, "(O, C / groups, kh, kw)")
    o, c, *kernel = np.shape(_data(weight))
    channels = np.shape(_data(input))[1]
    if groups < 1 or o % groups or channels != c * groups:
        raise ValueError(
            f"conv2d: input {np.shape(_data(input))} has {channels} channels, and weight {(o, c, *kernel)} with "
            f"groups={groups} takes {c * groups}; the outputs ({o}) must divide by groups too"
        )
    x = _padded(input, pair(padding, "padding", 0))
    step, spread = pair(stride, "stride"), pair(dilation, "dilation")
    out = _out_size(np.shape(_data(x))[2:], (kernel[0], kernel[1]), step, spread)
    columns = _unfold(x, kernel=(kernel[0], kernel[1]), stride=step, dilation=spread)
    n, size = np.shape(_data(x))[0], c * kernel[0] * kernel[1]
    if groups == 1:
        y = matmul(reshape(weight, (o, size)), columns)
    else:
        y = matmul(reshape(weight, (groups, o // groups, size)), reshape(columns, (n, groups, size, out[0] * out[1])))
    y = reshape(y, (n, o, *out))
    return y if bias is None else y + reshape(bias, (o, 1, 1))


def _pool_windows(
    input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, fill: float
) -> tuple[Any, Any]:
    """The windows of every channel, (N * C, kh * kw, positions), and the shape that their reduction has."""
    _refuse_dims("pooling", input, 4, "(N, C, H, W)")
    kernel = pair(kernel_size, "kernel_size")
    step = kernel if stride is None else pair(stride, "stride")
    margin, spread = pair(padding, "padding", 0), pair(dilation, "dilation")
    if any(2 * m > k for m, k in zip(margin, kernel, strict=True)):
        raise ValueError(f"pooling: padding {margin} is more than half of the kernel {kernel}")
    x = _padded(input, margin, fill)
    n, c, h, w = np.shape(_data(x))
    out = _out_size((h, w), kernel, step, spread)
    return _unfold(reshape(x, (n * c, 1, h, w)), kernel=kernel, stride=step, dilation=spread), (n, c, *out)


def max_pool2d(input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1) -> Any:
    """The largest of each window of (N, C, H, W), the stride being the kernel's size unless given.

    The gradient goes to the first of equals. Padding never wins.

    >>> import autograd_lite as al
    >>> al.nn.functional.max_pool2d(al.arange(16.0).reshape(1, 1, 4, 4), 2).tolist()
    [[[[5.0, 7.0], [13.0, 15.0]]]]
    """
    windows, shape = _pool_windows(input, kernel_size, stride, padding, dilation, -np.inf)
    return reshape(gather(windows, 1, unsqueeze(argmax(windows, 1), 1)), shape)


def avg_pool2d(input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Any:
    """The mean of each window of (N, C, H, W), zeros of the padding included."""
    windows, shape = _pool_windows(input, kernel_size, stride, padding, 1, 0.0)
    return reshape(mean(windows, 1), shape)
