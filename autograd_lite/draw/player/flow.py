"""The numbers of a run: what each op was given and made, and what its rules gave back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.core import GraphError, Node, Tensor
from autograd_lite.memory import Array
from autograd_lite.ops import elementwise, shape
from autograd_lite.ops.shape import sum_to
from autograd_lite.recorded import Recorded, undone
from autograd_lite.sparse import RowSparse


@dataclass(frozen=True, eq=False)
class Part:
    """What an argument of an op gets, and what its tensor had before that (None: nothing)."""

    argument: int
    array: Array
    before: Array | None


class Flow:
    """Values and gradients of a graph: each rule is run once, on arrays, and nothing is kept in the graph.

    `given` has what each op was given (None where it is not known), `totals` the gradients, `parts` what each op's
    rules gave; `tensors` are some whose values are known. Of a result of several numbers there are no gradients without
    `gradients`. Raises GraphError where there is no graph, or it was freed or changed, ValueError for `gradients` of
    another shape.
    """

    def __init__(self, loss: Tensor, gradients: Any = None, tensors: Iterable[Any] = ()) -> None:
        if loss.node is None:
            raise GraphError(
                "there is no graph to step through: nothing under this tensor requires a gradient, or it was made "
                "under no_grad()"
            )
        start = _start(loss, gradients)
        self.totals: dict[Node, Array] = {} if start is None else {loss.node: start}
        self.graph = Recorded(loss.node)
        self.root, self.order = self.graph.root, self.graph.order
        _refuse_changed(loss, self.graph.values.get(self.root))
        held = {t.node: t.data for t in tensors if isinstance(t, Tensor) and t.node is not None}
        self.values: dict[Node, Array] = {**held, **self.graph.values, self.root: loss.data}
        self.given: dict[Node, list[Any]] = {}  # with tensors by their values, as far as these are known
        self.parts: dict[Node, list[Part]] = {}
        self.last: dict[Node, tuple[Node, int]] = {}  # the edge by which the last part of a gradient arrives
        with np.errstate(all="ignore"):
            self._undo()
            self._compute()
            self._back()

    def _arguments(self, node: Node) -> list[Any]:
        return [
            self.graph.arguments.get((node, k)) if parent is None else self.values.get(parent)
            for k, parent in enumerate(node.parents)
        ]

    def _undo(self) -> None:
        """From the result down: the argument that nothing kept, from the result and the other one."""
        for node in self.order:
            if node.op is None:
                continue
            given = self.given[node] = self._arguments(node)
            missing = [k for k, value in enumerate(given) if value is None]
            if len(missing) != 1 or node not in self.values:
                continue
            k, parent = missing[0], node.parents[missing[0]]
            found = _undone(node, k, given, self.values[node])
            if found is None or not np.all(np.isfinite(found)):
                continue
            if parent is None:
                given[k] = _one_number(found)
            elif np.shape(found) == parent.shape:
                self.values[parent] = np.asarray(found, parent.dtype)

    def _compute(self) -> None:
        """From the leaves up: what is not known, from what is."""
        for node in reversed(self.order):
            if node.op is None:
                continue
            given = self.given[node]
            for k, parent in enumerate(node.parents):
                given[k] = given[k] if parent is None else self.values.get(parent)
            if node not in self.values and all(value is not None for value in given):
                self.values[node] = np.asarray(node.op.forward(*given, **node.attrs))

    def _back(self) -> None:
        for node in self.order:
            g, op = self.totals.get(node), node.op
            if g is None or op is None or node.saved is None:
                continue
            for k, parent in enumerate(node.parents):
                rule = op.rules[op.slot(k)]
                array = None if parent is None or rule is None else rule(g, *(node.saved[k] or ()))
                if array is None or parent is None:
                    continue
                before = self.totals.get(parent)
                part = Part(k, _fitted(array, parent), before)
                self.parts.setdefault(node, []).append(part)
                self.totals[parent] = part.array if before is None else before + part.array
                self.last[parent] = node, k


def _start(loss: Tensor, gradients: Any) -> Array | None:
    if gradients is None:
        return np.ones(loss.shape, loss.dtype) if loss.data.size == 1 else None
    start = np.array(gradients.data if isinstance(gradients, Tensor) else gradients, loss.dtype)
    if start.shape != loss.shape:
        raise ValueError(f"gradients has shape {start.shape}, and the tensor {loss.shape}: they must be the same")
    return start


def _refuse_changed(loss: Tensor, computed: Array | None) -> None:
    """Raise GraphError where the graph, computed again, gives something else than it did."""
    if computed is None:
        return
    near = 1e4 * float(np.finfo(loss.dtype).eps)
    size = float(np.max(np.abs(loss.data), initial=0.0, where=np.isfinite(loss.data)))
    if not np.allclose(computed, loss.data, rtol=near, atol=near * size, equal_nan=True):
        raise GraphError(
            "the graph gives something else now than when it was recorded: an array of it was written into (through "
            ".data, or the array) after the forward pass. Compute the loss anew"
        )


def _fitted(array: Any, parent: Node) -> Array:
    """The edge law: a gradient has its tensor's shape, summed over what was broadcast, and its dtype."""
    array = array.to_dense() if isinstance(array, RowSparse) else np.asarray(array)
    return np.asarray(array if array.shape == parent.shape else sum_to(array, shape=parent.shape), parent.dtype)


def _undone(node: Node, k: int, given: list[Any], y: Array) -> Any:
    """The argument k of an op, to rounding, from the others and the result; None where that cannot be told."""
    op, saved = node.op, node.saved
    if op is not None and op in _inverse and saved is not None:
        rule = op.rules[k]
        return None if rule is None else rule(y, *(saved[k] or ()))
    if op is _E.multiply.op:
        return y / given[1 - k]
    return undone(node, k, given[1 - k], y) if len(given) == 2 else None


_E: Any = elementwise  # Any: type checkers do not see that what `primitive` makes has an `op`
_S: Any = shape
_inverse = {_S._reshape.op, _S._permute.op, _S.clone.op, _E.negative.op}  # their rules take back what they do


def _one_number(found: Any) -> Any:
    """A constant that was found by undoing an op, as a number where it is one all over, to rounding."""
    if found is None or not np.size(found):
        return found
    digits = 12 if np.asarray(found).dtype.itemsize > 4 else 6
    one = float(f"{float(np.ravel(found)[0]):.{digits}g}")
    return one if np.allclose(found, one, rtol=10.0 ** (1 - digits), atol=10.0**-digits) else found
