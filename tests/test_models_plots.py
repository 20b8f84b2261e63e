"""Plots: what is drawn is the data, the SVG is the same everywhere, and words stay inside."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models import find, networks, plots, train
from models.chapter_06 import FOUR_LIGHTS, FOUR_WALKS, SIX_LIGHTS, SIX_WALKS, START
from models.plots import Walk
from models.plots.style import INK, PALETTE, apart
from models.plots.word_map import plane
from models.records import Epoch, Figures, Record

ROOT = Path(__file__).parent.parent
SVG = "{http://www.w3.org/2000/svg}"
BOWLS = ("4.4", "4.5", "4.6", "4.7", "4.8", "4.9")

matplotlib = pytest.importorskip("matplotlib")


def made_up(epochs: int, seed: int = 0, tests: bool = True) -> list[Record]:
    """Records as of chapter 8, tested every third epoch."""
    rng = np.random.default_rng(seed)
    records = []
    for iteration in range(epochs):
        row = {"Train-Err": 1.0 / (1 + iteration), "Train-Acc": 1 - 0.9 / (1 + iteration)}
        if tests and iteration % 3 == 0:
            row |= {"Test-Err": 0.5 + rng.uniform(-0.2, 0.2), "Test-Acc": 0.7 + rng.uniform(-0.2, 0.2)}
        counted = Figures(10, correct=5, error=1.0)
        records.append(Record(Epoch(iteration, 10, counted, None, {}, {}, {}), row, None))
    return records


def three() -> dict[tuple[str, str], list[Record]]:
    names = ("8.1 overfit", "8.2 dropout", "8.3 batch")
    return {(n, v): made_up(30, k) for k, n in enumerate(names) for v in ("as-printed", "corrected")}


def walks() -> list[Walk]:
    return [Walk.of(network, train(network, "as-printed")) for network in map(find, BOWLS)]  # type: ignore[arg-type]


def table() -> tuple[Any, list[str]]:
    rng = np.random.default_rng(1)
    words = [f"word{k}" for k in range(40)] + ["a<b&c", "$x$", "a" * 200, 'id="x"']
    return rng.normal(size=(len(words), 6)), words


FIGURES: dict[str, Callable[[], Any]] = {
    "curves": lambda: plots.curves({"8.1 overfit": made_up(20)}),
    "curves of three": lambda: plots.curves({name: made_up(20, k) for k, name in enumerate("abc")}),
    "curves without a test": lambda: plots.curves({"6.2": train(find("6.2"), "corrected")}),
    "curves of one epoch": lambda: plots.curves({"8.3": made_up(1)}),
    "chapter 8": lambda: plots.chapter_08(three()),
    "chapter 8, accuracy": lambda: plots.chapter_08(three(), "accuracy"),
    "bowls": lambda: plots.bowls(walks()),
    "digits": lambda: plots.digits(np.linspace(-1, 1, 7840).reshape(10, 784)),
    "kernels": lambda: plots.kernels(np.linspace(-1, 1, 144).reshape(9, 16)),
    "one image": lambda: plots.images(np.zeros((1, 2, 2)), ["nothing"]),
    "slopes": plots.slopes,
    "slopes from output": plots.slopes_from_output,
    "words": lambda: plots.word_map(*table(), ["word3", "a<b&c"], 12),
    "all words": lambda: plots.word_map(*table(), ["$x$"], 44, cosine=True),
    "pressures": lambda: plots.pressures(SIX_LIGHTS, SIX_WALKS, title="6.2", trained=(0.01, 1.01, -0.02)),
    "pressures, deep": lambda: plots.pressures(FOUR_LIGHTS, FOUR_WALKS, title="6.3"),
}
each = pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES.keys())


@cache
def made(make: Callable[[], Any]) -> Any:
    """The figure; drawing does not change it, which is tested."""
    return make()


@cache
def drawn_once(make: Callable[[], Any]) -> str:
    return plots.svg(made(make))


@each
def test_svg_is_well_formed_and_the_same_again(make: Callable[[], Any]) -> None:
    figure, drawn = made(make), drawn_once(make)
    assert drawn == plots.svg(figure) == plots.svg(make())
    root = ET.fromstring(drawn)
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == figure.get_label() != ""
    assert root.findall(f".//{SVG}text")
    assert not re.search(r"\d{4}-\d\d-\d\d|<metadata|<!DOCTYPE", drawn)


@each
def test_ids_are_the_pictures_own(make: Callable[[], Any]) -> None:
    drawn = plots.svg(made(make), "left")
    root = ET.fromstring(drawn)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    assert all(name == "left" or name.startswith("left-") for name in ids if name)
    tags = re.findall(r"<[^<>]*>", drawn)
    used = {name for tag in tags for name in re.findall(r'(?:xlink:href="#|url\(#)([^")]+)', tag)}
    assert used <= set(ids)
    styles = [element.text for element in root.iter(f"{SVG}style")]
    assert all(text and text.strip().startswith("#left ") for text in styles)


@each
def test_words_stay_inside_the_figure(make: Callable[[], Any]) -> None:
    figure = made(make)
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(box.x0, box.y0) >= -0.01
    assert box.x1 <= width + 0.01
    assert box.y1 <= height + 0.01


@each
def test_labels_do_not_stand_on_each_other(make: Callable[[], Any]) -> None:
    for axes in made(make).axes:
        boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
        for k, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:k]), axes.texts[k]


@each
def test_no_global_state_is_touched(make: Callable[[], Any]) -> None:
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path"}):
        drawn = plots.svg(make())
    assert dict(matplotlib.rcParams) == before
    assert drawn == drawn_once(make)


def test_another_process_draws_the_same_and_needs_no_pyplot() -> None:
    program = (
        "import sys; import numpy as np; from models import find, plots, train\n"
        "print(plots.svg(plots.curves({'6.2': train(find('6.2'), 'corrected')})), end='')\n"
        "print(plots.svg(plots.kernels(np.linspace(-1, 1, 144).reshape(9, 16))), end='')\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    here = plots.svg(FIGURES["curves without a test"]()) + plots.svg(FIGURES["kernels"]())
    env = os.environ | {"PYTHONHASHSEED": "7", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=env, cwd=ROOT)
    assert there.stdout.decode() == here


def test_a_prefix_is_a_name() -> None:
    for wrong in ("", "1a", 'a"b', "a b", "a>"):
        with pytest.raises(ValueError, match="prefix"):
            plots.svg(plots.slopes(), wrong)


def test_colours_have_contrast_on_white_and_on_black() -> None:
    def light(color: str) -> float:
        parts = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722)) + 0.05

    for color in (INK, *PALETTE):
        assert light("#ffffff") / light(color) >= 4.5
        assert light(color) / light("#111111") >= 3


def lines(axes: Any) -> dict[str, Any]:
    return {line.get_label(): line.get_xydata() for line in axes.lines}


def test_curves_are_the_records() -> None:
    records = made_up(10)
    error, accuracy = plots.curves({"one": records}).axes
    tested = [0, 3, 6, 9]
    np.testing.assert_array_equal(lines(error)["training"], [(k, 1 / (1 + k)) for k in range(10)])
    np.testing.assert_array_equal(lines(error)["test"], [(k, records[k].row["Test-Err"]) for k in tested])
    np.testing.assert_array_equal(lines(accuracy)["training"], [(k, 1 - 0.9 / (1 + k)) for k in range(10)])
    np.testing.assert_array_equal(lines(accuracy)["test"], [(k, records[k].row["Test-Acc"]) for k in tested])
    assert error.get_ylabel() == "squared error of an image"


def test_curves_of_several_are_told_apart_by_name() -> None:
    (axes, _) = plots.curves({name: made_up(4, tests=False) for name in "abc"}).axes
    assert list(lines(axes)) == ["a", "b", "c"]
    assert len({line.get_color() for line in axes.lines}) == 3
    labels = sorted(t.get_window_extent().y0 for t in axes.texts)
    assert np.diff(labels).min() > 8


def test_cross_entropy_is_drawn_where_no_row_has_an_error() -> None:
    counted = [Figures(4, correct=k, cross_entropy=8.0 - k) for k in range(3)]
    records = [
        Record(Epoch(k, 4, f, f if k else None, {}, {}, {}), {"Train-Acc": f.correct / 4}, None)
        for k, f in enumerate(counted)
    ]
    error, accuracy = plots.curves({"9.1": records}).axes
    np.testing.assert_array_equal(lines(error)["training"], [(0, 2), (1, 7 / 4), (2, 6 / 4)])
    np.testing.assert_array_equal(lines(error)["test"], [(1, 7 / 4), (2, 6 / 4)])
    np.testing.assert_array_equal(lines(accuracy)["training"], [(0, 0), (1, 0.25), (2, 0.5)])


def test_what_is_not_finite_leaves_a_gap() -> None:
    row = ({"Error": 2.0}, {"Error": np.inf}, {"Error": np.nan})
    records = [Record(Epoch(k, 1, Figures(1), None, {}, {}, {}), values, None) for k, values in enumerate(row)]
    (axes,) = plots.curves({"gone": records}).axes
    np.testing.assert_array_equal(lines(axes)["training"], [(0, 2), (1, np.inf), (2, np.nan)])
    assert axes.get_ylim() == (0, 2.1)
    assert axes.texts[0].xy == (0, 2)
    ET.fromstring(plots.svg(plots.curves({"never": records[1:]})))


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(ValueError, match="no walk"):
        plots.bowls([])
    with pytest.raises(ValueError, match="no picture"):
        plots.images(np.zeros((0, 3, 3)), [])
    with pytest.raises(ValueError, match="2 pictures have 1 names"):
        plots.images(np.zeros((2, 3, 3)), ["one"])


def test_curves_of_nothing_and_of_too_many_say_so() -> None:
    with pytest.raises(ValueError, match="neither errors nor accuracies"):
        plots.curves({"3.1": train(find("3.1"), "as-printed")})
    with pytest.raises(ValueError, match="too many"):
        plots.curves({f"{k}": made_up(1) for k in range(5)})


@pytest.mark.parametrize(("measure", "best"), [("error", np.argmin), ("accuracy", np.argmax)])
def test_chapter_8_has_a_column_for_each_network_and_a_row_for_each_version(measure: str, best: Any) -> None:
    runs = three()
    grid = np.reshape(np.array(plots.chapter_08(runs, measure).axes), (2, 3))
    assert [axes.get_title("left") for axes in grid[0]] == ["8.1 overfit", "8.2 dropout", "8.3 batch"]
    for (name, version), records in runs.items():
        axes = grid[int(version == "corrected"), int(name[2]) - 1]
        column = {"error": "Test-Err", "accuracy": "Test-Acc"}[measure]
        test = [(k, records[k].row[column]) for k in range(0, 30, 3)]
        drawn = {line.get_label().split()[0]: line.get_xydata() for line in axes.lines}
        np.testing.assert_array_equal(drawn["test"], test)
        dot = axes.lines[-1].get_xydata()[0]
        np.testing.assert_array_equal(dot, test[best([value for _, value in test])])
        assert axes.get_ylim()[1] >= max(line.get_ydata().max() for line in axes.lines)


@pytest.mark.parametrize("name", BOWLS)
def test_steps_are_on_the_bowl(name: str) -> None:
    network, records = find(name), list(train(find(name), "as-printed"))
    walk = Walk.of(network, records)  # type: ignore[arg-type]
    assert len(walk.weights) == len(records) + 1
    np.testing.assert_allclose(walk.error(walk.weights)[:-1], [r.row["Error"] for r in records], rtol=1e-9, atol=1e-30)
    (axes,) = plots.bowls([walk]).axes
    bowl, steps = (line.get_xydata() for line in axes.lines)
    shown = len(steps)
    assert shown == (4 if name == "4.8" else len(walk.weights))
    np.testing.assert_array_equal(steps[:, 0], walk.weights[:shown])
    np.testing.assert_array_equal(steps[:, 1], walk.error(walk.weights[:shown]))
    np.testing.assert_array_equal(bowl[:, 1], walk.error(bowl[:, 0]))
    assert name != "4.8" or "3.5×10⁸;\nfrom step 4 on out of the picture" in axes.get_title("left")
    for text in axes.texts:
        assert text.get_window_extent().x0 > axes.bbox.x0, text


def test_images_are_the_weights() -> None:
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(10, 784))
    figure = plots.digits(weights)
    drawn = [axes.images[0] for axes in figure.axes if axes.images]
    np.testing.assert_array_equal([image.get_array().reshape(-1) for image in drawn], weights)
    assert all(image.norm.vmax == -image.norm.vmin == np.abs(weights).max() for image in drawn)
    kernels = rng.normal(size=(9, 16))
    drawn = [axes.images[0] for axes in plots.kernels(kernels).axes if axes.images]
    np.testing.assert_array_equal(np.array([image.get_array().reshape(-1) for image in drawn]).T, kernels)
    assert drawn[0].get_array().shape == (3, 3)


def test_slopes_are_those_of_the_activations() -> None:
    from models.slopes import activations, from_output

    for axes, activation in zip(plots.slopes().axes, activations, strict=True):
        outputs, slopes = axes.lines[-2:]
        z = slopes.get_xdata()
        np.testing.assert_array_equal(slopes.get_ydata(), activation.slope(z))
        inside = ~np.isnan(outputs.get_ydata())
        np.testing.assert_array_equal(outputs.get_ydata()[inside], activation.function(z)[inside])
    (axes,) = plots.slopes_from_output().axes
    for line, activation in zip(axes.lines, from_output, strict=True):
        np.testing.assert_array_equal(line.get_ydata(), activation.slope(line.get_xdata()))


def test_the_plane_keeps_distances_of_what_is_flat() -> None:
    rng = np.random.default_rng(2)
    flat = rng.normal(size=(9, 2)) @ rng.normal(size=(2, 30)) + 5.0
    found = plane(flat)
    apart_there = np.linalg.norm(flat[:, None] - flat, axis=2)
    np.testing.assert_allclose(np.linalg.norm(found.points[:, None] - found.points, axis=2), apart_there, atol=1e-12)
    assert found.shares.sum() == pytest.approx(1)
    assert plane(np.ones((3, 1))).points.tolist() == [[0, 0]] * 3


def test_a_map_has_the_nearest_words_and_their_labels_stand_apart() -> None:
    from models.words import nearest

    vectors, words = table()
    figure = plots.word_map(vectors, words, ["word3", "word5"], 9)
    (axes,) = figure.axes
    shown = [text for text in axes.texts if text.get_text()]
    asked = {near for word in ("word3", "word5") for near, _ in nearest(vectors, words, word, 9)}
    assert {text.get_text() for text in shown} == {word if len(word) < 25 else word[:23] + "…" for word in asked}
    boxes = [text.get_window_extent() for text in shown]
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:k])
        assert axes.bbox.x0 <= box.x0 <= box.x1 <= axes.bbox.x1
        assert axes.bbox.y0 <= box.y0 <= box.y1 <= axes.bbox.y1
    dots = np.concatenate([found.get_offsets() for found in axes.collections[:2]])
    assert len(dots) == len(asked)


def test_a_map_of_no_word_or_of_an_unknown_one_says_so() -> None:
    vectors, words = table()
    with pytest.raises(ValueError, match="1 to 4 words"):
        plots.word_map(vectors, words, [])
    with pytest.raises(LookupError, match="nowhere"):
        plots.word_map(vectors, words, ["nowhere"])


def test_pressure_is_the_slope_downhill() -> None:
    signs = np.sign(plots.pressure(SIX_LIGHTS, SIX_WALKS))
    assert signs.tolist() == [[-1, 0, -1], [0, 1, 1], [0, 0, -1], [1, 1, 1], [0, 1, 1], [-1, 0, -1]]
    assert np.sum(plots.pressure(FOUR_LIGHTS, FOUR_WALKS), axis=0).tolist() == [0, 0, 0]
    network = find("6.2")
    record, *_ = train(networks["6.1"], "as-printed", epochs=1)
    np.testing.assert_allclose(
        plots.pressure(SIX_LIGHTS[:1], SIX_WALKS[:1], START)[0], -record.epoch.deltas["weights"], atol=1e-15
    )
    assert network.start()[0]["weights"].tolist() == START.tolist()


def test_arrows_stand_where_the_pushes_are() -> None:
    (axes,) = plots.pressures(SIX_LIGHTS, SIX_WALKS, title="6.2", trained=(0.01, 1.01, -0.02)).axes
    pushes = plots.pressure(SIX_LIGHTS, SIX_WALKS)
    drawn = {found.get_label(): found.get_offsets() for found in axes.collections}
    left = min(points[:, 0].min() for name, points in drawn.items() if name in ("up", "down", "none"))
    for name, sign in (("up", 1), ("down", -1), ("none", 0)):
        at = [(row, round(column - left)) for column, row in drawn[name]]
        assert sorted(at) == [tuple(place) for place in np.argwhere(np.sign(pushes) == sign)]
    words = [text.get_text() for text in axes.texts]
    assert words.count("walk") == words.count("stop") == 3
    assert [word for word in words if " : " in word] == ["up : down", "1 : 2", "3 : 0", "3 : 3"]
    assert [word for word in words if word in ("up", "down", "even")] == ["down", "up", "even"]
    assert [word for word in words if re.fullmatch(r"−?\d\.\d\d", word)] == ["0.01", "1.01", "−0.02"]


def test_numbers_move_apart_in_their_order() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        values = rng.uniform(0, 30, size=rng.integers(1, 9))
        moved = apart(values, 4.0, 0.0)
        assert (np.argsort(moved) == np.argsort(values)).all()
        assert moved.min() >= 0
        assert len(values) == 1 or np.diff(np.sort(moved)).min() >= 4 - 1e-9


def test_without_matplotlib_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "autograd_lite\[models\]"'):
        plots.slopes()
