"""The edges of ops: far-out values, infinite gradients, arguments under two names, mixed dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.nn import functional as F
from autograd_lite.ops.elementwise import logistic

DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])


def tracked(values: Any, dtype: Any = np.float64) -> al.Tensor:
    return al.tensor(np.array(values, dtype), requires_grad=True)


# ---------------------------------------------------------------------------------------------- sigmoid


@DTYPES
def test_the_sigmoid_is_exact_from_end_to_end(dtype: Any):
    far = 700 if dtype == np.float64 else 87
    x = np.concatenate([np.linspace(-far, far, 20001), np.linspace(-40, 40, 20001), [0.0, -0.0]]).astype(dtype)
    e = np.exp(-np.abs(x.astype(np.longdouble)))
    want = np.where(x >= 0, 1, e) / (1 + e)
    for got in (al.sigmoid(x), al.sigmoid(al.tensor(x)).data, logistic(x), logistic(al.tensor(x)).data):
        assert got.dtype == dtype
        assert np.max(np.abs(got - want) / want) < 3 * np.finfo(dtype).eps


@DTYPES
def test_the_sigmoid_neither_overflows_nor_warns_nor_changes_form(dtype: Any):
    with np.errstate(all="raise"):
        y = al.sigmoid(tracked([-np.inf, -1e30, -1e4, 0.0, 1e4, 1e30, np.inf], dtype))
        np.testing.assert_array_equal(y.data, [0, 0, 0, 0.5, 1, 1, 1])
    for shape in ((), (0,), (0, 3)):
        y = al.sigmoid(tracked(np.zeros(shape), dtype))
        assert (y.shape, y.dtype) == (shape, dtype)
    assert np.isnan(al.sigmoid(np.array(np.nan)))
    np.testing.assert_array_equal(al.sigmoid(np.array([0, 1], np.uint8)), al.sigmoid(np.array([0.0, 1.0])))


@DTYPES
def test_the_gradients_of_certain_logits_are_small_and_not_zero(dtype: Any):
    x = tracked(-40.0, dtype)
    want = np.exp(-40.0)
    for loss in (
        F.binary_cross_entropy_with_logits(x, al.tensor(np.zeros((), dtype))),
        F.softplus(x),
        al.sigmoid(x),
    ):
        (g,) = al.autograd.grad(loss, x, create_graph=True)
        np.testing.assert_allclose(g.data, want, rtol=1e-6)
        (h,) = al.autograd.grad(g, x)
        np.testing.assert_allclose(h.data, want, rtol=1e-6)
        assert h.dtype == dtype


# ---------------------------------------------------------------------------------------------- infinite gradients

HALF = np.array([-1.0, 0.5, 2.0])


@DTYPES
@pytest.mark.parametrize(
    ("function", "values", "want"),
    [
        (lambda x: al.maximum(x, 0.0), [-1.0, 1.0], [0, np.inf]),
        (lambda x: al.maximum(0.0, x), [-1.0, 1.0], [0, np.inf]),
        (lambda x: al.minimum(x, 0.0), [-1.0, 1.0], [np.inf, 0]),
        (lambda x: al.minimum(0.0, x), [-1.0, 1.0], [np.inf, 0]),
        (lambda x: al.maximum(x, 1.0), [1.0, 1.0], [np.inf, np.inf]),
        (lambda x: al.clamp(x, 0.0, 1.0), [-1.0, 0.5, 2.0], [0, np.inf, 0]),
        (lambda x: al.clamp(x, al.tensor(np.zeros((), x.dtype))), [-1.0, 0.5], [0, np.inf]),
        (al.floor, HALF, [0, 0, 0]),
        (al.ceil, HALF, [0, 0, 0]),
        (al.round, HALF, [0, 0, 0]),
        (al.sign, HALF, [0, 0, 0]),
        (lambda x: x**0, HALF, [0, 0, 0]),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
def test_an_infinite_gradient_is_stopped_where_the_slope_is_zero(
    function: Callable[[Any], Any], values: Any, want: Any, create_graph: bool, dtype: Any
):
    x = tracked(values, dtype)
    (g,) = al.autograd.grad(function(x), x, np.full(len(values), np.inf, dtype), create_graph=create_graph)
    np.testing.assert_array_equal(g.data, want)
    assert g.dtype == dtype


def test_a_root_of_what_is_clamped_to_zero_has_the_gradient_zero():
    x = tracked([0.0, 2.0])
    with np.errstate(divide="ignore"):
        al.sqrt(al.maximum(x - 0.5, 0.0)).sum().backward()
        assert x.grad.data[0] == 0
        al.sqrt(al.clamp(x - 0.5, min=0.0)).sum().backward()
    np.testing.assert_allclose(x.grad.data, [0.0, 1 / np.sqrt(1.5)])


# ---------------------------------------------------------------------------------------------- names of arguments

X = np.array([[1.0, 5.0, 2.0], [7.0, 2.0, 4.0]])
REDUCTIONS = [al.sum, al.mean, al.var, al.std, al.amax, al.amin, al.argmax, al.argmin, al.max, al.min, al.logsumexp]


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=lambda f: f.__name__)
def test_dim_and_axis_keepdim_and_keepdims_are_names_of_one_thing(reduction: Any):
    x = al.tensor(X)
    first = reduction(x, axis=1, keepdims=True)
    for keep in ({"keepdim": True}, {"keepdims": True}):
        for along in ({"dim": 1}, {"axis": 1}):
            kept = reduction(x, **along, **keep)
            for part in kept if isinstance(kept, tuple) else (kept,):
                assert part.shape == (2, 1)
            np.testing.assert_array_equal((kept[0] if isinstance(kept, tuple) else kept).data, first.data)
    for both in ({"dim": 1, "axis": 1}, {"dim": 0, "axis": 1}):
        with pytest.raises(TypeError, match="dim or axis, not both"):
            reduction(x, **both)


# ---------------------------------------------------------------------------------------------- dtypes


@pytest.mark.parametrize("bias", [np.float64, np.float32, np.float16, np.int64])
def test_linear_has_the_promoted_dtype(bias: Any):
    x, w, b = np.ones((2, 3), np.float32), np.full((4, 3), 0.1, np.float32), np.arange(4).astype(bias)
    want = x @ w.T + b
    y = F.linear(tracked(x, np.float32), tracked(w, np.float32), al.tensor(b))
    assert y.dtype == want.dtype
    np.testing.assert_array_equal(y.data, want)
    if bias == np.float64:
        leaf = tracked(x, np.float32)
        F.linear(leaf, al.tensor(w), al.tensor(b)).sum().backward()
        assert leaf.grad.dtype == np.float32


def test_nll_loss_names_what_does_not_fit():
    with pytest.raises(
        ValueError,
        match=r"nll_loss: input \(2, 3, 4\) has .* integers of shape \(2, 4\), and not int64 of shape \(2, 3\)",
    ):
        F.nll_loss(al.zeros(2, 3, 4), al.zeros(2, 3).long())
    with pytest.raises(TypeError, match=r"must be integers.*\.long\(\)"):
        F.nll_loss(al.zeros(2, 3), al.zeros(2))


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        (
            (2, 3),
            (2, 3),
            r"\(2, 3\) @ number 2 \(2, 3\): the last size of the first, 3, is not 2, .*: \.T of number 2 would fit",
        ),
        ((3, 2), (3, 4), r": \.T of number 1 would fit"),
        ((2, 3), (4, 5), r"3, is not 4, the rows of the second\n"),
        ((2, 3, 4), (5, 4, 2), r"leading dimensions \(2,\) and \(5,\) do not broadcast"),
        ((), (2, 2), "a number is no matrix"),
    ],
)
def test_matmul_says_which_sizes_do_not_fit_and_which_transpose_would(a, b, text):
    with pytest.raises(ValueError, match=text):
        al.ones(a, requires_grad=True) @ al.ones(b)


def test_misuse_is_told_with_the_remedy():
    x = al.ones(1, 1, 3, 3)
    with pytest.raises(ValueError, match=r"padding is a number, one for each .* 'same', and not 'full'"):
        F.conv2d(x, al.ones(1, 1, 2, 2), padding="full")
    with pytest.raises(TypeError, match=r"padding is a number, or 2 of them, and not \(1, 2, 3\)"):
        F.conv2d(x, al.ones(1, 1, 2, 2), padding=(1, 2, 3))
    with pytest.raises(TypeError, match=r"al\.cat\(\[a, b\]\)"):
        al.cat(al.ones(2), al.ones(2))
    with pytest.raises(ValueError, match="binary_cross_entropy_with_logits"):
        F.binary_cross_entropy(al.tensor([1.5]), al.tensor([1.0]))
    with pytest.raises(TypeError, match=r"np\.random\.default_rng"):
        F.dropout(al.ones(3), 0.5, generator=0)


def test_any_and_all_over_all_or_one_dimension():
    x = np.array([[0.0, 1.0, 0.0], [1.0, 1.0, 2.0]])
    for ours, theirs in ((al.any, np.any), (al.all, np.all)):
        for dim in (None, 0, 1, -1):
            for keep in (False, True):
                np.testing.assert_array_equal(ours(al.tensor(x), dim, keep).data, theirs(x, axis=dim, keepdims=keep))
    assert bool((al.tensor(x) >= 0).all())
    assert not bool((al.tensor(x) > 2).any())
