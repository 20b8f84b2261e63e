"""What was measured, and on what: the facts of the machine, Markdown tables, and their place in README.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from .libraries import GEMMS, HAND, PEERS
from .problems import ROWS

Results = dict[str, Any]


class ReadmeError(Exception):
    """A page has no place for what is made."""


def cpu_model() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """The facts that a timing depends on."""
    config: Any = np.show_config(mode="dicts")
    blas = config["Build Dependencies"]["blas"]
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "system": platform.system(),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "versions": {library.name: library.version() for library in PEERS},
    }


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table; the first line is its head, the first column is text, all others are numbers."""
    rule = ["---"] + ["---:"] * (len(lines[0]) - 1)
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))


def cell(timings: dict[str, Any], name: str, quartiles: bool) -> str:
    """The ratio, or why there is none."""
    timing = timings.get(name, {"left_out": "not installed"})
    if "left_out" in timing:
        reason: str = timing["left_out"]
        return reason if len(reason) < 20 else "left out"
    spread = f" ({timing['lower']:.3g}–{timing['upper']:.3g})" if quartiles else ""
    return f"{timing['ratio']:.3g}{spread}"


def heading(facts: dict[str, Any], name: str) -> str:
    """A library with its version."""
    version = (facts["versions"].get(name) or "").split("+")[0]
    return f"{name} {version}".strip()


def table(results: Results, setting: Results, quartiles: bool = False) -> str:
    """The ratios of one setting."""
    names = [GEMMS, *(library.name for library in PEERS)]
    columns = [heading(results["machine"], name) for name in names]
    title = f"{setting['dtype']}, {counted(setting['threads'])}"
    lines = [[title, f"{HAND.name} NumPy", *columns]]
    for row in ROWS:
        if (timings := setting["rows"].get(row.name)) is not None:
            unit = f"{timings[HAND.name]['microseconds']:,.0f} µs"
            lines.append([row.title, unit, *(cell(timings, name, quartiles) for name in names)])
    return markdown(lines)


def counted(threads: int) -> str:
    """1 thread, 2 threads."""
    return f"{threads} thread" + "s" * (threads != 1)


def footnote(facts: dict[str, Any], command: str) -> str:
    """Where and when something was measured."""
    return (
        f"{facts['cpu']} ({facts['cores']} cores), Python {facts['python']}, NumPy {facts['numpy']} with "
        f"{facts['blas']},\n{facts['date']}. Measured by `{command}`."
    )


def for_readme(results: Results) -> str:
    """The table of the first setting, and how to read it."""
    return (
        f"{table(results, results['settings'][0])}\n\n"
        "Medians over interleaved rounds; “–”: the library has no such layer. Other threads and dtypes, quartiles, "
        "memory\nand cost against size: [results](docs/benchmarks.md).\n"
        f"{footnote(results['machine'], 'python -m benchmarks')}"
    )


def between(page: str, name: str, text: str) -> str:
    """A page with this text between its marks of that name. Raises ReadmeError where there are none."""
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    before, found, rest = page.partition(start)
    _, also, after = rest.partition(end)
    if not (found and also):
        raise ReadmeError(f"a page needs the lines {start} and {end}, in this order, around what is made")
    return f"{before}{start}\n{text}\n{end}{after}"


def put(path: Path, name: str, text: str) -> None:
    """Write a text between a page's marks of that name."""
    path.write_text(between(path.read_text("utf-8"), name, text), "utf-8")


def with_table(readme: str, results: Results) -> str:
    """The README's text with the table between its markers."""
    return between(readme, "benchmarks", for_readme(results))
