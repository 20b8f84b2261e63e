"""Pools as Modules: the functions of the same names, with their settings as attributes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autograd_lite.nn import functional as F
from autograd_lite.nn.layer import Layer
from autograd_lite.ops.conv import sizes


class _Pool(Layer):
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
    """The largest of each window of (N, C, L) or (C, L).

    L becomes ⌊(L + 2 padding - dilation (kernel_size - 1) - 1) / stride⌋ + 1, the number of windows: see `MaxPool2d`.

    >>> import autograd_lite as al
    >>> al.nn.MaxPool1d(2)(al.tensor([[[1.0, 3.0, 2.0, 5.0]]])).tolist()
    [[[3.0, 5.0]]]
    """

    _function = F.max_pool1d


class MaxPool2d(_MaxPool):
    """The largest of each window of (N, C, H, W) or (C, H, W); the stride is the kernel's size unless given.

    Sizes are one number or one for each dimension; a size n becomes ⌊(n + 2 padding - dilation (kernel_size - 1) - 1) /
    stride⌋ + 1, with `ceil_mode` rounded up. Padding, at most half of the kernel (or ValueError), never wins. With
    `return_indices` also where each was, in its flattened channel.

    >>> import autograd_lite as al
    >>> al.nn.MaxPool2d(2)(al.arange(16.0).reshape(1, 1, 4, 4)).tolist()
    [[[[5.0, 7.0], [13.0, 15.0]]]]
    >>> al.nn.MaxPool2d(3, stride=2, padding=1)(al.zeros(1, 3, 8, 8)).shape
    (1, 3, 4, 4)
    """

    _function = F.max_pool2d


class MaxPool3d(_MaxPool):
    """The largest of each window of (N, C, D, H, W) or (C, D, H, W): see `MaxPool2d`.

    >>> import autograd_lite as al
    >>> al.nn.MaxPool3d(2)(al.zeros(1, 3, 8, 8, 6)).shape
    (1, 3, 4, 4, 3)
    """

    _function = F.max_pool3d


class AvgPool1d(_Pool):
    """The mean of each window of (N, C, L) or (C, L): see `AvgPool2d`.

    >>> import autograd_lite as al
    >>> al.nn.AvgPool1d(2)(al.tensor([[[1.0, 3.0, 2.0, 5.0]]])).tolist()
    [[[2.0, 3.5]]]
    """

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
    """The mean of each window of (N, C, H, W) or (C, H, W); the stride is the kernel's size unless given.

    A size n becomes ⌊(n + 2 padding - kernel_size) / stride⌋ + 1, with `ceil_mode` rounded up. Zeros of the padding
    count unless `count_include_pad=False`; `divisor_override` is what sums are divided by in place of their number.

    >>> import autograd_lite as al
    >>> al.nn.AvgPool2d(2)(al.arange(16.0).reshape(1, 1, 4, 4)).tolist()
    [[[[2.5, 4.5], [10.5, 12.5]]]]
    >>> al.nn.AvgPool2d(2, padding=1, count_include_pad=False)(al.ones(1, 1, 2, 2)).tolist()
    [[[[1.0, 1.0], [1.0, 1.0]]]]
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
    """The mean of each window of (N, C, D, H, W) or (C, D, H, W): see `AvgPool2d`.

    >>> import autograd_lite as al
    >>> al.nn.AvgPool3d(2)(al.ones(1, 3, 8, 8, 6)).shape
    (1, 3, 4, 4, 3)
    """

    _function = F.avg_pool3d


class _LPPool(_Pool):
    _settings = ("norm_type", "kernel_size", "stride", "ceil_mode")
    _shown = _settings

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type, self.kernel_size, self.stride, self.ceil_mode = norm_type, kernel_size, stride, ceil_mode


class LPPool1d(_LPPool):
    """The root of the sum of powers, (Σ x^p)^(1 / p) with p = `norm_type`, of each window of (N, C, L) or (C, L).

    Where the sum is 0 the gradient is 0, too. Windows are as in `AvgPool1d`, without padding.

    >>> import autograd_lite as al
    >>> al.nn.LPPool1d(2, kernel_size=2)(al.tensor([[[3.0, 4.0, 0.0, 1.0]]])).tolist()
    [[[5.0, 1.0]]]
    """

    _function = F.lp_pool1d


class LPPool2d(_LPPool):
    """The root of the sum of powers of each window of (N, C, H, W) or (C, H, W): see `LPPool1d`.

    >>> import autograd_lite as al
    >>> al.nn.LPPool2d(1, kernel_size=2)(al.ones(1, 1, 4, 4)).tolist()
    [[[[4.0, 4.0], [4.0, 4.0]]]]
    """

    _function = F.lp_pool2d


class LPPool3d(_LPPool):
    """The root of the sum of powers of each window of (N, C, D, H, W) or (C, D, H, W): see `LPPool1d`.

    >>> import autograd_lite as al
    >>> al.nn.LPPool3d(2, kernel_size=2)(al.ones(1, 3, 4, 4, 4)).shape
    (1, 3, 2, 2, 2)
    """

    _function = F.lp_pool3d


class _AdaptiveAvgPool(_Pool):
    _settings = _shown = ("output_size",)

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of as many windows of (N, C, L) or (C, L) as asked for: see `AdaptiveAvgPool2d`.

    >>> import autograd_lite as al
    >>> al.nn.AdaptiveAvgPool1d(2)(al.tensor([[[1.0, 2.0, 6.0]]])).tolist()
    [[[1.5, 4.0]]]
    """

    _function = F.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of windows of (N, C, H, W) or (C, H, W) that cover it in `output_size` steps; None keeps a size.

    Window i of m over n numbers goes from ⌊i n / m⌋ up to ⌈(i + 1) n / m⌉: they overlap where m does not divide n.

    >>> import autograd_lite as al
    >>> al.nn.AdaptiveAvgPool2d((1, None))(al.zeros(2, 3, 5, 7)).shape
    (2, 3, 1, 7)
    >>> al.nn.AdaptiveAvgPool2d(1)(al.arange(4.0).reshape(1, 2, 2)).tolist()
    [[[1.5]]]
    """

    _function = F.adaptive_avg_pool2d


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of windows of (N, C, D, H, W) or (C, D, H, W): see `AdaptiveAvgPool2d`.

    >>> import autograd_lite as al
    >>> al.nn.AdaptiveAvgPool3d((1, 2, 3))(al.zeros(2, 3, 5, 7, 8)).shape
    (2, 3, 1, 2, 3)
    """

    _function = F.adaptive_avg_pool3d


class _AdaptiveMaxPool(_Pool):
    _settings = ("output_size", "return_indices")
    _shown = ("output_size",)

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size, self.return_indices = output_size, return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest of as many windows of (N, C, L) or (C, L) as asked for: see `AdaptiveMaxPool2d`.

    >>> import autograd_lite as al
    >>> al.nn.AdaptiveMaxPool1d(2)(al.tensor([[[1.0, 2.0, 6.0]]])).tolist()
    [[[2.0, 6.0]]]
    """

    _function = F.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest of windows of (N, C, H, W) or (C, H, W) that cover it in `output_size` steps; None keeps a size.

    Windows are those of `AdaptiveAvgPool2d`. With `return_indices` also where each was, in its flattened channel.

    >>> import autograd_lite as al
    >>> y, where = al.nn.AdaptiveMaxPool2d(1, return_indices=True)(al.arange(4.0).reshape(1, 2, 2))
    >>> y.tolist(), where.tolist()
    ([[[3.0]]], [[[3]]])
    """

    _function = F.adaptive_max_pool2d


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest of windows of (N, C, D, H, W) or (C, D, H, W): see `AdaptiveMaxPool2d`.

    >>> import autograd_lite as al
    >>> al.nn.AdaptiveMaxPool3d(2)(al.zeros(2, 3, 5, 7, 8)).shape
    (2, 3, 2, 2, 2)
    """

    _function = F.adaptive_max_pool3d
