"""The step player's numbers: its formulas evaluated apart, its gradients against autograd and finite differences."""

import json
import math
import re
import subprocess
import sys
from html.parser import HTMLParser
from types import SimpleNamespace

import cost
import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.draw import engine
from autograd_lite.nn import functional as F
from models import networks

needs_engine = pytest.mark.skipif(not engine.engines(), reason="neither graphviz-pure nor dot is installed")


@pytest.fixture
def story(tmp_path):
    """What the page of a tensor holds: its data, and its text as `page`."""

    def told(loss, **options):
        path = al.animate(loss, tmp_path / "steps.html", **options)
        page = path.read_text("utf-8")
        data = json.loads(re.search('<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])
        return SimpleNamespace(page=page, **data)

    return told


def of(data, label):
    return next(t for t in data.tensors.values() if t["label"] == label)


def step_of(data, phase, name, which=0):
    return [s for s in data.steps if s["phase"] == phase and s.get("name") == name][which]


def edges(data):
    return [(step, edge) for step in data.steps for edge in step.get("edges", ())]


def values(array):
    return [float(text.replace("−", "-")) for text in array["numbers"]]


# An evaluator for formulas


WORDS = {
    **{name: getattr(np, name) for name in ("exp", "log", "sin", "cos", "tanh", "sign", "inf", "nan")},
    **{"max": max, "min": min, "abs": abs, "one": int, "sqrt": math.sqrt},
}


def evaluated(text, arrays):
    """A formula's number. What is in brackets after a name is an entry of an array, else a condition."""
    for sign, written in (("−", "-"), ("·", "*"), ("²", "**2"), ("^", "**"), ("≤", "<=")):
        text = text.replace(sign, written)
    text = re.sub(r"√(\([^()]*\)|[\d.e-]+)", r"sqrt(\1)", text)
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = re.sub(r"(?<![\w\]])\[([^\]]*)\]", lambda m: f"one({re.sub('(?<![<>=])=', '==', m[1])})", text)
    with np.errstate(all="ignore"):
        return float(eval(text, {"__builtins__": {}}, {**WORDS, **arrays}))


def test_the_evaluator_itself():
    assert evaluated("2 · (−3)² + [1 > 0] · 4", {}) == 22
    assert evaluated("[1 = 2] + [2 = 2] / 2 + |−3| + √9 + x[1, 0]", {"x": np.array([[1.0], [5.0]])}) == 11.5
    assert evaluated("2 · 3 + [0 ≤ 1 ≤ 2]", {}) == 7


def near(a, b, size=1.0):
    return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= 3e-4 * max(size, abs(b))


def checked(formula, arrays):
    """Is what it says equal to what it ends in? Returns whether it says how, too."""
    _, *texts, end = re.split(r" \+?= (?![^\[]*\])", formula)
    assert len(texts) <= 1, formula
    for text in texts:
        assert "…" not in text
        size = max(map(abs, (float(n) for n in re.findall(r"[\d.]+", text))), default=1.0)
        assert near(evaluated(text, arrays), evaluated(end, {}), size), formula
    return bool(texts)


rng = np.random.default_rng(3)


def leaf(*shape, name=None, low=-2.0):
    return al.tensor(np.round(rng.uniform(low, 2.0, shape), 2), requires_grad=True, name=name)


X, POSITIVE = leaf(2, 3, name="x"), leaf(2, 3, name="p", low=0.5)
ROW, COLUMN, OTHER = leaf(3, name="row"), leaf(2, 1, name="column"), leaf(2, 3, name="other")
WIDE, VECTOR, TABLE = leaf(3, 4, name="wide"), leaf(3, name="vector"), leaf(5, 2, name="table")
IMAGE, BIAS, WEIGHT = leaf(1, 1, 3, 3, name="image"), leaf(4, name="bias"), leaf(4, 3, name="weight")
CUBE, OTHERS = leaf(2, 2, 3, name="cube"), leaf(2, 3, 2, name="others")
TIED = al.tensor([[1.0, 2.0, 2.0], [0.5, 0.5, -1.0]], requires_grad=True, name="tied")
ALIKE = al.tensor([[1.0, -2.0, 2.0], [0.5, 1.5, -1.0]], requires_grad=True, name="alike")
CLASSES, TARGET = np.array([2, 0]), np.round(rng.uniform(0.0, 1.0, (2, 3)), 2)

OPS = {
    "add": lambda: X + OTHER,
    "add-row": lambda: X + ROW,
    "subtract-column": lambda: COLUMN - X,
    "multiply": lambda: X * OTHER,
    "multiply-row": lambda: ROW * X,
    "divide": lambda: X / POSITIVE,
    "divide-column": lambda: POSITIVE / COLUMN,
    "negative": lambda: -X,
    "absolute": lambda: abs(X),
    "square": lambda: X.square(),
    "sqrt": lambda: POSITIVE.sqrt(),
    "reciprocal": lambda: al.reciprocal(X),
    "power": lambda: X**3,
    "power-negative": lambda: X**-2,
    "exp": lambda: X.exp(),
    "expm1": lambda: al.expm1(X),
    "log": lambda: POSITIVE.log(),
    "log1p": lambda: al.log1p(POSITIVE),
    "sin": lambda: al.sin(X),
    "cos": lambda: al.cos(X),
    "tanh": lambda: al.tanh(X),
    "sigmoid": lambda: al.sigmoid(X),
    "relu": lambda: al.relu(X),
    "softplus": lambda: al.softplus(X),
    "maximum": lambda: al.maximum(TIED, ALIKE),
    "minimum": lambda: al.minimum(TIED, ALIKE),
    "clip": lambda: al.clamp(X, -1.0, 0.5),
    "clip-below": lambda: al.clamp(X, min=-1.0),
    "matmul": lambda: X @ WIDE,
    "matmul-vector": lambda: X @ VECTOR,
    "vector-matmul": lambda: VECTOR @ WIDE,
    "vectors": lambda: VECTOR @ ROW,
    "matmul-leading": lambda: CUBE @ OTHERS,
    "matmul-broadcast": lambda: X @ OTHERS,
    "linear-leading": lambda: F.linear(CUBE, WEIGHT, BIAS),
    "linear": lambda: F.linear(X, WEIGHT),
    "affine": lambda: F.linear(X, WEIGHT, BIAS),
    "sum": lambda: ROW.sum(),
    "sum-rows": lambda: X.sum(dim=0),
    "mean": lambda: X.mean(dim=1),
    "mean-kept": lambda: X.mean(dim=1, keepdim=True),
    "softmax": lambda: al.softmax(X, 1),
    "log_softmax": lambda: al.log_softmax(X, 0),
    "squared_error": lambda: F.mse_loss(VECTOR, ROW),
    "squared_error-none": lambda: F.mse_loss(X, OTHER, reduction="none"),
    "absolute_error": lambda: F.l1_loss(VECTOR, ROW, reduction="sum"),
    "logistic_loss": lambda: F.binary_cross_entropy_with_logits(VECTOR, al.tensor([1.0, 0.0, 0.25])),
    "cross_entropy": lambda: F.cross_entropy(X, al.tensor(CLASSES), reduction="none"),
    "cross_entropy_of_rows": lambda: F.cross_entropy(X, al.tensor(TARGET), reduction="none"),
}
MOVING = {
    "reshape": lambda: X.reshape(3, 2),
    "permute": lambda: X.T,
    "broadcast_to": lambda: al.broadcast_to(COLUMN, (2, 3)),
    "slice": lambda: X[:, 1:],
    "pick": lambda: X[[0, 1, 0]],
    "take_rows": lambda: F.embedding(al.tensor([3, 0, 3]), TABLE),
    "cat": lambda: al.cat([X, OTHER], dim=1),
    "pad": lambda: al.pad(X, [(1, 0), (0, 1)]),
    "unfold": lambda: F.unfold(IMAGE, 2),
}
# A gradient that goes on as it is, or a sum that has no formula
HANDED_ON = (*MOVING, "add", "add-row", "subtract-column", "negative", "sum", "sum-rows", "matmul-broadcast")
ALL_LEAVES = [X, POSITIVE, ROW, COLUMN, OTHER, WIDE, VECTOR, TABLE, IMAGE, BIAS, WEIGHT, TIED, ALIKE, CUBE, OTHERS]


def ends(formulas):
    return [float(formula.rpartition(" = ")[2].replace("−", "-")) for formula in formulas]


@pytest.mark.parametrize("name", [*OPS, *MOVING])
def test_formulas_say_what_happens(name, story):
    y = {**OPS, **MOVING}[name]()
    y.name = "y"
    start = np.asarray(np.round(np.random.default_rng(5).uniform(-2.0, 2.0, y.shape), 2))
    data = story(y, gradients=start)
    arrays = {t.name: t.data for t in ALL_LEAVES}
    forward, backward = data.steps[1], data.steps[-2]
    assert values(of(data, "y")["value"]) == pytest.approx(y.data.ravel(), rel=1e-4)
    how = [checked(formula, arrays) for formula in forward["formulas"]]
    assert len(how) == y.data.size
    assert sum(how) >= {"pad": 6, "negative": 1}.get(name, len(how))
    assert ends(forward["formulas"]) == pytest.approx(y.data.ravel(), rel=1e-4)
    used = [t for t in ALL_LEAVES if t.node in y.node.parents]
    true = al.autograd.grad(y, used, start, retain_graph=True)
    for edge in backward["edges"]:
        label = data.tensors[edge["to"]]["label"]
        expected = next(g for t, g in zip(used, true, strict=True) if t.name == label).data.ravel()
        assert values(edge["array"]) == pytest.approx(expected, rel=1e-4, abs=1e-9)
        assert ends(edge["formulas"]) == pytest.approx(expected, rel=1e-4, abs=1e-9)
        told = sum(checked(formula, arrays) for formula in edge["formulas"])
        assert told == expected.size or name in HANDED_ON
        assert edge["rule"].startswith(f"∂y/∂{label} = ")
    assert {data.tensors[e["to"]]["label"] for e in backward["edges"]} == {t.name for t in used}


def test_the_extreme_and_its_ties(story):
    data = story(al.amax(TIED, dim=1).sum())
    assert step_of(data, "forward", "amax")["rule"] == "h1 = max tied"
    (edge,) = step_of(data, "backward", "amax")["edges"]
    assert edge["formulas"][1] == "∂result/∂tied[0, 1] = 1 · [2 = 2] / 2 = 0.5"
    assert all(checked(f, {}) for f in edge["formulas"])


def test_a_mean_over_what_counts(story):
    x = leaf(3, 2, name="x")
    loss = F.cross_entropy(x, al.tensor([1, -100, 0]))
    data = story(loss)
    assert step_of(data, "forward", "mean")["formulas"][0].count(" / 2 = ") == 1
    (edge,) = step_of(data, "backward", "mean")["edges"]
    assert [formula.partition(" = ")[2] for formula in edge["formulas"]] == ["1 / 2 = 0.5", "0", "1 / 2 = 0.5"]
    got = values(of(data, "x")["gradient"])
    assert got == pytest.approx(al.autograd.grad(loss, [x])[0].data.ravel(), rel=1e-4)
    assert got[2:4] == [0, 0]


def test_long_sums_show_their_largest_terms(story):
    a, b = np.arange(1.0, 9.0), np.where(np.arange(8) == 5, -100.0, 1.0)
    (x, y) = (al.tensor(v, requires_grad=True, name=n) for v, n in ((a, "x"), (b, "y")))
    data = story(x @ y)
    assert step_of(data, "forward", "matmul")["formulas"] == [
        "result = 6 · (−100) + 7 · 1 + 8 · 1 + … (8 terms, the largest shown) = −570"
    ]


# The walk


def book_b1():
    a, b, c = (al.tensor(v, requires_grad=True, name=n) for n, v in (("a", 5.0), ("b", 3.0), ("c", 2.0)))
    u = b * c
    v = a + u
    j = 3 * v
    u.name, v.name, j.name = "u", "v", "J"
    return j


def test_b1_though_nobody_holds_its_inner_tensors(story):
    data = story(book_b1())
    assert {t["label"]: t["box"] for t in data.tensors.values()} == {
        "a": ["5", "3"],
        "b": ["3", "6"],
        "c": ["2", "9"],
        "u": ["6", "3"],
        "v": ["11", "3"],
        "J": ["33", "1"],
    }
    assert [s["phase"] for s in data.steps] == ["start", *["forward"] * 3, "seed", *["backward"] * 3, "end"]
    assert step_of(data, "forward", "add")["formulas"] == ["v = 5 + 6 = 11"]
    assert step_of(data, "backward", "multiply", 1)["edges"][1]["formulas"] == ["∂J/∂c = 3 · 3 = 9"]
    assert step_of(data, "backward", "multiply", 1)["edges"][1]["rule"] == "∂J/∂c = ∂J/∂u · b"


def test_what_arrives_twice_adds_up(story):
    x = al.tensor(3.0, requires_grad=True, name="x")
    data = story(x * 3 + x * x)
    told = [(e["sums"], e["last"], e["box"]) for _, e in edges(data) if data.tensors[e["to"]]["label"] == "x"]
    assert told == [([], False, "3"), (["3 + 3 = 6"], False, "6"), (["6 + 3 = 9"], True, "9")]
    assert of(data, "x")["gradient"]["numbers"] == ["9"]
    assert [e["formulas"][0] for _, e in edges(data)][-1].startswith("∂result/∂x += ")


def test_gradients_are_those_of_autograd_and_of_differences(story):
    x = np.round(rng.normal(size=(3, 4)), 2)
    weights = [leaf(4, 3, name="w1"), leaf(3, 2, name="w2"), leaf(2, name="b")]

    def loss(w1, w2, b):
        h = al.tanh(al.tensor(x) @ w1)
        out = al.sigmoid(h @ w2 + b) * 2 + al.cat([h[:, :1], h[:, 1:2]], dim=1)
        return (out * out).mean() + al.amax(h)

    data = story(loss(*weights))
    true = al.autograd.grad(loss(*weights), weights)
    for k, (w, g) in enumerate(zip(weights, true, strict=True)):
        got = values(of(data, w.name)["gradient"])
        assert got == pytest.approx(g.data.ravel(), rel=1e-4, abs=1e-12)
        for place in range(w.data.size):
            ends = []
            for step in (1e-6, -1e-6):
                moved = [t.data.copy() for t in weights]
                moved[k].ravel()[place] += step
                ends.append(loss(*map(al.tensor, moved)).item())
            assert got[place] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-3, abs=1e-6)


def test_the_graph_stays_as_it_was(story):
    x = leaf(3, name="x")
    y = (x * x).sum()
    story(y)
    assert x.grad is None
    y.backward()
    assert x.grad.data == pytest.approx(2 * x.data)


def test_a_large_array_shows_where_its_largest_entries_are(story):
    w = al.tensor(np.arange(900.0).reshape(30, 30) - 100.0, requires_grad=True, name="w")
    data = story((w * w).sum())
    shown = of(data, "w")["value"]
    assert shown["of"] == "30 × 30"
    assert shown["rows"] == [str(i) for i in range(22, 30)]
    assert shown["columns"] == [str(i) for i in range(22, 30)]
    assert shown["numbers"][shown["first"]] == "799"
    assert of(data, "w")["box"][0] == "−100 … 799"
    formulas = step_of(data, "forward", "multiply")["formulas"]
    assert formulas[-1] == "h1[29, 29] = 799 · 799 = 6.384e+05"


# What is out of the ordinary


def test_float32_and_what_is_not_finite(story):
    x = al.tensor([np.inf, np.nan, -1.0, 0.0], dtype=al.float32, requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        loss = al.log(x).sum()
    data = story(loss)
    assert of(data, "x")["of"] == "(4,) float32"
    assert of(data, "x")["value"]["numbers"] == ["inf", "nan", "−1", "0"]
    assert of(data, "x")["gradient"]["numbers"] == ["0", "nan", "−1", "inf"]
    tenth = al.tensor(np.float32(0.1), requires_grad=True, name="tenth")
    assert of(story(tenth * 2), "tenth")["value"]["numbers"] == ["0.1"]


def test_rows_of_a_table(story):
    table = al.tensor(np.zeros((50, 3)), requires_grad=True, name="table")
    data = story(F.embedding(al.tensor([7, 40, 7]), table).sum())
    assert of(data, "table")["gradient"]["rows"].count("7") == 1
    gradient = dict(zip(of(data, "table")["gradient"]["rows"], values(of(data, "table")["gradient"])[::3], strict=True))
    assert {row: n for row, n in gradient.items() if n} == {"7": 2, "40": 1}
    (edge,) = step_of(data, "backward", "take_rows")["edges"]
    assert "∂result/∂table[7, 0] = 1 + 1 = 2" in edge["formulas"]


def test_several_results(story):
    x = al.tensor([1.0, 2.0], requires_grad=True, name="x")
    data = story(x * 3)
    assert {s["phase"] for s in data.steps} == {"start", "forward", "end"}
    assert data.notes == ["Forward only: a backward pass starts at one number, and the result has shape (2,)."]
    assert of(data, "x")["gradient"] is None
    data = story(x * 3, gradients=[10.0, 1.0])
    assert of(data, "x")["gradient"]["numbers"] == ["30", "3"]
    with pytest.raises(ValueError, match=r"gradients has shape \(3,\), and the tensor \(2,\)"):
        story(x * 3, gradients=np.ones(3))
    assert of(story((x * 3)[:1]), "x")["gradient"]["numbers"] == ["3", "0"]


def test_a_leaf_alone(story):
    data = story(al.tensor(2.0, requires_grad=True, name="x"))
    assert [s["phase"] for s in data.steps] == ["start", "seed", "end"]


def test_an_op_of_ones_own(story):
    @al.primitive(x=lambda g, x: g * 3 * x**2, more=None)
    def cubed(x, more, *, power=3):
        return x**power + 0 * more

    x = al.tensor(2.0, requires_grad=True, name="x")
    data = story(cubed(x, np.array([[1.0, 2.0]]), power=3))
    step = step_of(data, "forward", "cubed")
    assert step["rule"].startswith("result = cubed(x, ")
    assert step["formulas"] == ["result[0, 0] = 8", "result[0, 1] = 8"]
    data = story(cubed(x, np.array(1.0)))
    (edge,) = step_of(data, "backward", "cubed")["edges"]
    assert edge["rule"] == "∂result/∂x = the rule of cubed for x, on ∂result/∂result"
    assert edge["formulas"] == ["∂result/∂x = 12"]


def test_hooks_are_told_of(story):
    x = al.tensor(2.0, requires_grad=True, name="x")
    h = x * 3
    h.register_hook(lambda g: g * 100)
    data = story(h * 2)
    assert data.notes == ["Hooks were not called: these are the gradients without them."]
    assert of(data, "x")["gradient"]["numbers"] == ["6"]


def test_what_nothing_kept_is_not_made_up(story):
    def made():
        x = al.tensor([1.0, 2.0], requires_grad=True, name="x")
        return (x + np.array([3.0, 4.0])).sum()

    data = story(made())
    assert of(data, "x")["value"] is None
    assert of(data, "x")["box"] == ["", "1, 1"]
    assert step_of(data, "forward", "add")["formulas"] == []


def test_what_a_zero_has_swallowed_is_not_made_up(story):
    x = al.tensor([1.0, 2.0], requires_grad=True, name="x")
    data = story((x + np.array([3.0, 4.0])) * np.array([0.0, 2.0]), gradients=np.ones(2))
    assert of(data, "h1")["value"] is None
    data = story((x + np.array([3.0, 4.0])) * np.array([5.0, 2.0]), gradients=np.ones(2))
    assert of(data, "h1")["value"]["numbers"] == ["4", "6"]
    assert step_of(data, "forward", "add")["formulas"] == ["h1[0] = 1 + 3 = 4", "h1[1] = 2 + 4 = 6"]


def test_values_of_tensors_that_names_holds(story):
    x = al.tensor([1.0, 2.0], requires_grad=True)
    h = x + np.array([3.0, 4.0])
    data = story(h.sum(), names={"held": h, "x": x})
    assert of(data, "held")["value"]["numbers"] == ["4", "6"]
    assert step_of(data, "forward", "add")["formulas"] == ["held[0] = 1 + 3 = 4", "held[1] = 2 + 4 = 6"]


def test_errors(story, tmp_path):
    x = al.tensor([1.0, 2.0], requires_grad=True)
    loss = (x * x).sum()
    with pytest.raises(TypeError, match="and this is ndarray"):
        al.animate(np.ones(2), tmp_path / "a.html")
    with pytest.raises(ValueError, match="max_steps is at least 1"):
        al.animate(loss, tmp_path / "a.html", max_steps=0)
    with pytest.raises(FileNotFoundError, match="make it first"):
        al.animate(loss, tmp_path / "none" / "a.html")
    with pytest.raises(al.GraphError, match="there is no graph to step through"):
        al.animate(al.tensor(1.0), tmp_path / "a.html")
    x.data[0] = 7.0
    with pytest.raises(al.GraphError, match="written into"):
        al.animate(loss, tmp_path / "a.html")
    x.data[0] = 1.0
    loss.backward()
    with pytest.raises(al.GraphError, match="freed"):
        al.animate(loss, tmp_path / "a.html")
    assert list(tmp_path.iterdir()) == []


# Large graphs


def test_of_very_many_ops_the_first_and_the_last(story):
    x = al.tensor(1.0, requires_grad=True, name="x")
    y = x
    for _ in range(5000):
        y = y * 1.0001
    data = story(y, max_steps=10)
    assert data.notes[0] == (
        "The graph has 5,000 ops. 10 are shown, the first and the last; 4,990 between them were computed and are "
        "left out."
    )
    assert [s["phase"] for s in data.steps].count("forward") == 10
    assert "<svg " not in data.page.partition("<main")[2].partition("</main>")[0]
    assert values(of(data, "x")["gradient"]) == pytest.approx([1.0001**5000], rel=1e-4)
    known = {s["of"] for s in data.steps if s["phase"] == "forward"} | {
        i for i, t in data.tensors.items() if t["given"]
    }
    used = {i for s in data.steps for i in s.get("inputs", ())}
    assert used <= set(data.tensors)
    assert len(used - known) == 1


def doubled(times):
    y = al.tensor(1.0, requires_grad=True, name="v")
    for _ in range(times):
        y = y + y
    return y


def test_the_cost_of_doublings_grows_with_their_number(story):
    half, whole = doubled(20), doubled(40)
    assert cost.calls(lambda: story(whole)) < 2.2 * cost.calls(lambda: story(half))
    assert values(of(story(doubled(40)), "v")["gradient"]) == [pytest.approx(2.0**40, rel=1e-4)]


def test_the_page_stays_under_a_megabyte(story):
    w = al.tensor(rng.normal(size=(64, 64)), requires_grad=True)
    h = w
    for _ in range(100):
        h = al.tanh(h @ w)
    data = story(h.sum())
    assert len(data.page.encode()) < 1_000_000
    assert len([s for s in data.steps if s["phase"] == "forward"]) == 200


# Names, bytes, files

HOSTILE = [
    '"><script>alert(1)</script>',
    "</script><script>alert(2)</script>",
    "<!-- & &amp; ]]> -->",
    "two\nlines \u2028 \u202e",
    "emoji 🎉 \ud800",
    "@@DATA@@ @@PICTURE@@ \\1 \\g<0>",
    "x" * 200,
    "'; onload='alert(3)",
]


def elements(page):
    """All elements of a page, and the names of their attributes."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, [name for name, _ in attributes]))
    parser.feed(page)
    return found


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names_inject_nothing(name, story):
    def named(name):
        x = al.tensor([1.0, 2.0], requires_grad=True, name=name)
        y = (x * al.tensor([3.0, 4.0], name=name)).sum()
        y.name = name
        cause = SimpleNamespace(kind=name, explanation=name)
        return story(y, report=[SimpleNamespace(name=name, verdict=name, causes=[cause], line=name)])

    data, plain = named(name), named("plain")
    assert elements(data.page) == elements(plain.page)
    assert "\u202e" not in data.page
    assert max(len(t["label"]) for t in data.tensors.values()) <= 40
    assert data.blame[0]["causes"][0].startswith(re.split("[\n\u2028\ud800]", name)[0])


def test_the_same_graph_the_same_bytes():
    program = (
        "import sys, autograd_lite as al, numpy as np, hashlib, tempfile\n"
        "w = al.tensor(np.linspace(-1, 1, 12).reshape(3, 4), requires_grad=True, name='w')\n"
        "v = al.tensor(np.linspace(-1, 1, 4), requires_grad=True, name='v')\n"
        "path = al.animate((al.tanh(w @ v) * al.relu(w @ v) + 3).sum(), tempfile.mkdtemp() + '/s.html')\n"
        "print(hashlib.sha256(path.read_bytes()).hexdigest())\n"
    )
    made = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(made) == 1


def test_a_picture_only_where_one_can_be_drawn(story, monkeypatch):
    monkeypatch.setattr(engine, "engines", lambda: [])
    data = story(book_b1())
    assert "<svg " not in data.page.partition("<main")[2].partition("</main>")[0]
    assert len(data.steps) == 9


@needs_engine
def test_boxes_are_found_by_their_ids(story):
    data = story(book_b1())
    picture = data.page.partition("<main")[2].partition("</main>")[0]
    boxes = re.findall(r'<g id="box-(\w+)" class="node ?(\w*)', picture)
    lit = {s["op"] for s in data.steps if "op" in s}
    assert lit | set(data.tensors) <= {box for box, _ in boxes}
    links = set(re.findall(r'data-from="(\w+)" data-to="(\w+)"', picture))
    for step in data.steps:
        if step["phase"] == "forward":
            assert (step["op"], step["of"]) in links
            assert all((i, step["op"]) in links for i in step["inputs"])


@needs_engine
def test_what_has_no_name_is_called_the_same_in_boxes_and_formulas(story):
    x = al.tensor([1.0, 2.0], requires_grad=True, name="x")
    data = story((x * np.array([3.0, 4.0]) * np.array([5.0, 6.0])).sum())
    rules = [s["rule"] for s in data.steps if s["phase"] == "forward"]
    assert rules == ["h1 = x · c1", "h2 = h1 · c2", "result = Σ h2"]
    picture = data.page.partition("<main")[2].partition("</main>")[0]
    texts = [re.findall("<text[^>]*>([^<]*)", box)[:2] for box in picture.split('<g id="box-')[1:]]
    assert {tuple(t) for t in texts if t[0][0] in "ch"} == {(n, "(2,)") for n in ("c1", "c2", "h1", "h2")}
    assert [step["inputs"][1]["array"]["numbers"] for step in data.steps[1:3]] == [["3", "4"], ["5", "6"]]


# Blame


def two_layers():
    x, y = np.round(rng.normal(size=(4, 3)), 2), np.round(rng.normal(size=(4, 1)), 2)
    w1, w2 = leaf(3, 2, name="w1"), leaf(2, 1, name="w2")
    h_in = al.tensor(x) @ w1
    h = al.tanh(h_in)
    out = h @ w2
    h_in.name, h.name, out.name = "h_in", "h", "out"
    loss = (out - al.tensor(y)).square().sum()
    delta = {"out": 2 * (out.data - y)}
    delta["h"] = delta["out"] @ w2.data.T
    delta["h_in"] = delta["h"]  # the slope of tanh is missing
    delta["w1"] = x.T @ delta["h_in"]
    return loss, delta, (w1, w2, h_in, h, out)


def test_names_are_numbered_in_the_order_of_the_steps(story):
    x = al.tensor([1.0, 2.0], requires_grad=True, name="x")
    early = x.exp()
    late = x.sin()
    data = story((late * early).sum())
    rules = [s["rule"] for s in data.steps if s["phase"] == "forward"]
    assert rules == ["h1 = exp(x)", "h2 = sin(x)", "h3 = h2 · h1", "result = Σ h3"]


def test_no_constant_is_called_what_a_tensor_is(story):
    x = al.tensor([1.0, 2.0], requires_grad=True, name="c1")
    named, nameless = np.array([3.0, 4.0]), np.array([5.0, 6.0])
    data = story((x * named * nameless).sum(), names={"c1": x, "x": named})
    assert [s["rule"] for s in data.steps if s["phase"] == "forward"][:2] == ["h1 = c1 · x", "h2 = h1 · c2"]
    data = story((x * named * nameless).sum(), names={"y": x, "c1": named, "w": nameless})
    assert [s["rule"] for s in data.steps if s["phase"] == "forward"][:2] == ["h1 = y · c1", "h2 = h1 · w"]
    module_like = al.tensor([1.0, 2.0], requires_grad=True, name="hidden")
    data = story((module_like * named).sum(), names={"hidden": named})
    rule = next(s["rule"] for s in data.steps if s["phase"] == "forward")
    assert rule == "h1 = hidden · hidden_2"
    if engine.engines():
        assert ">hidden_2</text>" in data.page


def test_constants_are_called_as_in_formulas(story):
    x = al.tensor([[1.0, 2.0], [0.5, -1.0]], requires_grad=True, name="x")
    loss = F.mse_loss(x * np.array([3.0, 4.0]), np.array([[5.0, 6.0], [7.0, 8.0]]))
    text = str(al.algebra(loss))
    labels = {i["label"] for s in story(loss).steps for i in s.get("inputs", ()) if isinstance(i, dict)}
    assert labels == {"c1", "target"}
    assert all(label in text for label in labels)


def test_of_parts_that_meet_an_entry_is_chosen_where_both_are_there(story):
    x = al.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True, name="x")
    data = story((x[:3] * np.array([9.0, 1.0, 1.0])).sum() + (x[1:] * np.array([1.0, 2.0, 50.0])).sum())
    (edge,) = [edge for _, edge in edges(data) if edge["sums"]]
    chosen = edge["sums"][edge["array"]["first"]]
    assert "0 +" not in chosen
    assert "+ 0" not in chosen


@pytest.mark.parametrize("report", ["agrees", 7, ["agrees"], {"w": np.ones(2)}])
def test_a_report_of_another_type_is_refused(report, tmp_path):
    x = al.tensor([1.0, 2.0], requires_grad=True, name="x")
    with pytest.raises(TypeError, match="report is what check_deltas returns, and this is "):
        al.animate(x.sum(), tmp_path / "x.html", report=report)
    assert not (tmp_path / "x.html").exists()


def test_blame_is_where_check_deltas_finds_it(story):
    loss, delta, held = two_layers()
    data = story(loss, report=al.check_deltas(loss, delta))
    told = {f["name"]: f for f in data.blame}
    assert {name: f["verdict"] for name, f in told.items()} == {
        "out": "agrees",
        "h": "agrees",
        "h_in": "introduced",
        "w1": "inherited",
    }
    assert told["h_in"]["words"] == "✗ introduced here"
    assert told["h_in"]["causes"][0].startswith("missing-derivative: ")
    assert any(text.startswith("worst at [") and "by hand" in text for text in told["h_in"]["more"])
    assert told["w1"]["more"] == ["right, given that of h_in"]
    assert told["h"]["more"] == []
    assert all(data.tensors[f["id"]]["label"] == f["name"] for f in data.blame)
    assert len(held) == 5


def test_a_convention_is_no_mistake(story):
    loss, delta, held = two_layers()
    halved = {name: array / 2 for name, array in delta.items() if name in ("out", "h")}
    report = al.check_deltas(loss, halved, up_to_scale=True)
    data = story(loss, report=report)
    assert [f["verdict"] for f in data.blame] == ["convention", "inherited"]
    assert len(held) == 5


def test_findings_of_another_kind(story):
    found = [
        SimpleNamespace(name="u", verdict="introduced", causes=["it is wrong"]),
        SimpleNamespace(name="nobody", verdict="odd", causes=[]),
    ]
    data = story(book_b1(), report=found)
    assert [(f["id"] is None, f["verdict"], f["words"], f["causes"]) for f in data.blame] == [
        (False, "introduced", "✗ introduced here", ["it is wrong"]),
        (True, "other", "odd", []),
    ]
    assert data.tensors[data.blame[0]["id"]]["label"] == "u"


def test_a_name_that_two_tensors_have_is_put_nowhere(story):
    x, y = (al.tensor(v, requires_grad=True, name="same") for v in (2.0, 3.0))
    data = story(x * y, report=[SimpleNamespace(name="same", verdict="agrees", causes=[])])
    assert data.blame[0]["id"] is None


# The networks


def of_network(network):
    """The error of a network's first batch (the output, of a forward pass alone), and all its tensors by name."""
    weights, random = network.start()
    drawn = network.graph(weights, next(network.batches(network.data(), random)))
    result = list(drawn.layers.values())[-1] if drawn.error is None else drawn.error
    tensors = {**drawn.weights, **drawn.layers}
    return result, {name: t for name, t in tensors.items() if isinstance(t, al.Tensor)}


@pytest.mark.parametrize("id", networks)
def test_every_network(id, story):
    loss, tensors = of_network(networks[id])
    if loss.node is None:
        with pytest.raises(al.GraphError, match="no graph"):
            story(loss)
        return
    data = story(loss, names=tensors)
    assert len(data.page.encode()) < 1_000_000
    assert all(t["value"] is not None for t in data.tensors.values())
    assert all(s["formulas"] for s in data.steps if s["phase"] == "forward")
    leaves = [t for t in tensors.values() if t.node is not None and t.node.op is None]
    if loss.data.size == 1:
        true = al.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)
        for t, g in zip(leaves, true, strict=True):
            name = next(n for n, other in tensors.items() if other is t)
            dense = np.zeros(t.shape) if g is None else np.asarray(g.data if isinstance(g, al.Tensor) else g)
            shown = of(data, name)["gradient"]
            if shown is not None:
                size = np.abs(dense).max()
                assert max(map(abs, values(shown))) == pytest.approx(size, rel=1e-4)


def test_6_4_shows_its_delta_and_the_zeros_of_relu(story):
    loss, tensors = of_network(networks["6.4"])
    data = story(loss, names=tensors, gradients=0.5)  # the text leaves the 2 of the square out
    assert of(data, "layer_2")["gradient"]["numbers"] == ["−1.0213"]
    assert "0" in of(data, "layer_1_in")["gradient"]["numbers"]
