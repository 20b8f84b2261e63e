"""Activations as Modules: the functions of the same names, with their settings as attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from autograd_lite import ops
from autograd_lite.nn import functional as F
from autograd_lite.nn import init
from autograd_lite.nn.linear import empty
from autograd_lite.nn.module import Module


class _Activation(Module):
    """A function of one tensor, with attributes for its other arguments, in their order."""

    _function: Callable[..., Any]
    _settings: tuple[str, ...] = ()
    _shown: tuple[str, ...] | None = None  # where the repr names other attributes than the settings

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return type(self)._function(input, *[getattr(self, name) for name in self._settings])

    def extra_repr(self) -> str:
        """The settings."""
        shown = self._settings if self._shown is None else self._shown
        text = [f"{name}={getattr(self, name)!r}" for name in shown]
        return ", ".join(text + ["inplace=True"] * getattr(self, "inplace", False))


class _InPlace(_Activation):
    """One whose only argument is `inplace`, which changes nothing here."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class ReLU(_InPlace):
    """max(x, 0)."""

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return ops.relu(input)


class SELU(_InPlace):
    """elu with the factors that keep mean 0 and variance 1."""

    _function = F.selu


class SiLU(_InPlace):
    """x times its sigmoid."""

    _function = F.silu


class Mish(_InPlace):
    """x times the tanh of its softplus."""

    _function = F.mish


class Hardsigmoid(_InPlace):
    """(x + 3) / 6 between 0 and 1."""

    _function = F.hardsigmoid

    def extra_repr(self) -> str:
        """Nothing."""
        return ""


class Hardswish(_InPlace):
    """x times its hardsigmoid."""

    _function = F.hardswish

    def extra_repr(self) -> str:
        """Nothing."""
        return ""


class Sigmoid(_Activation):
    """1 / (1 + exp(-x))."""

    _function = F.sigmoid


class Tanh(_Activation):
    """The hyperbolic tangent."""

    _function = F.tanh


class LogSigmoid(_Activation):
    """log(sigmoid(x)), without overflow."""

    _function = F.logsigmoid


class Softsign(_Activation):
    """x / (1 + |x|)."""

    _function = F.softsign


class Tanhshrink(_Activation):
    """x - tanh(x)."""

    _function = F.tanhshrink


class LeakyReLU(_Activation):
    """x above 0, `negative_slope` times x elsewhere.

    >>> import autograd_lite as al
    >>> al.nn.LeakyReLU(0.1)(al.tensor([-1.0, 2.0]))
    tensor([-0.1,  2. ])
    """

    _function, _settings = F.leaky_relu, ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace


class PReLU(Module):
    """x above 0, x times a trained weight elsewhere: one for all, or one for each channel (dimension 1).

    >>> import autograd_lite as al
    >>> al.nn.PReLU()(al.tensor([-1.0, 2.0])).tolist()
    [-0.25, 2.0]
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, dtype: npt.DTypeLike | None = None) -> None:
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = empty((num_parameters,), dtype)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """The initial value everywhere."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        """How many weights."""
        return f"num_parameters={self.num_parameters}"


class RReLU(_Activation):
    """Leaky relu; in training every slope is drawn between the bounds, else it is their mean."""

    _settings = ("lower", "upper")

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return F.rrelu(input, self.lower, self.upper, self.training)


class ELU(_Activation):
    """x above 0, alpha (exp(x) - 1) elsewhere."""

    _function, _settings = F.elu, ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace


class CELU(ELU):
    """x above 0, alpha (exp(x / alpha) - 1) elsewhere."""

    _function = F.celu


class GELU(_Activation):
    """x times the normal distribution's share under x; with "tanh" an approximation."""

    _function, _settings = F.gelu, ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate


class Hardtanh(_Activation):
    """x between the bounds, the nearer bound elsewhere."""

    _function, _settings = F.hardtanh, ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if max_val <= min_val:
            raise ValueError(f"Hardtanh: max_val {max_val} must be over min_val {min_val}")
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace


class ReLU6(Hardtanh):
    """min(max(x, 0), 6)."""

    _shown = ()

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)


class Softplus(_Activation):
    """log(1 + exp(beta x)) / beta, and x where beta x is over the threshold: see `functional.softplus`."""

    _function, _settings = F.softplus, ("beta", "threshold")

    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__()
        self.beta, self.threshold = beta, threshold


class _Shrink(_Activation):
    _settings = ("lambd",)

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """lambd."""
        return str(self.lambd)


class Softshrink(_Shrink):
    """x moved by lambd towards 0, and 0 where it is nearer than that."""

    _function = F.softshrink


class Hardshrink(_Shrink):
    """x, and 0 where it is within lambd of 0."""

    _function = F.hardshrink


class Threshold(_Activation):
    """x above the threshold, the value elsewhere."""

    _function, _settings = F.threshold, ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace


class _Along(_Activation):
    _settings = ("dim",)

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim


class GLU(_Along):
    """The first half of dim times the sigmoid of the second."""

    _function = F.glu


class Softmax(_Along):
    """exp(x) / sum(exp(x)) along dim."""

    _function = F.softmax


class Softmin(_Along):
    """softmax(-x) along dim."""

    _function = F.softmin


class LogSoftmax(_Along):
    """log(softmax(x)) along dim, without overflow."""

    _function = F.log_softmax


class Softmax2d(Module):
    """softmax over the channels of (N, C, H, W) or (C, H, W)."""

    def forward(self, input: Any) -> Any:
        """The same shape."""
        if input.ndim not in (3, 4):
            raise ValueError(f"Softmax2d: the input is (N, C, H, W) or (C, H, W), and this one has shape {input.shape}")
        return F.softmax(input, -3)
