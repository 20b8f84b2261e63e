"""Every public name that PyTorch has too, held against PyTorch: docs/compatibility.md.

`python docs/compatibility.py` writes the page, `--check` exits with 1 where it is out of date or where a name is
different in a way that docs/differences.md does not have. It needs PyTorch. Every verdict is computed: signatures by
introspection, the rest from calls on random inputs in float64 and float32 (`compat_calls.py`, `compat_modules.py`).
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

import compat_calls as calls  # noqa: E402
import compat_modules as modules  # noqa: E402
import compat_signatures as signatures  # noqa: E402
from compat_compare import Call, Outcome, judge  # noqa: E402

import autograd_lite as al  # noqa: E402

PAGE = ROOT / "docs" / "compatibility.md"
DIFFERENCES = ROOT / "docs" / "differences.md"
# Where names are looked for, by their path in both libraries, and the calls that are made of them
SPACES: dict[str, dict[str, list[Call]]] = {
    "": calls.CALLS,
    "Tensor": calls.METHODS,
    "nn.functional": modules.FUNCTIONAL,
    "linalg": calls.LINALG,
    "special": {},
    "nn": modules.MODULES,
    "nn.init": modules.INIT,
    "nn.utils": modules.UTILS,
    "optim": modules.OPTIMIZERS,
    "optim.lr_scheduler": modules.SCHEDULES,
    "utils.data": modules.DATA,
    "autograd": modules.AUTOGRAD,
    "func": modules.FUNC,
}
BORROWING = "", "Tensor", "nn.functional", "linalg", "special"  # these have calls of functions of the same name


@dataclass(frozen=True)
class Row:
    """A name, and what was found of it."""

    space: str
    name: str
    signature: signatures.Verdict
    outcome: Outcome | None

    @property
    def path(self) -> str:
        """The name as PyTorch's users write it, without `torch`."""
        return f"{self.space}.{self.name}".lstrip(".")

    @property
    def differs(self) -> bool:
        """Whether something other than the name of a parameter is not the same."""
        return self.signature.level == "differs" or (self.outcome is not None and not self.outcome.agrees)


def found(lib: Any, path: str) -> Any:
    """What a path leads to in a library; None where it leads nowhere."""
    for part in filter(None, path.split(".")):
        lib = getattr(lib, part, None)
    return lib


def names(torch: Any, space: str) -> Iterator[str]:
    """The public names of ours in a space that PyTorch has there, too."""
    ours, theirs = found(al, space), found(torch, space)
    if ours is None or theirs is None:
        return
    for name in sorted(set(getattr(ours, "__all__", None) or dir(ours))):
        mine, other = getattr(ours, name, None), getattr(theirs, name, None)
        if name.startswith("_") or other is None or inspect.ismodule(mine) or inspect.ismodule(other):
            continue
        kind_of_numpy = isinstance(mine, type) and issubclass(mine, np.generic)
        foreign = not space and isinstance(mine, type)  # classes of the package itself: Tensor has a table of its own
        imported = inspect.ismodule(ours) and not hasattr(ours, "__all__") and mine.__module__ != ours.__name__
        if not (kind_of_numpy or foreign or imported or (not space and removed(other))):
            yield name


def absent(torch: Any) -> dict[str, list[str]]:
    """By space, the public names of PyTorch that are not here: functions and classes that are defined for it."""
    missing = {}
    for space in filter(None, SPACES):
        ours, theirs = found(al, space), found(torch, space)
        if ours is None or theirs is None or inspect.isclass(theirs):
            continue
        given = getattr(theirs, "__all__", None) or dir(theirs)
        named = [n for n in given if not n.startswith("_") and not hasattr(ours, n) and _own(getattr(theirs, n, None))]
        if named:
            missing[space] = sorted(named)
    return missing


HOMES = ("torch.nn", "torch.optim", "torch.utils.data", "torch.autograd", "torch._functorch", "torch._C", "torch.func")


def _own(thing: Any) -> bool:
    home = getattr(thing, "__module__", None) or ""
    old = "is now deprecated" in (getattr(thing, "__doc__", None) or "")  # the names of nn.init without an underscore
    return callable(thing) and not old and not removed(thing) and home.startswith((*HOMES, "torch.linalg"))


def removed(thing: Any) -> bool:
    """Whether a name of PyTorch's is no public function: undocumented, left over to say so, or a control-flow op."""
    home = getattr(thing, "__module__", None) or ""
    return not thing.__doc__ or home.startswith(("torch._linalg_utils", "torch._higher_order_ops"))


def calls_of(space: str, name: str) -> list[Call]:
    """The calls that a name is compared on: its own, or those of the function whose method or twin it is."""
    own = SPACES[space].get(name)
    if own is not None or space not in BORROWING:
        return own or []
    plain = calls.CALLS.get(name) or modules.FUNCTIONAL.get(name) or calls.LINALG.get(name)
    if plain is None and name.endswith("_"):
        plain = [Call(c.args, c.kwargs, "written") for c in calls_of(space, name[:-1]) if of_tensor(c)]
    return [c for c in plain or [] if space != "Tensor" or of_tensor(c) or c.kind != "values"]


def of_tensor(call: Call) -> bool:
    """Whether a call of a function is one of a method: its first argument is a tensor."""
    return bool(call.args) and hasattr(call.args[0], "make") and call.kind == "values"


def find(space: str, name: str) -> Any:
    """From a library's namespace to the function; attributes of Tensor are read by one."""

    def of(lib: Any) -> Any:
        thing = getattr(found(lib, space), name)
        if space == "Tensor" and not callable(thing):
            return lambda x: getattr(x, name)
        return thing

    return of


def judged(torch: Any, space: str, name: str) -> Row:
    """A name compared."""
    ours, theirs = getattr(found(al, space), name), getattr(found(torch, space), name)
    kind = {"": "torch"}.get(space, space)
    if callable(ours) and callable(theirs):
        verdict = signatures.compare(ours, signatures.theirs(kind, name, theirs), space == "Tensor")
    else:
        verdict = signatures.Verdict("not given", "an attribute")
    made = calls_of(space, name)
    outcome = judge(torch, find(space, name), made, f"{space}.{name}") if made else None
    return Row(space, name, verdict, outcome)


def rows(torch: Any, only: str = "") -> list[Row]:
    """All names, or those whose path has `only` in it."""
    torch.set_num_threads(1)
    return [
        judged(torch, space, name)
        for space in SPACES
        for name in names(torch, space)
        if only in f"{space}.{name}".lstrip(".")
    ]


# The page


def explained(row: Row, text: str) -> bool:
    """Whether the page of differences names it, or its function if it is a module."""
    named = {word.lower().replace("_", "") for word in re.findall(r"`(?:\w+\.)*(\w+)[`(]", text)}
    return row.name.lower().replace("_", "") in named


def _cells(row: Row) -> str:
    o = row.outcome
    judged = (o.values, o.first, o.second) if o else ("not compared", "", "")
    lacks = ", ".join(f"`{n}`" for n in row.signature.lacks)
    cells = [f"`{row.path}`", row.signature.text, lacks, *judged]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def page(found_rows: list[Row], version: str, missing: dict[str, list[str]]) -> str:
    """The page: how it is made, what is counted, a table for each space, what was not compared, what is not here."""
    compared = [r for r in found_rows if r.outcome is not None]
    agreeing = sum(not r.differs for r in compared)
    different = [r for r in found_rows if r.differs]
    same = sum(r.signature.level == "same" for r in found_rows)
    named = sum(r.signature.level == "names" for r in found_rows)
    told = sum(r.signature.level != "not given" for r in found_rows)
    lines = [INTRODUCTION.format(version=version).rstrip(), "", "| | names |", "|---|---:|"]
    counted = {
        "of PyTorch that are here": len(found_rows),
        "compared by calls": len(compared),
        "of these, nothing different but parameters' names": agreeing,
        "with first gradients that agree": sum(r.outcome.first == "agree" for r in compared if r.outcome),
        "with second gradients that agree": sum(r.outcome.second == "agree" for r in compared if r.outcome),
        "whose signature PyTorch tells": told,
        "same signature": same,
        "same but for parameters' names": named,
        "different in something": len(different),
    }
    lines += [f"| {what} | {count} |" for what, count in counted.items()]
    for space in SPACES:
        here = [r for r in found_rows if r.space == space and r.outcome is not None]
        if here:
            title = f"`torch.{space}`".replace(".`", "`")
            lines += ["", f"## {title}", "", "| name | signature | not here | values | gradient | second |"]
            lines += ["|---|---|---|---|---|---|", *map(_cells, here)]
    rest = [r for r in found_rows if r.outcome is None]
    if rest:
        lines += ["", "## Not compared by calls", "", "| name | signature | not here |", "|---|---|---|"]
        lines += ["| " + " | ".join(_cells(r).split(" | ")[:3]).lstrip("| ") + " |" for r in rest]
    if missing:
        lines += ["", "## Not here", "", NOT_LISTED]
        lines += ["", "| PyTorch's | names that are not here |", "|---|---|"]
        lines += [f"| `torch.{space}` | {', '.join(f'`{n}`' for n in names)} |" for space, names in missing.items()]
    return "\n".join(lines) + "\n"


NOT_LISTED = "Documented functions and classes of these spaces; `torch` and `torch.Tensor` are not gone through."

INTRODUCTION = """# Compatibility with PyTorch

Every public name here that PyTorch {version} has too. Made by `python docs/compatibility.py`, which holds each against
PyTorch on the CPU; no verdict is typed. A test makes the page anew and compares. What is different on purpose is in
[differences](differences.md).

- **signature**: order, defaults and names of the parameters that both have, by `inspect.signature`, the stubs that come
  with PyTorch, or the first line of a docstring. "`x` for `input`" is another name in the same place.
- **not here**: PyTorch's parameters that are not here.
- **values**, **gradient**, **second**: results (shape, dtype, numbers), the gradients by all inputs on a random
  cotangent, and the gradients of a random combination of these, by inputs and cotangent; on random inputs in float64
  (to 1e-8 of the largest entry: some of PyTorch's constants have single precision) and float32 (to 1e-4). "none":
  nothing to differentiate. "distribution": of random numbers shape, dtype, mean and deviation are compared. "PyTorch
  has none": PyTorch refuses that derivative.
"""


def main() -> int:
    """Write, or with --check compare; with a word show the rows of the names that have it."""
    import torch

    words = [a for a in sys.argv[1:] if not a.startswith("-")]
    made = rows(torch, *words)
    if words:
        print("\n".join(map(_cells, made)))
        return 0
    text, known = page(made, torch.__version__.partition("+")[0], absent(torch)), DIFFERENCES.read_text("utf-8")
    strange = [r for r in made if r.differs and not explained(r, known)]
    for row in strange:
        print(f"different, and not in {DIFFERENCES.name}: {_cells(row)}")
    if "--check" in sys.argv[1:]:
        stale = not PAGE.exists() or PAGE.read_text("utf-8") != text
        if stale:
            print(f"{PAGE.relative_to(ROOT)} is out of date: python docs/compatibility.py")
        return 1 if stale or strange else 0
    PAGE.write_text(text, "utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}: {len(made)} names")
    return 0


if __name__ == "__main__":
    sys.exit(main())
