"""Chapters 3 to 6: every number that the text prints, the framework beside the hand-written steps, and the deltas."""

from functools import cache
from itertools import islice, pairwise

import numpy as np
import pytest

import autograd_lite as al
from models import chapter_03, chapter_04, chapter_05, chapter_06
from models.records import Batch
from models.training import train, trainer

PRINTED, CORRECTED, FRAMEWORK = "as-printed", "corrected", "framework"
NETWORKS = {n.id: n for c in (chapter_03, chapter_04, chapter_05, chapter_06) for n in c.networks}
WITH_NUMBERS = [id for id, n in NETWORKS.items() if n.printed.rows]
WITH_CORRECTED = [id for id, n in NETWORKS.items() if CORRECTED in n.versions]
WITH_BOTH = [id for id in WITH_CORRECTED if PRINTED in NETWORKS[id].versions]
FORWARD_ONLY = [id for id, n in NETWORKS.items() if n.objective is None]
SLIDES = {"5.3s", "5.4s"}
HOT_AND_COLD = {"4.1", "4.2", "4.3"}


@cache
def trained(id, version):
    """The rows of a whole training, and copies of the weights after each of its epochs."""
    network = NETWORKS[id]
    pairs = [
        (record.row, {name: weight.copy() for name, weight in record.epoch.weights.items()})
        for record in train(network, version)
    ]
    assert len(pairs) == network.epochs
    return [row for row, _ in pairs], [weights for _, weights in pairs]


def printing(network):
    """The version whose numbers are the printed ones."""
    return PRINTED if PRINTED in network.versions else CORRECTED


def later(network, steps):
    """Weights after so many corrected steps from the start, and the batch that comes next."""
    weights, rng = network.start()
    batches = [b for _ in range(steps + 1) for b in islice(network.batches(network.data(), rng), steps + 1)]
    hand = trainer(network, CORRECTED, weights)
    for batch in batches[:steps]:
        hand.step(batch)
    return weights, batches[steps]


def gradients(network, weights, batch):
    """Autograd's gradient of the error by every named tensor that has one: weights and layers."""
    graph = network.graph(weights, batch)
    tensors = {n: t for n, t in (graph.weights | graph.layers).items() if t.requires_grad}
    found = al.autograd.grad(graph.error, list(tensors.values()))
    return {name: gradient.numpy() for name, gradient in zip(tensors, found, strict=True)}


def central_difference(network, weights, batch, name):
    """The slope of the error by each entry of one weight, from two evaluations at a distance of h on either side."""
    moved = {n: w.copy() for n, w in weights.items()}
    entries, slopes = moved[name].reshape(-1), []
    for i, entry in enumerate(entries.copy()):
        h = 1e-5 * max(1.0, abs(entry))
        values = []
        for at in (entry + h, entry - h):
            entries[i] = at
            values.append(network.graph(moved, batch).error.item())
        entries[i] = entry
        slopes.append((values[0] - values[1]) / (2 * h))
    return np.reshape(slopes, weights[name].shape)


def apart(found, expected):
    """The distance of two arrays relative to the second."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    return np.linalg.norm(found - expected) / max(np.linalg.norm(expected), 1e-300)


# The numbers of the text


@pytest.mark.parametrize("id", WITH_NUMBERS)
def test_every_printed_number(id):
    network = NETWORKS[id]
    rows, weights = trained(id, printing(network))
    for iteration, cells in network.printed.rows.items():
        for column, expected in cells.items():
            found = rows[iteration][column]
            if isinstance(expected, str):
                assert network.cell(column, found) == expected, (iteration, column)
            else:
                np.testing.assert_allclose(found, expected, rtol=1e-9, atol=0)
    for name, expected in network.printed.sums.items():
        assert weights[-1][name].sum() == pytest.approx(expected, rel=1e-9)
    for name, expected in network.printed.weights.items():
        np.testing.assert_allclose(weights[-1][name], expected, rtol=1e-9, atol=0)


def test_which_networks_have_numbers():
    without = {"5.3s", "5.4s", "6.2-full", "6.2-batch", "6.3-full", "6.3-batch", "6.6-10", "6.6-20", "6.6-dimmed"}
    assert set(NETWORKS) - set(WITH_NUMBERS) == without
    # rows, cells in them, sums, weights: a number that is dropped from a network is missed here
    printed = [n.printed for n in NETWORKS.values()]
    cells = sum(len(row) for p in printed for row in p.rows.values())
    assert (sum(len(p.rows) for p in printed), cells) == (56, 98)
    assert (sum(len(p.sums) for p in printed), sum(len(p.weights) for p in printed)) == (3, 1)


def test_ids_and_aliases_are_unique():
    aliases = {n.alias for n in NETWORKS.values()}
    assert (
        len(aliases) == len(NETWORKS) == sum(len(c.networks) for c in (chapter_03, chapter_04, chapter_05, chapter_06))
    )
    assert not aliases & set(NETWORKS)


@pytest.mark.parametrize(
    ("id", "iteration", "line"),
    [
        ("3.1", 0, "I:0 pred:0.8500000000000001"),
        ("4.2", 1100, "I:1100 Error:1.0799505792475652e-27 pred:0.7999999999999672"),
        ("5.5", 0, "I:0 Train-Acc:0.684 Test-Acc:0.7111"),
        ("6.3", 9, "I:9 Error:0.6342311598444467"),
    ],
)
def test_lines(id, iteration, line):
    network = NETWORKS[id]
    assert [record.line for record in train(network, printing(network), iteration + 1)][-1] == line


@pytest.mark.parametrize("id", NETWORKS)
def test_every_version_prints_its_line(id):
    network = NETWORKS[id]
    for version in (*network.versions, FRAMEWORK):
        (record,) = train(network, version, 1)
        assert record.line is not None
        assert record.line.startswith("I:0 ")


# Forward


@pytest.mark.parametrize("id", NETWORKS)
def test_the_tensors_compute_the_hand_written_layers(id):
    network = NETWORKS[id]
    weights, rng = network.start()
    batch = next(network.batches(network.data(), rng))
    layers = network.graph(weights, batch).layers
    for handwritten in network.versions.values():
        by_hand = handwritten.forward(weights, batch)
        assert list(by_hand)[-len(layers) :] == list(layers)
        for name, tensor in layers.items():
            assert tensor.name == name
            np.testing.assert_allclose(tensor.data, by_hand[name], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("id", [*FORWARD_ONLY, "4.0"])
def test_a_forward_pass_learns_nothing(id):
    network = NETWORKS[id]
    assert {name: h.follows for name, h in network.versions.items()} == {PRINTED: "nothing"}
    for version in (PRINTED, FRAMEWORK):
        _, weights = trained(id, version)
        for name, weight in network.start()[0].items():
            np.testing.assert_array_equal(weights[-1][name], weight)


def test_comparing_has_an_error_and_forward_passes_have_none():
    assert FORWARD_ONLY == ["3.1", "3.2", "3.3", "3.4", "3.5", "3.6"]
    for id in (*FORWARD_ONLY, "4.0"):
        network = NETWORKS[id]
        weights, rng = network.start()
        graph = network.graph(weights, next(network.batches(network.data(), rng)))
        assert (graph.error is None) == (id != "4.0")
    assert graph.error.item() == 0.30250000000000005


# Training


@pytest.mark.parametrize("id", WITH_CORRECTED)
def test_the_framework_trains_to_the_corrected_weights(id):
    by_hand, framework = trained(id, CORRECTED)[1], trained(id, FRAMEWORK)[1]
    start = NETWORKS[id].start()[0]
    for name, weight in by_hand[-1].items():
        moved = not np.array_equal(weight, start[name])
        assert moved == (name not in NETWORKS[id].frozen) or id == "4.3"  # which ends where it started
        np.testing.assert_allclose(framework[-1][name], weight, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("id", WITH_BOTH)
def test_twice_the_delta_at_half_the_rate_is_the_same_path(id):
    (printed_rows, printed), (corrected_rows, corrected) = trained(id, PRINTED), trained(id, CORRECTED)
    same = all(np.array_equal(p[n], c[n]) for p, c in zip(printed, corrected, strict=True) for n in p)
    assert same == (id not in SLIDES)
    if same:
        assert [row["Error"] for row in printed_rows] == [row["Error"] for row in corrected_rows]


def test_the_error_of_an_epoch_is_that_of_its_examples():
    network = NETWORKS["6.2"]
    weights, rng = network.start()
    data, total = network.data(), 0.0
    for batch in network.batches(data, rng):
        graph = network.graph(weights, batch)
        total += graph.error.item()
        network.versions[CORRECTED].step(weights, batch)
    assert trained("6.2", CORRECTED)[0][0]["Error"] == pytest.approx(total, rel=1e-14)


def test_steps_of_ten_never_get_nearer():
    rows, weights = trained("4.3", PRINTED)
    assert {row["Error"] for row in rows} == {0.30250000000000005, 19.802500000000002}
    assert [w["weight"].item() for w in weights[:3]] == [10.5, 0.5, 10.5]


def test_divergence_and_the_alpha_that_stops_it():
    diverging = [row["Error"] for row in trained("4.8", FRAMEWORK)[0]]
    assert all(after > before for before, after in pairwise(diverging))
    with_alpha = [row["Error"] for row in trained("4.9", FRAMEWORK)[0]]
    assert all(after < before for before, after in pairwise(with_alpha))


@pytest.mark.parametrize("id", sorted(HOT_AND_COLD))
def test_hot_and_cold_takes_steps_of_equal_length(id):
    network = NETWORKS[id]
    assert {h.follows for h in network.versions.values()} == {"sign"}
    lr = network.versions[PRINTED].lr
    weights, rng = network.start()
    batch = next(network.batches(network.data(), rng))
    assert network.versions[PRINTED].deltas(weights, batch) == {}
    path = [weights["weight"], *(w["weight"] for w in trained(id, PRINTED)[1])]
    np.testing.assert_allclose(np.abs(np.diff(path)), lr, rtol=1e-9)


def test_hot_and_cold_stays_where_both_sides_are_equally_good():
    network = NETWORKS["4.3"]
    for handwritten in network.versions.values():
        weights = {"weight": np.array(2.0)}
        handwritten.step(weights, Batch(np.array([0.5]), np.array([1.0])))
        assert weights["weight"] == 2.0


def test_the_frozen_weight_stays():
    network = NETWORKS["5.2"]
    for version in (PRINTED, CORRECTED, FRAMEWORK):
        assert {w["toes_weight"].item() for w in trained("5.2", version)[1]} == {0.1}
    weights, batch = later(network, 0)
    graph = network.graph(weights, batch)
    assert {n: t.requires_grad for n, t in graph.weights.items()} == {"toes_weight": False, "weights": True}
    graph.error.backward()
    assert graph.weights["toes_weight"].grad is None
    assert network.versions[PRINTED].deltas(weights, batch)["toes_weight"] == 0
    assert "toes_weight" not in network.versions[CORRECTED].deltas(weights, batch)


# Deltas


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("id", WITH_CORRECTED)
def test_corrected_deltas_are_autograds_gradients(id, steps):
    network = NETWORKS[id]
    weights, batch = later(network, steps)
    expected = gradients(network, weights, batch)
    deltas = network.versions[CORRECTED].deltas(weights, batch)
    assert set(deltas) == set(expected)
    for name, delta in deltas.items():
        assert apart(delta, expected[name]) < 1e-10, name


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("id", WITH_CORRECTED)
def test_corrected_deltas_are_the_slopes_of_the_error(id, steps):
    network = NETWORKS[id]
    weights, batch = later(network, steps)
    deltas = network.versions[CORRECTED].deltas(weights, batch)
    for name in set(weights) - set(network.frozen):
        assert apart(deltas[name], central_difference(network, weights, batch, name)) < 1e-6, name


@pytest.mark.parametrize("id", [id for id in WITH_BOTH if id not in HOT_AND_COLD])
def test_printed_deltas_are_half_the_gradient_but_for_the_slides(id):
    network = NETWORKS[id]
    weights, batch = later(network, 0)
    expected = gradients(network, weights, batch)
    deltas = network.versions[PRINTED].deltas(weights, batch)
    assert set(deltas) == set(expected) | set(network.frozen)
    wrong = {name for name, gradient in expected.items() if apart(2 * deltas[name], gradient) > 1e-10}
    assert wrong == ({"weights"} if id in SLIDES else set())


def test_what_the_slides_write():
    for id in SLIDES:
        network = NETWORKS[id]
        weights, batch = later(network, 0)
        delta = network.versions[PRINTED].deltas(weights, batch)["weights"]
        gradient = gradients(network, weights, batch)["weights"]
        assert delta.shape == gradient.shape
        expected = batch.x * weights["weights"] if id == "5.3s" else gradient.T / 2
        np.testing.assert_allclose(delta, expected, rtol=1e-12)
        before = {name: weight.copy() for name, weight in weights.items()}
        network.versions[PRINTED].step(weights, batch)
        np.testing.assert_allclose(weights["weights"], before["weights"] - network.versions[PRINTED].lr * delta)
        base = NETWORKS[id.removesuffix("s")]
        assert network.versions[CORRECTED] is base.versions[CORRECTED]
        assert type(network.versions[PRINTED]) is not type(base.versions[PRINTED])


# Streetlights


@pytest.mark.parametrize(
    ("id", "steps"), [("6.2", 6), ("6.2-batch", 3), ("6.2-full", 1), ("6.3", 4), ("6.3-batch", 2), ("6.3-full", 1)]
)
def test_three_forms_of_gradient_descent(id, steps):
    network = NETWORKS[id]
    data, (weights, rng) = network.data(), network.start()
    batches = list(network.batches(data, rng))
    assert len(batches) == steps
    np.testing.assert_array_equal(np.concatenate([batch.x for batch in batches]), data.x_train)
    # the slope of a batch is the average over its examples
    batch, corrected = batches[-1], network.versions[CORRECTED]
    singles = [Batch(batch.x[i : i + 1], batch.labels[i : i + 1]) for i in range(len(batch.x))]
    for name in weights:
        average = np.mean([corrected.deltas(weights, single)[name] for single in singles], axis=0)
        np.testing.assert_allclose(corrected.deltas(weights, batch)[name], average, rtol=1e-12, atol=1e-15)
    errors = [row["Error"] for row in trained(id, FRAMEWORK)[0]]
    assert errors[-1] < errors[0] / 2


def test_the_last_batch_may_be_smaller():
    network = NETWORKS["6.2-batch"]
    data = network.data()
    odd = type(data)(data.x_train[:5], data.labels_train[:5])
    sizes = [len(b.x) for b in network.batches(odd, network.start()[1])]
    assert sizes == [2, 2, 1]


def predictions(id, inputs):
    network = NETWORKS[id]
    weights = trained(id, FRAMEWORK)[1][-1]
    labels = np.zeros((len(inputs), 0))
    output = list(network.forward(network.tensors(weights), Batch(np.array(inputs, float), labels)).values())[-1]
    return output.data.reshape(-1)


@pytest.mark.parametrize("factor", [10, 20])
def test_brighter_lights_carry_the_same_pattern(factor):
    network, plain = NETWORKS[f"6.6-{factor}"], NETWORKS["6.2"]
    np.testing.assert_array_equal(network.data().x_train, factor * plain.data().x_train)
    np.testing.assert_array_equal(network.data().labels_train, plain.data().labels_train)
    rows, weights = trained(network.id, FRAMEWORK)
    plain_rows, plain_weights = trained("6.2", FRAMEWORK)
    for row, plain_row in zip(rows, plain_rows, strict=True):
        assert row["Error"] == pytest.approx(plain_row["Error"], rel=1e-9)
        assert row["pred"] == pytest.approx(plain_row["pred"], rel=1e-9)
    np.testing.assert_allclose(factor * weights[-1]["weights"], plain_weights[-1]["weights"], rtol=1e-9)


@pytest.mark.parametrize("lights", [chapter_06.DIMMED, chapter_06.SIX_LIGHTS])
def test_dimmed_lights_teach_the_same_pattern(lights):
    assert (predictions("6.6-dimmed", lights) > 0.5).astype(int).tolist() == list(chapter_06.SIX_WALKS)
    weights = trained("6.6-dimmed", FRAMEWORK)[1][-1]["weights"]
    assert np.argmax(np.abs(weights)) == np.argmax(np.abs(trained("6.2", FRAMEWORK)[1][-1]["weights"])) == 1
    start = NETWORKS["6.6-dimmed"].start()[0]["weights"]
    untrained = (np.array(lights) @ start > 0.5).astype(int).tolist()
    assert untrained != list(chapter_06.SIX_WALKS)


def test_two_layers_learn_what_one_cannot():
    goals = np.array(chapter_06.FOUR_WALKS, float)
    np.testing.assert_allclose(predictions("6.3", chapter_06.FOUR_LIGHTS), goals[:, 0], atol=0.01)
    lights = np.array(chapter_06.FOUR_LIGHTS, float)
    best, *_ = np.linalg.lstsq(lights, goals, rcond=None)
    assert np.sum((lights @ best - goals) ** 2) > 0.3


def test_the_second_drawing_goes_on_where_the_first_left_off():
    draws = 2 * np.random.RandomState(1).random_sample(32) - 1
    for id, first in (("6.3", 0), ("6.5", 16)):
        weights, _ = NETWORKS[id].start()
        np.testing.assert_array_equal(weights["weights_0_1"].reshape(-1), draws[first : first + 12])
        np.testing.assert_array_equal(weights["weights_1_2"].reshape(-1), draws[first + 12 : first + 16])


def test_the_module_has_the_weights_and_the_output_of_the_plain_tensors():
    for id in ("6.3", "6.4", "6.5"):
        network = NETWORKS[id]
        weights, batch = later(network, 2)
        model = network.build(weights)
        for name, array in network.arrays({path: p.data for path, p in model.named_parameters()}).items():
            np.testing.assert_array_equal(array, weights[name])
        output = network.output(model, batch)
        np.testing.assert_allclose(output.data, network.graph(weights, batch).layers["layer_2"].data, rtol=1e-12)


# Digits


def test_digits_reach_their_accuracy():
    network = NETWORKS["5.5"]
    for version in (CORRECTED, FRAMEWORK):
        final = trained("5.5", version)[0][-1]["Test-Acc"]
        assert network.accuracy <= final < network.accuracy + 0.01
