"""The matrix products of each hand-written step and nothing else, into arrays that are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from .hand import sections
from .problems import Array, Problem

Product = tuple[Array, Array, Array]  # two operands and where their product goes


def layer(x: Array, weights: Array, first: bool) -> Iterator[Product]:
    """Forward, the gradient of the weights and, unless the layer is the first, that of its input."""
    y = np.ones_like(x, shape=(len(x), weights.shape[1]))
    yield x, weights, y
    yield x.T, y, np.empty_like(weights)
    if not first:
        yield y, weights.T, np.empty_like(x)


def two_layers(problem: Problem, x: Array) -> Iterator[Product]:
    """Inputs, a hidden layer, and outputs."""
    hidden, output = problem.weights
    yield from layer(x, hidden, first=True)
    yield from layer(np.ones_like(x, shape=(len(problem.examples[0][1]), len(output))), output, first=False)


def dense(problem: Problem) -> Iterator[Product]:
    """Two linear layers."""
    return two_layers(problem, problem.examples[0][0])


def conv(problem: Problem) -> Iterator[Product]:
    """The windows of all images, then a linear layer."""
    return two_layers(problem, sections(problem.examples[0][0]))


def embedding(problem: Problem) -> Iterator[Product]:
    """The output layer alone: rows are looked up."""
    _, output = problem.weights
    return layer(np.ones_like(output, shape=(1, len(output))), output, first=False)


def lstm(problem: Problem) -> Iterator[Product]:
    """Two products for the gates and one for the output in each step."""
    inputs, recurrent, _, output = problem.weights
    for x in problem.examples[0][0]:
        hidden = np.ones_like(x, shape=(len(x), len(recurrent)))
        yield from layer(x, inputs, first=True)
        yield from layer(hidden, recurrent, first=False)
        yield from layer(hidden, output, first=False)


class Products:
    """The products of one step."""

    def __init__(self, products: Iterator[Product]) -> None:
        self.products = list(products)

    def step(self) -> None:
        """All of them."""
        for a, b, out in self.products:
            np.dot(a, b, out)


PRODUCTS: dict[str, Callable[[Problem], Iterator[Product]]] = {
    "streetlights": dense,
    "mnist-one": dense,
    "mnist-batch": dense,
    "conv": conv,
    "embedding": embedding,
    "lstm": lstm,
    "lstm-layer": lstm,
}


def products(name: str, problem: Problem) -> Products:
    """The products of the row called `name`."""
    return Products(PRODUCTS[name](problem))
