"""What usually helps where an op made NaN or infinity, forward and backward, by the op and what it was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

GREW = "the numbers grew too large: a smaller learning rate, nn.utils.clip_grad_norm_, inputs of about unit size"
OUTSIDE = "look at where it is made: data with gaps, an earlier step that diverged, memory that was never filled"
FLAT_NORM = (
    "add a small number under the root, (x.square().sum() + 1e-12).sqrt(), or keep 0 out with x.clamp(min=1e-12)"
)

_LOG = "keep its argument above 0: x.clamp(min=1e-12).log(), or log1p(x) for log(1 + x)"
_ARC = "its argument is from -1 to 1: x.clamp(-1 + 1e-7, 1 - 1e-7)"
_DIVIDE = "keep the divisor from 0: x / (y + 1e-8), or choose it first, x / al.where(y == 0, 1.0, y)"
_EXP = (
    "exp overflows above {limit}: take the largest away first, as softmax, log_softmax and logsumexp do; for "
    "log(1 + exp(x)) there is softplus, for 1 / (1 + exp(-x)) sigmoid"
)

_forward = {
    "log": _LOG,
    "log2": _LOG,
    "log10": _LOG,
    "log1p": "keep its argument above -1: x.clamp(min=-1 + 1e-12)",
    "exp": _EXP,
    "exp2": _EXP,
    "expm1": _EXP,
    "sinh": _EXP,
    "cosh": _EXP,
    "divide": _DIVIDE,
    "floor_divide": _DIVIDE,
    "remainder": _DIVIDE,
    "fmod": _DIVIDE,
    "reciprocal": "keep its argument from 0: 1 / (x + 1e-8)",
    "rsqrt": "keep its argument above 0: al.rsqrt(x + 1e-8)",
    "sqrt": "the root of a negative number: x.clamp(min=0.0).sqrt(), or x.abs().sqrt() if the sign is of no matter",
    "power": "a negative number to a power that is not whole, 0 to a negative one, or too large: clamp the base",
    "float_power": "a negative number to a power that is not whole, 0 to a negative one, or too large: clamp the base",
    "arccos": _ARC,
    "arcsin": _ARC,
    "arctanh": _ARC,
    "softmax": "a row in which everything is -inf, all masked out, has no softmax: leave one entry, or mask the result",
    "log_softmax": "a row in which everything is -inf, all masked out, has no softmax: leave one entry",
    "mean": "the mean of nothing: is the batch, or the mask, empty?",
}

_backward = {
    "sqrt": f"the slope of the root at 0 is infinite: {FLAT_NORM}",
    "norm": f"the norm has no slope at 0: {FLAT_NORM}",
    "log": f"the slope of the logarithm at 0 is infinite: {_LOG}",
    "log2": f"the slope of the logarithm at 0 is infinite: {_LOG}",
    "log10": f"the slope of the logarithm at 0 is infinite: {_LOG}",
    "log1p": "the slope of log1p at -1 is infinite: x.clamp(min=-1 + 1e-12)",
    "divide": f"the slope of a quotient at 0 is infinite: {_DIVIDE}",
    "reciprocal": "the slope of 1 / x at 0 is infinite: 1 / (x + 1e-8)",
    "power": "x to a power below 1 has an infinite slope at 0: (x + 1e-8) ** p, or x.clamp(min=1e-8) ** p",
    "float_power": "x to a power below 1 has an infinite slope at 0: (x + 1e-8) ** p, or x.clamp(min=1e-8) ** p",
    "arccos": f"its slope at -1 and 1 is infinite: {_ARC}",
    "arcsin": f"its slope at -1 and 1 is infinite: {_ARC}",
    "relu": "an infinite gradient arrives where it is flat: al.clamp(x, min=0.0) gives 0 there",
}

_MASKED = (
    "0 times infinity: the gradient that arrives is 0 there, as behind al.where or a mask, and the slope is infinite. "
    "Mask the input, not the output: al.where(ok, al.{op}(al.where(ok, x, 1.0)), 0.0)"
)


def forward_remedy(op: str, arrays: list[Any], made_by: list[str | None], nan: bool) -> str:
    """What to do about a result that is not finite, from finite operands or from infinite ones."""
    of = made_by[0] if made_by else None
    if op.startswith("log") and of == "softmax":
        return "log_softmax(x) in place of log(softmax(x)): it cannot reach log(0)"
    if op.startswith("log") and of in ("sigmoid", "logistic"):
        return "F.binary_cross_entropy_with_logits(x, target) in place of log(sigmoid(x)): it cannot reach log(0)"
    if op in _forward:
        limit = "88" if any(np.asarray(a).dtype == np.float32 for a in arrays) else "709"
        return _forward[op].replace("{limit}", limit)
    infinite = any(np.isinf(a).any() for a in arrays if np.asarray(a).dtype.kind == "f")
    if nan and infinite:
        what = {"subtract": "inf - inf", "add": "inf - inf", "multiply": "0 times inf"}.get(op, "an infinite operand")
        return f"{what}: keep the operands finite, or choose with al.where(mask, a, b) in place of a * mask"
    return GREW


def backward_remedy(op: str, saved: Mapping[str, Any], g: Any, gx: Any) -> str:
    """What to do about a rule's gradient that is not finite, where the one that arrived is finite."""
    same = np.shape(g) == np.shape(gx)
    if same and op in _backward and np.any(np.isnan(gx) & (np.asarray(g) == 0)):
        return _MASKED.replace("{op}", op)
    return _backward.get(op, GREW)
