"""Findings about values: NaN, units that are never active, saturated slopes, softmax twice, targets that do not fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.aids.report import Finding
from autograd_lite.aids.sights import Sight, made_by, raw
from autograd_lite.anomaly import forward_anomaly
from autograd_lite.core import Op, Tensor
from autograd_lite.memory import Array

SAMPLES = 16  # that a unit must have seen before it is called dead
DEAD = 0.5  # the share of a layer's units from which it is worth telling
FLAT = 1e-3  # a slope under this share of the steepest one
SATURATED = 0.9  # the share of a layer's values from which it is worth telling
STEEPEST = {"sigmoid": 0.25, "tanh": 1.0}
SOFTMAXES = {"softmax", "log_softmax"}
ELEMENTWISE = {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits"}


class _Units:
    """Which units of a layer were ever active."""

    def __init__(self, where: str, units: int) -> None:
        self.where, self.active, self.samples = where, np.zeros(units, bool), 0

    def saw(self, y: Array, axis: int) -> None:
        others = tuple(d for d in range(y.ndim) if d != axis)
        self.active |= (y > 0).any(axis=others)
        self.samples += y.size // max(1, y.shape[axis])


class Values:
    """What is told of the values of a step, collected op by op."""

    def __init__(self) -> None:
        self.findings: dict[tuple[str, str], Finding] = {}
        self._units: dict[tuple[str, int], _Units] = {}
        self._flat: dict[str, tuple[str, list[float]]] = {}

    def tell(self, kind: str, where: str, what: str, to_do: str) -> None:
        """Note a finding, once for each place."""
        self.findings.setdefault((kind, where), Finding(kind, what, where, to_do))

    def saw(self, op: Op, args: Sequence[Any], attrs: dict[str, Any], result: Any, sight: Sight) -> None:
        """After an op."""
        self._nan(op, args, attrs, result, sight)
        if op.name == "relu":
            self._relu(raw(result), sight)
        elif op.name in STEEPEST and isinstance(result, Tensor) and result.node is not None:
            self._slope(op.name, raw(result), sight)
        elif op.name in SOFTMAXES:
            self._softmax(op.name, args[0], attrs, sight)
        for name, frame in sight.losses:
            self._loss(name, frame.f_locals["input"], frame.f_locals["target"], sight)

    def _nan(self, op: Op, args: Sequence[Any], attrs: dict[str, Any], result: Any, sight: Sight) -> None:
        if any(kind == "not-finite" for kind, _ in self.findings):
            return
        error = forward_anomaly(op, args, attrs, result)
        if error is not None:
            head, _, rest = str(error).partition("\n")
            remedy = rest.rpartition("remedy: ")[2]
            self.tell("not-finite", sight.where(), head.partition(" at ")[0], remedy)

    def _relu(self, y: Array, sight: Sight) -> None:
        if y.ndim < 2:
            return
        axis = 1 if y.ndim == 4 else y.ndim - 1
        where = sight.where()
        self._units.setdefault((where, y.shape[axis]), _Units(where, y.shape[axis])).saw(y, axis)

    def _slope(self, name: str, y: Array, sight: Sight) -> None:
        if y.size:
            slope = y * (1.0 - y) if name == "sigmoid" else 1.0 - y * y
            share = float(np.mean(slope < FLAT * STEEPEST[name]))
            self._flat.setdefault(sight.where(), (name, []))[1].append(share)

    def _softmax(self, name: str, x: Any, attrs: dict[str, Any], sight: Sight) -> None:
        before, _ = made_by(x)
        if before == "softmax":
            self.tell(
                "softmax-twice",
                sight.where(),
                f"{name} of what has been through softmax: the probabilities come out nearly equal",
                "give it the logits: one softmax is enough",
            )
        shape = np.shape(raw(x))
        if shape and shape[attrs["dim"]] == 1:
            self.tell(
                "softmax-of-one",
                sight.where(),
                f"{name} over a dimension of size 1, of shape {shape}: it is the same whatever the input",
                "name the dimension of the classes, or for one number take a sigmoid",
            )

    def _loss(self, loss: str, x: Any, target: Any, sight: Sight) -> None:
        before, _ = made_by(x)
        if loss == "cross_entropy" and before == "softmax":
            what = "cross_entropy of what has been through softmax: it takes logits, and has a softmax of its own"
            self.tell("softmax-before-loss", sight.where(), what, "leave the softmax out of the model while it trains")
        elif loss == "binary_cross_entropy_with_logits" and before in ("sigmoid", "softmax"):
            what = f"{loss} of what has been through {before}: it takes logits, and has a sigmoid of its own"
            self.tell(
                "sigmoid-before-loss", sight.where(), what, f"leave the {before} out, or use binary_cross_entropy"
            )
        elif loss == "nll_loss" and np.any(raw(x) > 0 if before != "softmax" else True):
            what = "nll_loss of numbers that are no log-probabilities" + (
                ": they are a softmax" if before == "softmax" else ""
            )
            self.tell(
                "no-log-probabilities", sight.where(), what, "give it log_softmax(logits), or logits to cross_entropy"
            )
        self._target(loss, raw(x), raw(target), sight)

    def _target(self, loss: str, x: Array, t: Array, sight: Sight) -> None:
        what, to_do = None, ""
        if loss == "cross_entropy" and t.dtype.kind == "f" and t.shape == x.shape and t.size:
            total = t.sum(axis=1 if t.ndim > 1 else 0)
            if t.min() < 0 or not np.allclose(total, 1.0, atol=1e-3):
                what = f"targets of cross_entropy, {t.dtype} of shape {t.shape}, that are no probabilities"
                to_do = "class numbers are integers without the dimension of the classes; probabilities add up to 1"
        elif loss.startswith("binary_cross_entropy") and t.size and (t.min() < 0 or t.max() > 1):
            what = f"targets of {loss} from {t.min():g} to {t.max():g}: they are probabilities, 0 to 1"
            to_do = "labels -1 and 1 become (labels + 1) / 2; for several classes there is cross_entropy"
        if what is None and loss in ELEMENTWISE and x.dtype == np.float32 and t.dtype == np.float64:
            what = f"targets of {loss} are float64 and its input float32: the loss is computed in float64"
            to_do = "make the targets float32: target.float(), or dtype=al.float32 where they are made"
        if what is not None:
            self.tell("targets", sight.where(), what, to_do)

    def done(self) -> list[Finding]:
        """What there is to tell, after the last step."""
        for units in self._units.values():
            dead = int(units.active.size - units.active.sum())
            many = dead >= DEAD * units.active.size and units.samples >= SAMPLES
            if dead and many:
                self.tell(
                    "dead-relu",
                    units.where,
                    f"{dead} of {units.active.size} units of a relu were 0 for each of {units.samples} inputs: "
                    "no gradient goes through them",
                    "look at the bias and the scale of the weights before it, take a smaller lr, or use leaky_relu",
                )
        for where, (name, shares) in self._flat.items():
            if min(shares) >= SATURATED:
                self.tell(
                    "saturated",
                    where,
                    f"{min(shares):.0%} of the values of a {name} are where it is flat: hardly a gradient goes through",
                    "scale the inputs to about unit size, start with smaller weights (nn.init), or use relu",
                )
        return list(self.findings.values())
