"""Modules: hooks, paths, buffers, dtypes, lists and dictionaries; and running statistics in compiled steps."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F


class Product(nn.Module):
    """Two tensors and a number to two tensors."""

    def forward(self, a: Any, b: Any, scale: float = 1.0) -> Any:
        return a * b * scale, a + b


# ------------------------------------------------------------------------------------------------ hooks


def test_hooks_before_and_after_are_called_in_order_and_may_change_what_goes_through():
    layer, seen = nn.Linear(2, 2, bias=False), []
    with al.no_grad():
        layer.weight.copy_(np.eye(2))
    x = al.tensor([[1.0, 2.0]])
    handles = [
        layer.register_forward_pre_hook(lambda m, args: seen.append(("before", m is layer, args[0].tolist()))),
        layer.register_forward_pre_hook(lambda m, args: args[0] * 2),
        layer.register_forward_pre_hook(lambda m, args: (args[0] + 1,)),
        layer.register_forward_pre_hook(lambda m, args: seen.append(("first", args[0].tolist())), prepend=True),
        layer.register_forward_hook(lambda m, args, y: seen.append(("after", args[0].tolist(), y.tolist()))),
        layer.register_forward_hook(lambda m, args, y: y * 10),
    ]
    np.testing.assert_array_equal(layer(x).detach(), [[30.0, 50.0]])
    assert seen == [
        ("first", [[1.0, 2.0]]),
        ("before", True, [[1.0, 2.0]]),
        ("after", [[3.0, 5.0]], [[3.0, 5.0]]),
    ]
    for handle in handles:
        handle.remove()
        handle.remove()
    np.testing.assert_array_equal(layer(x).detach(), [[1.0, 2.0]])


def test_hooks_can_have_the_keyword_arguments_too():
    layer, seen = Product(), []
    layer.register_forward_pre_hook(lambda m, a, k: (a, {"scale": k["scale"] + 1}), with_kwargs=True)
    layer.register_forward_hook(lambda m, a, k, y: seen.append(k), with_kwargs=True)
    product, _ = layer(al.ones(1), al.ones(1), scale=2.0)
    assert product.item() == 3.0
    assert seen == [{"scale": 3.0}]


def test_backward_hooks_see_gradients_of_inputs_and_outputs_and_may_change_those_of_inputs():
    layer, seen = Product(), []

    def hook(module: Any, grad_input: Any, grad_output: Any) -> Any:
        seen.append(([None if g is None else g.tolist() for g in grad_input], [g.tolist() for g in grad_output]))
        return grad_input[0] * 10, grad_input[1] * 100, None

    handle = layer.register_full_backward_hook(hook)
    a, b = al.tensor([1.0, 2.0], requires_grad=True), al.tensor([3.0, 4.0], requires_grad=True)
    product, total = layer(a, b, 2.0)
    (product.sum() + 5.0 * total.sum()).backward()
    assert seen == [([[11.0, 13.0], [7.0, 9.0], None], [[1.0, 1.0], [5.0, 5.0]])]
    np.testing.assert_array_equal(a.grad, [110.0, 130.0])
    np.testing.assert_array_equal(b.grad, [700.0, 900.0])
    handle.remove()
    a.grad = b.grad = None
    layer(a, b)[0].sum().backward()
    np.testing.assert_array_equal(a.grad, b.data)


def test_a_backward_hook_is_called_where_no_input_needs_a_gradient():
    layer, seen = nn.Linear(2, 1), []
    layer.register_full_backward_hook(lambda m, i, o: seen.append((i, o[0].tolist())))
    layer(al.ones(1, 2)).sum().backward()
    assert seen == [((None,), [[1.0]])]


def test_hooks_agree_with_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")

    def run(m: Any, make: Callable[[Any], Any], freeze: Any) -> list[Any]:
        seen: list[Any] = []
        model = m.Sequential(m.Linear(2, 3), m.Tanh(), m.Linear(3, 1))
        with freeze():
            for k, p in enumerate(model.parameters()):
                p.copy_(make(np.sin(np.arange(np.prod(p.shape)) + k).reshape(tuple(p.shape))))
        for part in model:
            part.register_forward_pre_hook(lambda module, args: seen.append(args[0].tolist()))
            part.register_forward_hook(lambda module, args, y: y * 2)
            part.register_full_backward_hook(
                lambda module, i, o: (seen.append((i[0].tolist(), o[0].tolist())), (i[0] * 0.5,))[1]
            )
        x = make(np.array([[0.3, -0.7]])).requires_grad_()
        model(x).sum().backward()
        return [*seen, x.grad.tolist(), *[p.grad.tolist() for p in model.parameters()]]

    ours = run(nn, al.tensor, al.no_grad)
    torch.set_default_dtype(torch.float64)
    try:
        theirs = run(torch.nn, torch.tensor, torch.no_grad)
    finally:
        torch.set_default_dtype(torch.float32)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        for p, q in zip(a if isinstance(a, tuple) else [a], b if isinstance(b, tuple) else [b], strict=True):
            np.testing.assert_allclose(p, q, rtol=1e-12)


def test_a_module_without_hooks_has_none_to_look_at():
    layer = nn.Tanh()
    assert layer._hooks is None
    layer.register_forward_hook(lambda *args: None)
    assert layer._hooks is not None
    assert nn.Tanh._hooks is None


# ------------------------------------------------------------------------------------------------ paths, registration


def test_parts_are_found_by_their_paths():
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.BatchNorm1d(3)))
    assert model.get_submodule("") is model
    assert model.get_submodule("1.0") is model[1][0]
    assert model.get_parameter("0.weight") is model[0].weight
    assert model.get_buffer("1.0.running_mean") is model[1][0].running_mean
    for call, words in [
        (lambda: model.get_submodule("1.2"), "Sequential has no module '2', of the path '1.2'"),
        (lambda: model.get_parameter("0.scale"), "Linear has no parameter 'scale'"),
        (lambda: model.get_buffer("0.weight"), "Linear has no buffer 'weight'"),
    ]:
        with pytest.raises(AttributeError, match=words):
            call()


def test_things_can_be_registered_by_name():
    model = nn.Module()
    model.register_parameter("scale", nn.Parameter(al.ones(2)))
    model.register_parameter("shift", None)
    model.add_module("part", nn.Tanh())
    model.register_module("other", nn.ReLU())
    assert [n for n, _ in model.named_parameters()] == ["scale"]
    assert model.shift is None
    assert [n for n, _ in model.named_children()] == ["part", "other"]
    assert {"scale", "part", "other", "forward", "training"} <= set(dir(model))
    for name, words in (("", "is empty"), ("a.b", "has a dot"), ("forward", "is an attribute of Module")):
        with pytest.raises(KeyError, match=words):
            model.register_parameter(name, nn.Parameter(al.ones(1)))
        with pytest.raises(KeyError, match=words):
            model.add_module(name, nn.Tanh())
        with pytest.raises(KeyError, match=words):
            model.register_buffer(name, al.ones(1))
    with pytest.raises(TypeError, match=r"'w' is to be an nn\.Parameter or None, and this is a Tensor"):
        model.register_parameter("w", al.ones(1))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="'m' is to be a Module or None, and this is a int"):
        model.register_module("m", 3)  # type: ignore[arg-type]


def test_a_buffer_may_be_left_out_of_what_is_saved():
    model = nn.Linear(1, 1)
    model.register_buffer("mask", al.ones(2), persistent=False)
    model.register_buffer("count", al.zeros(1))
    model.register_buffer("nothing", None)
    assert [n for n, _ in model.named_buffers()] == ["mask", "count"]
    assert list(model.state_dict()) == ["weight", "bias", "count"]
    assert model.load_state_dict(model.state_dict()) == ([], [])
    assert model.nothing is None
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert list(twin.state_dict()) == ["weight", "bias", "count"]
    model.register_buffer("mask", al.ones(2))
    assert "mask" in model.state_dict()
    assert next(iter(nn.Sequential(model).state_dict(prefix="net."))) == "net.0.weight"


def test_walks_may_stay_at_the_top_or_name_what_is_shared_again():
    model = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    model.tied = model[0].weight
    assert [n for n, _ in model.named_parameters(recurse=False)] == ["tied"]
    assert list(model.parameters(recurse=False)) == [model.tied]
    assert [n for n, _ in model.named_parameters(remove_duplicate=False)][:3] == ["tied", "0.weight", "0.bias"]
    assert list(model.buffers(recurse=False)) == []
    assert len(list(model[1].buffers(recurse=False))) == 3


# ------------------------------------------------------------------------------------------------ dtypes


def test_a_module_can_be_cast_with_its_gradients_and_counts_stay_whole():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    weight, x = model[0].weight, al.randn(3, 2)
    model(x).sum().backward()
    assert model.float() is model
    assert model[0].weight is weight
    assert {p.dtype for p in model.parameters()} == {p.grad.dtype for p in model.parameters()} == {np.dtype(np.float32)}
    assert [b.dtype for b in model.buffers()] == [np.float32, np.float32, np.int64]
    assert model(x.to(np.float32)).dtype == np.float32
    model(x.to(np.float32)).sum().backward()
    assert {p.dtype for p in model.half().parameters()} == {np.dtype(np.float16)}
    assert {p.dtype for p in model.double().parameters()} == {np.dtype(np.float64)}
    assert model.to("cpu") is model
    with pytest.raises(TypeError, match="int64"):
        model.to(np.int64)


# ------------------------------------------------------------------------------------------------ lists


@pytest.mark.parametrize("kind", ["Sequential", "ModuleList"])
def test_a_list_of_modules_is_a_list(kind: str):
    a, b, c, d = nn.Linear(1, 1), nn.Tanh(), nn.ReLU(), nn.Sigmoid()
    made = getattr(nn, kind)(*([a, b] if kind == "Sequential" else [[a, b]]))
    assert made.append(c) is made
    assert [made[0], made[-1], len(made)] == [a, c, 3]
    made.insert(1, d)
    assert list(made) == [a, d, b, c]
    assert [n for n, _ in made.named_children()] == ["0", "1", "2", "3"]
    assert list(made[1:3]) == [d, b]
    assert type(made[1:3]) is type(made)
    made[0] = d
    assert list(made) == [d, d, b, c]
    del made[1]
    assert list(made) == [d, b, c]
    assert [n for n, _ in made.named_children()] == ["0", "1", "2"]
    del made[1:]
    assert list(made.extend([a, b])) == [d, a, b]
    assert made.pop(-1) is b
    assert list(made + getattr(nn, kind)(*([c] if kind == "Sequential" else [[c]]))) == [d, a, c]
    made += [c]
    assert list(made) == [d, a, c]
    assert c in made
    for index in (3, -4):
        with pytest.raises(IndexError, match=rf"{kind}: index {index} is out of range for 3 items"):
            made[index]
    with pytest.raises(TypeError, match=f"{kind} takes Modules, and item"):
        made.append(3)
    assert list(made) == [d, a, c]


def test_a_sequence_can_be_repeated_and_named():
    a, b = nn.Tanh(), nn.ReLU()
    assert list(nn.Sequential(a, b) * 2) == list(2 * nn.Sequential(a, b)) == [a, b, a, b]
    named = nn.Sequential({"first": a, "second": b})
    assert [n for n, _ in named[1:].named_children()] == ["second"]
    assert named.second is b
    named[0] = b
    assert [n for n, _ in named.named_children()] == ["first", "second"]
    np.testing.assert_array_equal(nn.Sequential()(al.ones(1)), [1.0])


def test_modules_by_name():
    a, b = nn.Tanh(), nn.Linear(1, 1)
    made = nn.ModuleDict({"a": a})
    made["b"] = b
    made.update([("c", nn.ReLU())])
    assert list(made) == list(made.keys()) == ["a", "b", "c"]
    assert list(made.values())[:2] == [a, b]
    assert dict(made.items())["b"] is made["b"] is made.b is b
    assert ("a" in made, "z" in made, len(made)) == (True, False, 3)
    assert [n for n, _ in made.named_parameters()] == ["b.weight", "b.bias"]
    assert made.pop("a") is a
    del made["c"]
    assert list(made) == ["b"]
    for call in (lambda: made["a"], lambda: made.pop("a"), lambda: made.__delitem__("a")):
        with pytest.raises(KeyError):
            call()
    with pytest.raises(KeyError, match="is an attribute"):
        made["pop"] = a
    with pytest.raises(TypeError, match="is to be a Module"):
        made["d"] = 3  # type: ignore[assignment]
    made.clear()
    assert len(made) == 0


def test_parameters_in_lists():
    made = nn.ParameterList([al.zeros(2), nn.Parameter(al.ones(1))])
    made.append(al.ones(3)).extend([al.ones(4)])
    made += [al.ones(5)]
    assert [p.shape for p in made] == [(2,), (1,), (3,), (4,), (5,)]
    assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in made)
    assert [n for n, _ in made.named_parameters()] == ["0", "1", "2", "3", "4"]
    made[-1] = al.zeros(6)
    assert made[4].shape == (6,)
    assert [p.shape for p in made[1:3]] == [(1,), (3,)]
    assert "(0): Parameter containing: [float64 of size 2]" in repr(made)
    with pytest.raises(IndexError, match="ParameterList: index 5 is out of range for 5 items"):
        made[5]


def test_parameters_by_name():
    made = nn.ParameterDict({"a": al.zeros(2)})
    made["b"] = nn.Parameter(al.ones(3))
    made.update({"c": al.ones(1)})
    assert list(made) == list(made.keys()) == ["a", "b", "c"]
    assert [n for n, _ in made.named_parameters()] == ["a", "b", "c"]
    assert [p.shape for p in made.values()] == [(2,), (3,), (1,)]
    assert dict(made.items())["b"] is made["b"]
    assert made.get("z", 3) == 3
    assert made.get("a") is made["a"]
    assert made.pop("a").shape == (2,)
    del made["b"]
    assert ("b" in made, len(made)) == (False, 1)
    assert repr(made) == "ParameterDict((c): Parameter containing: [float64 of size 1])"
    with pytest.raises(KeyError):
        made["a"]
    with pytest.raises(KeyError, match="is an attribute"):
        made["keys"] = al.ones(1)


def test_parameters_by_name_are_a_dictionary_as_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    found = []
    for m, zeros in ((nn, al.zeros), (torch.nn, torch.zeros)):
        made = m.ParameterDict({"a": zeros(1), "b": zeros(2)})
        both = made | m.ParameterDict({"b": zeros(3), "c": zeros(4)})
        copy = made.copy()
        assert copy["a"] is made["a"]
        copy |= {"d": zeros(5)}
        made.setdefault("e", zeros(6))
        assert made.setdefault("e", zeros(7)) is made["e"]
        listed = [list(both), list(reversed(copy)), list(made), list(made.fromkeys(["x", "y"], 3).items())]
        shapes = [tuple(p.shape) for part in (both, copy, made) for p in part.values()]
        name, last = made.popitem()
        made.clear()
        found.append((listed, shapes, name, tuple(last.shape), len(made), len(both)))
    assert found[0] == found[1]
    assert list({"z": al.zeros(1)} | nn.ParameterDict({"a": al.zeros(1)})) == ["z", "a"]
    with pytest.raises(KeyError, match="empty"):
        nn.ParameterDict().popitem()


@pytest.mark.parametrize("kind", ["list", "dict"])
def test_states_of_lists_have_pytorchs_names(kind: str):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")

    def build(m: Any, make: Any) -> Any:
        one = m.ModuleList([m.Linear(1, 2), m.ParameterList([make(2), make(3)])])
        return one if kind == "list" else m.ModuleDict({"x": one, "y": m.ParameterDict({"z": make(1)})})

    assert list(build(nn, al.zeros).state_dict()) == list(build(torch.nn, torch.zeros).state_dict())


# ------------------------------------------------------------------------------------------------ running statistics


def trained(compiled: bool, backend: str = "numpy") -> tuple[list[float], dict[str, np.ndarray], Any]:
    al.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.InstanceNorm2d(4, track_running_stats=True), nn.Flatten(),
        nn.Linear(64, 5), nn.BatchNorm1d(5, momentum=None), nn.LayerNorm(5),
    )  # fmt: skip
    optimizer = al.optim.SGD(model.parameters(), lr=0.1)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    run, rng = al.compile(step, backend=backend) if compiled else step, np.random.default_rng(1)
    batches = [(al.tensor(rng.normal(size=(8, 1, 6, 6))), al.tensor(rng.integers(0, 5, 8))) for _ in range(10)]
    losses = [run(*batch).item() for batch in batches]
    return losses, {name: value.data for name, value in model.state_dict().items()}, run


def test_running_statistics_of_a_compiled_step_are_the_eager_ones():
    losses, state, run = trained(True)
    expected, right, _ = trained(False)
    np.testing.assert_allclose(losses, expected, rtol=1e-12)
    assert run.recompiles == 0
    assert state["1.num_batches_tracked"] == state["6.num_batches_tracked"] == 10
    for name, value in right.items():
        np.testing.assert_allclose(state[name], value, rtol=1e-12, atol=1e-14, err_msg=name)
    assert np.abs(right["1.running_mean"]).max() > 0.001


def test_evaluation_uses_the_running_statistics_and_leaves_them():
    layer = nn.BatchNorm1d(2)
    x = al.tensor([[1.0, 2.0], [3.0, 6.0]])
    layer(x)
    np.testing.assert_allclose(layer.running_mean.data, [0.2, 0.4])
    np.testing.assert_allclose(layer.running_var.data, [0.9 + 0.2, 0.9 + 0.8])
    before = {n: b.data.copy() for n, b in layer.named_buffers()}
    y = layer.eval()(x)
    np.testing.assert_allclose(y.data, (x.data - [0.2, 0.4]) / np.sqrt(np.array([1.1, 1.7]) + 1e-5))
    for n, b in layer.named_buffers():
        np.testing.assert_array_equal(b.data, before[n])
    layer.reset_running_stats()
    assert layer.num_batches_tracked.item() == 0
    np.testing.assert_array_equal(layer.running_var.data, 1.0)


def test_wrong_dimensions_are_refused_by_name():
    for layer, x in (
        (nn.BatchNorm2d(3), al.ones(2, 3)),
        (nn.BatchNorm1d(3), al.ones(2, 3, 4, 4)),
        (nn.InstanceNorm2d(3), al.ones(2, 3)),
    ):
        with pytest.raises(ValueError, match=rf"{type(layer).__name__}: the input has .* dimensions"):
            layer(x)
    with pytest.raises(ValueError, match="more than one number for each channel"):
        nn.BatchNorm1d(3)(al.ones(1, 3))


def test_a_tied_parameter_needs_one_of_its_names():
    model = nn.Sequential(nn.Embedding(3, 2), nn.Linear(2, 3, bias=False))
    model[1].weight = model[0].weight
    given = al.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    for name in ("0.weight", "1.weight"):
        al.nn.init.zeros_(model[0].weight)
        assert model.load_state_dict({name: given}) == ([], [])
        assert model[1].weight.tolist() == given.tolist()
    with pytest.raises(RuntimeError, match="missing"):
        model.load_state_dict({})


def test_what_did_not_match_is_told_by_name():
    found = nn.Linear(2, 1).load_state_dict({"weight": al.ones(1, 2), "more": al.ones(1)}, strict=False)
    assert (found.missing_keys, found.unexpected_keys) == (["bias"], ["more"])


def test_a_summary_is_of_an_input_and_not_of_its_shape():
    with pytest.raises(TypeError, match=r"al\.zeros\(2, 3\)"):
        nn.summary(nn.Linear(3, 1), (2, 3))


def test_a_summary_takes_sizes_beside_a_tensor():
    class Folded(nn.Module):
        def forward(self, x, shape):
            return x.reshape(shape)

    assert "(2, 3)" in str(nn.summary(Folded(), al.ones(6), (2, 3)))
