"""What is known of arrays and nodes beside the graph: when they were written in place, names, notes.

There are no version counters. Nodes and writes take their numbers from one clock; a node that is older than the
last write to an array it saved is stale. So a write costs a dictionary entry, and making a node costs nothing.
"""

from __future__ import annotations

import itertools
import sys
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numpy.lib.array_utils import byte_bounds

if TYPE_CHECKING:
    from autograd_lite.core import Tensor

Array = npt.NDArray[Any]
Site = tuple[str, int]

tick = itertools.count(1).__next__  # the clock: creation order is a topological order


class Notes:
    """What only some nodes carry: a name, the line that made it, a gradient to show, hooks."""

    name: str | None = None
    holder: weakref.ref[Tensor] | None = None  # whose node it is, of a leaf or a named result: explanations show values
    site: Site | None = None
    grad: Any = None  # ndarray, RowSparse, or (after create_graph) a Tensor
    keeps_grad: bool = False  # a leaf always does; an inner node after retain_grad()
    keeps_sparse: bool = False
    hooks: dict[int, Callable[[Any], Any]] | None = None
    after: dict[int, Callable[[Any], Any]] | None = None  # called when a leaf's gradient has been added


def call_site() -> Site:
    """File and line of the nearest caller outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "autograd_lite":
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


# Arrays written through a Tensor: id of the array that owns the memory -> (weak reference to it, what of it was
# written: for the whole (None) or a range of bytes, the tick of the last write, by what, and where). A node older
# than a write to what it saved is stale; nothing has to be counted when a node is made.
_Writes = dict[tuple[int, int] | None, tuple[int, str, Site]]
_writes: dict[int, tuple[weakref.ref[Array], _Writes]] = {}
last_write = 0


def owner(array: Array) -> Array:
    """The array whose memory it is."""
    while True:
        base = array.base
        base = base if isinstance(base, np.ndarray) else getattr(base, "base", None)  # as_strided puts one between
        if not isinstance(base, np.ndarray):
            return array
        array = base


def _span(array: Array) -> tuple[int, int]:
    if array.flags.c_contiguous:
        start = int(array.ctypes.data)
        return start, start + array.nbytes
    low, high = byte_bounds(array)
    return int(low), int(high)


def written(arrays: Sequence[Array], by: str) -> None:
    """Note that these arrays have just been changed in place, and by what."""
    global last_write
    site = call_site()
    last_write = tick()
    write = last_write, by, site
    for array in arrays:
        whose = array if array.base is None else owner(array)
        key = id(whose)
        entry = _writes.get(key)
        if entry is None:
            gone: Any = lambda _, key=key: _writes.pop(key, None)  # noqa: E731
            entry = _writes[key] = weakref.ref(whose, gone), {}
        spans = entry[1]
        if whose is array:
            if len(spans) > 1 or None not in spans:
                spans.clear()
            spans[None] = write
        else:
            span = _span(array)
            spans.pop(span, None)  # so that the order is that of the last writes
            spans[span] = write


def rewriter(arrays: Sequence[Array], by: str) -> Callable[[], None]:
    """A function that notes again and again that these arrays, whole, were changed in place."""
    written(arrays, by)
    site = call_site()
    entries = [_writes[id(owner(array))][1] for array in arrays]

    def rewrite() -> None:
        global last_write
        last_write = now = tick()
        for spans in entries:
            spans[None] = now, by, site

    return rewrite


def stale(array: Array, since: int) -> str | None:
    """Which write changed this array after tick `since`, if any did."""
    entry = _writes.get(id(owner(array)))
    if entry is None:
        return None
    low, high = _span(array)
    for span, (when, by, (file, line)) in reversed(entry[1].items()):
        if when < since:
            break
        if span is None or (span[0] < high and low < span[1]):
            return f"{by} at {file}:{line}"
    return None


_names: dict[int, tuple[weakref.ref[Array], str]] = {}


def set_name(array: Array, name: str | None) -> None:
    """Give a constant's array a name, or with None take it away; leaves and results keep theirs in their node."""
    key = id(array)
    if name is None:
        _names.pop(key, None)
    else:
        _names[key] = weakref.ref(array, lambda _, key=key: _names.pop(key, None)), name  # type: ignore[misc]


def name_of(array: Array) -> str | None:
    """The name that `set_name` gave."""
    entry = _names.get(id(array))
    return None if entry is None else entry[1]
