"""The gradients of a network, three times over: by differences, by autograd, and as written by hand.

Nothing here knows what is wrong with any network: every verdict comes from the numbers beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from autograd_lite import nn
from autograd_lite.check import check_module
from autograd_lite.check.judge import Verdict
from models.network import FRAMEWORK, Handwritten, Network
from models.records import Array, Batch, Weights

BY_DIFFERENCES = 1e-6  # of an entry; beside it only the rounding that was measured there is allowed
TOLERANCE = 1e-8  # relative; what adding in another order does is below 1e-12
FEW = 32  # images of a batch that differences are taken on: they need hundreds of evaluations
WARM_UP = 20  # steps of training, or an epoch of them

AGREES, MULTIPLE, DIFFERS = "agrees", "multiple", "differs"


@dataclass(frozen=True)
class Measure:
    """How an array h lies to the gradient a: |h - a| / |a|, their cosine, and the k that makes k a nearest to h.

    `apart` is what k a leaves of h, |h - k a| / |h|: it is 0 for a multiple of the gradient.
    """

    error: float
    cosine: float
    ratio: float
    apart: float


def measure(h: Array | None, a: Array) -> Measure:
    """Measure h against the gradient a; no array, or one of another shape, is as far from it as can be.

    >>> measure(np.array([0.0, -4.0]), np.array([0.0, 2.0]))
    Measure(error=3.0, cosine=-1.0, ratio=-2.0, apart=0.0)
    """
    if h is None or h.shape != a.shape or not (np.isfinite(h).all() and np.isfinite(a).all()):
        return Measure(np.inf, np.nan, np.nan, np.inf)
    size, gradient = float(np.linalg.norm(h)), float(np.linalg.norm(a))
    if not size or not gradient:
        same = size == gradient
        return Measure(0.0, 1.0, 1.0, 0.0) if same else Measure(1.0 if gradient else np.inf, 0.0, 0.0, 1.0)
    cosine = float(np.sum(h / size * (a / gradient)))
    ratio = cosine * size / gradient
    return Measure(float(np.linalg.norm(h - a)) / gradient, cosine, ratio, float(np.linalg.norm(h - ratio * a)) / size)


def verdict(measures: list[Measure]) -> str:
    """Is it the gradient, the same multiple of it everywhere, or neither?

    >>> verdict([Measure(error=3.0, cosine=-1.0, ratio=-2.0, apart=0.0)])
    'multiple'
    """
    if all(m.error <= TOLERANCE for m in measures):
        return AGREES
    ratios = [m.ratio for m in measures]
    same = max(ratios) - min(ratios) <= TOLERANCE * abs(ratios[0])
    return MULTIPLE if same and all(m.apart <= TOLERANCE for m in measures) else DIFFERS


@dataclass(frozen=True)
class Finding:
    """One comparison: what a version computes for a parameter, against the gradient of the stated error.

    `what` is "gradient" (autograd's, against differences), "delta" (as written) or "step" (what a step did to
    the parameter, divided by minus the learning rate). The numbers are those of the place where it is farthest
    from the gradient; differences have neither cosine nor ratio. The verdict is "agrees", "multiple" or "differs":
    it agrees where `error`, relative, is at most `allowed`.
    """

    network: str
    parameter: str
    version: str
    what: str
    error: float
    allowed: float
    cosine: float | None
    ratio: float | None
    verdict: str

    @property
    def passed(self) -> bool | None:
        """Is it as it must be? Autograd and the corrected version must agree; None for the text's, which may not."""
        return None if self.version == "as-printed" else self.verdict == AGREES


@dataclass(frozen=True, eq=False)
class Place:
    """Weights and a batch at which gradients are compared."""

    weights: Weights
    batch: Batch


def places(network: Network) -> list[Place]:
    """The start with its first batch; and a batch after some steps, where no activation is tiny any more."""
    weights, rng = network.start()
    *before, last = islice(network.batches(network.data(), rng), WARM_UP + 1)
    trainer = network.trainer(FRAMEWORK, weights)
    for batch in before:
        trainer.step(batch)
    finite = all(np.isfinite(weight).all() for weight in trainer.weights.values())
    return [Place(weights, before[0]), Place(trainer.weights if finite else weights, last)]


def check(network: Network) -> list[Finding]:
    """All comparisons of a network, parameter by parameter."""
    where = places(network)
    pairs = [(network.build(place.weights), place.batch) for place in where]
    differences = [_differences(network, model, batch) for model, batch in pairs]
    gradients = [_gradients(network, model, batch) for model, batch in pairs]
    findings = []
    for name, path in network.parameters.items():
        findings.append(_against_differences(network, name, [found[path] for found in differences]))
        for version, handwritten in reversed(list(network.versions.items())):
            for what, made in (("delta", _deltas), ("step", _step)):
                arrays = [made(handwritten, place).get(name) for place in where]
                measures = [measure(h, a[name]) for h, a in zip(arrays, gradients, strict=True)]
                findings.append(_finding(network, name, version, what, measures))
    return findings


@dataclass(frozen=True)
class Difference:
    """Autograd against differences at one place: is it right, and at the worst entry how far off, how far allowed?"""

    right: bool
    error: float = np.inf
    allowed: float = BY_DIFFERENCES


def _differences(network: Network, model: nn.Module, batch: Batch) -> dict[str, Difference]:
    """By parameter path."""
    few = batch.first(FEW)
    report = check_module(model, lambda: network.error(model, few), rtol=BY_DIFFERENCES)
    if not report and not any(verdict.of("wrong") for verdict in report.verdicts):
        return dict.fromkeys(network.parameters.values(), Difference(False))
    return {verdict.label: _worst(verdict) for verdict in report.verdicts}


def _worst(verdict: Verdict) -> Difference:
    entry, right = verdict.worst, not verdict.of("wrong")
    if entry is None:
        return Difference(right, 0.0)
    size = max(abs(entry.analytic), abs(entry.numeric))
    rounding = entry.noise / size if size and np.isfinite(size) else 0.0
    return Difference(right, entry.relative, BY_DIFFERENCES + rounding)


def _against_differences(network: Network, name: str, found: list[Difference]) -> Finding:
    word = AGREES if all(difference.right for difference in found) else DIFFERS
    worst = max(found, key=lambda difference: (not difference.right, difference.error / difference.allowed))
    return Finding(network.id, name, FRAMEWORK, "gradient", worst.error, worst.allowed, None, None, word)


def _gradients(network: Network, model: nn.Module, batch: Batch) -> Weights:
    model.zero_grad()
    network.error(model, batch).backward()
    return network.arrays({path: p.grad.data for path, p in model.named_parameters()})


def _deltas(handwritten: Handwritten, place: Place) -> Weights:
    return handwritten.deltas(place.weights, place.batch)


def _step(handwritten: Handwritten, place: Place) -> Weights:
    weights = {name: weight.copy() for name, weight in place.weights.items()}
    handwritten.step(weights, place.batch)
    return {name: (place.weights[name] - weights[name]) / handwritten.lr for name in weights}


def _finding(network: Network, name: str, version: str, what: str, measures: list[Measure]) -> Finding:
    farthest = max(measures, key=lambda m: (m.apart, m.error))
    numbers = farthest.error, TOLERANCE, farthest.cosine, farthest.ratio
    return Finding(network.id, name, version, what, *numbers, verdict(measures))
