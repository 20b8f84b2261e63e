"""Chapter 14's recurrent network that reads characters: its step by hand, through time, and its module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F
from models.activations import stable_softmax
from models.character_network import CharacterNetwork, Draws, Remembers
from models.characters import State
from models.network import Handwritten, Tensors
from models.records import Array, Batch, Deltas, Layers, Weights
from models.slopes import sigmoid

TRAINED = ("embed", "w_ih", "b_ih", "w_hh", "b_hh", "w_ho", "b_ho")


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedCharacterRNN(Handwritten):
    """The step on one stretch as the text's framework makes it; only the last step of a stretch is asked about."""

    signs: ClassVar[Mapping[str, int]] = dict.fromkeys(TRAINED, -1)

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The state after each character, and the probabilities of the one after the last."""
        hidden, layers = weights["hidden_0"][: len(batch.x)], Layers()
        for t, read in enumerate(batch.x.T, 1):
            embedded = weights["embed"][read]
            from_hidden = hidden.dot(weights["w_hh"]) + weights["b_hh"]
            layers[f"hidden_{t}_in"] = embedded.dot(weights["w_ih"]) + weights["b_ih"] + from_hidden
            hidden = layers[f"hidden_{t}"] = sigmoid(layers[f"hidden_{t}_in"])
        layers["output"] = hidden.dot(weights["w_ho"]) + weights["b_ho"]
        return {**layers, "answer": stable_softmax(layers["output"])}

    def output_delta(self, batch: Batch, layers: Layers) -> Array:
        """The delta of the scores."""
        return layers["answer"] - np.eye(layers["answer"].shape[1])[batch.labels[:, -1]]

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The deltas from the output back through time; what each step says of the weights adds up."""
        steps = batch.x.shape[1]
        deltas = {"output": self.output_delta(batch, layers)}
        deltas |= {name: np.zeros_like(weights[name]) for name in ("w_ih", "w_hh", "b_hh", "embed")}
        deltas["w_ho"] = layers[f"hidden_{steps}"].T.dot(deltas["output"])
        deltas["b_ho"] = deltas["output"].sum(axis=0)
        hidden_delta = deltas["output"].dot(weights["w_ho"].T)
        for t in range(steps, 0, -1):
            before = layers[f"hidden_{t - 1}"] if t > 1 else weights["hidden_0"][: len(batch.x)]
            hidden, read = layers[f"hidden_{t}"], batch.x[:, t - 1]
            in_delta = hidden_delta * hidden * (1 - hidden)
            deltas |= {f"hidden_{t}": hidden_delta, f"hidden_{t}_in": in_delta}
            deltas["w_ih"] += weights["embed"][read].T.dot(in_delta)
            deltas["w_hh"] += before.T.dot(in_delta)
            deltas["b_hh"] += in_delta.sum(axis=0)
            np.add.at(deltas["embed"], read, in_delta.dot(weights["w_ih"].T))
            hidden_delta = in_delta.dot(weights["w_hh"].T)
        return {**deltas, "b_ih": deltas["b_hh"]}


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedCharacterRNN(PrintedCharacterRNN):
    """The gradient of the mean over the rows."""

    def output_delta(self, batch: Batch, layers: Layers) -> Array:
        """The derivative of the mean cross-entropy by the scores."""
        return super().output_delta(batch, layers) / len(batch.x)


class CharacterRNNModule(Remembers):
    """The network built with the framework: an embedding, a sigmoid cell of two linear layers, and a linear layer."""

    def __init__(self, size: int, hidden: int, rows: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(size, hidden)
        self.w_ih, self.w_hh = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden)
        self.w_ho = nn.Linear(hidden, size)
        self.hidden: al.Tensor
        self.register_buffer("hidden", al.zeros(rows, hidden))

    def states_after(self, x: al.Tensor, hidden: al.Tensor) -> al.Tensor:
        """The state after reading x (rows, steps), from a state (rows, hidden)."""
        embedded = self.embed(x)
        for t in range(x.shape[1]):
            hidden = F.sigmoid(self.w_ih(embedded[:, t]) + self.w_hh(hidden))
        return hidden

    def forward(self, x: al.Tensor) -> Any:
        """The scores of the character after the last of each row, (rows, size)."""
        hidden = self.states_after(x, self.hidden[: len(x)])
        self.ended = {"hidden": hidden.detach().numpy()}
        return self.w_ho(hidden)

    def reads(self, x: Array, state: State | None) -> tuple[Array, State]:
        """The scores after each character, (rows, steps, size), and the state, from a state or from zeros."""
        with al.no_grad():
            hidden = al.zeros(len(x), self.w_hh.in_features) if state is None else al.tensor(state[0])
            scores = []
            for t in range(x.shape[1]):
                hidden = self.states_after(al.tensor(x[:, t : t + 1]), hidden)
                scores.append(self.w_ho(hidden).numpy())
        return np.stack(scores, axis=1), (hidden.numpy(),)


@dataclass(frozen=True, kw_only=True, eq=False)
class CharacterRNN(CharacterNetwork):
    """Which character follows? The state is a sigmoid of the character and of the state before it."""

    rows: int = 32
    steps: int = 16
    decay: float = 0.99
    frozen: tuple[str, ...] = ("hidden_0",)
    objective: ClassVar[str | None] = "the cross-entropy of the character after the last, averaged over the rows"
    states: ClassVar[tuple[str, ...]] = ("hidden_0",)
    tables: ClassVar[tuple[str, ...]] = ("embed", *states)
    parameters: ClassVar[Mapping[str, str]] = {
        "embed": "embed.weight",
        **{f"w_{of}": f"w_{of}.weight" for of in ("ih", "hh", "ho")},
        **{f"b_{of}": f"w_{of}.bias" for of in ("ih", "hh", "ho")},
        "hidden_0": "hidden",
    }

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """The table uniform, the matrices normal, biases and the state zero."""
        draws, size, hidden = Draws(0, 100_000), len(self.text().vocabulary), self.hidden
        weights = {"embed": draws.uniform(size, hidden)}
        for name, outputs in (("ih", hidden), ("hh", hidden), ("ho", size)):
            weights |= {f"w_{name}": draws.normal(hidden, outputs), f"b_{name}": draws.zeros(outputs)}
        return weights | self.first_state(self.rows), draws.rng

    def first_state(self, rows: int) -> Weights:
        """Zeros."""
        return {"hidden_0": np.zeros((rows, self.hidden))}

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """The state after each character, and the scores of the one after the last."""
        layers, hidden = Tensors(), weights["hidden_0"][: len(batch.x)]
        for t, read in enumerate(batch.x.T, 1):
            embedded = F.embedding(al.tensor(read), weights["embed"])
            from_hidden = hidden @ weights["w_hh"] + weights["b_hh"]
            layers[f"hidden_{t}_in"] = embedded @ weights["w_ih"] + weights["b_ih"] + from_hidden
            hidden = layers[f"hidden_{t}"] = F.sigmoid(layers[f"hidden_{t}_in"])
        return {**layers, "output": hidden @ weights["w_ho"] + weights["b_ho"]}

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The cross-entropy from the scores, averaged over the rows."""
        error: al.Tensor = F.cross_entropy(output, al.tensor(batch.labels[:, -1]))
        return error

    def answered(self, labels: Array) -> Array:
        """The last of each row."""
        last: Array = labels[:, -1]
        return last

    def module(self) -> CharacterRNNModule:
        """Embedding, cell, linear."""
        return CharacterRNNModule(len(self.text().vocabulary), self.hidden, self.rows)
