"""The backward pass of a recorded graph as lines of NumPy code: fused as a textbook does it, or op by op.

A tensor with a name has a line for its gradient; what lies between is written out in place. Each line is executed
when it is written: where a fused one gives anything else than the engine, its rules are written op by op.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from autograd_lite.core import GraphError, Node, Tensor
from autograd_lite.derive import helpers
from autograd_lite.derive.codes import code, of_kind, recurrences, statements
from autograd_lite.derive.equal import near
from autograd_lite.derive.forward import Forward, Known, Recovered
from autograd_lite.derive.idle import Idle
from autograd_lite.derive.numpy_shapes import summed_to
from autograd_lite.derive.numpy_text import ATOM, ONE, ZERO, Formula, Unprintable, atom, plus
from autograd_lite.derive.pieces import SUM as LOOSE
from autograd_lite.derive.pieces import Call, Piece
from autograd_lite.derive.rules import activations, plumbing, rule_of
from autograd_lite.derive.statement import fitting, statement
from autograd_lite.derive.trace import Trace, raw, run
from autograd_lite.memory import Array
from autograd_lite.ops.shape import cast, sum_to
from autograd_lite.recorded import Edge, Recorded

LONGEST = 88  # characters of a line
REPEATED = 12  # characters of a gradient that is written out more than once
INLINE = 64  # characters of one that is written out at all


@dataclass(frozen=True, eq=False)
class Problem:
    """What is to be derived: the gradients of `targets`, `true` by the engine, of a graph."""

    root: Tensor
    recorded: Recorded
    constants: Recovered
    targets: frozenset[Node]
    leading: frozenset[Node]
    true: dict[Node, Array]
    stand_ins: Sequence[Array] = ()


@dataclass(eq=False)
class Wanted:
    """What the lines must have: nodes named in the forward pass, nodes with a gradient line, nodes op by op."""

    lined: set[Node] = field(default_factory=set)
    forced: set[Node] = field(default_factory=set)
    exact: set[Node] = field(default_factory=set)

    def size(self) -> int:
        """It only grows."""
        return len(self.lined) + len(self.forced) + len(self.exact)


@dataclass(frozen=True)
class Line:
    """A line of code, and what is said of it."""

    code: str
    comment: str


class Backward:
    """One attempt at the lines. Where `wanted` has grown after it, another is to be made."""

    def __init__(self, problem: Problem, wanted: Wanted) -> None:
        self.problem, self.wanted = problem, wanted
        self.forward = Forward(problem.root, problem.recorded, problem.constants, wanted.lined)
        names = self.forward.lines.names
        self.named = {n for n in self.forward.lines.own if n.op is None or names.of_node(n)}
        self.known = Known(self.forward)
        self.uses = Counter(p for n in problem.recorded.order for p in n.parents if p is not None)
        self.lines: list[Line] = []
        self.names: dict[Node, str] = {}  # of gradients
        self.above: dict[Node, Formula] = {}
        self.into: dict[Node, list[Formula]] = {}
        self.rules: dict[Node, list[list[str]]] = {}  # by which a gradient came, way by way, from the line before
        self.assumed: dict[str, None] = {}  # of the values that were recorded, by lines that are simpler for it
        self.loops: dict[str, str] = {}  # what goes back through all steps, and the name of what it makes
        self.scope = {**helpers.functions(), **self.forward.inputs()}
        try:
            exec("\n".join(self.forward.text), self.scope)
        except Exception as error:
            raise GraphError(f"derive: the code that was made does not run ({error}): it is not handed out") from error
        self._write()
        wanted.lined |= self.known.needed

    def _write(self) -> None:
        recorded = self.problem.recorded
        leaves = [n for n in recorded.order if n.op is None]
        leaves.sort(key=lambda leaf: -max(child.seq for child, _ in recorded.consumers[leaf]))  # nearest the loss first
        for node in (*(n for n in recorded.order if n.op is not None), *leaves):
            if node not in self.problem.true or node not in self.problem.leading:
                continue
            if node in self.wanted.exact:
                self._exact(node)
                self._push(node)
                continue
            try:
                formula = ONE if node is recorded.root else plus(*self.into.get(node, [ZERO]))
            except Unprintable:
                self._by_rules(node)
                formula = atom(self._name(node), node.shape)
            if self._lined(node, formula):
                self._emit(node, formula)
                self._push(node)
            else:
                self.above[node] = formula
                self._push_inline(node, formula)

    # Which gradients have a line

    def _lined(self, node: Node, formula: Formula) -> bool:
        if node in self.problem.targets:
            return True
        if node in self.wanted.forced:
            return not self._alias(node, formula)
        named = node in self.named and not self._merged(node)
        return (named or self._through_activation(node) is not None) and formula.number is None

    def _alias(self, node: Node, formula: Formula) -> bool:
        """Is this the gradient of another tensor, under a name that nothing needs?"""
        one = formula.atom
        return (
            one is not None
            and one.shape == node.shape
            and one.text in self.names.values()
            and self.wanted.exact.isdisjoint(node.parents)
        )

    def _merged(self, node: Node) -> bool:
        """Is this what an activation makes of a tensor without a name? Then there is one gradient, of what goes in."""
        below = node.parents[0] if node.op in activations else None
        return (
            below is not None
            and below not in self.forward.lines.own
            and self.uses[below] == 1
            and below in self.problem.leading
            and node not in self.problem.targets | self.wanted.forced
        )

    def _through_activation(self, node: Node) -> Node | None:
        """The activation with a name whose gradient stands for this one."""
        if node in self.forward.lines.own or self.uses[node] != 1:
            return None
        child = self.problem.recorded.consumers[node][0][0]
        return child if child in self.named and self._merged(child) else None

    def _force(self, node: Node) -> None:
        """Let a tensor have a name, and its gradient a line."""
        self.wanted.forced.add(node)
        if node not in self.forward.lines.own and self._through_activation(node) is None:
            self.wanted.lined.add(node)

    def _name(self, node: Node) -> str:
        if node not in self.names:
            lines = self.forward.lines
            of = self._through_activation(node) or node
            base = lines.own.get(of)
            self.names[node] = lines.unique(f"{base}_delta") if base else lines.fresh("g")
        return self.names[node]

    # Lines of formulas

    def _emit(self, node: Node, formula: Formula) -> None:
        name, own = self._name(node), self.forward.name(node)
        if formula.number is not None and node.shape == () and node.op is not None:  # rules call its methods
            formula = atom(f"np.{node.dtype}({formula.number})", ())
        try:
            text = statement(name, formula, node.shape, own, of_kind(node.dtype))
            text = fitting(name, formula, text)
            with np.errstate(all="ignore"):
                exec("\n".join(text), self.scope)
            made = np.asarray(self.scope[name])
            right = near(made, self.problem.true[node])
            if right and made.dtype != node.dtype:
                text = self._cast(text, formula, node)
        except NameError:  # of a value that has no line yet: the next attempt has it
            right, text = True, [f"{name} = {own}"]
        except Exception:  # no text, or one that does not run
            right, text = False, [f"{name} = {own}"]
        if not right:
            self._by_rules(node)
        elif any(len(line) + 2 * line.count("**") > LONGEST for line in text):
            self._shorten(node)
        self.scope[name] = self.problem.true[node]
        self._add(text, self._comment(node))
        self.above[node] = atom(name, node.shape)

    def _cast(self, text: list[str], formula: Formula, node: Node) -> list[str]:
        name, kind = self._name(node), "float" if node.dtype == np.float64 else f'"{node.dtype}"'
        if len(text) == 1 and text[0] == f"{name} = {formula.text}":
            return [f"{name} = {formula.inside(ATOM)}.astype({kind})"]
        return [*text, f"{name} = {name}.astype({kind})"]

    def _by_rules(self, node: Node) -> None:
        """Write this gradient op by op, from gradients that have a line."""
        self.wanted.exact.add(node)
        for child, _ in self.problem.recorded.consumers[node]:
            if child in self.problem.true:
                self._force(child)

    def _shorten(self, node: Node) -> None:
        """A line that is too long: let what is written out in it have lines, or else write it op by op."""
        children = [child for child, _ in self.problem.recorded.consumers[node] if child in self.problem.true]
        unlined = [child for child in children if child not in self.names]
        for child in unlined:
            self._force(child)
        if not unlined:
            self._by_rules(node)

    def _edges(self, node: Node) -> list[Edge]:
        return [(node, k) for k, p in enumerate(node.parents) if p in self.problem.leading]

    def _push(self, node: Node) -> None:
        """What the rules of a node make of its gradient, for its operands."""
        for edge, formula in self._passed(node):
            self._give(edge, formula)

    def _give(self, edge: Edge, formula: Formula) -> None:
        parent = edge[0].parents[edge[1]]
        assert parent is not None
        self.into.setdefault(parent, []).append(formula)
        before = [] if edge[0] in self.names else self.rules.get(edge[0], [])
        self.rules.setdefault(parent, []).extend([*way, rule_of(edge[0])] for way in before or [[]])

    def _push_inline(self, node: Node, formula: Formula) -> None:
        passed = self._passed(node)
        try:
            text = formula.split()[1].text  # a number in front may stand elsewhere
            simple = formula.number is not None or text.isidentifier()
            times = sum(_written(f).count(text) for _, f in passed)
            again = len(text) > INLINE or (times > 1 and len(text) > REPEATED)
        except Unprintable:
            simple, again = False, True
        if not simple and (again or formula.statement):
            self._force(node)  # and go on as the next attempt does, so that nothing else gets a line for it
            self.above[node] = atom(self._name(node), node.shape)
            self.scope[self._name(node)] = self.problem.true[node]
            passed = self._passed(node)
        for edge, f in passed:
            self._give(edge, f)

    def _passed(self, node: Node) -> list[tuple[Edge, Formula]]:
        found = []
        for edge in self._edges(node):
            parent = node.parents[edge[1]]
            assert parent is not None
            if parent in self.wanted.exact or parent not in self.problem.true:
                continue
            try:
                trace, result = run(edge, self.problem.true[node], self.known, lambda: self.above[node])
                if result is None:
                    continue
                formula = trace.formula(result)
                if not formula.statement:
                    formula = summed_to(formula, np.shape(raw(result)), parent.shape)
                self.assumed |= dict.fromkeys(trace.assumed)
                found.append((edge, formula))
            except Unprintable:
                self._by_rules(parent)
        return found

    # Lines op by op

    def _exact(self, node: Node) -> None:
        name, own = self._name(node), self.forward.name(node)
        self.known.strict, first = True, len(self.lines)
        if node is self.problem.recorded.root:
            self._add([f"{name} = np.ones_like({own})"], f"{own}: by itself")
        else:
            edges = [e for e in self.problem.recorded.consumers[node] if e[0] in self.problem.true]
            edges = [e for e in edges if e[0] in self.problem.leading]
            made = [self._of_edge(edge, name if len(edges) == 1 else None, own) for edge in edges]
            made = [text for text in made if text is not None]
            comment = f"{own}: {f'{len(made)} ways added up' if len(made) > 1 else rule_of(edges[0][0])}"
            if len(made) == 1:
                self._add([f"{name} = {made[0]}"] * (made[0] != name), comment)
            elif made:
                self._add([f"{name} = {made[0]} + {made[1]}", *(f"{name} += {m}" for m in made[2:])], comment)
        self.known.strict = False
        try:
            with np.errstate(all="ignore"):
                exec("\n".join(line.code for line in self.lines[first:]), self.scope)
        except NameError:  # of what has no line yet
            self.scope[name] = self.problem.true[node]
        self.above[node] = atom(name, node.shape)

    def _of_edge(self, edge: Edge, target: str | None, own: str | None) -> str | None:
        """The lines of one rule; the name of what they make, which is `target` where that can be."""
        child, parent = edge[0], edge[0].parents[edge[1]]
        assert parent is not None
        above = atom(self._name(child), child.shape)
        trace, result = run(edge, self.problem.true[child], self.known, lambda: above)
        if result is None:
            return None
        with trace.watched():
            if raw(result).shape != parent.shape:
                result = sum_to(result, shape=parent.shape)
            if raw(result).dtype != parent.dtype:
                result = cast(result, dtype=parent.dtype)
        texts: dict[int, Piece] = {}
        ops = trace.leading_to(result)
        idle = Idle(ops, partial(self._piece, trace=trace, texts=texts))
        for made in ops:
            short = idle.short(made)
            if short is not None and "(" not in short.plain:
                texts[id(made[3])] = short
                continue
            call, like = self._call(made, trace, texts), own if made[3] is result else None
            known = self.loops.get(code(call).plain) if made[0] in recurrences else None
            if known is not None:
                texts[id(made[3])] = Piece(known)
                continue
            name = target if made[3] is result and target else self.forward.lines.fresh("g")
            lines = statements(name, call, like) if short is None else [f"{name} = {short.plain}"]
            self._add(lines, f"{own or self._name(parent)}: {rule_of(child)}")
            texts[id(made[3])] = Piece(name)
            if made[0] in recurrences:
                self.loops[code(call).plain] = name
        self.assumed |= dict.fromkeys(idle.assumed)
        return self._piece(result, trace, texts).plain

    def _call(self, made: Any, trace: Trace, texts: dict[int, Piece]) -> Call:
        op, args, attrs, result = made
        node = Node(op, (), None, attrs, result.shape, result.dtype)
        return Call(node, [self._piece(a, trace, texts) for a in args], [np.shape(raw(a)) for a in args])

    def _piece(self, value: Any, trace: Trace, texts: dict[int, Piece]) -> Piece:
        if id(value) in texts:
            return texts[id(value)]
        formula = trace.given[id(value)]() if id(value) in trace.given else self.known.constant(value)
        one = formula.atom
        return Piece(formula.text, level=Piece("").level if one is not None and one.level == ATOM else LOOSE)

    # Words

    def _add(self, code: Sequence[str], comment: str) -> None:
        self.lines += [Line(text, comment) for text in code]

    def _comment(self, node: Node) -> str:
        own = self.forward.lines.own.get(self._through_activation(node) or node)
        ways = self.rules.get(node, [])
        said = list(dict.fromkeys(rule for way in ways for rule in way))
        said = said if len(said) < 3 else [rule for rule in said if rule not in plumbing] or said
        if len(said) > 3:  # of each way, the last
            said = list(dict.fromkeys(way[-1] for way in ways))
        return ", ".join(said) if own is None else f"{own}: {', '.join(said)}"


def _written(formula: Formula) -> str:
    """The text of a formula, or what stands in the statements that it needs."""
    if not formula.statement:
        return formula.text
    return " ".join(f.parts[1].text if f.parts else f.text for t in formula.terms for f in t.factors)
