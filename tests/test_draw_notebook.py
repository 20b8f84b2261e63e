"""Tensors and modules in a notebook, and the formats that need another package."""

import sys
import types
import xml.etree.ElementTree as ET

import pytest

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.draw import engine, notebook

needs_engine = pytest.mark.skipif(not engine.engines(), reason="neither graphviz-pure nor dot is installed")


def leaf():
    return al.tensor([1.0, 2.0], requires_grad=True, name="w")


@needs_engine
def test_a_tensor_with_a_graph_shows_it():
    w = leaf()
    assert "multiply" in (w * w)._repr_svg_()
    assert w._repr_svg_() is None
    assert al.ones(2)._repr_svg_() is None


def test_a_tensor_falls_back_to_its_text(monkeypatch):
    w = leaf()
    y = w * w
    monkeypatch.setattr(engine, "engines", list)
    assert y._repr_svg_() is None
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "graphviz", None)
    monkeypatch.setitem(sys.modules, "graphviz.backend", None)
    assert y._repr_svg_() is None
    monkeypatch.undo()
    monkeypatch.setattr(notebook, "_most", 10)
    for _ in range(9):
        y = y * 0.5
    assert y._repr_svg_() is None


def test_nothing_is_drawn_before_it_is_shown(monkeypatch):
    monkeypatch.setattr(engine, "engines", list)
    assert al.draw(leaf() * 2.0).dot.startswith("digraph")


def cells(module):
    table = ET.fromstring(module._repr_html_().replace("<br>", "\n"))
    return [["".join(cell.itertext()) for cell in row] for row in table]


def test_a_module_shows_its_structure():
    model = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Linear(4, 1, bias=False)))
    assert cells(model) == [
        ["name", "module", "parameters", "numbers"],
        ["Sequential", "Sequential()", "", ""],
        ["0", "Linear(in_features=3, out_features=4, bias=True)", "weight (4, 3)\nbias (4,)", "16"],
        ["1", "Sequential()", "", ""],
        ["0", "ReLU()", "", ""],
        ["1", "Linear(in_features=4, out_features=1, bias=False)", "weight (1, 4)", "4"],
        ["in all", "", "", "20"],
    ]
    model.requires_grad_(False)
    assert cells(model)[2][2] == "weight (4, 3), frozen\nbias (4,), frozen"


def test_a_shared_parameter_counts_once_and_hostile_names_inject_nothing():
    a, b = nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False)
    b.weight = a.weight
    model = nn.Module()
    setattr(model, '<script>"x', a)
    setattr(model, "b & c", b)
    assert [row[0] for row in cells(model)] == ["name", "Module", '<script>"x', "b & c", "in all"]
    assert cells(model)[-1][-1] == "4"
    assert "<script" not in model._repr_html_()


@needs_engine
def test_pdf_with_the_package(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "formats", lambda program: ("svg",))
    fake = types.SimpleNamespace(svg2pdf=lambda bytestring: b"%PDF of " + bytestring[:5])
    monkeypatch.setitem(sys.modules, "cairosvg", fake)
    assert al.draw(leaf(), tmp_path / "w.pdf").path.read_bytes() == b"%PDF of <?xml"
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    with pytest.raises(ValueError, match="cairosvg, of the extra pdf, or the system's Graphviz writes pdf too"):
        al.draw(leaf(), tmp_path / "w.pdf")


@needs_engine
def test_pdf_itself(tmp_path):
    if "pdf" not in {f for program in engine.engines() for f in engine.formats(program)}:
        pytest.importorskip("cairosvg", exc_type=(ImportError, OSError))
    assert al.draw(leaf() * 2.0, tmp_path / "w.pdf").path.read_bytes().startswith(b"%PDF")
