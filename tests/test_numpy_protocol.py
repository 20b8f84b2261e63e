"""NumPy's functions on tensors: recorded, with NumPy's values, or refused by name; never silently untracked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import interop
from autograd_lite.core import ufuncs
from autograd_lite.numpy_names import FILLING

X = np.array([[0.3, -0.6, 0.9], [1.2, -1.5, 0.4]])
POSITIVE = np.abs(X)
DOMAIN = dict.fromkeys((np.log, np.log2, np.log10, np.log1p, np.sqrt, np.power), POSITIVE)
DOMAIN |= {np.arcsin: X / 2, np.arccos: X / 2, np.arctanh: X / 2, np.arccosh: POSITIVE + 1}
WHOLE = {np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift, np.gcd, np.lcm}


def tracked(array: Any) -> al.Tensor:
    return al.tensor(array, requires_grad=True)


def data(value: Any) -> Any:
    return value.data if isinstance(value, al.Tensor) else value


@pytest.mark.parametrize("function", list(ufuncs), ids=lambda f: f.__name__)
def test_every_registered_ufunc_has_numpys_values_and_is_recorded_where_it_has_a_rule(function: Any):
    op = ufuncs[function].op
    first = np.array([[6, 3, 5]]) if function in WHOLE else DOMAIN.get(function, X)
    if function is np.matmul:
        operands = [first, X.T]
    else:
        operands = [first, np.array([2, 1, 4]) if function in WHOLE else POSITIVE[0] + 0.1][: function.nin]
    want = function(*operands)
    make = al.tensor if function in WHOLE else tracked
    y = function(*map(make, operands))
    assert isinstance(y, al.Tensor)
    np.testing.assert_array_equal(data(y), want)
    assert y.dtype == want.dtype
    assert y.requires_grad is op.differentiable
    tensors = [make(o) for o in operands]
    for k in range(len(operands) if op.differentiable else 0):  # each operand alone tracked, the other an array
        mixed = [t if i == k else o for i, (t, o) in enumerate(zip(tensors, operands, strict=True))]
        y = function(*mixed)
        assert y.requires_grad
        np.testing.assert_array_equal(data(y), want)
        y.sum().backward()
        assert tensors[k].grad.shape == operands[k].shape


FUNCTION_CALLS: list[tuple[str, Callable[[Any], Any]]] = [
    ("sum", lambda x: np.sum(x)),
    ("sum", lambda x: np.sum(x, axis=0, keepdims=True)),
    ("sum", lambda x: np.sum(x, 1)),
    ("mean", lambda x: np.mean(x, axis=(0, 1))),
    ("mean", lambda x: np.mean(x, axis=-1, keepdims=True)),
    ("var", lambda x: np.var(x)),
    ("var", lambda x: np.var(x, axis=1, ddof=1)),
    ("std", lambda x: np.std(x, axis=0)),
    ("std", lambda x: np.std(x, ddof=1, keepdims=True)),
    ("max", lambda x: np.max(x)),
    ("max", lambda x: np.max(x, axis=1, keepdims=True)),
    ("amax", lambda x: np.amax(x, axis=0)),
    ("min", lambda x: np.min(x, axis=0)),
    ("amin", lambda x: np.amin(x, axis=1)),
    ("dot", lambda x: np.dot(x, X.T)),
    ("dot", lambda x: np.dot(X.T, x)),
    ("clip", lambda x: np.clip(x, -0.5, 0.5)),
    ("clip", lambda x: np.clip(x, None, 0.5)),
    ("where", lambda x: np.where(x > 0, x, 0.0)),
    ("where", lambda x: np.where(X > 0, 1.0, x)),
    ("round", lambda x: np.round(x * 0.9)),
    ("round", lambda x: np.round(x * 0.987654, 2)),
    ("norm", lambda x: np.linalg.norm(x)),
    ("norm", lambda x: np.linalg.norm(x, axis=1)),
    ("norm", lambda x: np.linalg.norm(x, ord=2, axis=0, keepdims=True)),
    ("norm", lambda x: np.linalg.norm(x, "fro")),
    ("reshape", lambda x: np.reshape(x, (3, 2))),
    ("reshape", lambda x: np.reshape(x, -1)),
    ("ravel", lambda x: np.ravel(x)),
    ("transpose", lambda x: np.transpose(x)),
    ("transpose", lambda x: np.transpose(x, (1, 0))),
    ("swapaxes", lambda x: np.swapaxes(x, 0, -1)),
    ("squeeze", lambda x: np.squeeze(x[None], axis=0)),
    ("squeeze", lambda x: np.squeeze(x[:, None])),
    ("expand_dims", lambda x: np.expand_dims(x, 1)),
    ("expand_dims", lambda x: np.expand_dims(x, (0, -1))),
    ("broadcast_to", lambda x: np.broadcast_to(x, (4, 2, 3))),
    ("concatenate", lambda x: np.concatenate([x, X, x])),
    ("concatenate", lambda x: np.concatenate((X, x), axis=1)),
    ("concatenate", lambda x: np.concatenate((X, x), axis=None)),
    ("stack", lambda x: np.stack([x, X], axis=1)),
    ("split", lambda x: np.split(x, 3, axis=1)[1]),
    ("split", lambda x: np.split(x, [1], axis=-1)[1]),
    ("copy", lambda x: np.copy(x)),
    ("add.reduce", lambda x: np.add.reduce(x)),
    ("add.reduce", lambda x: np.add.reduce(x, axis=1, keepdims=True)),
    ("add.reduce", lambda x: np.add.reduce(x, axis=None)),
    ("maximum.reduce", lambda x: np.maximum.reduce(x, axis=1)),
    ("minimum.reduce", lambda x: np.minimum.reduce(x)),
]
NOT_RECORDED = {np.argmax, np.argmin, *FILLING}


def test_every_registered_function_is_called_here():
    from test_numpy_functions import CALLS

    called = {name for name, _ in FUNCTION_CALLS} | {f.__name__ for f in CALLS}
    assert {f.__name__ for f in interop.FUNCTIONS if f not in NOT_RECORDED} <= called


@pytest.mark.parametrize("call", [c for _, c in FUNCTION_CALLS], ids=[n for n, _ in FUNCTION_CALLS])
def test_functions_of_arrays_have_numpys_values_and_let_gradients_flow(call: Callable[[Any], Any]):
    x = tracked(X)
    y = call(x)
    want = call(X)
    assert isinstance(y, al.Tensor)
    assert y.shape == np.shape(want)
    np.testing.assert_allclose(data(y), want, rtol=1e-14)
    assert y.requires_grad
    cotangent = np.random.default_rng(0).normal(size=y.shape)
    y.backward(cotangent)
    h = 1e-6
    for place in np.ndindex(X.shape):
        step = np.zeros(X.shape)
        step[place] = h
        slope = np.sum(cotangent * (call(X + step) - call(X - step))) / (2 * h)
        np.testing.assert_allclose(x.grad.data[place], slope, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("function", [np.argmax, np.argmin])
def test_places_of_extremes_are_numpys(function: Any):
    for kwargs in ({}, {"axis": 0}, {"axis": -1, "keepdims": True}):
        y = function(tracked(X), **kwargs)
        assert not y.requires_grad
        np.testing.assert_array_equal(data(y), function(X, **kwargs))


def test_shapes_and_fillers_are_numpys():
    x = tracked(X)
    assert np.shape(x) == (2, 3)
    assert np.ndim(x) == 2
    assert np.size(x) == 6
    assert np.size(x, 1) == 3
    assert np.empty_like(x).shape == (2, 3)
    for made, value in ((np.zeros_like(x), 0.0), (np.ones_like(x), 1.0), (np.full_like(x, 7.0), 7.0)):
        assert isinstance(made, al.Tensor)
        assert not made.requires_grad
        np.testing.assert_array_equal(made.data, np.full(X.shape, value))
    assert np.zeros_like(x, dtype=np.int64).dtype == np.int64


# ------------------------------------------------------------------------------------- array op tensor

POWER: Callable[[Any, Any], Any] = lambda a, b: a**b
OPERATIONS: list[Callable[[Any, Any], Any]] = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    POWER,
    lambda a, b: a @ b.T,
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_array_and_tensor_in_either_order_are_recorded(operation: Callable[[Any, Any], Any]):
    a, b = POSITIVE, POSITIVE + 0.5
    for mixed in ((tracked(a), b), (a, tracked(b))):
        y = operation(*mixed)
        assert isinstance(y, al.Tensor)
        assert y.requires_grad
        np.testing.assert_allclose(y.data, operation(a, b), rtol=1e-15)
        y.sum().backward()
        (leaf,) = (t for t in mixed if isinstance(t, al.Tensor))
        assert leaf.grad.shape == X.shape


@pytest.mark.parametrize("scalar", [2, 2.0, True, np.float64(2.0), np.float32(2.0), np.int64(2), np.array(2.0)])
@pytest.mark.parametrize("operation", OPERATIONS[:5])
def test_numbers_of_python_and_numpy_on_either_side(operation: Callable[[Any, Any], Any], scalar: Any):
    for dtype in (np.float64, np.float32):
        x = POSITIVE.astype(dtype)
        for swap in (False, True):
            ordered = (lambda f, s, t: f(s, t)) if swap else (lambda f, s, t: f(t, s))
            leaf = tracked(x)
            reference = np.power if operation is POWER else operation  # ** of NumPy 2.0 takes np.float64 for weak
            y, want = ordered(operation, scalar, leaf), ordered(reference, scalar, x)
            assert isinstance(y, al.Tensor)
            assert y.requires_grad
            assert y.dtype == want.dtype
            np.testing.assert_allclose(y.data, want, rtol=1e-6)
            y.sum().backward()
            assert leaf.grad.dtype == dtype


@pytest.mark.parametrize(
    "compare", [np.greater, np.less_equal, np.equal, np.not_equal, np.isnan, np.isfinite, np.logical_not]
)
def test_comparisons_give_constants(compare: Any):
    operands = [tracked(X), X[0]][: compare.nin]
    y = compare(*operands)
    assert not y.requires_grad
    assert y.dtype == bool


# ------------------------------------------------------------------------------------------- refusals


def test_an_array_of_a_tracked_tensor_is_refused_with_the_remedy():
    x = tracked(X)
    for convert in (np.asarray, np.array, lambda t: t.numpy(), lambda t: np.asarray(t, dtype=np.float32)):
        with pytest.raises(al.GraphError, match=r"requires a gradient.*x\.detach\(\)\.numpy\(\)"):
            convert(x)
    np.testing.assert_array_equal(np.asarray(x.detach()), X)
    assert np.asarray(x.detach(), dtype=np.float32).dtype == np.float32
    assert x.detach().numpy() is x.data


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("np.ptp", lambda x: np.ptp(x)),
        ("np.partition", lambda x: np.partition(x, 1)),
        ("np.linalg.eigvals", lambda x: np.linalg.eigvals(x[:, :2])),
        ("np.average", lambda x: np.average(x, axis=0)),
        ("np.cbrt", lambda x: np.cbrt(x)),
        ("np.hypot.reduce", lambda x: np.hypot.reduce(x)),
        ("np.multiply.outer", lambda x: np.multiply.outer(x, x)),
        ("np.maximum.accumulate", lambda x: np.maximum.accumulate(x)),
        ("np.append", lambda x: np.append(x, X)),
        ("np.linalg.norm", lambda x: np.linalg.norm(x, ord=1)),
        ("np.linalg.norm", lambda x: np.linalg.norm(x, ord=2)),
        ("np.linalg.norm", lambda x: np.linalg.norm(x, 2, (0, 1))),
        ("np.exp", lambda x: np.exp(x, where=X > 0)),
        ("np.exp", lambda x: np.exp(x, dtype=np.float32)),
    ],
)
def test_a_function_without_a_rule_is_refused_by_name_on_what_is_tracked(name: str, call: Callable[[Any], Any]):
    with pytest.raises(TypeError) as caught:
        call(tracked(X))
    assert str(caught.value).startswith(name)
    assert "no derivative rule" in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.gradient(x, axis=1),
        lambda x: np.partition(x, 1),
        lambda x: np.average(x, axis=0),
        lambda x: np.cbrt(x),
        lambda x: np.hypot.reduce(x),
        lambda x: np.maximum.accumulate(x),
        lambda x: np.append(x, X),
    ],
)
def test_a_function_without_a_rule_runs_on_constants(call: Callable[[Any], Any]):
    y = call(al.tensor(X))
    assert isinstance(y, al.Tensor)
    assert not y.requires_grad
    np.testing.assert_array_equal(y.data, call(X))


def test_functions_that_give_no_array_give_what_numpy_gives():
    assert np.allclose(al.tensor(X), X) is True
    assert np.array_equal(al.tensor(X), X + 1) is False


def test_adding_a_tracked_tensor_into_an_array_is_refused_and_leaves_the_array():
    a, t = X.copy(), tracked(X)
    with pytest.raises(TypeError, match=r"np\.add into out=.*a = a \+ x"):
        a += t
    with pytest.raises(TypeError, match=r"np\.multiply into out="):
        a *= t
    np.testing.assert_array_equal(a, X)
    a = a + t
    assert a.requires_grad


def test_out_is_refused():
    t, out = tracked(X), np.zeros(X.shape)
    with pytest.raises(TypeError, match="out="):
        np.exp(t, out=out)
    with pytest.raises(TypeError, match="out="):
        np.add.reduce(t, axis=0, out=np.zeros(3))
    with pytest.raises(TypeError):
        np.sum(t, axis=0, out=np.zeros(3))
    with pytest.raises(TypeError):
        np.exp(X, out=al.zeros(2, 3))
    np.testing.assert_array_equal(out, np.zeros(X.shape))


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.sum(x, 0, np.float32),
        lambda x: np.mean(x, 0, np.float32),
        lambda x: np.max(x, 0, np.zeros(3)),
        lambda x: np.var(x, 0, np.float64),
        lambda x: np.argmax(x, 0, np.zeros(3, int)),
        lambda x: np.sum(x, initial=3.0),
        lambda x: np.mean(x, where=X > 0),
    ],
)
def test_arguments_that_are_not_served_are_never_taken_for_others(call: Callable[[Any], Any]):
    with pytest.raises(TypeError):
        call(tracked(X))


ZEROS = np.zeros((2, 3))
WRITES: list[tuple[str, Callable[[Any], Any]]] = [
    ("np.copyto", lambda x: np.copyto(x, ZEROS)),
    ("np.copyto", lambda x: np.copyto(dst=x, src=ZEROS)),
    ("np.put", lambda x: np.put(x, [0], 9.0)),
    ("np.place", lambda x: np.place(x, ZEROS == 0, [9.0])),
    ("np.putmask", lambda x: np.putmask(x, ZEROS == 0, 9.0)),
    ("np.fill_diagonal", lambda x: np.fill_diagonal(x, 9.0)),
    ("np.put_along_axis", lambda x: np.put_along_axis(x, np.zeros((2, 1), int), 9.0, 1)),
    ("np.nan_to_num", lambda x: np.nan_to_num(x, copy=False)),
    ("np.add.at", lambda x: np.add.at(x, 0, 9.0)),
    ("np.negative.at", lambda x: np.negative.at(x, 0)),
    ("np.exp", lambda x: np.exp(ZEROS, out=x)),
    ("np.exp", lambda x: np.exp(ZEROS, x)),
    ("np.add.reduce", lambda x: np.add.reduce(np.zeros((2, 2, 3)), out=x)),
    ("np.sum", lambda x: np.sum(np.zeros((2, 2, 3)), axis=0, out=x)),
    ("np.cumsum", lambda x: np.cumsum(ZEROS, 0, None, x)),
    ("np.einsum", lambda x: np.einsum("ij->ij", ZEROS, out=x)),
    ("np.dot", lambda x: np.dot(np.zeros((2, 2)), ZEROS, out=x)),
]


@pytest.mark.parametrize(("name", "call"), WRITES, ids=[n for n, _ in WRITES])
@pytest.mark.parametrize("requires_grad", [False, True])
def test_numpys_writes_into_a_tensor_are_refused_with_the_remedy(
    name: str, call: Callable[[Any], Any], requires_grad: bool
):
    x = al.tensor(X, requires_grad=requires_grad)
    with pytest.raises(TypeError) as caught:
        call(x)
    assert str(caught.value).startswith(name)
    assert "x[...] = v or x.copy_(v)" in str(caught.value)
    np.testing.assert_array_equal(x.data, X)


def test_numpys_writes_take_constants_as_a_source():
    a = np.zeros(X.shape)
    np.copyto(a, al.tensor(X))
    np.testing.assert_array_equal(a, X)
    with pytest.raises(TypeError, match=r"^np\.copyto has no derivative rule"):
        np.copyto(a, tracked(X + 1))
    np.testing.assert_array_equal(a, X)


@pytest.mark.parametrize(
    ("name", "argument", "call"),
    [
        ("np.sum", "dtype=", lambda x: np.sum(x, dtype=np.float32)),
        ("np.sum", "dtype=", lambda x: np.sum(x, 0, np.float32)),
        ("np.max", "initial=", lambda x: np.max(x, initial=3.0)),
        ("np.argmax", "out=", lambda x: np.argmax(x, 0, np.zeros(3, int))),
        ("np.var", "where=", lambda x: np.var(x, where=X > 0)),
        ("np.round", "out=", lambda x: np.round(x, 2, np.zeros((2, 3)))),
        ("np.reshape", "order=", lambda x: np.reshape(x, (3, 2), order="F")),
        ("np.concatenate", "out=", lambda x: np.concatenate([x, x], out=np.zeros((4, 3)))),
        ("np.clip", "casting=", lambda x: np.clip(x, 0, 1, casting="no")),
        ("np.where", "required", lambda x: np.where(x)),
    ],
)
def test_an_argument_that_is_not_served_is_named(name: str, argument: str, call: Callable[[Any], Any]):
    with pytest.raises(TypeError) as caught:
        call(tracked(X))
    assert str(caught.value).startswith(f"{name} of a Tensor")
    assert argument in str(caught.value)


@pytest.mark.parametrize("call", [lambda x: np.sum(a=x), lambda x: np.swapaxes(a=x, axis1=0, axis2=1)])
def test_first_arguments_have_numpys_names(call: Callable[[Any], Any]):
    np.testing.assert_allclose(call(tracked(X)).data, call(X))


OTHER = [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    "call",
    [
        lambda x, y: x @ y,
        lambda x, y: y @ x,
        lambda x, y: al.dot(x, y),
        lambda x, y: al.matmul(y[0], x),
        lambda x, y: al.nn.functional.linear(x, y),
        lambda x, y: al.nn.functional.linear(y, x),
        lambda x, y: al.nn.functional.linear(x, y, y[0]),
        lambda x, y: al.where(x > 0, x, y) + al.where(x > 0, y, x),
        lambda x, y: al.maximum(x, y) + al.minimum(y, x),
        lambda x, y: al.maximum(y, x) + al.minimum(x, y),
        lambda x, y: x / y + y / x,
        lambda x, y: x * y - y,
        lambda x, y: abs(x) ** y,
        lambda x, y: y**x,
        lambda x, y: al.nn.functional.mse_loss(x, y) + al.nn.functional.l1_loss(y, x),
        lambda x, y: al.nn.functional.binary_cross_entropy_with_logits(x, y),
        lambda x, y: al.nn.functional.binary_cross_entropy_with_logits(y, x),
        lambda x, y: al.nn.functional.binary_cross_entropy(al.sigmoid(x), y),
        lambda x, y: al.nn.functional.cross_entropy(x, y, label_smoothing=0.1),
        lambda x, y: al.clamp(x, y),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_a_list_has_the_gradients_of_its_array(call: Callable[[Any, Any], Any], create_graph: bool):
    values = np.array([[0.3, -0.6], [1.2, 3.5]])
    grads = []
    for other in (OTHER, np.array(OTHER)):
        x = tracked(values)
        y = call(x, other).sum()
        grads += al.autograd.grad(y, x, create_graph=create_graph)
    np.testing.assert_array_equal(grads[0].data, grads[1].data)


@pytest.mark.parametrize(("base", "exponent"), [([0.0, 2.0], [1.0, 1.0]), ([0.0, 2.0], [0.0, 3.0])])
def test_a_list_in_a_power_at_zero_has_the_slopes_of_its_array(base: Any, exponent: Any):
    for convert in (list, np.array):
        x, e = tracked(base), tracked(exponent)
        (x ** convert(exponent)).sum().backward()
        (convert(base) ** e).sum().backward()
        assert np.isfinite(x.grad.data).all()
        np.testing.assert_allclose(e.grad.data, [0.0, 2.0 ** exponent[1] * np.log(2.0)])


def test_numpy_scalars_and_python_lists_become_constants():
    x = tracked([1.0, 2.0])
    (np.float64(3.0) * x + [1.0, 2.0]).sum().backward()
    np.testing.assert_array_equal(x.grad, [3.0, 3.0])


def test_iteration_length_and_membership_are_numpys():
    x = tracked([1.0, 2.0])
    first, second = x
    (first * second).backward()
    np.testing.assert_array_equal(x.grad, [2.0, 1.0])
    assert len(x) == 2
    assert 2.0 in x
    assert 3.0 not in x
    with pytest.raises(TypeError, match="no length"):
        len(al.tensor(1.0))


def test_one_number_becomes_pythons_and_several_do_not():
    x = tracked(2.5)
    assert float(x) == 2.5
    assert int(x) == 2
    assert bool(x) is True
    assert f"{x:.1f}" == "2.5"
    assert [10, 20, 30][al.tensor(1)] == 20
    with pytest.raises(ValueError, match=r"one number.*\(2,\)"):
        tracked([1.0, 2.0]).item()
    with pytest.raises(ValueError, match="ambiguous"):
        bool(tracked([1.0, 2.0]))
