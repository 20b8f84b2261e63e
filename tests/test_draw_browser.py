"""In a browser, text stays in its box, its ellipse, or on its light ground, whatever the letters."""

import browser
import pytest
from test_draw_folded import lstm
from test_draw_networks import everything

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.draw import engine

chromium = browser.chromium  # a fixture
pytestmark = pytest.mark.skipif(not engine.engines(), reason="neither graphviz-pure nor dot is installed")
NAMES = [
    "漢字 Größe 🎉 ffi WWWW",
    "W" * 38,
    'a "q" <b> & \\N',
    "encoder." * 25 + "weight",
    "i" * 20,
    "👨‍👩‍👧‍👦",
    "مرحبا",
    "Ω≈ç√∫˜µ≤≥÷",
]
OUTSIDE = """() => {
  const inside = (t, s) => t.x >= s.x - 0.5 && t.x + t.width <= s.x + s.width + 0.5
    && t.y >= s.y - 2 && t.y + t.height <= s.y + s.height + 2;
  const shapes = (g) => [...g.querySelectorAll("polygon, ellipse, path")].map((s) => s.getBBox());
  const plates = (g) => [...g.querySelectorAll("polygon")].filter((p) => p.getAttribute("fill") === "#f2f2f2")
    .map((p) => p.getBBox());
  const found = [];
  let seen = 0;
  for (const t of document.querySelectorAll("svg text")) {
    const g = t.closest("g.node, g.cluster, g.edge, g.graph"), box = t.getBBox();
    const room = g.classList.contains("node") ? shapes(g) : plates(g);
    const ellipse = g.querySelector("ellipse");
    seen += 1;
    if (!room.some((s) => inside(box, s))) found.push(t.textContent);
    if (g.classList.contains("node") && ellipse) {
      const e = ellipse.getBBox(), x = e.x + e.width / 2, y = e.y + e.height / 2;
      const across = Math.max(Math.abs(box.x - x), Math.abs(box.x + box.width - x)) / (e.width / 2);
      const down = Math.abs(box.y + box.height / 2 - y) / (e.height / 2);
      if (across * across + down * down > 1.02) found.push(t.textContent);
    }
  }
  return [seen, found];
}"""


def hostile(show):
    total = 0.0
    for name in NAMES:
        w = al.tensor([1.5, -2.25e-300], requires_grad=True, name=name)
        part = type(name.replace("\x00", ""), (nn.Module,), {"forward": lambda self, x: x * 2.0})()(w)
        part.name = name
        total = total + part
    return al.draw(total, show=show, fold=False).svg


def folded(fold):
    model, loss = lstm()
    loss.backward(retain_graph=True)
    return al.draw(loss, names=model, fold=fold).svg


def network(name):
    root, known, _held = everything(name)
    return al.draw(root, **known).svg


@pytest.mark.parametrize(
    ("make", "of"),
    [(hostile, "shape"), (hostile, ("shape", "value", "grad")), (folded, True), (folded, "chains")]
    + [(network, name) for name in ("6.4", "8.3", "10.1", "B.1")],
)
def test_text_stays_inside(chromium, make, of):
    svg = make(of)
    page = chromium.new_page()
    page.set_content(svg[svg.index("<svg") :])
    seen, outside = page.evaluate(OUTSIDE)
    page.close()
    assert outside == []
    assert seen == svg.count("<text") > 10
