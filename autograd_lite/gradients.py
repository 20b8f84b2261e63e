"""Gradients on request: into `grad` by `backward`, or as a result by `grad`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from autograd_lite.core import GraphError, Node, Tensor
from autograd_lite.engine import flow, settle
from autograd_lite.memory import Array
from autograd_lite.modes import enable_grad, mode
from autograd_lite.ops.shape import cast
from autograd_lite.sparse import RowSparse


def _flow(
    roots: dict[Node, Any], targets: list[Node] | None, retain: bool, create: bool, ready: Any = None
) -> dict[Node, Any]:
    """`flow`, recorded where a graph is to be made; rules on arrays record nothing, whatever the mode."""
    if mode.listener is not None:
        mode.listener.flowing(roots, targets)
    if not create:
        return flow(roots, targets, retain, False, ready)
    with enable_grad():
        return flow(roots, targets, retain, True, ready)


@cache
def _one(dtype: str) -> Array:
    """The number one of a dtype, by its character, to copy: sooner had than made."""
    return np.ones((), dtype)


def _cotangent(tensor: Tensor, gradient: Any, what: str) -> Any:
    """The gradient to start from: given, or one for a scalar."""
    if gradient is None:
        array = tensor._array
        if array.size != 1:
            raise GraphError(
                f"{what} of a tensor of shape {tensor.shape} needs a gradient of that shape to start from: reduce "
                "it to a scalar first (.sum(), .mean()), or pass one: backward(gradient)"
            )
        return _one(array.dtype.char).copy() if not array.ndim else np.ones(array.shape, array.dtype)
    given = gradient if isinstance(gradient, Tensor) else Tensor(np.asarray(gradient))
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
            g = Tensor(g) if create_graph else np.array(g.data)  # what flows is nobody else's
        roots[tensor.node] = roots[tensor.node] + g if tensor.node in roots else g
    return roots


def tensor_backward(
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
    backward([self], [gradient], retain_graph, create_graph, inputs)


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Sequence[Tensor] | None = None,
) -> None:
    """`Tensor.backward` of several tensors at once, each with its gradient to start from: `al.autograd.backward`.

    Raises GraphError where a tensor has no graph, and ValueError for a gradient of another shape.

    >>> import autograd_lite as al
    >>> x = al.tensor(3.0, requires_grad=True)
    >>> al.autograd.backward([x * x, 2.0 * x])
    >>> x.grad
    tensor(8.)
    """
    tensors = [tensors] if isinstance(tensors, Tensor) else tensors
    if not isinstance(grad_tensors, list | tuple):
        grad_tensors = [grad_tensors] * len(tensors)
    targets = None if inputs is None else [_node_of(t, "inputs") for t in inputs]
    keep = create_graph if retain_graph is None else retain_graph
    roots = _start(tensors, grad_tensors, "backward()", create_graph)
    reducer = mode.reducer
    try:
        found = _flow(roots, targets, keep, create_graph, None if reducer is None else reducer.ready)
    except BaseException:
        if reducer is not None:
            reducer.abandon()
        raise
    reached = list(found)
    for node in reached:
        arrived, notes = [found.pop(node)], node.notes or node.annotate()
        if arrived[0] is not None:  # the reducer keeps the others
            g = settle(arrived)
            if isinstance(notes.grad, Tensor) and isinstance(g, RowSparse):
                g = g.to_dense()
            notes.grad = g if notes.grad is None else notes.grad + g
        if reducer is None:
            _call_after(node)
    if reducer is not None:
        for node in dict.fromkeys([*reducer.finish(), *reached]):
            _call_after(node)


def _call_after(node: Node) -> None:
    """The hooks that wait for a leaf's `grad`."""
    notes = node.notes
    if notes is None or not notes.after or notes.holder is None:
        return
    tensor = notes.holder()
    for hook in list(notes.after.values()) if tensor is not None else ():
        hook(tensor)


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
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of the outputs by the inputs, one Tensor for each input; no `grad` is touched.

    `grad_outputs` has the outputs' shapes, and may be left out for scalars. With `create_graph` the result can be
    differentiated again. An input that the outputs do not depend on is an error, or None with `allow_unused`, or zeros
    with `materialize_grads`. `only_inputs` and `is_grads_batched` are as they are by default. Raises GraphError where
    there is no graph, or it was freed.

    >>> import autograd_lite as al
    >>> x = al.tensor(2.0, requires_grad=True)
    >>> (dx,) = al.autograd.grad(x**4, x, create_graph=True)
    >>> al.autograd.grad(dx, x)
    (tensor(48.),)
    """
    if not only_inputs or is_grads_batched:
        raise ValueError("autograd.grad: only_inputs is True, and is_grads_batched False; see al.func.vmap")
    if materialize_grads and allow_unused is False:
        raise ValueError("autograd.grad: materialize_grads allows unused inputs, so allow_unused is not False")
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    inputs = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if grad_outputs is None or isinstance(grad_outputs, Tensor | np.ndarray):
        grad_outputs = [grad_outputs] * len(outputs) if grad_outputs is None else [grad_outputs]
    targets = [_node_of(t, "inputs") for t in inputs]
    keep = create_graph if retain_graph is None else retain_graph
    roots = _start(outputs, grad_outputs, "grad()", create_graph)
    found = _flow(roots, targets, keep, create_graph)
    settled = {node: settle([found.pop(node)]) for node in list(found)}
    for k, node in enumerate(targets):
        if node not in settled and not (allow_unused or materialize_grads):
            raise GraphError(
                f"input {k} (shape {node.shape}) was not used to compute the outputs: pass allow_unused=True to "
                "get None for it"
            )
    results: list[Any] = []
    for k, node in enumerate(targets):
        g = settled.get(node)
        if g is not None and node in targets[:k]:
            g = settle([g])  # an input that is named twice gets two
        g = g.to_dense() if isinstance(g, RowSparse) else g
        if g is None and materialize_grads:
            g = np.zeros(node.shape, node.dtype)
        results.append(g if g is None or isinstance(g, Tensor) else Tensor(g))
    return tuple(results)
