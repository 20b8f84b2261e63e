"""NumPy's functions on tensors: every op with a NumPy name is there, with NumPy's values, and slopes by differences."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite import numpy_names, ops
from autograd_lite.core import ufuncs
from autograd_lite.numpy_names import FUNCTIONS, INSTEAD, PLAIN, UFUNCS

X = np.array([[0.3, -0.6, 0.9], [1.2, -1.5, 0.4]])
S = np.array([[2.0, 0.5, 0.1], [0.5, 3.0, 0.2], [0.1, 0.2, 1.5]])  # symmetric, positive
V = np.array([0.7, -0.2, 1.1])
N = np.linalg


def sym(x: Any) -> Any:
    """Symmetric whatever x is, so that differences stay inside."""
    return (x @ np.transpose(x)) + 2.0 * np.eye(x.shape[0])


# By NumPy's function, calls of it on X: its values and the slopes of its results are checked
CALLS: dict[Callable[..., Any], list[Callable[[Any], Any]]] = {
    np.all: [lambda x: np.all(x > 0), lambda x: np.all(x > 0, axis=1, keepdims=True)],
    np.any: [lambda x: np.any(x > 0), lambda x: np.any(x > 1, axis=0)],
    np.prod: [lambda x: np.prod(x), lambda x: np.prod(x, axis=1, keepdims=True)],
    np.nansum: [lambda x: np.nansum(x, axis=0)],
    np.nanmean: [lambda x: np.nanmean(x, axis=1)],
    np.count_nonzero: [lambda x: np.count_nonzero(x > 0), lambda x: np.count_nonzero(x > 0, axis=0)],
    np.median: [lambda x: np.median(x), lambda x: np.median(x, axis=0), lambda x: np.median(x, axis=1, keepdims=True)],
    np.nanmedian: [lambda x: np.nanmedian(x, axis=1)],
    np.quantile: [lambda x: np.quantile(x, 0.3), lambda x: np.quantile(x, [0.1, 0.8], axis=1)],
    np.nanquantile: [lambda x: np.nanquantile(x, 0.3, axis=1)],
    np.percentile: [lambda x: np.percentile(x, 30, axis=1)],
    np.nanpercentile: [lambda x: np.nanpercentile(x, 30, axis=1)],
    np.cov: [lambda x: np.cov(x), lambda x: np.cov(x, bias=True), lambda x: np.cov(x, ddof=0)],
    np.corrcoef: [lambda x: np.corrcoef(x)],
    np.cumsum: [lambda x: np.cumsum(x), lambda x: np.cumsum(x, axis=1), lambda x: np.cumsum(x, -2)],
    np.cumprod: [lambda x: np.cumprod(x), lambda x: np.cumprod(x, axis=0)],
    np.diff: [lambda x: np.diff(x), lambda x: np.diff(x, n=2, axis=1), lambda x: np.diff(x, axis=0)],
    np.trapezoid: [lambda x: np.trapezoid(x), lambda x: np.trapezoid(x, dx=0.5, axis=0)],
    np.sort: [lambda x: np.sort(x), lambda x: np.sort(x, axis=0), lambda x: np.sort(x, axis=None)],
    np.argsort: [lambda x: np.argsort(x), lambda x: np.argsort(x, axis=None)],
    np.moveaxis: [lambda x: np.moveaxis(x[None], 0, -1), lambda x: np.moveaxis(x[None], (0, 1), (2, 0))],
    np.atleast_1d: [lambda x: np.atleast_1d(x[0, 0])],
    np.atleast_2d: [lambda x: np.atleast_2d(x[0])],
    np.atleast_3d: [lambda x: np.atleast_3d(x)],
    np.broadcast_arrays: [lambda x: np.broadcast_arrays(x, X[0])[0]],
    np.hstack: [lambda x: np.hstack([x, X]), lambda x: np.hstack([x[0], X[1]])],
    np.vstack: [lambda x: np.vstack([x, X[0]])],
    np.dstack: [lambda x: np.dstack([x, X])],
    np.column_stack: [lambda x: np.column_stack([x[0], X[1]])],
    np.array_split: [lambda x: np.array_split(x, 2, axis=1)[0], lambda x: np.array_split(x, [1], axis=1)[1]],
    np.hsplit: [lambda x: np.hsplit(x, 3)[1]],
    np.vsplit: [lambda x: np.vsplit(x, [1])[1]],
    np.dsplit: [lambda x: np.dsplit(x[..., None], 1)[0]],
    np.flip: [lambda x: np.flip(x), lambda x: np.flip(x, 1), lambda x: np.flip(x, axis=(0, 1))],
    np.fliplr: [lambda x: np.fliplr(x)],
    np.flipud: [lambda x: np.flipud(x)],
    np.rot90: [lambda x: np.rot90(x), lambda x: np.rot90(x, k=2, axes=(1, 0))],
    np.roll: [lambda x: np.roll(x, 2), lambda x: np.roll(x, 1, axis=1), lambda x: np.roll(x, (1, 2), axis=(0, 1))],
    np.tile: [lambda x: np.tile(x, 2), lambda x: np.tile(x, (2, 1)), lambda x: np.tile(x, (2, 1, 3))],
    np.repeat: [lambda x: np.repeat(x, 2), lambda x: np.repeat(x, 3, axis=1), lambda x: np.repeat(x, [1, 2], axis=0)],
    np.pad: [
        lambda x: np.pad(x, 1),
        lambda x: np.pad(x, ((1, 0), (0, 2))),
        lambda x: np.pad(x, (1, 2), constant_values=3.0),
    ],
    np.take: [
        lambda x: np.take(x, [0, 4, 4]),
        lambda x: np.take(x, [[2, 0]], axis=1),
        lambda x: np.take(x, 1, axis=-1),
    ],
    np.take_along_axis: [lambda x: np.take_along_axis(x, np.array([[2], [0]]), axis=1)],
    np.tril: [lambda x: np.tril(x), lambda x: np.tril(x, -1)],
    np.triu: [lambda x: np.triu(x), lambda x: np.triu(x, k=1)],
    np.diag: [lambda x: np.diag(x[0]), lambda x: np.diag(x, 1)],
    np.diagflat: [lambda x: np.diagflat(x, 1)],
    np.diagonal: [lambda x: np.diagonal(x), lambda x: np.diagonal(x[None], 0, 1, 2)],
    np.meshgrid: [lambda x: np.meshgrid(x[0], X[1])[0], lambda x: np.meshgrid(x[0], X[1], indexing="ij")[0]],
    np.fix: [lambda x: np.fix(x * 3.3)],
    np.sinc: [lambda x: np.sinc(x)],
    np.nan_to_num: [lambda x: np.nan_to_num(x), lambda x: np.nan_to_num(x, nan=2.0, posinf=1.0)],
    np.isclose: [lambda x: np.isclose(x, X + 1e-9), lambda x: np.isclose(X, x, atol=1.0)],
    np.allclose: [lambda x: np.allclose(x, X), lambda x: np.allclose(X + 1, x)],
    np.isposinf: [lambda x: np.isposinf(x)],
    np.isneginf: [lambda x: np.isneginf(x)],
    np.isin: [lambda x: np.isin(x, [0.3, 0.4]), lambda x: np.isin(x, [0.3], invert=True)],
    np.vdot: [lambda x: np.vdot(x, X), lambda x: np.vdot(V, x[0])],
    np.inner: [lambda x: np.inner(x, X), lambda x: np.inner(V, x)],
    np.outer: [lambda x: np.outer(x, V), lambda x: np.outer(V, x[0])],
    np.kron: [lambda x: np.kron(x, X), lambda x: np.kron(X[0], x[1])],
    np.cross: [lambda x: np.cross(x, V), lambda x: np.cross(np.transpose(X), np.transpose(x), axis=0)],
    np.tensordot: [lambda x: np.tensordot(x, X), lambda x: np.tensordot(x, X, axes=([1], [1]))],
    np.einsum: [lambda x: np.einsum("ij->j", x), lambda x: np.einsum("ij,kj->ik", x, X)],
    np.trace: [lambda x: np.trace(x), lambda x: np.trace(x, offset=1)],
    np.vander: [lambda x: np.vander(x[0]), lambda x: np.vander(x[0], 2, increasing=True)],
    N.matmul: [lambda x: N.matmul(x, X.T), lambda x: N.matmul(X.T, x)],
    N.outer: [lambda x: N.outer(x[0], V)],
    N.cross: [lambda x: N.cross(x, V)],
    N.vecdot: [lambda x: N.vecdot(x, V), lambda x: N.vecdot(x, X, axis=0)],
    N.tensordot: [lambda x: N.tensordot(x, X)],
    N.diagonal: [lambda x: N.diagonal(x[None]), lambda x: N.diagonal(x, offset=1)],
    N.trace: [lambda x: N.trace(x[None]), lambda x: N.trace(x, offset=1)],
    N.matrix_transpose: [lambda x: N.matrix_transpose(x[None])],
    N.multi_dot: [lambda x: N.multi_dot([x, X.T, x])],
    N.matrix_power: [lambda x: N.matrix_power(sym(x), 3), lambda x: N.matrix_power(sym(x), -1)],
    N.inv: [lambda x: N.inv(sym(x))],
    N.pinv: [lambda x: N.pinv(x)],
    N.det: [lambda x: N.det(sym(x))],
    N.slogdet: [lambda x: N.slogdet(sym(x))[1], lambda x: N.slogdet(sym(x)).logabsdet],
    N.solve: [
        lambda x: N.solve(sym(x), V[:2]),
        lambda x: N.solve(S, np.transpose(x)),
        lambda x: N.solve(np.stack([S, 2 * S, 3 * S]), np.transpose(x) @ X),
    ],
    N.cholesky: [lambda x: N.cholesky(sym(x)), lambda x: N.cholesky(sym(x), upper=True)],
    N.eigh: [lambda x: N.eigh(sym(x))[0], lambda x: N.eigh(sym(x), "U").eigenvalues],
    N.eigvalsh: [lambda x: N.eigvalsh(sym(x))],
    N.svd: [lambda x: N.svd(x, full_matrices=False)[1], lambda x: N.svd(x, compute_uv=False)],
    N.svdvals: [lambda x: N.svdvals(x)],
    N.qr: [lambda x: N.qr(np.transpose(x))[0], lambda x: N.qr(x).R],
    N.cond: [lambda x: N.cond(x), lambda x: N.cond(sym(x), 2)],
    N.matrix_rank: [lambda x: N.matrix_rank(x)],
    N.vector_norm: [lambda x: N.vector_norm(x), lambda x: N.vector_norm(x, axis=1, ord=1, keepdims=True)],
    N.matrix_norm: [lambda x: N.matrix_norm(x), lambda x: N.matrix_norm(x, keepdims=True)],
    np.float_power: [lambda x: np.float_power(np.exp(x), 1.5), lambda x: np.float_power(2.0, x)],
    np.ldexp: [lambda x: np.ldexp(x, 2)],
    np.vecdot: [lambda x: np.vecdot(x, V), lambda x: np.vecdot(X, x, axis=0)],
    np.multiply: [lambda x: np.multiply.reduce(x), lambda x: np.multiply.accumulate(x, axis=1)],
    np.add: [lambda x: np.add.accumulate(x), lambda x: np.add.accumulate(x, axis=1)],
    np.logaddexp: [lambda x: np.logaddexp.reduce(x, axis=1)],
    np.logical_and: [lambda x: np.logical_and.reduce(x > 0, axis=1)],
    np.logical_or: [lambda x: np.logical_or.reduce(x > 0)],
}
SERVED = {**FUNCTIONS, **numpy_names.served(UFUNCS)}
METHODS = (np.multiply, np.add, np.logaddexp, np.logical_and, np.logical_or)
ELSEWHERE = set(numpy_names.FILLING)  # in test_numpy_protocol, with those that were always there
NEEDS = {
    np.multiply: "cumprod",
    np.add: "cumsum",
    np.logaddexp: "logsumexp",
    np.logical_and: "all",
    np.logical_or: "any",
}
CASES = [(f, c) for f, calls in CALLS.items() for c in calls]


def data(value: Any) -> Any:
    return value.data if isinstance(value, al.Tensor) else value


def there(function: Any) -> bool:
    return hasattr(ops, NEEDS[function]) if function in METHODS else function in SERVED


@pytest.mark.parametrize(("function", "call"), CASES, ids=[f.__name__ for f, _ in CASES])
def test_values_are_numpys_and_gradients_those_of_differences(function: Any, call: Callable[[Any], Any]):
    if not there(function):
        pytest.skip("its op is not there")
    x = al.tensor(X, requires_grad=True)
    y, want = call(x), call(X)
    assert np.shape(data(y)) == np.shape(want)
    np.testing.assert_allclose(data(y), want, rtol=1e-12, atol=1e-14)
    assert np.asarray(data(y)).dtype.kind == np.asarray(want).dtype.kind
    if np.asarray(want).dtype.kind != "f":
        assert not getattr(y, "requires_grad", False)
        return
    assert y.requires_grad
    cotangent = np.random.default_rng(0).normal(size=y.shape)
    y.backward(cotangent)
    h, slopes = 1e-6, np.zeros(X.shape)
    for place in np.ndindex(X.shape):
        step = np.zeros(X.shape)
        step[place] = h
        slopes[place] = np.sum(cotangent * (call(X + step) - call(X - step))) / (2 * h)
    np.testing.assert_allclose(x.grad.data, slopes, rtol=1e-5, atol=1e-7)


# ------------------------------------------------------------------------------------------- completeness

# Public names that NumPy has too, with another meaning, or for what no tensor is given to
OTHER_MEANING = {
    "arange": "makes a tensor of numbers",
    "broadcast_shapes": "of shapes, not of tensors",
    "empty": "makes a tensor",
    "eye": "makes a tensor",
    "full": "makes a tensor",
    "identity": "makes a tensor",
    "linspace": "makes a tensor of numbers",
    "logspace": "makes a tensor of numbers",
    "ones": "makes a tensor",
    "zeros": "makes a tensor",
    "tri": "makes a tensor",
    "tril_indices": "makes places",
    "triu_indices": "makes places",
    "can_cast": "of dtypes",
    "promote_types": "of dtypes",
    "result_type": "of dtypes",
    "finfo": "of dtypes",
    "iinfo": "of dtypes",
    "dtype": "a dtype",
    "select": "PyTorch's picks an index of a dimension, NumPy's chooses by conditions",
    "geterr": "settings",
    "row_stack": "NumPy's calls np.vstack",
    "save": "files",
    "load": "files",
    "from_dlpack": "makes a tensor",
    "frombuffer": "makes a tensor",
    "asarray": "refused with the remedy where a gradient would be lost",
    "array": "refused with the remedy where a gradient would be lost",
}
OTHER_LINALG = {"lstsq": "what it returns is not NumPy's"}


def of_numpy(home: Any, name: str) -> Any:
    function = getattr(home, name, None)
    return function if callable(function) and not isinstance(function, type) else None


def test_every_public_name_that_numpy_has_is_served_or_has_another_meaning():
    missing = []
    for name in sorted({*al.__all__, *ops.__all__}):
        function = of_numpy(np, name)
        if function is None or not callable(getattr(al, name, getattr(ops, name, None))) or name in OTHER_MEANING:
            continue
        if function not in ufuncs and function not in SERVED and function not in PLAIN:
            missing.append(name)
    assert missing == []


def test_every_name_of_linalg_that_numpy_has_is_served():
    ours = getattr(al, "linalg", None)
    names = [n for n in getattr(ours, "__all__", ()) if of_numpy(N, n) is not None and n not in OTHER_LINALG]
    assert [n for n in names if getattr(N, n) not in SERVED] == []


def test_every_ufunc_of_numpy_with_an_op_of_its_name_is_recorded():
    aliases = {"arccos": "acos", "arcsin": "asin", "arctan": "atan", "arctan2": "atan2", "true_divide": "divide"}
    for name in dir(np):
        function = getattr(np, name)
        if isinstance(function, np.ufunc) and (hasattr(ops, name) or hasattr(ops, aliases.get(name, "-"))):
            assert function in ufuncs or function in SERVED, name


def test_every_entry_of_the_tables_is_called_in_a_test():
    from test_numpy_protocol import FUNCTION_CALLS, NOT_RECORDED

    names = {name for name, _ in FUNCTION_CALLS}
    tested = {*CALLS, *NOT_RECORDED, *ELSEWHERE}
    assert [f.__name__ for f in SERVED if f not in tested and f.__name__ not in names] == []


@pytest.mark.parametrize("name", INSTEAD)
def test_what_to_write_instead_is_for_functions_that_numpy_has_and_that_are_not_served(name: str):
    function: Any = np
    for part in name.split(".")[1:]:
        function = getattr(function, part)
    assert callable(function)
    assert function not in SERVED


@pytest.mark.parametrize(
    ("call", "name", "instead"),
    [
        (lambda x: np.append(x, 1.0), "np.append", "al.cat"),
        (lambda x: np.ptp(x), "np.ptp", "x.amax(dim) - x.amin(dim)"),
        (lambda x: np.linalg.eig(x @ x.T), "np.linalg.eig", "al.linalg.eigh"),
        (lambda x: np.partition(x, 1), "np.partition", "al.topk"),
        (lambda x: np.multiply.outer(x, x), "np.multiply.outer", "x[..., None] * y"),
        (lambda x: np.interp(x, [0.0, 1.0], [0.0, 2.0]), "np.interp", "np.searchsorted"),
        (lambda x: np.fft.fft(x), "np.fft.fft", "al.primitive"),
        (lambda x: np.spacing(x), "np.spacing", "al.primitive"),
    ],
)
def test_a_function_without_a_rule_names_what_to_write_instead(call: Any, name: str, instead: str):
    with pytest.raises(TypeError) as caught:
        call(al.tensor(X, requires_grad=True))
    assert str(caught.value).startswith(f"{name} has no derivative rule here")
    assert instead in str(caught.value)
    if name != "np.linalg.eig":
        np.testing.assert_array_equal(data(call(al.tensor(X))), call(X))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.argwhere(x > 0),
        lambda x: np.nonzero(x > 0)[0],
        lambda x: np.searchsorted([0.0, 1.0], x),
        lambda x: np.unique(x),
        lambda x: np.array_equal(x, X),
        lambda x: np.isreal(x),
    ],
)
def test_places_and_answers_have_no_derivative_and_are_given(call: Any):
    y = call(al.tensor(X, requires_grad=True))
    assert not getattr(y, "requires_grad", False)
    np.testing.assert_array_equal(data(y), call(X))


# ------------------------------------------------------------------------------------------- promotion

DTYPES = [np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.float16, np.float32, np.float64]
BINARY = [f for f in ufuncs if f.nin == 2 and f is not np.matmul]
OPERATORS = [
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.pow),
    *(operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne, operator.and_, operator.or_),
]
numbers = st.sampled_from([0, 1, 2, 3, 100, 300, -1, 0.0, 0.5, 2.0, 1.0, 1e30, True, False])


def operand(kind: str, dtype: Any, number: Any, shape: tuple[int, ...]) -> Any:
    """A Python number, a NumPy scalar, an array without dimensions, or an array."""
    if kind == "python":
        return number
    with np.errstate(all="ignore"):
        array = np.full(shape if kind == "array" else (), abs(number) if abs(number) < 100 else 7).astype(dtype)
    return array[()] if kind == "scalar" else array


def outcome(call: Callable[[], Any]) -> Any:
    try:
        with np.errstate(all="ignore"):
            return np.asarray(data(call()))
    except (TypeError, OverflowError, ValueError) as error:
        return type(error)


@pytest.mark.parametrize("function", [*BINARY, *OPERATORS], ids=lambda f: f.__name__)
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(DTYPES),
    st.sampled_from(DTYPES),
    st.sampled_from(["python", "scalar", "zero", "array"]),
    numbers,
    numbers,
    st.booleans(),
)
def test_results_have_the_dtype_and_the_values_that_numpy_gives(
    function: Any, own: Any, other: Any, kind: str, number: Any, value: Any, swap: bool
):
    a = operand("array", own, value, (2, 3))
    b = operand(kind, other, number, (3,))
    for second in (b, al.tensor(b) if isinstance(b, np.ndarray) else b):
        ours = (second, al.tensor(a)) if swap else (al.tensor(a), second)
        want = outcome(lambda: function(b, a) if swap else function(a, b))
        found = outcome(lambda ours=ours: function(*ours))
        if isinstance(want, type):
            assert isinstance(found, type), (want, found)
            continue
        assert not isinstance(found, type), (want, found)
        assert found.dtype == want.dtype
        np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("exponent", [1, 2, 3, 1.0, 2.0, 0.5, True, np.float32(2), np.int8(2), np.float64(1)])
def test_powers_have_numpys_dtype(dtype: Any, exponent: Any):  # of np.power: ** of booleans differs from it
    a = np.array([1, 2, 3]).astype(dtype)
    want, found = outcome(lambda: np.power(a, exponent)), outcome(lambda: al.tensor(a) ** exponent)
    assert found.dtype == want.dtype
    np.testing.assert_array_equal(found, want)
