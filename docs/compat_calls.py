"""The calls that names are compared on: for each name, or for all names of a family, arguments with draws in them.

A method of Tensor, or a function of `nn.functional` or `linalg`, that has no calls of its own has those of the function
of the same name; `name_`, in place, those of `name`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from compat_compare import Call, Draw, Named

Rng = np.random.Generator
Float = Named("float64")


def real(*shape: int, low: float = -1.5, high: float = 1.5, fixed: bool = False) -> Draw:
    """Numbers that keep a distance to the multiples of a quarter, where kinks are."""

    def make(rng: Rng) -> Any:
        x = rng.uniform(low, high, shape)
        rest = np.mod(x, 0.25)
        return x + np.where(rest < 0.02, 0.03, np.where(rest > 0.23, -0.03, 0.0))

    return Draw(make, fixed)


def positive(*shape: int, fixed: bool = False) -> Draw:
    """Numbers from 0.2 to 2."""
    return real(*shape, low=0.2, high=2.0, fixed=fixed)


def unit(*shape: int, fixed: bool = False) -> Draw:
    """Numbers from 0.1 to 0.9."""
    return real(*shape, low=0.1, high=0.9, fixed=fixed)


def apart(*shape: int) -> Draw:
    """Numbers no two of which are near each other."""
    size = int(np.prod(shape))
    return Draw(lambda rng: ((rng.permutation(size) - size / 2) * 0.11 + 0.037).reshape(shape))


def whole(*shape: int, low: int = 0, high: int = 5) -> Draw:
    """Integers."""
    return Draw(lambda rng: rng.integers(low, high, shape))


def places(rows: int, *shape: int) -> Draw:
    """Integers below `rows`, no two equal along the first dimension."""
    return Draw(lambda rng: np.stack([rng.permutation(rows) for _ in range(int(np.prod(shape[1:])))], -1)[
        : shape[0]
    ].reshape(shape))  # fmt: skip


def truth(*shape: int) -> Draw:
    """Booleans, some of both."""
    return Draw(lambda rng: (np.arange(int(np.prod(shape))) % 3 == rng.integers(0, 3)).reshape(shape))


def given(value: Any) -> Draw:
    """An array as it is, not differentiated."""
    return Draw(lambda rng: np.asarray(value), True)


def regular(*shape: int) -> Draw:
    """Matrices far from singular."""
    return Draw(lambda rng: rng.uniform(-1, 1, shape) + 3 * np.eye(shape[-2], shape[-1]))


def lower(n: int) -> Draw:
    """A lower triangle far from singular."""
    return Draw(lambda rng: np.tril(rng.uniform(-1, 1, (n, n))) + 3 * np.eye(n))


def definite(*shape: int) -> Draw:
    """Symmetric positive definite matrices."""

    def make(rng: Rng) -> Any:
        a = rng.uniform(-1, 1, shape)
        return a @ np.swapaxes(a, -1, -2) + np.diag(np.arange(1.0, shape[-1] + 1))

    return Draw(make)


def c(*args: Any, **kwargs: Any) -> Call:
    """A call with these arguments."""
    return Call(args, kwargs)


def random(*args: Any, **kwargs: Any) -> Call:
    """A call whose result is random."""
    return Call(args, kwargs, "random")


def written(*args: Any) -> Call:
    """A call that writes into its first argument."""
    return Call(args, kind="written")


def program(function: Callable[..., Any], *args: Any) -> Call:
    """A function of a library's namespace, and of tensors."""
    return Call(args, program=function)


def turned(path: str, *shape: int, **kwargs: Any) -> Call:
    """A decomposition whose vectors have either sign: their absolute values."""

    def run(lib: Any, a: Any) -> Any:
        return [lib.abs(part) for part in attrgetter(path)(lib)(a, **kwargs)]

    return program(run, regular(*shape))


def family(names: str, *calls: Call) -> dict[str, list[Call]]:
    """The same calls for several names."""
    return {name: list(calls) for name in names.split()}


X, Y, P, U = real(2, 3, 4), real(2, 3, 4), positive(2, 3, 4), unit(2, 3, 4)
EMPTY, SCALAR = Draw(lambda rng: np.zeros((0, 3))), real()
HOLES = Draw(lambda rng: np.where(rng.random((3, 4)) < 0.3, np.nan, rng.normal(size=(3, 4))))
ODD = given([[1.5, np.nan, np.inf], [-np.inf, 0.0, -2.0]])
MANY = (20000,)

UNARY = {
    **family("abs absolute cos sin exp expm1 tanh sigmoid neg negative square sinh cosh sign sgn positive clone "
             "arctan atan arcsinh asinh erf erfc exp2 sinc rad2deg deg2rad relu expit", c(X), c(SCALAR), c(EMPTY)),
    **family("log log1p log2 log10 sqrt rsqrt reciprocal", c(P), c(positive()), c(EMPTY)),
    **family("acos arccos asin arcsin atanh arctanh erfinv", c(real(2, 3, low=-0.9, high=0.9))),
    **family("acosh arccosh", c(real(2, 3, low=1.2, high=3.0))),
    **family("tan", c(real(2, 3, low=-1.2, high=1.2))),
    **family("floor ceil trunc fix frac", c(X), c(SCALAR)),
    "round": [c(X)],
    "logit": [c(U), c(U, 0.2)],
    **family("isnan isfinite isinf isneginf isposinf isreal signbit", c(ODD), c(whole(3, low=-2))),
    **family("logical_not", c(truth(3)), c(whole(4))),
    **family("bitwise_not", c(truth(4)), c(whole(4))),
    "nan_to_num": [c(ODD), c(ODD, 1.0, 2.0, -3.0)],
}  # fmt: skip

PAIRS = (c(X, Y), c(real(2, 1, 4), real(3, 1)), c(X, 2.5), c(SCALAR, SCALAR))
BINARY = {
    **family("add sub subtract mul multiply", *PAIRS),
    **family("rsub", c(X, Y), c(X, 2.5, alpha=2)),
    **family("div divide true_divide", c(X, P), c(real(2, 1, 4), positive(3, 1)), c(X, 2.5)),
    **family("maximum minimum fmax fmin hypot logaddexp logaddexp2 atan2 arctan2 copysign",
             c(X, Y), c(real(2, 1, 4), real(3, 1))),
    **family("remainder fmod", c(X, P), c(X, 0.7)),
    **family("floor_divide", c(X, P)),
    **family("heaviside ldexp", c(X, Y)),
    **family("eq ne gt ge lt le greater greater_equal less less_equal not_equal", c(X, Y), c(whole(3, 4), whole(4)),
             c(X, 0.5)),
    **family("logical_and logical_or logical_xor", c(truth(4), truth(4)), c(whole(4), truth(4))),
    **family("bitwise_and bitwise_or bitwise_xor", c(truth(4), truth(4)), c(whole(4), whole(4))),
    **family("bitwise_left_shift bitwise_right_shift gcd lcm", c(whole(4), whole(4, low=1))),
    "pow": [c(P, real(4)), c(X, 3), c(X, 2.0), c(2.5, X), c(P, -0.5)],
    "float_power": [c(P, 2.0)],
    **family("xlogy xlog1py", c(X, P), c(0.0, P)),
    "lerp": [c(X, Y, 0.3), c(X, Y, unit(4))],
    "where": [c(truth(3, 4), real(3, 4), real(4)), c(truth(3, 4), real(3, 4), 0.0)],
    **family("clamp clip", c(X, -0.5, 0.5), c(X, min=0.1), c(X, max=0.1),
             c(X, real(4, low=-1, high=-0.5), positive(4))),
    "clamp_min": [c(X, 0.1)], "clamp_max": [c(X, 0.1)],
    **family("addcmul addcdiv", c(X, Y, P, value=0.5)),
    **family("isclose allclose equal", c(X, X), c(given([1.0, 2.0]), given([1.0, 2.0 + 1e-9]))),
    "isin": [c(whole(3, 4), whole(3)), c(whole(3, 4), whole(3), invert=True)],
}  # fmt: skip

OVER = (c(X), c(X, 1), c(X, -1, True), c(SCALAR))
REDUCING = {
    **family("sum mean", *OVER, c(X, (0, 2)), c(X, dim=(0, 2), keepdim=True)),
    **family("nansum nanmean", c(HOLES), c(HOLES, 1), c(HOLES, 0, True)),
    **family("prod", c(X), c(X, 1), c(X, -1, True)),
    **family("all any", c(truth(3, 4)), c(truth(3, 4), 1), c(truth(3, 4), 0, True)),
    **family("var std var_mean std_mean", c(X), c(X, 1), c(X, (0, 2), keepdim=True), c(X, 1, correction=0)),
    **family("max min", c(apart(2, 3, 4)), c(apart(2, 3, 4), 1), c(apart(2, 3, 4), -1, True)),
    **family("amax amin", c(apart(2, 3, 4)), c(apart(2, 3, 4), 1), c(given([[1.0, 1.0, 0.0]]), (0, 1), True)),
    **family("argmax argmin", c(apart(3, 4)), c(apart(3, 4), 1), c(apart(3, 4), 0, True)),
    **family("aminmax", c(apart(3, 4)), c(apart(3, 4), dim=1, keepdim=True)),
    "logsumexp": [c(X, 1), c(X, (0, 2), True)],
    **family("median nanmedian", c(apart(3, 5)), c(apart(3, 5), 1), c(apart(3, 4), 0, True)),
    **family("quantile nanquantile", c(apart(3, 5), 0.3), c(apart(3, 5), given([0.2, 0.6]), 1),
             c(apart(3, 5), 0.4, 0, True, interpolation="lower")),
    "mode": [c(whole(3, 7)), c(whole(3, 7), 0)],
    "norm": [c(X), c(X, 1, 1), c(X, 3, -1, True), c(real(3, 4), "fro"), c(X, float("inf"), 1)],
    "dist": [c(X, Y), c(X, Y, 1)],
    "cdist": [c(real(2, 3, 4), real(2, 5, 4)), c(real(3, 4), real(2, 4), 1.0)],
    "count_nonzero": [c(whole(3, 4, high=2)), c(whole(3, 4, high=2), 1)],
    **family("cumsum cumprod logcumsumexp", c(X, 1), c(X, -1)),
    **family("cummax cummin", c(apart(3, 4), 1), c(apart(3, 4), 0)),
    **family("trapezoid trapz cumulative_trapezoid", c(real(3, 4)), c(real(3, 4), dx=0.5, dim=0), c(real(4), real(4))),
    "diff": [c(X), c(X, 2, 1), c(real(3, 4), prepend=real(3, 2), append=real(3, 1))],
    "cov": [c(real(3, 5)), c(real(3, 5), correction=0)], "corrcoef": [c(real(3, 5))],
    "trace": [c(real(3, 4))], "numel": [c(X)], "is_floating_point": [c(X), c(whole(3))],
    "is_nonzero": [c(given([2.0]))], "is_tensor": [c(X), c(3.0)],
}  # fmt: skip

SHAPES = {
    "reshape": [c(X, (6, 4)), c(X, (-1,)), c(X, (2, -1, 2))], "ravel": [c(X)],
    "flatten": [c(X), c(X, 1), c(X, 0, 1)], "unflatten": [c(real(6, 4), 0, (2, 3)), c(real(6, 4), 0, (2, -1))],
    **family("transpose swapaxes swapdims", c(X, 0, 2), c(X, -1, 1)), **family("t", c(real(2, 3)), c(real(3))),
    "permute": [c(X, (2, 0, 1))], **family("movedim moveaxis", c(X, 0, 2), c(X, (0, 1), (1, 2))),
    "squeeze": [c(real(1, 3, 1)), c(real(1, 3, 1), 0), c(real(1, 3, 1), (0, 2)), c(real(1, 3), 1)],
    "unsqueeze": [c(X, 0), c(X, -1)], "broadcast_to": [c(real(3, 1), (2, 3, 4))],
    **family("cat concat concatenate", c([real(2, 3), real(1, 3)]), c([real(2, 3), real(2, 1)], 1)),
    "stack": [c([real(2, 3), real(2, 3)]), c([real(2, 3), real(2, 3)], -1)],
    **family("hstack vstack dstack column_stack row_stack", c([real(2, 3), real(2, 3)]), c([real(3), real(3)])),
    "split": [c(real(5, 3), 2), c(real(5, 3), [1, 4]), c(real(3, 4), 3, 1)],
    "split_with_sizes": [c(real(5, 3), [1, 4])], "chunk": [c(real(5, 3), 3), c(real(3, 4), 2, 1)],
    "tensor_split": [c(real(7, 3), 3), c(real(7, 3), (2, 5))], **family("hsplit vsplit dsplit", c(real(4, 4, 4), 2)),
    "unbind": [c(X), c(X, 1)], "narrow": [c(X, 1, 1, 2)], "select": [c(X, 1, 2), c(X, -1, -1)],
    "flip": [c(X, (0, 2))], **family("fliplr flipud", c(real(3, 4))),
    "roll": [c(X, 1), c(X, 2, 1), c(X, (1, -1), (0, 2))], "rot90": [c(real(3, 4)), c(X, 3, (1, 2))],
    "tile": [c(real(2, 3), (2, 2)), c(real(2, 3), (2, 1, 2))],
    "repeat_interleave": [c(real(2, 3), 2), c(real(2, 3), 2, 1), c(real(2, 3), given([1, 3]), 0)],
    **family("diagonal", c(real(3, 4)), c(X, 1, 1, 2)), "diag": [c(real(3)), c(real(3, 4), 1)],
    "diag_embed": [c(real(2, 3)), c(real(2, 3), 1)], "diagflat": [c(real(2, 2)), c(real(3), -1)],
    **family("tril triu", c(real(3, 4)), c(real(2, 3, 3), 1), c(real(3, 3), -1)),
    **family("atleast_1d atleast_2d atleast_3d", c(SCALAR), c(real(3), real(2, 2))),
    "meshgrid": [c(real(2), real(3), indexing="ij"), c(real(2), real(3), indexing="xy")],
    "cartesian_prod": [c(real(2), real(3))], "combinations": [c(real(4)), c(real(3), 2, True)],
    "block_diag": [c(real(2, 2), real(1, 3))], "broadcast_tensors": [c(real(3, 1), real(4))],
    "broadcast_shapes": [c((3, 1), (4,))], "adjoint": [c(X)],
}  # fmt: skip

ROWS = places(3, 2, 4)
PICKING = {
    "gather": [c(real(3, 4), 0, whole(2, 4, high=3)), c(real(3, 4), 1, whole(3, 2, high=4))],
    "index_select": [c(real(3, 4), 1, whole(5, high=4))], "take": [c(real(3, 4), whole(2, 2, high=12))],
    "take_along_dim": [c(real(3, 4), whole(3, 4, high=4), 1), c(real(3, 4), whole(5, high=12))],
    "masked_select": [c(real(3, 4), truth(3, 4))],
    "masked_fill": [c(real(3, 4), truth(3, 4), 1.5), c(real(3, 4), truth(4), SCALAR)],
    "masked_scatter": [c(real(3, 4), truth(3, 4), real(12))],
    "scatter": [c(real(3, 4), 0, ROWS, real(2, 4)), c(real(3, 4), 0, ROWS, value=1.5)],
    "scatter_add": [c(real(3, 4), 0, whole(5, 4, high=3), real(5, 4))],
    "scatter_reduce": [c(positive(3, 4), 0, whole(5, 4, high=3), positive(5, 4), reduce=r) for r in
                       ("sum", "mean", "prod", "amax", "amin")],
    **family("index_add", c(real(3, 4), 0, given([1, 1, 0]), real(3, 4)),
             c(real(3, 4), 1, given([3, 0]), real(3, 2), alpha=2)),
    "index_copy": [c(real(3, 4), 0, given([2, 0]), real(2, 4))],
    "index_fill": [c(real(3, 4), 1, given([2, 0]), 1.5)],
    "index_put": [c(real(3, 4), (given([0, 2]), given([1, 3])), real(2)),
                  c(real(3, 4), (given([0, 0]), given([1, 1])), real(2), True)],
    "select_scatter": [c(real(3, 4), real(3), 1, 2)], "slice_scatter": [c(real(3, 4), real(2, 4), 0, 1, 3)],
    "diagonal_scatter": [c(real(3, 4), real(3))], **family("nonzero argwhere", c(truth(3, 4)), c(whole(5, high=2))),
    "sort": [c(apart(3, 4)), c(apart(3, 4), 0, True)], "msort": [c(apart(3, 4))],
    "argsort": [c(apart(3, 4)), c(apart(3, 4), 0, True)],
    "topk": [c(apart(3, 5), 2), c(apart(3, 5), 2, 0, False)],
    "kthvalue": [c(apart(3, 5), 2), c(apart(3, 5), 1, 0, True)],
    "searchsorted": [c(given([0.1, 0.5, 0.9]), U), c(given([1, 2, 2, 3]), whole(4), right=True)],
    "bucketize": [c(U, given([0.2, 0.6])), c(whole(4), given([1, 2, 3]), right=True)],
    "bincount": [c(whole(9)), c(whole(4), positive(4, fixed=True), 8)], "histc": [c(real(20), 5, -1.0, 1.0)],
    "unique": [c(whole(9)), c(whole(9), return_inverse=True, return_counts=True), c(whole(6, 2, high=2), dim=0)],
    "unique_consecutive": [c(whole(9, high=2)), c(whole(9, high=2), return_counts=True)],
}  # fmt: skip

PRODUCTS = {
    "matmul": [c(real(2, 3), real(3, 4)), c(X, real(4, 2)), c(real(3), real(3, 2)), c(real(5, 1, 3, 4), real(2, 4, 3))],
    "mm": [c(real(2, 3), real(3, 4))], "mv": [c(real(2, 3), real(3))], "bmm": [c(X, real(2, 4, 2))],
    **family("dot vdot", c(real(3), real(3))), "inner": [c(real(3), real(3)), c(X, real(2, 4))],
    **family("outer ger", c(real(3), real(4))), "kron": [c(real(2, 3), real(2, 2))],
    "cross": [c(real(4, 3), real(4, 3), 1)], "tensordot": [c(X, real(3, 4, 5)), c(X, real(4, 2), ([2, 0], [0, 1]))],
    "einsum": [c("ij,jk->ik", real(2, 3), real(3, 4)), c("bij,bkj->bik", X, real(2, 5, 4)), c("ii->", real(3, 3))],
    "addmm": [c(real(2, 4), real(2, 3), real(3, 4), beta=0.5, alpha=2.0)], "addmv": [c(real(2), real(2, 3), real(3))],
    "addr": [c(real(2, 3), real(2), real(3))],
    **family("baddbmm", c(real(2, 3, 2), X, real(2, 4, 2), beta=0.5)), "addbmm": [c(real(3, 2), X, real(2, 4, 2))],
    "chain_matmul": [c(real(2, 3), real(3, 4), real(4, 2))],
    **family("inverse det logdet slogdet", c(regular(3, 3)), c(regular(2, 3, 3))),
    "cholesky": [c(definite(3, 3))],
    "cholesky_solve": [program(lambda lib, b, a: lib.cholesky_solve(b, lib.tril(a)), real(3, 2), lower(3))],
    "matrix_power": [c(regular(3, 3), 3), c(regular(3, 3), -2)], "vander": [c(real(4)), c(real(4), 3, True)],
    "svd": [turned("svd", 4, 3), turned("svd", 3, 4)], "qr": [c(regular(4, 3)), c(regular(3, 3))],
    "pinverse": [c(regular(4, 3))],
}  # fmt: skip

LINALG = {
    **{name: PRODUCTS[name] for name in ("det", "slogdet", "matrix_power", "cholesky", "matmul", "qr")},
    "cross": [c(real(4, 3), real(4, 3)), c(real(3, 4), real(3, 4), dim=0)],
    "inv": PRODUCTS["det"], "diagonal": [c(real(3, 4))], "multi_dot": [c([real(2, 3), real(3, 4), real(4, 2)])],
    "solve": [c(regular(3, 3), real(3, 2)), c(regular(2, 3, 3), real(2, 3, 1))],
    "solve_triangular": [c(regular(3, 3), real(3, 2), upper=True)],
    "svd": [turned("linalg.svd", 4, 3, full_matrices=False)], "svdvals": [c(regular(4, 3))], "pinv": [c(regular(4, 3))],
    **family("eigh eigvalsh", c(definite(3, 3))),
    "lstsq": [program(lambda lib, a, b: lib.linalg.lstsq(a, b).solution, regular(4, 3), real(4, 2))],
    "matrix_rank": [c(regular(4, 3))], "cond": [c(regular(3, 3)), c(regular(3, 3), "fro")],
    "norm": [c(X), c(real(3, 4), "fro"), c(X, 3, 1), c(real(3, 4), 2)], "vecdot": [c(X, Y), c(X, Y, dim=0)],
    "vector_norm": [c(X), c(X, 3, 1), c(X, 1, (0, 2), True)],
    "matrix_norm": [c(X), c(real(3, 4), "nuc"), c(real(3, 4), 2), c(real(3, 4), 1)],
    "vander": [c(real(4)), c(real(4), N=3)],
}  # fmt: skip


def _drawn_again(lib: Any, seed: Callable[[], Any]) -> Any:
    seed()
    first = lib.rand(5)
    seed()
    return bool((lib.rand(5) == first).all())


def _seeded(lib: Any) -> Any:
    g = lib.Generator().manual_seed(-3)
    found = [g.initial_seed(), lib.seed() == lib.initial_seed() == lib.default_generator.initial_seed()]
    return [*found, _drawn_again(lib, lambda: lib.default_generator.manual_seed(3))]


def _resumed(lib: Any) -> Any:
    state = lib.get_rng_state()
    return _drawn_again(lib, lambda: lib.set_rng_state(state))


def under(mode: Any, x: Any, inner: Any = None) -> Any:
    """What is computed in a mode, and whether it is recorded."""
    with mode, inner or nullcontext():
        y = x * 3.0
    return [y, y.requires_grad]


def _stored(lib: Any, *tensors: Any) -> Any:
    with TemporaryDirectory() as folder:
        path = str(Path(folder) / "saved.npz")
        lib.save({str(k): t for k, t in enumerate(tensors)}, path)
        return lib.load(path)


MAKING = {
    **family("zeros ones", c(2, 3), c((2, 3), dtype=Named("int64"))), "eye": [c(3), c(2, 3)],
    **family("zeros_like ones_like", c(X), c(whole(3), dtype=Float)), "full": [c((2, 3), 1.5), c((2,), 3)],
    "full_like": [c(X, 1.5)], "arange": [c(5), c(1, 6, 2), c(0.0, 1.0, 0.25)], "linspace": [c(0.0, 1.0, 5)],
    "logspace": [c(0.0, 1.0, 5), c(0, 3, 4, 2)], **family("tensor as_tensor", c([[1.0, 2.0]]), c([1, 2]), c(True)),
    **family("tril_indices triu_indices", c(3, 4), c(3, 3, 1)),
    "rand": [random(*MANY)], "randn": [random(*MANY)], **family("rand_like randn_like", random(real(*MANY))),
    "randint": [random(3, 9, MANY)], "randperm": [random(100)], "randint_like": [random(whole(*MANY), 3, 9)],
    "bernoulli": [random(unit(*MANY))], "multinomial": [random(given([0.1, 0.5, 0.4]), 20000, True)],
    "normal": [random(1.0, 2.0, MANY)], "get_default_dtype": [c()], "is_grad_enabled": [c()],
    "empty": [program(lambda lib: [lib.empty(2, 3).shape, lib.empty((2,), dtype=lib.int64).dtype])],
    "empty_like": [program(lambda lib, x: lib.empty_like(x).shape, X)],
    "from_numpy": [program(lambda lib: lib.from_numpy(np.arange(3.0)))],
    "set_default_dtype": [program(lambda lib: [lib.set_default_dtype(lib.float64), lib.ones(2)])],
    "result_type": [program(lambda lib, x: lib.result_type(x, 1.0), X)],
    "manual_seed": [program(lambda lib: [_drawn_again(lib, lambda: lib.manual_seed(3))])],
    "set_grad_enabled": [program(lambda lib, x: [under(lib.set_grad_enabled(False), x), x * 2.0], X)],
    "no_grad": [program(lambda lib, x: [under(lib.no_grad(), x), x * 2.0], X)],
    "enable_grad": [program(lambda lib, x: under(lib.no_grad(), x, lib.enable_grad()), X)],
    "inference_mode": [program(lambda lib, x: under(lib.inference_mode(), x.detach()), X)],
    **family("is_inference_mode_enabled is_anomaly_enabled", c()),
    "device": [program(lambda lib: lib.device("cpu", 0).index)],
    **family("initial_seed seed default_generator Generator", program(_seeded)),
    **family("get_rng_state set_rng_state", program(lambda lib: _resumed(lib))),
    **family("save load", program(lambda lib, x, w: _stored(lib, x.detach(), w.detach()), X, whole(3))),
}  # fmt: skip

CALLS = {**UNARY, **BINARY, **REDUCING, **SHAPES, **PICKING, **PRODUCTS, **MAKING}


def _after_gradient(lib: Any, x: Any) -> Any:
    leaf, seen = x.detach().clone().requires_grad_(), []
    leaf.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad * 2.0))
    (leaf * leaf).sum().backward()
    return seen[0]


def _inner(lib: Any, x: Any, change: Callable[[Any], Any]) -> Any:
    y = lib.sin(x)
    change(y)
    (y * y).sum().backward()
    return [x.grad, y.grad if y.retains_grad else None] if hasattr(y, "retains_grad") else [x.grad, y.grad]


def _refused(call: Callable[[], Any]) -> Any:
    try:
        call()
    except (ValueError, RuntimeError, AssertionError):
        return True
    return False


METHODS = {
    "view": [c(X, 6, 4), c(X, -1)], "reshape": [c(X, 6, 4), c(X, (-1, 2))], "permute": [c(X, 2, 0, 1)],
    **family("expand", c(real(3, 1), 3, 4), c(real(3, 1), 2, -1, 4)), "repeat": [c(real(2, 3), 2, 1, 2)],
    **family("expand_as", c(real(3, 1), real(2, 3, 4))), **family("view_as reshape_as", c(real(6, 4), X)),
    "flip": [c(X, 0, 2)], "tile": [c(real(2, 3), 2, 2)], "unfold": [c(real(3, 8), 1, 3, 2)],
    **family("T t mT H mH adjoint", c(real(2, 3))), "where": [c(real(3, 4), truth(3, 4), real(4))],
    **family("double float half long int short char byte bool", c(real(2, 3, low=0, high=9))),
    "to": [c(X, Named("float32")), c(X, Named("int64"))], "type": [c(X, Named("float32"))], "type_as": [c(X, real(2))],
    **family("contiguous cpu detach", c(X)), "detach_": [c(X)], "requires_grad_": [c(real(2, 3, fixed=True), True)],
    "item": [c(given([2.5]))],
    **family("tolist dtype ndim shape nbytes itemsize device", c(given([[1.0, 2.0]]))),
    **family("size dim numel nelement ndimension element_size stride is_contiguous is_cuda is_cpu is_leaf requires_grad"
             " get_device is_inference",
             c(X)),
    **family("numpy", c(given([1.0, 2.0]))),
    "cuda": [program(lambda lib, x: _refused(lambda: x.cuda()), X)],
    "sum_to_size": [c(X, 3, 1), c(X, (1, 3, 4))],
    "new_empty": [program(lambda lib, x: x.new_empty((2, 3)).shape, X)],
    "backward": [program(lambda lib, x: [(x * x).backward(lib.ones_like(x)), x.grad], X)],
    **family("retain_grad", program(lambda lib, x: _inner(lib, x, lambda y: y.retain_grad()), X)),
    "register_post_accumulate_grad_hook": [program(_after_gradient, X)],
    "register_hook": [program(lambda lib, x: _inner(lib, x, lambda y: y.register_hook(lambda g: g * 2.0)), X)],
    "grad": [program(lambda lib, x: [x.grad, (x**2).sum().backward(), x.grad], X)],
    "grad_fn": [program(lambda lib, x: [x.grad_fn is None, (x * 2.0).grad_fn is None], X)],
    "new_zeros": [c(X, (2, 3))], "new_ones": [c(X, (2, 3))], "new_full": [c(X, (2,), 1.5)], "new_tensor": [c(X, [1.0])],
    "svd": [turned("Tensor.svd", 4, 3)], "norm": CALLS["norm"],
    "zero_": [written(X)], "fill_": [written(X, 1.5)], "copy_": [written(X, real(4))],
    "fill_diagonal_": [written(real(3, 4), 2.0)], "relu_": [written(X)],
    "uniform_": [random(real(*MANY), -1.0, 2.0)], "normal_": [random(real(*MANY), 1.0, 2.0)],
    "bernoulli_": [random(real(*MANY), 0.3)], "exponential_": [random(real(*MANY), 1.5)],
    "random_": [random(real(*MANY), 1, 9)], "index_put_": [written(*call.args) for call in PICKING["index_put"]],
}  # fmt: skip
