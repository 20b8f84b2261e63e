"""Holders who train apart: the aggregate is the mean, what is sent hides the models, and on ranks it is the same."""

from collections import Counter

import numpy as np
import pytest

from models.aggregation import FRACTION, KINDS, LIMIT, AsPrinted, Masked, Paillier, fixed
from models.chapter_15 import enron
from models.federated import flat, main, rounds, shaped, split
from tests import federated_program as program
from tests.federated_program import SMALL, TINY
from tests.ranks import ROOT, mpiexec, needs_mpi

ULP = 2.0**-FRACTION
SECURE = "masked", "paillier"
LEAKED = "my computer password is pizza"


@pytest.fixture(autouse=True)
def libraries(request):
    """What encrypts is an extra."""
    if "kind" in request.fixturenames:
        kind = request.getfixturevalue("kind")
        for library in {"masked": ["cryptography"], "paillier": ["phe"]}.get(kind, []):
            pytest.importorskip(library, reason="pip install 'autograd_lite[federated]'")


@pytest.fixture
def real():
    try:
        return enron()
    except FileNotFoundError as missing:
        pytest.skip(f"needs the mails: {missing}")


def meet(kind, size):
    """All holders' parts, who have told each other their public keys."""
    parts = [SMALL[kind](rank, size) for rank in range(size)]
    offers = [part.offer() for part in parts]
    for part in parts:
        part.accept(offers)
    return parts


def aggregate(parts, models, turn=0):
    sent = [part.seal(model, turn) for part, model in zip(parts, models, strict=True)]
    return parts[parts[0].opener].open(parts[0].combine(sent))


def models_of(size, count=31):
    """Of weights up to the largest, both signs, zeros, and what no power of two divides."""
    found = np.random.default_rng(size).uniform(-1, 1, (size, count)) * np.logspace(-9, np.log10(LIMIT - ULP), count)
    found[:, 0] = 0
    return list(found)


# The sum


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", ["mean", *SECURE])
def test_the_aggregate_is_the_mean_to_the_precision_of_fixed_point(kind, size):
    models = models_of(size)
    found = aggregate(meet(kind, size), models)
    expected = [sum(float(model[k]) for model in models) / size for k in range(len(models[0]))]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15 if kind == "mean" else ULP / 2)


@pytest.mark.parametrize("kind", SECURE)
def test_the_sum_of_whole_multiples_is_exact(kind):
    """Also where all weights are the largest, which fill the place that a sum has."""
    top = LIMIT - 2 * ULP
    models = [np.array([top, -top, ULP, 0.5]) for _ in range(4)]
    assert aggregate(meet(kind, 4), models).tolist() == models[0].tolist()


def test_fixed_point_rounds_to_the_nearest_and_refuses_what_is_too_large():
    assert fixed(np.array([0.6, -0.6, 1.4]) * ULP).tolist() == [1, -1, 1]
    for wrong in (LIMIT, -LIMIT, np.nan, np.inf):
        with pytest.raises(ValueError, match="not below 8"):
            fixed(np.array([0.0, wrong]))


def test_as_printed_the_last_model_alone_is_left_a_third_of_it():
    models = models_of(3)
    parts = [AsPrinted(rank, 3) for rank in range(3)]
    found = aggregate(parts, models)
    assert found.tolist() == [weight / 3 for weight in models[2]]
    assert aggregate(parts, [models[1] * 5, models[0] - 1, models[2]]).tolist() == found.tolist()


# What is seen


def test_what_masked_holders_send_hides_each_model_and_each_sum_of_some():
    pytest.importorskip("cryptography", reason="pip install 'autograd_lite[federated]'")
    models = models_of(3)
    sent = [part.seal(model, 0) for part, model in zip(meet("masked", 3), models, strict=True)]
    whole = [fixed(model).view(np.uint64) for model in models]
    for some in ([0], [1], [2], [0, 1], [0, 2], [1, 2]):
        assert not np.any(sum(sent[k] for k in some) == sum(whole[k] for k in some))
    assert np.array_equal(sum(sent), sum(whole))


def test_masks_are_spread_over_all_numbers_and_are_others_each_round_and_each_time():
    pytest.importorskip("cryptography", reason="pip install 'autograd_lite[federated]'")
    zeros, (one, _), (other, _) = np.zeros(4000), meet("masked", 2), meet("masked", 2)
    first, second, third = one.seal(zeros, 0), one.seal(zeros, 1), other.seal(zeros, 0)
    assert not np.any((first == second) | (first == third))
    assert np.array_equal(first, one.seal(zeros, 0))
    for sent in (first, second - first):  # the difference of two rounds has to hide, too
        bits = np.unpackbits(sent.view(np.uint8).reshape(-1, 8), axis=1).mean(0)
        assert np.all(np.abs(bits - 0.5) < 0.05)  # 6 standard deviations


def test_what_is_encrypted_is_another_number_each_time_and_its_reader_is_not_who_adds():
    pytest.importorskip("phe", reason="pip install 'autograd_lite[federated]'")
    parts = meet("paillier", 3)
    assert [part._private is not None for part in parts] == [False, False, True]
    assert parts[0].opener == 2
    once, again = (parts[0].seal(np.zeros(31), turn=0) for _ in range(2))
    assert once.shape == (3, 129)  # 31 weights, 12 in a ciphertext of 1,024 bits
    assert not np.any(np.all(once == again, axis=1))
    with pytest.raises(AttributeError):
        parts[0].open(parts[0].combine([once, once, again]))
    assert parts[2].seal(np.zeros(31), 0).shape == once.shape
    assert parts[2].open(parts[0].combine([once, once, again])).tolist() == [0.0] * 31


def test_a_default_key_has_2048_bits():
    phe = pytest.importorskip("phe", reason="pip install 'autograd_lite[federated]'")
    part = Paillier(0, 1)
    part.accept([part.offer()])
    assert part._public.n.bit_length() == 2048
    assert isinstance(part._private, phe.PaillierPrivateKey)


def test_more_holders_than_a_sum_has_room_for_are_refused():
    pytest.importorskip("phe", reason="pip install 'autograd_lite[federated]'")
    assert Paillier(0, 256).size == 256
    with pytest.raises(ValueError, match="257 holders, and a sum has room for 256"):
        Paillier(0, 257)


@pytest.mark.parametrize(("kind", "library"), [(Masked, "cryptography"), (Paillier, "phe")])
def test_without_its_library_the_error_names_the_extra(monkeypatch, kind, library):
    for name in (library, "cryptography.hazmat.primitives.asymmetric.x25519"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(ImportError, match=r"autograd_lite\[federated\]"):
        kind(0, 2)


# Rounds


def test_a_round_starts_all_holders_from_the_same_model():
    seen = []

    def one(weights):
        seen.append(weights)
        return {"embed": weights["embed"] + 1}

    *_, last = rounds([one, one, one], {"embed": np.zeros((2, 1))}, 2)
    assert [float(weights["embed"][0, 0]) for weights in seen] == [0.0] * 3 + [1.0] * 3
    assert last["embed"].tolist() == [[2.0], [2.0]]


def test_weights_in_a_row_are_the_same_weights():
    weights = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([[7.0]]), "c": np.zeros((0, 2))}
    back = shaped(flat(weights), weights)
    assert [(name, value.shape) for name, value in back.items()] == [(k, v.shape) for k, v in weights.items()]
    assert all(np.array_equal(back[name], weights[name]) for name in weights)


def test_everybody_has_examples_and_all_are_somebodys():
    for size in (1, 2, 3, 7):
        parts = split(TINY.data(), size)
        np.testing.assert_array_equal(np.concatenate([part.x_train for part in parts]), TINY.data().x_train)
        assert max(len(part.x_train) for part in parts) - min(len(part.x_train) for part in parts) <= 1


@pytest.mark.parametrize("kind", SECURE)
def test_three_rounds_learn_the_same_under_masks_and_encrypted(kind):
    plain, found = program.final("mean", 3), program.final(kind, 3)
    assert np.abs(plain).max() > 0.1
    np.testing.assert_allclose(found, plain, rtol=0, atol=3 * ULP)


# On ranks


@needs_mpi
@pytest.mark.parametrize("ranks", [2, 3])
def test_on_ranks_the_model_is_that_of_one_process_and_no_mail_is_sent(ranks, tmp_path):
    for library in ("cryptography", "phe"):
        pytest.importorskip(library, reason="pip install 'autograd_lite[federated]'")
    done = mpiexec(ranks, ROOT / "tests" / "federated_program.py", "equal", tmp_path)
    assert done.returncode == 0, done.stderr
    for kind in KINDS:
        with np.load(tmp_path / f"{kind}.npz") as saved:
            (found,) = (saved[name] for name in saved.files if name == "model")
            np.testing.assert_array_equal(found, program.final(kind, ranks), err_msg=kind)


@needs_mpi
@pytest.mark.parametrize(("scenario", "words"), [("killed", ""), ("hanging", "of 2 waited 3 s in ")])
def test_when_a_rank_dies_all_end(scenario, words):
    pytest.importorskip("phe", reason="pip install 'autograd_lite[federated]'")
    done = mpiexec(2, ROOT / "tests" / "federated_program.py", scenario)
    assert done.returncode != 0
    assert words in done.stderr, done.stderr


@needs_mpi
@pytest.mark.parametrize("kind", ["masked"])
def test_the_command_prints_on_ranks_what_it_prints_alone(kind, real, capsys):
    done = mpiexec(2, "-m", "models.federated", "--aggregate", kind)
    assert done.returncode == 0, done.stderr
    assert main(["--aggregate", kind, "--holders", "2"]) == 0
    assert capsys.readouterr().out == done.stdout
    assert done.stdout.startswith("2 holders with 2,659, 2,659 mails; aggregation: masked\nround 1: test accuracy 0.")


# The command, on real mails


@pytest.mark.parametrize(
    ("kind", "accuracies"),
    [
        ("mean", [0.6095, 0.9200, 0.9500]),
        ("masked", [0.6095, 0.9200, 0.9500]),
        ("as-printed", [0.9415, 0.9350, 0.9335]),
    ],
)
def test_three_rounds_of_three_holders(kind, accuracies, real, capsys):
    assert main(["--aggregate", kind]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head == f"3 holders with 1,000, 1,000, 3,318 mails; aggregation: {kind}"
    assert [float(line.split()[4].rstrip(",")) for line in lines] == accuracies
    assert all(f"{50664 * 8:,} bytes from each holder" in line for line in lines)
    off = [line.partition("; ")[2] for line in lines]
    if kind == "mean":
        assert all(words.startswith("off the mean by up to 0, off the last model / 3 by 0.") for words in off)
    elif kind == "as-printed":
        assert all(words.startswith("off the mean by up to 0.") and words.endswith(" / 3 by 0") for words in off)
    else:
        assert off == [""] * 3


@pytest.mark.parametrize("kind", ["mean", "masked"])
def test_a_mail_leaks_its_words_and_under_masks_nothing(kind, real, capsys):
    assert main(["--aggregate", kind, "--leak", LEAKED]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a holder with one mail: loss 0.0005, 5 of 50,664 weights changed"
    assert lines[1:6] == [f"  {word}  -0.0025" for word in sorted(LEAKED.split())]
    whole = "50,664 of 50,664"
    trained, untrained = ("5 of 50,664", "0 of 50,664") if kind == "mean" else (whole, whole)
    assert lines[6] == f"what holder 1 gets: {trained} numbers changed; of a holder who learned nothing: {untrained}"
    words = [trained_words(real, start, count) for start, count in ((0, 1000), (1000, 1000), (2000, 3000))]
    for line, own in zip(lines[7:10], words, strict=True):
        assert line.endswith(f"the weights of {len(own):,} words changed")
    alone = sum(sum(word in own for own in words) == 1 for word in set.union(*words))
    assert lines[10].endswith(f"of {len(set.union(*words)):,} words changed, {alone:,} of them by one holder alone")


def trained_words(real, start, count):
    """Those of so many mails, but what is in the first 500 alone, where it is in as many spam as ham.

    There all answers are 0.5, so that the two kinds move a weight by as much.
    """
    rows, labels = real.examples.x_train[start : start + count], real.examples.labels_train[start : start + count]
    first, rest = (Counter(), Counter()), set(rows[500:].ravel().tolist())
    for row, label in zip(rows[:500], labels[:500, 0], strict=True):
        first[int(label)].update(row.tolist())
    balanced = {word for word in first[0] if first[0][word] == first[1][word]}
    return (set(first[0]) | set(first[1]) | rest) - (balanced - rest) - {real.padding}


def test_the_command_encrypts_with_a_key_of_the_length_that_is_asked_for(real, capsys):
    """A ciphertext of 512 bits in 65 bytes, of 6 weights."""
    pytest.importorskip("phe", reason="pip install 'autograd_lite[federated]'")
    two = ["--holders", "2", "--rounds", "1"]
    assert main(["--aggregate", "paillier", "--bits", "256", *two]) == main(two) == 0
    _, encrypted, _, plain = capsys.readouterr().out.splitlines()
    assert encrypted == plain.partition(",")[0] + f", {50664 // 6 * 65:,} bytes from each holder"


def test_a_word_that_no_mail_has_is_refused(real, capsys):
    assert main(["--leak", "my floccinaucinihilipilification"]) == 1
    assert "'floccinaucinihilipilification' is in no mail" in capsys.readouterr().err
