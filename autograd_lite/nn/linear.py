"""Linear layers, and those that only change shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.creation import get_default_dtype
from autograd_lite.nn import functional as F
from autograd_lite.nn import init
from autograd_lite.nn.layer import Layer
from autograd_lite.nn.parameter import Parameter
from autograd_lite.ops import flatten, reshape
from autograd_lite.ops.shape import _data, axes


def empty(shape: tuple[int, ...], dtype: npt.DTypeLike | None) -> Parameter:
    """A parameter that is to be filled."""
    return Parameter(np.empty(shape, dtype or get_default_dtype()))


class Identity(Layer):
    """What comes in; takes any arguments and ignores them, so that it can stand for any layer.

    >>> import autograd_lite as al
    >>> al.nn.Identity()(al.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        """The same."""
        return input


class Linear(Layer):
    """y = x wᵀ + b: (..., in_features) to (..., out_features); weight (out, in), bias (out,).

    Both start uniform within ± 1 / √in_features, PyTorch's way; `generator`, a NumPy one, is drawn from in place of the
    default. Raises ValueError for an input that does not end in in_features.

    >>> import autograd_lite as al
    >>> al.nn.Linear(3, 2)
    Linear(in_features=3, out_features=2, bias=True)
    >>> al.nn.Linear(3, 2)(al.zeros(5, 3)).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = empty((out_features, in_features), dtype)
        self.bias = empty((out_features,), dtype) if bias else None
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw the initial values anew."""
        bound = 1.0 / math.sqrt(self.in_features) if self.in_features else 0.0
        init.uniform_(self.weight, -bound, bound, generator)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound, generator)

    def forward(self, input: Any) -> Any:
        """(..., in_features) to (..., out_features)."""
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"


class Bilinear(Layer):
    """y = x1ᵀ W x2 + b: (..., in1_features) and (..., in2_features) to (..., out_features); weight (out, in1, in2).

    bias is (out,). Both start uniform within ± 1 / √in1_features. Raises ValueError unless that is positive.

    >>> import autograd_lite as al
    >>> al.nn.Bilinear(2, 3, 4)(al.ones(5, 2), al.ones(5, 3)).shape
    (5, 4)
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        super().__init__()
        if in1_features < 1:
            raise ValueError(f"Bilinear: in1_features must be positive, and is {in1_features}")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = empty((out_features, in1_features, in2_features), dtype)
        self.bias = empty((out_features,), dtype) if bias else None
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw the initial values anew."""
        bound = 1.0 / math.sqrt(self.in1_features)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound, generator)

    def forward(self, input1: Any, input2: Any) -> Any:
        """Both with the same leading dimensions."""
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Flatten(Layer):
    """The dimensions from start_dim to end_dim as one: (N, C, H, W) to (N, C * H * W).

    >>> import autograd_lite as al
    >>> al.nn.Flatten()(al.zeros(8, 3, 4, 5)).shape
    (8, 60)
    >>> al.nn.Flatten(0, 1)(al.zeros(8, 3, 4, 5)).shape
    (24, 4, 5)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        """The same numbers in another shape."""
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The dimensions."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Layer):
    """One dimension as several, of which one may be -1: the inverse of `Flatten`.

    Raises ValueError where the sizes do not multiply to that of the dimension.

    >>> import autograd_lite as al
    >>> al.nn.Unflatten(1, (2, 3))(al.zeros(4, 6)).shape
    (4, 2, 3)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input: Any) -> Any:
        """The same numbers in another shape."""
        shape = _data(input).shape
        (d,) = axes(self.dim, len(shape))
        known = math.prod(n for n in self.unflattened_size if n != -1)
        sizes = tuple(shape[d] // max(known, 1) if n == -1 else n for n in self.unflattened_size)
        if math.prod(sizes) != shape[d]:
            raise ValueError(f"Unflatten: dim {self.dim} of {shape} does not divide into {self.unflattened_size}")
        return reshape(input, (*shape[:d], *sizes, *shape[d + 1 :]))

    def extra_repr(self) -> str:
        """The dimension and its sizes."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
