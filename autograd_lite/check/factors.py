"""Constant factors, named from what is there: 2, the sizes of dimensions, the scale of a mask."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations_with_replacement
from math import isclose, prod

import numpy as np

from autograd_lite.check.region import Region
from autograd_lite.memory import Array, name_of
from autograd_lite.recorded import Recorded, Value

EXACT = 1e-9


@dataclass(frozen=True)
class Known:
    """A number that a factor can come from, and where it is found."""

    value: float
    words: str


def mask_scale(array: Array) -> float | None:
    """s, for an array of zeros and s, of both; else None.

    >>> mask_scale(np.array([0.0, 2.0, 2.0]))
    2.0
    """
    raw = np.asarray(array)
    if raw.size < 2 or raw.dtype.kind not in "fiub":
        return None
    top = float(raw.max())
    return top if top > 0 and bool(((raw == 0) | (raw == top)).all()) and bool((raw == 0).any()) else None


def sizes(label: str, shape: tuple[int, ...]) -> list[Known]:
    """The sizes of an array, as factors."""
    words = ["the rows of", "the columns of"] if len(shape) == 2 else [f"dimension {d} of" for d in range(len(shape))]
    of = _shown(label, shape)
    return [Known(float(size), f"{word} {of}") for size, word in zip(shape, words, strict=True) if size > 2]


class Factors:
    """What a factor may be made of, in one graph."""

    def __init__(self, graph: Recorded, values: list[Value]) -> None:
        found: dict[float, str] = {2.0: ""}
        shapes = [(node.shape, graph.label(node)) for node in graph.order]
        shapes += [(v.array.shape, v.label) for v in values if v.node is None and v.array.ndim > 1]
        for shape, label in shapes:
            for one in sizes(label, shape):
                found.setdefault(one.value, one.words)
        self.known = [Known(n, words) for n, words in found.items()]
        self.tables: dict[tuple[Known, ...] | None, tuple[Array, list[str]]] = {}
        self.totals = [
            Known(float(np.prod(shape)), f"the number of elements of {_shown(label, shape)}")
            for shape, label in shapes
            if len(shape) > 1 and np.prod(shape) > 2
        ]

    def name(
        self, factor: float, tolerance: float = EXACT, first: Iterable[Known] = (), only_sizes: bool = False
    ) -> str | None:
        """In words where a factor comes from, the simplest first, or None where nothing here explains it.

        A sign counts for nothing. Numbers of `first` are nearer at hand than others. With `only_sizes` it has to be a
        size, or one over a size.
        """
        size = abs(factor)
        if not np.isfinite(size) or size == 0:
            return None
        if isclose(size, 1.0, rel_tol=tolerance):
            return ""
        values, texts = self._table(None if only_sizes else tuple(first))
        near = np.flatnonzero(np.abs(values - size) <= tolerance * np.maximum(values, size))
        return texts[near[0]] if near.size else None

    def _table(self, first: tuple[Known, ...] | None) -> tuple[Array, list[str]]:
        """All that a factor may be, the simplest first, and the words for each; of None sizes alone."""
        if first not in self.tables:
            singly = (pair for one in self.known for pair in _alone(one))
            pairs = list(singly if first is None else self._combinations([*first, *self.known]))
            self.tables[first] = np.array([value for value, _ in pairs]), [text for _, text in pairs]
        return self.tables[first]

    def _combinations(self, known: list[Known]) -> Iterator[tuple[float, str]]:
        for one in known:
            yield from _alone(one)
        for one, two in combinations_with_replacement(known[:12], 2):
            a, b = _number(one.value), _number(two.value)
            yield one.value * two.value, _worded(f"{a} times {b}", one, two)
            yield 1 / (one.value * two.value), _worded(f"1/({a} times {b})", one, two)
            yield one.value / two.value, _worded(f"{a}/{b}", one, two)
            yield two.value / one.value, _worded(f"{b}/{a}", two, one)
        for one in self.totals:
            yield from _alone(one)


def _article(words: str) -> str:
    return (
        f"the size of {words}"
        if words.startswith("dimension")
        else f"the number of {words[4:]}"
        if words[4:].startswith(("rows", "columns"))
        else words
    )


def _shown(label: str, shape: tuple[int, ...]) -> str:
    return label if str(shape) in label else f"{label} {shape}"


def _alone(one: Known) -> Iterator[tuple[float, str]]:
    yield one.value, _worded(_number(one.value), one)
    yield 1 / one.value, _worded(f"1/{_number(one.value)}", one)


def masks(region: Region) -> Iterator[Known]:
    """The scales of the masks between a tensor and the deltas above it."""
    for node, k in region.edges:
        for name, array in node.saved_by_name(k).items():
            scale = mask_scale(array) if isinstance(array, np.ndarray) and name != "y" else None
            if scale is not None and scale != 1.0 and name in (node.op.arrays if node.op else ()):
                yield Known(scale, f"the scale of the mask {name_of(array) or name}")


def _worded(text: str, *known: Known) -> str:
    words = dict.fromkeys(f"{_number(k.value)} is {_article(k.words)}" for k in known if k.words)
    return f"{text}, where {' and '.join(words)}" if words else text


def _number(value: float) -> str:
    return f"{value:g}"


def averaged(region: Region) -> set[int]:
    """Over how many elements something between a tensor and the loss is averaged."""
    counts = set[int]()
    for node, k in region.edges:
        mean = node.op is not None and (node.op.name == "mean" or node.attrs.get("reduction") == "mean")
        if mean:
            counts.add(prod(region.below((node, k)).shape) // max(1, prod(node.shape)))
    return counts - {1}


def summed(region: Region) -> set[int]:
    """Over how many elements the derivatives here sum: sizes of an op's output that its input lacks, and products."""
    counts = set[int]()
    for edge in region.edges:
        above, below = list(edge[0].shape), region.below(edge)
        for size in below.shape:
            if size in above:
                above.remove(size)
        counts.update(above)
        counts.add(prod(above))
        if below.op is None and edge[0].shape:
            counts.add(edge[0].shape[0])  # examples, also where as many as there are features
    return counts - {1}
