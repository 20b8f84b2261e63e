"""The code of every op: its gradients are the engine's, and those that differences show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import differences
from test_ops_gradients import BRINGS_FLOAT64, CASES

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.derive.helpers import functions
from autograd_lite.ops.gru import gru_steps, rnn_steps
from autograd_lite.ops.lstm import lstm_steps

FLAT = {"sign", "floor", "ceil", "round", "power, 0"}


def unrolled(steps, width, *, reverse, **settings):
    """All that comes of a recurrence over some steps, and its inputs: z, h, c of an LSTM, w, b of a GRU."""

    def drawn(seed, length, batch, hidden):
        shapes = [(length, batch, width * hidden), (batch, hidden)]
        shapes += [(batch, hidden)] * (width == 4) + [(width * hidden, hidden)] + [(width * hidden,)] * (width == 3)
        rng = np.random.default_rng(seed)
        return lambda *xs: al.cat([part.reshape(-1) for part in steps(*xs, reverse, **settings)], 0), [
            rng.uniform(-0.9, 0.9, shape) for shape in shapes
        ]

    small = st.integers(1, 3)
    return st.builds(drawn, st.integers(0, 99), st.integers(1, 4), small, small)


LOOPS = {
    f"{name}{', reversed' * reverse}": unrolled(steps, width, reverse=reverse, **more)
    for name, steps, width, more in (
        ("lstm", lstm_steps, 4, {}),
        ("gru", gru_steps, 3, {}),
        ("rnn", rnn_steps, 1, {}),
        ("rnn of relu", rnn_steps, 1, {"nonlinearity": "relu"}),
    )
    for reverse in (False, True)
}
ALL = {**CASES, **LOOPS}
WITH_CODE = sorted(ALL)


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
    function, inputs = data.draw(ALL[name])
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
    function, inputs = data.draw(ALL[name])
    _, loss, _ = recorded(function, inputs, np.float32, named=False)
    derived = al.derive(loss, style=style)
    with np.errstate(all="ignore"):
        gradients = {} if derived.lost else derived.function()()
    for g in gradients.values():
        assert np.asarray(g).dtype == np.float32


@pytest.mark.parametrize("style", ["book", "plain"])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_recurrent_network_is_derived_with_one_loop_back_for_each_direction(kind, style):
    model, x = kind(3, 4, num_layers=2, bidirectional=True), al.randn(5, 2, 3)
    loss = (model(x)[0] ** 2).sum()
    derived = al.derive(loss, style=style)
    way = f"{kind.__name__.lower()}_backward("
    assert derived.source.count(way) == 1 + 4  # its definition, and two layers there and back
    loss.backward()
    assert len(derived.function()()) == len(list(model.parameters()))


@pytest.mark.parametrize("x", [-1.0, -0.99999, -0.5, -1e-9, 0.0, 1e-300, 0.3, 0.5, 0.999999999, 1.0, 1.5])
def test_the_inverse_of_erf_is_that_of_the_engine(x):
    given = al.tensor([x], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        printed = functions()["erfinv"](np.array([x]))
        np.testing.assert_allclose(printed, al.erfinv(given).detach(), rtol=1e-14)
