"""docs/benchmarks.md with its plots, and the table in README.md: written from the results, and compared with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from .libraries import HAND, PEERS
from .problems import ROWS
from .report import Results, counted, footnote, markdown, table, with_table
from .sizes import FAMILIES, OVERHEAD

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
README = ROOT / "README.md"
PAGE = ROOT / "docs" / "benchmarks.md"
PLOTS = ROOT / "docs" / "benchmarks"
RESULTS, SIZES, PROFILE = (HERE / f"{name}.json" for name in ("results", "sizes", "profile"))
NUMBERS = {"numpy": "NumPy", "numba": "Numba"}


def amount(size: float) -> str:
    """Bytes with a unit."""
    unit, factor = next((u, f) for u, f in (("MB", 1e6), ("kB", 1e3), ("B", 1)) if size >= f or f == 1)
    number = size / factor
    return f"{number:.3g} {unit}" if number < 1000 else f"{number:,.0f} {unit}"


def left_out(results: Results) -> Iterator[str]:
    """Why something is missing, once for each row and library."""
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for setting in results["settings"]:
        for row in ROWS:
            for name, timing in setting["rows"].get(row.name, {}).items():
                if len(timing.get("left_out", "")) > 1:
                    where = f"{setting['dtype']}, {counted(setting['threads'])}"
                    reasons.setdefault((row.title, name, timing["left_out"]), []).append(where)
    for (title, name, reason), settings in reasons.items():
        yield f"- {title}, {name}: {reason} ({'; '.join(settings)})."


def memory_table(results: Results) -> str:
    """Peak memory by row and library."""
    measured = results["settings"][0]["rows"]
    names = [n.name for n in (HAND, *PEERS) if any("bytes" in timings.get(n.name, {}) for timings in measured.values())]
    lines = [["peak memory of a step", *names]]
    for row in ROWS:
        if timings := measured.get(row.name):
            peaks = (timings.get(name, {}).get("bytes") for name in names)
            lines.append([row.title, *("–" if peak is None else amount(peak) for peak in peaks)])
    return markdown(lines)


def per_op(sizes: Results, family: str) -> dict[str, float]:
    """Microseconds of one more op, forward and backward, by library: the slope from the smallest graph."""
    points = [p for p in sizes["points"] if p["family"] == family]
    least = min(p["size"] for p in points)
    times = {(p["library"], p["size"]): p["microseconds"] for p in points}
    names = dict.fromkeys(p["library"] for p in points)
    return {
        name: (times[name, OVERHEAD] - times[name, least]) / (OVERHEAD - least)
        for name in names
        if (name, OVERHEAD) in times
    }


def overhead_table(sizes: Results) -> str:
    """What one op costs, by library."""
    costs = {family.axis: per_op(sizes, family.name) for family in FAMILIES if family.of_ops}
    names = list(dict.fromkeys(name for cost in costs.values() for name in cost))
    lines = [["µs an op, forward and backward", *names]]
    for title, cost in costs.items():
        lines.append([title, *(f"{cost[name]:.3g}" if name in cost else "–" for name in names)])
    return markdown(lines)


def compile_table(sizes: Results) -> str:
    """Seconds of the first call, by the number of ops."""
    found = {(p["backend"], p["found"], p["ops"]): p["seconds"] for p in sizes["compile"]}
    ops = sorted({n for _, _, n in found})
    lines = [["seconds of the first call", *(f"{n:,} ops" for n in ops)]]
    for backend, warmth in dict.fromkeys((backend, warmth) for backend, warmth, _ in found):
        name = NUMBERS[backend] + (f", {warmth} cache" if backend == "numba" else "")
        cells = (found.get((backend, warmth, n)) for n in ops)
        lines.append([name, *(f"{seconds:.2g}" if seconds is not None else "–" for seconds in cells)])
    return markdown(lines)


def profile_table(profile: Results) -> str:
    """What compiled steps spend their time on."""
    rows = {row.title: dict(profile["rows"][row.name]) for row in ROWS if row.name in profile["rows"]}
    lines = [["compiled step", "µs", *(kind for kind in next(iter(rows.values())) if kind != "microseconds")]]
    for title, shares in rows.items():
        whole = shares.pop("microseconds")
        lines.append(
            [title, f"{whole:,.3g}" if whole < 1000 else f"{whole:,.0f}", *(f"{s:.0%}" for s in shares.values())]
        )
    return markdown(lines)


def sizes_text(sizes: Results) -> str:
    """Overhead and the time to compile."""
    return f"{overhead_table(sizes)}\n\n{compile_table(sizes)}"


STEPS = """# Benchmark results

How they are measured, and what each library is given to compute: [benchmarks](../benchmarks/README.md).

![One training step by row and library](benchmarks/ratios.svg)

## One training step

Times relative to the hand-written NumPy of the same network, which has ratio 1: medians over interleaved rounds, with
quartiles. “GEMMs alone” are the hand-written step's matrix products into arrays that are kept, and nothing else. Where
a library has no layer of its own for a row there is a dash.
"""
MEMORY = """## Memory

The peak of a step besides weights and examples, float64: what is kept from step to step, buffers included, and what
comes and goes. NumPy tells `tracemalloc` of its arrays; of PyTorch it is what its profiler sees allocated. JAX does not
tell.
"""
SPENT = """## What a compiled step spends its time on

One thread, float64, NumPy, in a process of its own: the lines of the program with a clock between them, by kind, which
counts in the small ones. What is no matrix product is, in small networks, what a call of NumPy costs whatever the
array, and in large ones memory that is read and written. “Guards and result” is what a call looks at before the program
runs, and the copy that it returns.
"""
COSTS = """## Cost against size

One thread, float64. By width and batch: two linear layers with relu between, as wide as their input, squared error. By
ops: a vector of 16 numbers through a chain of ops, where what counts is the overhead of each.

![Time of a step by width, batch and number of ops](benchmarks/time.svg)

![Peak memory of a step by width, batch and number of ops](benchmarks/memory.svg)

What one op more costs is the slope between the smallest graph and one of {ops} ops; hand-written is NumPy itself.
"""
COMPILING = """## Time to compile

The first call of a compiled step, its run included: tanh, multiply, add and matmul in turn. Numba compiles with an
empty disk cache, and then, in another process, with what it left there.

![Time to compile by number of ops](benchmarks/compile.svg)
"""


def text(results: Results, sizes: Results, profile: Results) -> str:
    """The page."""
    parts = [STEPS]
    parts += [table(results, setting, quartiles=True) + "\n" for setting in results["settings"]]
    parts += ["\n".join(reasons) + "\n"] if (reasons := list(left_out(results))) else []
    parts += [footnote(results["machine"], "python -m benchmarks") + "\n", MEMORY, memory_table(results) + "\n"]
    parts += [SPENT, profile_table(profile) + "\n", footnote(profile["machine"], "python -m benchmarks profile") + "\n"]
    parts += [COSTS.format(ops=OVERHEAD), overhead_table(sizes) + "\n"]
    parts += [COMPILING, compile_table(sizes) + "\n"]
    parts += [footnote(sizes["machine"], "python -m benchmarks sizes") + "\n"]
    return "\n".join(parts)


def read() -> tuple[Results, Results, Results]:
    """The latest results."""
    results, sizes, profile = (json.loads(path.read_text(encoding="utf-8")) for path in (RESULTS, SIZES, PROFILE))
    return results, sizes, profile


def is_current() -> bool:
    """Whether README.md and the page show the latest results."""
    results, sizes, profile = read()
    readme = README.read_text(encoding="utf-8")
    shown = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    return with_table(readme, results) == readme and text(results, sizes, profile) == shown


def update() -> None:
    """Write the README's table, the page and its plots."""
    from . import plots

    results, sizes, profile = read()
    readme = with_table(README.read_text(encoding="utf-8"), results)
    PLOTS.mkdir(exist_ok=True)
    for name, picture in plots.all_of(results, sizes).items():
        (PLOTS / f"{name}.svg").write_text(picture, encoding="utf-8")
    README.write_text(readme, encoding="utf-8")
    PAGE.write_text(text(results, sizes, profile), encoding="utf-8")
