"""The gallery: every picture is there, whole, small and harmless, and the graphs are those that the code draws."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from concurrent.futures import Future
from html.parser import HTMLParser
from pathlib import Path

import pytest

import autograd_lite as al
from autograd_lite.data import sources
from autograd_lite.draw import engine

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "gallery.md"
PICTURES = sorted((ROOT / "docs" / "pictures").iterdir())
GRAPHS = ("derivatives", "relu_zeros", "strips", "modules", "layers", "lstm")
QUICK = ("pressures", "pressures_even", "slopes", "slopes_from_output")
NAMESPACES = {  # which nobody fetches, and the document type
    "http://www.w3.org/2000/svg",
    "http://www.w3.org/1999/xlink",
    "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd",
}
needs_engine = pytest.mark.skipif(not engine.engines(), reason="neither graphviz-pure nor dot is installed")


@pytest.fixture
def gallery(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import gallery

    return gallery


class Images(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.found.append(dict(attrs))


def images():
    parser = Images()
    parser.feed(PAGE.read_text("utf-8"))
    return parser.found


def part(name):
    (found,) = re.findall(rf"<!-- {name}:start -->\n(.*?)<!-- {name}:end -->", PAGE.read_text("utf-8"), re.DOTALL)
    return found


def words(svg):
    return sorted("".join(e.itertext()) for e in ET.fromstring(svg).iter() if e.tag.endswith("}text"))


# ---------------------------------------------------------------------------------------- the files


def test_the_page_shows_every_picture_once_and_has_a_place_for_each(gallery):
    shown = [image["src"] for image in images()]
    assert sorted(shown) == [f"pictures/{path.name}" for path in PICTURES]
    assert {path.stem for path in PICTURES} == {*gallery.every(), "streetlights"}
    for name in gallery.every():
        assert f'src="pictures/{name}.svg"' in part(name)


def test_every_picture_says_what_it_is_and_fits_the_page():
    for image in images():
        assert len(image["alt"].split()) > 3, image
        assert 150 < int(image["width"]) <= 800, image
    assert len({image["alt"] for image in images()}) == len(PICTURES)


def test_the_pictures_are_small():
    sizes = {path.name: path.stat().st_size for path in PICTURES}
    assert max(sizes.values()) < 300_000, sizes
    assert sum(sizes.values()) < 2_000_000, sizes


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.stem)
def test_a_picture_is_well_formed_and_has_nothing_that_runs_or_comes_from_outside(path):
    text = path.read_text("utf-8")
    root = ET.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert words(text)
    for element in root.iter():
        name = element.tag.partition("}")[2]
        assert name not in ("script", "foreignObject", "iframe", "animate", "set"), name
        for key, value in element.attrib.items():
            assert not key.lower().startswith("on"), key
            if key.rpartition("}")[2] == "href":
                assert value.startswith(("#", "data:image/png;base64,")), value
        if name == "style":
            assert "@import" not in (element.text or "")
    assert set(re.findall(r"https?:[^\s\"'<]*", text)) <= NAMESPACES
    assert all(link.startswith("#") for link in re.findall(r"url\(['\"]?([^)]*)", text))
    assert str(ROOT) not in text


# ---------------------------------------------------------------------------------------- up to date


@needs_engine
@pytest.mark.parametrize("name", GRAPHS)
def test_the_graphs_are_as_they_are_drawn_now(gallery, name):
    svg, text = gallery.block(gallery.every()[name])
    assert words(svg) == words((ROOT / "docs" / "pictures" / f"{name}.svg").read_text("utf-8"))
    assert without_width(text) == without_width(part(name).rstrip("\n"))


@pytest.mark.parametrize("name", QUICK)
def test_what_is_said_of_quick_plots_is_so(gallery, name):
    pytest.importorskip("matplotlib")
    _, text = gallery.block(gallery.every()[name])
    assert text == part(name).rstrip("\n")


def without_width(text):
    """Versions of the layout engine differ by some points."""
    return re.sub(r'width="\d+"', "", text)


def test_all_code_is_that_of_the_functions(gallery):
    for name, make in gallery.every().items():
        assert f"```python\n{gallery.code(make)}\n```" in part(name), name
        assert "drawn = " in gallery.code(make).splitlines()[-1], name


@needs_engine
def test_the_code_of_the_page_runs_after_its_imports():
    imports = PAGE.read_text("utf-8").partition("```python\n")[2].partition("```")[0]
    for name in (*GRAPHS, *QUICK):
        code = part(name).partition("```python\n")[2].partition("```")[0]
        namespace = {"__name__": "__main__"}
        exec(imports + code, namespace)
        assert isinstance(namespace["drawn"], al.Picture) == (name in GRAPHS), name


def test_its_commands_are_commands(gallery):
    from models.__main__ import parser

    commands = re.findall(r"python -m models ([^`\n]*)", PAGE.read_text("utf-8"))
    assert {command.split()[0] for command in commands} == {"graph", "report"}
    for command in commands:
        parser().parse_args(command.split())
    made = set(re.findall(r"python docs/gallery.py (\w+)", PAGE.read_text("utf-8")))
    assert made
    assert made <= set(gallery.every())


def test_the_small_graph_says_its_numbers():
    text = " ".join(part("derivatives").split())
    assert "u = 6, v = 11, J = 33" in text
    assert "3 to v, 3 to a, 3 to u, 6 to b, 9 to c" in text
    assert "The output is off by -1.0213." in part("relu_zeros")
    assert "25 × 16 ops" in part("lstm")


# ---------------------------------------------------------------------------------------- the command


@pytest.fixture
def elsewhere(gallery, monkeypatch, tmp_path):
    """The command, writing into a copy."""
    (tmp_path / "gallery.md").write_text(PAGE.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(gallery, "PAGE", tmp_path / "gallery.md")
    monkeypatch.setattr(gallery, "PICTURES", tmp_path)
    return gallery


def test_a_picture_takes_its_place_in_the_page(elsewhere, tmp_path):
    made = Future()
    made.set_result(("<svg/>", "### New"))
    assert elsewhere.put("lstm", made) == "0 KB"
    page = (tmp_path / "gallery.md").read_text("utf-8")
    assert "<!-- lstm:start -->\n### New\n<!-- lstm:end -->" in page
    assert page.replace("### New\n", part("lstm")) == PAGE.read_text("utf-8")
    assert (tmp_path / "lstm.svg").read_text() == "<svg/>"
    with pytest.raises(SystemExit, match="has no place for nowhere"):
        elsewhere.put("nowhere", made)


def test_a_picture_without_its_data_is_left_as_it_is(elsewhere, tmp_path):
    made = Future()
    made.set_exception(FileNotFoundError("the reviews are not here"))
    assert elsewhere.put("words", made) == "left as it was. the reviews are not here"
    assert (tmp_path / "gallery.md").read_text("utf-8") == PAGE.read_text("utf-8")
    assert list(tmp_path.iterdir()) == [tmp_path / "gallery.md"]


def test_pictures_are_made_without_downloads(gallery):
    def make():
        raise FileNotFoundError("offline" if sources._offline.get() else "would be downloaded")

    token = sources._offline.set(False)  # all tests are offline
    try:
        with pytest.raises(FileNotFoundError, match="offline"):
            gallery.block(make)
        assert not sources._offline.get()
    finally:
        sources._offline.reset(token)


def test_a_name_that_is_none(gallery, capsys):
    assert gallery.main(["no-such"]) == 2
    assert "no picture is called no-such; there are derivatives, " in capsys.readouterr().err


@needs_engine
def test_the_same_bytes_twice(gallery):
    code = (
        "import sys; sys.path.insert(0, 'docs'); import gallery; print(gallery.block(gallery.every()[sys.argv[1]])[0])"
    )
    pytest.importorskip("matplotlib")
    for name in ("layers", "slopes"):
        done = subprocess.run(
            [sys.executable, "-c", code, name], cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8"
        )
        assert done.stdout == gallery.block(gallery.every()[name])[0] + "\n", name
