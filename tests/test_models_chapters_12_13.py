"""Chapters 12 and 13: the printed digits, backpropagation through time, and what the chapter's engine gets wrong."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from models import chapter_12, chapter_13, chapter_engine, find, train
from models.chapter_14 import character_lstm
from models.chapter_engine import Apart, ComesTwice, apart, gradients, lstm, on_graphs, over_time
from models.characters import characters
from models.network import CORRECTED, PRINTED, Network
from models.questions import SIZE
from models.records import Batch, Weights
from models.reproduce import Comparison
from models.slopes import sigmoid_slope
from models.stories import babi, numbered

networks: dict[str, Network] = {n.id: n for n in (*chapter_12.networks, *chapter_13.networks)}
WITH_NUMBERS = [name for name, network in networks.items() if network.printed.rows]
LEARNERS = [name for name, network in networks.items() if CORRECTED in network.versions and name != "13.9"]


def place(name: str, steps: int = 3) -> tuple[Weights, Batch]:
    """Weights after a few steps of the corrected version, and the batch that follows."""
    network = networks[name]
    weights, rng = network.start()
    batches = [batch for _ in range(2) for batch in islice(network.batches(network.data(), rng), steps + 1)]
    for batch in batches[:steps]:
        network.versions[CORRECTED].step(weights, batch)
    return weights, batches[min(steps, len(batches) - 1)]


# The numbers


@pytest.mark.parametrize("name", WITH_NUMBERS)
def test_every_printed_number(name: str) -> None:
    network = networks[name]
    comparison, last = Comparison(network), None
    for record in train(network, PRINTED):
        comparison.add(record)
        last = record.epoch.weights
    assert last is not None
    comparison.finish(last)
    assert comparison.differences == []
    assert comparison.rows == len(network.printed.rows)


def test_the_rnn_goes_where_the_text_goes() -> None:
    rows = [record.row for record in train(find("13.11"), PRINTED)]
    assert (rows[0]["Loss"], rows[0]["Correct"]) == (pytest.approx(0.476, abs=0.02), pytest.approx(0.01, abs=0.02))
    assert (rows[-1]["Loss"], rows[-1]["Correct"]) == (pytest.approx(0.136, abs=0.003), pytest.approx(0.37, abs=0.02))
    assert rows[-1]["Cross-Entropy"] == pytest.approx(10 * rows[-1]["Loss"])  # type: ignore[operator]


def test_stories() -> None:
    assert len(babi().vocabulary) == 82
    assert [babi().vocabulary[word] for word in babi().lines[2]] == ["where", "is", "mary?", "\tbathroom\t1"]
    assert {len(line) for line in babi(6).lines} == {6}
    assert numbered(["1 A b.\n"], width=3).lines[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("version", [PRINTED, CORRECTED])
def test_what_is_told_of_a_line(version: str) -> None:
    """Of "sandra moved to the garden." the words after the first, each told from those before it."""
    network, words = networks["12.2"], babi().vocabulary
    line = np.array([words.index(word) for word in ("moved", "to", "the", "garden.")])
    *_, record = train(network, version)
    pred = network.versions[version].forward(record.epoch.weights, Batch(line, line))["pred"]
    assert [words[k] for k in np.argmax(pred, axis=1)] == ["is", "to", "the", "bedroom."]


# Backpropagation through time


@pytest.mark.parametrize("name", LEARNERS)
def test_by_hand_is_autograd(name: str) -> None:
    weights, batch = place(name)
    graph = networks[name].graph(weights, batch)
    assert graph.error is not None
    graph.error.backward()
    by_hand = networks[name].versions[CORRECTED].deltas(weights, batch)
    for key, tensor in graph.weights.items():
        np.testing.assert_allclose(by_hand[key], tensor.grad.data, rtol=1e-10, atol=1e-14, err_msg=key)


@pytest.mark.parametrize("name", ["12.1", "12.2", "13.8", "13.11", "13.11-tanh"])
def test_by_hand_is_the_slope_of_the_error(name: str) -> None:
    """Along random directions, by differences of fourth order."""
    network = networks[name]
    weights, batch = place(name)
    deltas = network.versions[CORRECTED].deltas(weights, batch)
    rng = np.random.default_rng(0)
    directions = {key: rng.normal(size=array.shape) for key, array in weights.items()}

    def error(t: float) -> float:
        with al.no_grad():
            found = network.graph({key: w + t * directions[key] for key, w in weights.items()}, batch).error
        assert found is not None
        return found.item()

    h = 1e-3
    slope = (8 * (error(h) - error(-h)) - (error(2 * h) - error(-2 * h))) / (12 * h)
    by_hand = sum(float(np.sum(deltas[key] * d)) for key, d in directions.items())
    finer = (8 * (error(h / 2) - error(-h / 2)) - (error(h) - error(-h))) / (6 * h)
    extrapolated = finer + (finer - slope) / 15
    assert by_hand == pytest.approx(extrapolated, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("name", LEARNERS)
def test_corrected_and_framework_train_to_the_same_weights(name: str) -> None:
    epochs = 1 if name.startswith("12") else 10
    *_, by_hand = train(networks[name], CORRECTED, epochs=epochs)
    *_, built = train(networks[name], epochs=epochs)
    for key, array in by_hand.epoch.weights.items():
        np.testing.assert_allclose(built.epoch.weights[key], array, rtol=1e-9, atol=1e-12, err_msg=key)


def test_pytorch_says_the_same_of_the_rnn() -> None:
    """nn.RNN of PyTorch with the same weights: scores, error, and every gradient."""
    torch: Any = pytest.importorskip("torch")
    weights, batch = place("13.11-tanh")
    inner = {name: torch.tensor(array, requires_grad=True) for name, array in weights.items()}
    rnn = torch.nn.RNN(SIZE, SIZE, batch_first=True, dtype=torch.float64)
    places = {
        "weight_ih_l0": "weights_ih",
        "weight_hh_l0": "weights_hh",
        "bias_ih_l0": "bias_ih",
        "bias_hh_l0": "bias_hh",
    }
    given = {theirs: inner[ours].T if inner[ours].ndim == 2 else inner[ours] for theirs, ours in places.items()}
    states, _ = torch.func.functional_call(rnn, given, (inner["embed"][torch.tensor(batch.x)],))
    scores = states[:, -1] @ inner["weights_ho"] + inner["bias_ho"]
    error = torch.nn.functional.cross_entropy(scores, torch.tensor(batch.labels))
    error.backward()
    deltas = networks["13.11-tanh"].versions[CORRECTED].deltas(weights, batch)
    graph = networks["13.11-tanh"].graph(weights, batch)
    assert graph.error is not None
    assert graph.error.item() == pytest.approx(error.item(), rel=1e-12)
    for key, tensor in inner.items():
        np.testing.assert_allclose(deltas[key], tensor.grad.numpy(), rtol=1e-12, atol=1e-15, err_msg=key)


def test_pytorch_says_the_same_of_the_stories() -> None:
    """nn.RNN of PyTorch has no linear state, but relu is one where the states are moved up, and back for the scores."""
    torch: Any = pytest.importorskip("torch")
    weights, batch = place("12.2")
    inner = {name: torch.tensor(array, requires_grad=True) for name, array in weights.items()}
    rnn, up = torch.nn.RNN(10, 10, nonlinearity="relu", dtype=torch.float64), 1.0
    eye, zeros = torch.eye(10, dtype=torch.float64), torch.zeros(10, dtype=torch.float64)
    given = {
        "weight_ih_l0": eye,
        "weight_hh_l0": inner["recurrent"].T,
        "bias_ih_l0": up - up * inner["recurrent"].sum(0),
        "bias_hh_l0": zeros,
    }
    start = inner["start"][None] + up
    states, _ = torch.func.functional_call(rnn, given, (inner["embed"][torch.tensor(batch.x)], start))
    assert (states > 0).all()
    scores = (torch.cat([start, states[:-1]]) - up) @ inner["decoder"]
    error = torch.nn.functional.cross_entropy(scores, torch.tensor(batch.labels))
    error.backward()
    deltas = networks["12.2"].versions[CORRECTED].deltas(weights, batch)
    for key, tensor in inner.items():
        off = np.abs(deltas[key] - tensor.grad.numpy()).max()
        assert off <= 1e-12 * np.abs(deltas[key]).max(), key


@pytest.mark.parametrize("name", ["12.1", "12.2", "13.7", "13.11", "13.11-tanh"])
def test_derived_and_compiled(name: str) -> None:
    """The derived code runs to the same gradients, and so does the compiled step."""
    weights, batch = place(name)
    network = networks[name]
    graph = network.graph(weights, batch)
    assert graph.error is not None
    assert al.derive(graph.error).source.count("_delta = ") > len(weights)  # it is run and compared when it is made
    tensors = network.tensors(weights)

    def step() -> al.Tensor:
        for tensor in tensors.values():
            tensor.grad = None
        error = network.graph(tensors, batch).error
        assert error is not None
        error.backward()
        return error

    run = al.compile(step)
    assert run().item() == pytest.approx(graph.error.item(), rel=1e-12)
    graph.error.backward()
    for key, tensor in tensors.items():
        np.testing.assert_allclose(tensor.grad.data, graph.weights[key].grad.data, rtol=1e-12, atol=1e-15, err_msg=key)


# The chapter's engine


def truth(loss: al.Tensor, weights: dict[str, al.Tensor]) -> dict[str, np.ndarray]:
    found = al.autograd.grad(loss, list(weights.values()), retain_graph=True)
    return {name: tensor.data for name, tensor in zip(weights, found, strict=True)}


def whole(arrays: dict[str, np.ndarray]) -> np.ndarray:
    return np.concatenate([array.ravel() for array in arrays.values()])


@pytest.mark.parametrize("name", [name for name in LEARNERS if name.startswith("13")])
def test_the_engine_is_right_on_the_chapters_own_networks(name: str) -> None:
    weights, batch = place(name)
    graph = networks[name].graph(weights, batch)
    assert graph.error is not None
    found, right = gradients(graph.error, graph.weights), truth(graph.error, graph.weights)
    for key in right:
        np.testing.assert_allclose(found[key], right[key], rtol=1e-12, atol=1e-15)


def used_twice(kind: str) -> tuple[al.Tensor, dict[str, al.Tensor]]:
    x = al.tensor([[0.5, -1.0], [2.0, 0.25]], requires_grad=True, name="x")
    hidden = al.tanh(x)
    uses = {
        "both say so": lambda: hidden * 2.0 + hidden * hidden,
        "the same twice": lambda: hidden + hidden,
        "neither": lambda: al.sigmoid(hidden) + al.tanh(hidden),
        "two products": lambda: hidden @ al.eye(2) + hidden @ al.ones(2, 2),
        "one of them": lambda: al.sigmoid(hidden) + hidden,
    }
    return uses[kind]().sum(), {"x": x}


def test_graphs_in_which_a_tensor_is_used_more_than_once() -> None:
    """Silently wrong where what makes the tensor says nothing; stopped where it does; right among those that say so."""
    found = on_graphs()
    right = {key for key, one in found.items() if one.apart.off < 1e-12}
    assert right == {(made, used) for made in ("tanh(x)", "2x") for used in ("tanh(h)", "h + h", "h * h - 3h")}
    assert {key for key, one in found.items() if one.stops} == {key for key in found if key[0] == "2x"} - right


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        ("both say so", True),
        ("the same twice", True),
        ("neither", False),
        ("two products", False),
        ("one of them", False),
    ],
)
def test_what_is_used_twice(kind: str, right: bool) -> None:
    """Right where add, subtract and multiply alone use it; else what came first is passed on once more."""
    loss, tensors = used_twice(kind)
    found = gradients(loss, tensors)
    assert np.allclose(found["x"], truth(loss, tensors)["x"], rtol=1e-12) is right
    assert bool(al.check_deltas(loss, found)) is right


def test_the_first_gradient_counts_twice() -> None:
    """Of sigmoid(h) + tanh(h), h passes on the one that comes first, and then the sum of both."""
    loss, tensors = used_twice("neither")
    h = np.tanh(tensors["x"].data)
    by_sigmoid = sigmoid_slope(h)
    by_tanh = 1 - np.tanh(h) ** 2
    np.testing.assert_allclose(gradients(loss, tensors)["x"], (2 * by_sigmoid + by_tanh) * (1 - h**2), rtol=1e-12)


def test_waiting_for_those_that_never_say() -> None:
    loss, tensors = used_twice("one of them")
    h = np.tanh(tensors["x"].data)
    by_sigmoid = sigmoid_slope(h)
    found = gradients(loss, tensors, waits_for_all=True)["x"]
    np.testing.assert_allclose(found, by_sigmoid * (1 - h**2), rtol=1e-12)  # what came by the sum is not passed on


def test_one_step_of_an_lstm_is_right() -> None:
    loss, weights = lstm(1)
    found = gradients(loss, weights)
    assert apart(whole(found), whole(truth(loss, weights))).off < 1e-12
    assert al.check_deltas(loss, found)


@pytest.mark.parametrize("last_first", [True, False])
@pytest.mark.parametrize("steps", [2, 5, 10, 25])
def test_an_lstm_over_time(steps: int, last_first: bool) -> None:
    """The exception stops it at two steps already; without it only what leads to the scores is right."""
    loss, weights = lstm(steps, last_first=last_first)
    with pytest.raises(ComesTwice, match="a second time"):
        gradients(loss, weights)
    found, right = gradients(loss, weights, quiet=True), truth(loss, weights)
    assert apart(found["decoder"], right["decoder"]) == Apart(pytest.approx(1), pytest.approx(1), pytest.approx(0))
    for name in set(weights) - {"decoder"}:
        assert apart(found[name], right[name]).off > 0.1
    held = over_time(last_first=last_first)[steps]
    assert held.stops
    assert held.apart == apart(whole(found), whole(right))


def test_the_order_of_a_sum_is_the_engines_business_and_not_the_gradients() -> None:
    (loss, weights), (other, others) = lstm(5), lstm(5, last_first=False)
    assert loss.item() == pytest.approx(other.item(), rel=1e-12)
    here, there = truth(loss, weights), truth(other, others)
    found, turned = gradients(loss, weights, quiet=True), gradients(other, others, quiet=True)
    for name in set(weights) - {"decoder"}:
        np.testing.assert_allclose(here[name], there[name], rtol=1e-9, atol=1e-12)
        assert apart(found[name], turned[name]).off > 0.1


@pytest.mark.parametrize("waits", [False, True])
def test_the_engine_makes_the_printed_deltas_of_the_character_lstm(waits: bool) -> None:
    """On 14.3's own graph, the losses of its steps added as the text adds them: what is written by hand there."""
    text = characters("so it is, and so it was, and so it will be; " * 3)
    network = replace(character_lstm, text=lambda: text, hidden=5, rows=3, steps=6)
    rng, (weights, _) = np.random.default_rng(0), network.start()
    weights = {name: array + 0.3 * rng.standard_normal(array.shape) for name, array in weights.items()}
    batch = next(network.batches(network.data(), np.random.RandomState(0)))
    graph, loss = network.graph(weights, batch), al.tensor(0.0)
    for t in range(1, 7):
        scores = graph.layers[f"h_{t}"] @ graph.weights["w_ho"]
        loss = al.nn.functional.cross_entropy(scores, batch.labels[:, t - 1], reduction="sum") + loss
    by_hand = network.versions[PRINTED].deltas(weights, batch)
    trained = {name: tensor for name, tensor in graph.weights.items() if tensor.requires_grad}
    for name, found in gradients(loss, trained, quiet=True, waits_for_all=waits).items():
        np.testing.assert_allclose(found, by_hand[name], rtol=1e-10, atol=1e-12, err_msg=name)


def test_our_check_names_what_the_engine_gets_wrong() -> None:
    loss, weights = lstm(2)
    report = al.check_deltas(loss, gradients(loss, weights, quiet=True))
    assert {finding.name for finding in report if finding.verdict == "agrees"} == {"decoder"}
    assert {f.name for f in report if f.verdict == "introduced"} == set(weights) - {"decoder"}


def test_no_graph() -> None:
    with pytest.raises(ValueError, match="requires a gradient"):
        chapter_engine.gradients(al.tensor(1.0), {})
