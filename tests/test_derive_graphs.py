"""Random graphs: whatever is recorded, the code gives the engine's gradients, in both styles."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite.nn import functional as F

SHAPES = [(), (3,), (1, 3), (4, 1), (4, 3), (3, 3), (2, 4, 3)]


def unary(rng):
    """An op of one tensor, by chance."""
    return [
        al.tanh,
        al.sigmoid,
        F.relu,
        al.exp,
        al.square,
        lambda x: al.softmax(x, -1) if x.ndim else x,
        lambda x: F.log_softmax(x, 0) if x.ndim else x,
        lambda x: x.sum(-1) if x.ndim else x,
        lambda x: x.mean(0, True) if x.ndim else x,
        lambda x: x.amax(-1, True) if x.ndim else x,
        lambda x: x.logsumexp(0) if x.ndim else x,
        lambda x: x[..., 1:] if x.ndim and x.shape[-1] > 1 else x,
        lambda x: x[[0, -1, 0]] if x.ndim else x,
        lambda x: x.reshape(-1),
        lambda x: x.T if x.ndim == 2 else x,
        lambda x: x.unsqueeze(0) if x.ndim < 3 else x,
        lambda x: -x / 3,
        lambda x: 2 * x - 1,
        lambda x: al.clamp(x, -0.6, 0.7),
        lambda x: al.where(x.data > 0, x, 0.1 * x),
        lambda x: al.ops.pad(x, [(1, 0)] * x.ndim),
        lambda x: al.sqrt(al.square(x) + 1.0),
        lambda x: F.softplus(x),
        lambda x: F.embedding(np.array([0, 1, 0]), x) if x.ndim > 1 and x.shape[0] > 1 else x,
    ][rng.integers(24)]


def binary(rng, a, b):
    """An op of two tensors of shapes that fit."""
    if a.ndim == b.ndim == 2 and a.shape[-1] == b.shape[0] and rng.random() < 0.7:
        return a @ b
    if a.ndim >= 1 and b.ndim == 2 and a.shape[-1] == b.shape[1] and rng.random() < 0.5:
        return F.linear(a, b)
    try:
        np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        return al.cat([a.reshape(-1), b.reshape(-1), a.reshape(-1)])
    return [
        lambda: a + b,
        lambda: a - b,
        lambda: a * b,
        lambda: a / (1 + al.square(b)),
        lambda: al.maximum(a, b),
        lambda: F.mse_loss(a, a * 0.5 + b.mean()),
    ][rng.integers(6)]()


def program(seed, ops, dtype=np.float64, named=0.4):
    """A scalar that is made by some ops of shared tensors, of which some have names."""
    rng = np.random.default_rng(seed)
    pool = [
        al.tensor(rng.uniform(-1, 1, shape).astype(dtype), requires_grad=bool(k < 4), name=f"leaf{k}")
        for k, shape in enumerate([SHAPES[i] for i in rng.integers(len(SHAPES), size=5)])
    ]
    for k in range(ops):
        a, b = (pool[i] for i in rng.integers(max(0, len(pool) - 6), len(pool), size=2))
        made = unary(rng)(a) if rng.random() < 0.55 else binary(rng, a, b)
        made = al.tanh(made) if made.data.size and np.max(np.abs(made.data)) > 20 else made
        if made.data.size > 200:
            made = made.mean(0)
        if made.node is not None and made.node.op is not None and rng.random() < named:
            made.name = f"t{k}"
        pool.append(made)
    used = [p for p in pool[-4:] if p.node is not None] or [pool[0]]
    total = sum((p.mean() for p in used[1:]), used[0].mean())
    return pool[:4], total


def compare(leaves, loss, style, rtol):
    derived = al.derive(loss, style=style)
    found = al.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)
    if derived.lost:
        return derived
    with np.errstate(all="ignore"):
        gradients = derived.function()()
    for leaf, g in zip(leaves, found, strict=True):
        if g is not None and leaf.name in gradients:
            largest = np.max(np.abs(g.data), initial=0.0)
            np.testing.assert_allclose(gradients[leaf.name], g.data, rtol=0, atol=rtol * (largest + 1e-3))
    assert {leaf.name for leaf, g in zip(leaves, found, strict=True) if g is not None} == set(gradients)
    return derived


@pytest.mark.parametrize("style", ["book", "plain"])
@settings(max_examples=120, deadline=None)
@given(seed=st.integers(0, 2**32), ops=st.integers(1, 40))
def test_the_code_of_a_random_graph(style, seed, ops):
    leaves, loss = program(seed, ops)
    compare(leaves, loss, style, 1e-11)


@pytest.mark.parametrize("style", ["book", "plain"])
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), ops=st.integers(1, 20))
def test_the_code_of_a_random_graph_in_float32(style, seed, ops):
    leaves, loss = program(seed, ops, np.float32)
    compare(leaves, loss, style, 1e-4)


@pytest.mark.parametrize("style", ["book", "plain"])
def test_the_code_of_random_graphs_is_formatted(style, tmp_path):
    pytest.importorskip("ruff", reason="it formats: pip install 'autograd_lite[dev]'")
    for seed in range(30):
        _, loss = program(seed, 1 + seed % 40)
        (tmp_path / f"{seed}.py").write_text(al.derive(loss, style=style).source)
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
