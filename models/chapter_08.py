"""Chapter 8: MNIST with one hidden layer of relu: overfitting, dropout, batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F
from models.activations import relu, relu2deriv
from models.classifier import SquaredErrorClassifier, dropped
from models.network import Handwritten, Tensors
from models.records import Array, Batch, Deltas, Layers, Printed, Weights


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedRelu(Handwritten):
    """The step as the text writes it; with `batch_size` 1 it sees one image at a time."""

    batch_size: int
    signs: ClassVar[Mapping[str, int]] = {"weights_1_2": +1, "weights_0_1": +1}

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Images, hidden layer before and after relu (and dropout, where there is a mask), outputs."""
        layer_0 = batch.x
        layer_1_in = np.dot(layer_0, weights["weights_0_1"])
        layers = {"layer_0": layer_0, "layer_1_in": layer_1_in, **dropped("relu_1", relu(layer_1_in), batch.mask)}
        return layers | {"layer_2": np.dot(layers["layer_1"], weights["weights_1_2"])}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The deltas, output first."""
        layer_0, layer_1 = layers["layer_0"], layers["layer_1"]
        layer_2_delta = (batch.labels - layers["layer_2"]) / self.batch_size
        layer_1_delta = layer_2_delta.dot(weights["weights_1_2"].T) * relu2deriv(layer_1)
        if batch.mask is not None:
            layer_1_delta *= batch.mask
        return {
            "layer_2": layer_2_delta,
            "layer_1_in": layer_1_delta,
            "weights_1_2": layer_1.T.dot(layer_2_delta),
            "weights_0_1": layer_0.T.dot(layer_1_delta),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedRelu(Handwritten):
    """The gradient of the squared error, averaged over the batch."""

    signs: ClassVar[Mapping[str, int]] = {"weights_1_2": -1, "weights_0_1": -1}

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Images, hidden layer before and after relu (and dropout, where there is a mask), outputs."""
        layer_0 = batch.x
        layer_1_in = layer_0.dot(weights["weights_0_1"])
        relu_1 = np.maximum(layer_1_in, 0)
        layers = {"layer_0": layer_0, "layer_1_in": layer_1_in, **dropped("relu_1", relu_1, batch.mask)}
        return layers | {"layer_2": layers["layer_1"].dot(weights["weights_1_2"])}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The derivative of the error by what goes into each activation and by each weight."""
        layer_0, layer_1 = layers["layer_0"], layers["layer_1"]
        layer_2_delta = 2 * (layers["layer_2"] - batch.labels) / len(batch.labels)
        layer_1_delta = layer_2_delta.dot(weights["weights_1_2"].T) * (layer_1 > 0)
        if batch.mask is not None:
            layer_1_delta *= batch.mask * 2
        return {
            "layer_2": layer_2_delta,
            "layer_1_in": layer_1_delta,
            "weights_1_2": layer_1.T.dot(layer_2_delta),
            "weights_0_1": layer_0.T.dot(layer_1_delta),
        }


class ReluModule(nn.Module):
    """The network built with the framework."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__()
        self.hidden = nn.Linear(784, hidden, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, 10, bias=False)

    def forward(self, x: al.Tensor) -> al.Tensor:
        """Images, a row of pixels each, to ten outputs each."""
        hidden = F.relu(self.hidden(x))
        scores: al.Tensor = self.output(self.dropout(hidden))
        return scores


@dataclass(frozen=True, kw_only=True, eq=False)
class ReluNetwork(SquaredErrorClassifier):
    """784 pixels, a hidden layer of relu, ten outputs that aim at 0 and 1."""

    test_every: int = 10
    parameters: ClassVar[Mapping[str, str]] = {"weights_0_1": "hidden.weight", "weights_1_2": "output.weight"}

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """Both matrices uniform in [-0.1, 0.1)."""
        rng = np.random.RandomState(1)
        weights_0_1 = 0.2 * rng.random_sample((784, self.hidden)) - 0.1
        weights_1_2 = 0.2 * rng.random_sample((self.hidden, 10)) - 0.1
        return {"weights_0_1": weights_0_1, "weights_1_2": weights_1_2}, rng

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """Images, hidden layer, outputs."""
        layer_0 = al.tensor(batch.x)
        layer_1_in = layer_0 @ weights["weights_0_1"]
        layers = {"layer_0": layer_0, "layer_1_in": layer_1_in, **dropped("relu_1", F.relu(layer_1_in), batch.mask)}
        return layers | {"layer_2": layers["layer_1"] @ weights["weights_1_2"]}

    def predict(self, weights: Weights, x: Array) -> Array:
        """The ten outputs of each image."""
        layer_1 = relu(np.dot(x, weights["weights_0_1"]))
        layer_2: Array = np.dot(layer_1, weights["weights_1_2"])
        return layer_2

    def module(self) -> nn.Module:
        """Linear, relu, dropout, linear."""
        return ReluModule(self.hidden, 0.5 if self.dropout else 0.0)


TRAIN_THEN_TEST = ("Train-Err", "Train-Acc", "Test-Err", "Test-Acc")
TEST_THEN_TRAIN = ("Test-Err", "Test-Acc", "Train-Err", "Train-Acc")


def _rows(columns: tuple[str, ...], cells: dict[int, str]) -> dict[int, dict[str, str]]:
    return {iteration: dict(zip(columns, line.split(), strict=True)) for iteration, line in cells.items()}


overfit = ReluNetwork(
    id="8.1",
    alias="overfit",
    sentence="Forty hidden relus learn 1,000 digits one image at a time, until they know them by heart.",
    epochs=350,
    accuracy=0.82,
    hidden=40,
    batch_size=1,
    dropout=False,
    columns=TRAIN_THEN_TEST,
    versions={
        "as-printed": PrintedRelu(lr=0.005, batch_size=1),
        "corrected": CorrectedRelu(lr=0.0025),
    },
    printed=Printed(
        rows=_rows(
            TRAIN_THEN_TEST,
            {0: "0.722 0.537 0.601 0.6488", 100: "0.166 0.984 0.482 0.7706", 349: "0.108 1.0 0.653 0.7073"},
        ),
        sums={"weights_0_1": -167.50890709558183, "weights_1_2": 4.052141986545999},
    ),
)

dropout = ReluNetwork(
    id="8.2",
    alias="dropout",
    sentence="A hundred hidden relus, a random half of them switched off for each image.",
    epochs=300,
    accuracy=0.87,
    hidden=100,
    batch_size=1,
    dropout=True,
    columns=TEST_THEN_TRAIN,
    versions={
        "as-printed": PrintedRelu(lr=0.005, batch_size=1),
        "corrected": CorrectedRelu(lr=0.0025),
    },
    printed=Printed(
        rows=_rows(
            TEST_THEN_TRAIN,
            {0: "0.641 0.6333 0.891 0.413", 100: "0.411 0.7903 0.369 0.864", 290: "0.399 0.8181 0.301 0.908"},
        ),
        sums={"weights_0_1": -4445.475218331984, "weights_1_2": 3.5157857323490815},
    ),
)

batch = ReluNetwork(
    id="8.3",
    alias="batch",
    sentence="The dropout network again, a hundred images to a step.",
    epochs=300,
    accuracy=0.87,
    hidden=100,
    batch_size=100,
    dropout=True,
    columns=TEST_THEN_TRAIN,
    versions={
        "as-printed": PrintedRelu(lr=0.001, batch_size=100, updates=100),
        "corrected": CorrectedRelu(lr=0.05),
    },
    printed=Printed(
        rows=_rows(
            TEST_THEN_TRAIN,
            {0: "0.815 0.3832 1.284 0.165", 100: "0.448 0.793 0.447 0.796", 290: "0.428 0.7975 0.383 0.851"},
        ),
    ),
)

networks = (overfit, dropout, batch)
