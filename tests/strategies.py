"""What hypothesis draws for the tests of ops: arrays in every shape and memory layout, and calls on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]
LAYOUTS = ("rows first", "columns first", "every second", "reversed")


class Call(NamedTuple):
    """A function of arrays (or tensors), and arrays to call it with."""

    function: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]


def laid_out(array: np.ndarray, layout: str) -> np.ndarray:
    """The same numbers, elsewhere in memory."""
    if layout == "columns first":
        return np.array(array.T, order="C").T
    if layout == "every second":
        wide = np.full([2 * n for n in array.shape], np.nan)
        part = wide[(*(slice(0, None, 2) for _ in array.shape), ...)]
        part[...] = array
        return part
    if layout == "reversed":
        return np.flip(np.array(np.flip(array)))[...]
    return np.array(array, order="C")


def shapes(
    min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 3
) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(min_side, max_side), min_size=min_dims, max_size=max_dims).map(tuple)


def seeds() -> st.SearchStrategy[int]:
    return st.integers(0, 2**16)


@st.composite
def arrays(draw: Draw, shape: tuple[int, ...], low: float = -2.0, high: float = 2.0, gap: float = 0.0) -> np.ndarray:
    """Random numbers between the bounds, none nearer than `gap` to zero."""
    values = np.random.default_rng(draw(seeds())).uniform(low, high, shape)
    if gap:
        values = np.where(values < 0, np.minimum(values, -gap), np.maximum(values, gap))
    return laid_out(values, draw(st.sampled_from(LAYOUTS)))


@st.composite
def spread_arrays(draw: Draw, shape: tuple[int, ...], offset: float = 0.0) -> np.ndarray:
    """Numbers no two of which are nearer than 0.1, for what has kinks where two are equal."""
    size = int(np.prod(shape))
    values = (np.random.default_rng(draw(seeds())).permutation(size) - size / 2) * 0.2 + 0.05 + offset
    return laid_out(values.reshape(shape), draw(st.sampled_from(LAYOUTS)))


@st.composite
def broadcastable(draw: Draw, count: int, max_side: int = 3) -> list[tuple[int, ...]]:
    """Shapes that broadcast together: some without leading dimensions, some with 1 in place of a size."""
    whole = draw(shapes(max_side=max_side))
    out = []
    for _ in range(count):
        kept = whole[draw(st.integers(0, len(whole))) :]
        out.append(tuple(1 if draw(st.integers(0, 3)) == 0 else n for n in kept))
    return out


def dims_of(ndim: int) -> st.SearchStrategy[Any]:
    """None, one dimension or several, some counted from the end."""
    if ndim == 0:
        return st.none()
    one = st.integers(-ndim, ndim - 1)
    several = st.lists(one, min_size=1, max_size=ndim, unique_by=lambda d: d % ndim).map(tuple)
    return st.one_of(st.none(), one, several)


@st.composite
def unary(draw: Draw, function: Callable[..., Any], *bounds: float, gap: float = 0.0) -> Call:
    return Call(function, (draw(arrays(draw(shapes()), *bounds, gap=gap)),))


@st.composite
def binary(
    draw: Draw,
    function: Callable[..., Any],
    bounds_a: tuple[float, ...] = (),
    bounds_b: tuple[float, ...] = (),
    gap_b: float = 0.0,
) -> Call:
    a, b = draw(broadcastable(2))
    return Call(function, (draw(arrays(a, *bounds_a)), draw(arrays(b, *bounds_b, gap=gap_b))))


@st.composite
def apart(draw: Draw, function: Callable[..., Any]) -> Call:
    """Two arrays that nowhere hold the same number."""
    shape_a, shape_b = draw(broadcastable(2))
    a, b = draw(spread_arrays(shape_a)), draw(spread_arrays(shape_b, offset=0.1))
    assume((np.abs(a - b) > 0.01).all())
    return Call(function, (a, b))


@st.composite
def reduction(
    draw: Draw,
    function: Callable[..., Any],
    min_side: int = 0,
    spread: bool = False,
    several: bool = True,
    min_dims: int = 0,
    **attributes: Any,
) -> Call:
    shape = draw(shapes(min_dims=min_dims, min_side=min_side))
    dim, keepdim = draw(dims_of(len(shape))), draw(st.booleans())
    if not several and not isinstance(dim, int):
        dim = 0
    x = draw(spread_arrays(shape) if spread else arrays(shape))
    return Call(lambda x: function(x, dim=dim, keepdim=keepdim, **attributes), (x,))


@st.composite
def along(draw: Draw, function: Callable[..., Any], min_side: int = 0, **kwargs: Any) -> Call:
    """A function along one dimension, that keeps it."""
    shape = draw(shapes(min_dims=1, min_side=min_side))
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    return Call(lambda x: function(x, dim, **kwargs), (draw(arrays(shape)),))


@st.composite
def matmul_shapes(draw: Draw) -> tuple[tuple[int, ...], tuple[int, ...]]:
    n, k, m = (draw(st.integers(0, 3)) for _ in range(3))
    left, right = draw(broadcastable(2, max_side=2))
    a = draw(st.sampled_from([(k,), (*left, n, k)]))
    b = draw(st.sampled_from([(k,), (*right, k, m)]))
    return a, b


@st.composite
def basic_index(draw: Draw, shape: tuple[int, ...]) -> Any:
    """Numbers, slices (of any step), None and Ellipsis."""
    items: list[Any] = []
    for n in shape[: draw(st.integers(0, len(shape)))]:
        if n and draw(st.booleans()):
            items.append(draw(st.integers(-n, n - 1)))
        else:
            items.append(draw(st.slices(n)))
    if draw(st.booleans()):
        items.insert(draw(st.integers(0, len(items))), None)
    if draw(st.booleans()):
        items.append(Ellipsis)
    return tuple(items) if len(items) != 1 or draw(st.booleans()) else items[0]


@st.composite
def array_index(draw: Draw, shape: tuple[int, ...]) -> Any:
    """Integer arrays that broadcast together, masks, and the basic forms among them."""
    rng = np.random.default_rng(draw(seeds()))
    if draw(st.integers(0, 3)) == 0:
        return rng.random(shape) < 0.5
    size = draw(st.sampled_from([(), (2,), (3, 1), (2, 2)]))
    items: list[Any] = []
    for n in shape:
        kind = draw(st.sampled_from(["array", "list", "row", "slice", "number", "none"]))
        if kind == "array" and n:
            items.append(rng.integers(-n, n, size))
        elif kind == "list" and n:
            items.append(rng.integers(-n, n, size[-1:]).tolist())
        elif kind == "row" and n:
            items.append(rng.integers(-n, n, (1,)))
        elif kind == "number" and n:
            items.append(int(rng.integers(-n, n)))
        elif kind == "none":
            items += [None, slice(None)]
        else:
            items.append(draw(st.slices(n)))
    return tuple(items)
