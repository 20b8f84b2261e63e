"""`torch.nn.utils`: gradients clipped, parameters as one vector."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.memory import written
from autograd_lite.ops import cat, reshape
from autograd_lite.sparse import RowSparse

__all__ = ["clip_grad_norm_", "clip_grad_value_", "parameters_to_vector", "vector_to_parameters"]


def _gradients(parameters: Any) -> list[tuple[Tensor, Any]]:
    """The parameters that have a gradient, with it: an array, or rows of a table, each named once."""
    found: list[tuple[Tensor, Any]] = []
    for p in [parameters] if isinstance(parameters, Tensor) else list(parameters):
        notes = None if p.node is None else p.node.notes
        if notes is not None and type(notes.grad) is RowSparse:
            notes.grad = notes.grad.coalesce().copy()
            found.append((p, notes.grad.values))
        elif notes is not None and notes.grad is not None:
            found.append((p, p.grad.data))
    return found


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients together, in place, so that their norm is at most `max_norm`; returns the norm before.

    The norm is that of all gradients as one vector; `norm_type` may be infinite. Raises RuntimeError for a norm that
    is no finite number, with `error_if_nonfinite`.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 1.0], requires_grad=True)
    >>> (w * al.tensor([3.0, 4.0])).sum().backward()
    >>> al.nn.utils.clip_grad_norm_([w], 2.5)
    tensor(5.)
    >>> (w.grad * 1000).round().tolist()
    [1500.0, 2000.0]
    """
    found = [g for _, g in _gradients(parameters)]
    if not found:
        return Tensor(np.zeros(()))
    if norm_type == math.inf:
        total = found[0].dtype.type(0)
        for g in found:
            total = np.maximum(total, np.maximum.reduce(np.absolute(g), axis=None, initial=0.0))
    else:
        powers = [g * g if norm_type == 2.0 else np.absolute(g) ** norm_type for g in found]
        total = np.add.reduce(powers[0], axis=None)
        for power in powers[1:]:
            total = total + np.add.reduce(power, axis=None)
        total = np.sqrt(total) if norm_type == 2.0 else total ** (1.0 / norm_type)
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(f"clip_grad_norm_: the norm of the gradients is {total}: look for what made it so")
    factor = np.minimum(max_norm / (total + 1e-6), 1.0)
    for g in found:
        np.multiply(g, factor, out=g, casting="same_kind")
    return Tensor(total)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Cut every gradient, in place, to the range from minus `clip_value` to `clip_value`.

    >>> import autograd_lite as al
    >>> w = al.zeros(3, requires_grad=True)
    >>> (w * al.tensor([-3.0, 0.5, 4.0])).sum().backward()
    >>> al.nn.utils.clip_grad_value_([w], 1.0)
    >>> w.grad
    tensor([-1. ,  0.5,  1. ])
    """
    for _, g in _gradients(parameters):
        np.minimum(g, clip_value, out=g)
        np.maximum(g, -clip_value, out=g)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Any:
    """All parameters as one vector, recorded.

    >>> import autograd_lite as al
    >>> al.nn.utils.parameters_to_vector(al.nn.Linear(3, 2).parameters()).shape
    (8,)
    """
    return cat([reshape(p, (-1,)) for p in parameters], 0)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy the parts of a vector into parameters, in place. Raises ValueError where the sizes do not add up.

    The inverse of `parameters_to_vector`; what was recorded of the parameters before is out of date.

    >>> import autograd_lite as al
    >>> layer = al.nn.Linear(2, 1)
    >>> al.nn.utils.vector_to_parameters(al.tensor([1.0, 2.0, 3.0]), layer.parameters())
    >>> layer.weight.tolist(), layer.bias.tolist()
    ([[1.0, 2.0]], [3.0])
    """
    targets = list(parameters)
    sizes = [math.prod(p.shape) for p in targets]
    if vec.shape != (sum(sizes),):
        raise ValueError(f"vector_to_parameters: {sum(sizes)} numbers are needed, and the vector has shape {vec.shape}")
    start = 0
    for p, size in zip(targets, sizes, strict=True):
        p.data[...] = vec.data[start : start + size].reshape(p.shape)
        start += size
    written([p.data for p in targets], "vector_to_parameters")
