"""Reverse-mode differentiation over recorded nodes: `backward` and `grad`.

What every op would otherwise have to do is done here, once: the order of the walk, the accumulation, the shape
and dtype of a gradient on its edge, hooks, freeing. Nothing recurses.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from operator import iadd
from typing import Any

import numpy as np

from autograd_lite.core import GraphError, Node, Tensor, array_types, as_array
from autograd_lite.graph import leading_to, leaves_early, reach, refuse_unusable
from autograd_lite.modes import mode
from autograd_lite.ops.shape import cast, sum_to
from autograd_lite.sparse import RowSparse

ndarray = np.ndarray


def flow(
    roots: dict[Node, Any],
    targets: Sequence[Node] | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
    ready: Callable[[Node, Any], Any] | None = None,
) -> dict[Node, Any]:
    """Let gradients flow from the roots, and return those that arrive at the targets.

    Without targets, those of all nodes that keep one: leaves, and after `retain_grad`, inner ones. Gradients are
    arrays, or with `create_graph` Tensors. A returned array may be shared: `settle` makes it its owner's. `ready` is
    called with each gradient that is kept, as soon as it is complete, and returns what to keep, or None.
    """
    order = reach(roots) if ready is None else leaves_early(reach(roots))
    wanted = None if targets is None else set(targets)
    leading = None if targets is None else leading_to(targets, order)
    refuse_unusable(order if leading is None else [n for n in order if not leading.isdisjoint(n.parents)])
    return _propagate(order, dict(roots), wanted, leading, retain_graph, create_graph, ready)


def _propagate(
    order: list[Node],
    gradients: dict[Node, Any],
    wanted: set[Node] | None,
    leading: set[Node] | None,
    retain_graph: bool,
    create_graph: bool,
    ready: Callable[[Node, Any], Any] | None,
) -> dict[Node, Any]:
    """Run each node's rules on its gradient, and add what they return to what its parents have."""
    owned, found, tracer, trap = set[Node](), dict[Node, Any](), None if create_graph else mode.tracer, mode.trap
    for node in order:
        g = gradients.pop(node, None)
        if g is None:
            continue
        notes, op = node.notes, node.op
        if notes is not None and notes.hooks:
            g = _call_hooks(node, g)
        if node in wanted if wanted is not None else notes is not None and notes.keeps_grad:
            found[node] = g if ready is None else ready(node, g)
        if op is None or (leading is not None and leading.isdisjoint(node.parents)):
            continue
        g, saved = g.to_dense() if isinstance(g, RowSparse) else g, node.saved
        for k, parent in enumerate(node.parents):
            if parent is None or (leading is not None and parent not in leading):
                continue
            try:
                rule: Any = op.rules[op.slot(k) if op.variadic else k]
                needs: Any = _as_tensors(node, k) if create_graph else saved[k]  # type: ignore[index]
                gx = rule(g, *needs) if tracer is None else tracer.rule(rule, g, needs)
                if gx is None:
                    continue
                if trap is not None:
                    trap(node, k, g, gx)
                if gx.shape != parent.shape or gx.dtype is not parent.dtype or type(gx) is Tensor:
                    gx = _fit(gx, parent, create_graph)
            except Exception as error:
                _explain(error, node, k, g)
                raise
            have = gradients.get(parent)
            if have is None:
                gradients[parent] = gx  # borrowed: it may be g itself, or a view of it
            elif parent in owned and type(gx) is ndarray:
                gradients[parent] = iadd(have, gx)  # type: ignore[no-untyped-call]  # a NumPy scalar is rebound by +=
            else:
                gradients[parent] = have + gx
                owned.add(parent)
        if not retain_graph:
            node.saved = None
    return found


def _as_tensors(node: Node, k: int) -> list[Any]:
    """What a rule takes after g, as Tensors that lead back into the graph."""
    op = node.op
    assert op is not None
    assert node.saved is not None
    fixed = len(op.arrays) - op.variadic
    values: list[Any] = []
    for name, value in zip(op.names[op.slot(k)], node.saved[k] or (), strict=True):
        if name == "y":
            values.append(Tensor(value, node))
        elif name not in op.arrays:
            values.append(value)
        elif op.variadic and name == op.arrays[-1]:
            values.append(tuple(Tensor(v, p) for v, p in zip(value, node.parents[fixed:], strict=True)))
        else:
            parent = node.parents[op.arrays.index(name)]
            values.append(value if parent is None else Tensor(value, parent))
    return values


def _fit(gx: Any, parent: Node, create_graph: bool) -> Any:
    """The edge law: a gradient has its tensor's shape, summed over what was broadcast, and its dtype."""
    if isinstance(gx, Tensor) and not create_graph:
        raise TypeError("the rule returned a Tensor: it uses one from outside; make that an argument of the op")
    if gx.dtype.kind == "c":
        raise TypeError("a complex gradient: only real floating-point numbers are differentiated here")
    if gx.shape != parent.shape:
        gx = sum_to(gx, shape=parent.shape)
    return gx if gx.dtype == parent.dtype else cast(gx, dtype=parent.dtype)


def _explain(error: Exception, node: Node, k: int, g: Any) -> None:
    """Say in the error, which stays the one that it is, whose rule raised it."""
    op, parent = node.op, node.parents[k]
    if isinstance(error, GraphError):
        return
    assert op is not None
    assert parent is not None
    text = f"in the rule of {op.name} for {op.arrays[op.slot(k)]} {parent.shape}, on a gradient of shape {g.shape}"
    if node.notes is not None and node.notes.site is not None:
        text += f"; the op is at {node.notes.site[0]}:{node.notes.site[1]}"
    if hasattr(error, "add_note"):
        error.add_note(text)
    else:  # Python 3.10
        error.args = (f"{error} ({text})",)


def _call_hooks(node: Node, g: Any) -> Any:
    for hook in list((node.annotate().hooks or {}).values()):
        seen = g if isinstance(g, Tensor) else Tensor(g.copy())
        answer = hook(seen)
        if answer is not None:
            if answer.shape != node.shape:
                raise ValueError(
                    f"a hook on {node!r} returned a gradient of shape {answer.shape}; it must be {node.shape}"
                )
            g = answer if isinstance(g, Tensor) else _array_of(answer).astype(node.dtype)
    return g


def _array_of(answer: Any) -> Any:
    return answer.data if isinstance(answer, Tensor) else as_array(answer)


def _references(box: list[Any]) -> int:
    return sys.getrefcount(box[0])


_ALONE = _references([np.empty(1)])  # what the count is when nobody else holds the array, on this interpreter


def settle(g: Any) -> Any:
    """`g[0]` as an array of its receiver's own: handed over where nobody else holds it, else copied.

    Takes the gradient in a list, so that the count of its references is the holder's alone.
    """
    kind = type(g[0])
    if kind is ndarray and g[0].base is None and _references(g) == _ALONE:
        return g[0]
    if isinstance(g[0], RowSparse):
        return g[0]  # nobody writes into one: reading `grad` of it makes a dense array or a copy
    if kind in array_types and kind is not ndarray:
        return g[0].owned()
    if kind is Tensor:
        return Tensor(g[0].data.copy(), g[0].node)
    return np.array(g[0], order="C")
