"""A network's derivatives, three times over: by differences, by autograd, and as written by hand.

Nothing here knows what is wrong with any network: every verdict comes from `check_module`, `check_deltas` and
`check_training`, on the graph and the arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

import autograd_lite as al
from autograd_lite.check import DeltaFinding, DeltaReport, StepFinding, TrainingReport
from autograd_lite.check.cause import Reading
from autograd_lite.check.judge import Verdict
from models import training
from models.network import CORRECTED, FRAMEWORK, PRINTED, Graph, Handwritten, Network
from models.records import Array, Batch, Weights

BY_DIFFERENCES = 1e-6  # of an entry; beside it only the rounding that was measured there is allowed
SAME = 1e-10  # relative: between a module and the plain tensors of the same network
FEW = 12  # examples of a batch that differences are taken on: they need hundreds of evaluations
WARM_UP = 20  # steps of training before the second place, where no activation is tiny any more
SEARCHED = 2000  # batches among which one with a repeated index is looked for
SIGNS = 200  # steps of a walk by the sign that are looked at


@dataclass(frozen=True, eq=False)
class Place:
    """Weights and a batch at which derivatives are compared."""

    weights: Weights
    batch: Batch


@dataclass(frozen=True)
class Difference:
    """Autograd against differences for one parameter: is it right, how far off at worst, and how far is allowed?"""

    name: str
    right: bool
    error: float = np.inf
    allowed: float = BY_DIFFERENCES


@dataclass(frozen=True, eq=False, kw_only=True)
class Checked:
    """What was found of one version of a network.

    `what` says how it was held against the gradient: "gradients" (of autograd, against differences), "deltas" (each
    array of the hand-written pass, and its step), "signs" (steps that follow the gradient's sign alone), "outputs" (of
    a forward pass), or "skipped", with the reason in `note`. `passed` is None for the text's version, which may be
    what it is.
    """

    network: str
    version: str
    what: str
    passed: bool | None
    note: str = ""
    differences: list[Difference] = field(default_factory=list)
    deltas: list[DeltaReport] = field(default_factory=list)
    steps: list[TrainingReport] = field(default_factory=list)

    @property
    def shown(self) -> int:
        """The place at which most is to be seen, the last one of equals."""

        def seen(k: int) -> int:
            return sum(len(f.readings[0]) if f.readings else 1 for f in self.deltas[k].introduced)

        return max(range(len(self.deltas)), key=lambda k: (seen(k), k), default=-1)

    @property
    def scale(self) -> float:
        """The k for which the hand-written pass is the gradient of k times the error, apart from what is introduced."""
        return self.deltas[self.shown].scale if self.deltas else 1.0

    @property
    def introduced(self) -> list[tuple[DeltaFinding, list[Reading]]]:
        """The deltas at which something goes wrong, with the explanations that fit wherever as much of it is seen."""
        return [_fullest(found) for found in self._by_name() if found]

    def _by_name(self) -> Iterator[list[DeltaFinding]]:
        for name in dict.fromkeys(finding.name for report in self.deltas for finding in report):
            yield [f for report in self.deltas for f in report.introduced if f.name == name]

    @property
    def strayed(self) -> list[StepFinding]:
        """The parameters whose step is neither minus lr times the gradient nor what their delta says."""
        return [f for f in self.steps[-1] if f.verdict == "introduced"] if self.steps else []


def _fullest(found: list[DeltaFinding]) -> tuple[DeltaFinding, list[Reading]]:
    """The finding with most causes, of equals the last, and those of its readings that the equals have, too."""
    counts = [len(finding.readings[0]) if finding.readings else 0 for finding in found]
    best = [finding for finding, count in zip(found, counts, strict=True) if count == max(counts)]

    def kinds(reading: Reading) -> tuple[tuple[str, str | None], ...]:
        return tuple((cause.kind, cause.op) for cause in reading)

    others = [{kinds(reading) for reading in finding.readings} for finding in best[:-1]]
    readings = [r for r in best[-1].readings if all(kinds(r) in other for other in others)]
    return best[-1], readings or best[-1].readings


def places(network: Network) -> list[Place]:
    """The start with its first batch; a batch after some steps; and for each index of rows one where it repeats."""
    weights, rng = network.start()
    first = {name: weight.copy() for name, weight in weights.items()}
    following = _batches(network, rng)
    batch = next(following)
    if network.objective is None:
        return [Place(first, batch)]
    trainer = training.trainer(network, FRAMEWORK, weights)
    last = batch
    for later_batch in islice(following, WARM_UP):
        layers, _ = trainer.step(last)
        network.carry(trainer.weights, layers)
        last = later_batch
    later = {name: weight.copy() for name, weight in trainer.weights.items()}
    finite = all(np.isfinite(weight).all() for weight in later.values())
    found = [Place(first, batch), *([Place(later, last)] if finite and last is not batch else [])]
    repeating: dict[int, Place | None] = dict.fromkeys(range(len(_indices(batch))))
    if repeating and finite:
        for other in islice(following, SEARCHED):
            for k, index in enumerate(_indices(other)):
                if repeating[k] is None and np.unique(index).size < index.size:
                    repeating[k] = Place(later, other)
    return found + [place for place in repeating.values() if place is not None]


def _indices(batch: Batch) -> list[Array]:
    """Those of its arrays that name rows of a table."""
    arrays = [batch.x] if batch.samples is None else [batch.x, batch.samples]
    return [array for array in map(np.asarray, arrays) if array.dtype.kind in "iu" and array.ndim == 1]


def _batches(network: Network, rng: np.random.RandomState) -> Iterator[Batch]:
    data = network.data()
    return (batch for _ in range(network.epochs) for batch in network.batches(data, rng))


def check(network: Network) -> list[Checked]:
    """All versions of a network; where its data are missing, that it was skipped and why."""
    network = network.small()
    try:
        whole = places(network)
    except FileNotFoundError as error:
        return [Checked(network=network.id, version=FRAMEWORK, what="skipped", passed=None, note=str(error))]
    found = [Place(*network.focus(place.weights, place.batch)) for place in whole]
    if network.objective is None:
        return [_outputs(network, name, found[0]) for name in network.versions]
    checked = [_differences(network, found, whole)]
    for name, handwritten in sorted(network.versions.items(), key=lambda item: item[0] != CORRECTED):
        if handwritten.follows == "nothing":
            checked.append(_outputs(network, name, found[0]))
        else:
            by = _signs if handwritten.follows == "sign" else _deltas
            checked.append(by(network, name, handwritten, found))
    return checked


# The framework


def _differences(network: Network, found: list[Place], whole: list[Place]) -> Checked:
    """Autograd in plain tensors against differences, and the module, if there is one, against plain tensors."""
    every = [_by_differences(network, place) for place in found]
    by_name = {one.name: [d for found_there in every for d in found_there if d.name == one.name] for one in every[0]}
    worst = [max(ds, key=lambda d: (not d.right, d.error / d.allowed)) for ds in by_name.values()]
    apart = max((_module_apart(network, place) for place in whole), default=0.0)
    note = "" if apart <= SAME else f"the module's gradient is {apart:.1e} off that of plain tensors"
    right = all(difference.right for difference in worst) and not note
    return Checked(network=network.id, version=FRAMEWORK, what="gradients", passed=right, note=note, differences=worst)


def _by_differences(network: Network, place: Place) -> list[Difference]:
    tensors = network.tensors(place.weights)
    few = place.batch.first(FEW)
    trained = {name: tensor for name, tensor in tensors.items() if tensor.requires_grad}

    def error() -> al.Tensor:
        return _error(network.graph(tensors, few))

    report = al.check_module(trained, error, rtol=BY_DIFFERENCES)
    if not report and not any(verdict.of("wrong") for verdict in report.verdicts):
        return [Difference(name, False) for name in trained]
    return [_worst(verdict) for verdict in report.verdicts]


def _error(graph: Graph) -> al.Tensor:
    assert graph.error is not None
    return graph.error


def _worst(verdict: Verdict) -> Difference:
    entry, right = verdict.worst, not verdict.of("wrong")
    if entry is None:
        return Difference(verdict.label, right, 0.0)
    size = max(abs(entry.analytic), abs(entry.numeric))
    rounding = entry.noise / size if size and np.isfinite(size) else 0.0
    return Difference(verdict.label, right, entry.relative, BY_DIFFERENCES + rounding)


def _module_apart(network: Network, place: Place) -> float:
    """How far the module's gradients are from those of plain tensors, relative."""
    if network.module() is None:
        return 0.0
    model = network.build(place.weights)
    network.error(network.output(model, place.batch), place.batch).backward()
    own = network.arrays({path: p.grad.data for path, p in model.named_parameters()})
    graph = network.graph(place.weights, place.batch)
    _error(graph).backward()
    return max(_apart(own[name], graph.weights[name].grad.data) for name in own)


def _apart(a: Array, b: Array) -> float:
    size = float(np.linalg.norm(b))
    return float(np.linalg.norm(a - b)) / size if size else float(np.linalg.norm(a))


# By hand


def _deltas(network: Network, version: str, handwritten: Handwritten, found: list[Place]) -> Checked:
    """Every delta against the recorded graph, and the step against the gradient."""
    printed = version == PRINTED
    deltas, steps = [], []
    for place in found:
        with al.record_lines():
            graph = network.graph(place.weights, place.batch, stated=printed)
        arrays = handwritten.deltas(place.weights, place.batch)
        arrays = {name: array for name, array in arrays.items() if name not in network.frozen}
        deltas.append(al.check_deltas(_error(graph), arrays, lr=handwritten.lr or None, up_to_scale=printed))
        if handwritten.lr:
            steps.append(_step(network, handwritten, place, printed))
    right = all(deltas) and all(steps)
    return Checked(
        network=network.id,
        version=version,
        what="deltas",
        passed=None if printed else right,
        deltas=deltas,
        steps=steps,
    )


def _step(network: Network, handwritten: Handwritten, place: Place, printed: bool) -> TrainingReport:
    frozen = {name: w for name, w in place.weights.items() if name in network.frozen}
    layers = handwritten.forward(place.weights, place.batch)

    def step(weights: Weights) -> Weights:
        everything = {**weights, **{name: w.copy() for name, w in frozen.items()}}
        handwritten.step(everything, place.batch)
        return {name: everything[name] for name in weights}

    def loss(tensors: dict[str, al.Tensor]) -> al.Tensor:
        constants = {name: al.tensor(w) for name, w in frozen.items()}
        return _error(network.graph({**tensors, **constants}, place.batch, stated=printed))

    def deltas(weights: Weights) -> Weights:
        return handwritten.backward({**weights, **frozen}, place.batch, layers)

    trained = {name: w for name, w in place.weights.items() if name not in frozen}
    return al.check_training(step, loss, trained, lr=handwritten.lr, deltas=deltas)


def _signs(network: Network, version: str, handwritten: Handwritten, found: list[Place]) -> Checked:
    """Does a walk without derivatives go where the gradient's sign says, at every step?"""
    weights, rng = network.start()
    data, wrong, seen = network.data(), 0, 0
    epochs = (batch for _ in range(network.epochs) for batch in network.batches(data, rng))
    for batch in islice(epochs, SIGNS):
        graph = network.graph(weights, batch)
        _error(graph).backward()
        before = {name: w.copy() for name, w in weights.items()}
        handwritten.step(weights, batch)
        for name, tensor in graph.weights.items():
            moved = np.sign(before[name] - weights[name])
            seen += 1
            wrong += bool(np.any(moved != np.sign(tensor.grad.data)))
    note = f"{seen - wrong} of {seen} steps go against the gradient's sign"
    return Checked(network=network.id, version=version, what="signs", passed=not wrong, note=note)


def _outputs(network: Network, version: str, place: Place) -> Checked:
    """A forward pass: is the output by hand the framework's?"""
    by_hand = list(network.versions[version].forward(place.weights, place.batch).values())[-1]
    output = list(network.graph(place.weights, place.batch).layers.values())[-1].data
    off = _apart(np.asarray(by_hand, dtype=float), np.asarray(network.answer(output), dtype=float))
    note = "" if off <= SAME else f"the output is {off:.1e} off the framework's"
    return Checked(network=network.id, version=version, what="outputs", passed=not note, note=note)
