"""The five networks to train: their shapes, first weights and data, seeded and without data files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PIXELS, CLASSES = 784, 10
INKED = 0.19  # the share of nonzero pixels in MNIST
POSITIONS, KERNELS = 25, 16  # a 3x3 kernel visits rows and columns 0 to 24
WORDS, HIDDEN_WORDS, REVIEW = 74_074, 100, 130


@dataclass(frozen=True)
class Problem:
    """What every implementation starts from; weights are (inputs, outputs), as in hand-written code."""

    weights: tuple[Array, Array]
    examples: tuple[tuple[Any, ...], ...]  # visited in turn, one a step
    alpha: float


class Training(Protocol):
    """A network in training: `step` is what is timed, the rest is for comparing."""

    def step(self) -> None:
        """Forward, loss, backward and update on the next example."""

    def loss(self) -> float:
        """The loss that the last step computed."""

    def weights(self) -> list[Array]:
        """Both weight matrices in the layout of `Problem.weights`."""


Builder = Callable[[Problem], Training]


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


def mnist_batch() -> Problem:
    """784-100-10, tanh, dropout by a given mask, softmax cross-entropy, batches of 100."""
    rng = np.random.default_rng(3)
    weights = uniform(rng, (PIXELS, 100), 0.01), uniform(rng, (100, CLASSES), 0.1)
    examples = tuple(
        (digits(rng, 100), one_hot(rng, 100), rng.integers(2, size=(100, 100)).astype(np.float64)) for _ in range(4)
    )
    return Problem(weights, examples, alpha=0.02)


def conv() -> Problem:
    """16 kernels of 3x3 on 28x28, tanh, dropout by a given mask, softmax cross-entropy, batches of 128."""
    rng = np.random.default_rng(4)
    features = POSITIONS**2 * KERNELS
    weights = uniform(rng, (9, KERNELS), 0.01), uniform(rng, (features, CLASSES), 0.1)
    mask = rng.integers(2, size=(128, features)).astype(np.float64)
    example = digits(rng, 128).reshape(128, 28, 28), one_hot(rng, 128), mask
    return Problem(weights, (example,), alpha=0.02)


def embedding() -> Problem:
    """130 of 74,074 rows summed, sigmoid, one output, sigmoid, binary cross-entropy."""
    rng = np.random.default_rng(5)
    weights = uniform(rng, (WORDS, HIDDEN_WORDS), 0.1), uniform(rng, (HIDDEN_WORDS, 1), 0.1)
    reviews = (np.sort(rng.choice(WORDS, REVIEW, replace=False)) for _ in range(8))
    return Problem(weights, tuple((words, float(i % 2)) for i, words in enumerate(reviews)), alpha=0.01)


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    name: str
    title: str
    problem: Callable[[], Problem]


ROWS = (
    Row("streetlights", "streetlights 3-4-1, one example", streetlights),
    Row("mnist-one", "MNIST 784-40-10, one example", mnist_one),
    Row("mnist-batch", "MNIST 784-100-10 tanh softmax, batch 100", mnist_batch),
    Row("conv", "conv 3x3x16 on 28x28, batch 128", conv),
    Row("embedding", "embedding 74k x 100, 130 words, sigmoid", embedding),
)
