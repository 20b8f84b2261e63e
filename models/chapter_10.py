"""Chapter 10: MNIST with sixteen 3x3 kernels under a softmax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from models.activations import softmax, stable_softmax, tanh2deriv
from models.classifier import Classifier, CrossEntropyStep, mean_cross_entropy
from models.network import Array, Batch, Deltas, Layers, Printed, Weights

POSITIONS = 28 - 3  # in a row and in a column: the text leaves out the last of the 26
KERNEL = 3


def sections(x: Array) -> Array:
    """Every section of every image as a row of nine pixels: image by image, positions row by row.

    >>> sections(np.arange(784.0).reshape(1, 784))[26]
    array([29., 30., 31., 57., 58., 59., 85., 86., 87.])
    """
    images = x.reshape(len(x), 28, 28)
    sections = np.empty((len(x), POSITIONS, POSITIONS, KERNEL * KERNEL))
    for row in range(KERNEL):
        for column in range(KERNEL):
            pixels = images[:, row : row + POSITIONS, column : column + POSITIONS]
            sections[..., KERNEL * row + column] = pixels
    return sections.reshape(-1, KERNEL * KERNEL)


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedConvolution(CrossEntropyStep):
    """The step as the text writes it, for batches of `batch_size`."""

    batch_size: int
    signs: ClassVar[Mapping[str, int]] = {"weights_1_2": +1, "kernels": -1}

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Sections, hidden layer after dropout (an image to a row), probabilities."""
        layer_0 = sections(batch.x)
        layer_1 = np.tanh(layer_0.dot(weights["kernels"]).reshape(len(batch.x), -1))
        if batch.mask is not None:
            layer_1 *= batch.mask * 2
        layer_2 = softmax(np.dot(layer_1, weights["weights_1_2"]))
        return layer_0, layer_1, layer_2

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The deltas, output first."""
        layer_0, layer_1, layer_2 = layers
        layer_2_delta = (batch.labels - layer_2) / (self.batch_size * layer_2.shape[0])
        layer_1_delta = layer_2_delta.dot(weights["weights_1_2"].T) * tanh2deriv(layer_1)
        if batch.mask is not None:
            layer_1_delta *= batch.mask
        return {
            "layer_2": layer_2_delta,
            "layer_1": layer_1_delta,
            "weights_1_2": layer_1.T.dot(layer_2_delta),
            "kernels": layer_0.T.dot(layer_1_delta.reshape(len(layer_0), -1)),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedConvolution(CrossEntropyStep):
    """The gradient of the cross-entropy, averaged over the batch."""

    signs: ClassVar[Mapping[str, int]] = {"weights_1_2": -1, "kernels": -1}

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Sections, tanh (an image to a row), the same after dropout, probabilities."""
        layer_0 = sections(batch.x)
        tanh_1 = np.tanh(layer_0.dot(weights["kernels"]).reshape(len(batch.x), -1))
        layer_1 = tanh_1 if batch.mask is None else tanh_1 * (batch.mask * 2)
        layer_2 = stable_softmax(layer_1.dot(weights["weights_1_2"]))
        return layer_0, tanh_1, layer_1, layer_2

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The derivative of the loss by what goes into each activation and by each weight."""
        layer_0, tanh_1, layer_1, layer_2 = layers
        layer_2_delta = (layer_2 - batch.labels) / len(batch.labels)
        layer_1_delta = layer_2_delta.dot(weights["weights_1_2"].T) * tanh2deriv(tanh_1)
        if batch.mask is not None:
            layer_1_delta *= batch.mask * 2
        return {
            "layer_2": layer_2_delta,
            "layer_1": layer_1_delta,
            "weights_1_2": layer_1.T.dot(layer_2_delta),
            "kernels": layer_0.T.dot(layer_1_delta.reshape(len(layer_0), -1)),
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class ConvolutionNetwork(Classifier):
    """625 sections of an image, sixteen kernels of tanh over each, ten probabilities."""

    kernels: int = 16
    chunk: int = 250  # images predicted at a time: their sections and hidden layer take 31 MB

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """The kernels uniform in [-0.01, 0.01), the matrix in [-0.1, 0.1)."""
        rng = np.random.RandomState(1)
        kernels = 0.02 * rng.random_sample((KERNEL * KERNEL, self.kernels)) - 0.01
        weights_1_2 = 0.2 * rng.random_sample((self.hidden, 10)) - 0.1
        return {"kernels": kernels, "weights_1_2": weights_1_2}, rng

    def predict(self, weights: Weights, x: Array) -> Array:
        """Ten scores for each image, as they go into the softmax."""
        scores = np.empty((len(x), 10))
        for start in range(0, len(x), self.chunk):
            rows = slice(start, start + self.chunk)
            layer_1 = sections(x[rows]).dot(weights["kernels"])
            np.tanh(layer_1, out=layer_1)
            scores[rows] = layer_1.reshape(-1, self.hidden).dot(weights["weights_1_2"])
        return scores

    def loss(self, weights: Weights, batch: Batch) -> float:
        """The cross-entropy of an image, averaged over the batch."""
        windows = np.lib.stride_tricks.sliding_window_view(batch.x.reshape(-1, 28, 28), (3, 3), axis=(1, 2))
        kernels = weights["kernels"].reshape(3, 3, self.kernels)
        summed = np.tensordot(windows[:, :POSITIONS, :POSITIONS], kernels, axes=2)
        hidden = np.tanh(summed).reshape(len(batch.x), self.hidden)
        if batch.mask is not None:
            hidden = hidden * (2 * batch.mask)
        return mean_cross_entropy(hidden @ weights["weights_1_2"], batch.labels)


convolution = ConvolutionNetwork(
    id="10.1",
    alias="convolution",
    sentence="Sixteen 3x3 kernels slide over each digit; what they find is summed up by a softmax.",
    epochs=300,
    hidden=POSITIONS * POSITIONS * 16,
    batch_size=128,
    dropout=True,
    columns=("Test-Acc", "Train-Acc"),
    versions={
        "as-printed": PrintedConvolution(label="as printed", lr=2, batch_size=128),
        "corrected": CorrectedConvolution(label="corrected", lr=2 / 128),
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
