"""Where PyTorch's ops have an edge of their own: shared memory, integers, numbers without dimensions, NaN."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al

torch = pytest.importorskip("torch", reason="PyTorch is the reference of these tests, and it is not installed")

F, G = al.nn.functional, torch.nn.functional
X = np.array([[0.5, -1.5, 2.0], [1.0, 3.0, -0.25]])


def same(program: Callable[..., Any], *arrays: Any, grad: bool = True) -> None:
    """One program of both libraries: value, dtype, and the gradients of a weighted sum."""
    results, slopes = [], []
    for lib, make in ((al, al.tensor), (torch, torch.tensor)):
        leaves = [make(a, requires_grad=grad) for a in arrays]
        with warnings.catch_warnings():
            warnings.simplefilter("error" if lib is al else "ignore")
            y = program(lib, *leaves)
            results.append(np.asarray(y.detach()))
            if grad:
                (y * make(np.cos(np.arange(y.numel()).reshape(y.shape) + 1.0))).sum().backward()
                slopes.append([None if v.grad is None else np.asarray(v.grad) for v in leaves])
    assert results[0].shape == results[1].shape
    assert results[0].dtype == results[1].dtype
    np.testing.assert_allclose(*results, rtol=1e-12)
    for ours, theirs in zip(*slopes, strict=True) if grad else ():
        np.testing.assert_allclose(0.0 if ours is None else ours, 0.0 if theirs is None else theirs, atol=1e-12)


COPIES: dict[str, Callable[[Any, Any], Any]] = {
    "repeat": lambda lib, x: x.repeat(2, 1, 1, 1),
    "repeat once": lambda lib, x: x.repeat(1, 1, 1),
    "tile": lambda lib, x: lib.tile(x, (2, 1, 1, 1)),
    "repeat_interleave": lambda lib, x: lib.repeat_interleave(x, 1, 0),
    "flip": lambda lib, x: lib.flip(x, (0,)),
    "flip of nothing": lambda lib, x: lib.flip(x, ()),
    "fliplr": lambda lib, x: lib.fliplr(x),
    "flipud": lambda lib, x: lib.flipud(x),
    "rot90": lambda lib, x: lib.rot90(x, 1),
    "no rot90": lambda lib, x: lib.rot90(x, 0),
    "pixel_shuffle": lambda lib, x: lib.nn.functional.pixel_shuffle(x, 1),
    "pixel_unshuffle": lambda lib, x: lib.nn.functional.pixel_unshuffle(x, 1),
    "channel_shuffle": lambda lib, x: lib.nn.functional.channel_shuffle(x[None], 1),
    "matrix_power": lambda lib, x: lib.linalg.matrix_power(x[:, :1, :1], 1),
    "diff": lambda lib, x: lib.diff(x, n=0),
    "interpolate": lambda lib, x: lib.nn.functional.interpolate(x[None], size=(2, 3), mode="bilinear"),
    "max": lambda lib, x: lib.max(x[0, 0, 0], 0).values,
}


@pytest.mark.parametrize("name", COPIES)
def test_what_pytorch_copies_is_no_view(name: str):
    x = al.tensor(np.array([X, X + 1.0]))
    before = x.data.copy()
    y = COPIES[name](al, x)
    assert not np.shares_memory(x.data, y.data)
    y.add_(1.0)
    np.testing.assert_array_equal(x.data, before)
    same(COPIES[name], np.array([X, X + 1.0]))


def test_rot90_of_booleans_stays_boolean():
    same(lambda lib, x: lib.rot90(x, 4), np.array([[True, False]]), grad=False)


@pytest.mark.parametrize("dtype", [np.int64, bool])
def test_reciprocal_of_integers_divides_as_floats(dtype: Any):
    with np.errstate(divide="ignore"):
        got = al.reciprocal(al.tensor(np.array([0, 1], dtype)))
        np.testing.assert_array_equal(np.reciprocal(al.tensor(np.array([2, 4]))).data, [0.5, 0.25])
    np.testing.assert_array_equal(got.data, torch.reciprocal(torch.tensor(np.array([0, 1], dtype))))
    assert al.reciprocal(al.ones(2, dtype=al.float32)).dtype == np.float32
    same(lambda lib, x: lib.reciprocal(x), X)


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.int64, bool])
@pytest.mark.parametrize("dim", [None, 0, 1])
def test_products_and_sums_of_integers_are_int64(dtype: Any, dim: int | None):
    x = np.full((5, 4), 100).astype(dtype)
    more = {} if dim is None else {"dim": dim}
    same(lambda lib, x: lib.prod(x, **more), x, grad=False)
    same(lambda lib, x: lib.nansum(x, **more), x, grad=False)


def test_a_product_of_bytes_does_not_overflow():
    assert al.prod(al.tensor(np.array([200, 200], np.uint8))).item() == 40000
    assert al.prod(al.tensor([2, 3]), dtype=al.int32).dtype == np.int32


@pytest.mark.parametrize("shape", [(2,), (2, 2), (2, 3, 2)])
def test_linear_with_one_row_of_weights(shape: tuple[int, ...]):
    x, w = np.cos(np.arange(math.prod(shape)).reshape(shape)), np.array([0.5, -2.0])
    same(lambda lib, x, w: lib.nn.functional.linear(x, w), x, w)
    ours = [al.tensor(a, requires_grad=True) for a in (x, w, np.array(0.25))]
    theirs = [torch.tensor(a, requires_grad=True) for a in (x, w, np.array(0.25))]
    F.linear(*ours).square().sum().backward()
    (G.linear(*theirs[:2]) + theirs[2]).square().sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad.data, b.grad)


REDUCTIONS = ("sum", "mean", "prod", "amax", "amin", "logsumexp", "softmax", "log_softmax", "nansum")


@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_number_has_the_dimensions_0_and_minus_1(name: str):
    for dim in (0, -1):
        same(lambda lib, x: getattr(lib, name)(x, dim), np.array(2.5))  # noqa: B023
    for lib in (al, torch):
        with pytest.raises(IndexError):
            getattr(lib, name)(lib.tensor(2.5), 1)
    assert al.gradcheck(lambda x: getattr(al, name)(x, 0), al.tensor(2.5, requires_grad=True))


@pytest.mark.parametrize("name", ["max", "min"])
def test_the_largest_of_a_number_looks_at_dim(name: str):
    for lib in (al, torch):
        assert getattr(lib, name)(lib.tensor(2.5), -1).indices.item() == 0
        with pytest.raises(IndexError):
            getattr(lib, name)(lib.tensor(2.5), 7)


def test_index_fill_counts_from_the_end():
    index = np.array([0, -1])
    same(lambda lib, x: lib.index_fill(x, 1, lib.tensor(index), 4.0), X)
    same(lambda lib, x: lib.index_fill(x, 0, lib.tensor(np.array(-1)), 4.0), np.array(1.0))
    for wrong in ([3], [-4]):
        with pytest.raises(IndexError):
            al.index_fill(al.tensor(X), 1, al.tensor(wrong), 0.0)
    with pytest.raises(IndexError):
        al.index_copy(al.tensor(X), 1, al.tensor([-1]), al.ones(2, 1))


def test_an_empty_vector_joins_anything():
    same(lambda lib, x, none: lib.cat([x, none]), X, np.zeros(0))
    same(lambda lib, x, none: lib.cat([none, x, none, x], 1), X, np.zeros(0))
    same(lambda lib, x, none: lib.cat([none, x]), X[0], np.zeros(0))
    same(lambda lib, x: lib.cat([x, x]), np.zeros(0))
    with pytest.raises(ValueError, match="cat"):
        al.cat([al.tensor(X), al.zeros(1)])


def test_einsum_takes_numbers_for_letters():
    y = np.sin(X)
    same(lambda lib, a, b: lib.einsum(a, [0, 1], b, [0, 1], [0]), X, y)
    same(lambda lib, a, b: lib.einsum(a, [0, 1], b, [2, 1]), X, y)
    same(lambda lib, a: lib.einsum(a, [..., 3], [...]), X)
    a, b = al.tensor(X), al.tensor(y)
    np.testing.assert_allclose(np.einsum(a, [0, 1], b, [0, 1], [0]).data, np.einsum(X, [0, 1], y, [0, 1], [0]))
    for wrong in ((a, b), (a, [0, -1]), (a, [0, 52]), (a, [0, "j"]), (a, 0)):
        with pytest.raises(ValueError, match="numbers from 0 to 51"):
            al.einsum(*wrong)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("mode", ["linear", "bilinear", "trilinear"])
def test_interpolate_keeps_a_size_that_stays(mode: str, align: bool):
    d = {"linear": 1, "bilinear": 2, "trilinear": 3}[mode]
    x = np.random.default_rng(0).normal(size=(1, 2, *(4, 3, 5)[:d]))
    for scale in (1.05, (1.05, 1.5, 2.0)[:d], (2.0, 1.1, 1.05)[:d]):
        more = {"scale_factor": scale, "mode": mode, "align_corners": align}
        same(lambda lib, x: lib.nn.functional.interpolate(x, **more), x)  # noqa: B023


@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 0.5]])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_mean_over_no_target_is_nan_and_flat(weight: Any, smoothing: float):
    ignored, some = np.array([-100, -100]), np.array([2, -100])

    def entropy(lib: Any, x: Any, target: Any) -> Any:
        w = None if weight is None else lib.tensor(np.array(weight))
        return lib.nn.functional.cross_entropy(x, lib.tensor(target), w, label_smoothing=smoothing)

    def likelihood(lib: Any, x: Any, target: Any) -> Any:
        return lib.nn.functional.nll_loss(
            x, lib.tensor(target), None if weight is None else lib.tensor(weight).double()
        )

    for target in (ignored, some):
        same(lambda lib, x: entropy(lib, x, target), X)  # noqa: B023
        same(lambda lib, x: likelihood(lib, x, target), X)  # noqa: B023
    assert np.isnan(entropy(al, al.tensor(X), ignored).item())
    x = al.tensor(X, requires_grad=True)
    (slope,) = al.autograd.grad(entropy(al, x, ignored), x, create_graph=True)
    np.testing.assert_array_equal(slope.data, np.zeros_like(X))


def test_a_compiled_mean_over_no_target_is_nan_and_flat():
    target = al.tensor([-100, -100])

    def step(x: Any, target: Any) -> Any:
        x.grad = None
        loss = F.cross_entropy(x, target)
        loss.backward()
        return loss

    x = al.tensor(X, requires_grad=True)
    compiled = al.compile(step)
    for t in (al.tensor([0, 2]), al.tensor([1, 1]), target):
        loss, expected = compiled(x, t).item(), F.cross_entropy(al.tensor(X), t).item()
        np.testing.assert_allclose(loss, expected)
    np.testing.assert_array_equal(x.grad.data, np.zeros_like(X))


@pytest.mark.parametrize("widths", [(2, -2), (-2, 2), (-3, 1), (-2, 3), (-1, -1), (2, 3)])
@pytest.mark.parametrize("mode", ["circular", "reflect", "replicate"])
def test_a_negative_pad_cuts_before_it_goes_round(widths: tuple[int, int], mode: str):
    same(lambda lib, x: lib.nn.functional.pad(x, widths, mode=mode), np.arange(5.0)[None])


def test_no_more_than_what_is_left_goes_round():
    with pytest.raises(ValueError, match="circular of a dimension of size 3 can add at most 3"):
        F.pad(al.arange(5.0)[None], (-2, 4), mode="circular")


@pytest.mark.parametrize("dims", [1, 2, 3])
@pytest.mark.parametrize("ceil", [False, True])
def test_padding_never_wins_a_pool(dims: int, ceil: bool):
    x = np.random.default_rng(1).normal(size=(2, 1, *(5, 4, 6)[:dims]))
    x[0, :, :3] = -np.inf
    for where in (np.full_like(x, -np.inf), x):
        same(lambda lib, x: getattr(lib.nn.functional, f"max_pool{dims}d")(x, 3, 2, 1, 1, ceil).exp(), where)
        for lib in (al, torch):
            leaf = lib.tensor(where, requires_grad=True)
            y, index = getattr(lib.nn.functional, f"max_pool{dims}d")(leaf, 3, 2, 1, 1, ceil, True)
            y.backward(lib.ones_like(y))
            if lib is al:
                ours = leaf.grad.data, index.data
        np.testing.assert_array_equal(ours[0], leaf.grad)
        np.testing.assert_array_equal(ours[1], index)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_lp_pool_of_norm_1_is_the_sum(dims: int):
    x = np.random.default_rng(2).normal(size=(1, 2, 4, 4, 4)[: dims + 2])
    same(lambda lib, x: getattr(lib.nn.functional, f"lp_pool{dims}d")(x, 1, 2), x)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_the_gradient_goes_to_nan(name: str):
    a, b = np.array([np.nan, 0.0, np.nan, 1.0, 2.0, 1.0]), np.array([0.0, np.nan, np.nan, 1.0, 1.0, 2.0])
    same(lambda lib, a, b: getattr(lib, name)(a, b), a, b)


def test_bounds_that_are_nan_make_nan():
    x, bound = np.array([-1.0, 0.0, 3.0, np.nan]), np.array([np.nan, 0.5, np.nan, 0.0])
    for bounds in ({"min": bound}, {"max": bound}):
        given = lambda lib: {k: lib.tensor(v) for k, v in bounds.items()}  # noqa: B023
        same(lambda lib, x: lib.clamp(x, **given(lib)), x, grad=False)  # noqa: B023
