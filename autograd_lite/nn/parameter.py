"""`Parameter`: a leaf that a Module trains."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.core import Tensor, leaf
from autograd_lite.modes import contexts, mode


class Parameter(Tensor):
    """A leaf that a Module lists among its parameters; it takes over the data without a copy.

    >>> import autograd_lite as al
    >>> al.nn.Parameter(al.zeros(2))
    Parameter containing:
    tensor([0., 0.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: npt.ArrayLike | Tensor, requires_grad: bool = True) -> None:
        super().__init__(data.data if isinstance(data, Tensor) else np.asarray(data))
        if requires_grad:
            self.node = leaf(self)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


def clear_grad(parameter: Tensor, set_to_none: bool) -> None:
    """Forget a gradient, or make it zero."""
    node = parameter.node or getattr(parameter, "_frozen", None)
    if node is not None and node.notes is not None:
        if contexts.special and mode.tracer is not None:
            mode.tracer.clear(node)
        if node.notes.grad is None:
            return
        node.notes.grad = None if set_to_none else np.zeros_like(parameter.data)


def cast_grad(parameter: Tensor, dtype: np.dtype[Any]) -> None:
    """A gradient that is there already, in another dtype."""
    notes = None if parameter.node is None else parameter.node.notes
    if notes is not None and notes.grad is not None:
        grad = notes.grad.data if isinstance(notes.grad, Tensor) else notes.grad
        notes.grad = grad.astype(dtype)
