"""What the caller calls things, the order in which a graph is read, and what each op was given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autograd_lite.core import Node, Tensor
from autograd_lite.memory import name_of

missing = object()  # a constant operand that no rule kept


class Names:
    """What the caller calls things: by node, and for constants by array. They win over a tensor's own."""

    def __init__(self, names: Any = None) -> None:
        self.guessed: dict[Node, str] = {}  # of tensors that have no name otherwise
        self.places: dict[tuple[Node, int], str] = {}  # of operands that no rule kept
        self._of_nodes: dict[Node, str] = {}
        self._of_arrays: dict[int, tuple[str, Any]] = {}  # with the array, whose id must stay its own
        self._guesses: dict[int, tuple[str, Any]] = {}
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
        return self._of_nodes.get(node) or node.name or self.guessed.get(node)

    def of_array(self, array: Any) -> str | None:
        """A constant's name."""
        given = self._of_arrays.get(id(array))
        return name_of(array) or self._guessed(array) if given is None else given[0]

    def of_arrays(self) -> list[tuple[str, Any]]:
        """Arrays and tensors' arrays that the caller named."""
        return list(self._of_arrays.values())

    def guess_array(self, array: Any, name: str) -> None:
        """A name for a constant that has none."""
        self._guesses.setdefault(id(array), (name, array))

    def _guessed(self, array: Any) -> str | None:
        return self._guesses[id(array)][0] if id(array) in self._guesses else None


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
    """What each operand of an op is: its node, the constant that was saved for a rule, or `missing`."""
    op = node.op
    if op is None:
        return []
    if None not in node.parents:
        return list(node.parents)
    kept: dict[str, Any] = {}
    fixed = len(op.arrays) - op.variadic
    for k, saved in enumerate(node.saved or ()):
        if saved is not None and node.parents[k] is not None:
            kept |= zip(op.names[op.slot(k)], saved, strict=True)
        elif saved:
            kept[op.arrays[k]] = saved[0]
    rest = kept.get(op.arrays[-1]) if op.variadic else None
    found: list[Any] = []
    for k, parent in enumerate(node.parents):
        if parent is not None:
            found.append(parent)
        elif k < fixed:
            found.append(kept.get(op.arrays[k], missing))
        else:
            found.append(missing if rest is None else rest[k - fixed])
    return found
