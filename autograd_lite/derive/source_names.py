"""What the user's own source calls tensors: the variables that a recorded line assigns to, and those that it reads.

A node knows the line that made it where the forward pass was inside `record_lines()`. Which expression of the line it
comes from follows from what it is given and from who uses it. Where that leaves several, there is no name: a wrong one
is worse, and nothing that is executed would show it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from autograd_lite.core import Node
from autograd_lite.derive.names import Names, missing, operands
from autograd_lite.derive.source_tree import Place, Tree, Trees, variable
from autograd_lite.recorded import Recorded

ROUNDS = 100  # of leaving out what does not fit


def guess(names: Names, recorded: Recorded) -> None:
    """Give tensors and constants without a name those of the variables in the source of the lines that made them."""
    lines: dict[Tree, list[Node]] = {}
    of: dict[Node, Tree] = {}
    trees = Trees()
    for node in sorted(recorded.order, key=lambda n: n.seq):
        site = None if node.notes is None else node.notes.site
        tree = None if site is None or node.op is None else trees.at(site)
        if tree is not None:
            of[node] = tree
            lines.setdefault(tree, []).append(node)
    read = _Read(names)
    matched = {tree: _Matched(tree, nodes, recorded) for tree, nodes in lines.items()}
    for node, tree in of.items():
        here = matched[tree]
        if here.result(node) and tree.returns:
            read.returned.add(node)
        target = here.target(node) or (tree.target if _returned(node, here, recorded, of) else None)
        if target is not None:
            read.results[node] = target
        read.operands(node, here.places[node])
    read.give()


def _returned(node: Node, matched: _Matched, recorded: Recorded, of: dict[Node, Tree]) -> bool:
    """Is this what a call returned that is assigned? Of what no place made, where all that use it read the variable."""
    tree = matched.tree
    if not tree.calls or matched.candidates[node]:
        return False
    users = [child for child, _ in recorded.consumers[node]]
    return all(user in of and tree.target in of[user].reads for user in users)


class _Matched:
    """The nodes of a line, which may have run often, and the places that each may come from."""

    def __init__(self, tree: Tree, nodes: Sequence[Node], recorded: Recorded) -> None:
        self.tree, self.nodes, self.recorded = tree, nodes, recorded
        self.candidates = {n: [p for p in tree.places if n.op is not None and p.fits(n.op)] for n in nodes}
        self.given = {n: operands(n) for n in nodes}
        self.places = dict(self.candidates)
        self.met = {place for places in self.candidates.values() for place in places}
        for turn in range(ROUNDS):
            before = sum(map(len, self.places.values()))
            for node in nodes if turn % 2 else reversed(nodes):
                self.places[node] = [p for p in self.places[node] if self._fits(node, p)]
            if turn and sum(map(len, self.places.values())) == before:
                break
        else:
            self.places = {n: [] for n in nodes}
        self._in_order()

    def result(self, node: Node) -> bool:
        """Is this what the statement assigns? What a call computes may take several ops, of which this is the last."""
        users = [user for user, _ in self.recorded.consumers[node] if user in self.candidates]
        if self.candidates[node]:
            return self._whole(node) and all(self.candidates[user] for user in users)
        made = [value for value in self.given[node] if isinstance(value, Node) and self._whole(value)]
        return len(made) == 1 and not self.places[made[0]][0].strict and not users

    def target(self, node: Node) -> str | None:
        """The variable that it is assigned to."""
        if not self.result(node):
            return None
        made = [value for value in self.given[node] if isinstance(value, Node) and self._whole(value)]
        return self.places[node if self.candidates[node] else made[0]][0].target

    def _whole(self, node: Node) -> bool:
        return [place.root for place in self.places.get(node, [])] == [True]

    def _fits(self, node: Node, place: Place) -> bool:
        given = zip(self.given[node], place.given, strict=False)
        return all(self._operand(v, e) for v, e in given) and self._used(node, place)

    def _operand(self, value: Any, expression: ast.expr) -> bool:
        """May an operand be what an expression gave?"""
        inner = self.tree.of.get(expression)
        if isinstance(expression, ast.Constant):
            return not isinstance(value, Node)
        if not isinstance(value, Node):
            return True  # constants are not recorded, whatever made them
        here = value in self.places and bool(self.candidates[value])
        if inner is not None:
            return inner in self.places[value] if here else value in self.places or not inner.strict
        places = self.places[value] if here else []  # a variable holds no part of a formula
        return not places or variable(expression) is None or any(map(_leaves, places))

    def _used(self, node: Node, place: Place) -> bool:
        """Is a node used as what a place gives is?"""
        users = self.recorded.consumers[node]
        here = [(user, k) for user, k in users if user in self.places]
        if not all(self._reads(user, k, place) for user, k in here):
            return False
        parent = place.parent
        if parent is None or parent not in self.met:
            return True  # a function of the user's, say, whose ops are on other lines
        return bool(here) and (len(here) == len(users) or not (place.strict and parent.strict))

    def _reads(self, user: Node, k: int, place: Place) -> bool:
        """May a node of the line use, as its operand k, what a place gives?"""
        parent = place.parent
        if not self.candidates[user]:  # an op inside a call
            if parent is None and place.root and place.strict:
                return place.target in self.tree.reads
            return not (place.strict and parent is not None and parent.strict)
        given = [other.given[k] if k < len(other.given) else None for other in self.places[user]]
        return not given or any(
            e is None or e is place.expression or (_leaves(place) and e not in self.tree.of) for e in given
        )

    def _in_order(self) -> None:
        """What is left to choose, by the order of evaluation, where every op of the line was recorded and is used.

        The clock says that: nodes that were made one right after the other have numbers without a gap.
        """
        places, nodes = self.tree.places, self.nodes
        left, n = any(len(p) > 1 for p in self.places.values()), len(places)
        if not self.tree.plain or not left or len(nodes) % n:
            return
        runs = [nodes[i : i + n] for i in range(0, len(nodes), n)]
        chosen = {node: place for run in runs for node, place in zip(run, places, strict=True)}
        gaps = any(run[-1].seq - run[0].seq >= n for run in runs)
        if not gaps and all(place in self.places[node] for node, place in chosen.items()) and not self._clash(chosen):
            self.places = {node: [place] for node, place in chosen.items()}

    def _clash(self, chosen: dict[Node, Place]) -> bool:
        """Would one tensor have two names?"""
        found: dict[int, set[str | None]] = {}
        for node, place in chosen.items():
            for value, expression in zip(self.given[node], place.given, strict=False):
                if value is not missing:
                    found.setdefault(id(value), set()).add(variable(expression))
        return any(len(names - {None}) > 1 for names in found.values())


def _leaves(place: Place) -> bool:
    """May a variable hold what a place gives: is it no operand of an operator?"""
    return place.parent is None or not place.parent.strict


class _Read:
    """Variables that were found, and what they held when."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.results: dict[Node, str] = {}
        self.returned: set[Node] = set()  # what user functions returned: called as what they are assigned to
        self.inputs: dict[int, tuple[int, Any, str]] = {}  # by id: the first that reads it, the leaf or array, its name
        self.literals: set[int] = set()

    def operands(self, node: Node, places: Sequence[Place]) -> None:
        """Names of what a node reads, where all places that it may come from have the same."""
        for k, value in enumerate(operands(node) if places else ()):
            expressions = [p.given[k] if k < len(p.given) else None for p in places]
            texts = {None if e is None else _text(e) for e in expressions}
            name = texts.pop() if len(texts) == 1 else None
            if any(isinstance(e, ast.Constant) for e in expressions):
                self.literals.add(id(value))
            if name is None or isinstance(value, int):
                continue  # equal integers are one object
            if isinstance(value, Node) and value.op is not None:
                if value in self.returned and not name.endswith("[]"):
                    self.results.setdefault(value, name)
            elif value is missing:
                self.names.places[node, k] = name
            else:
                self.inputs.setdefault(id(value), (node.seq, value, name))

    def give(self) -> None:
        """Give the names; of variables that held several things one after the other they have numbers."""
        found: dict[str, list[tuple[int, int, Any]]] = {}
        for seq, value, name in self.inputs.values():
            own = self.names.of_node(value) if isinstance(value, Node) else self.names.of_array(value)
            if own is None and id(value) not in self.literals:
                found.setdefault(name, []).append((seq, 0, value))
        for node, name in self.results.items():
            if self.names.of_node(node) is None:
                found.setdefault(name, []).append((node.seq, 1, node))
        for name, several in found.items():
            several.sort(key=lambda one: one[:2])
            base, first = name.removesuffix("[]"), several[0][1]
            for i, (_, _, value) in enumerate(several):
                text = base if len(several) == 1 and base == name else f"{base}_{i + first}"
                if isinstance(value, Node):
                    self.names.guessed.setdefault(value, text)
                else:
                    self.names.guess_array(value, text)


def _text(expression: ast.expr) -> str | None:
    """The name of what an expression reads; of a part of a variable, that with brackets."""
    base = variable(expression.value) if isinstance(expression, ast.Subscript) else None
    if isinstance(expression, ast.Subscript) and base is not None:
        item = expression.slice
        if isinstance(item, ast.Constant):
            return f"{base}_{item.value}" if isinstance(item.value, int) else None
        return f"{base}[]" if isinstance(item, ast.Name) else None
    return variable(expression)
