"""What was measured, and on what: JSON, a Markdown table, and its place in README.md."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from .libraries import HAND, PEERS
from .problems import ROWS

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
RESULTS = Path(__file__).resolve().parent / "results.json"
START, END = "<!-- benchmarks:start -->", "<!-- benchmarks:end -->"
COMMAND = "python -m benchmarks"

Results = dict[str, Any]


class ReadmeError(Exception):
    """README.md has no place for the table."""


def cpu_model() -> str:
    """The processor's name, as far as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "") or platform.processor() or platform.machine()


def machine(threads: int) -> dict[str, Any]:
    """The facts that a timing depends on."""
    config: Any = np.show_config(mode="dicts")
    blas = config["Build Dependencies"]["blas"]
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "system": platform.system(),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "threads": threads,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".strip(),
        "versions": {library.name: library.version() for library in PEERS},
    }


def cell(rows: dict[str, Any], name: str) -> str:
    """The ratio with its quartiles, or why there is none."""
    if name not in rows:
        return "not installed"
    timing = rows[name]
    return f"{timing['ratio']:.3g} ({timing['lower']:.3g}–{timing['upper']:.3g})"


def table(results: Results) -> str:
    """The ratios as a Markdown table, with the machine below it."""
    facts = results["machine"]
    versions = {name: (version or "").split("+")[0] for name, version in facts["versions"].items()}
    columns = [f"{library.name} {versions.get(library.name, '')}".strip() for library in PEERS]
    head = ["one training step", f"{HAND.name} NumPy", *columns]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for row in ROWS:
        if (timings := results["rows"].get(row.name)) is not None:
            unit = f"{timings[HAND.name]['microseconds']:,.0f} µs"
            lines.append([row.title, unit, *(cell(timings, library.name) for library in PEERS)])
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{body}\n\n{footnote(facts)}"


def footnote(facts: dict[str, Any]) -> str:
    """How to read the table, and where it was measured."""
    threads = f"{facts['threads']} thread" + "s" * (facts["threads"] != 1)
    return (
        "Times relative to the hand-written step: medians, with quartiles, over interleaved rounds; float64, "
        f"{threads}.\n{facts['cpu']} ({facts['cores']} cores), Python {facts['python']}, "
        f"NumPy {facts['numpy']} with {facts['blas']}, {facts['date']}. Measured by `{COMMAND}`."
    )


def with_table(readme: str, results: Results) -> str:
    """The README's text with the table between its markers."""
    before, start, rest = readme.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ReadmeError(f"README.md needs the lines {START} and {END}, in this order, around the table")
    return f"{before}{start}\n{table(results)}\n{end}{after}"


def is_current(readme: str, results: Results) -> bool:
    """Whether the README shows these results."""
    return with_table(readme, results) == readme
