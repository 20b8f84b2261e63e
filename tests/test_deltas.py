"""`check_deltas` as people call it: keys, errors, conventions, the report, and what it leaves alone."""

import json

import numpy as np
import pytest
from planted import planted

import autograd_lite as al

F = al.nn.functional


class Net:
    """x W1 + b1, tanh, W2, half a mean over the batch; deltas as a person would write them."""

    def __init__(self, m=5, dtype=np.float64, loss="mean", seed=0):
        rng = np.random.default_rng(seed)
        x, y, W1, b1, W2 = (rng.normal(size=s).astype(dtype) for s in ((m, 3), (m, 2), (3, 4), 4, (4, 2)))
        self.x, self.y, self.m = x, y, m
        self.W1, self.b1 = al.tensor(W1, requires_grad=True, name="W1"), al.tensor(b1, requires_grad=True, name="b1")
        self.W2 = al.tensor(W2, requires_grad=True, name="W2")
        self.z1 = al.tensor(x) @ self.W1 + self.b1
        self.h = al.tanh(self.z1)
        self.out = self.h @ self.W2
        for name in ("z1", "h", "out"):
            getattr(self, name).name = name
        total = (self.out - al.tensor(y)).square().sum()
        self.loss = total / m if loss == "mean" else total
        self.h_array = np.tanh(x @ W1 + b1)
        self.error = self.h_array @ W2 - y

    def deltas(self, times=1.0, at_weights=1.0, slope=True):
        """Of `times` the mean, with a factor moved from the loss to the weights, and the slope of tanh left out."""
        d = {"out": 2 * self.error / self.m * times}
        d["W2"] = self.h_array.T @ d["out"] * at_weights
        d["h"] = d["out"] @ self.W2.data.T
        d["z1"] = d["h"] * (1 - self.h_array**2) if slope else d["h"]
        d["W1"] = self.x.T @ d["z1"] * at_weights
        d["b1"] = d["z1"].sum(0) * at_weights
        return d

    def wrong(self):
        return al.check_deltas(self.loss, self.deltas(slope=False))


def verdicts(report):
    return {finding.name: finding.verdict for finding in report}


def first_line(report):
    return str(report).splitlines()[0]


# Keys and arrays


def test_names_and_tensors_are_keys():
    net = Net()
    deltas = net.deltas()
    assert al.check_deltas(net.loss, deltas)
    assert al.check_deltas(net.loss, {getattr(net, name): array for name, array in deltas.items()})
    report = al.check_deltas(net.loss, {"out": deltas["out"], net.h: deltas["h"], net.W1: 2 * deltas["W1"]})
    assert verdicts(report) == {"out": "agrees", "h": "agrees", "W1": "introduced"}


def test_a_tensor_without_a_name_is_a_key():
    w = al.tensor([1.0, 2.0], requires_grad=True)
    report = al.check_deltas((w * w).sum(), {w: [2.0, 5.0]})
    assert [finding.verdict for finding in report] == ["introduced"]
    assert "shape (2,)" in str(report)


def test_two_tensors_without_names_are_told_apart():
    v, w = al.tensor([1.0, 2.0], requires_grad=True), al.tensor([3.0, 4.0], requires_grad=True)
    report = al.check_deltas((v * w).sum(), {v: [3.0, 4.0], w: [1.0, 3.0]})
    assert sorted(finding.verdict for finding in report) == ["agrees", "introduced"]
    assert len({finding.name for finding in report}) == 2, "nobody can tell which one it is"


def test_deltas_may_be_tensors_lists_integers_and_numbers():
    w, c = al.tensor([1.0, 2.0], requires_grad=True, name="w"), al.tensor(3.0, requires_grad=True, name="c")
    loss = (w * w * c).sum()
    loss.name = "loss"
    assert al.check_deltas(loss, {"w": al.tensor([6.0, 12.0]), "c": 5, "loss": 1})
    assert al.check_deltas(loss, {"w": [6, 12], "c": np.int8(5), "loss": 1.0})
    assert al.check_deltas(loss, {"w": np.array([6, 12], np.int32), "c": np.float32(5)})
    assert not al.check_deltas(loss, {"w": np.array([6, 13])})


def test_a_wrong_delta_of_the_loss_itself_is_blamed():
    w = al.tensor([1.0, 2.0], requires_grad=True, name="w")
    loss = (w * w).sum()
    loss.name = "loss"
    report = al.check_deltas(loss, {"loss": 2.0, "w": [4.0, 8.0]})
    assert verdicts(report) == {"loss": "introduced", "w": "inherited"}


@pytest.mark.parametrize("shape", [(4, 1), (1, 4), (1, 4, 1)])
def test_dimensions_of_size_1_do_not_matter(shape):
    net = Net()
    deltas = net.deltas()
    assert al.check_deltas(net.loss, {**deltas, "b1": deltas["b1"].reshape(shape)})
    report = al.check_deltas(net.loss, {**deltas, "b1": 2 * deltas["b1"].reshape(shape)})
    assert verdicts(report)["b1"] == "introduced"
    assert "factor" in [cause.kind for cause in report["b1"].causes]


def test_float64_arrays_for_a_float32_graph_and_the_other_way_round():
    single, double = Net(dtype=np.float32), Net()
    assert al.check_deltas(single.loss, {k: v.astype(float) for k, v in single.deltas().items()})
    assert al.check_deltas(double.loss, {k: v.astype(np.float32) for k, v in double.deltas().items()})


@pytest.mark.parametrize("names", [["W1"], ["out", "W1"], ["h", "W1", "b1"], ["z1"], ["W2", "b1"]])
def test_some_of_the_deltas_are_enough(names):
    net = Net()
    assert al.check_deltas(net.loss, {name: net.deltas()[name] for name in names})
    wrong = net.deltas(slope=False)
    report = al.check_deltas(net.loss, {name: wrong[name] for name in names})
    guilty = ["z1"] if "z1" in names else [name for name in names if name in ("W1", "b1")]
    assert sorted(finding.name for finding in report.introduced) == sorted(guilty)
    for name in guilty:
        assert "missing-derivative" in {cause.kind for cause in report[name].causes}


# Errors


def test_an_unknown_name_is_refused_with_a_suggestion():
    net = Net()
    with pytest.raises(KeyError, match=r"no tensor of the graph is called 'w1'.*did you mean 'W1'\?.*out"):
        al.check_deltas(net.loss, {"w1": net.deltas()["W1"]})
    w = al.tensor([1.0], requires_grad=True)
    with pytest.raises(KeyError, match="none has a name"):
        al.check_deltas((w * w).sum(), {"w": [2.0]})


def test_a_name_of_two_tensors_is_refused():
    net = Net()
    net.h.name = "out"
    with pytest.raises(KeyError, match="2 tensors of the graph are called 'out'"):
        al.check_deltas(net.loss, {"out": net.deltas()["out"]})
    assert al.check_deltas(net.loss, {net.out: net.deltas()["out"], net.h: net.deltas()["h"]})


def test_tensors_that_are_not_in_the_graph_are_refused():
    net, other = Net(), Net()
    with pytest.raises(KeyError, match="W1 is not in the graph of this loss"):
        al.check_deltas(net.loss, {other.W1: net.deltas()["W1"]})
    with pytest.raises(KeyError, match="requires no gradient"):
        al.check_deltas(net.loss, {al.tensor(net.x): net.x})
    with pytest.raises(ValueError, match="two of the keys are the same tensor"):
        al.check_deltas(net.loss, {"W1": net.deltas()["W1"], net.W1: net.deltas()["W1"]})


def test_a_loss_must_be_one_number_that_was_recorded():
    net = Net()
    with pytest.raises(ValueError, match=r"must be one number, and has shape \(5, 2\)"):
        al.check_deltas(net.out, net.deltas())
    with pytest.raises(ValueError, match="is a constant"):
        al.check_deltas(al.tensor(1.0), net.deltas())
    with al.no_grad():
        loss = (net.W1 * 2).sum()
    with pytest.raises(ValueError, match="is a constant"):
        al.check_deltas(loss, {"W1": net.deltas()["W1"]})


def test_a_loss_of_shape_1_1_is_one_number():
    w = al.tensor([[1.0], [2.0]], requires_grad=True, name="w")
    assert al.check_deltas(w.T @ w, {"w": [[2.0], [4.0]]})


def test_a_freed_or_changed_graph_is_refused():
    net = Net()
    net.loss.backward(retain_graph=True)
    assert al.check_deltas(net.loss, net.deltas())
    net.loss.backward()
    with pytest.raises(al.GraphError, match="freed"):
        al.check_deltas(net.loss, net.deltas())
    net = Net()
    deltas = net.deltas()
    with al.no_grad():
        net.W2 -= 0.1
    with pytest.raises(al.GraphError, match="changed in place"):
        al.check_deltas(net.loss, deltas)


@pytest.mark.parametrize("array", [np.array(["1", "2"]), np.array([1j, 2]), [[1.0], [2.0, 3.0]], [None, 1.0]])
def test_what_is_not_numbers_is_refused(array):
    w = al.tensor([1.0, 2.0], requires_grad=True, name="w")
    with pytest.raises((TypeError, ValueError)):
        al.check_deltas((w * w).sum(), {"w": array})


def test_a_report_has_no_finding_of_what_was_not_handed_in():
    report = Net().wrong()
    with pytest.raises(KeyError, match="no delta of 'nothing' was handed in; there are out"):
        report["nothing"]


# Deltas that are no deltas


def test_a_wrong_shape_is_a_finding():
    net = Net()
    for array in (np.ones((7, 2)), np.ones(3), np.ones(()), np.ones((0,)), np.ones((2, 2, 2))):
        report = al.check_deltas(net.loss, {**net.deltas(), "z1": array})
        assert verdicts(report) == {**dict.fromkeys(net.deltas(), "agrees"), "z1": "introduced"}
        assert str(array.shape) in str(report)
        assert report["z1"].worst is None
        json.dumps(report.to_dict(), allow_nan=False)
    report = al.check_deltas(net.loss, {**net.deltas(), "h": net.deltas()["h"].T})
    assert report["h"].causes[0].kind == "transposed"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_blamed_where_it_came_up(value):
    net = Net()
    report = al.check_deltas(net.loss, {**net.deltas(), "z1": np.full((5, 4), value)})
    assert verdicts(report) == {**dict.fromkeys(net.deltas(), "agrees"), "z1": "introduced"}
    assert "not finite" in str(report)
    json.dumps(report.to_dict(), allow_nan=False)
    one = net.deltas()["h"].copy()
    one[2, 1] = value
    report = al.check_deltas(net.loss, {**net.deltas(), "h": one})
    assert verdicts(report)["h"] == "introduced"
    assert "[2, 1]" in str(report)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_follows_from_what_is_not_finite_is_inherited(value):
    net = Net()
    deltas = net.deltas()
    deltas["h"] = deltas["h"] * value
    deltas["z1"] = deltas["h"] * (1 - net.h_array**2)
    with np.errstate(all="ignore"):
        deltas["W1"], deltas["b1"] = net.x.T @ deltas["z1"], deltas["z1"].sum(0)
    report = al.check_deltas(net.loss, deltas)
    assert [finding.name for finding in report.introduced] == ["h"]
    json.dumps(report.to_dict(), allow_nan=False)


def test_zeros_where_there_is_a_gradient():
    net = Net()
    report = al.check_deltas(net.loss, {**net.deltas(), "W1": np.zeros((3, 4))})
    assert verdicts(report)["W1"] == "introduced"
    json.dumps(report.to_dict(), allow_nan=False)


# Conventions


@pytest.mark.parametrize("k", [-1.0, 0.5, -0.5, 0.2, -0.2, 2.0, 5.0])
def test_a_constant_of_the_whole_pass_is_a_convention(k):
    net = Net()
    report = al.check_deltas(net.loss, net.deltas(times=k))
    assert not report
    assert al.check_deltas(net.loss, net.deltas(times=k), up_to_scale=True)
    assert report.scale == pytest.approx(k, rel=1e-9)
    assert report["out"].convention
    assert report.introduced == []
    assert report["out"].causes[0].kind in ("sign", "factor", "sum-for-mean", "mean-for-sum")
    assert {finding.verdict for finding in report if finding.name != "out"} == {"inherited"}
    said = {-1.0: "minus the gradient", 0.5: "half the loss", -0.5: "minus half the gradient", 0.2: "0.2 times"}
    assert said.get(k, "") in first_line(report)
    assert "WRONG" not in first_line(report)


@pytest.mark.parametrize("k", [-1.0, 0.5, 0.2])
def test_a_convention_does_not_hide_a_mistake(k):
    net = Net()
    for up_to_scale in (False, True):
        report = al.check_deltas(net.loss, net.deltas(times=k, slope=False), up_to_scale=up_to_scale)
        assert not report
        assert [finding.name for finding in report.introduced] == ["z1"]
        assert report.scale == pytest.approx(k, rel=1e-9)
        assert report["z1"].causes[0].kind == "missing-derivative"


def test_a_convention_hides_no_broken_sign_below():
    """In a pass of minus the gradient, a delta that is the gradient itself fits no update that fits the others."""
    net = Net()
    deltas = net.deltas(times=-1.0)
    deltas["W1"] = -deltas["W1"]
    report = al.check_deltas(net.loss, deltas, up_to_scale=True)
    assert not report
    assert [finding.name for finding in report.introduced] == ["W1"]
    deltas["b1"] = 3 * deltas["b1"]
    report = al.check_deltas(net.loss, deltas)
    assert {finding.name for finding in report.introduced} == {"b1", "W1"}


def test_one_over_m_may_stand_at_the_weights():
    """Inner deltas are m times those of the mean, and the parameters' are right."""
    net = Net()
    deltas = net.deltas(times=5.0, at_weights=1 / 5)
    report = al.check_deltas(net.loss, deltas)
    assert {name: verdicts(report)[name] for name in ("W1", "b1", "W2")} == dict.fromkeys(("W1", "b1", "W2"), "agrees")
    assert report.introduced == []
    assert report.scale == pytest.approx(1.0)
    assert "5 times" in first_line(report)
    assert al.check_deltas(net.loss, deltas, up_to_scale=True)


def test_one_over_m_at_the_weights_and_a_sign():
    net = Net()
    report = al.check_deltas(net.loss, net.deltas(times=-5.0, at_weights=1 / 5))
    assert report.introduced == []
    assert report.scale == pytest.approx(-1.0)
    assert "minus" in first_line(report)


def test_one_over_m_forgotten_at_one_of_the_weights():
    net = Net()
    deltas = net.deltas(times=5.0, at_weights=1 / 5)
    deltas["b1"] *= 5
    report = al.check_deltas(net.loss, deltas)
    assert [finding.name for finding in report.introduced] == ["b1"]
    assert report["b1"].causes[0].kind in ("factor", "sum-for-mean")


@pytest.mark.parametrize("k", [-1.0, 3.0, 1 / 5])
def test_leaves_alone_turned_or_scaled_are_not_said_to_be_right(k):
    """The inner deltas agree with the gradient, so what is odd at the leaves came in there."""
    net = Net()
    report = al.check_deltas(net.loss, net.deltas(at_weights=k))
    assert not report
    odd = [finding for finding in report if finding.verdict == "introduced"]
    assert {finding.name for finding in odd} & {"W1", "b1", "W2"}
    assert "are the gradient of the loss" not in first_line(report)


# The report


def test_a_report_of_a_right_pass():
    net = Net()
    report = al.check_deltas(net.loss, net.deltas())
    assert bool(report) is True
    assert report.scale == 1.0
    assert first_line(report) == "check_deltas: all 6 agree with the gradient"
    assert len(report) == 6
    assert all(finding.verdict == "agrees" and not finding.causes for finding in report)
    assert report.introduced == []


def test_a_report_of_a_wrong_pass():
    report = Net().wrong()
    assert bool(report) is False
    assert first_line(report) == "check_deltas: WRONG, one mistake was introduced: z1"
    names = [finding.name for finding in report]
    assert names[0] == "out"
    assert names.index("h") < names.index("z1") < names.index("W1")
    finding = report["z1"]
    assert finding.causes[0].kind == "missing-derivative"
    assert finding.causes[0].op == "tanh"
    assert finding.above == ["h"]
    assert finding.hand.shape == finding.expected.shape == finding.true.shape == (5, 4)
    index, hand, expected = finding.worst
    assert finding.hand[index] == hand
    assert finding.expected[index] == expected
    assert abs(hand - expected) == np.abs(finding.hand - finding.expected).max()
    assert 0 < finding.cosine < 1
    assert finding.line is None or isinstance(finding.line, str)
    assert "INTRODUCED here" in str(report)
    assert "inherited: right, given the delta of z1" in str(report)


def test_two_mistakes_are_counted():
    net = Net()
    deltas = net.deltas(slope=False)
    deltas["W2"] = 3 * deltas["W2"]
    report = al.check_deltas(net.loss, deltas)
    assert first_line(report).startswith("check_deltas: WRONG, 2 mistakes were introduced:")
    assert {finding.name for finding in report.introduced} == {"z1", "W2"}


def test_a_report_goes_to_json_and_back():
    made = json.loads(json.dumps(Net().wrong().to_dict(), allow_nan=False))
    assert made["agrees"] is False
    assert made["scale"] == 1.0
    found = {finding["name"]: finding for finding in made["findings"]}
    assert found["z1"]["verdict"] == "introduced"
    assert found["z1"]["causes"][0]["kind"] == "missing-derivative"
    assert found["W1"]["verdict"] == "inherited"
    for network in ("recurrent", "layer_norm", "logistic_single", "embedding"):
        mistake = list(planted(network)[0].known)[-1]
        hand, loss = planted(network, mistake)
        json.dumps(al.check_deltas(loss, hand.deltas).to_dict(), allow_nan=False)


def test_the_line_that_made_a_tensor_is_named():
    with al.record_lines():
        net = Net()
    assert "made at test_deltas.py:" in str(net.wrong())


# What is left alone


def test_nothing_is_changed_by_the_call():
    net, twin = Net(), Net()
    deltas = net.deltas(slope=False)
    before = {name: array.copy() for name, array in deltas.items()}
    pages = {str(al.check_deltas(net.loss, deltas)) for _ in range(2)}
    assert len(pages) == 1
    assert all(np.array_equal(deltas[name], before[name]) for name in deltas)
    assert net.W1.grad is net.b1.grad is net.W2.grad is None
    net.loss.backward()
    twin.loss.backward()
    for one, other in ((net.W1, twin.W1), (net.b1, twin.b1), (net.W2, twin.W2)):
        assert np.array_equal(one.grad.data, other.grad.data)


def test_gradients_that_are_there_stay():
    net = Net()
    net.loss.backward(retain_graph=True)
    before = net.W1.grad.data.copy()
    net.wrong()
    assert np.array_equal(net.W1.grad.data, before)


def test_no_random_numbers_are_drawn():
    net = Net()
    al.manual_seed(0)
    np.random.seed(0)
    before = F.dropout(al.ones(100)).tolist(), np.random.rand()
    al.manual_seed(0)
    np.random.seed(0)
    net.wrong()
    assert (F.dropout(al.ones(100)).tolist(), np.random.rand()) == before


def test_a_recording_that_is_off_does_not_matter():
    net = Net()
    with al.no_grad():
        assert al.check_deltas(net.loss, net.deltas())


# Size


def test_a_deep_graph_needs_no_recursion():
    w = al.tensor(1.0, requires_grad=True, name="w")
    y = w
    for _ in range(3000):
        y = y * 1.0001
    true = 1.0001**3000
    assert al.check_deltas(y, {"w": np.prod(np.full(3000, 1.0001))})
    assert not al.check_deltas(y, {"w": -true})


# Softmax and sigmoid inside an op


def stable(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("only", ["logits", "w"])
@pytest.mark.parametrize(
    ("delta", "kind", "words"),
    [
        (lambda p, x, y: p + y, "sign", "the target was added to softmax(logits), not subtracted from it"),
        (lambda p, x, y: p, "wrong-operand", "the target was not subtracted from softmax(logits)"),
        (lambda p, x, y: x - y, "wrong-operand", "logits stands where softmax(logits) belongs"),
        (lambda p, x, y: np.exp(x) - y, "wrong-operand", "exp(logits) stands where softmax(logits) belongs"),
        (lambda p, x, y: stable(x, 0) - y, "wrong-operand", "softmax(logits) was taken along dimension 0 instead of 1"),
    ],
)
def test_cross_entropy_by_hand(delta, kind, words, only, reduction):
    rng = np.random.default_rng(0)
    x, w, labels = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), rng.integers(0, 3, 5)
    logits = al.tensor(x) @ al.tensor(w, requires_grad=True, name="w")
    logits.name = "logits"
    loss = al.nn.functional.cross_entropy(logits, al.tensor(labels), reduction=reduction)
    scores, n = x @ w, 5 if reduction == "mean" else 1
    right, wrong = ((f(stable(scores, 1), scores, np.eye(3)[labels]) / n) for f in (lambda p, x, y: p - y, delta))
    for d, causes in ((right, []), (wrong, [(kind, words)])):
        report = al.check_deltas(loss, {"logits": d} if only == "logits" else {"w": x.T @ d})
        assert [(c.kind, c.explanation) for f in report.introduced for c in f.causes[:1]] == causes, str(report)


@pytest.mark.parametrize("target", ["labels", "probabilities"])
def test_zeros_in_place_of_a_cross_entropys_gradient(target):
    rng = np.random.default_rng(0)
    logits = al.tensor(rng.normal(size=(5, 3)), requires_grad=True, name="logits")
    targets = {"labels": rng.integers(0, 3, 5), "probabilities": stable(rng.normal(size=(5, 3)), 1)}
    report = al.check_deltas(
        al.nn.functional.cross_entropy(logits, al.tensor(targets[target])), {"logits": np.zeros((5, 3))}
    )
    assert {cause.kind for cause in report["logits"].causes} == {"missing-path"}, str(report)


def test_logistic_loss_by_hand():
    rng = np.random.default_rng(0)
    logits = al.tensor(rng.normal(size=(5, 3)), requires_grad=True, name="logits")
    target = rng.integers(0, 2, (5, 3)).astype(float)
    loss = al.nn.functional.binary_cross_entropy_with_logits(logits, al.tensor(target), reduction="sum")
    p = 1 / (1 + np.exp(-logits.data))
    assert al.check_deltas(loss, {"logits": p - target})
    report = al.check_deltas(loss, {"logits": p + target})
    assert report["logits"].causes[0].explanation == "the target was added to sigmoid(logits), not subtracted from it"
