"""What passes between the networks and those who train them: examples, batches, counts, an epoch's record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Weights: TypeAlias = dict[str, Array]
Deltas: TypeAlias = dict[str, Array]
Layers: TypeAlias = dict[str, Array]


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
    """What one training step sees; `mask` holds the zeros and ones of dropout, not yet doubled.

    `samples` are the words that a step of negative sampling asks about.
    """

    x: Array
    labels: Array
    mask: Array | None = None
    samples: Array | None = None

    def first(self, count: int) -> Batch:
        """Its first examples, at most so many."""
        mask = None if self.mask is None else self.mask[:count]
        samples = None if self.samples is None else self.samples[:count]
        return Batch(self.x[:count], self.labels[:count], mask, samples)

    def part(self, number: int, parts: int) -> Batch:
        """Every so many-th of its examples, from one number on."""
        mask = None if self.mask is None else self.mask[number::parts]
        samples = None if self.samples is None else self.samples[number::parts]
        return Batch(self.x[number::parts], self.labels[number::parts], mask, samples)


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
class Epoch:
    """What one epoch of a training left: what was counted, and of its last step the layers and deltas.

    `size` is the number of training examples there are, which is what the book divides by. `test` is None where the
    network is not tested. `weights` are the arrays in training themselves: copy them to keep them.
    """

    iteration: int
    size: int
    train: Figures
    test: Figures | None
    layers: Layers
    deltas: Deltas
    weights: Weights


@dataclass(frozen=True, eq=False)
class Record:
    """An epoch, with the values of the book's line by column, uncut, and the line, None where none is printed."""

    epoch: Epoch
    row: Mapping[str, object]
    line: str | None


@dataclass(frozen=True)
class Printed:
    """What the text prints for a network: cells by iteration and column, sums of the trained weights, the weights.

    A cell that is a string is compared as a string, a number or a list of numbers to 9 digits.
    """

    rows: Mapping[int, Mapping[str, object]] = field(default_factory=dict)
    sums: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, object] = field(default_factory=dict)
