"""What the networks that classify MNIST share: batches, dropout's masks, figures, the printed table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite.nn import functional as F
from models import mnist
from models.activations import stable_softmax
from models.network import Network
from models.records import Array, Batch, Data, Figures


def correct_answers(output: Array, labels: Array) -> int:
    """In how many rows the largest output is at the label."""
    return int(np.count_nonzero(np.argmax(output, axis=1) == np.argmax(labels, axis=1)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Classifier(Network):
    """A network that answers which digit an image shows.

    Whole batches only: examples left over at the end of an epoch are not seen.
    """

    hidden: int
    batch_size: int
    dropout: bool

    def data(self) -> Data:
        """The first 1,000 training images and all test images of MNIST."""
        return mnist.load()

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """The training images in order, with a mask over the hidden layer for each batch."""
        if len(data.x_train) < self.batch_size:
            raise ValueError(
                f"network {self.id} trains on batches of {self.batch_size}, the data has {len(data.x_train)}"
            )
        shape = (self.batch_size, self.hidden)
        for start in range(0, len(data.x_train) - self.batch_size + 1, self.batch_size):
            rows = slice(start, start + self.batch_size)
            mask = rng.randint(2, size=shape) if self.dropout else None
            yield Batch(data.x_train[rows], data.labels_train[rows], mask)

    def test_figures(self, scores: Array, labels: Array) -> Figures:
        """Correct answers on the test images."""
        return Figures(len(labels), correct_answers(scores, labels))

    def row(self, train: Figures, test: Figures | None, size: int) -> dict[str, float]:
        """Errors and accuracies per image."""
        row = {"Train-Acc": train.correct / size}
        if train.error is not None:
            row["Train-Err"] = train.error / size
        if test is not None:
            row["Test-Acc"] = test.correct / test.examples
            if test.error is not None:
                row["Test-Err"] = test.error / test.examples
        return {column: row[column] for column in self.columns if column in row}

    def cell(self, column: str, value: float) -> str:
        """Errors are cut to their first five characters, not rounded."""
        return str(value)[:5] if column.endswith("-Err") else str(value)


@dataclass(frozen=True, kw_only=True, eq=False)
class SquaredErrorClassifier(Classifier):
    """Ten outputs that aim at 0 and 1."""

    objective: ClassVar[str] = "half the squared error of an image, averaged over the batch"

    def criterion(self, scores: al.Tensor, labels: Array) -> al.Tensor:
        """Half the squared error of an image, averaged over the batch."""
        error: al.Tensor = F.mse_loss(scores, labels, reduction="sum") / (2 * len(labels))
        return error

    def output(self, scores: Array) -> Array:
        """The scores themselves."""
        return scores

    def figures(self, output: Array, labels: Array) -> Figures:
        """Correct answers, and the sum of the squared errors, which is what the book prints."""
        error = float(np.sum((labels - output) ** 2))
        return Figures(len(labels), correct_answers(output, labels), error=error, output=output)

    def test_figures(self, scores: Array, labels: Array) -> Figures:
        """Squared errors and correct answers on the test images."""
        return self.figures(scores, labels)


@dataclass(frozen=True, kw_only=True, eq=False)
class SoftmaxClassifier(Classifier):
    """Ten probabilities."""

    objective: ClassVar[str] = "the cross-entropy of an image, averaged over the batch"

    def criterion(self, scores: al.Tensor, labels: Array) -> al.Tensor:
        """The cross-entropy of an image, averaged over the batch."""
        error: al.Tensor = F.cross_entropy(scores, labels)
        return error

    def output(self, scores: Array) -> Array:
        """The scores as probabilities."""
        return stable_softmax(scores)

    def figures(self, output: Array, labels: Array) -> Figures:
        """Correct answers and the summed cross-entropy of rows of probabilities."""
        cross_entropy = -float(np.sum(np.log(np.sum(output * labels, axis=1))))
        correct = correct_answers(output, labels)
        return Figures(len(labels), correct, cross_entropy=cross_entropy, output=output)
