"""A recorded graph computed again, where the value of something that goes into it was kept nowhere."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite.core import Node, Tensor
from autograd_lite.derive.equal import near
from autograd_lite.derive.forward import Recovered
from autograd_lite.derive.names import Names, missing, operands
from autograd_lite.derive.numpy_text import Unprintable
from autograd_lite.derive.origins import Origin
from autograd_lite.engine import flow
from autograd_lite.memory import Array
from autograd_lite.modes import enable_grad
from autograd_lite.recorded import Recorded, held
from autograd_lite.sparse import RowSparse

TRIED = 6  # constants that are lost
USUAL = 0.0, 1.0, -1.0, 2.0, 0.5, 0.1  # what they may have been; of more than two the first two are tried


def lost_leaves(recorded: Recorded) -> list[Node]:
    """Leaves of which no array is left: no rule needed it, and the tensor is gone."""
    return [n for n in recorded.order if n.op is None and n not in recorded.values and held(n) is None]


def gradients_of(recorded: Recorded) -> dict[Node, Array]:
    """Of all nodes, by the engine, from ones."""
    root = recorded.root
    with np.errstate(all="ignore"):
        found = flow({root: np.ones(root.shape, root.dtype)}, recorded.order, retain_graph=True)
    return {n: g.to_dense() if isinstance(g, RowSparse) else np.asarray(g) for n, g in found.items()}


def node_of(tensor: Tensor) -> Node:
    """The node of a Tensor that has one."""
    assert tensor.node is not None
    return tensor.node


class Twin:
    """The same ops on the same arrays, recorded anew; `root` is the result, `of` has the twin of each node.

    `numbers` stand for the constants that are lost; without them, and for leaves, there are `stand_ins`: arrays of
    numbers from 0.5 to 1.5. Constants of which an origin is `known` are made of it, and that is a leaf.
    """

    def __init__(
        self,
        recorded: Recorded,
        names: Names,
        constants: Recovered,
        known: Mapping[int, Origin],
        numbers: Sequence[float] | None = None,
    ) -> None:
        self.numbers = None if numbers is None else iter(numbers)
        self.names, self.known, self.sources = names, known, dict[int, Tensor]()
        self.made: dict[int, Any] = {}
        self.of: dict[Node, Tensor] = {}
        self.stand_ins: list[Any] = []
        self.constants: dict[tuple[Node, int], Any] = {}
        self.rng = np.random.default_rng(0)
        for node in reversed(recorded.order):
            with enable_grad(), np.errstate(all="ignore"):
                self.of[node] = self._leaf(recorded, node) if node.op is None else self._made(node, constants)
            name = names.of_node(node)
            if name is not None:
                self.of[node].name = name
        self.root = self.of[recorded.root]

    def _stand_in(self, shape: tuple[int, ...], dtype: Any) -> Any:
        array = self.rng.uniform(0.5, 1.5, shape).astype(dtype)
        self.stand_ins.append(array)
        return array

    def _leaf(self, recorded: Recorded, node: Node) -> Tensor:
        array = held(node)
        array = recorded.values.get(node) if array is None else array
        return Tensor(self._stand_in(node.shape, node.dtype) if array is None else array).requires_grad_()

    def _again(self, value: Any) -> Any:
        """A constant, or made anew of what it was made of, which is a leaf here."""
        origin = self.known.get(id(value))
        if origin is None:
            return value
        if id(value) not in self.made:
            source = self.sources.get(id(origin.array))
            if source is None:
                source = self.sources[id(origin.array)] = Tensor(origin.array).requires_grad_()
                source.name = origin.name
            self.made[id(value)] = origin.made(source)
        return self.made[id(value)]

    def _made(self, node: Node, constants: Recovered) -> Tensor:
        assert node.op is not None
        given = operands(node)
        arguments = []
        for k, operand in enumerate(given):
            value = constants.find(node, k, given) if operand is missing else operand
            if operand is missing and (node, k) in constants.lost:
                kind = np.shape(value), np.asarray(value).dtype
                value = self._stand_in(*kind) if self.numbers is None else next(self.numbers)
                if np.ndim(value) and (node, k) in self.names.places:
                    self.names.guess_array(value, self.names.places[node, k])
            arguments.append(self.of[value] if isinstance(value, Node) else self._again(value))
        try:
            made: Tensor = node.op.call(*arguments, **node.attrs)
        except TypeError as error:
            raise Unprintable(f"the op {node.op.name}") from error
        assert made.node is not None
        if made.shape != node.shape:
            raise ValueError("a number has not the shape of the constant that it stands for")
        for k, (operand, value) in enumerate(zip(given, arguments, strict=True)):
            if operand is missing:
                self.constants[made.node, k] = value
        return made


def twin_of(loss: Tensor, recorded: Recorded, names: Names, constants: Recovered, known: Mapping[int, Origin]) -> Twin:
    """The graph recorded anew. Lost constants are numbers that give the same gradients, if some of the usual do."""
    if constants.lost and not lost_leaves(recorded) and len(constants.lost) <= TRIED:
        true = gradients_of(recorded)
        for numbers in itertools.product(USUAL[: 6 if len(constants.lost) < 3 else 2], repeat=len(constants.lost)):
            try:
                twin = Twin(recorded, names, constants, known, numbers)
            except (ValueError, IndexError):  # of a shape that does not fit
                continue
            again = gradients_of(Recorded(node_of(twin.root)))
            same = all(near(again.get(node_of(twin.of[n]), 0.0), g) for n, g in true.items())
            if same and near(twin.root.data, loss.data):
                return twin
    return Twin(recorded, names, constants, known)
