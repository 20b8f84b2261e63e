"""The walk backward: accumulation, graphs kept and freed, hooks, modes, and what is refused in which words."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import GraphError
from autograd_lite.autograd import grad


def leaf(*values: float) -> al.Tensor:
    return al.tensor(list(values), requires_grad=True)


# ------------------------------------------------------------------------------------------- accumulation


@pytest.mark.parametrize("times", [1, 2, 3, 5])
def test_a_tensor_used_several_times_gets_the_sum_of_what_arrives(times: int):
    x = leaf(1.0, 2.0)
    total = x * 1.0
    for k in range(1, times):
        total = total + x * float(k + 1)
    total.backward(np.array([1.0, 10.0]))
    count = sum(range(1, times + 1))
    np.testing.assert_array_equal(x.grad, [count, 10.0 * count])


@pytest.mark.parametrize("times", [1, 2, 3, 5])
def test_the_same_tensor_added_to_itself_gets_the_sum_and_the_cotangent_stays(times: int):
    x, cotangent = leaf(1.0, 2.0), np.array([1.0, 10.0])
    y = x
    for _ in range(times - 1):
        y = y + x
    y.backward(cotangent)
    np.testing.assert_array_equal(x.grad, [times, 10.0 * times])
    np.testing.assert_array_equal(cotangent, [1.0, 10.0])


def aliases(a: Any, b: Any) -> bool:
    return np.shares_memory(*(t.data if isinstance(t, al.Tensor) else t for t in (a, b)))


SHARING: list[Callable[..., Any]] = [
    lambda a, b: a + b,
    lambda a, b: (a + b) + 0.0,
    lambda a, b: a.reshape(2, 1) + b.reshape(2, 1),
    lambda a, b: a.reshape(2, 1).t().reshape(2) + b,
    lambda a, b: al.cat([a, b])[:2] + al.cat([a, b])[2:],
    lambda a, b: al.clone(a) + b,
    lambda a, b: al.stack([a, b]).sum(0),
    lambda a, b: al.broadcast_to(a, (2,)) + b[:],
]


@pytest.mark.parametrize("function", SHARING)
@pytest.mark.parametrize("as_tensor", [False, True])
def test_no_gradient_shares_memory_with_another_or_with_the_cotangent(function: Any, as_tensor: bool):
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = function(a, b)
    y.retain_grad()
    raw = np.ones(y.shape)
    cotangent = al.Tensor(raw) if as_tensor else raw
    y.backward(cotangent)
    kept = [a.grad, b.grad, y.grad, raw]
    for k, first in enumerate(kept):
        for second in kept[k + 1 :]:
            assert not aliases(first, second)
    a.grad.data += 100.0
    np.testing.assert_array_equal(b.grad, [1.0, 1.0])
    np.testing.assert_array_equal(raw, np.ones(y.shape))


@pytest.mark.parametrize("function", SHARING)
def test_gradients_on_request_share_no_memory_either(function: Any):
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = function(a, b)
    cotangent = np.ones(y.shape)
    da, db, dy = grad(y, [a, b, y], cotangent)
    for first, second in ((da, db), (da, dy), (db, dy), (da, cotangent), (db, cotangent), (dy, cotangent)):
        assert not aliases(first, second)


def test_a_gradient_is_writable_whatever_view_it_came_from():
    x, w = al.ones(2, 3, requires_grad=True), al.tensor(2.0, requires_grad=True)
    (x.sum() + al.broadcast_to(w, (4,)).sum()).backward()
    x.grad.data *= 2.0
    w.grad.data[...] = 0.0
    np.testing.assert_array_equal(x.grad, np.full((2, 3), 2.0))
    v = al.tensor(1.0, requires_grad=True)
    v.backward()
    v.grad.data += 1.0
    u = al.tensor(1.0, requires_grad=True)
    u.backward()
    assert u.grad.item() == 1.0


def test_a_change_to_a_gradient_does_not_reach_saved_arrays():
    x, c = leaf(1.0, 2.0), np.array([3.0, 4.0])
    loss = (x * c).sum()
    loss.backward(retain_graph=True)
    x.grad.data[...] = 0.0
    np.testing.assert_array_equal(c, [3.0, 4.0])
    loss.backward()
    np.testing.assert_array_equal(x.grad, [3.0, 4.0])


def test_gradients_add_up_over_calls_and_start_anew_from_none():
    x = leaf(1.0, 2.0)
    for calls in (1, 2, 3):
        (x * x).sum().backward()
        np.testing.assert_array_equal(x.grad, calls * 2.0 * x.data)
    x.grad = None
    (x * x).sum().backward()
    np.testing.assert_array_equal(x.grad, 2.0 * x.data)


def test_a_gradient_that_was_read_earlier_is_not_changed_by_a_later_pass():
    x = leaf(1.0)
    (x * 2).sum().backward()
    first = x.grad
    (x * 2).sum().backward()
    assert first.item() == 2.0
    assert x.grad.item() == 4.0


def test_gradients_sum_over_broadcast_dimensions():
    a, b = al.ones(3, 1, requires_grad=True), al.ones(2, 1, 4, requires_grad=True)
    (a * b).sum().backward()
    np.testing.assert_array_equal(a.grad, np.full((3, 1), 8.0))
    np.testing.assert_array_equal(b.grad, np.full((2, 1, 4), 3.0))


def test_twenty_doublings_take_twenty_steps():
    x = leaf(1.0)
    calls = []
    v = x
    for _ in range(20):
        v = v + v
        v.register_hook(lambda g: calls.append(1))
    v.backward(np.ones(1))
    assert x.grad.item() == 2.0**20
    assert len(calls) == 20


def test_a_chain_of_200_000_ops_goes_forward_backward_and_away():
    assert sys.getrecursionlimit() <= 1000
    x = leaf(1.0)
    y = x
    for _ in range(200_000):
        y = y + 1.0
    y.backward()
    assert y.item() == 200_001.0
    assert x.grad.item() == 1.0
    del y
    z = x
    for _ in range(200_000):
        z = z * 1.0
    del z  # a graph that nobody ran backward goes without recursion too


def test_a_float64_path_into_a_float32_leaf_arrives_as_float32():
    x = al.tensor([1.0, 2.0], dtype=np.float32, requires_grad=True)
    y = x * np.array([2.0, 3.0])
    assert y.dtype == np.float64
    y.backward(np.ones(2))
    assert x.grad.dtype == np.float32


def test_a_cotangent_of_another_dtype_takes_the_tensors():
    x = al.tensor([1.0, 2.0], dtype=np.float32, requires_grad=True)
    (x * 2).backward(np.array([1, 2]))
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])


# --------------------------------------------------------------------------------- graphs kept and freed


def test_a_second_pass_over_a_freed_graph_is_an_error_that_names_the_remedy():
    x = leaf(1.0, 2.0)
    loss = al.exp(x).sum()
    loss.backward()
    with pytest.raises(GraphError, match=r"graph that was freed.*retain_graph=True"):
        loss.backward()
    np.testing.assert_allclose(x.grad, np.exp([1.0, 2.0]))


def test_a_new_loss_over_a_part_that_was_freed_is_an_error_and_leaves_no_gradient():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    shared = al.exp(x)
    shared.sum().backward()
    x.grad = None
    with pytest.raises(GraphError, match="exp"):
        (shared * w).sum().backward()
    assert w.grad is None
    assert x.grad is None


def test_with_retain_graph_every_pass_gives_the_same_and_intermediates_do_not_add_up():
    x = leaf(1.0, 2.0)
    y = x * x
    z = al.exp(y)
    y.retain_grad()
    loss = z.sum()
    for calls in (1, 2, 3):
        loss.backward(retain_graph=True)
        np.testing.assert_allclose(x.grad, calls * np.exp(x.data**2) * 2 * x.data)
        np.testing.assert_allclose(y.grad, calls * np.exp(x.data**2))  # retained: adds up, as a leaf's does
    loss.backward()
    with pytest.raises(GraphError):
        loss.backward()


def test_retain_grad_keeps_an_inner_gradient_and_without_it_reading_one_warns():
    x = leaf(1.0, 2.0)
    y = x * 3.0
    z = y * y
    z.retain_grad()
    z.sum().backward()
    np.testing.assert_array_equal(z.grad, [1.0, 1.0])
    with pytest.warns(UserWarning, match=r"retain_grad\(\)"):
        assert y.grad is None


def test_retain_grad_on_a_leaf_changes_nothing_and_on_a_constant_is_an_error():
    x = leaf(1.0)
    x.retain_grad()
    (x * 2).sum().backward()
    assert x.grad.item() == 2.0
    with pytest.raises(GraphError, match="requires no gradient"):
        al.tensor(1.0).retain_grad()


def test_backward_to_named_inputs_leaves_the_others_alone():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (x * w).sum().backward(inputs=[w])
    assert x.grad is None
    np.testing.assert_array_equal(w.grad, [1.0, 2.0])


# ----------------------------------------------------------------------------------------------- hooks


def test_hooks_run_in_order_on_the_complete_gradient_and_may_replace_it():
    x = leaf(1.0, 2.0)
    seen: list[list[float]] = []
    x.register_hook(lambda g: seen.append(g.tolist()))
    x.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: seen.append(g.tolist()))
    x.register_hook(lambda g: g + 1)
    (x * 2 + x * 3).sum().backward()
    assert seen == [[5.0, 5.0], [50.0, 50.0]]
    np.testing.assert_array_equal(x.grad, [51.0, 51.0])


def test_a_hook_on_an_inner_tensor_changes_what_flows_on():
    x = leaf(1.0, 2.0)
    y = x * 2
    y.register_hook(lambda g: g * np.array([1.0, 0.0]))
    (y * y).sum().backward()
    np.testing.assert_array_equal(x.grad, [8.0, 0.0])


def test_a_hook_may_give_an_array():
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: np.array([7.0, 8.0]))
    (x * 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [7.0, 8.0])


def test_what_a_hook_gives_is_not_shared_with_the_gradient_that_is_kept():
    x, mine = leaf(1.0, 2.0), al.tensor([7.0, 8.0])
    x.register_hook(lambda g: mine)
    (x * 2).sum().backward()
    assert not aliases(x.grad, mine)


def test_writing_into_what_a_hook_sees_does_not_change_other_gradients():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)

    def scribble(g: al.Tensor) -> None:
        g.data[...] = 99.0

    (a + b).register_hook(scribble)
    y = a + b
    y.register_hook(scribble)
    a.register_hook(scribble)
    y.sum().backward()
    np.testing.assert_array_equal(a.grad, [1.0, 1.0])
    np.testing.assert_array_equal(b.grad, [1.0, 1.0])


def test_a_removed_hook_is_gone_and_removing_it_again_takes_no_other():
    x = leaf(1.0)
    first = x.register_hook(lambda g: g * 10)
    first.remove()
    second = x.register_hook(lambda g: g * 3)
    first.remove()
    (x * 1).sum().backward()
    assert x.grad.item() == 3.0
    second.remove()
    x.grad = None
    (x * 1).sum().backward()
    assert x.grad.item() == 1.0


def test_a_hook_that_removes_itself_runs_once():
    x, calls = leaf(1.0), []

    def once(g: al.Tensor) -> None:
        calls.append(1)
        handle.remove()

    handle = x.register_hook(once)
    for _ in range(2):
        (x * 1).sum().backward()
    assert calls == [1]


def test_a_hook_that_gives_a_wrong_shape_is_an_error_with_both_shapes():
    x = leaf(1.0, 2.0)
    x.register_hook(lambda g: g.sum())
    with pytest.raises(ValueError, match=r"shape \(\); it must be \(2,\)"):
        (x * 2).sum().backward()


def test_a_hook_on_a_constant_is_refused():
    with pytest.raises(GraphError, match="never be called"):
        al.tensor(1.0).register_hook(print)


def test_a_hook_does_not_change_the_dtype_of_a_gradient():
    x = al.tensor([1.0], dtype=np.float32, requires_grad=True)
    x.register_hook(lambda g: g * np.array([2.0]))
    (x * 2).sum().backward()
    assert x.grad.dtype == np.float32


# ---------------------------------------------------------------------------------- autograd.grad


def test_grad_gives_one_gradient_for_each_input_and_touches_no_grad():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    dx, dw = grad((x * w * w).sum(), [x, w])
    np.testing.assert_array_equal(dx, [9.0, 16.0])
    np.testing.assert_array_equal(dw, [6.0, 16.0])
    assert x.grad is None
    assert w.grad is None


def test_grad_of_several_outputs_adds_up():
    x = leaf(1.0, 2.0)
    outputs = [(x * 2).sum(), x * x, (x * 5)[0]]
    (dx,) = grad(outputs, x, [None, np.array([1.0, 10.0]), al.tensor(2.0)])
    np.testing.assert_array_equal(dx, [2.0 + 2.0 + 10.0, 2.0 + 40.0])


def test_grad_by_inner_tensors_and_by_the_output_itself():
    x = leaf(2.0)
    y = x * x
    z = (y * y).sum()
    dz, dy, dx, again = grad(z, [z, y, x, y])
    assert [t.item() for t in (dz, dy, dx, again)] == [1.0, 8.0, 32.0, 8.0]


def test_grad_by_an_unused_input_is_zeros_if_asked_for():
    x, unused = al.ones(2, requires_grad=True), al.ones((2, 3), dtype=np.float32, requires_grad=True)
    used, zeros = al.autograd.grad((x * 2.0).sum(), [x, unused], only_inputs=True, materialize_grads=True)
    assert used.tolist() == [2.0, 2.0]
    assert (zeros.tolist(), zeros.dtype) == ([[0.0] * 3] * 2, np.float32)
    for wrong in (
        {"only_inputs": False},
        {"is_grads_batched": True},
        {"materialize_grads": True, "allow_unused": False},
    ):
        with pytest.raises(ValueError, match=r"autograd\.grad: "):
            al.autograd.grad((x * 2.0).sum(), x, **wrong)


def test_a_tensor_is_made_of_an_array_and_not_of_sizes():
    with pytest.raises(TypeError, match=r"al\.empty\(2, 3\)"):
        al.Tensor(2, 3)


def test_grad_by_an_unused_input_is_an_error_or_none():
    x, w = leaf(1.0), leaf(2.0)
    with pytest.raises(GraphError, match=r"input 1 \(shape \(1,\)\) was not used.*allow_unused=True"):
        grad((x * 2).sum(), [x, w])
    dx, dw = grad((x * 2).sum(), [x, w], allow_unused=True)
    assert dx.item() == 2.0
    assert dw is None


def test_grad_by_a_constant_is_an_error():
    x = leaf(1.0)
    with pytest.raises(GraphError, match="does not require a gradient"):
        grad((x * 2).sum(), [al.tensor(1.0)])


def test_grad_may_use_the_same_output_twice():
    x = leaf(3.0)
    y = (x * x).sum()
    (dx,) = grad([y, y], x, [np.array(1.0), np.array(2.0)])
    assert dx.item() == 18.0


def test_derivatives_up_to_the_fourth_of_a_fifth_power():
    x = al.tensor([1.5, -2.0], requires_grad=True)
    derivative, factor = x**5, 1.0
    for order in range(1, 5):
        (derivative,) = grad(derivative.sum(), x, create_graph=True)
        factor *= 6 - order
        np.testing.assert_allclose(derivative.data, factor * x.data ** (5 - order), rtol=1e-14)
    assert x.grad is None


def test_every_derivative_of_a_sine_up_to_the_sixth():
    x = al.tensor(0.7, requires_grad=True)
    derivative = al.sin(x)
    for order in range(1, 7):
        (derivative,) = grad(derivative, x, create_graph=True)
        np.testing.assert_allclose(derivative.data, np.sin(0.7 + order * np.pi / 2), rtol=1e-13)


def test_a_gradient_penalty_trains_through_the_gradient():
    x, w = al.tensor([1.0, 2.0]), leaf(0.5, -0.5)
    x.requires_grad_()
    (dx,) = grad(al.tanh(x * w).sum(), x, create_graph=True)
    (dx * dx).sum().backward()

    def penalty(w: np.ndarray) -> float:
        return float(np.sum(((1 - np.tanh(x.data * w) ** 2) * w) ** 2))

    h = 1e-6
    want = [(penalty(w.data + h * e) - penalty(w.data - h * e)) / (2 * h) for e in np.eye(2)]
    np.testing.assert_allclose(w.grad, want, rtol=1e-6)


def test_backward_with_create_graph_leaves_gradients_that_can_be_differentiated():
    x = leaf(2.0)
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    (ddx,) = grad(x.grad.sum(), x)
    assert ddx.item() == 12.0
    x.grad = None


def test_create_graph_records_even_inside_no_grad():
    x = leaf(2.0)
    y = (x**3).sum()
    with al.no_grad():
        (dx,) = grad(y, x, create_graph=True)
    assert dx.requires_grad


def test_without_create_graph_a_gradient_is_a_constant():
    x = leaf(2.0)
    (dx,) = grad((x**3).sum(), x)
    assert not dx.requires_grad


def test_a_second_derivative_flows_to_the_cotangent():
    x, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    (dx,) = grad(x * x, x, v, create_graph=True)
    (dv,) = grad(dx.sum(), v)
    np.testing.assert_array_equal(dv, 2 * x.data)


# ----------------------------------------------------------------------------------------------- modes


def test_nothing_is_recorded_inside_no_grad_and_enable_grad_is_the_way_back():
    x = leaf(1.0)
    with al.no_grad():
        assert not al.is_grad_enabled()
        assert not (x * 2).requires_grad
        with al.enable_grad():
            assert (x * 2).requires_grad
            with al.no_grad():
                assert not (x * 2).requires_grad
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad


def test_the_modes_are_decorators_that_can_be_called_again_and_recursively():
    x = leaf(1.0)

    @al.no_grad()
    def plain(depth: int) -> bool:
        return (x * 2).requires_grad or (plain(depth - 1) if depth else False)

    @al.enable_grad()
    def recorded() -> bool:
        return (x * 2).requires_grad

    assert plain(3) is False
    assert recorded() is True
    with al.no_grad():
        assert recorded() is True
    assert plain(0) is False
    assert al.is_grad_enabled()
    assert plain.__name__ == "plain"


def test_a_mode_ends_with_an_exception_and_may_be_entered_again():
    off = al.no_grad()
    with pytest.raises(ZeroDivisionError), off:
        1 / 0  # noqa: B018
    assert al.is_grad_enabled()
    with off, off:
        assert not al.is_grad_enabled()
    assert al.is_grad_enabled()


@pytest.mark.parametrize("on", [True, False])
def test_set_grad_enabled_follows_its_condition(on: bool):
    with al.set_grad_enabled(on):
        assert (leaf(1.0) * 2).requires_grad is on


def test_threads_have_modes_of_their_own():
    x, results = leaf(1.0), dict[str, list[bool]](off=[], on=[])
    barrier = threading.Barrier(2, timeout=10)

    def off() -> None:
        with al.no_grad():
            for _ in range(20):
                barrier.wait()
                results["off"].append((x * 2).requires_grad)

    def on() -> None:
        for _ in range(20):
            barrier.wait()
            results["on"].append((x * 2).requires_grad)

    threads = [threading.Thread(target=f) for f in (off, on)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == {"off": [False] * 20, "on": [True] * 20}


def test_a_decorated_function_runs_in_several_threads_at_once():
    x, barrier, after = leaf(1.0), threading.Barrier(3, timeout=10), []

    @al.no_grad()
    def plain() -> bool:
        barrier.wait()
        recorded = (x * 2).requires_grad
        barrier.wait()
        return recorded

    def run() -> None:
        after.append((plain(), al.is_grad_enabled()))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert after == [(False, True)] * 3


def test_threads_train_their_own_graphs_at_once():
    barrier, gradients = threading.Barrier(4, timeout=10), dict[int, float]()

    def run(k: int) -> None:
        w = al.tensor(float(k), requires_grad=True)
        barrier.wait()
        for _ in range(50):
            y = w * w
            for _ in range(20):
                y = y + w
            w.grad = None
            y.backward()
        gradients[k] = w.grad.item()

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert gradients == {k: 2.0 * k + 20.0 for k in range(4)}


def test_detach_shares_the_array_and_stops_the_gradient():
    x = leaf(1.0, 2.0)
    y = x * 2
    z = y.detach()
    assert z.data is y.data
    assert not z.requires_grad
    (y * z).sum().backward()
    np.testing.assert_array_equal(x.grad, 2 * z.data)


def test_a_leaf_can_stop_requiring_gradients_and_a_result_cannot():
    x = leaf(1.0)
    x.requires_grad = False
    assert not (x * 2).requires_grad
    x.requires_grad_()
    y = x * 2
    assert y.requires_grad
    with pytest.raises(GraphError, match=r"only a leaf.*x\.detach\(\)"):
        y.requires_grad = False


# --------------------------------------------------------------------------------------- what is refused


def test_a_non_scalar_needs_a_cotangent():
    with pytest.raises(GraphError, match=r"shape \(2,\) needs a gradient of that shape.*reduce it to a scalar"):
        (leaf(1.0, 2.0) * 2).backward()
    with pytest.raises(GraphError, match=r"grad\(\) of a tensor of shape \(2,\)"):
        grad(leaf(1.0, 2.0) * 2, [leaf(1.0)])


@pytest.mark.parametrize("shape", [(), (1,), (2, 2), (1, 2)])
def test_a_cotangent_of_another_shape_is_refused_with_both_shapes(shape: tuple[int, ...]):
    with pytest.raises(ValueError, match=r"gradient has shape \(.*\), and the tensor it belongs to \(2,\)"):
        (leaf(1.0, 2.0) * 2).backward(np.ones(shape))


def test_a_tensor_of_one_number_in_any_shape_needs_no_cotangent():
    x = al.ones(1, 1, requires_grad=True)
    (x * 3).backward()
    np.testing.assert_array_equal(x.grad, [[3.0]])


@pytest.mark.parametrize("data", [[1, 2], [True, False]])
def test_integers_and_booleans_cannot_require_gradients(data: list[Any]):
    with pytest.raises(TypeError, match=r"only floating-point tensors.*dtype=float.*\.double\(\)"):
        al.tensor(data, requires_grad=True)
    with pytest.raises(TypeError, match="only floating-point tensors"):
        al.tensor(data).requires_grad_()


def test_backward_on_a_constant_says_why_there_is_no_graph():
    with pytest.raises(GraphError, match=r"has no graph.*no_grad\(\).*detach\(\).*requires_grad=True"):
        al.tensor(1.0).backward()
    with al.no_grad():
        y = leaf(1.0) * 2
    with pytest.raises(GraphError, match="has no graph"):
        y.backward()


def test_a_rule_that_fails_is_named_with_its_shapes():
    @al.primitive(x=lambda g: g @ g)
    def broken(x: Any) -> Any:
        return x * 1

    with pytest.raises(ValueError, match=r"in the rule of broken for x \(2, 3\), on a gradient of shape \(2, 3\)"):
        broken(al.ones(2, 3, requires_grad=True)).sum().backward()


def test_a_rule_whose_gradient_does_not_fit_is_an_error_not_a_broadcast():
    @al.primitive(x=lambda g: g[:1])
    def clipped(x: Any) -> Any:
        return x * 1

    with pytest.raises(ValueError, match=r"cannot be summed(.|\n)*rule of clipped"):
        clipped(al.ones(2, 3, requires_grad=True)).sum().backward()


def test_setting_a_gradient_of_another_shape_is_refused():
    x = leaf(1.0, 2.0)
    with pytest.raises(ValueError, match=r"shape \(3,\) for a tensor of shape \(2,\)"):
        x.grad = al.ones(3)
    with pytest.raises(GraphError, match="constant"):
        al.ones(2).grad = al.ones(2)
    x.grad = al.tensor([1.0, 1.0])
    (x * 2).sum().backward()
    np.testing.assert_array_equal(x.grad, [3.0, 3.0])


def test_primitive_refuses_rules_that_do_not_fit_their_forward():
    def same(x):
        return x

    with pytest.raises(TypeError, match=r"rules are for \['y'\] but the array arguments are \['x'\]"):
        al.primitive(y=lambda g: g)(same)
    with pytest.raises(TypeError, match="asks for 'z'"):
        al.primitive(x=lambda g, z: g)(same)
    with pytest.raises(TypeError, match="first parameter is g"):
        al.primitive(x=lambda x: x)(same)
    with pytest.raises(TypeError, match="'<lambda>' is none: define its forward function with def"):
        al.primitive(x=lambda g: g)(lambda x: x)


def test_ordinary_passes_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x = leaf(-1000.0, 0.0, 1000.0)
        for f in (al.sigmoid, al.relu, al.tanh, al.abs, lambda x: al.softmax(x, 0), lambda x: al.logsumexp(x, 0)):
            f(x).sum().backward()
        assert np.isfinite(x.grad.data).all()
