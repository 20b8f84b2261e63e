"""A second engine, naive and recursive, gives the same gradients for random programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al


class Twin:
    """A value, and for each parent the Jacobian-transpose product; no accumulation, no order: paths, one by one."""

    def __init__(self, value: np.ndarray, *parents: tuple[Twin, Callable[[np.ndarray], np.ndarray]]) -> None:
        self.value, self.parents = np.asarray(value, float), parents

    def gradients(self, g: np.ndarray, found: dict[int, np.ndarray]) -> None:
        """Add what flows along every path from here to each leaf."""
        if not self.parents:
            found[id(self)] = found.get(id(self), 0.0) + g
        for parent, push in self.parents:
            parent.gradients(summed(push(g), parent.value.shape), found)


def summed(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    while g.ndim > len(shape):
        g = g.sum(0)
    for d, n in enumerate(shape):
        if n == 1 and g.shape[d] != 1:
            g = g.sum(d, keepdims=True)
    return g


def spread(g: np.ndarray, x: Twin) -> np.ndarray:
    return np.zeros(x.value.shape) + g


def rows_twin(x: Twin) -> Twin:
    places = [0, -1, 0]

    def push(g: np.ndarray) -> np.ndarray:
        out = np.zeros(x.value.shape)
        for k, place in enumerate(places):
            out[place] = out[place] + g[k]
        return out

    return Twin(x.value[places].sum(0, keepdims=True), (x, lambda g: push(np.concatenate([g] * 3))))


UNARY: list[tuple[Callable[[Any], Any], Callable[[Twin], Twin]]] = [
    (lambda x: -x, lambda x: Twin(-x.value, (x, lambda g: -g))),
    (al.tanh, lambda x: Twin(np.tanh(x.value), (x, lambda g: g / np.cosh(x.value) ** 2))),
    (al.sin, lambda x: Twin(np.sin(x.value), (x, lambda g: g * np.cos(x.value)))),
    (
        al.sigmoid,
        lambda x: Twin(1 / (1 + np.exp(-x.value)), (x, lambda g: g * np.exp(-x.value) / (1 + np.exp(-x.value)) ** 2)),
    ),
    (
        lambda x: al.exp(al.clamp(x, -1.0, 1.0)),
        lambda x: Twin(
            np.exp(np.clip(x.value, -1, 1)),
            (x, lambda g: g * np.exp(np.clip(x.value, -1, 1)) * (np.abs(x.value) <= 1)),
        ),
    ),
    (lambda x: x.sum(), lambda x: Twin(x.value.sum(), (x, lambda g: spread(g, x)))),
    (lambda x: x.mean(), lambda x: Twin(x.value.mean(), (x, lambda g: spread(g, x) / x.value.size))),
    (lambda x: x.reshape(-1)[[0, -1, 0]].sum(0, True), lambda x: rows_twin(flat_twin(x))),
    (lambda x: x.reshape(-1), lambda x: flat_twin(x)),
    (lambda x: x * 0.5 + 0.25, lambda x: Twin(x.value * 0.5 + 0.25, (x, lambda g: 0.5 * g))),
]


def flat_twin(x: Twin) -> Twin:
    return Twin(x.value.reshape(-1), (x, lambda g: g.reshape(x.value.shape)))


BINARY: list[tuple[Callable[[Any, Any], Any], Callable[[Twin, Twin], Twin]]] = [
    (lambda a, b: a + b, lambda a, b: Twin(a.value + b.value, (a, lambda g: g), (b, lambda g: g))),
    (lambda a, b: a - b, lambda a, b: Twin(a.value - b.value, (a, lambda g: g), (b, lambda g: -g))),
    (
        lambda a, b: a * b,
        lambda a, b: Twin(a.value * b.value, (a, lambda g: g * b.value), (b, lambda g: g * a.value)),
    ),
    (
        lambda a, b: a / (b * b + 2.0),
        lambda a, b: Twin(
            a.value / (b.value**2 + 2),
            (a, lambda g: g / (b.value**2 + 2)),
            (b, lambda g: -2 * g * a.value * b.value / (b.value**2 + 2) ** 2),
        ),
    ),
]

SHAPES = [(), (1,), (3,), (2, 1), (2, 3)]


def fits(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(a, b)
    except ValueError:
        return False
    return True


@settings(max_examples=120)
@given(data=st.data())
def test_random_programs_have_the_gradients_of_the_naive_engine(data: st.DataObject):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**16)))
    values = [
        rng.uniform(-1, 1, shape) for shape in data.draw(st.lists(st.sampled_from(SHAPES), min_size=1, max_size=3))
    ]
    ours = [al.tensor(v, requires_grad=True) for v in values]
    theirs = [Twin(v) for v in values]
    leaves, twins, paths = list(ours), list(theirs), [1] * len(ours)
    for _ in range(data.draw(st.integers(5, 40))):
        first = data.draw(st.integers(0, len(ours) - 1))
        second = data.draw(st.integers(0, len(ours) - 1))
        # the twin walks every path, so programs that share too much are kept to a few thousand of them
        if (
            data.draw(st.booleans())
            and fits(ours[first].shape, ours[second].shape)
            and paths[first] + paths[second] < 1500
        ):
            mine, naive = data.draw(st.sampled_from(BINARY))
            ours.append(mine(ours[first], ours[second]))
            theirs.append(naive(theirs[first], theirs[second]))
            paths.append(paths[first] + paths[second])
        else:
            mine, naive = data.draw(st.sampled_from(UNARY))
            ours.append(mine(ours[first]))
            theirs.append(naive(theirs[first]))
            paths.append(paths[first])
    np.testing.assert_allclose(ours[-1].data, theirs[-1].value, rtol=1e-12, atol=1e-12)
    cotangent = rng.normal(size=ours[-1].shape)
    found: dict[int, np.ndarray] = {}
    theirs[-1].gradients(cotangent, found)
    requested = al.autograd.grad(ours[-1], leaves, cotangent, retain_graph=True, allow_unused=True)
    ours[-1].backward(cotangent)
    for leaf, twin, asked in zip(leaves, twins, requested, strict=True):
        if id(twin) not in found:
            assert leaf.grad is None
            assert asked is None
            continue
        want = found[id(twin)]
        scale = max(1.0, float(np.abs(want).max()))
        np.testing.assert_allclose(leaf.grad, want, rtol=1e-9, atol=1e-11 * scale)
        np.testing.assert_array_equal(asked, leaf.grad.data)
