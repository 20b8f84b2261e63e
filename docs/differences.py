"""The table of docs/differences.md: the rows of differences_data.py, their lines run here, in PyTorch and in NumPy.

`python docs/differences.py` writes it, `--check` exits with 1 where it is out of date. Without PyTorch its column
stays as it is. A line is code in the library's namespace; what is shown is its last expression, or the error that it
is.
"""

from __future__ import annotations

import ast
import builtins
import copy
import importlib
import inspect
import io
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from differences_data import THEMES, Difference  # noqa: E402

import autograd_lite as al  # noqa: E402

PAGE = ROOT / "docs" / "differences.md"
START, END = "<!-- table:start -->\n", "<!-- table:end -->"
ABSENT = "–"
LINES = tuple(line for rows in THEMES.values() for row in rows for line in row.lines)


def namespace(lib: Any) -> dict[str, Any]:
    """The names that a line may use: Python's classes, and the library's; NumPy's array is its tensor."""
    classes = {name for name, thing in vars(builtins).items() if isinstance(thing, type)}
    names = {name: getattr(lib, name) for name in dir(lib) if not name.startswith("_") and name not in classes}
    besides = {"np": np, "copy": copy, "inspect": inspect, "io": io, "inf": np.inf, "nan": np.nan}
    return {**names, **besides, "tensor": np.array if lib is np else lib.tensor}


def given(line: str, lib: Any) -> str:
    """What a line gives in a library: a value, the name of an error, or a dash where NumPy has no such thing."""
    *statements, last = ast.parse(line).body
    assert isinstance(last, ast.Expr)
    names = namespace(lib)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(ast.Module(statements, []), "<line>", "exec"), names)
            value = eval(compile(ast.Expression(last.value), "<line>", "eval"), names)
    except Exception as error:
        absent = isinstance(error, NameError | AttributeError) or "keyword" in str(error)
        return ABSENT if absent and lib is np else type(error).__name__
    return code(shown(value))


def shown(value: Any) -> str:
    """A value on one line, without what says that it is recorded; the same in all versions of the libraries."""
    text = " ".join(str(value).split()) if isinstance(value, np.dtype) else " ".join(repr(value).split())
    text = re.sub(r", (grad_fn|dtype|requires_grad)=[^,)]*(?=[,)])|torch\.return_types\.", "", text)
    text = re.sub(r"torch\.Size\(\[(\d+)\]\)", r"(\1,)", text)
    return re.sub(r"torch\.Size\(\[(.*)\]\)", r"(\1)", text).replace("\\n", " ")


def code(text: str) -> str:
    """Code in a cell of a table, a line under the other."""
    lines = (line.replace("|", "\\|") for line in text.split("\n"))
    return "<br>".join(f"{'&nbsp;' * (len(line) - len(line.lstrip()))}`{line.strip()}`" for line in lines)


def row(difference: Difference, there: Callable[[str], str]) -> Iterator[str]:
    """The rows of one difference: what it is, then what each line gives; `there` gives PyTorch's cell of a line."""
    text = difference.subject + (f" – {difference.why}" if difference.why else "")
    if difference.told:
        yield f"| {text} | {' | '.join(difference.told)} |"
    for line in difference.lines:
        what = f"{text}<br>{code(line)}" if line is difference.lines[0] else code(line)
        yield f"| {what} | {given(line, al)} | {there(line)} | {given(line, np)} |"


def table(there: Callable[[str], str], version: str) -> str:
    """The whole table; `version` is PyTorch's."""
    heads = [f"{theme} | here | PyTorch | NumPy".split(" | ") for theme in THEMES]
    heads[0][2] += f" {version}"
    rows: list[str] = []
    for head, differences in zip(heads, THEMES.values(), strict=True):
        rows.append(f"| {' | '.join(f'**{cell}**' if rows else cell for cell in head)} |")
        rows += [] if rows[1:] else ["|---|---|---|---|"]
        rows += (line for difference in differences for line in row(difference, there))
    return "\n".join(rows) + "\n"


def fresh(torch: Any) -> str:
    """The page with its table made anew; without PyTorch, which is None then, its column is the page's."""
    before, start, rest = PAGE.read_text("utf-8").partition(START)
    old, end, after = rest.partition(END)
    if not (start and end):
        raise SystemExit(f"{PAGE.name} has no place for the table: {START.strip()} and {END}")
    cells = [line.strip("| ").split(" | ") for line in old.splitlines() if line.count(" | ") == 3]

    def kept(line: str) -> str:
        ends = code(line), f"<br>{code(line)}"
        return next((there for what, _, there, _ in cells if what == ends[0] or what.endswith(ends[1])), "not run")

    if torch is None:
        made = table(kept, version(old))
    else:
        made = table(lambda line: given(line, torch), torch.__version__.partition("+")[0])
    return before + START + made + END + after


def version(table: str) -> str:
    """The version of PyTorch that a table is of."""
    found = re.search(r"PyTorch ([\d.]+) ", table)
    return found[1] if found else ""


def main() -> int:
    """Write, or with --check compare."""
    text = fresh(installed())
    stale = text != PAGE.read_text("utf-8")
    if stale and "--check" in sys.argv[1:]:
        print(f"{PAGE.relative_to(ROOT)} is out of date: python docs/differences.py")
        return 1
    if stale:
        PAGE.write_text(text, "utf-8")
        print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def installed() -> Any:
    """PyTorch, or None."""
    try:
        return importlib.import_module("torch")
    except ModuleNotFoundError:
        return None


if __name__ == "__main__":
    sys.exit(main())
