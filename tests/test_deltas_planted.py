"""Mistakes are planted in backward passes written by hand: the guilty delta is blamed, no other, and rightly named."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import ARCHITECTURES, LR, cases, described, differs, planted

import autograd_lite as al
from autograd_lite.check import search

CASES = cases()
MISTAKES = [pytest.param(name, mistake, id=f"{name}-{mistake}") for name, mistake, _ in CASES]
NETWORKS = pytest.mark.parametrize("name", ARCHITECTURES)
KINDS = {
    "factor", "sign", "transposed", "missing-derivative", "extra-derivative", "missing-mask", "wrong-point",
    "wrong-derivative", "wrong-operand", "stale-weights", "missing-sum", "mean-for-sum", "sum-for-mean",
    "overwritten-rows", "overwritten-upstream", "missing-path", "shifted",
}  # fmt: skip
# With logarithms of probabilities, and probabilities in denominators, that saturation makes 0
UNSATURATED = {"softmax_in_parts", "logistic_single"}


def checked(name, *mistakes, **options):
    hand, loss = planted(name, *mistakes, **options)
    stale = any("stale-weights" in hand.known[mistake] for mistake in mistakes)
    return hand, al.check_deltas(loss, hand.deltas, lr=LR if stale else None)


once = cache(checked)


@pytest.fixture
def singles(monkeypatch):
    """Causes are looked for one at a time: where only the blame counts, pairs of them cost seconds for nothing."""
    monkeypatch.setattr(search, "PAIRED", 0)


blame_alone = pytest.mark.usefixtures("singles")


def introduced(report):
    return {finding.name for finding in report if finding.verdict == "introduced"}


def misjudged(hand, report):
    """What is wrong with the verdicts, in words; None where exactly the guilty deltas are blamed.

    A constant of all the deltas nearest the loss is flagged once, at the nearest of them.
    """
    blamed = introduced(report)
    constant = {finding.name for finding in report if finding.convention}
    if blamed == hand.guilty or (constant and constant <= blamed <= hand.guilty):
        return None
    return f"{' and '.join(hand.planted) or 'nothing'}: guilty {sorted(hand.guilty)}, blamed {sorted(blamed)}"


def accused(report):
    return [(finding.name, finding.verdict, finding.worst) for finding in report if finding.verdict != "agrees"]


# Blame


def test_every_kind_is_planted():
    named = {part for _, _, kinds in CASES for kind in kinds.split("|") for part in kind.split("+")}
    assert named == KINDS
    assert len(CASES) >= 60
    assert sum(all("+" in kind for kind in kinds.split("|")) for _, _, kinds in CASES) >= 10


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_exactly_the_guilty_delta_is_blamed(name, mistake):
    hand, report = once(name, mistake)
    assert hand.guilty, "a mistake that changes nothing"
    assert not report
    assert misjudged(hand, report) is None
    assert {finding.verdict for finding in report if finding.name not in hand.guilty} <= {"agrees", "inherited"}


def misnamed(report, guilty, kinds):
    """The readings of a delta whose cause is not among them, in words; None where it is."""
    if described(kinds, {cause.kind for cause in report[guilty].causes}):
        return None
    found = [" + ".join(cause.kind for cause in reading) for reading in report[guilty].readings]
    return f"is {kinds}, named {found or 'nothing'}"


@pytest.mark.parametrize("options", [{}, {"m": 4, "n": 4}], ids=str)
def test_nine_in_ten_causes_are_named_rightly(options):
    missed, seen = {}, 0
    for name, mistake, kinds in CASES:
        hand, report = once(name, mistake, **options)
        seen += bool(hand.guilty)
        for guilty in sorted(hand.guilty & introduced(report)):
            text = misnamed(report, guilty, kinds)
            if text is not None:
                missed[name, mistake] = f"{name}, {mistake}: {guilty} {text}"
    rate = 1 - len(missed) / seen
    assert seen >= 200
    assert rate >= 0.9, f"{rate:.1%} of {seen} named rightly; missed:\n" + "\n".join(missed.values())


@NETWORKS
def test_noise_has_no_causes(name):
    """Numbers that no slip makes are not explained by one, with whatever factor."""
    hand, loss = planted(name)
    rng = np.random.default_rng(0)
    for key, array in hand.deltas.items():
        for noise in (rng.normal(size=array.shape), array * rng.uniform(0.5, 2, array.shape)):
            finding = al.check_deltas(loss, {**hand.deltas, key: noise})[key]
            assert finding.verdict == "introduced"
            assert array.size == 1 or finding.readings == [], key


@blame_alone
@pytest.mark.parametrize(
    "options", [{"m": 4, "n": 4}, {"m": 1, "n": 3}, {"m": 3, "n": 1}, {"m": 7, "n": 5, "seed": 3}], ids=str
)
@NETWORKS
def test_blame_in_other_shapes(name, options):
    """Square arrays, a batch of one, one unit: what changes the deltas there is blamed, what does not is not."""
    wrong = [misjudged(*checked(name, mistake, **options)) for mistake in planted(name)[0].known]
    assert [text for text in wrong if text is not None] == []


@blame_alone
@NETWORKS
def test_blame_in_float32(name):
    wrong = [misjudged(*checked(name, mistake, dtype=np.float32)) for mistake in planted(name)[0].known]
    assert [text for text in wrong if text is not None] == []


@blame_alone
@NETWORKS
def test_blame_of_two_mistakes_in_one_pass(name):
    """Each is blamed at its place, though the second is made of what the first left."""
    known = [mistake for mistake, kinds in planted(name)[0].known.items() if "stale" not in kinds]
    pairs = [pair for pair in combinations(known, 2) if pair[0].split(":")[0] != pair[1].split(":")[0]]
    chosen = np.random.default_rng(0).permutation(len(pairs))[:12]
    wrong = [misjudged(*checked(name, *pairs[i])) for i in chosen]
    assert [text for text in wrong if text is not None] == []


# The correct pass


@NETWORKS
@settings(max_examples=12)
@given(seed=st.integers(0, 2**16), m=st.integers(1, 9), n=st.integers(1, 6))
def test_a_correct_pass_is_not_accused(name, seed, m, n):
    _, report = checked(name, seed=seed, m=m, n=n)
    assert report, accused(report)


@NETWORKS
@settings(max_examples=12)
@given(seed=st.integers(0, 2**16), m=st.integers(1, 9), n=st.integers(1, 6))
def test_a_correct_pass_in_float32_is_not_accused(name, seed, m, n):
    _, report = checked(name, seed=seed, m=m, n=n, dtype=np.float32)
    assert report, accused(report)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", [1e-3, 1e-6, 1e-9, 1e-12, 0.0])
@NETWORKS
def test_a_correct_pass_near_convergence_is_not_accused(name, size, dtype):
    for seed in range(3):
        _, report = checked(name, seed=seed, near=size, dtype=dtype)
        assert report, accused(report)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scale", [5.0, 30.0])
@NETWORKS
def test_a_correct_pass_with_saturated_units_is_not_accused(name, scale, dtype):
    for seed in range(3):
        scale = min(scale, 2.0) if name in UNSATURATED else scale
        hand, report = checked(name, seed=seed, scale=scale, dtype=dtype)
        assert all(np.isfinite(delta).all() for delta in hand.deltas.values())
        assert report, accused(report)


@pytest.mark.parametrize("scale", [0.0, 1e-8, 1e-150])
@NETWORKS
def test_a_correct_pass_of_tiny_or_zero_weights_is_not_accused(name, scale):
    _, report = checked(name, scale=scale)
    assert report, accused(report)


def test_dead_units_are_not_accused():
    """All inputs of a relu are negative: every delta below is zero, and a slope that is left out is seen."""
    rng = np.random.default_rng(0)
    x, W = rng.normal(size=(4, 4)), rng.normal(size=(4, 4))
    z = al.tensor(x) @ al.tensor(W, requires_grad=True, name="W") - 100
    z.name = "z"
    h = al.relu(z)
    h.name = "h"
    loss = (h - 1).square().sum()
    dh = np.full((4, 4), -2.0)
    dz = dh * (x @ W - 100 > 0)
    assert al.check_deltas(loss, {"h": dh, "z": dz, "W": x.T @ dz})
    report = al.check_deltas(loss, {"h": dh, "z": dh, "W": x.T @ dh})
    assert introduced(report) == {"z"}
    assert report["z"].causes[0].kind == "missing-derivative"


def trained(steps=200_000, until=1e-12):
    """A two-layer network trained by a hand-written loop until next to nothing is left to learn."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(3, 4)), rng.normal(size=(3, 2))
    W1, W2 = rng.normal(size=(4, 12)), rng.normal(size=(12, 2)) * 0.3
    for _ in range(steps):
        h = np.tanh(x @ W1)
        e = h @ W2 - y
        if (e * e).sum() < until:
            break
        dz = e @ W2.T * (1 - h * h)
        W2, W1 = W2 - 0.05 * h.T @ e, W1 - 0.05 * x.T @ dz
    assert (e * e).sum() < until
    return x, y, W1, W2


@pytest.mark.parametrize(
    ("dtype", "near"), [(np.float32, 1e-2), (np.float32, 1e-4), (np.float64, 1e-9), (np.float64, 1e-13)]
)
def test_another_way_to_write_the_sigmoid_is_no_mistake(dtype, near):
    """The last bit of an output is rounded otherwise, and is all that is left of a tiny error."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(6, 4)).astype(dtype), rng.normal(size=(4, 3)).astype(dtype)
    e = np.exp(x @ w)
    p = e / (1 + e)
    y = (p + near * rng.normal(size=p.shape)).astype(dtype)
    tp = al.sigmoid(al.tensor(x) @ al.tensor(w, requires_grad=True, name="w"))
    tp.name = "p"
    loss = (tp - al.tensor(y)).square().sum()
    dp = 2 * (p - y)
    report = al.check_deltas(loss, {"p": dp, "w": x.T @ (dp * p * (1 - p))})
    assert report, accused(report)


@pytest.mark.parametrize("until", [1e-6, 1e-12, 1e-22])
def test_a_trained_network_is_judged_as_well(until):
    """Deltas are tiny differences of numbers that are not: rounding is no mistake, and a mistake is not rounding."""
    x, y, W1, W2 = trained(until=until)
    t1, t2 = al.tensor(W1, requires_grad=True, name="W1"), al.tensor(W2, requires_grad=True, name="W2")
    z = al.tensor(x) @ t1
    z.name = "z"
    hidden = al.tanh(z)
    out = hidden @ t2
    out.name = "out"
    loss = (out - al.tensor(y)).square().sum()
    h = np.tanh(x @ W1)
    de = 2 * (np.tanh(np.einsum("ij,jk->ik", x, W1)) @ W2 - y)  # rounded otherwise
    for wrong in (False, True):
        dz = de @ W2.T if wrong else de @ W2.T * (1 - h * h)
        report = al.check_deltas(loss, {"out": de, "W2": h.T @ de, "z": dz, "W1": x.T @ dz})
        assert introduced(report) == ({"z"} if wrong else set()), accused(report)


# The tester, tested


@blame_alone
@NETWORKS
def test_any_delta_that_is_broken_is_the_one_blamed(name):
    """Of a correct pass one array is changed, in one entry, a little: it is found, and the others still agree."""
    hand, loss = planted(name)
    for broken, array in hand.deltas.items():
        entry = np.unravel_index(np.argmax(np.abs(array)), array.shape)
        changed = array.copy()
        changed[entry] *= 1 + 1e-6
        report = al.check_deltas(loss, {**hand.deltas, broken: changed})
        assert introduced(report) == {broken}, broken
        assert all(finding.verdict == "agrees" for finding in report if finding.name != broken)


@blame_alone
@NETWORKS
def test_blame_does_not_hang_on_the_order_of_the_deltas(name):
    for mistake in list(planted(name)[0].known)[::4]:
        hand, loss = planted(name, mistake)
        backwards = al.check_deltas(loss, dict(reversed(hand.deltas.items())))
        assert misjudged(hand, backwards) is None


@blame_alone
@NETWORKS
def test_with_the_guilty_delta_left_out_what_follows_is_blamed(name):
    """Of the others, none that is right is accused, and if any is wrong, somebody is."""
    truth = planted(name)[0].deltas
    for mistake in list(planted(name)[0].known)[::5]:
        hand, loss = planted(name, mistake)
        rest = {key: array for key, array in hand.deltas.items() if key not in hand.guilty}
        if not rest:
            continue  # it was the only one
        blamed = introduced(al.check_deltas(loss, rest))
        unlike = {key for key, array in rest.items() if differs(array, truth[key])}
        assert blamed <= unlike
        assert bool(blamed) == bool(unlike)


@NETWORKS
def test_judging_twice_gives_the_same_page(name):
    mistake = list(planted(name)[0].known)[-1]
    hand, loss = planted(name, mistake)
    assert str(al.check_deltas(loss, hand.deltas)) == str(al.check_deltas(loss, hand.deltas))
