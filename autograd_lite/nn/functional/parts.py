"""What several functions need."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.layer_misfit import form_error
from autograd_lite.ops.shape import _data, reshape


def constant(x: Any) -> Tensor:
    """The same numbers without a gradient."""
    return x.detach() if isinstance(x, Tensor) else x


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of a tensor, an array or nested lists."""
    return tuple(np.shape(_data(x)))


def batched(x: Any, name: str, dims: int) -> tuple[Any, bool]:
    """(N, C, ...) with `dims` more dimensions, as it is or made of (C, ...), and whether it was.

    Raises ValueError for another number of dimensions.
    """
    shape = shape_of(x)
    if len(shape) not in (dims + 1, dims + 2):
        raise form_error(name, dims, x)
    return (x, False) if len(shape) == dims + 2 else (reshape(x, (1, *shape)), True)


def unbatched(x: Any, was: bool) -> Tensor:
    """Without the N that `batched` made."""
    return reshape(x, shape_of(x)[1:]) if was else x
