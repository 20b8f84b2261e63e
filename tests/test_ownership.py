"""Whose an array is: gradients that nobody shares, data that can be replaced, leaves that are frozen and thawed."""

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import GraphError
from autograd_lite.nn import functional as F


def leaf(*values):
    return al.tensor(list(values), requires_grad=True)


@pytest.mark.parametrize("create_graph", [False, True])
def test_leaves_never_share_a_gradient(create_graph):
    p, q = leaf(0.0, 0.0), leaf(0.0, 0.0)
    (p + q).tanh().sum().backward(create_graph=create_graph)
    with al.no_grad():
        for w in (p, q):
            w.grad.mul_(0.5)
    np.testing.assert_array_equal(p.grad.data, [0.5, 0.5])
    np.testing.assert_array_equal(q.grad.data, [0.5, 0.5])


@pytest.mark.parametrize("create_graph", [False, True])
def test_an_input_named_twice_gets_two_gradients(create_graph):
    x = leaf(1.0, 2.0)
    a, b = al.autograd.grad((x * x).sum(), [x, x], create_graph=create_graph)
    with al.no_grad():
        a.zero_()
    np.testing.assert_array_equal(b.data, [2.0, 4.0])


def test_a_fresh_gradient_is_handed_over_and_one_that_a_rule_keeps_is_copied():
    address, kept = [], []

    @al.primitive(x=lambda g: _noted(g * 2.0, address))
    def fresh(x):
        return x * 2.0

    @al.primitive(x=lambda g: kept.append(g * 2.0) or kept[-1])
    def hoarding(x):
        return x * 2.0

    w, z = leaf(1.0, 2.0), leaf(1.0, 2.0)
    fresh(w).sum().backward()
    hoarding(z).sum().backward()
    assert w.grad.data.ctypes.data == address[0]
    assert not np.shares_memory(z.grad.data, kept[0])


def _noted(array, address):
    address.append(array.ctypes.data)
    return array


def test_a_rule_that_writes_into_its_gradient_harms_no_later_pass():
    class Twice(al.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, g):
            g.mul_(2.0)
            return g

    for _ in range(3):
        x = al.tensor(1.0, requires_grad=True)
        Twice.apply(x).backward()
        assert x.grad.item() == 2.0
    y = leaf(1.0, 1.0)
    (y * 1.0).sum().backward()
    np.testing.assert_array_equal(y.grad.data, [1.0, 1.0])


def test_a_function_runs_its_backward_once_in_every_pass():
    calls = []

    class Two(al.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            return a + b

        @staticmethod
        def backward(ctx, g):
            calls.append(1)
            return g, g

    a, b = al.tensor(1.0, requires_grad=True), al.tensor(2.0, requires_grad=True)
    y = Two.apply(a, b)
    for _ in range(3):
        al.autograd.grad(y, a, retain_graph=True)
    assert len(calls) == 3
    y.backward()
    assert len(calls) == 4


def test_a_cotangent_changed_after_the_pass_changes_no_gradient():
    table, p = al.tensor(np.ones((4, 2)), requires_grad=True), al.tensor(np.ones((2, 2)), requires_grad=True)
    F.embedding(np.array([1, 3]), table).backward(p)
    with al.no_grad():
        p.zero_()
    np.testing.assert_array_equal(table.grad.data, [[0, 0], [1, 1], [0, 0], [1, 1]])


def test_a_sparse_gradient_that_was_read_is_the_one_that_is_kept():
    layer = al.nn.Embedding(5, 2, sparse=True)
    layer(np.array([1, 1, 3])).sum().backward()
    first = layer.weight.grad
    first.values *= 0.5
    np.testing.assert_array_equal(layer.weight.grad.values, [[1.0, 1.0], [0.5, 0.5]])


def test_a_leaf_frozen_and_thawed_is_the_same_leaf():
    w = leaf(1.0, 2.0)
    loss = (w * 2).sum()
    w.requires_grad_(False)
    assert not (w * 2).requires_grad
    w.requires_grad_(True)
    loss.backward()
    np.testing.assert_array_equal(w.grad.data, [2.0, 2.0])
    w.requires_grad_(False)
    np.testing.assert_array_equal(w.grad.data, [2.0, 2.0])


def test_data_can_be_replaced_and_stays_an_array():
    w = al.tensor(2.0, requires_grad=True)
    for _ in range(3):
        w.grad = None
        (w * w).backward()
        w.data = w.data - 0.25 * w.grad.data
    assert type(w.data) is np.ndarray
    assert w.item() == 0.25
    optimizer = al.optim.SGD([w], lr=0.5)
    (w * w).backward()
    optimizer.step()
    assert np.isfinite(w.item())


def test_data_of_another_shape_makes_the_leaf_one_of_that_shape():
    w = leaf(1.0, 2.0, 3.0)
    w.data = np.ones((2, 2))
    (w * 3).sum().backward()
    np.testing.assert_array_equal(w.grad.data, np.full((2, 2), 3.0))
    with pytest.raises(GraphError, match=r"a result of shape \(2, 2\) cannot become one of shape \(3,\)"):
        (w * 2).data = np.ones(3)


def test_data_that_is_a_tensor_and_a_gradient_that_is_none_are_refused():
    w = leaf(1.0)
    with pytest.raises(TypeError, match=r"assign its \.data"):
        w.data = al.ones(1)
    with pytest.raises(TypeError, match="a gradient is a Tensor, and this is a int"):
        w.grad = 3


def test_augmented_assignment_changes_a_leaf_in_place_inside_no_grad():
    w = leaf(1.0, 2.0)
    same, array = w, w.data
    (w * 3).sum().backward()
    with al.no_grad():
        w -= 0.5 * w.grad
        w *= 2
        w /= 4
        w += 1
    assert w is same
    assert w.data is array
    np.testing.assert_allclose(w.data, [0.75, 1.25])
    assert w.requires_grad


def test_augmented_assignment_of_a_leaf_is_refused_where_it_would_be_recorded():
    w = leaf(1.0, 2.0)
    with pytest.raises(GraphError, match=r"inside `with al.no_grad\(\):` it changes the leaf in place"):
        w -= 1.0


def test_augmented_assignment_of_anything_else_rebinds_the_name():
    w = leaf(1.0, 2.0)
    y = before = w * 2
    y += 1
    assert y is not before
    np.testing.assert_array_equal(before.data, [2.0, 4.0])
    y.sum().backward()
    np.testing.assert_array_equal(w.grad.data, [2.0, 2.0])


def test_a_rule_that_uses_a_tensor_from_outside_is_an_error():
    w = leaf(3.0, 3.0)

    @al.primitive(x=lambda g: g * w)
    def scale(x):
        return x * w.data

    with pytest.raises(TypeError, match=r"uses one from outside(.|\n)*rule of scale"):
        scale(leaf(1.0, 2.0)).sum().backward()


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
def test_complex_gradients_are_refused():
    x = leaf(1.0, 2.0)
    with pytest.raises(TypeError, match="complex"):
        np.multiply(x, 1j).backward(np.ones(2, complex))


def test_an_error_in_a_rule_keeps_its_type():
    class MineError(Exception):
        pass

    class Bad(al.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise MineError("mine")

    with pytest.raises(MineError) as caught:
        Bad.apply(leaf(1.0)).sum().backward()
    assert caught.value.__cause__ is None


def test_backward_of_several_tensors_at_once():
    x = leaf(1.0, 2.0)
    al.autograd.backward([x.sum(), (x * x).sum()])
    np.testing.assert_array_equal(x.grad.data, [3.0, 5.0])
    al.autograd.backward(x * 1, np.array([10.0, 20.0]))
    np.testing.assert_array_equal(x.grad.data, [13.0, 25.0])


@pytest.mark.parametrize("name", ["x_", "x_node", "node_x", "data_x"])
def test_an_argument_may_have_any_name_that_is_not_taken(name):
    scope: dict = {"al": al}
    exec(
        f"def minus(x, {name}): return x - {name}\nop = al.primitive(x=lambda g: g, {name}=lambda g: -g)(minus)", scope
    )
    a, b = leaf(5.0), leaf(2.0)
    y = scope["op"](a, b)
    np.testing.assert_array_equal(y.data, [3.0])
    y.sum().backward()
    np.testing.assert_array_equal(b.grad.data, [-1.0])


@pytest.mark.parametrize("name", ["tick", "asarray", "isinstance", "contexts", "node", "_hidden"])
def test_names_that_recording_needs_are_refused_as_arguments(name):
    scope: dict = {"al": al}
    with pytest.raises(TypeError, match="is taken"):
        exec(f"@al.primitive(x=lambda g: g)\ndef f(x, *, {name}=1): return x", scope)


def test_a_positional_argument_with_a_default_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"write `\*, k`"):

        @al.primitive(x=lambda g: g)
        def f(x, k=2):
            return x
