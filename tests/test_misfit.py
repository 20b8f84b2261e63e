"""Shapes that do not fit: what is drawn, who is named, and that the edit proposed does what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.misfit import drawn
from autograd_lite.nn import functional as F


def message(call: Callable[[], Any]) -> str:
    with pytest.raises(ValueError, match=r"\n\n    ") as caught:
        call()
    return str(caught.value)


def fix_of(text: str) -> str | None:
    found = re.search(r": ([^:\n]*) would fit\n", text)
    return None if found is None else found[1]


def test_a_broadcast_is_drawn_whole():
    x, bias = al.ones(8, 100), al.ones(8)
    assert message(lambda: x + bias) == (
        "add: x (8, 100) and bias (8,) do not broadcast: in dimension -1 100 is not 8: bias.unsqueeze(-1) would fit\n"
        "\n"
        "    x     (8, 100)\n"
        "    bias       (8)\n"
        "              ^^^"
    )


def test_a_product_marks_the_axes_of_both():
    h, weights = al.ones(64, 100), al.ones(10, 100)
    weights.name = "w2"
    assert message(lambda: h @ weights) == (
        "matmul: h (64, 100) @ w2 (10, 100): the last size of the first, 100, is not 10, the rows of the second: "
        "w2.T would fit\n"
        "\n"
        "    h   (64, 100)\n"
        "             ^^^\n"
        "    w2  (10, 100)\n"
        "         ^^"
    )


def test_parameters_are_called_by_their_path_in_the_module_that_runs():
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(4, 2))
    text = message(lambda: model(al.ones(3, 6)))
    assert text.startswith("linear: input (3, 5), weight (2, 4), bias (2,) do not fit")
    assert "in_features=5 would fit" in text
    assert re.search(r"^    2\.weight  +\(2, 4\)\n +\^$", text, re.MULTILINE)
    assert "\n    relu(...)  (3, 5)\n" in text


def test_results_are_called_by_their_op_and_line_where_lines_are_recorded():
    x = al.ones(3, 4, requires_grad=True)
    with al.record_lines():
        text = message(lambda: al.tanh(x) @ al.ones(3, 2))
    assert re.search(r"tanh\(\.\.\.\) of test_misfit\.py:\d+ \(3, 4\) @", text)
    assert re.search(r": \.T of tanh\(\.\.\.\) of test_misfit\.py:\d+ would fit\n", text)


X, W, V = al.ones(8, 100), al.ones(100, 8), al.ones(8)
IMAGES, LAST, CHANNELS = al.ones(2, 3, 5, 7), al.ones(2, 5, 7, 3), al.ones(3)
COLUMN = al.ones(8, 1)

# Op, and the edit that is proposed: None where no one edit would do
FIXES: list[tuple[Callable[..., Any], tuple[Any, ...], str | None]] = [
    (al.add, (X, V), "V.unsqueeze(-1)"),
    (al.multiply, (V, X), "V.unsqueeze(-1)"),
    (al.subtract, (X, W), "W.T"),
    (al.divide, (X, al.ones(3)), None),
    (al.multiply, (V, al.ones(5)), None),
    (al.add, (IMAGES, CHANNELS), "CHANNELS.reshape(-1, 1, 1)"),
    (al.add, (IMAGES, LAST), "LAST.permute(0, 3, 1, 2)"),
    (al.maximum, (al.ones(3, 4, 1), al.ones(3, 4)), ".unsqueeze(-1) of number 2"),
    (al.matmul, (X, X), "X.T"),
    (al.matmul, (al.ones(3, 2), al.ones(3, 4)), ".T of number 1"),
    (al.matmul, (al.ones(2, 3), al.ones(4, 2)), "the other order"),
    (al.matmul, (al.ones(2, 3), al.ones(4, 5)), None),
    (al.matmul, (IMAGES, al.ones(105, 4)), "IMAGES.flatten(1)"),
    (F.linear, (IMAGES, al.ones(4, 105)), "IMAGES.flatten(1)"),
    (F.linear, (V, al.ones(4, 1)), "V.unsqueeze(-1)"),
    (F.linear, (X, W), "W.T"),
    (F.linear, (X, al.ones(4, 100), al.ones(5)), "a bias of shape (4,)"),
    (F.mse_loss, (COLUMN, V), "V.unsqueeze(-1)"),
    (F.mse_loss, (V, COLUMN), "COLUMN.squeeze(-1)"),
    (F.l1_loss, (X, W), "W.T"),
    (F.binary_cross_entropy_with_logits, (X, V), None),
]


@pytest.mark.parametrize(("op", "operands", "fix"), FIXES)
def test_the_one_edit_that_fits_is_proposed(op: Callable[..., Any], operands: tuple[Any, ...], fix: str | None):
    text = message(lambda: op(*operands))
    assert fix_of(text) == fix
    assert text.split("\n")[1] == ""
    if fix is not None and re.match(r"\w+\.", fix):  # the edit is code: with it the op runs
        changed = eval(fix)
        same = next(x for x in operands if x is eval(fix.partition(".")[0]))
        op(*[changed if x is same and k == _place(operands, same, fix) else x for k, x in enumerate(operands)])


def _place(operands: tuple[Any, ...], same: Any, fix: str) -> int:
    return max(k for k, x in enumerate(operands) if x is same)


@pytest.mark.parametrize(
    ("call", "fix"),
    [
        (lambda: al.cat([X, al.ones(8, 3)]), "dim=1"),
        (lambda: al.cat([X, V], 1), "V.unsqueeze(-1)"),
        (lambda: al.cat([X, W], 0), "W.T"),
        (lambda: al.cat([X, al.ones(3, 3)]), None),
        (lambda: al.stack([X, W]), "W.T"),
        (lambda: al.stack([V, COLUMN]), "COLUMN.squeeze(-1)"),
        (lambda: al.stack([X, al.ones(9, 100)]), "al.cat along dim 0"),
        (lambda: X.reshape(7, -1), "reshape(8, -1), which gives (8, 100),"),
        (lambda: X.reshape(10, 10), "reshape(-1, 10), which gives (80, 10),"),
        (lambda: CHANNELS.expand(3, 4), "CHANNELS.unsqueeze(-1)"),
        (lambda: al.broadcast_to(X, (100, 8)), "X.T"),
        (lambda: al.broadcast_to(X, (7, 7)), None),
    ],
)
def test_joining_and_reshaping_too(call: Callable[[], Any], fix: str | None):
    assert fix_of(message(call)) == fix


def test_the_first_tensors_that_clash_of_three_are_named():
    text = message(lambda: al.where(X > 0, V, 1.0))
    assert text.startswith("where: condition (8, 100) and V (8,) do not broadcast")
    assert len(text.splitlines()) == 6


def test_many_tensors_are_drawn_as_two():
    text = message(lambda: al.cat([al.ones(2, 3)] * 9 + [al.ones(2, 4)]))
    assert "number 10 (2, 4) has 4 in dimension 1 where the first has 3" in text
    assert len(text.splitlines()) == 5


def test_the_error_of_numpy_is_the_cause():
    with pytest.raises(ValueError, match="do not broadcast") as caught:
        X + al.ones(3)
    assert "could not be broadcast" in str(caught.value.__cause__)


def test_an_error_that_is_not_about_shapes_stays_what_it_was():
    @al.primitive(a=lambda g: g, b=None)
    def picky(a: Any, b: Any) -> Any:
        raise ValueError("a is out of range")

    with pytest.raises(ValueError, match=r"^a is out of range$"):
        picky(al.ones(2), al.ones(3))


def test_arrays_and_recorded_operands_are_told_alike():
    array = np.ones(3)
    for x in (al.ones(2, 4), al.ones(2, 4, requires_grad=True)):
        assert "x (2, 4) and array (3,) do not broadcast" in message(lambda x=x: x * array)
        with al.no_grad():
            assert "x (2, 4) and array (3,) do not broadcast" in message(lambda x=x: x * array)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.sampled_from([1, 2, 3, 10, 100]), max_size=4).map(tuple), min_size=2, max_size=3))
def test_whatever_does_not_broadcast_is_explained_and_what_does_is_not(shapes: list[tuple[int, ...]]):
    a, b = al.zeros(*shapes[0]), al.zeros(*shapes[1])
    try:
        np.broadcast_shapes(*shapes[:2])
    except ValueError:
        text = message(lambda: a + b)
        head, drawing = text.split("\n\n")
        assert head.startswith("add: a ")
        rows = [line for line in drawing.splitlines() if "(" in line]
        marks = [line for line in drawing.splitlines() if "^" in line]
        assert len(rows) == 2
        assert len(marks) == 1
        axis = int(re.search(r"in dimension (-\d)", head)[1])  # type: ignore[index]
        for row, shape in zip(rows, shapes, strict=False):  # both sizes end over the last caret
            end = marks[0].rindex("^") + 1
            size = str(shape[axis])
            assert row[end - len(size) : end] == size
        fix = fix_of(text)
        if fix is not None:
            name = fix.partition(".")[0]
            changed = eval(fix)
            new = changed + b if name == "a" else a + changed
            assert new.shape in (a.shape, b.shape, changed.shape)
    else:
        assert (a + b).shape == np.broadcast_shapes(*shapes[:2])


def test_the_drawing_aligns_sizes_of_different_lengths():
    assert drawn([("x", (8, 100, 1)), ("longer", (7, 10))], [{-2}, {-2}]) == (
        "    x       (8, 100,  1)\n    longer       (7, 10)\n                ^^^"
    )
