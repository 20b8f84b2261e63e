"""The benchmark networks all compute the same training steps, and the README shows the latest results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import report
from benchmarks.hand import BUILDERS, Streetlights
from benchmarks.libraries import HAND, PEERS, DisagreementError, Library, build, verify
from benchmarks.problems import ROWS, Problem, Row, streetlights
from benchmarks.report import END, README, RESULTS, START, ReadmeError, is_current, table, with_table
from benchmarks.timing import Effort, interleave


def timing(ratio: float) -> dict[str, float]:
    """A made-up timing."""
    return {
        "microseconds": 10.4 * ratio,
        "ratio": ratio,
        "lower": 0.9 * ratio,
        "upper": 1.1 * ratio,
        "steps": 3,
    }


RESULT = {
    "machine": {
        "date": "2030-01-01",
        "cpu": "a processor",
        "cores": 2,
        "threads": 1,
        "python": "3.10",
        "numpy": "2.0",
        "blas": "a BLAS",
        "versions": {"autograd_lite": "0.1", "PyTorch": "2.0+cpu", "MyGrad": None},
    },
    "rows": {"conv": {"hand-written": timing(1.0), "autograd_lite": timing(1.5), "PyTorch": timing(2.0)}},
}


@pytest.mark.parametrize("library", PEERS, ids=lambda library: library.name)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_agrees_with_the_hand_written_steps(row: Row, library: Library) -> None:
    if library.package != "autograd_lite":
        pytest.importorskip(library.package)
    problem = row.problem()
    training = build(library, row, problem)
    assert training is not None
    verify({HAND.name: BUILDERS[row.name](problem), library.name: training}, problem.weights)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_hand_written_gradient_by_finite_differences(row: Row) -> None:
    problem = row.problem()
    rng = np.random.default_rng(0)
    directions = [rng.standard_normal(w.shape) * np.abs(w).max() for w in problem.weights]

    def loss(step: float) -> float:
        moved = tuple(w + step * d for w, d in zip(problem.weights, directions, strict=True))
        training = BUILDERS[row.name](Problem((moved[0], moved[1]), problem.examples, problem.alpha))
        training.step()
        return training.loss()

    training = BUILDERS[row.name](problem)
    training.step()
    changes = (w - first for w, first in zip(training.weights(), problem.weights, strict=True))
    slope = sum(float(np.vdot(c, d)) for c, d in zip(changes, directions, strict=True)) / -problem.alpha
    assert slope == pytest.approx((loss(1e-6) - loss(-1e-6)) / 2e-6, rel=1e-6, abs=1e-8)


class Doubled(Streetlights):
    """A wrong implementation: it learns twice as fast."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.alpha *= 2


def test_a_wrong_implementation_is_refused() -> None:
    problem = streetlights()
    with pytest.raises(DisagreementError, match="wrong: the loss of step"):
        verify({HAND.name: Streetlights(problem), "wrong": Doubled(problem)}, problem.weights)


def test_ratios_are_to_the_hand_written_step() -> None:
    timings = interleave({HAND.name: Streetlights(streetlights())}, Effort(rounds=3, turn=1e-4))
    assert timings[HAND.name].ratio == timings[HAND.name].lower == timings[HAND.name].upper == 1
    assert timings[HAND.name].microseconds > 0


def test_table() -> None:
    lines = table(RESULT).splitlines()
    assert lines[0] == (
        "| one training step | hand-written NumPy | autograd_lite 0.1 | compiled | compiled, Numba "
        "| PyTorch 2.0 | JAX jit | MyGrad | HIPS autograd |"
    )
    assert lines[2] == (
        "| conv 3x3x16 on 28x28, batch 128 | 10 µs | 1.5 (1.35–1.65) | not installed | not installed "
        "| 2 (1.8–2.2) | not installed | not installed | not installed |"
    )


def test_the_table_goes_between_the_markers() -> None:
    text = f"# Title\n{START}\nold\n{END}\nmore\n"
    assert not is_current(text, RESULT)
    updated = with_table(text, RESULT)
    assert updated == f"# Title\n{START}\n{table(RESULT)}\n{END}\nmore\n"
    assert is_current(updated, RESULT)
    with pytest.raises(ReadmeError, match="benchmarks:start"):
        with_table(f"{END} {START}", RESULT)


def test_update_and_check_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme, results = tmp_path / "README.md", tmp_path / "results.json"
    monkeypatch.setattr(report, "README", readme)
    monkeypatch.setattr(report, "RESULTS", results)

    def exit_status(option: str) -> int:
        return command.readme(command.parser().parse_args([option]))

    assert exit_status("--check-readme") == 1  # there are no results yet
    results.write_text(json.dumps(RESULT), encoding="utf-8")
    readme.write_text("no markers", encoding="utf-8")
    assert exit_status("--update-readme") == 1
    readme.write_text(f"{START}\n{END}\n", encoding="utf-8")
    assert exit_status("--check-readme") == 1
    assert exit_status("--update-readme") == 0
    assert exit_status("--check-readme") == 0


def test_readme_shows_the_latest_results() -> None:
    text = README.read_text(encoding="utf-8") if README.exists() else ""
    if START not in text:
        pytest.skip("README.md has no table of benchmarks")
    assert is_current(text, json.loads(RESULTS.read_text(encoding="utf-8")))
