"""Pages in a real browser: opened in headless Chromium by Playwright, and measured there.

`chromium` is a fixture (`chromium = browser.chromium` makes it a module's); `opened(chromium, path)` gives a page on
which errors and requests to anywhere but files are collected; `overflowing` and `contrast` list what is wrong to the
eye.
"""

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
MEASURES = Path(__file__).with_name("measures.js")
SLACK = 1.0  # pixels that rounding may take
RATIO = 4.5  # of contrast, at the least


@pytest.fixture(scope="module")  # two at a time would not go in one thread
def chromium():
    """The browser, or a skip that says what is missing."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("Playwright is not installed: pip install playwright")
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip(f"there is no {PROGRAMS[0]} on the path: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()


@dataclass
class Opened:
    """A page, and what it should not have done: `errors` of the console and of scripts, `requests` to the outside."""

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def go(self, path, hash=""):
        """Load a file."""
        self.page.goto("about:blank")
        self.page.goto(Path(path).resolve().as_uri() + hash)


@contextmanager
def opened(chromium, path, hash="", width=1280, height=800, dark=False):
    """A file in a window of its own, without animations. Raises AssertionError at the end for errors and requests."""
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    made = Opened(context.new_page())
    made.page.on("console", lambda m: made.errors.append(m.text) if m.type in ("error", "warning") else None)
    made.page.on("pageerror", lambda error: made.errors.append(str(error)))
    made.page.on("requestfailed", lambda r: made.errors.append(f"failed: {r.url[:200]}"))
    made.page.on("request", lambda r: None if _own(r.url) else made.requests.append(r.url))
    try:
        made.go(path, hash)
        yield made
        assert made.errors == []
        assert made.requests == []
    finally:
        context.close()


def _own(url):
    return url.startswith(("file:", "data:", "about:", "blob:"))


def overflowing(page):
    """Texts that are wider or higher than their boxes, as lines that say which; the page itself if it is too wide.

    A box that scrolls holds what is in it. A text in an SVG belongs to the shapes of its group.
    """
    return page.evaluate(f"slack => {{ {MEASURES.read_text('utf-8')}; return overflowing(slack); }}", SLACK)


def contrast(page):
    """Texts whose contrast to what is behind them is under 4.5 to 1, with the ratio.

    Behind a text is the first background that is not transparent, of it or of what it is in; in an SVG the shape of
    its group, if it is filled.
    """
    return page.evaluate(f"least => {{ {MEASURES.read_text('utf-8')}; return contrast(least); }}", RATIO)
