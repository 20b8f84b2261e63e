"""The networks to train: their shapes, first weights and data, seeded and without data files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PIXELS, CLASSES = 784, 10
INKED = 0.19  # the share of nonzero pixels in MNIST
POSITIONS, KERNELS = 25, 16  # a 3x3 kernel visits rows and columns 0 to 24
HIDDEN_WORDS = 100
LETTERS = 62
VECTOR = 16  # entries of the vector that goes through a chain of ops


@dataclass(frozen=True)
class Problem:
    """What every implementation starts from; weights are (inputs, outputs), as in hand-written code."""

    weights: tuple[Array, ...]
    examples: tuple[tuple[Array, ...], ...]  # visited in turn, one a step
    alpha: float
    ops: int = 0  # how many ops a chain has

    def astype(self, dtype: str) -> Problem:
        """The same with its floats in this dtype; class and word numbers stay as they are."""

        def cast(array: Array) -> Array:
            return array.astype(dtype) if array.dtype.kind == "f" else array

        examples = tuple(tuple(map(cast, example)) for example in self.examples)
        return replace(self, weights=tuple(map(cast, self.weights)), examples=examples)


class Work(Protocol):
    """What is timed."""

    def step(self) -> None:
        """Once."""


class Training(Work, Protocol):
    """A network in training: `step` is forward, loss, backward and update on the next example."""

    def loss(self) -> float:
        """The loss that the last step computed."""

    def weights(self) -> list[Array]:
        """The weights in the layout of `Problem.weights`."""


Builder = Callable[[Problem], Training]


class LeftOutError(Exception):
    """A library cannot do this here; the message says why."""


def uniform(rng: np.random.Generator, shape: tuple[int, ...], bound: float) -> Array:
    """Weights drawn evenly between -bound and bound."""
    return bound * (2 * rng.random(shape) - 1)


def digits(rng: np.random.Generator, count: int) -> Array:
    """Images as sparse as MNIST's, with its 255 grey levels."""
    ink = rng.random((count, PIXELS)) < INKED
    return np.where(ink, rng.integers(1, 256, (count, PIXELS)) / 255, 0.0)


def one_hot(rng: np.random.Generator, count: int) -> Array:
    """Random labels, a row for each."""
    return np.eye(CLASSES)[rng.integers(CLASSES, size=count)]


def streetlights() -> Problem:
    """3-4-1, relu, squared error, one example at a time."""
    rng = np.random.default_rng(1)
    lights = np.array([[1.0, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1]])
    walk = np.array([[1.0], [1], [0], [0]])
    examples = tuple((lights[i : i + 1], walk[i : i + 1]) for i in range(4))
    return Problem((uniform(rng, (3, 4), 1.0), uniform(rng, (4, 1), 1.0)), examples, alpha=0.1)


def mnist_one() -> Problem:
    """784-40-10, relu, half the squared error, one image at a time."""
    rng = np.random.default_rng(2)
    weights = uniform(rng, (PIXELS, 40), 0.1), uniform(rng, (40, CLASSES), 0.1)
    examples = tuple((digits(rng, 1), one_hot(rng, 1)) for _ in range(8))
    return Problem(weights, examples, alpha=0.005)


def mnist_batch(count: int = 100, hidden: int = 100) -> Problem:
    """784-100-10, tanh, dropout by a given mask, softmax cross-entropy, batches of 100."""
    rng = np.random.default_rng(3)
    weights = uniform(rng, (PIXELS, hidden), 0.01), uniform(rng, (hidden, CLASSES), 0.1)
    examples = tuple(
        (digits(rng, count), one_hot(rng, count), rng.integers(2, size=(count, hidden)).astype(np.float64))
        for _ in range(4)
    )
    return Problem(weights, examples, alpha=0.02)


def conv(count: int = 128) -> Problem:
    """16 kernels of 3x3 on 28x28, tanh, dropout by a given mask, softmax cross-entropy, batches of 128."""
    rng = np.random.default_rng(4)
    features = POSITIONS**2 * KERNELS
    weights = uniform(rng, (9, KERNELS), 0.01), uniform(rng, (features, CLASSES), 0.1)
    mask = rng.integers(2, size=(count, features)).astype(np.float64)
    example = digits(rng, count).reshape(count, 28, 28), one_hot(rng, count), mask
    return Problem(weights, (example,), alpha=0.02)


def embedding(words: int = 74_074, review: int = 130) -> Problem:
    """130 of 74,074 rows summed, sigmoid, one output, sigmoid, binary cross-entropy."""
    rng = np.random.default_rng(5)
    weights = uniform(rng, (words, HIDDEN_WORDS), 0.1), uniform(rng, (HIDDEN_WORDS, 1), 0.1)
    reviews = (np.sort(rng.choice(words, review, replace=False)) for _ in range(8))
    return Problem(weights, tuple((chosen, np.array([i % 2.0])) for i, chosen in enumerate(reviews)), alpha=0.01)


def lstm(hidden: int = 512, steps: int = 25, batch: int = 32) -> Problem:
    """One layer, its four gates side by side in the weights, and a class for each step; softmax cross-entropy."""
    rng = np.random.default_rng(6)
    bound = hidden**-0.5
    shapes = (hidden, 4 * hidden), (hidden, 4 * hidden), (4 * hidden,), (hidden, LETTERS)
    weights = tuple(uniform(rng, shape, bound) for shape in shapes)
    inputs = rng.standard_normal((steps, batch, hidden))
    return Problem(weights, ((inputs, np.eye(LETTERS)[rng.integers(LETTERS, size=(steps, batch))]),), alpha=0.5)


def two_layers(width: int, batch: int) -> Problem:
    """The network of `mnist_one` with all layers as wide, in batches."""
    rng = np.random.default_rng(7)
    weights = uniform(rng, (width, width), width**-0.5), uniform(rng, (width, width), width**-0.5)
    examples = ((rng.standard_normal((batch, width)), rng.standard_normal((batch, width))),)
    return Problem(weights, examples, alpha=1e-5)


def vector(ops: int) -> Problem:
    """A vector that goes through so many ops, some of them with a constant vector or matrix."""
    rng = np.random.default_rng(8)
    turn = np.linalg.qr(rng.standard_normal((VECTOR, VECTOR)))[0]
    return Problem((uniform(rng, (VECTOR,), 1.0),), ((0.1 * uniform(rng, (VECTOR,), 1.0), turn),), alpha=0.1, ops=ops)


@dataclass(frozen=True)
class Row:
    """A row of the table; `small` is the same network for tests."""

    name: str
    title: str
    problem: Callable[[], Problem]
    small: Callable[[], Problem]


SMALL_LSTM = partial(lstm, hidden=8, steps=3, batch=2)
ROWS = (
    Row("streetlights", "streetlights 3-4-1, one example", streetlights, streetlights),
    Row("mnist-one", "MNIST 784-40-10, one example", mnist_one, mnist_one),
    Row(
        "mnist-batch",
        "MNIST 784-100-10 tanh softmax, batch 100",
        mnist_batch,
        partial(mnist_batch, count=5, hidden=7),
    ),
    Row("conv", "conv 3x3x16 on 28x28, batch 128", conv, partial(conv, count=3)),
    Row(
        "embedding",
        "embedding 74k x 100, 130 words, sigmoid",
        embedding,
        partial(embedding, words=60, review=9),
    ),
    Row("lstm", "LSTM 512, 25 steps, batch 32, of cells", lstm, SMALL_LSTM),
    Row("lstm-layer", "LSTM 512, the library's own layer", lstm, SMALL_LSTM),
)
CHAINS = (
    Row("chain", "a chain of tanh", partial(vector, 1000), partial(vector, 40)),
    Row("mixed", "a chain of tanh, multiply, add and matmul", partial(vector, 1000), partial(vector, 40)),
)
