"""`nn.utils` and `nn.init`: PyTorch's numbers, or what each draw promises."""

import math

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import init
from autograd_lite.nn.utils import clip_grad_norm_, clip_grad_value_, parameters_to_vector, vector_to_parameters

SHAPES = [(3, 4), (5,), ()]


def with_gradients(make, dtype=np.float64):
    rng = np.random.default_rng(0)
    parameters = [make(np.zeros(s, dtype), requires_grad=True) for s in SHAPES]
    idle = make(np.zeros(2, dtype), requires_grad=True)
    for p in parameters:
        p.grad = make(rng.normal(size=tuple(p.shape)).astype(dtype))
    return [*parameters, idle]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, math.inf])
@pytest.mark.parametrize("max_norm", [0.1, 1e6])
def test_norms_are_clipped_as_in_pytorch(max_norm, norm_type, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    mine, yours = with_gradients(al.tensor, dtype), with_gradients(torch.tensor, dtype)
    a = clip_grad_norm_(mine, max_norm, norm_type)
    b = torch.nn.utils.clip_grad_norm_(yours, max_norm, norm_type)
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(a.data, b.numpy(), rtol=tolerance)
    for p, q in zip(mine[:-1], yours[:-1], strict=True):
        assert p.grad.dtype == dtype
        np.testing.assert_allclose(p.grad.data, q.grad.numpy(), rtol=tolerance)
    assert mine[-1].grad is None


def test_values_are_clipped_as_in_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    mine, yours = with_gradients(al.tensor), with_gradients(torch.tensor)
    clip_grad_value_(mine, 0.3)
    torch.nn.utils.clip_grad_value_(yours, 0.3)
    for p, q in zip(mine[:-1], yours[:-1], strict=True):
        np.testing.assert_array_equal(p.grad.data, q.grad.numpy())


@pytest.mark.parametrize("clip", [lambda p: clip_grad_norm_(p, 0.5), lambda p: clip_grad_value_(p, 0.5)])
def test_row_sparse_gradients_are_clipped_as_rows(clip):
    found = []
    for sparse in (True, False):
        table = al.tensor(np.zeros((6, 2)), requires_grad=True)
        index = al.tensor([1, 1, 4])
        (nn.functional.embedding(index, table) * al.tensor([[1.0], [2.0], [-0.4]])).sum().backward()
        if not sparse:
            table.grad = al.tensor(np.array(table.grad.data))
        clip([table])
        assert isinstance(table.node.notes.grad, al.RowSparse) == sparse
        found.append(np.asarray(table.grad.data))
    np.testing.assert_allclose(*found, rtol=1e-15)


def test_a_norm_that_is_not_finite_is_refused_on_request():
    w = al.tensor([1.0], requires_grad=True)
    w.grad = al.tensor([np.nan])
    assert math.isnan(clip_grad_norm_(w, 1.0).item())
    with pytest.raises(RuntimeError, match="nan"):
        clip_grad_norm_(w, 1.0, error_if_nonfinite=True)
    assert clip_grad_norm_([], 1.0).item() == 0.0


@pytest.mark.parametrize("table", [False, True])
def test_a_compiled_step_clips_as_the_eager_one(table):
    found = []
    for compiled in (False, True):
        al.manual_seed(0)
        model = nn.Sequential(nn.Embedding(7, 3), nn.Linear(3, 1)) if table else nn.Linear(3, 1)
        optimizer = al.optim.SGD(model.parameters(), lr=0.5)
        x = al.tensor([1, 1, 5]) if table else al.ones(4, 3)

        def step(x, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = (model(x) ** 2).sum()
            loss.backward()
            norm = clip_grad_norm_(model.parameters(), 0.1)
            clip_grad_value_(model.parameters(), 0.05)
            optimizer.step()
            return norm

        run = al.compile(step) if compiled else step
        norms = [run(x).item() for _ in range(6)]
        found.append([np.array(norms), *(p.data for p in model.parameters())])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_parameters_as_one_vector_and_back():
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    vector = parameters_to_vector(model.parameters())
    np.testing.assert_array_equal(vector.data, np.concatenate([p.data.ravel() for p in model.parameters()]))
    (vector * al.arange(11.0)).sum().backward()
    np.testing.assert_array_equal(model[0].weight.grad.data, np.arange(6.0).reshape(2, 3))
    arrays = [p.data for p in model.parameters()]
    vector_to_parameters(al.arange(11.0), model.parameters())
    np.testing.assert_array_equal(parameters_to_vector(model.parameters()).data, np.arange(11.0))
    assert all(p.data is a for p, a in zip(model.parameters(), arrays, strict=True))
    with pytest.raises(ValueError, match="11 numbers"):
        vector_to_parameters(al.arange(12.0), model.parameters())


# ------------------------------------------------------------------------------------------ init


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (2, 3, 2), (7, 2, 1, 2)])
def test_orthogonal_weights_are(shape):
    w = init.orthogonal_(al.zeros(*shape), gain=2.0, generator=np.random.default_rng(0)).data.reshape(shape[0], -1)
    small = w @ w.T if w.shape[0] < w.shape[1] else w.T @ w
    np.testing.assert_allclose(small, 4.0 * np.eye(len(small)), atol=1e-12)


def test_orthogonal_weights_favour_no_direction():
    rng = np.random.default_rng(0)
    drawn = np.array([init.orthogonal_(al.zeros(2, 2), generator=rng).data for _ in range(2000)])
    assert np.abs(drawn.mean(0)).max() < 0.06


@pytest.mark.parametrize("shape", [(3, 3, 5), (4, 2, 3, 3), (2, 5, 1, 2, 3), (6, 2, 3)])
@pytest.mark.parametrize("groups", [1, 2])
def test_dirac_is_pytorchs(shape, groups):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    if shape[0] % groups:
        with pytest.raises(ValueError, match="divisible"):
            init.dirac_(al.zeros(*shape), groups)
        return
    mine, yours = init.dirac_(al.ones(*shape), groups), torch.nn.init.dirac_(torch.ones(shape), groups)
    np.testing.assert_array_equal(mine.data, yours.numpy())


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"), [(0, 1, -2, 2), (1, 2, -1, 4), (0, 1, 5, 6), (0, 1, -9, -8), (0, 1, 9, 10)]
)
def test_truncated_normal_draws(mean, std, a, b):
    w = init.trunc_normal_(al.zeros(4000), mean, std, a, b, np.random.default_rng(0)).data
    assert w.min() >= a
    assert w.max() <= b
    grid = np.linspace(a, b, 2001)
    density = np.exp(-(((grid - mean) / std) ** 2) / 2 + min(((e - mean) / std) ** 2 for e in (a, b)) / 2)
    expected = (grid * density).sum() / density.sum()
    spread = math.sqrt(((grid - expected) ** 2 * density).sum() / density.sum())
    assert abs(w.mean() - expected) < 5 * spread / math.sqrt(4000) + 1e-3 * (b - a)


def test_sparse_weights_have_as_many_zeros_in_each_column():
    w = init.sparse_(al.zeros(10, 50), 0.33, std=2.0, generator=np.random.default_rng(0)).data
    assert (np.count_nonzero(w == 0, axis=0) == 4).all()
    assert len({tuple(c) for c in (w == 0).T}) > 20
    assert abs(w[w != 0].std() - 2.0) < 0.3


def test_gains_are_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    kinds = [f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3)]
    for kind in (*kinds, "linear", "sigmoid", "tanh", "relu", "selu", "leaky_relu"):
        assert math.isclose(init.calculate_gain(kind), torch.nn.init.calculate_gain(kind))
    assert init.calculate_gain("leaky_relu", 0.3) == torch.nn.init.calculate_gain("leaky_relu", 0.3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: init.eye_(al.zeros(2)),
        lambda: init.dirac_(al.zeros(2, 2)),
        lambda: init.orthogonal_(al.zeros(2)),
        lambda: init.sparse_(al.zeros(2, 2, 2), 0.1),
        lambda: init.trunc_normal_(al.zeros(2), a=1.0, b=1.0),
    ],
)
def test_shapes_that_make_no_sense_are_refused(call):
    with pytest.raises(ValueError, match=r"shape|is not less|five|kernels"):
        call()
