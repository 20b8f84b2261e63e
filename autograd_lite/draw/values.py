"""What a picture says of a tensor's numbers: the values and gradients that are known, and how they are shown.

A few numbers are shown as they are, many as a strip of means with the range. Nothing is computed again: what is
not known any more has no value, and a gradient that is not there is said to be so.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.core import Node, Tensor
from autograd_lite.recorded import held, kept
from autograd_lite.sparse import RowSparse

PARTS = ("shape", "value", "grad")
MOST = 12  # numbers shown as numbers
CELLS = 24  # of a strip
SIDE = 12  # rows and columns of a matrix that is shown entry by entry
_exact = 100_000  # elements whose means are exact, and so the same on every platform


@dataclass(frozen=True, slots=True)
class Fact:
    """One part of a box: `rows` of numbers, or `cells` from -1 to 1 (nan: not finite), or neither; and a text."""

    part: str
    rows: tuple[tuple[str, ...], ...] = ()
    cells: tuple[float, ...] = ()
    across: int = 0  # cells in a row, where they are a matrix's entries
    text: str = ""


def parts_of(show: Any) -> tuple[str, ...]:
    """The parts that are asked for, checked.

    >>> parts_of(("value", "shape"))
    ('shape', 'value')
    """
    asked = (show,) if isinstance(show, str) else tuple(show)
    wrong = [part for part in asked if part not in PARTS]
    if wrong:
        raise ValueError(f"show is of {', '.join(map(repr, PARTS))}; {wrong[0]!r} is none of them")
    return tuple(part for part in PARTS if part in asked)


def short(value: Any) -> str:
    """A number in five significant digits.

    >>> short(-1.02134), short(33.0), short(7)
    ('-1.0213', '33', '7')
    """
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return str(value)
    return f"{float(value) + 0.0:.5g}"  # + 0.0: a zero has no sign


def fact(part: str, array: Any) -> Fact:
    """An array as a part of a box.

    >>> fact("value", np.array([[1.0, 2.5]])).rows
    (('1', '2.5'),)
    >>> fact("grad", np.arange(100.0)).text
    '0 to 99, mean 49.5'
    """
    array = np.asarray(array)
    if array.size == 0:
        return Fact(part, text="empty")
    if array.size <= MOST:
        grid = array.reshape(-1, array.shape[-1] if array.ndim else 1)
        return Fact(part, rows=tuple(tuple(map(short, row)) for row in grid))
    flat = array.reshape(-1)
    flat = flat.astype(np.float64)
    fit = flat[np.isfinite(flat)]
    if fit.size == 0:
        return Fact(part, text=f"{flat.size} numbers, none finite")
    mean, largest = _mean(fit), float(np.abs(fit).max())
    mean = 0.0 if abs(mean) < 1e-12 * largest else mean  # what is left of sums that cancel says nothing
    text = f"{short(fit.min())} to {short(fit.max())}, mean {short(mean)}"
    if fit.size < flat.size:
        text += f", {flat.size - fit.size} not finite"
    if array.ndim == 2 and max(array.shape) <= SIDE:
        return Fact(part, cells=_cells(flat, flat.size), text=text, across=array.shape[1])
    return Fact(part, cells=_cells(flat), text=text)


def _mean(flat: Any) -> float:
    if flat.size <= _exact:
        return float(math.fsum(flat.tolist()) / flat.size)
    return float(np.mean(flat))


def _cells(flat: Any, most: int = CELLS) -> tuple[float, ...]:
    """Means of equal parts, as a share of the largest."""
    means = [_mean(part) for part in np.array_split(flat, min(most, flat.size))]
    largest = max((abs(m) for m in means if math.isfinite(m)), default=0.0) or 1.0
    return tuple(m / largest if math.isfinite(m) else math.nan for m in means)


def known_values(order: Iterable[Node], tensors: Iterable[Any]) -> dict[Node, Any]:
    """The values of nodes: those of tensors at hand, of tensors that are alive, and what rules have saved."""
    order = list(order)
    known = {t.node: t.data for t in tensors if isinstance(t, Tensor) and t.node is not None}
    for node in order:
        array = held(node)
        if array is not None:
            known.setdefault(node, array)
    for node in order:
        for k, array in kept(node):
            of = node if k is None else node.parents[k]
            if of is not None and np.shape(array) == of.shape:
                known.setdefault(of, array)
    return known


def checked_gradients(gradients: Mapping[Any, Any] | None) -> dict[Node, Any]:
    """Given gradients by node. Raises TypeError for keys that are no tensors, ValueError for another shape."""
    found: dict[Node, Any] = {}
    for key, value in (gradients or {}).items():
        node = key.node if isinstance(key, Tensor) else key
        if not isinstance(node, Node):
            raise TypeError(f"gradients maps tensors that require gradients to arrays; a key is {type(key).__name__}")
        array = _array(value)
        if array.shape != node.shape:
            raise ValueError(f"a gradient of shape {array.shape} is given for a tensor of shape {node.shape}")
        found[node] = array
    return found


def _array(g: Any) -> Any:
    if isinstance(g, RowSparse):
        return np.asarray(g.to_dense())
    return np.asarray(g.data if isinstance(g, Tensor) else g)


def gradient_fact(node: Node, given: Mapping[Node, Any]) -> Fact:
    """The gradient of a node: the given one, the kept one, or that there is none."""
    if node in given:
        return fact("grad", given[node])
    if node.notes is not None and node.notes.grad is not None:
        return fact("grad", _array(node.notes.grad))
    keeps = node.notes is not None and node.notes.keeps_grad
    return Fact("grad", text="not computed" if keeps else "not kept")
