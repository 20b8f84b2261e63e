"""Images made larger and smaller, or dealt out in another order, as Modules."""

from __future__ import annotations

from typing import Any

from autograd_lite.nn import functional as F
from autograd_lite.nn.layer import Layer


class Upsample(Layer):
    """(N, C, ...) in another size: `size`, or the size times `scale_factor`; see `functional.interpolate` for modes.

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
    """(N, C, H, W) in another size, each pixel the nearest one: `Upsample` with that mode.

    >>> import autograd_lite as al
    >>> al.nn.UpsamplingNearest2d(scale_factor=2)(al.tensor([[[[1.0, 3.0]]]])).tolist()
    [[[[1.0, 1.0, 3.0, 3.0], [1.0, 1.0, 3.0, 3.0]]]]
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """(N, C, H, W) in another size, between four pixels, the corners kept: `Upsample` with that mode.

    >>> import autograd_lite as al
    >>> al.nn.UpsamplingBilinear2d(size=(1, 3))(al.tensor([[[[1.0, 3.0]]]])).tolist()
    [[[[1.0, 2.0, 3.0]]]]
    """

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", True)


class PixelShuffle(Layer):
    """(..., C r², H, W) as (..., C, H r, W r): channels become pixels (Shi et al., 2016).

    Raises ValueError where r², of `upscale_factor` r, does not divide the channels.

    >>> import autograd_lite as al
    >>> al.nn.PixelShuffle(2)(al.arange(4.0).reshape(4, 1, 1)).tolist()
    [[[0.0, 1.0], [2.0, 3.0]]]
    """

    def __init__(self, upscale_factor: int) -> None:
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input: Any) -> Any:
        """The same numbers in another shape."""
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Layer):
    """(..., C, H r, W r) as (..., C r², H, W): the inverse of `PixelShuffle`.

    Raises ValueError where `downscale_factor` r does not divide the height and the width.

    >>> import autograd_lite as al
    >>> al.nn.PixelUnshuffle(2)(al.arange(4.0).reshape(1, 2, 2))[:, 0, 0]
    tensor([0., 1., 2., 3.])
    """

    def __init__(self, downscale_factor: int) -> None:
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input: Any) -> Any:
        """The same numbers in another shape."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Layer):
    """The channels of (N, C, ...) dealt out to groups (Zhang et al., 2017): the first of each, the second of each, ...

    Raises ValueError where `groups` does not divide the channels.

    >>> import autograd_lite as al
    >>> al.nn.ChannelShuffle(2)(al.arange(4.0).reshape(1, 4, 1))[0, :, 0]
    tensor([0., 2., 1., 3.])
    """

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self) -> str:
        """The number of groups."""
        return f"groups={self.groups}"


class Unfold(Layer):
    """The windows of (N, C, H, W) as columns (N, C · kh · kw, positions), or without N: what a convolution multiplies.

    Sizes are one number or (height, width); there are as many positions as a convolution's output has pixels.

    >>> import autograd_lite as al
    >>> al.nn.Unfold((2, 3))(al.zeros(2, 5, 3, 4)).shape
    (2, 30, 4)
    """

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
    """Columns (N, C · kh · kw, positions) added up at their places in (N, C, H, W), (H, W) being `output_size`.

    The adjoint of `Unfold`, not its inverse: where windows overlap there are sums. Raises ValueError where sizes do not
    fit.

    >>> import autograd_lite as al
    >>> al.nn.Fold((3, 3), kernel_size=2)(al.ones(1, 4, 4))[0, 0].tolist()
    [[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]
    """

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
