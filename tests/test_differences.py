"""The table of differences is what its lines give, with PyTorch and without."""

import re
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as al

ROOT = Path(__file__).parent.parent


@pytest.fixture
def differences(monkeypatch):
    """The module that makes the page."""
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import differences

    return differences


@pytest.fixture
def torch(differences):
    """PyTorch, of the version that the page is of."""
    there = pytest.importorskip("torch", reason="PyTorch is one of the columns, and it is not installed")
    of = differences.version(differences.PAGE.read_text("utf-8"))
    if there.__version__.partition("+")[0] != of:
        pytest.skip(f"the page is of another version of PyTorch than {there.__version__}")
    return there


def test_the_lines_give_what_the_page_says(differences, torch):
    assert differences.fresh(torch) == differences.PAGE.read_text("utf-8"), "python docs/differences.py"


def test_the_other_columns_are_what_the_page_says_without_pytorch(differences):
    page = differences.PAGE.read_text("utf-8")
    assert differences.fresh(None) == page, "python docs/differences.py"
    assert "not run" not in page


def test_what_is_out_of_date_is_seen_without_pytorch_and_its_column_stays(differences, monkeypatch, tmp_path):
    page = differences.PAGE.read_text("utf-8")
    wrong = page.replace("| `float64` | `torch.float32` | `float64` |", "| `float16` | `torch.float8` | `float64` |", 1)
    monkeypatch.setattr(differences, "PAGE", tmp_path / "differences.md")
    differences.PAGE.write_text(wrong, "utf-8")
    assert wrong != page
    assert differences.fresh(None) == wrong.replace("`float16`", "`float64`")


def test_a_line_that_is_new_without_pytorch_is_said_to_be_unknown(differences, monkeypatch):
    shown = differences.Difference("new", ("1 + 1",))
    monkeypatch.setattr(differences, "THEMES", {"Numbers": (shown,)})
    assert "| new<br>`1 + 1` | `2` | not run | `2` |\n" in differences.fresh(None)


def test_every_line_is_a_difference(differences, torch):
    for line in differences.LINES:
        here, there, numpys = (differences.given(line, lib) for lib in (al, torch, np))
        assert here != there or numpys not in (here, differences.ABSENT), line


def test_every_difference_has_lines_or_is_told_and_is_one_row_for_each(differences):
    rows = [row for theme in differences.THEMES.values() for row in theme]
    assert all(bool(row.lines) is (row.told is None) for row in rows)
    assert len(rows) > 60
    assert len([row for row in rows if row.told]) < 6  # what runs is worth more than what is said
    table = differences.PAGE.read_text("utf-8").partition(differences.START)[2].partition(differences.END)[0]
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in table.splitlines()]
    assert {len(row) for row in cells} == {4}
    assert len(cells) == 1 + len(differences.THEMES) + len(differences.LINES) + len([row for row in rows if row.told])


def test_what_numpy_has_not_is_a_dash(differences):
    assert differences.given("zeros(2).requires_grad", np) == "–"
    assert differences.given("zeros(-1)", np) == "ValueError"
    assert differences.given("tensor([1.0], requires_grad=True) * 2.0", al) == "`tensor([2.])`"


def test_code_of_several_lines_keeps_its_form(differences):
    assert differences.code("if a | b:\n    c") == "`if a \\| b:`<br>&nbsp;&nbsp;&nbsp;&nbsp;`c`"
