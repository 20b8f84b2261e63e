"""Images made larger and smaller."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite import ops
from autograd_lite.core import Tensor
from autograd_lite.nn.functional.adaptive import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from autograd_lite.nn.functional.parts import shape_of
from autograd_lite.ops.shape import _data, _operand

__all__ = ["channel_shuffle", "interpolate", "pixel_shuffle", "pixel_unshuffle", "upsample"]

_linear = {"linear": 3, "bilinear": 4, "trilinear": 5}  # and the number of dimensions of what they take
_areas = {3: adaptive_avg_pool1d, 4: adaptive_avg_pool2d, 5: adaptive_avg_pool3d}

Sizes = tuple[int, ...]


def _new_sizes(
    have: Sizes, size: Any, scale_factor: Any, recompute: bool | None
) -> tuple[Sizes, tuple[float | None, ...]]:
    """The sizes asked for, and the scales that were given, if they are to be used as given."""
    if (size is None) == (scale_factor is None):
        raise ValueError("interpolate: give size or scale_factor, one of them")

    def each(given: Any, name: str) -> list[Any]:
        values = list(given) if isinstance(given, tuple | list) else [given] * len(have)
        if len(values) != len(have):
            raise ValueError(f"interpolate: {name} {given} has not one number for each of {len(have)} dimensions")
        return values

    if size is not None:
        if recompute:
            raise ValueError("interpolate: recompute_scale_factor is for scale_factor")
        return tuple(int(n) for n in each(size, "size")), (None,) * len(have)
    scales = [float(s) for s in each(scale_factor, "scale_factor")]
    want = tuple(math.floor(n * s) for n, s in zip(have, scales, strict=True))
    return want, (None,) * len(have) if recompute else tuple(scales)


def _nearest(x: Any, dim: int, m: int, scale: float | None, exact: bool) -> Tensor:
    n = shape_of(x)[dim]
    step = n / m if scale is None else 1.0 / scale
    index = np.floor((np.arange(m) + 0.5 * exact) * step).astype(int)
    return ops.index_select(x, dim, np.minimum(index, n - 1))


def _between(x: Tensor, dim: int, m: int, scale: float | None, align_corners: bool) -> Tensor:
    """m numbers between those along a dimension, each from its two neighbours; as many are the same ones."""
    n = shape_of(x)[dim]
    if m == n:
        return x
    if align_corners:
        places = np.arange(m) * ((n - 1) / (m - 1) if m > 1 else 0.0)
    else:
        places = np.maximum((np.arange(m) + 0.5) * (n / m if scale is None else 1.0 / scale) - 0.5, 0.0)
    low = np.minimum(places.astype(int), n - 1)
    high = np.minimum(low + 1, n - 1)
    shape = [-1 if d == dim else 1 for d in range(len(shape_of(x)))]
    part: Any = (places - low).astype(_data(x).dtype).reshape(shape)
    y: Tensor = ops.index_select(x, dim, low) * (1.0 - part) + ops.index_select(x, dim, high) * part
    return y


def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
) -> Tensor:
    """(N, C, L), (N, C, H, W) or (N, C, D, H, W) in another size: `size`, or the size times `scale_factor`.

    The mode is "nearest", "nearest-exact", "linear", "bilinear", "trilinear" (by the number of dimensions) or "area".
    With `align_corners` the outermost numbers are kept, else pixels are areas. Raises ValueError for another mode.

    >>> import autograd_lite as al
    >>> al.nn.functional.interpolate(al.tensor([[[1.0, 3.0]]]), scale_factor=2, mode="linear").tolist()
    [[[1.0, 1.5, 2.5, 3.0]]]
    """
    x = _operand(input)
    if x.ndim not in _areas:
        raise ValueError(f"interpolate: the input has 3, 4 or 5 dimensions, (N, C, ...), and this one is {x.shape}")
    want, scales = _new_sizes(x.shape[2:], size, scale_factor, recompute_scale_factor)
    if min(want) < 1:
        raise ValueError(f"interpolate: sizes must be positive, and these are {want}")
    if mode in _linear:
        if _linear[mode] != x.ndim:
            raise ValueError(f"interpolate: mode {mode!r} is for {_linear[mode]} dimensions; the input is {x.shape}")
        for d, (m, scale) in enumerate(zip(want, scales, strict=True), start=2):
            x = _between(x, d, m, scale, bool(align_corners))
        return ops.clone(x) if want == shape_of(input)[2:] else x
    if align_corners is not None:
        raise ValueError(f"interpolate: align_corners is for the linear modes, and not for {mode!r}")
    if mode == "area":
        return _areas[x.ndim](x, want)
    if mode not in ("nearest", "nearest-exact"):
        known = ", ".join(("nearest", "nearest-exact", *_linear, "area"))
        raise ValueError(f"interpolate: mode is one of {known}, and not {mode!r}")
    for d, (m, scale) in enumerate(zip(want, scales, strict=True), start=2):
        x = _nearest(x, d, m, scale, mode == "nearest-exact")
    return x


def upsample(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Tensor:
    """`interpolate`, under its older name.

    >>> import autograd_lite as al
    >>> al.nn.functional.upsample(al.tensor([[[1.0, 3.0]]]), 4).tolist()
    [[[1.0, 1.0, 3.0, 3.0]]]
    """
    return interpolate(input, size, scale_factor, mode, align_corners)


def _image(name: str, input: Any, least: int = 3) -> tuple[Any, Sizes]:
    x = _operand(input)
    if x.ndim < least:
        raise ValueError(f"{name}: the input has at least {least} dimensions, and this one is {x.shape}")
    return x, x.shape


def pixel_shuffle(input: Any, upscale_factor: int) -> Tensor:
    """(..., C r², H, W) as (..., C, H r, W r): channels become pixels (Shi et al. 2016).

    >>> import autograd_lite as al
    >>> al.nn.functional.pixel_shuffle(al.arange(4.0).reshape(4, 1, 1), 2).tolist()
    [[[0.0, 1.0], [2.0, 3.0]]]
    """
    x, (*lead, c, h, w) = _image("pixel_shuffle", input)
    r, n = upscale_factor, len(lead)
    if r < 1 or c % (r * r):
        raise ValueError(f"pixel_shuffle: {c} channels do not divide by {r} times {r}")
    x = ops.permute(ops.reshape(x, (*lead, c // (r * r), r, r, h, w)), (*range(n + 1), n + 3, n + 1, n + 4, n + 2))
    return ops.clone(ops.reshape(x, (*lead, c // (r * r), h * r, w * r)))


def pixel_unshuffle(input: Any, downscale_factor: int) -> Tensor:
    """(..., C, H r, W r) as (..., C r², H, W): the inverse of `pixel_shuffle`.

    >>> import autograd_lite as al
    >>> al.nn.functional.pixel_unshuffle(al.arange(4.0).reshape(1, 2, 2), 2)[:, 0, 0]
    tensor([0., 1., 2., 3.])
    """
    x, (*lead, c, h, w) = _image("pixel_unshuffle", input)
    r, n = downscale_factor, len(lead)
    if r < 1 or h % r or w % r:
        raise ValueError(f"pixel_unshuffle: an image of {(h, w)} does not divide by {r}")
    x = ops.permute(ops.reshape(x, (*lead, c, h // r, r, w // r, r)), (*range(n + 1), n + 2, n + 4, n + 1, n + 3))
    return ops.clone(ops.reshape(x, (*lead, c * r * r, h // r, w // r)))


def channel_shuffle(input: Any, groups: int) -> Tensor:
    """The channels of (N, C, ...) dealt out to groups: the first of each, the second of each, and so on.

    >>> import autograd_lite as al
    >>> al.nn.functional.channel_shuffle(al.arange(4.0).reshape(1, 4, 1), 2)[0, :, 0]
    tensor([0., 2., 1., 3.])
    """
    x, (n, c, *size) = _image("channel_shuffle", input)
    if groups < 1 or c % groups:
        raise ValueError(f"channel_shuffle: {c} channels do not divide into {groups} groups")
    return ops.clone(ops.reshape(ops.transpose(ops.reshape(x, (n, groups, c // groups, *size)), 1, 2), x.shape))
