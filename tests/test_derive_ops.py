"""The code of every op: its gradients are the engine's, and those that differences show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import differences
from test_ops_gradients import BRINGS_FLOAT64, CASES

import autograd_lite as al

FLAT = {"sign", "floor", "ceil", "round", "power, 0"}
WITH_CODE = sorted(CASES)


def recorded(function, inputs, dtype=np.float64, named=True):
    """A loss of what a function gives, its inputs called x0, x1, ..., and the cotangent."""
    leaves = [
        al.tensor(np.array(a, dtype), requires_grad=True, name=f"x{k}" if named else None) for k, a in enumerate(inputs)
    ]
    y = function(*leaves)
    cotangent = np.random.default_rng(5).normal(size=y.shape).astype(y.dtype)
    return leaves, (y * al.tensor(cotangent, name="cotangent")).sum(), cotangent


@pytest.mark.parametrize("style", ["book", "plain"])
@pytest.mark.parametrize("name", WITH_CODE)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_the_code_of_an_op_gives_its_gradients(name, style, data):
    function, inputs = data.draw(CASES[name])
    leaves, loss, cotangent = recorded(function, inputs)
    derived = al.derive(loss, style=style)
    if derived.lost:  # a constant that nothing keeps: there is another test for these
        return
    with np.errstate(all="ignore"):
        gradients = derived.function()()
    found = al.autograd.grad(loss, leaves, allow_unused=True)
    expected = {f"x{k}": g for k, g in enumerate(found) if g is not None}
    assert set(gradients) <= {f"x{k}" for k in range(len(leaves))}
    for key, g in expected.items():
        if key not in gradients:
            assert not np.any(g.data)
            continue
        largest = np.max(np.abs(g.data), initial=0.0)
        np.testing.assert_allclose(gradients[key], g.data, rtol=0, atol=1e-12 * largest, err_msg=derived.source)
        assert np.shape(gradients[key]) == g.shape
    want = differences(lambda *xs: float(np.sum(cotangent * function(*xs))), inputs)
    for k, g in enumerate(want):
        np.testing.assert_allclose(gradients.get(f"x{k}", np.zeros(g.shape)), g, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("style", ["book", "plain"])
@pytest.mark.parametrize("name", sorted(set(WITH_CODE) - BRINGS_FLOAT64))
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_the_code_of_an_op_keeps_float32(name, style, data):
    function, inputs = data.draw(CASES[name])
    _, loss, _ = recorded(function, inputs, np.float32, named=False)
    derived = al.derive(loss, style=style)
    with np.errstate(all="ignore"):
        gradients = {} if derived.lost else derived.function()()
    for g in gradients.values():
        assert np.asarray(g).dtype == np.float32
