"""Dropout of numbers and of whole channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import Tensor
from autograd_lite.nn.functional.parts import shape_of
from autograd_lite.ops.fused import keep_mask
from autograd_lite.ops.shape import _data, _operand
from autograd_lite.random import draw_from

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]


def dropout(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None
) -> Tensor:
    """Each element zeroed with probability p, the others divided by 1 - p; the input itself when not training.

    `generator` is a NumPy generator, or anything with `random(shape)` giving numbers from 0 to 1; without one the
    default generator, which `manual_seed` seeds. Raises ValueError for p outside 0 to 1.

    >>> import autograd_lite as al
    >>> al.nn.functional.dropout(al.ones(2), training=False)
    tensor([1., 1.])
    """
    return ops.dropout(input, p, training, generator)


def _mask(name: str, x: Any, shape: tuple[int, ...], p: float, generator: Any) -> Tensor:
    """1 / (1 - p) with probability 1 - p, else 0."""
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is a probability, and {p} is not between 0 and 1")
    dtype = _data(x).dtype if _data(x).dtype.kind == "f" else np.dtype(float)
    return keep_mask(shape=shape, p=p, generator=draw_from(generator), dtype=dtype)


def _channels(name: str, input: Any, dims: int, p: float, training: bool, generator: Any) -> Tensor:
    shape = shape_of(input)
    if len(shape) not in (dims + 1, dims + 2):
        raise ValueError(f"{name}: the input has {dims + 2} dimensions, or {dims + 1} without N, and is {shape}")
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is a probability, and {p} is not between 0 and 1")
    if not training or p == 0:
        return _operand(input)
    each = (*shape[: len(shape) - dims], *(1,) * dims)
    return ops.multiply(input, _mask(name, input, each, p, generator))


def dropout1d(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None
) -> Tensor:
    """Whole channels of (N, C, L) or (C, L) zeroed with probability p, the others divided by 1 - p.

    >>> import autograd_lite as al
    >>> al.nn.functional.dropout1d(al.ones(1, 1, 2), 1.0).tolist()
    [[[0.0, 0.0]]]
    """
    return _channels("dropout1d", input, 1, p, training, generator)


def dropout2d(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None
) -> Tensor:
    """Whole channels of (N, C, H, W) or (C, H, W) zeroed with probability p, the others divided by 1 - p.

    >>> import autograd_lite as al
    >>> al.nn.functional.dropout2d(al.ones(1, 1, 1, 2), 1.0).tolist()
    [[[[0.0, 0.0]]]]
    """
    return _channels("dropout2d", input, 2, p, training, generator)


def dropout3d(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None
) -> Tensor:
    """Whole channels of (N, C, D, H, W) or (C, D, H, W) zeroed with probability p, the others divided by 1 - p.

    >>> import autograd_lite as al
    >>> al.nn.functional.dropout3d(al.ones(1, 1, 1, 1, 2), 1.0).sum()
    tensor(0.)
    """
    return _channels("dropout3d", input, 3, p, training, generator)


_LEAST = -1.7580993408473766  # what selu tends to: minus its scale times its alpha


def _alpha(name: str, input: Any, shape: tuple[int, ...], p: float, training: bool, generator: Any) -> Tensor:
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p is a probability, and {p} is not between 0 and 1")
    x = _operand(input)
    if not training or p == 0:
        return x
    if p == 1:
        return x * 0.0
    kept = _mask(name, x, shape, p, generator) * (1.0 - p)
    scale = ((1.0 - p) * (1.0 + p * _LEAST**2)) ** -0.5
    y: Tensor = (x * kept + (1.0 - kept) * _LEAST) * scale - scale * p * _LEAST
    return y


def alpha_dropout(
    input: Any, p: float = 0.5, training: bool = False, inplace: bool = False, *, generator: Any = None
) -> Tensor:
    """Dropout that keeps mean 0 and variance 1, for `selu` (Klambauer et al. 2017); off unless training.

    >>> import autograd_lite as al
    >>> al.nn.functional.alpha_dropout(al.ones(2))
    tensor([1., 1.])
    """
    return _alpha("alpha_dropout", input, shape_of(input), p, training, generator)


def feature_alpha_dropout(
    input: Any, p: float = 0.5, training: bool = False, inplace: bool = False, *, generator: Any = None
) -> Tensor:
    """`alpha_dropout` of whole channels of (N, C, ...).

    >>> import autograd_lite as al
    >>> al.nn.functional.feature_alpha_dropout(al.ones(1, 2))
    tensor([[1., 1.]])
    """
    shape = shape_of(input)
    if len(shape) < 2:
        raise ValueError(f"feature_alpha_dropout: the input is (N, C, ...), and this one has shape {shape}")
    return _alpha("feature_alpha_dropout", input, (*shape[:2], *(1,) * (len(shape) - 2)), p, training, generator)
