"""Slips at several edges at once: one mistake made everywhere, two operands exchanged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from autograd_lite.check.cause import Slip
from autograd_lite.check.region import Change, Region
from autograd_lite.core import Node
from autograd_lite.memory import Array
from autograd_lite.recorded import Edge

WAYS = 8  # uses of one tensor of which pairs are exchanged


def everywhere(single: Sequence[Slip], rows: Sequence[Sequence[Edge]]) -> Iterator[Slip]:
    """The same slip at every op where it can be made, in each layer and at each step; or at all steps of one `row`."""
    steps = {edge: number for number, row in enumerate(rows) for edge in row}
    groups: dict[tuple[Any, ...], list[Slip]] = {}
    for slip in single:
        if slip.key is not None:
            groups.setdefault((slip.op, slip.key), []).append(slip)
            row = {steps.get(edge) for edge in slip.changes}
            if len(row) == 1 and None not in row:
                groups.setdefault((slip.op, slip.key, *row), []).append(slip)
    for key, members in groups.items():
        if len(members) > 1 and (len(key) == 2 or len(members) < len(groups[key[:2]])):
            changes = {edge: change for slip in members for edge, change in slip.changes.items()}
            text = f"at {len(members)} places: {members[0].text}, and so on"
            yield Slip(members[0].kind, members[0].op, text, members[0].cost - 0.05, changes)


def exchanged(region: Region) -> Iterator[Slip]:
    """The operands of two ops that use the same tensor, each in the other's place: the matrices of two gates."""
    for edges in region.into.values():
        for one, two in combinations(edges[:WAYS], 2):
            for name in _operands(one) & _operands(two) if one[0].op is two[0].op and one[1] == two[1] else ():
                first, second = (edge[0].saved_by_name(edge[1])[name] for edge in (one, two))
                if first.shape == second.shape and not np.array_equal(first, second):
                    labels = [region.graph.label(_operand(edge[0], name)) for edge in (one, two)]
                    changes = {one: _given(region, one, name, second), two: _given(region, two, name, first)}
                    text = f"{labels[0]} and {labels[1]} stand in each other's place"
                    op = "" if one[0].op is None else one[0].op.name
                    yield Slip("wrong-operand", op, text, 2.2, changes, ("exchanged", *labels))


def _operands(edge: Edge) -> set[str]:
    """The names of the recorded arrays that the rule of an edge takes."""
    node, k = edge
    saved = node.saved_by_name(k)
    return {
        name
        for name in saved
        if node.op is not None
        and name in node.op.arrays
        and len(node.op.arrays) > 1
        and isinstance(saved[name], np.ndarray)
        and _operand(node, name) is not None
    }


def _operand(node: Node, name: str) -> Any:
    return None if node.op is None else node.parents[node.op.arrays.index(name)]


def _given(region: Region, edge: Edge, name: str, array: Array) -> Change:
    saved = {**edge[0].saved_by_name(edge[1]), name: array}
    return lambda g: region.rule(edge, g, saved.values())
