"""A recorded graph, read: who uses a tensor, what its values were, and constants that no rule kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.core import GraphError, Node, Op
from autograd_lite.graph import reach, refuse_unusable
from autograd_lite.memory import Array, name_of
from autograd_lite.ops import elementwise
from autograd_lite.ops.fused import hidden_outputs

Edge = tuple[Node, int]  # an op's node, and which of its arguments


def kept(node: Node) -> Iterator[tuple[int | None, Any]]:
    """What an op's node keeps: an argument's place and its array or number, or None and the output."""
    for k, parent in enumerate(node.parents):
        if parent is None and node.saved is not None and node.saved[k]:
            yield k, node.saved[k][0]  # type: ignore[index]
        for name, value in () if parent is None else node.saved_by_name(k).items():
            if name == "y":
                if value is not None:
                    yield None, value
            elif node.op is not None and name in node.op.arrays:
                at = node.op.arrays.index(name)
                many = node.op.variadic and at == len(node.op.arrays) - 1
                yield from ((at + i, array) for i, array in enumerate(value if many else [value]))


def held(node: Node) -> Array | None:
    """The array of a leaf or a named result whose tensor somebody still holds."""
    tensor = None if node.notes is None or node.notes.holder is None else node.notes.holder()
    if tensor is None or tensor.node is not node or tensor.shape != node.shape:
        return None
    return tensor.data


_E: Any = elementwise  # Any: type checkers do not see that what `ufunc` makes has an `op`
_undone: dict[Op, Callable[[int, Any, Any], Any]] = {  # argument k, from the other one and the result
    _E.add.op: lambda k, other, y: y - other,
    _E.subtract.op: lambda k, other, y: other - y if k else y + other,
    _E.divide.op: lambda k, other, y: other / y if k else y * other,
}


def undone(node: Node, k: int, other: Any, y: Any) -> Any:
    """Argument k of an op with two, from the other one and the result: to rounding, in the result's shape; or None.

    No rule of a sum needs its terms, so that a target that is subtracted is kept nowhere.
    """
    undo = None if node.op is None else _undone.get(node.op)
    if undo is None or other is None or y is None:
        return None
    with np.errstate(all="ignore"):
        return undo(k, other, y)


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
        for node in self.order:
            for k, array in kept(node):
                if k is None:
                    self.values[node] = array
                    continue
                self.arguments[node, k] = array
                parent = node.parents[k]
                if parent is not None:
                    self.values.setdefault(parent, array)

    def _recompute(self) -> None:
        """Values that no rule keeps: of tensors that somebody still holds, else computed again."""
        for node in reversed(self.order):
            if node not in self.values:
                array = held(node)
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
        leaves = [p.name for p in node.parents if p is not None and p.op is None and p.name is not None]
        given = f" with {' and '.join(dict.fromkeys(leaves))}" if leaves else ""
        return f"the result of {node.op.name}{given}, of shape {node.shape}"

    def constant(self, node: Node, k: int) -> str:
        """What messages call an argument that requires no gradient: its name, else what takes it, and with what."""
        array, op = self.arguments.get((node, k)), node.op
        name = name_of(array) if isinstance(array, np.ndarray) else None
        if name is not None or op is None:
            return name or "a constant"
        argument = op.arrays[op.slot(k)]
        others = [parent.name for parent in node.parents if parent is not None and parent.name is not None]
        what = argument if len(argument) > 1 else "constant"
        return f"the {what} that {op.name} takes" + (f" with {' and '.join(others)}" if others else "")

    def all_values(self) -> Iterator[Value]:
        """Every array that is known, each once: tensors, constants, and what fused ops compute on the way."""
        seen = set[int]()
        for node in reversed(self.order):
            for k in range(len(node.parents)):
                array = self.arguments.get((node, k))
                if node.parents[k] is None and isinstance(array, np.ndarray) and id(array) not in seen:
                    seen.add(id(array))
                    yield Value(array, self.constant(node, k), None, node.seq)
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
