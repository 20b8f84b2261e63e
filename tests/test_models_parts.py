"""Parts A and B: the printed numbers, every gradient three times over, what training comes to, the slopes."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.nn import functional as F
from models import admissions, part_a, part_b, slopes
from models.layered import LayersNetwork
from models.network import CORRECTED, FRAMEWORK, PRINTED, Network
from models.records import Batch, Record, Weights
from models.training import train

networks: dict[str, Network] = {network.id: network for network in (*part_a.networks, *part_b.networks)}
learners = [network for network in networks.values() if CORRECTED in network.versions]
trained = [network for network in learners if network.versions[CORRECTED].lr]


def name_of(network: Network) -> str:
    return network.id


@cache
def run(id: str, version: str, epochs: int | None = None) -> tuple[list[Any], Record]:
    """The rows of all epochs, and the last record: all the records would hold gigabytes of layers."""
    rows = []
    for record in train(networks[id], version, epochs):
        rows.append(record.row)
    return rows, record


def rows(id: str, version: str, epochs: int | None = None) -> list[Any]:
    return run(id, version, epochs)[0]


def last(id: str, version: str, epochs: int | None = None) -> Record:
    return run(id, version, epochs)[1]


def batch_of(network: Network) -> Batch:
    return next(network.batches(network.data(), network.start()[1]))


def somewhere(network: Network) -> Weights:
    """Weights that are neither zero nor equal."""
    rng = np.random.RandomState(5)
    return {name: weight + 0.3 * rng.standard_normal(weight.shape) for name, weight in network.start()[0].items()}


def gradients(network: Network, weights: Weights, batch: Batch, stated: bool = False) -> Weights:
    """Autograd's derivatives of the error, by weights and layers."""
    graph = network.graph(weights, batch, stated)
    assert graph.error is not None
    by = graph.weights | {name: layer for name, layer in graph.layers.items() if layer.requires_grad}
    if graph.error is by.get("J"):
        del by["J"]
    found = al.autograd.grad(graph.error, list(by.values()))
    return {name: gradient.data for name, gradient in zip(by, found, strict=True)}


def differences(network: Network, weights: Weights, batch: Batch) -> Weights:
    """Central differences of the error, entry by entry of the weights."""
    found = {name: np.zeros(weight.shape) for name, weight in weights.items()}
    for name, weight in weights.items():
        for index in np.ndindex(weight.shape):
            errors = []
            for nudge in (1e-5, -1e-5):
                moved = {n: np.array(w) for n, w in weights.items()}
                moved[name][index] += nudge
                error = network.graph(moved, batch).error
                assert error is not None
                errors.append(error.item())
            found[name][index] = (errors[0] - errors[1]) / 2e-5
    return found


def assert_near(found: Any, wanted: Any, relative: float) -> None:
    assert np.shape(found) == np.shape(wanted)
    assert np.linalg.norm(np.subtract(found, wanted)) <= relative * np.linalg.norm(wanted)


def test_the_networks_of_both_parts() -> None:
    part_a_ids, part_b_ids = "A.1 A.2 A.3 A.4 A.5 A.6", "B.1 B.2 B.2s1 B.2s2 B.3 B.3s1 B.3s2"
    assert " ".join(networks) == f"{part_a_ids} {part_b_ids} B.3-symmetric B.3-small B.4 B.4s"
    assert len({network.alias for network in networks.values()}) == len(networks) == 17
    assert all(network.id.startswith(("A.", "B.")) and network.sentence.endswith(".") for network in networks.values())


# What the text prints

PRINTED_CELLS = {"A.1": 5, "A.2": 7, "A.3": 2, "A.4": 3, "A.5": 3, "A.6": 3, "B.1": 8}


@pytest.mark.parametrize("id", PRINTED_CELLS)
def test_every_printed_number(id: str) -> None:
    network = networks[id]
    found = rows(id, PRINTED)
    compared = 0
    for iteration, cells in network.printed.rows.items():
        for column, cell in cells.items():
            value = found[iteration][column]
            if isinstance(cell, str):
                assert network.cell(column, value) == cell
            else:
                np.testing.assert_allclose(np.asarray(value), cell, rtol=1e-9, atol=0)
            compared += 1
    assert compared == PRINTED_CELLS[id]


def test_the_worked_example_rounded_on_the_way_as_the_text_rounds() -> None:
    row = rows("A.2", PRINTED)[0]
    assert round(row["term of output_in"], 3) == 0.122
    assert round(row["term of h"], 3) == round(0.122 * 0.1 * 0.25, 3) == 0.003
    assert round(row["step of w2"], 4) == round(0.5 * 0.122 * 0.495, 4) == 0.0302
    steps = [round(0.5 * 0.003 * x, 5) for x in (0.1, 0.3)]
    assert steps == [0.00015, 0.00045]
    np.testing.assert_allclose(row["step of w1"], steps, rtol=0.02)


def test_the_inputs_of_the_forward_pass() -> None:
    x = networks["A.3"].data().x_train[0]
    assert np.round(x[:3], 8).tolist() == [0.49671415, -0.1382643, 0.64768854]
    assert networks["A.3"].objective is None
    assert networks["A.3"].versions[PRINTED].follows == "nothing"


def test_the_applicants_as_the_text_shows_them() -> None:
    x, y = admissions.features()
    assert x.shape == (400, 6)
    assert y.sum() == 127
    shown = {
        15: (-0.932334, 0.131646, 3, 0),
        115: (0.279614, 1.576859, 3, 0),
        55: (1.318426, 1.603135, 3, 1),
        175: (0.279614, -0.052290, 2, 1),
        286: (1.837832, -0.446439, 1, 1),
    }
    for row, (gre, gpa, rank, admitted) in shown.items():
        assert np.round(x[row, :2], 6).tolist() == [gre, gpa]
        assert x[row, 2:].tolist() == [float(r == rank) for r in (1, 2, 3, 4)]
        assert y[row] == admitted


@pytest.mark.parametrize("seed", [42, 21])
def test_a_tenth_of_the_applicants_is_held_back(seed: int) -> None:
    (x, y), data = admissions.features(), admissions.split(seed)
    assert data.x_test is not None
    assert data.labels_test is not None
    drawn = np.random.RandomState(seed).choice(400, 360, replace=False)
    rest = [row for row in range(400) if row not in set(drawn)]
    np.testing.assert_array_equal(data.x_train, x[drawn])
    np.testing.assert_array_equal(data.labels_train, y[drawn])
    np.testing.assert_array_equal(data.x_test, x[rest])
    np.testing.assert_array_equal(data.labels_test, y[rest])


@pytest.mark.parametrize("id", ["A.5", "A.6"])
@pytest.mark.parametrize("version", [PRINTED, CORRECTED, FRAMEWORK])
def test_every_version_tells_29_of_40_applicants_right(id: str, version: str) -> None:
    assert last(id, version).row["Test-Acc"] == networks[id].accuracy == 0.725


def test_a_nudge_of_the_graph() -> None:
    network = networks["B.1"]
    weights, batch = network.start()[0], batch_of(network)
    derivatives = network.versions[PRINTED].deltas(weights, batch)
    for name, moved in {"a": 33.003, "b": 33.006, "c": 33.009}.items():
        nudged = weights | {name: weights[name] + 0.001}
        assert network.versions[PRINTED].forward(nudged, batch)["J"] == pytest.approx(moved, rel=1e-12)
        assert (moved - 33) / 0.001 == pytest.approx(derivatives[name], rel=1e-9)
    nodes = network.versions[PRINTED].forward(weights | {"a": np.array(5.001)}, batch)
    assert (nodes["v"], nodes["J"]) == pytest.approx((11.001, 33.003), rel=1e-12)


# Gradients


@pytest.mark.parametrize("network", networks.values(), ids=name_of)
def test_by_hand_the_layers_are_those_in_plain_tensors(network: Network) -> None:
    weights, batch = somewhere(network), batch_of(network)
    layers = {name: layer.data for name, layer in network.graph(weights, batch).layers.items()}
    for version in network.versions.values():
        by_hand = version.forward(weights, batch)
        for name, layer in layers.items():
            assert_near(by_hand[name], layer, 1e-12)
        assert_near(list(by_hand.values())[-1], network.answer(list(layers.values())[-1]), 1e-12)
        assert set(version.deltas(weights, batch)) <= set(layers) | set(weights)
        assert set(version.signs) <= set(weights)


@pytest.mark.parametrize("network", learners, ids=name_of)
@pytest.mark.parametrize("start", [True, False], ids=["start", "somewhere"])
def test_corrected_deltas_are_the_gradient(network: Network, start: bool) -> None:
    weights, batch = network.start()[0] if start else somewhere(network), batch_of(network)
    found, deltas = gradients(network, weights, batch), network.versions[CORRECTED].deltas(weights, batch)
    by_differences = differences(network, weights, batch)
    assert set(weights) < set(deltas)
    for name, delta in deltas.items():
        assert_near(np.asarray(delta), found[name], 1e-10)
    for name, difference in by_differences.items():
        assert np.linalg.norm(deltas[name] - difference) <= 1e-6 * np.linalg.norm(difference) + 1e-9


@pytest.mark.parametrize("id", ["A.1", "A.2", "A.4", "A.5", "A.6"])
def test_error_terms_are_minus_the_derivative_of_the_errors_of_the_examples(id: str) -> None:
    network = networks[id]
    weights, batch = somewhere(network), batch_of(network)
    found, version = gradients(network, weights, batch), network.versions[PRINTED]
    deltas = version.deltas(weights, batch)
    assert set(version.signs.values()) == {+1}
    assert set(deltas) == set(found)
    for name, delta in deltas.items():
        assert_near(delta, -found[name] * (1 if name in weights else len(batch.x)), 1e-10)


@pytest.mark.parametrize("id", ["B.2", "B.3", "B.4"])
def test_as_printed_each_dz_is_that_of_the_loss_of_its_example(id: str) -> None:
    network = networks[id]
    weights, batch = somewhere(network), batch_of(network)
    found, version = gradients(network, weights, batch), network.versions[PRINTED]
    deltas = version.deltas(weights, batch)
    assert set(version.signs.values()) == {-1}
    assert set(version.signs) == set(weights) < set(deltas)
    for name, delta in deltas.items():
        assert_near(np.asarray(delta), found[name] * (1 if name in weights else len(batch.x)), 1e-10)


@pytest.mark.parametrize("network", trained, ids=name_of)
def test_framework_and_corrected_train_to_the_same_weights(network: Network) -> None:
    epochs = min(network.epochs, 500)
    corrected, framework = (last(network.id, version, epochs).epoch.weights for version in (CORRECTED, FRAMEWORK))
    start, _ = network.start()
    assert list(corrected) == list(framework) == list(start)
    moved = 0.0
    for name, weight in corrected.items():
        assert_near(framework[name], weight, 1e-9)
        moved += float(np.linalg.norm(weight - start[name]))
    assert moved > 1e-3
    lines = [last(network.id, version, epochs).line for version in (CORRECTED, FRAMEWORK)]
    assert None not in lines


def test_the_module_shares_its_memory_with_the_matrices_that_are_shown() -> None:
    for network in (networks["B.3"], networks["B.4"]):
        weights, _ = network.start()
        model = network.build(weights)
        shown = network.arrays({path: p.data for path, p in model.named_parameters()})
        assert list(shown) == list(weights)
        for name, weight in weights.items():
            np.testing.assert_array_equal(shown[name], weight)
            assert np.shares_memory(shown[name], dict(model.named_parameters())[network.parameters[name]].data)
        batch = batch_of(network)
        logits = network.output(model, batch).data.reshape(-1)
        assert_near(network.answer(logits), network.predict(weights, batch.x), 1e-12)


# The variants


def loss_of_the_text(network: Network, sign: float) -> None:
    """`sign` times (y log a - (1 - y) log(1 - a)), and its derivative by z, beside the dz that is written."""
    weights, batch = somewhere(network), batch_of(network)
    layers, deltas = network.versions[PRINTED].forward(weights, batch), network.versions[PRINTED].deltas(weights, batch)
    a, y = layers["a"], batch.labels
    graph = network.graph(weights, batch, stated=True)
    assert graph.error is not None
    assert graph.error.item() == pytest.approx(sign * np.mean(y * np.log(a) - (1 - y) * np.log(1 - a)), rel=1e-12)
    by_z = gradients(network, weights, batch, stated=True)["z"] * len(y)
    assert_near(by_z, sign * (y * (1 - a) + (1 - y) * a), 1e-10)
    of_ones, of_zeros = deltas["z"][0, y == 1], deltas["z"][0, y == 0]
    assert_near(of_ones, -sign * by_z[0, y == 1], 1e-10)
    assert_near(of_zeros, sign * by_z[0, y == 0], 1e-10)
    assert_near(deltas["z"], gradients(network, weights, batch)["z"] * len(y), 1e-10)


def test_the_losses_of_logistic_regression_as_two_texts_write_them() -> None:
    loss_of_the_text(networks["B.2s1"], -1.0)
    loss_of_the_text(networks["B.2s2"], +1.0)
    base = networks["B.2"]
    weights, batch = somewhere(base), batch_of(base)
    stated, error = (base.graph(weights, batch, stated).error for stated in (True, False))
    assert stated is not None
    assert error is not None
    assert stated.item() == error.item()


@pytest.mark.parametrize(("variant", "base"), [("B.3s1", "B.3"), ("B.4s", "B.4")])
def test_variants_differ_in_the_hidden_layers_alone(variant: str, base: str) -> None:
    network = networks[variant]
    weights, batch = somewhere(network), batch_of(network)
    deltas, right = (networks[id].versions[PRINTED].deltas(weights, batch) for id in (variant, base))
    for name, delta in deltas.items():
        same = int(name[1:]) == len(weights) // 2
        assert np.allclose(delta, right[name], rtol=1e-12) == same
        cosine = np.sum(delta * right[name]) / np.linalg.norm(delta) / np.linalg.norm(right[name])
        assert (abs(cosine) > 1 - 1e-9) == same


def test_a_hidden_layer_from_the_delta_of_the_weights() -> None:
    network = networks["B.3s1"]
    weights, batch = somewhere(network), batch_of(network)
    layers, deltas = network.versions[PRINTED].forward(weights, batch), network.versions[PRINTED].deltas(weights, batch)
    assert_near(deltas["Z1"], deltas["W2"].T @ deltas["Z2"] * (1 - np.tanh(layers["Z1"]) ** 2), 1e-12)
    assert last("B.3s1", PRINTED, 1001).row["cost"] == pytest.approx(0.687757, abs=1e-5)


def test_hidden_layers_with_the_slope_of_a_sigmoid() -> None:
    network = networks["B.4s"]
    weights, batch = somewhere(network), batch_of(network)
    layers, deltas = network.versions[PRINTED].forward(weights, batch), network.versions[PRINTED].deltas(weights, batch)
    for k in (1, 2):
        g = 1 / (1 + np.exp(-layers[f"Z{k}"]))
        assert_near(deltas[f"Z{k}"], weights[f"W{k + 1}"].T @ deltas[f"Z{k + 1}"] * g * (1 - g), 1e-12)
    cost, accuracy = result("B.4s", PRINTED)
    assert 0.09 < cost < 0.1
    assert 0.95 < accuracy < 0.98


def test_a_bias_from_the_weights_leaves_no_second_forward_pass() -> None:
    network = networks["B.3s2"]
    version, batch = network.versions[PRINTED], batch_of(network)
    (weights, _), (plain, _) = network.start(), network.start()
    _, deltas = version.step(weights, batch)
    networks["B.3"].versions[PRINTED].step(plain, batch)
    assert weights["b1"].shape == (4, 3)
    np.testing.assert_array_equal(weights["b1"], weights["W1"] - deltas["b1"])
    for name in ("W1", "W2", "b2"):
        np.testing.assert_array_equal(weights[name], plain[name])
    with pytest.raises(ValueError, match="broadcast"):
        version.forward(weights, batch)
    assert len(rows("B.3s2", PRINTED)) == network.epochs == 1


# What training comes to


def result(id: str, version: str = CORRECTED) -> tuple[float, float]:
    row = rows(id, version)[-1]
    return row["cost"], row["accuracy"]


def test_logistic_regression_finds_the_line() -> None:
    assert rows("B.2", CORRECTED)[0]["cost"] == pytest.approx(np.log(2), rel=1e-12)
    for version in (PRINTED, CORRECTED, FRAMEWORK):
        cost, accuracy = result("B.2", version)
        assert cost == pytest.approx(0.18074243890, rel=1e-9)
        assert accuracy == 0.915
    w, b = (last("B.2", CORRECTED).epoch.weights[name] for name in ("w", "b"))
    assert w[1, 0] / w[0, 0] == pytest.approx(0.5, abs=0.1)
    assert -b / w[0, 0] == pytest.approx(0.2, abs=0.1)


def test_a_hidden_layer_from_the_usual_start() -> None:
    """At rate 1 it ends up swinging; from some 3,600 steps on, rounding decides at which end of the swing it is."""
    assert rows("B.3", CORRECTED)[0]["cost"] == pytest.approx(0.9534320263, rel=1e-9)
    for version in (PRINTED, CORRECTED, FRAMEWORK):
        cost, accuracy = result("B.3", version)
        assert cost == pytest.approx(0.4773, abs=5e-3)
        assert 0.74 < accuracy < 0.78


def test_a_symmetric_start_keeps_the_hidden_units_equal() -> None:
    for version in (CORRECTED, FRAMEWORK):
        weights = last("B.3-symmetric", version).epoch.weights
        assert all(not weights[name].any() for name in ("W1", "b1", "W2"))
        assert 1 / (1 + np.exp(-weights["b2"].item())) == pytest.approx(0.495, rel=1e-9)
    cost, accuracy = result("B.3-symmetric")
    entropy = -(0.495 * np.log(0.495) + 0.505 * np.log(0.505))  # 198 of 400 are a 1
    assert cost == pytest.approx(entropy, rel=1e-12)
    assert accuracy == 0.505


def test_units_that_start_equal_stay_equal_where_they_do_move() -> None:
    network = networks["B.3"]
    version, batch = network.versions[CORRECTED], batch_of(network)
    start = {name: np.full(weight.shape, 0.5) for name, weight in network.start()[0].items()}
    weights = {name: weight.copy() for name, weight in start.items()}
    for _ in range(100):
        version.step(weights, batch)
    assert np.abs(weights["W1"] - start["W1"]).max() > 0.1
    assert np.ptp(weights["W1"], axis=0).max() < 1e-9
    assert np.ptp(weights["b1"]) < 1e-9
    assert np.ptp(weights["W2"]) < 1e-9


def test_a_small_start_comes_farther_than_the_usual_one() -> None:
    cost = [row["cost"] for row in rows("B.3-small", CORRECTED)]
    assert cost[0] == pytest.approx(np.log(2), abs=2e-5)
    assert cost[20] > 0.69
    assert result("B.3-small")[0] < 0.1
    assert result("B.3")[0] > 0.4
    assert result("B.3-small")[1] > 0.94


def test_three_layers_know_all_examples_and_the_naive_cross_entropy_has_no_value() -> None:
    for version in (PRINTED, CORRECTED, FRAMEWORK):
        cost, accuracy = result("B.4", version)
        assert cost == pytest.approx(0.0081661616317, rel=1e-9)
        assert accuracy == 1.0
    a, y = last("B.4", CORRECTED).epoch.train.output, batch_of(networks["B.4"]).labels
    assert a is not None
    assert (a == 1).any()
    with np.errstate(divide="ignore", invalid="ignore"):
        naive = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
    assert np.isnan(naive)
    network, weights = networks["B.4"], last("B.4", CORRECTED).epoch.weights
    error = network.graph(weights, batch_of(network)).error
    assert error is not None
    assert error.item() == pytest.approx(0.008166, abs=1e-5)


def test_a_wrong_answer_given_with_certainty_has_a_finite_figure() -> None:
    figures = networks["B.4"].figures(np.array([[1.0, 1.0, 0.0]]), Batch(np.zeros((3, 3)), np.array([1.0, 0.0, 0.0])))
    assert (figures.examples, figures.correct) == (3, 2)
    assert figures.cross_entropy == pytest.approx(300 * np.log(10))


@pytest.mark.parametrize(("id", "sizes"), [("B.3", [(4, 3), (1, 4)]), ("B.4", [(5, 3), (4, 5), (1, 4)])])
def test_starts_are_drawn_in_order(id: str, sizes: list[tuple[int, int]]) -> None:
    network = networks[id]
    assert isinstance(network, LayersNetwork)
    weights, _ = network.start()
    rng = np.random.RandomState(network.seed)
    for k, (n_out, n_in) in enumerate(sizes, 1):
        scale = np.sqrt(2 / n_in) if id == "B.4" else 1.0
        assert_near(weights[f"W{k}"], rng.randn(n_out, n_in) * scale, 1e-15)
        assert weights[f"b{k}"].shape == (n_out, 1)
        assert not weights[f"b{k}"].any()
    small, _ = networks["B.3-small"].start()
    assert_near(small["W1"], 0.01 * networks["B.3"].start()[0]["W1"], 1e-15)


def test_a_prediction_for_each_row() -> None:
    for id in ("A.1", "A.4", "B.2", "B.3", "B.4"):
        network = networks[id]
        weights, batch = somewhere(network), batch_of(network)
        output = network.predict(weights, batch.x)
        assert output.shape == (len(batch.x),)
        logits = list(network.graph(weights, batch).layers.values())[-1].data
        assert_near(output, network.answer(logits).reshape(-1), 1e-12)


def test_decimals_are_those_of_the_text() -> None:
    assert networks["A.3"].cell("output", [0.123456789012, 0.5]) == "[0.12345679, 0.5]"
    assert networks["A.1"].cell("h", 0.06999999999999998) == "0.06999999999999998"
    assert networks["A.6"].cell("MSE", 0.2685601544) == "0.26856"
    assert networks["A.6"].cell("Test-Acc", 0.725) == "0.725"


# B.5 and the table of chapter 9

Z = np.array([-30.0, -2.0, -0.5, -1e-3, 1e-3, 0.3, 2.0, 30.0])


def autograd_slope(function: Any, z: np.ndarray) -> np.ndarray:
    x = al.tensor(z, requires_grad=True)
    function(x).sum().backward()
    slope: np.ndarray = x.grad.data
    return slope


@pytest.mark.parametrize("activation", slopes.activations, ids=lambda activation: activation.name)
def test_slopes_from_the_input(activation: slopes.Activation) -> None:
    np.testing.assert_allclose(activation.function(Z), activation.tensor(al.tensor(Z)).data, rtol=1e-14)
    slope = activation.slope(Z)
    np.testing.assert_allclose(slope, autograd_slope(activation.tensor, Z), rtol=1e-10, atol=1e-15)
    numeric = (activation.function(Z + 1e-5) - activation.function(Z - 1e-5)) / 2e-5
    np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-9)


def test_slopes_at_zero_are_those_of_autograd() -> None:
    zero = np.zeros(1)
    found = {activation.name: activation.slope(zero).item() for activation in slopes.activations}
    assert found == {"sigmoid": 0.25, "tanh": 1.0, "relu": 0.0, "leaky relu": 0.01}
    for activation in slopes.activations:
        assert autograd_slope(activation.tensor, zero).item() == found[activation.name]


@pytest.mark.parametrize("row", slopes.from_output, ids=lambda row: row.name)
def test_slopes_from_the_output(row: slopes.OutputSlope) -> None:
    tensor = {"relu": al.relu, "sigmoid": al.sigmoid, "tanh": al.tanh}[row.name]
    near = Z[np.abs(Z) < 10]
    output = row.function(near)
    np.testing.assert_allclose(output, tensor(al.tensor(near)).data, rtol=1e-14)
    np.testing.assert_allclose(row.slope(output), autograd_slope(tensor, near), rtol=1e-10)


def test_the_delta_of_softmax_is_the_gradient_of_the_mean_cross_entropy() -> None:
    scores = al.tensor(np.random.RandomState(3).randn(5, 4), requires_grad=True)
    true = np.eye(4)[[0, 2, 1, 3, 3]]
    F.cross_entropy(scores, al.tensor(true)).backward()
    assert scores.grad is not None
    assert_near(slopes.softmax_delta(al.softmax(scores, dim=1).data, true), scores.grad.data, 1e-12)
    assert_near(slopes.softmax_delta(al.softmax(scores, dim=1).data, true).sum(axis=1) + 1, np.ones(5), 1e-12)
