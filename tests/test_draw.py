"""Drawing: the text is the graph's alone, has every name and shape, and a picture is whole or not there."""

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.derive.labels import attribute, kind_of_array, number, shortened
from autograd_lite.draw import DrawError, Picture, draw, engine, to_dot
from autograd_lite.draw.diagram import diagram
from autograd_lite.draw.dot import width

needs_engine = pytest.mark.skipif(not engine.engines(), reason="neither graphviz-pure nor dot is installed")
HOSTILE = [
    'a "quoted" name',
    "back\\slash \\N \\G \\l \\",
    "<b>bold</b> & &lt; &amp; &#65;",
    "two\nlines\tand a tab",
    'x"]; evil [label="got in',
    "]]></text><script>alert(1)</script>",
    "emoji 🎉 漢字 Größe",
    "control \x00\x07\x1b \ud800 \u202e",
    "--> <!-- {a|b} %s {0}",
]
MLP = """
import numpy as np, autograd_lite as al
from autograd_lite.draw import to_dot
def mlp():
    rng = np.random.default_rng(0)
    x, y = al.tensor(rng.normal(size=(6, 5)), name="images"), al.tensor([0, 1, 2, 0, 1, 2], name="labels")
    w1 = al.tensor(rng.normal(size=(5, 4)), requires_grad=True, name="weights_0_1")
    b1 = al.tensor(np.zeros(4), requires_grad=True, name="bias_1")
    w2 = al.tensor(rng.normal(size=(4, 3)), requires_grad=True, name="weights_1_2")
    layer_1 = al.relu(x @ w1 + b1)
    layer_1.name = "layer_1"
    return al.ops.cross_entropy(layer_1 @ w2 * 2.0, y)
"""
scope = {}
exec(MLP, scope)
mlp = scope["mlp"]


def leaf(*shape, name=None, dtype=None):
    return al.tensor(np.ones(shape), dtype=dtype, requires_grad=True, name=name)


def boxes(t, names=None):
    return {box.id: box for box in diagram(t if isinstance(t, list) else [t], names).boxes}


def kinds(t):
    return [(box.kind, *box.lines) for box in boxes(t).values()]


def svg_text(svg):
    return ["".join(e.itertext()).replace("\xa0", " ") for e in ET.fromstring(svg).iter() if e.tag[-4:] == "text"]


# ---------------------------------------------------------------------------------------- what is drawn


def test_a_network_has_its_names_shapes_and_kinds():
    assert [" ".join(lines) for lines in kinds(mlp())] == [
        "parameter weights_0_1 (5, 4)", "constant images (6, 5)", "op matmul", "tensor (6, 4)",
        "parameter bias_1 (4,)", "op add", "tensor (6, 4)", "op relu", "tensor layer_1 (6, 4)",
        "parameter weights_1_2 (4, 3)", "op matmul", "tensor (6, 3)",
        "number 2.0", "op multiply", "tensor (6, 3)",
        "constant labels (6,) int64", "op cross_entropy", "tensor (6,)", "op mean", "result result ()",
    ]  # fmt: skip


def test_the_text():
    w = leaf(2, 3, name="w")
    lines = to_dot((w * w).sum(dim=0), show="shape").splitlines()
    assert lines[0] == "digraph autograd_lite {"
    assert lines[-1] == "}"
    assert 't1 [label="w\\n(2, 3)", shape="box"' in lines[4]
    assert 'op2 [label="multiply", shape="ellipse"' in lines[5]
    assert 't3 [label="result\\n(3,)", shape="box"' in lines[8]
    assert 'label="sum\\ndim=0"' in lines[7]
    arrows = [re.sub(r" \[.*", "", line).strip() for line in lines if "->" in line]
    assert arrows == ["t1 -> op2", "t1 -> op2", "op2 -> t2", "t2 -> op3", "op3 -> t3"]


def test_kinds_differ_in_shape_and_colour():
    found = re.findall(r', shape=(.*?), (?:ordering="in", )?class="(\w+)"', to_dot(mlp()))
    styles = {kind: style for style, kind in found}
    assert set(styles) == {"parameter", "constant", "number", "op", "tensor", "result"}
    assert len(set(styles.values())) == len(styles)


def test_constants_are_dashed_and_drawn_once():
    x, w = al.tensor(np.ones((2, 2)), name="x"), leaf(2, 2, name="w")
    y = x @ w + (x @ w) * x
    assert sum(box.lines[0] == "x" for box in boxes(y).values()) == 1
    assert to_dot(y).count('style="dashed"') == 3


def test_a_shared_result_is_drawn_once():
    v = leaf(2, name="v")
    for _ in range(20):
        v = v + v
    made = diagram([v])
    assert len(made.boxes) == 41
    assert len(made.links) == 60


def test_variadic_operands_known_and_unknown():
    w, x = leaf(2, 3, name="w"), al.tensor(np.ones((1, 3)), name="x")
    assert ("op", "cat", "dim=0") in kinds(al.cat([w, x, w]))
    index = al.tensor([1, 0, 1], name="index")
    picked = kinds(w[:, index])
    assert ("constant", "index", "(3,) int64") in picked
    assert ("op", "pick", "[:, array]") in picked
    assert ("constant", "x", "(1, 3)") in kinds(w + x)
    assert "not drawn: 1" in boxes(w + np.arange(3.0))["op2"].tip


def test_after_backward_the_structure_is_still_there():
    loss = mlp()
    before = {line for line in kinds(loss) if line[0] in ("op", "parameter", "tensor", "result")}
    loss.backward()
    assert set(kinds(loss)) == before


def test_several_results_and_none():
    w = leaf(2, name="w")
    a, b = w * 2.0, w.sum()
    assert [box.kind for box in boxes([a, b]).values()].count("result") == 2
    assert kinds(w) == [("parameter", "w", "(2,)")]
    assert kinds(al.tensor([1, 2], name="c")) == [("constant", "c", "(2,) int64")]
    assert to_dot(al.tensor([1.0])).count("->") == 0
    with pytest.raises(ValueError, match="empty"):
        to_dot([])
    with pytest.raises(TypeError, match="a Tensor is drawn, or a list of Tensors, and not ndarray"):
        to_dot(np.ones(2))


def test_attributes():
    w = leaf(4, 4)
    for made, said in {
        "exponent=3": w**3,
        "dim=1, keepdim=True": w.sum(dim=1, keepdim=True),
        "[0, ::2]": w[0, ::2],
        "[None, ..., 1]": w[None, ..., 1],
        "low=0.5": w.clamp(0.5),
    }.items():
        assert boxes(said)["op2"].lines[1] == made
    assert len(boxes(w.sum())["op2"].lines) == len(boxes(w.reshape(16))["op2"].lines) == 1
    image = leaf(1, 1, 6, 6)
    assert boxes(al.ops.unfold(image, 2, stride=2))["op2"].lines[1] == "kernel=(2, 2), stride=(2, 2)"
    assert attribute(object()) == "object"
    assert attribute((np.float32(0.5), "a", np.ones(3), [[[1]]])) == "(0.5, 'a', array (3,), ((list,),))"


def test_dtypes_are_shown_where_they_are_not_float64():
    w = leaf(3, name="w", dtype=np.float32)
    assert kinds(w.double())[0] == ("parameter", "w", "(3,) float32")
    assert kinds(w.double())[-1] == ("result", "result", "(3,)")
    assert kind_of_array((), np.dtype(bool)) == "() bool"


def test_numbers():
    assert [number(v) for v in (2, 2.0, 1 / 3, -1e-9, 1e6, float("inf"), np.float64(5))] == [
        "2", "2.0", "0.333333", "-1e-09", "1e+06", "inf", "5.0",
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------- names


class Pair:
    def __init__(self, **tensors):
        self.tensors = tensors

    def named_parameters(self):
        return iter(self.tensors.items())


def test_given_names_win():
    w, x = leaf(2, name="own"), al.tensor([1.0, 2.0], name="x")
    y = w * x
    for names in ({"given": w, "input": x, "product": y}, Pair(given=w, input=x, product=y)):
        assert [box.lines[0] for box in boxes(y, names).values()] == ["given", "input", "multiply", "product"]
    assert "given" in to_dot(y, names={"given": w})
    raw = np.array([3.0, 4.0])
    assert boxes(w * raw, {"raw": raw})["c1"].lines == ("raw", "(2,)")


@pytest.mark.parametrize("names", [{"w": 1.0}, {1: leaf(2)}, ["w"], {leaf(2): "w"}])
def test_names_that_are_none(names):
    with pytest.raises(TypeError, match="names maps names to tensors"):
        to_dot(leaf(2), names=names)


def test_long_names_are_cut_in_the_box_and_whole_in_the_tooltip():
    name = "encoder." * 30 + "weight"
    box = boxes(leaf(2, name=name))["t1"]
    assert len(box.lines[0]) <= 40
    assert "…" in box.lines[0]
    assert box.lines[0].endswith(".weight")
    assert box.tip.startswith(name)
    assert shortened("short") == "short"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_in_their_string(name):
    text = to_dot(leaf(2, name=name), show="shape")
    strings = re.compile(r'"(?:[^"\\]|\\.)*"')
    line = text.splitlines()[4]
    assert strings.sub("S", line) == strings.sub("S", to_dot(leaf(2, name="plain"), show="shape").splitlines()[4]) or (
        not name.isascii() and "width=S" in strings.sub("S", line)
    )
    assert len(text.splitlines()) == 6
    text.encode("utf-8")


def test_text_that_an_engine_cannot_measure_gets_room():
    assert width("漢字") > width("ab")
    assert ' width="' in to_dot(leaf(2, name="漢字"), show="shape").splitlines()[4]
    assert ' width="' not in to_dot(leaf(2, name="ab"), show="shape").splitlines()[4]


# ---------------------------------------------------------------------------------------- the same everywhere


def test_the_same_text_in_every_process():
    texts = set()
    for seed in ("0", "1", "77"):
        code = f"{MLP}\n[al.zeros(3) for _ in range({seed})]; print(to_dot(mlp()))"
        code += "\nimport sys; assert 'graphviz' not in sys.modules"
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        )
        texts.add(done.stdout.decode().replace("\r\n", "\n"))
    assert texts == {to_dot(mlp()) + "\n"}


def test_ids_do_not_depend_on_when_things_were_made():
    def text(flipped):
        a = leaf(2, name="a")
        parts = [a.exp, a.sin]
        made = [f() for f in parts[::-1]][::-1] if flipped else [f() for f in parts]
        return to_dot(made[0] * made[1])

    assert text(True) == text(False)


def test_a_deep_chain():
    x = leaf(2, name="x")
    for _ in range(100_000):
        x = x * 0.5
    assert to_dot(x, fold=False).count("->") == 300_000


# ---------------------------------------------------------------------------------------- pictures


@needs_engine
def test_every_name_and_shape_is_in_the_picture():
    picture = draw(mlp())
    shown = svg_text(picture.svg)
    for name, shape in {
        "weights_0_1": "(5, 4)",
        "bias_1": "(4,)",
        "weights_1_2": "(4, 3)",
        "images": "(6, 5)",
    }.items():
        assert shown[shown.index(name) + 1] == shape
    assert {"matmul", "relu", "labels", "(6,) int64", "result", "()"} <= set(shown)
    assert picture._repr_svg_() == picture.svg
    assert picture.path is None
    assert "picture" in repr(picture)


@needs_engine
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_in_the_picture(name):
    root = ET.fromstring(draw(leaf(2, name=name), show="shape").svg)
    tags = {e.tag.partition("}")[2] for e in root.iter()}
    assert tags <= {"svg", "g", "title", "a", "polygon", "polyline", "path", "text", "ellipse"}
    fit = re.sub("[\x00\x07\x1b\ud800\u202e]", "\ufffd", name)
    assert svg_text(ET.tostring(root))[0].strip() == re.sub(r"\s", " ", fit).strip()
    tips = [value for e in root.iter() for key, value in e.attrib.items() if key.endswith("title")]
    assert tips[0].splitlines()[: name.count("\n") + 1] == fit.replace("\t", " ").splitlines()


@needs_engine
def test_files(tmp_path):
    loss = mlp()
    picture = draw(loss, tmp_path / "graph.svg")
    assert picture.path == tmp_path / "graph.svg"
    assert picture.path.read_text(encoding="utf-8") == picture.svg
    assert draw(loss, str(tmp_path / "plain")).path.read_bytes().startswith(b"<?xml")
    assert draw(loss, tmp_path / "a.PNG").path.read_bytes().startswith(b"\x89PNG")
    assert draw(loss, tmp_path / "b.svg", format="png").path.read_bytes().startswith(b"\x89PNG")
    assert sorted(os.listdir(tmp_path)) == ["a.PNG", "b.svg", "graph.svg", "plain"]


def test_the_text_needs_no_engine(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "engines", list)
    assert draw(mlp(), tmp_path / "g.dot").path.read_text(encoding="utf-8") == to_dot(mlp())
    assert draw(mlp(), tmp_path / "g.gv").dot == to_dot(mlp())


def test_without_an_engine(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "engines", list)
    with pytest.raises(DrawError, match=r'pip install "autograd_lite\[draw\]".*al\.to_dot\(t\)'):
        draw(mlp(), tmp_path / "g.svg")
    assert isinstance(draw(mlp()), Picture)
    assert os.listdir(tmp_path) == []
    with pytest.raises(DrawError, match="no program 'no-such-program'"):
        _ = draw(mlp(), engine="no-such-program").svg


def test_without_the_python_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "graphviz", None)
    monkeypatch.setitem(sys.modules, "graphviz.backend", None)
    with pytest.raises(DrawError, match=r'graphviz, which is not installed: pip install "autograd_lite\[draw\]"'):
        _ = draw(mlp()).svg


def test_formats(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="'bmp' is not a format to draw in: dot, svg, png, pdf are"):
        draw(mlp(), tmp_path / "g.bmp")
    with pytest.raises(ValueError, match="give a path"):
        draw(mlp(), format="png")
    with pytest.raises(FileNotFoundError, match="make it first"):
        draw(mlp(), tmp_path / "nowhere" / "g.svg")
    monkeypatch.setattr(engine, "converter", lambda format: None)
    monkeypatch.setattr(engine, "engines", lambda: ["one"])
    monkeypatch.setattr(engine, "formats", lambda program: ("svg", "png"))
    with pytest.raises(ValueError, match=r"'pdf' cannot be .* dot, png, svg; .*cairosvg, of the extra pdf"):
        draw(mlp(), tmp_path / "g.pdf")
    monkeypatch.setattr(engine, "engines", lambda: ["one", "two"])
    monkeypatch.setattr(engine, "formats", lambda program: ("svg", "pdf") if program == "two" else ("svg",))
    assert engine.choose("pdf") == "two"
    assert engine.choose("svg") == "one"


def program(folder, text):
    path = folder / "engine"
    path.write_text(f"#!{sys.executable}\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.skipif(os.name == "nt", reason="a script is not a program on Windows")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import time; time.sleep(60)", r"stopped after 0\.5 s.*timeout="),
        ("import sys; sys.exit('bad layout')", r"failed \(1\): bad layout"),
    ],
)
def test_a_program_that_hangs_or_fails(tmp_path, monkeypatch, text, message):
    pytest.importorskip("graphviz")
    monkeypatch.setattr(engine, "formats", lambda program: ("svg",))
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(DrawError, match=message):
        draw(mlp(), out / "g.svg", engine=program(tmp_path, text), timeout=0.5 if "sleep" in text else 30)
    assert os.listdir(out) == []


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "g.dot"
    target.write_text("old")

    def refuse(*paths):
        raise OSError("disk on fire")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="disk on fire"):
        draw(mlp(), target)
    assert os.listdir(tmp_path) == ["g.dot"]
    assert target.read_text() == "old"
