"""Where several ops use a tensor: which of their contributions to its gradient are missing or multiplied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from autograd_lite.check.cause import Cause, Reading
from autograd_lite.check.factors import Factors, Known
from autograd_lite.check.region import Change, Region, dense
from autograd_lite.check.rounding import Tolerance
from autograd_lite.check.slips import nothing
from autograd_lite.core import Node
from autograd_lite.memory import Array
from autograd_lite.recorded import Edge

PATHS = 40  # contributions to one gradient of which the shares are solved for
SHOWN = 4  # ways that are named
Ways = dict[Node, list[Edge]]  # the ops that use a tensor, nearest the loss first, each with its edges to it
Found = tuple[float, Reading]


@dataclass(frozen=True, eq=False)
class Paths:
    """The contributions to the gradients of a region, held against the array `hand`."""

    region: Region
    hand: Array
    scale: float
    tolerance: Tolerance
    factors: Factors
    near: list[Known]
    made: Callable[[Mapping[Edge, Change]], Any]  # the target's gradient with some edges changed

    def found(self) -> Iterator[Found]:
        """What is wrong with the contributions, wherever there are several."""
        for below, edges in self.region.into.items():
            ways: Ways = {}
            for edge in edges:
                ways.setdefault(edge[0], []).append(edge)
            if len(ways) > 1:
                partial = list(self._stretch(ways)) if below is self.region.target else []
                yield from partial or self._shares(ways)

    def _stretch(self, ways: Ways) -> Iterator[Found]:
        """Does one contribution alone count, or only those up to some step, or from some step on?"""
        nodes = list(ways)
        for kept, made in self._some(ways):
            if np.any(made) and self.tolerance.equal(made, self.hand):
                yield 1.3, (self._share([node for node in nodes if node not in nodes[kept]], 0.0, ways),)
                return

    def _some(self, ways: Ways) -> Iterator[tuple[slice, Any]]:
        """One contribution alone, the first ones added up, the last ones added up."""
        nodes = list(ways)

        def parts(order: Iterable[Node]) -> Iterator[Any]:
            return (self.scale * sum(dense(self.region.results[edge]) for edge in ways[node]) for node in order)

        yield from ((slice(i, i + 1), part) for i, part in enumerate(parts(nodes)))
        yield from ((slice(0, i), total) for i, total in enumerate(accumulate(parts(nodes[:-1])), 1))
        yield from ((slice(-i, None), total) for i, total in enumerate(accumulate(parts(nodes[:0:-1])), 1))

    def _shares(self, ways: Ways) -> Iterator[Found]:
        """How much of each contribution there is, by least squares; exact, or no finding."""
        if len(ways) > PATHS:
            return
        whole = self.region.truth * self.scale
        made = [self.made({edge: nothing(edge) for edge in edges}) for edges in ways.values()]
        known = [(node, whole - m) for node, m in zip(ways, made, strict=True) if m is not None]
        rest = np.ravel(self.hand - whole)
        if not known or rest.size < len(known) or not np.isfinite(rest).all():
            return
        columns = np.stack([np.ravel(part) for _, part in known], axis=1)
        sizes = np.linalg.norm(columns, axis=0)
        if np.linalg.matrix_rank(columns / sizes) < len(known):
            return
        shares = np.linalg.lstsq(columns / sizes, rest, rcond=None)[0] / sizes
        if not self.tolerance.equal(np.reshape(np.ravel(whole) + columns @ shares, np.shape(whole)), self.hand):
            return
        digits = 9 if self.tolerance.relative < 1e-6 else 3
        counted = [(node, round(float(c), digits)) for (node, _), c in zip(known, shares + 1, strict=True)]
        odd = [(node, c) for node, c in counted if abs(c - 1) > 100 * self.tolerance.relative]
        factors = {c for _, c in odd}
        if not odd or (len(odd) == len(known) == len(ways) and len(factors) == 1):
            return  # a multiple of the whole
        if len(factors) == 1:
            yield 1.3, (self._share([node for node, _ in odd], factors.pop(), ways),)
        elif len(odd) == 2:
            yield 3.0, tuple(self._share([node], c, ways) for node, c in odd)

    def _share(self, nodes: list[Node], c: float, ways: Ways) -> Cause:
        label = self.region.graph.label
        ops = ", ".join(dict.fromkeys(node.op.name for node in nodes if node.op is not None))
        through = ", ".join(label(node) for node in nodes[:SHOWN]) + (", ..." if len(nodes) > SHOWN else "")
        tensor = label(Region.below(ways[nodes[0]][0]))
        if c == 0:
            return Cause("missing-path", ops, self._missing(nodes, ways, tensor, through), 0.0)
        if c == -1:
            return Cause("sign", ops, f"the sign of what comes to {tensor} through {through} is turned round", -1.0)
        name = self.factors.name(c, self.tolerance.relative, self.near)
        where = f" ({name})" if name else ""
        return Cause("factor", ops, f"what comes to {tensor} through {through} is {c:.10g} times{where} what it is", c)

    def _missing(self, nodes: list[Node], ways: Ways, tensor: str, through: str) -> str:
        """What is missing, or, where that is most, what is left."""
        kept = [node for node in ways if node not in nodes]
        first, last = (self.region.graph.label(kept[i]) for i in (0, -1))
        if len(kept) == 1 and Region.below(ways[kept[0]][0]).op is None:
            return f"only what comes through {first} counts: what = overwrites, += adds up"
        if len(kept) > 1 and len(nodes) > SHOWN:
            return (
                f"of the {len(ways)} ways in which {tensor} acts on the loss only {len(kept)} count: {first} to {last}"
            )
        return f"{len(nodes)} of the {len(ways)} ways in which {tensor} acts on the loss are missing: {through}"
