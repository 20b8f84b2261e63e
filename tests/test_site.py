"""The site: built without a warning, every public name in its reference, every link on it leading somewhere."""

import operator
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import browser
import pytest

import autograd_lite as al

ROOT = Path(__file__).parent.parent
COMMAND = "python -m sphinx -W -c docs . build/site"
chromium = browser.chromium
LOOKED_AT = "index", "start", "differences", "compatibility", "api/tensors", "gallery"


@pytest.fixture(scope="module")
def reference():
    """The module that writes the reference."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs"))
        import reference

        yield reference


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built by the documented command, with references to names checked too."""
    for needed in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(needed, reason="the site needs it: pip install 'autograd_lite[docs]'")
    folder = tmp_path_factory.mktemp("site")
    words = [folder if word == "build/site" else word for word in COMMAND.split()[1:]]
    command = [
        sys.executable,
        *map(str, words),
        "-q",
        "-n",
        "--keep-going",
        "-d",
        str(tmp_path_factory.mktemp("trees")),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return folder


class Links(HTMLParser):
    """The targets and the anchors of a page."""

    def __init__(self, page):
        super().__init__()
        self.to, self.anchors = [], set()
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.to += [given[name] for name in ("href", "src") if given.get(name)]
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}


def test_every_link_of_the_site_leads_somewhere(site):
    pages = {page: Links(page) for page in site.rglob("*.html")}
    assert len(pages) > 25
    for page, links in pages.items():
        for link in links.to:
            path, anchor = urldefrag(unquote(link))
            if re.match(r"[a-z]+:", path):
                continue
            target = (page.parent / path.partition("?")[0]).resolve() if path else page
            assert target.exists(), f"{page.relative_to(site)} links to {link}"
            if anchor and target in pages:
                assert anchor in pages[target].anchors, f"{page.relative_to(site)} links to {link}"


def test_every_page_of_the_documents_is_on_the_site(site):
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")):
        assert (site / page.relative_to(ROOT)).with_suffix(".html").exists()
    for picture in re.findall(r'src="docs/pictures/([^"]+)"', (ROOT / "README.md").read_text("utf-8")):
        assert (site / "_images" / picture).exists()
    assert "docs/index.html" in (site / "index.html").read_text("utf-8")


def test_every_page_is_reached_from_the_first(site):
    start = (site / "docs" / "index.html").resolve()
    reached, queue = {start}, [start]
    while queue:
        page = queue.pop()
        targets = {(page.parent / unquote(urldefrag(to)[0])).resolve() for to in Links(page).to if ":" not in to}
        queue += [t for t in targets - reached if t.suffix == ".html" and t.exists()]
        reached |= set(queue)
    assert {p.resolve() for p in site.rglob("*.html")} - reached == {(site / "index.html").resolve()}


@pytest.mark.parametrize("name", [f"docs/{page}" for page in LOOKED_AT])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (1280, True), (800, True)])
def test_pages_are_readable_without_a_network(site, chromium, name, width, dark):
    with browser.opened(chromium, site / f"{name}.html", width=width, dark=dark) as opened:
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
        assert browser.contrast(opened.page) == []


@pytest.mark.parametrize("width", [1280, 800])
def test_the_table_of_differences_is_all_in_view(site, chromium, width):
    with browser.opened(chromium, site / "docs/differences.html", width=width) as opened:
        box = opened.page.locator(".table-wrapper")
        assert box.evaluate("box => [box.scrollWidth <= box.clientWidth, box.clientWidth > 600]") == [True, True]


SPACES = [
    *("", "autograd", "check", "data", "func", "linalg", "nn", "nn.functional", "nn.init", "nn.utils"),
    *("onnx", "optim", "optim.lr_scheduler", "utils.data"),
]


@pytest.fixture(scope="module")
def told(reference, tmp_path_factory):
    """The names of all entries of the reference, and the other names that stand there."""
    folder = tmp_path_factory.mktemp("api")
    reference.write(folder)
    text = "".join(page.read_text("utf-8") for page in folder.glob("*.md"))
    entries = re.findall(r"^\.\. auto\w+:: autograd_lite\.([\w.]+)$", text, re.MULTILINE)
    also = [name for line in re.findall(r"^   Also (.*)\.$", text, re.MULTILINE) for name in line.split(", ")]
    return [*entries, *(name.strip("`").removeprefix("al.") for name in also)]


@pytest.mark.parametrize("path", SPACES)
def test_every_public_name_is_in_the_reference_once(reference, told, path):
    """By an entry of its own, or as another name of one."""
    names = reference.public(operator.attrgetter(path)(al) if path else al)
    assert len(names) > 1
    assert {name: told.count(f"{path}.{name}".lstrip(".")) for name in names} == dict.fromkeys(names, 1)


def test_the_reference_tells_how_functions_are_called(site):
    for page in (site / "docs" / "api").glob("*.html"):
        found = re.findall(
            r'<dl class="py (function|method)">\s*<dt .*?id="([\w.]+)">(.*?)</dt>', page.read_text(), re.DOTALL
        )
        assert [name for _, name, told in found if "sig-paren" not in told] == []
    text = re.sub("<.*?>", "", (site / "docs" / "api" / "functional.html").read_text("utf-8"))
    assert "al.nn.functional.huber_loss(input, target, reduction='mean', delta=1.0, weight=None)" in text


def test_every_member_of_tensor_is_in_the_reference(reference):
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", "\n".join(reference.methods()), re.MULTILINE))
    assert set(rows) == {name for name in dir(al.Tensor) if name[0] != "_"}
    assert rows["exp"] == "[`al.exp`](#autograd_lite.exp)"
    assert rows["item"].startswith("The one number")


def test_pages_of_themes_that_are_gone_go(reference, tmp_path):
    reference.write(tmp_path)
    before = {page: page.read_text("utf-8") for page in tmp_path.iterdir()}
    (tmp_path / "old.md").write_text("# Old\n")
    (tmp_path / "ops.md").write_text("# Changed\n")
    reference.write(tmp_path)
    assert {page: page.read_text("utf-8") for page in tmp_path.iterdir()} == before


def rendered(reference, text):
    lines = text.split("\n")
    reference.as_text(None, "function", "name", None, None, lines)
    return "\n".join(lines).strip()


def test_docstrings_are_plain_text(reference):
    assert rendered(reference, "|x| of *args, x_ and `y`.") == r"\|x\| of \*args, x\_ and ``y``."
    assert rendered(reference, "See:\n\n    a * b\n    c_\n\nAfter.") == "See:\n\n::\n\n    a * b\n    c_\n\nAfter."
    example = "Text.\n\n>>> x_ = 2 * 3\n>>> x_\n6"
    assert rendered(reference, example) == example
    assert rendered(reference, "Text:\n>>> 1\n1") == "Text:\n\n>>> 1\n1"
    assert rendered(reference, "- `a`: one\n- b") == "- ``a``: one\n- b"


def test_the_command_is_the_documented_one():
    for page in ("CONTRIBUTING.md", "docs/conf.py"):
        assert COMMAND.removeprefix("python ") in (ROOT / page).read_text("utf-8"), page
