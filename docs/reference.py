"""The pages of the reference, docs/api/*.md, from the public names: a page a theme, a section a module that has some.

Written anew at each build of the site, so that it holds what there is.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import autograd_lite as al

# Title, and the modules whose names are told there, in this order; a module takes its parts along
THEMES = {
    "tensors": (
        "Tensors and graphs",
        ["core", "creation", "sampling", "random", "modes", "autograd", "graph", "sparse"],
    ),
    "ops": ("Ops", ["ops", "linalg", "special"]),
    "nn": ("Modules", ["nn"]),
    "functional": ("Functions of layers and losses", ["nn.functional"]),
    "init": ("Initial values, and what is done to parameters", ["nn.init", "nn.utils"]),
    "optim": ("Optimizers and schedules", ["optim"]),
    "func": ("Functional transforms", ["func"]),
    "distributed": ("Training on several processes", ["distributed"]),
    "data": ("Data and files", ["utils", "data", "saving", "onnx"]),
    "check": ("Checking, and finding mistakes", ["check", "anomaly", "aids"]),
    "draw": ("Drawing", ["draw"]),
    "derive": ("Deriving and compiling", ["derive", "compiler"]),
}


def modules() -> list[ModuleType]:
    """The package's modules that say what is public in them."""
    found = [al]
    for info in pkgutil.walk_packages(al.__path__, "autograd_lite."):
        if any(part.startswith("_") for part in info.name.split(".")):
            continue
        module = importlib.import_module(info.name)
        if hasattr(module, "__all__") or info.name.startswith("autograd_lite.nn.init"):
            found.append(module)
    return found


def public(module: ModuleType) -> list[str]:
    """The names of a module, without submodules and NumPy's dtypes."""
    names = getattr(module, "__all__", None) or [n for n in vars(module) if n.endswith("_") and n[0] != "_"]
    things = ((name, getattr(module, name)) for name in names)
    return sorted(
        {n for n, t in things if not inspect.ismodule(t) and not (isinstance(t, type) and issubclass(t, np.generic))},
        key=str.lower,
    )


@dataclass
class Entry:
    """A public thing: the module that defines it, and its other names."""

    thing: Any
    where: str
    also: list[str] = field(default_factory=list)


def paths() -> dict[str, Entry]:
    """Every public thing by the shortest path to it; its other paths are told there."""
    found: dict[str, Entry] = {}
    seen: dict[int, Entry] = {}
    for module in sorted(modules(), key=lambda m: (m.__name__.count("."), m.__name__)):
        if module.__name__.startswith(("autograd_lite.ops", "autograd_lite.draw.")) or module.__name__.count(".") > 2:
            continue  # what of these is public is so elsewhere
        for name in public(module):
            thing, path = getattr(module, name), f"{module.__name__}.{name}"
            if id(thing) in seen:
                seen[id(thing)].also.append(path.replace("autograd_lite", "al", 1))
            else:
                seen[id(thing)] = found[path] = Entry(thing, home(thing, module))
    return found


def home(thing: Any, module: ModuleType) -> str:
    """The module that defines a thing."""
    for ops in modules():
        if ops.__name__.startswith("autograd_lite.ops.") and any(getattr(ops, n) is thing for n in ops.__all__):
            return ops.__name__
    made_in = getattr(thing, "__module__", None) or ""
    return made_in if made_in.startswith("autograd_lite") else module.__name__


def top_of(where: str) -> tuple[str, int]:
    """The theme that a module belongs to, and its place there; what no theme has is among the tensors."""
    path = f"{where.partition('.')[2]}."
    tops = ((top, key, k) for key, (_, listed) in THEMES.items() for k, top in enumerate(listed))
    found = [(len(top), key, k) for top, key, k in tops if path.startswith(f"{top}.")]
    _, key, place = max(found, default=(0, "tensors", 0))
    return key, place


def title(where: str) -> str:
    """What the module's docstring says it is."""
    text = (importlib.import_module(where).__doc__ or where).strip().split("\n\n")[0]
    return re.split(r"(?<=[.:;])\s", " ".join(text.split()))[0].rstrip(".:;")


def directive(path: str, entry: Entry) -> Iterator[str]:
    """The directive for one name."""
    thing = entry.thing
    yield ""
    if isinstance(thing, type):
        yield f".. autoclass:: {path}"
        if thing is not al.Tensor:
            yield "   :members:\n   :exclude-members: extra_repr"
    elif callable(thing):
        yield f".. autofunction:: {path}"
    else:
        yield f".. autodata:: {path}\n   :no-value:"
    if entry.also:
        yield from ("", "   Also " + ", ".join(f"`{name}`" for name in sorted(entry.also)) + ".")


def page(key: str, members: dict[str, Entry]) -> str:
    """One theme: its modules in the order of the table above, each with its names."""
    lines = [f"# {THEMES[key][0]}", ""]
    for where in sorted({entry.where for entry in members.values()}, key=lambda where: (top_of(where), where)):
        lines += [f"## {title(where)}", "", "```{eval-rst}"]
        for path, entry in members.items():
            if entry.where == where:
                lines += directive(path, entry)
        lines += ["```", ""]
        if where == al.Tensor.__module__:
            lines += methods()
    return "\n".join(lines)


def methods() -> Iterator[str]:
    """The members of Tensor: those that are ops point there, the others say what they do."""
    known = {id(entry.thing): path for path, entry in paths().items()}
    yield from ("## Members of Tensor", "", "Operators, indexing, and:", "", "| member | |", "|---|---|")
    for name in sorted(n for n in dir(al.Tensor) if n[0] != "_"):
        member = inspect.getattr_static(al.Tensor, name)
        path = known.get(id(member))
        text = sentence(member) if path is None else f"[`{path.replace('autograd_lite', 'al', 1)}`](#{path})"
        yield f"| `{name}` | {text} |"
    yield ""


def sentence(thing: Any) -> str:
    """The first sentence of a docstring, for a table."""
    text = " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.:]) (?=[A-Z])", text)[0].rstrip(":").replace("|", "\\|")


def write(folder: Path) -> None:
    """All pages, and their index; files that are as they should be are left alone."""
    folder.mkdir(exist_ok=True)
    themes: dict[str, dict[str, Entry]] = {key: {} for key in THEMES}
    for path, entry in paths().items():
        themes[top_of(entry.where)[0]][path] = entry
    texts = {f"{key}.md": page(key, members) for key, members in themes.items() if members}
    listed = "\n".join(name.removesuffix(".md") for name in texts)
    head = "# Reference\n\nEvery public name, by theme; `al` is `autograd_lite`.\n\n"
    texts["index.md"] = f"{head}```{{toctree}}\n:maxdepth: 2\n\n{listed}\n```\n"
    for old in set(folder.glob("*.md")) - {folder / name for name in texts}:
        old.unlink()
    for name, text in texts.items():
        if not (folder / name).exists() or (folder / name).read_text("utf-8") != text:
            (folder / name).write_text(text, "utf-8")


# Docstrings


def as_text(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Docstrings as they are read in a terminal: code in backticks, examples, indented blocks; no other markup."""
    made: list[str] = []
    code = False
    for line in lines:
        starts = line.lstrip().startswith(">>>")
        if starts and not code and made and made[-1].strip():
            made.append("")
        code = starts or (code and bool(line.strip()))
        made.append(line if code else safe(line))
    lines[:] = [*_blocks(made), ""]


def safe(line: str) -> str:
    """A line of prose, with everything escaped that reStructuredText would take for markup."""
    pieces = re.split(r"(`[^`]+`)", line)
    return "".join(f"`{piece}`" if k % 2 else re.sub(r"([\\*|_`])", r"\\\1", piece) for k, piece in enumerate(pieces))


def _blocks(lines: list[str]) -> Iterator[str]:
    """With the indented blocks after a blank line as literal ones."""
    blank, inside = True, False
    for line in lines:
        indented = line.startswith("    ") and not line.lstrip().startswith((">>>", "-", "*"))
        if indented and blank and not inside:
            inside = True
            yield from ("::", "")
        elif line.strip() and not indented:
            inside = False
        yield re.sub(r"\\([\\*|_`])", r"\1", line).replace("``", "`") if inside else line
        blank = not line.strip()
