"""NaN and infinity trapped where they are made: the op, the line, the operands' ranges, what helps."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F


def leaf(*values: float, dtype: Any = np.float64) -> al.Tensor:
    return al.tensor(np.array(values, dtype), requires_grad=True, name="x")


def trapped(call: Callable[[], Any]) -> al.AnomalyError:
    with pytest.raises(al.AnomalyError) as caught, al.detect_anomaly():
        call()
    return caught.value


def line_of(call: Callable[[], Any]) -> int:
    return inspect.getsourcelines(call)[1]


# Op, what it made, what the remedy names
FORWARD: list[tuple[Callable[[], Any], str, str, str]] = [
    (lambda: al.log(leaf(0, 1)), "log", "-inf", "clamp(min=1e-12)"),
    (lambda: al.log(leaf(-1, 0)), "log", "nan and -inf", "log1p"),
    (lambda: al.log(al.softmax(leaf(0, 1000), 0)), "log", "-inf", "log_softmax(x)"),
    (lambda: al.log(al.sigmoid(leaf(-1000, 0))), "log", "-inf", "binary_cross_entropy_with_logits"),
    (lambda: al.log2(leaf(0)), "log2", "-inf", "clamp"),
    (lambda: al.log1p(leaf(-1)), "log1p", "-inf", "-1 + 1e-12"),
    (lambda: al.exp(leaf(1, 1000)), "exp", "inf", "overflows above 709"),
    (lambda: al.exp(leaf(89, dtype=np.float32)), "exp", "inf", "overflows above 88"),
    (lambda: leaf(1, 2) / leaf(0, 1), "divide", "inf", "1e-8"),
    (lambda: leaf(0) / leaf(0), "divide", "nan", "al.where(y == 0"),
    (lambda: al.sqrt(leaf(-1)), "sqrt", "nan", "clamp(min=0.0)"),
    (lambda: leaf(-8) ** 0.5, "power", "nan", "not whole"),
    (lambda: al.reciprocal(leaf(0)), "reciprocal", "inf", "1e-8"),
    (lambda: leaf(1e200) * 1e200, "multiply", "inf", "learning rate"),
    (lambda: leaf(1e200, 1) @ leaf(1e200, 1), "matmul", "inf", "clip_grad_norm_"),
    (lambda: al.softmax(al.tensor([[-np.inf, -np.inf], [0.0, 1.0]]), 1), "softmax", "nan", "masked out"),
    (
        lambda: al.tensor([np.inf]) * leaf(0),
        "multiply",
        "nan",
        "0 times inf: keep the operands finite, or choose with al.where",
    ),
    (lambda: al.tensor([np.inf]) - np.array([np.inf]), "subtract", "nan", "inf - inf"),
]


@pytest.mark.parametrize(("call", "op", "what", "remedy"), FORWARD)
def test_the_op_the_line_and_the_remedy_are_named_forward(call: Callable[[], Any], op: str, what: str, remedy: str):
    error = trapped(call)
    text = str(error)
    assert text.startswith(f"{op} made {what} at {__file__}:{line_of(call)}\n")
    assert remedy in text.partition("remedy: ")[2]
    assert (error.op, error.site, error.backward) == (op, (__file__, line_of(call)), False)
    assert "\n    result" in text


def test_the_operands_are_described():
    p = al.tensor([[0.25, 0.5], [0.0, 1.0]], requires_grad=True, name="p")
    text = str(trapped(lambda: al.log(p)))
    assert "    result  (2, 2) float64, -1.386 to 0, 1 of 4 -inf; -inf at [1, 0]\n" in text
    assert "    p       (2, 2) float64, 0 to 1; 0 at [1, 0]\n" in text


def test_nan_that_was_there_before_is_said_to_come_in():
    gaps = al.tensor([1.0, np.nan])
    error = trapped(lambda: leaf(1, 2) * gaps)
    assert str(error).startswith("NaN came in with gaps, which multiply was given")
    assert "1 of 2 nan; nan at [1]" in str(error)


def test_infinity_that_was_put_in_may_pass_and_what_leaves_none_may_too():
    x = al.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    with al.detect_anomaly():
        masked = al.where(x > 1.5, x, -np.inf) + 1.0
        loss = al.softmax(masked, 1).square().sum()
        loss.backward()
        assert np.isfinite(x.grad.data).all()
        gaps = al.tensor([np.nan, 1.0])
        assert al.where(al.isnan(gaps), 0.0, gaps).tolist() == [0.0, 1.0]


# Loss, the op whose rule is to blame, what the gradient becomes, what the remedy names
BACKWARD: list[tuple[Callable[[], Any], str, str, str]] = [
    (lambda: al.sqrt(leaf(0, 1)).sum(), "sqrt", "inf", "under the root"),
    (lambda: al.where(al.tensor([False, True]), al.sqrt(leaf(0, 1)), 0.0).sum(), "sqrt", "nan", "Mask the input"),
    (lambda: (leaf(0, 1) ** 0.5).sum(), "power", "inf", "1e-8"),
]


@pytest.mark.parametrize(("loss", "op", "what", "remedy"), BACKWARD)
def test_the_op_the_line_and_the_remedy_are_named_backward(loss: Callable[[], Any], op: str, what: str, remedy: str):
    for create in (False, True):
        error = trapped(lambda: loss().backward(create_graph=create))  # noqa: B023
        text = str(error)
        assert text.startswith(f"backward through {op} made {what} at {__file__}:{line_of(loss)}\n")
        assert remedy in text
        assert error.backward
        assert "gradient that arrives" in text


def test_the_remedy_for_a_masked_root_works():
    x = al.tensor([0.0, 4.0], requires_grad=True)
    with al.detect_anomaly():
        ok = x > 0
        al.where(ok, al.sqrt(al.where(ok, x, 1.0)), 0.0).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


def test_a_gradient_that_is_bad_from_the_start_is_not_blamed_on_the_op():
    error = trapped(lambda: (leaf(1, 2) * 3).backward(np.array([np.nan, 1.0])))
    assert str(error).startswith("the gradient that arrives at multiply is nan already")


def test_an_embedding_s_gradient_is_looked_at_too():
    table = al.tensor(np.ones((4, 2)), requires_grad=True)
    error = trapped(lambda: F.embedding(al.tensor([1, 1]), table).backward(np.full((2, 2), np.inf)))
    assert error.backward


def test_check_inf_and_check_nan_choose():
    with al.detect_anomaly(check_inf=False):
        assert al.log(leaf(0)).tolist() == [-np.inf]
        with pytest.raises(al.AnomalyError):
            al.log(leaf(-1))
    with al.detect_anomaly(check_nan=False):
        y = al.log(leaf(-1, 0))
        assert y.node.notes.site[0] == __file__
        y.sum().backward()


def test_it_is_a_decorator_and_leaves_nothing_behind():
    @al.autograd.detect_anomaly()
    def root(x: al.Tensor) -> al.Tensor:
        return al.sqrt(x)

    before = np.geterr()
    assert root(leaf(4)).tolist() == [2.0]
    with pytest.raises(al.AnomalyError):
        root(leaf(-4))
    assert np.geterr() == before
    with np.errstate(all="ignore"):
        y = al.sqrt(leaf(0))
        y.backward()
    assert y.node.notes is None


def test_another_thread_is_not_watched():
    made = []

    def work() -> None:
        with np.errstate(all="ignore"):
            made.append(al.log(leaf(0)).tolist())

    with al.detect_anomaly():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert made == [[-np.inf]]


def test_a_sound_step_passes_with_the_same_gradients():
    rng = np.random.default_rng(0)
    x, target = al.tensor(rng.normal(size=(8, 3))), al.tensor(rng.integers(0, 4, 8))
    al.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 4))
    F.cross_entropy(model(x), target).backward()
    want = [p.grad.data for p in model.parameters()]
    model.zero_grad()
    with al.detect_anomaly():
        F.cross_entropy(model(x), target).backward()
    for p, g in zip(model.parameters(), want, strict=True):
        np.testing.assert_array_equal(p.grad.data, g)
