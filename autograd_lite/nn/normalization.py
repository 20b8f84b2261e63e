"""Normalizations as Modules. Weights and running variances start as ones, biases and running means as zeros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from autograd_lite.core import Tensor
from autograd_lite.creation import get_default_dtype
from autograd_lite.modes import no_grad
from autograd_lite.nn import functional as F
from autograd_lite.nn.layer import Layer
from autograd_lite.nn.module import Module
from autograd_lite.nn.parameter import Parameter


def _filled(shape: tuple[int, ...], value: float, dtype: npt.DTypeLike | None, made: bool) -> Parameter | None:
    """A parameter with one value everywhere, or none."""
    return Parameter(np.full(shape, value, dtype or get_default_dtype())) if made else None


class _Affine(Module):
    """A factor and a summand: weight and bias, either of which may be None."""

    def reset_parameters(self) -> None:
        """Weights as ones and biases as zeros, as at the start."""
        with no_grad():
            for name, value in (("weight", 1.0), ("bias", 0.0)):
                if name in self._parameters:
                    self._parameters[name].fill_(value)


class _Running(_Affine):
    """One number for each channel: weight and bias, and running statistics as buffers."""

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _dims: tuple[int, ...] = ()  # the numbers of dimensions of what it takes

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        dtype: npt.DTypeLike | None,
        bias: bool,
    ) -> None:
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.weight = _filled((num_features,), 1.0, dtype, affine)
        self.bias = _filled((num_features,), 0.0, dtype, affine and bias)
        kind, kept = dtype or get_default_dtype(), track_running_stats
        self.register_buffer("running_mean", Tensor(np.zeros(num_features, kind)) if kept else None)
        self.register_buffer("running_var", Tensor(np.ones(num_features, kind)) if kept else None)
        self.register_buffer("num_batches_tracked", Tensor(np.zeros((), np.int64)) if kept else None)

    def reset_running_stats(self) -> None:
        """As nothing had been seen."""
        if self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1.0)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """All as at the start."""
        self.reset_running_stats()
        super().reset_parameters()

    def _checked(self, input: Any) -> Any:
        """The input. Raises ValueError for another number of dimensions or channels."""
        if self._dims and input.ndim not in self._dims:
            one = " or ".join(map(str, self._dims))
            raise ValueError(f"{type(self).__name__}: the input has {one} dimensions, and this one is {input.shape}")
        return input

    def _counted(self) -> Any:
        """One more batch; how far the running statistics move: by the momentum, or without one to the mean of all."""
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        return 1.0 / self.num_batches_tracked if self.momentum is None else self.momentum

    def extra_repr(self) -> str:
        """The settings."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_Running):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        dtype: npt.DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype, bias)

    def forward(self, input: Any) -> Any:
        """The same shape; in training the running statistics move."""
        self._checked(input)
        learning = self.training and self.track_running_stats
        momentum = self._counted() if learning else 0.0
        moved = learning or not self.training
        return F.batch_norm(
            input,
            self.running_mean if moved else None,
            self.running_var if moved else None,
            self.weight,
            self.bias,
            self.training or self.running_mean is None,
            momentum,
            self.eps,
        )


class BatchNorm1d(_BatchNorm):
    """Each channel of (N, C) or (N, C, L) to mean 0 and variance 1, times weight, plus bias: see `BatchNorm2d`.

    >>> import autograd_lite as al
    >>> al.nn.BatchNorm1d(1, eps=0.0)(al.tensor([[1.0], [3.0]])).tolist()
    [[-1.0], [1.0]]
    """

    _dims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Each channel of (N, C, H, W) to mean 0 and variance 1, times weight, plus bias (Ioffe and Szegedy, 2015).

    y = (x - mean) / √(variance + eps) · weight + bias, both (C,), C being `num_features`. In training by the statistics
    of the batch, towards which the running ones move by `momentum` (None: they are means over all batches); in
    evaluation by the running ones, unless `track_running_stats=False`. Raises ValueError for another number of
    dimensions, and in training for one number a channel.

    >>> import autograd_lite as al
    >>> layer = al.nn.BatchNorm2d(3)
    >>> layer(al.randn(8, 3, 4, 4)).shape, layer.num_batches_tracked
    ((8, 3, 4, 4), tensor(1))
    """

    _dims = (4,)


class BatchNorm3d(_BatchNorm):
    """Each channel of (N, C, D, H, W) to mean 0 and variance 1, times weight, plus bias: see `BatchNorm2d`.

    >>> import autograd_lite as al
    >>> al.nn.BatchNorm3d(1, eps=0.0)(al.tensor([1.0, 3.0]).reshape(2, 1, 1, 1, 1)).flatten()
    tensor([-1.,  1.], grad_fn=<reshape>)
    """

    _dims = (5,)


class _InstanceNorm(_Running):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        dtype: npt.DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype, bias)

    def forward(self, input: Any) -> Any:
        """The same shape, with or without N."""
        self._checked(input)
        single = input.ndim == self._dims[0]
        y = F.instance_norm(
            input.reshape((1, *input.shape)) if single else input,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum,
            self.eps,
        )
        return y.reshape(input.shape) if single else y


class InstanceNorm1d(_InstanceNorm):
    """Each channel of each example of (N, C, L) or (C, L) to mean 0 and variance 1: see `InstanceNorm2d`.

    >>> import autograd_lite as al
    >>> al.nn.InstanceNorm1d(2, eps=0.0)(al.tensor([[[1.0, 3.0], [10.0, 30.0]]])).tolist()
    [[[-1.0, 1.0], [-1.0, 1.0]]]
    """

    _dims = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each example of (N, C, H, W) or (C, H, W) to mean 0 and variance 1 (Ulyanov et al., 2016).

    With `affine=True` times weight (C,), plus bias (C,); with `track_running_stats=True` there are running statistics,
    by which it goes in evaluation. Raises ValueError for another number of dimensions.

    >>> import autograd_lite as al
    >>> al.nn.InstanceNorm2d(1, eps=0.0)(al.tensor([[[[1.0, 3.0]]]])).tolist()
    [[[[-1.0, 1.0]]]]
    """

    _dims = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """Each channel of each example of (N, C, D, H, W) or (C, D, H, W) to mean 0 and variance 1: see `InstanceNorm2d`.

    >>> import autograd_lite as al
    >>> al.nn.InstanceNorm3d(1, eps=0.0)(al.tensor([1.0, 3.0]).reshape(1, 1, 1, 1, 2)).flatten()
    tensor([-1.,  1.])
    """

    _dims = (4, 5)


class LayerNorm(_Affine):
    """The last dimensions together to mean 0 and variance 1, times weight, plus bias, both of `normalized_shape`.

    y = (x - mean) / √(variance + eps) · weight + bias (Ba et al., 2016); without `elementwise_affine` neither. Raises
    ValueError where the input's last sizes are not `normalized_shape`.

    >>> import autograd_lite as al
    >>> al.nn.LayerNorm(2, eps=0.0)(al.tensor([[1.0, 3.0]])).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.weight = _filled(shape, 1.0, dtype, elementwise_affine)
        self.bias = _filled(shape, 0.0, dtype, elementwise_affine and bias)

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        text = f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        return f"{text}, bias={self.bias is not None}"


class RMSNorm(_Affine):
    """The last dimensions over the root of their mean square, times weight of `normalized_shape`.

    y = x / √(mean(x²) + eps) · weight (Zhang and Sennrich, 2019); an eps of None is the dtype's machine epsilon.

    >>> import autograd_lite as al
    >>> al.nn.RMSNorm(2, eps=0.0)(al.tensor([[3.0, -3.0]])).tolist()
    [[1.0, -1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        super().__init__()
        shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.normalized_shape, self.eps, self.elementwise_affine = shape, eps, elementwise_affine
        self.weight = _filled(shape, 1.0, dtype, elementwise_affine)

    def forward(self, x: Any) -> Any:
        """The same shape."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(_Affine):
    """Groups of channels of each example of (N, C, ...) to mean 0 and variance 1, times weight, plus bias of a channel.

    y = (x - mean) / √(variance + eps) · weight + bias, both (C,), C being `num_channels` (Wu and He, 2018). Raises
    ValueError where `num_groups` does not divide it.

    >>> import autograd_lite as al
    >>> al.nn.GroupNorm(2, 4, eps=0.0)(al.tensor([[1.0, 3.0, 5.0, 5.5]])).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        dtype: npt.DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(f"GroupNorm: {num_channels} channels do not divide into {num_groups} groups")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.weight = _filled((num_channels,), 1.0, dtype, affine)
        self.bias = _filled((num_channels,), 0.0, dtype, affine and bias)

    def forward(self, input: Any) -> Any:
        """The same shape."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        text = f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"
        return f"{text}, bias={self.bias is not None}"


class LocalResponseNorm(Layer):
    """x over (k + alpha times the mean square of `size` channels around it) to the power beta.

    Of (N, C, ...) (Krizhevsky et al., 2012); channels beyond the first and the last count as zeros.

    >>> import autograd_lite as al
    >>> al.nn.LocalResponseNorm(2, alpha=2.0, beta=1.0)(al.ones(1, 2, 1))[0, :, 0]
    tensor([0.5       , 0.33333333])
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input: Any) -> Any:
        """The same shape, (N, C, ...)."""
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
