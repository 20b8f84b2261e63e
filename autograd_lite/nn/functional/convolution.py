"""Convolutions: the windows as columns, and one matrix product."""

from __future__ import annotations

import math
from typing import Any

from autograd_lite.core import Tensor
from autograd_lite.layer_misfit import bias_error, channels_error, kernel_error
from autograd_lite.nn.functional.parts import batched, shape_of, unbatched
from autograd_lite.ops import fold, matmul, reshape, transpose, unfold
from autograd_lite.ops.conv import Sizes, columns, from_columns, out_sizes, sizes
from autograd_lite.ops.shape import pad

__all__ = [
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "fold",
    "unfold",
]


def _widths(padding: Any, dims: int, kernel: Sizes, stride: Sizes, dilation: Sizes) -> list[tuple[int, int]]:
    """What stands before and after each dimension: "valid" is nothing, "same" what keeps the size."""
    if not isinstance(padding, str):
        return [(p, p) for p in sizes(padding, dims, "padding", 0)]
    if padding == "valid":
        return [(0, 0)] * dims
    if padding != "same":
        raise ValueError(f"padding is a number, one for each direction, 'valid' or 'same', and not {padding!r}")
    if any(s != 1 for s in stride):
        raise ValueError(f"padding='same' is for stride 1, and the stride is {stride}")
    spare = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    return [(n // 2, n - n // 2) for n in spare]


def _refuse_channels(name: str, dims: int, input: Any, weight: Any, groups: int, transposed: bool = False) -> None:
    """Raise ValueError unless the input has the dimensions and channels that the weight takes."""
    shape, (first, second, *_) = shape_of(input), _kernel(name, dims, weight)
    if groups < 1 or first % groups:
        raise ValueError(f"{name}: weight {shape_of(weight)} has {first} channels, not a multiple of groups={groups}")
    takes = first if transposed else second * groups
    if len(shape) not in (dims + 1, dims + 2) or shape[-dims - 1] != takes:
        raise channels_error(name, dims, input, weight, groups, transposed)


def _convolved(
    name: str, dims: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Tensor:
    _refuse_channels(name, dims, input, weight, groups)
    x, single = batched(input, name, dims)
    o, c, *kernel = shape_of(weight)
    step, spread = sizes(stride, dims, "stride"), sizes(dilation, dims, "dilation")
    widths = _widths(padding, dims, tuple(kernel), step, spread)
    if any(a or b for a, b in widths):
        x = pad(x, [(0, 0), (0, 0), *widths])
    n, _, *size = shape_of(x)
    reach = tuple(d * (k - 1) + 1 for k, d in zip(kernel, spread, strict=True))
    if any(r > m for r, m in zip(reach, size, strict=True)):
        raise kernel_error(name, input, tuple(kernel), reach, widths)
    out = out_sizes(tuple(size), tuple(kernel), step, spread)
    windows = columns(x, tuple(kernel), step, spread)
    rows, places = c * math.prod(kernel), math.prod(out)
    if groups == 1:
        y = matmul(reshape(weight, (o, rows)), windows)
    else:
        y = matmul(reshape(weight, (groups, o // groups, rows)), reshape(windows, (n, groups, rows, places)))
    return _with_bias(name, reshape(y, (n, o, *out)), bias, single)


def _kernel(name: str, dims: int, weight: Any) -> Sizes:
    """The weight's shape. Raises ValueError for another number of dimensions."""
    shape = shape_of(weight)
    if len(shape) != dims + 2:
        raise ValueError(f"{name}: a weight has {dims + 2} dimensions, and this one has shape {shape}")
    return shape


def _with_bias(name: str, y: Any, bias: Any, single: bool) -> Tensor:
    if bias is not None:
        channels = shape_of(y)[1]
        if shape_of(bias) != (channels,):
            raise bias_error(name, bias, channels)
        y = y + reshape(bias, (channels, *(1,) * (len(shape_of(y)) - 2)))
    return unbatched(y, single)


def conv1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:
    """Cross-correlation of (N, C, L) with kernels (O, C / groups, k), plus bias (O,); see `conv2d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.conv1d(al.arange(4.0).reshape(1, 1, 4), al.ones(1, 1, 2)).tolist()
    [[[1.0, 3.0, 5.0]]]
    """
    return _convolved("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:
    """Cross-correlation of images (N, C, H, W) with kernels (O, C / groups, kh, kw), plus bias (O,).

    Each output size is (n + 2 padding - dilation (k - 1) - 1) // stride + 1; padding may be "valid" (none) or "same"
    (what keeps the size). Images may come without N. Raises ValueError where sizes do not fit.

    >>> import autograd_lite as al
    >>> x = al.arange(9.0).reshape(1, 1, 3, 3)
    >>> al.nn.functional.conv2d(x, al.ones(1, 1, 2, 2)).tolist()
    [[[[8.0, 12.0], [20.0, 24.0]]]]
    """
    return _convolved("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Tensor:
    """Cross-correlation of (N, C, D, H, W) with kernels (O, C / groups, kd, kh, kw), plus bias (O,); see `conv2d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.conv3d(al.ones(1, 1, 3, 3, 3), al.ones(1, 1, 2, 2, 2)).shape
    (1, 1, 2, 2, 2)
    """
    return _convolved("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def _transposed(
    name: str,
    dims: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    _refuse_channels(name, dims, input, weight, groups, transposed=True)
    x, single = batched(input, name, dims)
    c, o, *kernel = shape_of(weight)
    step, spread = sizes(stride, dims, "stride"), sizes(dilation, dims, "dilation")
    margin, more = sizes(padding, dims, "padding", 0), sizes(output_padding, dims, "output_padding", 0)
    if any(m >= max(s, d) for m, s, d in zip(more, step, spread, strict=True)):
        raise ValueError(f"{name}: output_padding {more} must be less than the stride {step} or the dilation {spread}")
    n, _, *size = shape_of(x)
    places, rows = math.prod(size), o * math.prod(kernel)
    weights = reshape(weight, (groups, c // groups, rows))
    windows = matmul(transpose(weights, -1, -2), reshape(x, (n, groups, c // groups, places)))
    windows = reshape(windows, (n, groups * rows, places))
    full = tuple(s * (m - 1) + d * (k - 1) + 1 for m, k, s, d in zip(size, kernel, step, spread, strict=True))
    y = from_columns(windows, full, tuple(kernel), step, spread)
    extra = [max(0, m - p) for m, p in zip(more, margin, strict=True)]
    if any(extra):
        y = pad(y, [(0, 0), (0, 0), *[(0, e) for e in extra]])
    ends = [p + f - 2 * p + m for f, p, m in zip(full, margin, more, strict=True)]
    if any(e <= p for e, p in zip(ends, margin, strict=True)):
        raise ValueError(f"{name}: padding {margin} leaves nothing of an output of {full}")
    if any(margin):
        inside = (slice(None), slice(None), *map(slice, margin, ends))
        y = y[inside]
    return _with_bias(name, y, bias, single)


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The transpose of `conv1d`: (N, C, L) with kernels (C, O / groups, k), plus bias (O,); see `conv_transpose2d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.conv_transpose1d(al.ones(1, 1, 2), al.ones(1, 1, 2)).tolist()
    [[[1.0, 2.0, 1.0]]]
    """
    return _transposed("conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The transpose of `conv2d`, its gradient by the input: (N, C, H, W) with kernels (C, O / groups, kh, kw).

    Each output size is stride (n - 1) - 2 padding + dilation (k - 1) + output_padding + 1. Raises ValueError where
    sizes do not fit.

    >>> import autograd_lite as al
    >>> al.nn.functional.conv_transpose2d(al.ones(1, 1, 2, 2), al.ones(1, 1, 2, 2), stride=2).shape
    (1, 1, 4, 4)
    """
    return _transposed("conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """The transpose of `conv3d`: (N, C, D, H, W) with kernels (C, O / groups, kd, kh, kw); see `conv_transpose2d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.conv_transpose3d(al.ones(1, 1, 2, 2, 2), al.ones(1, 1, 2, 2, 2), stride=2).shape
    (1, 1, 4, 4, 4)
    """
    return _transposed("conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation)
