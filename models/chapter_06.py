"""Chapter 6: streetlights: one layer and two, learning from one example at a time, from some, from all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F
from models.chapter_05 import Inputs, InputsDescent
from models.network import CORRECTED, PRINTED, Handwritten, Tensors
from models.records import Batch, Deltas, Layers, Printed, Weights
from models.small import Descent, Learning, weighted_sum


@dataclass(frozen=True, kw_only=True, eq=False)
class DeepDescent(Descent):
    """Backpropagation through two layers with a relu between them."""

    signs: ClassVar[Mapping[str, int]] = {"weights_1_2": -1, "weights_0_1": -1}

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """Lights, hidden layer before and after relu, output; relu makes -0.0 of what is negative."""
        layer_1_in = weighted_sum(batch.x, weights["weights_0_1"])
        layer_1 = (layer_1_in > 0) * layer_1_in
        return {"layer_1_in": layer_1_in, "layer_1": layer_1, "layer_2": weighted_sum(layer_1, weights["weights_1_2"])}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """From the output back, layer by layer, and what each weight has to do with it."""
        layer_2_delta = self.delta(layers["layer_2"], batch)
        layer_1_delta = layer_2_delta.dot(weights["weights_1_2"].T)
        layer_1_in_delta = layer_1_delta * (layers["layer_1"] > 0)
        return {
            "layer_2": layer_2_delta,
            "layer_1": layer_1_delta,
            "layer_1_in": layer_1_in_delta,
            "weights_1_2": layers["layer_1"].T.dot(layer_2_delta),
            "weights_0_1": batch.x.T.dot(layer_1_in_delta),
        }


class DeepModule(nn.Module):
    """Two layers without biases."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(3, hidden, bias=False)
        self.output = nn.Linear(hidden, 1, bias=False)

    def forward(self, x: al.Tensor) -> al.Tensor:
        """Rows of three lights to one output each."""
        output: al.Tensor = self.output(F.relu(self.hidden(x)))
        return output


@dataclass(frozen=True, kw_only=True, eq=False)
class Deep(Learning):
    """Three lights, a hidden layer of relu, one output; the weights are drawn `drawing` times, the last ones stay."""

    hidden: int = 4
    drawing: int = 1
    columns: tuple[str, ...] = ("Error",)
    parameters: ClassVar[Mapping[str, str]] = {"weights_0_1": "hidden.weight", "weights_1_2": "output.weight"}

    def start(self) -> tuple[Weights, np.random.RandomState]:
        """Both matrices uniform in [-1, 1)."""
        rng, weights = np.random.RandomState(1), Weights()
        for _ in range(self.drawing):
            weights["weights_0_1"] = 2 * rng.random_sample((3, self.hidden)) - 1
            weights["weights_1_2"] = 2 * rng.random_sample((self.hidden, 1)) - 1
        return weights, rng

    def forward(self, weights: Tensors, batch: Batch) -> Tensors:
        """Hidden layer before and after relu, output."""
        layer_1_in = al.tensor(batch.x, name="layer_0") @ weights["weights_0_1"]
        layer_1 = F.relu(layer_1_in)
        return {"layer_1_in": layer_1_in, "layer_1": layer_1, "layer_2": layer_1 @ weights["weights_1_2"]}

    def module(self) -> nn.Module:
        """Linear, relu, linear."""
        return DeepModule(self.hidden)


SIX_LIGHTS = ((1, 0, 1), (0, 1, 1), (0, 0, 1), (1, 1, 1), (0, 1, 1), (1, 0, 1))
SIX_WALKS = (0, 1, 0, 1, 1, 0)
DIMMED = ((0.9, 0, 1), (0.2, 0.8, 1), (0.1, 0, 1), (0.8, 0.9, 1), (0.1, 0.7, 1), (0.9, 0.1, 0))
FOUR_LIGHTS = ((1, 0, 1), (0, 1, 1), (0, 0, 1), (1, 1, 1))
FOUR_WALKS = ((1,), (1,), (0,), (0,))
START = np.array((0.5, 0.48, -0.7))

ONE_LAYER: dict[str, Handwritten] = {
    PRINTED: InputsDescent(lr=0.1),
    CORRECTED: InputsDescent(lr=0.05, factor=2),
}
TWO_LAYERS: dict[str, Handwritten] = {
    PRINTED: DeepDescent(lr=0.2),
    CORRECTED: DeepDescent(lr=0.1, factor=2),
}

one_light = Inputs(
    id="6.1",
    alias="one-light",
    sentence="One state of the three lights, seen twenty times.",
    epochs=20,
    inputs=SIX_LIGHTS[:1],
    goals=SIX_WALKS[:1],
    initial={"weights": START},
    versions=ONE_LAYER,
    printed=Printed(
        {
            0: {"Error": "0.03999999999999998"},
            19: {
                "Error": "8.307674973656916e-06",
                "weights": "[0.5988470784953931, 0.48, -0.6011529215046069]",
            },
        }
    ),
)

lights = Inputs(
    id="6.2",
    alias="lights",
    sentence="Six states of the lights, a step for each: stochastic gradient descent.",
    epochs=40,
    inputs=SIX_LIGHTS,
    goals=SIX_WALKS,
    initial={"weights": START},
    columns=("Error",),
    versions=ONE_LAYER,
    printed=Printed(
        {
            0: {"Error": "2.6561231104"},
            1: {"Error": "0.9628701776715985"},
            38: {"Error": "0.0006143435674831474"},
            39: {
                "Error": "0.00053373677328488",
                "weights": "[0.013892275998855057, 1.0138146999001432, -0.015992771465237705]",
            },
        }
    ),
)

deep = Deep(
    id="6.3",
    alias="deep",
    sentence="A pattern that no single light shows, learned by a hidden layer of four, a step for each example.",
    epochs=60,
    inputs=FOUR_LIGHTS,
    goals=FOUR_WALKS,
    versions=TWO_LAYERS,
    printed=Printed(
        {
            9: {"Error": "0.6342311598444467"},
            19: {"Error": "0.35838407676317513"},
            29: {"Error": "0.0830183113303298"},
            39: {"Error": "0.006467054957103705"},
            49: {"Error": "0.0003292669000750734"},
            59: {"Error": "1.5055622665134859e-05"},
        },
        sums={"weights_0_1": -2.919065033121807, "weights_1_2": 0.7135389550495659},
    ),
)


def form(stochastic: Learning, name: str, examples: int, words: str) -> Learning:
    """The same network with a step for every so many examples, along the average of their slopes."""
    return replace(
        stochastic,
        id=f"{stochastic.id}-{name}",
        alias=f"{stochastic.alias}-{name}",
        sentence=f"The network of {stochastic.id}, {words}.",
        batch_size=examples,
        versions={CORRECTED: stochastic.versions[CORRECTED]},
        printed=Printed(),
    )


FULL, PAIRS = "a step for all examples together: full gradient descent", "a step for every two examples"
lights_full, lights_batch = form(lights, "full", 6, FULL), form(lights, "batch", 2, PAIRS)
deep_full, deep_batch = form(deep, "full", 4, FULL), form(deep, "batch", 2, PAIRS)

one_iteration = Deep(
    id="6.4",
    alias="deep-one-iteration",
    sentence="One step of backpropagation with three hidden units, each number on its way.",
    inputs=FOUR_LIGHTS[:1],
    goals=FOUR_WALKS[:1],
    hidden=3,
    versions=TWO_LAYERS,
    printed=Printed(
        {
            0: {
                "layer_1": "[-0.0, 0.13177044097041168, -0.0]",
                "layer_2": "-0.021295548939812187",
                "Error": "1.0430445982842722",
                "delta of layer_2": "-1.0212955489398121",
                "delta of layer_1": "[-0.07928671532401821, 0.16505256553967024, -0.37832770266413246]",
                "delta of weights_1_2": "[0.0, -0.1345765648449177, 0.0]",
                "weights_1_2": "[0.07763346800671389, -0.13469565822442686, 0.370439000793519]",
            }
        }
    ),
)

second_drawing = Deep(
    id="6.5",
    alias="deep-second-drawing",
    sentence="The weights drawn a second time, from where the first time left off, and one state of the lights.",
    inputs=FOUR_LIGHTS[:1],
    goals=FOUR_WALKS[:1],
    drawing=2,
    versions=TWO_LAYERS,
    printed=Printed(
        {0: {"layer_1": "[0.5873879093263306, 0.906592983899198, -0.0, -0.0]", "layer_2": "0.2977674418961295"}}
    ),
)


def times(factor: int) -> Learning:
    """Lights so many times as bright, weights as many times smaller: the steps are then smaller by the square."""
    return replace(
        lights,
        id=f"6.6-{factor}",
        alias=f"lights-times-{factor}",
        sentence=f"The lights of 6.2 times {factor}: other numbers, the same pattern.",
        inputs=factor * np.array(SIX_LIGHTS),
        initial={"weights": START / factor},
        versions={CORRECTED: InputsDescent(lr=0.05 / factor**2, factor=2)},
        printed=Printed(),
    )


dimmed = replace(
    lights,
    id="6.6-dimmed",
    alias="lights-dimmed",
    sentence="Lights that are neither quite on nor quite off carry the pattern, too.",
    inputs=DIMMED,
    versions={CORRECTED: ONE_LAYER[CORRECTED]},
    printed=Printed(),
)

networks = (
    one_light,
    lights,
    lights_full,
    lights_batch,
    deep,
    deep_full,
    deep_batch,
    one_iteration,
    second_drawing,
    times(10),
    times(20),
    dimmed,
)
