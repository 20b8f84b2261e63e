"""Ops as methods of Tensor, as one table: they are functions in `ops`, and take the tensor first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autograd_lite import ops, sampling
from autograd_lite.core import Tensor


class OpMethods:
    """The ops among the members of Tensor."""

    if not TYPE_CHECKING:
        __slots__ = ()

    # Elementwise

    def add(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self + alpha * other."""
        return ops.add(self, other if alpha == 1 else other * alpha)

    def sub(self, other: Any, *, alpha: Any = 1) -> Tensor:
        """self - alpha * other."""
        return ops.subtract(self, other if alpha == 1 else other * alpha)

    subtract = sub
    mul, multiply, div, divide, true_divide, floor_divide = (
        ops.multiply, ops.multiply, ops.div, ops.div, ops.div, ops.floor_divide,
    )  # fmt: skip
    pow, float_power, square, sqrt, rsqrt, reciprocal = (
        ops.power, ops.float_power, ops.square, ops.sqrt, ops.rsqrt, ops.reciprocal,
    )  # fmt: skip
    neg, negative, positive, abs, absolute, sign, sgn, signbit, copysign = (
        ops.negative, ops.negative, ops.positive, ops.absolute, ops.absolute, ops.sign, ops.sgn, ops.signbit,
        ops.copysign,
    )  # fmt: skip
    floor, ceil, trunc, fix, frac, fmod, remainder = (
        ops.floor, ops.ceil, ops.trunc, ops.fix, ops.frac, ops.fmod, ops.remainder,
    )  # fmt: skip
    exp, exp2, expm1, log, log1p, log2, log10 = (
        ops.exp, ops.exp2, ops.expm1, ops.log, ops.log1p, ops.log2, ops.log10,
    )  # fmt: skip
    logaddexp, logaddexp2, logit, xlogy, ldexp = ops.logaddexp, ops.logaddexp2, ops.logit, ops.xlogy, ops.ldexp
    sin, cos, tan, sinc, deg2rad, rad2deg, hypot = (
        ops.sin, ops.cos, ops.tan, ops.sinc, ops.deg2rad, ops.rad2deg, ops.hypot,
    )  # fmt: skip
    asin, acos, atan, atan2, arcsin, arccos, arctan, arctan2 = (
        ops.asin, ops.acos, ops.atan, ops.atan2, ops.arcsin, ops.arccos, ops.arctan, ops.arctan2,
    )  # fmt: skip
    sinh, cosh, asinh, acosh, atanh, arcsinh, arccosh, arctanh = (
        ops.sinh, ops.cosh, ops.asinh, ops.acosh, ops.atanh, ops.arcsinh, ops.arccosh, ops.arctanh,
    )  # fmt: skip
    erf, erfc, erfinv, relu, sigmoid, tanh, softmax, log_softmax = (
        ops.erf, ops.erfc, ops.erfinv, ops.relu, ops.sigmoid, ops.tanh, ops.softmax, ops.log_softmax,
    )  # fmt: skip
    maximum, minimum, fmax, fmin, clamp, clip, clamp_min, clamp_max = (
        ops.maximum, ops.minimum, ops.fmax, ops.fmin, ops.clamp, ops.clip, ops.clamp_min, ops.clamp_max,
    )  # fmt: skip
    lerp, addcmul, addcdiv, heaviside, nan_to_num, round = (
        ops.lerp, ops.addcmul, ops.addcdiv, ops.heaviside, ops.nan_to_num, ops.round,
    )  # fmt: skip

    # Questions

    eq, ne, gt, ge, lt, le, equal = ops.eq, ops.ne, ops.gt, ops.ge, ops.lt, ops.le, ops.equal
    not_equal, greater, greater_equal, less, less_equal = (
        ops.not_equal, ops.greater, ops.greater_equal, ops.less, ops.less_equal,
    )  # fmt: skip
    isclose, allclose, isin, isnan, isfinite, isinf, isposinf, isneginf, isreal = (
        ops.isclose, ops.allclose, ops.isin, ops.isnan, ops.isfinite, ops.isinf, ops.isposinf, ops.isneginf,
        ops.isreal,
    )  # fmt: skip
    is_floating_point, is_nonzero, numel, nelement = (
        ops.is_floating_point, ops.is_nonzero, ops.numel, ops.numel,
    )  # fmt: skip
    logical_and, logical_or, logical_xor, logical_not = (
        ops.logical_and, ops.logical_or, ops.logical_xor, ops.logical_not,
    )  # fmt: skip
    bitwise_and, bitwise_or, bitwise_xor, bitwise_not, bitwise_left_shift, bitwise_right_shift, gcd, lcm = (
        ops.bitwise_and, ops.bitwise_or, ops.bitwise_xor, ops.bitwise_not, ops.bitwise_left_shift,
        ops.bitwise_right_shift, ops.gcd, ops.lcm,
    )  # fmt: skip

    # Reductions, running reductions, order

    any, all, sum, mean, var, std, max, min, amax, amin, argmax, argmin, logsumexp = (
        ops.any, ops.all, ops.sum, ops.mean, ops.var, ops.std, ops.max, ops.min, ops.amax, ops.amin, ops.argmax,
        ops.argmin, ops.logsumexp,
    )  # fmt: skip
    prod, nansum, nanmean, median, nanmedian, mode, quantile, nanquantile, aminmax, count_nonzero, norm, dist = (
        ops.prod, ops.nansum, ops.nanmean, ops.median, ops.nanmedian, ops.mode, ops.quantile, ops.nanquantile,
        ops.aminmax, ops.count_nonzero, ops.norm, ops.dist,
    )  # fmt: skip
    cov, corrcoef, cumsum, cumprod, cummax, cummin, logcumsumexp, diff = (
        ops.cov, ops.corrcoef, ops.cumsum, ops.cumprod, ops.cummax, ops.cummin, ops.logcumsumexp, ops.diff,
    )  # fmt: skip
    sort, argsort, msort, topk, kthvalue, unique, unique_consecutive, bincount, histc = (
        ops.sort, ops.argsort, ops.msort, ops.topk, ops.kthvalue, ops.unique, ops.unique_consecutive, ops.bincount,
        ops.histc,
    )  # fmt: skip

    # Products and matrices

    dot, matmul, mm, mv, bmm, inner, outer, ger, vdot, kron, cross, trace = (
        ops.dot, ops.matmul, ops.mm, ops.mv, ops.bmm, ops.inner, ops.outer, ops.ger, ops.vdot, ops.kron, ops.cross,
        ops.trace,
    )  # fmt: skip
    addmm, addmv, addr, addbmm, baddbmm = ops.addmm, ops.addmv, ops.addr, ops.addbmm, ops.baddbmm
    inverse, det, slogdet, logdet, pinverse, cholesky, matrix_power = (
        ops.inv, ops.det, ops.slogdet, ops.logdet, ops.pinv, ops.cholesky, ops.matrix_power,
    )  # fmt: skip

    # Shapes

    reshape, view, reshape_as, view_as, flatten, ravel, unflatten = (
        ops.reshape, ops.reshape, ops.reshape_as, ops.view_as, ops.flatten, ops.ravel, ops.unflatten,
    )  # fmt: skip
    permute, transpose, swapaxes, swapdims, movedim, moveaxis, t, adjoint = (
        ops.permute, ops.transpose, ops.swapaxes, ops.swapdims, ops.movedim, ops.moveaxis, ops.t, ops.adjoint,
    )  # fmt: skip
    squeeze, unsqueeze, expand, expand_as, broadcast_to, repeat, tile, repeat_interleave = (
        ops.squeeze, ops.unsqueeze, ops.expand, ops.expand_as, ops.broadcast_to, ops.repeat, ops.tile,
        ops.repeat_interleave,
    )  # fmt: skip
    roll, flip, fliplr, flipud, rot90, unfold = (
        ops.roll, ops.flip, ops.fliplr, ops.flipud, ops.rot90, ops.unfold_dimension,
    )  # fmt: skip
    split, split_with_sizes, chunk, tensor_split, hsplit, vsplit, dsplit, unbind, narrow, select, clone = (
        ops.split, ops.split_with_sizes, ops.chunk, ops.tensor_split, ops.hsplit, ops.vsplit, ops.dsplit, ops.unbind,
        ops.narrow, ops.select, ops.clone,
    )  # fmt: skip
    diag, diagonal, diag_embed, diagflat, tril, triu = (
        ops.diag, ops.diagonal, ops.diag_embed, ops.diagflat, ops.tril, ops.triu,
    )  # fmt: skip

    # Picking and writing

    index_select, gather, take, take_along_dim, masked_select, nonzero, argwhere = (
        ops.index_select, ops.gather, ops.take, ops.take_along_dim, ops.masked_select, ops.nonzero, ops.argwhere,
    )  # fmt: skip
    masked_fill, masked_scatter, index_put, index_add, index_copy, index_fill = (
        ops.masked_fill, ops.masked_scatter, ops.index_put, ops.index_add, ops.index_copy, ops.index_fill,
    )  # fmt: skip
    scatter, scatter_add, scatter_reduce, select_scatter, slice_scatter, diagonal_scatter = (
        ops.scatter, ops.scatter_add, ops.scatter_reduce, ops.select_scatter, ops.slice_scatter,
        ops.diagonal_scatter,
    )  # fmt: skip

    bernoulli, multinomial = sampling.bernoulli, sampling.multinomial

    def sum_to_size(self, *size: Any) -> Tensor:
        """Summed over what broadcasting would repeat of this shape."""
        return ops.sum_to(self, shape=size[0] if len(size) == 1 and not isinstance(size[0], int) else size)

    def where(self, condition: Any, other: Any) -> Tensor:
        """This tensor where the condition holds, the other elsewhere."""
        return ops.where(condition, self, other)

    @property
    def T(self) -> Tensor:  # noqa: N802
        """A matrix transposed."""
        return ops.t(self)

    @property
    def mT(self) -> Tensor:  # noqa: N802
        """The last two dimensions swapped."""
        return ops.transpose(self, -2, -1)

    H, mH = T, mT  # noqa: N815 (of real numbers the same)
