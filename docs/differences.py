"""The table of docs/differences.md that is computed: lines of code run here, in PyTorch and in NumPy.

`python docs/differences.py` writes it, `--check` exits with 1 where it is out of date. It needs PyTorch. A line is
code in the library's namespace; what is shown is its last expression, or the error that it is.
"""

from __future__ import annotations

import ast
import copy
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import autograd_lite as al  # noqa: E402

PAGE = ROOT / "docs" / "differences.md"
START, END = "<!-- lines:start -->\n", "<!-- lines:end -->"
LINES = (
    "tensor([1.0]).dtype",
    "(tensor([1], dtype=int32) + 1.5).dtype",
    "(ones(2, dtype=float32) + tensor(1.0, dtype=float64)).dtype",
    "type(tensor([1.0]).data).__name__",
    "type(ones(2).shape).__name__",
    "type(exp(np.ones(1))).__name__",
    "tensor([[1.0, 2.0], [3.0, 4.0]]).dot(tensor([[0.0, 1.0], [1.0, 0.0]]))",
    "tensor([[1.0, 3.0]]).max(axis=1)",
    "ones((2, 3)).transpose().shape",
    "ones((2, 2)).sum(())",
    "tensor([5.0]).var()",
    "x = ones(2); y = x; x += 1.0; y",
    "y = tensor([1.0], requires_grad=True) * 2.0; y[0] = 3.0; y",
    "x = tensor([1.0], requires_grad=True); y = (x + 1.0).sum(); y.backward(); y.backward(); x.grad",
    "x = tensor([-1.0], requires_grad=True); relu(x).backward(tensor([inf])); x.grad",
    "x = tensor([1.0], requires_grad=True); x.grad = ones(1); copy.deepcopy(x).grad",
    "nn.functional.mse_loss(ones((2, 1)), ones(2))",
    "nn.functional.one_hot(tensor([1, 0])).dtype",
    "nn.functional.embedding(tensor([-1]), ones((3, 1)))",
    "nn.functional.softmax(tensor([[[0.0, 0.0]]]))",
)


def namespace(lib: Any) -> dict[str, Any]:
    """The names that a line may use; NumPy's array is its tensor."""
    names = {name: getattr(lib, name) for name in dir(lib) if not name.startswith("_")}
    return {**names, "tensor": np.array if lib is np else lib.tensor, "np": np, "copy": copy, "inf": float("inf")}


def given(line: str, lib: Any) -> str:
    """What a line gives in a library: a value, the name of an error, or a dash where the library has no such thing."""
    *statements, last = ast.parse(line).body
    assert isinstance(last, ast.Expr)
    names = namespace(lib)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(ast.Module(statements, []), "<line>", "exec"), names)
            value = eval(compile(ast.Expression(last.value), "<line>", "eval"), names)
    except Exception as error:
        words = (
            isinstance(error, NameError) or "keyword" in str(error) or (lib is np and isinstance(error, AttributeError))
        )
        return "–" if words and lib is np else f"{type(error).__name__}"
    return f"`{shown(value)}`"


def shown(value: Any) -> str:
    """A value on one line, without what says that it is recorded; the same in all versions of the libraries."""
    text = " ".join(str(value).split()) if isinstance(value, np.dtype) else " ".join(repr(value).split())
    text = re.sub(r", (grad_fn|dtype)=[^,)]*(?=[,)])|torch\.return_types\.", "", text)
    return re.sub(r"torch\.Size\(\[(.*)\]\)", r"(\1)", text).replace("\\n", " ").replace("|", "\\|")


def table(torch: Any) -> str:
    """A row for each line."""
    rows = ["| the line | here | PyTorch | NumPy |", "|---|---|---|---|"]
    for line in LINES:
        cells = (given(line, lib) for lib in (al, torch, np))
        rows.append(f"| `{line}` | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def fresh(torch: Any) -> str:
    """The page with its table made anew."""
    before, start, rest = PAGE.read_text("utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise SystemExit(f"{PAGE.name} has no place for the table: {START.strip()} and {END}")
    return before + START + table(torch) + END + after


def main() -> int:
    """Write, or with --check compare."""
    import torch

    text = fresh(torch)
    stale = text != PAGE.read_text("utf-8")
    if stale and "--check" in sys.argv[1:]:
        print(f"{PAGE.relative_to(ROOT)} is out of date: python docs/differences.py")
        return 1
    if stale:
        PAGE.write_text(text, "utf-8")
        print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
