"""Chapter 10: MNIST with sixteen 3x3 kernels under a softmax."""

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

POSITIONS = 28 - 3  # in a row and in a column: the text leaves out the last of the 26
KERNEL = 3


def sections(x: Array) -> Array:
    """Every section of every image as a row of nine pixels: image by image, positions row by row.

    >>> sections(np.arange(784.0).reshape(1, 784))[26]
    array([29., 30., 31., 57., 58., 59., 85., 86., 87.])
    """
    images = x.reshape(len(x), 28, 28)
    pixels = [
        images[:, row : row + POSITIONS, column : column + POSITIONS, None]
        for row in range(KERNEL)
        for column in range(KERNEL)
    ]
    return np.concatenate(pixels, axis=-1).reshape(-1, KERNEL * KERNEL)


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedConvolution(Handwritten):
    """The step as the text writes it, for batches of `batch_size`."""

    batch_size: int
    signs: ClassVar[Mapping[str, int]] = {"weights_1_2": +1, "kernels": -1}

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Sections, hidden layer before and after tanh, an image to a row (and dropout), scores, probabilities."""
        layer_0 = sections(batch.x)
        layer_1_in = layer_0.dot(weights["kernels"]).reshape(len(batch.x), -1)
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
            "kernels": layer_0.T.dot(layer_1_delta.reshape(len(layer_0), -1)),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedConvolution(Handwritten):
    """The gradient of the cross-entropy, averaged over the batch."""

    signs: ClassVar[Mapping[str, int]] = {"weights_1_2": -1, "kernels": -1}

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Sections, hidden layer before and after tanh, an image to a row (and dropout), scores, probabilities."""
        layer_0 = sections(batch.x)
        layer_1_in = layer_0.dot(weights["kernels"]).reshape(len(batch.x), -1)
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
            "kernels": layer_0.T.dot(layer_1_delta.reshape(len(layer_0), -1)),
        }


class ConvolutionModule(nn.Module):
    """The network built with the framework, up to the softmax."""

    def __init__(self, kernels: int) -> None:
        super().__init__()
        self.kernels = nn.Conv2d(1, kernels, KERNEL, bias=False)
        self.dropout = nn.Dropout(0.5)
        self.output = nn.Linear(POSITIONS * POSITIONS * kernels, 10, bias=False)

    def forward(self, x: al.Tensor) -> al.Tensor:
        """Images, a row of pixels each, to ten scores each."""
        seen = POSITIONS + KERNEL - 1  # rows and columns of an image that some section reaches
        images = x.reshape(len(x), 1, 28, 28)[:, :, :seen, :seen]
        hidden = F.tanh(self.kernels(images))
        by_position = hidden.permute(0, 2, 3, 1).flatten(1)  # as the text: a position's kernels side by side
        scores: al.Tensor = self.output(self.dropout(by_position))
        return scores


@dataclass(frozen=True, kw_only=True, eq=False)
class ConvolutionNetwork(SoftmaxClassifier):
    """625 sections of an image, sixteen kernels of tanh over each, ten probabilities."""

    kernels: int = 16
    parameters: ClassVar[Mapping[str, str]] = {"kernels": "kernels.weight", "weights_1_2": "output.weight"}
    chunk: int = 250  # images predicted at a time: their sections and hidden layer take 31 MB

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """The kernels uniform in [-0.01, 0.01), the matrix in [-0.1, 0.1)."""
        rng = np.random.RandomState(1)
        kernels = 0.02 * rng.random_sample((KERNEL * KERNEL, self.kernels)) - 0.01
        weights_1_2 = 0.2 * rng.random_sample((self.hidden, 10)) - 0.1
        return {"kernels": kernels, "weights_1_2": weights_1_2}, rng

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """Sections, hidden layer (an image to a row), scores."""
        layer_0 = al.tensor(sections(batch.x))
        layer_1_in = (layer_0 @ weights["kernels"]).reshape(len(batch.x), -1)
        layers = {"layer_0": layer_0, "layer_1_in": layer_1_in, **dropped("tanh_1", F.tanh(layer_1_in), batch.mask)}
        return layers | {"layer_2_in": layers["layer_1"] @ weights["weights_1_2"]}

    def predict(self, weights: Weights, x: Array) -> Array:
        """Ten scores for each image, as they go into the softmax."""
        scores = np.empty((len(x), 10))
        for start in range(0, len(x), self.chunk):
            rows = slice(start, start + self.chunk)
            layer_1 = sections(x[rows]).dot(weights["kernels"])
            np.tanh(layer_1, out=layer_1)
            scores[rows] = layer_1.reshape(-1, self.hidden).dot(weights["weights_1_2"])
        return scores

    def module(self) -> nn.Module:
        """Convolution, tanh, dropout, linear."""
        return ConvolutionModule(self.kernels)


convolution = ConvolutionNetwork(
    id="10.1",
    alias="convolution",
    sentence="Sixteen 3x3 kernels slide over each digit; what they find is summed up by a softmax.",
    epochs=300,
    accuracy=0.86,
    hidden=POSITIONS * POSITIONS * 16,
    batch_size=128,
    dropout=True,
    columns=("Test-Acc", "Train-Acc"),
    versions={
        "as-printed": PrintedConvolution(lr=2, batch_size=128),
        "corrected": CorrectedConvolution(lr=2 / 128),
    },
    printed=Printed(
        rows={
            0: {"Test-Acc": "0.0288", "Train-Acc": "0.055"},
            8: {"Test-Acc": "0.2137", "Train-Acc": "0.127"},
            39: {"Test-Acc": "0.7459", "Train-Acc": "0.562"},
            45: {"Test-Acc": "0.2052", "Train-Acc": "0.174"},
            297: {"Test-Acc": "0.8774", "Train-Acc": "0.816"},
            298: {"Test-Acc": "0.8774", "Train-Acc": "0.804"},
            299: {"Test-Acc": "0.8774", "Train-Acc": "0.814"},
        },
        sums={"kernels": -23.33015588091873, "weights_1_2": -14.315272225881762},
    ),
)

networks = (convolution,)
