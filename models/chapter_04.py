"""Chapter 4: learning one weight: comparing, hot and cold, gradient descent and its learning rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from models.chapter_03 import SingleInput, SingleInputNetwork
from models.network import CORRECTED, PRINTED, Handwritten
from models.records import Batch, Deltas, Layers, Printed, Weights
from models.small import Descent, Learning


@dataclass(frozen=True, kw_only=True, eq=False)
class HotAndCold(SingleInput):
    """Tries the weight a step up and a step down, and goes where the error is smaller."""

    follows: ClassVar[str] = "sign"

    def forward(self, weights: Weights, batch: Batch) -> Layers:
        """The errors on both sides, and the prediction."""
        up, down = (batch.x * (weights["weight"] + step) for step in (self.lr, -self.lr))
        errors = {"up_error": (up - batch.labels) ** 2, "down_error": (down - batch.labels) ** 2}
        return errors | super().forward(weights, batch)

    def step(self, weights: Weights, batch: Batch) -> tuple[Layers, Deltas]:
        """One step to the better side."""
        layers = self.forward(weights, batch)
        if layers["down_error"] < layers["up_error"]:
            weights["weight"] -= self.lr
        if layers["down_error"] > layers["up_error"]:
            weights["weight"] += self.lr
        return layers, {}


@dataclass(frozen=True, kw_only=True, eq=False)
class GradientDescent(Descent, SingleInput):
    """Goes against the slope of the error, in proportion to it."""

    signs: ClassVar[Mapping[str, int]] = {"weight": -1}

    def backward(self, weights: Weights, batch: Batch, layers: Layers) -> Deltas:
        """How far off, and that times the input."""
        delta = self.delta(layers["pred"], batch)
        return {"pred": delta, "weight": batch.x @ delta}


@dataclass(frozen=True, kw_only=True, eq=False)
class SignDescent(GradientDescent):
    """Goes against the slope of the error in steps of equal length."""

    follows: ClassVar[str] = "sign"

    def update(self, weights: Weights, deltas: Deltas) -> None:
        """A step that has the length of the learning rate."""
        weights["weight"] -= self.lr * np.sign(deltas["weight"])


@dataclass(frozen=True, kw_only=True, eq=False)
class OneWeight(Learning, SingleInputNetwork):
    """One input, one weight, one goal."""


def probing(step: float) -> dict[str, Handwritten]:
    """Hot and cold with steps of this length, and the sign of the slope to the same purpose."""
    return {PRINTED: HotAndCold(lr=step), CORRECTED: SignDescent(lr=step, factor=2)}


def descending(alpha: float = 1.0) -> dict[str, Handwritten]:
    """Gradient descent without the 2 of the square, and with it at half the rate: the same steps."""
    return {PRINTED: GradientDescent(lr=alpha), CORRECTED: GradientDescent(lr=alpha / 2, factor=2)}


def line(error: str, pred: str, **more: str) -> dict[str, str]:
    """What the text prints of a step."""
    return {"Error": error, "pred": pred, **more}


SLOPE = ("Error", "pred", "delta of weight", "weight")

compare = OneWeight(
    id="4.0",
    alias="compare",
    sentence="How far off the prediction is, squared.",
    inputs=[0.5],
    goals=[0.8],
    initial={"weight": 0.5},
    versions={PRINTED: SingleInput()},
    printed=Printed({0: {"Error": "0.30250000000000005"}}),
)

one_probe = OneWeight(
    id="4.1",
    alias="hot-and-cold-one-probe",
    sentence="The error here, with a little more weight, and with a little less.",
    inputs=[8.5],
    goals=[1],
    initial={"weight": 0.1},
    versions=probing(0.01),
    printed=Printed(
        {
            0: {
                "Error": "0.022499999999999975",
                "up_error": "0.004224999999999993",
                "down_error": "0.05522499999999994",
            }
        }
    ),
)

hot_and_cold = OneWeight(
    id="4.2",
    alias="hot-and-cold",
    sentence="A thousandth up or down, whichever is better, 1,101 times.",
    epochs=1101,
    inputs=[0.5],
    goals=[0.8],
    initial={"weight": 0.5},
    versions=probing(0.001),
    printed=Printed(
        {0: line("0.30250000000000005", "0.25"), 1100: line("1.0799505792475652e-27", "0.7999999999999672")},
        weights={"weight": 1.6009999999999343},
    ),
)

big_steps = OneWeight(
    id="4.3",
    alias="hot-and-cold-step-10",
    sentence="Hot and cold with steps of 10, to and fro across the goal.",
    epochs=10,
    inputs=[0.5],
    goals=[0.8],
    initial={"weight": 0.5},
    versions=probing(10),
    printed=Printed({i: {"Error": ("0.30250000000000005", "19.802500000000002")[i % 2]} for i in range(10)}),
)

gradient_descent = OneWeight(
    id="4.4",
    alias="gradient-descent",
    sentence="The slope says which way, and how far: twenty steps.",
    epochs=20,
    inputs=[0.5],
    goals=[0.8],
    initial={"weight": 0.5},
    versions=descending(),
    printed=Printed(
        {
            0: {"Error": "0.30250000000000005"},
            19: line("5.408208020258491e-06", "0.7976744445781151", weight="1.5965116668671726"),
        }
    ),
)

one_iteration = OneWeight(
    id="4.5",
    alias="one-iteration",
    sentence="One step of gradient descent, with each number on its way.",
    inputs=[8.5],
    goals=[1],
    initial={"weight": 0.1},
    columns=SLOPE,
    versions=descending(0.01),
    printed=Printed(
        {
            0: {
                "delta of pred": "-0.1499999999999999",
                "delta of weight": "-1.2749999999999992",
                "weight": "0.11275",
            }
        }
    ),
)

from_zero = OneWeight(
    id="4.6",
    alias="from-zero",
    sentence="Four steps from a weight of 0.",
    epochs=4,
    inputs=[0.5],
    goals=[0.8],
    initial={"weight": 0},
    versions=descending(),
    printed=Printed(
        {
            0: {"Error": "0.6400000000000001"},
            1: {"Error": "0.3600000000000001"},
            2: {"Error": "0.2025"},
            3: {"Error": "0.11390625000000001", "weight": "1.09375"},
        }
    ),
)

several_steps = OneWeight(
    id="4.7",
    alias="several-steps",
    sentence="Four steps with a larger input, each closer to the goal.",
    epochs=4,
    inputs=[1.1],
    goals=[0.8],
    initial={"weight": 0},
    columns=SLOPE,
    versions=descending(),
    printed=Printed(
        {
            2: {"weight": "0.734008"},  # before the last step
            3: {
                "Error": "5.4890317439999896e-05",
                "delta of pred": "0.007408799999999993",
                "delta of weight": "0.008149679999999992",
                "weight": "0.72585832",
            },
        }
    ),
)

divergence = OneWeight(
    id="4.8",
    alias="divergence",
    sentence="With an input of 2 each step lands farther from the goal than the one before.",
    epochs=20,
    inputs=[2],
    goals=[0.8],
    initial={"weight": 0.5},
    versions=descending(),
    printed=Printed(
        {
            0: {"Error": "0.03999999999999998"},
            19: line("5.403406870691965e+16", "-232452292.5999999", weight="348678440.4999999"),
        }
    ),
)

alpha = OneWeight(
    id="4.9",
    alias="alpha",
    sentence="The same input of 2, the steps cut to a tenth by alpha.",
    epochs=20,
    inputs=[2],
    goals=[0.8],
    initial={"weight": 0.5},
    versions=descending(0.1),
    printed=Printed({19: line("1.485277170987127e-10", "0.8000121871948003", weight="0.4000036561584401")}),
)

networks = (
    compare,
    one_probe,
    hot_and_cold,
    big_steps,
    gradient_descent,
    one_iteration,
    from_zero,
    several_steps,
    divergence,
    alpha,
)
