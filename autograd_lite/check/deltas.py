"""`check_deltas`: which delta of a backward pass written by hand is wrong, why, and what the line should be.

Blame follows one rule. The hand-written delta above is pushed through the true derivative between the two tensors: if
that gives the hand-written delta below, what is wrong there was inherited; else it was introduced there.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from math import isclose
from typing import Any

import numpy as np

from autograd_lite import engine
from autograd_lite.check.cause import Cause
from autograd_lite.check.clues import Clues, squeezed
from autograd_lite.check.delta_report import DeltaFinding, DeltaReport, times_words
from autograd_lite.check.factors import Factors, sizes
from autograd_lite.check.lines import corrected_line
from autograd_lite.check.region import Region, dense
from autograd_lite.check.rounding import Roundings, Tolerance
from autograd_lite.check.search import Budget, Search
from autograd_lite.core import GraphError, Node, Tensor
from autograd_lite.memory import Array, name_of
from autograd_lite.recorded import Recorded


def check_deltas(
    loss: Tensor,
    deltas: Mapping[Any, Any],
    *,
    lr: float | None = None,
    up_to_scale: bool = False,
) -> DeltaReport:
    """Hold the deltas of a backward pass written by hand against the recorded graph of its loss.

    `deltas` maps tensors of the graph, or their names (`name=`, or `tensor.name = ...`), to the arrays that the
    hand-written code has for the derivative of the loss by them; any tensors, inner ones and weights. With the
    learning rate `lr`, weights that were updated too early can be told. The graph is left as it is: call this before
    `backward()`, or after `backward(retain_graph=True)`.

    Every finding says "agrees", "inherited" (wrong, but right given the delta above it) or "introduced", with causes
    that reproduce the array to rounding, and the corrected NumPy line. The report is true if all agree; with
    `up_to_scale` also if the whole pass is a constant times the gradient (minus it, written for `+=`; the gradient of
    half the error), which `report.scale` says. Equal is 1e-9 of an entry in float64, 3e-5 in float32, and what
    rounding does to the array, which is measured.

    Raises KeyError for a name that is not in the graph, ValueError for a loss that is not one number, GraphError for
    a graph that was freed or changed underneath.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0]])
    >>> w = al.tensor([[0.5], [-1.0]], requires_grad=True, name="w")
    >>> layer_1_in = x @ w
    >>> layer_1_in.name = "layer_1_in"
    >>> layer_1 = al.tanh(layer_1_in)
    >>> layer_1.name = "layer_1"
    >>> loss = (layer_1 - 1).square().sum()
    >>> out = layer_1.data
    >>> delta = 2 * (out - 1)  # the slope of tanh is missing
    >>> report = al.check_deltas(loss, {"layer_1": 2 * (out - 1), "layer_1_in": delta, "w": x.T @ delta})
    >>> [(finding.name, finding.verdict) for finding in report]
    [('layer_1', 'agrees'), ('layer_1_in', 'introduced'), ('w', 'inherited')]
    >>> [cause.kind for cause in report["layer_1_in"].causes][0]
    'missing-derivative'
    """
    if not isinstance(loss, Tensor) or not isinstance(deltas, Mapping):
        raise TypeError(f"check_deltas takes a loss and a dict of deltas, not {_kind(loss)} and {_kind(deltas)}")
    if not deltas:
        raise ValueError("check_deltas: no deltas were handed in: there is nothing to judge")
    if loss.node is None:
        raise ValueError("check_deltas: the loss is a constant: nothing that it was computed from requires a gradient")
    if np.size(loss.data) != 1:
        raise ValueError(f"check_deltas: the loss must be one number, and has shape {loss.shape}: sum or average it")
    graph = Recorded(loss.node)
    given = {
        _node(graph, key): (_label(key, place), _array(key, array)) for place, (key, array) in enumerate(deltas.items())
    }
    if len(given) != len(deltas):
        raise ValueError("check_deltas: two of the keys are the same tensor")
    with np.errstate(all="ignore"):  # what is not finite is reported, and where it came up
        return _Pass(graph, given, lr).report(up_to_scale)


def _kind(value: Any) -> str:
    return f"a {type(value).__name__}"


def _label(key: str | Tensor, place: int | None = None) -> str:
    """What a delta is called: of a tensor without a name, also by its place among the keys."""
    if isinstance(key, str):
        return key
    return key.name or f"tensor of shape {key.shape}" + ("" if place is None else f", key {place}")


def _array(key: str | Tensor, array: Any) -> Array:
    raw = np.asarray(array.data if isinstance(array, Tensor) else array)
    if raw.dtype.kind not in "fiub":
        raise TypeError(f"check_deltas: the delta of {_label(key)} is {raw.dtype}, and must be numbers")
    return raw if raw.dtype.kind == "f" else raw.astype(float)


def _node(graph: Recorded, key: str | Tensor) -> Node:
    if isinstance(key, Tensor):
        if key.node is None or key.node not in graph.consumers:
            why = "requires no gradient" if key.node is None else "is not in the graph of this loss"
            raise KeyError(f"check_deltas: {_label(key)} {why}")
        return key.node
    found = [node for node in graph.order if node.name == key]
    if len(found) == 1:
        return found[0]
    if found:
        raise KeyError(f"check_deltas: {len(found)} tensors of the graph are called {key!r}: use the Tensors as keys")
    names = sorted({node.name for node in graph.order if node.name})
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(key.casefold(), folded, n=1)
    meant = f"; did you mean {folded[close[0]]!r}?" if close else "."
    listed = ", ".join(names) or "none has a name: give names (tensor.name = ...), or use the Tensors as keys"
    constants = {name_of(array) for array in graph.arguments.values() if isinstance(array, np.ndarray)}
    if key in constants:
        raise KeyError(f"check_deltas: {key!r} is a constant: it requires no gradient, and has no delta")
    raise KeyError(f"check_deltas: no tensor of the graph is called {key!r}{meant} Names there: {listed}")


class _Pass:
    """One hand-written pass over one graph, being judged from the loss down."""

    def __init__(self, graph: Recorded, given: Mapping[Node, tuple[str, Array]], lr: float | None) -> None:
        self.graph, self.given, self.lr = graph, given, lr
        self.nodes = [node for node in graph.order if node in given]
        self.hand: dict[Node, Array] = {}  # what flows on: the hand-written deltas, in the graph's shapes
        self.raw: dict[Node, Array] = {}
        self.regions: dict[Node, Region] = {}
        self.one = {graph.root: np.ones(graph.root.shape, graph.root.dtype)}
        self.true: dict[Node, Array] = {}
        self.agreeing: set[Node] = set()
        self.every: dict[Node, Any] | None = None  # the gradients of all tensors, once they are asked for
        self.budget = Budget()
        self.open: dict[Node, Search] = {}  # deltas that no single slip explains
        for node in self.nodes:
            self._enter(node)
        self.roundings = Roundings(graph)
        self.tolerances = {node: self._tolerance(node) for node in self.nodes}
        self.relative = max((t.relative for t in self.tolerances.values()), default=1e-9)
        values = list(graph.all_values())
        self.root = dict(self.one)  # the gradient of the loss itself, in the convention of the pass
        self.clues = Clues(graph, values, self.hand, self.root, lr, self.regions)
        self.factors = Factors(graph, values)
        self.tops = [graph.root] if graph.root in given else [node for node in self.nodes if self._from_loss(node)]
        self.scale = self._scale()
        self._rescale()
        self.displaced = self._displaced()

    def _from_loss(self, node: Node) -> bool:
        return set(self.regions[node].sources) == {self.graph.root}

    def _enter(self, node: Node) -> None:
        """The region above a tensor, and its delta in the graph's shape and dtype."""
        array = self.given[node][1]
        self.regions[node] = region = Region(self.graph, node, {**self.one, **self.hand})
        self.true[node] = region.truth if not self.hand else Region(self.graph, node, self.one).truth
        _refuse_nonfinite(self.graph, node, self.true[node])
        if array.ndim != len(node.shape) and squeezed(array.shape) == squeezed(node.shape):
            array = array.reshape(node.shape)
        self.raw[node] = array
        self.hand[node] = array.astype(node.dtype, copy=False) if array.shape == node.shape else region.truth

    def _tolerance(self, node: Node) -> Tolerance:
        """Rounding as it is on this way."""
        region = self.regions[node]
        kinds = [self.raw[node].dtype, node.dtype, *(self.raw[n].dtype for n in region.sources if n in self.raw)]
        size = min(8, *(kind.itemsize for kind in kinds), *(n.dtype.itemsize for n in region.nodes))
        return self.roundings.tolerance(region, size)

    # Conventions

    def _multiple(self, node: Node, truth: Array) -> float | None:
        """k, if the hand-written delta is k times an array, to rounding."""
        hand, square = self.raw[node], float(np.vdot(truth, truth))
        if hand.shape != truth.shape or not square or not np.isfinite(square):
            return None
        for one in (1.0, -1.0):
            if self.tolerances[node].equal(hand, truth * one):
                return one
        k = float(np.vdot(truth, hand)) / square
        exact = np.isfinite(k) and k and self.tolerances[node].scaled(k).equal(hand, truth * k)
        return k if exact else None

    def _scale(self) -> float:
        """The k of which the whole pass is the gradient, as far as the deltas nearest the loss say so by majority.

        Where they are single numbers, which are multiples of any other, k has to be one that people write.
        """
        multiples = [(node, self._multiple(node, self.regions[node].truth)) for node in self.tops]
        found = [k for node, k in multiples if k is not None and (_many(self.true[node]) or self._usual(k))]
        self.agreed = bool(found)
        k, count = self._most(found)
        return k if 2 * count > len(found) else 1.0

    def _rescale(self) -> None:
        """Where a tensor acts on the loss by itself, too, this gradient is as large as those of the deltas above it."""
        if self.scale == 1.0:
            return
        self.root[self.graph.root] = self.one[self.graph.root] * self.scale
        for node, region in self.regions.items():
            if node not in self.tops and self.graph.root in region.sources:
                self.regions[node] = Region(self.graph, node, {**self.root, **self.hand})

    def _usual(self, k: float) -> bool:
        return any(isclose(abs(k), one, rel_tol=self.relative) for one in (1, 2, 0.5)) or bool(
            self.factors.name(k, self.relative, only_sizes=True)
        )

    def _most(self, found: list[float]) -> tuple[float, int]:
        """The constant that most of these are, to rounding, and how many are."""
        if not found:
            return 1.0, 0
        digits = 10 if self.relative < 1e-6 else 5
        same = [[k for k in found if isclose(k, one, rel_tol=self.relative)] for one in found]
        most = max(same, key=len)
        return float(f"{most[0]:.{digits}g}"), len(most)

    def _displaced(self) -> float:
        """A constant that inner deltas have and the deltas of the leaves take back: 1/m at dW instead of at dZ."""
        leaves = [n for n in self.nodes if n.op is None and n not in self.tops]
        found = [k for k in (self._multiple(n, self.regions[n].truth) for n in leaves) if k is not None]
        k, count = self._most([one for one in found if not isclose(one, 1.0, rel_tol=self.relative)])
        name = self.factors.name(k, self.relative, only_sizes=True) or ""
        if 2 * count < len(found) or (2 * count == len(found) and "where" not in name):
            return 1.0  # of two halves, that which divides by a size is right
        if self.agreed:
            taken_back = isclose(abs(k * self.scale), 1.0, rel_tol=self.relative) and abs(k) != 1.0
            return k if taken_back else 1.0
        if len(found) > 1 and count == len(leaves) and self.factors.name(k, self.relative) is not None:
            self.scale = float(f"{1 / k:.10g}")  # no delta nearest the loss says it; all of the leaves do
            self._rescale()
            return k
        return 1.0

    def _expected(self, node: Node) -> float:
        """By what the gradient from above is multiplied here, in the convention of the pass."""
        if node in self.tops:
            return self.scale
        return self.displaced if node.op is None else 1.0

    # Verdicts

    def report(self, up_to_scale: bool) -> DeltaReport:
        """All findings, the loss's first."""
        found = {node: self._finding(node) for node in self.nodes}
        for node, search in self.open.items():  # pairs of slips take long, and come after all single ones
            readings, ended = search.pairs()
            found[node] = replace(found[node], readings=readings, ended=ended)
        findings = list(found.values())
        conventional = next((f for f in findings if f.convention), None)
        scale = float(f"{self.scale * self.displaced:.10g}") if conventional is not None else 1.0
        exact = all(f.verdict != "introduced" or f.convention for f in findings)
        inner = self.scale if self.displaced != 1.0 else None
        return DeltaReport(findings, scale, exact, up_to_scale, inner, self.lr is not None)

    def _finding(self, node: Node) -> DeltaFinding:
        hand, tolerance, region = self.raw[node], self.tolerances[node], self.regions[node]
        times = self._expected(node)
        expected = region.truth * times
        follows = tolerance.scaled(max(1.0, abs(times))).equal(hand, expected)
        above = [n for n in region.sources if n in self.given]
        right_above = bool(above) and times == 1 and all(n in self.agreeing for n in above)
        own = self.scale * (self.displaced if node.op is None and node not in self.tops else 1.0)
        in_step = isclose(own, 1.0, rel_tol=self.relative)  # else what is the gradient itself does not fit the others
        if (in_step and tolerance.equal(hand, self.true[node])) or (follows and right_above):
            self.agreeing.add(node)
            return self._made(node, "agrees")
        first = node in self.tops and node is self._nearest()
        if follows:
            if not first:
                return self._made(node, "inherited")
            cause = self._convention(node)
            return self._made(node, "introduced", [cause, *self._also(node, cause)])
        if not np.isfinite(hand).all():
            return self._made(node, "introduced")
        search = Search(region, self.clues, self.factors, tolerance.scaled(max(1.0, abs(times))), times, self.budget)
        readings = search.causes(hand, self._misnamed(node))
        if not readings:
            self.open[node] = search
        return self._made(node, "introduced", readings)

    def _misnamed(self, node: Node) -> list[tuple[float, tuple[Cause, ...]]]:
        """Is it another tensor's delta under this name?"""
        found: list[tuple[float, tuple[Cause, ...]]] = []
        for other, true in self._all_true().items():
            if (
                other is not node
                and other.shape == node.shape
                and self.tolerances[node].equal(self.raw[node], dense(true) * self.scale)
            ):
                kind = "shifted" if self.clues.parts.alike(other, node) else "wrong-operand"
                text = f"this is the delta of {self.graph.label(other)}: is it under the wrong name?"
                found.append((2.9, (Cause(kind, None, text),)))
        return found[:1]

    def _all_true(self) -> dict[Node, Any]:
        if self.every is None:
            self.every = engine.flow(dict(self.one), self.graph.order, retain_graph=True)
        return self.every

    def _nearest(self) -> Node | None:
        """The delta nearest the loss of those that carry the pass's constant."""
        for node in self.tops:
            k = self._multiple(node, self.regions[node].truth)
            if self.scale != 1.0 and k is not None and isclose(k, self.scale, rel_tol=self.relative):
                return node
        return None

    def _convention(self, node: Node) -> tuple[Cause, ...]:
        k = self.scale
        own = sizes(self.graph.label(node), node.shape)
        name = self.factors.name(k, self.relative, own)
        if name == "":
            text = "minus the gradient: right where the update says += (weights += lr * delta)"
            return (Cause("sign", None, text, k, convention=True),)
        text = times_words(k)
        if name and abs(k) != 0.5:
            text += f": {'minus ' if k < 0 else ''}{name}"
        if self.displaced != 1.0:
            text += f"; the deltas of the parameters take it back ({self.displaced:.10g} times)"
        return (Cause("factor", None, text, k, convention=True),)

    def _also(self, node: Node, convention: tuple[Cause, ...]) -> list[tuple[Cause, ...]]:
        """Other names of the same constant."""
        search = Search(self.regions[node], self.clues, self.factors, self.tolerances[node].scaled(self.scale), 1.0)
        search.hand = self.raw[node]
        return [r for r in search.of_whole() if r[0].kind != convention[0].kind]

    def _made(
        self, node: Node, verdict: str, readings: list[tuple[Cause, ...]] | None = None, ended: bool = False
    ) -> DeltaFinding:
        region, hand, true = self.regions[node], self.raw[node], self.true[node]
        above = [self.given[n][0] for n in self.nodes if n in region.sources]
        times = self._expected(node)
        line = corrected_line(region, self.given[node][0], {n: g[0] for n, g in self.given.items()}, times)
        return DeltaFinding(
            name=self.given[node][0],
            verdict=verdict,
            readings=readings or [],
            above=above,
            hand=hand,
            expected=region.truth * times,
            true=true,
            line=line,
            site=None if node.notes is None else node.notes.site,
            ended=ended,
        )


def _many(array: Array) -> bool:
    """Has it more than one number that is not zero?"""
    return int(np.count_nonzero(array)) > 1


def _refuse_nonfinite(graph: Recorded, node: Node, true: Array) -> None:
    """Raise GraphError where the recorded gradient itself is not finite: nothing could be held against it."""
    if np.isfinite(true).all():
        return
    first = next((n for n in reversed(graph.order) if not np.isfinite(graph.values.get(n, 0.0)).all()), None)
    where = f"{graph.label(first)} is not finite" if first is not None else "a derivative overflows"
    raise GraphError(
        f"check_deltas: the recorded gradient of {graph.label(node)} is not finite: {where}. Take the loss from what "
        "goes into the softmax or the sigmoid (cross_entropy, binary_cross_entropy_with_logits), which cannot overflow"
    )
