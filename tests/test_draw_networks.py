"""Every network of `models` drawn: all names and shapes, the numbers at the right nodes, the same text as ever.

`python tests/test_draw_networks.py` writes the golden files anew: the DOT text, and the words of the SVG.
"""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd_lite as al
from autograd_lite.derive.labels import shortened
from autograd_lite.draw import engine
from autograd_lite.draw.cut import shortened_to
from autograd_lite.draw.diagram import Options
from models import find, networks, picture

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"
FIVE = ("3.1", "6.4", "8.3", "B.1", "B.4")
needs_engine = pytest.mark.skipif(not engine.engines(), reason="neither graphviz-pure nor dot is installed")


def everything(name):
    """The error of a network's first batch, and what `draw` is to know: names, and the gradient of every tensor."""
    network = find(name)
    weights, rng = network.start()
    batch = next(network.batches(network.data(), rng))
    constants, made = [(batch.labels, "labels")], []

    def watcher(op, args, attrs, result):
        if isinstance(result, al.Tensor) and result.node is not None:
            made.append(result)

    with al.watch(watcher), al.watch(picture._followed(constants)):
        graph = network.graph(weights, batch)
    root = list(graph.layers.values())[-1] if graph.error is None else graph.error
    names = {name: array for array, name in constants if isinstance(array, np.ndarray)}
    tensors = [t for t in (*graph.weights.values(), *made) if t.requires_grad and graph.error is not None]
    found = al.autograd.grad(root, tensors, retain_graph=True, allow_unused=True) if tensors else ()
    gradients = {t: g for t, g in zip(tensors, found, strict=True) if g is not None}
    return root, {"names": names, "gradients": gradients}, (graph, made)


def words(svg):
    return [
        "".join(e.itertext()).replace("\xa0", " ").strip() for e in ET.fromstring(svg).iter() if e.tag[-4:] == "text"
    ]


def numbers(name):
    """By box, the numbers of each part."""
    root, known, _held = everything(name)
    boxes = shortened_to([root], Options(show=("value", "grad"), **known), None).boxes
    return {
        box.lines[0]: {f.part: [float(n) for row in f.rows for n in row] for f in box.facts}
        for box in boxes
        if box.lines and box.kind != "op"
    }


def test_the_small_graph_has_its_values_and_derivatives():
    found = numbers("B.1")
    assert {name: found[name]["value"] for name in "uvJ"} == {"u": [6], "v": [11], "J": [33]}
    assert {name: found[name]["grad"] for name in "vaubc"} == {"v": [3], "a": [3], "u": [3], "b": [6], "c": [9]}


def test_the_delta_and_the_zeros_of_relu():
    root, known, (graph, _) = everything("6.4")
    boxes = shortened_to([root], Options(show=("value", "grad"), **known), None).boxes
    values = {box.lines[0]: {f.part: f.rows for f in box.facts} for box in boxes if box.lines and box.kind != "op"}
    (delta,) = [
        box.facts[0].rows for box, before in zip(boxes[1:], boxes, strict=False) if before.lines == ("subtract",)
    ]
    assert delta == (("-1.0213",),)
    assert values["layer_2"]["grad"] == (("-2.0426",),)  # twice that: the square's derivative
    layer = graph.layers["layer_1"].data
    assert values["layer_1"]["value"] == (tuple(f"{v:.5g}" for v in layer[0]),)
    assert values["layer_1"]["value"][0].count("0") == int((layer == 0).sum()) > 0
    assert values["layer_1_in"]["grad"][0].count("0") == int((layer == 0).sum())


@needs_engine
@pytest.mark.parametrize("name", list(networks))
def test_every_network_is_drawn_with_all_names_and_shapes(name):
    root, known, (graph, _) = everything(name)
    svg = al.draw(root, **known).svg
    said = words(svg)
    for weight, tensor in graph.weights.items():
        if tensor.requires_grad:
            several = [k for k, text in enumerate(said) if text.startswith("×") and weight in re.split("[:,] ", text)]
            where = several[0] - 2 if several else said.index(shortened(weight))
            assert str(tensor.shape) in said[where + 1], weight
    assert "not computed" not in " ".join(said)


def golden(name):
    root, known, _held = everything(name)
    drawn = al.draw(root, **known)
    return drawn.dot, drawn


@pytest.mark.parametrize("name", FIVE)
def test_the_text_is_as_it_was(name):
    assert golden(name)[0] == (GOLDEN / f"{name}.dot").read_text("utf-8")


@needs_engine
@pytest.mark.parametrize("name", FIVE)
def test_the_words_are_as_they_were(name):
    assert sorted(words(golden(name)[1].svg)) == (GOLDEN / f"{name}.txt").read_text("utf-8").splitlines()


def test_the_same_bytes_in_another_process():
    code = "from tests.test_draw_networks import golden; import sys; sys.stdout.buffer.write(golden('B.4')[0].encode())"
    for seed in ("0", "4711"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        )
        assert done.stdout.decode() == golden("B.4")[0]


UNFIT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
PIECES = st.sampled_from(
    ['"', "\\", "<b>", "&amp;", "&#0;", "]]>", "-->", "\\N", "\n", "\x00", "🎉", "</text>", "%", ";}"]
)
NAMES = st.lists(st.one_of(st.text(max_size=12), PIECES), min_size=1, max_size=20).map("".join)


@needs_engine
@settings(max_examples=60, deadline=None)
@given(NAMES, NAMES)
def test_names_that_mean_harm(name, other):
    class Inner(al.nn.Module):
        def forward(self, x):
            return x * 2.0

    class Outer(al.nn.Module):
        def forward(self, x):
            return getattr(self, f"_{other}")(x)

    Inner.__name__ = UNFIT.sub("", other) or "Inner"
    model, x = Outer(), al.tensor([1.5, 2.5], requires_grad=True, name=name)
    setattr(model, f"_{other}", Inner())
    svg = al.draw(model(x)).svg
    root = ET.fromstring(svg)
    assert {e.tag.partition("}")[2] for e in root.iter()} <= {
        "svg", "g", "title", "a", "polygon", "polyline", "path", "text", "ellipse", "defs", "clipPath",
    }  # fmt: skip
    allowed = {"class", "id", "transform", "points", "d", "x", "y", "cx", "cy", "rx", "ry", "fill", "stroke", "title"}
    allowed |= {"text-anchor", "font-family", "font-size", "font-weight", "font-style", "width", "height", "viewBox"}
    allowed |= {"stroke-width", "stroke-dasharray", "xml:space", "space", "fill-opacity"}
    assert {key.rpartition("}")[2] for e in root.iter() for key in e.attrib} <= allowed
    assert svg.count("<script") == 0
    assert ("value", "1.5", "2.5") in zip(words(svg), words(svg)[1:], words(svg)[2:], strict=False)


def write():
    """The golden files, as they come out now."""
    for name in FIVE:
        dot, drawn = golden(name)
        (GOLDEN / f"{name}.dot").write_text(dot, "utf-8")
        (GOLDEN / f"{name}.txt").write_text("\n".join(sorted(words(drawn.svg))) + "\n", "utf-8")


if __name__ == "__main__":
    write()
