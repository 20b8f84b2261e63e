"""What the networks that classify MNIST share: batches, dropout's masks, figures, the printed table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models import mnist
from models.network import Array, Batch, Data, Figures, Handwritten, Network, Weights


def correct_answers(output: Array, labels: Array) -> int:
    """In how many rows the largest output is at the label."""
    return int(np.count_nonzero(np.argmax(output, axis=1) == np.argmax(labels, axis=1)))


def squared_error_figures(output: Array, labels: Array) -> Figures:
    """Correct answers and the sum of the squared errors."""
    error = float(np.sum((labels - output) ** 2))
    return Figures(len(labels), correct_answers(output, labels), error=error, output=output)


def cross_entropy_figures(output: Array, labels: Array) -> Figures:
    """Correct answers and the summed cross-entropy of rows of probabilities."""
    cross_entropy = -float(np.sum(np.log(np.sum(output * labels, axis=1))))
    return Figures(len(labels), correct_answers(output, labels), cross_entropy=cross_entropy, output=output)


def mean_cross_entropy(scores: Array, labels: Array) -> float:
    """Cross-entropy of softmax(scores), averaged over the rows, taken from the scores without overflow."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - (shifted * labels).sum(axis=1)))


@dataclass(frozen=True, kw_only=True, eq=False)
class SquaredErrorStep(Handwritten):
    """A step on the squared error, of which the book prints the sum."""

    def figures(self, output: Array, labels: Array) -> Figures:
        """Squared errors and correct answers."""
        return squared_error_figures(output, labels)


@dataclass(frozen=True, kw_only=True, eq=False)
class CrossEntropyStep(Handwritten):
    """A step on the cross-entropy of probabilities."""

    def figures(self, output: Array, labels: Array) -> Figures:
        """Cross-entropy and correct answers."""
        return cross_entropy_figures(output, labels)


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

    def test(self, weights: Weights, data: Data) -> Figures | None:
        """Correct answers on the test images."""
        if data.x_test is None or data.labels_test is None:
            return None
        output = self.predict(weights, data.x_test)
        return Figures(len(output), correct_answers(output, data.labels_test))

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
