"""Where constants come from: what is done to constants alone is not recorded, so that only its result is in the graph.

Of an array with a name that can be found again: a part of it, its rows in another shape, or the windows that a
convolution lays out. Then the array goes into the code, and not what was made of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from autograd_lite import memory
from autograd_lite.core import Node
from autograd_lite.derive.names import Names, operands
from autograd_lite.memory import Array, name_of
from autograd_lite.ops.conv import _unfold
from autograd_lite.ops.index import getitem
from autograd_lite.ops.shape import pad, permute, reshape
from autograd_lite.recorded import Recorded

NAMED = 64  # arrays with names that are tried
STRIDES, DILATIONS = range(1, 9), (1, 2, 3)

Made = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Origin:
    """The array with a name that a constant was made of, and how."""

    array: Array
    name: str
    made: Made


def origins(recorded: Recorded, names: Names) -> dict[int, Origin]:
    """By the id of a constant: those that were made of an array with a name."""
    named = _named(names)
    found: dict[int, Origin] = {}
    for node in recorded.order if named else ():
        for value in operands(node) if None in node.parents else ():
            if not isinstance(value, np.ndarray) or value.ndim == 0 or value.dtype.kind != "f" or id(value) in found:
                continue
            if any(value is array for array, _ in named):
                continue
            for array, name in named:
                made = _how(node, value, array)
                if made is not None:
                    found[id(value)] = Origin(array, name, made)
                    break
    return found


def _named(names: Names) -> list[tuple[Array, str]]:
    """The newest arrays with names that the caller gave; not those of a graph's tensors."""
    alive = [reference() for reference, _ in list(memory._names.values())[: -NAMED - 1 : -1]]
    given = [array for _, array in names.of_arrays()]
    found = [(a, names.of_array(a) or name_of(a)) for a in (*given, *alive) if a is not None]
    return [(a, name) for a, name in found if name is not None and a.dtype.kind == "f" and a.ndim]


def _how(node: Node, value: Array, array: Array) -> Made | None:
    if np.may_share_memory(value, array):
        return _part(value, array) or _moved(value, array)
    convolved = node.op is not None and node.op.name == "matmul" and value.ndim in {3, 4} and array.ndim == 4
    return _windows(value, array) if convolved and len(value) == len(array) else None


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])


def _same(a: Array, b: Array) -> bool:
    return (_address(a), a.shape, a.strides) == (_address(b), b.shape, b.strides)


def _part(value: Array, array: Array) -> Made | None:
    """array[2], array[:, 2], array[2:5]: by where they stand in memory."""
    if _same(value, array):
        return lambda x: x
    offset = _address(value) - _address(array)
    for dim, (length, stride) in enumerate(zip(array.shape, array.strides, strict=True)):
        if offset % (stride or 1) or not 0 <= offset < length * stride:
            continue
        start = offset // stride
        cut: list[Any] = [start]
        cut += [slice(start or None, start + value.shape[dim])] if value.ndim == array.ndim else []
        for item in cut:
            index = (*(slice(None) for _ in range(dim)), item)
            if _same(value, array[index]):
                return partial(getitem, index=index if len(index) > 1 else index[0])
    return None


def _moved(value: Array, array: Array) -> Made | None:
    if array.ndim > 1 and _same(value, array.T):
        return lambda x: permute(x, *reversed(range(array.ndim)))
    whole = array.flags.c_contiguous and value.flags.c_contiguous and value.size == array.size
    if not whole or _address(value) != _address(array):
        return None
    return lambda x: reshape(x, value.shape)


def _windows(value: Array, array: Array) -> Made | None:
    """The columns of a convolution of the images in an array, by trying kernels, strides and paddings."""
    rows = int(np.prod(value.shape[1:-1]))
    fitting = [how for how in _settings(array.shape, rows, value.shape[-1]) if _equal(value, _columns(how)(array))]
    if not fitting:
        return None
    probe = np.random.default_rng(0).normal(size=array.shape)
    first = _columns(fitting[0])(probe)
    if not all(_equal(first, _columns(how)(probe)) for how in fitting[1:]):  # of images that are all zero, say
        return None
    flat = _columns(fitting[0])
    return (lambda x: reshape(flat(x), value.shape)) if value.ndim == 4 else flat


_Setting = tuple[tuple[int, int], int, int, int]


def _settings(shape: Sequence[int], rows: int, positions: int) -> Iterator[_Setting]:
    """Kernels, paddings, strides and dilations that give so many rows and positions."""
    _, channels, height, width = shape
    size = rows // channels if rows % channels == 0 else 0
    kernels = [(k, size // k) for k in range(1, size + 1) if size % k == 0]
    kernels.sort(key=lambda kernel: abs(kernel[0] - kernel[1]))
    for kernel in kernels:
        for dilation, stride, padding in itertools.product(DILATIONS, STRIDES, range(max(kernel) + 1)):
            free = [n + 2 * padding - dilation * (k - 1) - 1 for n, k in zip((height, width), kernel, strict=True)]
            if min(free) >= 0 and (free[0] // stride + 1) * (free[1] // stride + 1) == positions:
                yield kernel, padding, stride, dilation


def _columns(how: _Setting) -> Made:
    kernel, padding, stride, dilation = how

    def made(x: Any) -> Any:
        wide = pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)], 0.0) if padding else x
        return _unfold(wide, kernel=kernel, stride=(stride, stride), dilation=(dilation, dilation))

    return made


def _equal(value: Array, columns: Any) -> bool:
    return np.array_equal(np.asarray(getattr(columns, "data", columns)).reshape(value.shape), value)
