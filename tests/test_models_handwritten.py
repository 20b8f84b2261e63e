"""The hand-written networks: as printed against the printed numbers, corrected against finite differences."""

from __future__ import annotations

import gzip
import os
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from models import (
    Batch,
    Data,
    EarlyStopping,
    Epoch,
    Figures,
    Network,
    Record,
    chapter_10,
    chapters,
    find,
    mnist,
    networks,
    reproduce,
    train,
    training,
)
from models.data import make_mnist_subset
from models.reproduce import Comparison

EPOCHS = {"8.1": 11, "8.2": 11, "8.3": 2, "9.1": 101, "10.1": 9}  # about 6 s together
every_network = pytest.mark.parametrize("network", [find(name) for name in EPOCHS], ids=lambda network: network.alias)
every_version = pytest.mark.parametrize("version", ["as-printed", "corrected"])


@cache
def as_printed(network_id: str) -> list[Record]:
    """The first epochs of a network as printed; their weights are those after the last of them."""
    seldom = replace(networks[network_id], test_every=max(networks[network_id].test_every, 8))
    return list(train(seldom, "as-printed", EPOCHS[network_id]))


def a_batch(network: Network) -> Batch:
    """The second batch of the first epoch."""
    _, rng = network.start()
    return next(islice(network.batches(network.data(), rng), 1, None))


# ----- as printed -----


@every_network
def test_as_printed_prints_what_the_text_prints(network: Network) -> None:
    comparison = Comparison(network)
    for record in as_printed(network.id):
        if record.epoch.test:
            comparison.add(record)
    assert comparison.differences == []
    assert comparison.rows >= (2 if network.id in {"9.1", "10.1"} else 1)
    assert comparison.cells == comparison.rows * len(network.columns)


@every_network
def test_as_printed_equals_the_tables_to_the_last_digit_but_a_few(network: Network) -> None:
    table = reproduce.table(network)
    if not table:
        pytest.skip("needs expected_tables.json: set AUTOGRAD_LITE_DATA to the folder that holds it")
    compared = 0
    for record in as_printed(network.id):
        if record.epoch.iteration not in table:
            continue
        expected = table[record.epoch.iteration]
        for column in record.row:
            assert record.row[column] == pytest.approx(expected[column], rel=1e-12, abs=0)
        if "Train-CE" in expected:
            counted = record.epoch.train
            assert counted.cross_entropy is not None
            mean = counted.cross_entropy / counted.examples
            assert mean == pytest.approx(expected["Train-CE"], rel=1e-12, abs=0)
        compared += 1
    assert compared >= (1 if network.id == "8.3" else 2)


def test_line_has_the_columns_in_the_books_order() -> None:
    assert as_printed("8.1")[0].line == "I:0 Train-Err:0.722 Train-Acc:0.537 Test-Err:0.601 Test-Acc:0.6488"
    assert as_printed("8.2")[0].line == "I:0 Test-Err:0.641 Test-Acc:0.6333 Train-Err:0.891 Train-Acc:0.413"
    assert as_printed("10.1")[0].line == "I:0 Test-Acc:0.0288 Train-Acc:0.055"


def test_a_line_where_the_network_is_tested_and_at_the_end() -> None:
    records = list(train(find("9.1"), "as-printed", 13))
    assert [record.epoch.iteration for record in records if record.line] == [0, 10, 12]
    assert [record.epoch.iteration for record in records if record.epoch.test] == [0, 10, 12]
    assert set(records[1].row) == {"Train-Acc"}


# ----- corrected -----


def error(network: Network, weights: dict[str, Any], batch: Batch) -> float:
    return float(network.error(network.output(network.build(weights), batch), batch).item())


def central_difference(network: Network, weights: dict[str, Any], batch: Batch, name: str, at: int) -> float:
    entry = weights[name].reshape(-1)
    before, step = float(entry[at]), 1e-5
    entry[at] = before + step
    above = error(network, weights, batch)
    entry[at] = before - step
    below = error(network, weights, batch)
    entry[at] = before
    return (above - below) / (2 * step)


Sampled = dict[str, tuple[Any, Any]]


def finite_differences(network: Network, weights: dict[str, Any], batch: Batch, deltas: dict[str, Any]) -> Sampled:
    """For each weight some entries, the largest of its delta among them, and the loss's slope in each."""
    random = np.random.default_rng(0)
    sampled = {}
    for name, weight in weights.items():
        assert deltas[name].shape == weight.shape
        delta = deltas[name].reshape(-1)
        largest, nonzero = np.argsort(-abs(delta))[:4], np.flatnonzero(delta)
        entries = np.concatenate([largest, random.choice(nonzero, 4), random.choice(delta.size, 4)])
        slopes = [central_difference(network, weights, batch, name, int(at)) for at in entries]
        sampled[name] = entries, np.array(slopes)
    return sampled


def worst_disagreement(deltas: dict[str, Any], sampled: Sampled) -> float:
    """The largest difference between a delta and its finite difference, relative to the largest slope."""
    return max(
        float(np.max(np.abs(deltas[name].reshape(-1)[entries] - slopes)) / np.max(np.abs(slopes)))
        for name, (entries, slopes) in sampled.items()
    )


@every_network
def test_corrected_deltas_agree_with_finite_differences(network: Network) -> None:
    batch, corrected = a_batch(network), network.versions["corrected"]
    weights, rng = network.start()
    for earlier in islice(network.batches(network.data(), rng), 5):  # away from the small start
        corrected.step(weights, earlier)
    deltas = corrected.deltas(weights, batch)
    sampled = finite_differences(network, weights, batch, deltas)
    assert worst_disagreement(deltas, sampled) < 1e-7
    for name in weights:  # the measure itself must notice a part in a thousand
        assert worst_disagreement(deltas | {name: 1.001 * deltas[name]}, sampled) > 1e-4


@every_network
def test_corrected_deltas_without_a_mask(network: Network) -> None:
    batch = replace(a_batch(network), mask=None)
    weights, _ = network.start()
    deltas = network.versions["corrected"].deltas(weights, batch)
    assert worst_disagreement(deltas, finite_differences(network, weights, batch, deltas)) < 1e-7


@pytest.mark.parametrize("name", ["8.1", "8.2", "8.3"])
def test_twice_the_delta_at_half_the_rate_is_the_same_path_bit_for_bit(name: str) -> None:
    network, corrected = find(name), find(name).versions["corrected"]

    class Half(type(corrected)):  # type: ignore[misc]
        """The gradient of half the error, whose delta is `out - labels`, at twice the rate."""

        def backward(self, weights: Any, batch: Batch, layers: Any) -> Any:
            return {key: delta / 2 for key, delta in super().backward(weights, batch, layers).items()}

    halved = replace(network, versions={"corrected": Half(lr=2 * corrected.lr)})
    data = Data(network.data().x_train[:300], network.data().labels_train[:300])
    (one,), (other,) = (list(train(n, "corrected", 1, data)) for n in (network, halved))
    for key, weight in one.epoch.weights.items():
        np.testing.assert_array_equal(weight, other.epoch.weights[key])


@every_network
def test_corrected_step_goes_down(network: Network) -> None:
    batch = a_batch(network)
    weights, _ = network.start()
    before = error(network, weights, batch)
    replace(network.versions["corrected"], lr=1e-4).step(weights, batch)
    assert error(network, weights, batch) < before


@every_network
def test_figures_of_a_step_are_those_of_the_error(network: Network) -> None:
    batch = a_batch(network)
    weights, _ = network.start()
    stated = error(network, weights, batch)
    layers, _ = network.versions["corrected"].step(weights, batch)
    figures = network.figures(list(layers.values())[-1], batch)
    counted = figures.cross_entropy if figures.error is None else figures.error
    assert counted is not None
    assert counted / figures.examples == pytest.approx(stated, rel=1e-12)


# ----- both -----


def last_layer(network: Network) -> str:
    """What comes last in plain tensors: of a softmax the scores, which go into it."""
    return "layer_2_in" if network.id in {"9.1", "10.1"} else "layer_2"


@every_network
@every_version
@pytest.mark.parametrize("masked", [True, False])
def test_layers_are_those_in_plain_tensors(network: Network, version: str, masked: bool) -> None:
    batch, (weights, _) = a_batch(network), network.start()
    batch = batch if masked else replace(batch, mask=None)
    layers = network.versions[version].forward(weights, batch)
    tensors = network.graph(weights, batch).layers
    assert list(layers) == [*tensors, *(["answer"] if last_layer(network) == "layer_2_in" else [])]
    activation = [] if batch.mask is None else ["relu_1" if network.id[0] == "8" else "tanh_1"]
    assert list(tensors) == ["layer_0", "layer_1_in", *activation, "layer_1", last_layer(network)]
    for name, tensor in tensors.items():
        np.testing.assert_allclose(layers[name], tensor.data, rtol=1e-12, atol=1e-15)
    answer = network.answer(tensors[last_layer(network)].data)
    np.testing.assert_allclose(list(layers.values())[-1], answer, rtol=1e-12)


@every_network
def test_corrected_deltas_are_those_of_the_plain_graph(network: Network) -> None:
    batch, (weights, _) = a_batch(network), network.start()
    graph = network.graph(weights, batch)
    assert graph.error is not None
    deltas = network.versions["corrected"].deltas(weights, batch)
    of_what = {**graph.layers, **graph.weights}
    gradients = al.autograd.grad(graph.error, [of_what[name] for name in deltas])
    for (name, delta), gradient in zip(deltas.items(), gradients, strict=True):
        assert np.linalg.norm(delta - gradient.data) <= 1e-12 * np.linalg.norm(delta), name
        assert np.linalg.norm(delta) > 0


@every_network
@every_version
def test_deltas_change_nothing(network: Network, version: str) -> None:
    batch, (weights, _) = a_batch(network), network.start()
    kept = {name: weight.copy() for name, weight in weights.items()}
    mask = None if batch.mask is None else batch.mask.copy()
    first = network.versions[version].deltas(weights, batch)
    second = network.versions[version].deltas(weights, batch)
    assert set(first) == {"layer_1_in", last_layer(network), *weights}
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
    for name in weights:
        np.testing.assert_array_equal(weights[name], kept[name])
        assert not any(np.shares_memory(weights[name], delta) for delta in first.values())
    if mask is not None:
        np.testing.assert_array_equal(batch.mask, mask)


@every_network
@every_version
def test_a_step_applies_its_deltas_in_place(network: Network, version: str) -> None:
    batch, (weights, _) = a_batch(network), network.start()
    handwritten = replace(network.versions[version], updates=1)
    kept, arrays = {name: weight.copy() for name, weight in weights.items()}, dict(weights)
    deltas = handwritten.deltas(weights, batch)
    layers, applied = handwritten.step(weights, batch)
    assert list(layers.values())[-1].shape == batch.labels.shape
    assert list(applied) == list(deltas)
    for name, sign in handwritten.signs.items():
        assert weights[name] is arrays[name]
        np.testing.assert_array_equal(weights[name], kept[name] + sign * handwritten.lr * deltas[name])


@every_network
def test_start_is_fresh_and_leaves_the_global_random_state_alone(network: Network) -> None:
    state = np.random.get_state()[1].copy()  # type: ignore[index]
    first, rng = network.start()
    masks = [batch.mask for batch in islice(network.batches(network.data(), rng), 2)]
    second, _ = network.start()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name])
        assert not np.shares_memory(first[name], second[name])
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # type: ignore[index]
    if masks[0] is not None and masks[1] is not None:
        assert set(np.unique(masks[0])) == {0, 1}
        assert not np.array_equal(masks[0], masks[1])


def test_runs_do_not_share_weights() -> None:
    one, other = (next(train(find("9.1"), version)).epoch for version in ("as-printed", "corrected"))
    again = next(train(find("9.1"), "as-printed")).epoch
    for name in one.weights:
        assert not np.shares_memory(one.weights[name], other.weights[name])
        np.testing.assert_array_equal(one.weights[name], again.weights[name])


def test_the_random_stream_is_the_legacy_one() -> None:
    state = np.random.get_state()
    np.random.seed(1)
    kernels, matrix = 0.02 * np.random.random((9, 16)) - 0.01, 0.2 * np.random.random((10000, 10)) - 0.1
    mask = np.random.randint(2, size=(128, 10000))
    np.random.set_state(state)
    network = find("convolution")
    weights, rng = network.start()
    np.testing.assert_array_equal(weights["kernels"], kernels)
    np.testing.assert_array_equal(weights["weights_1_2"], matrix)
    np.testing.assert_array_equal(next(network.batches(network.data(), rng)).mask, mask)


def test_chunks_do_not_change_the_answers() -> None:
    network, weights = chapter_10.convolution, as_printed("10.1")[-1].epoch.weights
    x = network.data().x_test
    assert x is not None
    whole = replace(network, chunk=1000).predict(weights, x[:1000])
    parts = replace(network, chunk=7).predict(weights, x[:1000])
    np.testing.assert_allclose(parts, whole, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(parts.argmax(axis=1), whole.argmax(axis=1))


def test_train_refuses_what_it_cannot_do() -> None:
    network, data = find("9.1"), mnist.load()
    with pytest.raises(ValueError, match="no version 'right'; it has as-printed, corrected, framework"):
        train(network, "right")
    with pytest.raises(ValueError, match="epochs must be 0 or more"):
        train(network, epochs=-1)
    with pytest.raises(ValueError, match="batches of 100, the data has 99"):
        next(train(network, data=Data(data.x_train[:99], data.labels_train[:99])))
    with pytest.raises(ValueError, match="2 training examples have 1 labels"):
        Data(data.x_train[:2], data.labels_train[:1])
    with pytest.raises(ValueError, match="no training examples"):
        Data(data.x_train[:0], data.labels_train[:0])
    assert list(train(network, epochs=0)) == []


def test_find() -> None:
    names = ("overfit", "dropout", "batch", "tanh-softmax", "Convolution ", "8.3", " OVERFIT")
    assert [find(name).id for name in names] == ["8.1", "8.2", "8.3", "9.1", "10.1", "8.3", "8.1"]
    for network in networks.values():
        for name in (network.id, network.alias, network.id.lower(), network.alias.upper()):
            assert find(name) is network
    with pytest.raises(LookupError, match=r"no network 'overfitt'; did you mean 'overfit'\? `python -m models list`"):
        find("overfitt")
    with pytest.raises(LookupError, match=r"no network 'xyzzy'\. `python -m models list` shows the \d+ there are"):
        find("xyzzy")


def test_ids_and_aliases_are_all_different() -> None:
    names = [name.lower() for network in networks.values() for name in (network.id, network.alias)]
    assert len(set(names)) == len(names)
    assert list(networks) == [network.id for members in chapters.values() for network in members]


# ----- early stopping -----


def record(iteration: int, error: float | None, weight: Any) -> Record:
    test = None if error is None else Figures(10, 5, error=error)
    return Record(Epoch(iteration, 10, Figures(10), test, {}, {}, {"w": weight}), {}, None)


def in_training(errors: list[float | None]) -> Iterator[Record]:
    """Records whose one weight counts the epochs, in place."""
    weight = np.zeros(1)
    for iteration, error in enumerate(errors):
        weight += 1
        yield record(iteration, error, weight)


@pytest.mark.parametrize(
    ("errors", "patience", "seen", "best"),
    [
        ([3.0, 2.0, 2.5, 2.0, 1.0], 2, 4, 1),  # as good is not better
        ([3.0, 2.0, 2.5, 2.0, 1.0], 3, 5, 4),
        ([3.0, None, 4.0, None, 2.0, 3.0], 2, 6, 4),  # epochs without a test do not count
        ([1.0, 2.0], 1, 2, 0),
        ([float("nan"), 2.0], 2, 2, 1),
    ],
)
def test_early_stopping(errors: list[float | None], patience: int, seen: int, best: int) -> None:
    stopping = EarlyStopping(in_training(errors), patience)
    records = list(stopping)
    assert len(records) == seen
    assert stopping.stopped == (seen < len(errors) or errors == [1.0, 2.0])
    assert stopping.best is records[best]
    assert records[-1].epoch.weights["w"].tolist() == [best + 1]


def test_early_stopping_of_the_network_that_overfits() -> None:
    network = find("8.1")
    data = network.data()
    assert data.x_test is not None
    assert data.labels_test is not None
    small = Data(data.x_train[:100], data.labels_train[:100], data.x_test[:300], data.labels_test[:300])
    stopping = EarlyStopping(train(replace(network, test_every=1), "corrected", 300, small), 4)
    *_, last = stopping
    assert stopping.stopped
    assert stopping.best is not None
    assert last.epoch.iteration == stopping.best.epoch.iteration + 4 < 299
    again = network.test_figures(network.predict(last.epoch.weights, small.x_test), small)  # type: ignore[arg-type]
    assert again == stopping.best.epoch.test


def test_early_stopping_goes_by_what_was_counted() -> None:
    assert training.error_of_test(Figures(10, 5, error=2.0, cross_entropy=9.0)) == 0.2
    assert training.error_of_test(Figures(10, 5, cross_entropy=9.0)) == 0.9
    assert training.error_of_test(Figures(10, 7)) == pytest.approx(0.3)


def test_early_stopping_refuses() -> None:
    with pytest.raises(ValueError, match="patience must be 1 or more, not 0"):
        EarlyStopping([], 0)
    with pytest.raises(ValueError, match="no epoch was tested"):
        list(EarlyStopping(in_training([None, None]), 1))


# ----- the data -----


def test_mnist_is_the_books() -> None:
    data = mnist.load()
    assert data.x_test is not None
    assert data.labels_test is not None
    assert data.x_train.shape == (1000, 784)
    assert data.x_test.shape == (10000, 784)
    assert data.x_train.dtype == data.labels_test.dtype == np.float64
    assert data.x_train.sum() == pytest.approx(100539.34509803921, rel=1e-14)  # the order of a sum is NumPy's
    assert data.labels_train[:10].argmax(axis=1).tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert data.labels_test[:10].argmax(axis=1).tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert data.labels_train.sum(axis=0).tolist() == [97, 116, 99, 93, 105, 92, 94, 117, 87, 100]
    assert mnist.load() is data
    for array in (data.x_train, data.labels_train, data.x_test, data.labels_test):
        assert array.min() == 0
        assert array.max() == 1
        assert not array.flags.writeable
    assert mnist.SUBSET.stat().st_size < 2_500_000


def test_all_of_mnist() -> None:
    data = mnist.load_all()
    book = mnist.load()
    assert data.x_train.shape == (60000, 784)
    np.testing.assert_array_equal(data.x_train[:1000], book.x_train)
    np.testing.assert_array_equal(data.labels_train[:1000], book.labels_train)
    for whole, part in ((data.x_test, book.x_test), (data.labels_test, book.labels_test)):
        assert whole is not None
        assert part is not None
        np.testing.assert_array_equal(whole, part)


def test_a_damaged_subset_is_refused(tmp_path: Path) -> None:
    content = mnist.SUBSET.read_bytes()
    path = tmp_path / "mnist_subset.npz"
    with pytest.raises(FileNotFoundError, match=r"mnist_subset\.npz is missing; restore it"):
        mnist.load(path)
    for damaged in (content[:-1000], b"", b"no archive", content[:5000] + b"\0" * 20 + content[5020:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"mnist_subset\.npz is damaged"):
            mnist.load(path)
    with np.load(mnist.SUBSET) as archive:
        arrays = dict(archive)
    arrays["train_images"][0, 14, 14] += 1
    np.savez(path, allow_pickle=False, **arrays)
    with pytest.raises(ValueError, match=f"expected {mnist.CONTENT_SHA256}"):
        mnist.load(path)


def test_the_subset_is_written_alike_every_time(tmp_path: Path) -> None:
    arrays = {"images": np.arange(200, dtype=np.uint8).reshape(2, 10, 10), "labels": np.zeros(2, np.uint8)}
    for name in ("one.npz", "two.npz"):
        make_mnist_subset.write(arrays, tmp_path / name)
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    with np.load(tmp_path / "one.npz") as archive:
        assert list(archive) == ["images", "labels"]
        np.testing.assert_array_equal(archive["images"], arrays["images"])
    with zipfile.ZipFile(tmp_path / "one.npz") as entries:
        assert {entry.date_time[0] for entry in entries.infolist()} == {1980}


def test_the_subset_is_made_from_the_four_files(tmp_path: Path) -> None:
    folder = Path(os.environ.get("AUTOGRAD_LITE_DATA", ""), "mnist")
    if not folder.is_dir():
        pytest.skip("needs the four idx.gz files of MNIST in $AUTOGRAD_LITE_DATA/mnist")
    path = tmp_path / "subset.npz"
    assert make_mnist_subset.main([str(folder), "--output", str(path)]) == 0
    np.testing.assert_array_equal(mnist.load(path).x_train, mnist.load().x_train)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"not gzip", "expected a complete gzip file"),
        (gzip.compress(struct.pack(">II", 2051, 10000)), r"expected magic number and counts \(2049, 10000\)"),
        (gzip.compress(b"\0\0"), r"expected magic number and counts \(2049, 10000\), found \(\)"),
        (gzip.compress(struct.pack(">II", 2049, 10000)), "expected 10008 bytes unpacked, found 8"),
        (gzip.compress(struct.pack(">II", 2049, 10000) + bytes(10000)), "expected sha256 ff7bcfd4"),
    ],
    # gzip writes the time into its bytes: as names of tests they would differ from worker to worker
    ids=["no gzip", "another magic number", "no counts", "cut short", "other labels"],
)
def test_files_of_mnist_are_verified(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"t10k-labels-idx1-ubyte.gz: {expected}"):
        make_mnist_subset.read_idx(path)


def test_missing_files_of_mnist_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make_mnist_subset.main([str(tmp_path), "--output", str(tmp_path / "subset.npz")]) == 1
    assert "train-images-idx3-ubyte.gz, 60000 items, gzipped" in capsys.readouterr().err
    assert not (tmp_path / "subset.npz").exists()
