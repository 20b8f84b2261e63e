"""Numbers and sums as a formula has them, and the part of an array that there is room for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.memory import Array

TERMS = 3  # of a long sum that are written out
Index = tuple[int, ...]
_token = re.compile(r"(?<![A-Za-z])[abxyg](?![A-Za-z(])")


def number(value: Any) -> str:
    """A number in five digits, with a minus sign.

    >>> number(-0.25), number(3.0), number(1 / 3), number(True)
    ('−0.25', '3', '0.33333', '1')
    """
    return f"{float(value) + 0.0:.5g}".replace("-", "−")


def inside(text: str) -> str:
    """A number as a part of a formula: in parentheses if it has a minus."""
    return f"({text})" if text.startswith("−") else text


def fill(template: str, values: dict[str, str]) -> str:
    """Letters of a formula replaced by names or numbers.

    >>> fill("g · (1 − y · y)", {"g": "−2", "y": "0.5"}), fill("exp(x)", {"x": "−1"})
    ('(−2) · (1 − 0.5 · 0.5)', 'exp(−1)')
    """

    def filled(found: re.Match[str]) -> str:
        text = values.get(found[0], found[0])
        alone = template[found.start() - 1 : found.start()] == "(" and template[found.end() : found.end() + 1] == ")"
        return text if alone else inside(text)

    return _token.sub(filled, template)


def entry(at: Index) -> str:
    """An index as it is written after a name; nothing for a single number."""
    return f"[{', '.join(map(str, at))}]" if at else ""


def flat(at: Index, shape: Index) -> int:
    """The place of an entry, row by row."""
    return int(np.ravel_multi_index(at, shape)) if shape else 0


def unflat(place: int, shape: Index) -> Index:
    """The entry at a place, row by row."""
    return tuple(int(i) for i in np.unravel_index(place, shape)) if shape else ()


def added(values: Any, text: Callable[[int], str]) -> str:
    """A sum of terms, each written by `text` from its place: all of a short one, the largest of a long one."""
    values = np.ravel(values)
    if values.size <= TERMS + 1:
        return " + ".join(map(text, range(values.size))) or "0"
    sizes = np.abs(np.nan_to_num(values, nan=np.inf))
    largest = []
    for _ in range(TERMS):  # the first of equal ones; sorting takes ten times as long
        largest.append(int(np.argmax(sizes)))
        sizes[largest[-1]] = -1.0
    largest.sort()
    return " + ".join(map(text, largest)) + f" + … ({values.size:,} terms, the largest shown)"


def product(p: Any, q: Any) -> str:
    """The sum of the products of two rows of numbers.

    >>> product([1.0, -3.0], [2.0, 4.0])
    '1 · 2 + (−3) · 4'
    """
    return added(np.multiply(p, q), lambda i: f"{inside(number(p[i]))} · {inside(number(q[i]))}")


def plain_sum(values: Any) -> str:
    """A sum of numbers."""
    values = np.ravel(values)
    return added(values, lambda i: inside(number(values[i])))


@dataclass(frozen=True, eq=False)
class Window:
    """Rows and columns of an array, the last dimension across: `entries` row by row, `first` the largest of them."""

    shape: Index
    rows: list[str]
    columns: list[str]
    entries: list[Index]
    first: int

    @property
    def whole(self) -> bool:
        """Is that all of it?"""
        return len(self.entries) == int(np.prod(self.shape))


def window(array: Array, limit: int, sizes: Array | None = None) -> Window:
    """As much of an array as `limit` entries are: of a large one the rows and columns where the largest are.

    What is large is told by `sizes`, of the same shape, where they are given.

    >>> seen = window(np.arange(100.0).reshape(10, 10), 6)
    >>> seen.rows, seen.columns, seen.entries[seen.first]
    (['8', '9'], ['7', '8', '9'], (9, 9))
    """
    shape = array.shape
    width = shape[-1] if shape else 1
    if not array.size:
        return Window(shape, [], [], [], 0)
    told = np.asarray(array if sizes is None else sizes, float)
    size = np.abs(np.nan_to_num(told, nan=np.inf)).reshape(-1, width)
    across = np.arange(width) if array.size <= limit else None
    count = limit if across is None else len(size)
    if across is None:
        most = min(width, max(1, int(np.ceil(limit**0.5))) if len(size) > 1 else limit)
        count = max(1, limit // most)
    down = np.sort(np.argsort(-size.max(1), kind="stable")[:count])
    if across is None:
        across = np.sort(np.argsort(-size[down].max(0), kind="stable")[:most])
    entries = [unflat(int(i * width + j), shape) for i in down for j in across]
    rows = [", ".join(map(str, unflat(int(i), shape[:-1]))) for i in down]
    columns = [str(j) for j in across] if shape else [""]
    return Window(shape, rows, columns, entries, int(np.argmax(size[np.ix_(down, across)])))
