"""A run as steps: what each one lights, its rule in symbols and in numbers, and the arrays that it shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import count
from typing import Any

import numpy as np

from autograd_lite.core import Node
from autograd_lite.derive.labels import kind_of_array, shortened
from autograd_lite.draw.diagram import Names, walk
from autograd_lite.draw.player.flow import Flow, Part
from autograd_lite.draw.player.numbers import Index, Window, entry, inside, number, window
from autograd_lite.draw.player.rules import Rule
from autograd_lite.draw.player.rules_of_losses import rule_of

IN_BOX = 3  # numbers that are written into a tensor's box; of more, the range

_unfit = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]+")


def said(text: Any) -> str:
    """Any text on one line, without what turns its direction or no file can hold."""
    return _unfit.sub(" ", str(text))


class Story:
    """A run in words and numbers: at most `max_steps` ops, the first and the last, and `limit` entries of an array.

    `written` are the names of constants in formulas, by the arrays' ids.
    """

    def __init__(self, flow: Flow, names: Names, max_steps: int, limit: int, written: Mapping[int, Any]) -> None:
        self.flow, self.names, self.limit, self.written = flow, names, limit, written
        order = walk([flow.root])
        self.ids = {node: f"t{place}" for place, node in enumerate(order, 1)}
        ops = [node for node in reversed(flow.order) if node.op is not None]
        self.labels = self._labelled([n for n in order if n.op is None], ops)
        self.constants: dict[int, str] = {}
        self.taken = set(self.labels.values())
        first = (max_steps + 1) // 2
        self.ops = ops if len(ops) <= max_steps else [*ops[:first], *ops[len(ops) - max_steps + first :]]
        self.left_out = len(ops) - len(self.ops)

    def _labelled(self, leaves: list[Node], ops: list[Node]) -> dict[Node, str]:
        labels = {node: _short_name(self.names.of_node(node)) for node in (*leaves, *ops)}
        labels[self.flow.root] = labels[self.flow.root] or "result"
        taken = set(labels.values())
        for letter, nodes in (("w", leaves), ("h", ops)):
            count = 0
            for node in nodes:
                while not labels[node]:
                    count += 1
                    labels[node] = f"{letter}{count}" if f"{letter}{count}" not in taken else ""
        return labels

    def data(self) -> dict[str, Any]:
        """All that the page shows."""
        rules = {node: self._rule(node) for node in self.ops}
        steps: list[dict[str, Any]] = [{"phase": "start"}]
        steps += [self._forward(node, rules[node]) for node in self.ops]
        if self.flow.totals:
            steps.append({"phase": "seed", "of": self.ids[self.flow.root]})
            steps += [self._backward(node, rules[node]) for node in reversed(self.ops) if node in self.flow.totals]
        steps.append({"phase": "end"})
        used = {p for node in self.ops for p in (node, *node.parents) if p is not None} | {self.flow.root}
        return {
            "result": self.ids[self.flow.root],
            "notes": self._notes(),
            "tensors": {self.ids[node]: self._tensor(node) for node in self.ids if node in used or node.op is None},
            "steps": steps,
        }

    def _notes(self) -> list[str]:
        notes = []
        if self.left_out:
            notes.append(
                f"The graph has {self.left_out + len(self.ops):,} ops. {len(self.ops):,} are shown, the first and the "
                f"last; {self.left_out:,} between them were computed and are left out."
            )
        if not self.flow.totals:
            notes.append(
                f"Forward only: a backward pass starts at one number, and the result has shape {self.flow.root.shape}."
            )
        if any(node.notes is not None and node.notes.hooks for node in self.flow.order):
            notes.append("Hooks were not called: these are the gradients without them.")
        return notes

    def _tensor(self, node: Node) -> dict[str, Any]:
        value, gradient = self.flow.values.get(node), self.flow.totals.get(node)
        return {
            "label": self.labels[node],
            "of": kind_of_array(node.shape, node.dtype),
            "slope": self._slope(node),
            "given": node.op is None,
            "value": self._shown(value),
            "gradient": self._shown(gradient),
            "box": [in_box(value), in_box(gradient)],
        }

    def _slope(self, node: Node) -> str:
        return f"∂{self.labels[self.flow.root]}/∂{self.labels[node]}"

    def _rule(self, node: Node) -> Rule:
        given = self.flow.given[node]
        names = [
            self._constant(value) if parent is None else self.labels[parent]
            for value, parent in zip(given, node.parents, strict=True)
        ]
        made = rule_of(node, given, np.asarray(self.flow.values.get(node, np.full(node.shape, np.nan))), names)
        made.y_name, made.g_name, made.g = self.labels[node], self._slope(node), self.flow.totals.get(node)
        return made

    def _constant(self, value: Any) -> str:
        """What a constant is called, as nothing else is: its name, or that in formulas; a number is written out."""
        name = _short_name(self.names.of_array(value)) if isinstance(value, np.ndarray) else ""
        if not name and value is not None and np.size(value) == 1:
            return number(np.ravel(value)[0])
        if id(value) not in self.constants:
            name = name or self.written.get(id(value), ("",))[0]
            names = (f"{name}_{k}" if name else f"c{k}" for k in count(2 if name else 1))
            others = self.taken if name else self.taken | {other for other, _ in self.written.values()}
            if not name or name in self.taken:
                name = next(another for another in names if another not in others)
            self.taken.add(name)
            self.constants[id(value)] = name
        return self.constants[id(value)]

    def _forward(self, node: Node, rule: Rule) -> dict[str, Any]:
        y, label = self.flow.values.get(node), self.labels[node]
        inputs: list[Any] = []
        for name, value, parent in zip(rule.names, rule.given, node.parents, strict=True):
            if parent is not None:
                inputs.append(self.ids[parent])
            elif np.size(value) > 1:
                inputs.append({"label": name, "array": self._shown(value)})
        seen = [] if y is None else self._window(y).entries
        return {
            "phase": "forward",
            **self._op(node),
            "inputs": inputs,
            "rule": f"{label} = {rule.forward()}",
            "formulas": [] if y is None else [_equation(f"{label}{entry(i)}", rule.forward_at(i), y[i]) for i in seen],
        }

    def _op(self, node: Node) -> dict[str, Any]:
        assert node.op is not None
        return {"op": f"op{self.ids[node][1:]}", "name": node.op.name, "of": self.ids[node]}

    def _backward(self, node: Node, rule: Rule) -> dict[str, Any]:
        return {
            "phase": "backward",
            **self._op(node),
            "edges": [self._edge(node, rule, part) for part in self.flow.parts.get(node, ())],
        }

    def _edge(self, node: Node, rule: Rule, part: Part) -> dict[str, Any]:
        parent, k = node.parents[part.argument], part.argument
        assert parent is not None
        slope, before = self._slope(parent), part.before
        adding = None if before is None else np.where(before != 0, part.array, 0)  # where something really adds up
        sizes = adding if adding is not None and np.any(adding) else None
        at, sign = self._window(part.array, sizes).entries, "=" if before is None else "+="
        return {
            "to": self.ids[parent],
            "rule": f"{slope} {sign} {rule.back(k)}",
            "array": self._shown(part.array, sizes),
            "formulas": [_equation(f"{slope}{entry(i)}", rule.back_at(k, i), part.array[i], sign) for i in at],
            "sums": [] if before is None else [_accumulated(before[i], part.array[i]) for i in at],
            "box": in_box(part.array if before is None else before + part.array),
            "last": self.flow.last[parent] == (node, k),
        }

    def _window(self, array: Any, sizes: Any = None) -> Window:
        return window(array, self.limit, sizes)

    def _shown(self, array: Any, sizes: Any = None) -> dict[str, Any] | None:
        """An array's numbers, as many as there is room for."""
        if array is None:
            return None
        array = np.asarray(array)
        seen = self._window(array, sizes)
        return {
            "rows": seen.rows,
            "columns": seen.columns,
            "numbers": [number(array[i]) for i in seen.entries],
            "first": seen.first,
            **({} if seen.whole else {"of": _times(array.shape)}),
        }


def _short_name(name: str | None) -> str:
    return "" if name is None else shortened(said(name)) or "“”"


def _times(shape: Index) -> str:
    return " × ".join(f"{n:,}" for n in shape)


def in_box(array: Any) -> str:
    """An array in a few characters: its numbers, or its range.

    >>> in_box(np.array([1.0, 2.5])), in_box(np.arange(100.0)), in_box(np.ones(9)), in_box(None)
    ('1, 2.5', '0 … 99', 'all 1', '')
    """
    if array is None or not np.size(array):
        return ""
    if np.size(array) <= IN_BOX:
        return ", ".join(map(number, np.ravel(array)))
    with np.errstate(all="ignore"):
        ends = [f"{float(end) + 0.0:.3g}".replace("-", "−") for end in (np.min(array), np.max(array))]
    return " … ".join(ends) if ends[0] != ends[1] else f"all {ends[0]}"


def _equation(left: str, text: str, value: Any, sign: str = "=") -> str:
    value = number(value)
    return f"{left} {sign} {value}" if text in ("", value, f"({value})") else f"{left} {sign} {text} = {value}"


def _accumulated(before: Any, part: Any) -> str:
    with np.errstate(all="ignore"):
        return f"{number(before)} + {inside(number(part))} = {number(before + part)}"
