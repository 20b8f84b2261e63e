"""What the networks that read words share: steps on the rows that were read, answers that are yes or no."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F
from models.network import Handwritten, Network
from models.records import Array, Batch, Deltas, Epoch, Figures, Layers, Weights
from models.slopes import sigmoid
from models.words import Corpus, Scores, focus, rows_read


@dataclass(frozen=True, kw_only=True, eq=False)
class ByRows(Handwritten):
    """A step that changes only those rows of its tables that it reads: it is made on a copy of them, put back then."""

    signs: ClassVar[Mapping[str, int]] = {"weights_0_1": -1, "weights_1_2": -1}

    def step(self, weights: Weights, batch: Batch) -> tuple[Layers, Deltas]:
        """Train on one batch, changing the weights in place; the deltas of tables are those of the rows read."""
        few, renumbered = focus(weights, batch)
        layers, deltas = super().step(few, renumbered)
        for name, rows in rows_read(batch).items():
            weights[name][rows] = few[name]
        return layers, deltas


@dataclass(frozen=True, kw_only=True, eq=False)
class WordNetwork(Network):
    """A network that reads words, rows of `weights_0_1`, and answers yes or no, once or more at each step.

    `corpus` gives its reviews, `hidden` the length of a row. `asked` are questions to the trained table by column.
    """

    corpus: Callable[[], Corpus]
    hidden: int
    asked: Mapping[str, Callable[[Array, tuple[str, ...]], Scores]] = field(default_factory=dict)
    tables: ClassVar[tuple[str, ...]]

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The binary cross-entropy, summed over the answers."""
        error: al.Tensor = F.binary_cross_entropy_with_logits(output, batch.labels, reduction="sum")
        return error

    def answer(self, output: Array) -> Array:
        """The scores as probabilities."""
        return sigmoid(output)

    def figures(self, output: Array, batch: Batch) -> Figures:
        """How many answers are right, and their summed cross-entropy."""
        return answered(output, batch.labels)

    def row(self, epoch: Epoch) -> dict[str, object]:
        """What the trained table answers when it is asked."""
        table, vocabulary = epoch.weights["weights_0_1"], self.corpus().vocabulary
        return {column: question(table, vocabulary) for column, question in self.asked.items()}

    def cell(self, column: str, value: object) -> str:
        """Words with their scores to six decimals; numbers uncut."""
        if isinstance(value, list):
            return ", ".join(f"{word} {score:.6f}" for word, score in value)
        return str(value)

    def focus(self, weights: Weights, batch: Batch) -> tuple[Weights, Batch]:
        """The same step on no more rows of its tables than it reads."""
        return focus(weights, batch)

    @abstractmethod
    def output(self, model: nn.Module, batch: Batch) -> al.Tensor:
        """The module's scores for a batch."""


def answered(output: Array, labels: Array) -> Figures:
    """How many probabilities are on the side of their labels, 0 or 1, and their summed cross-entropy.

    A probability of 0 for what is true counts as the smallest normal float, so that the sum stays finite.

    >>> answered(np.array([0.5, 0.0]), np.array([1.0, 0.0]))
    Figures(examples=2, correct=1, error=None, cross_entropy=0.6931471805599453)
    """
    correct = int(np.count_nonzero(np.abs(output - labels) < 0.5))
    given_to_the_truth = np.maximum(np.abs(1 - labels - output), np.finfo(float).tiny)
    return Figures(len(output), correct, cross_entropy=-float(np.sum(np.log(given_to_the_truth))), output=output)
