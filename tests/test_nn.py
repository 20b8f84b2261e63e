"""Modules: what they hold and how it is found, saved and loaded; layers, losses and initial values."""

from __future__ import annotations

import copy
import math
import pickle
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import GraphError, RowSparse, nn
from autograd_lite.nn import functional as F
from autograd_lite.nn import init

REFERENCE = "PyTorch is the reference here"
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])


class Pair(nn.Module):
    """Parameters around modules, and one module used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.late = nn.Linear(2, 2)
        self.scale = nn.Parameter(al.ones(2))
        self.early = nn.Linear(2, 2, bias=False)
        self.again = self.late
        self.tied = self.scale

    def forward(self, x: Any) -> Any:
        return self.again(self.early(self.late(x)) * self.scale)


def names(module: nn.Module) -> list[str]:
    return [name for name, _ in module.named_parameters()]


def deep(levels: int) -> nn.Module:
    module: nn.Module = nn.Linear(2, 2)
    for _ in range(levels):
        module = nn.Sequential(module)
    return module


# ------------------------------------------------------------------------------------------- what a module holds


def test_parameters_come_in_order_of_definition_and_a_shared_one_once():
    model = Pair()
    assert names(model) == ["scale", "late.weight", "late.bias", "early.weight"]
    assert [id(p) for p in model.parameters()] == [id(p) for _, p in model.named_parameters()]
    assert [n for n, _ in model.named_modules()] == ["", "late", "early"]
    assert [n for n, _ in model.named_modules(remove_duplicate=False)] == ["", "late", "early", "again"]
    assert [n for n, _ in model.named_children()] == ["late", "early", "again"]
    assert names(nn.Sequential(model, nn.Tanh(), model))[0] == "0.scale"
    assert [n for n, _ in model.named_parameters("net")][1] == "net.late.weight"


def test_the_names_are_pytorchs():
    torch = pytest.importorskip("torch", reason=REFERENCE)

    def build(m: Any) -> Any:
        shared = m.Linear(2, 2)
        return m.Sequential(m.Sequential(shared, m.Tanh()), m.Embedding(3, 2), shared, m.Conv2d(1, 2, 3, bias=False))

    ours, theirs = build(nn), build(torch.nn)
    assert names(ours) == [n for n, _ in theirs.named_parameters()]
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]


def test_reassigning_an_attribute_changes_what_is_registered_under_its_name():
    model = nn.Linear(2, 3)
    model.weight = nn.Parameter(al.zeros(3, 2))
    assert names(model) == ["weight", "bias"]
    np.testing.assert_array_equal(model(al.ones(1, 2)).detach(), model.bias.data[None])
    model.bias = None
    assert names(model) == ["weight"]
    np.testing.assert_array_equal(model(al.ones(1, 2)).detach(), np.zeros((1, 3)))
    with pytest.raises(TypeError, match="'weight' is a parameter of Linear, and a Tensor cannot take its place"):
        model.weight = al.zeros(3, 2)
    del model.weight
    model.weight = nn.Tanh()
    assert names(model) == []
    assert [n for n, _ in model.named_children()] == ["weight"]
    model.weight = 3
    assert list(model.children()) == []
    assert model.weight == 3


def test_deleting_an_attribute_takes_it_out_of_the_module():
    model = Pair()
    del model.early
    del model.scale
    assert names(model) == ["tied", "late.weight", "late.bias"]
    assert not hasattr(model, "early")
    with pytest.raises(AttributeError, match="early"):
        del model.early


def test_plain_tensors_and_lists_are_no_parameters():
    model = nn.Module()
    model.constant, model.leaf = al.ones(2), al.ones(2, requires_grad=True)
    model.pieces = [nn.Parameter(al.ones(2))]
    assert names(model) == []
    assert model.state_dict() == {}


@pytest.mark.parametrize("what", [lambda: nn.Parameter(al.ones(1)), lambda: nn.Tanh()], ids=["parameter", "module"])
def test_forgetting_to_call_super_is_named(what: Callable[[], Any]):
    class Forgetful(nn.Module):
        def __init__(self) -> None:
            self.size = 3
            self.part = what()

    with pytest.raises(AttributeError, match=r"Forgetful\.__init__ must call super\(\)\.__init__\(\).*'part'"):
        Forgetful()


def test_a_module_without_forward_says_what_to_define():
    class Idle(nn.Module):
        pass

    with pytest.raises(TypeError, match=r"Idle has no forward: define `def forward\(self, x\)`"):
        Idle()(al.ones(1))


def test_calling_passes_all_arguments_to_forward():
    class Sum(nn.Module):
        def forward(self, a: Any, *rest: Any, scale: float = 1.0) -> Any:
            return (a + sum(rest)) * scale

    assert Sum()(1, 2, 3, scale=2.0) == 12.0


def test_buffers_belong_to_the_state_and_are_not_trained():
    model = nn.Linear(1, 1)
    model.register_buffer("count", al.tensor([0.0]))
    model.count = al.tensor([5.0])
    assert [n for n, _ in model.named_buffers()] == ["count"]
    assert names(model) == ["weight", "bias"]
    assert list(model.state_dict()) == ["weight", "bias", "count"]
    state = nn.Sequential(model).state_dict()
    np.testing.assert_array_equal(state["0.count"], [5.0])
    model.load_state_dict({**model.state_dict(), "count": np.array([7.0])})
    assert model.count.data[0] == 7.0
    assert next(nn.Sequential(model).buffers()) is model.count
    del model.count
    assert list(model.buffers()) == []


# ------------------------------------------------------------------------------------------- over the whole tree


def test_training_and_evaluation_reach_every_module_and_return_the_module():
    model = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5), nn.Linear(1, 1)))
    assert model.training
    assert model.eval() is model
    assert [m.training for m in model.modules()] == [False] * 5
    model[1].train()
    assert [m.training for m in model.modules()] == [False, False, True, True, True]
    assert model.train() is model
    assert all(m.training for m in model.modules())


def test_zero_grad_forgets_gradients_or_makes_them_zero():
    model = Pair()
    model(al.ones(3, 2)).sum().backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad(set_to_none=False)
    for p in model.parameters():
        np.testing.assert_array_equal(p.grad, np.zeros(p.shape))
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())
    model.zero_grad(set_to_none=False)
    assert all(p.grad is None for p in model.parameters())


def test_a_frozen_module_is_not_trained_and_can_be_thawed():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    assert model[0].requires_grad_(False) is model[0]
    model(al.ones(1, 2)).sum().backward()
    assert model[0].weight.grad is None
    assert model[1].weight.grad is not None
    assert names(model) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    model.requires_grad_()
    model(al.ones(1, 2)).sum().backward()
    assert model[0].weight.grad is not None


def test_apply_calls_children_first_and_returns_the_module():
    seen: list[str] = []
    model = nn.Sequential(nn.Linear(1, 1), nn.Sequential(nn.Tanh()))
    assert model.apply(lambda m: seen.append(type(m).__name__)) is model
    assert sorted(seen) == ["Linear", "Sequential", "Sequential", "Tanh"]
    assert seen.index("Tanh") < seen.index("Sequential")
    assert seen[-1] == "Sequential"
    model.apply(lambda m: init.zeros_(m.weight) if isinstance(m, nn.Linear) else None)
    assert model[0].weight.data[0, 0] == 0.0


def test_a_thousand_levels_are_walked_without_recursion():
    model = deep(1000)
    path = ".".join(["0"] * 1000)
    assert names(model) == [f"{path}.weight", f"{path}.bias"]
    assert repr(model).count("Sequential(") == 1000
    assert list(model.state_dict()) == names(model)
    model.load_state_dict(model.state_dict())
    model.eval().requires_grad_(False).zero_grad()
    assert sum(1 for m in model.modules() if m.training) == 0
    assert len(list(model.apply(lambda m: None).modules())) == 1001


def test_a_module_that_knows_the_one_above_it_is_walked_once():
    model, part = nn.Sequential(nn.Linear(1, 1)), nn.Tanh()
    model.part = part
    part.above = model
    assert [n for n, _ in model.named_modules()] == ["", "0", "part"]
    assert list(model.state_dict()) == ["0.weight", "0.bias"]


# ------------------------------------------------------------------------------------------- state


def test_a_state_is_of_constants_that_share_memory_and_loading_copies_into_the_parameters():
    source, target = nn.Linear(2, 3), nn.Linear(2, 3)
    state, weight = source.state_dict(), target.weight
    assert not state["weight"].requires_grad
    assert np.shares_memory(state["weight"].data, source.weight.data)
    array = weight.data
    assert target.load_state_dict(state) == ([], [])
    assert target.weight is weight
    assert weight.data is array
    np.testing.assert_array_equal(weight.detach(), source.weight.detach())
    source.weight.data[...] = 9.0
    assert (weight.data != 9.0).all()


def test_arrays_and_other_dtypes_can_be_loaded_and_the_parameters_keep_theirs():
    model = nn.Linear(1, 2, dtype=np.float32)
    model.load_state_dict({"weight": np.array([[1], [2]]), "bias": [0.5, 1.5]})
    assert model.weight.dtype == model.bias.dtype == np.float32
    np.testing.assert_array_equal(model(al.ones(1, 1, dtype=np.float32)).detach(), [[1.5, 3.5]])


def snapshot(module: nn.Module) -> dict[str, np.ndarray]:
    return {name: t.data.copy() for name, t in module.state_dict().items()}


def unchanged(module: nn.Module, before: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(t.data, before[n]) for n, t in module.state_dict().items())


def test_names_that_do_not_match_are_all_listed_and_nothing_is_changed():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    before = snapshot(model)
    state = {"0.weight": np.zeros((2, 2)), "1.weight": np.zeros((1, 2)), "2.weight": np.zeros(1), "x": np.zeros(1)}
    with pytest.raises(
        RuntimeError, match=r"Sequential: missing \['0.bias', '1.bias'\], unexpected \['2.weight', 'x'\]"
    ):
        model.load_state_dict(state)
    assert unchanged(model, before)
    with pytest.raises(RuntimeError, match=r"missing \['1.bias'\], unexpected nothing.*strict=False"):
        model.load_state_dict({n: v for n, v in before.items() if n != "1.bias"})
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert missing == ["0.bias", "1.bias"]
    assert unexpected == ["2.weight", "x"]
    np.testing.assert_array_equal(model[0].weight.detach(), np.zeros((2, 2)))
    np.testing.assert_array_equal(model[1].bias.detach(), before["1.bias"])


@pytest.mark.parametrize("strict", [True, False])
def test_shapes_that_differ_are_all_listed_and_nothing_is_changed(strict: bool):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    before = snapshot(model)
    state = {**{n: v + 1 for n, v in before.items()}, "0.bias": np.zeros(3), "1.weight": np.zeros((2, 1))}
    with pytest.raises(ValueError, match=r"0.bias: \(3,\) for \(2,\); 1.weight: \(2, 1\) for \(1, 2\)"):
        model.load_state_dict(state, strict=strict)
    assert unchanged(model, before)


@pytest.mark.parametrize(
    "bad", [np.array(["a", "b"]), np.array([1j, 2j]), np.array([None, None])], ids=lambda a: a.dtype
)
def test_values_that_are_no_real_numbers_are_refused_and_nothing_is_changed(bad: np.ndarray):
    model = nn.Linear(2, 2)
    before = snapshot(model)
    with pytest.raises(ValueError, match="bias: " + str(bad.dtype)):
        model.load_state_dict({"weight": np.zeros((2, 2)), "bias": bad})
    assert unchanged(model, before)


def test_a_graph_that_needs_the_old_values_is_refused_after_loading():
    model = nn.Linear(2, 1)
    x = al.ones(1, 2, requires_grad=True)
    loss = model(x).sum()
    model.load_state_dict({"weight": np.zeros((1, 2)), "bias": np.zeros(1)})
    with pytest.raises(GraphError, match=r"load_state_dict at .*test_nn\.py:\d+"):
        loss.backward()
    model(x).sum().backward()
    np.testing.assert_array_equal(x.grad, np.zeros((1, 2)))


ARCHITECTURES: list[tuple[str, Callable[[Any], Any], Callable[[np.random.Generator], np.ndarray]]] = [
    ("Linear", lambda m: m.Linear(3, 4), lambda r: r.normal(size=(5, 3))),
    ("Linear without bias", lambda m: m.Linear(3, 4, bias=False), lambda r: r.normal(size=(2, 5, 3))),
    ("Conv2d", lambda m: m.Conv2d(2, 3, 3), lambda r: r.normal(size=(2, 2, 6, 7))),
    ("Conv2d, 1 x 1", lambda m: m.Conv2d(2, 3, 1), lambda r: r.normal(size=(2, 2, 4, 4))),
    (
        "Conv2d of everything",
        lambda m: m.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
        lambda r: r.normal(size=(2, 4, 9, 8)),
    ),
    (
        "depthwise",
        lambda m: m.Conv2d(3, 6, 3, padding=1, groups=3, bias=False),
        lambda r: r.normal(size=(2, 3, 5, 5)),
    ),
    ("Embedding", lambda m: m.Embedding(7, 3), lambda r: r.integers(0, 7, (4, 5))),
    (
        "Sequential",
        lambda m: m.Sequential(
            m.Conv2d(1, 2, 3, stride=2), m.ReLU(), m.MaxPool2d(2), m.Flatten(), m.Linear(8, 5), m.Tanh(),
            m.Sequential(m.Linear(5, 5), m.Sigmoid()), m.Linear(5, 3), m.Softmax(dim=1),
        ),
        lambda r: r.normal(size=(3, 1, 10, 10)),
    ),
    (
        "words",
        lambda m: m.Sequential(m.Embedding(9, 4), m.Flatten(), m.Linear(8, 2), m.Dropout(0.0)),
        lambda r: r.integers(0, 9, (3, 2)),
    ),
    (
        "pools",
        lambda m: m.Sequential(m.MaxPool2d(3, stride=2, padding=1), m.MaxPool2d((2, 1)), m.Flatten(0, 1)),
        lambda r: r.normal(size=(2, 3, 9, 9)),
    ),
]  # fmt: skip


@DTYPES
@pytest.mark.parametrize(("build", "data"), [a[1:] for a in ARCHITECTURES], ids=[a[0] for a in ARCHITECTURES])
def test_with_pytorchs_state_outputs_and_gradients_are_pytorchs(build: Any, data: Any, dtype: Any):
    torch = pytest.importorskip("torch", reason=REFERENCE)
    raw = data(np.random.default_rng(0))
    raw = raw.astype(dtype) if raw.dtype.kind == "f" else raw
    theirs = build(torch.nn).to(getattr(torch, np.dtype(dtype).name))
    al.set_default_dtype(dtype)
    try:
        ours = build(nn)
    finally:
        al.set_default_dtype(np.float64)
    assert ours.load_state_dict(theirs.state_dict()) == ([], [])
    x, z = al.tensor(raw), torch.tensor(raw)
    if raw.dtype.kind == "f":
        x.requires_grad_()
        z.requires_grad_()
    y, w = ours(x), theirs(z)
    cotangent = np.random.default_rng(1).normal(size=w.shape).astype(dtype)
    y.backward(cotangent)
    w.backward(torch.tensor(cotangent))
    pairs = [(y.detach(), w.detach())] + [
        (a.grad, b.grad) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True)
    ]
    pairs += [(x.grad, z.grad)] if raw.dtype.kind == "f" else []
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    for a, b in pairs:
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b.numpy(), rtol=tolerance, atol=tolerance * max(1.0, float(abs(b).max())))


# ------------------------------------------------------------------------------------------- repr


@pytest.mark.parametrize(
    "build",
    [
        lambda m: m.Linear(3, 2),
        lambda m: m.Linear(3, 2, bias=False),
        lambda m: m.Embedding(10, 3),
        lambda m: m.Embedding(10, 3, sparse=True),
        lambda m: m.Conv2d(1, 16, 3),
        lambda m: m.Conv2d(2, 4, (3, 5), stride=2, padding=1, dilation=(1, 2), groups=2, bias=False),
        lambda m: m.Flatten(),
        lambda m: m.ReLU(),
        lambda m: m.Tanh(),
        lambda m: m.Sigmoid(),
        lambda m: m.Softmax(dim=1),
        lambda m: m.MSELoss(),
        lambda m: m.CrossEntropyLoss(),
        lambda m: m.BCEWithLogitsLoss(),
        lambda m: m.Sequential(),
        lambda m: m.Sequential(m.Linear(1, 2), m.Sequential(m.Tanh(), m.Sequential(m.Linear(2, 1)))),
    ],
)  # fmt: skip
def test_the_repr_is_pytorchs(build: Callable[[Any], Any]):
    torch = pytest.importorskip("torch", reason=REFERENCE)
    theirs = repr(build(torch.nn))
    assert repr(build(nn)) == theirs


def test_the_repr_of_a_module_with_words_of_its_own_and_parts_shows_both_as_pytorchs_does():
    torch = pytest.importorskip("torch", reason=REFERENCE)

    def build(m: Any) -> Any:
        class Both(m.Module):
            def __init__(self) -> None:
                super().__init__()
                self.part = m.Tanh()

            def extra_repr(self) -> str:
                return "size=3"

        return m.Sequential(Both(), m.ReLU())

    assert repr(build(nn)) == repr(build(torch.nn))
    assert "size=3" in repr(build(nn))


# ------------------------------------------------------------------------------------------- copies


@pytest.mark.parametrize(
    "twin_of", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"]
)
def test_a_copy_of_a_module_is_whole_and_apart(twin_of: Callable[[Any], Any]):
    model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5), Pair())
    model.register_buffer("count", al.tensor([1.0]))
    model[0].requires_grad_(False)
    model.eval()
    model(al.ones(1, 2)).sum().backward()
    twin = twin_of(model)
    assert repr(twin) == repr(model)
    assert names(twin) == names(model)
    assert list(twin.state_dict()) == list(model.state_dict())
    for (name, a), (_, b) in zip(model.named_parameters(), twin.named_parameters(), strict=True):
        np.testing.assert_array_equal(a.detach(), b.detach())
        assert not np.shares_memory(a.data, b.data), name
        assert a.requires_grad == b.requires_grad
        assert isinstance(b, nn.Parameter)
    assert not np.shares_memory(twin.count.data, model.count.data)
    assert twin[2].tied is twin[2].scale
    assert twin[2].again is twin[2].late
    assert not twin[1].training
    x = al.ones(3, 2)
    np.testing.assert_array_equal(twin(x).detach(), model(x).detach())
    before = snapshot(model)
    twin(x).sum().backward()
    al.optim.SGD(twin.parameters(), lr=1.0).step()
    assert unchanged(model, before)
    assert not unchanged(twin, before)
    twin[2].scale = nn.Parameter(al.zeros(2))
    assert model[2].scale.data[0] == 1.0


@pytest.mark.parametrize(
    "twin_of", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"]
)
def test_a_copy_of_a_sparse_embedding_and_one_that_was_thawed_are_sparse_still(twin_of: Callable[[Any], Any]):
    layer = nn.Embedding(5, 2, sparse=True)
    for embedding in (twin_of(layer), layer.requires_grad_(False).requires_grad_()):
        embedding(al.tensor([1])).sum().backward()
        assert isinstance(embedding.weight.grad, RowSparse)


# ------------------------------------------------------------------------------------------- Dropout


def test_dropout_keeps_or_doubles_in_training_and_does_nothing_in_evaluation():
    layer, x = nn.Dropout(0.5, generator=np.random.default_rng(0)), al.ones(1000, requires_grad=True)
    y = layer(x)
    assert set(y.tolist()) == {0.0, 2.0}
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, y.detach())
    assert layer.eval()(x) is x
    assert (layer.train()(x).data != y.data).any()


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_dropout_keeps_the_expectation_and_drops_the_share_it_says(p: float):
    y = nn.Dropout(p, generator=np.random.default_rng(1))(al.full((200, 200), 3.0)).data
    assert abs((y == 0).mean() - p) < 0.01
    assert abs(y.mean() - 3.0) < 0.1
    np.testing.assert_allclose(y[y != 0], 3.0 / (1 - p))


def test_dropout_of_nothing_is_the_identity_and_of_everything_zero():
    x = al.ones(50, requires_grad=True)
    np.testing.assert_array_equal(nn.Dropout(0.0)(x).detach(), np.ones(50))
    y = nn.Dropout(1.0)(x)
    np.testing.assert_array_equal(y.detach(), np.zeros(50))
    y.sum().backward()
    np.testing.assert_array_equal(x.grad, np.zeros(50))


@pytest.mark.parametrize("p", [-0.1, 1.1, math.nan])
def test_dropout_refuses_what_is_no_probability(p: float):
    with pytest.raises(ValueError, match=r"p is a probability.*" + str(p)):
        nn.Dropout(p)
    with pytest.raises(ValueError, match="p is a probability"):
        F.dropout(al.ones(1), p)


@DTYPES
def test_dropout_keeps_the_dtype(dtype: Any):
    assert nn.Dropout(0.3)(al.ones(4, dtype=dtype)).dtype == dtype


# ------------------------------------------------------------------------------------------- Embedding


@pytest.mark.parametrize("bad", [5, -6, 100])
def test_an_index_out_of_range_is_named_with_its_place(bad: int):
    layer = nn.Embedding(5, 2)
    with pytest.raises(IndexError, match=rf"embedding: index {bad} at \(1, 0\) is out of range for 5 rows"):
        layer(al.tensor([[0, 1], [bad, 2]]))


@pytest.mark.parametrize("index", [[1.0], [True, False]])
def test_indices_must_be_integers_and_the_error_says_how_to_convert(index: Any):
    with pytest.raises(TypeError, match=r"indices must be integers.*\.long\(\)"):
        nn.Embedding(5, 2)(al.tensor(index))


def test_the_gradient_of_an_embedding_reads_dense_or_where_asked_row_sparse_and_repeated_rows_add_up():
    rows, cotangent = [[3, 1], [3, 3]], np.arange(8.0).reshape(2, 2, 2)
    want = np.zeros((5, 2))
    np.add.at(want, np.array(rows), cotangent)
    dense, sparse = nn.Embedding(5, 2), nn.Embedding(5, 2, sparse=True)
    for layer in (dense, sparse):
        layer(al.tensor(rows)).backward(cotangent)
    assert isinstance(dense.weight.grad, al.Tensor)
    np.testing.assert_array_equal(dense.weight.grad, want)
    found = sparse.weight.grad
    assert isinstance(found, RowSparse)
    assert found.rows.tolist() == [1, 3]
    np.testing.assert_array_equal(found.to_dense(), want)
    for layer in (dense, sparse):
        layer(al.tensor(rows)).backward(cotangent)
    np.testing.assert_array_equal(dense.weight.grad, 2 * want)
    np.testing.assert_array_equal(sparse.weight.grad.to_dense(), 2 * want)


@pytest.mark.parametrize("sparse", [True, False])
def test_no_array_of_the_tables_size_is_made_for_the_gradient_of_a_few_rows(sparse: bool):
    layer = nn.Embedding(74_074, 100, sparse=sparse, generator=np.random.default_rng(0))
    index = al.tensor(np.random.default_rng(1).integers(0, 74_074, 130))
    optimizer = al.optim.SGD(layer.parameters(), lr=0.1)
    before = layer.weight.data[index.data].copy()
    tracemalloc.start()
    try:
        for _ in range(2):
            optimizer.zero_grad()
            loss = (layer(index) ** 2).sum()
            loss.backward()
            optimizer.step()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < layer.weight.data.nbytes / 50
    assert (layer.weight.data[index.data] != before).all()


# ------------------------------------------------------------------------------------------- losses


def numbers(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def shares(*shape: int) -> np.ndarray:
    p = np.random.default_rng(5).random(shape)
    return p / p.sum(1, keepdims=True)


LOSSES: list[tuple[str, Callable[..., Any], np.ndarray, np.ndarray]] = [
    ("MSE", lambda m, **k: m.MSELoss(**k), numbers(4, 3), numbers(4, 3, seed=1)),
    ("MSE of a vector", lambda m, **k: m.MSELoss(**k), numbers(4), numbers(4, seed=1)),
    ("cross-entropy of classes", lambda m, **k: m.CrossEntropyLoss(**k), numbers(5, 3), np.array([0, 2, 1, 2, 2])),
    ("of one row", lambda m, **k: m.CrossEntropyLoss(**k), numbers(3), np.array(1)),
    ("of shares", lambda m, **k: m.CrossEntropyLoss(**k), numbers(5, 3), shares(5, 3)),
    ("of pixels", lambda m, **k: m.CrossEntropyLoss(**k), numbers(2, 3, 4, 4), np.arange(32).reshape(2, 4, 4) % 3),
    (
        "some ignored",
        lambda m, **k: m.CrossEntropyLoss(ignore_index=2, **k),
        numbers(5, 3),
        np.array([0, 2, 1, 2, 0]),
    ),
    (
        "smoothed",
        lambda m, **k: m.CrossEntropyLoss(label_smoothing=0.1, **k),
        numbers(5, 3),
        np.array([0, 2, 1, -100, 0]),
    ),
    ("smoothed shares", lambda m, **k: m.CrossEntropyLoss(label_smoothing=0.1, **k), numbers(5, 3), shares(5, 3)),
    ("logistic", lambda m, **k: m.BCEWithLogitsLoss(**k), numbers(4, 3), shares(4, 3)),
    ("logistic, far out", lambda m, **k: m.BCEWithLogitsLoss(**k), numbers(4) * 300, np.array([0.0, 1.0, 1.0, 0.0])),
]


@DTYPES
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("build", "x", "t"), [entry[1:] for entry in LOSSES], ids=[entry[0] for entry in LOSSES])
def test_losses_are_pytorchs(build: Any, x: np.ndarray, t: np.ndarray, reduction: str, dtype: Any):
    torch = pytest.importorskip("torch", reason=REFERENCE)
    x = x.astype(dtype)
    t = t.astype(dtype) if t.dtype.kind == "f" else t
    ours, theirs = al.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    a = build(nn, reduction=reduction)(ours, al.tensor(t))
    b = build(torch.nn, reduction=reduction)(theirs, torch.tensor(t))
    cotangent = numbers(*b.shape, seed=2).astype(dtype) if b.ndim else np.array(1.5, dtype)
    a.backward(cotangent)
    b.backward(torch.tensor(cotangent))
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    for mine, other in ((a.detach(), b.detach()), (ours.grad, theirs.grad)):
        assert mine.dtype == dtype
        np.testing.assert_allclose(mine, other.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.BCEWithLogitsLoss()], ids=repr)
def test_a_column_against_a_vector_is_refused_with_the_remedy_which_works(loss: Any):
    column, vector = al.tensor(numbers(4, 1)), al.tensor(shares(2, 2).reshape(4))
    with pytest.raises(ValueError, match=r"\(4, 1\).*\(4,\).*vector\.unsqueeze\(-1\) would fit"):
        loss(column, vector)
    with pytest.raises(ValueError, match=r"\(4,\).*\(4, 1\).*column\.squeeze\(-1\) would fit"):
        loss(vector, column)
    assert loss(column, vector.unsqueeze(-1)).shape == ()
    assert loss(vector, column.squeeze(-1)).shape == ()
    with pytest.raises(ValueError, match="different shapes"):
        loss(column, al.ones(3))


@pytest.mark.parametrize("loss", [nn.MSELoss, nn.CrossEntropyLoss, nn.BCEWithLogitsLoss])
def test_an_unknown_reduction_is_refused(loss: Any):
    target = al.tensor([0, 1]) if loss is nn.CrossEntropyLoss else al.ones(2, 2)
    with pytest.raises(ValueError, match="'mean', 'sum' or 'none', and not 'average'"):
        loss(reduction="average")(al.ones(2, 2), target)


@pytest.mark.parametrize(
    ("target", "error", "text"),
    [
        ([0, 3], IndexError, "index 3"),
        ([[0], [1]], ValueError, "shape"),
        ([0, 1, 2], ValueError, "shape"),
        ([0.0, 1.0], ValueError, "float64"),
    ],
)
def test_cross_entropy_refuses_targets_that_do_not_fit(target: Any, error: type[Exception], text: str):
    with pytest.raises(error, match=text):
        nn.CrossEntropyLoss()(al.ones(2, 3), al.tensor(target))


# ------------------------------------------------------------------------------------------- layers' own mistakes


def test_layers_refuse_what_they_cannot_be():
    with pytest.raises(ValueError, match="3 and 4 channels must both divide by groups=2"):
        nn.Conv2d(3, 4, 1, groups=2)
    with pytest.raises(ValueError, match="stride"):
        nn.Conv2d(1, 1, 1, stride=0)
    with pytest.raises(TypeError, match="item 1 is a function"):
        nn.Sequential(nn.Tanh(), al.tanh)


def test_a_sequential_has_a_length_items_slices_and_names():
    model = nn.Sequential(nn.Linear(1, 2), nn.Tanh(), nn.Linear(2, 1))
    assert len(model) == 3
    assert model[-1] is getattr(model, "2")
    front = model[:2]
    assert isinstance(front, nn.Sequential)
    assert list(front.children()) == [model[0], model[1]]
    x = al.ones(1, 1)
    np.testing.assert_array_equal(model[2](front(x)).detach(), model(x).detach())
    named = nn.Sequential({"first": nn.Linear(1, 2), "last": nn.Linear(2, 1)})
    assert names(named) == ["first.weight", "first.bias", "last.weight", "last.bias"]
    assert nn.Sequential()(x) is x


# ------------------------------------------------------------------------------------------- initial values


@pytest.mark.parametrize(
    ("layer", "fan"),
    [
        (lambda g: nn.Linear(25, 4000, generator=g), 25),
        (lambda g: nn.Conv2d(8, 400, (2, 3), groups=2, generator=g), 24),
    ],
    ids=["Linear", "Conv2d"],
)
def test_layers_start_uniform_within_one_over_the_root_of_their_fan_in(layer: Any, fan: int):
    made = layer(np.random.default_rng(0))
    bound = 1 / math.sqrt(fan)
    for p in made.parameters():
        assert np.abs(p.data).max() <= bound
        assert np.abs(p.data).max() > 0.98 * bound
        assert abs(p.data.std() - bound / math.sqrt(3)) < 0.05 * bound


def test_an_embedding_starts_standard_normal():
    w = nn.Embedding(300, 100, generator=np.random.default_rng(0)).weight.data
    assert abs(w.mean()) < 0.02
    assert abs(w.std() - 1) < 0.02


SHAPE = (60, 40, 3, 2)
FAN_IN, FAN_OUT = 40 * 6, 60 * 6
GLOROT = math.sqrt(2 / (FAN_IN + FAN_OUT))
INITS: list[tuple[str, Callable[..., Any], str, float]] = [
    ("uniform", lambda w, g: init.uniform_(w, -2.0, 2.0, generator=g), "uniform", 2 / math.sqrt(3)),
    ("normal", lambda w, g: init.normal_(w, 0.0, 0.3, generator=g), "normal", 0.3),
    ("xavier uniform", lambda w, g: init.xavier_uniform_(w, generator=g), "uniform", GLOROT),
    ("xavier normal", lambda w, g: init.xavier_normal_(w, 2.0, generator=g), "normal", 2 * GLOROT),
    ("kaiming uniform", lambda w, g: init.kaiming_uniform_(w, generator=g), "uniform", math.sqrt(2 / FAN_IN)),
    (
        "kaiming uniform, leaky",
        lambda w, g: init.kaiming_uniform_(w, a=math.sqrt(5), generator=g),
        "uniform",
        math.sqrt(1 / 3 / FAN_IN),
    ),
    (
        "kaiming normal, out",
        lambda w, g: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu", generator=g),
        "normal",
        math.sqrt(2 / FAN_OUT),
    ),
    (
        "kaiming normal, tanh",
        lambda w, g: init.kaiming_normal_(w, nonlinearity="tanh", generator=g),
        "normal",
        5 / 3 / math.sqrt(FAN_IN),
    ),
]  # fmt: skip


@DTYPES
@pytest.mark.parametrize(("fill", "kind", "std"), [entry[1:] for entry in INITS], ids=[entry[0] for entry in INITS])
def test_initial_values_have_their_bounds_and_moments_in_place_and_by_the_generator(
    fill: Any, kind: str, std: float, dtype: Any
):
    w = al.nn.Parameter(al.zeros(SHAPE, dtype=dtype))
    array = w.data
    assert fill(w, np.random.default_rng(0)) is w
    assert w.data is array
    assert array.dtype == dtype
    assert w.requires_grad
    assert abs(array.std() / std - 1) < 0.03
    assert abs(array.mean()) < 0.04 * std
    extreme = np.abs(array).max() / std
    assert math.sqrt(3) * 0.99 < extreme <= math.sqrt(3) * 1.0001 if kind == "uniform" else extreme > 3
    again, other = al.zeros(SHAPE, dtype=dtype), al.zeros(SHAPE, dtype=dtype)
    fill(again, np.random.default_rng(0))
    fill(other, np.random.default_rng(1))
    np.testing.assert_array_equal(again, array)
    assert (other.data != array).any()


def test_constant_initial_values():
    w = al.zeros(2, 3)
    np.testing.assert_array_equal(init.constant_(w, 0.5), np.full((2, 3), 0.5))
    np.testing.assert_array_equal(init.ones_(w), np.ones((2, 3)))
    np.testing.assert_array_equal(init.eye_(w), np.eye(2, 3))
    np.testing.assert_array_equal(init.zeros_(w), np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("nonlinearity", "param"),
    [("linear", None), ("sigmoid", None), ("conv2d", None), ("tanh", None), ("relu", None), ("selu", None),
     ("leaky_relu", None), ("leaky_relu", 0.2), ("leaky_relu", 0.0)],
)  # fmt: skip
def test_gains_are_pytorchs(nonlinearity: str, param: float | None):
    torch = pytest.importorskip("torch", reason=REFERENCE)
    assert init.calculate_gain(nonlinearity, param) == pytest.approx(torch.nn.init.calculate_gain(nonlinearity, param))


def test_initial_values_refuse_what_they_do_not_know():
    with pytest.raises(ValueError, match=r"'softplus': one of relu"):
        init.calculate_gain("softplus")
    with pytest.raises(ValueError, match="'fan_in' or 'fan_out', and not 'fan_avg'"):
        init.kaiming_uniform_(al.zeros(2, 2), mode="fan_avg")
    with pytest.raises(ValueError, match=r"weight \(out, in, ...\).*\(3,\)"):
        init.xavier_uniform_(al.zeros(3))


def test_new_initial_values_make_a_graph_stale_that_needs_the_old_ones():
    w = nn.Parameter(al.ones(2, 2))
    loss = (w * w).sum()
    init.zeros_(w)
    with pytest.raises(GraphError, match=r"nn\.init at .*test_nn\.py:\d+"):
        loss.backward()
