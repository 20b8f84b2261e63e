"""Formulas moved, summed and multiplied as arrays are: reshaping, transposing, reductions, matrix products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.derive.numpy_text import (
    ATOM,
    MATMUL,
    NEGATIVE,
    Atom,
    Formula,
    Shape,
    Unprintable,
    atom,
    linear,
    number,
    times,
)
from autograd_lite.ops.shape import kept


def filled(a: Formula, whole: Shape) -> Formula:
    """A formula whose text has the whole shape."""
    if a.shape == whole:
        return a
    if a.number is not None:
        size = str(whole[0]) if len(whole) == 1 else str(whole)
        return linear(a, lambda _: atom(f"np.ones({size})", whole))
    if math.prod(a.shape) == math.prod(whole):
        return atom(f"{a.inside(ATOM)}{_new_axes(a.shape, whole)}", whole, (a,), kind="reshape", parts=(a,))
    return atom(f"np.broadcast_to({a.text}, {whole})", whole, (a,))


def _suits(have: Shape, whole: Shape) -> bool:
    new = len(whole) - len(have)
    return new >= 0 and whole == (1,) * new + have


def _new_axes(have: Shape, want: Shape) -> str | None:
    """An index that makes one shape of another by adding or taking away dimensions of 1, if one does."""
    longer, shorter, mark = (want, have, "None") if len(want) > len(have) else (have, want, "0")
    items, rest = [], list(shorter)
    for n in longer:
        same = bool(rest) and rest[0] == n
        if not same and n != 1:
            return None
        items.append(":" if same else mark)
        if same:
            rest.pop(0)
    while mark == "0" and items and items[-1] == ":":
        items.pop()
    return None if rest else f"[{', '.join(items)}]"


def reshaped(a: Formula, old: Shape, new: Shape) -> Formula:
    """In another shape, row by row."""
    return linear(a, lambda rest: _reshaped(rest, old, new))


def _reshaped(a: Formula, old: Shape, new: Shape) -> Formula:
    if a.number is not None or _suits(a.shape, new):
        return a
    if math.prod(a.shape) != math.prod(new):
        a = filled(a, old)
    one = a.atom
    if one is not None and one.kind == "reshape":
        return _reshaped(one.parts[0], one.parts[0].shape, new)
    if one is not None and one.kind == "matmul" and (*new, 1) == a.shape:
        column = one.parts[1].atom
        if column is not None and column.kind == "reshape" and (*column.parts[0].shape, 1) == column.shape:
            return product(one.parts[0], column.parts[0])
    if one is not None and one.kind == "slice":
        taken = _taken(one, new)
        if taken is not None:
            return taken
    axes = _new_axes(a.shape, new)
    how = axes if axes is not None else f".reshape({', '.join(map(str, new))})"
    return atom(f"{a.inside(ATOM)}{how}", new, (a,), kind="reshape", parts=(a,))


def _taken(one: Atom, new: Shape) -> Formula | None:
    """x[1] for x[1:2][0], where a slice of one is what goes away."""
    base, items = one.parts
    cut = [d for d, item in enumerate(items) if isinstance(item, slice) and item.start is not None]
    whole, d = one.shape, cut[0] if len(cut) == 1 else 0
    if len(cut) != 1 or whole[d : d + 1] != (1,) or new != (*whole[:d], *whole[d + 1 :]):
        return None
    text = index_text([item.start if d == cut[0] else item for d, item in enumerate(items)], len(base.shape))
    return atom(f"{base.inside(ATOM)}[{text}]", new, (base,))


def permuted(a: Formula, old: Shape, dims: tuple[int, ...]) -> Formula:
    """The dimensions in another order."""
    return linear(a, lambda rest: _permuted(rest, old, dims))


def _swapped(shape: Shape) -> tuple[int, int]:
    return len(shape) - 1, len(shape) - 2


def _permuted(a: Formula, old: Shape, dims: tuple[int, ...]) -> Formula:
    if a.number is not None or dims == tuple(range(len(dims))):
        return a
    a = filled(a, old)
    one, new = a.atom, tuple(a.shape[d] for d in dims)
    if one is not None and one.kind == "permute":
        base, before = one.parts
        return _permuted(base, base.shape, tuple(before[d] for d in dims))
    n = len(dims)
    last = (*range(n - 2), n - 1, n - 2)
    if one is not None and one.kind == "matmul" and dims == last and all(len(p.shape) > 1 for p in one.parts):
        left, right = (_permuted(p, p.shape, last[: len(p.shape) - 2] + _swapped(p.shape)) for p in reversed(one.parts))
        swapped = product(left, right)
        if len(swapped.text) < len(one.text) + len(".T"):
            return swapped
    if dims == tuple(reversed(range(n))):
        how = ".T"
    elif dims == (*range(n - 2), n - 1, n - 2):
        how = ".mT"
    else:
        how = f".transpose({', '.join(map(str, dims))})"
    return atom(f"{a.inside(ATOM)}{how}", new, (a,), kind="permute", parts=(a, dims))


def summed(a: Formula, whole: Shape, dims: tuple[int, ...], keep: bool) -> Formula:
    """The sum over some dimensions; what is broadcast along one is multiplied."""
    lead = len(whole) - len(a.shape)
    broadcast = [d for d in dims if d < lead or a.shape[d - lead] != whole[d]]
    axes = tuple(d - lead for d in dims if d >= lead and (d not in broadcast or not keep))
    count = number(math.prod(whole[d] for d in broadcast))
    return times(count, linear(a, lambda rest: _summed(rest, axes, keep)))


def _summed(a: Formula, axes: tuple[int, ...], keep: bool) -> Formula:
    if not axes:
        return a
    how = [] if len(axes) == len(a.shape) else [f"axis={axes[0] if len(axes) == 1 else axes}"]
    how += ["keepdims=True"] * keep
    new = kept(a.shape, axes) if keep else tuple(n for d, n in enumerate(a.shape) if d not in axes)
    return atom(f"{a.inside(ATOM)}.sum({', '.join(how)})", new, (a,))


def summed_to(a: Formula, whole: Shape, target: Shape) -> Formula:
    """Summed over what broadcasting repeats."""
    new = len(whole) - len(target)
    repeated = tuple(d + new for d, n in enumerate(target) if n == 1 and whole[d + new] != 1)
    if not new or not repeated:
        dims = (*range(new), *repeated)
        return summed(a, whole, dims, bool(repeated)) if dims else a
    dims = (*range(new), *repeated)
    rest = tuple(n for d, n in enumerate(whole) if d not in dims)
    return reshaped(summed(a, whole, dims, False), rest, target)


def product(a: Formula, b: Formula) -> Formula:
    """a @ b, numbers in front."""
    return linear(a, lambda left: linear(b, lambda right: _product(left, right)))


def _product(a: Formula, b: Formula) -> Formula:
    rows, columns = a.shape[-2:-1], b.shape[-1:] if len(b.shape) > 1 else ()
    new = (*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), *rows, *columns)
    text = f"{a.inside(MATMUL)} @ {b.inside(NEGATIVE)}"
    return atom(text, new, (a, b), level=MATMUL, kind="matmul", parts=(a, b))


def index_text(items: Sequence[Any], ndim: int) -> str:
    """The text of an index, without full slices at the end."""
    items = list(items)
    if any(item is Ellipsis for item in items):
        at = next(i for i, item in enumerate(items) if item is Ellipsis)
        used = sum(item is not Ellipsis and item is not None for item in items)
        items[at : at + 1] = [slice(None)] * (ndim - used)
    while len(items) > 1 and isinstance(items[-1], slice) and items[-1] == slice(None):
        items.pop()
    return ", ".join(_part(item) for item in items)


def _part(item: Any) -> str:
    if isinstance(item, slice):
        start, stop = ("" if n is None else str(n) for n in (item.start, item.stop))
        return f"{start}:{stop}" + ("" if item.step is None else f":{item.step}")
    if isinstance(item, Formula):
        return item.text
    if item is None or isinstance(item, int | np.integer):
        return str(item)
    raise Unprintable(f"the index {item!r}")
