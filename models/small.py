"""What the networks of chapters 3 to 6 share: a few examples in the code, weights that are given, the squared error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt

import autograd_lite as al
from models.network import Handwritten, Network
from models.records import Array, Batch, Data, Deltas, Epoch, Figures, Layers, Weights


def weighted_sum(x: Array, weights: Array) -> Array:
    """Each row of `x` times the weights, a row of them for each input; the products are added in their order.

    The order decides the last digit, which the text prints.

    >>> weighted_sum(np.array([[8.5, 0.65, 1.2]]), np.array([0.1, 0.2, 0.0]))
    array([0.98])
    """
    total: Array = np.zeros(())
    for column, weight in zip(x.T, weights, strict=True):
        total = total + np.multiply.outer(column, weight)
    return total


def plain(array: Array) -> object:
    """Python floats in lists, axes of length 1 left out: one number is a number.

    >>> plain(np.array([[0.25]])), plain(np.array([[1.0, 2.0]]))
    (0.25, [1.0, 2.0])
    """
    return np.squeeze(array).tolist()


@dataclass(frozen=True, kw_only=True, eq=False)
class Small(Network):
    """A row of `inputs` and one of `goals` for each example, and weights that start as `initial` says.

    A forward pass alone has no goals. Its row has every layer, delta ("delta of weights") and weight by name, the
    weights as they are after the epoch.
    """

    inputs: npt.ArrayLike = ()
    goals: npt.ArrayLike | None = None
    initial: Mapping[str, npt.ArrayLike] = field(default_factory=dict)
    batch_size: int = 1
    columns: tuple[str, ...] = ("pred",)

    def data(self) -> Data:
        """The examples, all of them to train on; without goals their labels are empty rows."""
        x = np.array(self.inputs, dtype=float)
        return Data(x, np.empty((len(x), 0)) if self.goals is None else np.array(self.goals, dtype=float))

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """The weights that are given; nothing is drawn."""
        weights = {name: np.array(weight, dtype=float) for name, weight in self.initial.items()}
        return weights, np.random.RandomState(0)

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """The examples in order, `batch_size` at a time; the last ones may be fewer."""
        for start in range(0, len(data.x_train), self.batch_size):
            rows = slice(start, start + self.batch_size)
            yield Batch(data.x_train[rows], data.labels_train[rows])

    def row(self, epoch: Epoch) -> dict[str, object]:
        """The error, the layers and deltas of the last step, the weights after it."""
        row: dict[str, object] = {} if epoch.train.error is None else {"Error": epoch.train.error}
        row |= {name: plain(layer) for name, layer in epoch.layers.items()}
        row |= {f"delta of {name}": plain(delta) for name, delta in epoch.deltas.items()}
        return row | {name: plain(weight) for name, weight in epoch.weights.items()}


@dataclass(frozen=True, kw_only=True, eq=False)
class Learning(Small):
    """Learns its goals; the error of an epoch is the sum over its examples, each with the weights of its step."""

    columns: tuple[str, ...] = ("Error", "pred")
    objective: ClassVar[str] = "the squared error, summed over the outputs, averaged over the examples of a step"

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The squared error, summed over the outputs, averaged over the examples."""
        error: al.Tensor = ((output - al.tensor(batch.labels, name="goal")) ** 2).sum() / len(batch.labels)
        return error

    def figures(self, output: Array, batch: Batch) -> Figures:
        """The squared error, summed over outputs and examples."""
        return Figures(len(batch.labels), error=float(np.sum((output - batch.labels) ** 2)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Descent(Handwritten):
    """Goes down the squared error of one layer, a row of deltas for each example.

    `factor` stands before (pred - goal): 1 as the text writes it, 2 in the derivative of the square.
    """

    factor: int = 1
    signs: ClassVar[Mapping[str, int]] = {"weights": -1}
    follows: ClassVar[str] = "gradient"

    def delta(self, output: Array, batch: Batch) -> Array:
        """How far the output is off, averaged over the examples."""
        delta: Array = self.factor * (output - batch.labels) / len(batch.labels)
        return delta

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """How far off, and what each weight has to do with it."""
        delta = self.delta(layers["pred"], batch)
        return {"pred": delta, "weights": self.weight_deltas(batch.x, delta, weights["weights"])}

    def weight_deltas(self, x: Array, delta: Array, weights: Array) -> Array:
        """Each input times the delta of each output: a row for each input."""
        products: Array = x.T @ delta
        return products
