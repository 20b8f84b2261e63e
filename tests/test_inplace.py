"""Writes in place: what a graph still needs is protected, what it does not need is not."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import GraphError


def leaf(*values: float) -> al.Tensor:
    return al.tensor(list(values), requires_grad=True)


def line() -> int:
    """The line of the caller."""
    return inspect.stack()[1].lineno


WRITES: dict[str, Callable[[al.Tensor], Any]] = {
    "x[...] = value": lambda t: t.__setitem__(0, 9.0),
    "add_": lambda t: t.add_(1.0),
    "sub_": lambda t: t.sub_(1.0),
    "mul_": lambda t: t.mul_(2.0),
    "div_": lambda t: t.div_(2.0),
    "copy_": lambda t: t.copy_(np.array([7.0, 8.0])),
    "fill_": lambda t: t.fill_(7.0),
    "zero_": lambda t: t.zero_(),
}


@pytest.mark.parametrize("what", WRITES)
def test_every_write_to_a_saved_array_is_found(what: str):
    x, c = leaf(1.0, 2.0), al.tensor([3.0, 4.0])
    loss = (x * c).sum()
    WRITES[what](c)
    with pytest.raises(GraphError, match=r"multiply.*changed in place since"):
        loss.backward()
    assert x.grad is None


def test_the_error_names_the_op_the_shape_and_the_place_of_the_write():
    x, c = leaf(1.0, 2.0), al.tensor([3.0, 4.0])
    loss = (x * c).sum()
    c[0] = 9.0
    where = line() - 1
    with pytest.raises(GraphError) as caught:
        loss.backward()
    text = str(caught.value)
    assert "multiply" in text
    assert "shape (2,)" in text
    assert f"by x[...] = value at {__file__}:{where}" in text
    assert "Run backward() before the change" in text


@pytest.mark.parametrize("what", ["add_", "mul_", "copy_", "zero_"])
def test_the_place_of_the_write_is_the_users_line_for_methods_too(what: str):
    x, c = leaf(1.0, 2.0), al.tensor([3.0, 4.0])
    loss = (x * c).sum()
    if what == "add_":
        c.add_(1.0)
        where = line() - 1
    elif what == "mul_":
        c.mul_(2.0)
        where = line() - 1
    elif what == "copy_":
        c.copy_(1.0)
        where = line() - 1
    else:
        c.zero_()
        where = line() - 1
    with pytest.raises(GraphError) as caught:
        loss.backward()
    place = f"{__file__}:{where}"
    assert place in str(caught.value)


def test_a_write_to_a_weight_between_forward_and_backward_is_found():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    loss = (x * w).sum()
    with al.no_grad():
        w.sub_(0.1)
    with pytest.raises(GraphError, match=r"multiply.*sub_"):
        loss.backward()


def test_a_write_to_a_result_that_its_own_rule_needs_is_found():
    x = leaf(1.0, 2.0)
    y = al.exp(x)
    with al.no_grad():
        y.mul_(2.0)
    with pytest.raises(GraphError, match=r"exp.*mul_"):
        y.sum().backward()


def test_a_write_to_an_index_is_found():
    x, index = leaf(1.0, 2.0), al.tensor([0, 0])
    loss = x[index].sum()
    index[0] = 1
    with pytest.raises(GraphError, match="pick"):
        loss.backward()


@pytest.mark.parametrize("again", [True, False])
def test_after_a_refusal_a_new_loss_works(again: bool):
    x, c = leaf(1.0, 2.0), al.tensor([3.0, 4.0])
    stale = (x * c).sum()
    c.mul_(2.0)
    with pytest.raises(GraphError):
        stale.backward()
    if again:
        with pytest.raises(GraphError):
            stale.backward()
    (x * c).sum().backward()
    np.testing.assert_array_equal(x.grad, [6.0, 8.0])


# ------------------------------------------------------------------------------------- what is allowed


def gradient_after(write: Callable[[], Any], x: al.Tensor, loss: al.Tensor) -> list[float]:
    write()
    loss.backward()
    return x.grad.tolist()


def test_a_write_before_the_use_is_no_matter():
    x, c = leaf(1.0, 2.0), al.tensor([3.0, 4.0])
    c.mul_(2.0)
    (x * c).sum().backward()
    np.testing.assert_array_equal(x.grad, [6.0, 8.0])


def test_a_write_to_an_unrelated_array_is_no_matter():
    x, c, other = leaf(1.0, 2.0), al.tensor([3.0, 4.0]), al.tensor([5.0, 6.0])
    loss = (x * c).sum()
    assert gradient_after(other.zero_, x, loss) == [3.0, 4.0]


def test_a_write_to_an_array_that_no_rule_needs_is_no_matter():
    x, c = leaf(1.0, 2.0), al.tensor([3.0, 4.0])
    loss = (x + c).sum()
    assert gradient_after(c.zero_, x, loss) == [1.0, 1.0]


def test_a_write_after_backward_is_no_matter():
    x, c = leaf(1.0, 2.0), al.tensor([3.0, 4.0])
    (x * c).sum().backward()
    c.zero_()
    np.testing.assert_array_equal(x.grad, [3.0, 4.0])


def test_a_write_to_another_slice_of_the_same_array_is_no_matter():
    x, buffer = leaf(1.0, 2.0), al.ones(6)
    loss = (x * buffer[:2]).sum()
    assert gradient_after(buffer[2:].zero_, x, loss) == [1.0, 1.0]


@pytest.mark.parametrize("index", [slice(2, 4), 2, -1, (slice(3, None),), [], al.tensor(np.zeros(0, int))])
def test_an_assignment_elsewhere_in_the_same_array_is_no_matter_where_that_can_be_told(index: Any):
    x, buffer = leaf(1.0, 2.0), al.ones(6)
    loss = (x * buffer[:2]).sum()
    if isinstance(index, list | al.Tensor):  # which elements an array names is not looked into
        buffer[index] = 9.0
        with pytest.raises(GraphError):
            loss.backward()
        return
    buffer[index] = 9.0
    loss.backward()
    np.testing.assert_array_equal(x.grad, [1.0, 1.0])


def test_rows_filled_one_after_the_other_do_not_disturb_those_in_use():
    x, history = leaf(1.0, 2.0), al.zeros(3, 2)
    losses = []
    for k in range(3):
        history[k] = np.full(2, k + 1.0)
        losses.append((x * history[k]).sum())
    sum(losses[1:], losses[0]).backward()
    np.testing.assert_array_equal(x.grad, [6.0, 6.0])


# ------------------------------------------------------------------------------------------- views


@pytest.mark.parametrize(
    "view",
    [
        lambda c: c[:1],
        lambda c: c.reshape(2, 1),
        lambda c: c.t(),
        lambda c: c[::-1],
        lambda c: al.Tensor(c.data[1:]),
        lambda c: c.detach(),
        lambda c: al.as_tensor(c.data),
        lambda c: al.from_numpy(c.data),
        lambda c: c.unsqueeze(0),
    ],
)
def test_a_write_through_a_view_of_a_saved_array_is_found(view: Callable[[al.Tensor], al.Tensor]):
    x, c = leaf(1.0, 2.0), al.tensor([3.0, 4.0])
    loss = (x * c).sum()
    view(c).mul_(2.0)
    with pytest.raises(GraphError, match=r"multiply.*mul_"):
        loss.backward()


def test_a_write_to_the_whole_is_found_where_a_view_was_saved():
    x, c = leaf(1.0, 2.0), al.ones(4)
    loss = (x * c[1:3]).sum()
    c.mul_(2.0)
    with pytest.raises(GraphError):
        loss.backward()


def test_an_assignment_into_the_part_that_was_saved_is_found():
    x, c = leaf(1.0, 2.0), al.ones(4)
    loss = (x * c[1:3]).sum()
    c[2] = 5.0
    with pytest.raises(GraphError):
        loss.backward()


# ---------------------------------------------------------------------------------------- rebinding, raw


def test_augmented_assignment_rebinds():
    x = leaf(1.0, 2.0)
    y = x * 2
    before = y
    y += 1.0
    y *= x
    y -= x
    y /= 2.0
    assert y is not before
    np.testing.assert_array_equal(before.data, [2.0, 4.0])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, (4 * x.data + 1.0 - 1.0) / 2)
    c = al.tensor([1.0, 2.0])
    array = c.data
    c += 1.0
    np.testing.assert_array_equal(array, [1.0, 2.0])


def test_weights_updated_through_data_as_in_the_book():
    w, x = leaf(0.5, 0.25), np.array([1.0, 2.0])
    weights = [w.data.copy()]
    for _ in range(3):
        error = ((w * x).sum() - 1.0) ** 2
        error.backward()
        w.data -= 0.1 * w.grad.data
        w.grad.zero_()
        weights.append(w.data.copy())
    by_hand = np.array([0.5, 0.25])
    for seen in weights[1:]:
        by_hand = by_hand - 0.1 * 2 * ((by_hand * x).sum() - 1.0) * x
        np.testing.assert_allclose(seen, by_hand)


def test_zeroing_a_gradient_in_place_lasts():
    w = leaf(1.0, 2.0)
    (w * 3).sum().backward()
    w.grad.zero_()
    (w * 2).sum().backward()
    np.testing.assert_array_equal(w.grad, [2.0, 2.0])


# ------------------------------------------------------------------------------------------- refusals


def test_a_value_that_requires_a_gradient_cannot_be_written_into_a_constant():
    x, c = leaf(1.0, 2.0), al.zeros(2)
    with pytest.raises(GraphError, match=r"gradient would be lost.*al\.stack or al\.cat.*\.detach\(\)"):
        c[0] = x[0]
    for write in (lambda: c.add_(x), lambda: c.mul_(x), lambda: c.copy_(x), lambda: c.add_(x, alpha=2)):
        with pytest.raises(GraphError, match="gradient would be lost"):
            write()
    np.testing.assert_array_equal(c.data, [0.0, 0.0])
    c[0] = x[0].detach()
    assert c[0].item() == 1.0
    with al.no_grad():
        c[1] = x[1]
    assert c[1].item() == 2.0


@pytest.mark.parametrize("what", WRITES)
def test_a_leaf_is_written_only_under_no_grad(what: str):
    x = leaf(1.0, 2.0)
    with pytest.raises(GraphError, match=r"on a leaf that requires a gradient.*no_grad\(\)"):
        WRITES[what](x)
    np.testing.assert_array_equal(x.data, [1.0, 2.0])
    with al.no_grad():
        WRITES[what](x)
    assert x.tolist() != [1.0, 2.0]
    assert x.requires_grad


@pytest.mark.parametrize("what", WRITES)
def test_a_recorded_result_is_written_only_under_no_grad(what: str):
    y = leaf(1.0, 2.0) * 1.0
    with pytest.raises(GraphError, match=r"on a recorded result.*al\.where"):
        WRITES[what](y)
    np.testing.assert_array_equal(y.data, [1.0, 2.0])
    with al.no_grad():
        WRITES[what](y)
    assert y.tolist() != [1.0, 2.0]


def test_writes_in_place_do_what_they_say_and_return_the_tensor():
    t = al.tensor([1.0, 2.0])
    array = t.data
    assert t.add_(1.0, alpha=2.0) is t
    np.testing.assert_array_equal(array, [3.0, 4.0])
    t.sub_(al.tensor([1.0, 1.0]))
    t.mul_(3.0).div_(2.0)
    np.testing.assert_array_equal(array, [3.0, 4.5])
    t[al.tensor([True, False])] = 7.0
    t[al.tensor(1), ...] = 8.0
    np.testing.assert_array_equal(array, [7.0, 8.0])
    assert t.fill_(2.0).tolist() == [2.0, 2.0]
    assert t.copy_(al.tensor([4.0, 5.0])).tolist() == [4.0, 5.0]
    assert t.zero_().tolist() == [0.0, 0.0]
    assert t.data is array


def test_integers_do_not_take_fractions_in_place():
    t = al.tensor([1, 2])
    with pytest.raises(TypeError):
        t.add_(0.5)
    assert t.tolist() == [1, 2]


def test_of_many_writes_to_one_buffer_only_later_ones_are_looked_at_and_the_right_one_is_named():
    w, buffer = al.ones(3, requires_grad=True), al.zeros(6, 3)
    for k in range(5):
        buffer[k] = float(k)
    loss = (w * buffer[2]).sum()
    buffer[5] = 7.0
    buffer[3] = 8.0
    loss.backward(retain_graph=True)
    np.testing.assert_array_equal(w.grad.data, [2.0, 2.0, 2.0])
    buffer[2] = 9.0
    with pytest.raises(GraphError, match=r"test_inplace\.py"):
        loss.backward()


def test_a_write_of_the_whole_is_seen_by_every_view_and_a_boolean_index_marks_the_whole():
    w, buffer = al.ones(3, requires_grad=True), al.zeros(2, 3)
    loss = (w * buffer[1]).sum()
    buffer.fill_(1.0)
    with pytest.raises(GraphError, match=r"fill_|copy_"):
        loss.backward()
    c = al.ones(3)
    loss = (w * c).sum()
    c[True] = 5.0
    with pytest.raises(GraphError):
        loss.backward()


def test_a_write_to_the_base_of_a_strided_view_is_seen():
    base, w = al.arange(5.0), al.ones(3, 3, requires_grad=True)
    view = al.from_numpy(np.lib.stride_tricks.sliding_window_view(base.data, 3))
    loss = (w * view).sum()
    base.fill_(7.0)
    with pytest.raises(GraphError):
        loss.backward()
