"""Two classes told apart from a logit, and networks of L layers that do so: what part B's networks share.

The text's matrices have a column for each example. A `Batch` has a row for each, as everywhere in `models`; the
first layer of each network, X, is its transpose. Labels are a vector of 0 and 1, Y.
"""

# ruff: noqa: N803, N806 - matrices have the capital letters of the text

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F
from models.network import CORRECTED, Handwritten, Network, Tensors
from models.records import Array, Batch, Data, Deltas, Epoch, Figures, Layers, Weights
from models.slopes import Activation, sigmoid


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoClasses(Network):
    """A network that answers yes or no, from a logit; all examples are one batch."""

    columns: tuple[str, ...] = ("cost", "accuracy")
    test_every: int = 100
    objective: ClassVar[str | None] = "the cross-entropy of an example, averaged over the examples"

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """All examples in one batch."""
        yield Batch(data.x_train, data.labels_train)

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The mean cross-entropy, from the logits: from probabilities it has no value once one rounds to 0 or 1."""
        error: al.Tensor = F.binary_cross_entropy_with_logits(al.reshape(output, -1), al.tensor(batch.labels))
        return error

    def answer(self, output: Array) -> Array:
        """The logits as probabilities of a 1."""
        return sigmoid(output)

    def predict(self, weights: Weights, x: Array) -> Array:
        """The probability of a 1 for each row of `x`."""
        *_, output = self.versions[CORRECTED].forward(weights, Batch(x, np.zeros(len(x)))).values()
        return output.reshape(-1)

    def figures(self, output: Array, batch: Batch) -> Figures:
        """Right answers and the summed cross-entropy; a class given no probability at all counts as one of 1e-300."""
        a, y = output.reshape(-1), batch.labels == 1
        cross_entropy = -float(np.sum(np.log(np.maximum(np.where(y, a, 1 - a), 1e-300))))
        return Figures(len(a), int(np.count_nonzero((a > 0.5) == y)), cross_entropy=cross_entropy, output=output)

    def row(self, epoch: Epoch) -> dict[str, object]:
        """Cost and accuracy, of the weights before the step."""
        assert epoch.train.cross_entropy is not None
        return {"cost": epoch.train.cross_entropy / epoch.size, "accuracy": epoch.train.correct / epoch.size}


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedLayers(Handwritten):
    """L layers with the vectorised equations of the text: dZ is that of each example's loss, dW and db are means."""

    hidden: Activation
    signs: ClassVar[Mapping[str, int]] = dict.fromkeys(("W1", "b1", "W2", "b2"), -1)

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """X, and Z and A of each layer; the last A is a sigmoid's."""
        A, layers = batch.x.T, {"X": batch.x.T}
        last = len(weights) // 2
        for k in range(1, last + 1):
            Z = np.dot(weights[f"W{k}"], A) + weights[f"b{k}"]
            A = sigmoid(Z) if k == last else self.hidden.function(Z)
            layers |= {f"Z{k}": Z, f"A{k}": A}
        return layers

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """dZ, dW and db of each layer, the last layer first."""
        m, last = len(batch.x), len(weights) // 2
        deltas = {f"Z{last}": layers[f"A{last}"] - batch.labels}
        for k in range(last, 0, -1):
            dZ, below = deltas[f"Z{k}"], layers[f"A{k - 1}"] if k > 1 else layers["X"]
            deltas |= {f"W{k}": np.dot(dZ, below.T) / m, f"b{k}": np.sum(dZ, axis=1, keepdims=True) / m}
            if k > 1:
                deltas[f"Z{k - 1}"] = self.below(weights, deltas, k) * self.slope(layers[f"Z{k - 1}"])
        return deltas

    def below(self, weights: Weights, deltas: Deltas, k: int) -> Array:
        """What layer k hands to the A of the layer before it."""
        handed: Array = np.dot(weights[f"W{k}"].T, deltas[f"Z{k}"])
        return handed

    def slope(self, Z: Array) -> Array:
        """g' of a hidden layer, at its Z."""
        return self.hidden.slope(Z)


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedLayers(PrintedLayers):
    """The gradient of the mean loss, everywhere."""

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The derivative of the mean loss by each Z, W and b, the last layer first."""
        last = len(weights) // 2
        deltas = {f"Z{last}": (layers[f"A{last}"] - batch.labels) / len(batch.x)}
        for k in range(last, 0, -1):
            dZ, below = deltas[f"Z{k}"], layers[f"A{k - 1}"] if k > 1 else layers["X"]
            deltas |= {f"W{k}": np.dot(dZ, below.T), f"b{k}": np.sum(dZ, axis=1, keepdims=True)}
            if k > 1:
                deltas[f"Z{k - 1}"] = np.dot(weights[f"W{k}"].T, dZ) * self.hidden.slope(layers[f"Z{k - 1}"])
        return deltas


@dataclass(frozen=True, kw_only=True, eq=False)
class LayersNetwork(TwoClasses):
    """Hidden layers of one activation and a logit, each with a bias; W is (units, units before) and b (units, 1).

    `spread` is the standard deviation of the first weights of a unit with so many inputs.
    """

    seed: int
    sizes: tuple[int, ...]
    hidden: Activation
    spread: Callable[[int], float]
    layer: ClassVar[type[nn.Module]]

    def data(self) -> Data:
        """400 points in space, and whether the signs of their first two coordinates are equal."""
        X = np.random.RandomState(1).randn(3, 400)
        return Data(X.T, (X[0] * X[1] > 0).astype(float))

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """Normal weights layer by layer; the biases are zeros."""
        rng, weights = np.random.RandomState(self.seed), Weights()
        for k, (n_in, n_out) in enumerate(pairwise(self.sizes), 1):
            weights[f"W{k}"] = rng.randn(n_out, n_in) * self.spread(n_in)
            weights[f"b{k}"] = np.zeros((n_out, 1))
        return weights, rng

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """X, Z and A of each layer; of the last Z alone, the logits (1, examples)."""
        A = al.tensor(batch.x.T)
        layers, last = {"X": A}, len(self.sizes) - 1
        for k in range(1, last + 1):
            Z = layers[f"Z{k}"] = weights[f"W{k}"] @ A + weights[f"b{k}"]
            if k < last:
                A = layers[f"A{k}"] = self.hidden.tensor(Z)
        return layers

    def module(self) -> nn.Module:
        """Linear layers with the activation in between."""
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(self.sizes):
            layers += [nn.Linear(n_in, n_out), self.layer()]
        return nn.Sequential(*layers[:-1])

    def build(self, weights: Weights) -> nn.Module:
        """The module with a copy of these weights: a weight of the module is laid out like W, a bias is a vector."""
        model = self.module()
        state = model.state_dict()
        model.load_state_dict({path: weights[n].reshape(state[path].shape) for n, path in self.parameters.items()})
        return model

    def arrays(self, values: Mapping[str, Array]) -> Weights:
        """Arrays of the module's layout, by parameter path, as W and b: views."""
        return {n: values[path].reshape(len(values[path]), -1) for n, path in self.parameters.items()}


def places(layers: int) -> dict[str, str]:
    """Where W and b of each layer are among linear layers with an activation in between."""
    kinds = {"W": "weight", "b": "bias"}
    return {f"{kind}{k}": f"{2 * k - 2}.{kinds[kind]}" for k in range(1, layers + 1) for kind in kinds}
