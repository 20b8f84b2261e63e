"""Picture, algebra and code of one graph, as text and as a page."""

import sys
from html.parser import HTMLParser

import numpy as np
import pytest

import autograd_lite as al
import models
from autograd_lite.draw import engine, side_by_side
from autograd_lite.nn import functional as F
from models import picture


class Page(HTMLParser):
    """The elements that are open, and all text."""

    void = ("meta", "br")

    def __init__(self):
        super().__init__()
        self.open, self.text, self.seen, self.wrong = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


def parsed(text):
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert page.wrong == []
    return page


def two_layers(**names):
    x = al.tensor([[1.0, 2.0]], name=names.get("x", "x"))
    w = al.tensor([[0.5], [-0.25]], requires_grad=True, name=names.get("w", "w"))
    return F.relu(x @ w).sum()


def test_the_text_has_algebra_and_code_that_runs():
    shown = side_by_side(two_layers())
    assert str(shown.algebra) == "result = ∑ relu(x w)"
    assert str(shown) == f"{shown.algebra}\n\n{shown.forward}\n\n{shown.backward}"
    scope = {"np": np, "x": np.array([[1.0, 2.0]]), "w": np.array([[0.5], [-0.25]])}
    exec(shown.forward, scope)
    assert scope["result"] == 0.0
    exec(shown.backward, scope)
    assert not scope["w_delta"].any()


def test_the_page_has_all_three_and_asks_for_nothing(tmp_path):
    shown = side_by_side(two_layers())
    path = shown.save(tmp_path / "page.html")
    page = parsed(path.read_text())
    words = "".join(page.text)
    assert all(part in words for part in ("∑ relu(x w)", "np.maximum(x @ w, 0)", "w_delta", "matmul"))
    assert not [a for _, a in page.seen if {"src", "href", "xlink:href"} & a.keys() and "://" in str(a)]
    assert [tag for tag, _ in page.seen].count("svg") == 1
    assert page.text.count("Backward") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_hostile_names_inject_nothing():
    evil = '<script>alert("1")</script>&amp;\n'
    page = parsed(side_by_side(two_layers(x=evil, w=evil)).html)
    assert "script" not in {tag for tag, _ in page.seen}


def test_a_notebook_says_what_is_missing(monkeypatch):
    shown = side_by_side(two_layers())

    def missing(*args, **kwargs):
        raise engine.DrawError("no program <draws>")

    monkeypatch.setattr(sys.modules["autograd_lite.draw.picture"], "render", missing)
    assert "no program <draws>" in parsed(shown._repr_html_()).text
    with pytest.raises(engine.DrawError):
        _ = shown.html


def test_what_has_no_numpy_text_has_no_code():
    @al.primitive(x=lambda g, x: g * 3 * x * x)
    def cube(x):
        return x**3

    shown = side_by_side(cube(al.ones(2, requires_grad=True)).sum())
    assert shown.forward is None
    assert shown.backward is None
    assert not {"Forward", "Backward"} & set(parsed(shown.html).text)


def test_a_graph_that_was_freed_has_a_forward_pass_still():
    loss = two_layers()
    loss.backward()
    shown = side_by_side(loss)
    assert shown.forward
    assert shown.backward is None


def test_what_is_not_a_tensor_is_refused():
    with pytest.raises(TypeError, match="this is list"):
        side_by_side([1])


@pytest.mark.parametrize("id", ["3.5", "6.3", "8.3", "9.1", "B.1"])
def test_networks_side_by_side(id):
    loss, names = picture.graph(models.find(id))
    shown = side_by_side(loss, names=names)
    page = parsed(shown.html)
    assert str(shown.algebra).splitlines()[-1] in "".join(page.text)
