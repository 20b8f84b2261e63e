"""Random training steps, compiled, are the eager ones."""

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite import compile as Compiled
from autograd_lite.nn import functional as F

UNARY = [
    al.tanh, al.sigmoid, al.relu, al.sin, al.cos, al.square, al.absolute, F.softplus, al.expm1,
    lambda x: al.exp(-al.square(x)), lambda x: al.log1p(al.square(x)), lambda x: al.sqrt(al.square(x) + 0.5),
    lambda x: x * 0.5, lambda x: 1.5 - x, lambda x: x / 3, lambda x: -x, lambda x: x**2, lambda x: x**3,
    lambda x: al.clamp(x, -0.5, 0.5), lambda x: al.where(x > 0, x, x * 0.1), lambda x: al.reciprocal(al.square(x) + 1),
    lambda x: x.detach() * x, lambda x: x.clone(),
]  # fmt: skip
BINARY = [
    al.add, al.subtract, al.multiply, al.maximum, al.minimum, lambda a, b: a / (al.square(b) + 1.0),
    lambda a, b: al.where(a > b, a, b * 0.5),
]  # fmt: skip
SHAPED = [
    lambda x, r: x.reshape(-1), lambda x, r: x.T if x.ndim == 2 else x,
    lambda x, r: x.unsqueeze(r.randrange(x.ndim + 1)), lambda x, r: x.sum(r.randrange(x.ndim)) if x.ndim else x,
    lambda x, r: x.mean(r.randrange(x.ndim), True) if x.ndim else x,
    lambda x, r: x.sum() if x.ndim else x, lambda x, r: x.mean() if x.ndim else x,
    lambda x, r: x[0] if x.ndim and x.shape[0] > 1 else x, lambda x, r: x[..., ::-1] if x.ndim else x,
    lambda x, r: x[..., :2] if x.ndim else x, lambda x, r: x[..., None],
    lambda x, r: al.softmax(x, r.randrange(x.ndim)) if x.ndim else x,
    lambda x, r: al.log_softmax(x, r.randrange(x.ndim)) if x.ndim else x,
    lambda x, r: al.logsumexp(x, r.randrange(x.ndim)) if x.ndim else x,
    lambda x, r: x.amax(r.randrange(x.ndim)) if x.ndim else x,
    lambda x, r: al.cat([x, x * 2], r.randrange(x.ndim)) if x.ndim else x,
    lambda x, r: al.stack([x, al.tanh(x)], r.randrange(x.ndim + 1)),
    lambda x, r: x[[0, 0]] if x.ndim else x, lambda x, r: al.ops.pad(x, [(1, 0)] * x.ndim),
    lambda x, r: al.broadcast_to(x, (2, *x.shape)), lambda x, r: x.squeeze(),
    lambda x, r: al.var(x, unbiased=False), lambda x, r: al.gather(x, 0, al.zeros(*x.shape).long()) if x.ndim else x,
    lambda x, r: al.index_select(x, 0, al.tensor([0, 0])) if x.ndim else x,
    lambda x, r: al.permute(x, tuple(range(x.ndim))[::-1]), lambda x, r: F.dropout(x, 0.5),
]  # fmt: skip


def small(x):
    """Not more than some numbers, so that programs stay fast."""
    return x if np.prod(x.shape) <= 200 else x.sum(0) if x.ndim else x


def program(seed, length):
    """A function of parameters and inputs."""

    def run(parameters, inputs):
        r = random.Random(seed)
        pool = [*parameters, *inputs]
        for _ in range(length):
            kind, x = r.random(), r.choice(pool[-6:] if r.random() < 0.7 else pool)
            if kind < 0.35:
                y = r.choice(UNARY)(x)
            elif kind < 0.65:
                fitting = [o for o in pool if broadcast(x.shape, o.shape)]
                y = r.choice(BINARY)(x, r.choice(fitting))
            elif kind < 0.75:
                fitting = [
                    o for o in pool if x.ndim and o.ndim and x.shape[-1] == o.shape[max(o.ndim - 2, 0)] and o.ndim <= 2
                ]
                y = al.matmul(x, r.choice(fitting)) * 0.3 if fitting else al.tanh(x)
            else:
                y = r.choice(SHAPED)(x, r)
            pool.append(small(y) if y.ndim < 5 else y.sum())
        return sum((al.tanh(y * 0.1).mean() for y in pool[-4:] if y.numel()), 0.0 * parameters[0].sum())

    return run


def broadcast(a, b):
    return all(m == n or 1 in (m, n) for m, n in zip(a[::-1], b[::-1], strict=False))


OPTIMIZERS = [
    lambda p: al.optim.SGD(p, lr=0.05),
    lambda p: al.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.01),
    lambda p: al.optim.Adam(p, lr=0.01),
]


def trained(seed, length, dtype, compiled, steps=4):
    rs = np.random.RandomState(seed)
    al.manual_seed(seed)
    parameters = [al.tensor(np.asarray(rs.randn(*s), dtype), requires_grad=True) for s in ((3, 4), (4, 3), (4,), ())]
    optimizer = OPTIMIZERS[seed % 3](parameters)
    function = program(seed, length)

    def step(x, y):
        optimizer.zero_grad()
        loss = function(parameters, [x, y])
        loss.backward()
        optimizer.step()
        return loss

    run = Compiled(step) if compiled else step
    batches = [[al.tensor(np.asarray(rs.randn(*s), dtype)) for s in ((2, 3), (3,))] for _ in range(3)]
    losses = [run(*batches[k % 3]).item() for k in range(steps)]
    return losses, [p.data for p in parameters], run


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**6), st.integers(5, 60))
def test_random_steps(seed, length):
    with np.errstate(all="ignore"):
        expected, weights, _ = trained(seed, length, np.float64, False)
        losses, ours, run = trained(seed, length, np.float64, True)
    np.testing.assert_allclose(losses, expected, rtol=1e-12, atol=1e-13)
    for a, b in zip(ours, weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12 * max(1.0, np.abs(b).max(initial=0.0)))
    assert run.recompiles <= 1
