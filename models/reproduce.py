"""The trainings as printed, in full, against every number that the text prints.

The complete tables are in `expected_tables.json`, in the folder that $AUTOGRAD_LITE_DATA names; without it there
are the lines and the sums that each network has in `printed`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from models.network import Network
from models.records import Record

TABLES = "expected_tables.json"
SUM_TOLERANCE = 1e-9  # relative: the last digits of weights depend on how the BLAS adds


def tables_folder() -> Path | None:
    """The folder that $AUTOGRAD_LITE_DATA names, or None. Raises NotADirectoryError for one that is not there."""
    named = os.environ.get("AUTOGRAD_LITE_DATA")
    if not named:
        return None
    folder = Path(named)
    if not folder.is_dir():
        raise NotADirectoryError(
            f"AUTOGRAD_LITE_DATA names {folder}, which is not a folder: nothing was compared. "
            f"Name the one that holds {TABLES}, or unset it to compare with what the text prints"
        )
    return folder


def tables_path() -> Path | None:
    """Where the complete tables are, or None where there are none. Raises as `tables_folder` does."""
    folder = tables_folder()
    path = None if folder is None else folder / TABLES
    return path if path and path.is_file() else None


@cache
def _tables(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged and cannot be read: {error}") from error


def table(network: Network) -> dict[int, dict[str, float]]:
    """The network's complete table, uncut, by iteration and column; empty where there is none."""
    path = tables_path()
    found = _tables(path).get(network.id) if path else None
    if not found:
        return {}
    rows = (dict(zip(found["columns"], row, strict=True)) for row in found["rows"])
    return {int(row.pop("I")): row for row in rows}


def has_table(network: Network) -> bool:
    """Is there a complete table for this network?"""
    return bool(table(network))


def expected(network: Network) -> dict[int, dict[str, str]]:
    """Every printed cell that is known, by iteration and column: of the complete table, and of the text."""
    columns = network.columns
    cells = {i: {c: network.cell(c, row[c]) for c in columns} for i, row in table(network).items()}
    for iteration, printed in network.printed.rows.items():
        for column, cell in printed.items():
            if cells.setdefault(iteration, {}).setdefault(column, cell) != cell:
                raise ValueError(f"network {network.id}, I:{iteration}: the table and the text differ in {column}")
    return cells


@dataclass
class Comparison:
    """Compares record by record what a training as printed prints with what it should."""

    network: Network
    cells: int = 0
    rows: int = 0
    sums: int = 0
    differences: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._expected = expected(self.network)

    def add(self, record: Record) -> None:
        """Compare an epoch's line; epochs that are not printed pass."""
        cells = self._expected.get(record.iteration, {})
        found = {column: self.network.cell(column, record.row[column]) for column in cells if column in record.row}
        self.rows += bool(cells)
        self.cells += len(cells)
        for column, cell in cells.items():
            if found.get(column) != cell:
                here = found.get(column, "nothing")
                self.differences.append(f"I:{record.iteration} {column}: {here} here, {cell} in the text")

    def finish(self, weights: Mapping[str, Any]) -> None:
        """After the last epoch of all: compare the sums of the weights; and was every row there?"""
        if self.rows != len(self._expected):
            self.differences.append(f"{self.rows} rows here, {len(self._expected)} in the text")
        for name, total in self.network.printed.sums.items():
            self.sums += 1
            here = float(weights[name].sum())
            if not math.isclose(here, total, rel_tol=SUM_TOLERANCE):
                self.differences.append(f"sum of {name}: {here!r} here, {total!r} in the text")

    def __str__(self) -> str:
        compared = f"{self.rows} rows, {self.cells} cells, {self.sums} sums of weights"
        if not self.differences:
            return f"{compared}: all equal"
        return f"{compared}: {len(self.differences)} DIFFERENT"
