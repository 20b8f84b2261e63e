"""Dropout as Modules: on in training, off in evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_lite.nn import functional as F
from autograd_lite.nn.module import Module


class _Dropout(Module):
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

    `generator` is a NumPy generator (anything with `random(shape)`); without one the default generator.
    """

    _function = F.dropout


class Dropout1d(_Dropout):
    """In training, zeroes whole channels of (N, C, L) with probability p and divides the others by 1 - p."""

    _function = F.dropout1d


class Dropout2d(_Dropout):
    """In training, zeroes whole channels of (N, C, H, W) with probability p and divides the others by 1 - p."""

    _function = F.dropout2d


class Dropout3d(_Dropout):
    """In training, zeroes whole channels of (N, C, D, H, W) with probability p and divides the others by 1 - p."""

    _function = F.dropout3d


class AlphaDropout(_Dropout):
    """Dropout that keeps mean 0 and variance 1, for `SELU`."""

    _function = F.alpha_dropout


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels of (N, C, ...)."""

    _function = F.feature_alpha_dropout
