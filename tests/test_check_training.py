"""`check_training`: right steps are never accused, and planted slips in the update are named, with their cause."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.check import TrainingReport

Weights = dict[str, Any]
SEEDS = range(6)
LR = 0.05


@dataclass(frozen=True, eq=False)
class Net:
    """A network written twice: its loss in tensors, and its passes in NumPy.

    `backward` takes the layers of a forward pass, which may be older than the weights.
    """

    start: Weights
    loss: Callable[[Weights], al.Tensor]
    forward: Callable[[Weights], Weights]
    backward: Callable[[Weights, Weights], Weights]

    def deltas(self, w: Weights) -> Weights:
        return self.backward(w, self.forward(w))


def linear(seed: int, scale: float = 1.0) -> Net:
    """A linear regression: w (3, 2) and b (2,), the squared error averaged over 5 examples."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))

    def loss(w: Weights) -> al.Tensor:
        return (x @ w["w"] + w["b"] - y).square().sum() / 5

    def forward(w: Weights) -> Weights:
        return {"out": x @ w["w"] + w["b"]}

    def backward(w: Weights, layers: Weights) -> Weights:
        delta = 2 * (layers["out"] - y) / 5
        return {"w": x.T @ delta, "b": delta.sum(0)}

    start = {"w": scale * rng.normal(size=(3, 2)), "b": scale * rng.normal(size=2)}
    return Net(start, loss, forward, backward)


def layers(seed: int, scale: float = 1.0) -> Net:
    """Two layers with biases, tanh between them: W1 (3, 4), b1 (4,), W2 (4, 2), b2 (2,)."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))

    def loss(w: Weights) -> al.Tensor:
        return (al.tanh(x @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"] - y).square().sum() / 10

    def forward(w: Weights) -> Weights:
        hidden = np.tanh(x @ w["W1"] + w["b1"])
        return {"hidden": hidden, "out": hidden @ w["W2"] + w["b2"]}

    def backward(w: Weights, layers: Weights) -> Weights:
        d2 = (layers["out"] - y) / 5
        d1 = d2 @ w["W2"].T * (1 - layers["hidden"] ** 2)
        return {"W1": x.T @ d1, "b1": d1.sum(0), "W2": layers["hidden"].T @ d2, "b2": d2.sum(0)}

    shapes = {"W1": (3, 4), "b1": (4,), "W2": (4, 2), "b2": (2,)}
    return Net({name: scale * rng.normal(size=shape) for name, shape in shapes.items()}, loss, forward, backward)


def recurrent(seed: int, scale: float = 0.7) -> Net:
    """A recurrent network over 4 times: Wx (2, 3), Wh (3, 3), bh (3,), Wo (3, 2), read at the end."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(4, 5, 2)), rng.normal(size=(5, 2))

    def loss(w: Weights) -> al.Tensor:
        h = al.tensor(np.zeros((5, 3)))
        for now in x:
            h = al.tanh(now @ w["Wx"] + h @ w["Wh"] + w["bh"])
        return (h @ w["Wo"] - y).square().sum() / 10

    def forward(w: Weights) -> Weights:
        states = [np.zeros((5, 3))]
        for now in x:
            states.append(np.tanh(now @ w["Wx"] + states[-1] @ w["Wh"] + w["bh"]))
        return {"states": states, "out": states[-1] @ w["Wo"]}

    def backward(w: Weights, layers: Weights) -> Weights:
        d = (layers["out"] - y) / 5
        found = {name: np.zeros_like(w[name]) for name in ("Wx", "Wh", "bh")}
        found["Wo"] = layers["states"][-1].T @ d
        back = d @ w["Wo"].T
        for now, (before, after) in reversed(list(zip(x, pairwise(layers["states"]), strict=True))):
            inner = back * (1 - after**2)
            found["Wx"] += now.T @ inner
            found["Wh"] += before.T @ inner
            found["bh"] += inner.sum(0)
            back = inner @ w["Wh"].T
        return found

    shapes = {"Wx": (2, 3), "Wh": (3, 3), "bh": (3,), "Wo": (3, 2)}
    return Net({name: scale * rng.normal(size=shape) for name, shape in shapes.items()}, loss, forward, backward)


NETS = [linear, layers, recurrent]
LAST = {linear: "b", layers: "b2", recurrent: "Wo"}  # a parameter on whose gradient no other weight has a direct say
every_net = pytest.mark.parametrize("make", NETS, ids=lambda make: make.__name__)


def down(w: Weights, deltas: Weights, lr: float = LR) -> None:
    for name, delta in deltas.items():
        w[name] -= lr * delta


def audit(net: Net, step: Any, lr: float = LR, **more: Any) -> TrainingReport:
    return al.check_training(step, net.loss, net.start, lr=lr, **more)


def right(net: Net, lr: float = LR) -> Any:
    return lambda w: down(w, net.deltas(w), lr)


def wrong(report: TrainingReport) -> set[str]:
    return {finding.name for finding in report if finding.verdict != "agrees"}


def kinds(report: TrainingReport, name: str) -> list[str]:
    return [cause.kind for cause in report[name].causes]


# ----- right steps -----


@every_net
@pytest.mark.parametrize("returned", [False, True], ids=["in place", "returned"])
def test_a_right_step_agrees(make: Any, returned: bool) -> None:
    for seed in range(40):
        net = make(seed)
        step = (lambda w, net=net: {n: w[n] - LR * d for n, d in net.deltas(w).items()}) if returned else right(net)
        report = audit(net, step)
        assert report, f"seed {seed}\n{report}"
        assert {finding.verdict for finding in report} == {"agrees"}
        assert not any(finding.causes for finding in report)


@every_net
@pytest.mark.parametrize("lr", [1e-12, 1e-6, 1e-3, 1.0, 30.0, 1e6, -0.1])
@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e3, 1e8])
def test_a_right_step_agrees_whatever_the_sizes(make: Any, scale: float, lr: float) -> None:
    for seed in range(3):
        net = make(seed, scale)
        report = audit(net, right(net, lr), lr)
        assert report, f"seed {seed}\n{report}"


@every_net
def test_a_right_step_agrees_near_convergence(make: Any) -> None:
    for seed in range(3):
        net = make(seed)
        w = {name: array.copy() for name, array in net.start.items()}
        for k in range(4000):
            down(w, net.deltas(w), 0.2)
            if k % 500 == 0 or k > 3990:
                report = al.check_training(right(net), net.loss, w, lr=LR)
                assert report, f"seed {seed}, after {k} steps\n{report}"


@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
def test_a_right_step_agrees_where_the_error_is_all_rounding(size: float) -> None:
    """The gradient is what rounding leaves, and comes out another when it is added up in another order."""
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        x, w = size * rng.normal(size=(20, 3)), rng.normal(size=(3, 1))
        y = x @ w * (1 + 1e-13)

        def step(weights: Weights, x: Any = x, y: Any = y) -> None:
            out = sum(x[:, k : k + 1] * weights["w"][k] for k in (2, 0, 1))
            weights["w"] -= 1e-3 * sum(x[k : k + 1].T * 2 * (out[k] - y[k]) for k in range(20)[::-1])

        report = al.check_training(step, lambda t, x=x, y=y: (x @ t["w"] - y).square().sum(), {"w": w}, lr=1e-3)
        assert report, f"seed {seed}\n{report}"


def test_a_weight_without_a_say_stays() -> None:
    net = linear(0)
    report = al.check_training(right(net), net.loss, {**net.start, "unused": np.ones(3)}, lr=LR)
    assert report
    assert np.array_equal(report["unused"].gradient, np.zeros(3))


def test_weights_may_be_tensors_lists_and_numbers() -> None:
    def step(w: Weights) -> Weights:
        return {name: np.asarray(array) - 0.1 * 2 * np.asarray(array) for name, array in w.items()}

    def loss(t: Weights) -> al.Tensor:
        return sum((t[name] ** 2).sum() for name in t)

    given = {"tensor": al.tensor([1.0, 2.0], requires_grad=True), "list": [3, 4], "number": 5}
    assert al.check_training(step, loss, given, lr=0.1)


# ----- planted slips: name, cause, factor -----


def forgotten(net: Net, name: str) -> Any:
    return lambda w: down(w, {n: d for n, d in net.deltas(w).items() if n != name})


def times(net: Net, name: str, k: float) -> Any:
    return lambda w: down(w, {n: d * (k if n == name else 1) for n, d in net.deltas(w).items()})


PLANTED: dict[str, tuple[Any, str, float | None]] = {
    "forgotten": (forgotten, "forgotten", None),
    "uphill": (lambda net, name: times(net, name, -1), "sign", -1.0),
    "twice": (lambda net, name: times(net, name, 2), "repeated", 2.0),
    "three times": (lambda net, name: times(net, name, 3), "repeated", 3.0),
    "100 times": (lambda net, name: times(net, name, 100), "repeated", 100.0),
    "a tenth of the rate": (lambda net, name: times(net, name, 0.1), "factor", 0.1),
    "the rate and a half": (lambda net, name: times(net, name, 1.5), "factor", 1.5),
    "a thousandth more": (lambda net, name: times(net, name, 1.001), "factor", 1.001),
    "divided by 5 examples": (lambda net, name: times(net, name, 1 / 5), "factor", 0.2),
    "half of it uphill": (lambda net, name: times(net, name, -0.5), "factor", -0.5),
}


@every_net
@pytest.mark.parametrize("slip", PLANTED)
def test_one_parameter_is_named_with_its_cause(make: Any, slip: str) -> None:
    plant, kind, factor = PLANTED[slip]
    for seed in SEEDS:
        net = make(seed)
        for name in net.start:
            report = audit(net, plant(net, name))
            assert not report
            assert wrong(report) == {name}, f"seed {seed}\n{report}"
            assert report[name].verdict == "introduced"
            first = report[name].causes[0]
            assert first.kind == kind, f"seed {seed}\n{report}"
            assert first.factor == (None if factor is None else pytest.approx(factor, rel=1e-6))


@every_net
@pytest.mark.parametrize("slip", [slip for slip in PLANTED if slip != "forgotten"])
def test_all_parameters_are_named_with_their_cause(make: Any, slip: str) -> None:
    _, kind, factor = PLANTED[slip]
    net = make(1)
    report = audit(net, lambda w: down(w, {n: factor * d for n, d in net.deltas(w).items()}))
    assert wrong(report) == set(net.start)
    assert {finding.causes[0].kind for finding in report} == {kind}
    assert [finding.ratio for finding in report] == pytest.approx([factor] * len(net.start))
    assert [finding.cosine for finding in report] == pytest.approx([np.sign(factor)] * len(net.start))


@every_net
@pytest.mark.parametrize("k", [2, 3, 100])
@pytest.mark.parametrize("lr", [1e-4, 5e-3])
def test_several_updates_of_one_pass(make: Any, k: int, lr: float) -> None:
    """The layers are kept, the weights move: a delta that goes back through a weight moves with it."""

    def step(w: Weights) -> None:
        kept = net.forward(w)
        for _ in range(k):
            down(w, net.backward(w, kept), lr)

    for seed in SEEDS if k < 100 else SEEDS[:2]:
        net = make(seed)
        told = audit(net, step, lr, deltas=lambda w, net=net: net.backward(w, net.forward(net.start)))
        plain = audit(net, step, lr)
        for report in (told, plain):
            assert wrong(report) == set(net.start), f"seed {seed}\n{report}"
        for finding in (*told, *(plain if make is not recurrent else [plain["Wo"]])):
            assert [cause.kind for cause in finding.causes] == ["repeated"], f"seed {seed}\n{finding.name}\n{plain}"
            assert finding.causes[0].factor == k


@every_net
@pytest.mark.parametrize("k", [2, 3, 8])
def test_several_whole_passes(make: Any, k: int) -> None:
    for seed in SEEDS:
        net = make(seed)

        def step(w: Weights, net: Net = net) -> None:
            for _ in range(k):
                down(w, net.deltas(w))

        for more in ({}, {"deltas": net.deltas}):
            report = audit(net, step, **more)
            assert wrong(report) == set(net.start)
            for finding in report:
                assert [(c.kind, c.factor) for c in finding.causes] == [("repeated", k)], f"seed {seed}\n{report}"


@pytest.mark.parametrize("again", [False, True], ids=["on the way back", "in a new pass"])
def test_stale_weights(again: bool) -> None:
    """W2 is updated before the hidden delta is taken back through it."""
    for seed in SEEDS:
        net = layers(seed)

        def step(w: Weights, net: Net = net) -> None:
            before = net.forward(w)
            found = net.backward(w, before)
            w["W2"] -= LR * found["W2"]
            later = net.backward(w, net.forward(w) if again else before)
            down(w, {"W1": later["W1"], "b1": later["b1"], "b2": found["b2"]})

        report = audit(net, step)
        assert wrong(report) == {"W1", "b1"}, f"seed {seed}\n{report}"
        for name in ("W1", "b1"):
            assert kinds(report, name)[:1] == ["stale-weights"], f"seed {seed}\n{report}"
            assert report[name].causes[0].explanation.startswith("W2 had") is not again
            assert "W2" in report[name].causes[0].explanation


@pytest.mark.parametrize("again", [False, True], ids=["on the way back", "in a new pass"])
def test_stale_weights_where_the_whole_layer_was_updated(again: bool) -> None:
    for seed in SEEDS:
        net = layers(seed)

        def step(w: Weights, net: Net = net) -> None:
            before = net.forward(w)
            found = net.backward(w, before)
            down(w, {"W2": found["W2"], "b2": found["b2"]})
            later = net.backward(w, net.forward(w) if again else before)
            down(w, {"W1": later["W1"], "b1": later["b1"]})

        report = audit(net, step)
        assert wrong(report) == {"W1", "b1"}, f"seed {seed}\n{report}"
        assert {tuple(kinds(report, name)[:1]) for name in ("W1", "b1")} == {("stale-weights",)}, f"{seed}\n{report}"


def test_stale_weights_through_time() -> None:
    """Wo is updated first, and everything before it goes back through the new one."""
    for seed in SEEDS:
        net = recurrent(seed)

        def step(w: Weights, net: Net = net) -> None:
            before = net.forward(w)
            w["Wo"] -= LR * net.backward(w, before)["Wo"]
            down(w, {n: d for n, d in net.backward(w, before).items() if n != "Wo"})

        report = audit(net, step)
        assert wrong(report) == {"Wx", "Wh", "bh"}, f"seed {seed}\n{report}"
        assert {kinds(report, name)[0] for name in ("Wx", "Wh", "bh")} == {"stale-weights"}, f"seed {seed}\n{report}"


def test_stale_weights_that_are_used_transposed() -> None:
    """PyTorch's layout: (out, in)."""
    for seed in SEEDS:
        net = layers(seed)

        def turned(w: Weights) -> Weights:
            return {**w, "W2": w["W2"].T}

        def step(w: Weights, net: Net = net) -> None:
            before = net.forward(turned(w))
            w["W2"] -= LR * net.backward(turned(w), before)["W2"].T
            down(w, {n: d for n, d in net.backward(turned(w), before).items() if n != "W2"})

        report = al.check_training(step, lambda w, net=net: net.loss(turned(w)), turned(net.start), lr=LR)
        assert wrong(report) == {"W1", "b1"}, f"seed {seed}\n{report}"
        assert {tuple(kinds(report, name)[:1]) for name in ("W1", "b1")} == {("stale-weights",)}, f"{seed}\n{report}"


def test_computed_from_another_weight_of_another_shape() -> None:
    """b1 = W1 - lr * db1: broadcasting makes it a matrix."""
    for seed in SEEDS:
        net = layers(seed)

        def step(w: Weights, net: Net = net) -> Weights:
            d = net.deltas(w)
            new = {name: w[name] - LR * d[name] for name in w}
            return {**new, "b1": w["W1"] - LR * d["b1"]}

        report = audit(net, step)
        assert wrong(report) == {"b1"}
        assert kinds(report, "b1")[0] == "wrong-operand"
        assert "computed from W1" in report["b1"].causes[0].explanation
        assert report["b1"].step is None
        assert report["b1"].cosine is None
        assert report["b1"].ratio is None


def square(seed: int) -> Net:
    """Two square layers, whose weights have one shape."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))

    def forward(w: Weights) -> Weights:
        hidden = np.tanh(x @ w["A"])
        return {"hidden": hidden, "out": hidden @ w["B"]}

    def backward(w: Weights, layers: Weights) -> Weights:
        d = (layers["out"] - y) / 5
        return {"A": x.T @ (d @ w["B"].T * (1 - layers["hidden"] ** 2)), "B": layers["hidden"].T @ d}

    start = {"A": rng.normal(size=(3, 3)), "B": rng.normal(size=(3, 3))}
    return Net(start, lambda w: (al.tanh(x @ w["A"]) @ w["B"] - y).square().sum() / 10, forward, backward)


@pytest.mark.parametrize(
    ("slip", "names"),
    [
        ("A from B", {"A"}),
        ("swapped when returned", {"A", "B"}),
        ("swapped deltas", {"A", "B"}),
        ("one delta for both", {"A"}),
        ("A is B", {"A"}),
    ],
)
def test_another_weight_of_the_same_shape(slip: str, names: set[str]) -> None:
    for seed in SEEDS:
        net = square(seed)

        def step(w: Weights, net: Net = net) -> Weights:
            d = net.deltas(w)
            a, b = w["A"] - LR * d["A"], w["B"] - LR * d["B"]
            return {
                "A from B": {"A": w["B"] - LR * d["A"], "B": b},
                "swapped when returned": {"A": b, "B": a},
                "swapped deltas": {"A": w["A"] - LR * d["B"], "B": w["B"] - LR * d["A"]},
                "one delta for both": {"A": w["A"] - LR * d["B"], "B": b},
                "A is B": {"A": w["B"], "B": b},
            }[slip]

        report = audit(net, step)
        assert wrong(report) == names, f"seed {seed}\n{report}"
        assert {kinds(report, name)[0] if report[name].causes else "" for name in names} == {"wrong-operand"}, (
            f"seed {seed}\n{report}"
        )


@every_net
def test_a_wrong_shape(make: Any) -> None:
    net = make(0)
    for name in net.start:
        report = audit(net, lambda w, name=name, net=net: {**w, **{name: np.ones((7, 9))}})
        assert report[name].verdict == "introduced"
        assert kinds(report, name) == ["shape"]
        assert "(7, 9)" in report[name].causes[0].explanation


@every_net
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_step_that_is_not_finite(make: Any, value: float) -> None:
    net = make(0)
    for name in net.start:

        def step(w: Weights, name: str = name) -> None:
            down(w, net.deltas(w))
            w[name].flat[0] = value

        report = audit(net, step)
        assert wrong(report) == {name}
        json.dumps(report.to_dict(), allow_nan=False)
        assert f"for {name}\n" in str(report)


@every_net
def test_the_wrong_rate_everywhere(make: Any) -> None:
    net = make(3)
    report = audit(net, right(net, LR / 10))
    assert wrong(report) == set(net.start)
    assert {(f.causes[0].kind, round(f.causes[0].factor or 0, 6)) for f in report} == {("factor", 0.1)}


# ----- deltas -----


def without_slope(net: Net) -> Callable[[Weights], Weights]:
    """The hidden delta without the slope of tanh."""

    def deltas(w: Weights) -> Weights:
        flat = net.forward(w)
        found = net.backward(w, flat)
        wrong = net.backward(w, {**flat, "hidden": np.zeros_like(flat["hidden"])})
        return {**found, "W1": wrong["W1"], "b1": wrong["b1"]}

    return deltas


@pytest.mark.parametrize("as_function", [False, True], ids=["arrays", "function"])
@pytest.mark.parametrize("sign", [1, -1])
def test_wrong_deltas_that_are_followed_are_inherited(as_function: bool, sign: int) -> None:
    for seed in SEEDS:
        net = layers(seed)
        deltas = without_slope(net)

        def signed(w: Weights, deltas: Any = deltas) -> Weights:
            return {name: sign * d for name, d in deltas(w).items()}

        given = signed if as_function else signed(net.start)
        report = audit(net, lambda w, deltas=deltas: down(w, deltas(w)), deltas=given)
        assert [finding.verdict for finding in report] == ["inherited", "inherited", "agrees", "agrees"]
        assert not report
        assert audit(net, lambda w, deltas=deltas: down(w, deltas(w)))["W1"].verdict == "introduced"


@pytest.mark.parametrize("k", [2, 100])
def test_wrong_deltas_followed_several_times(k: int) -> None:
    net = layers(5)
    deltas = without_slope(net)
    kept = net.forward(net.start)

    def of(w: Weights) -> Weights:
        wrong = net.backward(w, {**kept, "hidden": np.zeros_like(kept["hidden"])})
        return {**net.backward(w, kept), "W1": wrong["W1"], "b1": wrong["b1"]}

    def step(w: Weights) -> None:
        for _ in range(k):
            down(w, of(w), 1e-3)

    report = audit(net, step, 1e-3, deltas=of)
    assert deltas(net.start)["W1"] == pytest.approx(of(net.start)["W1"])
    assert [(f.verdict, f.causes[0].kind, f.causes[0].factor) for f in report] == [("introduced", "repeated", k)] * 4


def test_deltas_that_are_right_and_not_followed() -> None:
    net = layers(2)
    report = audit(net, times(net, "W1", -1), deltas=net.deltas(net.start))
    assert wrong(report) == {"W1"}
    assert kinds(report, "W1") == ["sign"]


def test_deltas_of_some_alone() -> None:
    net = layers(2)
    deltas = without_slope(net)
    report = audit(net, lambda w: down(w, deltas(w)), deltas={"W1": deltas(net.start)["W1"]})
    assert [finding.verdict for finding in report] == ["inherited", "introduced", "agrees", "agrees"]


# ----- what is handed in -----


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="lr is 0"):
        audit(linear(0), right(linear(0)), 0.0)


@pytest.mark.parametrize("lr", [np.nan, np.inf])
def test_a_rate_that_is_not_finite_is_refused(lr: float) -> None:
    with pytest.raises(ValueError, match="lr"):
        audit(linear(0), lambda w: None, lr)


@pytest.mark.parametrize("made", [3, [1.0], "w", {}, {"w": np.ones((3, 2))}, {"w": 1, "b": 2, "c": 3}])
def test_a_step_that_returns_nonsense_is_refused(made: Any) -> None:
    with pytest.raises(ValueError, match="step must return a dict of w, b, or change them in place"):
        audit(linear(0), lambda w: made)


@pytest.mark.parametrize("loss", [lambda t: t["w"], lambda t: 1.0, lambda t: None, lambda t: al.tensor(1.0)])
def test_a_loss_that_is_not_one_number_of_the_weights_is_refused(loss: Any) -> None:
    with pytest.raises(ValueError, match="loss must return one number, a Tensor that depends on the weights"):
        al.check_training(lambda w: None, loss, linear(0).start, lr=LR)


@pytest.mark.parametrize("slip", [None, "twice"])
def test_what_was_handed_in_stays_as_it_was(slip: str | None) -> None:
    net = layers(0)
    deltas = without_slope(net)(net.start)
    before = {**{f"w {n}": w.copy() for n, w in net.start.items()}, **{f"d {n}": d.copy() for n, d in deltas.items()}}

    def step(w: Weights) -> None:
        for _ in range(1 if slip is None else 2):
            down(w, net.deltas(w))
        for name in w:
            w[name] += 0.0

    audit(net, step, deltas=deltas)
    after = {**{f"w {n}": w for n, w in net.start.items()}, **{f"d {n}": d for n, d in deltas.items()}}
    for name, array in before.items():
        assert np.array_equal(array, after[name]), name


def test_deltas_that_write_into_what_they_get() -> None:
    """A function of deltas gets copies, as the step does."""
    net = layers(0)
    start = {name: w.copy() for name, w in net.start.items()}

    def deltas(w: Weights) -> Weights:
        found = without_slope(net)(w)
        for name in w:
            w[name] *= 0
        return found

    report = audit(net, lambda w: down(w, without_slope(net)(w)), deltas=deltas)
    assert [finding.verdict for finding in report] == ["inherited", "inherited", "agrees", "agrees"]
    assert all(np.array_equal(net.start[name], w) for name, w in start.items())


# ----- the report -----


def reports() -> Iterator[TrainingReport]:
    net = layers(0)
    yield audit(net, right(net))
    yield audit(net, forgotten(net, "b1"))
    yield audit(net, lambda w: {**w, "W1": w["W2"]})
    yield audit(net, right(net, 3 * LR))
    yield audit(net, lambda w: down(w, without_slope(net)(w)), deltas=without_slope(net))


def test_a_report_is_for_programs_and_for_readers() -> None:
    for report in reports():
        plain = json.loads(json.dumps(report.to_dict(), allow_nan=False))
        assert plain["agrees"] is bool(report)
        assert plain["lr"] == report.lr == LR
        assert [one["name"] for one in plain["findings"]] == [f.name for f in report] == ["W1", "b1", "W2", "b2"]
        assert {one["verdict"] for one in plain["findings"]} <= {"agrees", "inherited", "introduced"}
        first, *rest = str(report).splitlines()
        named = {name for name in ("W1", "b1", "W2", "b2") if name in first}
        assert named == wrong(report)
        assert ("NOT" in first) is not bool(report)
        assert bool(rest) is not bool(report)
        assert all(line == line.rstrip() and len(line) <= 120 for line in (first, *rest))
        for finding in report:
            assert all(cause.explanation in str(report) for cause in finding.causes)


def test_a_finding_by_its_name() -> None:
    net = layers(0)
    report = audit(net, times(net, "W2", -2))
    assert report["W2"].name == "W2"
    np.testing.assert_allclose(report["W2"].gradient, net.deltas(net.start)["W2"], rtol=1e-12)
    np.testing.assert_allclose(report["W2"].step, -2 * report["W2"].gradient, rtol=1e-9)
    assert report["W2"].cosine == pytest.approx(-1)
    assert report["W2"].ratio == pytest.approx(-2)
    with pytest.raises(KeyError, match="no parameter is called 'W3'; there are W1, b1, W2, b2"):
        report["W3"]
