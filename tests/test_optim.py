"""Optimizers: the numbers are PyTorch's and the formulas', for dense and for row-sparse gradients."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import GraphError, RowSparse
from autograd_lite.optim import SGD, Adam, Optimizer

Arrays = list[np.ndarray]

SGD_SETTINGS: list[dict[str, Any]] = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.9, "nesterov": True},
    {"weight_decay": 0.1},
    {"momentum": 0.9, "weight_decay": 0.1},
    {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1},
]
ADAM_SETTINGS: list[dict[str, Any]] = [
    {},
    {"betas": (0.5, 0.7)},
    {"betas": (0.0, 0.0)},
    {"eps": 0.1},
    {"weight_decay": 0.1},
    {"betas": (0.8, 0.99), "eps": 1e-4, "weight_decay": 0.01},
]
CASES = [("SGD", s) for s in SGD_SETTINGS] + [("Adam", s) for s in ADAM_SETTINGS]
EVERY_CASE = pytest.mark.parametrize(
    ("name", "settings"), CASES, ids=[f"{n} {', '.join(f'{k}={v}' for k, v in s.items()) or 'plain'}" for n, s in CASES]
)


def twin(name: str, lr: float, **settings: Any) -> Callable[[np.ndarray, np.ndarray, dict[str, Any]], np.ndarray]:
    """One step of PyTorch's documented algorithm, in plain NumPy: (w, g, memory) to the new w."""

    def sgd(w: np.ndarray, g: np.ndarray, memory: dict[str, Any]) -> np.ndarray:
        g = g + settings.get("weight_decay", 0.0) * w
        mu, tau = settings.get("momentum", 0.0), settings.get("dampening", 0.0)
        if mu:
            memory["b"] = mu * memory["b"] + (1 - tau) * g if "b" in memory else g
            g = g + mu * memory["b"] if settings.get("nesterov") else memory["b"]
        return w - lr * g

    def adam(w: np.ndarray, g: np.ndarray, memory: dict[str, Any]) -> np.ndarray:
        b1, b2 = settings.get("betas", (0.9, 0.999))
        g = g + settings.get("weight_decay", 0.0) * w
        t = memory["t"] = memory.get("t", 0) + 1
        memory["m"] = b1 * memory.get("m", 0.0) + (1 - b1) * g
        memory["v"] = b2 * memory.get("v", 0.0) + (1 - b2) * g * g
        m, v = memory["m"] / (1 - b1**t), memory["v"] / (1 - b2**t)
        return w - lr * m / (np.sqrt(v) + settings.get("eps", 1e-8))

    return sgd if name == "SGD" else adam


def ours(name: str) -> type[Optimizer]:
    return {"SGD": SGD, "Adam": Adam}[name]


def leaf(array: Any, dtype: Any = None) -> al.Tensor:
    return al.tensor(np.array(array, dtype or float), requires_grad=True)


# ------------------------------------------------------------------------------------------ PyTorch's numbers


def train(
    al_or_torch: Any, make: Callable[[Any], Any], optimizer: Callable[[list[Any]], Any], steps: int = 20
) -> Arrays:
    """Steps on a small non-linear problem; one parameter is used in every other step only, one never."""
    rng = np.random.default_rng(0)
    x, t = make(rng.normal(size=(8, 3))), make(rng.normal(size=(8, 2)))
    w, b, v, unused = (make(rng.normal(size=s)) for s in ((3, 4), (4,), (4, 2), (3,)))
    parameters = [w, b, v, unused]
    for p in parameters:
        p.requires_grad_()
    opt = optimizer(parameters)
    for k in range(steps):
        h = al_or_torch.tanh(x @ w + (b if k % 2 == 0 else 0.0))
        loss = ((h @ v - t) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    return [np.array(p.detach().numpy()) for p in parameters]


@EVERY_CASE
def test_twenty_steps_are_pytorchs(name: str, settings: dict[str, Any]):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    mine = train(al, al.tensor, lambda ps: ours(name)(ps, lr=0.05, **settings))
    theirs = train(torch, torch.tensor, lambda ps: getattr(torch.optim, name)(ps, lr=0.05, **settings))
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_the_defaults_are_pytorchs(name: str):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    theirs = getattr(torch.optim, name)([torch.zeros(1)]).defaults
    for key, value in ours(name)([leaf([0.0])]).defaults.items():
        assert value == theirs[key], key


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_groups_have_settings_of_their_own_as_in_pytorch(name: str):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")

    def grouped(cls: Any) -> Callable[[list[Any]], Any]:
        def make(ps: list[Any]) -> Any:
            opt = cls([{"params": ps[:1], "lr": 0.2}, {"params": ps[1:2], "weight_decay": 0.3}], lr=0.05)
            opt.add_param_group({"params": ps[2], "lr": 0.01})
            return opt

        return make

    mine = train(al, al.tensor, grouped(ours(name)))
    theirs = train(torch, torch.tensor, grouped(getattr(torch.optim, name)))
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


def test_a_learning_rate_that_is_changed_in_its_group_holds_from_the_next_step():
    w = leaf([1.0])
    optimizer = SGD([w], lr=0.1)
    for lr in (0.1, 0.01):
        optimizer.param_groups[0]["lr"] = lr
        w.grad = al.ones(1)
        optimizer.step()
    np.testing.assert_allclose(w.detach(), [1 - 0.11])


# ------------------------------------------------------------------------------------------- the plain formula


def layouts(rng: np.random.Generator, dtype: Any) -> dict[str, np.ndarray]:
    """Arrays on either side of the size from which products go into a buffer that is kept, in several layouts."""
    big = rng.normal(size=(100, 150)).astype(dtype)
    return {
        "scalar": np.array(rng.normal(), dtype),
        "small": rng.normal(size=(4, 5)).astype(dtype),
        "at the limit": rng.normal(size=4096).astype(dtype),
        "large": big.copy(),
        "Fortran order": np.asfortranarray(big),
        "every other column": np.repeat(big, 2, axis=1)[:, ::2],
        "transposed": rng.normal(size=(80, 120)).astype(dtype).T,
        "larger still": rng.normal(size=(3, 70, 90)).astype(dtype),
        "empty": np.zeros((0, 3), dtype),
    }


@EVERY_CASE
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_parameters_of_all_sizes_and_layouts_follow_the_formula_and_share_one_buffer(
    name: str, settings: dict[str, Any], dtype: Any
):
    rng = np.random.default_rng(1)
    arrays = layouts(rng, dtype)
    parameters = {key: al.nn.Parameter(array) for key, array in arrays.items()}
    want = {key: array.astype(float) for key, array in arrays.items()}
    memories: dict[str, dict[str, Any]] = {key: {} for key in arrays}
    optimizer, rule = ours(name)(parameters.values(), lr=0.05, **settings), twin(name, 0.05, **settings)
    for _ in range(3):
        for key, p in parameters.items():
            g = rng.normal(size=p.shape).astype(dtype)
            p.grad = al.tensor(np.asfortranarray(g) if key == "large" else g)
            before = p.grad.data.copy()
            want[key] = rule(want[key], g.astype(float), memories[key])
            parameters[key].grad = p.grad
            np.testing.assert_array_equal(p.grad, before)
        optimizer.step()
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    for key, p in parameters.items():
        assert p.data is arrays[key], key
        assert p.dtype == dtype
        np.testing.assert_allclose(p.detach(), want[key], rtol=tolerance, atol=tolerance, err_msg=key)


@EVERY_CASE
def test_a_step_does_not_change_the_gradients(name: str, settings: dict[str, Any]):
    rng = np.random.default_rng(2)
    parameters = [leaf(rng.normal(size=s)) for s in ((5,), (100, 60))]
    gradients = [rng.normal(size=p.shape) for p in parameters]
    optimizer = ours(name)(parameters, lr=0.05, **settings)
    for p, g in zip(parameters, gradients, strict=True):
        p.grad = al.tensor(g)
    optimizer.step()
    optimizer.step()
    for p, g in zip(parameters, gradients, strict=True):
        np.testing.assert_array_equal(p.grad, g)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_float64_learning_rate_and_gradient_leave_float32_parameters_float32(name: str):
    for size in (3, 5000):
        w = leaf(np.ones(size), np.float32)
        w.grad = al.ones(size)
        ours(name)([w], lr=np.float64(0.5)).step()
        assert w.dtype == np.float32
        np.testing.assert_allclose(w.detach(), np.full(size, 0.5), rtol=1e-6)


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_gradient_left_by_create_graph_is_used_as_well(name: str):
    recorded, plain = leaf([1.0, 2.0]), leaf([1.0, 2.0])
    (recorded**3).sum().backward(create_graph=True)
    (plain**3).sum().backward()
    for w in (recorded, plain):
        ours(name)([w], lr=0.1).step()
    np.testing.assert_array_equal(recorded.detach(), plain.detach())
    recorded.grad = None


# ------------------------------------------------------------------------------------------- row-sparse gradients


@EVERY_CASE
@pytest.mark.parametrize("width", [(), (3,), (2, 3)], ids=["vector", "table", "three dimensions"])
def test_row_sparse_gradients_give_the_dense_result_repeated_and_negative_rows_too(
    name: str, settings: dict[str, Any], width: tuple[int, ...]
):
    rng = np.random.default_rng(3)
    start = rng.normal(size=(40, *width))
    sparse, dense = leaf(start), leaf(start)
    steps = [ours(name)([w], lr=0.05, **settings) for w in (sparse, dense)]
    for rows in ([3, 3, 1, 39, 3], [-1, 39, 0], [5, 6, 7], [], [1, 1], [0, -40, 2]):
        index = np.array(rows, np.intp)
        weights = rng.normal(size=(index.size, *width))
        (al.nn.functional.embedding(al.tensor(index), sparse) * weights).sum().backward()
        assert isinstance(sparse.node.notes.grad, RowSparse)
        whole = np.zeros(start.shape)
        np.add.at(whole, index, weights)
        dense.grad = al.tensor(whole)
        for optimizer in steps:
            optimizer.step()
            optimizer.zero_grad()
    np.testing.assert_allclose(sparse.detach(), dense.detach(), rtol=1e-13, atol=1e-14)
    assert (sparse.data != start).any()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.uint64])
def test_rows_named_by_small_integers_are_the_rows_meant(dtype: Any):
    table = leaf(np.zeros((1000, 2)))
    index = al.tensor(np.array([100, 7, 100], dtype))
    al.nn.functional.embedding(index, table).sum().backward()
    SGD([table], lr=1.0).step()
    want = np.zeros((1000, 2))
    want[100], want[7] = -2.0, -1.0
    np.testing.assert_array_equal(table.detach(), want)


def test_sgd_touches_only_the_rows_of_a_row_sparse_gradient():
    table = leaf(np.full((6, 2), np.inf))
    table.data[2] = 1.0
    al.nn.functional.embedding(al.tensor([2]), table).sum().backward()
    SGD([table], lr=0.5).step()
    np.testing.assert_array_equal(table.data[2], [0.5, 0.5])
    assert np.isinf(np.delete(table.data, 2, axis=0)).all()


def test_rows_of_a_sum_which_repeat_one_view_are_all_applied():
    table = leaf(np.zeros((5, 3)))
    al.nn.functional.embedding(al.tensor([1, 4]), table).sum(0).backward(np.array([1.0, 2.0, 3.0]))
    SGD([table], lr=1.0).step()
    want = np.zeros((5, 3))
    want[[1, 4]] = [-1.0, -2.0, -3.0]
    np.testing.assert_array_equal(table.detach(), want)


# ------------------------------------------------------------------------------------------- what is left alone


@EVERY_CASE
def test_a_parameter_without_gradient_stays_decay_and_momentum_or_not(name: str, settings: dict[str, Any]):
    used, idle, frozen = leaf([1.0]), leaf([2.0]), al.tensor([3.0])
    optimizer = ours(name)([used, idle, frozen], lr=0.1, **settings)
    optimizer.step()
    assert used.data[0] == 1.0
    used.grad = al.ones(1)
    optimizer.step()
    assert used.data[0] != 1.0
    assert idle.data[0] == 2.0
    assert frozen.data[0] == 3.0


def test_zero_grad_forgets_gradients_or_makes_them_zero():
    w, idle = leaf([1.0, 2.0]), leaf([1.0])
    optimizer = SGD([w, idle], lr=0.1)
    (w * 3).sum().backward()
    kept = w.grad
    optimizer.zero_grad(set_to_none=False)
    np.testing.assert_array_equal(w.grad, [0.0, 0.0])
    np.testing.assert_array_equal(kept, [3.0, 3.0])
    assert idle.grad is None
    optimizer.zero_grad()
    assert w.grad is None


# ------------------------------------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: SGD([]), ValueError, "got none: pass model.parameters()"),
        (lambda: Adam(iter(())), ValueError, "got none: pass model.parameters()"),
        (lambda: SGD([leaf([1.0])], lr=-0.1), ValueError, "lr is -0.1"),
        (lambda: SGD([leaf([1.0])], lr=float("nan")), ValueError, "lr is nan"),
        (lambda: SGD([leaf([1.0])], momentum=-1.0), ValueError, "momentum is -1.0"),
        (lambda: SGD([leaf([1.0])], weight_decay=-1.0), ValueError, "weight_decay is -1.0"),
        (lambda: SGD([leaf([1.0])], nesterov=True), ValueError, "nesterov needs momentum"),
        (lambda: SGD([leaf([1.0])], momentum=0.9, dampening=0.1, nesterov=True), ValueError, "no dampening"),
        (lambda: Adam([leaf([1.0])], lr=-1), ValueError, "lr is -1"),
        (lambda: Adam([leaf([1.0])], eps=-1), ValueError, "eps is -1"),
        (lambda: Adam([leaf([1.0])], betas=(0.9, 1.0)), ValueError, "(0.9, 1.0)"),
        (lambda: Adam([leaf([1.0])], betas=(-0.1, 0.9)), ValueError, "(-0.1, 0.9)"),
        (lambda: SGD([leaf([1.0]) * 2]), TypeError, "trains leaf tensors"),
        (lambda: SGD([np.ones(2)]), TypeError, "got ndarray: pass model.parameters()"),
        (lambda: SGD(leaf([1.0])), TypeError, "got one Tensor: pass [w]"),
        (lambda: SGD([leaf([1.0])], rate=0.1), TypeError, "rate"),
        (lambda: SGD([{"params": [leaf([1.0])], "rate": 0.1}]), TypeError, "SGD has no setting rate"),
        (lambda: Adam([{"params": [leaf([1.0])], "momentum": 0.1}]), TypeError, "Adam has no setting momentum"),
    ],
)
def test_what_cannot_be_trained_is_refused(make: Callable[[], Any], error: type[Exception], text: str):
    with pytest.raises(error, match=re.escape(text)):
        make()


def test_a_parameter_given_twice_is_refused_in_one_group_and_across_groups_and_nothing_is_added():
    w, v = leaf([1.0]), leaf([1.0])
    with pytest.raises(ValueError, match="twice"):
        SGD([w, v, w])
    with pytest.raises(ValueError, match="twice"):
        SGD([{"params": [w]}, {"params": [v, w]}])
    optimizer = SGD([w])
    with pytest.raises(ValueError, match="twice"):
        optimizer.add_param_group({"params": [v, w]})
    assert len(optimizer.param_groups) == 1
    optimizer.add_param_group({"params": v})
    assert optimizer.param_groups[1]["params"] == [v]


def test_an_optimizer_without_a_rule_says_so():
    class Idle(Optimizer):
        pass

    w = leaf([1.0])
    optimizer = Idle([w])
    w.grad = al.ones(1)
    with pytest.raises(TypeError, match="Idle defines no update"):
        optimizer.step()


def test_a_rule_of_ones_own_needs_only_an_update():
    class Signs(Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, lr=lr)

        def update(self, p: Any, g: Any, group: dict[str, Any]) -> None:
            self.add(p.data, np.sign(g), -group["lr"])

    w = leaf([1.0, 2.0])
    optimizer = Signs([w], lr=0.5)
    (w * al.tensor([3.0, -7.0])).sum().backward()
    optimizer.step()
    np.testing.assert_array_equal(w.detach(), [0.5, 2.5])


def test_the_repr_names_the_rule_and_the_settings_of_each_group():
    text = repr(SGD([{"params": [leaf([1.0])], "lr": 0.5}, {"params": [leaf([1.0])]}], lr=0.1, momentum=0.9))
    assert text.startswith("SGD(\n")
    assert text.count("momentum=0.9") == 2
    assert "lr=0.5" in text
    assert "lr=0.1" in text


# ------------------------------------------------------------------------------------------- around the step


def test_a_closure_is_called_once_before_the_change_and_its_loss_is_returned():
    w = leaf([2.0])
    optimizer, calls = SGD([w], lr=0.1), []

    def closure() -> al.Tensor:
        optimizer.zero_grad()
        loss = (w * w).sum()
        loss.backward()
        calls.append(w.data.copy())
        return loss

    loss = optimizer.step(closure)
    assert loss.item() == 4.0
    np.testing.assert_array_equal(calls, [[2.0]])
    np.testing.assert_allclose(w.detach(), [1.6])
    assert optimizer.step() is None


@pytest.mark.parametrize("name", ["SGD", "Adam"])
def test_a_step_makes_a_kept_graph_stale_and_the_error_names_the_line_of_the_step(name: str):
    w = leaf([2.0])
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    optimizer = ours(name)([w], lr=0.1)
    optimizer.step()  # this very line
    text = Path(__file__).read_text(encoding="utf-8").splitlines()
    line = next(k for k, row in enumerate(text, 1) if row.endswith("# this very line"))
    with pytest.raises(GraphError, match=rf"multiply.*optimizer\.step\(\) at .*test_optim\.py:{line}\b"):
        loss.backward()


def test_a_graph_that_needs_nothing_of_what_a_step_changed_can_be_used_again():
    w = leaf([2.0])
    loss = (w * 3.0).sum()
    loss.backward(retain_graph=True)
    SGD([w], lr=0.1).step()
    loss.backward()
    np.testing.assert_array_equal(w.grad, [6.0])


@pytest.mark.parametrize(("name", "settings"), [("SGD", {"lr": 0.1, "momentum": 0.9}), ("Adam", {"lr": 0.05})])
def test_a_network_of_two_layers_learns_xor(name: str, settings: dict[str, Any]):
    rng = np.random.default_rng(0)
    x, t = al.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), al.tensor([[0.0], [1.0], [1.0], [0.0]])
    model = al.nn.Sequential(al.nn.Linear(2, 8, generator=rng), al.nn.Tanh(), al.nn.Linear(8, 1, generator=rng))
    optimizer = ours(name)(model.parameters(), **settings)
    losses = []
    for _ in range(300):
        loss = al.nn.functional.mse_loss(model(x), t)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[0] > 0.2
    assert losses[-1] < 0.01
    np.testing.assert_array_equal(model(x).data > 0.5, t.data > 0.5)
