"""The check of the networks: what it finds in the text, and that it sees what is planted."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.nn import functional as F
from models import Network, networks, report
from models.chapter_08 import CorrectedRelu, ReluNetwork
from models.checking import AGREES, DIFFERS, MULTIPLE, Finding, check, measure, verdict

every_network = pytest.mark.parametrize("network", networks.values(), ids=lambda network: network.alias)


@cache
def found(network_id: str) -> tuple[Finding, ...]:
    return tuple(check(networks[network_id]))


def one(findings: Any, parameter: str, version: str, what: str) -> Finding:
    (finding,) = (f for f in findings if (f.parameter, f.version, f.what) == (parameter, version, what))
    return finding


@every_network
def test_autograd_and_the_corrected_versions_agree(network: Network) -> None:
    findings = [finding for finding in found(network.id) if finding.version != "as-printed"]
    assert len(findings) == 3 * len(network.parameters)
    assert {finding.verdict for finding in findings} == {AGREES}
    assert all(finding.passed for finding in findings)
    assert max(finding.error for finding in findings if finding.version == "corrected") < 1e-11
    assert all(0 <= finding.error <= finding.allowed < 1e-4 for finding in findings)


@every_network
def test_what_the_text_writes_for_the_first_matrix_is_not_the_gradient(network: Network) -> None:
    first, last = network.parameters
    delta = one(found(network.id), first, "as-printed", "delta")
    assert delta.verdict == DIFFERS
    assert delta.passed is None
    assert delta.cosine is not None
    assert -0.999999 < delta.cosine < -0.5
    assert one(found(network.id), last, "as-printed", "delta").verdict == MULTIPLE


@pytest.mark.parametrize(
    ("network_id", "delta", "step"),
    [("8.1", -1, 1), ("8.2", -1, 1), ("8.3", -1, 100), ("9.1", -0.01, 0.01), ("10.1", -1 / 128, 1 / 128)],
)
def test_factors_of_the_last_matrix(network_id: str, delta: float, step: float) -> None:
    for what, factor in (("delta", delta), ("step", step)):
        finding = one(found(network_id), "weights_1_2", "as-printed", what)
        assert finding.ratio == pytest.approx(factor, rel=1e-9)
        assert finding.verdict == (AGREES if factor == 1 else MULTIPLE)


def test_one_step_of_the_text_goes_uphill() -> None:
    uphill = [(f.network, f.parameter) for n in networks for f in found(n) if f.what == "step" and (f.cosine or 0) < 0]
    assert uphill == [("10.1", "kernels")]


# ----- planted -----


def planted(corrected: CorrectedRelu) -> Network:
    network = networks["8.3"]
    return replace(network, versions={**network.versions, "corrected": corrected})


class PartInAThousand(CorrectedRelu):
    def backward(self, weights: Any, batch: Any, layers: Any) -> Any:
        deltas = super().backward(weights, batch, layers)
        return deltas | {"weights_0_1": deltas["weights_0_1"] * 1.001}


class MaskForgotten(CorrectedRelu):
    def backward(self, weights: Any, batch: Any, layers: Any) -> Any:
        return super().backward(weights, replace(batch, mask=None), layers)


class SlopeForgotten(CorrectedRelu):
    def backward(self, weights: Any, batch: Any, layers: Any) -> Any:
        layer_0, layer_1, layer_2 = layers
        wrong = super().backward(weights, batch, (layer_0, np.ones_like(layer_1), layer_2))
        return super().backward(weights, batch, layers) | {"weights_0_1": wrong["weights_0_1"]}


class WrongSign(CorrectedRelu):
    signs = {"weights_1_2": +1, "weights_0_1": -1}  # noqa: RUF012


class NoDelta(CorrectedRelu):
    def backward(self, weights: Any, batch: Any, layers: Any) -> Any:
        deltas = super().backward(weights, batch, layers)
        return deltas | {"weights_1_2": deltas["weights_1_2"] * np.nan}


@pytest.mark.parametrize(
    ("kind", "parameter", "what", "word", "ratio"),
    [
        (PartInAThousand, "weights_0_1", "delta", MULTIPLE, 1.001),
        (MaskForgotten, "weights_0_1", "delta", MULTIPLE, 0.5),
        (SlopeForgotten, "weights_0_1", "delta", DIFFERS, None),
        (WrongSign, "weights_1_2", "step", MULTIPLE, -1),
        (NoDelta, "weights_1_2", "delta", DIFFERS, None),
    ],
)
def test_a_wrong_corrected_version_fails(kind: Any, parameter: str, what: str, word: str, ratio: float | None) -> None:
    with np.errstate(invalid="ignore"):
        findings = check(planted(kind(lr=0.1)))
    failed = [finding for finding in findings if finding.passed is False]
    assert {finding.parameter for finding in failed if finding.what == what} == {parameter}
    finding = one(findings, parameter, "corrected", what)
    assert finding.verdict == word
    if ratio is not None:
        assert finding.ratio == pytest.approx(ratio, rel=1e-6)
    assert f"corrected and autograd DISAGREE: 8.3 {parameter}" in report.summary(findings)
    json.loads(report.as_json(findings), parse_constant=pytest.fail)


class Detached(ReluNetwork):
    """Its error is the squared error, but autograd is told that half of it is constant."""

    def criterion(self, scores: al.Tensor, labels: Any) -> al.Tensor:
        error = F.mse_loss(scores, labels) + F.mse_loss(scores.detach(), labels)
        assert isinstance(error, al.Tensor)
        return error


def test_a_gradient_that_differences_do_not_have_fails() -> None:
    from models.chapter_08 import batch as network

    fields = {name: getattr(network, name) for name in network.__dataclass_fields__ if name in vars(network)}
    findings = check(Detached(**fields))
    assert one(findings, "weights_0_1", "framework", "gradient").verdict == DIFFERS
    assert one(findings, "weights_0_1", "framework", "gradient").passed is False
    assert "autograd and finite differences DISAGREE: 8.3 weights_0_1, 8.3 weights_1_2" in report.summary(findings)


# ----- measures -----


def test_measures_of_what_cannot_be_compared() -> None:
    a, zero = np.array([1.0, 2.0]), np.zeros(2)
    for h in (None, np.ones(3), np.array([1.0, np.nan])):
        assert verdict([measure(h, a)]) == DIFFERS
    assert verdict([measure(a, a * np.nan)]) == DIFFERS
    assert verdict([measure(zero, zero)]) == AGREES
    assert verdict([measure(zero, a)]) == verdict([measure(a, zero)]) == DIFFERS


def test_a_multiple_must_be_the_same_everywhere() -> None:
    a = np.array([1.0, 2.0])
    assert verdict([measure(2 * a, a), measure(-6 * a, -3 * a)]) == MULTIPLE
    assert verdict([measure(2 * a, a), measure(3 * a, a)]) == DIFFERS
    assert verdict([measure(2 * a, a), measure(a, a)]) == DIFFERS
    assert verdict([measure(a + np.array([0, 1e-6]), a)]) == DIFFERS
    assert verdict([measure(a * (1 + 1e-12), a)]) == AGREES


def test_tables_fit_a_terminal() -> None:
    tables = [report.table(networks[n], found(n)) for n in networks]
    summary = report.summary([finding for n in networks for finding in found(n)])
    lines = "\n".join([report.LEGEND, report.HEADING, *tables, summary]).splitlines()
    assert max(map(len, lines)) <= 100
    assert not any(line != line.rstrip() for line in lines)


def test_a_table_says_what_is_compared_with_what() -> None:
    lines = report.table(networks["8.1"], found("8.1")).splitlines()
    assert lines[1].startswith("weights_0_1 framework   agrees with finite differences: at worst ")
    assert lines[2].split() == ["corrected", "agrees", "agrees"]
    assert lines[3].split() == ["as-printed", "differs", "-0.80024", "-1", "differs", "0.80024", "1"]
    assert len(report.LEGEND.splitlines()) <= 3
    for column in ("delta", "step"):
        assert report.HEADING.splitlines()[0].count(f"- {column} -") == 1
    assert report.HEADING.splitlines()[1].find("verdict") == lines[3].find("differs")


def test_for_programs_versions_have_the_names_of_the_table() -> None:
    plain = json.loads(report.as_json(found("9.1")))
    table = report.table(networks["9.1"], found("9.1"))
    assert {finding["version"] for finding in plain} == {"framework", "corrected", "as-printed"}
    assert all(f" {finding['version']} " in table for finding in plain)
    assert {finding["passed"] for finding in plain if finding["version"] == "as-printed"} == {None}
    assert {finding["passed"] for finding in plain if finding["version"] != "as-printed"} == {True}
