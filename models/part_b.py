"""Part B: a computation graph, logistic regression, networks of L layers.

X and the other matrices have a column for each example, as in the text; see `layered.py`.
"""

# ruff: noqa: N803, N806 - matrices have the capital letters of the text

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F
from models.layered import CorrectedLayers, LayersNetwork, PrintedLayers, TwoClasses, places
from models.network import CORRECTED, PRINTED, Handwritten, Network, Tensors
from models.records import Array, Batch, Data, Deltas, Epoch, Layers, Printed, Weights
from models.slopes import RELU, SIGMOID, TANH, sigmoid


@dataclass(frozen=True, kw_only=True, eq=False)
class GraphByHand(Handwritten):
    """J = 3 (a + b c), forward node by node, and its derivatives backward; nothing is trained."""

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The values of the nodes."""
        u = weights["b"] * weights["c"]
        v = weights["a"] + u
        return {"u": u, "v": v, "J": 3 * v}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The derivative of J by each node before it."""
        by_v = np.array(3.0)
        by_u = by_v * 1
        return {"v": by_v, "u": by_u, "a": by_v * 1, "b": by_u * weights["c"], "c": by_u * weights["b"]}


@dataclass(frozen=True, kw_only=True, eq=False)
class ComputationGraph(Network):
    """Three numbers, of which J is made; there are no examples."""

    objective: ClassVar[str | None] = "J itself"

    def data(self) -> Data:
        """One example of no inputs."""
        return Data(np.zeros((1, 0)), np.zeros(1))

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """a, b and c."""
        return {"a": np.array(5.0), "b": np.array(3.0), "c": np.array(2.0)}, np.random.RandomState(0)

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """The one example."""
        yield Batch(data.x_train, data.labels_train)

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """u = b c, v = a + u, J = 3 v."""
        u = weights["b"] * weights["c"]
        v = weights["a"] + u
        return {"u": u, "v": v, "J": 3 * v}

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """J itself."""
        return output

    def row(self, epoch: Epoch) -> dict[str, object]:
        """The nodes, and by hand the derivatives by them."""
        derivatives = {f"dJ/d{name}": delta for name, delta in epoch.deltas.items()}
        return {name: value.item() for name, value in (epoch.layers | derivatives).items()}


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedLogistic(Handwritten):
    """Logistic regression as the text writes it: dz is that of each example's loss, dw and db are means."""

    signs: ClassVar[Mapping[str, int]] = {"w": -1, "b": -1}

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """X (features, examples); z and a (1, examples)."""
        X = batch.x.T
        z = np.dot(weights["w"].T, X) + weights["b"]
        return {"X": X, "z": z, "a": sigmoid(z)}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """dz, dw, db."""
        X, _, a = layers.values()
        dz = a - batch.labels
        return {"z": dz, "w": np.dot(X, dz.T) / X.shape[1], "b": np.mean(dz)}


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedLogistic(PrintedLogistic):
    """The gradient of the mean loss, everywhere."""

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The derivative of the mean loss by z, w and b."""
        X, _, a = layers.values()
        dz = (a - batch.labels) / X.shape[1]
        return {"z": dz, "w": np.dot(X, dz.T), "b": np.sum(dz)}


Loss = Callable[[al.Tensor, al.Tensor, al.Tensor], al.Tensor]  # of y, log a and log (1 - a), for each example


@dataclass(frozen=True, kw_only=True, eq=False)
class Logistic(TwoClasses):
    """One unit with a bias, on points of a plane; `written` is the loss in the text's letters, where it is another."""

    written: Loss | None = None

    def data(self) -> Data:
        """200 points, and whether they are above a line, with some noise."""
        rs = np.random.RandomState(0)
        X = rs.randn(2, 200)
        Y = (X[0] + 0.5 * X[1] + 0.3 * rs.randn(200)) > 0.2
        return Data(X.T, Y.astype(float))

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """Zeros; nothing is drawn."""
        return {"w": np.zeros((2, 1)), "b": np.zeros(())}, np.random.RandomState(0)

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """X, and the logits z (1, examples)."""
        X = al.tensor(batch.x.T)
        return {"X": X, "z": weights["w"].T @ X + weights["b"]}

    def stated(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The mean of the loss as `written`."""
        if self.written is None:
            return self.error(output, batch)
        log_a, log_not_a = -F.softplus(-output), -F.softplus(output)
        log_a.name, log_not_a.name = "log_a", "log_not_a"
        stated: al.Tensor = al.mean(self.written(al.tensor(batch.labels), log_a, log_not_a))
        return stated


SIX = dict.fromkeys(("W1", "b1", "W2", "b2", "W3", "b3"), -1)


class BelowByDelta(PrintedLayers):
    """dZ1 = dW2.T dZ2 * g'(Z1)."""

    def below(self, weights: Weights, deltas: Deltas, k: int) -> Array:
        """dW of layer k, transposed, times its dZ."""
        handed: Array = np.dot(deltas[f"W{k}"].T, deltas[f"Z{k}"])
        return handed


class BiasFromWeights(PrintedLayers):
    """b1 := W1 - alpha db1, after W1 was updated; all other updates are those of the equations.

    W1 is (4, 3) and db1 (4, 1), so that b1 becomes (4, 3). The next forward pass would add that to a (4, m): NumPy
    raises ValueError, unless there are 3 examples, or 1.
    """

    def update(self, weights: Weights, deltas: Deltas) -> None:
        """Apply the deltas; b1 is another array afterwards."""
        super().update(weights, deltas)
        weights["b1"] = weights["W1"] - self.lr * deltas["b1"]


class PrintedDeep(PrintedLayers):
    """The equations for three layers."""

    signs: ClassVar[Mapping[str, int]] = SIX


class CorrectedDeep(CorrectedLayers):
    """The gradient for three layers."""

    signs: ClassVar[Mapping[str, int]] = SIX


class SigmoidSlope(PrintedDeep):
    """g is taken as sigmoid in the derivative of every hidden layer."""

    def slope(self, Z: Array) -> Array:
        """The slope of sigmoid at Z."""
        return SIGMOID.slope(Z)


class Shallow(LayersNetwork):
    """A hidden layer of tanh."""

    layer: ClassVar[type[nn.Module]] = nn.Tanh
    parameters: ClassVar[Mapping[str, str]] = places(2)


class Deep(LayersNetwork):
    """Two hidden layers of relu."""

    layer: ClassVar[type[nn.Module]] = nn.ReLU
    parameters: ClassVar[Mapping[str, str]] = places(3)


graph = ComputationGraph(
    id="B.1",
    alias="computation-graph",
    sentence="J = 3 (a + b c), and what a small change of each number does to it.",
    columns=("u", "v", "J"),
    versions={PRINTED: GraphByHand(), CORRECTED: GraphByHand()},
    printed=Printed(
        rows={
            0: {"u": "6.0", "v": "11.0", "J": "33.0"}
            | {"dJ/dv": "3.0", "dJ/da": "3.0", "dJ/du": "3.0", "dJ/db": "6.0", "dJ/dc": "9.0"}
        }
    ),
)

logistic = Logistic(
    id="B.2",
    alias="logistic-regression",
    sentence="One unit with a bias learns on which side of a line a point is.",
    epochs=1000,
    versions={PRINTED: PrintedLogistic(lr=0.5), CORRECTED: CorrectedLogistic(lr=0.5)},
)

logistic_loss = replace(
    logistic,
    id="B.2s1",
    alias="logistic-loss",
    sentence="Logistic regression, with the loss as -(y log a) + (1 - y) log(1 - a).",
    written=lambda y, log_a, log_not_a: -(y * log_a) + (1 - y) * log_not_a,
)

logistic_sum = replace(
    logistic,
    id="B.2s2",
    alias="logistic-sum",
    sentence="Logistic regression, with a loss summed up from y log a - (1 - y) log(1 - a).",
    written=lambda y, log_a, log_not_a: y * log_a - (1 - y) * log_not_a,
)

shallow = Shallow(
    id="B.3",
    alias="one-hidden-layer",
    sentence="Four hidden tanh units learn whether two numbers have the same sign.",
    epochs=5000,
    seed=1,
    sizes=(3, 4, 1),
    hidden=TANH,
    spread=lambda n_in: 1.0,
    versions={PRINTED: PrintedLayers(lr=1.0, hidden=TANH), CORRECTED: CorrectedLayers(lr=1.0, hidden=TANH)},
)

below_by_delta = replace(
    shallow,
    id="B.3s1",
    alias="one-hidden-layer-back",
    sentence="One hidden layer, with dZ1 = dW2.T dZ2 * g'(Z1).",
    versions={**shallow.versions, PRINTED: BelowByDelta(lr=1.0, hidden=TANH)},
)

bias_from_weights = replace(
    shallow,
    id="B.3s2",
    alias="one-hidden-layer-bias",
    sentence="One hidden layer, with b1 := W1 - alpha db1: one step, after which b1 has the shape of W1.",
    epochs=1,
    versions={**shallow.versions, PRINTED: BiasFromWeights(lr=1.0, hidden=TANH)},
)

symmetric = replace(
    shallow,
    id="B.3-symmetric",
    alias="symmetric-start",
    sentence="One hidden layer that starts with all weights zero.",
    spread=lambda n_in: 0.0,
)

small = replace(
    shallow,
    id="B.3-small",
    alias="small-start",
    sentence="One hidden layer that starts with weights a hundredth of the usual size.",
    spread=lambda n_in: 0.01,
)

deep = Deep(
    id="B.4",
    alias="three-layers",
    sentence="Two hidden layers of relu learn whether two numbers have the same sign.",
    epochs=3000,
    seed=3,
    sizes=(3, 5, 4, 1),
    hidden=RELU,
    spread=lambda n_in: (2 / n_in) ** 0.5,
    versions={PRINTED: PrintedDeep(lr=0.3, hidden=RELU), CORRECTED: CorrectedDeep(lr=0.3, hidden=RELU)},
)

sigmoid_slope = replace(
    deep,
    id="B.4s",
    alias="three-layers-sigmoid",
    sentence="Two hidden layers of relu, with the derivative of a sigmoid for each.",
    versions={**deep.versions, PRINTED: SigmoidSlope(lr=0.3, hidden=RELU)},
)

networks = (
    graph,
    logistic,
    logistic_loss,
    logistic_sum,
    shallow,
    below_by_delta,
    bias_from_weights,
    symmetric,
    small,
    deep,
    sigmoid_slope,
)
