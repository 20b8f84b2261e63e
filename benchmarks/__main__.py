"""`python -m benchmarks`: measure, print the table, and keep the one in README.md up to date."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from multiprocessing import get_context
from pathlib import Path
from typing import Any

# Nothing here may import NumPy before the threads are set: its BLAS reads them once, when it is loaded.
POOLS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parse = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parse.add_argument("--rows", nargs="+", metavar="ROW", help="only these rows, by name (default: all)")
    parse.add_argument("--quick", action="store_true", help="few short rounds: does it run, not how fast")
    parse.add_argument("--threads", type=int, default=1, metavar="N", help="threads for BLAS and PyTorch (default: 1)")
    parse.add_argument(
        "-o",
        "--output",
        type=Path,
        help="where to write JSON (default: benchmarks/results.json, for a full run)",
    )
    readme = parse.add_mutually_exclusive_group()
    readme.add_argument("--update-readme", action="store_true", help="put the table of results.json into README.md")
    readme.add_argument("--check-readme", action="store_true", help="exit with 1 if README.md shows another table")
    return parse


def measure_all(names: list[str], quick: bool, threads: int) -> dict[str, Any]:
    """Each row in a process of its own, so that one row's heap does not slow the next."""
    from .libraries import DisagreementError
    from .timing import FULL, QUICK, measure

    rows: dict[str, Any] = {}
    for name in names:
        print(f"{name} ...", end=" ", flush=True, file=sys.stderr)
        try:
            with get_context("spawn").Pool(1) as process:
                rows[name] = process.apply(measure, (name, QUICK if quick else FULL, threads))
        except DisagreementError as error:
            print(f"not measured: {error}", file=sys.stderr)
        except Exception:
            print("failed", file=sys.stderr)
            traceback.print_exc()
        else:
            ratios = (f"{library} {timing['ratio']:.3g}" for library, timing in rows[name].items())
            print(", ".join(ratios), file=sys.stderr)
    return rows


def run(options: argparse.Namespace) -> int:
    """Measure, print, write."""
    from .problems import ROWS
    from .report import RESULTS, machine, table

    known = [row.name for row in ROWS]
    names = options.rows or known
    if unknown := sorted(set(names) - set(known)):
        print(f"no row called {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    rows = measure_all(names, options.quick, options.threads)
    results = {"machine": machine(options.threads), "rows": rows}
    print(table(results))
    complete = set(rows) == set(known) and not options.quick
    output = options.output or (RESULTS if complete else None)
    if output is not None:
        output.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"\nwritten to {output}", file=sys.stderr)
    return 0 if len(rows) == len(set(names)) else 1


def readme(options: argparse.Namespace) -> int:
    """Update the table in README.md, or check it."""
    from .report import README, RESULTS, ReadmeError, is_current, with_table

    try:
        results = json.loads((options.output or RESULTS).read_text(encoding="utf-8"))
        text = README.read_text(encoding="utf-8")
        if options.check_readme:
            current = is_current(text, results)
            print("README.md is up to date" if current else "README.md is not: python -m benchmarks --update-readme")
            return 0 if current else 1
        README.write_text(with_table(text, results), encoding="utf-8")
    except (FileNotFoundError, ReadmeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def main() -> int:
    """Set the threads, then do what was asked."""
    options = parser().parse_args()
    if options.threads < 1:
        parser().error("--threads must be at least 1")
    os.environ.update(dict.fromkeys(POOLS, str(options.threads)))
    if options.threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return readme(options) if options.update_readme or options.check_readme else run(options)


if __name__ == "__main__":
    sys.exit(main())
