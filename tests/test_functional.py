"""Every function of `nn.functional`: differences, its code, its compiled form, arrays, precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from functional_cases import CASES, DRAWS, INDEX, NO_DERIVATIVE, OFFSETS, tensors
from oracle import check_first_order, check_second_order

import autograd_lite as al
from autograd_lite.nn import functional as F

EACH = pytest.mark.parametrize("name", CASES)


def test_every_function_has_a_case():
    assert set(F.__all__) == {name.split(",")[0] for name in CASES} | NO_DERIVATIVE | DRAWS
    assert len(F.__all__) == len(set(F.__all__))


@EACH
def test_gradients_of_first_and_second_order_are_the_differences(name: str):
    function, arrays = CASES[name]
    rng = np.random.default_rng(0)
    check_first_order(function, arrays, rng)
    check_second_order(function, arrays, rng)


@EACH
def test_the_package_checks_pass(name: str):
    function, arrays = CASES[name]
    assert al.gradcheck(function, tensors(arrays))
    assert al.gradgradcheck(function, tensors(arrays), max_entries=12)


@EACH
def test_arrays_give_what_tensors_give_and_nothing_is_written(name: str):
    function, arrays = CASES[name]
    before = [a.copy() for a in arrays]
    plain, recorded = function(*arrays), function(*tensors(arrays))
    assert not isinstance(plain, al.Tensor)
    assert recorded.requires_grad
    assert recorded.shape == np.shape(plain)
    np.testing.assert_array_equal(recorded.data, plain)
    recorded.sum().backward()
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)


@EACH
def test_float32_stays_float32(name: str):
    function, arrays = CASES[name]
    inputs = tensors(arrays, np.float32)
    if name in ("cross_entropy", "nll_loss", "multi_margin_loss", "binary_cross_entropy_with_logits"):
        pytest.skip("its weights here are float64")
    y = function(*inputs)
    if name not in ("batch_norm, running", "hinge_embedding_loss", "margin_ranking_loss", "soft_margin_loss"):
        assert y.dtype == np.float32
    y.backward(np.ones(y.shape, y.dtype))
    assert {x.grad.dtype for x in inputs} == {np.dtype(np.float32)}


@EACH
def test_the_code_of_a_function_gives_its_gradients(name: str):
    function, arrays = CASES[name]
    inputs = tensors(arrays)
    for k, x in enumerate(inputs):
        x.name = f"x{k}"
    y = function(*inputs)
    loss = (y * al.tensor(np.random.default_rng(5).normal(size=y.shape), name="cotangent")).sum()
    derived = al.derive(loss)
    if derived.lost:
        pytest.skip("a constant that nothing keeps")
    gradients = derived.function()()
    for k, g in enumerate(al.autograd.grad(loss, inputs)):
        largest = np.max(np.abs(g.data), initial=0.0)
        np.testing.assert_allclose(gradients[f"x{k}"], g.data, rtol=0, atol=1e-11 * max(largest, 1e-3))


@pytest.mark.parametrize("name", [name for name in CASES if "dropout" not in name and "embedding" not in name])
def test_a_compiled_step_is_the_eager_one(name: str):
    function, arrays = CASES[name]

    leaves = tensors(tuple(a * 0.0 for a in arrays))

    def step(*xs: Any) -> Any:
        y = function(*[leaf + x for leaf, x in zip(leaves, xs, strict=True)])
        return y, *al.autograd.grad(al.square(y).sum(), leaves)

    compiled = al.compile(step)
    for shift in (0.0, 1e-3):
        inputs = [al.tensor(a + shift) for a in arrays]
        for a, b in zip(compiled(*inputs), step(*inputs), strict=True):
            np.testing.assert_allclose(a.detach().data, b.detach().data, rtol=1e-9, atol=1e-11)
    assert compiled.recompiles == 0


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_a_compiled_step_with_bags_is_the_eager_one(mode: str):
    def trained(compiled: bool) -> tuple[list[float], np.ndarray]:
        al.manual_seed(0)
        table = al.nn.EmbeddingBag(6, 3, mode=mode)
        optimizer = al.optim.SGD(table.parameters(), lr=0.1)

        def step(index: Any, offsets: Any) -> Any:
            optimizer.zero_grad()
            loss = al.square(table(index, offsets) - 1.0).sum()
            loss.backward()
            optimizer.step()
            return loss

        run = al.compile(step) if compiled else step
        batches = [(al.tensor(INDEX), al.tensor(OFFSETS)), (al.tensor(INDEX[::-1].copy()), al.tensor([0, 3]))] * 2
        return [run(*batch).item() for batch in batches], table.weight.data

    (losses, weights), (expected, right) = trained(True), trained(False)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    np.testing.assert_allclose(weights, right, rtol=1e-12)


def test_an_impossible_value_is_refused_in_a_compiled_step_too():
    step = al.compile(lambda p: F.binary_cross_entropy(p, al.ones(2)))
    step(al.tensor([0.5, 0.5]))
    with pytest.raises(ValueError, match="takes probabilities"):
        step(al.tensor([0.5, 1.5]))
    step = al.compile(lambda v: F.gaussian_nll_loss(al.ones(2), al.ones(2), v))
    step(al.tensor([0.5, 0.5]))
    with pytest.raises(ValueError, match="a variance is negative"):
        step(al.tensor([0.5, -0.5]))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.dropout2d(x, 0.4),
        lambda x: F.alpha_dropout(x, 0.4, training=True),
        lambda x: F.feature_alpha_dropout(x, 0.4, training=True),
        lambda x: F.rrelu(x, training=True),
        lambda x: F.gumbel_softmax(x, 0.5),
        lambda x: F.gumbel_softmax(x, 0.5, hard=True),
        lambda x: F.scaled_dot_product_attention(x, x, x, dropout_p=0.4),
    ],
)
def test_a_compiled_step_draws_the_same_numbers_anew(function: Any):
    def run(compiled: bool) -> list[np.ndarray]:
        al.manual_seed(0)
        leaf = al.tensor(np.linspace(-1.0, 1.0, 48).reshape(1, 3, 4, 4), requires_grad=True)

        def step(x: Any) -> Any:
            y = function(leaf * x)
            return y, *al.autograd.grad(al.square(y).sum(), [leaf])

        call = al.compile(step) if compiled else step
        return [part.detach().data.copy() for k in range(3) for part in call(al.tensor(1.0 + k))]

    ours, eager = run(True), run(False)
    for a, b in zip(ours, eager, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    assert np.abs(ours[0] - ours[2] * np.abs(ours[0]).max() / np.abs(ours[2]).max()).max() > 1e-6
