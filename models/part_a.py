"""Part A: gradient descent and backpropagation with sigmoid units, worked examples and graduate admissions.

Examples are rows. `h` goes into the first units; with a hidden layer `a` comes out of it, and `output_in` goes into
the output's unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np
import numpy.typing as npt

import autograd_lite as al
from models import admissions
from models.network import CORRECTED, PRINTED, Handwritten, Network, Tensors
from models.records import Array, Batch, Data, Deltas, Epoch, Figures, Layers, Printed, Weights
from models.slopes import sigmoid


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedUnit(Handwritten):
    """One sigmoid unit: the error terms are those of the examples, the step is their mean."""

    signs: ClassVar[Mapping[str, int]] = {"w": +1}

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Inputs, what goes into the unit, the output: a number for each example."""
        h = np.dot(batch.x, weights["w"])
        return {"x": batch.x, "h": h, "output": sigmoid(h)}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The error, the error term, and what is added to the weights."""
        x, _, output = layers.values()
        error = batch.labels - output
        error_term = error * output * (1 - output)
        return {"output": error, "h": error_term, "w": np.dot(x.T, error_term) / len(x)}


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedUnit(PrintedUnit):
    """The gradient of the error, everywhere."""

    signs: ClassVar[Mapping[str, int]] = {"w": -1}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The derivative of the error by what goes in and out of the unit, and by the weights."""
        x, _, output = layers.values()
        by_output = (output - batch.labels) / len(x)
        by_h = by_output * output * (1 - output)
        return {"output": by_output, "h": by_h, "w": np.dot(x.T, by_h)}


@dataclass(frozen=True, kw_only=True, eq=False)
class ForwardHidden(Handwritten):
    """A hidden layer of sigmoid units, and an output of such units; as it is, it learns nothing."""

    follows: ClassVar[str] = "nothing"

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Inputs, and what goes into each layer and comes out."""
        h = np.dot(batch.x, weights["w1"])
        a = sigmoid(h)
        output_in = np.dot(a, weights["w2"])
        return {"x": batch.x, "h": h, "a": a, "output_in": output_in, "output": sigmoid(output_in)}


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedHidden(ForwardHidden):
    """One output unit: the error terms are those of the examples, the steps are their means."""

    signs: ClassVar[Mapping[str, int]] = {"w1": +1, "w2": +1}
    follows: ClassVar[str] = "gradient"

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The error, each layer's error term, and what is added to the weights."""
        x, _, a, _, output = layers.values()
        error = batch.labels - output
        output_term = error * output * (1 - output)
        hidden_error = np.outer(output_term, weights["w2"])
        hidden_term = hidden_error * a * (1 - a)
        steps = {"w2": np.dot(a.T, output_term) / len(x), "w1": np.dot(x.T, hidden_term) / len(x)}
        return {"output": error, "output_in": output_term, "a": hidden_error, "h": hidden_term} | steps


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedHidden(ForwardHidden):
    """The gradient of the error, everywhere."""

    signs: ClassVar[Mapping[str, int]] = {"w1": -1, "w2": -1}
    follows: ClassVar[str] = "gradient"

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The derivative of the error by what goes in and out of each layer, and by the weights."""
        x, _, a, _, output = layers.values()
        by_output = (output - batch.labels) / len(x)
        by_output_in = by_output * output * (1 - output)
        by_a = np.outer(by_output_in, weights["w2"])
        by_h = by_a * a * (1 - a)
        by_weights = {"w2": np.dot(a.T, by_output_in), "w1": np.dot(x.T, by_h)}
        return {"output": by_output, "output_in": by_output_in, "a": by_a, "h": by_h} | by_weights


@dataclass(frozen=True, kw_only=True, eq=False)
class SigmoidNetwork(Network):
    """A network of sigmoid units that sees all its examples at once; its line says what one step did.

    `begin` gives the weights and the random state after them. Columns are layers, the "error" y - output, the "step of"
    a weight and of that the "first" row; by hand there is the "term of" a layer, too: its delta. `digits` is how many
    decimals the text gives.
    """

    begin: Callable[[], tuple[Weights, np.random.RandomState]]
    digits: int | None = None
    objective: ClassVar[str | None] = "half the squared error of an example, averaged over the examples"

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """As `begin` has it."""
        return self.begin()

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """All examples in one batch."""
        yield Batch(data.x_train, data.labels_train)

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """Half the mean of the squared errors."""
        error: al.Tensor = 0.5 * al.mean((batch.labels - output) ** 2)
        return error

    def predict(self, weights: Weights, x: Array) -> Array:
        """The output for each row of `x`."""
        return self.versions[PRINTED].forward(weights, Batch(x, np.zeros(len(x))))["output"]

    def figures(self, output: Array, batch: Batch) -> Figures:
        """The sum of the squared errors."""
        return Figures(len(output), error=float(np.sum((batch.labels - output) ** 2)), output=output)

    def row(self, epoch: Epoch) -> dict[str, object]:
        """Layers, the error, and what the step did to the weights."""
        before, _ = self.start()
        values = epoch.layers | {"error": self.data().labels_train - list(epoch.layers.values())[-1]}
        values |= {f"term of {name}": delta for name, delta in epoch.deltas.items() if name in epoch.layers}
        steps = {f"step of {name}": weight - before[name] for name, weight in epoch.weights.items()}
        values |= steps | {f"first {name}": step[0] for name, step in steps.items()}
        return {name: np.squeeze(value).tolist() for name, value in values.items()}

    def cell(self, column: str, value: object) -> str:
        """Numbers with the text's decimals."""
        return str(value if self.digits is None else np.round(np.asarray(value), self.digits).tolist())


@dataclass(frozen=True, kw_only=True, eq=False)
class WorkedExample(SigmoidNetwork):
    """One example, given in the text."""

    x: npt.ArrayLike
    y: npt.ArrayLike

    def data(self) -> Data:
        """The one example."""
        return Data(np.array([self.x]), np.array([self.y]))


@dataclass(frozen=True, kw_only=True, eq=False)
class Admissions(SigmoidNetwork):
    """Who is admitted: the 400 applicants, nine of ten of them drawn with `seed` to train on."""

    seed: int
    columns: tuple[str, ...] = ("MSE", "Test-Acc")
    test_every: int = 100
    accuracy: float | None = 0.725

    def data(self) -> Data:
        """The applicants, six inputs each. Raises FileNotFoundError, saying what to do, where they are not there."""
        return admissions.split(self.seed)

    def test_figures(self, output: Array, data: Data) -> Figures:
        """How many of those held back are told right from an output above or under a half."""
        assert data.labels_test is not None
        return Figures(len(output), int(np.count_nonzero((output > 0.5) == data.labels_test)))

    def row(self, epoch: Epoch) -> dict[str, object]:
        """After the step: the mean squared error on those trained on, and the accuracy on the others."""
        if epoch.test is None:
            return {}
        data = self.data()
        squares = (self.predict(epoch.weights, data.x_train) - data.labels_train) ** 2
        return {"MSE": float(np.mean(squares)), "Test-Acc": epoch.test.correct / epoch.test.examples}

    def cell(self, column: str, value: object) -> str:
        """The mean squared error with the text's decimals."""
        return super().cell(column, value) if column == "MSE" else str(value)


class Unit(SigmoidNetwork):
    """One sigmoid unit without a bias."""

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """Inputs, what goes into the unit, the output: a number for each example."""
        x = al.tensor(batch.x)
        h = x @ weights["w"]
        return {"x": x, "h": h, "output": al.sigmoid(h)}


class Hidden(SigmoidNetwork):
    """A hidden layer of sigmoid units and one or more such units as output, without biases."""

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """Inputs, and what goes into each layer and comes out."""
        x = al.tensor(batch.x)
        h = x @ weights["w1"]
        a = al.sigmoid(h)
        output_in = a @ weights["w2"]
        return {"x": x, "h": h, "a": a, "output_in": output_in, "output": al.sigmoid(output_in)}


class UnitExample(Unit, WorkedExample):
    """One unit, one example."""


class HiddenExample(Hidden, WorkedExample):
    """A hidden layer, one example."""


class ForwardExample(HiddenExample):
    """A hidden layer, one example, which nothing is learnt from."""

    objective: ClassVar[str | None] = None


class UnitAdmissions(Unit, Admissions):
    """One unit for the applicants."""


class HiddenAdmissions(Hidden, Admissions):
    """A hidden layer for the applicants."""


def given(**weights: npt.ArrayLike) -> tuple[Weights, np.random.RandomState]:
    """Weights that the text gives; nothing is drawn."""
    return {name: np.array(weight) for name, weight in weights.items()}, np.random.RandomState(0)


def drawn(seed: int, std: float, **shapes: int | tuple[int, ...]) -> tuple[Weights, np.random.RandomState]:
    """Normal weights around 0, in this order."""
    rng = np.random.RandomState(seed)
    return {name: rng.normal(scale=std, size=shape) for name, shape in shapes.items()}, rng


def forward_weights() -> tuple[Weights, np.random.RandomState]:
    """The weights of A.3, drawn after its four inputs."""
    rng = np.random.RandomState(42)
    rng.randn(4)
    return {"w1": rng.normal(0, 0.1, (4, 3)), "w2": rng.normal(0, 0.1, (3, 2))}, rng


one_unit = UnitExample(
    id="A.1",
    alias="sigmoid-unit",
    sentence="One sigmoid unit takes one step down.",
    columns=("h", "output", "error", "step of w"),
    x=[0.1, 0.3],
    y=0.2,
    begin=partial(given, w=[-0.8, 0.5]),
    versions={PRINTED: PrintedUnit(lr=0.5), CORRECTED: CorrectedUnit(lr=0.5)},
    printed=Printed(
        rows={
            0: {
                "h": 0.07,
                "output": 0.5174928576663897,
                "error": -0.31749285766638974,
                "term of h": -0.07927606158013764,
                "step of w": [-0.003963803079006882, -0.011891409237020647],
            }
        }
    ),
)

worked = HiddenExample(
    id="A.2",
    alias="backpropagation-example",
    sentence="Two inputs, one hidden unit, one output: backpropagation with pen and paper.",
    columns=("h", "a", "output", "step of w2", "step of w1"),
    x=[0.1, 0.3],
    y=1.0,
    begin=partial(given, w1=[[0.4], [-0.2]], w2=[0.1]),
    versions={PRINTED: PrintedHidden(lr=0.5), CORRECTED: CorrectedHidden(lr=0.5)},
    printed=Printed(
        rows={
            0: {
                "h": -0.02,
                "a": 0.4950001666600003,
                "output": 0.512372477962617,
                "term of output_in": 0.1218322353606694,
                "term of h": 0.003045501323732555,
                "step of w2": 0.030153488404045865,
                "step of w1": [0.00015227506618662777, 0.0004568251985598832],
            }
        }
    ),
)

forward = ForwardExample(
    id="A.3",
    alias="sigmoid-forward",
    sentence="Four inputs go through three hidden sigmoid units to two outputs; nothing is learnt.",
    columns=("a", "output"),
    digits=8,
    x=np.random.RandomState(42).randn(4),
    y=[0.0, 0.0],
    begin=forward_weights,
    versions={PRINTED: ForwardHidden()},
    printed=Printed(rows={0: {"a": "[0.41492192, 0.42604313, 0.5002434]", "output": "[0.49815196, 0.48539772]"}}),
)

one_step = HiddenExample(
    id="A.4",
    alias="backpropagation-step",
    sentence="Three inputs, two hidden units, one output: one step of backpropagation.",
    columns=("output", "step of w2", "first step of w1"),
    x=[0.5, 0.1, -0.2],
    y=0.6,
    begin=partial(given, w1=[[0.5, -0.6], [0.1, -0.2], [0.1, 0.7]], w2=[0.1, -0.3]),
    versions={PRINTED: PrintedHidden(lr=0.5), CORRECTED: CorrectedHidden(lr=0.5)},
    printed=Printed(
        rows={
            0: {
                "output": 0.48497343084992534,
                "step of w2": [0.008040473948045293, 0.005559180911682831],
                "first step of w1": [0.0001770055466373534, -0.0005111785059877155],
            }
        }
    ),
)

admitted = UnitAdmissions(
    id="A.5",
    alias="admissions",
    sentence="One sigmoid unit learns who is admitted to a graduate school.",
    epochs=1000,
    seed=42,
    digits=14,
    begin=partial(drawn, 42, 6**-0.5, w=6),
    versions={PRINTED: PrintedUnit(lr=0.5), CORRECTED: CorrectedUnit(lr=0.5)},
    printed=Printed(rows={0: {"MSE": 0.26276093849966}, 900: {"MSE": 0.19703005801777}, 999: {"Test-Acc": "0.725"}}),
)

admitted_hidden = HiddenAdmissions(
    id="A.6",
    alias="admissions-hidden",
    sentence="Two hidden sigmoid units between the applicants and the answer.",
    epochs=900,
    test_every=90,
    seed=21,
    digits=5,
    begin=partial(drawn, 21, 6**-0.5, w1=(6, 2), w2=2),
    versions={PRINTED: PrintedHidden(lr=0.005), CORRECTED: CorrectedHidden(lr=0.005)},
    printed=Printed(rows={0: {"MSE": "0.26856"}, 810: {"MSE": "0.25441"}, 899: {"Test-Acc": "0.725"}}),
)

networks = (one_unit, worked, forward, one_step, admitted, admitted_hidden)
