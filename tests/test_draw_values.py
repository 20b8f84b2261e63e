"""Values and gradients in pictures: the right ones at the right boxes, and none that nobody computed."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.draw import engine
from autograd_lite.draw.diagram import Options, diagram
from autograd_lite.draw.table import colour
from autograd_lite.draw.values import fact

needs_engine = pytest.mark.skipif(not engine.engines(), reason="neither graphviz-pure nor dot is installed")
ALL = ("shape", "value", "grad")


def boxes(t, **options):
    return {box.lines[0]: box for box in diagram([t], options=Options(**{"show": ALL, **options})).boxes}


def said(box):
    return {f.part: f.rows[0][0] if f.rows else f.text for f in box.facts}


def product():
    a, b, c = (al.tensor(v, requires_grad=True, name=n) for n, v in (("a", 5.0), ("b", 3.0), ("c", 2.0)))
    u = b * c
    v = a + u
    j = 3 * v
    u.name, v.name, j.name = "u", "v", "J"
    for t in (u, v):
        t.retain_grad()
    return j, (a, b, c, u, v)  # a value is known as long as somebody holds its tensor


def test_the_small_product_shows_values_and_derivatives():
    j, held = product()
    before = diagram([j], options=Options(show=ALL))
    assert [said(box)["value"] for box in before.boxes if box.lines[0] in ("a", "J")] == ["5", "33"]
    assert all("grad" not in said(box) for box in before.boxes)
    assert before.notes == ["No gradient is computed yet: backward() has not run."]
    j.backward(retain_graph=True)
    found = boxes(j)
    assert {n: said(found[n]) for n in ("u", "v", "a", "b", "c")} == {
        "u": {"value": "6", "grad": "3"},
        "v": {"value": "11", "grad": "3"},
        "a": {"value": "5", "grad": "3"},
        "b": {"value": "3", "grad": "6"},
        "c": {"value": "2", "grad": "9"},
    }
    assert said(found["J"]) == {"value": "33", "grad": "not kept"}
    assert diagram([j], options=Options(show=ALL)).notes == []
    assert all(not box.facts for name, box in found.items() if box.kind == "op")
    assert len(held) == 5


def test_only_what_is_asked_for_and_the_text_without_it_is_as_before():
    j, held = product()
    assert said(boxes(j, show=("shape", "value"))[held[0].name]) == {"value": "5"}
    assert boxes(j, show="grad")["a"].lines == ("a",)
    assert "TABLE" not in al.to_dot(j, show="shape")
    assert al.draw(j).dot == al.to_dot(j, show=ALL)
    with pytest.raises(ValueError, match="'values' is none of them"):
        al.to_dot(j, show=("values",))


def test_what_is_not_known_has_no_value():
    x = al.tensor([1.0, 2.0], requires_grad=True, name="x")
    y = (x + 1.0) + 2.0
    inner = diagram([y], options=Options(show=ALL, gradients={y: [1.0, 1.0]})).boxes[3]
    assert said(inner) == {"grad": "not kept"}
    given = x + 1.0
    assert said(boxes(given + 2.0, names={"given": given})["given"])["value"] == "2"


def test_gradients_by_hand():
    x = al.tensor([1.0, 2.0], requires_grad=True, name="x")
    h = x * 3.0
    y = h.sum()
    made = diagram([y], options=Options(names={"h": h}, show=("grad",), gradients={h: [7.0, 8.0], x.node: x}))
    found = {box.lines[0]: box for box in made.boxes}
    assert found["h"].facts[0].rows == (("7", "8"),)
    assert found["x"].facts[0].rows == (("1", "2"),)
    with pytest.raises(ValueError, match=r"shape \(3,\) is given for a tensor of shape \(2,\)"):
        al.to_dot(y, show="grad", gradients={x: np.ones(3)})
    with pytest.raises(TypeError, match="a key is str"):
        al.to_dot(y, show="grad", gradients={"x": np.ones(2)})


def test_grids_and_strips():
    assert fact("value", np.arange(12).reshape(3, 4)).rows[2] == ("8", "9", "10", "11")
    assert fact("value", np.ones((2, 2, 3))).rows == (("1", "1", "1"),) * 4
    strip = fact("value", np.linspace(-1, 2, 13))
    assert len(strip.cells) == 13
    assert strip.text == "-1 to 2, mean 0.5"
    many = fact("grad", np.where(np.arange(1000) == 5, np.nan, 1.0))
    assert len(many.cells) == 24
    assert many.text == "1 to 1, mean 1, 1 not finite"
    assert colour(many.cells[0]) == "#808080"
    assert fact("value", np.full(20, np.inf)).text == "20 numbers, none finite"
    assert fact("value", np.ones((0, 3))).text == "empty"
    assert fact("value", np.zeros(50)).cells == (0.0,) * 24
    assert "mean 0" in fact("grad", np.array([0.1, 0.2, -0.3] * 10)).text
    assert fact("value", np.array([True, False])).rows == (("True", "False"),)


def test_the_same_bytes_twice_and_colours_on_either_side_of_zero():
    def text():
        w = al.tensor(np.linspace(-1.0, 1.0, 48).reshape(8, 6), requires_grad=True, name="w")
        loss = (w * w).sum()
        loss.backward(retain_graph=True)
        return al.to_dot(loss, show=ALL)

    assert text() == text()
    assert {"#2166ac", "#b35806"} <= set(re.findall(r"#[0-9a-f]{6}", text()))


def test_a_gradient_that_is_not_there_is_said_to_be_so():
    def drawn(*tensors):
        made = diagram(list(tensors), options=Options(show=("grad",)))
        return {box.lines[0]: said(box).get("grad") for box in made.boxes if box.of is not None}, made.notes

    a, b = (al.tensor(2.0, requires_grad=True, name=n) for n in "ab")
    c, d = a * 3.0, b * 4.0
    c.name, d.name = "c", "d"
    c.backward(retain_graph=True)
    found, notes = drawn(c, d)
    assert found == {"a": "3", "b": "not computed", "c": None, "d": None}
    assert notes == ["Gradients of inner tensors are not kept by backward(): retain_grad() or gradients= shows them."]
    a.grad = None
    d.retain_grad()
    d.node.notes.grad = np.array(0.0)
    found, notes = drawn(c, d)
    assert found == {"a": None, "b": None, "c": "not kept", "d": "0"}
    assert notes == ["No gradient of a leaf is computed yet."]
    assert drawn(al.tensor(1.0, name="k"))[1] == []


@needs_engine
@pytest.mark.parametrize(
    "name", ['<b> "q" & \\N \\G', "two\nlines", "emoji 🎉 &#65;", "]]>--><script>", "control \x00 \u202e"]
)
def test_hostile_names_beside_numbers(name):
    w = al.tensor([1.0, 2.0], requires_grad=True, name=name)
    svg = al.draw(w, show=ALL, gradients={w: [3.0, 4.0]}).svg
    texts = ["".join(e.itertext()).replace("\xa0", " ") for e in ET.fromstring(svg).iter() if e.tag[-4:] == "text"]
    fit = re.sub("[\x00\u202e]", "\ufffd", name).replace("\n", " ")
    assert texts[0] == fit
    assert [t.strip() for t in texts[1:]] == ["(2,)", "value", "1", "2", "grad", "3", "4"]
