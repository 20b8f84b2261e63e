"""What is kept alive, for how long: saved arrays, nodes without the collector, and memory over many steps."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import ops
from autograd_lite.autograd import grad


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Reference counts alone free things, from here to the end of the test."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def nodes_under(*tensors: al.Tensor) -> list[weakref.ref[Any]]:
    """Weak references to the ops' nodes that these results hold; the leaves belong to their own tensors."""
    found, todo = {}, [t.node for t in tensors]
    while todo:
        node = todo.pop()
        if node is not None and node.op is not None and id(node) not in found:
            found[id(node)] = weakref.ref(node)
            todo += node.parents
    return list(found.values())


def alive(references: list[weakref.ref[Any]]) -> int:
    return sum(r() is not None for r in references)


def network() -> tuple[al.Tensor, list[al.Tensor]]:
    rng = np.random.default_rng(0)
    w1, w2 = (al.tensor(rng.normal(size=s), requires_grad=True) for s in ((4, 3), (2, 4)))
    x, target = rng.normal(size=(5, 3)), rng.integers(0, 2, 5)
    hidden = al.relu(ops.linear(x, w1)) * 1.5 + 0.1
    scores = al.cat([ops.linear(hidden, w2), ops.linear(hidden, w2)[:, ::-1]])
    return ops.cross_entropy(scores, np.concatenate([target, target])), [w1, w2]


def no_backward(loss: al.Tensor, weights: list[al.Tensor]) -> None:
    pass


def with_backward(loss: al.Tensor, weights: list[al.Tensor]) -> None:
    loss.backward()


def with_retain_graph(loss: al.Tensor, weights: list[al.Tensor]) -> None:
    loss.backward(retain_graph=True)
    loss.backward(retain_graph=True)


def with_hooks(loss: al.Tensor, weights: list[al.Tensor]) -> None:
    seen: list[Any] = []
    loss.register_hook(seen.append)
    for w in weights:
        w.register_hook(lambda g: g * 2)
    loss.retain_grad()
    loss.backward()
    assert len(seen) == 1


def with_second_derivatives(loss: al.Tensor, weights: list[al.Tensor]) -> None:
    first = grad(loss, weights, create_graph=True)
    made = nodes_under(*first)
    assert alive(made) > 10
    second = grad(sum((g * g).sum() for g in first), weights, create_graph=True)
    made += nodes_under(*second)
    del first, second
    still_held = {r() for r in nodes_under(loss)}
    assert all(r() is None or r() in still_held for r in made)


def with_an_error(loss: al.Tensor, weights: list[al.Tensor]) -> None:
    loss.backward()
    try:
        loss.backward()
    except al.GraphError as error:
        assert "freed" in str(error)  # noqa: PT017


def under_no_grad(loss: al.Tensor, weights: list[al.Tensor]) -> None:
    with al.no_grad():
        for w in weights:
            w.sub_(w * 0.1)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    "use",
    [no_backward, with_backward, with_retain_graph, with_hooks, with_second_derivatives, with_an_error, under_no_grad],
)
def test_dropping_the_loss_frees_every_node_by_reference_count(use: Callable[..., None]):
    loss, weights = network()
    nodes = nodes_under(loss)
    assert len(nodes) > 8
    use(loss, weights)
    assert alive(nodes) == len(nodes)
    del loss
    assert alive(nodes) == 0


@pytest.mark.usefixtures("no_collector")
def test_a_branch_that_is_still_held_keeps_only_its_own_nodes():
    x = al.tensor([1.0, 2.0], requires_grad=True)
    shared = al.exp(x)
    loss, other = (shared * 2).sum(), shared * 3
    nodes, kept = nodes_under(loss), nodes_under(other)
    del loss
    assert alive(nodes) == 1  # exp, which `other` needs too
    assert alive(kept) == len(kept)
    other.sum().backward()


@pytest.mark.usefixtures("no_collector")
def test_the_cycle_of_backward_with_create_graph_ends_when_grad_is_set_to_none():
    x = al.tensor([1.0, 2.0], requires_grad=True)
    y = (x**3).sum()
    y.backward(create_graph=True)
    nodes = nodes_under(y, x.grad)
    del y
    assert alive(nodes) > 0
    x.grad = None
    assert alive(nodes) == 0


# ------------------------------------------------------------------------------------------ saved arrays


def saved_where(build: Callable[[al.Tensor, al.Tensor], al.Tensor], *, constant: str = "") -> str:
    """Which arrays of an op on fresh `a` and `b` stay alive with the result's node alone: of a, b and y."""
    arrays = {"a": np.array([0.3, 0.6]), "b": np.array([0.4, 0.5])}
    tensors = {n: al.Tensor(array) for n, array in arrays.items()}
    leaves = [tensors[n].requires_grad_() for n in arrays if n not in constant]
    references = {n: weakref.ref(array) for n, array in arrays.items()}
    nodes = [t.node for t in leaves]
    y = build(tensors["a"], tensors["b"])
    references["y"] = weakref.ref(y.data)
    node = y.node
    arrays.clear()
    tensors.clear()
    del y, leaves
    assert node is not None
    assert nodes
    return "".join(n for n, r in references.items() if r() is not None)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    ("name", "build", "constant", "kept"),
    [
        ("+", lambda a, b: a + b, "", ""),
        ("-", lambda a, b: a - b, "", ""),
        ("negative", lambda a, b: -a, "", ""),
        ("*", lambda a, b: a * b, "", "ab"),
        ("* by a constant", lambda a, b: a * b, "b", "b"),
        ("* of a constant", lambda a, b: a * b, "a", "a"),
        ("/", lambda a, b: a / b, "", "by"),
        ("/ by a constant", lambda a, b: a / b, "b", "b"),
        ("@", lambda a, b: a @ b, "", "ab"),
        ("@ by a constant", lambda a, b: a @ b, "b", "b"),
        ("exp", lambda a, b: al.exp(a), "", "y"),
        ("tanh", lambda a, b: al.tanh(a), "", "y"),
        ("sigmoid", lambda a, b: al.sigmoid(a), "", "y"),
        ("relu", lambda a, b: al.relu(a), "", "y"),
        ("softmax", lambda a, b: al.softmax(a, 0), "", "y"),
        ("sqrt", lambda a, b: al.sqrt(a), "", "y"),
        ("log", lambda a, b: al.log(a), "", "a"),
        ("sin", lambda a, b: al.sin(a), "", "a"),
        ("square", lambda a, b: al.square(a), "", "a"),
        ("sum", lambda a, b: al.sum(a), "", ""),
        ("mean", lambda a, b: al.mean(a), "", ""),
        ("mean, dim", lambda a, b: al.mean(a, 0, True), "", ""),
        ("where", lambda a, b: al.where(np.array([True, False]), a, b), "", ""),
        ("clone", lambda a, b: al.clone(a), "", ""),
        ("cat", lambda a, b: al.cat([a, b]), "", ""),
        ("stack", lambda a, b: al.stack([a, b]), "", ""),
        ("getitem", lambda a, b: a[[0, 0]], "", ""),
    ],
)
def test_only_what_the_rules_name_is_kept(name: str, build: Any, constant: str, kept: str):
    assert saved_where(build, constant=constant) == kept


@pytest.mark.usefixtures("no_collector")
def test_backward_frees_saved_arrays_while_the_loss_is_still_held():
    x = al.tensor([1.0, 2.0], requires_grad=True)
    y = al.exp(x)
    array = weakref.ref(y.data)
    loss = y.sum()
    del y
    assert array() is not None
    loss.backward()
    assert array() is None
    assert loss.requires_grad


# ------------------------------------------------------------------------------------------ over time


def traced() -> int:
    """Bytes in use."""
    return tracemalloc.get_traced_memory()[0]


def test_ten_thousand_training_steps_do_not_grow_the_memory():
    x, target = np.array([[1.0, 0.0, 1.0]]), np.array([[1.0]])
    w1, w2 = (al.tensor(np.full(s, 0.3), requires_grad=True) for s in ((3, 4), (4, 1)))
    buffer = al.zeros(4)
    table = al.tensor(np.ones((5, 2)), requires_grad=True)

    def step() -> None:
        loss = ((al.relu(x @ w1) @ w2 - target) ** 2).sum() + ops.embedding(np.array([1, 1]), table).sum() * 0.01
        loss.backward()
        with al.no_grad():
            for w in (w1, w2, table):
                w.sub_(w.grad * 0.01)
                w.grad = None
        buffer[1] = loss.item()
        buffer[:2] = 0.0

    for _ in range(200):
        step()
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(500):
            step()
        gc.collect()
        before = traced()
        for _ in range(9_300):
            step()
        gc.collect()
        after = traced()
    finally:
        tracemalloc.stop()
    assert after - before < 60_000  # the smallest object a step would be 260,000
