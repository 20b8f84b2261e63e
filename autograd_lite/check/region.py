"""A part of a recorded graph that gradients flow through, as recorded or with some edges changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from autograd_lite.core import Node
from autograd_lite.ops.shape import sum_to
from autograd_lite.recorded import Edge, Recorded
from autograd_lite.sparse import RowSparse

Change = Callable[[Any], Any]  # what an edge does in place of its rule: from the gradient above to the one below


def dense(g: Any) -> Any:
    """A gradient as an array: row-sparse ones are made so."""
    return g.to_dense() if isinstance(g, RowSparse) else g


def saved_with(edge: Edge, values: Mapping[Node, Any]) -> list[Any]:
    """What the rule of an edge takes after g, with other values of some nodes."""
    node, k = edge
    op = node.op
    assert op is not None
    fixed, out = len(op.arrays) - op.variadic, []
    for name, value in zip(op.names[op.slot(k)], (node.saved or ())[k] or (), strict=True):
        if name == "y":
            out.append(values.get(node, value))
        elif name not in op.arrays:
            out.append(value)
        elif op.variadic and name == op.arrays[-1]:
            pairs = zip(node.parents[fixed:], value, strict=True)
            out.append(tuple(v if p is None else values.get(p, v) for p, v in pairs))
        else:
            parent = node.parents[op.arrays.index(name)]
            out.append(value if parent is None else values.get(parent, value))
    return out


class Region:
    """What lies between a tensor and the tensors above it whose gradients are given: `sources`.

    `run` lets the gradients flow through it, with some edges changed. `edges` are its edges, nearest the loss first.
    """

    def __init__(self, graph: Recorded, target: Node, given: Mapping[Node, Any]) -> None:
        self.graph, self.target = graph, target
        inside, todo = {target}, [target]
        for node in todo:  # grows while it is walked
            for child, _ in graph.consumers[node] if node is target or node not in given else ():
                if child not in inside:
                    inside.add(child)
                    todo.append(child)
        self.sources = {node: given[node] for node in inside if node in given and node is not target}
        if target is graph.root:
            self.sources[target] = given[target]
        self.nodes = [n for n in graph.order if n in inside and n is not target]
        self.edges: list[Edge] = [
            (n, k)
            for n in self.nodes
            for k, p in enumerate(n.parents)
            if p is not None and p in inside and (p is target or p not in given)
        ]
        self.places = {node: i for i, node in enumerate(self.nodes)}
        self.of: dict[Node, list[Edge]] = {}
        self.into: dict[Node, list[Edge]] = {}
        for edge in self.edges:
            self.into.setdefault(self.below(edge), []).append(edge)
            self.of.setdefault(edge[0], []).append(edge)
        self.above: dict[Node, Any] = {}  # the gradient of each node, as recorded
        self.results: dict[Edge, Any] = {}  # what each edge gives, as recorded
        self.truth = dense(self._flow({}, self.above, self.results))

    @staticmethod
    def below(edge: Edge) -> Node:
        """The tensor that an edge leads to."""
        parent = edge[0].parents[edge[1]]
        assert parent is not None
        return parent

    def rule(self, edge: Edge, g: Any, saved: Iterable[Any] | None = None) -> Any:
        """The recorded derivative, on any gradient, and if wanted on other arrays; the shape may be broadcast yet."""
        node, k = edge
        assert node.op is not None
        assert node.saved is not None
        rule = node.op.rules[node.op.slot(k)]
        assert rule is not None
        return rule(dense(g), *(node.saved[k] or () if saved is None else saved))

    def fitted(self, edge: Edge, result: Any) -> Any:
        """The edge law: a gradient has its tensor's shape, summed over what was broadcast."""
        shape = self.below(edge).shape
        return result if result.shape == shape else sum_to(np.asarray(dense(result)), shape=shape)

    def run(self, changes: Mapping[Edge, Change], sources: Mapping[Node, Any] | None = None) -> Any:
        """The target's gradient with these edges changed, or with other gradients of the sources."""
        if sources is not None:
            return dense(self._flow(changes, {}, {}, sources))
        return dense(self._flow(changes, dict(self.above), dict(self.results)))

    def _flow(
        self,
        changes: Mapping[Edge, Change],
        above: dict[Node, Any],
        results: dict[Edge, Any],
        sources: Mapping[Node, Any] | None = None,
    ) -> Any:
        """One walk: children come before parents, so a node's gradient is complete when it is reached."""
        begin, moved = (0, set(self.nodes)) if not results else (self._first(changes), set[Node]())
        changed = {node for node, _ in changes}
        for node in self.nodes[begin:]:
            if node not in moved and node not in changed:
                continue
            if node in self.sources:
                above[node] = (sources or self.sources)[node]
            elif node in moved:
                above[node] = _sum(results[edge] for edge in self.into[node])
            for edge in self.of.get(node, ()):
                if edge in changes:
                    result = changes[edge](above[node])
                elif node in moved:
                    result = self.rule(edge, above[node])
                else:
                    continue
                results[edge] = self.fitted(edge, result)
                moved.add(self.below(edge))
        if self.target in self.sources:
            return (sources or self.sources)[self.target]
        return _sum(results[edge] for edge in self.into[self.target])

    def _first(self, changes: Mapping[Edge, Change]) -> int:
        """The place of the first node of which something is changed: before it all is as recorded."""
        return min((self.places[node] for node, _ in changes if node in self.places), default=len(self.nodes))


def _sum(results: Iterable[Any]) -> Any:
    total: Any = None
    for result in results:
        total = result if total is None else total + result
    return total
