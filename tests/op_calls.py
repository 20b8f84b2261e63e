"""Calls that PyTorch has under the same name: `(where, name, arguments..., {keywords})`, one list a theme."""

from __future__ import annotations

from typing import Any

import numpy as np


def numbers(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, shape)


def spread(*shape: int, seed: int = 0) -> np.ndarray:
    """No two nearer than 0.2."""
    size = int(np.prod(shape))
    return (np.random.default_rng(seed).permutation(size).reshape(shape) - size / 2) * 0.2 + 0.05


X, Y = numbers(2, 3, 4), numbers(2, 3, 4, seed=2)
POSITIVE, UNIT = numbers(2, 3, low=0.2), numbers(2, 3, low=-0.9, high=0.9)
SHARE = numbers(2, 3, low=0.1, high=0.9)
SQUARE, OTHER = numbers(3, 3), numbers(3, 3, seed=2)
APART, TIED = spread(2, 3, 4), np.array([[1.0, 2.0, 2.0], [3.0, 3.0, 1.0]])
ZEROS = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, -1.0], [1.5, 2.0, -0.5]])
NAN, INF = float("nan"), float("inf")
HOLES = np.array([[1.0, NAN, 3.0], [NAN, NAN, 2.0]])
STRANGE = np.array([NAN, INF, -INF, 1.5])
EMPTY, NUMBER = np.zeros((0, 3)), np.array(1.7)
COUNTS = np.array([[3, 1, 2], [7, 5, 6]])
MASK = X > 0
WIDE, TALL = numbers(2, 5), numbers(5, 2)
REGULAR = SQUARE + 3.0 * np.eye(3)
DEFINITE = np.stack([m @ m.T + np.eye(3) for m in numbers(2, 3, 3)])

MATHEMATICS: list[tuple[Any, ...]] = [
    *[(w, n, X) for w in ("torch", "Tensor") for n in ("sinh", "cosh", "asinh", "arcsinh", "atan", "arctan", "exp2")],
    *[(w, n, X) for w in ("torch", "Tensor") for n in ("trunc", "fix", "frac", "signbit", "positive", "erf")],
    *[(w, n, X) for w in ("torch", "Tensor") for n in ("erfc", "sinc", "deg2rad", "rad2deg", "nan_to_num", "absolute")],
    *[(w, n, UNIT) for w in ("torch", "Tensor") for n in ("asin", "arcsin", "acos", "arccos", "atanh", "arctanh")],
    *[(w, n, UNIT) for w in ("torch", "Tensor") for n in ("erfinv", "tan")],
    *[(w, n, POSITIVE + 1) for w in ("torch", "Tensor") for n in ("acosh", "arccosh", "log10", "rsqrt")],
    *[("torch", n, NUMBER) for n in ("sinh", "erf", "frac", "rsqrt", "log10", "sinc")],
    *[("torch", n, EMPTY) for n in ("sinh", "erf", "erfinv", "frac", "rsqrt", "sinc")],
    *[("torch", "erf", numbers(40, low=-7, high=7)), ("torch", "erfc", numbers(40, low=-5, high=9))],
    *[("torch", "erfinv", np.array([-0.999, 0.0, 0.5, 0.9999]))],
    *[("torch", "logit", SHARE), ("torch", "logit", SHARE, 0.2), ("Tensor", "logit", SHARE, {"eps": 1e-3})],
    *[("torch", "nan_to_num", STRANGE), ("torch", "nan_to_num", STRANGE, 9.0, 5.0, -5.0)],
    *[("torch", n, X, Y[0] + 0.1) for n in ("atan2", "arctan2", "hypot", "logaddexp", "logaddexp2", "fmax", "fmin")],
    *[("Tensor", n, X, Y[0] + 0.1) for n in ("atan2", "arctan2", "hypot", "logaddexp", "logaddexp2", "fmax", "fmin")],
    *[("torch", n, X * 5, Y[0] + 3.0) for n in ("fmod", "remainder", "copysign")],
    *[("torch", n, X * 5, 1.5) for n in ("fmod", "remainder", "copysign")],
    *[("Tensor", n, X * 5, -1.5) for n in ("fmod", "remainder", "copysign")],
    *[("torch", n, TIED, TIED.round()) for n in ("fmax", "fmin")],
    *[("torch", n, np.array([1.0, NAN, 2.0]), np.array([NAN, 1.0, 1.0]), {"second": False}) for n in ("fmax", "fmin")],
    *[(w, "xlogy", X[0], POSITIVE[0, 0] + numbers(3, 4, low=0.1)) for w in ("torch", "Tensor")],
    ("torch", "xlogy", np.array([0.0, 0.0, 2.0]), np.array([0.5, 3.0, 1.0])),
    *[("torch", "xlogy", 2.0, POSITIVE), ("torch", "xlogy", X, 2.0)],
    *[(w, n, X, Y, w_) for w in ("torch", "Tensor") for n in ("lerp",) for w_ in (0.3, 0.7, numbers(4, low=0, high=1))],
    *[(w, n, X, Y, Y[0] + 3) for w in ("torch", "Tensor") for n in ("addcmul", "addcdiv")],
    *[(w, n, X, Y, Y[0] + 3, {"value": 0.5}) for w in ("torch", "Tensor") for n in ("addcmul", "addcdiv")],
    *[(w, n, X, 0.3) for w in ("torch", "Tensor") for n in ("clamp_min", "clamp_max")],
    *[("torch", n, X, Y) for n in ("clamp_min", "clamp_max")],
    *[("torch", "clip", X, -0.5, 0.5)],
    *[("torch", "rsub", X, 2.0), ("torch", "rsub", X, Y, {"alpha": 2.0})],
    *[("torch", "sub", X, Y, {"alpha": 2.0}), ("Tensor", "sub", X, Y, {"alpha": 2.0})],
    *[("Tensor", "add", X, Y, {"alpha": 2.0}), ("Tensor", "subtract", X, Y, {"alpha": 2.0})],
    *[(w, "div", X, Y[0], {"rounding_mode": m}) for w in ("torch", "Tensor") for m in (None, "trunc", "floor")],
    *[("torch", "true_divide", X, Y[0]), ("torch", "float_power", POSITIVE, 1.5, {"second": True})],
    *[("torch", "ldexp", X, np.array([1, 2, 1, 0]))],
    *[("Tensor", "round", X, {"decimals": d}) for d in (0, 2)],
    *[("torch", "div", np.array([7, -7, 6]), np.array([2, 2, 3]), {"rounding_mode": m}) for m in ("trunc", "floor")],
]

EDGE, NOUGHT = np.array([-1.0, 0.0, 1.0, 0.5]), np.zeros(4)
KINKS: list[tuple[Any, ...]] = [
    *[("torch", n, EDGE, {"second": False}) for n in ("asin", "acos", "atanh", "acosh", "sinc", "erfinv", "rsqrt")],
    *[("torch", n, EDGE, {"second": False}) for n in ("log10", "frac", "trunc", "absolute", "nan_to_num")],
    *[("torch", n, EDGE, NOUGHT, {"second": False}) for n in ("atan2", "hypot", "fmax", "fmin", "copysign")],
    *[("torch", n, NOUGHT, EDGE, {"second": False}) for n in ("atan2", "hypot", "fmax", "fmin", "copysign")],
    *[("torch", n, EDGE, NOUGHT, {"second": False}) for n in ("clamp_min", "clamp_max", "fmod", "remainder")],
    *[("torch", "clip", EDGE, 0.0, 0.5), ("torch", "lerp", EDGE, NOUGHT, 0.5), ("torch", "clamp", EDGE, 0.5, -0.5)],
    *[("torch", "logit", np.array([0.0, 1.0, 0.3]), {"second": False}), ("torch", "median", TIED[0])],
    *[("torch", "norm", np.array([1.0, -1.0, 1.0]), INF), ("torch", "norm", EDGE, 0.5, {"second": False})],
]

QUESTIONS: list[tuple[Any, ...]] = [
    *[
        (w, n, COUNTS, COUNTS.T.reshape(2, 3))
        for w in ("torch", "Tensor")
        for n in ("eq", "ne", "lt", "le", "gt", "ge")
    ],
    *[(w, n, COUNTS, COUNTS.T.reshape(2, 3)) for w in ("torch", "Tensor") for n in ("gcd", "lcm", "bitwise_xor")],
    *[(w, n, COUNTS, np.array(1)) for w in ("torch", "Tensor") for n in ("bitwise_left_shift", "bitwise_right_shift")],
    *[(w, n, COUNTS) for w in ("torch", "Tensor") for n in ("bitwise_not",)],
    *[(w, n, MASK, ~MASK[0]) for w in ("torch", "Tensor") for n in ("logical_xor", "logical_and", "logical_or")],
    *[(w, n, STRANGE) for w in ("torch", "Tensor") for n in ("isposinf", "isneginf", "isreal")],
    *[(w, n, X, X + 1e-9) for w in ("torch", "Tensor") for n in ("isclose",)],
    *[("torch", "isclose", STRANGE, STRANGE, {"equal_nan": e}) for e in (True, False)],
    *[("torch", "isin", COUNTS, np.array([1, 5])), ("torch", "isin", COUNTS, np.array([1, 5]), {"invert": True})],
]

REDUCTIONS: list[tuple[Any, ...]] = [
    *[(w, "prod", X, *a) for w in ("torch", "Tensor") for a in ((), (0,), (-1, True), (1,))],
    *[("torch", "prod", ZEROS, *a) for a in ((), (0,), (1, True))],
    *[("torch", "prod", EMPTY, *a) for a in ((), (0,))],
    *[("torch", "prod", NUMBER), ("torch", "prod", COUNTS, 1)],
    *[(w, n, HOLES, *a) for w in ("torch", "Tensor") for n in ("nansum", "nanmean") for a in ((), (1, True))],
    *[("torch", n, X, *a) for n in ("nansum", "nanmean") for a in (((0, 2),), (-1,))],
    *[(w, "median", APART, *a) for w in ("torch", "Tensor") for a in ((), (0,), (1, True), (-1,))],
    *[("torch", "median", TIED), ("torch", "median", NUMBER), ("torch", "median", HOLES, 1)],
    *[("torch", "nanmedian", HOLES, *a) for a in ((), (0,), (1, True))],
    *[(w, "mode", APART[0], *a) for w in ("torch", "Tensor") for a in ((), (0, True))],
    *[(w, n, X, *a) for w in ("torch", "Tensor") for n in ("var_mean", "std_mean")
        for a in ((1,), ((0, 2), False), (-1, True, True)) if w == "torch"],
    *[("torch", n, X) for n in ("var_mean", "std_mean")],
    *[("torch", n, X, {"dim": 1, "correction": 2}) for n in ("var", "std", "var_mean", "std_mean")],
    *[(w, "count_nonzero", ZEROS, *a) for w in ("torch", "Tensor") for a in ((), (0,), ((0, 1),))],
    *[(w, "aminmax", APART, k) for w in ("torch", "Tensor") for k in ({}, {"dim": 1}, {"dim": 0, "keepdim": True})],
    *[(w, "norm", X, p) for w in ("torch", "Tensor") for p in (1, 2, 3, 0.5, INF, -INF, 0, "fro")],
    *[("torch", "norm", X, p, d) for p in (1, 2, 3, 1.5, INF, -INF) for d in (1, (0, 2))],
    *[("torch", "norm", ZEROS, p, 1, {"second": False}) for p in (1, 2, 3, 1.5, INF)],
    *[("torch", "norm", np.zeros(3), p, {"second": False}) for p in (1, 2, 3)],
    *[("torch", "norm", X, 2, 1, True), ("torch", "dist", X, Y), ("torch", "dist", X, Y, 3), ("Tensor", "dist",
        X, Y)],
    *[("torch", "cdist", a[0], b[0], p, {"second": False}) for a, b in ((X, Y), (X[None], Y[None]))
        for p in (1.0, 2.0, 3.0)],
    *[("torch", "cov", SQUARE), ("torch", "cov", SQUARE, {"correction": 0}), ("torch", "cov", SQUARE[0])],
    *[("torch", "cov", SQUARE, {"fweights": np.array([1, 2, 3])}), ("torch", "corrcoef", SQUARE), ("Tensor",
        "cov", SQUARE)],
    *[(w, "quantile", APART, q, *a) for w in ("torch", "Tensor") for q in (0.3, 0.0, 1.0)
        for a in ((), (1,), (-1, True))],
    *[("torch", "quantile", APART, 0.4, 1, {"interpolation": i}) for i in ("lower", "higher", "midpoint", "nearest")],
    *[("torch", "nanquantile", HOLES, 0.4)],
    *[("torch", n, X, *a) for n in ("all", "any") for a in ((), (1,), (0, True))],
]  # fmt: skip

RUNNING: list[tuple[Any, ...]] = [
    *[(w, n, X, d) for w in ("torch", "Tensor") for n in ("cumsum", "cumprod", "logcumsumexp") for d in (0, 1, -1)],
    *[(w, n, APART, d) for w in ("torch", "Tensor") for n in ("cummax", "cummin") for d in (0, -1)],
    *[("torch", n, TIED, 1) for n in ("cummax", "cummin")],
    *[("torch", n, np.array([1.0, NAN, 3.0, 0.0]), 0, {"second": False}) for n in ("cummax", "cummin")],
    *[("torch", n, NUMBER, 0) for n in ("cumsum", "cumprod", "logcumsumexp", "cummax")],
    *[("torch", n, EMPTY, 0) for n in ("cumsum", "cumprod")],
    *[("torch", "cumprod", ZEROS, d) for d in (0, 1)],
    *[("torch", "logcumsumexp", X * 300, 1, {"second": False}), ("torch", "cumsum", COUNTS, 1)],
    *[(w, "diff", X, *a) for w in ("torch", "Tensor") for a in ((), (2,), (1, 0), (3, 1), (5,))],
    *[("torch", "diff", X, {"dim": 1, "prepend": Y[:, :1], "append": Y[:, 1:]})],
    *[("torch", "trapezoid", X), ("torch", "trapezoid", X, numbers(4)), ("torch", "trapezoid", X, {"dx": 0.5,
        "dim": 1})],
    *[("torch", "trapz", X, Y), ("torch", "cumulative_trapezoid", X), ("torch", "cumulative_trapezoid", X, Y,
        {"dim": 1})],
]  # fmt: skip

ORDER: list[tuple[Any, ...]] = [
    *[(w, "sort", APART, *a) for w in ("torch", "Tensor") for a in ((), (0,), (1, True), (-1, False))],
    *[("torch", "sort", TIED, {"dim": 1, "descending": d, "stable": True}) for d in (True, False)],
    *[(w, "argsort", APART, *a) for w in ("torch", "Tensor") for a in ((), (0,), (1, True))],
    *[("torch", "sort", HOLES[0], {"descending": d, "second": False}) for d in (True, False)],
    *[(w, "topk", APART, *a) for w in ("torch", "Tensor") for a in ((2,), (1, 0), (3, 1, False), (0,))],
    *[(w, "kthvalue", APART, *a) for w in ("torch", "Tensor") for a in ((2,), (1, 0), (3, 1, True))],
    *[("torch", n, NUMBER) for n in ("sort", "argsort")],
    *[("torch", "topk", NUMBER, 1), ("torch", "kthvalue", NUMBER, 1), ("torch", "msort", APART)],
    *[("torch", "searchsorted", np.sort(APART), Y), ("torch", "searchsorted", np.sort(APART), Y, {"right": True})],
    *[("torch", "searchsorted", np.array([1.0, 3.0]), TIED, {"side": s}) for s in ("left", "right")],
    *[("torch", "bucketize", TIED, np.array([1.0, 2.0]), {"right": r}) for r in (True, False)],
    *[("torch", "unique", COUNTS % 3, k) for k in ({}, {"return_inverse": True}, {"return_counts": True, "dim": 0})],
    *[("torch", "unique_consecutive", np.array([1, 1, 2, 2, 1]), k)
        for k in ({}, {"return_inverse": True, "return_counts": True})],
    *[("torch", "bincount", np.array([1, 1, 3])), ("torch", "bincount", np.array([1, 1, 3]), {"minlength": 6})],
    *[("torch", "histc", np.array([1, 2, 1, 3]).astype(float), 4, 0, 3)],
]  # fmt: skip

SHAPES: list[tuple[Any, ...]] = [
    *[("Tensor", n, X, np.zeros((4, 6))) for n in ("reshape_as", "view_as")],
    ("Tensor", "expand_as", X[0], np.zeros((2, 3, 4))),
    *[(w, "unflatten", X, *a) for w in ("torch", "Tensor") for a in ((2, (2, 2)), (-1, (2, -1)), (0, (1, 2)))],
    *[(w, n, X, *a) for w in ("torch", "Tensor") for n in ("movedim", "moveaxis")
        for a in ((0, 2), (-1, 0), ((0, 1), (2, 0)))],
    *[(w, n, X, *a) for w in ("torch", "Tensor") for n in ("swapdims", "swapaxes", "transpose")
        for a in ((0, 2), (-1, 1))],
    *[("torch", "adjoint", X), ("Tensor", "adjoint", X), ("torch", "ravel", X)],
    *[(w, "flip", X, d) for w in ("torch", "Tensor") for d in ((0,), (0, -1))],
    *[(w, n, X) for w in ("torch", "Tensor") for n in ("fliplr", "flipud", "rot90")],
    *[("torch", "rot90", X, k, d) for k in (-1, 2, 3, 4, 5) for d in ((0, 1), (1, 2), (2, 0))],
    *[(w, "roll", X, *a) for w in ("torch", "Tensor") for a in ((1,), (-2, 1), ((1, 5), (0, 2)), (7, -1))],
    *[("Tensor", "repeat", X, *a) for a in ((2, 1, 3), ((1, 2, 1, 1),), (1, 1, 0))],
    *[(w, "tile", X, a) for w in ("torch", "Tensor") for a in ((2,), (2, 1, 1, 3))],
    *[(w, "repeat_interleave", X, *a) for w in ("torch", "Tensor") for a in ((2,), (3, 1))],
    *[("torch", "repeat_interleave", X, np.array([1, 0, 2]), 1)],
    *[(w, "narrow", X, *a) for w in ("torch", "Tensor") for a in ((0, 1, 1), (-1, 1, 2), (1, -2, 2))],
    *[(w, "select", X, *a) for w in ("torch", "Tensor") for a in ((0, 1), (-1, -2))],
    *[(w, "unbind", X, *a) for w in ("torch", "Tensor") for a in ((), (1,), (-1,))],
    *[("Tensor", "unfold", X, *a) for a in ((2, 2, 1), (1, 3, 1), (0, 1, 1), (2, 2, 3))],
    *[(w, n, X, *a) for w in ("torch", "Tensor") for n in ("tensor_split",) for a in ((3, 2), (2,), ([1, 2], 1))],
    *[("torch", n, X, a) for n in ("hsplit", "vsplit", "dsplit") for a in ([1], 1)],
    *[("torch", n, v) for n in ("atleast_1d", "atleast_2d", "atleast_3d") for v in (NUMBER, X[0, 0], X[0], X)],
    *[("torch", "broadcast_tensors", X[0, 0], X), ("torch", "block_diag", X[0], NUMBER, X[0, 0])],
    *[("torch", "meshgrid", X[0, 0], X[0, :, 0], {"indexing": i}) for i in ("ij", "xy")],
    *[("torch", "cartesian_prod", X[0, 0], X[0, :, 0]), ("torch", "combinations", X[0, 0])],
    *[("torch", "combinations", X[0, 0], 3), ("torch", "combinations", X[0, 0], 2, True)],
    *[(w, "diagonal", X, *a) for w in ("torch", "Tensor") for a in ((), (1,), (-1, 1, 2), (0, 2, 0))],
    *[(w, "diag", v, k) for w in ("torch", "Tensor") for v in (X[0], X[0, 0]) for k in (0, 1, -2)],
    *[(w, "diag_embed", X, *a) for w in ("torch", "Tensor") for a in ((), (1,), (-1, 0, 2))],
    *[("torch", "diagflat", X[0]), ("torch", "diagflat", X[0, 0], 1), ("torch", "trace", X[0]), ("Tensor",
        "trace", X[0])],
    *[(w, n, X, *a) for w in ("torch", "Tensor") for n in ("tril", "triu") for a in ((), (1,), (-1,))],
    *[("F", "pad", X, *a) for a in (((1, 2),), ((1, 0, 2, 1), "constant", 0.5), ((-1, 1),), ((0, 0, 0, 0, 1, 1),))],
    *[("F", "pad", X, w, m) for m in ("reflect", "replicate", "circular") for w in ((2, 1), (0, 3))],
    *[("F", "pad", X[None], w, m) for m in ("reflect", "replicate", "circular")
        for w in ((2, 1, 0, 2), (0, 3, 1, 1))],
]  # fmt: skip

INDEX = np.array([[[0, 1, 1, 0], [1, 0, 1, 1]]])
PICKING: list[tuple[Any, ...]] = [
    *[(w, "take", X, np.array([[0, 5], [-1, 5]])) for w in ("torch", "Tensor")],
    *[(w, "take_along_dim", X, INDEX, 0) for w in ("torch", "Tensor")][:0],
    *[(w, "take_along_dim", X, np.argsort(X, 1), 1) for w in ("torch", "Tensor")],
    *[("torch", "take_along_dim", X, np.array([[[0], [2]]]), 1), ("torch", "take_along_dim", X, np.array([3, 3]))],
    *[(w, n, ZEROS) for w in ("torch", "Tensor") for n in ("nonzero", "argwhere")],
    *[("torch", "nonzero", ZEROS, {"as_tuple": True})],
    *[(w, "masked_select", X, m) for w in ("torch", "Tensor") for m in (MASK, MASK[0])],
    *[(w, "masked_fill", X, m, v) for w in ("torch", "Tensor") for m in (MASK, MASK[0]) for v in (7.0, NUMBER)],
    *[(w, "masked_scatter", X, m, numbers(30, seed=5)) for w in ("torch", "Tensor") for m in (MASK, MASK[0])],
    *[(w, "scatter", X, 0, INDEX, Y[:1, :2]) for w in ("torch", "Tensor")],
    *[(w, "scatter", X, 1, np.array([[[2], [0]], [[1], [2]]]), v) for w in ("torch", "Tensor")
        for v in (Y[:, :2, :1], 5.0)],
    *[(w, "scatter_add", X, d, INDEX, Y[:1, :2]) for w in ("torch", "Tensor") for d in (0, 1, 2, -1)],
    *[("torch", "scatter_reduce", X, 1, INDEX, Y[:1, :2], r, {"include_self": s}) for r in ("sum", "mean")
        for s in (True, False)],
    *[("torch", "scatter_reduce", X, 1, INDEX, Y[:1, :2], r, {"include_self": s, "second": False})
        for r in ("amax", "amin", "prod") for s in (True, False)],
    *[(w, "index_add", X, d, np.array([1, 1, 0])[:n], numbers(*s, seed=3)) for w in ("torch", "Tensor")
        for d, n, s in ((0, 3, (3, 3, 4)), (1, 2, (2, 2, 4)), (-1, 2, (2, 3, 2)))],
    *[("torch", "index_add", X, 1, np.array([0]), Y[:, :1], {"alpha": 2.0})],
    *[(w, "index_copy", X, 1, np.array([2, 0]), Y[:, :2]) for w in ("torch", "Tensor")],
    *[(w, "index_fill", X, d, np.array([1, 0]), v) for w in ("torch", "Tensor") for d in (0, -1)
        for v in (3.0, NUMBER)],
    *[("torch", "select_scatter", X, Y[:, 0], 1, 2), ("torch", "slice_scatter", X, Y[:, :, 1:3], 2, 1, 3)],
    *[("torch", "slice_scatter", X, Y[:, :, ::2], {"dim": 2, "step": 2}), ("torch", "diagonal_scatter", X[0],
        Y[0, 0, :3])],
    *[("torch", "diagonal_scatter", X, Y[:, 0, :2], -1, 1, 2)],
]  # fmt: skip

PRODUCTS: list[tuple[Any, ...]] = [
    *[(w, n, SQUARE, OTHER) for w in ("torch", "Tensor") for n in ("mm", "kron", "inner")],
    *[(w, n, SQUARE, OTHER[0]) for w in ("torch", "Tensor") for n in ("mv", "inner")],
    *[(w, n, SQUARE[0], OTHER[1]) for w in ("torch", "Tensor") for n in ("vdot", "outer", "ger", "inner", "kron")],
    *[(w, "bmm", X, numbers(2, 4, 5)) for w in ("torch", "Tensor")],
    *[("torch", "kron", X, OTHER[:2]), ("torch", "inner", X, NUMBER)],
    *[("torch", "tensordot", X, Y, d) for d in (3, 2, ([0, 1], [0, 1]), ([2], [-1])) if d != 2],
    *[("torch", "tensordot", X, numbers(4, 2), 1), ("torch", "tensordot", X, Y, {"dims": 0})],
    *[(w, "cross", SQUARE, OTHER, *a) for w in ("torch", "Tensor") for a in ((1,), (-2,))],
    *[("linalg", "cross", X.swapaxes(1, 2), Y.swapaxes(1, 2)), ("linalg", "vecdot", X, Y), ("linalg", "vecdot",
        X, Y, {"dim": 1})],
    *[(w, "addmm", SQUARE[0], SQUARE, OTHER, k) for w in ("torch", "Tensor")
        for k in ({}, {"beta": 0.5, "alpha": 2.0})],
    *[(w, "addmv", SQUARE[0], SQUARE, OTHER[0], k) for w in ("torch", "Tensor")
        for k in ({}, {"beta": 0.5, "alpha": 2.0})],
    *[(w, "addr", SQUARE, SQUARE[0], OTHER[0], k) for w in ("torch", "Tensor")
        for k in ({}, {"beta": 0.5, "alpha": 2.0})],
    *[(w, "baddbmm", X[:, :1, :3], X, numbers(2, 4, 3), k) for w in ("torch", "Tensor")
        for k in ({}, {"beta": 0.5, "alpha": 2.0})],
    *[(w, "addbmm", SQUARE, X, numbers(2, 4, 3), k) for w in ("torch", "Tensor")
        for k in ({}, {"beta": 0.5, "alpha": 2.0})],
    *[("linalg", "cross", SQUARE, OTHER)],
    *[("torch", "einsum", e, SQUARE, OTHER) for e in ("ij,jk->ik", "ij,jk", "ij,ij->", "ij,ij->ij",
        "ij,kl->ijkl", "ij,jk->ki", "ij,kj->i", "ii,ij->j")],
    *[("torch", "einsum", e, X, Y) for e in ("bij,bkj->bik", "...ij,...kj->...ik", "bij,bij->b", "abc,abd->cd",
        "...j,...j")],
    *[("torch", "einsum", e, SQUARE) for e in ("ij->ji", "ii", "ii->i", "ij->", "ij->j", "ba")],
    *[("torch", "einsum", "ij,jk,kl->il", SQUARE, OTHER, X[0]), ("torch", "einsum", "i,ij,j", SQUARE[0], OTHER,
        SQUARE[1])],
    *[("torch", "einsum", "b...,b->...", X, SQUARE[0, :2]), ("torch", "einsum", "...ij,jk->...ik", X, numbers(4, 2))],
]  # fmt: skip

MATRICES: list[tuple[Any, ...]] = [
    *[("linalg", n, a) for n in ("inv", "det", "pinv", "matrix_norm", "norm") for a in (REGULAR, DEFINITE)],
    *[("linalg", "slogdet", a) for a in (REGULAR, DEFINITE, -REGULAR)],
    *[("linalg", n, DEFINITE) for n in ("cholesky", "eigvalsh", "svdvals", "cond", "diagonal")],
    *[("linalg", "cholesky", DEFINITE, {"upper": True})],
    *[("linalg", "svdvals", a) for a in (WIDE, TALL)],
    *[("linalg", "pinv", a) for a in (WIDE, TALL)],
    *[("linalg", "solve", REGULAR, b) for b in (OTHER, OTHER[0], OTHER[:, :2])],
    *[("linalg", "solve", DEFINITE, b) for b in (OTHER, numbers(2, 3), numbers(2, 3, 2))],
    *[("linalg", "solve", REGULAR, OTHER[:2], {"left": False})],
    *[("linalg", "solve_triangular", REGULAR, OTHER, {"upper": u, "unitriangular": n}) for u in (True, False)
        for n in (True, False)],
    *[("linalg", "matrix_power", REGULAR, n) for n in (0, 1, 2, 3, 5, -1, -2)],
    *[("linalg", "matrix_norm", X, o) for o in ("fro", "nuc", INF, -INF, 1, -1, 2, -2)],
    *[("linalg", "matrix_norm", X, o, (0, 2), True) for o in ("fro", "nuc", INF, 1, 2)],
    *[("linalg", "vector_norm", X, *a) for a in ((), (1,), (3, 0), (INF, (0, 1), True), (0,))],
    *[("linalg", "norm", X, {"dim": d}) for d in (1, (0, 2))],
    *[("linalg", "norm", SQUARE, o) for o in ("fro", "nuc", INF, 1, 2)],
    *[("linalg", "norm", SQUARE[0], o) for o in (1, 2, INF, 3)],
    *[("linalg", "cond", REGULAR, p) for p in (None, 2, -2)],
    *[("linalg", "matrix_rank", a) for a in (REGULAR, ZEROS, WIDE)],
    *[("linalg", "vander", COUNTS[0], {"N": 3})],
    *[("torch", n, REGULAR) for n in ("inverse", "det", "slogdet")],
    ("torch", "logdet", DEFINITE),
    *[("torch", "vander", COUNTS[0], *a) for a in ((), (3,), (3, True))],
    *[("Tensor", n, REGULAR) for n in ("inverse", "det", "logdet", "slogdet", "pinverse") if n != "logdet"],
    *[("Tensor", "matrix_power", REGULAR, 3)],
]  # fmt: skip

CALLS = [*MATHEMATICS, *KINKS, *QUESTIONS, *REDUCTIONS, *RUNNING, *ORDER, *SHAPES, *PICKING, *PRODUCTS, *MATRICES]


def parts(case: tuple[Any, ...]) -> tuple[str, str, tuple[Any, ...], dict[str, Any]]:
    """Where, name, arguments, keywords."""
    where, name, *args = case
    keywords = args.pop() if args and isinstance(args[-1], dict) else {}
    return where, name, tuple(args), dict(keywords)


def identity(case: tuple[Any, ...]) -> str:
    where, name, args, keywords = parts(case)
    shown = [str(list(a.shape)) if isinstance(a, np.ndarray) else str(a) for a in args]
    shown += [f"{k}={list(v.shape) if isinstance(v, np.ndarray) else v}" for k, v in keywords.items()]
    return f"{where}.{name}({', '.join(shown)})"
