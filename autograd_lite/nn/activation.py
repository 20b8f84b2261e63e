"""Activations of each element as Modules: the functions of the same names, with their settings as attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from autograd_lite import ops
from autograd_lite.nn import functional as F
from autograd_lite.nn import init
from autograd_lite.nn.layer import Layer
from autograd_lite.nn.linear import empty


class _Activation(Layer):
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
    """max(x, 0), of any shape; its slope at 0 is taken as 0 (Nair and Hinton, 2010).

    `inplace` has no effect here and in the other activations: the result is a new tensor.

    >>> import autograd_lite as al
    >>> al.nn.ReLU()(al.tensor([-1.0, 0.0, 2.0]))
    tensor([0., 0., 2.])
    """

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return ops.relu(input)


class SELU(_InPlace):
    """elu with the factors that keep mean 0 and variance 1 (Klambauer et al., 2017).

    1.0507 x above 0, 1.0507 · 1.6733 (exp(x) - 1) elsewhere.

    >>> import autograd_lite as al
    >>> al.nn.SELU()(al.tensor([-1.0, 0.0, 1.0]))
    tensor([-1.11133074,  0.        ,  1.05070099])
    """

    _function = F.selu


class SiLU(_InPlace):
    """x times its sigmoid, also called swish (Elfwing et al., 2017).

    >>> import autograd_lite as al
    >>> al.nn.SiLU()(al.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.26894142,  0.        ,  0.73105858])
    """

    _function = F.silu


class Mish(_InPlace):
    """x times the tanh of its softplus (Misra, 2019).

    >>> import autograd_lite as al
    >>> al.nn.Mish()(al.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.30340146,  0.        ,  0.86509839])
    """

    _function = F.mish


class Hardsigmoid(_InPlace):
    """(x + 3) / 6 between 0 and 1 (Howard et al., 2019).

    >>> import autograd_lite as al
    >>> al.nn.Hardsigmoid()(al.tensor([-4.0, 0.0, 1.5]))
    tensor([0.  , 0.5 , 0.75])
    """

    _function = F.hardsigmoid

    def extra_repr(self) -> str:
        """Nothing."""
        return ""


class Hardswish(_InPlace):
    """x times its hardsigmoid (Howard et al., 2019).

    >>> import autograd_lite as al
    >>> al.nn.Hardswish()(al.tensor([-4.0, 1.5, 4.0]))
    tensor([0.   , 1.125, 4.   ])
    """

    _function = F.hardswish

    def extra_repr(self) -> str:
        """Nothing."""
        return ""


class Sigmoid(_Activation):
    """1 / (1 + exp(-x)), from 0 to 1.

    >>> import autograd_lite as al
    >>> al.nn.Sigmoid()(al.tensor([-1000.0, 0.0, 1.0]))
    tensor([0.        , 0.5       , 0.73105858])
    """

    _function = F.sigmoid


class Tanh(_Activation):
    """The hyperbolic tangent, from -1 to 1.

    >>> import autograd_lite as al
    >>> al.nn.Tanh()(al.tensor([0.0, 0.5, 100.0]))
    tensor([0.        , 0.46211716, 1.        ])
    """

    _function = F.tanh


class LogSigmoid(_Activation):
    """log(sigmoid(x)), without overflow.

    >>> import autograd_lite as al
    >>> al.nn.LogSigmoid()(al.tensor([-1000.0, 0.0]))
    tensor([-1.00000000e+03, -6.93147181e-01])
    """

    _function = F.logsigmoid


class Softsign(_Activation):
    """x / (1 + |x|), from -1 to 1.

    >>> import autograd_lite as al
    >>> al.nn.Softsign()(al.tensor([-1.0, 3.0]))
    tensor([-0.5 ,  0.75])
    """

    _function = F.softsign


class Tanhshrink(_Activation):
    """x - tanh(x).

    >>> import autograd_lite as al
    >>> al.nn.Tanhshrink()(al.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.23840584,  0.        ,  0.23840584])
    """

    _function = F.tanhshrink


class LeakyReLU(_Activation):
    """x above 0, `negative_slope` times x elsewhere (Maas et al., 2013).

    >>> import autograd_lite as al
    >>> al.nn.LeakyReLU(0.1)(al.tensor([-1.0, 2.0]))
    tensor([-0.1,  2. ])
    """

    _function, _settings = F.leaky_relu, ("negative_slope",)

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__()
        self.negative_slope, self.inplace = negative_slope, inplace


class PReLU(Layer):
    """x above 0, x times a trained weight elsewhere: one for all, or one for each channel (He et al., 2015).

    weight (num_parameters,) starts as `init`. With more than one the input is (N, num_parameters, ...); raises
    ValueError for another number of channels.

    >>> import autograd_lite as al
    >>> al.nn.PReLU()(al.tensor([-1.0, 2.0])).tolist()
    [-0.25, 2.0]
    >>> al.nn.PReLU(3)(al.ones(2, 3, 5)).shape
    (2, 3, 5)
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
    """Leaky relu; in training every slope is drawn between the bounds, else it is their mean (Xu et al., 2015).

    >>> import autograd_lite as al
    >>> al.nn.RReLU(0.0, 0.5).eval()(al.tensor([-6.0, 1.0]))
    tensor([-1.5,  1. ])
    """

    _settings = ("lower", "upper")

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super().__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return F.rrelu(input, self.lower, self.upper, self.training)


class ELU(_Activation):
    """x above 0, alpha (exp(x) - 1) elsewhere (Clevert et al., 2015).

    >>> import autograd_lite as al
    >>> al.nn.ELU()(al.tensor([-1000.0, -1.0, 2.0]))
    tensor([-1.        , -0.63212056,  2.        ])
    """

    _function, _settings = F.elu, ("alpha",)

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        self.alpha, self.inplace = alpha, inplace


class CELU(ELU):
    """x above 0, alpha (exp(x / alpha) - 1) elsewhere, whose slope has no jump at 0 (Barron, 2017).

    Raises ValueError, when called, for an alpha of 0.

    >>> import autograd_lite as al
    >>> al.nn.CELU(2.0)(al.tensor([-1000.0, -1.0, 2.0]))
    tensor([-2.        , -0.78693868,  2.        ])
    """

    _function = F.celu


class GELU(_Activation):
    """x times the normal distribution's share under x (Hendrycks and Gimpel, 2016); with "tanh" an approximation.

    That is x (1 + erf(x / √2)) / 2, or x (1 + tanh(√(2 / π) (x + 0.044715 x³))) / 2. Raises ValueError, when called,
    for an `approximate` other than "none" and "tanh".

    >>> import autograd_lite as al
    >>> al.nn.GELU()(al.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.15865525,  0.        ,  0.84134475])
    >>> al.nn.GELU("tanh")(al.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.15880801,  0.        ,  0.84119199])
    """

    _function, _settings = F.gelu, ("approximate",)

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate = approximate


class Hardtanh(_Activation):
    """x between the bounds, the nearer bound elsewhere. Raises ValueError unless `min_val` is less than `max_val`.

    >>> import autograd_lite as al
    >>> al.nn.Hardtanh(-1.0, 2.0)(al.tensor([-3.0, 0.5, 3.0]))
    tensor([-1. ,  0.5,  2. ])
    """

    _function, _settings = F.hardtanh, ("min_val", "max_val")

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> None:
        super().__init__()
        if max_val <= min_val:
            raise ValueError(f"Hardtanh: max_val {max_val} must be over min_val {min_val}")
        self.min_val, self.max_val, self.inplace = min_val, max_val, inplace


class ReLU6(Hardtanh):
    """min(max(x, 0), 6) (Krizhevsky, 2010).

    >>> import autograd_lite as al
    >>> al.nn.ReLU6()(al.tensor([-1.0, 3.0, 7.0]))
    tensor([0., 3., 6.])
    """

    _shown = ()

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)


class Softplus(_Activation):
    """log(1 + exp(beta x)) / beta, and x where beta x is over the threshold: see `functional.softplus`.

    >>> import autograd_lite as al
    >>> al.nn.Softplus()(al.tensor([-1.0, 0.0, 1000.0]))
    tensor([3.13261688e-01, 6.93147181e-01, 1.00000000e+03])
    """

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
    """x moved by lambd towards 0, and 0 where it is nearer than that.

    Raises ValueError, when called, for a negative lambd.

    >>> import autograd_lite as al
    >>> al.nn.Softshrink()(al.tensor([-2.0, 0.3, 1.0]))
    tensor([-1.5,  0. ,  0.5])
    """

    _function = F.softshrink


class Hardshrink(_Shrink):
    """x, and 0 where it is within lambd of 0.

    >>> import autograd_lite as al
    >>> al.nn.Hardshrink()(al.tensor([-2.0, 0.3, 1.0]))
    tensor([-2.,  0.,  1.])
    """

    _function = F.hardshrink


class Threshold(_Activation):
    """x above the threshold, the value elsewhere.

    >>> import autograd_lite as al
    >>> al.nn.Threshold(1.0, -5.0)(al.tensor([0.5, 1.0, 2.0]))
    tensor([-5., -5.,  2.])
    """

    _function, _settings = F.threshold, ("threshold", "value")

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold, self.value, self.inplace = threshold, value, inplace
