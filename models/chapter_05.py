"""Chapter 5: gradient descent on several weights at once: more inputs, more outputs, both, and digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

import autograd_lite as al
from models import mnist
from models.chapter_03 import (
    GAME,
    ROWS,
    WLREC,
    InputsAndOutputs,
    InputsAndOutputsNetwork,
    MultipleInputs,
    MultipleInputsNetwork,
    MultipleOutputs,
    MultipleOutputsNetwork,
)
from models.classifier import correct_answers
from models.network import CORRECTED, PRINTED, Tensors
from models.records import Array, Batch, Data, Deltas, Epoch, Figures, Layers, Printed, Weights
from models.small import Descent, Learning, weighted_sum


@dataclass(frozen=True, kw_only=True, eq=False)
class InputsDescent(Descent, MultipleInputs):
    """A weight's delta is its input times the delta of the output."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FrozenDescent(Descent):
    """As before, but the weight of the first input stays."""

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The weighted sum of the inputs."""
        return {"pred": weighted_sum(batch.x, np.append(weights["toes_weight"], weights["weights"]))}

    def weight_deltas(self, x: Array, delta: Array, weights: Array) -> Array:
        """Those of the weights that learn."""
        return super().weight_deltas(x[:, 1:], delta, weights)


@dataclass(frozen=True, kw_only=True, eq=False)
class ZeroedDescent(FrozenDescent):
    """The weight of the first input stays because its delta is set to 0."""

    signs: ClassVar[Mapping[str, int]] = {"toes_weight": -1, "weights": -1}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """How far off, what each weight has to do with it, and 0 for the first."""
        return super().backward(weights, batch, layers) | {"toes_weight": np.zeros(())}


@dataclass(frozen=True, kw_only=True, eq=False)
class OutputsDescent(Descent, MultipleOutputs):
    """A weight's delta is the input times the delta of its output."""


@dataclass(frozen=True, kw_only=True, eq=False)
class InputTimesWeights(OutputsDescent):
    """A weight's delta is the input times the weight."""

    def weight_deltas(self, x: Array, delta: Array, weights: Array) -> Array:
        """The input times each weight."""
        return x * weights


@dataclass(frozen=True, kw_only=True, eq=False)
class MatrixDescent(Descent, InputsAndOutputs):
    """A weight's delta is its input times the delta of its output."""

    def weight_deltas(self, x: Array, delta: Array, weights: Array) -> Array:
        """A row for each output, as the weights have."""
        products: Array = delta.T @ x
        return products


@dataclass(frozen=True, kw_only=True, eq=False)
class InputRowsDescent(MatrixDescent):
    """The deltas of the weights have a row for each input, though the weights have one for each output."""

    def weight_deltas(self, x: Array, delta: Array, weights: Array) -> Array:
        """A row for each input."""
        products: Array = x.T @ delta
        return products


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelsDescent(MatrixDescent):
    """The same with 784 inputs, added up by a matrix product."""

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Ten weighted sums of the pixels."""
        return {"pred": batch.x @ weights["weights"].T}


@dataclass(frozen=True, kw_only=True, eq=False)
class Inputs(Learning, MultipleInputsNetwork):
    """Learns a weight for each input."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FrozenInput(Learning):
    """Learns a weight for each input but the first."""

    frozen: tuple[str, ...] = ("toes_weight",)

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """The weighted sum of the inputs."""
        toes, others = al.tensor(batch.x[:, 0], name="toes"), al.tensor(batch.x[:, 1:], name="others")
        return {"pred": toes * weights["toes_weight"] + others @ weights["weights"]}


@dataclass(frozen=True, kw_only=True, eq=False)
class Outputs(Learning, MultipleOutputsNetwork):
    """Learns a weight for each output."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Matrix(Learning, InputsAndOutputsNetwork):
    """Learns a row of weights for each output."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Digits(Matrix):
    """Learns a row of 784 weights for each digit: each row is a picture."""

    columns: tuple[str, ...] = ("Train-Acc", "Test-Acc")

    def data(self) -> Data:
        """The first 1,000 training images and all test images of MNIST."""
        return mnist.load()

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """Weights of 0."""
        return {"weights": np.zeros((10, 784))}, np.random.RandomState(0)

    def predict(self, weights: Weights, x: Array) -> Array:
        """The ten outputs of each image."""
        outputs: Array = x @ weights["weights"].T
        return outputs

    def figures(self, output: Array, batch: Batch) -> Figures:
        """The squared error, and in how many rows the largest output is at the label."""
        return replace(super().figures(output, batch), correct=correct_answers(output, batch.labels))

    def test_figures(self, output: Array, data: Data) -> Figures:
        """Correct answers on the test images."""
        assert data.labels_test is not None
        return Figures(len(output), correct_answers(output, data.labels_test))

    def row(self, epoch: Epoch) -> dict[str, object]:
        """The share of correct answers, while training and on the test images."""
        row: dict[str, object] = {"Train-Acc": epoch.train.correct / epoch.size}
        return row if epoch.test is None else row | {"Test-Acc": epoch.test.correct / epoch.test.examples}


CHANGED = ("Error", "pred", "delta of weights", "weights")
SAD_WIN_HURT = ((0.1, 1.0, 0.1),)  # was it sad, was it won, was anybody hurt

inputs = Inputs(
    id="5.1",
    alias="inputs-descent",
    sentence="Three weights learn from one delta, each in proportion to its input.",
    epochs=3,
    inputs=[GAME],
    goals=[1],
    initial={"weights": (0.1, 0.2, -0.1)},
    columns=CHANGED,
    versions={PRINTED: InputsDescent(lr=0.01), CORRECTED: InputsDescent(lr=0.005, factor=2)},
    printed=Printed(
        {
            0: {
                "pred": "0.8600000000000001",
                "Error": "0.01959999999999997",
                "delta of weights": "[-1.189999999999999, -0.09099999999999994, -0.16799999999999987]",
                "weights": "[0.1119, 0.20091, -0.09832]",
            },
            1: {"pred": "0.9637574999999999", "Error": "0.0013135188062500048"},
            2: {"pred": "0.9906177228125002", "Error": "8.802712522307997e-05"},
        }
    ),
)

frozen = FrozenInput(
    id="5.2",
    alias="frozen-weight",
    sentence="The first of three weights is held fixed, the other two learn without it.",
    epochs=3,
    inputs=[GAME],
    goals=[1],
    initial={"toes_weight": 0.1, "weights": (0.2, -0.1)},
    versions={PRINTED: ZeroedDescent(lr=0.3), CORRECTED: FrozenDescent(lr=0.15, factor=2)},
    printed=Printed(
        {
            0: {"pred": "0.8600000000000001", "Error": "0.01959999999999997"},
            1: {"pred": "0.9382250000000001", "Error": "0.003816150624999989"},
            2: {"pred": "0.97274178125", "Error": "0.000743010489422852"},
        }
    ),
)

outputs = Outputs(
    id="5.3",
    alias="outputs-descent",
    sentence="Three weights on one input, each learns from the delta of its own output.",
    inputs=[WLREC[0]],
    goals=SAD_WIN_HURT,
    initial={"weights": (0.3, 0.2, 0.9)},
    columns=CHANGED,
    versions={PRINTED: OutputsDescent(lr=0.1), CORRECTED: OutputsDescent(lr=0.05, factor=2)},
    printed=Printed(
        {
            0: {
                "weights": "[0.293825, 0.25655, 0.868475]",
                "delta of weights": "[0.061750000000000006, -0.5655, 0.3152500000000001]",
            }
        }
    ),
)

outputs_slides = replace(
    outputs,
    id="5.3s",
    alias="outputs-descent-slides",
    sentence="As on the slides: the input times the weights is what the weights change by.",
    versions={**outputs.versions, PRINTED: InputTimesWeights(lr=0.1)},
    printed=Printed(),
)

matrix = Matrix(
    id="5.4",
    alias="matrix-descent",
    sentence="Nine weights, each learns from its input and the delta of its output.",
    inputs=[GAME],
    goals=SAD_WIN_HURT,
    initial={"weights": ROWS},
    columns=CHANGED,
    versions={PRINTED: MatrixDescent(lr=0.01), CORRECTED: MatrixDescent(lr=0.005, factor=2)},
    printed=Printed(
        {0: {"weights": [[0.061325, 0.0970425, -0.30546], [0.1017, 0.20013, 0.00024], [-0.073525, 1.2943775, 0.08962]]}}
    ),
)

matrix_slides = replace(
    matrix,
    id="5.4s",
    alias="matrix-descent-slides",
    sentence="As on the slides: row i and column j of the deltas belong to input i and output j.",
    versions={**matrix.versions, PRINTED: InputRowsDescent(lr=0.01)},
    printed=Printed(),
)

digits = Digits(
    id="5.5",
    alias="digits",
    sentence="One layer learns to read digits, and its weights are pictures of them.",
    epochs=10,
    accuracy=0.71,
    versions={CORRECTED: PixelsDescent(lr=0.005, factor=2)},
    printed=Printed(
        {0: {"Train-Acc": "0.684", "Test-Acc": "0.7111"}, 9: {"Train-Acc": "0.89", "Test-Acc": "0.7137"}},
        sums={"weights": 4.6123702763832615},
    ),
)

networks = (inputs, frozen, outputs, outputs_slides, matrix, matrix_slides, digits)
