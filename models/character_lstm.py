"""Chapter 14's LSTM that reads characters: its step by hand, through time, and its module."""

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

GATES = "fioc"  # forget, input, output, and what is offered to the cell
ROWS = "ifco"  # of nn.LSTM's matrices
TRAINED = ("embed", *(f"{kind}{gate}" for gate in GATES for kind in ("x", "b", "h")), "w_ho")


@dataclass(frozen=True, kw_only=True, eq=False)
class CorrectedCharacterLSTM(Handwritten):
    """The gradient of the cross-entropy, summed over the steps and averaged over the rows."""

    signs: ClassVar[Mapping[str, int]] = dict.fromkeys(TRAINED, -1)

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Gates, cell and state after each character, and the probabilities of the next one."""
        layers = {name: weights[name][: len(batch.x)] for name in ("h_0", "c_0")}
        for t, read in enumerate(batch.x.T, 1):
            embedded, h, c = weights["embed"][read], layers[f"h_{t - 1}"], layers[f"c_{t - 1}"]
            for gate in GATES:
                of_x = embedded.dot(weights[f"x{gate}"]) + weights[f"b{gate}"]
                layers[f"{gate}_{t}_in"] = of_x + h.dot(weights[f"h{gate}"])
            f, i, o = (sigmoid(layers[f"{gate}_{t}_in"]) for gate in "fio")
            g = np.tanh(layers[f"c_{t}_in"])
            c = f * c + i * g
            layers |= {f"f_{t}": f, f"i_{t}": i, f"o_{t}": o, f"g_{t}": g, f"c_{t}": c, f"h_{t}": o * np.tanh(c)}
        layers["output"] = np.stack([layers[f"h_{t}"].dot(weights["w_ho"]) for t in range(1, batch.x.shape[1] + 1)], 1)
        return {**layers, "answer": stable_softmax(layers["output"])}

    def output_delta(self, batch: Batch, layers: Layers) -> Array:
        """The derivative of the error by the scores, (rows, steps, size)."""
        delta: Array = (layers["answer"] - np.eye(layers["answer"].shape[2])[batch.labels]) / len(batch.x)
        return delta

    def handed_back(self, weights: Weights, delta: Array, later: Deltas) -> tuple[Array, Array | float]:
        """The deltas of a state and its cell: from its own scores, and from the gates and the cell a step later."""
        for gate in GATES if later else "":
            delta = delta + later[gate].dot(weights[f"h{gate}"].T)
        return delta, later.get("cell", 0.0)

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """The deltas from the output back through time; what each step says of the weights adds up."""
        output, later = self.output_delta(batch, layers), Deltas()
        deltas = {"output": output, **{name: np.zeros_like(weights[name]) for name in TRAINED}}
        for t in range(batch.x.shape[1], 0, -1):
            f, i, o, g, h, c, c_before = (layers[name] for name in _names(t))
            tanh_c = np.tanh(c)
            h_delta, from_later = self.handed_back(weights, output[:, t - 1].dot(weights["w_ho"].T), later)
            c_delta = h_delta * o * (1 - tanh_c**2) + from_later
            gates = {
                "f": c_delta * c_before * f * (1 - f),
                "i": c_delta * g * i * (1 - i),
                "o": h_delta * tanh_c * o * (1 - o),
                "c": c_delta * i * (1 - g**2),
            }
            later = {**gates, "cell": c_delta * f}
            deltas |= {f"h_{t}": h_delta, f"c_{t}": c_delta, **{f"{k}_{t}_in": v for k, v in gates.items()}}
            deltas["w_ho"] += h.T.dot(output[:, t - 1])
            _add_up(deltas, weights, gates, batch.x[:, t - 1], layers[f"h_{t - 1}"])
        return deltas


def _names(t: int) -> tuple[str, ...]:
    return (*(f"{name}_{t}" for name in "fioghc"), f"c_{t - 1}")


def _add_up(deltas: Deltas, weights: Weights, gates: Deltas, read: Array, before: Array) -> None:
    """What the gates of one step say of the weights, added to the deltas in place."""
    embedded = weights["embed"][read]
    for gate, delta in gates.items():
        deltas[f"x{gate}"] += embedded.T.dot(delta)
        deltas[f"b{gate}"] += delta.sum(axis=0)
        deltas[f"h{gate}"] += before.T.dot(delta)
        np.add.at(deltas["embed"], read, delta.dot(weights[f"x{gate}"].T))


@dataclass(frozen=True, kw_only=True, eq=False)
class PrintedCharacterLSTM(CorrectedCharacterLSTM):
    """The step as the text's framework makes it, where of what arrives at a state the first alone goes on.

    At the last state that is the delta from its scores, at each before it what comes back through the output gate; at
    a cell it is what comes from its own state.
    """

    def output_delta(self, batch: Batch, layers: Layers) -> Array:
        """The delta of the scores."""
        delta: Array = layers["answer"] - np.eye(layers["answer"].shape[2])[batch.labels]
        return delta

    def handed_back(self, weights: Weights, delta: Array, later: Deltas) -> tuple[Array, Array | float]:
        """What arrives first."""
        return (later["o"].dot(weights["ho"].T) if later else delta), 0.0


class CharacterLSTMModule(Remembers):
    """The network built with the framework: an embedding, an LSTM whose second bias is zero, and a linear layer."""

    def __init__(self, size: int, hidden: int, rows: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(size, hidden)
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True)
        delattr(self.lstm, "bias_hh_l0")
        self.lstm.register_buffer("bias_hh_l0", al.zeros(4 * hidden), persistent=False)
        self.w_ho = nn.Linear(hidden, size, bias=False)
        self.h: al.Tensor
        self.c: al.Tensor
        self.register_buffer("h", first_column(rows, hidden))
        self.register_buffer("c", first_column(rows, hidden))

    def scores(self, x: al.Tensor, h: al.Tensor, c: al.Tensor) -> tuple[Any, tuple[al.Tensor, al.Tensor]]:
        """The scores after each character of x (rows, steps), and the states, both detached: (rows, hidden)."""
        states, (h, c) = self.lstm(self.embed(x), (h[None], c[None]))
        return self.w_ho(states), (h[0].detach(), c[0].detach())

    def forward(self, x: al.Tensor) -> Any:
        """The scores of the next character at each step, (rows, steps, size)."""
        scores, (h, c) = self.scores(x, self.h[: len(x)], self.c[: len(x)])
        self.ended = {"h": h.numpy(), "c": c.numpy()}
        return scores

    def reads(self, x: Array, state: State | None) -> tuple[Array, State]:
        """The scores after each character, and the states: from states, or from the first ones."""
        rows, hidden = len(x), self.lstm.hidden_size
        h, c = (first_column(rows, hidden), first_column(rows, hidden)) if state is None else map(al.tensor, state)
        with al.no_grad():
            scores, (h, c) = self.scores(al.tensor(x), h, c)
        return scores.numpy(), (h.numpy(), c.numpy())


def first_column(rows: int, hidden: int) -> al.Tensor:
    """The text's state before anything was read: a one in the first column, else zeros."""
    state = np.zeros((rows, hidden))
    state[:, 0] = 1
    return al.tensor(state)


@dataclass(frozen=True, kw_only=True, eq=False)
class CharacterLSTM(CharacterNetwork):
    """Which character follows, at each step? A cell is kept from step to step, as far as its gates let it."""

    rows: int = 16
    steps: int = 25
    decay: float = 0.99
    frozen: tuple[str, ...] = ("h_0", "c_0")
    objective: ClassVar[str | None] = "the cross-entropy of each next character, summed over steps, averaged over rows"
    states: ClassVar[tuple[str, ...]] = ("h_0", "c_0")
    tables: ClassVar[tuple[str, ...]] = ("embed", *states)
    parameters: ClassVar[Mapping[str, str]] = {
        "embed": "embed.weight",
        **{f"x{gate}": "lstm.weight_ih_l0" for gate in GATES},
        **{f"b{gate}": "lstm.bias_ih_l0" for gate in GATES},
        **{f"h{gate}": "lstm.weight_hh_l0" for gate in GATES},
        "w_ho": "w_ho.weight",
        "h_0": "h",
        "c_0": "c",
    }

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """The table uniform, the matrices normal, biases zero, and so are the weights of the scores."""
        draws, size, hidden = Draws(0, 1_000_000_000), len(self.text().vocabulary), self.hidden
        weights = {"embed": draws.uniform(size, hidden)}
        for gate in GATES:
            weights |= {f"x{gate}": draws.normal(hidden, hidden), f"b{gate}": draws.zeros(hidden)}
        weights |= {f"h{gate}": draws.normal(hidden, hidden) for gate in GATES}
        return {**weights, "w_ho": draws.normal(hidden, size) * 0, **self.first_state(self.rows)}, draws.rng

    def first_state(self, rows: int) -> Weights:
        """A one in the first column of each."""
        return {name: first_column(rows, self.hidden).numpy().copy() for name in self.states}

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """Gates, cell and state after each character, and the scores of the next one."""
        layers, outputs = Tensors(), []
        h, c = (weights[name][: len(batch.x)] for name in self.states)
        for t, read in enumerate(batch.x.T, 1):
            embedded = F.embedding(al.tensor(read), weights["embed"])
            for gate in GATES:
                of_x = embedded @ weights[f"x{gate}"] + weights[f"b{gate}"]
                layers[f"{gate}_{t}_in"] = of_x + h @ weights[f"h{gate}"]
            f, i, o = (F.sigmoid(layers[f"{gate}_{t}_in"]) for gate in "fio")
            g = F.tanh(layers[f"c_{t}_in"])
            c = f * c + i * g
            h = o * F.tanh(c)
            layers |= {f"f_{t}": f, f"i_{t}": i, f"o_{t}": o, f"g_{t}": g, f"c_{t}": c, f"h_{t}": h}
            outputs.append(h @ weights["w_ho"])
        return {**layers, "output": al.stack(outputs, 1)}

    def error(self, output: al.Tensor, batch: Batch) -> al.Tensor:
        """The cross-entropy from the scores."""
        scores, labels = output.flatten(0, 1), al.tensor(batch.labels).flatten()
        error: al.Tensor = F.cross_entropy(scores, labels, reduction="sum") / len(batch.x)
        return error

    def module(self) -> CharacterLSTMModule:
        """Embedding, LSTM, linear."""
        return CharacterLSTMModule(len(self.text().vocabulary), self.hidden, self.rows)

    def build(self, weights: Weights) -> nn.Module:
        """The module with a copy of these weights, its gates' matrices one under the other."""
        model = self.module()
        state = {"embed.weight": weights["embed"], "w_ho.weight": weights["w_ho"].T}
        state |= {"h": weights["h_0"], "c": weights["c_0"], "lstm.bias_ih_l0": _stacked(weights, "b")}
        state |= {f"lstm.weight_{of}h_l0": _stacked(weights, kind) for of, kind in (("i", "x"), ("h", "h"))}
        model.load_state_dict(state)
        return model

    def arrays(self, values: Mapping[str, Array]) -> Weights:
        """Arrays of the module's layout as the text's: views, of each gate its own rows."""
        found = super().arrays(values)
        for name in found:
            if name[0] in "xbh" and name[1:] in GATES:
                stacked, place = values[self.parameters[name]], ROWS.index(name[1:])
                found[name] = stacked[place * self.hidden : (place + 1) * self.hidden].T
        return found


def _stacked(weights: Weights, kind: str) -> Array:
    return np.concatenate([weights[f"{kind}{gate}"].T for gate in ROWS])
