"""The networks built with the framework: the weights, lines and scores of the corrected hand-written ones."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from models import Batch, Data, Network, find, networks, train
from models.network import Given
from models.training import Modular, Plain, Trainer, trainer

IDS = ("8.1", "8.2", "8.3", "9.1", "10.1")
every_network = pytest.mark.parametrize("network", [find(name) for name in IDS], ids=lambda network: network.alias)


@cache
def trained(network_id: str, version: str) -> dict[str, Any]:
    """The weights after three epochs on all training images."""
    network = networks[network_id]
    data = network.data()
    *_, last = train(network, version, 3, Data(data.x_train, data.labels_train))
    return last.epoch.weights


def a_batch(network: Network) -> Batch:
    return next(network.batches(network.data(), network.start()[1]))


@every_network
def test_the_same_weights_as_the_corrected_after_three_epochs(network: Network) -> None:
    corrected, framework = trained(network.id, "corrected"), trained(network.id, "framework")
    start, _ = network.start()
    assert set(framework) == set(corrected) == set(network.parameters)
    for name, weights in corrected.items():
        np.testing.assert_allclose(framework[name], weights, rtol=1e-9, atol=1e-9 * np.abs(weights).mean())
        trained_by, moved = framework[name] - start[name], weights - start[name]
        assert np.linalg.norm(moved) > 1e-3 * np.linalg.norm(start[name])
        assert np.linalg.norm(trained_by - moved) < 1e-9 * np.linalg.norm(moved)


def stepped(learner: Trainer, steps: int) -> tuple[Any, Any, Any]:
    """The weights after some steps, and of the last what was put out and what deltas are known."""
    network = learner.network
    _, rng = network.start()
    for batch in islice(network.batches(network.data(), rng), steps):
        layers, deltas = learner.step(batch)
    return learner.weights, list(layers.values())[-1], deltas


@every_network
def test_plain_tensors_train_as_module_and_corrected_do(network: Network) -> None:
    learners = [make(network, network.start()[0]) for make in (Plain, Modular)]
    learners.append(trainer(network, "corrected", network.start()[0]))
    plain, module, by_hand = [stepped(learner, 5) for learner in learners]
    start, _ = network.start()
    for weights, output, _ in (module, by_hand):
        np.testing.assert_allclose(plain[1], output, rtol=1e-9, atol=1e-12)
        for name, weight in weights.items():
            moved = weight - start[name]
            assert np.linalg.norm(plain[0][name] - weight) < 1e-9 * np.linalg.norm(moved)
    assert set(plain[2]) == set(start)
    for name, delta in plain[2].items():
        np.testing.assert_allclose(delta, by_hand[2][name], rtol=1e-9, atol=1e-9 * np.abs(delta).max())


@every_network
@pytest.mark.parametrize("masked", [True, False])
def test_the_modules_gradient_is_that_of_the_plain_graph(network: Network, masked: bool) -> None:
    batch, (weights, _) = a_batch(network), network.start()
    batch = batch if masked else replace(batch, mask=None)
    graph, model = network.graph(weights, batch), network.build(weights)
    assert graph.error is not None
    graph.error.backward()
    error = network.error(network.output(model, batch), batch)
    error.backward()
    assert error.item() == pytest.approx(graph.error.item(), rel=1e-12)
    gradients = {path: p.grad.data for path, p in model.named_parameters() if p.grad is not None}
    for name, gradient in network.arrays(gradients).items():
        plain = graph.weights[name].grad
        assert plain is not None
        assert np.linalg.norm(gradient) > 0
        assert np.linalg.norm(plain.data - gradient) <= 1e-12 * np.linalg.norm(gradient)


@every_network
def test_frozen_weights_stay_as_they_are(network: Network) -> None:
    first, last = network.parameters
    frozen = replace(network, frozen=(first,))
    start, _ = network.start()
    for make in (Plain, Modular):
        weights, _, deltas = stepped(make(frozen, network.start()[0]), 2)
        np.testing.assert_array_equal(weights[first], start[first])
        assert not np.array_equal(weights[last], start[last])
        assert first not in deltas


@every_network
def test_the_same_lines_as_the_corrected(network: Network) -> None:
    data = network.data()
    assert data.x_test is not None
    assert data.labels_test is not None
    few = replace(data, x_test=data.x_test[:1000], labels_test=data.labels_test[:1000])
    (corrected,), (framework,) = (list(train(network, version, 1, few)) for version in ("corrected", "framework"))
    assert framework.line == corrected.line
    assert framework.epoch.train.correct == corrected.epoch.train.correct
    assert framework.row == pytest.approx(corrected.row, rel=1e-9)
    assert framework.epoch.test is not None
    assert framework.epoch.test.examples == 1000


@every_network
def test_building_copies_the_weights_and_arrays_show_them(network: Network) -> None:
    weights, _ = network.start()
    model = network.build(weights)
    shown = network.arrays({path: p.data for path, p in model.named_parameters()})
    for name, array in weights.items():
        np.testing.assert_array_equal(shown[name], array)
        assert not np.shares_memory(shown[name], array)
        parameter = dict(model.named_parameters())[network.parameters[name]]
        assert np.shares_memory(shown[name], parameter.data)
    assert len(dict(model.named_parameters())) == len(weights)


@every_network
def test_weights_of_a_record_are_those_in_training(network: Network) -> None:
    weights, _ = network.start()
    learner = trainer(network, "framework", weights)
    assert isinstance(learner, Modular)
    before = {name: array.copy() for name, array in learner.weights.items()}
    learner.step(a_batch(network))
    for name, array in learner.weights.items():
        assert not np.array_equal(array, before[name])
        np.testing.assert_array_equal(weights[name], before[name])


@every_network
def test_a_module_in_evaluation_predicts_what_is_predicted_by_hand(network: Network) -> None:
    weights, x = trained(network.id, "corrected"), network.data().x_train[:70]
    by_hand = network.predict(weights, x)
    model = network.build(weights).eval()
    np.testing.assert_allclose(model(al.from_numpy(x)).data, by_hand, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(Modular(network, weights).predict(x), by_hand, rtol=1e-9, atol=1e-12)


@every_network
def test_without_a_mask_there_is_no_dropout(network: Network) -> None:
    batch, (weights, _) = replace(a_batch(network), mask=None), network.start()
    scores = network.output(network.build(weights), batch)
    np.testing.assert_allclose(scores.data, network.predict(weights, batch.x), rtol=1e-9, atol=1e-15)


def test_dropout_keeps_what_the_mask_has_a_one_for() -> None:
    network = networks["8.3"]
    batch, (weights, _) = a_batch(network), network.start()
    assert batch.mask is not None
    model = network.build(weights)
    hidden = np.maximum(batch.x @ weights["weights_0_1"], 0) * (2 * batch.mask)
    np.testing.assert_allclose(
        network.output(model, batch).data, hidden @ weights["weights_1_2"], rtol=1e-9, atol=1e-12
    )
    with pytest.raises(ValueError, match=r"asks for a mask of \(2, 3\), and one of \(3, 2\) was drawn"):
        Given(np.ones((3, 2))).random((2, 3))
    with pytest.raises(ValueError, match=r"and none was drawn"):
        Given(None).random((2, 3))


def test_a_batch_can_be_cut() -> None:
    batch = a_batch(networks["9.1"])
    few = batch.first(7)
    assert few.mask is not None
    assert len(few.x) == len(few.labels) == len(few.mask) == 7
    assert len(batch.first(1000).x) == 100
    assert a_batch(networks["8.1"]).first(7).mask is None
    sampled = Batch(np.arange(3), np.ones(4), samples=np.arange(4)).first(2)
    assert sampled.samples is not None
    assert (sampled.samples.tolist(), sampled.mask) == ([0, 1], None)
