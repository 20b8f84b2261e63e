"""What every network of the book has in common: hand-written steps, an epoch's batches, a printed line.

A `Network` knows how its weights start, in which order it sees its examples and what its error is;
a `Handwritten` is one way of writing its forward and backward pass out in NumPy.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Weights: TypeAlias = dict[str, Array]
Deltas: TypeAlias = dict[str, Array]
Layers: TypeAlias = tuple[Array, ...]


@dataclass(frozen=True, eq=False)
class Data:
    """Examples to train on and, where the book has them, examples to test on; labels are one-hot rows."""

    x_train: Array
    labels_train: Array
    x_test: Array | None = None
    labels_test: Array | None = None

    def __post_init__(self) -> None:
        if len(self.x_train) == 0:
            raise ValueError("there are no training examples")
        if len(self.x_train) != len(self.labels_train):
            raise ValueError(f"{len(self.x_train)} training examples have {len(self.labels_train)} labels")


@dataclass(frozen=True, eq=False)
class Batch:
    """What one training step sees; `mask` holds the zeros and ones of dropout, not yet doubled."""

    x: Array
    labels: Array
    mask: Array | None = None


@dataclass(frozen=True)
class Figures:
    """What was counted on some examples: sums, so that figures of successive steps can be added.

    >>> Figures(examples=1, correct=1, error=0.5) + Figures(examples=1, correct=0, error=0.25)
    Figures(examples=2, correct=1, error=0.75, cross_entropy=None)
    """

    examples: int = 0
    correct: int = 0
    error: float | None = None
    cross_entropy: float | None = None
    output: Array | None = field(default=None, repr=False, compare=False)  # of the latest step

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.examples + other.examples,
            self.correct + other.correct,
            _add(self.error, other.error),
            _add(self.cross_entropy, other.cross_entropy),
            self.output if other.output is None else other.output,
        )


def _add(total: float | None, more: float | None) -> float | None:
    if total is None or more is None:
        return more if total is None else total
    return total + more


@dataclass(frozen=True, eq=False)
class Record:
    """One epoch of a training: what was counted, and the line that the book prints for it.

    `size` is the number of training examples there are, which is what the book divides by. `row` holds the
    values of the line by column, uncut. `test` and `line` are None where the network is not tested.
    `weights` are the arrays in training themselves: copy them to keep them.
    """

    iteration: int
    size: int
    train: Figures
    test: Figures | None
    weights: Weights
    row: Mapping[str, float]
    line: str | None


@dataclass(frozen=True)
class Printed:
    """What the text prints for a network: cells by iteration and column, sums of the trained weights."""

    rows: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    sums: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Handwritten(ABC):
    """A training step written out in NumPy.

    `lr` is the learning rate and `signs` how each delta is applied: +1 for `weights += lr * delta`, -1 for
    `weights -= lr * delta`. `updates` is how many times one forward pass is followed by deltas and update.
    """

    label: str
    lr: float
    updates: int = 1
    signs: ClassVar[Mapping[str, int]]

    @abstractmethod
    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The layers of one training step, the network's output last."""

    @abstractmethod
    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The deltas of these layers and of the weights, with nothing updated and nothing written into."""

    @abstractmethod
    def figures(self, output: Array, labels: Array) -> Figures:
        """What this step adds to the figures of its epoch."""

    def deltas(self, weights: Weights, batch: Batch) -> Deltas:
        """Every delta that the step computes at these weights, by name, in the sign in which it is written.

        "layer_1" and "layer_2" are the deltas of what goes into the layer's activation.
        """
        return self.backward(weights, batch, self.forward(weights, batch))

    def step(self, weights: Weights, batch: Batch) -> Figures:
        """Train on one batch, changing the weights in place."""
        layers = self.forward(weights, batch)
        for _ in range(self.updates):
            self.update(weights, self.backward(weights, batch, layers))
        return self.figures(layers[-1], batch.labels)

    def update(self, weights: Weights, deltas: Deltas) -> None:
        """Apply the deltas of the weights, each in its sign."""
        for name, sign in self.signs.items():
            weights[name] += sign * self.lr * deltas[name]


@dataclass(frozen=True, kw_only=True, eq=False)
class Network(ABC):
    """A network of the book: its start, its examples in their order, its error, its hand-written versions."""

    id: str
    alias: str
    sentence: str
    epochs: int
    columns: tuple[str, ...]  # of the printed line, after the iteration, in its order
    versions: Mapping[str, Handwritten]
    printed: Printed = Printed()
    test_every: int = 1

    @abstractmethod
    def data(self) -> Data:
        """The examples that the book uses."""

    @abstractmethod
    def start(self) -> tuple[Weights, np.random.RandomState]:
        """Fresh initial weights, and the random state as it is after they were drawn."""

    @abstractmethod
    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """The batches of one epoch in order; a mask is drawn from `rng` when its batch is asked for."""

    @abstractmethod
    def predict(self, weights: Weights, x: Array) -> Array:
        """The network's scores for each row of `x` as the book tests it: without dropout."""

    @abstractmethod
    def loss(self, weights: Weights, batch: Batch) -> float:
        """The error that the corrected version goes down: written once more, for finite differences."""

    def test(self, weights: Weights, data: Data) -> Figures | None:
        """What is counted on the test examples; None where there are none."""
        return None

    @abstractmethod
    def row(self, train: Figures, test: Figures | None, size: int) -> dict[str, float]:
        """The values of the printed line, uncut, by column; without `test`, only those of the training."""

    def cell(self, column: str, value: float) -> str:
        """A value as the book prints it in this column."""
        return str(value)

    def line(self, iteration: int, row: Mapping[str, float]) -> str:
        """One line of the printed table."""
        return " ".join(
            [f"I:{iteration}", *(f"{name}:{self.cell(name, row[name])}" for name in self.columns)]
        )

    def train(
        self, version: str = "as-printed", epochs: int | None = None, data: Data | None = None
    ) -> Iterator[Record]:
        """Train from the start, an epoch for each record asked for; the last epoch is always tested."""
        if version not in self.versions:
            raise ValueError(
                f"network {self.id} has no version {version!r}; it has {', '.join(self.versions)}"
            )
        epochs = self.epochs if epochs is None else epochs
        if epochs < 0:
            raise ValueError(f"epochs must be 0 or more, not {epochs}")
        return self._train(self.versions[version], epochs, self.data() if data is None else data)

    def _train(self, handwritten: Handwritten, epochs: int, data: Data) -> Iterator[Record]:
        weights, rng = self.start()
        size = len(data.x_train)
        for iteration in range(epochs):
            train = Figures()
            for batch in self.batches(data, rng):
                train += handwritten.step(weights, batch)
            tested = iteration % self.test_every == 0 or iteration == epochs - 1
            test = self.test(weights, data) if tested else None
            row = self.row(train, test, size)
            line = self.line(iteration, row) if tested else None
            yield Record(iteration, size, train, test, weights, row, line)
