"""Dropout as Modules: on in training, off in evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_lite.nn import functional as F
from autograd_lite.nn.layer import Layer


class _Dropout(Layer):
    _function: Callable[..., Any]

    def __init__(self, p: float = 0.5, inplace: bool = False, *, generator: Any = None) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: p is a probability, and {p} is not between 0 and 1")
        self.p, self.inplace, self.generator = p, inplace, generator

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return type(self)._function(input, self.p, self.training, generator=self.generator)

    def extra_repr(self) -> str:
        """The settings."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training, zeroes each element with probability p and divides the others by 1 - p; in evaluation, nothing.

    So expected values stay (Srivastava et al., 2014). `generator` is a NumPy generator (anything with `random(shape)`);
    without one the default generator, which `al.manual_seed` seeds. `inplace` has no effect. Raises ValueError for a p
    that is no probability.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(0)
    >>> dropout = al.nn.Dropout(0.5)
    >>> dropout(al.ones(6))
    tensor([2., 0., 0., 0., 2., 2.])
    >>> dropout.eval()(al.ones(6))
    tensor([1., 1., 1., 1., 1., 1.])
    """

    _function = F.dropout


class Dropout1d(_Dropout):
    """In training, zeroes whole channels of (N, C, L) or (C, L) with probability p and divides the others by 1 - p.

    Settings are those of `Dropout`. Raises ValueError for other dimensions.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(0)
    >>> al.nn.Dropout1d()(al.ones(1, 3, 2)).tolist()
    [[[2.0, 2.0], [0.0, 0.0], [0.0, 0.0]]]
    """

    _function = F.dropout1d


class Dropout2d(_Dropout):
    """In training, zeroes whole channels of (N, C, H, W) with probability p and divides the others by 1 - p.

    Or of (C, H, W). Neighbours in an image are alike, so that zeroing single pixels hides little (Tompson et al.,
    2015). Settings are those of `Dropout`. Raises ValueError for other dimensions.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(0)
    >>> al.nn.Dropout2d()(al.ones(1, 3, 2, 2))[0, :, 0, 0].tolist()
    [2.0, 0.0, 0.0]
    """

    _function = F.dropout2d


class Dropout3d(_Dropout):
    """In training, zeroes whole channels of (N, C, D, H, W) with probability p and divides the others by 1 - p.

    Or of (C, D, H, W): see `Dropout2d`.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(0)
    >>> al.nn.Dropout3d()(al.ones(1, 3, 2, 2, 2))[0, :, 0, 0, 0].tolist()
    [2.0, 0.0, 0.0]
    """

    _function = F.dropout3d


class AlphaDropout(_Dropout):
    """Dropout that keeps mean 0 and variance 1, for `SELU` (Klambauer et al., 2017). Settings are those of `Dropout`.

    Elements are set to -1.7581, which is what SELU tends to, and all then scaled and moved; in evaluation, nothing.

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(0)
    >>> al.nn.AlphaDropout(0.5)(al.zeros(4)).round(decimals=4)
    tensor([ 0.7792, -0.7792, -0.7792, -0.7792])
    """

    _function = F.alpha_dropout


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels of (N, C, ...).

    >>> import autograd_lite as al
    >>> _ = al.manual_seed(0)
    >>> al.nn.FeatureAlphaDropout(0.5)(al.zeros(1, 3, 2)).round(decimals=4).tolist()
    [[[0.7792, 0.7792], [-0.7792, -0.7792], [-0.7792, -0.7792]]]
    """

    _function = F.feature_alpha_dropout
