"""The trainings as printed, in full, against every number that the text prints.

The complete tables are in `expected_tables.json`, in the folder that $AUTOGRAD_LITE_DATA names; without it there
are the numbers that each network has in `printed`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from models.network import CORRECTED, FRAMEWORK, PRINTED, Network
from models.records import Record, Weights

TABLES = "expected_tables.json"
TOLERANCE = 1e-9  # relative: the last digits of weights depend on how the BLAS adds


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


def expected(network: Network) -> dict[int, dict[str, object]]:
    """Every printed cell that is known, by iteration and column: of the complete table, and of the text."""
    cells: dict[int, dict[str, object]] = {
        i: {c: network.cell(c, row[c]) for c in network.columns} for i, row in table(network).items()
    }
    for iteration, printed in network.printed.rows.items():
        for column, cell in printed.items():
            if cells.setdefault(iteration, {}).setdefault(column, cell) != cell:
                raise ValueError(f"network {network.id}, I:{iteration}: the table and the text differ in {column}")
    return cells


def version(network: Network) -> str:
    """Whose numbers the text prints: those of its own version, or where it writes none of the first that there is."""
    return next((name for name in (PRINTED, CORRECTED) if name in network.versions), FRAMEWORK)


def equal(value: object, expected: object) -> bool:
    """Are a number, or numbers in lists, the expected ones, to 9 digits and in the same shape?

    >>> equal(np.array([0.1 + 0.2, 0.0]), [0.3, 0]), equal(0.3001, 0.3), equal([0.3], 0.3)
    (True, False, False)
    """
    try:
        here, there = np.asarray(value, float), np.asarray(expected, float)
    except (TypeError, ValueError):
        return False
    return here.shape == there.shape and bool(np.allclose(here, there, rtol=TOLERANCE, atol=0))


@dataclass
class Comparison:
    """Compares record by record what a training as printed prints with what it should."""

    network: Network
    rows: int = 0
    cells: int = 0
    sums: int = 0
    weights: int = 0
    differences: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._expected = expected(self.network)

    @property
    def anything(self) -> bool:
        """Is there any number to compare with?"""
        return bool(self._expected or self.network.printed.sums or self.network.printed.weights)

    def add(self, record: Record) -> None:
        """Compare an epoch's values; epochs that are not printed pass."""
        iteration = record.epoch.iteration
        cells = self._expected.get(iteration, {})
        self.rows += bool(cells)
        self.cells += len(cells)
        for column, cell in cells.items():
            if column not in record.row:
                self._differ(f"I:{iteration} {column}", "nothing", cell)
                continue
            value: object = record.row[column]
            if isinstance(cell, str):
                value = self.network.cell(column, value)
            if value != cell if isinstance(cell, str) else not equal(value, cell):
                self._differ(f"I:{iteration} {column}", value, cell)

    def finish(self, weights: Weights) -> None:
        """After the last epoch of all: compare the weights and their sums; and was every row there?"""
        printed = self.network.printed
        if self.rows != len(self._expected):
            self._differ("rows", self.rows, len(self._expected))
        for name, total in printed.sums.items():
            self.sums += 1
            here = float(np.sum(weights[name]))
            if not equal(here, total):
                self._differ(f"sum of {name}", here, total)
        for name, values in printed.weights.items():
            self.weights += 1
            if not equal(weights[name], values):
                self._differ(name, weights[name].tolist(), values)

    def _differ(self, what: str, here: object, there: object) -> None:
        self.differences.append(f"{what}: {here} here, {there} in the text")

    def __str__(self) -> str:
        counts = {"row": self.rows, "cell": self.cells, "sum": self.sums, "weight": self.weights}
        parts = [f"{count} {name}{'s' * (count != 1)}" for name, count in counts.items() if count]
        compared = ", ".join(parts) or "nothing"
        return f"{compared}: {f'{len(self.differences)} DIFFERENT' if self.differences else 'all equal'}"
