"""`python -m benchmarks`: measure the table, or cost against size, and write the pages that show them."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

# Nothing here may import NumPy before the threads are set: its BLAS reads them once, when it is loaded.
POOLS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS")
DTYPES = ("float64", "float32")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    parse = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    what = ("rows", "sizes", "profile")
    parse.add_argument("what", nargs="?", choices=what, default="rows", help="what to measure")
    parse.add_argument("--rows", nargs="+", metavar="ROW", help="only these rows, by name (default: all)")
    parse.add_argument("--quick", action="store_true", help="small and few: does it run, not how fast")
    parse.add_argument("--threads", type=int, nargs="+", default=[1, 2], metavar="N", help="threads (default: 1 2)")
    parse.add_argument("--dtypes", nargs="+", choices=DTYPES, default=DTYPES, help="dtypes (default: both)")
    parse.add_argument(
        "-o",
        "--output",
        type=Path,
        help="where to write JSON (default, for a full run: results.json, sizes.json or profile.json in benchmarks/)",
    )
    pages = parse.add_mutually_exclusive_group()
    pages.add_argument("--update-readme", action="store_true", help="write README's table, docs/benchmarks.md, plots")
    pages.add_argument("--check-readme", action="store_true", help="exit with 1 if README or page show other results")
    return parse


def apart(threads: int, work: Callable[..., Any], *args: Any) -> Any:
    """What `work` returns, in a process of its own with so many threads: no heap and no caches are inherited.

    Raises what it raises.
    """
    os.environ.update(dict.fromkeys(POOLS, str(threads)))
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # no processes that stay beside what is timed
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false" if threads == 1 else ""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *args).result()


def attempt(what: str, threads: int, work: Callable[..., Any], *args: Any) -> Any:
    """What `work` returns, or None where it failed, which is said."""
    from .libraries import DisagreementError

    print(f"{what} ...", end=" ", flush=True, file=sys.stderr)
    try:
        found = apart(threads, work, *args)
    except DisagreementError as error:
        print(f"not measured: {error}", file=sys.stderr)
    except Exception:
        print("failed", file=sys.stderr)
        traceback.print_exc()
    else:
        print("done", file=sys.stderr)
        return found
    return None


def measure_rows(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """Each row in each setting, the first with its memory; whether all of them could be measured."""
    from . import timing
    from .problems import ROWS
    from .report import machine

    rows = [row for row in ROWS if options.rows is None or row.name in options.rows]
    settings: list[dict[str, Any]] = []
    complete = True
    for threads, dtype in [(t, d) for t in options.threads for d in options.dtypes][: 1 if options.quick else None]:
        first = not settings
        effort = timing.QUICK if options.quick else timing.FULL if first else timing.BRIEF
        setting, found = timing.Setting(threads, dtype), {}
        for row in rows:
            what = f"{row.name}, {dtype}, threads {threads}"
            if timings := attempt(what, threads, timing.measure, row, setting, effort, options.quick, first):
                found[row.name] = timings
        settings.append({"threads": threads, "dtype": dtype, "rows": found})
        complete = complete and len(found) == len(rows)
    return {"machine": machine(), "settings": settings}, complete


def measure_sizes(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """Each size of each family, and the time to compile; whether all of them could be measured."""
    from . import sizes
    from .report import machine

    points = [attempt(title, 1, work, *args) for title, work, args in sizes.points(options.quick)]
    compiles = [attempt(title, 1, work, *args) for title, work, args in sizes.compiles(options.quick)]
    found = {"points": [p for found in points if found for p in found], "compile": [p for p in compiles if p]}
    return {"machine": machine(), **found}, None not in (*points, *compiles)


def measure_profile(options: argparse.Namespace) -> tuple[dict[str, Any], bool]:
    """What the compiled step of each row spends its time on; whether all could be measured."""
    from . import profile
    from .problems import ROWS
    from .report import machine

    names = options.rows or [row.name for row in ROWS if row.name != "lstm-layer"]
    found = {row.name: attempt(row.name, 1, profile.measure, row) for row in ROWS if row.name in names}
    return {"machine": machine(), "rows": found}, None not in found.values()


def run(options: argparse.Namespace) -> int:
    """Measure, print, write."""
    from .page import PROFILE, RESULTS, SIZES, profile_table, sizes_text
    from .problems import ROWS
    from .report import table

    known = [row.name for row in ROWS]
    if unknown := sorted(set(options.rows or known) - set(known)):
        print(f"no row called {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    if options.what == "rows":
        results, complete = measure_rows(options)
        print(*(table(results, setting) for setting in results["settings"]), sep="\n\n")
    elif options.what == "sizes":
        results, complete = measure_sizes(options)
        print(sizes_text(results))
    else:
        results, complete = measure_profile(options)
        print(profile_table(results))
    whole = complete and not options.quick and options.rows is None and len(options.threads) * len(options.dtypes) >= 4
    output = options.output or ({"rows": RESULTS, "sizes": SIZES, "profile": PROFILE}[options.what] if whole else None)
    if output is not None:
        output.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"\nwritten to {output}", file=sys.stderr)
    return 0 if complete else 1


def pages(options: argparse.Namespace) -> int:
    """Write the pages, or check them."""
    from . import page
    from .report import ReadmeError

    try:
        if options.check_readme:
            current = page.is_current()
            print("up to date" if current else "README.md or docs/benchmarks.md is not: use --update-readme")
            return 0 if current else 1
        page.update()
    except (FileNotFoundError, ReadmeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def main() -> int:
    """Do what was asked."""
    options = parser().parse_args()
    if min(options.threads) < 1:
        parser().error("--threads must be at least 1")
    return pages(options) if options.update_readme or options.check_readme else run(options)


if __name__ == "__main__":
    sys.exit(main())
