"""Activations along a dimension as Modules: the functions of the same names."""

from __future__ import annotations

from typing import Any

from autograd_lite.nn import functional as F
from autograd_lite.nn.activation import _Activation
from autograd_lite.nn.layer import Layer


class _Along(_Activation):
    _settings = ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim


class GLU(_Along):
    """The first half of dim times the sigmoid of the second (Dauphin et al., 2016): (..., 2 n, ...) to (..., n, ...).

    Raises ValueError for an odd size.

    >>> import autograd_lite as al
    >>> al.nn.GLU()(al.tensor([[1.0, 2.0, 0.0, 100.0]]))
    tensor([[0.5, 2. ]])
    """

    _function = F.glu


class Softmax(_Along):
    """exp(x) / sum(exp(x)) along dim, where it adds up to 1; of any shape, without overflow.

    >>> import autograd_lite as al
    >>> al.nn.Softmax(dim=1)(al.tensor([[0.0, 0.0], [1000.0, 0.0]]))
    tensor([[0.5, 0.5],
            [1. , 0. ]])
    """

    _function = F.softmax


class Softmin(_Along):
    """softmax(-x) along dim.

    >>> import autograd_lite as al
    >>> al.nn.Softmin(dim=1)(al.tensor([[0.0, 0.0], [1000.0, 0.0]]))
    tensor([[0.5, 0.5],
            [0. , 1. ]])
    """

    _function = F.softmin


class LogSoftmax(_Along):
    """log(softmax(x)) along dim, without overflow: what `NLLLoss` takes.

    >>> import autograd_lite as al
    >>> al.nn.LogSoftmax(dim=1)(al.tensor([[0.0, 0.0], [1000.0, 0.0]]))
    tensor([[-6.93147181e-01, -6.93147181e-01],
            [ 0.00000000e+00, -1.00000000e+03]])
    """

    _function = F.log_softmax


class Softmax2d(Layer):
    """softmax over the channels of (N, C, H, W) or (C, H, W). Raises ValueError for other dimensions.

    >>> import autograd_lite as al
    >>> al.nn.Softmax2d()(al.zeros(1, 4, 2, 2))[0, :, 0, 0]
    tensor([0.25, 0.25, 0.25, 0.25])
    """

    def forward(self, input: Any) -> Any:
        """The same shape."""
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: the input is (N, C, H, W) or (C, H, W), and this one has shape {input.shape}")
        return F.softmax(input, -3)
