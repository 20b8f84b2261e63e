"""The values of a recorded graph as NumPy text: names, or how they are computed from what has names."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_lite import memory
from autograd_lite.core import Node, Op
from autograd_lite.derive.numpy_ops import Call, formula_of
from autograd_lite.derive.numpy_shapes import reshaped
from autograd_lite.derive.numpy_text import CHOICE, ONE, ZERO, Formula, Unprintable, atom, negative, number, plus
from autograd_lite.memory import Array, name_of
from autograd_lite.ops import elementwise
from autograd_lite.recorded import Edge, Recorded

INDEX = 8  # entries of an index that is written out
UNNAMED = 24  # intermediates without a name that are written out
CANDIDATES = 64  # named constants that are tried in an operand's place
RESERVED = {"np", "softmax", "sigmoid"}


def identifier(name: str) -> str:
    """A name as Python can have it: "W.1" is W_1."""
    text = _plain(name)
    return f"{text}_" if keyword.iskeyword(text) or text in RESERVED else text


def delta_name(name: str) -> str:
    """What the delta of a tensor is called."""
    return f"{_plain(name)}_delta"


def _plain(name: str) -> str:
    text = re.sub(r"\W", "_", name)
    text = f"_{text}" if not text or text[0].isdigit() else text
    if not text.isidentifier():
        raise Unprintable(f"the name {name!r}")
    return text


class Values:
    """The arrays of a recorded graph as formulas: names, or how they are computed from what has names."""

    def __init__(self, graph: Recorded) -> None:
        self.graph = graph
        self.bound: dict[str, list[Array]] = {}  # what each name in a line may stand for
        self._found: dict[Edge, Any] = {}  # operands that no rule kept
        self._known: dict[Node, Formula | None] = {}
        self._constants: list[tuple[str, Array]] | None = None

    def bind(self, text: str, array: Any, constant: bool = False) -> Formula:
        """A name for an array."""
        raw = np.asarray(array)
        if not any(raw is a for a in self.bound.setdefault(text, [])):
            self.bound[text].append(raw)
        return atom(text, raw.shape, constant=constant)

    def of(self, node: Node) -> Formula:
        """A tensor's value. Raises Unprintable where it cannot be written."""
        todo = [node]
        while todo and node not in self._known:
            top = todo[-1]
            waiting = [p for p in top.parents if p is not None and p not in self._known] if not top.name else []
            if waiting and len(todo) + len(self._known) < UNNAMED:
                todo += waiting
            else:
                self._known.setdefault(top, self._formula(top))
                todo.pop()
        return _known(self._known[node])

    def _formula(self, node: Node) -> Formula | None:
        if node.name is not None and node in self.graph.values:
            return self.bind(identifier(node.name), self.graph.values[node])
        if node.op is None or node.op.variadic:
            return None
        shapes = [p.shape if p is not None else np.shape(self._argument(node, k)) for k, p in enumerate(node.parents)]
        arguments = [self._argued(node, k) for k in range(len(node.parents))]
        made = Call(node.op, arguments, shapes, node.attrs, node.shape, self._value(node))
        try:
            return formula_of(made)
        except Unprintable:
            return None

    def _argument(self, node: Node, k: int) -> Any:
        """A constant operand. One that no rule kept is found by what the op made of it; 0.0 if it is not."""
        if (node, k) in self.graph.arguments:
            return self.graph.arguments[node, k]
        if (node, k) not in self._found and node.op in _undone:
            value, other = self._value(node), self.graph.arguments.get((node, 1 - k))
            candidates = () if value is None or other is None else _candidates(node.op, k, other, value)
            found = [c for c in candidates if _fits(node.op, k, other, c, value)]
            named = [c for c in found if isinstance(c, np.ndarray)]
            if found and len(named) < 2:  # which of several with the same numbers it was, nobody knows
                self._found[node, k] = found[0]
        return self._found.get((node, k), 0.0)

    def _value(self, node: Node) -> Array | None:
        """A tensor's array; of one that `where` takes everywhere, what `where` gave."""
        for child, k in () if node in self.graph.values else self.graph.consumers[node]:
            everywhere = k and child.op is _where and np.all(self.graph.arguments.get((child, 0)) == (k == 1))
            if everywhere and child in self.graph.values:
                return self.graph.values[child]
        return self.graph.values.get(node)

    def _argued(self, node: Node, k: int) -> Callable[[], Formula]:
        parent = node.parents[k]
        if parent is not None:
            return lambda: _known(self._known.get(parent))
        if (node, k) not in self.graph.arguments and (node, k) not in self._found:
            return lambda: _known(None)
        return lambda: self.constant(self._argument(node, k))

    def constant(self, array: Any) -> Formula:
        """A constant: its name, or its number. Raises Unprintable for an array that has neither."""
        raw = np.asarray(array)
        name = name_of(array) if isinstance(array, np.ndarray) else None
        if name is not None:
            return self.bind(identifier(name), raw, constant=True)
        if raw.ndim == 0 or (raw.size == 1 and raw.dtype.kind == "f"):
            return number(raw.reshape(())[()])
        for text, other in self._named_constants():
            if other.size == raw.size and np.array_equal(other.reshape(raw.shape), raw):
                return reshaped(self.bind(text, other, constant=True), other.shape, raw.shape)
            if other.shape == raw.shape and np.array_equal(1 - other, raw):
                return plus(ONE, negative(self.bind(text, other, constant=True)))
        if raw.dtype.kind == "b":
            return self._condition(raw)
        if raw.dtype.kind in "iu" and raw.size and max(raw.shape) == raw.size:
            return _index(raw)
        if raw.size and (raw == raw.flat[0]).all() and raw.flat[0] in {0, 1}:
            return number(raw.flat[0])
        raise Unprintable("a constant without a name")

    def _condition(self, raw: Array) -> Formula:
        """A mask: everywhere, nowhere, or where something that has a name is positive."""
        if raw.size and (raw == raw.flat[0]).all():
            return ONE if raw.flat[0] else ZERO
        for node, value in sorted(self.graph.values.items(), key=lambda item: item[0].seq):
            if node.name is not None and value.shape == raw.shape and np.array_equal(value > 0, raw):
                return atom(f"{self.of(node).text} > 0", raw.shape, level=CHOICE)
        raise Unprintable("a mask without a name")

    def _named_constants(self) -> list[tuple[str, Array]]:
        if self._constants is None:
            edges = ((n, k) for n in self.graph.order for k, p in enumerate(n.parents) if p is None)
            arrays = {id(a): a for a in (self.graph.arguments.get(e) for e in edges) if isinstance(a, np.ndarray)}
            named = ((name_of(a), a) for a in arrays.values() if a.dtype.kind in "fiu")
            self._constants = [(identifier(n), a) for n, a in named if n is not None]
        return self._constants


def _candidates(op: Op | None, k: int, other: Array, value: Array) -> Iterator[Any]:
    """What a lost operand may have been: an array with a name, or a number."""
    alive = [reference() for reference, _ in list(memory._names.values())[: -CANDIDATES - 1 : -1]]
    yield from (array for array in alive if array is not None and array.ndim <= value.ndim)
    if value.size:
        with np.errstate(all="ignore"):
            first = float(np.ravel(_undone[op](k, other, value))[0])
        yield float(f"{first:.{12 if value.dtype.itemsize > 4 else 6}g}")


def _fits(op: Op | None, k: int, other: Any, candidate: Any, value: Any) -> bool:
    assert op is not None
    try:
        if np.broadcast_shapes(np.shape(candidate), np.shape(other)) != value.shape:
            return False
    except ValueError:
        return False
    with np.errstate(all="ignore"):
        made = np.asarray(op.forward(other, candidate) if k else op.forward(candidate, other))
    near = 8 * float(np.finfo(value.dtype).eps)
    return np.allclose(made, value, rtol=near, atol=near * float(np.abs(value).max()))


_E: Any = elementwise
_where: Op = _E.where.op
_undone: dict[Op | None, Callable[[int, Any, Any], Any]] = {  # operand k, from the other one and the result
    _E.add.op: lambda k, other, y: y - other,
    _E.subtract.op: lambda k, other, y: other - y if k else y + other,
    _E.divide.op: lambda k, other, y: other / y if k else y * other,
}


def _known(formula: Formula | None) -> Formula:
    if formula is None:
        raise Unprintable("a value that cannot be written")
    return formula


def _index(raw: Array) -> Formula:
    """A short vector of integers, written out."""
    flat = raw.reshape(-1)
    if flat.size > 1 and np.array_equal(flat, np.arange(flat.size)):
        vector = atom(f"np.arange({flat.size})", flat.shape, constant=True)
    elif flat.size <= INDEX:
        vector = atom(f"np.array({flat.tolist()})", flat.shape, constant=True)
    else:
        raise Unprintable("an index without a name")
    return reshaped(vector, flat.shape, raw.shape)
