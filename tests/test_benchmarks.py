"""The benchmark networks all compute the same training steps, and the pages show the latest results."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import gemms, memory, page, profile, sizes, timing
from benchmarks.hand import BUILDERS, HandWritten, Streetlights
from benchmarks.libraries import GEMMS, HAND, PEERS, DisagreementError, Library, build, verify
from benchmarks.problems import CHAINS, ROWS, LeftOutError, Problem, Row, streetlights, two_layers
from benchmarks.report import ReadmeError, for_readme, table, with_table
from benchmarks.timing import Effort, interleave

START, END = "<!-- benchmarks:start -->", "<!-- benchmarks:end -->"
DTYPES = ("float64", "float32")
NETWORKS = [row for row in (*ROWS, *CHAINS) if row.name != "lstm-layer"]
OURS = PEERS[0]
WITH_LAYER = ("autograd_lite", "compiled", "compiled, Numba", "PyTorch", "JAX jit")  # who has an LSTM of its own
PAIRS = [
    pytest.param(row, library, id=f"{row.name}-{library.name}")
    for library in PEERS
    for row in (*ROWS, *CHAINS)
    if not library.slow
    and not (row.name == "lstm-layer" and library.name not in WITH_LAYER)
    and not (row in CHAINS and library.name == "JAX jit")
]


def timed(ratio: float, **more: int) -> dict[str, float]:
    """A made-up timing."""
    return {
        "microseconds": 10.4 * ratio,
        "ratio": ratio,
        "lower": 0.9 * ratio,
        "upper": 1.1 * ratio,
        "steps": 3,
        **more,
    }


CONV: dict[str, Any] = {
    "hand-written": timed(1.0, bytes=2_000_000),
    "GEMMs alone": timed(0.5),
    "autograd_lite": timed(1.5, bytes=1_234_567),
    "PyTorch": timed(2.0),
    "torch.compile": {"left_out": "not compiled: RuntimeError: no C++ compiler"},
    "MyGrad": {"left_out": "–"},
}
MACHINE = {
    "date": "2030-01-01",
    "cpu": "a processor",
    "cores": 2,
    "python": "3.10",
    "numpy": "2.0",
    "blas": "a BLAS",
    "versions": {"autograd_lite": "0.1", "PyTorch": "2.0+cpu", "MyGrad": None},
}
RESULTS = {
    "machine": MACHINE,
    "settings": [
        {"threads": 1, "dtype": "float64", "rows": {"conv": CONV}},
        {"threads": 2, "dtype": "float32", "rows": {}},
    ],
}
PROFILE = {"machine": MACHINE, "rows": {"conv": {"matrix products": 0.25, "arithmetic": 0.75, "microseconds": 12345.6}}}
SIZES = {
    "machine": MACHINE,
    "points": [
        {"family": family, "size": size, "library": library, "microseconds": 1.0 + size * cost, "bytes": 1000 * size}
        for family in ("width", "batch", "chain", "mixed")
        for library, cost in (("hand-written", 2.0), ("autograd_lite", 5.0))
        for size in (8, 100)
    ],
    "compile": [
        {"backend": backend, "ops": ops, "found": found, "seconds": ops / 100}
        for backend, found in (("numpy", "cold"), ("numba", "cold"), ("numba", "warm"))
        for ops in (100, 1000)
    ],
}


# Every library against the hand-written steps


@pytest.fixture
def without_inductor(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """torch.compile traces and differentiates; machine code would take seconds a network, and a C++ compiler."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(import_module("benchmarks.peer_torch_compile"), "BACKEND", "aot_eager")
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def agrees(row: Row, library: Library, dtype: str) -> None:
    if library.package != "autograd_lite":
        pytest.importorskip(library.package)
    problem = row.small().astype(dtype)
    training = build(library, row, problem)
    verify({HAND.name: BUILDERS[row.name](problem), library.name: training}, problem.weights)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("row", "library"), PAIRS)
def test_agrees_with_the_hand_written_steps(row: Row, library: Library, dtype: str) -> None:
    agrees(row, library, dtype)


@pytest.mark.parametrize("row", [row for row in ROWS if row.name != "lstm-layer"], ids=lambda row: row.name)
@pytest.mark.usefixtures("without_inductor")
def test_what_torch_compiles_agrees(row: Row) -> None:
    (library,) = (library for library in PEERS if library.slow)
    agrees(row, library, "float64")


def test_a_library_that_cannot_compile_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")

    def refuse(*_: Any) -> None:
        raise RuntimeError("no C++ compiler\nand more")

    compiler = import_module("benchmarks.peer_torch_compile")
    monkeypatch.setattr(compiler, "BACKEND", refuse)
    with pytest.raises(LeftOutError, match=r"^not compiled: .*no C\+\+ compiler"):
        compiler.BUILDERS["streetlights"](streetlights())
    torch._dynamo.reset()


@pytest.mark.parametrize("row", NETWORKS, ids=lambda row: row.name)
def test_hand_written_gradient_by_finite_differences(row: Row) -> None:
    problem = row.small()
    rng = np.random.default_rng(0)
    directions = [rng.standard_normal(w.shape) * np.abs(w).max() for w in problem.weights]

    def loss(step: float) -> float:
        moved = tuple(w + step * d for w, d in zip(problem.weights, directions, strict=True))
        training = BUILDERS[row.name](replace(problem, weights=moved))
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


class Widened(Streetlights):
    """A wrong implementation: it computes in float64, whatever it is given."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.astype("float64"))


@pytest.mark.parametrize(
    ("wrong", "dtype", "message"),
    [
        (Doubled, "float64", "wrong: the change of weights 0 after step 1 is off"),
        (Doubled, "float32", "wrong: the change of weights 0 after step 1 is off"),
        (Widened, "float32", "wrong: weights 0 are float64 and not float32"),
    ],
)
def test_a_wrong_implementation_is_refused(wrong: type[Streetlights], dtype: str, message: str) -> None:
    problem = streetlights().astype(dtype)
    with pytest.raises(DisagreementError, match=message):
        verify({HAND.name: Streetlights(problem), "wrong": wrong(problem)}, problem.weights)


# What is measured


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_products_alone_are_those_of_the_hand_written_step(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many multiplications as the hand-written step makes, counted by arrays that note their products."""
    problem = row.small()
    counted: list[int] = []

    class Counting(np.ndarray):
        def dot(self, other: Any, out: Any = None) -> Any:
            counted.append(self.size * (other.shape[1] if other.ndim > 1 else 1))
            return np.asarray(self).dot(np.asarray(other)).view(Counting)

    def dot(a: Any, b: Any) -> Any:
        return np.asarray(a).view(Counting).dot(b)

    def outer(a: Any, b: Any) -> Any:
        return dot(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))

    concatenate = np.concatenate
    training = BUILDERS[row.name](problem)
    assert isinstance(training, HandWritten)
    examples = [tuple(np.asarray(a).view(Counting) for a in example) for example in problem.examples]
    training.examples = iter(examples)  # type: ignore[assignment]
    with monkeypatch.context() as patched:
        patched.setattr(np, "dot", dot)
        patched.setattr(np, "outer", outer)
        patched.setattr(np, "concatenate", lambda *args, **kwargs: concatenate(*args, **kwargs).view(Counting))
        training.step()
    alone = sum(a.size * b.shape[1] for a, b, _ in gemms.products(row.name, problem).products)
    assert alone == sum(counted)


def test_ratios_are_to_the_hand_written_step() -> None:
    timings = interleave({HAND.name: Streetlights(streetlights())}, Effort(rounds=3, turn=1e-4, seconds=1))
    assert timings[HAND.name].ratio == timings[HAND.name].lower == timings[HAND.name].upper == 1
    assert timings[HAND.name].microseconds > 0


class Keeping(HandWritten):
    """A step that keeps an array of 1 MB, and takes 2 MB for a moment."""

    def step(self) -> None:
        """Allocate."""
        moment = np.ones(250_000)
        self.kept = np.ones(125_000) if not hasattr(self, "kept") else self.kept
        self.error = float(moment[0])


def test_peak_memory_is_what_is_kept_and_what_comes_and_goes() -> None:
    training, peak = memory.numpy_peak(lambda: Keeping(streetlights()))
    assert training.loss() == 1
    assert peak == pytest.approx(3_000_000, rel=0.01)


def test_peak_memory_of_pytorch() -> None:
    pytest.importorskip("torch")
    (library,) = (library for library in PEERS if library.name == "PyTorch")
    row = next(row for row in ROWS if row.name == "mnist-one")
    problem = two_layers(width=200, batch=1)
    _, peak = memory.with_peak(library, lambda: build(library, row, problem))
    assert peak == pytest.approx(2 * 200 * 200 * 8, rel=0.1)  # the gradients of two weight matrices


def test_a_row_as_it_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "PEERS", (OURS, Library("absent", "nothing", "no_such_package", "nothing")))
    effort = Effort(rounds=3, turn=1e-4, seconds=0.1)
    found = timing.measure(ROWS[0], timing.Setting(1, "float32"), effort, quick=True, with_memory=True)
    assert found["absent"] == {"left_out": "not installed"}
    assert [name for name, timing in found.items() if "ratio" in timing] == [HAND.name, OURS.name, GEMMS]
    assert found[OURS.name]["bytes"] > 0
    assert "bytes" not in found[GEMMS]


def test_sizes_as_they_are_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sizes, "PEERS", PEERS[:2])
    tasks = [(work, args) for _, work, args in sizes.points(quick=True)]
    assert len(tasks) == len(sizes.FAMILIES)
    work, args = tasks[-1]
    points = work(*args)
    assert [point["library"] for point in points] == [HAND.name, "autograd_lite", "compiled"]
    assert all(point["microseconds"] > 0 and point["bytes"] > 0 for point in points)
    found = sizes.compile_time("numpy", 20, "cold", str(tmp_path))
    assert (found["backend"], found["ops"], found["found"]) == ("numpy", 20, "cold")


def test_what_a_compiled_step_spends_its_time_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "MOST", 70)
    row = next(row for row in ROWS if row.name == "embedding")
    spent = profile.measure(row)
    assert spent["matrix products"] > 0
    assert spent["rows of tables"] > 0
    assert spent["copies"] == 0
    assert sum(share for kind, share in spent.items() if kind != "microseconds") >= 1 - 1e-9
    lines = [
        "a.dot(b, c)",
        "without_warnings()",
        "add_reduce(a, 0, None, b)",
        "multiply(a, b, c)",
        "wrote()",
        "a[...] = 0",
    ]
    kinds = [profile.kind_of(ast.parse(line).body[0]) for line in lines]
    assert kinds == [*list(profile.KINDS)[:2], "sums and maxima", "arithmetic", profile.AROUND, "copies"]


def test_compilers_take_part_up_to_a_number_of_ops() -> None:
    chain = next(family for family in sizes.FAMILIES if family.name == "chain")
    assert {"compiled", "compiled, Numba", "MyGrad"} <= {library.name for library in sizes.libraries(chain, 100)}
    assert [library.name for library in sizes.libraries(chain, 100_000)] == ["autograd_lite", "PyTorch", "JAX jit"]


# What is shown


def test_table() -> None:
    lines = table(RESULTS, RESULTS["settings"][0], quartiles=True).splitlines()  # type: ignore[index]
    assert lines[0] == (
        "| float64, 1 thread | hand-written NumPy | GEMMs alone | autograd_lite 0.1 | compiled | compiled, Numba "
        "| PyTorch 2.0 | torch.compile | JAX jit | MyGrad | HIPS autograd |"
    )
    assert lines[2] == (
        "| conv 3x3x16 on 28x28, batch 128 | 10 µs | 0.5 (0.45–0.55) | 1.5 (1.35–1.65) | not installed | not installed "
        "| 2 (1.8–2.2) | left out | not installed | – | not installed |"
    )
    assert " 0.5 | 1.5 |" in table(RESULTS, RESULTS["settings"][0])  # type: ignore[index]


def test_the_page() -> None:
    text = page.text(RESULTS, SIZES, PROFILE)
    assert "| float32, 2 threads | hand-written NumPy |" in text
    assert "torch.compile: not compiled: RuntimeError: no C++ compiler (float64, 1 thread)." in text
    assert "| conv 3x3x16 on 28x28, batch 128 | 2 MB | 1.23 MB |" in text
    assert "| ops: tanh | 2 | 5 |" in text
    assert "| Numba, warm cache | 1 | 10 |" in text
    assert "| conv 3x3x16 on 28x28, batch 128 | 12,346 | 25% | 75% |" in text
    assert [page.amount(size) for size in (0, 999, 1234, 5e6, 2.5e9)] == ["0 B", "999 B", "1.23 kB", "5 MB", "2,500 MB"]


def test_the_plots_are_drawn_the_same_each_time() -> None:
    pytest.importorskip("matplotlib")
    plots = import_module("benchmarks.plots")
    pictures = plots.all_of(RESULTS, SIZES)
    assert plots.svg(plots.ratios(RESULTS), "benchmarks-ratios") + "\n" == pictures["ratios"]
    for picture in pictures.values():
        ElementTree.fromstring(picture)
    assert "hand-written" in pictures["time"]


def test_the_table_goes_between_the_markers() -> None:
    text = f"# Title\n{START}\nold\n{END}\nmore\n"
    assert with_table(text, RESULTS) == f"# Title\n{START}\n{for_readme(RESULTS)}\n{END}\nmore\n"
    with pytest.raises(ReadmeError, match="benchmarks:start"):
        with_table(f"{END} {START}", RESULTS)


def test_update_and_check_the_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    for name in ("README", "PAGE", "PLOTS", "RESULTS", "SIZES", "PROFILE"):
        monkeypatch.setattr(page, name, tmp_path / name)
    monkeypatch.setattr(import_module("benchmarks.plots"), "all_of", lambda *_: {"ratios": "<svg/>"})

    def exit_status(option: str) -> int:
        return command.pages(command.parser().parse_args([option]))

    assert exit_status("--check-readme") == 1  # there are no results yet
    (tmp_path / "RESULTS").write_text(json.dumps(RESULTS), encoding="utf-8")
    (tmp_path / "SIZES").write_text(json.dumps(SIZES), encoding="utf-8")
    (tmp_path / "PROFILE").write_text(json.dumps(PROFILE), encoding="utf-8")
    (tmp_path / "README").write_text("no markers", encoding="utf-8")
    assert exit_status("--update-readme") == 1
    (tmp_path / "README").write_text(f"{START}\n{END}\n", encoding="utf-8")
    assert exit_status("--check-readme") == 1
    assert exit_status("--update-readme") == 0
    assert exit_status("--check-readme") == 0
    assert (tmp_path / "PLOTS" / "ratios.svg").read_text(encoding="utf-8") == "<svg/>"


def test_the_pages_show_the_latest_results() -> None:
    if not page.PAGE.exists():
        pytest.skip("the project's pages are not here")
    assert page.is_current()
    assert all((page.PAGE.parent / path).exists() for path in ("benchmarks/ratios.svg", "benchmarks/time.svg"))
