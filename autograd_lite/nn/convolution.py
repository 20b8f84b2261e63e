"""Convolutions as Modules."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy.typing as npt

from autograd_lite.nn import functional as F
from autograd_lite.nn import init
from autograd_lite.nn.layer import Layer
from autograd_lite.nn.linear import empty
from autograd_lite.ops.conv import sizes

Size = int | tuple[int, ...]
PADDING_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}


class _Conv(Layer):
    """What all convolutions have: weight and bias start uniform within ± 1 / √fan_in, PyTorch's way."""

    dims: int
    transposed = False

    def _built(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size,
        padding: Any,
        output_padding: Size,
        dilation: Size,
        groups: int,
        bias: bool,
        padding_mode: str,
        dtype: npt.DTypeLike | None,
        generator: Any,
    ) -> None:
        name = type(self).__name__
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(f"{name}: {in_channels} and {out_channels} channels must both divide by groups={groups}")
        if padding_mode not in PADDING_MODES or (self.transposed and padding_mode != "zeros"):
            raise ValueError(f"{name}: padding_mode {padding_mode!r} is none of those that it knows")
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = sizes(kernel_size, self.dims, "kernel_size")
        self.stride, self.dilation = sizes(stride, self.dims, "stride"), sizes(dilation, self.dims, "dilation")
        self.padding: Any = padding if isinstance(padding, str) else sizes(padding, self.dims, "padding", 0)
        if isinstance(padding, str) and padding not in ("valid", "same"):
            raise ValueError(f"{name}: padding is a number, numbers, 'valid' or 'same', and not {padding!r}")
        if padding == "same" and any(s != 1 for s in self.stride):
            raise ValueError(f"{name}: padding='same' is for stride 1, and the stride is {self.stride}")
        self.output_padding = sizes(output_padding, self.dims, "output_padding", 0)
        self.padding_mode = padding_mode
        channels = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = empty((channels[0], channels[1] // groups, *self.kernel_size), dtype)
        self.bias = empty((out_channels,), dtype) if bias else None
        self.reset_parameters(generator)

    def reset_parameters(self, generator: Any = None) -> None:
        """Draw the initial values anew."""
        fan_in = init.fans(self.weight)[0]
        bound = 1.0 / math.sqrt(fan_in) if fan_in else 0.0
        init.uniform_(self.weight, -bound, bound, generator)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound, generator)

    def extra_repr(self) -> str:
        """The sizes, and what is not the default."""
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        zeros, ones = (0,) * self.dims, (1,) * self.dims
        for name, plain in (("padding", zeros), ("dilation", ones), ("output_padding", zeros), ("groups", 1)):
            text += f", {name}={getattr(self, name)}" if getattr(self, name) != plain else ""
        text += "" if self.bias is not None else ", bias=False"
        return text if self.padding_mode == "zeros" else f"{text}, padding_mode={self.padding_mode}"


class _Forward(_Conv):
    _function: Callable[..., Any]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Any = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        super().__init__()
        self._built(
            in_channels, out_channels, kernel_size, stride, padding, 0, dilation, groups, bias, padding_mode, dtype,
            generator,
        )  # fmt: skip

    def forward(self, input: Any) -> Any:
        """(N, in_channels, ...) to (N, out_channels, ...), or both without N."""
        padding = self.padding
        if self.padding_mode != "zeros":
            input, padding = F.pad(input, self._around(), PADDING_MODES[self.padding_mode]), 0
        return type(self)._function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _around(self) -> list[int]:
        """What F.pad takes, from the last dimension."""
        if not isinstance(self.padding, str):
            return [p for p in reversed(self.padding) for _ in range(2)]
        if self.padding == "valid":
            return [0] * (2 * self.dims)
        spare = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
        return [n for s in reversed(spare) for n in (s // 2, s - s // 2)]


class Conv1d(_Forward):
    """Cross-correlation of (N, C, L) or (C, L) with kernels weight (out, in / groups, k), plus bias (out,).

    L becomes ⌊(L + 2 padding - dilation (kernel_size - 1) - 1) / stride⌋ + 1: see `Conv2d`.

    >>> import autograd_lite as al
    >>> al.nn.Conv1d(2, 4, 3)(al.zeros(8, 2, 10)).shape
    (8, 4, 8)
    """

    dims, _function = 1, F.conv1d


class Conv2d(_Forward):
    """Cross-correlation of (N, C, H, W) or (C, H, W) with kernels weight (out, in / groups, kh, kw), plus bias (out,).

    Sizes are one number or one for each dimension; a size n becomes ⌊(n + 2 padding - dilation (kernel_size - 1) - 1) /
    stride⌋ + 1. padding may be "valid" (none) or "same" (what keeps the size), too; padding_mode says what is there:
    "zeros", "reflect", "replicate" or "circular". Weight and bias start uniform within ± 1 / √fan_in, fan_in being in /
    groups · kh · kw. Raises ValueError where groups do not divide both numbers of channels, and for "same" with a
    stride.

    >>> import autograd_lite as al
    >>> al.nn.Conv2d(1, 16, 3, padding=1)(al.zeros(8, 1, 28, 28)).shape
    (8, 16, 28, 28)
    >>> al.nn.Conv2d(1, 16, 3, stride=2)(al.zeros(8, 1, 28, 28)).shape
    (8, 16, 13, 13)
    """

    dims, _function = 2, F.conv2d


class Conv3d(_Forward):
    """Cross-correlation of (N, C, D, H, W) with kernels weight (out, in / groups, kd, kh, kw), plus bias (out,).

    Or of (C, D, H, W); sizes are as in `Conv2d`.

    >>> import autograd_lite as al
    >>> al.nn.Conv3d(1, 2, 3)(al.zeros(1, 1, 4, 4, 4)).shape
    (1, 2, 2, 2, 2)
    """

    dims, _function = 3, F.conv3d


class _Transposed(_Conv):
    transposed = True
    _function: Callable[..., Any]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        padding_mode: str = "zeros",
        dtype: npt.DTypeLike | None = None,
        generator: Any = None,
    ) -> None:
        super().__init__()
        self._built(
            in_channels, out_channels, kernel_size, stride, padding, output_padding, dilation, groups, bias,
            padding_mode, dtype, generator,
        )  # fmt: skip

    def forward(self, input: Any, output_size: Any = None) -> Any:
        """(N, in_channels, ...) to (N, out_channels, ...); `output_size` picks one of those that a stride allows."""
        more = self.output_padding if output_size is None else self._reaching(input.shape[-self.dims :], output_size)
        return type(self)._function(
            input, self.weight, self.bias, self.stride, self.padding, more, self.groups, self.dilation
        )

    def _reaching(self, have: tuple[int, ...], want: Any) -> tuple[int, ...]:
        """The output_padding that gives a size. Raises ValueError where none does."""
        want = tuple(want)[-self.dims :]
        parts = zip(have, self.stride, self.padding, self.dilation, self.kernel_size, strict=True)
        least = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, s, p, d, k in parts]
        more = tuple(w - n for w, n in zip(want, least, strict=True))
        if any(not 0 <= m < s for m, s in zip(more, self.stride, strict=True)):
            most = [n + s - 1 for n, s in zip(least, self.stride, strict=True)]
            raise ValueError(f"{type(self).__name__}: output_size {want} is not between {least} and {most}")
        return more


class ConvTranspose1d(_Transposed):
    """The transpose of `Conv1d`: see `ConvTranspose2d`; weight (in, out / groups, k).

    >>> import autograd_lite as al
    >>> al.nn.ConvTranspose1d(2, 4, 3)(al.zeros(8, 2, 10)).shape
    (8, 4, 12)
    """

    dims, _function = 1, F.conv_transpose1d


class ConvTranspose2d(_Transposed):
    """The transpose of `Conv2d`, which gives back its input's size: (N, in, H, W) to (N, out, H', W').

    weight is (in, out / groups, kh, kw), bias (out,). A size n becomes (n - 1) stride - 2 padding + dilation
    (kernel_size - 1) + output_padding + 1; `forward(input, output_size)` picks the output_padding. Only zeros are
    padded. Raises ValueError for a size that no output_padding gives.

    >>> import autograd_lite as al
    >>> up = al.nn.ConvTranspose2d(2, 4, 3, stride=2)
    >>> up(al.zeros(1, 2, 5, 5)).shape, up(al.zeros(1, 2, 5, 5), output_size=(12, 12)).shape
    ((1, 4, 11, 11), (1, 4, 12, 12))
    """

    dims, _function = 2, F.conv_transpose2d


class ConvTranspose3d(_Transposed):
    """The transpose of `Conv3d`: see `ConvTranspose2d`; weight (in, out / groups, kd, kh, kw).

    >>> import autograd_lite as al
    >>> al.nn.ConvTranspose3d(1, 2, 2, stride=2)(al.zeros(1, 1, 2, 2, 2)).shape
    (1, 2, 4, 4, 4)
    """

    dims, _function = 3, F.conv_transpose3d
