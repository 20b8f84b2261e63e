"""The programs of examples/ that are PyTorch's as well: but for the import lines, text and losses are the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.data import DataMissing

FOLDER = Path(__file__).parent.parent / "examples"
PROGRAMS = {
    path.stem: path for path in sorted(FOLDER.glob("*.py")) if "\nimport autograd_lite as torch\n" in path.read_text()
}
EVERY = pytest.mark.parametrize("name", PROGRAMS)


def as_pytorch(text: str) -> str:
    """A program with PyTorch's import lines. The data sets are NumPy arrays, and serve both."""
    text = text.replace("\nimport autograd_lite as torch\n", "\nimport torch\n")
    text = text.replace("\nfrom autograd_lite.check import gradcheck", "\nfrom torch.autograd import gradcheck")
    return re.sub(r"^from autograd_lite(?!\.data )", "from torch", text, flags=re.MULTILINE)


def losses(name: str, *options: str, pytorch: bool = False) -> list[float]:
    """What the program's main returns: the losses of all steps, and other numbers that both must agree on."""
    text = PROGRAMS[name].read_text()
    program: dict[str, Any] = {"__name__": name}
    exec(compile(as_pytorch(text) if pytorch else text, str(PROGRAMS[name]), "exec"), program)
    framework = program["torch"]
    before = framework.get_default_dtype()
    try:
        return list(program["main"](["--quick", *options]))
    finally:
        framework.set_default_dtype(before)


def without_data(*args: Any, **kwargs: Any) -> None:
    raise DataMissing("not here")


@pytest.fixture
def torch():
    """PyTorch on one thread: several of a small step wait for one another."""
    torch = pytest.importorskip("torch", reason="PyTorch is the reference of these tests, and it is not installed")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)


@EVERY
def test_a_program_differs_from_its_pytorch_form_in_import_lines_alone(name):
    ours = PROGRAMS[name].read_text()
    theirs = as_pytorch(ours)
    pairs = zip(ours.splitlines(), theirs.splitlines(), strict=True)
    different = [(a, b) for a, b in pairs if a != b]
    assert different
    assert all(re.match("import |from .* import ", line) for pair in different for line in pair)
    imports = {node.lineno for node in ast.parse(theirs).body if isinstance(node, ast.Import | ast.ImportFrom)}
    inside = [k for k, line in enumerate(theirs.splitlines(), 1) if "autograd_lite" in line]
    assert set(inside) <= imports
    assert all("autograd_lite.data" in theirs.splitlines()[k - 1] for k in inside)


@EVERY
def test_a_program_has_the_losses_of_its_pytorch_form(name, torch):
    ours = losses(name)
    if name == "cnn_mnist" and not ours:
        pytest.skip("MNIST is not on this machine")
    theirs = losses(name, pytorch=True)
    assert len(ours) >= 10
    assert len(set(ours)) > len(ours) / 4  # it learns: the numbers change
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_a_compiled_step_has_the_same_losses():
    eager = losses("cnn_mnist")
    if not eager:
        pytest.skip("MNIST is not on this machine")
    np.testing.assert_allclose(losses("cnn_mnist", "--compile"), eager, rtol=1e-10)


def test_where_mnist_is_missing_the_program_says_so(monkeypatch, capsys):
    monkeypatch.setattr("autograd_lite.data.mnist", without_data)
    assert losses("cnn_mnist") == []
    assert "MNIST is not on this machine" in capsys.readouterr().out


def test_the_losses_of_the_pytorch_form_are_pytorchs(torch, monkeypatch):
    """A comparison of a program with itself would pass, too."""
    monkeypatch.setattr(al.nn.Linear, "forward", lambda self, x: x @ self.weight.T * 1.001 + self.bias)
    assert losses("linear_regression") != pytest.approx(losses("linear_regression", pytorch=True), rel=1e-10)


def test_the_readme_lists_every_program():
    rows = {True: [], False: []}
    for path in sorted(FOLDER.glob("*.py")):
        first = (ast.get_docstring(ast.parse(path.read_text())) or "").splitlines()[0]
        rows[path.stem in PROGRAMS].append(f"| [{path.name}]({path.name}) | {first} |")
    page = (FOLDER / "README.md").read_text()
    for marker, listed in (("pytorch", rows[True]), ("own", rows[False])):
        inside = page.partition(f"<!-- {marker}:start -->\n")[2].partition(f"<!-- {marker}:end -->")[0]
        assert inside.splitlines()[2:] == listed
    assert len(rows[True]) == 10
