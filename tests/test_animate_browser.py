"""The step player in a real browser: keys, numbers, states, measures. What pages hold is tested in test_animate.py."""

from types import SimpleNamespace

import browser
import numpy as np
import pytest
from browser import contrast, opened, overflowing
from test_animate import HOSTILE, book_b1, of_network, two_layers

import autograd_lite as al
from autograd_lite.draw import engine
from models import networks

chromium = browser.chromium  # a fixture
pytestmark = pytest.mark.skipif(not engine.engines(), reason="neither graphviz-pure nor dot is installed")


@pytest.fixture(scope="module")
def b1(tmp_path_factory):
    return al.animate(book_b1(), tmp_path_factory.mktemp("b1") / "steps.html")


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    loss, delta, held = two_layers()
    assert len(held) == 5
    return al.animate(loss, tmp_path_factory.mktemp("wrong") / "steps.html", report=al.check_deltas(loss, delta))


def boxes(page):
    """What each tensor's box says: its lines."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("g.node")].filter(g => g.id.startsWith("box-t"))
          .map(g => [...g.querySelectorAll("text")].map(t => t.textContent)).map(t => [t[0], t.slice(-2)]))"""
    )


def lit(page):
    """The first lines of the boxes that are lit."""
    return page.evaluate(
        """() => [...document.querySelectorAll("g.node.lit")].map(g => g.querySelector("text").textContent).sort()"""
    )


def text(page, selector="#panel"):
    return page.inner_text(selector)


def press(page, key, times=1):
    for _ in range(times):
        page.keyboard.press(key)


def test_b1_forward_and_back_by_keyboard(chromium, b1):
    with opened(chromium, b1) as it:
        page = it.page
        assert boxes(page) == {
            **{"a": ["= 5", "∂ ?"], "b": ["= 3", "∂ ?"], "c": ["= 2", "∂ ?"]},
            **{name: ["= ?", "∂ ?"] for name in ("u", "v", "J")},
        }
        seen = []
        for _ in range(3):
            press(page, "ArrowRight")
            seen.append((text(page, "h2"), text(page, ".rule"), text(page, ".numbers"), lit(page)))
        assert seen == [
            ("Forward: multiply", "u = b · c", "u = 3 · 2 = 6", ["multiply", "u"]),
            ("Forward: add", "v = a + u", "v = 5 + 6 = 11", ["add", "v"]),
            ("Forward: multiply", "J = 3 · v", "J = 3 · 11 = 33", ["J", "multiply"]),
        ]
        assert page.inner_text("[role=status]") == "Forward: multiply. J = 3 · 11 = 33"
        assert boxes(page)["J"] == ["= 33", "∂ ?"]
        press(page, "ArrowRight", 2)
        assert "∂J/∂v = 1 · 3 = 3" in text(page)
        assert boxes(page)["v"] == ["= 11", "∂ 3"]
        assert boxes(page)["a"] == ["= 5", "∂ ?"]
        press(page, "ArrowRight", 2)
        assert "∂J/∂b = 3 · 2 = 6" in text(page)
        assert "∂J/∂c = 3 · 3 = 9" in text(page)
        assert lit(page) == ["b", "c", "multiply"]
        press(page, "End")
        found = {name: (value[2:], slope[2:]) for name, (value, slope) in boxes(page).items()}
        assert found == {
            "u": ("6", "3"),
            "v": ("11", "3"),
            "J": ("33", "1"),
            "a": ("5", "3"),
            "b": ("3", "6"),
            "c": ("2", "9"),
        }
        press(page, "ArrowLeft", 5)
        assert text(page, "h2") == "Forward: multiply"
        assert boxes(page)["J"] == ["= 33", "∂ ?"]
        press(page, "ArrowLeft")
        assert boxes(page)["J"] == ["= ?", "∂ ?"]
        press(page, "Home")
        assert text(page, "h2") == "Start"
        press(page, "ArrowLeft")
        assert text(page, "#place") == "0 / 8"


def test_buttons_slider_and_address(chromium, b1):
    with opened(chromium, b1, "#step=5") as it:
        page = it.page
        assert text(page, "h2") == "Backward: multiply"
        page.click("#next")
        assert page.evaluate("location.hash") == "#step=6"
        page.click("#last")
        assert page.is_disabled("#next")
        page.click("#first")
        assert text(page, "#place") == "0 / 8"
        page.focus("#slider")
        press(page, "ArrowRight", 2)
        assert text(page, "h2") == "Forward: add"
        assert page.get_attribute("#slider", "aria-valuetext") == "2 of 8, Forward: add"
        page.evaluate("location.hash = '#step=7'")
        page.wait_for_function("document.querySelector('#place').textContent === '7 / 8'")
        for name in ("#step=99", "#step=-1", "#step=x", "#other"):
            it.go(b1, name)
            assert text(page, "#place") == ("8 / 8" if name == "#step=99" else "0 / 8")
        labels = page.eval_on_selector_all(
            "button", "all => all.map(b => b.getAttribute('aria-label') || b.textContent)"
        )
        assert labels[:5] == ["First step", "Previous step", "Play", "Next step", "Last step"]


def test_play_and_pause(chromium, b1):
    with opened(chromium, b1) as it:
        page = it.page
        page.clock.install()
        it.go(b1)
        press(page, " ")
        assert page.get_attribute("#play", "aria-label") == "Pause"
        page.clock.run_for(3300)
        assert text(page, "#place") == "2 / 8"
        press(page, " ")
        page.clock.run_for(10_000)
        assert text(page, "#place") == "2 / 8"
        page.click("#play")
        page.clock.run_for(20_000)
        assert text(page, "#place") == "8 / 8"
        assert page.get_attribute("#play", "aria-label") == "Play"
        page.click("#play")
        assert text(page, "#place") == "0 / 8"


def test_what_has_the_focus_is_visible(chromium, b1):
    with opened(chromium, b1, "#step=1") as it:
        page = it.page
        for _ in range(7):
            press(page, "Tab")
            outline = page.evaluate(
                "() => [document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]"
            )
            assert outline[1] == "solid", outline


def test_gradients_add_up_as_they_arrive(chromium, tmp_path):
    x = al.tensor(3.0, requires_grad=True, name="x")
    loss = x * 3 + x * x
    with opened(chromium, al.animate(loss, tmp_path / "x.html"), "#step=6") as it:
        page, seen = it.page, []
        while text(page, "h2") != "Done":
            seen.append(boxes(page)["x"][1])
            press(page, "ArrowRight")
        assert seen == ["∂ 6", "∂ 9"]
        press(page, "ArrowLeft")
        assert "6 + 3 = 9" in text(page)
        press(page, "ArrowLeft")
        assert "3 + 3 = 6" in text(page)


def test_entries_are_chosen_by_mouse_and_by_keyboard(chromium, tmp_path):
    x = al.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True, name="x")
    w = al.tensor([[1.0, 2.0], [0.0, 1.0], [10.0, 0.0]], requires_grad=True, name="w")
    y = x @ w
    y.name = "y"
    with opened(chromium, al.animate(y.sum(), tmp_path / "y.html"), "#step=1") as it:
        page = it.page
        assert text(page, ".numbers") == "y[1, 0] = 4 · 1 + 5 · 0 + 6 · 10 = 64"
        page.click("button[aria-label='y[0, 1] = 4']")
        assert text(page, ".numbers") == "y[0, 1] = 1 · 2 + 2 · 1 + 3 · 0 = 4"
        press(page, "ArrowRight")
        assert text(page, "#place") == "2 / 6"
        press(page, "ArrowLeft")
        assert text(page, ".numbers").startswith("y[0, 1] = ")
        page.focus("#panel button[aria-pressed=true]")
        press(page, "ArrowDown")
        assert text(page, ".numbers") == "y[1, 1] = 4 · 2 + 5 · 1 + 6 · 0 = 13"
        press(page, "ArrowRight")
        assert text(page, ".numbers").startswith("y[1, 1] = ")
        press(page, "ArrowLeft")
        press(page, "ArrowLeft")
        assert text(page, ".numbers") == "y[0, 1] = 1 · 2 + 2 · 1 + 3 · 0 = 4"
        assert text(page, "#place") == "1 / 6"
        press(page, "End")
        assert text(page, "h2") == "Done"


def test_blame_is_laid_over(chromium, wrong):
    with opened(chromium, wrong) as it:
        page = it.page
        assert page.locator("g.node.introduced").count() == 0  # not computed yet
        press(page, "End")
        kinds = page.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll("g.node .verdict-line")].map(line => {
              const box = line.closest("g.node"), kinds = ["agrees", "inherited", "introduced"];
              const kind = kinds.find(k => box.classList.contains(k));
              return [box.querySelector("text").textContent, [kind, line.textContent]]; }))"""
        )
        assert kinds == {
            "out": ["agrees", "✓ agrees"],
            "h": ["agrees", "✓ agrees"],
            "h_in": ["introduced", "✗ introduced here"],
            "w1": ["inherited", "↓ inherited"],
        }
        styles = page.evaluate(
            """() => ["agrees", "inherited", "introduced"].map(kind => {
              const style = getComputedStyle(document.querySelector(`g.node.${kind} :is(polygon, path)`));
              return [style.stroke, style.strokeWidth + style.strokeDasharray]; })"""
        )
        assert len({colour for colour, _ in styles}) == len({shape for _, shape in styles}) == 3
        assert "missing-derivative: " in text(page)
        page.click(".verdict.introduced button")
        assert text(page, "h2") == "Backward: tanh"
        assert "By hand: ✗ introduced here" in text(page)
        page.uncheck("#blamed")
        assert page.locator("g.node.introduced").count() == 0
        assert not page.is_visible(".verdict-line >> nth=0")


@pytest.mark.parametrize("where", ["#blamed", "#overlay"])
def test_after_a_click_on_the_checkbox_the_space_plays(chromium, wrong, where):
    with opened(chromium, wrong) as it:
        page = it.page
        box = page.locator(where).bounding_box()
        page.mouse.click(box["x"] + box["width"] - 3, box["y"] + box["height"] / 2)
        assert not page.is_checked("#blamed")
        page.wait_for_selector("#blamed:not(:focus)")
        press(page, " ")
        assert page.get_attribute("#play", "aria-label") == "Pause"
        assert not page.is_checked("#blamed")
        press(page, " ")
        page.focus("#blamed")  # reached by the keyboard, it is switched by the space
        press(page, " ")
        assert page.is_checked("#blamed")
        assert page.get_attribute("#play", "aria-label") == "Play"


def test_a_verdict_keeps_its_colour_while_its_box_is_lit(chromium, wrong):
    with opened(chromium, wrong) as it:
        page = it.page
        press(page, "End")
        seen = []
        while page.inner_text("#place").split(" /")[0] != "0":
            seen += page.evaluate(
                """() => [...document.querySelectorAll("g.node.lit.introduced")]
                  .map(g => getComputedStyle(g.querySelector("path, polygon")).stroke)"""
            )
            press(page, "ArrowLeft")
        assert len(seen) >= 2
        assert set(seen) == {"rgb(179, 22, 75)"}


def test_on_a_phone_row_names_cover_no_number(chromium, tmp_path):
    x = al.tensor(np.linspace(1.0, 2.0, 64).reshape(8, 8), requires_grad=True, name="x")
    with opened(chromium, al.animate((x * x).sum(), tmp_path / "x.html")) as it:
        page = it.page
        page.set_viewport_size({"width": 390, "height": 800})
        press(page, "ArrowRight")
        covered = """() => { const head = document.querySelector("#panel .scroll th[scope=row]");
          return head.getBoundingClientRect().right - head.nextSibling.getBoundingClientRect().left; }"""
        page.evaluate("() => { document.querySelector('#panel .scroll').scrollLeft = 0; }")
        assert page.evaluate(covered) <= 1
        page.evaluate("() => { document.querySelector('#panel .scroll').scrollLeft = 60; }")
        assert page.evaluate("() => document.querySelector('#panel .scroll').scrollLeft") == 60
        assert page.evaluate(covered) <= 1


def test_the_seed_is_said_once(chromium, b1):
    with opened(chromium, b1) as it:
        press(it.page, "ArrowRight", 4)
        assert text(it.page).count("∂J/∂J = 1") == 1


def test_the_measures_see_what_is_wrong(chromium, tmp_path):
    page = tmp_path / "page.html"
    text = "a text that is rather long"
    page.write_text(
        f"""<!DOCTYPE html><meta charset=utf-8><style>:root {{ color-scheme: light dark }}</style>
        <p style="width: 50px; white-space: nowrap">{text}</p>
        <p style="width: 50px; white-space: nowrap; overflow: auto">{text}</p>
        <p style="width: 50px; height: 20px; overflow: hidden">{text}</p>
        <p style="color: #999; background: #fff">grey</p><p style="color: #767676; background: #fff">darker</p>
        <div style="background: #000"><p style="color: #333; background: #fff8"><i>through</i></p></div>
        <svg width=300 height=90><g><rect width=60 height=30 fill="#fff"/><text y=20 fill="#aaa">{text}</text></g>
        <g><rect width=290 height=30 y=40 fill="#000"/><text y=60 fill="#fff">{text}</text></g></svg>"""
    )
    with opened(chromium, page) as it:
        wide = overflowing(it.page)
        assert [line.partition(">")[0] for line in wide] == ["<p", "<p", "<p", "<text"]
        assert [" high" in line for line in wide] == [False, False, True, False]
        assert [line.partition(":")[0] for line in contrast(it.page)] == ["<p> grey", "<i> through", f"<text> {text}"]
        assert "2.85" in contrast(it.page)[0]
    with opened(chromium, page, dark=True) as it:
        assert len(contrast(it.page)) == 3
    page.write_text("<!DOCTYPE html><meta charset=utf-8><div style='width: 2000px'>wide</div>")
    with opened(chromium, page, width=390) as it:
        assert overflowing(it.page)[0] == "the page: 2008 > 390"


@pytest.mark.parametrize(
    "fault", ["<script>missing()</script>", "<script>console.error(1)</script>", "<img src='http://localhost:9/x.png'>"]
)
def test_faults_of_a_page_are_seen(chromium, tmp_path, fault):
    page = tmp_path / "page.html"
    page.write_text(f"<!DOCTYPE html>{fault}")
    with pytest.raises(AssertionError), opened(chromium, page) as it:
        it.page.wait_for_timeout(100)


def measured(chromium, path, dark=False, widths=(1280, 390)):
    """What is wrong to the eye at any step."""
    wrong = []
    for width in widths:
        with opened(chromium, path, width=width, height=800, dark=dark) as it:
            for step in range(int(it.page.get_attribute("#slider", "max")) + 1):
                found = [*overflowing(it.page), *contrast(it.page)]
                wrong += [f"{width} step {step}: {line}" for line in found]
                press(it.page, "ArrowRight")
    return wrong


@pytest.mark.parametrize("dark", [False, True])
def test_measures_of_b1_and_of_blame(chromium, b1, wrong, dark):
    assert measured(chromium, b1, dark) == []
    assert measured(chromium, wrong, dark) == []


@pytest.mark.parametrize("id", ["6.3", "8.1", "9.1", "B.4"])
def test_measures_of_networks(chromium, tmp_path, id):
    loss, tensors = of_network(networks[id])
    assert measured(chromium, al.animate(loss, tmp_path / "n.html", names=tensors)) == []


def test_6_4_in_the_browser(chromium, tmp_path):
    loss, tensors = of_network(networks["6.4"])
    with opened(chromium, al.animate(loss, tmp_path / "n.html", names=tensors, gradients=0.5)) as it:
        press(it.page, "End")
        assert boxes(it.page)["layer_2"][1] == "∂ −1.0213"


def test_a_list_where_there_is_no_picture(chromium, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "engines", lambda: [])
    loss, delta, _held = two_layers()
    path = al.animate(loss, tmp_path / "list.html", report=al.check_deltas(loss, delta))
    with opened(chromium, path, width=390) as it:
        page = it.page
        assert page.locator("#picture li.pending").count() == 6
        press(page, "ArrowRight")
        assert page.locator("#picture li.pending").count() == 5
        assert "matmul" in text(page, "#picture li.lit")
        press(page, "End")
        assert page.locator("#picture li.pending").count() == 0
        assert "✗ introduced here" in text(page, "#picture")
    assert measured(chromium, path) == []
    assert measured(chromium, path, dark=True, widths=(390,)) == []


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names(chromium, tmp_path, name):
    x = al.tensor([1.0, 2.0], requires_grad=True, name=name)
    y = (x * al.tensor(np.array([3.0, 4.0]), name=name)).sum()
    found = [SimpleNamespace(name=name, verdict="introduced", causes=[SimpleNamespace(kind=name, explanation=name)])]
    path = al.animate(y, tmp_path / "x.html", report=found)
    with opened(chromium, path, width=390) as it:
        it.page.on("dialog", lambda dialog: it.errors.append(dialog.message))
        for _ in range(6):
            assert overflowing(it.page) == []
            press(it.page, "ArrowRight")
        assert it.page.locator("script").count() == 2
        assert it.page.locator("[onload]").count() == 0


def test_in_a_frame_it_scrolls_the_picture_and_not_the_page(chromium, wrong, tmp_path):
    outer = tmp_path / "outer.html"
    outer.write_text(
        f"<!DOCTYPE html><title>outer</title><div style='height:2000px'></div>"
        f"<iframe src='{wrong.as_uri()}' width=700 height=700></iframe><div style='height:2000px'></div>"
    )
    with opened(chromium, outer) as it:
        page = it.page
        frame = page.frames[1]
        frame.wait_for_selector("h2")
        page.evaluate("scrollTo(0, 1900)")
        frame.click("h2")
        before = page.evaluate("scrollY")
        press(page, "ArrowRight", 8)
        assert frame.inner_text("#place").startswith("8 / ")
        assert page.evaluate("scrollY") == before
        shown = frame.evaluate(
            """() => { const box = document.querySelector("g.node.lit").getBoundingClientRect(),
              outer = document.querySelector("#picture").getBoundingClientRect();
              return box.top < outer.bottom && box.bottom > outer.top && outer.bottom <= innerHeight; }"""
        )
        assert shown


def test_on_paper_there_are_all_steps(chromium, b1):
    with opened(chromium, b1, "#step=3", width=700) as it:
        page = it.page
        page.emulate_media(media="print")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        titles = page.eval_on_selector_all("#all h2", "all => all.map(h => h.textContent)")
        assert len(titles) == 9
        assert not page.is_visible("#panel")
        assert not page.is_visible("#next")
        assert "∂J/∂c = 3 · 3 = 9" in text(page, "#all")
        assert overflowing(page) == []
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.locator("#all > *").count() == 0
        assert page.pdf()[:4] == b"%PDF"
