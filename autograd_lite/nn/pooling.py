"""Pools as Modules: the functions of the same names, with their settings as attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_lite.nn import functional as F
from autograd_lite.nn.module import Module
from autograd_lite.ops.conv import sizes


class _Pool(Module):
    """A function of one tensor, with attributes for its other arguments, by name."""

    _function: Callable[..., Any]
    _settings: tuple[str, ...]
    _shown: tuple[str, ...]

    def forward(self, input: Any) -> Any:
        """(N, C, ...) or (C, ...) with other sizes than those of the input."""
        return type(self)._function(input, **{name: getattr(self, name) for name in self._settings})

    def extra_repr(self) -> str:
        """The sizes."""
        return ", ".join(f"{name}={getattr(self, name)}" for name in self._shown)


class _MaxPool(_Pool):
    _settings = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
    _shown = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode


class MaxPool1d(_MaxPool):
    """The largest of each window of (N, C, L): see `functional.max_pool1d`."""

    _function = F.max_pool1d


class MaxPool2d(_MaxPool):
    """The largest of each window of (N, C, H, W); the stride is the kernel's size unless given.

    >>> import autograd_lite as al
    >>> al.nn.MaxPool2d(2)(al.zeros(1, 3, 8, 8)).shape
    (1, 3, 4, 4)
    """

    _function = F.max_pool2d


class MaxPool3d(_MaxPool):
    """The largest of each window of (N, C, D, H, W): see `functional.max_pool3d`."""

    _function = F.max_pool3d


class AvgPool1d(_Pool):
    """The mean of each window of (N, C, L): see `functional.avg_pool1d`."""

    _function = F.avg_pool1d
    _settings = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
    _shown = ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        self.kernel_size = sizes(kernel_size, 1, "kernel_size")
        self.stride = self.kernel_size if stride is None else sizes(stride, 1, "stride")
        self.padding = sizes(padding, 1, "padding", 0)
        self.ceil_mode, self.count_include_pad = ceil_mode, count_include_pad


class AvgPool2d(_Pool):
    """The mean of each window of (N, C, H, W), zeros of the padding included: see `functional.avg_pool2d`.

    >>> import autograd_lite as al
    >>> al.nn.AvgPool2d(2)(al.zeros(1, 3, 8, 8)).shape
    (1, 3, 4, 4)
    """

    _function = F.avg_pool2d
    _settings = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override")
    _shown = ("kernel_size", "stride", "padding")

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad
        self.divisor_override = divisor_override


class AvgPool3d(AvgPool2d):
    """The mean of each window of (N, C, D, H, W): see `functional.avg_pool3d`."""

    _function = F.avg_pool3d


class _LPPool(_Pool):
    _settings = ("norm_type", "kernel_size", "stride", "ceil_mode")
    _shown = _settings

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode


class LPPool1d(_LPPool):
    """The root of the sum of powers of each window of (N, C, L): see `functional.lp_pool1d`."""

    _function = F.lp_pool1d


class LPPool2d(_LPPool):
    """The root of the sum of powers of each window of (N, C, H, W): see `functional.lp_pool1d`."""

    _function = F.lp_pool2d


class LPPool3d(_LPPool):
    """The root of the sum of powers of each window of (N, C, D, H, W): see `functional.lp_pool1d`."""

    _function = F.lp_pool3d


class _AdaptiveAvgPool(_Pool):
    _settings = _shown = ("output_size",)

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of as many windows of (N, C, L) as asked for."""

    _function = F.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of windows of (N, C, H, W) that cover it in `output_size` steps; None keeps a size.

    >>> import autograd_lite as al
    >>> al.nn.AdaptiveAvgPool2d((1, None))(al.zeros(2, 3, 5, 7)).shape
    (2, 3, 1, 7)
    """

    _function = F.adaptive_avg_pool2d


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of windows of (N, C, D, H, W)."""

    _function = F.adaptive_avg_pool3d


class _AdaptiveMaxPool(_Pool):
    _settings = ("output_size", "return_indices")
    _shown = ("output_size",)

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest of as many windows of (N, C, L) as asked for."""

    _function = F.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest of windows of (N, C, H, W) that cover it in `output_size` steps; None keeps a size."""

    _function = F.adaptive_max_pool2d


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest of windows of (N, C, D, H, W)."""

    _function = F.adaptive_max_pool3d
