"""Which slips, one or two at a time, turn the true gradient into the array that was written by hand.

A slip counts only if it reproduces the array to rounding; all that do so with the fewest slips are named, the
simplest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, combinations
from typing import Any

import numpy as np

from autograd_lite.check.cause import Cause, Reading, Slip
from autograd_lite.check.clues import Clues
from autograd_lite.check.constants import constants
from autograd_lite.check.factors import Factors, averaged, masks, sizes, summed
from autograd_lite.check.fused import inside
from autograd_lite.check.paths import Paths
from autograd_lite.check.region import Change, Region, dense
from autograd_lite.check.repeated import repeated
from autograd_lite.check.rounding import Tolerance
from autograd_lite.check.slips import slips
from autograd_lite.check.together import everywhere, exchanged
from autograd_lite.memory import Array
from autograd_lite.recorded import Edge

WORK = 300_000_000  # elements computed per report, about: it ends at the same place on every machine
UNEXPLAINED = 3  # arrays that no pair explained, after which pairs are tried no more
ABOUT = 100  # times what is equal is nearly equal
PAIRED = 60  # slips of which pairs are tried
FAR = 1.2  # how much less simple than the simplest an explanation may be
_TRANSPOSED = Cause("transposed", None, "the array is transposed")


class Budget:
    """How much the searches of one report may compute, so that it ends, and what they have found so far.

    Half as much again is kept back for the kinds of mistakes that another array of the report was explained by.
    """

    def __init__(self) -> None:
        self.left, self.unexplained = WORK, 0
        self.found: set[tuple[str, str | None]] = set()

    def spend(self, effort: int, floor: int = 0) -> bool:
        """Take it off what is left, if that is more than `floor`."""
        some = self.left > floor
        self.left -= effort if some else 0
        return some


class Search:
    """The search for the causes of one array."""

    def __init__(
        self,
        region: Region,
        clues: Clues,
        factors: Factors,
        tolerance: Tolerance,
        scale: float,
        budget: Budget | None = None,
    ) -> None:
        self.region, self.clues, self.factors = region, clues, factors
        self.tolerance, self.scale = tolerance, scale
        self.op = _op_name(region.edges[-1]) if region.edges else None
        above = [node for node in region.sources if node.name] or [region.target]
        own = [one for node in above for one in sizes(clues.graph.label(node), node.shape)]
        self.near = [*masks(region), *own]  # where a factor is looked for first
        self.budget = Budget() if budget is None else budget
        self.tried: list[Slip] = []  # slips that change something
        self.ended = False  # before all was tried
        self.effort = sum(int(np.prod(node.shape)) + 300 for node in region.nodes)

    def causes(self, hand: Array, others: Iterable[tuple[float, Reading]] = ()) -> list[Reading]:
        """All readings that take one slip, or one and a constant; `pairs` takes up where there are none."""
        self.hand = np.asarray(hand, dtype=float if hand.dtype.kind != "f" else None)
        self.shaped = self.hand.shape == self.region.target.shape
        self.probes = self._probes()
        readings = list(self.of_whole()) if self.shaped else list(self.unsummed())
        found = self._singles() if self.shaped or self._turned() else []
        scaled: list[tuple[float, Reading]] = []
        singles: list[tuple[float, Reading]] = [*others, *((0.5 + 0.1 * i, r) for i, r in enumerate(readings))]
        same = [] if singles else [slip for slip in found if (slip.kind, slip.op) in self.budget.found]
        again = dict.fromkeys(sorted(same, key=lambda slip: slip.cost))
        floor = -WORK // 2
        for slip in again:
            self._judge(slip, floor, singles, scaled)
            if singles:  # a mistake that is made elsewhere, too
                return _ordered([*singles, *(self._paths().found() if self.shaped else ())])
        floor = self.budget.left // 2
        for slip in (slip for slip in found if slip not in again):
            self._judge(slip, floor, singles, scaled)
        if self.shaped:
            singles += self._paths().found()
        scaled += [(1.1 + cost, (_TRANSPOSED, cause)) for cost, cause in self._turned_and_scaled()]
        made = _ordered(singles or scaled)
        self.budget.found |= {(cause.kind, cause.op) for reading in made[:1] for cause in reading}
        return made

    def _singles(self) -> list[Slip]:
        single = [*slips(self.region, self.clues), *exchanged(self.region), *constants(self.region, self.clues)]
        single += inside(self.region, self.clues)
        more = repeated(self.region, self.clues), self.clues.updates.slips(self.region, self.scale)
        found = [*everywhere(single, self.clues.parts.rows(self.region.edges)), *chain(*more), *single]
        return sorted(found, key=lambda slip: (len(slip.changes) == 1, slip.cost))  # a loop makes them everywhere

    def _paths(self) -> Paths:
        return Paths(self.region, self.hand, self.scale, self.tolerance, self.factors, self.near, self._made)

    def _judge(self, slip: Slip, floor: int, singles: list[Any], scaled: list[Any]) -> None:
        """Does a slip explain the array? Without an answer where the budget is down to `floor`."""
        made = self._made(slip.changes, floor)
        if made is None:
            return
        self.tried.append(slip)
        if self._hopeless(made):
            return
        reading = _reading(slip)
        if self.tolerance.equal(made, self.hand):
            if slip.kind in ("wrong-derivative", "wrong-point") and self._is_one(slip):
                return  # as good as left out, which is simpler
            (singles if len(reading) == 1 else scaled).append((slip.cost, reading))
        elif slip.second is None:
            for extra, cause in self._on_top(made, named=True):
                scaled.append((slip.cost + extra, (*reading, cause)))

    def _probes(self) -> list[tuple[int, int, float]]:
        """Some of the larger entries of the array: where they are, where their mirror images are, and they."""
        size = np.where(np.isfinite(self.hand), np.abs(self.hand), 0.0).ravel()
        many = int(np.count_nonzero(size))
        order = np.argsort(size)[::-1]
        places = [int(order[k]) for k in dict.fromkeys((0, 1, many // 16, many // 8, many // 4)) if k < many]
        rows, columns = self.hand.shape if self.hand.ndim == 2 else (1, 1)
        return [(k, k % columns * rows + k // columns, float(self.hand.flat[k])) for k in places]

    def _hopeless(self, made: Any) -> bool:
        """Is no multiple of an array, nor of its transpose, the array that is looked for? Few entries often tell."""
        if len(self.probes) < 2 or np.shape(made) != self.hand.shape:
            return False
        flat = made.ravel()
        first = [(float(flat[k]), x) for k, _, x in self.probes]
        mirrored = [(float(flat[k]), x) for _, k, x in self.probes]
        return self._crooked(first) and self._crooked(mirrored)

    def _crooked(self, pairs: list[tuple[float, float]]) -> bool:
        """Are the second numbers no multiple of the first, by far more than rounding?"""
        (a, x), *rest = pairs
        slack, noise = 1e4 * self.tolerance.relative, 10 * self.tolerance.most
        return any(abs(b * x - a * y) > slack * abs(a * y) + noise * (abs(x) + abs(y)) for b, y in rest)

    def _is_one(self, slip: Slip) -> bool:
        """Does the slope that stands there change nothing?"""
        edge, change = next(iter(slip.changes.items()))
        g = self.region.above[edge[0]]
        return len(slip.changes) == 1 and np.array_equal(dense(change(g)), dense(g))

    def _made(self, changes: Mapping[Edge, Change], floor: int = 0) -> Any:
        """The gradient with these changes, in the scale of the whole pass; None where they do not fit together."""
        if not self.budget.spend(self.effort, floor):
            self.ended = True
            return None
        try:
            with np.errstate(all="ignore"):
                made = self.region.run(changes)
        except (ValueError, IndexError, TypeError):
            return None
        if made is None or np.shape(made) != self.region.target.shape or np.array_equal(made, self.region.truth):
            return None
        return made * self.scale

    # The whole array

    def of_whole(self) -> Iterator[Reading]:
        """Is it the gradient times a constant, or transposed?"""
        truth = self.region.truth * self.scale
        for _, cause in self._on_top(truth):
            yield (cause,)

    def _on_top(self, made: Any, named: bool = False) -> Iterator[tuple[float, Cause]]:
        """What makes the array of `made`: a constant, after a slip one that has a name, or a transpose."""
        if np.shape(made) == self.hand.shape:
            yield from self._factor(made, named)
        if np.ndim(made) == 2 and not np.array_equal(made, made.T) and self.tolerance.equal(made.T, self.hand):
            yield 1.0, _TRANSPOSED

    def _turned_and_scaled(self) -> Iterator[tuple[float, Cause]]:
        truth = self.region.truth * self.scale
        if np.ndim(truth) == 2 and truth.T.shape == self.hand.shape and not np.array_equal(truth, truth.T):
            yield from self._factor(truth.T)

    def _factor(self, made: Any, named: bool = False) -> Iterator[tuple[float, Cause]]:
        square = float(np.vdot(made, made))
        if not square or not np.isfinite(square):
            return
        c = float(np.vdot(made, self.hand)) / square
        if not np.isfinite(c) or c == 0 or not self.tolerance.scaled(c).equal(made * c, self.hand):
            if not np.any(self.hand) and made is not None:
                yield 1.2, Cause("missing-path", None, "nothing of the gradient arrives: the array is all zeros", 0.0)
            return
        if abs(c - 1) < 1e-12 or self.tolerance.most * abs(c) > 1e-3 * float(np.max(np.abs(self.hand))):
            return  # so many times what is rounding itself could be anything
        name = self.factors.name(c, max(self.tolerance.relative, 1e-12), self.near)
        if name is None and (named or np.count_nonzero(made) < 2 or abs(c - 1) < ABOUT * self.tolerance.relative):
            return  # one number is a multiple of any other, and what is nearly the array is not it
        yield from self._worded(c, name)

    def _worded(self, c: float, name: str | None) -> Iterator[tuple[float, Cause]]:
        times = f"{c:.10g} times what it should be"
        minus = "minus " if c < 0 else ""
        if name == "":
            yield 0.6, Cause("sign", None, "the sign is turned round", c)
            return
        exact = self.tolerance.relative
        near = [n for n in summed(self.region) if abs(abs(c) * n - 1) < exact]
        for n in near:
            text = f"it is {minus}the mean over {n} where the derivative is the sum"
            yield (
                (0.9 if self.region.target.op is None else 1.4),
                Cause("mean-for-sum", self.op, text, c),
            )
        for n in (n for n in averaged(self.region) if abs(abs(c) / n - 1) < exact):
            text = f"it is {minus}the sum where the loss averages over {n}: the 1/{n} is missing"
            yield 0.9, Cause("sum-for-mean", self.op, text, c)
        where = f": {minus}{name}" if name else ", which nothing in the graph explains"
        yield (1.0 if name else 1.5), Cause("factor", None, times + where, c)

    # Shapes

    def _turned(self) -> bool:
        return self.hand.ndim == 2 and self.hand.shape == self.region.target.shape[::-1]

    def unsummed(self) -> Iterator[Reading]:
        """An array of another shape: transposed, or before a sum that is missing."""
        truth = self.region.truth * self.scale
        for _, cause in self._on_top(truth):
            yield (cause,)
        edges = self.region.into.get(self.region.target, [])
        raws = [(edge, dense(self.region.rule(edge, self.region.above[edge[0]])) * self.scale) for edge in edges]
        if len({raw.shape for _, raw in raws}) == 1 and len(raws) > 1:
            raws.append((edges[0], sum(raw for _, raw in raws)))
        for edge, raw in raws:
            if self.tolerance.equal(raw, self.hand):
                label, shape = self.clues.graph.label(self.region.target), self.region.target.shape
                text = (
                    f"its shape is {self.hand.shape}, and {label} has {shape}: a sum over what was broadcast is missing"
                )
                yield (Cause("missing-sum", _op_name(edge), text),)

    # Two slips

    def pairs(self) -> tuple[list[Reading], bool]:
        """All readings that take two slips, and whether the search was ended before all pairs were tried."""
        found: list[tuple[float, Reading]] = []
        if not self.shaped:
            return [], self.ended
        if self.budget.unexplained >= UNEXPLAINED:
            return [], True
        single = sorted((slip for slip in self.tried if slip.second is None), key=lambda slip: slip.cost)
        for one, two in combinations(single[:PAIRED], 2):
            changes = _both(self.region, one, two)
            made = None if changes is None else self._made(changes)
            if made is not None and self.tolerance.equal(made, self.hand):
                found.append((one.cost + two.cost, (*_reading(one), *_reading(two))))
        self.budget.unexplained += not found
        return _ordered(found), self.ended


def _both(region: Region, one: Slip, two: Slip) -> Mapping[Edge, Change] | None:
    """Two slips made together: at different edges, or at one edge with different arrays; None where they clash."""
    if set(one.changes).isdisjoint(two.changes):
        return {**one.changes, **two.changes}
    if set(one.changes) != set(two.changes) or not one.swaps or not two.swaps or set(one.swaps) & set(two.swaps):
        return None
    (edge,) = one.changes
    swaps = {**one.swaps, **two.swaps}
    saved = {name: swaps.get(name, value) for name, value in edge[0].saved_by_name(edge[1]).items()}
    return {edge: lambda g: region.rule(edge, swaps.get("g", g), saved.values())}


def _op_name(edge: Edge) -> str:
    op = edge[0].op
    return "" if op is None else op.name


def _reading(slip: Slip) -> Reading:
    cause = Cause(slip.kind, slip.op, slip.text)
    return (cause,) if slip.second is None else (cause, Cause(slip.second[0], slip.op, slip.second[1]))


def _ordered(found: list[tuple[float, Reading]]) -> list[Reading]:
    """The simplest first, without those that are far less simple; of those that say the same, one."""
    found = sorted(found, key=lambda item: item[0])
    chosen: dict[tuple[Any, ...], Reading] = {}
    for cost, reading in found:
        if cost <= found[0][0] + FAR:
            chosen.setdefault(tuple((c.kind, c.kind != "transposed" and c.op) for c in reading), reading)
    return list(chosen.values())
