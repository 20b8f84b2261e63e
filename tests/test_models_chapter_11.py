"""Chapter 11: bag of words, sentiment, nearest words, fill in the blank, analogies; made-up reviews, then real ones."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import pytest

from autograd_lite import data
from autograd_lite.sparse import RowSparse
from models import train
from models.chapter_11 import PrintedSentiment, bag, embeddings, fill_in, sentiment
from models.fill_in import FillIn
from models.network import Network
from models.records import Batch, Data, Record, Weights
from models.training import Plain, trainer
from models.word_network import answered
from models.words import Corpus, analogy, distinct, every_word, first, focus, imdb, imdb_distinct, nearest, similar

REVIEWS = (
    "a good good film with a good heart\n",
    "bad bad  bad film\n",
    "the film is so so so good\n",
    "so bad\n",
    "the heart of the film is a bad heart\n",
    "a good end\n",
)
SEEN = every_word(REVIEWS, np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0]))
SETS = distinct(SEEN)
TINY = {
    "11.1": replace(sentiment, corpus=lambda: SETS, hidden=5, tested=2),
    "11.3": replace(fill_in, corpus=lambda: SEEN, hidden=4, asked={}, columns=("Cross-Entropy",)),
}
tiny = pytest.mark.parametrize("network", TINY.values(), ids=TINY.keys())


@contextmanager
def legacy_generators() -> Iterator[None]:
    """Both global generators, seeded with 1; they are put back as they were."""
    numpys, pythons = np.random.get_state(), random.getstate()
    try:
        np.random.seed(1)
        random.seed(1)
        yield
    finally:
        np.random.set_state(numpys)
        random.setstate(pythons)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def sentiment_twin(corpus: Corpus, reviews: int, hidden: int, alpha: float) -> tuple[Any, Any, list[float]]:
    """11.1 as the text performs it, on whole tables: both weights, and the share of right answers after each pass."""
    with legacy_generators():
        w01 = 0.2 * np.random.random((len(corpus.vocabulary), hidden)) - 0.1
        w12 = 0.2 * np.random.random((hidden, 1)) - 0.1
    right, shares = 0, []
    for done in range(2):
        for x, y in zip(corpus.reviews[:reviews], corpus.labels[:reviews], strict=True):
            layer_1 = sigmoid(np.sum(w01[x], axis=0))
            layer_2_delta = sigmoid(np.dot(layer_1, w12)) - y
            layer_1_delta = layer_2_delta.dot(w12.T)
            w01[x] -= layer_1_delta * alpha
            w12 -= np.outer(layer_1, layer_2_delta) * alpha
            right += bool(np.abs(layer_2_delta[0]) < 0.5)
        shares.append(right / (reviews * (done + 1)))
    return w01, w12, shares


def fill_in_twin(corpus: Corpus, reviews: int, hidden: int, passes: int) -> Iterator[tuple[Any, Any, Any, Any]]:
    """11.3 as the text performs it, on whole tables: after each step, both weights, the context and the samples."""
    texts = [review.tolist() for review in corpus.reviews[:reviews]]
    with legacy_generators():
        concatenated = np.array([word for text in texts for word in text])
        random.shuffle(texts)
        w01 = (np.random.rand(len(corpus.vocabulary), hidden) - 0.5) * 0.2
        w12 = np.random.rand(len(corpus.vocabulary), hidden) * 0
        target = np.array([1, 0, 0, 0, 0, 0])
        for review in texts * passes:
            for i in range(len(review)):
                drawn = concatenated[(np.random.rand(5) * len(concatenated)).astype(int).tolist()]
                samples = [review[i], *drawn]
                context = review[max(0, i - 2) : i] + review[i + 1 : min(len(review), i + 2)]
                layer_1 = np.mean(w01[context], axis=0)
                layer_2_delta = sigmoid(layer_1.dot(w12[samples].T)) - target
                layer_1_delta = layer_2_delta.dot(w12[samples])
                w01[context] -= layer_1_delta * 0.05
                w12[samples] -= np.outer(layer_2_delta, layer_1) * 0.05
                yield w01, w12, context, samples


def last(network: Network, version: str, epochs: int = 2, data: Data | None = None) -> Record:
    *_, record = train(network, version, epochs, data)
    return record


def close(found: Weights, expected: Weights) -> None:
    assert set(found) == set(expected)
    for name, weights in expected.items():
        np.testing.assert_allclose(found[name], weights, rtol=1e-9, atol=1e-9 * np.abs(weights).mean())


# Words and numbers


def test_what_a_word_is() -> None:
    assert SEEN.vocabulary == tuple(sorted({word for review in REVIEWS for word in review.split(" ")}))
    assert "" in SEEN.vocabulary
    assert "film\n" in SEEN.vocabulary
    for review, words in zip(REVIEWS, SEEN.reviews, strict=True):
        assert [SEEN.vocabulary[word] for word in words] == review.split(" ")
    assert SETS.vocabulary == SEEN.vocabulary[1:]
    for review, words in zip(REVIEWS, SETS.reviews, strict=True):
        assert [SETS.vocabulary[word] for word in words] == sorted(set(review.split(" ")) - {""})


def test_the_last_reviews_are_kept_for_the_test_and_a_short_form_has_the_first() -> None:
    data = TINY["11.1"].data()
    assert [len(data.x_train), data.labels_train.tolist()] == [4, [[1.0], [0.0], [1.0], [0.0]]]
    assert data.x_test is not None
    assert data.labels_test is not None
    assert [len(data.x_test), data.labels_test.tolist()] == [2, [[0.0], [1.0]]]
    short = first(data, 3)
    assert [len(short.x_train), short.labels_train.tolist()] == [3, [[1.0], [0.0], [1.0]]]
    assert short.x_test is data.x_test


# 11.0


@pytest.mark.parametrize("version", ["as-printed", "framework"])
def test_the_bag_of_words_is_what_the_text_prints(version: str) -> None:
    (record,) = train(bag, version)
    cells = {column: bag.cell(column, value) for column, value in record.row.items()}
    assert cells == bag.printed.rows[0] == {"sentence": "[1 1 0 1]"}
    assert record.line == "I:0 sentence:[1 1 0 1]"
    assert record.epoch.weights["onehots"].tolist() == np.eye(4).tolist()


# 11.1 and 11.3 on made-up reviews


def test_sentiment_walks_the_path_of_its_twin_bit_for_bit() -> None:
    w01, w12, shares = sentiment_twin(SETS, reviews=4, hidden=5, alpha=5.0)
    records = list(train(replace(TINY["11.1"], versions={"as-printed": PrintedSentiment(lr=5.0)}), "as-printed"))
    assert [record.row["Train-Acc"] for record in records] == shares
    assert shares[0] != shares[1]
    assert np.array_equal(records[-1].epoch.weights["weights_0_1"], w01)
    assert np.array_equal(records[-1].epoch.weights["weights_1_2"], w12)


def test_fill_in_walks_the_path_of_its_twin_bit_for_bit() -> None:
    network = TINY["11.3"]
    weights, rng = network.start()
    learner, data = trainer(network, "as-printed", weights), network.data()
    batches = (batch for _ in range(3) for batch in network.batches(data, rng))
    repeated_context = repeated_samples = steps = 0
    for w01, w12, context, samples in fill_in_twin(SEEN, reviews=6, hidden=4, passes=3):
        batch = next(batches)
        learner.step(batch)
        assert batch.x.tolist() == context
        assert batch.samples is not None
        assert batch.samples.tolist() == samples
        assert np.array_equal(weights["weights_0_1"], w01)
        assert np.array_equal(weights["weights_1_2"], w12)
        repeated_context += len(set(context)) < len(context)
        repeated_samples += len(set(samples)) < len(samples)
        steps += 1
    assert next(batches, None) is None
    assert steps == 3 * sum(len(review) for review in SEEN.reviews)
    assert repeated_context > 5
    assert repeated_samples > 50


def word_batches(network: Network) -> list[Batch]:
    """The first batches, and some in which words come more than once."""
    batches = list(islice(network.batches(network.data(), network.start()[1]), 4))
    if isinstance(network, FillIn):
        labels, samples = np.eye(6)[0], np.array([5, 5, 2, 7, 5, 2])
        return [
            *batches,
            Batch(np.array([3, 3, 8]), labels, samples=samples),
            Batch(np.array([4]), labels, None, samples),
        ]
    return [*batches, Batch(np.array([2, 7, 2, 2]), np.ones(1))]


def trained_weights(network: Network, epochs: int) -> Weights:
    return network.start()[0] if epochs == 0 else last(network, "corrected", epochs).epoch.weights


def differences(network: Network, weights: Weights, batch: Batch, eps: float = 1e-5) -> Weights:
    """The derivative of the error by every entry, by central differences."""
    found = {name: np.zeros_like(array) for name, array in weights.items()}
    for name, array in weights.items():
        for place in np.ndindex(array.shape):
            sides = []
            for step in (eps, -eps):
                moved = {**weights, name: array.copy()}
                moved[name][place] += step
                error = network.graph(moved, batch).error
                assert error is not None
                sides.append(error.item())
            found[name][place] = (sides[0] - sides[1]) / (2 * eps)
    return found


@tiny
@pytest.mark.parametrize("epochs", [0, 30])
def test_corrected_deltas_are_the_gradient(network: Network, epochs: int) -> None:
    trained = trained_weights(network, epochs)
    for batch in word_batches(network):
        weights, few = network.focus(trained, batch)
        deltas = network.versions["corrected"].deltas(weights, few)
        graph = network.graph(weights, few)
        assert graph.error is not None
        for tensor in graph.layers.values():
            tensor.retain_grad()
        graph.error.backward()
        assert set(graph.layers) | set(graph.weights) == set(deltas)
        for name, tensor in {**graph.layers, **graph.weights}.items():
            np.testing.assert_allclose(deltas[name], tensor.grad.data, rtol=1e-10, atol=1e-14, err_msg=name)
        for name, found in differences(network, weights, few).items():
            np.testing.assert_allclose(deltas[name], found, rtol=1e-6, atol=1e-10, err_msg=name)
        assert all(np.any(deltas[name]) for name in weights if epochs or name == "weights_1_2")


@tiny
@pytest.mark.parametrize("version", ["as-printed", "corrected"])
def test_layers_by_hand_are_those_of_the_graph(network: Network, version: str) -> None:
    trained = trained_weights(network, 30)
    for batch in word_batches(network):
        by_hand = network.versions[version].forward(trained, batch)
        layers = {name: layer.data for name, layer in network.graph(trained, batch).layers.items()}
        assert [*layers, "answer"] == list(by_hand)
        for name, layer in {**layers, "answer": network.answer(layers["layer_2_in"])}.items():
            np.testing.assert_allclose(by_hand[name], layer, rtol=1e-12)


@tiny
@pytest.mark.parametrize("version", ["as-printed", "corrected"])
def test_deltas_are_what_the_step_subtracts_and_the_other_rows_stay(network: Network, version: str) -> None:
    trained, handwritten = trained_weights(network, 30), network.versions[version]
    for batch in word_batches(network):
        after = {name: array.copy() for name, array in trained.items()}
        _, stepped = handwritten.step(after, batch)
        whole = handwritten.deltas(trained, batch)
        for name in trained:
            np.testing.assert_array_equal(after[name], trained[name] - handwritten.lr * whole[name])
        _, few = network.focus(trained, batch)
        rows = np.unique(batch.x)
        assert stepped["weights_0_1"].shape == (len(rows), trained["weights_0_1"].shape[1])
        np.testing.assert_array_equal(stepped["weights_0_1"], whole["weights_0_1"][rows])
        assert not np.delete(whole["weights_0_1"], rows, axis=0).any()
        assert few.x.max() == len(rows) - 1


def test_of_samples_in_one_row_the_text_applies_the_last_and_the_gradient_adds_them_up() -> None:
    network = TINY["11.3"]
    trained = trained_weights(network, 30)
    batch = Batch(np.array([3, 3, 8]), np.eye(6)[0], samples=np.array([5, 5, 2, 7, 5, 2]))
    weights, few = network.focus(trained, batch)
    printed, corrected = (network.versions[name].deltas(weights, few) for name in ("as-printed", "corrected"))
    layer_1, errors = weights["weights_0_1"][[0, 0, 1]].mean(axis=0), printed["layer_2_in"]
    for row, text, gradient in ((0, errors[5], errors[[2, 5]].sum()), (1, errors[4], errors[[0, 1, 4]].sum())):
        np.testing.assert_allclose(printed["weights_1_2"][row], text * layer_1, rtol=1e-12)
        np.testing.assert_allclose(corrected["weights_1_2"][row], gradient * layer_1, rtol=1e-12)
    expected = printed["layer_1"] * np.array([[2 / 3], [1 / 3]])
    np.testing.assert_allclose(corrected["weights_0_1"], expected, rtol=1e-12)
    np.testing.assert_array_equal(printed["weights_0_1"], np.array([printed["layer_1"]] * 2))


@tiny
def test_focus_reads_each_row_once_and_changes_nothing_of_the_output(network: Network) -> None:
    weights, _ = network.start()
    kept = {name: array.copy() for name, array in weights.items()}
    for batch in word_batches(network):
        few, renumbered = network.focus(weights, batch)
        assert len(few["weights_0_1"]) == len(set(batch.x.tolist()))
        whole, focused = (
            list(network.graph(*where).layers.values()) for where in ((weights, batch), (few, renumbered))
        )
        for one, other in zip(whole, focused, strict=True):
            np.testing.assert_array_equal(one.data, other.data)
        few["weights_0_1"] += 1.0
        np.testing.assert_array_equal(weights["weights_0_1"], kept["weights_0_1"])
        twice, same = focus(few, renumbered)
        assert same.x.tolist() == renumbered.x.tolist()
        assert len(twice["weights_0_1"]) == len(few["weights_0_1"])


@tiny
def test_framework_trains_to_the_weights_of_the_corrected(network: Network) -> None:
    corrected, framework = (last(network, version, 20) for version in ("corrected", "framework"))
    close(framework.epoch.weights, corrected.epoch.weights)
    assert framework.epoch.train.correct == corrected.epoch.train.correct
    np.testing.assert_allclose(framework.epoch.train.cross_entropy, corrected.epoch.train.cross_entropy, rtol=1e-9)
    weights, rng = network.start()
    plain = Plain(network, weights)
    for _ in range(20):
        for batch in network.batches(network.data(), rng):
            plain.step(batch)
    close(plain.weights, corrected.epoch.weights)
    moved = np.abs(corrected.epoch.weights["weights_0_1"] - weights["weights_0_1"])
    assert moved.max() > 1e-3


@tiny
def test_a_module_holds_the_weights_that_it_was_built_with(network: Network) -> None:
    weights = {name: np.random.RandomState(3).randn(*array.shape) for name, array in network.start()[0].items()}
    model, batch = network.build(weights), word_batches(network)[0]
    held = network.arrays({path: parameter.data for path, parameter in model.named_parameters()})
    assert set(held) == set(weights)
    for name, array in weights.items():
        np.testing.assert_array_equal(held[name], array)
    plain = list(network.graph(weights, batch).layers.values())[-1]
    np.testing.assert_allclose(network.output(model, batch).data, plain.data, rtol=1e-12)


@tiny
def test_the_gradient_of_a_table_names_its_rows(network: Network) -> None:
    weights, rng = network.start()
    model = network.build(weights)
    batch = next(network.batches(network.data(), rng))
    embedding = next(iter(model.children()))
    embedding.sparse = True
    network.error(network.output(model, batch), batch).backward()
    gradient = embedding.weight.grad
    assert isinstance(gradient, RowSparse)
    assert sorted(gradient.coalesce().rows.tolist()) == sorted(set(batch.x.tolist()))


@pytest.mark.parametrize("version", ["as-printed", "corrected", "framework"])
def test_training_figures_of_sentiment_run_on_through_the_passes(version: str) -> None:
    records = list(train(TINY["11.1"], version, 3))
    assert [record.epoch.train.examples for record in records] == [4, 8, 12]
    assert all(record.epoch.test is not None and record.epoch.test.examples == 2 for record in records)
    fresh = list(train(TINY["11.3"], version, 3))
    words = sum(len(review) for review in SEEN.reviews)
    assert [record.epoch.train.examples for record in fresh] == [6 * words] * 3
    assert fresh[0].row["Cross-Entropy"] > fresh[1].row["Cross-Entropy"] > fresh[2].row["Cross-Entropy"]  # type: ignore[operator]


def test_predictions_are_those_of_the_steps() -> None:
    network = TINY["11.1"]
    weights, data = trained_weights(network, 30), network.data()
    by_hand = [
        network.versions["as-printed"].forward(weights, Batch(x, y))["answer"]
        for x, y in zip(data.x_train, data.labels_train, strict=True)
    ]
    np.testing.assert_allclose(network.predict(weights, data.x_train), by_hand, rtol=1e-12)
    assert np.ptp(by_hand) > 1e-3


def test_answers_are_counted_and_their_cross_entropy_stays_finite() -> None:
    figures = answered(np.array([1.0, 1.0, 0.75, 0.0]), np.array([0.0, 1.0, 1.0, 0.0]))
    assert (figures.examples, figures.correct) == (4, 3)
    assert figures.cross_entropy == pytest.approx(-math.log(np.finfo(float).tiny) - math.log(0.75))


# 11.2 and 11.4: questions to a table


@pytest.fixture
def table() -> Any:
    return np.random.RandomState(5).randn(7, 3)


WORDS = ("a", "b", "c", "d", "e", "f", "g")


def test_nearest_words_as_loops_find_them(table: Any) -> None:
    by_distance = sorted(
        ((-math.dist(row, table[2]), word) for row, word in zip(table, WORDS, strict=True)), reverse=True
    )
    found = nearest(table, WORDS, "c", 5)
    assert [word for word, _ in found] == [word for _, word in by_distance[:5]]
    np.testing.assert_allclose([score for _, score in found], [score for score, _ in by_distance[:5]], rtol=1e-12)
    cosines = [row @ table[2] / math.hypot(*row) / math.hypot(*table[2]) for row in table]
    found = nearest(table, WORDS, "c", cosine=True)
    assert [word for word, _ in found] == [WORDS[i] for i in sorted(range(7), key=lambda i: -cosines[i])]
    np.testing.assert_allclose([score for _, score in found], sorted(cosines, reverse=True), rtol=1e-12)
    assert [word for word, _ in found] != [word for word, _ in nearest(table, WORDS, "c")]


def test_analogies_as_loops_find_them(table: Any) -> None:
    normed = [row * sum(x * x for x in row) for row in table]
    query = normed[0] + normed[4] - normed[1]
    by_distance = sorted(((-math.dist(row, query), word) for row, word in zip(table, WORDS, strict=True)), reverse=True)
    found = analogy(table, WORDS, ["a", "e"], ["b"], 5)
    assert [word for word, _ in found] == [word for _, word in by_distance[1:5]]
    np.testing.assert_allclose([score for _, score in found], [score for score, _ in by_distance[1:5]], rtol=1e-12)
    unit = [row / math.hypot(*row) for row in table]
    query = unit[0] + unit[4] - unit[1]
    cosines = {word: row @ query / math.hypot(*query) for word, row in zip(WORDS, unit, strict=True)}
    expected = sorted((word for word in WORDS if word not in "aeb"), key=lambda word: -cosines[word])
    found = analogy(table, WORDS, ["a", "e"], ["b"], cosine=True)
    assert [word for word, _ in found] == expected
    np.testing.assert_allclose([score for _, score in found], [cosines[word] for word in expected], rtol=1e-12)
    table_before = table.copy()
    analogy(table, WORDS, ["a", "e"], ["b"])
    np.testing.assert_array_equal(table, table_before)


def test_ties_keep_the_order_of_the_vocabulary_and_rows_of_zeros_have_no_direction() -> None:
    table = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert nearest(table, WORDS[:4], "a") == [("a", 0.0), ("b", -1.0), ("c", -1.0), ("d", -1.0)]
    assert nearest(table, WORDS[:4], "b", cosine=True) == [("b", 1.0), ("d", 1.0), ("a", 0.0), ("c", 0.0)]


def test_an_unknown_word_is_named(table: Any) -> None:
    with pytest.raises(LookupError, match="'queen' is not among the 7"):
        nearest(table, WORDS, "queen")
    with pytest.raises(LookupError, match="'king'"):
        analogy(table, WORDS, ["a"], ["king"])


def test_the_last_row_of_the_comparison_has_the_nearest_words() -> None:
    network = replace(TINY["11.1"], columns=("good",), asked={"good": lambda t, v: nearest(t, v, "good", 3)})
    record = last(network, "as-printed", 30)
    found = nearest(record.epoch.weights["weights_0_1"], SETS.vocabulary, "good", 3)
    assert record.row["good"] == found
    assert found[0][0] == "good"
    assert record.line == "I:29 good:" + ", ".join(f"{word} {score:.6f}" for word, score in found)


# Real reviews


def test_vocabularies_of_the_real_reviews() -> None:
    every, sets = imdb(), imdb_distinct()
    assert len(every.vocabulary) == 74_075
    assert len(sets.vocabulary) == 74_074
    assert sets.vocabulary == every.vocabulary[1:]
    assert every.vocabulary[0] == ""
    assert list(every.vocabulary) == sorted(every.vocabulary)
    assert len(every.reviews) == len(sets.reviews) == 25_000
    assert sum(len(review) for review in every.reviews) == 7_459_318
    assert min(len(review) for review in every.reviews) >= 2
    for review, words in zip(every.reviews[::5000], sets.reviews[::5000], strict=True):
        assert [sets.vocabulary[word] for word in words] == sorted({every.vocabulary[word] for word in review} - {""})
    assert imdb() is every


@cache
def sentiment_as_printed() -> list[Record]:
    """Both passes over 24,000 reviews: the one training of which 11.1 and 11.2 print."""
    return list(train(embeddings, "as-printed"))


@pytest.mark.parametrize("network", [sentiment, embeddings], ids=lambda network: network.id)
def test_all_that_is_printed_of_sentiment(network: Network) -> None:
    records = sentiment_as_printed()
    assert network.versions is embeddings.versions
    for iteration, cells in network.printed.rows.items():
        row = records[iteration].row
        assert {column: network.cell(column, row[column]) for column in cells} == cells
    weights = records[-1].epoch.weights
    for name, total in network.printed.sums.items():
        np.testing.assert_allclose(weights[name].sum(), total, rtol=1e-9)
    assert records[-1].epoch.weights["weights_0_1"].shape == (74_074, 100)


@pytest.mark.parametrize(
    ("word", "printed"),
    [
        (
            "beautiful",
            "fun -0.719354, friendship -0.734832, surprisingly -0.738456, captures, liked, subtle, heart, best, "
            "different",
        ),
        (
            "terrible",
            "annoying -0.822171, laughable, mess, lacks, effort, save, lame, disappointing, boring",
        ),
    ],
)
def test_nearest_words_after_training(word: str, printed: str) -> None:
    table = sentiment_as_printed()[-1].epoch.weights["weights_0_1"]
    (itself, nothing), *others = nearest(table, imdb_distinct().vocabulary, word)
    assert (itself, nothing) == (word, 0.0)
    expected = [given.split(" ") for given in printed.split(", ")]
    assert [other for other, _ in others] == [given[0] for given in expected]
    for (_, score), (_, *digits) in zip(others, expected, strict=True):
        assert digits in ([], [f"{score:.6f}"])


@pytest.mark.parametrize("normalized", [False, True])
def test_reviews_are_compared_by_the_averages_of_their_words(normalized: bool) -> None:
    """Against the averages themselves, one by one; what is like "boring, awful" is not positive."""
    table, sets = sentiment_as_printed()[-1].epoch.weights["weights_0_1"], imdb_distinct()
    words = [sets.vocabulary.index(word) for word in ("boring", "awful")]
    found = similar(table, sets.reviews, words, 10, normalized=normalized)
    squares = np.sum(table**2, axis=1, keepdims=True)
    rows = table / np.sqrt(squares) if normalized else table * squares
    query = rows[words].mean(axis=0)
    scores = np.array([rows[review].mean(axis=0) @ query for review in sets.reviews])
    assert [place for place, _ in found] == np.argsort(-scores)[:10].tolist()
    np.testing.assert_allclose([score for _, score in found], np.sort(scores)[:-11:-1], rtol=1e-9)
    assert not sets.labels[[place for place, _ in found]].any()


def test_what_the_table_of_11_2_says_of_reviews() -> None:
    answer = sentiment_as_printed()[-1].row["reviews like boring, awful"]
    assert isinstance(answer, list)
    assert len(answer) == 3
    sets, table = imdb_distinct(), sentiment_as_printed()[-1].epoch.weights["weights_0_1"]
    words = [sets.vocabulary.index(word) for word in ("boring", "awful")]
    for (beginning, score), (place, expected) in zip(answer, similar(table, sets.reviews, words), strict=True):
        assert data.imdb().reviews[place].startswith(beginning)
        assert score == expected


def test_reviews_of_few_words() -> None:
    table, reviews = np.array([[2.0, 0.0], [0.0, 1.0]]), [np.array([1]), np.array([], int), np.array([0, 1])]
    assert similar(table, reviews, [0]) == [(2, 32.0), (0, 0.0), (1, 0.0)]
    assert similar(table, reviews, [0], 1, normalized=True) == [(2, 0.5)]
    with pytest.raises(ValueError, match="no words to compare"):
        similar(table, reviews, [])


@pytest.mark.parametrize("version", ["as-printed", "corrected"])
def test_sentiment_on_the_first_reviews(version: str) -> None:
    short = first(sentiment.data(), 400)
    record = last(sentiment, version, 2, short)
    assert record.epoch.train.examples == 800
    if version == "as-printed":
        w01, w12, shares = sentiment_twin(imdb_distinct(), reviews=400, hidden=100, alpha=0.01)
        assert np.array_equal(record.epoch.weights["weights_0_1"], w01)
        assert np.array_equal(record.epoch.weights["weights_1_2"], w12)
        assert record.row["Train-Acc"] == shares[-1]
    else:
        framework = last(sentiment, "framework", 2, short)
        close(framework.epoch.weights, record.epoch.weights)
        assert framework.line == record.line


def test_fill_in_on_the_first_reviews() -> None:
    short = first(fill_in.data(), 5)
    records = {version: last(fill_in, version, 2, short) for version in ("as-printed", "corrected", "framework")}
    for w01, w12, _, _ in fill_in_twin(imdb(), reviews=5, hidden=50, passes=2):
        twin = w01, w12
    printed, corrected, framework = (records[version].epoch.weights for version in records)
    assert np.array_equal(printed["weights_0_1"], twin[0])
    assert np.array_equal(printed["weights_1_2"], twin[1])
    close(framework, corrected)
    assert np.abs(printed["weights_1_2"] - corrected["weights_1_2"]).max() > 1e-3
    row = records["as-printed"].row
    assert row["terrible"] == nearest(printed["weights_0_1"], imdb().vocabulary, "terrible")
    assert row["king - man + woman"] == analogy(printed["weights_0_1"], imdb().vocabulary, ["king", "woman"], ["man"])
