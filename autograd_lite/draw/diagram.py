"""From recorded nodes to a diagram: boxes, frames and links, in an order that the graph alone decides.

A pure function of the graph: nothing here knows of DOT, colours or programs. Ids are numbered by a walk from
the result, operands first, so that the same graph has the same diagram in every process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from autograd_lite import memory
from autograd_lite.core import Node, Tensor
from autograd_lite.derive.labels import attributes, kind_of_array, number, shortened
from autograd_lite.derive.lines import Constants
from autograd_lite.derive.names import Names, missing, operands, walk
from autograd_lite.draw.bundles import Bundle, Bundles, labels, which
from autograd_lite.draw.fold import Folded, fold, unfolded
from autograd_lite.draw.groups import Group, Titles, by_age, calls, leaf_names
from autograd_lite.draw.values import Fact, checked_gradients, fact, gradient_fact, known_values, parts_of
from autograd_lite.ops import elementwise

__all__ = ["Box", "Diagram", "Link", "Names", "Options", "diagram", "missing", "operands", "walk"]

Kind = Literal["parameter", "constant", "number", "op", "tensor", "result", "rest"]
_any_order = ("add", "multiply", "maximum", "minimum")  # ops whose operands may be drawn in any order
_listed = 20  # names in a tooltip, and ops of a block
_in_a_box = 20  # characters of the names of several leaves
_said = 5  # frames in the note


@dataclass(slots=True, eq=False)
class Box:
    """One thing to draw: its id, what it is, the lines written in it, and what a tooltip adds.

    `ordered` is whether its inputs must stand in the order of its operands, `facts` are its numbers, `of` is the
    node or the array that they are of, `group` the frame that it is in. `plain` boxes, unnamed results and ops on
    single entries, can be joined to a chain. `age` is the number of an op's node.
    """

    id: str
    kind: Kind
    lines: tuple[str, ...]
    tip: str
    ordered: bool = False
    facts: tuple[Fact, ...] = ()
    of: Any = None
    group: Group | None = None
    plain: bool = False
    age: int = 0


@dataclass(slots=True)
class Link:
    """An arrow from one box to another: the argument's name, and whether a gradient comes back along it.

    `main` is for the arrows between what was computed, which make the line that a reader follows. `label` is
    written beside it; `back` is for what a folded block hands to the next one.
    """

    start: str
    end: str
    tip: str = ""
    flows: bool = True
    main: bool = False
    label: str = ""
    back: bool = False


@dataclass(slots=True)
class Diagram:
    """Boxes, operands before results, the links between them, and sentences on what is not shown as it is."""

    boxes: list[Box] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    folded: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Options:
    """What is asked of a diagram: names, the parts that tensors show, gradients that are kept nowhere, and frames."""

    names: Any = None
    show: Any = ("shape",)
    gradients: Mapping[Any, Any] | None = None
    group: str | None = None
    fold: bool | str = False

    def __post_init__(self) -> None:
        if self.group not in (None, "module"):
            raise ValueError(f"group is 'module' or None, and not {self.group!r}")
        if self.fold not in (False, True, "chains"):
            raise ValueError(f"fold is True, False or 'chains', and not {self.fold!r}")


class Drawing:
    """A diagram while it is drawn."""

    def __init__(self, roots: Sequence[Tensor], order: Sequence[Node], options: Options) -> None:
        self.made, self.names, self.show = Diagram(), Names(options.names), parts_of(options.show)
        self.given = checked_gradients(options.gradients)
        self.values = known_values(order, [*roots, *self.names.tensors]) if "value" in self.show else {}
        self.place = {node: k for k, node in enumerate(order, 1)}
        self.ops = by_age(order)
        self.index = {node: i for i, node in enumerate(self.ops)}
        constants = Constants(order, roots[0], self.names) if len(roots) == 1 else None
        self.operands = [_given(node, constants) for node in self.ops]
        nothing: list[Group | None] = [None] * len(self.ops)
        groups = calls(self.ops) if options.group else nothing
        self.leaf_names = leaf_names(groups)
        self.folded = fold(self.ops, self.operands, groups) if options.fold else unfolded(groups)
        self.bundles = Bundles(self.ops, self.operands, self.folded)
        self.roots = dict.fromkeys(t.node for t in roots if t.node is not None)
        self.constants: dict[int, str] = {}
        self.numbers = 0
        _describe(self.folded, self.ops, Titles(options.names), self.made)

    def tensor(self, id: str, kind: Kind, name: str | None, size: str, tip: str, **more: Any) -> Box:
        lines: tuple[str, ...] = (shortened(str(name)),) if name else ()
        if "shape" in self.show or not (lines or "value" in self.show or "grad" in self.show):
            lines += (size,)
        box = Box(id, kind, lines, f"{name}\n{tip}" if name else tip, **more)
        self.made.boxes.append(box)
        return box

    def leaf(self, node: Node) -> None:
        """The box of a leaf, which stands for those of other blocks too."""
        of, name = kind_of_array(node.shape, node.dtype), self.name(node)
        tip = f"{of}, a leaf that requires a gradient"
        box = self.tensor(self.id(node), "parameter", name, of, tip, of=node, group=self.bundles.group(node))
        self.stands_for(box, [self.name(other) for other in self.bundles.members(node)])

    def stands_for(self, box: Box, names: list[str | None]) -> None:
        """Say in a box that it is one of several."""
        if len(names) > 1:
            all_of_them = ", ".join(shortened(name) for name in names if name)
            few = all(names) and len(set(names)) == len(names) and len(all_of_them) <= _in_a_box
            box.lines += (f"× {len(names):,}: {all_of_them}" if few else f"× {len(names):,}",)
            listed = ", ".join(name or "unnamed" for name in names[:_listed])
            box.tip += f"\nthe first of {len(names):,}: {listed}{', …' * (len(names) > _listed)}"

    def name(self, node: Node) -> str | None:
        return self.names.of_node(node) or self.leaf_names.get(node)

    def id(self, node: Node) -> str:
        return f"t{self.place[node]}"

    def op(self, node: Node) -> None:
        """The boxes of an op and of its result, and the links to them."""
        at, place = self.index[node], self.place[node]
        group, op = self.folded.groups[at], node.op
        assert op is not None
        starts = [self.operand(value, at, k) for k, value in enumerate(self.operands[at])]
        self.made.boxes.append(self.op_box(node, f"op{place}", starts))
        for bundle in self.bundles.of(at):
            start = self.start(bundle, starts)
            if start is not None:
                argument, flows = op.arrays[op.slot(bundle.argument)], isinstance(bundle.source, Node)
                main = flows and bundle.source.op is not None
                for label, back in labels(bundle):
                    said = label or self.bundles.part(bundle)
                    self.made.links.append(Link(start, f"op{place}", argument, flows, main and not back, said, back))
        name, results = self.names.of_node(node), self.results(at)
        kind: Kind = "result" if at in results else "tensor"
        name = "result" if kind == "result" and not name else name
        of = kind_of_array(node.shape, node.dtype)
        plain = not (name or results or _gradient(node, self.given))
        self.tensor(f"t{place}", kind, name, of, f"{of}, from {op.name}", of=node, group=group, plain=plain)
        self.made.links.append(Link(f"op{place}", f"t{place}", main=True))
        if len(results) < len(self.bundles.blocks(at)):
            self.hidden_results(at, [i for i in results if i != at])

    def results(self, at: int) -> list[int]:
        """Which of the ops that an op stands for made a result."""
        return [i for i in self.bundles.blocks(at) if self.ops[i] in self.roots]

    def hidden_results(self, at: int, results: list[int]) -> None:
        """A box for each result of a block that is not shown."""
        inner = self.folded.groups[at]
        frames = [group for group in inner.path() if group.count > 1] if inner is not None else []
        for i in results:
            node = self.ops[i]
            of, name = kind_of_array(node.shape, node.dtype), self.names.of_node(node) or "result"
            tip = f"{of}, from a block that is not shown"
            self.tensor(self.id(node), "result", name, of, tip, of=node, group=frames[-1].parent if frames else None)
            label = which(self.folded.at[i])
            self.made.links.append(Link(self.id(self.ops[at]), self.id(node), main=True, label=label))

    def op_box(self, node: Node, id: str, starts: list[str | None]) -> Box:
        assert node.op is not None
        said = attributes(node)
        tip = f"{node.op.name}({', '.join(node.op.arrays)})"
        if said:
            tip += f"\n{said}"
        if None in starts:
            tip += f"\nconstants that no derivative needs, or needs any more, not drawn: {starts.count(None)}"
        lines = (node.op.name, shortened(said)) if said else (node.op.name,)
        ordered = len(starts) > 1 and node.op.name not in _any_order
        plain = (
            node.op.forward.__module__ == elementwise.__name__ if not isinstance(node.op.forward, np.ufunc) else True
        )
        group = self.folded.groups[self.index[node]]
        return Box(id, "op", lines, tip, ordered, plain=plain, group=group, age=node.seq)

    def start(self, bundle: Bundle, starts: list[str | None]) -> str | None:
        """The id of the box at the beginning of a bundle of links."""
        if isinstance(bundle.source, Node):
            return self.id(bundle.source)
        return starts[bundle.argument]

    def operand(self, value: Any, at: int, k: int) -> str | None:
        """The id of an operand's box, which is drawn if it was not yet; None for one that is not known."""
        if isinstance(value, Node):
            return self.id(value)
        if value is None or value is missing:
            return None
        if isinstance(value, bool | int | float | np.generic):
            self.numbers += 1
            box = Box(f"k{self.numbers}", "number", (number(value),), f"{value}, a number")
            box.group = self.folded.groups[at]
            self.made.boxes.append(box)
            alike = self.bundles.numbers(at, k)
            self.stands_for(box, [number(other) for other in alike])
            return box.id
        return self.constant(value)

    def constant(self, value: Any) -> str:
        """The id of a constant's box, which is drawn if it was not yet."""
        alike = self.bundles.arrays(value)
        value = alike[0]
        known = self.constants.get(id(value))
        if known is not None:
            return known
        array = value if hasattr(value, "shape") and hasattr(value, "dtype") else np.asarray(value)
        of = kind_of_array(array.shape, array.dtype)
        self.constants[id(value)] = made = f"c{len(self.constants) + 1}"
        box = self.tensor(made, "constant", self.names.of_array(value), of, f"{of}, a constant", of=array)
        self.stands_for(box, [self.names.of_array(other) for other in alike])
        return made


def _given(node: Node, constants: Constants | None) -> list[Any]:
    """The operands of an op; constants that no rule kept, as far as they can be found by name or are plain numbers."""
    given = operands(node)
    if constants is None or not any(value is missing for value in given):
        return given
    return [constants.find(node, k, given) if value is missing else value for k, value in enumerate(given)]


def _describe(folded: Folded, ops: Sequence[Node], titles: Titles, made: Diagram) -> None:
    """The titles of groups, and what a diagram says of what is folded."""
    for group in dict.fromkeys(g for start in dict.fromkeys(folded.groups) if start for g in start.path()):
        if group.call is not None:
            title = titles.of(group)
            group.title, group.tip = shortened(title, 60), title
    inside: dict[Group, list[str]] = {frame: [] for frame in folded.frames}
    for i, shown in enumerate(folded.shown):
        if i == shown:
            op = ops[i].op
            for group in folded.at[i]:
                inside[group].append(op.name if op is not None else "")
    for frame, names in inside.items():
        listed = ", ".join(names[:_listed]) + ", …" * (len(names) > _listed)
        frame.title = f"× {frame.count:,}, the first is shown"
        frame.tip = f"the first of {frame.count:,} equal blocks of {_counted(len(names), 'op')}: {listed}"
        short = listed if len(names) <= 3 else f"{names[0]} … {names[-1]}"
        made.folded.append(f"{frame.count:,} × {_counted(len(names), 'op')} ({short})")
    if folded.frames:
        shown_ops = sum(i == shown for i, shown in enumerate(folded.shown))
        said, more = "; ".join(made.folded[:_said]), len(made.folded) - _said
        said += f"; and {more} more" if more > 0 else ""
        made.folded[:] = [f"Folded: {said}. {shown_ops:,} of {len(ops):,} ops are shown."]


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def fill(drawing: Drawing) -> None:
    """Put numbers into the boxes. Where none of the leaves, or none of the results, has a gradient, a note says so."""
    boxes, given = drawing.made.boxes, drawing.given
    asked = {"leaves": "grad" in drawing.show, "results": "grad" in drawing.show}
    kinds = {box: "leaves" if box.of.op is None else "results" for box in boxes if isinstance(box.of, Node)}
    for kind in [kind for kind in asked if asked[kind]]:
        asked[kind] = any(kinds[box] == kind and _gradient(box.of, given) for box in kinds)
    if "grad" in drawing.show and kinds and not any(asked.values()):
        drawing.made.notes.append("No gradient is computed yet: backward() has not run.")
    elif "grad" in drawing.show and "results" in kinds.values() and not asked["results"]:
        drawing.made.notes.append(
            "Gradients of inner tensors are not kept by backward(): retain_grad() or gradients= shows them."
        )
    elif "grad" in drawing.show and "leaves" in kinds.values() and not asked["leaves"]:
        drawing.made.notes.append("No gradient of a leaf is computed yet.")
    _say_what_is_past(drawing)
    for box in boxes:
        node = box.of if box in kinds else None
        if "value" in drawing.show and box.of is not None and (node is None or node in drawing.values):
            box.facts += (fact("value", box.of if node is None else drawing.values[node]),)
        if node is not None and asked[kinds[box]]:
            box.facts += (gradient_fact(node, given),)


def _say_what_is_past(drawing: Drawing) -> None:
    """Notes on what backward() let go, and on values that are newer than the graph."""
    notes = drawing.made.notes
    if any(node.saved is None for node in drawing.ops):
        notes.append("backward() let go of inputs and constants: backward(retain_graph=True) keeps them.")
    last = max((node.seq for node in drawing.roots), default=0)
    names = [
        drawing.name(node) or "a leaf"
        for node, array in drawing.values.items()
        if node.op is None and memory.stale(array, last) is not None
    ]
    if names:
        listed = ", ".join(names[:_said]) + (", …" if len(names) > _said else "")
        notes.append(f"Changed after the forward pass, and shown as they are now: {listed}.")


def _gradient(node: Node, given: Mapping[Node, Any]) -> bool:
    return node in given or (node.notes is not None and node.notes.grad is not None)


def skeleton(tensors: Sequence[Tensor], options: Options) -> Drawing:
    """The boxes and links of the graph under some tensors, without numbers."""
    order = walk(t.node for t in tensors if t.node is not None)
    drawing = Drawing(tensors, order, options)
    for node in order:
        if node.op is None:
            if drawing.folded.root(node) is node:
                drawing.leaf(node)
        elif drawing.folded.shown[drawing.index[node]] == drawing.index[node]:
            drawing.op(node)
    for t in tensors:
        if t.node is None:
            drawing.constant(t.data)
    return drawing


def diagram(tensors: Sequence[Tensor], names: Any = None, options: Options | None = None) -> Diagram:
    """The diagram of the graph under some tensors, everything in it.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> [(box.id, box.lines) for box in diagram([w * w]).boxes]
    [('t1', ('w', '(2,)')), ('op2', ('multiply',)), ('t2', ('result', '(2,)'))]
    """
    drawing = skeleton(tensors, options or Options(names))
    fill(drawing)
    return drawing.made
