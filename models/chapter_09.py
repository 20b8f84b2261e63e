"""Chapter 9: MNIST with a hidden layer of tanh and a softmax output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F
from models.activations import softmax, stable_softmax, tanh2deriv
from models.classifier import SoftmaxClassifier, dropped
from models.network import Handwritten, Tensors
from models.records import Array, Batch, Deltas, Layers, Printed, Weights


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedTanhSoftmax(Handwritten):
    """The step as the text writes it, for batches of `batch_size`."""

    batch_size: int
    signs: ClassVar[Mapping[str, int]] = {"weights_1_2": +1, "weights_0_1": +1}

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Images, hidden layer before and after tanh (and dropout), scores, probabilities."""
        layer_0 = batch.x
        layer_1_in = layer_0.dot(weights["weights_0_1"])
        layers = {"layer_0": layer_0, "layer_1_in": layer_1_in, **dropped("tanh_1", np.tanh(layer_1_in), batch.mask)}
        layer_2_in = layers["layer_1"].dot(weights["weights_1_2"])
        return layers | {"layer_2_in": layer_2_in, "answer": softmax(layer_2_in)}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The deltas, output first."""
        layer_0, layer_1 = layers["layer_0"], layers["layer_1"]
        layer_2_delta = (batch.labels - layers["answer"]) / (self.batch_size * len(layers["answer"]))
        layer_1_delta = layer_2_delta.dot(weights["weights_1_2"].T) * tanh2deriv(layer_1)
        if batch.mask is not None:
            layer_1_delta *= batch.mask
        return {
            "layer_2_in": layer_2_delta,
            "layer_1_in": layer_1_delta,
            "weights_1_2": layer_1.T.dot(layer_2_delta),
            "weights_0_1": layer_0.T.dot(layer_1_delta),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedTanhSoftmax(Handwritten):
    """The gradient of the cross-entropy, averaged over the batch."""

    signs: ClassVar[Mapping[str, int]] = {"weights_1_2": -1, "weights_0_1": -1}

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Images, hidden layer before and after tanh (and dropout), scores, probabilities."""
        layer_0 = batch.x
        layer_1_in = layer_0.dot(weights["weights_0_1"])
        layers = {"layer_0": layer_0, "layer_1_in": layer_1_in, **dropped("tanh_1", np.tanh(layer_1_in), batch.mask)}
        layer_2_in = layers["layer_1"].dot(weights["weights_1_2"])
        return layers | {"layer_2_in": layer_2_in, "answer": stable_softmax(layer_2_in)}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The derivative of the error by what goes into each activation and by each weight."""
        layer_0, layer_1 = layers["layer_0"], layers["layer_1"]
        tanh_1 = layers.get("tanh_1", layer_1)
        layer_2_delta = (layers["answer"] - batch.labels) / len(batch.labels)
        layer_1_delta = layer_2_delta.dot(weights["weights_1_2"].T) * tanh2deriv(tanh_1)
        if batch.mask is not None:
            layer_1_delta *= batch.mask * 2
        return {
            "layer_2_in": layer_2_delta,
            "layer_1_in": layer_1_delta,
            "weights_1_2": layer_1.T.dot(layer_2_delta),
            "weights_0_1": layer_0.T.dot(layer_1_delta),
        }


class TanhModule(nn.Module):
    """The network built with the framework, up to the softmax."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(784, hidden, bias=False)
        self.dropout = nn.Dropout(0.5)
        self.output = nn.Linear(hidden, 10, bias=False)

    def forward(self, x: al.Tensor) -> al.Tensor:
        """Images, a row of pixels each, to ten scores each."""
        hidden = F.tanh(self.hidden(x))
        scores: al.Tensor = self.output(self.dropout(hidden))
        return scores


@dataclass(frozen=True, kw_only=True, eq=False)
class TanhSoftmaxNetwork(SoftmaxClassifier):
    """784 pixels, a hidden layer of tanh, ten probabilities."""

    test_every: int = 10
    parameters: ClassVar[Mapping[str, str]] = {"weights_0_1": "hidden.weight", "weights_1_2": "output.weight"}

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """The first matrix uniform in [-0.01, 0.01), the second in [-0.1, 0.1)."""
        rng = np.random.RandomState(1)
        weights_0_1 = 0.02 * rng.random_sample((784, self.hidden)) - 0.01
        weights_1_2 = 0.2 * rng.random_sample((self.hidden, 10)) - 0.1
        return {"weights_0_1": weights_0_1, "weights_1_2": weights_1_2}, rng

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """Images, hidden layer, scores."""
        layer_0 = al.tensor(batch.x)
        layer_1_in = layer_0 @ weights["weights_0_1"]
        layers = {"layer_0": layer_0, "layer_1_in": layer_1_in, **dropped("tanh_1", F.tanh(layer_1_in), batch.mask)}
        return layers | {"layer_2_in": layers["layer_1"] @ weights["weights_1_2"]}

    def predict(self, weights: Weights, x: Array) -> Array:
        """Ten scores for each image, as they go into the softmax."""
        layer_1: Array = np.tanh(np.dot(x, weights["weights_0_1"]))
        scores: Array = np.dot(layer_1, weights["weights_1_2"])
        return scores

    def module(self) -> nn.Module:
        """Linear, tanh, dropout, linear."""
        return TanhModule(self.hidden)


tanh_softmax = TanhSoftmaxNetwork(
    id="9.1",
    alias="tanh-softmax",
    sentence="A hundred hidden tanhs with dropout, and a softmax that turns ten scores into probabilities.",
    epochs=300,
    accuracy=0.86,
    hidden=100,
    batch_size=100,
    dropout=True,
    columns=("Test-Acc", "Train-Acc"),
    versions={
        "as-printed": PrintedTanhSoftmax(lr=2, batch_size=100),
        "corrected": CorrectedTanhSoftmax(lr=0.02),
    },
    printed=Printed(
        rows={
            0: {"Test-Acc": "0.394", "Train-Acc": "0.156"},
            100: {"Test-Acc": "0.8407", "Train-Acc": "0.883"},
            200: {"Test-Acc": "0.8642", "Train-Acc": "0.926"},
            290: {"Test-Acc": "0.8701", "Train-Acc": "0.94"},
        },
        sums={"weights_0_1": 9.39966754772456, "weights_1_2": -3.030550947585671},
    ),
)

networks = (tanh_softmax,)
