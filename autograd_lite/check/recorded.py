"""A recorded graph, read backwards and forwards: consumers, values, and parts of it that gradients flow through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.core import GraphError, Node
from autograd_lite.graph import reach, refuse_unusable
from autograd_lite.memory import Array, name_of
from autograd_lite.ops.fused import hidden_outputs
from autograd_lite.ops.shape import sum_to
from autograd_lite.sparse import RowSparse

Edge = tuple[Node, int]  # an op's node, and which of its arguments
Change = Callable[[Any], Any]  # what an edge does in place of its rule: from the gradient above to the one below


def dense(g: Any) -> Any:
    """A gradient as an array: row-sparse ones are made so."""
    return g.to_dense() if isinstance(g, RowSparse) else g


@dataclass(frozen=True, eq=False)
class Value:
    """An array of the graph: a tensor's (`node`), a constant's, or what a fused op computes on the way.

    `seq` is where in the order of the ops it is found.
    """

    array: Array
    label: str
    node: Node | None = None
    seq: int = 0


class Recorded:
    """The graph under a loss. `order` has the loss first; `consumers` are the edges by which a tensor is used.

    Raises GraphError where the graph was freed, or what it saved was changed in place.
    """

    def __init__(self, root: Node) -> None:
        self.root, self.order = root, reach([root])
        refuse_unusable(self.order)
        self.consumers: dict[Node, list[Edge]] = {node: [] for node in self.order}
        for node in self.order:
            for k, parent in enumerate(node.parents):
                if parent is not None:
                    self.consumers[parent].append((node, k))
        self.arguments: dict[Edge, Any] = {}  # what is known of what each op was given
        self.values: dict[Node, Array] = {}
        self._read_saved()
        self._recompute()
        self._refuse_changed()

    def _read_saved(self) -> None:
        """Rules keep what they need: outputs, and arguments, which are the values of other nodes or constants."""
        for node in self.order:
            for k, parent in enumerate(node.parents):
                for name, value in () if parent is None else node.saved_by_name(k).items():
                    if name == "y":
                        self.values[node] = value
                    elif node.op is not None and name in node.op.arrays:
                        at = node.op.arrays.index(name)
                        many = node.op.variadic and at == len(node.op.arrays) - 1
                        for i, array in enumerate(value) if many else [(0, value)]:
                            self._argue(node, at + i, array)

    def _argue(self, node: Node, k: int, array: Any) -> None:
        self.arguments[node, k] = array
        parent = node.parents[k]
        if parent is not None:
            self.values.setdefault(parent, array)

    def _recompute(self) -> None:
        """Values that no rule keeps: of tensors that somebody still holds, else computed again."""
        for node in reversed(self.order):
            if node not in self.values:
                array = _held(node)
                array = self._computed(node) if array is None else array
                if array is not None:
                    self.values[node] = array
            for edge in self.consumers[node] if node in self.values else ():
                self.arguments.setdefault(edge, self.values[node])

    def _computed(self, node: Node) -> Array | None:
        known = [self.arguments.get((node, k)) for k in range(len(node.parents))]
        if node.op is None or any(array is None for array in known):
            return None
        with np.errstate(all="ignore"):
            array = np.asarray(node.op.forward(*known, **node.attrs))
        return array if array.shape == node.shape else None

    def _refuse_changed(self) -> None:
        """Raise GraphError where an op would make something else of its arguments now: one was written into."""
        for node in self.order:
            given = [self.arguments.get((node, k)) for k in range(len(node.parents))]
            if node.op is None or node not in self.values or any(array is None for array in given):
                continue
            with np.errstate(all="ignore"):
                again = np.asarray(node.op.forward(*given, **node.attrs))
                value = np.asarray(self.values[node])
                same = again.shape == value.shape and _about(again, value)
            if not same:
                names = [self.label(p) for p in node.parents if p is not None]
                raise GraphError(
                    f"{self.label(node)} is not what {node.op.name} makes of {' and '.join(names)} now: one of them "
                    "was written into (through .data, or its array) after the forward pass. Check before the update, "
                    "or compute the loss anew"
                )

    def label(self, node: Node) -> str:
        """What messages call a tensor."""
        if node.name is not None:
            return node.name
        if node.op is None:
            return f"the leaf of shape {node.shape}"
        return f"the result of {node.op.name}, of shape {node.shape}"

    def all_values(self) -> Iterator[Value]:
        """Every array that is known, each once: tensors, constants, and what fused ops compute on the way."""
        seen = set[int]()
        for node in reversed(self.order):
            for k in range(len(node.parents)):
                array = self.arguments.get((node, k))
                if node.parents[k] is None and isinstance(array, np.ndarray) and id(array) not in seen:
                    seen.add(id(array))
                    label = name_of(array) or f"argument {_argument(node, k)} of {node.op and node.op.name}"
                    yield Value(array, label, None, node.seq)
            if node in self.values and id(self.values[node]) not in seen:
                seen.add(id(self.values[node]))
                yield Value(self.values[node], self.label(node), node, node.seq)
            yield from self._hidden(node)

    def _hidden(self, node: Node) -> Iterator[Value]:
        function = None if node.op is None else hidden_outputs.get(node.op)
        x = self.arguments.get((node, 0))
        if function is not None and x is not None:
            of = self.label(node.parents[0]) if node.parents[0] is not None else "the logits"
            yield Value(np.asarray(function(x)), f"{function.__name__}({of})", node, node.seq)


def _about(a: Array, b: Array) -> bool:
    """Are two arrays the same, but for how their sums were added up? What is not finite is not compared."""
    finite = np.isfinite(a) & np.isfinite(b)
    size = np.where(finite, np.abs(b), 0.0)
    slack = 1e4 * float(np.finfo(b.dtype).eps if b.dtype.kind == "f" else 0) * (size + np.max(size, initial=0.0))
    return bool(np.all((np.abs(a - b) <= slack) | ~finite))


def _argument(node: Node, k: int) -> str:
    return node.op.arrays[node.op.slot(k)] if node.op is not None else str(k)


def _held(node: Node) -> Array | None:
    tensor = None if node.notes is None or node.notes.holder is None else node.notes.holder()
    if tensor is None or tensor.node is not node or tensor.shape != node.shape:
        return None
    return tensor.data


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
        moved = set() if results else set(self.nodes)
        for node in self.nodes:
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


def _sum(results: Iterable[Any]) -> Any:
    total: Any = None
    for result in results:
        total = result if total is None else total + result
    return total
