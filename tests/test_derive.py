"""The code that `derive` writes: its text, its names, what it refuses, and every network."""

from __future__ import annotations

import ast
import keyword
import re
import subprocess
import sys

import cost
import numpy as np
import pytest

import autograd_lite as al
import models
from autograd_lite import nn
from autograd_lite.derive import codes, numpy_ops
from autograd_lite.nn import functional as F
from models import picture

rs = np.random.RandomState(0)


KEPT = []  # tensors whose arrays no rule keeps


def tensor(*shape, name=None, grad=True):
    KEPT.append(al.tensor(rs.uniform(-1, 1, shape), requires_grad=grad, name=name))
    return KEPT[-1]


@pytest.fixture(autouse=True)
def _let_go():
    yield
    KEPT.clear()


def layers(activation=F.relu, inner=True):
    """Two layers, with names for all, or not for what goes into the activation."""
    x, goal = tensor(4, 3, name="layer_0", grad=False), tensor(4, 2, name="goal", grad=False)
    w01, w12 = tensor(3, 5, name="weights_0_1"), tensor(5, 2, name="weights_1_2")
    into = x @ w01
    layer_1 = activation(into)
    layer_2 = layer_1 @ w12
    layer_1.name, layer_2.name = "layer_1", "layer_2"
    if inner:
        into.name = "layer_1_in"
    return layer_2, goal


def code(loss, **more):
    """The lines of the backward pass, without comments."""
    lines = al.derive(loss, **more).backward.splitlines()
    return [line.partition("  #")[0] for line in lines if not line.startswith("#")]


# Text


def test_a_network_reads_as_in_a_textbook():
    layer_2, goal = layers(inner=False)
    assert code(((layer_2 - goal) ** 2).sum() / 2) == [
        "layer_2_delta = layer_2 - goal",
        "layer_1_delta = (layer_2_delta @ weights_1_2.T) * (layer_1 > 0)",
        "weights_1_2_delta = layer_1.T @ layer_2_delta",
        "weights_0_1_delta = layer_0.T @ layer_1_delta",
    ]


def test_what_goes_into_an_activation_has_a_line_where_it_has_a_name():
    layer_2, goal = layers()
    lines = code(F.mse_loss(layer_2, goal, reduction="sum"))
    assert lines[:3] == [
        "layer_2_delta = 2 * (layer_2 - goal)",
        "layer_1_delta = layer_2_delta @ weights_1_2.T",
        "layer_1_in_delta = layer_1_delta * (layer_1 > 0)",
    ]


@pytest.mark.parametrize(
    ("activation", "slope"),
    [(F.relu, "(layer_1 > 0)"), (al.sigmoid, "layer_1 * (1 - layer_1)"), (al.tanh, "(1 - layer_1**2)")],
)
def test_slopes(activation, slope):
    layer_2, goal = layers(activation)
    assert f"layer_1_in_delta = layer_1_delta * {slope}" in code(((layer_2 - goal) ** 2).sum())


@pytest.mark.parametrize(
    ("loss", "line"),
    [
        (lambda z, y: F.cross_entropy(z, y), "z_delta = (softmax(z) - labels) / 4"),
        (lambda z, y: F.cross_entropy(z, y, reduction="sum"), "z_delta = softmax(z) - labels"),
        (lambda z, y: -(y * al.log(named(al.softmax(z), "layer_2"))).sum(), None),
        (lambda z, y: F.binary_cross_entropy_with_logits(z, y, reduction="sum"), "z_delta = sigmoid(z) - labels"),
        (lambda z, y: F.mse_loss(z, y), "z_delta = 2 * (z - labels) / 12"),
        (lambda z, y: al.sum(al.square(z - y)), "z_delta = 2 * (z - labels)"),
    ],
)
def test_losses(loss, line):
    z, labels = tensor(4, 3), al.tensor(np.eye(3)[[0, 2, 1, 1]], name="labels")
    lines = code(loss(z, labels), names={"z": z})
    assert line is None or line in lines


def named(t, name):
    t.name = name
    return t


def test_softmax_with_a_name_and_its_cross_entropy():
    x, w = tensor(4, 3, name="x", grad=False), tensor(3, 3, name="w")
    labels = al.tensor(np.eye(3)[[0, 2, 1, 1]], name="labels")
    out = named(al.softmax(x @ w), "out")
    loss = -(labels * al.log(out)).sum() / 4
    assert "out_delta = (out - labels) / 4" in code(loss)
    assert "is 1 everywhere" in al.derive(loss).backward


def test_classes_by_number():
    z, labels = tensor(4, 3, name="z"), al.tensor([0, 2, 1, 1], name="labels")
    assert code(F.cross_entropy(z, labels)) == ["z_delta = (softmax(z) - np.eye(3)[labels]) / 4"]
    ignoring = al.derive(F.cross_entropy(z, al.tensor([0, -1, 1, 1], name="labels"), ignore_index=-1))
    for given in ([0, -1, 1, 1], [-1, -1, 2, 0], [1, 1, 1, 1]):
        twin = al.tensor(z.data, requires_grad=True)
        F.cross_entropy(twin, al.tensor(given), ignore_index=-1).backward()
        np.testing.assert_allclose(ignoring.function()(labels=np.array(given))["z"], twin.grad.data, atol=1e-12)


def test_every_line_says_whose_it_is_and_by_which_rule():
    layer_2, goal = layers()
    for style in ("book", "plain"):
        text = al.derive(((layer_2 - goal) ** 2).sum(), style=style).backward
        said = re.findall(r"# (\w+): (.+)", text)
        assert {"layer_2", "layer_1", "layer_1_in", "weights_1_2", "weights_0_1"} <= {name for name, _ in said}
        assert ("layer_1_in", "slope of relu") in said


def test_plain_has_a_line_for_each_op():
    layer_2, goal = layers()
    tree = ast.parse(al.derive(((layer_2 - goal) ** 2).sum(), style="plain").backward)
    assert len(tree.body) > 10
    for statement in tree.body:
        assert sum(isinstance(n, ast.BinOp | ast.Call | ast.Compare) for n in ast.walk(statement)) <= 1


def test_a_tensor_that_is_used_often_gets_a_sum():
    w, h = tensor(3, 3, name="w"), tensor(2, 3, name="h0", grad=False)
    for _ in range(4):
        h = al.tanh(h @ w)
    derived = al.derive(named(h, "h").sum())
    assert derived.source.count("w_delta +=") + derived.backward.count(" + ") >= 3
    w.grad = None
    h.sum().backward()
    np.testing.assert_allclose(derived.function()()["w"], w.grad.data, rtol=1e-12)


def test_rows_of_a_table_and_what_is_broadcast():
    table, b = tensor(5, 2, name="table"), tensor(2, name="b")
    index = al.tensor([1, 1, 4], name="index")
    out = F.embedding(index, table) * 1.5 + b
    lines = code(named(out, "out").square().sum())
    assert "b_delta = out_delta.sum(axis=0)" in lines
    assert "table_delta = np.zeros_like(table)" in lines
    assert "np.add.at(table_delta, index, 1.5 * out_delta)" in lines


# Running


def test_the_code_runs_alone(tmp_path):
    layer_2, goal = layers()
    derived = al.derive(((layer_2 - goal) ** 2).sum())
    given = "".join(f"{n} = np.array({a.tolist()})\n" for n, a in derived.inputs.items())
    path = tmp_path / "step.py"
    path.write_text(derived.source.replace("# Forward\n", given) + "print(weights_0_1_delta.sum())\n")
    done = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(float(derived.function()()["weights_0_1"].sum()), rel=1e-9)


def test_other_arrays_go_in():
    w, x = tensor(3, name="w"), tensor(2, 3, name="x", grad=False)
    derived = al.derive(al.tanh(x @ w).sum())
    other = rs.rand(3)
    expected = x.data.T @ (1 - np.tanh(x.data @ other) ** 2)
    np.testing.assert_allclose(derived.function()(w=other)["w"], expected, rtol=1e-12)
    with pytest.raises(TypeError, match="no input of the code: y; there are w, x"):
        derived.run(y=1)
    assert str(derived) == derived.source


def test_what_was_kept_nowhere_has_to_be_given():
    w = tensor(3, name="w")
    loss = al.sum(w + np.array([1.0, 2.5, -3.25]))
    assert loss.item() == pytest.approx(w.data.sum() + 0.25)
    derived = al.derive(loss)
    assert derived.lost == ("c1",)
    with pytest.raises(TypeError, match="c1: not given"):
        derived.run()
    assert derived.run(c1=np.zeros(3))["result"] == pytest.approx(w.data.sum())


def test_inputs_are_not_written_into():
    w = tensor(3, 3, name="w")
    derived = al.derive(al.sum(w @ w + w + w.T))
    before = w.data.copy()
    derived.run()
    np.testing.assert_array_equal(w.data, before)


# wrt


def test_wrt_limits_what_is_derived():
    layer_2, goal = layers()
    loss = ((layer_2 - goal) ** 2).sum()
    upper = al.derive(loss, wrt="weights_1_2")
    assert set(upper.gradients) == {"weights_1_2"}
    assert "weights_0_1_delta" not in upper.source
    assert "layer_1_delta" not in upper.source
    both = al.derive(loss, wrt=[layer_2, "layer_1"])
    assert set(both.function()()) == {"layer_2", "layer_1"}
    np.testing.assert_allclose(both.function()()["layer_2"], 2 * (layer_2.data - goal.data), rtol=1e-12)
    for wrong in ("nobody", tensor(2), [goal]):
        with pytest.raises(ValueError, match="wrt: "):
            al.derive(loss, wrt=wrong)


# Names

HOSTILE = [
    "np", "import os", "a\nb", "x); 1 / 0  #", "🙂", "class", "softmax", "é", "1", "len", "", " ", "__import__", "ﬁ",
    "x" * 200, "g1", "h1", "w_delta", "'", '"""', "print", "lambda", "None", "True", "result", "b\u2028c", "µ",
]  # fmt: skip


@pytest.mark.parametrize("style", ["book", "plain"])
@pytest.mark.parametrize("name", HOSTILE)
def test_any_name(name, style):
    a, b = tensor(2, 3, name=name), tensor(2, 3, name="w")
    index = al.tensor([0, 0, 1], name="len")
    out = named(al.softmax(a * b, 1)[index], name)
    derived = al.derive((out * a.sum()).square().sum(), style=style)
    found = al.autograd.grad((out * a.sum()).square().sum(), [a, b])
    gradients = derived.function()()
    assert len(gradients) == 2
    for g, (own, made) in zip(found, sorted(gradients.items(), key=lambda item: item[0] == "w"), strict=True):
        np.testing.assert_allclose(made, g.data, atol=1e-12)
        assert own.isidentifier()
        assert not keyword.iskeyword(own)


def test_two_of_one_name_and_names_of_gradients():
    a, b, c = tensor(2, name="w"), tensor(2, name="w"), tensor(2, name="w_delta")
    derived = al.derive((al.tanh(a * b) * c).sum())
    assert set(derived.gradients) == {"w", "w_2", "w_delta"}
    assert len(set(derived.gradients.values()) | set(derived.gradients)) == 6


def test_names_of_a_module():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    x = tensor(5, 3, name="x", grad=False)
    derived = al.derive(model(x).square().mean(), names=model)
    assert {f"layer{k}_{part}" for k in (0, 2) for part in ("weight", "bias")} == set(derived.gradients)


def test_names_from_the_source():
    images, weights, bias = tensor(4, 3, grad=False), tensor(3, 2), tensor(2)
    with al.record_lines():
        scores = images @ weights + bias
        hidden = al.tanh(scores)
        loss = al.sum(hidden * hidden)
    derived = al.derive(loss)
    assert set(derived.gradients) == {"weights", "bias"}
    assert derived.forward.splitlines() == [
        "scores = images @ weights + bias",
        "hidden = np.tanh(scores)",
        "loss = np.sum(hidden * hidden)",
    ]
    assert "hidden_delta = 2 * hidden" in derived.backward


def test_names_from_a_loop_over_a_line():
    state, recurrent = tensor(2, 3, grad=False), tensor(3, 3)
    with al.record_lines():
        for _ in range(3):
            state = al.tanh(state @ recurrent)
    derived = al.derive(state.sum())
    assert re.findall(r"^(\w+) = np.tanh", derived.forward, re.MULTILINE) == ["state_1", "state_2", "state_3"]
    assert set(derived.gradients) == {"recurrent"}


def test_given_names_win_over_the_source():
    weights = tensor(3)
    with al.record_lines():
        square = al.square(weights)
        total = al.sum(square)
    square.name = "power"
    assert set(al.derive(total, names={"w": weights}).gradients) == {"w"}
    assert "power = " in al.derive(total).forward


def test_source_that_is_not_there():
    scope = {"al": al, "w": tensor(3)}
    exec("with al.record_lines():\n    loss = al.sum(al.tanh(w))", scope)
    assert set(al.derive(scope["loss"]).gradients) == {"w1"}


# What is refused


def test_wrong_code_is_never_returned(monkeypatch):
    layer_2, goal = layers(al.tanh)
    loss = ((layer_2 - goal) ** 2).sum()
    tanh = al.tanh.op
    monkeypatch.setitem(codes._codes, tanh, codes._calling("np.sin"))
    with pytest.raises(al.GraphError, match=r"something else than the engine .*layer_1.*not handed out"):
        al.derive(loss)
    monkeypatch.setitem(codes._codes, tanh, codes._calling("np.nothing"))
    with pytest.raises(al.GraphError, match="does not run"):
        al.derive(loss)


def test_a_wrong_rule_op_by_op_is_not_returned(monkeypatch):
    loss = named(tensor(3, 4, name="a").T, "b").square().sum()
    monkeypatch.setitem(codes._codes, al.multiply.op, codes._infix("+", codes.SUM))
    with pytest.raises(al.GraphError, match="not handed out"):
        al.derive(loss, style="plain")


def test_a_fused_line_that_is_wrong_is_written_op_by_op(monkeypatch):
    layer_2, goal = layers(al.tanh)
    loss = ((layer_2 - goal) ** 2).sum()
    right = al.derive(loss)
    wrong = numpy_ops._written[al.subtract.op]
    monkeypatch.setitem(
        numpy_ops._written, al.subtract.op, lambda made: wrong(made) and numpy_ops.plus(made[0], made[1])
    )
    again = al.derive(loss)
    assert again.source != right.source
    for name, g in right.function()().items():
        np.testing.assert_allclose(again.function()()[name], g, rtol=1e-11)


def test_an_op_without_text_is_named():
    @al.primitive(x=lambda g, x: g * 3 * x * x)
    def cube(x):
        return x**3

    class Double(al.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    for op, name in ((cube, "cube"), (Double.apply, "Double")):
        for style in ("book", "plain"):
            with pytest.raises(al.GraphError, match=f"no NumPy text for the op {name}"):
                al.derive(op(tensor(3)).sum(), style=style)


def test_what_has_no_graph_is_refused():
    w = tensor(3)
    loss = al.sum(w * w)
    with pytest.raises(ValueError, match="style is"):
        al.derive(loss, style="short")
    with pytest.raises(TypeError, match="this is list"):
        al.derive([loss])
    for nothing in (al.ones(2), w):
        with pytest.raises(al.GraphError, match="nothing was recorded"):
            al.derive(nothing)
    loss.backward()
    with pytest.raises(al.GraphError, match="freed"):
        al.derive(loss)
    hooked = named(w * 2, "hooked")
    hooked.register_hook(lambda g: g * 2)
    with pytest.raises(al.GraphError, match="a hook changes the gradient of hooked"):
        al.derive(hooked.sum())


def test_terms_that_cancel_are_held_to_rounding():
    x = al.tensor([1.0, 2.0, 3.0], requires_grad=True, name="x")
    for style in ("book", "plain"):
        gradient = al.derive(al.softmax(x * 1e3).sum() + ((x + 1e8) - 1e8).sum(), style=style).function()()["x"]
        np.testing.assert_allclose(gradient, 1.0, atol=1e-9)


# Every network


@pytest.fixture(scope="module")
def graphs():
    found = {}
    for name, network in models.networks.items():
        try:
            found[name] = picture.graph(network)
        except FileNotFoundError:
            continue
    return {name: graph for name, graph in found.items() if graph[0].node is not None}


@pytest.mark.parametrize("style", ["book", "plain"])
def test_every_network_is_derived_and_formatted(graphs, style, tmp_path):
    assert len(graphs) > 30
    for name, (loss, names) in graphs.items():
        derived = al.derive(loss, names=names, style=style)
        assert derived.gradients, name
        (tmp_path / f"{name}.py").write_text(derived.source)
    pytest.importorskip("ruff", reason="it formats: pip install 'autograd_lite[dev]'")
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--diff", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("id", [n for n in models.networks if models.networks[n].objective is not None])
def test_the_gradients_of_a_network_are_the_engines(id):
    network = models.find(id)
    data = network.data()
    weights, rng = network.start()
    graph = network.graph(*network.focus(weights, next(network.batches(data, rng))))
    gradients = {n: f() for n, f in ((s, al.derive(graph.error, style=s).function()) for s in ("book", "plain"))}
    graph.error.backward()
    for name, weight in graph.weights.items():
        for style in ("book", "plain") if weight.grad is not None else ():
            g = weight.grad.data
            np.testing.assert_allclose(gradients[style][name], g, rtol=0, atol=1e-12 * np.max(np.abs(g), initial=0.0))


def recurrence(steps):
    w, h = tensor(4, 4, name="w"), tensor(2, 4, name="h")
    for k in range(steps):
        h = named(al.tanh(h @ w + h * 0.1), f"h_{k}") if k % 3 else al.sigmoid(h @ w)
    return h.sum()


@pytest.mark.parametrize("style", ["book", "plain"])
def test_the_cost_grows_with_the_number_of_ops(style):
    half, whole = recurrence(50), recurrence(100)
    assert cost.calls(lambda: al.derive(whole, style=style)) < 2.2 * cost.calls(lambda: al.derive(half, style=style))
    assert len(al.derive(whole, style=style).gradients) == 2
