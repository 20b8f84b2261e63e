"""A recorded graph as lines.

What has a name has a line; the rest is written out in place, and what is used twice or long gets a line, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite import memory
from autograd_lite.core import GraphError, Node, Tensor
from autograd_lite.derive.labels import kind_of_array
from autograd_lite.derive.names import Names, missing, operands, walk
from autograd_lite.derive.pieces import Call, Piece
from autograd_lite.graph import refuse_unusable
from autograd_lite.ops import fused
from autograd_lite.recorded import held, kept, undone

LONGEST = 100  # characters of a formula, after which a part of it has its own line
WHOLE = 72  # characters of a formula for everything
SHORT = 12  # characters of what is written out twice
CANDIDATES = 64  # named constants that are tried in an operand's place
FOUND = 1000  # operands that are looked for
AGAIN = 32  # ops that are computed again for one of them


# Operands that no rule kept


class Constants:
    """The constants of a graph. One that no rule kept is found by what the op made of it, if it can be."""

    def __init__(self, order: Sequence[Node], root: Tensor, names: Names) -> None:
        self.order, self.root, self.names = order, root, names
        self.left = FOUND
        self._values: dict[Node, Any] | None = None
        alive = [reference() for reference, _ in list(memory._names.values())[: -CANDIDATES - 1 : -1]]
        self._given, self._alive = [a for _, a in names._of_arrays.values()], [a for a in alive if a is not None]

    def find(self, node: Node, k: int, others: Sequence[Any]) -> Any:
        """Operand k of an op, of which the others are given: an array, a number, or `missing`."""
        y = self._value(node) if self.left and len(others) == 2 else None
        if y is None or not y.size:
            return missing
        other = self._value(others[1 - k]) if isinstance(others[1 - k], Node) else others[1 - k]
        found = None if other is missing else undone(node, k, other, y)
        if found is None:
            return missing
        self.left -= 1
        with np.errstate(all="ignore"):
            guess = float(f"{float(np.ravel(found)[0]):.{12 if y.dtype.itemsize > 4 else 6}g}")
            some = (guess, *self._alive) if np.size(found) == 1 else (*self._alive, guess)
            tried = (*self._given, *some)  # of one number: rather the number than what happens to be equal to it
            return next((c for c in tried if np.ndim(c) <= y.ndim and fits(node, k, other, c, y)), missing)

    def largest(self, node: Node, k: int, value: Any) -> int | None:
        """Along which dimension of operand 0 an index says where the largest is, if that is what it is."""
        return None

    def _value(self, node: Node) -> Any:
        """A tensor's array, as far as something holds it still as it was."""
        if self._values is None:
            self._values = self._held()
        todo = [node] if self._values else []
        for _ in range(AGAIN):
            if not todo or todo[-1].op is None or todo[-1] in self._values:
                break
            given = operands(todo[-1])
            unknown = [a for a in given if isinstance(a, Node) and a not in self._values]
            if any(a is missing for a in given):
                break
            if unknown:
                todo.append(unknown[0])
                continue
            top = todo.pop()
            known = [self._values[a] if isinstance(a, Node) else a for a in given]
            self._values[top] = np.asarray(top.op.forward(*known, **top.attrs)) if top.op is not None else None
        return self._values.get(node)

    def _held(self) -> dict[Node, Any]:
        try:
            refuse_unusable(self.order)
        except GraphError:
            return {}
        known: dict[Node, Any] = {}
        for node in self.order:
            for k, array in kept(node):
                of = node if k is None else node.parents[k]
                if of is not None:
                    known.setdefault(of, array)
            array = held(node)
            if array is not None and memory.stale(array, node.seq) is None:
                known.setdefault(node, array)
        if self.root.node is not None:
            known.setdefault(self.root.node, self.root.data)
        return known


def fits(node: Node, k: int, other: Any, candidate: Any, y: Any) -> bool:
    """Could this be operand k of an op with two, from the other one and the result?"""
    assert node.op is not None
    try:
        made = np.asarray(node.op.forward(other, candidate) if k else node.op.forward(candidate, other))
    except ValueError:
        return False
    near = 8 * float(np.finfo(y.dtype).eps)
    return made.shape == y.shape and np.allclose(made, y, rtol=near, atol=near * float(np.abs(y).max()))


# Lines


@dataclass(frozen=True, slots=True)
class Line:
    """What is on either side of the sign, and how many ops the right side is made of."""

    left: Piece
    right: Piece
    ops: int


@dataclass(frozen=True, slots=True)
class Style:
    """How names, constants and ops are written."""

    identifier: Callable[[str], str]
    name: Callable[[str], Piece]
    number: Callable[[Any], Piece]
    op: Callable[[Call], Piece]
    taken: frozenset[str] = frozenset()
    width: int | None = None  # of a line, the name and the sign included


class Lines:
    """The lines of a graph in a style. With `whole`, only the result has a line. Raises TooLong where it has not.

    The nodes of `lined` have a line each, whether they have names or not. Lines stand operands first, or `by_age`, as
    they were computed.
    """

    def __init__(
        self,
        root: Tensor,
        names: Any,
        style: Style,
        whole: bool = False,
        lined: Container[Node] = (),
        constants: Constants | None = None,
        by_age: bool = False,
    ) -> None:
        assert root.node is not None
        self.root, self.style, self.whole, self.lined = root.node, style, whole, lined
        self.names = names if isinstance(names, Names) else Names(names)
        self.order = sorted(walk([root.node]), key=lambda n: n.seq) if by_age else walk([root.node])
        self.constants = constants or Constants(self.order, root, self.names)
        self.uses = Counter(p for node in self.order for p in node.parents if p is not None)
        self.taken = set(style.taken)
        self.own: dict[Node, str] = {}  # names of nodes
        self.asked: set[str] = set()  # all names that were given
        self.of_arrays: dict[int, tuple[str, Any]] = {}
        self.computed: set[str] = set()  # names of arrays that have a line
        self.pieces: dict[Node, Piece] = {}
        self.ops: Counter[Node] = Counter()  # in each piece that is written out
        self.unnamed: list[tuple[str, str]] = []  # constants and leaves that have no name, and what they are
        self.counts: Counter[str] = Counter()
        self.lines: list[Line] = []
        self._name()

    def _name(self) -> None:
        found: list[tuple[Node | None, Any, str]] = []
        for node in self.order:
            for value in operands(node) if None in node.parents else ():
                name = self.names.of_array(value) if isinstance(value, np.ndarray) else None
                found += [(None, value, name)] if name else []
            name = self.names.of_node(node)
            found += [(node, None, name)] if name else []
        self.asked = {self.style.identifier(name) for _, _, name in found}
        for node_, value, name in found:  # in the order of the graph: the first of a name has it
            if node_ is not None:
                self.own[node_] = self.unique(name)
            elif id(value) not in self.of_arrays:
                self.of_arrays[id(value)] = self.unique(name), value
        self.own.setdefault(self.root, self.unique("result"))

    def unique(self, name: str) -> str:
        """A name that nothing has, near to the one that is given."""
        base = text = self.style.identifier(name)
        while text in self.taken or (text != base and text in self.asked):
            self.counts[base] += 1
            text = f"{base}_{self.counts[base] + 1}"
        self.taken.add(text)
        return text

    def fresh(self, letter: str) -> str:
        """The next of h1, h2, ..."""
        while True:
            self.counts[letter + " "] += 1
            text = f"{letter}{self.counts[letter + ' ']}"
            if text not in self.taken and text not in self.asked:
                self.taken.add(text)
                return text

    def write(self) -> list[Line]:
        """All lines, the result's last."""
        for node in self.order:
            if node.op is None:
                self.pieces[node] = self.style.name(self.own.get(node) or self._leaf(node))
                continue
            piece = self._written(node)
            if node is self.root or (node in self.own and not self.whole):
                self._line(node, self.own[node], piece)
            elif node in self.lined or (self.uses[node] > 1 and len(piece.plain) > SHORT):
                if self.whole:
                    raise TooLong
                self._line(node, self.fresh("h"), piece)
            else:
                self.pieces[node] = piece
        return self.lines

    def _leaf(self, node: Node) -> str:
        name = self.own[node] = self.fresh("w")
        self.unnamed.append((name, f"{kind_of_array(node.shape, node.dtype)}, requires a gradient"))
        return name

    def _line(self, node: Node, name: str, piece: Piece) -> None:
        self.own[node] = name
        self.pieces[node] = self.style.name(name)
        self.lines.append(Line(self.pieces[node], piece, self.ops.pop(node, 0)))

    def _written(self, node: Node) -> Piece:
        """An op with its operands written out, as many as there is room for."""
        given = operands(node)
        values = [self.constants.find(node, k, given) if v is missing else v for k, v in enumerate(given)]
        for k, value in enumerate(values):
            self._index(node, k, value)
        shapes = [v.shape if isinstance(v, Node) else None if v is missing else np.shape(v) for v in values]
        arguments = [self._operand(node, k, v) for k, v in enumerate(values)]
        parents = list(dict.fromkeys(p for p in node.parents if p is not None))
        while True:
            piece = self.style.op(Call(node, arguments, shapes))
            if len(piece.plain) <= self._room(node):
                break
            if self.whole:
                raise TooLong
            inner = [p for p in parents if p not in self.own]
            if not inner:
                break
            longest = max(inner, key=lambda p: len(self.pieces[p].plain))
            self._line(longest, self.fresh("h"), self.pieces[longest])
            arguments = [self.pieces[v] if isinstance(v, Node) else a for v, a in zip(values, arguments, strict=True)]
        self.ops[node] = 1 + sum(self.ops.pop(p, 0) for p in parents)
        return piece

    def _index(self, node: Node, k: int, value: Any) -> None:
        """Give an index that is computed its line."""
        dim, parent = self.constants.largest(node, k, value), node.parents[0]
        if dim is None or parent is None or id(value) in self.of_arrays:
            return
        if parent not in self.own:
            self._line(parent, self.fresh("h"), self.pieces[parent])
        name = self.unique("largest")
        self.of_arrays[id(value)] = name, value
        self.computed.add(name)
        made = Piece(f"np.argmax({self.own[parent]}, axis={dim}, keepdims=True)")
        self.lines.append(Line(self.style.name(name), made, 1))

    def _room(self, node: Node) -> int:
        """How many characters an op may have."""
        if self.whole or self.style.width is None:
            return WHOLE if self.whole else LONGEST
        return self.style.width - len(self.own.get(node, "h100")) - len(" = ")

    def _operand(self, node: Node, k: int, value: Any) -> Piece:
        if isinstance(value, Node):
            return self.pieces[value]
        if value is not missing:
            known = self.of_arrays.get(id(value))
            name = self.names.of_array(value)
            if known is None and name is None and np.size(value) == 1:
                return self.style.number(value)
            if known is None and name is not None:
                known = self.unique(name), value
        else:
            known = None
        if known is None:
            known = self._constant(node, k), value
            of = "" if value is missing else kind_of_array(np.shape(value), np.asarray(value).dtype)
            self.unnamed.append((known[0], of or "its value was not kept"))
        if value is not missing:
            self.of_arrays[id(value)] = known
        return self.style.name(known[0])

    def _constant(self, node: Node, k: int) -> str:
        """A constant without a name is called what it is to the op, if that is said, or c1, c2, ..."""
        op = node.op
        assert op is not None
        role = "target" if k and op in _losses else "index" if op.arrays[op.slot(k)] in {"index", "arrays"} else ""
        return self.unique(role) if role else self.fresh("c")


class TooLong(Exception):  # noqa: N818
    """It does not fit in one line."""


_F: Any = fused  # Any: type checkers do not see that what `primitive` makes has an `op`
_losses = {_F._squared_error.op, _F._absolute_error.op, _F._logistic_loss.op}
_losses |= {_F._cross_entropy_of_rows.op, _F._cross_entropy.op}
