"""Layers, activations and losses as Modules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.creation import get_default_dtype
from autograd_lite.nn import functional as F
from autograd_lite.nn import init
from autograd_lite.nn.module import Module
from autograd_lite.nn.parameter import Parameter
from autograd_lite.ops import flatten
from autograd_lite.ops.conv import pair


def _empty(shape: tuple[int, ...], dtype: npt.DTypeLike | None) -> Parameter:
    return Parameter(np.empty(shape, dtype or get_default_dtype()))


class Linear(Module):
    """y = x wᵀ + b: (..., in_features) to (..., out_features); weight (out, in), bias (out,).

    Both start uniform within ± 1 / √in_features, PyTorch's way.

    >>> import autograd_lite as al
    >>> al.nn.Linear(3, 2)
    Linear(in_features=3, out_features=2, bias=True)
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
        bound = 1.0 / math.sqrt(in_features) if in_features else 0.0
        self.weight = _empty((out_features, in_features), dtype)
        init.uniform_(self.weight, -bound, bound, generator)
        self.bias = _empty((out_features,), dtype) if bias else None
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound, generator)

    def forward(self, input: Any) -> Any:
        """(..., in_features) to (..., out_features)."""
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"


class Embedding(Module):
    """Rows of weight (num_embeddings, embedding_dim) by integers; starts standard normal. The gradient is row-sparse.

    With `sparse=True`, `weight.grad` reads as the `RowSparse` that it is; else as an ordinary tensor.

    >>> import autograd_lite as al
    >>> al.nn.Embedding(10, 3)(al.tensor([[1, 2], [3, 1]])).shape
    (2, 2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        *,
        sparse: bool = False,
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim, self.sparse = num_embeddings, embedding_dim, sparse
        self.weight = _empty((num_embeddings, embedding_dim), dtype)
        init.normal_(self.weight, generator=generator)

    def forward(self, input: Any) -> Any:
        """Integers of any shape to (*shape, embedding_dim)."""
        if self.weight.node is not None:
            self.weight.node.annotate().keeps_sparse = self.sparse
        return F.embedding(input, self.weight)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.num_embeddings}, {self.embedding_dim}" + (", sparse=True" if self.sparse else "")


class Conv2d(Module):
    """Cross-correlation of (N, C, H, W) with kernels weight (out, in / groups, kh, kw), plus bias (out,).

    Both start uniform within ± 1 / √fan_in, PyTorch's way.

    >>> import autograd_lite as al
    >>> al.nn.Conv2d(1, 16, 3, padding=1)(al.zeros(8, 1, 28, 28)).shape
    (8, 16, 28, 28)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        super().__init__()
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"Conv2d: {in_channels} and {out_channels} channels must both divide by groups={groups}")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride = pair(kernel_size, "kernel_size"), pair(stride, "stride")
        self.padding, self.dilation = pair(padding, "padding", 0), pair(dilation, "dilation")
        self.weight = _empty((out_channels, in_channels // groups, *self.kernel_size), dtype)
        bound = 1.0 / math.sqrt(init.fans(self.weight)[0])
        init.uniform_(self.weight, -bound, bound, generator)
        self.bias = _empty((out_channels,), dtype) if bias else None
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound, generator)

    def forward(self, input: Any) -> Any:
        """(N, in_channels, H, W) to (N, out_channels, H', W')."""
        return F.conv2d(input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """The sizes, and what is not the default."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name, plain in (("padding", (0, 0)), ("dilation", (1, 1)), ("groups", 1)):
            text += f", {name}={getattr(self, name)}" if getattr(self, name) != plain else ""
        return text if self.bias is not None else f"{text}, bias=False"


class MaxPool2d(Module):
    """The largest of each window of (N, C, H, W); the stride is the kernel's size unless given."""

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation

    def forward(self, input: Any) -> Any:
        """(N, C, H, W) to (N, C, H', W')."""
        return F.max_pool2d(input, self.kernel_size, self.stride, self.padding, self.dilation)

    def extra_repr(self) -> str:
        """The sizes."""
        stride = self.kernel_size if self.stride is None else self.stride
        return f"kernel_size={self.kernel_size}, stride={stride}, padding={self.padding}, dilation={self.dilation}"


class Dropout(Module):
    """In training, zeroes each element with probability p and divides the others by 1 - p; in evaluation, nothing.

    `generator` is a NumPy generator (anything with `random(shape)`); without one the default generator.
    """

    def __init__(self, p: float = 0.5, generator: Any = None) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"Dropout: p is a probability, and {p} is not between 0 and 1")
        self.p, self.generator = p, generator

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return F.dropout(input, self.p, self.training, self.generator)

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class Flatten(Module):
    """The dimensions from start_dim to end_dim as one: (N, C, H, W) to (N, C * H * W)."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        """The same numbers in another shape."""
        return flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The dimensions."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class ReLU(Module):
    """max(x, 0)."""

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return F.relu(input)


class Sigmoid(Module):
    """1 / (1 + exp(-x))."""

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return F.sigmoid(input)


class Tanh(Module):
    """The hyperbolic tangent."""

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return F.tanh(input)


class Softmax(Module):
    """exp(x) / sum(exp(x)) along dim."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return F.softmax(input, self.dim)

    def extra_repr(self) -> str:
        """The dimension."""
        return f"dim={self.dim}"


class _Loss(Module):
    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def extra_repr(self) -> str:
        """The reduction, where it is not the mean."""
        return "" if self.reduction == "mean" else f"reduction={self.reduction!r}"


class MSELoss(_Loss):
    """The mean (or "sum", or "none") of squared differences."""

    def forward(self, input: Any, target: Any) -> Any:
        """Both of one shape."""
        return F.mse_loss(input, target, reduction=self.reduction)


class CrossEntropyLoss(_Loss):
    """Softmax and cross-entropy from logits, in nats: see `functional.cross_entropy`."""

    def __init__(self, *, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0) -> None:
        super().__init__(reduction=reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        """Logits (N, C), and class numbers (N,) or probabilities (N, C)."""
        return F.cross_entropy(
            input,
            target,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class BCEWithLogitsLoss(_Loss):
    """Sigmoid and binary cross-entropy from logits, in nats."""

    def forward(self, input: Any, target: Any) -> Any:
        """Both of one shape."""
        return F.binary_cross_entropy_with_logits(input, target, reduction=self.reduction)
