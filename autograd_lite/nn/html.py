"""A module as a table, for notebooks."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from math import prod
from typing import Any

_cell = "text-align: left; vertical-align: top; padding: 1px 12px 1px "
_deepest = 20  # steps to the right


def table(name: str, modules: Iterable[tuple[str, Any]]) -> str:
    """Modules with their paths, as from `named_modules`, a row each: name, class, own parameters, how many numbers.

    It has no colours of its own.
    """
    rows: list[str] = []
    seen: set[int] = set()
    total = 0
    for path, module in modules:
        own = [(n, p) for n, p in module._parameters.items() if p is not None]
        numbers = sum(prod(p.shape) for _, p in own if id(p) not in seen)
        seen.update(id(p) for _, p in own)
        total += numbers
        depth = min(path.count(".") + 1, _deepest) if path else 0
        title = path.rpartition(".")[2] or name
        said = "<br>".join(escape(f"{n} {p.shape}{'' if p.node is not None else ', frozen'}") for n, p in own)
        cells = (
            escape(title),
            escape(f"{type(module).__name__}({module.extra_repr()})"),
            said,
            f"{numbers:,}" * bool(own),
        )
        rows.append(_row(cells, "td", depth))
    head = _row(("name", "module", "parameters", "numbers"), "th")
    foot = _row(("in all", "", "", f"{total:,}"), "th")
    style = "border-collapse: collapse; border: 1px solid #808080; font-size: 90%"
    return f'<table style="{style}">{head}{"".join(rows)}{foot}</table>'


def _row(cells: Iterable[str], tag: str, depth: int = 0) -> str:
    texts = (f'<{tag} style="{_cell}{6 + 18 * depth * (k == 0)}px">{text}</{tag}>' for k, text in enumerate(cells))
    return f'<tr style="background: none">{"".join(texts)}</tr>'
