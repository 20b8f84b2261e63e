"""Chapter 15: spam, a holder who trains, and what its model gives away; `test_federated.py` has several of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models import Batch, Data, train
from models.chapter_15 import LENGTH, UNKNOWN, Mails, PrintedSpam, SpamModule, enron, mails, spam
from models.federated import holder, rounds, split
from models.leak import leaked

SPAM = [f"win a prize now number {k}" for k in range(30)]
HAM = [f"see you at noon in room {k}" for k in range(70)]
MAILS = mails(SPAM, HAM, tested=10)
VERSIONS = {name: PrintedSpam(lr=0.01, padding=lambda: MAILS.padding) for name in spam.versions}
TINY = replace(spam, corpus=lambda: MAILS, size=10, versions=VERSIONS)


@pytest.fixture
def real() -> Mails:
    try:
        return enron()
    except FileNotFoundError as missing:
        pytest.skip(f"needs the mails: {missing}")


# ----- the mails -----


def test_mails_alternate_and_the_shorter_kind_is_gone_round() -> None:
    data = MAILS.examples
    assert data.x_train.shape == (2 * 60, LENGTH)
    assert data.labels_train.ravel().tolist() == [1.0, 0.0] * 60
    np.testing.assert_array_equal(data.x_train[0], data.x_train[40])
    assert data.x_test is not None
    assert len(data.x_test) == 20
    assert {MAILS.vocabulary[number] for number in data.x_train[1]} == {UNKNOWN, *HAM[0].split()}


def test_a_mail_too_long_is_left_out_and_an_unknown_word_refused() -> None:
    long = " ".join(map(str, range(LENGTH)))
    found = mails(["buy", "win", long], ["one", "two"], tested=1)
    assert len(found.examples.x_train) == 2
    with pytest.raises(LookupError, match="pizza"):
        found.encode(["pizza"])


def test_padding_has_no_part() -> None:
    weights, data = TINY.start()[0], TINY.data()
    weights["embed"][:] = 1.0
    batch = Batch(data.x_train[:4], data.labels_train[:4])
    assert spam.versions["corrected"].lr == 0.01
    layers = TINY.versions["corrected"].forward(weights, batch)
    assert layers["score"].ravel().tolist() == [6.0, 7.0, 6.0, 7.0]
    assert TINY.versions["corrected"].deltas(weights, batch)["embed"][MAILS.padding] == 0
    np.testing.assert_array_equal(TINY.predict(weights, batch.x), layers["answer"])


def test_the_module_is_trained_as_written_by_hand() -> None:
    *_, by_hand = train(TINY, "corrected", 3)
    *_, framework = train(TINY, "framework", 3)
    np.testing.assert_allclose(framework.epoch.weights["embed"], by_hand.epoch.weights["embed"], rtol=1e-9, atol=1e-15)
    assert isinstance(TINY.module(), SpamModule)
    assert by_hand.row["Test-Acc"] == 1.0


def test_the_gradient_of_spam_is_that_of_the_squared_error() -> None:
    weights, data = {"embed": np.random.default_rng(0).normal(size=(len(MAILS.vocabulary), 1))}, TINY.data()
    batch = Batch(data.x_train[:6], data.labels_train[:6])
    delta = TINY.versions["corrected"].deltas(weights, batch)["embed"]

    def error(by: float, row: int) -> float:
        moved = weights["embed"].copy()
        moved[row] += by
        known = batch.x != MAILS.padding
        scores = (moved[batch.x, 0] * known).sum(1, keepdims=True)
        return float(np.sum((1 / (1 + np.exp(-scores)) - batch.labels) ** 2))

    for row in np.flatnonzero(delta):
        slope = (error(1e-5, int(row)) - error(-1e-5, int(row))) / 2e-5
        assert delta[row, 0] == pytest.approx(slope, rel=1e-7)


# ----- a holder -----


def test_a_holder_leaves_the_model_that_was_sent_as_it_is() -> None:
    sent = TINY.start()[0]
    trained = holder(TINY, TINY.data())(sent)
    assert not sent["embed"].any()
    assert trained["embed"].any()


def test_one_holder_is_training_alone() -> None:
    (alone,) = rounds([holder(TINY, TINY.data(), "corrected")], TINY.start()[0], 1)
    (record,) = train(TINY, "corrected", 1)
    np.testing.assert_array_equal(alone["embed"], record.epoch.weights["embed"])


# ----- what a model gives away -----


def test_a_model_trained_on_one_mail_names_its_words() -> None:
    words = ["my", "computer", "password", "is", "pizza"]
    known = mails(SPAM, [*HAM, " ".join(words)], tested=1)
    own = replace(spam, corpus=lambda: known, size=1)
    start = own.start()[0]
    mail = Data(known.encode(words), np.zeros((1, 1)))
    found = leaked(start, holder(own, mail)(start), known.vocabulary)
    assert sorted(found) == sorted(words)
    assert set(found.values()) == {-0.0025}
    (record,) = train(own, "framework", 1, mail)
    assert record.epoch.train.error == 0.25
    assert record.epoch.train.error / LENGTH == 0.0005


# ----- on real mails -----


def test_the_real_mails(real: Mails) -> None:
    assert real.examples.x_train.shape == (5318, LENGTH)
    assert len(real.vocabulary) == 50664
    assert [len(part.x_train) for part in split(real.examples)] == [1000, 1000, 3318]


def test_spam_is_told_from_ham(real: Mails) -> None:
    assert [record.row["Test-Acc"] for record in train(spam, "as-printed")] == [0.9235, 0.9315, 0.939]
