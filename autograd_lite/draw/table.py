"""Labels with numbers in them: Graphviz's tables, which every engine draws."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from autograd_lite.draw.diagram import Box
from autograd_lite.draw.values import Fact

_negative, _middle, _positive = (0x21, 0x66, 0xAC), (0xF7, 0xF7, 0xF7), (0xB3, 0x58, 0x06)
_plain = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2">'
_words = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1" BGCOLOR="#f2f2f2">'
_grid = '<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="3" COLOR="#8c8c8c" BGCOLOR="#ffffff">'
_strip = '<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0" COLOR="#8c8c8c">'
_narrow = {".": 3.2, "-": 3.6}  # points, in ten-point letters; digits of the widest usual letters have 6.4


def colour(share: float) -> str:
    """From blue at -1 through near white at 0 to brown at 1, which the colour-blind tell apart; grey for nan.

    >>> colour(-1.0), colour(0.0), colour(1.0)
    ('#2166ac', '#f7f7f7', '#b35806')
    """
    if math.isnan(share):
        return "#808080"
    end = _negative if share < 0 else _positive
    size = round(abs(share) * 32) / 32  # steps that rounding on another platform does not change
    return "#" + "".join(f"{round(m + (e - m) * size):02x}" for m, e in zip(_middle, end, strict=True))


def plate(lines: Iterable[str], escaped: Callable[[str], str], width: Callable[[str], float]) -> str:
    """Words that stand by themselves, on a light ground, so that they can be read on any page.

    `width` says how many inches a line may need that has other letters than an engine can measure.
    """
    rows = []
    for line in lines:
        own = "".join(c for c in line if c not in "×…")
        room = "" if own.isascii() else f' WIDTH="{round(width(line) * 72)}"'
        pad = "&#160;" * (1 + len(line) - len(own))
        rows.append(f"<TR><TD{room}>{pad}{escaped(line)}{pad}</TD></TR>")
    return f'<<FONT POINT-SIZE="10" COLOR="#1a1a1a">{_words}{"".join(rows)}</TABLE></FONT>>'


def _widths(facts: Iterable[Fact]) -> list[int]:
    """Points that each column needs in several tables that stand below each other; none where one stands alone."""
    grids = [said.rows for said in facts if said.rows]
    if len(grids) < 2 or len({len(grid[0]) for grid in grids}) > 1:
        return []
    columns = zip(*(row for grid in grids for row in grid), strict=True)
    return [math.ceil(max(sum(_narrow.get(c, 6.4) for c in text) for text in column)) + 8 for column in columns]


def _content(said: Fact, widths: Sequence[int]) -> list[str]:
    """The cells of a table's rows for one part."""
    if said.rows:
        rooms = [f' WIDTH="{width}"' for width in widths] or [""] * len(said.rows[0])
        cells = [
            "".join(
                f'<TD ALIGN="RIGHT"{room}><FONT POINT-SIZE="10">{text}</FONT></TD>'
                for text, room in zip(row, rooms, strict=True)
            )
            for row in said.rows
        ]
        rows = "".join(f"<TR>{row}</TR>" for row in cells)
        return [f"{_grid}{rows}</TABLE>"]
    small = f'<FONT POINT-SIZE="10">{said.text}&#160;</FONT>'
    if not said.cells:
        return [f"<I>{small}</I>"]
    across, size = said.across or len(said.cells), 'WIDTH="12"' if said.across else 'FIXEDSIZE="TRUE" WIDTH="7"'
    cells = [f'<TD {size} HEIGHT="12" BGCOLOR="{colour(share)}"></TD>' for share in said.cells]
    strips = "".join(f"<TR>{''.join(cells[k : k + across])}</TR>" for k in range(0, len(cells), across))
    return [f"{_strip}{strips}</TABLE>", small]


def table(box: Box, escaped: Callable[[str], str]) -> str:
    """The label of a box that has parts: its lines, and below them a row or two for each part.

    `escaped` makes text safe.
    """
    rows = [f'<TR><TD COLSPAN="2">{escaped(line)}</TD></TR>' for line in box.lines]
    widths = _widths(box.facts)
    for said in box.facts:
        first, *more = _content(said, widths)
        name = f'<TD ALIGN="LEFT" VALIGN="MIDDLE"><FONT POINT-SIZE="10">{said.part}&#160;</FONT></TD>'
        rows.append(f'<TR>{name}<TD ALIGN="LEFT">{first}</TD></TR>')
        rows += [f'<TR><TD></TD><TD ALIGN="LEFT">{line}</TD></TR>' for line in more]
    return f"<{_plain}{''.join(rows)}</TABLE>>"
