"""Chapter 14: characters, one after the other; states that vanish, and states that last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

import autograd_lite as al
from models.character_lstm import CharacterLSTM, CorrectedCharacterLSTM, PrintedCharacterLSTM
from models.character_rnn import CharacterRNN, CorrectedCharacterRNN, PrintedCharacterRNN
from models.network import CORRECTED, PRINTED, Handwritten, Network, Tensors
from models.records import Array, Batch, Data, Deltas, Epoch, Figures, Layers, Printed, Weights
from models.slopes import RELU, SIGMOID, Activation, sigmoid

STEPS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedRepeated(Handwritten):
    """The same matrix ten times, and the gradient on its way back; nothing is learned."""

    activation: Activation

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The activations, one after the other."""
        a, layers = batch.x, Layers()
        for t in range(1, STEPS + 1):
            layers[f"a_{t}_in"] = a.dot(weights["W"])
            a = layers[f"a_{t}"] = self.activation.function(layers[f"a_{t}_in"])
        return layers

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The gradient of the sum of the last activation, by each before it."""
        g = np.ones_like(layers[f"a_{STEPS}"])
        deltas = {f"a_{STEPS}": g}
        for t in range(STEPS, 0, -1):
            a = layers[f"a_{t}"]
            slope = a * (1 - a) if self.activation is SIGMOID else a > 0
            deltas[f"a_{t}_in"] = slope * g
            g = deltas[f"a_{t - 1}"] = deltas[f"a_{t}_in"].dot(weights["W"].T)
        return deltas


@dataclass(frozen=True, kw_only=True, eq=False)
class Repeated(Network):
    """One matrix and an activation, ten times over."""

    activation: Activation
    first: Callable[[Array], Array]
    columns: tuple[str, ...] = ("activation", "first gradient", "last gradient")
    objective: ClassVar[str | None] = "the sum of the last activation"

    def data(self) -> Data:
        """One input."""
        return Data(self.first(np.array([[1, 0.01]])), np.zeros((1, 1)))

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """The matrix, and the input as the activation before the first, so that it has a gradient."""
        return {"W": np.array([[1.0, 4.0], [4.0, 1.0]]), "a_0": self.data().x_train[0]}, np.random.RandomState(0)

    def batches(self, data: Data, rng: np.random.RandomState) -> Iterator[Batch]:
        """The one input."""
        for x, labels in zip(data.x_train, data.labels_train, strict=True):
            yield Batch(x, labels)

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """The activations, one after the other."""
        a, layers = weights["a_0"], Tensors()
        for t in range(1, STEPS + 1):
            layers[f"a_{t}_in"] = a @ weights["W"]
            a = layers[f"a_{t}"] = self.activation.tensor(layers[f"a_{t}_in"])
        return layers

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The sum: its gradient by the last activation is one."""
        return output.sum()

    def figures(self, output: Array, batch: Batch) -> Figures:
        """The last activation."""
        return Figures(1, output=output)

    def row(self, epoch: Epoch) -> dict[str, object]:
        """The last activation, and the gradient by the activation before it and by the first."""
        row: dict[str, object] = {"activation": epoch.train.output}
        if f"a_{STEPS - 1}" in epoch.deltas:
            row |= {"first gradient": epoch.deltas[f"a_{STEPS - 1}"], "last gradient": epoch.deltas["a_0"]}
        return row


vanishing = Repeated(
    id="14.1",
    alias="vanishing",
    sentence="Through ten sigmoids of one matrix the gradient vanishes.",
    activation=SIGMOID,
    first=sigmoid,
    versions={PRINTED: PrintedRepeated(activation=SIGMOID)},
    printed=Printed(
        rows={
            0: {
                "activation": "[0.99307291 0.99307291]",
                "first gradient": "[0.03439552 0.03439552]",
                "last gradient": "[1.45938177e-14 2.16938983e-14]",
            }
        }
    ),
)

exploding = replace(
    vanishing,
    id="14.1r",
    alias="exploding",
    sentence="Through ten relus of one matrix the gradient explodes.",
    activation=RELU,
    versions={PRINTED: PrintedRepeated(activation=RELU)},
    printed=Printed(rows={0: {"first gradient": [5, 5], "last gradient": [9765625, 9765625]}}),
)

character_rnn = CharacterRNN(
    id="14.2",
    alias="character-rnn",
    sentence="Characters are read one after the other, and the next is foretold.",
    epochs=3,
    counted=191,
    versions={PRINTED: PrintedCharacterRNN(lr=0.05), CORRECTED: CorrectedCharacterRNN(lr=32 * 0.05)},
    printed=Printed(rows={0: {"Perplexity": "44.75"}, 1: {"Perplexity": "17.56"}, 2: {"Perplexity": "13.84"}}),
)

character_lstm = CharacterLSTM(
    id="14.3",
    alias="character-lstm",
    sentence="Gates decide what is kept of the characters that were read.",
    epochs=2,
    versions={PRINTED: PrintedCharacterLSTM(lr=0.05), CORRECTED: CorrectedCharacterLSTM(lr=0.05)},
    printed=Printed(rows={0: {"Perplexity": "19.34"}, 1: {"Perplexity": "13.35"}}),
)

networks: tuple[Network, ...] = (vanishing, exploding, character_rnn, character_lstm)
