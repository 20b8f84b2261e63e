"""Every op, one line each: its values, its first and second derivatives, and that it leaves its inputs alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import check_first_order, check_second_order, leaves
from strategies import (
    Call,
    Draw,
    along,
    apart,
    array_index,
    arrays,
    basic_index,
    binary,
    broadcastable,
    matmul_shapes,
    reduction,
    seeds,
    shapes,
    spread_arrays,
    unary,
)

import autograd_lite as al
from autograd_lite import ops
from autograd_lite.check import gradcheck, gradgradcheck

# ------------------------------------------------------------------- calls whose shapes hang together


@st.composite
def of_shape(draw: Draw, build: Callable[..., Any], min_dims: int = 0, **sides: int) -> Call:
    """`build(draw, shape)` gives the function for an array of that shape."""
    shape = draw(shapes(min_dims=min_dims, **sides))
    return Call(build(draw, shape), (draw(arrays(shape)),))


@st.composite
def several(draw: Draw, function: Callable[..., Any], *shape_list: tuple[int, ...]) -> Call:
    return Call(function, tuple(draw(arrays(s)) for s in shape_list))


def reshaped(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    size = int(np.prod(shape))
    target = draw(st.sampled_from([(size,), (1, size), (size, 1, 1), shape[::-1]]))
    return lambda x: al.reshape(x, target)


def permuted(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    order = draw(st.permutations(range(len(shape))))
    return lambda x: al.permute(x, tuple(order))


def transposed(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    a, b = (draw(st.integers(-len(shape), len(shape) - 1)) for _ in range(2))
    return lambda x: al.transpose(x, a, b)


def unsqueezed(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    dim = draw(st.integers(-len(shape) - 1, len(shape)))
    return lambda x: al.unsqueeze(x, dim)


def flattened(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    first = draw(st.integers(0, len(shape) - 1))
    last = draw(st.integers(first, len(shape) - 1))
    return lambda x: al.flatten(x, first, last)


def padded(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    widths = [(draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in shape]
    return lambda x: ops.pad(x, widths, value=0.5)


def pieces(function: Callable[..., Any]) -> Callable[..., Any]:
    """The pieces of x, weighted so that they are told apart, in one array again."""

    def build(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
        dim, size = draw(st.integers(0, len(shape) - 1)), draw(st.integers(1, 3))
        return lambda x: al.cat([p * (k + 1.0) for k, p in enumerate(function(x, size, dim))], dim)

    return build


def indexed(strategy: Callable[[tuple[int, ...]], Any]) -> Callable[..., Any]:
    def build(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
        index = draw(strategy(shape))
        return lambda x: ops.getitem(x, index)

    return build


def selected(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    index = np.random.default_rng(draw(seeds())).integers(0, shape[dim], draw(st.integers(0, 4)))
    return lambda x: al.index_select(x, dim, index)


def gathered(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    places = [draw(st.integers(0, n)) for n in shape]
    places[dim] = draw(st.integers(0, 4))
    index = np.random.default_rng(draw(seeds())).integers(0, shape[dim], places)
    return lambda x: al.gather(x, dim, index)


def embedded(draw: Draw, shape: tuple[int, ...]) -> Callable[..., Any]:
    index = np.random.default_rng(draw(seeds())).integers(0, shape[0], draw(shapes(max_dims=2, max_side=4)))
    return lambda table: ops.embedding(index, table)


@st.composite
def spread_out(draw: Draw) -> Call:
    small, big = draw(broadcastable(2))
    shape = np.broadcast_shapes(small, big)
    return Call(lambda x: al.broadcast_to(x, shape), (draw(arrays(small)),))


@st.composite
def expanded(draw: Draw) -> Call:
    small, big = draw(broadcastable(2))
    shape = np.broadcast_shapes(small, big)
    new = len(shape) - len(small)
    sizes = [n if k < new or small[k - new] != n else -1 for k, n in enumerate(shape)]
    return Call(lambda x: ops.expand(x, *sizes), (draw(arrays(small)),))


@st.composite
def summed_to(draw: Draw) -> Call:
    small, big = draw(broadcastable(2))
    return Call(lambda x: ops.sum_to(x, shape=small), (draw(arrays(np.broadcast_shapes(small, big))),))


@st.composite
def chosen(draw: Draw) -> Call:
    mask, a, b = draw(broadcastable(3))
    condition = np.random.default_rng(draw(seeds())).random(mask) < 0.5
    return Call(lambda a, b: al.where(condition, a, b), (draw(arrays(a)), draw(arrays(b))))


@st.composite
def whole_powers(draw: Draw) -> Call:
    a, b = draw(broadcastable(2))
    exponents = np.random.default_rng(draw(seeds())).integers(-1, 4, b).astype(float)
    return Call(al.power, (draw(arrays(a, 0.3, 2)), exponents))


@st.composite
def joined(draw: Draw) -> Call:
    shape = draw(shapes(min_dims=1))
    dim = draw(st.integers(-len(shape), len(shape) - 1))
    sizes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    parts = [[n if k != dim % len(shape) else size for k, n in enumerate(shape)] for size in sizes]
    return Call(lambda *xs: al.cat(xs, dim), tuple(draw(arrays(tuple(p))) for p in parts))


@st.composite
def stacked(draw: Draw) -> Call:
    shape = draw(shapes())
    dim = draw(st.integers(-len(shape) - 1, len(shape)))
    return Call(lambda *xs: al.stack(xs, dim), tuple(draw(arrays(shape)) for _ in range(draw(st.integers(1, 3)))))


@st.composite
def products(draw: Draw, function: Callable[..., Any]) -> Call:
    a, b = draw(matmul_shapes())
    return Call(function, (draw(arrays(a)), draw(arrays(b))))


@st.composite
def dots(draw: Draw) -> Call:
    a, b = draw(
        st.sampled_from([((), (2,)), ((2, 3), ()), ((3,), (2, 3, 2)), ((2, 3), (3, 2)), ((2, 1, 3), (2, 3, 2))])
    )
    return Call(al.dot, (draw(arrays(a)), draw(arrays(b))))


@st.composite
def affine(draw: Draw, bias: bool) -> Call:
    rows, n, m = draw(shapes(max_dims=2)), draw(st.integers(0, 3)), draw(st.integers(0, 3))
    sizes = [(*rows, n), (m, n), *([(m,)] if bias else [])]
    return Call(ops.linear, tuple(draw(arrays(s)) for s in sizes))


@st.composite
def windows(draw: Draw, function: Callable[..., Any], **choices: list[Any]) -> Call:
    attributes = {name: draw(st.sampled_from(values)) for name, values in choices.items()}
    shape = (draw(st.integers(0, 2)), draw(st.integers(1, 2)), draw(st.integers(3, 4)), draw(st.integers(3, 5)))
    return Call(lambda x: function(x, 2, **attributes), (draw(arrays(shape)),))


@st.composite
def folded(draw: Draw) -> Call:
    padding, stride = draw(st.integers(0, 1)), draw(st.integers(1, 2))
    positions = ((3 + 2 * padding - 2) // stride + 1) * ((4 + 2 * padding - 2) // stride + 1)
    x = draw(arrays((draw(st.integers(0, 2)), 4 * draw(st.integers(1, 2)), positions)))
    return Call(lambda x: ops.fold(x, (3, 4), 2, padding=padding, stride=stride), (x,))


REDUCTIONS = st.sampled_from(["mean", "sum", "none"])


@st.composite
def class_losses(draw: Draw, function: Callable[..., Any], high_dims: bool, **options: Any) -> Call:
    extra = draw(shapes(max_dims=2, min_side=1)) if high_dims else ()
    n, c, reduction = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(REDUCTIONS)
    target = np.random.default_rng(draw(seeds())).integers(0, c, (n, *extra))
    chosen = {k: draw(st.sampled_from(v)) for k, v in options.items()}
    return Call(lambda x: function(x, target, reduction=reduction, **chosen), (draw(arrays((n, c, *extra))),))


@st.composite
def soft_class_losses(draw: Draw) -> Call:
    shape, reduction = draw(st.sampled_from([(3,), (2, 3), (2, 3, 2)])), draw(REDUCTIONS)
    smoothing = draw(st.sampled_from([0.0, 0.2]))
    return Call(
        lambda x, p: ops.cross_entropy(x, p, reduction=reduction, label_smoothing=smoothing),
        (draw(arrays(shape)), draw(arrays(shape, 0.1, 0.9))),
    )


@st.composite
def elementwise_losses(draw: Draw, function: Callable[..., Any], *bounds: float, kinks: bool = False) -> Call:
    shape, reduction = draw(shapes(min_side=1)), draw(REDUCTIONS)
    both = (
        (draw(spread_arrays(shape)), draw(spread_arrays(shape, 0.1)))
        if kinks
        else (draw(arrays(shape, *bounds)), draw(arrays(shape, *bounds)))
    )
    return Call(lambda x, target: function(x, target, reduction=reduction), both)


def seeded_dropout(x: Any) -> Any:
    return ops.dropout(x, 0.4, generator=np.random.default_rng(3))


# ----------------------------------------------------------------------------- the table: one op, one line

CASES: dict[str, st.SearchStrategy[Call]] = {
    "add": binary(al.add),
    "subtract": binary(al.subtract),
    "multiply": binary(al.multiply),
    "divide": binary(al.divide, (), (0.5, 2)),
    "negative": unary(al.negative),
    "absolute": unary(al.absolute, gap=0.1),
    "square": unary(al.square),
    "sqrt": unary(al.sqrt, 0.1, 3),
    "reciprocal": unary(al.reciprocal, 0.5, 3),
    "power, 3": unary(lambda x: al.power(x, 3)),
    "power, 2": unary(lambda x: al.power(x, 2)),
    "power, 1": unary(lambda x: al.power(x, 1)),
    "power, 0": unary(lambda x: al.power(x, 0)),
    "power, -2": unary(lambda x: al.power(x, -2), 0.5, 2),
    "power, 2.5": unary(lambda x: al.power(x, 2.5), 0.1, 2),
    "power, of a number": unary(lambda x: al.power(2, x)),
    "power, tensors": binary(al.power, (0.3, 2), (-2, 3)),
    "power, whole exponents": whole_powers(),
    "power, constant exponents": unary(lambda x: al.power(x, np.array([3.0])), gap=0.1),
    "exp": unary(al.exp),
    "expm1": unary(al.expm1),
    "log": unary(al.log, 0.1, 3),
    "log1p": unary(al.log1p, -0.5, 3),
    "log2": unary(al.log2, 0.1, 3),
    "sin": unary(al.sin),
    "cos": unary(al.cos),
    "tanh": unary(al.tanh),
    "sigmoid": unary(al.sigmoid),
    "erf": unary(al.erf),
    "erfinv": unary(al.erfinv, -0.9, 0.9),
    "relu": unary(al.relu, gap=0.1),
    "softplus": unary(ops.softplus),
    "maximum": apart(al.maximum),
    "minimum": apart(al.minimum),
    "where": chosen(),
    "clamp": unary(lambda x: al.clamp(x * 1.3, -0.3, 0.4), gap=0.5),
    "clamp, min": unary(lambda x: al.clamp(x, min=0.0), gap=0.1),
    "clamp, max": unary(lambda x: al.clamp(x, max=0.0), gap=0.1),
    "sum": reduction(al.sum),
    "mean": reduction(al.mean, min_side=1),
    "var": reduction(lambda x, **kw: al.var(al.cat([x, x * 0.5], 0), unbiased=False, **kw), min_side=1, min_dims=1),
    "var, unbiased": reduction(lambda x, **kw: al.var(al.stack([x, x * x], -1), **{**kw, "dim": -1}), min_side=1),
    "std": reduction(lambda x, **kw: al.std(al.stack([x, x + 1.0], -1), **{**kw, "dim": -1}), min_side=1),
    "amax": reduction(al.amax, min_side=1, spread=True),
    "amin": reduction(al.amin, min_side=1, spread=True),
    "max": of_shape(lambda draw, shape: lambda x: al.max(x * 0.0 + al.sum(x)), min_side=1),
    "max, dim": reduction(lambda x, **kw: al.max(x, **kw).values, 1, spread=True, several=False),
    "min": of_shape(lambda draw, shape: lambda x: al.min(x * 0.0 + al.sum(x)), min_side=1),
    "min, dim": reduction(lambda x, **kw: al.min(x, **kw).values, 1, spread=True, several=False),
    "logsumexp": reduction(al.logsumexp).filter(lambda c: np.isfinite(c.function(*c.arrays)).all()),  # -inf of nothing
    "norm": reduction(lambda x, **kw: al.norm(x + 3.0, **kw), min_side=1),
    "matmul": products(al.matmul),
    "dot": dots(),
    "linear": affine(bias=False),
    "linear, bias": affine(bias=True),
    "reshape": of_shape(reshaped),
    "permute": of_shape(permuted),
    "transpose": of_shape(transposed, min_dims=1),
    "t": of_shape(lambda draw, shape: al.t, max_dims=2),
    "squeeze": of_shape(lambda draw, shape: al.squeeze, max_side=2),
    "unsqueeze": of_shape(unsqueezed),
    "flatten": of_shape(flattened, min_dims=1),
    "broadcast_to": spread_out(),
    "expand": expanded(),
    "sum_to": summed_to(),
    "cat": joined(),
    "stack": stacked(),
    "split": of_shape(pieces(al.split), min_dims=1),
    "chunk": of_shape(pieces(al.chunk), min_dims=1),
    "pad": of_shape(padded),
    "cast": unary(lambda x: ops.cast(x, dtype=np.dtype(np.float64))),
    "clone": unary(al.clone),
    "getitem, basic": of_shape(indexed(basic_index)),
    "getitem, arrays": of_shape(indexed(array_index)),
    "index_select": of_shape(selected, min_dims=1, min_side=1),
    "gather": of_shape(gathered, min_dims=1, min_side=1),
    "embedding": of_shape(embedded, min_dims=1, min_side=1),
    "softmax": along(al.softmax),
    "log_softmax": along(al.log_softmax),
    "cross_entropy": class_losses(ops.cross_entropy, True, label_smoothing=[0.0, 0.1], ignore_index=[-100, 5]),
    "cross_entropy, probabilities": soft_class_losses(),
    "nll_loss": class_losses(ops.nll_loss, False),
    "mse_loss": elementwise_losses(ops.mse_loss),
    "l1_loss": elementwise_losses(ops.l1_loss, kinks=True),
    "binary_cross_entropy": elementwise_losses(ops.binary_cross_entropy, 0.1, 0.9),
    "binary_cross_entropy_with_logits": elementwise_losses(ops.binary_cross_entropy_with_logits),
    "dropout": unary(seeded_dropout),
    "unfold": windows(ops.unfold, dilation=[1, 2], padding=[0, 1], stride=[1, 2]),
    "fold": folded(),
    "sign": unary(al.sign, gap=0.1),
    "floor": unary(al.floor, 0.1, 0.9),
    "ceil": unary(al.ceil, 0.1, 0.9),
    "round": unary(al.round, 0.6, 0.9),
}  # fmt: skip

NO_DERIVATIVE = {
    *("greater", "greater_equal", "less", "less_equal", "eq", "not_equal", "isnan", "isfinite", "isinf"),
    *("logical_and", "logical_or", "logical_not", "bitwise_and", "bitwise_or", "invert", "floor_divide"),
    *("all", "any", "argmax", "argmin", "one_hot", "discrete"),
}

# dtype tests call with float32 arrays: their functions must not bring float64 along on purpose
BRINGS_FLOAT64 = {"cast", "power, constant exponents"}


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=12)
@given(data=st.data())
def test_gradients_of_first_and_second_order_are_the_differences(name: str, data: st.DataObject):
    function, inputs = data.draw(CASES[name])
    rng = np.random.default_rng(0)
    check_first_order(function, inputs, rng)
    check_second_order(function, inputs, rng)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=3)
@given(data=st.data())
def test_the_package_checks_pass_on_every_op(name: str, data: st.DataObject):
    function, inputs = data.draw(CASES[name])
    for check in (gradcheck, gradgradcheck):
        report = check(function, leaves(inputs))
        assert report, str(report)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=6)
@given(data=st.data())
def test_nothing_is_written_into_inputs_or_cotangent(name: str, data: st.DataObject):
    function, inputs = data.draw(CASES[name])
    before = [x.copy() for x in inputs]
    tensors = leaves(inputs)
    y = function(*tensors)
    value, cotangent = np.array(y.data), np.random.default_rng(1).normal(size=y.shape)
    given_cotangent = cotangent.copy()
    y.backward(given_cotangent, retain_graph=True)
    y.backward(given_cotangent)
    for x, was, t in zip(inputs, before, tensors, strict=True):
        np.testing.assert_array_equal(x, was)
        assert t.data is x
        assert t.grad is None or not np.shares_memory(t.grad.data, given_cotangent)
    np.testing.assert_array_equal(given_cotangent, cotangent)
    np.testing.assert_array_equal(y.data, value)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=6)
@given(data=st.data())
def test_tensors_get_the_values_shape_and_dtype_that_arrays_get(name: str, data: st.DataObject):
    function, inputs = data.draw(CASES[name])
    plain, recorded = function(*inputs), function(*leaves(inputs))
    constant = function(*map(al.Tensor, inputs))
    assert not isinstance(plain, al.Tensor)
    for y in (recorded, constant):
        assert y.data.shape == np.shape(plain)
        assert y.data.dtype == plain.dtype
        np.testing.assert_array_equal(y.data, plain)
    assert recorded.requires_grad
    assert not constant.requires_grad


@pytest.mark.parametrize("name", sorted(set(CASES) - BRINGS_FLOAT64))
@settings(max_examples=5)
@given(data=st.data())
def test_float32_stays_float32_through_forward_backward_and_python_numbers(name: str, data: st.DataObject):
    function, inputs = data.draw(CASES[name])
    tensors = leaves([x.astype(np.float32) for x in inputs])
    y = function(*[1.0 * (t + 0) for t in tensors])
    assert y.dtype == np.float32
    y.backward(np.ones(y.shape), retain_graph=True)
    for t in tensors:
        assert t.grad.dtype == np.float32
        assert t.grad.shape == t.shape
    twice = al.autograd.grad(y, tensors, al.ones(y.shape), create_graph=True)
    assert {g.dtype for g in twice} <= {np.dtype(np.float32)}


OPERATORS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "x + y": (lambda x, y: x + y, np.add),
    "x - y": (lambda x, y: x - y, np.subtract),
    "x * y": (lambda x, y: x * y, np.multiply),
    "x / y": (lambda x, y: x / y, np.divide),
    "x ** y": (lambda x, y: x**y, np.power),
    "x // y": (lambda x, y: x // y, np.floor_divide),
    "x > y": (lambda x, y: x > y, np.greater),
    "x >= y": (lambda x, y: x >= y, np.greater_equal),
    "x < y": (lambda x, y: x < y, np.less),
    "x <= y": (lambda x, y: x <= y, np.less_equal),
    "x == y": (lambda x, y: x == y, np.equal),
    "x != y": (lambda x, y: x != y, np.not_equal),
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("kinds", ["tensor tensor", "tensor array", "tensor number", "number tensor"])
def test_operators_are_numpys_with_tensors_arrays_and_numbers_on_either_side(name: str, kinds: str):
    make = {"tensor": al.Tensor, "array": np.asarray, "number": lambda a: float(a[1])}
    operator, numpys = OPERATORS[name]
    values = np.array([0.5, 2.0, 3.0]), np.array([0.5, 3.0, 1.0])
    operands = [make[kind](value) for kind, value in zip(kinds.split(), values, strict=True)]
    plain = [x.data if isinstance(x, al.Tensor) else x for x in operands]
    y = operator(*operands)
    assert isinstance(y, al.Tensor)
    np.testing.assert_array_equal(y.data, numpys(*plain))
    assert y.dtype == numpys(*plain).dtype


@pytest.mark.parametrize("name", sorted(NO_DERIVATIVE))
def test_what_has_no_derivative_gives_a_constant_from_a_tracked_tensor(name: str):
    x = al.tensor([1.5, -0.5, 0.25], requires_grad=True)
    integers = al.tensor([1, 0, 2])
    calls = {
        "one_hot": lambda: ops.one_hot(integers),
        "invert": lambda: ~integers,
        "discrete": lambda: ops.discrete(x, dtype=np.dtype(bool)),
        "bitwise_and": lambda: integers & integers,
        "bitwise_or": lambda: integers | integers,
    }
    one = {"isnan", "isfinite", "isinf", "logical_not", "all", "any", "argmax", "argmin"}
    y = calls.get(name, lambda: getattr(ops, name)(*([x] if name in one else [x, x])))()
    assert isinstance(y, al.Tensor)
    assert not y.requires_grad
