"""The forward pass of a recorded graph as lines of NumPy code, and the arrays that go into them."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from autograd_lite.core import Node, Op, Tensor
from autograd_lite.derive.codes import literal, numpy_style
from autograd_lite.derive.lines import CANDIDATES, Constants, Lines, fits
from autograd_lite.derive.names import Names, missing, operands
from autograd_lite.derive.numpy_ops import Call, formula_of
from autograd_lite.derive.numpy_text import ATOM, NEGATIVE, Formula, Unprintable, atom, number
from autograd_lite.derive.pieces import Piece
from autograd_lite.derive.statement import WIDTH
from autograd_lite.memory import Array, name_of
from autograd_lite.ops import conv, elementwise, fused, index, linalg, picking, shape
from autograd_lite.ops.index import _filled
from autograd_lite.recorded import Recorded, held, undone

SHORT = 32  # characters of a value that is written out again


class Recovered(Constants):
    """Constants of a graph; one that no rule kept and that has no name is worked out from what the op made of it."""

    def __init__(self, recorded: Recorded, order: Sequence[Node], root: Tensor, names: Names) -> None:
        super().__init__(order, root, names)
        self.recorded, self.found, self.lost = recorded, dict[tuple[Node, int], Any](), list[tuple[Node, int]]()
        given = (v for n in order for v in (operands(n) if None in n.parents else ()))
        constants = {id(v): v for v in given if isinstance(v, np.ndarray) and v.size > 1 and v.dtype.kind == "f"}
        self._given = [*self._given, *list(constants.values())[:CANDIDATES]]

    def find(self, node: Node, k: int, others: Sequence[Any]) -> Any:
        """Operand k of an op: an array or a number. Zeros stand for one that is lost."""
        if (node, k) not in self.found:
            value = self._named(node, k, others)
            value = super().find(node, k, others) if value is None else value
            value = self._again(node, k, others) if value is missing else value
            if value is None:
                self.lost.append((node, k))
                value = np.zeros(self._size(node, k), node.dtype)
            if isinstance(value, np.ndarray) and value.ndim and (node, k) in self.names.places:
                self.names.guess_array(value, self.names.places[node, k])
            self.found[node, k] = value
        return self.found[node, k]

    def _named(self, node: Node, k: int, others: Sequence[Any]) -> Any:
        """The one array with a name that has the shape of the result, and may be the operand."""
        y = self._value(node) if len(others) == 2 and node.shape else None
        other = others[1 - k] if len(others) == 2 else missing
        other = self._value(other) if isinstance(other, Node) else other
        if y is None or other is None or other is missing:
            return None
        alike = [c for c in (*self._given, *self._alive) if c.shape == node.shape and fits(node, k, other, c, y)]
        return alike[0] if len({id(c) for c in alike}) == 1 else None

    def largest(self, node: Node, k: int, value: Any) -> int | None:
        """Of the windows that are pooled."""
        windows = node.parents[0] if node.op is _pick and k else None
        x = None if windows is None or windows.op is not _unfold else self.recorded.values.get(windows)
        if x is None or not isinstance(value, np.ndarray) or value.shape != (len(x), 1, *x.shape[2:]):
            return None
        return 1 if np.array_equal(value, np.argmax(x, axis=1, keepdims=True)) else None

    def _again(self, node: Node, k: int, others: Sequence[Any]) -> Any:
        y = self.recorded.values.get(node)
        given: list[Any] = [self.recorded.values.get(o) if isinstance(o, Node) else o for o in others]
        if y is None or node.op is None:
            return None
        if node.op is _where:
            return y
        if node.op is _cat:
            ends = np.cumsum([0, *(shape_[node.attrs["dim"]] for shape_ in self._shapes(node))])
            return np.take(y, range(ends[k], ends[k + 1]), axis=node.attrs["dim"])
        if any(g is None for i, g in enumerate(given) if i != k):
            return None
        if node.op is _put_at:
            return y if k == 0 else y[_filled(node.attrs["form"], tuple(given[2:]))]
        if node.op is _affine and k == 2:
            return np.mean(y - given[0] @ given[1].T, axis=tuple(range(y.ndim - 1)), dtype=y.dtype)
        return undone(node, k, given[1 - k], y) if len(given) == 2 else None

    @staticmethod
    def _shapes(node: Node) -> Sequence[tuple[int, ...]]:
        known = next(k for k, p in enumerate(node.parents) if p is not None)
        shapes: Sequence[tuple[int, ...]] = node.saved_by_name(known)["xs_shape"]
        return shapes

    def _size(self, node: Node, k: int) -> tuple[int, ...]:
        if node.op is _put_at and k == 1:
            return ()
        return self._shapes(node)[k] if node.op is _cat else node.shape


class Forward:
    """The lines of a forward pass, in which the nodes of `lined` have names, and what goes in: `inputs`, by name."""

    def __init__(self, root: Tensor, recorded: Recorded, constants: Recovered, lined: Container[Node]) -> None:
        self.root, self.recorded, self.lined = root, recorded, lined
        self.mixed = any(n.dtype != np.float64 for n in recorded.order)
        style = replace(numpy_style, number=self.number, width=WIDTH)
        self.lines = Lines(root, constants.names, style, lined=lined, constants=constants, by_age=True)
        self.text = [f"{line.left.plain} = {line.right.plain}" for line in self.lines.write()]
        self.constants = constants

    def number(self, value: Any) -> Piece:
        """A constant of one element; where floats of several precisions meet, with its dtype."""
        kind = value.dtype if isinstance(value, np.generic | np.ndarray) else None
        if self.mixed and kind is not None and not np.ndim(value) and kind.kind == "f":
            return Piece(f"np.{kind}({literal(value).plain})")
        return literal(value)

    def inputs(self) -> dict[str, Array]:
        """What the code starts from: leaves and constants."""
        found: dict[str, Array] = {}
        for node in self.lines.order:
            if node.op is None:
                array = held(node)
                array = self.recorded.values.get(node) if array is None else array
                found[self.lines.own[node]] = np.zeros(node.shape, node.dtype) if array is None else array
        constants = self.lines.of_arrays.values()
        return found | {name: np.asarray(value) for name, value in constants if name not in self.lines.computed}

    def name(self, node: Node) -> str | None:
        """What a tensor is called, if it has a line."""
        return self.lines.own.get(node)


class Known:
    """The values of a graph as formulas, by the names that a forward pass has for them.

    A short one without a name is written out; `needed` are those that should have a line. With `strict` all should.
    """

    def __init__(self, forward: Forward) -> None:
        self.forward, self.strict = forward, False
        self.needed: set[Node] = set()

    def of(self, node: Node) -> Formula:
        """A tensor's value."""
        name = self.forward.name(node)
        if name is not None:
            return atom(name, node.shape)
        short = None if self.strict else self._short(node)
        if short is None:
            self.needed.add(node)
            return atom(f"unnamed_{node.seq}", node.shape)
        return short

    def _short(self, node: Node, depth: int = 2) -> Formula | None:
        if node.op is None or node.op not in _cheap:
            return None
        given = self.forward.recorded.arguments
        parts: list[Formula | None] = []
        for k, parent in enumerate(node.parents):
            if parent is None:
                parts.append(self.constant(given[node, k]) if (node, k) in given else self._found(node, k))
            elif self.forward.name(parent) is not None:
                parts.append(self.of(parent))
            else:
                parts.append(self._short(parent, depth - 1) if depth else None)
        if any(part is None for part in parts):
            return None
        shapes = [p.shape if p is not None else np.shape(given.get((node, k), 0)) for k, p in enumerate(node.parents)]
        arguments = [lambda part=part: part for part in parts]
        try:
            made = formula_of(Call(node.op, arguments, shapes, node.attrs, node.shape))
            return made if made.shape == node.shape and len(made.text) <= SHORT else None
        except Unprintable:
            return None

    def _found(self, node: Node, k: int) -> Formula | None:
        value = self.forward.constants.found.get((node, k))
        return None if value is None else self.constant(value)

    def constant(self, value: Any) -> Formula:
        """A constant: its name or its number, or the name that it gets."""
        lines = self.forward.lines
        named = lines.of_arrays.get(id(value))
        if named is not None:
            return atom(named[0], np.shape(value), constant=True)
        if np.size(value) == 1 and not (isinstance(value, np.ndarray) and name_of(value)):
            if not self.strict and np.ndim(value) == 0 and not isinstance(value, np.bool_):
                return number(np.asarray(value).reshape(())[()])
            piece = self.forward.number(value)
            level = NEGATIVE if piece.level != Piece("").level else ATOM
            return atom(piece.plain, np.shape(value), level=level, constant=True)
        name = lines.fresh("c")
        lines.of_arrays[id(value)] = name, value
        lines.unnamed.append((name, f"{np.shape(value)}, an array that a rule works with"))
        return atom(name, np.shape(value), constant=True)


_E: Any = elementwise  # Any: type checkers do not see that what `primitive` makes has an `op`
_S: Any = shape
_I: Any = index
_F: Any = fused
_L: Any = linalg
_C: Any = conv
_P: Any = picking
_unfold: Op = _C._unfold.op
_pick: Op = _I._pick.op
_where: Op = _E.where.op
_cat: Op = _S._cat.op
_affine: Op = _L._affine.op
_put_at: Op = _P.put_at.op
_cheap: set[Op] = {
    *(call.op for call in (_E.add, _E.subtract, _E.multiply, _E.divide, _E.negative)),
    *(call.op for call in (_S._reshape, _S._permute, _S.clone, _I._slice)),
}
