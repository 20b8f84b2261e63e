"""Reverse-mode differentiation over recorded nodes: `backward` and `grad`.

What every op would otherwise have to do is done here, once: the order of the walk, the accumulation, the shape
and dtype of a gradient on its edge, hooks, freeing. Nothing recurses.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache
from typing import Any

import numpy as np

from autograd_lite.core import GraphError, Node, Tensor
from autograd_lite.graph import leading_to, reach, refuse_unusable
from autograd_lite.memory import Array
from autograd_lite.modes import enable_grad
from autograd_lite.ops.shape import cast, sum_to
from autograd_lite.sparse import RowSparse

ndarray = np.ndarray
_ordinary = nullcontext()  # rules on arrays record nothing, whatever the mode


def flow(
    roots: dict[Node, Any],
    *,
    targets: Sequence[Node] | None = None,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> dict[Node, Any]:
    """Let gradients flow from the roots, and return those that arrive at the targets.

    Without targets, those of all nodes that keep one: leaves, and after `retain_grad`, inner ones. Gradients are
    arrays, or with `create_graph` Tensors. A returned array may be shared: `settle` makes it its owner's.
    """
    order = reach(roots)
    wanted = None if targets is None else set(targets)
    leading = None if targets is None else leading_to(targets, order)
    refuse_unusable(order if leading is None else [n for n in order if not leading.isdisjoint(n.parents)])
    return _propagate(order, dict(roots), wanted, leading, retain_graph, create_graph)


def _propagate(
    order: list[Node],
    gradients: dict[Node, Any],
    wanted: set[Node] | None,
    leading: set[Node] | None,
    retain_graph: bool,
    create_graph: bool,
) -> dict[Node, Any]:
    """Run each node's rules on its gradient, and add what they return to what its parents have."""
    owned, found = set[Node](), dict[Node, Any]()
    for node in order:
        g = gradients.pop(node, None)
        if g is None:
            continue
        notes, op = node.notes, node.op
        if notes is not None and notes.hooks:
            g = _call_hooks(node, g)
        if node in wanted if wanted is not None else notes is not None and notes.keeps_grad:
            found[node] = g
        if op is None or (leading is not None and leading.isdisjoint(node.parents)):
            continue
        g = g.to_dense() if type(g) is RowSparse else g
        saved = node.saved
        for k, parent in enumerate(node.parents):
            if parent is None or (leading is not None and parent not in leading):
                continue
            try:
                rule = op.rules[op.slot(k) if op.variadic else k]
                gx = rule(g, *(_as_tensors(node, k) if create_graph else saved[k]))  # type: ignore[misc,index]
                if gx is None:
                    continue
                if gx.shape != parent.shape or gx.dtype is not parent.dtype:
                    gx = _fit(gx, parent)
            except Exception as error:
                raise _explained(error, node, k, g) from error
            have = gradients.get(parent)
            if have is None:
                gradients[parent] = gx  # borrowed: it may be g itself, or a view of it
            elif parent in owned and type(gx) is ndarray:
                have += gx
                gradients[parent] = have  # a NumPy scalar is rebound by +=
            else:
                gradients[parent] = have + gx
                if not create_graph:
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


def _fit(gx: Any, parent: Node) -> Any:
    """The edge law: a gradient has its tensor's shape, summed over what was broadcast, and its dtype."""
    if gx.shape != parent.shape:
        gx = sum_to(gx, shape=parent.shape)
    return gx if gx.dtype == parent.dtype else cast(gx, dtype=parent.dtype)


def _explained(error: Exception, node: Node, k: int, g: Any) -> Exception:
    op, parent = node.op, node.parents[k]
    if isinstance(error, GraphError) or op is None or parent is None:
        return error
    return RuntimeError(
        f"the rule of {op.name} for {op.arrays[op.slot(k)]} {parent.shape} failed on a gradient of shape {g.shape}: "
        f"{type(error).__name__}: {error}"
    )


def _call_hooks(node: Node, g: Any) -> Any:
    for hook in list((node.annotate().hooks or {}).values()):
        seen = g if isinstance(g, Tensor) else Tensor(np.array(g))
        answer = hook(seen)
        if answer is not None:
            if answer.shape != node.shape:
                raise ValueError(
                    f"a hook on {node!r} returned a gradient of shape {answer.shape}; it must be {node.shape}"
                )
            g = answer if isinstance(g, Tensor) else np.array(answer.data, node.dtype)
    return g


def _references(box: list[Any]) -> int:
    return sys.getrefcount(box[0])


_ALONE = _references([np.empty(1)])  # what the count is when nobody else holds the array, on this interpreter


def settle(g: Any) -> Any:
    """`g[0]` as an array of its receiver's own: handed over where nobody else holds it, else copied.

    Takes the gradient in a list, so that the count of its references is the holder's alone.
    """
    if isinstance(g[0], Tensor):
        return g[0]
    if isinstance(g[0], RowSparse):
        return g[0]  # nobody writes into one: reading `grad` makes a dense array or a copy of it
    if type(g[0]) is ndarray and g[0].base is None and _references(g) == _ALONE:
        return g[0]
    return np.array(g[0], order="C")


@cache
def _one(dtype: np.dtype[Any]) -> Array:
    """The number one, to start from; nothing writes into a gradient."""
    return np.ones((), dtype)


def _cotangent(tensor: Tensor, gradient: Any, what: str) -> Any:
    """The gradient to start from: given, or one for a scalar."""
    if gradient is None:
        if tensor.data.size != 1:
            raise GraphError(
                f"{what} of a tensor of shape {tensor.shape} needs a gradient of that shape to start from: reduce "
                "it to a scalar first (.sum(), .mean()), or pass one: backward(gradient)"
            )
        return _one(tensor.dtype) if not tensor.data.ndim else np.ones(tensor.shape, tensor.dtype)
    given = gradient if isinstance(gradient, Tensor) and gradient.node else Tensor(np.array(gradient))
    if given.shape != tensor.shape:
        raise ValueError(f"the gradient has shape {given.shape}, and the tensor it belongs to {tensor.shape}")
    if given.dtype != tensor.dtype:
        given = cast(given, dtype=tensor.dtype)
    return given


def _start(tensors: Sequence[Tensor], gradients: Sequence[Any], what: str, create_graph: bool) -> dict[Node, Any]:
    roots: dict[Node, Any] = {}
    for tensor, gradient in zip(tensors, gradients, strict=True):
        if tensor.node is None:
            raise GraphError(
                f"{what} of a tensor that has no graph: nothing it was computed from requires a gradient, or it was "
                "made under no_grad() or by detach(). Make an input with requires_grad=True"
            )
        g = _cotangent(tensor, gradient, what)
        if create_graph != isinstance(g, Tensor):
            g = Tensor(g) if create_graph else g.data
        roots[tensor.node] = roots[tensor.node] + g if tensor.node in roots else g
    return roots


def backward(
    self: Tensor,
    gradient: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """Add the gradients of this tensor to the `grad` of the leaves under it (or of `inputs`).

    `gradient` has this tensor's shape, and may be left out for a scalar. The graph's saved arrays are freed unless
    `retain_graph`. With `create_graph` the gradients are recorded too, so that they can be differentiated again;
    then a leaf's `grad` leads back to the leaf, a cycle that lasts until `grad` is set to None: prefer `grad()`.

    Raises GraphError where there is no graph, it was freed, or an array that it needs was changed in place.

    >>> import autograd_lite as al
    >>> x = al.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x**2).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """
    targets = None if inputs is None else [_node_of(t, "inputs") for t in inputs]
    keep = create_graph if retain_graph is None else retain_graph
    roots = _start([self], [gradient], "backward()", create_graph)
    with enable_grad() if create_graph else _ordinary:
        found = flow(roots, targets=targets, retain_graph=keep, create_graph=create_graph)
    for node in list(found):
        g = settle([found.pop(node)])
        notes = node.annotate()
        if isinstance(notes.grad, Tensor) and isinstance(g, RowSparse):
            g = g.to_dense()
        notes.grad = g if notes.grad is None else notes.grad + g


def _node_of(tensor: Tensor, role: str) -> Node:
    if tensor.node is None:
        raise GraphError(f"one of the {role} does not require a gradient: make it with requires_grad=True")
    return tensor.node


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the outputs by the inputs, one Tensor for each input; no `grad` is touched.

    `grad_outputs` has the outputs' shapes, and may be left out for scalars. With `create_graph` the result can be
    differentiated again. An input that the outputs do not depend on is an error, or None with `allow_unused`.

    >>> import autograd_lite as al
    >>> x = al.tensor(2.0, requires_grad=True)
    >>> (dx,) = al.autograd.grad(x**4, x, create_graph=True)
    >>> al.autograd.grad(dx, x)
    (tensor(48.),)
    """
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if grad_outputs is None or isinstance(grad_outputs, Tensor | ndarray):
        grad_outputs = [grad_outputs] * len(outputs) if grad_outputs is None else [grad_outputs]
    targets = [_node_of(t, "inputs") for t in inputs]
    keep = create_graph if retain_graph is None else retain_graph
    roots = _start(outputs, grad_outputs, "grad()", create_graph)
    with enable_grad() if create_graph else _ordinary:
        found = flow(roots, targets=targets, retain_graph=keep, create_graph=create_graph)
    settled = {node: settle([found.pop(node)]) for node in list(found)}
    for k, node in enumerate(targets):
        if node not in settled and not allow_unused:
            raise GraphError(
                f"input {k} (shape {node.shape}) was not used to compute the outputs: pass allow_unused=True to "
                "get None for it"
            )
    found = {node: g if isinstance(g, Tensor) else Tensor(g) for node, g in settled.items()}
    return tuple(found.get(node) for node in targets)
