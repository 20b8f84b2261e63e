"""Weights that are updated inside the loop of a backward pass, so that the rest of the pass reads new ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from typing import Any, cast

import numpy as np

from autograd_lite.check.cause import Slip
from autograd_lite.check.region import Change, Region, dense
from autograd_lite.core import Node
from autograd_lite.memory import Array
from autograd_lite.recorded import Edge, Recorded


def way_down(node: Node) -> list[Node]:
    """A tensor and what it was made of, by ops of one tensor alone, down to a leaf if they begin there."""
    way = [node]
    while way[-1].op is not None and len(way[-1].parents) == 1 and way[-1].parents[0] is not None:
        way.append(way[-1].parents[0])
    return way


def made_of(array: Array, way: Sequence[Node]) -> Array:
    """What the ops of a way make of another array, the last op first."""
    for node in reversed(way):
        assert node.op is not None
        array = np.asarray(node.op.forward(array, **node.attrs))
    return array


@dataclass(frozen=True, eq=False)
class Use:
    """An operand of an op that is a weight, or a weight reshaped by the ops of `way`, the op's own first."""

    edge: Edge  # the edge that leads to the operand
    name: str  # what the rules of the op call it
    way: tuple[Node, ...]
    weight: Node

    @property
    def entry(self) -> Edge:
        """The edge that leads to the weight itself."""
        return (self.way[-1], 0) if self.way else self.edge

    def share(self, region: Region, g: Any) -> Any:
        """The op's share of the weight's gradient."""
        for edge in (self.edge, *((node, 0) for node in self.way)):
            g = region.fitted(edge, region.rule(edge, g))
        return dense(g)


class Shares:
    """The shares of ops in the gradient of a weight, as a hand-written pass makes them: nearest the loss first."""

    def __init__(self, graph: Recorded, weight: Node, given: Mapping[Node, Any]) -> None:
        region = Region(graph, weight, given)
        entries = region.into[weight]
        self.place = {edge: place for place, edge in enumerate(entries)}
        self.parts = [dense(region.results[edge]) for edge in entries]
        self.totals = list(accumulate(self.parts, initial=np.zeros(weight.shape, weight.dtype)))
        self.sums = list(accumulate(self.totals))


class Updates:
    """The weights of a graph that several ops use, and what they become when a loop on the way back updates them.

    `given` are the gradients that the pass has: of the loss, and those written by hand.
    """

    def __init__(self, graph: Recorded, given: Mapping[Node, Any], lr: float | None) -> None:
        self.graph, self.given, self.lr = graph, given, lr
        self.known: dict[Node, Shares] = {}

    def slips(self, region: Region, times: float) -> Iterator[Slip]:
        """Those of a region. `times` makes its gradients those of the whole pass.

        An op reads a weight with or without its own share of the update, as the order of the lines in the loop has it.
        """
        read: dict[Node, list[tuple[Edge, Use]]] = {}
        for edge in region.edges if self.lr is not None else ():
            for use in self.uses(edge):
                read.setdefault(use.weight, []).append((edge, use))
        for chosen, sums in _choices(list(read)):
            moved = [
                weight for weight, own in chosen.items() if any(self._changed(use, own) for _, use in read[weight])
            ]
            for rate in (-(self.lr or 0.0), self.lr or 0.0) if moved else ():
                changes: dict[Edge, Change] = {}
                for weight in moved:
                    changes |= self._changes(region, read[weight], rate * times, chosen[weight], sums)
                listed = " and ".join(self.graph.label(weight) for weight in moved)
                text = f"{listed} had been updated inside the loop of the backward pass, which needs the old values"
                text += ", and by all that was added up so far" if sums else ""
                cost = 1.85 + 0.01 * len(moved) + 0.1 * sums
                op = next(iter(changes))[0].op
                yield Slip("stale-weights", "" if op is None else op.name, text, cost, changes)

    def uses(self, edge: Edge) -> Iterator[Use]:
        """The weights that the rule of an edge reads, of those that several ops use."""
        node, k = edge
        op = node.op
        for name, array in node.saved_by_name(k).items():
            if op is None or name not in op.arrays or not isinstance(array, np.ndarray):
                continue
            at = op.arrays.index(name)
            parent = node.parents[at]
            if at == k or parent is None:
                continue
            way = way_down(parent)
            shared = [i for i, one in enumerate(way) if len(self.graph.consumers[one]) > 1]
            if way[-1].op is None and shared and way[shared[-1]] in self.graph.values:
                yield Use((node, at), name, tuple(way[: shared[-1]]), way[shared[-1]])

    def _shares(self, weight: Node) -> Shares:
        if weight not in self.known:
            self.known[weight] = Shares(self.graph, weight, self.given)
        return self.known[weight]

    def _changed(self, use: Use, own: bool) -> bool:
        """Has the weight been updated before an op reads it?"""
        return own or self._shares(use.weight).place[use.entry] > 0

    def _changes(
        self, region: Region, read: list[tuple[Edge, Use]], rate: float, own: bool, sums: bool
    ) -> dict[Edge, Change]:
        """Each op's rule on the weight as it is by then: moved by the shares so far, or by all their `sums` so far.

        The ops of the region come in the order of the backward pass, and by how much the changed pass has made other
        shares of those before is carried along: added up, and added up times their place.
        """
        weight = read[0][1].weight
        shares, value = self._shares(weight), self.graph.values[weight]
        drift, placed, last = cast(Any, 0.0), cast(Any, 0.0), -1

        def change(edge: Edge, use: Use, first: bool) -> Change:
            place = shares.place[use.entry]

            def made(above: Any) -> Any:
                nonlocal drift, placed, last
                if first:
                    drift, placed, last = 0.0, 0.0, -1
                before = drift, placed
                if place != last:
                    other = use.share(region, above) - shares.parts[place]
                    drift, placed, last = drift + other, placed + place * other, place
                at = place + own
                more, more_placed = (drift, placed) if own else before
                moved = shares.sums[at] + at * more - more_placed if sums else shares.totals[at] + more
                saved = {**edge[0].saved_by_name(edge[1]), use.name: made_of(value + rate * moved, use.way)}
                return region.rule(edge, above, saved.values())

            return made

        return {edge: change(edge, use, i == 0) for i, (edge, use) in enumerate(read)}


def _choices(weights: list[Node]) -> Iterator[tuple[dict[Node, bool], bool]]:
    """Which weights are updated, and whether an op reads its own share: what the order of lines in a loop can make.

    All of them, all but one, one or two alone; or all of them, and the sum so far is taken off each time.
    """
    yield from ((chosen, sums) for sums in (False, True) for chosen in _orders(weights))
    for many in dict.fromkeys((1, 2, len(weights) - 1)):
        for some in combinations(weights, many) if 0 < many < len(weights) else ():
            yield from ((chosen, False) for chosen in _orders(list(some)))


def _orders(weights: list[Node]) -> Iterator[dict[Node, bool]]:
    """Those whose ops come first in the pass are updated before they are read, and the others after, or the reverse."""
    for cut in range(1, len(weights) + 1):
        for own in (False, True):
            yield {weight: own == (i < cut) for i, weight in enumerate(weights)}
