"""`autograd.Function`: ops in PyTorch's way, with a forward and a backward on tensors."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import GraphError
from autograd_lite.autograd import Function, grad


def leaf(*values: float) -> al.Tensor:
    return al.tensor(list(values), requires_grad=True)


class Product(Function):
    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        a, b = ctx.saved_tensors
        return g * b, g * a


class Exp(Function):
    """Saves its output."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        y = al.exp(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (y,) = ctx.saved_tensors
        return g * y


class Power(Function):
    """Takes a number that is no tensor, and keeps it as an attribute."""

    @staticmethod
    def forward(ctx: Any, x: Any, p: float) -> Any:
        ctx.save_for_backward(x)
        ctx.p = p
        return x**p

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * ctx.p * x ** (ctx.p - 1.0), None


class Double(Function):
    """Saves nothing."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 2.0

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * 2.0


# ---------------------------------------------------------------------------------------------- values


def test_it_computes_and_its_backward_is_the_gradient():
    a, b = leaf(1.0, 2.0), leaf(3.0, 5.0)
    y = Product.apply(a, b)
    np.testing.assert_array_equal(y.detach(), [3.0, 10.0])
    y.backward(np.array([1.0, 10.0]))
    np.testing.assert_array_equal(a.grad, [3.0, 50.0])
    np.testing.assert_array_equal(b.grad, [1.0, 20.0])


def test_gradients_broadcast_by_forward_are_summed_to_the_arguments_shape():
    a, b = leaf(1.0, 2.0), al.tensor(3.0, requires_grad=True)
    Product.apply(a, b).sum().backward()
    np.testing.assert_array_equal(a.grad, [3.0, 3.0])
    np.testing.assert_array_equal(b.grad, 3.0)
    assert b.grad.shape == ()


def test_arguments_that_are_no_tensors_come_as_they_are_and_get_none():
    x = leaf(2.0, 3.0)
    Power.apply(x, 3).sum().backward()
    np.testing.assert_array_equal(x.grad, [12.0, 27.0])


def test_it_may_be_used_twice_in_a_graph_and_twice_on_one_tensor():
    x = leaf(2.0, 3.0)
    y = Product.apply(x, x)
    (Product.apply(y, x) + Exp.apply(x) * 0.0).sum().backward()
    np.testing.assert_allclose(x.grad, [3 * 4.0, 3 * 9.0])


def test_the_same_function_as_in_pytorch_gives_the_same_first_and_second_gradients():
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")

    class Bump(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, w: Any) -> Any:
            y = torch.exp(x * w)
            ctx.save_for_backward(x, w, y)
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            x, w, y = ctx.saved_tensors
            return g * y * w, g * y * x

    class Ours(Function):
        @staticmethod
        def forward(ctx: Any, x: Any, w: Any) -> Any:
            y = al.exp(x * w)
            ctx.save_for_backward(x, w, y)
            return y

        backward = Bump.backward

    rng = np.random.default_rng(0)
    x, w, v = (rng.normal(size=4) for _ in range(3))
    results = []
    for apply, module, make in ((Ours.apply, al, al.tensor), (Bump.apply, torch, torch.tensor)):
        inputs = [make(x, requires_grad=True), make(w, requires_grad=True)]
        first = module.autograd.grad(apply(*inputs).sum(), inputs, create_graph=True)
        second = module.autograd.grad((first[0] * make(v) + first[1] * first[1]).sum(), inputs)
        results.append([t.detach().numpy() for t in (*first, *second)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


# ------------------------------------------------------------------------------------------- what is needed


def test_it_knows_which_inputs_need_a_gradient_and_none_is_no_gradient():
    seen = []

    class Third(Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any, c: Any) -> Any:
            seen.append(ctx.needs_input_grad)
            return a + c

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            seen.append(ctx.needs_input_grad)
            return None, None, g

    a, b, c = leaf(1.0), 2.0, leaf(3.0)
    Third.apply(a, b, c).sum().backward()
    assert seen == [(True, False, True)] * 2
    assert a.grad is None
    np.testing.assert_array_equal(c.grad, [1.0])
    Third.apply(al.ones(1), b, c)
    assert seen[-1] == (False, False, True)


def test_a_gradient_for_an_input_that_needs_none_is_ignored():
    constant, x = al.tensor([5.0]), leaf(2.0)
    Product.apply(constant, x).sum().backward()
    np.testing.assert_array_equal(x.grad, [5.0])
    assert constant.grad is None


def test_backward_runs_once_for_all_inputs_in_every_pass():
    calls = []

    class Counted(Product):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            calls.append(1)
            return Product.backward(ctx, g)

    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = Counted.apply(a, b).sum()
    y.backward(retain_graph=True)
    assert len(calls) == 1
    y.backward(retain_graph=True)
    assert len(calls) == 2
    grad(y, [a, b], create_graph=True)
    assert len(calls) == 3
    np.testing.assert_array_equal(a.grad, [6.0, 8.0])
    y = Counted.apply(al.tensor(2.0, requires_grad=True), al.tensor(3.0))
    y.backward(retain_graph=True)
    y.backward(retain_graph=True)
    assert len(calls) == 5


def test_nothing_is_recorded_inside_forward_and_backward_records_only_with_create_graph():
    modes = []

    class Spy(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            modes.append(al.is_grad_enabled())
            return x * 1.0

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            modes.append(al.is_grad_enabled())
            return g

    x = leaf(1.0)
    Spy.apply(x).sum().backward()
    grad(Spy.apply(x).sum(), x, create_graph=True)
    assert modes == [False, False, False, True]


def test_under_no_grad_and_on_constants_nothing_is_recorded():
    x = leaf(1.0)
    with al.no_grad():
        assert not Double.apply(x).requires_grad
    assert not Double.apply(al.tensor([1.0])).requires_grad
    assert Double.apply(x).requires_grad


def test_without_tensors_among_the_arguments_the_result_is_still_a_tensor():
    class Made(Function):
        @staticmethod
        def forward(ctx: Any, value: float) -> Any:
            return al.tensor([value])

    made = Made.apply(2.0)
    assert isinstance(made, al.Tensor)
    np.testing.assert_array_equal(made, [2.0])


def test_the_node_is_named_after_the_function():
    assert repr(Double.apply(leaf(1.0))) == "tensor([2.], grad_fn=<Double>)"


# ------------------------------------------------------------------------------------------- higher orders


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives_of_any_order_through_a_saved_output(order: int):
    x = leaf(0.5, -1.0)
    y = Exp.apply(x * 2.0)
    for _ in range(order):
        (y,) = grad(y.sum(), x, create_graph=True)
    np.testing.assert_allclose(y.detach(), 2.0**order * np.exp(2 * x.data), rtol=1e-13)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives_of_any_order_through_saved_inputs(order: int):
    x, y = leaf(1.5, 2.0), None
    y = Power.apply(x, 4.0)
    for _ in range(order):
        (y,) = grad(y.sum(), x, create_graph=True)
    falling = np.prod([4.0 - k for k in range(order)])
    np.testing.assert_allclose(y.detach(), falling * x.data ** (4 - order), rtol=1e-13)


def test_mixed_second_derivatives_of_two_saved_inputs():
    a, b = leaf(2.0), leaf(7.0)
    (da,) = grad(Product.apply(a, b).sum(), a, create_graph=True)
    (dab,) = grad(da.sum(), b)
    np.testing.assert_array_equal(dab, [1.0])


def test_gradcheck_accepts_a_right_backward_and_refuses_a_wrong_one():
    class Wrong(Product):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            a, b = ctx.saved_tensors
            return g * b, g * a * 1.001

    check = pytest.importorskip("autograd_lite.check", reason="the gradient checker is a part of its own").gradcheck
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    assert check(Product.apply, (a, b))
    assert not check(Wrong.apply, (a, b), raise_exception=False)


# ---------------------------------------------------------------------------------------------- mistakes


def test_the_wrong_number_of_gradients_is_an_error_with_both_numbers():
    class Short(Product):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    a = leaf(1.0)
    with pytest.raises(GraphError, match=r"Short\.backward returned 1 gradients for 2 arguments"):
        Short.apply(a, leaf(2.0)).sum().backward()
    assert a.grad is None


def test_a_gradient_that_cannot_be_the_arguments_names_the_function():
    class Odd(Double):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return al.ones(7)

    with pytest.raises(ValueError, match=r"Odd.*\(2,\)"):
        Odd.apply(leaf(1.0, 2.0)).sum().backward()


@pytest.mark.parametrize("bad", [1.0, np.ones(2), None], ids=["float", "array", "None"])
def test_forward_must_return_tensors(bad: Any):
    class Bad(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return bad

    with pytest.raises(TypeError, match=rf"Bad\.forward returned a {type(bad).__name__}.*one Tensor"):
        Bad.apply(leaf(1.0, 2.0))


def test_missing_methods_are_named():
    class Empty(Function):
        pass

    class Half(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1.0

    with pytest.raises(TypeError, match="forward"):
        Empty.apply(leaf(1.0))
    with pytest.raises(Exception, match="backward"):
        Half.apply(leaf(1.0)).sum().backward()


def test_only_tensors_and_none_are_saved():
    class Saves(Function):
        what: Any = None

        @classmethod
        def forward(cls, ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x, cls.what)
            return x * 2.0

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            _, nothing = ctx.saved_tensors
            assert nothing is None
            return g * 2.0

    x = leaf(3.0)
    Saves.apply(x).sum().backward()
    np.testing.assert_array_equal(x.grad, [2.0])
    Saves.what = np.ones(2)
    with pytest.raises(TypeError, match=r"save_for_backward takes Tensors.*ndarray"):
        Saves.apply(x)


def test_a_second_pass_over_a_freed_graph_is_refused():
    y = Product.apply(leaf(1.0), leaf(2.0)).sum()
    y.backward()
    with pytest.raises(GraphError, match="freed"):
        y.backward()


@pytest.mark.parametrize("which", [0, 1])
def test_an_input_that_was_saved_and_is_written_in_place_is_refused(which: int):
    inputs = [leaf(1.0, 2.0), leaf(3.0, 4.0)]
    y = Product.apply(*inputs).sum()
    with al.no_grad():
        inputs[which].mul_(2.0)
    with pytest.raises(GraphError, match=r"Product.*changed in place.*mul_ at .*test_function\.py:\d+"):
        y.backward()
    assert inputs[0].grad is None


def test_an_output_that_was_saved_and_is_written_in_place_is_refused():
    x = leaf(1.0)
    y = Exp.apply(x)
    with al.no_grad():
        y.add_(1.0)
    with pytest.raises(GraphError, match=r"Exp.*changed in place"):
        y.sum().backward()


def test_what_was_not_saved_may_be_written_in_place():
    x = leaf(1.0, 2.0)
    y = Double.apply(x)
    with al.no_grad():
        y.add_(1.0)
        x.add_(1.0)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, [2.0, 2.0])


# ---------------------------------------------------------------------------------------------- memory


@pytest.fixture
def uncollected() -> Any:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


FUNCTIONS = pytest.mark.parametrize(
    "apply",
    [Exp.apply, lambda x: Power.apply(x, 3.0), lambda x: Product.apply(x, x * 1.0), Double.apply],
    ids=["saved output", "saved input", "two inputs", "nothing saved"],
)


@pytest.mark.usefixtures("uncollected")
@FUNCTIONS
@pytest.mark.parametrize("passes", ["none", "backward", "retained", "recorded"])
def test_dropping_the_result_frees_it_without_the_collector(apply: Any, passes: str):
    x = leaf(1.0, 2.0)
    y = apply(x)
    array, node = weakref.ref(y.data), weakref.ref(y.node)
    if passes == "backward":
        y.sum().backward()
    elif passes == "retained":
        y.sum().backward(retain_graph=True)
    elif passes == "recorded":
        grad(y.sum(), x, create_graph=True)
    del y
    assert array() is None
    assert node() is None


@pytest.mark.usefixtures("uncollected")
def test_gradients_of_the_first_input_alone_leave_no_cycle_behind():
    class Both(Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            y = a * b
            ctx.save_for_backward(a, b, y)
            return y

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            a, b, y = ctx.saved_tensors
            return g * b * y / y, g * a * y / y

    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = Both.apply(a, b)
    node = weakref.ref(y.node)
    (other,) = grad(y.sum(), b, create_graph=True)
    np.testing.assert_array_equal(other.detach(), [1.0, 2.0])
    (first,) = grad(y.sum(), a, create_graph=True)
    np.testing.assert_array_equal(first.detach(), [3.0, 4.0])
    del y, first, other
    assert node() is None


@pytest.mark.usefixtures("uncollected")
def test_backward_frees_what_was_saved_while_the_result_lives_on():
    x = leaf(1.0, 2.0)
    inner = x * 3.0
    saved = weakref.ref(inner.data)
    y = Power.apply(inner, 2.0).sum()
    del inner
    assert saved() is not None
    y.backward()
    assert saved() is None


@pytest.mark.usefixtures("uncollected")
def test_an_output_that_was_not_saved_is_not_kept_alive():
    x = leaf(1.0, 2.0)
    y = Double.apply(x)
    output = weakref.ref(y.data)
    total = y.sum()
    del y
    assert output() is None
    total.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 2.0])


def test_a_graph_with_a_function_can_be_computed_again_and_its_deltas_checked() -> None:
    class Scaled(al.autograd.Function):
        @staticmethod
        def forward(ctx, x, factor):
            ctx.factor = factor
            return x * factor

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None

    w = al.tensor([1.0, 2.0], requires_grad=True, name="w")
    x = Scaled.apply(w, 3.0)
    x.name = "x"
    loss = al.square(x).sum()
    report = al.check_deltas(loss, {"x": np.array([6.0, 12.0]), "w": np.array([6.0, 12.0])})
    assert [(f.name, f.verdict) for f in report] == [("x", "agrees"), ("w", "introduced")]
    loss.backward()
    assert w.grad.tolist() == [18.0, 36.0]
