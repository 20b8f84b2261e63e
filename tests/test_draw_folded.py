"""Frames around modules, repeated blocks shown once, chains joined, the middle left out: and a picture that says so."""

import gc
import math
import re
import threading
import weakref
import xml.etree.ElementTree as ET
from itertools import pairwise

import cost
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.draw import engine
from autograd_lite.draw.cut import shortened_to
from autograd_lite.draw.diagram import Options, skeleton
from autograd_lite.nn import functional as F

needs_engine = pytest.mark.skipif(not engine.engines(), reason="neither graphviz-pure nor dot is installed")


class Cell(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.from_input, self.from_state = nn.Linear(inputs, 4 * hidden), nn.Linear(hidden, 4 * hidden, bias=False)
        self.size = hidden

    def forward(self, x, h, c):
        gates = self.from_input(x) + self.from_state(h)
        i, f, o, u = (gates[:, k * self.size : (k + 1) * self.size] for k in range(4))
        c = al.sigmoid(f) * c + al.sigmoid(i) * al.tanh(u)
        return al.sigmoid(o) * al.tanh(c), c


class LSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.out = Cell(3, 4), nn.Linear(4, 1)

    def forward(self, xs):
        h, c, states = al.zeros(2, 4), al.zeros(2, 4), []
        for x in xs:
            h, c = self.cell(x, h, c)
            states.append(h)
        return self.out(al.stack(states).mean(dim=0))


def lstm(steps=25):
    al.manual_seed(0)
    model = LSTM()
    return model, F.mse_loss(model([al.randn(2, 3) for _ in range(steps)]), al.zeros(2, 1))


def rnn(steps=25):
    rng = np.random.default_rng(0)
    w, u, v = (
        al.tensor(rng.normal(size=s), requires_grad=True, name=n)
        for n, s in (("w", (3, 4)), ("u", (4, 4)), ("v", (4, 1)))
    )
    h, loss = al.zeros(2, 4), 0.0
    for _ in range(steps):
        h = al.tanh(al.tensor(rng.normal(size=(2, 3))) @ w + h @ u)
        loss = loss + ((h @ v) ** 2).mean()
    return loss


def sequential(*sizes, activation=nn.Tanh):
    al.manual_seed(0)
    layers = (layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), activation()))
    return nn.Sequential(*layers)


def leaf(*shape, name=None):
    return al.tensor(np.ones(shape), requires_grad=True, name=name)


def made(t, most=None, **options):
    options = {"show": "shape", "group": "module", "fold": True, **options}
    return shortened_to([t], Options(**options), most)


def frames(diagram):
    """(title, titles around it) of each frame, as it appears."""
    groups = dict.fromkeys(g for box in diagram.boxes if box.group for g in reversed([*box.group.path()]))
    return [(g.title, [outer.title for outer in g.path()][1:]) for g in groups]


def place(diagram, first):
    (box,) = [box for box in diagram.boxes if box.lines[0] == first]
    return [g.title for g in box.group.path()] if box.group else []


def links(diagram):
    named = {box.id: box.lines[0] for box in diagram.boxes}
    return [(named[k.start], named[k.end], "back" if k.back else k.label) for k in diagram.links if k.label or k.back]


# ---------------------------------------------------------------------------------------- modules


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.head = nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.ReLU())

    def forward(self, x):
        return self.head(self.inner(self.inner(x).exp()))


def test_a_frame_for_each_call_nested():
    model = Twice()
    loss = model(al.ones(1, 2)).sum()
    assert frames(made(loss)) == [
        ("Twice", []),
        ("inner: Linear", ["Twice"]),
        ("inner: Linear", ["Twice"]),
        ("head: Sequential", ["Twice"]),
        ("0: Linear", ["head: Sequential", "Twice"]),
        ("1: ReLU", ["head: Sequential", "Twice"]),
    ]
    assert [title for title, _ in frames(made(loss, names=model))][-2:] == ["head.0: Linear", "head.1: ReLU"]
    assert place(made(loss), "exp") == ["Twice"]
    assert place(made(loss), "sum") == []
    assert frames(made(loss, group=None)) == []
    with pytest.raises(ValueError, match="group is 'module' or None"):
        al.to_dot(loss, group="layers")


def test_a_parameter_stands_in_the_frame_of_its_only_user_under_its_path():
    model = Twice()
    diagram = made(model(al.ones(1, 2)).sum())
    assert place(diagram, "head.0.weight") == ["0: Linear", "head: Sequential", "Twice"]
    assert place(diagram, "inner.weight") == ["Twice"]  # two calls use it
    assert place(made(model.inner(al.ones(1, 2)) * model.inner.weight), "weight") == []


class Several(nn.Module):
    def forward(self, x):
        return {"a": [x * 2.0], "b": (x.exp(), x, 3)}


def test_results_in_containers_and_what_a_module_only_hands_on():
    x = leaf(2, name="x")
    outputs = Several()(x)
    assert [place(made(t), word) for t, word in ((outputs["a"][0], "multiply"), (outputs["b"][0], "exp"))] == [
        ["Several"],
        ["Several"],
    ]
    assert x.node.call is None
    with al.no_grad():
        assert nn.ReLU()(x).node is None
    assert nn.Sequential()(x) is x


def test_a_graph_holds_no_module():
    model = nn.Linear(2, 2)
    gone = weakref.ref(model)
    y = model(al.ones(1, 2))
    del model
    gc.collect()
    assert gone() is None
    assert frames(made(y)) == [("Linear", [])]


def test_calls_of_two_threads_that_overlap_draw():
    class Slow(nn.Module):
        def forward(self, x):
            barrier.wait()
            y = x * 2.0
            barrier.wait()
            return y

    barrier, found = threading.Barrier(2), []
    model, x = Slow(), leaf(2, name="x")
    threads = [threading.Thread(target=lambda: found.append(model(x))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [title for title, _ in frames(made(found[0] + found[1]))] in (["Slow"], ["Slow", "Slow"])


def test_hundreds_of_modules_in_each_other():
    class Around(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, x):
            return self.inner(x)

    model = nn.Linear(2, 2)
    for _ in range(200):
        model = Around(model)
    text = al.to_dot(model(al.ones(1, 2)))
    assert text.count("subgraph") == 201
    assert text.count("{") == text.count("}")


# ---------------------------------------------------------------------------------------- repeated blocks


def test_a_lstm_of_25_steps_is_small_and_says_what_it_folded():
    model, loss = lstm()
    diagram = made(loss, names=model)
    assert len(diagram.boxes) < 80
    assert ("× 25, the first is shown", ["LSTM"]) in frames(diagram)
    assert ("cell: Cell", ["× 25, the first is shown", "LSTM"]) in frames(diagram)
    picture = al.draw(loss, names=model)
    assert picture.folded.startswith("Folded: 25 × 16 ops (affine … multiply)")
    assert "of 429 ops are shown" in picture.folded
    assert "Folded: 25" in picture.dot
    assert place(diagram, "cell.from_state.weight") == ["LSTM"]  # all steps share it
    assert len(made(loss, fold=False).boxes) > 800
    assert al.draw(loss, fold=False, max_nodes=None).folded == ""


def test_a_loop_without_modules():
    diagram = made(rnn())
    assert [(box.lines[0], box.lines[-1]) for box in diagram.boxes if box.kind == "constant"] == [
        ("(2, 3)", "× 25"),
        ("(2, 4)", "(2, 4)"),
    ]
    found = links(diagram)
    assert found.count(("(2, 4)", "matmul", "back")) == 1
    assert ("(2, 4)", "matmul", "to the first") in found
    assert ("()", "add", "back") in found
    assert ("()", "result", "the last") in found
    assert [box.lines for box in diagram.boxes if box.kind == "parameter"] == [
        ("w", "(3, 4)"),
        ("u", "(4, 4)"),
        ("v", "(4, 1)"),
    ]


def test_equal_layers_are_shown_as_one_with_their_weights():
    model = sequential(4, 4, 4, 4)
    diagram = made(model(al.ones(2, 4)))
    assert [box.lines for box in diagram.boxes if box.kind == "parameter"] == [
        ("0.weight", "(4, 4)", "× 3"),
        ("0.bias", "(4,)", "× 3"),
    ]
    weight = diagram.boxes[0]
    assert "0.weight, 2.weight, 4.weight" in weight.tip
    assert place(diagram, "0.weight") == ["0: Linear", "× 3, the first is shown", "Sequential"]
    assert diagram.boxes[-1].kind == "result"
    assert diagram.folded == ["Folded: 3 × 2 ops (affine, tanh). 2 of 6 ops are shown."]


def test_what_is_not_equal_or_not_often_is_not_folded():
    assert made(sequential(4, 4, 4)(al.ones(2, 4))).folded == []
    assert made(sequential(2, 3, 4, 5, 6)(al.ones(2, 2))).folded == []
    x = leaf(2)
    for k in range(6):
        x = al.sum(x.reshape(1, 2) * 1.0, dim=k % 2).expand(2)
    assert all("6 ×" not in said for said in made(x).folded)


def test_values_are_those_of_the_block_that_is_shown():
    x = leaf(1, name="x")
    for _ in range(10):
        x = al.tanh(x * 2.0)
        x.name = "state"
    diagram = made(x, show=("value",), names={"state": x})
    shown = {box.lines[0]: box.facts[0].rows[0][0] for box in diagram.boxes if box.facts}
    assert shown["state"] == f"{x.item():.5g}"
    first = next(box for box in diagram.boxes if box.group and box.kind == "tensor" and box.facts)
    assert first.facts[0].rows == ((f"{math.tanh(2.0):.5g}",),)
    last = next(box for box in diagram.boxes if box.kind == "result")
    assert last.facts[0].rows == ((f"{x.item():.5g}",),)


def test_steps_within_steps():
    w = [leaf(3, 3, name=f"w{k}") for k in range(4)]
    h, kept = al.ones(2, 3), []
    for _ in range(10):
        for weight in w:
            h = al.tanh(h @ weight)
        h = h * 0.5 + 1.0
        kept.append(h.sum())
    diagram = made(al.stack(kept).mean())
    assert ("× 4, the first is shown", ["× 10, the first is shown"]) in frames(diagram)
    assert [box.lines for box in diagram.boxes if box.kind == "parameter"] == [("w0", "(3, 3)", "× 4: w0, w1, w2, w3")]
    assert place(diagram, "w0") == []  # every step takes all four
    assert ("()", "reshape", "× 10") in links(diagram)


def test_a_weight_that_is_also_used_by_itself():
    w = [leaf(3, 3, name=f"w{k}") for k in range(5)]
    h = al.ones(2, 3)
    for weight in w:
        h = al.tanh(h @ weight)
    diagram = made(h.sum() + w[2].sum())
    assert ("w0", "sum", "no. 3") in links(diagram)


def test_a_result_in_every_block():
    x, found = leaf(2, name="x"), []
    for _ in range(12):
        x = al.tanh(x * 2.0)
        found.append(x)
    assert [b.kind for b in shortened_to(found, Options(fold=True), None).boxes].count("result") == 1
    some = shortened_to([found[3], found[-1]], Options(fold=True), None)
    assert [b.kind for b in some.boxes].count("result") == 2
    assert [link[2] for link in links(some) if link[1] == "result"] == ["no. 4", "the last"]
    ends = shortened_to([found[0], found[-1], found[0]], Options(fold=True), None)
    assert [b.kind for b in ends.boxes].count("result") == 2
    assert len({b.id for b in ends.boxes}) == len(ends.boxes)


BLOCKS = st.lists(
    st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(1, 6)), min_size=1, max_size=5
)


@settings(max_examples=60, deadline=None)
@given(BLOCKS, st.booleans())
def test_every_op_is_one_of_those_that_its_box_stands_for(program, in_modules):
    weights = [leaf(2, 2, name=f"w{k}") for k in range(3)]
    steps = [
        al.tanh, lambda t: t @ weights[0], lambda t: t * 2.0, lambda t: t + t, lambda t: weights[1] * t,
        lambda t: t @ leaf(2, 2),
    ]  # fmt: skip

    class Block(nn.Module):
        def forward(self, t, ops):
            for k in ops:
                t = steps[k](t)
            return t

    block, t = Block(), al.ones(2, 2)
    kept = []
    for ops, times in program:
        for _ in range(times):
            t = block(t, ops) if in_modules else block.forward(t, ops)
            kept.append(t)
    root = al.stack([k for k in kept if k.requires_grad] or [leaf(2)]).sum()
    drawing = skeleton([root], Options(fold=True, group="module"))
    folded, ops = drawing.folded, drawing.ops
    for i, shown in enumerate(folded.shown):
        assert (ops[i].op, ops[i].shape) == (ops[shown].op, ops[shown].shape)
        counts = [g.count for g in folded.groups[i].path() if g.count > 1] if folded.groups[i] else []
        assert len(drawing.bundles.blocks(shown)) == math.prod(counts)
        assert sorted(g.count for g in folded.at[i]) == sorted(counts)
        assert len({tuple(folded.at[j].values()) for j in drawing.bundles.blocks(shown)}) == math.prod(counts)
    boxes = {box.id for box in drawing.made.boxes}
    assert {end for link in drawing.made.links for end in (link.start, link.end)} <= boxes


# ---------------------------------------------------------------------------------------- chains, and the middle


def test_chains_of_ops_on_entries_become_one():
    x, w = leaf(2, name="x"), leaf(2, name="w")
    y = (al.tanh(al.sigmoid(x) * w) + 1.0).sum()
    diagram = made(y, fold="chains")
    assert [box.lines for box in diagram.boxes if box.kind == "op"] == [("sigmoid, multiply, tanh,", "add"), ("sum",)]
    assert diagram.folded == ["4 ops on single entries are joined to 1 chains."]
    assert {(a, b) for a, b in ((k.start, k.end) for k in diagram.links) if b == "op6"} == {
        ("k1", "op6"),
        ("t1", "op6"),
        ("t3", "op6"),
    }
    named = al.sigmoid(x) * w
    named.name = "gate"
    assert len([b for b in made(al.tanh(named), fold="chains").boxes if b.kind == "op"]) == 2
    shared = al.sigmoid(x)
    assert made(shared * al.tanh(shared), fold="chains").boxes[1].lines == ("sigmoid",)
    with pytest.raises(ValueError, match="fold is True, False or 'chains'"):
        al.draw(y, fold="all")


def unlike(n):
    """A chain in which nothing repeats, of ops that are no chain of entries."""
    steps = (lambda x, w: al.tanh(x @ w), lambda x, w: w.sum() * x, lambda x, w: w @ x)
    x = leaf(2, name="x")
    for k, which in enumerate(np.random.default_rng(0).integers(0, 3, n).tolist()):
        x = steps[which](x, leaf(2, 2, name=f"w{k}"))
    return x.sum()


def test_the_middle_is_left_out_and_a_box_says_how_much():
    y = unlike(400)
    for most in (2, 10, 60, 200):
        diagram = made(y, most, fold=False)
        assert len(diagram.boxes) == most
        rest = next(box for box in diagram.boxes if box.kind == "rest")
        everything = made(y, fold=False)
        hidden = sum(b.kind == "op" for b in everything.boxes) - sum(b.kind == "op" for b in diagram.boxes)
        assert rest.lines[0].startswith(f"… {hidden:,} ops and ")
        assert diagram.boxes[-1].kind == "result"
        assert diagram.folded[-1].startswith(rest.lines[0].removeprefix("… ").removesuffix(" not shown"))
    assert any(box.lines[0] == "x" for box in made(y, 60, fold=False).boxes)
    assert len(made(y, None, fold=False).boxes) == len(everything.boxes)
    assert al.draw(y).dot.count("class=") <= 200


# ---------------------------------------------------------------------------------------- large graphs


def chain(kind, n=100_000):
    x = leaf(2, name="x")
    if kind == "equal":
        for _ in range(n):
            x = x * 0.5
    else:
        steps = [al.sin, al.cos, al.tanh, al.relu]
        relu, doubled = nn.ReLU(), nn.Tanh()
        for k in np.random.default_rng(0).integers(0, 4, n).tolist():
            x = steps[k](x) if kind == "random" else (relu if k % 2 else doubled)(x)
    return x


@pytest.mark.parametrize("fold", [True, False])
def test_the_cost_grows_with_the_number_of_ops(fold):
    half, whole = chain("equal", 5_000), chain("equal", 10_000)
    assert cost.calls(lambda: al.to_dot(whole, fold=fold)) < 2.2 * cost.calls(lambda: al.to_dot(half, fold=fold))


@pytest.mark.parametrize("kind", ["equal", "random", "modules"])
@pytest.mark.parametrize("fold", [True, False])
def test_a_picture_of_any_size_is_small(kind, fold):
    assert 2 < al.draw(chain(kind, 20_000), fold=fold).dot.count("class=") <= 200


def test_twenty_doublings():
    v = leaf(2, name="v")
    for _ in range(20):
        v = v + v
    picture = al.draw(v)
    assert picture.folded == "Folded: 20 × 1 op (add). 1 of 20 ops are shown."
    assert picture.dot.count("class=") == 4
    assert al.to_dot(v, fold=False).count("class=") == 41


@needs_engine
def test_the_picture_has_frames_and_notes():
    model, loss = lstm()
    root = ET.fromstring(al.draw(loss, names=model).svg)
    words = ["".join(e.itertext()).replace("\xa0", " ").strip() for e in root.iter() if e.tag[-4:] == "text"]
    assert "× 25, the first is shown" in words
    assert any(word.startswith("Folded: 25 × 16 ops") for word in words)
    assert {"cell: Cell", "cell.from_input: Linear", "next", "× 25", "to the first"} <= set(words)
    assert {name for name, _ in model.named_parameters()} <= set(words)
    clusters = [e for e in root.iter() if e.get("class") == "cluster"]
    assert len(clusters) == len(re.findall("subgraph", al.to_dot(loss, names=model)))


def test_a_hostile_class_injects_nothing():
    hostile = type('x"]; evil [label="<b>&\n', (nn.Module,), {"forward": lambda self, x: x * 2.0})
    text = al.to_dot(hostile()(leaf(2)), show="shape")
    assert re.sub(r'"(?:[^"\\]|\\.)*"', "S", text).count("evil") == 1  # in the frame's title, as text:
    assert "<TD>&#160;x&quot;]; evil [label=&quot;&lt;b&gt;&amp; &#160;</TD>" in text
