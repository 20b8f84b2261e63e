"""The check of the networks: what it finds in each, and that it finds it by itself."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.data import sources
from models import Handwritten, Network, checking, networks, report
from models.checking import Checked, check

CORRECTED, PRINTED, FRAMEWORK = "corrected", "as-printed", "framework"
NUMBERS = {"factor", "sum-for-mean", "mean-for-sum"}


@cache
def found(network_id: str) -> tuple[Checked, ...]:
    return tuple(check(networks[network_id]))


def here(network_id: str) -> tuple[Checked, ...]:
    """What was found of a network; skips the test where its data are not there."""
    checked = found(network_id)
    if checked[0].what == "skipped":
        pytest.skip(checked[0].note.splitlines()[0])
    return checked


def of(checked: Any, version: str) -> Checked:
    (one,) = (c for c in checked if c.version == version)
    return one


def slips(checked: Checked) -> dict[str, list[tuple[str, str | None]]]:
    """By delta, the kinds of the simplest explanation of what goes wrong there, with the op unless it is a number."""
    return {
        finding.name: [(cause.kind, None if cause.kind in NUMBERS else cause.op) for cause in readings[0]]
        if readings
        else []
        for finding, readings in checked.introduced
    }


# ----- what is ours is right -----


@pytest.mark.parametrize("name", networks)
def test_framework_and_corrected_pass(name: str) -> None:
    checked, network = here(name), networks[name]
    learns = network.objective is not None
    assert {c.network for c in checked} == {name}
    assert [c.version for c in checked if c.version != FRAMEWORK] == sorted(
        network.versions, key=lambda version: version != CORRECTED
    )
    assert any(c.version == FRAMEWORK for c in checked) is learns
    wrong = [report.words(c) for c in checked if c.passed is False]
    assert wrong == []
    for c in checked:
        assert (c.passed is None) is (c.version == PRINTED and c.what == "deltas")
    if learns:
        weights, _ = network.start()
        first = of(checked, FRAMEWORK)
        assert {d.name for d in first.differences} == set(weights) - set(network.frozen)
        assert all(d.right and 0 <= d.error <= d.allowed < 1e-4 for d in first.differences)
    for c in checked:
        if c.version == CORRECTED and c.what == "deltas":
            assert c.scale == 1
            assert c.introduced == c.strayed == []
            assert {f.verdict for one in (*c.deltas, *c.steps) for f in one} == {"agrees"}


# ----- what the text writes -----

RELU, HALF = ("missing-derivative", "relu"), ("factor", None)
TANH, SIGMOID, ROWS = ("wrong-point", "tanh"), ("missing-derivative", "sigmoid"), ("overwritten-rows", "take_rows")
STALE = ("stale-weights", "matmul")
INTRODUCED: dict[str, dict[str, list[tuple[str, str | None]]]] = {
    "5.3s": {"weights": [("wrong-operand", "multiply")]},
    "5.4s": {"weights": [("transposed", None)]},
    "8.1": {"layer_1_in": [RELU]},
    "8.2": {"layer_1_in": [RELU, HALF]},
    "8.3": {"layer_1_in": [RELU, HALF]},
    "9.1": {"layer_1_in": [TANH, HALF]},
    "10.1": {"layer_1_in": [TANH, HALF]},
    "11.1": {"layer_1_in": [SIGMOID]},
    "11.2": {"layer_1_in": [SIGMOID]},
    "11.3": {"weights_0_1": [ROWS, ("sum-for-mean", None)], "weights_1_2": [ROWS]},
    "12.1": {"identity": [STALE]},
    "12.2": {
        **{f"hidden_{k}": [("shifted", "matmul")] for k in (4, 3, 2, 1)},
        **{key: [STALE] for key in ("decoder", "recurrent")},
        "embed": [("shifted", "add")],
        "start": [("missing-path", "matmul")],
    },
    "14.3": {
        name: [("missing-path", "matmul" if name[0] == "h" else "multiply")] for name in ("h_2", "c_2", "h_1", "c_1")
    },
    "B.2s1": {"z": [("sign", "softplus")]},
    "B.2s2": {"z": [("sign", "negative")]},
    "B.3s1": {"Z1": [("wrong-operand", "matmul")]},
    "B.4s": {"Z2": [("wrong-derivative", "relu")], "Z1": [("wrong-derivative", "relu")]},
}
STRAYED = {
    "10.1": {"kernels": ("sign", -1.0)},
    "8.3": {"weights_0_1": ("repeated", 100), "weights_1_2": ("repeated", 100)},
    "B.3s2": {"b1": ("wrong-operand", None)},
}
printed_gradients = pytest.mark.parametrize(
    "name", [n for n, network in networks.items() if PRINTED in network.versions and network.objective]
)


@printed_gradients
def test_what_the_text_introduces(name: str) -> None:
    printed = of(here(name), PRINTED)
    expected = INTRODUCED.get(name, {})
    assert slips(printed) == expected, "\n".join(map(str, printed.deltas))
    for finding, readings in printed.introduced:
        factors = [cause.factor for cause in readings[0] if cause.kind == "factor"]
        assert factors == ([pytest.approx(0.5)] if HALF in expected[finding.name] else [])


@printed_gradients
def test_the_steps_of_the_text(name: str) -> None:
    printed = of(here(name), PRINTED)
    expected = STRAYED.get(name, {})
    assert {s.name: (s.causes[0].kind, s.causes[0].factor) for s in report.strayed(printed)} == expected


@printed_gradients
def test_the_scale_of_the_text(name: str) -> None:
    printed = of(here(name), PRINTED)
    if printed.what != "deltas":
        assert printed.what in {"signs", "outputs"}
        return
    scales = {"4": 1 / 2, "5": 1 / 2, "6": 1 / 2, "8": -1 / 2, "9": -1 / 100, "10": -1 / 128, "A": -1}
    scales |= {"4.0": 1, "13.1": 1 / 2, "13.8": 4, "13.11": 100}
    scales |= {"14": 3} if name in {"14.2", "14.3"} else {}  # the rows of the small networks that are checked
    expected = scales[name] if name in scales else scales.get(name.partition(".")[0], 1.0)
    assert [one.scale for one in printed.deltas] == pytest.approx([expected] * len(printed.deltas), rel=1e-9)


def test_the_sum_for_a_mean_is_over_the_words_of_a_position() -> None:
    ((finding, readings),) = [one for one in of(here("11.3"), PRINTED).introduced if one[0].name == "weights_0_1"]
    assert finding.line
    assert readings[0][1].factor == pytest.approx(round(readings[0][1].factor or 0))


# ----- nobody tells the checker -----


@pytest.mark.parametrize("module", [checking, report])
def test_no_network_is_named_in_the_checker(module: Any) -> None:
    source = inspect.getsource(module)
    for network in networks.values():
        for word in (network.id, network.alias):
            assert not re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", source) or word in {"batch", "compare"}, word
            assert f'"{word}"' not in source
            assert f"'{word}'" not in source


@pytest.mark.parametrize("name", ["5.3s", "6.3", "8.1", "B.3s2"])
def test_the_name_of_a_network_says_nothing(name: str) -> None:
    another = replace(networks[name], id="0.0", alias="another")
    assert [report.words(c) for c in check(another)] == [report.words(c) for c in here(name)]


Change = Callable[[dict[str, Any]], dict[str, Any]]


def like(handwritten: Handwritten, **methods: Any) -> Handwritten:
    """The same step with other methods."""
    kind = type("Tampered", (type(handwritten),), methods)
    changed: Handwritten = kind(**{f.name: getattr(handwritten, f.name) for f in fields(handwritten)})
    return changed


def tampered(name: str, version: str, change: Change) -> Network:
    """A network whose hand-written version computes other deltas."""
    network = networks[name]
    own = network.versions[version]

    def backward(_: Any, weights: Any, batch: Any, layers: Any) -> Any:
        with np.errstate(invalid="ignore"):
            return change(own.backward(weights, batch, layers))

    return replace(network, versions={**network.versions, version: like(own, backward=backward)})


@pytest.mark.parametrize("name", ["6.3", "8.1", "B.3"])
@pytest.mark.parametrize("by", [1.001, -1.0, 2.0, np.nan])
def test_a_delta_of_the_corrected_version_that_is_wrong(name: str, by: float) -> None:
    first = "W1" if name == "B.3" else "weights_0_1"
    checked = check(tampered(name, CORRECTED, lambda deltas: {**deltas, first: deltas[first] * by}))
    corrected = of(checked, CORRECTED)
    assert corrected.passed is False
    assert list(slips(corrected)) == [first]
    kind = {1.001: "factor", 2.0: "factor", -1.0: "sign"}.get(by)
    assert [k for k, _ in slips(corrected)[first]] == ([kind] if kind else [])
    assert [c.passed for c in checked if c.version != CORRECTED] == [
        c.passed for c in here(name) if c is not of(here(name), CORRECTED)
    ]
    assert f"DISAGREE: {name} corrected" in report.summary(checked)
    json.loads(report.as_json(checked), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("name", "first"), [("4.4", "weight"), ("6.2", "weights"), ("B.2", "w"), ("A.4", "weights_0_1")]
)
def test_a_mistake_in_the_text_that_was_none(name: str, first: str) -> None:
    """Another mistake than the text's is found where it was planted, and no longer is a constant of the whole."""
    before = of(here(name), PRINTED)
    assert slips(before) == {}
    names = [finding.name for finding in before.deltas[-1]]
    first = first if first in names else names[-1]
    checked = of(check(tampered(name, PRINTED, lambda deltas: {**deltas, first: deltas[first] + 1.0})), PRINTED)
    assert list(slips(checked)) == [first]
    assert report.words(checked) != report.words(before)


@pytest.mark.parametrize("name", ["5.3s", "5.4s", "8.1", "9.1", "B.3s1", "B.3s2", "B.4s"])
def test_the_text_put_right_and_the_corrected_spoilt(name: str) -> None:
    network = networks[name]
    versions = {PRINTED: network.versions[CORRECTED], CORRECTED: network.versions[PRINTED]}
    checked = check(replace(network, versions=versions))
    assert of(checked, PRINTED).introduced == of(checked, PRINTED).strayed == []
    assert of(checked, PRINTED).scale == of(here(name), CORRECTED).scale
    assert of(checked, CORRECTED).passed is False


@pytest.mark.parametrize(("name", "op"), [("B.2s1", "softplus"), ("B.2s2", "negative")])
def test_the_text_is_held_against_the_error_that_it_states(name: str, op: str) -> None:
    """The slip is in the loss: the same deltas are right for the one that is meant, and wrong for its own."""
    network = networks[name]
    own = network.versions[CORRECTED]
    checked = check(replace(network, versions={PRINTED: own, CORRECTED: own}))
    assert of(checked, CORRECTED).passed is True
    assert slips(of(checked, PRINTED)) == {"z": [("sign", op)]}


def test_another_mistake_of_the_text() -> None:
    """The slope of relu is there, and a sign in another delta is wrong."""
    own = networks["8.1"].versions[CORRECTED]

    def backward(_: Any, weights: Any, batch: Any, layers: Any) -> Any:
        deltas = own.backward(weights, batch, layers)
        return {**deltas, "weights_1_2": layers["layer_1"].T @ (layers["layer_2"] + batch.labels) * 2}

    network = replace(networks["8.1"], versions={CORRECTED: own, PRINTED: like(own, backward=backward)})
    assert list(slips(of(check(network), PRINTED))) == ["weights_1_2"]


@pytest.mark.parametrize("k", [2, 100])
@pytest.mark.parametrize("name", ["6.3", "B.3"])
def test_updates_that_are_repeated(name: str, k: int) -> None:
    network = networks[name]
    changed = replace(network.versions[CORRECTED], updates=k)
    corrected = of(check(replace(network, versions={**network.versions, CORRECTED: changed})), CORRECTED)
    assert corrected.passed is False
    assert corrected.introduced == []
    assert {(s.causes[0].kind, s.causes[0].factor) for s in corrected.strayed} == {("repeated", k)}
    assert {s.name for s in corrected.strayed} == set(network.versions[CORRECTED].signs)


@pytest.mark.parametrize(("to", "kind"), [(+1, "sign"), (0, "forgotten")])
@pytest.mark.parametrize(("name", "weight"), [("8.1", "weights_1_2"), ("B.3", "b1")])
def test_a_step_of_another_sign(name: str, weight: str, to: int, kind: str) -> None:
    network = networks[name]
    own = network.versions[CORRECTED]
    changed = like(own, signs={**own.signs, weight: to})
    corrected = of(check(replace(network, versions={**network.versions, CORRECTED: changed})), CORRECTED)
    assert corrected.passed is False
    assert {s.name: s.causes[0].kind for s in corrected.strayed} == {weight: kind}


def test_another_rate() -> None:
    network = networks["8.1"]
    own = network.versions[CORRECTED]

    def update(_: Any, weights: Any, deltas: Any) -> None:
        for name, sign in own.signs.items():
            weights[name] += sign * 0.3 * own.lr * deltas[name]

    checked = check(replace(network, versions={CORRECTED: like(own, update=update)}))
    assert of(checked, CORRECTED).passed is False
    assert {(s.causes[0].kind, round(s.causes[0].factor or 0, 6)) for s in of(checked, CORRECTED).strayed} == {
        ("factor", 0.3)
    }


def altered(name: str, **methods: Any) -> Network:
    """A network with other methods."""
    network = networks[name]
    kind = type("Altered", (type(network),), methods)
    changed: Network = kind(**{f.name: getattr(network, f.name) for f in fields(network)})
    return changed


def test_a_forward_pass_that_is_not_the_one_by_hand() -> None:
    own = networks["8.1"]

    def forward(_: Any, weights: Any, batch: Any) -> Any:
        layers = own.forward(weights, batch)
        return {**layers, "layer_2": layers["layer_2"] * 1.01}

    checked = check(altered("8.1", forward=forward))
    assert of(checked, CORRECTED).passed is False
    assert of(checked, FRAMEWORK).passed is False
    assert "module" in of(checked, FRAMEWORK).note


def test_a_forward_pass_alone_that_is_not_the_one_by_hand() -> None:
    own = networks["3.4"]

    def forward(_: Any, weights: Any, batch: Any) -> Any:
        *before, (name, output) = own.forward(weights, batch).items()
        return {**dict(before), name: output * 1.01}

    (checked,) = check(altered("3.4", forward=forward))
    assert checked.passed is False
    assert report.words(checked).startswith("DIFFERS: the output is ")


def test_a_module_that_is_another_network() -> None:
    own = networks["8.1"]

    def module(_: Any) -> Any:
        model = own.module()
        assert model is not None
        inner = model.forward
        model.forward = lambda x: inner(x) * 1.001  # type: ignore[method-assign]
        return model

    checked = check(altered("8.1", module=module))
    assert [c.passed for c in checked] == [False, True, None]
    assert "DIFFERS: the module's gradient is 1" in report.words(of(checked, FRAMEWORK))


@pytest.mark.parametrize("name", ["6.3", "8.1", "A.4", "B.3"])
def test_a_gradient_that_differences_do_not_have(name: str) -> None:
    """The error is counted twice, and autograd is told that one of them is constant."""
    own = networks[name]

    def error(_: Any, output: al.Tensor, batch: Any) -> al.Tensor:
        return own.error(output, batch) + own.error(output.detach(), batch)

    checked = check(altered(name, error=error))
    first = of(checked, FRAMEWORK)
    assert first.passed is False
    assert [d.name for d in first.differences if not d.right] == [d.name for d in first.differences]
    assert report.words(first).startswith("DIFFERS from finite differences: ")


def test_a_walk_against_the_sign() -> None:
    network = networks["4.2"]
    own = network.versions[CORRECTED]

    def step(_: Any, weights: Any, batch: Any) -> Any:
        before = {name: w.copy() for name, w in weights.items()}
        made = own.step(weights, batch)
        for name, w in before.items():
            weights[name] = 2 * w - weights[name]
        return made

    checked = of(check(replace(network, versions={CORRECTED: like(own, step=step)})), CORRECTED)
    assert (checked.what, checked.passed) == ("signs", False)
    assert report.words(checked).startswith("DIFFERS: only 0 of ")


# ----- data that are missing -----


@pytest.mark.parametrize("name", ["A.5", "A.6"])
def test_a_network_without_its_data_is_skipped(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(sources, "cache_folder", lambda: tmp_path / "cache")
    (checked,) = check(networks[name])
    assert (checked.what, checked.passed, checked.network) == ("skipped", None, name)
    assert "binary.csv is missing" in checked.note
    line = report.words(checked)
    assert line.startswith("skipped: ")
    assert "\n" not in line
    assert report.summary([checked]) == f"skipped, since their data are not here: {name}"
    (plain,) = json.loads(report.as_json([checked]))
    assert (plain["what"], plain["passed"], plain["network"]) == ("skipped", None, name)


def test_no_test_downloads() -> None:
    assert sources._offline.get()


# ----- what is printed of it -----


@pytest.mark.parametrize("name", networks)
def test_every_version_is_a_line_and_for_programs(name: str) -> None:
    checked = here(name)
    lines = report.table(networks[name], checked).splitlines()
    assert lines[0].startswith(f"{name} {networks[name].alias}")
    assert [line.split()[0] for line in lines[1:]] == [c.version for c in checked]
    assert not any(line != line.rstrip() for line in lines)
    plain = json.loads(report.as_json(checked), parse_constant=pytest.fail)
    assert [(one["network"], one["version"], one["what"]) for one in plain] == [
        (name, c.version, c.what) for c in checked
    ]
    assert all(set(one) == set(plain[0]) for one in plain)
    for one, c in zip(plain, checked, strict=True):
        assert (one["passed"], one["scale"], one["words"]) == (c.passed, c.scale, report.words(c))
        assert {entry["name"] for entry in one["introduced"]} == set(slips(c))
        assert all(entry["causes"] for entry in one["introduced"])
    page = report.explained(networks[name], checked)
    assert all(f"== {c.version}: {report.words(c)}" in page for c in checked)
