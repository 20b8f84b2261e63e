"""Pools into a given number of windows: from floor(i n / m) up to ceil((i + 1) n / m), of different sizes where m does
not divide n."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import Tensor
from autograd_lite.nn.functional.parts import batched, shape_of, unbatched
from autograd_lite.nn.functional.pooling import averaged
from autograd_lite.ops.conv import Sizes
from autograd_lite.ops.shape import _data

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
]


def _targets(x: Any, output_size: int | Sequence[int | None] | None, dims: int) -> Sizes:
    """The sizes asked for, None being the input's own."""
    given = [output_size] * dims if output_size is None or isinstance(output_size, int) else list(output_size)
    if len(given) == 1:
        given = given * dims
    if len(given) != dims:
        raise ValueError(f"output_size is a number, or {dims} of them, and not {output_size}")
    return tuple(n if m is None else int(m) for n, m in zip(shape_of(x)[2:], given, strict=True))


def _bounds(n: int, m: int) -> tuple[Any, Any]:
    places = np.arange(m)
    return places * n // m, -(-(places + 1) * n // m)


def _adaptive_mean(dims: int, input: Any, output_size: Any) -> Tensor:
    x, single = batched(input, f"adaptive_avg_pool{dims}d", dims)
    want, have = _targets(x, output_size, dims), shape_of(x)[2:]
    if all(m and n % m == 0 for n, m in zip(have, want, strict=True)):
        kernel = tuple(n // m for n, m in zip(have, want, strict=True))
        return unbatched(averaged(dims, x, kernel, None, 0, False, True, None), single)
    for d, (n, m) in enumerate(zip(have, want, strict=True)):
        starts, ends = _bounds(n, m)
        inside = (starts[:, None] <= np.arange(n)) & (np.arange(n) < ends[:, None])
        shares = (inside / (ends - starts)[:, None]).astype(_data(x).dtype)
        x = ops.transpose(ops.matmul(ops.transpose(x, d + 2, -1), shares.T), d + 2, -1)
    return unbatched(x, single)


def _adaptive_largest(dims: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    x, single = batched(input, f"adaptive_max_pool{dims}d", dims)
    want, (n, c, *have) = _targets(x, output_size, dims), shape_of(x)
    numbered: Any = np.arange(math.prod(have)).reshape(have)
    widths = []
    for d, (size, m) in enumerate(zip(have, want, strict=True)):
        starts, ends = _bounds(size, m)
        width = int(np.max(ends - starts, initial=1))
        index = np.minimum(starts[:, None] + np.arange(width), ends[:, None] - 1).reshape(-1)  # the last one again
        x, numbered = ops.index_select(x, d + 2, index), np.take(numbered, index, d)
        widths.append(width)
    split = [k for pair in zip(want, widths, strict=True) for k in pair]
    order = [*range(0, 2 * dims, 2), *range(1, 2 * dims, 2)]
    windows = ops.permute(ops.reshape(x, (n, c, *split)), (0, 1, *[2 + k for k in order]))
    windows = ops.reshape(windows, (n, c, *want, math.prod(widths)))
    places = ops.unsqueeze(ops.argmax(windows, -1), -1)
    y = unbatched(ops.squeeze(ops.gather(windows, -1, places), -1), single)
    if not return_indices:
        return y
    where = np.broadcast_to(numbered.reshape(split).transpose(order).reshape(*want, -1), shape_of(windows))
    return y, unbatched(ops.squeeze(ops.gather(where, -1, places), -1), single)


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Tensor:
    """The means of as many windows of (N, C, L) as asked for; see `adaptive_avg_pool2d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.adaptive_avg_pool1d(al.tensor([[[1.0, 3.0, 2.0]]]), 2).tolist()
    [[[2.0, 2.5]]]
    """
    return _adaptive_mean(1, input, output_size)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Tensor:
    """The means of windows of (N, C, H, W) that cover it in `output_size` steps; None keeps a size.

    >>> import autograd_lite as al
    >>> al.nn.functional.adaptive_avg_pool2d(al.arange(4.0).reshape(1, 1, 2, 2), 1).item()
    1.5
    """
    return _adaptive_mean(2, input, output_size)


def adaptive_avg_pool3d(input: Any, output_size: Any) -> Tensor:
    """The means of windows of (N, C, D, H, W); see `adaptive_avg_pool2d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.adaptive_avg_pool3d(al.ones(1, 1, 3, 4, 5), 2).shape
    (1, 1, 2, 2, 2)
    """
    return _adaptive_mean(3, input, output_size)


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest of as many windows of (N, C, L) as asked for; see `adaptive_max_pool2d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.adaptive_max_pool1d(al.tensor([[[1.0, 3.0, 2.0]]]), 2).tolist()
    [[[3.0, 3.0]]]
    """
    return _adaptive_largest(1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest of windows of (N, C, H, W) that cover it in `output_size` steps; None keeps a size.

    >>> import autograd_lite as al
    >>> al.nn.functional.adaptive_max_pool2d(al.arange(4.0).reshape(1, 1, 2, 2), 1).item()
    3.0
    """
    return _adaptive_largest(2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest of windows of (N, C, D, H, W); see `adaptive_max_pool2d`.

    >>> import autograd_lite as al
    >>> al.nn.functional.adaptive_max_pool3d(al.ones(1, 1, 3, 4, 5), 2).shape
    (1, 1, 2, 2, 2)
    """
    return _adaptive_largest(3, input, output_size, return_indices)
