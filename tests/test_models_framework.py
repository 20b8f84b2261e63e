"""The networks built with the framework: the weights, lines and scores of the corrected hand-written ones."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from models import Batch, Data, Network, networks
from models.network import Given, Modular

every_network = pytest.mark.parametrize("network", networks.values(), ids=lambda network: network.alias)


@cache
def trained(network_id: str, version: str) -> dict[str, Any]:
    """The weights after three epochs on all training images."""
    network = networks[network_id]
    data = network.data()
    *_, last = network.train(version, 3, Data(data.x_train, data.labels_train))
    return last.weights


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


@every_network
def test_the_same_lines_as_the_corrected(network: Network) -> None:
    data = network.data()
    assert data.x_test is not None
    assert data.labels_test is not None
    few = replace(data, x_test=data.x_test[:1000], labels_test=data.labels_test[:1000])
    (corrected,), (framework,) = (list(network.train(version, 1, few)) for version in ("corrected", "framework"))
    assert framework.line == corrected.line
    assert framework.train == corrected.train or framework.train.correct == corrected.train.correct
    assert framework.row == pytest.approx(corrected.row, rel=1e-9)
    assert framework.test is not None
    assert framework.test.examples == 1000


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
    trainer = network.trainer("framework", weights)
    assert isinstance(trainer, Modular)
    before = {name: array.copy() for name, array in trainer.weights.items()}
    trainer.step(a_batch(network))
    for name, array in trainer.weights.items():
        assert not np.array_equal(array, before[name])
        np.testing.assert_array_equal(weights[name], before[name])


@every_network
def test_predictions_are_those_by_hand(network: Network) -> None:
    weights, x = trained(network.id, "corrected"), network.data().x_train[:70]
    by_hand = network.trainer("corrected", weights).predict(x)
    trainer = network.trainer("framework", weights)
    assert isinstance(trainer, Modular)
    np.testing.assert_allclose(trainer.predict(x), by_hand, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(trainer.predict(x, chunk=33), by_hand, rtol=1e-9, atol=1e-12)


@every_network
def test_without_a_mask_there_is_no_dropout(network: Network) -> None:
    batch, (weights, _) = replace(a_batch(network), mask=None), network.start()
    scores = network.scores(network.build(weights), batch)
    np.testing.assert_allclose(scores.data, network.predict(weights, batch.x), rtol=1e-9, atol=1e-15)


def test_dropout_keeps_what_the_mask_has_a_one_for() -> None:
    network = networks["8.3"]
    batch, (weights, _) = a_batch(network), network.start()
    assert batch.mask is not None
    model = network.build(weights)
    hidden = np.maximum(batch.x @ weights["weights_0_1"], 0) * (2 * batch.mask)
    np.testing.assert_allclose(
        network.scores(model, batch).data, hidden @ weights["weights_1_2"], rtol=1e-9, atol=1e-12
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
