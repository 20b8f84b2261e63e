"""Tables in boxes: columns of values and gradients stand below each other, small matrices are shown as matrices."""

import re

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.draw import engine
from autograd_lite.draw.diagram import Box
from autograd_lite.draw.table import colour, table
from autograd_lite.draw.values import fact


def lines_across(svg):
    """The x of the left and right ends of the cells that are drawn, by the number of tables that have them."""
    ends = {}
    for points in re.findall(r'<polygon fill="none" stroke="#8c8c8c"[^>]* points="([^"]*)"', svg):
        xs = [round(float(point.split(",")[0]), 1) for point in points.split()]
        ends.setdefault((min(xs), max(xs)), []).append(points)
    return ends


@pytest.mark.skipif(not engine.engines(), reason="neither graphviz-pure nor dot is installed")
def test_columns_of_value_and_gradient_are_as_wide_as_each_other():
    w = al.tensor([[1.0, -123.45, 0.5], [2.0, 1e-8, 3.0]], requires_grad=True, name="w")
    svg = al.draw((w * w * w).sum(), show=("value", "grad"), gradients={w: 3 * w.data**2}).svg
    ends = lines_across(svg)
    columns = [len(cells) for cells in ends.values() if len(cells) >= 4]
    assert columns == [4, 4, 4]  # two rows of the values and two of the gradients


def label(*facts):
    return table(Box("t1", "tensor", ("w",), "", facts=facts), str)


def test_a_table_alone_and_tables_of_other_widths_are_left_as_they_are():
    one, other = fact("value", np.ones((2, 3))), fact("grad", np.ones((2, 2)))
    assert "WIDTH" not in label(one)
    assert "WIDTH" not in label(one, other)
    widths = re.findall('WIDTH="([0-9]+)"', label(one, fact("grad", np.full((2, 3), -1.25))))
    assert len(set(widths)) == 1
    assert len(widths) == 12


def test_a_small_matrix_is_shown_entry_by_entry():
    values = np.arange(20.0).reshape(5, 4) - 4
    said = fact("value", values)
    assert said.across == 4
    np.testing.assert_array_equal(np.reshape(said.cells, (5, 4)), values / 15)
    rows = re.findall("<TR>((?:<TD[^>]*BGCOLOR[^>]*></TD>)+)</TR>", label(said))
    shown = [re.findall('BGCOLOR="([^"]*)"', row) for row in rows]
    assert shown == [[colour(value / 15) for value in row] for row in values]


@pytest.mark.parametrize("shape", [(13, 2), (2, 13), (20,), (2, 3, 4)])
def test_others_are_a_strip(shape):
    said = fact("value", np.ones(shape))
    assert said.across == 0
    assert label(said).count("<TR>") == 1 + 1 + 1 + 1  # the name, the strip in its row, and the range


def test_what_is_not_finite_is_grey_in_its_place():
    values = np.ones((4, 4))
    values[2, 1] = np.nan
    cells = re.findall('BGCOLOR="(#[^"]*)"', label(fact("value", values)))
    assert [k for k, c in enumerate(cells) if c == "#808080"] == [9]
