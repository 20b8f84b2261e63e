import re
import subprocess
import sys

import cost
import numpy as np
import pytest

import autograd_lite as al
import models
from autograd_lite import nn, ops
from autograd_lite.core import Op
from autograd_lite.draw.algebra import algebra
from autograd_lite.draw.diagram import walk
from autograd_lite.nn import functional as F


def tensor(*shape, name=None):
    return al.tensor(np.random.RandomState(0).rand(*shape), requires_grad=True, name=name)


def graph_of(id):
    network = models.find(id)
    data = network.data()
    weights, rng = network.start()
    return network.graph(*network.focus(weights, next(network.batches(data, rng))))


def result_of(id):
    graph = graph_of(id)
    return graph, list(graph.layers.values())[-1] if graph.error is None else graph.error


# The book's networks

BOOK = {
    "3.5": "pred = input ih_weightsᵀ hp_weightsᵀ",
    "4.0": "error = ∑ (input weight − 0.8)²",
    "6.3": "error = ∑ (relu(layer_0 weights_0_1) weights_1_2 − 1)²",
    "8.1": "error = ∑ (relu(layer_0 weights_0_1) weights_1_2 − target)²",
    "8.2": "error = ∑ ((relu(layer_0 weights_0_1) ∘ doubled_mask) weights_1_2 − target)²",
    "8.3": """\
layer_1_in = layer_0 weights_0_1
relu_1 = relu(layer_1_in)
layer_1 = relu_1 ∘ doubled_mask
layer_2 = layer_1 weights_1_2
error = 1/100 ∑ (layer_2 − target)²""",
    "9.1": """\
layer_1_in = layer_0 weights_0_1
tanh_1 = tanh(layer_1_in)
layer_1 = tanh_1 ∘ doubled_mask
layer_2_in = layer_1 weights_1_2
error = 1/100 ∑ cross_entropy(softmax(layer_2_in), target)""",
    "10.1": """\
layer_1_in = reshape(layer_0 kernels, 128, 10000)
tanh_1 = tanh(layer_1_in)
layer_1 = tanh_1 ∘ doubled_mask
layer_2_in = layer_1 weights_1_2
error = 1/128 ∑ cross_entropy(softmax(layer_2_in), target)""",
    "11.1": "error = cross_entropy(sigmoid(sigmoid(∑ᵢ weights_0_1[index]) weights_1_2), 1)",
    "B.1": "J = 3 (a + b c)",
    "B.2": "error = 1/200 ∑ cross_entropy(sigmoid(wᵀ X + b), target)",
    "B.3": "error = 1/400 ∑ cross_entropy(sigmoid(W2 tanh(W1 X + b1) + b2), target)",
}


@pytest.mark.parametrize("id", BOOK)
def test_a_network_of_the_book(id):
    graph, result = result_of(id)
    assert str(algebra(result)) == BOOK[id]
    del graph


def test_a_layer_alone_is_the_formula_of_the_book():
    graph = graph_of("6.3")
    assert str(algebra(graph.layers["layer_2"])) == "layer_2 = relu(layer_0 weights_0_1) weights_1_2"
    latex = algebra(graph.layers["layer_2"]).latex.splitlines()
    assert latex == [
        r"\begin{aligned}",
        r"\mathrm{layer\_2} &= \operatorname{relu}\left(\mathrm{layer\_0}\, \mathrm{weights\_0\_1}\right)\, "
        r"\mathrm{weights\_1\_2}",
        r"\end{aligned}",
    ]


@pytest.mark.parametrize("id", models.networks)
def test_every_network_names_its_parameters(id):
    graph, result = result_of(id)
    made = algebra(result)
    leaves = {n for n in walk([result.node] if result.node else []) if n.op is None}
    names = [name for name, w in graph.weights.items() if w.node in leaves]
    text = str(made).replace("ᵀ", " ")
    assert [n for n in names if not re.search(rf"(?<!\w){re.escape(n)}(?!\w)", text)] == []
    assert all(len(line) <= 120 for line in str(made).splitlines())
    fair(made.latex)


# Ops

x, y, v, w = (tensor(*shape, name=name) for name, shape in (("x", (3, 4)), ("y", (3, 4)), ("v", (4,)), ("w", (5, 4))))
CASES = [
    (lambda: x + 1, "x + 1"),
    (lambda: 2 * x.sum() + 3, "(2 ∑ x) + 3"),
    (lambda: 1 - x, "1 − x"),
    (lambda: x - (y - x), "x − (y − x)"),
    (lambda: x - (-y), "x − (−y)"),
    (lambda: x * -2, "(−2) x"),
    (lambda: 2 * x * 3, "3 (2 x)"),
    (lambda: x @ (2 * w).T, "x (2 w)ᵀ"),
    (lambda: x * 1e-5, "1e-05 x"),
    (lambda: x / (y * 2), "x / (2 y)"),
    (lambda: -(x + y), "−(x + y)"),
    (lambda: (x + y) ** 2, "(x + y)²"),
    (lambda: x**-1, "x⁻¹"),
    (lambda: x**2.5, "x^2.5"),
    (lambda: al.sqrt(x), "√x"),
    (lambda: al.log(al.exp(x) + 1), "log(exp(x) + 1)"),
    (lambda: (x * y) @ w.T, "(x ∘ y) wᵀ"),
    (lambda: (x.T @ y).T, "(xᵀ y)ᵀ"),
    (lambda: x.T.T + 0 * x, "x + 0 x"),
    (lambda: v @ v, "v · v"),
    (lambda: F.linear(x, w, tensor(5, name="b")), "x wᵀ + b"),
    (lambda: x.sum(0), "∑ᵢ x"),
    (lambda: x.sum(1, True) * y, "(∑ⱼ x) ∘ y"),
    (lambda: x.mean(1), "1/4 ∑ⱼ x"),
    (lambda: 2 * x.sum(), "2 ∑ x"),
    (lambda: (x.sum() + 1) * y.sum(), "((∑ x) + 1) ∑ y"),
    (lambda: x.sum() / 7, "1/7 ∑ x"),
    (lambda: (x + y).mean() ** 2, "(1/12 ∑ (x + y))²"),
    (lambda: 1 / x.sum(), "1 / (∑ x)"),
    (lambda: F.softmax(x), "softmax(x)"),
    (lambda: F.softmax(x, 0), "softmaxᵢ(x)"),
    (lambda: x.amax(1), "maxⱼ(x)"),
    (lambda: x.logsumexp(1), "log(∑ⱼ exp(x))"),
    (lambda: al.absolute(x - y), "|x − y|"),
    (lambda: al.maximum(x, y), "max(x, y)"),
    (lambda: x[1:3, ::2], "x[1:3, ::2]"),
    (lambda: x[[0, 2]], "x[index]"),
    (lambda: x.reshape(2, 6), "reshape(x, 2, 6)"),
    (lambda: x.unsqueeze(1) * 2, "2 x"),
    (lambda: al.cat([x, y], 1), "cat(x, y, dim=1)"),
    (lambda: F.mse_loss(x, y), "1/12 ∑ (x − y)²"),
    (lambda: F.l1_loss(x, y, reduction="none"), "|x − y|"),
    (lambda: F.cross_entropy(x, al.tensor([0, 1, 2])), "1/3 ∑ cross_entropy(softmax(x), target)"),
    (lambda: al.var(x, 1), "1/3 ∑ⱼ (x − 1/4 ∑ⱼ x)²"),
]


@pytest.mark.parametrize(("make", "text"), CASES, ids=[text for _, text in CASES])
def test_the_notation_of_an_op(make, text):
    made = algebra(make())
    assert str(made) == f"result = {text}"
    fair(made.latex)


def test_an_op_without_a_notation_is_a_call():
    cube = al.primitive(x=lambda g, x, scale: g * 3 * x**2 * scale)(_cube)
    assert str(algebra(cube(x, scale=2.0))) == "result = cube(x, scale=2.0)"
    assert "unfold(" in str(algebra(F.conv2d(tensor(1, 1, 4, 4, name="img"), tensor(2, 1, 3, 3, name="k"))))


def _cube(x, *, scale):
    return scale * x**3


def test_every_op_of_the_framework_can_be_written():
    """Each differentiable op, recorded with any attributes, gives a line and LaTeX."""
    modules = [m for m in vars(ops).values() if getattr(m, "__name__", "").startswith("autograd_lite.ops.")]
    found = {f.op for m in modules for f in vars(m).values() if isinstance(getattr(f, "op", None), Op)}
    attrs = {"dim": (0,), "dims": (1, 0), "exponent": 3.0, "reduction": "sum", "index": (0,), "form": (0,)}
    assert len(found) > 60
    for op in found:
        if op.differentiable and op.arrays:
            given = [al.tensor(np.ones((2, 2)), requires_grad=True, name=f"a{k}") for k in range(len(op.arrays))]
            own = {k: attrs.get(k, 1) for k in op.attrs} | ({"dim": 1} if "softmax" in op.name else {})
            node = al.Node(op, tuple(t.node for t in given), None, own, (2, 2), np.dtype(float))
            made = algebra(al.Tensor(np.ones((2, 2)), node))
            assert "a0" in str(made), op
            fair(made.latex)


# Names, lines, limits


def fair(latex):
    """Braces and delimiters balance, and nothing is left that LaTeX or a page would take for its own."""
    bare = re.sub(r"\\\\\n|\\[\\{}_#%&$ ,;]", "", latex)
    depth = 0
    for c in bare:
        depth += (c == "{") - (c == "}")
        assert depth >= 0
    assert depth == 0
    assert latex.count(r"\left") == latex.count(r"\right")
    assert latex.count(r"\begin{aligned}") == latex.count(r"\end{aligned}") == 1
    assert not set(bare) & set("<>\"'`~#%$")
    assert bare.count("&") == len(re.findall(r"&=|& ", bare))
    assert re.sub(r"[^\x20-\x7e\n]", "", re.sub(r"\\text\{[^{}]*\}", "", latex)) == re.sub(
        r"\\text\{[^{}]*\}", "", latex
    )


ODD = ['a "b"', "<script>", "a & b", "two\nlines", "🙂", "n" * 200, "{", "}", "a}b", "\\end{aligned}", "$x$", "50%",
       "#1", "^_~`'", "", " ", "\u202eabc", "\x00", "é", "1a", "c1", "h1"]  # fmt: skip


@pytest.mark.parametrize("name", ODD, ids=repr)
def test_any_name_is_written_and_injects_nothing(name):
    a = al.tensor([1.0, 2.0], requires_grad=True)
    made = algebra(al.sum(a * a), names={name: a})
    assert len(str(made).splitlines()) == 1
    assert len(str(made)) <= 100
    fair(made.latex)


def test_two_tensors_of_one_name_are_told_apart():
    a, b = tensor(2, name="h"), tensor(2, name="h")
    assert str(algebra(a * b + tensor(2, name="h_2"))) == "result = h ∘ h_3 + h_2"


def test_time_steps_of_one_name_are_numbered_from_the_first():
    h, matrix = al.tensor([[1.0, 2.0]], name="h"), tensor(2, 2, name="W")
    for _ in range(3):
        h = al.tanh(h @ matrix) * tensor(1, 2, name="a_rather_long_name_of_a_gate")
        h.name = "h"
    lines = str(algebra(h)).splitlines()
    assert lines[0] == "h_2 = tanh(h W) ∘ a_rather_long_name_of_a_gate"
    assert lines[1] == "h_3 = tanh(h_2 W) ∘ a_rather_long_name_of_a_gate_2"


def test_generated_names_collide_with_nothing():
    a, taken = tensor(2), tensor(2, name="w1")
    assert str(algebra(a * taken)) == "result = w2 ∘ w1"


def test_the_names_of_a_module():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    text = str(algebra(model(al.tensor(np.ones((1, 4)), name="x")), names=model))
    assert text == "result = relu(x 0.weightᵀ + 0.bias) 2.weightᵀ + 2.bias"


def test_what_is_long_gets_lines_of_its_own():
    total = tensor(2, name="start")
    for k in range(12):
        total = total * tensor(2, name=f"a_rather_long_name_{k}") + 1.5
    lines = str(algebra(total)).splitlines()
    assert [line.split(" = ")[0] for line in lines] == [*(f"h{k}" for k in range(1, len(lines))), "result"]
    assert all(len(line) <= 110 for line in lines)


def test_what_is_used_twice_is_written_once():
    shared = al.tanh(x @ w.T + 1)
    text = str(algebra((shared * shared + al.exp(shared) * shared).sum() + (shared * 12).sum()))
    assert text.startswith("h1 = tanh(x wᵀ + 1)\n")
    assert text.count("tanh") == 1


def test_doublings_stay_small():
    total = tensor(2)
    for _ in range(200):
        total = total + total
    assert len(algebra(total).text) < 4000


def chain(n):
    z = tensor(2, name="z")
    for k in range(n):
        z = al.tanh(z) if k % 2 else z * 1.0001
    return z


def test_the_cost_grows_with_the_number_of_ops():
    half, whole = chain(2_000), chain(4_000)
    assert cost.calls(lambda: algebra(whole)) < 2.2 * cost.calls(lambda: algebra(half))


def test_a_long_chain_is_cut_short():
    made = algebra(chain(100_000))
    lines = str(made).splitlines()
    assert len(lines) == 41
    assert sum("ops left out" in line for line in lines) == 1
    assert r"\vdots" in made.latex
    fair(made.latex)
    shown = sum(line.count("tanh") + line.count("1.0001") for line in lines)
    (left,) = re.findall(r"\(([\d,]+) ops left out\)", str(made))
    assert shown + int(left.replace(",", "")) == 100_000


PROGRAM = """
import models
from autograd_lite.draw.algebra import algebra
network = models.find("6.3")
weights, rng = network.start()
graph = network.graph(weights, next(network.batches(network.data(), rng)))
print(ascii(str(algebra(graph.error)) + algebra(graph.error).latex))
"""


def test_the_same_in_every_process():
    made = [
        subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120).stdout
        for _ in range(2)
    ]
    assert made[0] == made[1]
    assert "weights_0_1" in made[0]


# Constants


def test_operands_that_no_rule_kept():
    goal = al.tensor([[0.5, 1.5]], name="goal")
    pred = tensor(1, 2, name="pred")
    assert str(algebra(((pred - goal) ** 2).sum())) == "result = ∑ (pred − goal)²"
    given = al.tensor([[0.25, 2.5]])
    loss = ((pred - given) ** 2).sum()
    assert str(algebra(loss)) == "result = ∑ (pred − c1)²"
    assert str(algebra(loss, names={"answer": given})) == "result = ∑ (pred − answer)²"
    assert str(algebra(al.square(pred + 1.0).sum())) == "result = ∑ (pred + 1)²"
    one = al.tensor([[1.0, 1.0]])
    assert str(algebra(al.square(pred + one).sum())) == "result = ∑ (pred + 1)²"
    assert str(algebra(al.square(pred + one).sum(), names={"ones": one})) == "result = ∑ (pred + ones)²"
    assert str(algebra(al.square(pred + 0.1).sum())) == "result = ∑ (pred + 0.1)²"


def test_after_backward_the_formula_is_there_yet():
    loss = F.mse_loss(al.sigmoid(x @ w.T), al.ones(3, 5))
    before = str(algebra(loss))
    loss.backward()
    assert before == "result = 1/15 ∑ (sigmoid(x wᵀ) − target)²"
    assert str(algebra(loss)) == before


def test_a_changed_leaf_gives_no_wrong_number():
    a = tensor(1, name="a")
    loss = al.square(a + np.array([0.25])).sum()
    with al.no_grad():
        a += 5.0
    assert "0.25" not in str(algebra(loss))
    assert "5" not in str(algebra(loss))


def test_a_constant_and_what_is_no_tensor():
    assert str(algebra(al.tensor(3.0))) == "result = 3"
    assert str(algebra(al.tensor([1.0, 2.0], name="mask"))) == "result = mask"
    with pytest.raises(TypeError, match="and this is float"):
        algebra(3.0)


def test_a_notebook_shows_it():
    made = algebra(2 * x)
    assert made._repr_latex_() == f"$$\n{made.latex}\n$$"
    assert made.latex == "\\begin{aligned}\n\\mathrm{result} &= 2\\, x\n\\end{aligned}"
