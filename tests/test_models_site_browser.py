"""The report in a real browser: no error, nothing from outside, nothing cut off, everything to be read.

With AUTOGRAD_LITE_SITE=all in the environment it is the site of all networks that is opened, each page of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import browser
import pytest
from browser import contrast, opened, overflowing

from autograd_lite.draw import engine
from models import find, networks, site

chromium = browser.chromium  # a fixture
pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")
pytestmark = pytest.mark.skipif(not engine.engines(), reason="neither graphviz-pure nor dot is installed")

ALL = os.environ.get("AUTOGRAD_LITE_SITE") == "all"
SOME = ("3.4", "4.4", "5.4s", "6.2", "6.3", "8.1", "11.0", "12.2", "13.9", "14.3", "15.1", "A.3", "B.1", "B.3s1")
NAMES = tuple(networks) if ALL else SOME
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "site"
    site.build([find(name) for name in NAMES], folder, quick=True)
    return folder


def unfold(page: Any) -> None:
    """Open all that is folded."""
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


def faint_in_plots(page: Any) -> list[str]:
    """Texts of plots that are hard to tell from the card that they stand on, which has to be white or nearly so."""
    return page.evaluate(
        """() => {
  const numbers = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(n => n / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = colour => numbers(colour).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0.05);
  return [...document.querySelectorAll(".plot svg text")].filter(text =>
    !(light(getComputedStyle(text.closest(".plot")).backgroundColor) / light(getComputedStyle(text).fill) >= 4.5))
    .map(text => text.textContent);
}"""
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["index", *NAMES])
def test_a_page_is_read_without_trouble(chromium: Any, made: Path, name: str, width: int, dark: bool) -> None:
    path = made / "index.html" if name == "index" else made / name / "index.html"
    with opened(chromium, path, width=width, dark=dark) as it:
        unfold(it.page)
        assert it.page.evaluate("getComputedStyle(document.body).maxWidth") != "none"  # the style sheet is there
        assert overflowing(it.page) == []
        assert faint_in_plots(it.page) == []
        it.page.add_style_tag(content=".plot svg { visibility: hidden }")
        assert contrast(it.page) == []
        assert it.page.evaluate("document.querySelectorAll('h1').length") == 1


def test_the_player_in_the_page_steps_by_keyboard(chromium: Any, made: Path) -> None:
    with opened(chromium, made / "B.1" / "index.html") as it:
        it.page.locator("iframe").scroll_into_view_if_needed()
        inside = it.page.frame(url="**/steps.html")
        inside.locator("#panel").click()
        for key, expected in (
            ("ArrowRight", "3 · 2 = 6"),
            ("ArrowRight", "5 + 6 = 11"),
            ("ArrowLeft", "3 · 2 = 6"),
        ):
            it.page.keyboard.press(key)
            assert expected in inside.locator("#panel").inner_text()


def test_everything_is_reached_by_the_keyboard(chromium: Any, made: Path) -> None:
    with opened(chromium, made / "6.3" / "index.html", width=390) as it:
        page = it.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent").startswith("←")
        assert page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2
        unreached = page.evaluate(
            """() => [...document.querySelectorAll("pre, .scroll")].filter(e => e.scrollWidth > e.clientWidth + 1
            && getComputedStyle(e).overflowX === "auto" && e.tabIndex < 0).map(e => e.textContent.slice(0, 40))"""
        )
        assert unreached == []


def test_links_lead_from_page_to_page(chromium: Any, made: Path) -> None:
    with opened(chromium, made / "index.html") as it:
        page = it.page
        page.click("text=5.4s matrix-descent-slides")
        assert page.title() == "5.4s matrix-descent-slides: mistake"
        page.click("text=All networks")
        assert page.title() == "The networks, checked"


def test_on_paper_there_is_no_frame_and_nothing_is_cut(chromium: Any, made: Path) -> None:
    with opened(chromium, made / "8.1" / "index.html", width=700) as it:
        page = it.page
        page.emulate_media(media="print", color_scheme="light")
        for hidden in ("iframe", "nav"):
            assert not page.locator(hidden).first.is_visible()
        assert page.evaluate("document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth") <= 1
        cut = page.evaluate(
            """() => [...document.querySelectorAll("main *")].filter(e => e.clientWidth && !e.closest("svg")
            && getComputedStyle(e).overflowX !== "visible" && e.scrollWidth > e.clientWidth + 1)
            .map(e => e.outerHTML.slice(0, 80))"""
        )
        assert cut == []
        assert len(page.pdf(format="A4")) > 10_000
