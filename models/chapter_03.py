"""Chapter 3: forward propagation: from inputs and weights to predictions, and nothing learned yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import autograd_lite as al
from models.network import PRINTED, Handwritten, Tensors
from models.records import Batch, Epoch, Layers, Printed, Weights
from models.small import Small, weighted_sum


@dataclass(frozen=True, kw_only=True, eq=False)
class Forward(Handwritten):
    """A forward pass alone."""

    follows: ClassVar[str] = "nothing"


@dataclass(frozen=True, kw_only=True, eq=False)
class SingleInput(Forward):
    """One input, one weight."""

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Input times weight."""
        return {"pred": batch.x * weights["weight"]}


@dataclass(frozen=True, kw_only=True, eq=False)
class MultipleInputs(Forward):
    """A weight for each input, one output."""

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The weighted sum of the inputs."""
        return {"pred": weighted_sum(batch.x, weights["weights"])}


@dataclass(frozen=True, kw_only=True, eq=False)
class MultipleOutputs(Forward):
    """One input, a weight for each output."""

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The input times each weight."""
        return {"pred": np.outer(batch.x, weights["weights"])}


@dataclass(frozen=True, kw_only=True, eq=False)
class InputsAndOutputs(Forward):
    """A row of weights for each output."""

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """A weighted sum of the inputs for each row of weights."""
        return {"pred": weighted_sum(batch.x, weights["weights"].T)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Stacked(Forward):
    """Two layers, the outputs of the first are the inputs of the second."""

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """A weighted sum for each row of weights, twice."""
        hid = weighted_sum(batch.x, weights["ih_weights"].T)
        return {"hid": hid, "pred": weighted_sum(hid, weights["hp_weights"].T)}


@dataclass(frozen=True, kw_only=True, eq=False)
class SingleInputNetwork(Small):
    """One input, one weight."""

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """Input times weight."""
        return {"pred": al.tensor(batch.x, name="input") * weights["weight"]}


@dataclass(frozen=True, kw_only=True, eq=False)
class MultipleInputsNetwork(Small):
    """A weight for each input, one output."""

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """The weighted sum of the inputs."""
        return {"pred": al.tensor(batch.x, name="input") @ weights["weights"]}


@dataclass(frozen=True, kw_only=True, eq=False)
class MultipleOutputsNetwork(Small):
    """One input, a weight for each output."""

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """The input times each weight."""
        return {"pred": al.tensor(batch.x[:, None], name="input") * weights["weights"]}


@dataclass(frozen=True, kw_only=True, eq=False)
class InputsAndOutputsNetwork(Small):
    """A row of weights for each output."""

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """A weighted sum of the inputs for each row of weights."""
        return {"pred": al.tensor(batch.x, name="input") @ weights["weights"].T}


@dataclass(frozen=True, kw_only=True, eq=False)
class StackedNetwork(Small):
    """Two layers, the outputs of the first are the inputs of the second."""

    columns: tuple[str, ...] = ("hid", "pred")

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """A weighted sum for each row of weights, twice."""
        hid = al.tensor(batch.x, name="input") @ weights["ih_weights"].T
        return {"hid": hid, "pred": hid @ weights["hp_weights"].T}


@dataclass(frozen=True, kw_only=True, eq=False)
class SimilarityNetwork(InputsAndOutputsNetwork):
    """Vectors as inputs and as weights: the dot product of any two of them, in a row of the table by their letters."""

    letters: str

    def row(self, epoch: Epoch) -> dict[str, object]:
        """A dot product for each pair of letters."""
        pairs = zip(self.letters, epoch.layers["pred"].tolist(), strict=True)
        return {m + n: dot for m, dots in pairs for n, dot in zip(self.letters, dots, strict=True)}


TOES = (8.5, 9.5, 9.9, 9.0)  # toes per player, on average
WLREC = (0.65, 0.8, 0.8, 0.9)  # the share of games won so far
NFANS = (1.2, 1.3, 0.5, 1.0)  # fans, in millions
GAME = (TOES[0], WLREC[0], NFANS[0])  # the first of the season
ROWS = ((0.1, 0.1, -0.3), (0.1, 0.2, 0.0), (0.0, 1.3, 0.1))
VECTORS = ((0, 1, 0, 1), (1, 0, 1, 0), (0, 1, 1, 0), (0.5, 0, 0.5, 0), (0, 1, -1, 0))

single = SingleInputNetwork(
    id="3.1",
    alias="single-input",
    sentence="One input times one weight.",
    inputs=[TOES[0]],
    initial={"weight": 0.1},
    versions={PRINTED: SingleInput()},
    printed=Printed({0: {"pred": "0.8500000000000001"}}),
)

multiple_inputs = MultipleInputsNetwork(
    id="3.2",
    alias="multiple-inputs",
    sentence="Three inputs, each with a weight, add up to one prediction.",
    inputs=[GAME],
    initial={"weights": (0.1, 0.2, 0.0)},
    versions={PRINTED: MultipleInputs()},
    printed=Printed({0: {"pred": "0.9800000000000001"}}),
)

multiple_outputs = MultipleOutputsNetwork(
    id="3.3",
    alias="multiple-outputs",
    sentence="One input makes three predictions, with a weight for each.",
    inputs=[WLREC[0]],
    initial={"weights": (0.3, 0.2, 0.9)},
    versions={PRINTED: MultipleOutputs()},
    printed=Printed({0: {"pred": "[0.195, 0.13, 0.5850000000000001]"}}),
)

inputs_and_outputs = InputsAndOutputsNetwork(
    id="3.4",
    alias="inputs-and-outputs",
    sentence="Three inputs make three predictions, with a row of weights for each.",
    inputs=[GAME],
    initial={"weights": ROWS},
    versions={PRINTED: InputsAndOutputs()},
    printed=Printed({0: {"pred": "[0.555, 0.9800000000000001, 0.9650000000000001]"}}),
)

stacked = StackedNetwork(
    id="3.5",
    alias="stacked",
    sentence="What three weighted sums put out goes into three more.",
    inputs=[GAME],
    initial={
        "ih_weights": ((0.1, 0.2, -0.1), (-0.1, 0.1, 0.9), (0.1, 0.4, 0.1)),
        "hp_weights": ((0.3, 1.1, -0.3), (0.1, 0.2, 0.0), (0.0, 1.3, 0.1)),
    },
    versions={PRINTED: Stacked()},
    printed=Printed(
        {
            0: {
                "hid": "[0.8600000000000001, 0.29499999999999993, 1.23]",
                "pred": "[0.21350000000000002, 0.14500000000000002, 0.5065]",
            }
        }
    ),
)

similarity = SimilarityNetwork(
    id="3.6",
    alias="similarity",
    sentence="The dot product of two vectors says how alike they are.",
    inputs=VECTORS,
    initial={"weights": VECTORS},
    batch_size=len(VECTORS),
    letters="abcde",
    columns=("ab", "bc", "bd", "cc", "dd", "ce"),
    versions={PRINTED: InputsAndOutputs()},
    printed=Printed({0: {"ab": "0.0", "bc": "1.0", "bd": "1.0", "cc": "2.0", "dd": "0.5", "ce": "0.0"}}),
)

networks = (single, multiple_inputs, multiple_outputs, inputs_and_outputs, stacked, similarity)
