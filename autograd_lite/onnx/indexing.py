"""Parts of arrays in ONNX: slices, entries named by arrays, and the windows of a convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.onnx.builder import Builder, ExportError
from autograd_lite.ops.conv import _unfold
from autograd_lite.ops.index import ARRAY

Shape = tuple[int, ...]


def _whole(index: Any, ndim: int) -> list[Any]:
    """An index with one entry for each dimension, beside new ones."""
    items = list(index) if isinstance(index, tuple) else [index]
    taken = sum(item is not None and item is not Ellipsis for item in items)
    at = next((k for k, item in enumerate(items) if item is Ellipsis), len(items))
    return items[:at] + [slice(None)] * (ndim - taken) + items[at + 1 :]


def sliced(b: Builder, x: str, shape: Shape, index: Any) -> str:
    """x[index], the index being of numbers, slices, None and Ellipsis."""
    starts, ends, steps, axes, gone, new = [], [], [], [], [], []
    axis = place = 0
    for item in _whole(index, len(shape)):
        if item is None:
            new.append(place)
            place += 1
            continue
        n = shape[axis]
        if isinstance(item, slice):
            start, end, step = item.indices(n)
            place += 1
        else:
            start, end, step = int(item) % n, int(item) % n + 1, 1
            gone.append(axis)
        if (start, end, step) != (0, n, 1):
            starts.append(start)
            ends.append(end if end >= 0 else -(2**62))  # before the first, going backwards
            steps.append(step)
            axes.append(axis)
        axis += 1
    if axes:
        x = b.add("Slice", x, b.ints(*starts), b.ints(*ends), b.ints(*axes), b.ints(*steps))
    if gone:
        x = b.add("Squeeze", x, b.ints(*gone))
    if new:
        x = b.add("Unsqueeze", x, b.ints(*new))
    return x if axes or gone or new else b.add("Identity", x)


def picked(b: Builder, x: str, arrays: Sequence[Any], shape: Shape, form: tuple[Any, ...]) -> str:
    """x at an index with arrays: one among whole dimensions, or one for each of the first dimensions.

    Raises ExportError for other forms.
    """
    items = _whole(form, len(shape))
    places = [k for k, item in enumerate(items) if item is ARRAY]
    others = [item for item in items if item is not ARRAY]
    whole = all(isinstance(item, slice) and item == slice(None) for item in others)
    if not whole or any(np.asarray(a).dtype.kind not in "iu" for a in arrays):
        raise ExportError("export: an index of arrays is of integers, among whole dimensions (:), in an ONNX file")
    names = [b.cast(b.name(np.asarray(a)), np.asarray(a).dtype, np.int64) for a in arrays]
    if len(arrays) == 1:
        return b.add("Gather", x, names[0], axis=places[0])
    if places != list(range(len(arrays))):
        raise ExportError("export: several arrays in an index are its first entries, in an ONNX file")
    wide = np.broadcast_shapes(*(np.shape(a) for a in arrays))
    columns = [b.add("Unsqueeze", b.add("Expand", n, b.ints(*wide)), b.ints(-1)) for n in names]
    sizes = b.constant(np.array(shape[: len(arrays)], np.int64))
    index = b.add("Concat", *columns, axis=-1)
    index = b.add("Where", b.add("Less", index, b.constant(np.int64(0))), b.add("Add", index, sizes), index)
    return b.add("GatherND", x, index)


def windows(b: Builder, x: str, shape: Shape, out: Shape, attrs: dict[str, Any]) -> str:
    """The windows of (N, C, H, W) as columns."""
    n, c, h, w = shape
    places = _unfold(np.arange(h * w).reshape(1, 1, h, w), **attrs)[0]
    flat = b.add("Reshape", x, b.ints(n, c, h * w))
    return b.add("Reshape", b.add("Gather", flat, b.constant(places), axis=2), b.ints(*out))
