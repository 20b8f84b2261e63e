"""Where a condition holds: choosing, picking and writing by masks, and masks as indices. By PyTorch's names."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.callpath import spelled
from autograd_lite.core import Tensor, primitive
from autograd_lite.memory import Array
from autograd_lite.ops.elementwise import where as chosen
from autograd_lite.ops.index import ARRAY
from autograd_lite.ops.picking import put_at
from autograd_lite.ops.shape import _data, _operand, broadcast_to, flatten, reshape

__all__ = [
    "argwhere",
    "masked_fill",
    "masked_scatter",
    "masked_select",
    "nonzero",
    "where",
]


@primitive(x=None)
@spelled("input")
def argwhere(x: Array) -> Any:
    """Where elements are not 0: a row of indices for each.

    >>> import autograd_lite as al
    >>> al.argwhere(al.tensor([[0, 1], [1, 0]])).tolist()
    [[0, 1], [1, 0]]
    """
    return np.argwhere(x)


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """Where elements are not 0: a row of indices for each, or a vector for each dimension.

    >>> import autograd_lite as al
    >>> al.nonzero(al.tensor([0, 3, 4])).tolist()
    [[1], [2]]
    """
    found = argwhere(input)
    if not as_tuple:
        return found
    found = found if np.ndim(_data(input)) else reshape(argwhere(reshape(input, (1,))), (-1, 1))
    return tuple(found[:, d] for d in range(found.shape[1]))


def where(condition: Any, input: Any = None, other: Any = None) -> Tensor:
    """`input` where the condition holds, `other` elsewhere; all three broadcast.

    A condition alone gives the places where it is not 0: `nonzero(condition, as_tuple=True)`. Raises TypeError for one
    of the two alone.

    >>> import autograd_lite as al
    >>> al.where(al.tensor([True, False]), 1.0, 2.0)
    tensor([1., 2.])
    """
    if (input is None) is not (other is None):
        raise TypeError("where takes a condition alone, or with both what to take where it holds and elsewhere")
    return nonzero(condition, as_tuple=True) if input is None else chosen(condition, input, other)


def _mask(mask: Any, what: str) -> Any:
    raw = _data(mask)
    if raw.dtype != np.bool_:
        raise TypeError(f"{what}: a mask is of booleans, and this one is {raw.dtype}: write mask != 0")
    return mask if isinstance(mask, Tensor) else raw


def masked_select(input: Any, mask: Any) -> Tensor:
    """The elements where the mask holds, in one row. Raises TypeError for a mask that is not of booleans.

    >>> import autograd_lite as al
    >>> al.masked_select(al.tensor([1, 2, 3]), al.tensor([True, False, True]))
    tensor([1, 3])
    """
    mask = _mask(mask, "masked_select")
    whole = np.broadcast_shapes(np.shape(_data(input)), np.shape(_data(mask)))
    x, mask = broadcast_to(input, whole), broadcast_to(mask, whole)
    return x[mask] if whole else reshape(x, (1,))[reshape(mask, (1,))]


def masked_fill(input: Any, mask: Any, value: Any) -> Tensor:
    """One value (a number, or a 0-d tensor) where the mask holds. Raises TypeError for a mask not of booleans.

    >>> import autograd_lite as al
    >>> al.masked_fill(al.tensor([1.0, 2.0]), al.tensor([True, False]), 0.0)
    tensor([0., 2.])
    """
    if np.ndim(_data(value)):
        raise ValueError(f"masked_fill takes one value, and this has shape {np.shape(_data(value))}: see al.where")
    x, mask = _operand(input), _mask(mask, "masked_fill")
    kind = _data(x).dtype
    filled = value if isinstance(value, Tensor) else np.asarray(value).astype(kind)
    return chosen(mask, filled.astype(kind), x)


def masked_scatter(input: Any, mask: Any, source: Any) -> Tensor:
    """The first elements of `source`, in their order, where the mask holds. Raises ValueError where there are too few.

    >>> import autograd_lite as al
    >>> al.masked_scatter(al.zeros(3), al.tensor([True, False, True]), al.tensor([1.0, 2.0, 3.0]))
    tensor([1., 0., 2.])
    """
    x, held = _operand(input), _data(_mask(mask, "masked_scatter"))
    whole = np.broadcast_shapes(x.shape, held.shape)
    held = np.broadcast_to(held, whole)
    count, values = int(held.sum()), flatten(source)
    if count > values.shape[0]:
        raise ValueError(f"masked_scatter: {count} places and {values.shape[0]} elements of the source")
    return put_at(broadcast_to(x, whole), values[:count], held, form=(ARRAY,))
