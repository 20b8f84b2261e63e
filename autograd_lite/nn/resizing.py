"""Padding, and images made larger and smaller, as Modules."""

from __future__ import annotations

from typing import Any

from autograd_lite.nn import functional as F
from autograd_lite.nn.module import Module


class _Pad(Module):
    """`padding` is one number for all sides, or (before, after) of the last dimension, then of the one before it."""

    _dims: int
    _mode = "constant"
    value = 0.0

    def __init__(self, padding: Any) -> None:
        super().__init__()
        count = 2 * self._dims
        self.padding = (padding,) * count if isinstance(padding, int) else tuple(padding)
        if len(self.padding) != count:
            raise ValueError(f"{type(self).__name__}: padding is a number, or {count} of them, and not {padding!r}")

    def forward(self, input: Any) -> Any:
        """With something around it."""
        value = self.value if self._mode == "constant" else None
        return F.pad(input, self.padding, self._mode, value)

    def extra_repr(self) -> str:
        """The widths."""
        return str(self.padding)


class _ConstantPad(_Pad):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        """The widths and the value."""
        return f"padding={self.padding}, value={self.value}"


class ZeroPad1d(_Pad):
    """(N, C, L) with zeros around it."""

    _dims = 1


class ZeroPad2d(_Pad):
    """(N, C, H, W) with zeros around it.

    >>> import autograd_lite as al
    >>> al.nn.ZeroPad2d((1, 2, 0, 1))(al.ones(1, 1, 2, 2)).shape
    (1, 1, 3, 5)
    """

    _dims = 2


class ZeroPad3d(_Pad):
    """(N, C, D, H, W) with zeros around it."""

    _dims = 3


class ConstantPad1d(_ConstantPad):
    """(N, C, L) with a value around it."""

    _dims = 1


class ConstantPad2d(_ConstantPad):
    """(N, C, H, W) with a value around it."""

    _dims = 2


class ConstantPad3d(_ConstantPad):
    """(N, C, D, H, W) with a value around it."""

    _dims = 3


class ReflectionPad1d(_Pad):
    """(N, C, L) mirrored at its edges."""

    _dims, _mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """(N, C, H, W) mirrored at its edges."""

    _dims, _mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """(N, C, D, H, W) mirrored at its edges."""

    _dims, _mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """(N, C, L) with its edges repeated."""

    _dims, _mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """(N, C, H, W) with its edges repeated."""

    _dims, _mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """(N, C, D, H, W) with its edges repeated."""

    _dims, _mode = 3, "replicate"


class CircularPad1d(_Pad):
    """(N, C, L) gone on with from its other end."""

    _dims, _mode = 1, "circular"


class CircularPad2d(_Pad):
    """(N, C, H, W) gone on with from its other end."""

    _dims, _mode = 2, "circular"


class CircularPad3d(_Pad):
    """(N, C, D, H, W) gone on with from its other end."""

    _dims, _mode = 3, "circular"


class Upsample(Module):
    """(N, C, ...) in another size: see `functional.interpolate`.

    >>> import autograd_lite as al
    >>> al.nn.Upsample(scale_factor=2, mode="bilinear")(al.zeros(1, 3, 4, 4)).shape
    (1, 3, 8, 8)
    """

    def __init__(
        self,
        size: Any = None,
        scale_factor: Any = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        several = isinstance(scale_factor, tuple)
        factor = tuple(map(float, scale_factor)) if several else None if scale_factor is None else float(scale_factor)
        self.size, self.scale_factor, self.mode, self.align_corners = size, factor, mode, align_corners
        self.recompute_scale_factor, self.name = recompute_scale_factor, type(self).__name__

    def forward(self, input: Any) -> Any:
        """The same N and C."""
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        """The size or the factor, and the mode."""
        given = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{given}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """(N, C, H, W) in another size, each pixel the nearest one."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """(N, C, H, W) in another size, between four pixels, the corners kept."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


class PixelShuffle(Module):
    """(..., C r², H, W) as (..., C, H r, W r): channels become pixels."""

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Any) -> Any:
        """The same numbers in another shape."""
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """(..., C, H r, W r) as (..., C r², H, W): the inverse of `PixelShuffle`."""

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Any) -> Any:
        """The same numbers in another shape."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """The channels of (N, C, ...) dealt out to groups."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """The number of groups."""
        return f"groups={self.groups}"


class Unfold(Module):
    """The windows of (N, C, H, W) as columns: see `functional.unfold`."""

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        super().__init__()
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, input: Any) -> Any:
        """(N, C, H, W) to (N, C * kh * kw, positions)."""
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Unfold):
    """Columns (N, C * kh * kw, positions) added up at their places: see `functional.fold`."""

    def __init__(
        self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size

    def forward(self, input: Any) -> Any:
        """(N, C * kh * kw, positions) to (N, C, H, W)."""
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The sizes."""
        return f"output_size={self.output_size}, {super().extra_repr()}"
