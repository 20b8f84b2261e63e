"""The report: what its pages say is what was measured, its links hold, and nothing gets in that was not meant to."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.data import sources
from autograd_lite.draw.engine import engines
from models import Batch, Data, Handwritten, Network, checking, networks, report, site
from models.__main__ import main
from models.site import builder, content, learned, pages, sides, source, verdict
from models.site.builder import MANIFEST

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")
pytestmark = pytest.mark.skipif(not engines(), reason="neither graphviz-pure nor dot is installed")

FEW = ("3.4", "4.2", "4.4", "5.4s", "6.2-full", "6.3", "11.0", "B.1", "B.3s2")
VOID = {"meta", "link", "br", "img", "hr", "input"}


@dataclass
class Element:
    """A tag with its attributes, and all text inside it."""

    tag: str
    attributes: dict[str, str]
    text: str = ""
    inside: list[Element] = field(default_factory=list)

    def all(self, tag: str = "", **having: str) -> list[Element]:
        """Those inside it with this tag, whose attributes have these words."""
        found = []
        for element in self.inside:
            words = {name: element.attributes.get(name, "").split() for name in having}
            if tag in ("", element.tag) and all(having[name] in words[name] for name in having):
                found.append(element)
            found += element.all(tag, **having)
        return found


class Strict(HTMLParser):
    """Fails where a tag is not closed, closed twice, or has an attribute twice."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), (tag, names)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> in <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.text += data


def parsed(text: str) -> Element:
    parser = Strict()
    parser.feed(text)
    parser.close()
    assert len(parser.open) == 1
    return parser.root


def read(path: Path) -> Element:
    return parsed(path.read_text(encoding="utf-8"))


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def book(*names: str) -> list[Network]:
    return [networks[name] for name in names]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of a few networks that need no data from elsewhere."""
    folder = tmp_path_factory.mktemp("report") / "site"
    assert site.build(book(*FEW), folder, quick=True, workers=1) == folder / "index.html"
    return folder


def page_of(folder: Path, name: str) -> Element:
    return read(folder / name / "index.html")


# ----- the site -----


def test_there_is_a_page_for_each_network_and_nothing_else(made: Path) -> None:
    there = set(files(made))
    expected = {"index.html", "style.css", MANIFEST} | {f"{name}/index.html" for name in FEW}
    assert there == expected | {f"{name}/steps.html" for name in FEW if name != "11.0"}


def test_pages_are_well_formed_and_named(made: Path) -> None:
    titles = set()
    for path in sorted(made.rglob("index.html")):
        page = read(path)
        (html,) = page.all("html")
        assert html.attributes["lang"] == "en"
        (title,) = page.all("head")[0].all("title")
        titles.add(title.text)
        assert len(page.all("h1")) == 1
        levels = [int(e.tag[1]) for e in page.all() if re.fullmatch(r"h[1-6]", e.tag)]
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), path
        ids = [e.attributes["id"] for e in page.all() if "id" in e.attributes]
        assert len(ids) == len(set(ids))
        for svg in page.all("svg"):
            assert svg.attributes["role"] == "img"
            assert svg.attributes["aria-label"]
        assert not page.all("script")
        for boxed in page.all("div", **{"class": "scroll"}):  # reached by the keyboard, too
            assert boxed.attributes["tabindex"] == "0"
            assert boxed.attributes["aria-label"]
    assert len(titles) == len(FEW) + 1


def test_every_link_leads_somewhere_inside(made: Path) -> None:
    seen = set()
    for path in sorted(made.rglob("index.html")):
        page = read(path)
        ids = {e.attributes["id"] for e in page.all() if "id" in e.attributes}
        for element in page.all():
            for name in ("href", "src", "xlink:href"):
                link = element.attributes.get(name)
                if link is None or link == "data:,":
                    continue
                if link.startswith("#"):
                    assert link[1:] in ids
                elif not link.startswith("data:image/png;base64,"):
                    assert not urlsplit(link).scheme
                    target = (path.parent / unquote(link)).resolve()
                    assert target.is_file()
                    assert made.resolve() in target.parents
                    seen.add(target.relative_to(made.resolve()).as_posix())
    assert seen == set(files(made)) - {MANIFEST}
    assert "http" not in re.sub(r"http://www\.w3\.org/\S+", "", (made / "style.css").read_text())


def test_pages_are_chained_in_the_order_of_the_book(made: Path) -> None:
    walked, place = [], made / FEW[0] / "index.html"
    while True:
        walked.append(place.parent.name)
        onward = [a.attributes["href"] for a in read(place).all("a", rel="next")]
        if not onward:
            break
        following = (place.parent / onward[0]).resolve()
        (back,) = read(following).all("a", rel="prev")
        assert (following.parent / back.attributes["href"]).resolve() == place.resolve()
        place = following
    assert walked == list(FEW)


def test_the_same_bytes_from_other_processes(made: Path, tmp_path: Path) -> None:
    seen: list[int] = []

    def counted(steps: Any, total: int) -> Iterator[None]:
        for step in steps:
            seen.append(total)
            yield step

    site.build(book(*reversed(FEW)), tmp_path / "again", quick=True, workers=2, progress=counted)
    assert files(tmp_path / "again") == files(made)
    assert seen == [len(FEW)] * len(FEW)


# ----- what it says -----


@pytest.mark.parametrize("name", FEW)
def test_verdicts_are_those_of_the_check(made: Path, name: str) -> None:
    found = checking.check(networks[name])
    page = page_of(made, name)
    words = {d.all("dt")[0].text: d.all("dd")[0].text for d in page.all("dl", **{"class": "facts"})[0].all("div")}
    for checked in found:
        assert words[checked.version] == report.words(checked)
    (row,) = [
        tr for tr in read(made / "index.html").all("tr") if tr.all("a") and tr.all("a")[0].text.startswith(name + " ")
    ]
    printed = next((c for c in found if c.version == "as-printed"), None)
    if printed is not None:
        assert row.all("span", **{"class": "words"})[0].text == report.words(printed)
    kinds = {"5.4s": "wrong", "B.3s2": "wrong", "B.1": "exact", "4.2": "signs", "6.2-full": "unprinted"}
    kinds |= {"3.4": "outputs", "11.0": "outputs", "4.4": "constant", "6.3": "constant"}
    (badge,) = row.all("span", **{"class": "badge"})
    assert badge.attributes["class"].split()[1] == kinds[name]
    assert badge.text.strip() == " ".join(reversed(verdict.LABELS[kinds[name]]))
    assert ("The errors found" in page.text) == (kinds[name] == "wrong")


def test_the_index_counts(made: Path) -> None:
    (lead,) = read(made / "index.html").all("p", **{"class": "lead"})
    assert lead.text == (
        "Of 9 networks, 2 have a mistake in their backward pass or their step; the backward pass of 1 is the "
        "gradient; the backward passes of 2 are a constant times the gradient; 1 learns by trial; 2 are forward "
        "passes alone; 1 is not printed as code."
    )


def test_our_own_disagreement_comes_first() -> None:
    own = networks["4.4"]
    wrong = replace(own, versions={**own.versions, "corrected": own.versions["as-printed"]})
    assert verdict.verdict(checking.check(wrong)).kind == "disagrees"


def test_numbers_of_the_side_by_side_table_against_numpy(made: Path) -> None:
    """5.4s: nine weights, their deltas laid out the wrong way round, by plain NumPy."""
    network = networks["5.4s"]
    data, (weights, _) = network.data(), network.start()
    x, goal = data.x_train[0], data.labels_train[0]
    delta = weights["weights"] @ x - goal
    hand, derived = np.outer(x, delta), np.outer(delta, x)
    page = page_of(made, "5.4s")
    (deltas, *_) = page.all("table", **{"class": "deltas"})
    row = next(tr for tr in deltas.all("tr") if tr.all("th")[0].text.startswith("weights"))
    largest, cosine = (float(e.attributes["value"]) for e in row.all("data"))
    assert largest == pytest.approx(np.max(np.abs(hand - derived)), rel=1e-12)
    assert cosine == pytest.approx(np.sum(hand * derived) / np.linalg.norm(hand) / np.linalg.norm(derived), rel=1e-12)
    assert "introduced here" in row.text
    assert "x.T @ delta" in row.text
    assert "weights_delta = pred_delta.T @ input" in row.text
    tables = {t.attributes["aria-label"]: t for t in page.all("table", **{"class": "numbers"})}
    for label, array in (("weights by hand", hand), ("weights derived", derived)):
        cells = [list(tr.all("td")) for tr in tables[label].all("tr")]
        shown = np.array([[float(td.text.strip("≠\xa0").replace("−", "-")) for td in row] for row in cells])
        np.testing.assert_allclose(shown, array, rtol=1e-4)
        marked = np.array([[td.attributes.get("class") == "differs" for td in row] for row in cells])
        np.testing.assert_array_equal(marked, ~np.isclose(hand, derived, rtol=1e-9))
        np.testing.assert_array_equal([["≠" in td.text for td in row] for row in cells], marked)


def test_derived_numbers_are_differences_of_the_error() -> None:
    """6.3, where it has been trained: central differences of an error in NumPy."""
    network = networks["6.3"]
    found = next(c for c in checking.check(network) if c.version == "corrected")
    place = checking.places(network)[found.shown]

    def error(weights: Any) -> float:
        hidden = np.maximum(place.batch.x @ weights["weights_0_1"], 0)
        return float(np.sum((hidden @ weights["weights_1_2"] - place.batch.labels) ** 2)) / len(place.batch.x)

    by_name = {side.name: side for side in sides.sides(network, "corrected", found)}
    for name, weight in place.weights.items():
        shown = np.array([[float(cell.text.replace("−", "-")) for cell in row] for row in by_name[name].derived])
        slopes = np.zeros(weight.shape)
        for at in np.ndindex(weight.shape):
            up, down = ({n: w.copy() for n, w in place.weights.items()} for _ in range(2))
            up[name][at] += 1e-6
            down[name][at] -= 1e-6
            slopes[at] = (error(up) - error(down)) / 2e-6
        np.testing.assert_allclose(shown, slopes, rtol=2e-4, atol=1e-8)
        assert by_name[name].differing == 0


@pytest.mark.parametrize("name", [*FEW, "8.3", "9.1", "B.2s1", "B.4s"])
def test_every_delta_has_both_its_lines_and_only_wrong_ones_are_marked(name: str) -> None:
    network = networks[name]
    for checked in checking.check(network):
        if not checked.deltas:
            continue
        made = sides.sides(network, checked.version, checked)
        wrong = {finding.name for finding, _ in checked.introduced}
        assert {side.name for side in made if side.wrong} == wrong
        assert all(side.derived_lines for side in made)
        assert all(side.differing for side in made if side.wrong)
        if not wrong:
            assert not any(side.differing for side in made)
        assert all(side.hand_lines for side in made)


def hand_and_derived(checked: checking.Checked, name: str) -> tuple[Any, Any]:
    report = checked.deltas[checked.shown]
    finding = next(f for f in report if f.name == name)
    return finding.hand, finding.true * report.scale


def test_a_large_array_shows_where_it_differs_most() -> None:
    network = networks["8.3"]
    printed = next(c for c in checking.check(network) if c.version == "as-printed")
    side = next(s for s in sides.sides(network, "as-printed", printed) if s.name == "weights_0_1")
    assert side.coloured
    columns = {
        j for part in side.columns.split(", ") for j in range(int(part.split("–")[0]), int(part.split("–")[-1]) + 1)
    }
    finding = next(f for f, _ in printed.introduced if f.name == "layer_1_in")
    assert finding.hand.shape[1] == 100 > max(columns)
    assert len(columns) == 12
    assert side.largest == max(abs(float(np.max(np.abs(a)))) for a in hand_and_derived(printed, "weights_0_1"))
    assert side.shown == "12 of 784 rows and 12 of 100 columns, those with the largest differences"
    assert (len(side.hand), len(side.hand[0])) == (12, 12)
    assert any(cell.differs for row in side.hand for cell in row)
    assert all(-1 <= cell.tone <= 1 for row in side.hand for cell in row)


def test_finite_differences_are_those_of_the_check(made: Path) -> None:
    own = next(c for c in checking.check(networks["6.3"]) if c.what == "gradients")
    rows = page_of(made, "6.3").all("table", **{"class": "plain"})[0].all("tr")[1:]
    shown = [(tr.all("th")[0].text, *(td.text for td in tr.all("td"))) for tr in rows]
    assert shown == [(d.name, "agrees", pages.short(d.error), pages.short(d.allowed)) for d in own.differences]


def test_the_picture_has_every_parameter_with_its_numbers(made: Path) -> None:
    (graph,) = page_of(made, "B.1").all("div", **{"class": "graph"})
    texts = [e.text for e in graph.all("text")]
    for name in ("a", "b", "c", "u", "v", "J"):
        assert name in texts
    for number in ("6", "11", "33", "9"):
        assert number in texts
    assert "not kept" not in graph.text


def test_what_mending_changes_is_what_both_print(made: Path) -> None:
    page = page_of(made, "5.4s")
    for version in ("as-printed", "corrected"):
        last = learned.learn(networks["5.4s"], True).runs[version].last
        assert last.startswith("I:0 ")
        (shown,) = [code for code in page.all("code") if code.attributes.get("title") == last]
        short, full = (re.findall(r"-?[\d.]+(?:e-\d+)?", text) for text in (shown.text, last))
        assert max(map(len, short)) < 12 < max(map(len, full))
        np.testing.assert_allclose([float(n) for n in short], [float(n) for n in full], rtol=1e-5)
    assert "What mending them changes" not in page_of(made, "6.3").text


def test_where_mending_costs_accuracy_that_is_said() -> None:
    network = networks["9.1"]
    full = content._outcomes(network, learned.learn(network, True))[1]
    reached = [float(re.search(r"Test-Acc:([\d.]+)", full.lines[v])[1]) for v in ("as-printed", "corrected")]  # type: ignore[index]
    assert reached[1] < reached[0]
    assert full.note.endswith(f" is lower here: {reached[1]} against {reached[0]}.")
    better = {"as-printed": full.lines["corrected"], "corrected": full.lines["as-printed"]}
    assert content._worse(better) == content._worse({"corrected": full.lines["corrected"]}) == ""


def test_of_a_loop_over_time_the_line_that_makes_a_delta_is_shown() -> None:
    lines = source.delta_lines(networks["14.3"].versions["as-printed"], ["output", "h_3", "c_3", "h_2"])
    assert lines["c_3"] == "c_delta = h_delta * o * (1 - tanh_c**2) + from_later"
    assert lines["h_2"].startswith("h_delta, from_later = self.handed_back(")
    assert "def handed_back" in lines["h_2"]


def test_a_picture_is_fitted_to_the_page() -> None:
    svg = '<?xml version="1.0"?><svg width="120.5pt" height="9pt" viewBox="0 0 1 1"><g id="a"/></svg>'
    assert 'style="--width: 120.5pt"' in content.inline(svg, "a graph")


def test_a_derivative_that_is_one_everywhere_is_told_of() -> None:
    network = networks["8.1"]
    (found,) = (c for c in checking.check(network) if c.version == "as-printed")
    (mistake,) = content._mistakes(network, found)
    assert mistake.note.endswith(": relu2deriv(layer_1).")
    by_hand = network.versions["as-printed"]
    line = source.delta_lines(by_hand, ["layer_1_in"])["layer_1_in"]
    layers = [{"layer_1": np.array([0.0, 3.0])}, {"layer_1": np.array([-1.0])}]
    assert source.slopes_of_one(by_hand, line, layers[:1]) == ["relu2deriv(layer_1)"]
    assert source.slopes_of_one(by_hand, line, layers) == []
    networks["11.1"].data()  # missing, it skips the rest
    (other,) = (c for c in checking.check(networks["11.1"]) if c.version == "as-printed")
    assert [m.note for m in content._mistakes(networks["11.1"], other)] == [""]  # no derivative stands there


def test_what_is_the_same_is_not_said_twice(made: Path) -> None:
    page = page_of(made, "B.1")
    assert [h.text for h in page.all("section", id="deltas")[0].all("h3")] == ["as-printed", "Their numbers"]
    titles = [h.text for h in page.all("section", id="code")[0].all("h3")]
    assert sum(title.startswith(("As printed", "Corrected")) for title in titles) == 1
    assert "over 1 epoch, in full" in page.text
    assert "first batch" not in page.text
    assert "for the first batch" in page_of(made, "6.3").text
    assert "The code is that above." in page_of(made, "4.4").text
    assert "the constant of the whole pass, 0.5" in page_of(made, "4.4").text


def test_a_quick_training_says_how_far_it_went() -> None:
    quick = learned.learn(networks["9.1"], True)
    assert quick.extent == "5 of 300 epochs"
    assert [o.extent for o in content._outcomes(networks["9.1"], quick)] == [
        "Trained here over 5 of 300 epochs",
        "Trained in full, measured once",
    ]
    assert len(content._outcomes(networks["5.4s"], learned.learn(networks["5.4s"], True))) == 1
    assert [len(run.records) for run in quick.runs.values()] == [5, 5]
    assert learned.learn(networks["6.3"], True).extent == "60 epochs"
    captions = [figure.caption for figure in learned.pictures(networks["9.1"], quick)]
    assert captions == [
        "What the first 40 of 100 hidden units learned: by pixel, the change of their weights, 5 of 300 epochs."
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("4.4", "The error by weight"),
        ("6.2-full", "Which way each example pushes each weight"),
        ("5.5", "The weights of each digit"),
        ("10.1", "The kernels"),
    ],
)
def test_pictures_are_chosen_by_what_a_network_is(name: str, words: str) -> None:
    network = networks[name]
    _weights, _ = network.start()
    data = network.data()
    few = replace(data, x_train=data.x_train[:256], labels_train=data.labels_train[:256], x_test=None, labels_test=None)
    run = learned._run(network, "corrected", 1, few)
    (figure,) = learned.pictures(network, learned.Learned({"corrected": run}, "1 epoch"))
    assert figure.caption.startswith(words)
    assert figure.svg.startswith("<svg ")


# ----- the code -----


def test_code_is_without_docstrings_and_decorators() -> None:
    code = source.step_code(networks["8.1"].versions["as-printed"])
    assert '"""' not in code
    assert "@" not in code.replace(" @ ", "")
    assert code.count("def forward(") == code.count("def backward(") == code.count("def relu2deriv(") == 1
    inherited = source.step_code(networks["5.2"].versions["as-printed"])
    assert inherited.count("def weight_deltas(") == 2  # its own, and the one that it calls by super()


def lines_of(name: str, version: str, *deltas: str) -> list[str]:
    return list(source.delta_lines(networks[name].versions[version], deltas).values())


def test_lines_of_a_delta_are_all_that_change_it() -> None:
    zeros, added = lines_of("11.3", "corrected", "layer_2_in", "weights_0_1")[1].splitlines()
    assert "np.zeros_like" in zeros
    assert added.startswith("np.add.at(weights_0_1_delta,")
    (line,) = lines_of("5.3s", "as-printed", "weights")
    assert line.startswith('"weights": self.weight_deltas(')
    assert "return x * weights" in line
    pred, toes = lines_of("5.2", "as-printed", "pred", "toes_weight")
    assert pred.startswith("delta = self.delta(")
    assert toes == '"toes_weight": np.zeros(())'


def test_lines_of_deltas_whose_names_a_loop_makes_up() -> None:
    last, hidden, weight = lines_of("B.3s1", "as-printed", "Z2", "Z1", "W2")
    assert last == 'f"Z{last}": layers[f"A{last}"] - batch.labels'
    assert hidden.startswith('deltas[f"Z{k - 1}"] = self.below(weights, deltas, k) * self.slope(')
    assert 'deltas[f"W{k}"].T' in hidden  # the method that it calls
    assert weight == 'f"W{k}": np.dot(dZ, below.T) / m'


def test_updates_are_those_that_the_step_makes() -> None:
    for name in ("8.3", "10.1", "6.3"):
        network = networks[name]
        for version, handwritten in network.versions.items():
            (weights, rng) = network.start()
            before = {n: w.copy() for n, w in weights.items()}
            batch = next(network.batches(network.data(), rng))
            once = replace(handwritten, updates=1)
            _, deltas = once.step(weights, batch)
            scope = {**before, **{f"{n}_delta": d for n, d in deltas.items()}}
            exec(content.update_words(network, version), scope)
            for n, weight in weights.items():
                np.testing.assert_allclose(scope[n], weight, rtol=1e-12)


# ----- hostile -----

HOSTILE = "</title><script>alert(1)</script>\"'&amp;<img src=x onerror=alert(1)>\n😀 {{ 7 * 7 }} {% raw %}" + "x" * 200


@dataclass(frozen=True, kw_only=True, eq=False)
class HostileByHand(Handwritten):
    """</code></pre><script>alert("docstring")</script>"""

    signs: ClassVar[dict[str, int]] = {HOSTILE: -1}

    def forward(self, weights: Any, batch: Batch) -> Any:
        return {"<b>out</b>": batch.x * weights[HOSTILE]}  # </code></pre><script>alert(2)</script>

    def backward(self, weights: Any, batch: Batch, layers: Any) -> Any:
        delta = 3 * (layers["<b>out</b>"] - batch.labels)
        return {"<b>out</b>": delta, HOSTILE: np.sum(delta * batch.x * layers["<b>out</b>"], axis=0)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Hostile(Network):
    """A network whose every name is markup."""

    objective: ClassVar[str | None] = HOSTILE

    def data(self) -> Data:
        return Data(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.5, 1.0]]))

    def start(self) -> Any:
        return {HOSTILE: np.array([0.5, 0.25])}, np.random.RandomState(0)

    def batches(self, data: Data, rng: Any) -> Iterator[Batch]:
        yield Batch(data.x_train, data.labels_train)

    def forward(self, weights: Any, batch: Batch) -> Any:
        return {"<b>out</b>": al.tensor(batch.x, name="</svg><script>") * weights[HOSTILE]}

    def error(self, output: Any, batch: Batch) -> Any:
        return ((output - batch.labels) ** 2).sum()

    def row(self, epoch: Any) -> Any:
        return {HOSTILE: HOSTILE, "Error": 1.0 / (1 + epoch.iteration)}


def hostile(id: str = "../<b>evil</b>") -> Network:
    return Hostile(
        id=id, alias=HOSTILE, sentence=HOSTILE, epochs=3, columns=(HOSTILE,), versions={"as-printed": HostileByHand()}
    )


def test_hostile_names_inject_nothing(made: Path, tmp_path: Path) -> None:
    site.build([hostile(), hostile(), networks["B.1"]], tmp_path / "site", quick=True)
    known = {e.tag for path in made.rglob("index.html") for e in read(path).all()}
    folders = sorted(path.parent.name for path in (tmp_path / "site").glob("*/index.html"))
    assert folders == ["B.1", "_b_evil_b_", "_b_evil_b__2"]
    for name in ("index.html", *(f"{folder}/index.html" for folder in folders)):
        page = read(tmp_path / "site" / name)
        assert {e.tag for e in page.all()} <= known
        for element in page.all():
            assert not any(attribute.startswith("on") for attribute in element.attributes)
            assert "javascript:" not in " ".join(element.attributes.values())
    page = read(tmp_path / "site" / "_b_evil_b_" / "index.html")
    assert HOSTILE in page.all("h1")[0].text
    assert HOSTILE in page.all("p", **{"class": "lead"})[0].text
    assert "<script>alert(2)</script>" in page.text
    assert "49" not in page.all("h1")[0].text


def test_what_html_cannot_hold_or_would_turn_text_around_is_replaced(tmp_path: Path) -> None:
    odd = replace(networks["B.1"], alias="a\x00b\u202ec\ud800d\x1be")
    site.build([odd], tmp_path / "site", quick=True)
    assert page_of(tmp_path / "site", "B.1").all("h1")[0].text == "B.1 a\ufffdb\ufffdc\ufffdd\ufffde"


@pytest.mark.parametrize("id", ["..", ".", "", "/", "a/../../b", "CON.", "x" * 300, "é"])
def test_a_folder_is_a_plain_name(id: str) -> None:
    one, two = builder._folders([hostile(id), hostile(id.upper())])
    assert one.lower() != two.lower()
    for name in (one, two):
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name)
        assert len(name) < 100


# ----- data that are missing -----


def test_a_network_without_its_data_has_a_page_that_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(sources, "cache_folder", lambda: tmp_path / "cache")
    site.build(book("A.5", "B.1"), tmp_path / "site", quick=True, workers=1)
    (checked,) = checking.check(networks["A.5"])
    page = page_of(tmp_path / "site", "A.5")
    assert checked.note in page.text
    assert "binary.csv" in page.text
    assert not (tmp_path / "site" / "A.5" / "steps.html").exists()
    (lead,) = read(tmp_path / "site" / "index.html").all("p", **{"class": "lead"})
    assert "1 was not checked, since its data are not here" in lead.text


# ----- the folder -----


def test_a_second_report_replaces_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    site.build(book("3.4", "B.1"), folder, quick=True, workers=1)
    before = files(folder)
    site.build(book("B.1"), folder, quick=True, workers=1)
    assert set(files(folder)) == {"index.html", "style.css", MANIFEST, "B.1/index.html", "B.1/steps.html"}
    assert not (folder / "3.4").exists()
    site.build(book("3.4", "B.1"), folder, quick=True, workers=1)
    assert files(folder) == before


def test_what_is_not_a_reports_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(site.SiteError, match=r"not a report's \(notes.txt\): nothing was written"):
        site.build(book("B.1"), tmp_path, quick=True)
    assert files(tmp_path) == {"notes.txt": b"mine"}
    with pytest.raises(site.SiteError, match="is a file"):
        site.build(book("B.1"), tmp_path / "notes.txt", quick=True)
    with pytest.raises(site.SiteError, match="does not exist: make it first"):
        site.build(book("B.1"), tmp_path / "none" / "site", quick=True)
    folder = tmp_path / "site"
    site.build(book("3.4"), folder, quick=True, workers=1)
    (folder / "3.4" / "mine.txt").write_text("mine")
    with pytest.raises(site.SiteError, match=r"3.4/mine.txt"):
        site.build(book("B.1"), folder, quick=True)
    assert (folder / "3.4" / "index.html").exists()


def test_a_list_of_files_from_elsewhere_takes_nothing_away(tmp_path: Path) -> None:
    folder, outside = tmp_path / "site", tmp_path / "outside.txt"
    folder.mkdir()
    outside.write_text("mine")
    (folder / MANIFEST).write_text(f"../outside.txt\n{outside}\nindex.html\n")
    site.build(book("B.1"), folder, quick=True, workers=1)
    assert outside.read_text() == "mine"


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_leaves_everything_as_it_was(tmp_path: Path, workers: int) -> None:
    folder = tmp_path / "site"

    def interrupted(steps: Any, total: int) -> Iterator[None]:
        yield next(iter(steps))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.build(book("3.4", "B.1", "6.3"), folder, quick=True, workers=workers, progress=interrupted)
    assert not folder.exists()
    site.build(book("B.1"), folder, quick=True, workers=1)
    before = files(folder)
    with pytest.raises(KeyboardInterrupt):
        site.build(book("3.4", "B.1"), folder, quick=True, workers=workers, progress=interrupted)
    assert files(folder) == before


def test_a_failure_while_files_are_moved_leaves_no_half_page(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    site.build(book("B.1"), folder, quick=True, workers=1)
    replace_, moved = builder.os.replace, []

    def failing(a: Any, b: Any) -> None:
        moved.append(b)
        if len(moved) == 3:
            raise OSError("no space left on device")
        replace_(a, b)

    monkeypatch.setattr(builder.os, "replace", failing)
    with pytest.raises(OSError, match="no space"):
        site.build(book("3.4"), folder, quick=True, workers=1)
    monkeypatch.undo()
    for path in folder.rglob("*.html"):
        assert path.read_text().rstrip().endswith("</html>")
    assert not list(folder.glob(".part-*"))
    site.build(book("3.4"), folder, quick=True, workers=1)  # and it can be replaced
    assert set(files(folder)) >= {"3.4/index.html"}
    assert not (folder / "B.1").exists()


# ----- the command -----


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "-o", str(tmp_path / "site"), "--quick", "computation-graph"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'site' / 'index.html'}: 1 network\n"
    assert page_of(tmp_path / "site", "B.1").all("h1")[0].text == "B.1 computation-graph"
    assert main(["report", "-o", str(tmp_path), "--quick", "B.1"]) == 1
    assert "holds what is not a report's" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["report"])


def test_a_program_without_jinja_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "jinja2", None)
    pages._environment.cache_clear()
    with pytest.raises(ImportError, match=r'pip install "autograd_lite\[models\]"'):
        pages._environment()
    pages._environment.cache_clear()


def test_every_verdict_has_a_word_a_shape_a_meaning_and_a_colour() -> None:
    kinds = set(verdict.LABELS)
    assert kinds == set(pages.MEANINGS) == set(verdict._sentences)
    assert len({shape for _, shape in verdict.LABELS.values()}) == len(kinds)
    css = pages.style().decode()
    assert all(re.search(rf"\.{kind}\b", css) for kind in kinds)
