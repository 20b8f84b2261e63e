"""Walks over recorded nodes: iterative, whatever the depth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter

import numpy as np

from autograd_lite import memory
from autograd_lite.core import GraphError, Node, Tensor
from autograd_lite.memory import Array
from autograd_lite.modes import watch

_by_age: Callable[[Node], int] = attrgetter("seq")


def reach(roots: Iterable[Node]) -> list[Node]:
    """All nodes under the roots, children before parents."""
    order = list(dict.fromkeys(roots))
    seen = set(order)
    for node in order:  # grows while it is walked
        for parent in node.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                order.append(parent)
    order.sort(key=_by_age, reverse=True)
    return order


def leaves_early(order: Sequence[Node]) -> list[Node]:
    """The same walk, each leaf right after the last node it is a parent of: there its gradient is complete."""
    last: dict[Node, Node] = {}
    for node in order:
        for parent in node.parents:
            if parent is not None and parent.op is None:
                last[parent] = node
    after: dict[Node, list[Node]] = {}
    for leaf, node in last.items():
        after.setdefault(node, []).append(leaf)
    early: list[Node] = []
    for node in order:
        if node not in last:
            early += node, *after.get(node, ())
    return early


def leading_to(targets: Iterable[Node], order: Sequence[Node]) -> set[Node]:
    """The nodes of a walk from which a target can be reached."""
    leading = set(targets)
    for node in reversed(order):
        if not leading.isdisjoint(node.parents):
            leading.add(node)
    return leading


def refuse_unusable(order: Sequence[Node]) -> None:
    """Before anything flows: is every node still there, and what it saved still what it was?"""
    last_write = memory.last_write
    for node in order:
        if node.saved is None:
            raise GraphError(
                f"backward through a graph that was freed: what {node.op and node.op.name} {node.shape} had saved went "
                "with the first pass over it. Pass retain_graph=True to that first pass, or compute the loss anew"
            )
        if node.seq < last_write and node.op is not None:
            for arrays in node.saved:
                for value in arrays or ():
                    for array in value if isinstance(value, tuple) else (value,):
                        what = memory.stale(array, node.seq) if isinstance(array, np.ndarray) else None
                        if what is not None:
                            raise GraphError(_stale_text(node, array, what))


def _stale_text(node: Node, array: Array, what: str) -> str:
    site = node.notes.site if node.notes is not None else None
    made = "" if site is None else f" at {site[0]}:{site[1]}"
    more = "" if site is not None else " (al.record_lines() adds the line of the op)"
    return (
        f"{node.op and node.op.name}{made}, node #{node.seq}, saved an array of shape {array.shape} for its gradient, "
        f"and it was changed in place since, by {what}. Run backward() before the change, change a copy "
        f"(x = x + 1 in place of x += on its array), or compute the loss anew{more}"
    )


class record_lines(watch):  # noqa: N801
    """Inside, every recorded node notes the line of the caller's code that made it, for reports and errors.

    >>> import autograd_lite as al
    >>> with al.record_lines():
    ...     y = al.ones(2, requires_grad=True) * 2
    >>> y.node.notes.site is not None
    True
    """

    def __init__(self) -> None:
        super().__init__(_note_line)


def _note_line(op: object, args: object, attrs: object, result: object) -> None:
    if isinstance(result, Tensor) and result.node is not None:
        result.node.annotate().site = memory.call_site()
