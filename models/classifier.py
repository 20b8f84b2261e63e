"""What the networks that classify MNIST share: batches, dropout's masks, figures, the printed table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite.nn import functional as F
from models import mnist
from models.activations import stable_softmax
from models.network import Network
from models.records import Array, Batch, Data, Epoch, Figures


def correct_answers(output: Array, labels: Array) -> int:
    """In how many rows the largest output is at the label."""
    return int(np.count_nonzero(np.argmax(output, axis=1) == np.argmax(labels, axis=1)))


def dropped(activation: str, layer: Any, mask: Array | None) -> dict[str, Any]:
    """The hidden layer after dropout as "layer_1", and before it under the activation's name, if there is a mask.

    A layer in plain tensors takes the mask as a tensor with a name.

    >>> dropped("relu_1", np.array([[3.0, 0.5]]), np.array([[1, 0]]))
    {'relu_1': array([[3. , 0.5]]), 'layer_1': array([[6., 0.]])}
    """
    if mask is None:
        return {"layer_1": layer}
    doubled = al.tensor(mask * 2, name="doubled_mask") if isinstance(layer, al.Tensor) else mask * 2
    return {activation: layer, "layer_1": layer * doubled}


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

    def test_figures(self, output: Array, data: Data) -> Figures:
        """Correct answers on the test images."""
        assert data.labels_test is not None
        return Figures(len(output), correct_answers(output, data.labels_test))

    def row(self, epoch: Epoch) -> dict[str, object]:
        """Errors and accuracies per image."""
        train, test = epoch.train, epoch.test
        row: dict[str, object] = {"Train-Acc": train.correct / epoch.size}
        if train.error is not None:
            row["Train-Err"] = train.error / epoch.size
        if test is not None:
            row["Test-Acc"] = test.correct / test.examples
            if test.error is not None:
                row["Test-Err"] = test.error / test.examples
        return row

    def cell(self, column: str, value: object) -> str:
        """Errors are cut to their first five characters, not rounded."""
        return str(value)[:5] if column.endswith("-Err") else str(value)


@dataclass(frozen=True, kw_only=True, eq=False)
class SquaredErrorClassifier(Classifier):
    """Ten outputs that aim at 0 and 1."""

    objective: ClassVar[str | None] = "the squared error of an image, averaged over the batch"

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The squared error of an image, summed over the outputs, averaged over the batch."""
        error: al.Tensor = F.mse_loss(output, batch.labels, reduction="sum") / len(batch.labels)
        return error

    def figures(self, output: Array, batch: Batch) -> Figures:
        """Correct answers, and the sum of the squared errors, which is what the book prints."""
        return _squared_error(output, batch.labels)

    def test_figures(self, output: Array, data: Data) -> Figures:
        """Squared errors and correct answers on the test images."""
        assert data.labels_test is not None
        return _squared_error(output, data.labels_test)


def _squared_error(output: Array, labels: Array) -> Figures:
    error = float(np.sum((labels - output) ** 2))
    return Figures(len(labels), correct_answers(output, labels), error=error, output=output)


@dataclass(frozen=True, kw_only=True, eq=False)
class SoftmaxClassifier(Classifier):
    """Ten scores, which a softmax turns into probabilities."""

    objective: ClassVar[str | None] = "the cross-entropy of an image, averaged over the batch"

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The cross-entropy of an image, averaged over the batch."""
        error: al.Tensor = F.cross_entropy(output, batch.labels)
        return error

    def answer(self, output: Array) -> Array:
        """The scores as probabilities."""
        return stable_softmax(output)

    def figures(self, output: Array, batch: Batch) -> Figures:
        """Correct answers and the summed cross-entropy of rows of probabilities."""
        labels = batch.labels
        cross_entropy = -float(np.sum(np.log(np.sum(output * labels, axis=1))))
        correct = correct_answers(output, labels)
        return Figures(len(labels), correct, cross_entropy=cross_entropy, output=output)
