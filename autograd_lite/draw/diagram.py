"""From recorded nodes to a diagram: boxes and links, in an order that the graph alone decides.

A pure function of the graph: nothing here knows of DOT, colours or programs. Ids are numbered by a walk from
the result, operands first, so that the same graph has the same diagram in every process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from autograd_lite.core import Node, Tensor
from autograd_lite.draw.labels import attributes, kind_of_array, number, shortened
from autograd_lite.draw.values import Fact, checked_gradients, fact, gradient_fact, known_values, parts_of
from autograd_lite.memory import name_of

Kind = Literal["parameter", "constant", "number", "op", "tensor", "result"]
_missing = object()
_any_order = ("add", "multiply", "maximum", "minimum")  # ops whose operands may be drawn in any order


@dataclass(slots=True)
class Box:
    """One thing to draw: its id, what it is, the lines written in it, and what a tooltip adds.

    `ordered` is whether its inputs must stand in the order of its operands, `facts` are its numbers.
    """

    id: str
    kind: Kind
    lines: tuple[str, ...]
    tip: str
    ordered: bool = False
    facts: tuple[Fact, ...] = ()


@dataclass(slots=True)
class Link:
    """An arrow from one box to another: the argument's name, and whether a gradient comes back along it.

    `main` is for the arrows between what was computed, which make the line that a reader follows.
    """

    start: str
    end: str
    tip: str = ""
    flows: bool = True
    main: bool = False


@dataclass(slots=True)
class Diagram:
    """Boxes, operands before results, and the links between them."""

    boxes: list[Box] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


class Names:
    """What the caller calls things: by node, and for constants by array. They win over a tensor's own."""

    def __init__(self, names: Any = None) -> None:
        self._of_nodes: dict[Node, str] = {}
        self._of_arrays: dict[int, tuple[str, Any]] = {}  # with the array, whose id must stay its own
        self.tensors: list[Any] = []
        for name, value in _pairs(names):
            if not isinstance(name, str) or not isinstance(value, Tensor | np.ndarray):
                raise TypeError(
                    "names maps names to tensors, as {'weights': w}, or is a module; this one has "
                    f"{type(name).__name__}: {type(value).__name__}"
                )
            array = value if isinstance(value, np.ndarray) else value.data
            self._of_arrays.setdefault(id(array), (name, array))
            self.tensors.append(value)
            if isinstance(value, Tensor) and value.node is not None:
                self._of_nodes.setdefault(value.node, name)

    def of_node(self, node: Node) -> str | None:
        """A leaf's or a result's name."""
        return self._of_nodes.get(node) or node.name

    def of_array(self, array: Any) -> str | None:
        """A constant's name."""
        given = self._of_arrays.get(id(array))
        return name_of(array) if given is None else given[0]


def _pairs(names: Any) -> Iterable[tuple[Any, Any]]:
    if names is None:
        return ()
    if isinstance(names, Mapping):
        return names.items()
    if hasattr(names, "named_parameters"):
        buffers = names.named_buffers() if hasattr(names, "named_buffers") else ()
        return [*names.named_parameters(), *buffers]
    raise TypeError(
        f"names maps names to tensors, or has named_parameters() as a module has; this is {type(names).__name__}"
    )


def walk(roots: Iterable[Node]) -> list[Node]:
    """All nodes under the roots, operands before results and left before right, whenever they were made."""
    order: list[Node] = []
    opened: set[Node] = set()
    closed: set[Node] = set()
    stack = list(roots)[::-1]
    while stack:
        node = stack[-1]
        if node in opened:
            stack.pop()
            if node not in closed:
                closed.add(node)
                order.append(node)
            continue
        opened.add(node)
        stack += [p for p in reversed(node.parents) if p is not None and p not in opened]
    return order


def operands(node: Node) -> list[Any]:
    """What each operand of an op is: its node, the constant that was saved for a rule, or `_missing`."""
    op = node.op
    if op is None:
        return []
    if None not in node.parents:
        return list(node.parents)
    kept: dict[str, Any] = {}
    for k, saved in enumerate(node.saved or ()):
        if saved is not None:
            kept |= zip(op.names[op.slot(k)], saved, strict=True)
    fixed = len(op.arrays) - op.variadic
    rest = kept.get(op.arrays[-1]) if op.variadic else None
    found: list[Any] = []
    for k, parent in enumerate(node.parents):
        if parent is not None:
            found.append(parent)
        elif k < fixed:
            found.append(kept.get(op.arrays[k], _missing))
        else:
            found.append(_missing if rest is None else rest[k - fixed])
    return found


@dataclass(frozen=True)
class Options:
    """What is asked of a diagram: names, the parts that tensors show, and gradients that are kept nowhere."""

    names: Any = None
    show: Any = ("shape",)
    gradients: Mapping[Any, Any] | None = None


class _Drawing:
    """A diagram while it is drawn."""

    def __init__(self, roots: Sequence[Tensor], order: Sequence[Node], options: Options) -> None:
        self.made, self.names, self.show = Diagram(), Names(options.names), parts_of(options.show)
        self.given = checked_gradients(options.gradients)
        self.values = known_values(order, [*roots, *self.names.tensors]) if "value" in self.show else {}
        self.roots = {t.node for t in roots if t.node is not None}
        self.ids: dict[Node, str] = {}
        self.constants: dict[int, str] = {}
        self.numbers = 0

    def tensor(self, id: str, kind: Kind, name: str | None, of: str, tip: str, facts: tuple[Fact, ...] = ()) -> str:
        lines: tuple[str, ...] = (shortened(str(name)),) if name else ()
        if "shape" in self.show or not (lines or facts):
            lines += (of,)
        self.made.boxes.append(Box(id, kind, lines, f"{name}\n{tip}" if name else tip, facts=facts))
        return id

    def facts(self, node: Node) -> tuple[Fact, ...]:
        """The value and the gradient of a node, where they are asked for."""
        value = (fact("value", self.values[node]),) if node in self.values else ()
        return (*value, gradient_fact(node, self.given)) if "grad" in self.show else value

    def node(self, node: Node) -> None:
        """The box of a leaf, or those of an op and its result."""
        place, of, name = len(self.ids) + 1, kind_of_array(node.shape, node.dtype), self.names.of_node(node)
        self.ids[node] = f"t{place}"
        if node.op is None:
            self.tensor(f"t{place}", "parameter", name, of, f"{of}, a leaf that requires a gradient", self.facts(node))
            return
        op = f"op{place}"
        inputs = [self.operand(value) for value in operands(node)]
        self.made.boxes.append(self.op(node, op, inputs))
        for k, start in enumerate(inputs):
            if start is not None:
                argument = node.op.arrays[node.op.slot(k)]
                parent = node.parents[k]
                main = parent is not None and parent.op is not None
                self.made.links.append(Link(start, op, argument, parent is not None, main))
        result = node in self.roots
        name = "result" if result and not name else name
        kind: Kind = "result" if result else "tensor"
        self.tensor(f"t{place}", kind, name, of, f"{of}, from {node.op.name}", self.facts(node))
        self.made.links.append(Link(op, f"t{place}", main=True))

    def op(self, node: Node, id: str, inputs: list[str | None]) -> Box:
        assert node.op is not None
        said = attributes(node)
        tip = f"{node.op.name}({', '.join(node.op.arrays)})"
        if said:
            tip += f"\n{said}"
        if None in inputs:
            tip += f"\nconstants that no derivative needs, or needs any more, not drawn: {inputs.count(None)}"
        lines = (node.op.name, shortened(said)) if said else (node.op.name,)
        return Box(id, "op", lines, tip, len(inputs) > 1 and node.op.name not in _any_order)

    def operand(self, value: Any) -> str | None:
        """The id of an operand's box, which is drawn if it was not yet; None for one that is not known."""
        if isinstance(value, Node):
            return self.ids[value]
        if value is None or value is _missing:
            return None
        if isinstance(value, bool | int | float | np.generic):
            self.numbers += 1
            text = number(value)
            self.made.boxes.append(Box(f"k{self.numbers}", "number", (text,), f"{value}, a number"))
            return f"k{self.numbers}"
        return self.constant(value)

    def constant(self, value: Any) -> str:
        known = self.constants.get(id(value))
        if known is not None:
            return known
        array = value if hasattr(value, "shape") and hasattr(value, "dtype") else np.asarray(value)
        of = kind_of_array(array.shape, array.dtype)
        self.constants[id(value)] = made = f"c{len(self.constants) + 1}"
        facts = (fact("value", array),) if "value" in self.show else ()
        return self.tensor(made, "constant", self.names.of_array(value), of, f"{of}, a constant", facts)


def diagram(tensors: Sequence[Tensor], names: Any = None, options: Options | None = None) -> Diagram:
    """The diagram of the graph under some tensors.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> [(box.id, box.lines) for box in diagram([w * w]).boxes]
    [('t1', ('w', '(2,)')), ('op2', ('multiply',)), ('t2', ('result', '(2,)'))]
    """
    order = walk(t.node for t in tensors if t.node is not None)
    drawing = _Drawing(tensors, order, options or Options(names))
    for node in order:
        drawing.node(node)
    for t in tensors:
        if t.node is None:
            drawing.constant(t.data)
    return drawing.made
