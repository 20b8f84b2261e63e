"""Ops in place, as methods of Tensor whose names end in an underscore: only where no gradient is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite import ops
from autograd_lite.creation import below, draws
from autograd_lite.inplace import Writes
from autograd_lite.memory import written
from autograd_lite.modes import no_grad
from autograd_lite.random import draw_from

if TYPE_CHECKING:
    from typing_extensions import Self
else:
    Self = Any


def _put(tensor: Any, what: str, value: Any) -> Any:
    """Write an array of the tensor's own shape, and of a dtype that its can hold."""
    have = tensor.data
    if value.shape != have.shape:
        raise ValueError(f"{what}: a result of shape {value.shape} does not fit in place of shape {have.shape}")
    if not np.can_cast(value.dtype, have.dtype, "same_kind"):
        raise TypeError(f"{what}: a result of {value.dtype} does not fit into {have.dtype}: convert the tensor first")
    have[...] = value
    written([have], what)
    return tensor


def _in_place(op: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A method that writes what an op gives over its first operand."""

    def write(self: Any, *args: Any, **kwargs: Any) -> Any:
        for value in (None, *args, *kwargs.values()):
            self._writable(name, value)
        with no_grad():
            made = op(self, *args, **kwargs)
        return _put(self, name, made.data)

    write.__name__ = write.__qualname__ = name
    write.__doc__ = f"`{name[:-1]}`, in place: not while recording on a tensor that requires a gradient."
    return write


class Updates(Writes):
    """The ops that PyTorch has in place, and random draws."""

    if not TYPE_CHECKING:
        __slots__ = ()

    abs_ = _in_place(ops.absolute, "abs_")
    neg_ = _in_place(ops.negative, "neg_")
    negative_ = _in_place(ops.negative, "negative_")
    square_ = _in_place(ops.square, "square_")
    sqrt_ = _in_place(ops.sqrt, "sqrt_")
    rsqrt_ = _in_place(ops.rsqrt, "rsqrt_")
    reciprocal_ = _in_place(ops.reciprocal, "reciprocal_")
    sign_ = _in_place(ops.sign, "sign_")
    floor_ = _in_place(ops.floor, "floor_")
    ceil_ = _in_place(ops.ceil, "ceil_")
    trunc_ = _in_place(ops.trunc, "trunc_")
    frac_ = _in_place(ops.frac, "frac_")
    exp_ = _in_place(ops.exp, "exp_")
    exp2_ = _in_place(ops.exp2, "exp2_")
    expm1_ = _in_place(ops.expm1, "expm1_")
    log_ = _in_place(ops.log, "log_")
    log1p_ = _in_place(ops.log1p, "log1p_")
    log2_ = _in_place(ops.log2, "log2_")
    log10_ = _in_place(ops.log10, "log10_")
    sin_ = _in_place(ops.sin, "sin_")
    cos_ = _in_place(ops.cos, "cos_")
    tan_ = _in_place(ops.tan, "tan_")
    asin_ = _in_place(ops.asin, "asin_")
    acos_ = _in_place(ops.acos, "acos_")
    atan_ = _in_place(ops.atan, "atan_")
    sinh_ = _in_place(ops.sinh, "sinh_")
    cosh_ = _in_place(ops.cosh, "cosh_")
    tanh_ = _in_place(ops.tanh, "tanh_")
    sigmoid_ = _in_place(ops.sigmoid, "sigmoid_")
    relu_ = _in_place(ops.relu, "relu_")
    erf_ = _in_place(ops.erf, "erf_")
    erfc_ = _in_place(ops.erfc, "erfc_")
    logit_ = _in_place(ops.logit, "logit_")
    nan_to_num_ = _in_place(ops.nan_to_num, "nan_to_num_")
    pow_ = _in_place(ops.power, "pow_")
    fmod_ = _in_place(ops.fmod, "fmod_")
    remainder_ = _in_place(ops.remainder, "remainder_")
    floor_divide_ = _in_place(ops.floor_divide, "floor_divide_")
    lerp_ = _in_place(ops.lerp, "lerp_")
    addcmul_ = _in_place(ops.addcmul, "addcmul_")
    addcdiv_ = _in_place(ops.addcdiv, "addcdiv_")
    clamp_ = _in_place(ops.clamp, "clamp_")
    clip_ = _in_place(ops.clip, "clip_")
    clamp_min_ = _in_place(ops.clamp_min, "clamp_min_")
    clamp_max_ = _in_place(ops.clamp_max, "clamp_max_")
    atan2_ = _in_place(ops.atan2, "atan2_")
    hypot_ = _in_place(ops.hypot, "hypot_")
    xlogy_ = _in_place(ops.xlogy, "xlogy_")
    eq_ = _in_place(ops.eq, "eq_")
    ne_ = _in_place(ops.ne, "ne_")
    gt_ = _in_place(ops.gt, "gt_")
    ge_ = _in_place(ops.ge, "ge_")
    lt_ = _in_place(ops.lt, "lt_")
    le_ = _in_place(ops.le, "le_")
    logical_not_ = _in_place(ops.logical_not, "logical_not_")
    logical_and_ = _in_place(ops.logical_and, "logical_and_")
    logical_or_ = _in_place(ops.logical_or, "logical_or_")
    logical_xor_ = _in_place(ops.logical_xor, "logical_xor_")
    bitwise_and_ = _in_place(ops.bitwise_and, "bitwise_and_")
    bitwise_or_ = _in_place(ops.bitwise_or, "bitwise_or_")
    bitwise_xor_ = _in_place(ops.bitwise_xor, "bitwise_xor_")
    bitwise_not_ = _in_place(ops.bitwise_not, "bitwise_not_")
    cumsum_ = _in_place(ops.cumsum, "cumsum_")
    cumprod_ = _in_place(ops.cumprod, "cumprod_")
    addmm_ = _in_place(ops.addmm, "addmm_")
    addmv_ = _in_place(ops.addmv, "addmv_")
    addbmm_ = _in_place(ops.addbmm, "addbmm_")
    baddbmm_ = _in_place(ops.baddbmm, "baddbmm_")
    addr_ = _in_place(ops.addr, "addr_")
    tril_ = _in_place(ops.tril, "tril_")
    triu_ = _in_place(ops.triu, "triu_")
    masked_fill_ = _in_place(ops.masked_fill, "masked_fill_")
    masked_scatter_ = _in_place(ops.masked_scatter, "masked_scatter_")
    index_add_ = _in_place(ops.index_add, "index_add_")
    index_copy_ = _in_place(ops.index_copy, "index_copy_")
    index_fill_ = _in_place(ops.index_fill, "index_fill_")
    index_put_ = _in_place(ops.index_put, "index_put_")
    scatter_ = _in_place(ops.scatter, "scatter_")
    scatter_add_ = _in_place(ops.scatter_add, "scatter_add_")
    scatter_reduce_ = _in_place(ops.scatter_reduce, "scatter_reduce_")
    absolute_ = _in_place(ops.absolute, "absolute_")
    acosh_ = _in_place(ops.acosh, "acosh_")
    arccos_ = _in_place(ops.arccos, "arccos_")
    arccosh_ = _in_place(ops.arccosh, "arccosh_")
    arcsin_ = _in_place(ops.arcsin, "arcsin_")
    arcsinh_ = _in_place(ops.arcsinh, "arcsinh_")
    arctan2_ = _in_place(ops.arctan2, "arctan2_")
    arctan_ = _in_place(ops.arctan, "arctan_")
    arctanh_ = _in_place(ops.arctanh, "arctanh_")
    asinh_ = _in_place(ops.asinh, "asinh_")
    atanh_ = _in_place(ops.atanh, "atanh_")
    copysign_ = _in_place(ops.copysign, "copysign_")
    deg2rad_ = _in_place(ops.deg2rad, "deg2rad_")
    rad2deg_ = _in_place(ops.rad2deg, "rad2deg_")
    divide_ = _in_place(ops.div, "divide_")
    multiply_ = _in_place(ops.multiply, "multiply_")
    subtract_ = _in_place(ops.sub, "subtract_")
    true_divide_ = _in_place(ops.true_divide, "true_divide_")
    erfinv_ = _in_place(ops.erfinv, "erfinv_")
    fix_ = _in_place(ops.fix, "fix_")
    greater_ = _in_place(ops.greater, "greater_")
    greater_equal_ = _in_place(ops.greater_equal, "greater_equal_")
    less_ = _in_place(ops.less, "less_")
    less_equal_ = _in_place(ops.less_equal, "less_equal_")
    not_equal_ = _in_place(ops.not_equal, "not_equal_")
    ldexp_ = _in_place(ops.ldexp, "ldexp_")
    sgn_ = _in_place(ops.sgn, "sgn_")
    sinc_ = _in_place(ops.sinc, "sinc_")
    float_power_ = _in_place(ops.float_power, "float_power_")
    bitwise_left_shift_ = _in_place(ops.bitwise_left_shift, "bitwise_left_shift_")
    bitwise_right_shift_ = _in_place(ops.bitwise_right_shift, "bitwise_right_shift_")

    def round_(self, *, decimals: int = 0) -> Self:
        """Round in place, to so many decimals."""
        self._writable("round_", None)
        return _put(self, "round_", np.round(self.data, decimals))  # type: ignore[no-any-return]

    def fill_diagonal_(self, fill_value: Any, wrap: bool = False) -> Self:
        """One value on the main diagonal, in place."""
        raw = self._writable("fill_diagonal_", fill_value)
        np.fill_diagonal(self.data, raw, wrap)
        written([self.data], "fill_diagonal_")
        return self

    # Random draws, from the generator given or the default one

    def _drawn(self, what: str, generator: Any, method: str, *params: Any) -> Any:
        self._writable(what, None)
        return draws(generator=draw_from(generator), method=method, size=self.data.shape, params=params)

    def uniform_(self, low: float = 0.0, high: float = 1.0, *, generator: Any = None) -> Self:
        """Uniform draws from low to high, high not included, in place."""
        drawn = self._drawn("uniform_", generator, "random") * (high - low) + low
        return _put(self, "uniform_", below(drawn, high, self.data.dtype))  # type: ignore[no-any-return]

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Self:
        """Draws from a normal distribution, in place."""
        drawn = self._drawn("normal_", generator, "standard_normal") * std + mean
        return _put(self, "normal_", drawn)  # type: ignore[no-any-return]

    def exponential_(self, lambd: float = 1.0, *, generator: Any = None) -> Self:
        """Draws from an exponential distribution of a rate, in place."""
        drawn = self._drawn("exponential_", generator, "standard_exponential") / lambd
        return _put(self, "exponential_", drawn)  # type: ignore[no-any-return]

    def bernoulli_(self, p: Any = 0.5, *, generator: Any = None) -> Self:
        """1 with probability p (a number, or a tensor), else 0, in place."""
        uniform = self._drawn("bernoulli_", generator, "random")
        return _put(self, "bernoulli_", (uniform < self._writable("bernoulli_", p)) * 1)  # type: ignore[no-any-return]

    def random_(self, low: int = 0, high: int | None = None, *, generator: Any = None) -> Self:
        """Integers from low to high - 1 (from 0 to low - 1), in place; without bounds, up to what the dtype counts."""
        if high is None:
            info = np.finfo(self.data.dtype).nmant + 1 if self.data.dtype.kind == "f" else None
            most = 2**info if info else int(np.iinfo(self.data.dtype).max)
            low, high = (0, low) if low else (0, most)
        uniform = self._drawn("random_", generator, "random")
        drawn = np.minimum(np.floor(uniform * float(high - low)) + low, high - 1)
        return _put(self, "random_", drawn.astype(self.data.dtype))  # type: ignore[no-any-return]
