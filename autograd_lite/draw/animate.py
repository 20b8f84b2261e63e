"""A recorded graph as a page to step through: forward, then backward, an op at a time, with the numbers of each."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from autograd_lite.core import Node, Tensor
from autograd_lite.derive.lines import Lines, Style
from autograd_lite.derive.pieces import clean
from autograd_lite.draw.diagram import Names, diagram
from autograd_lite.draw.dot import dot_text
from autograd_lite.draw.engine import DrawError, render
from autograd_lite.draw.files import directory_of, written
from autograd_lite.draw.latex import named, notation, number
from autograd_lite.draw.player.blame import blame
from autograd_lite.draw.player.flow import Flow
from autograd_lite.draw.player.story import Story

BOXES = 250  # of a picture; more are a list
TABLES = (64, 36, 16, 4, 1)  # entries of an array that can be chosen: as many as the page has room for
ROOM = 600_000  # bytes of data
PICTURE = 350_000  # of the picture
PATIENCE = 20.0  # seconds for the layout


def animate(
    loss: Tensor,
    path: str | os.PathLike[str],
    *,
    names: Any = None,
    gradients: Any = None,
    report: Iterable[Any] | None = None,
    max_steps: int = 200,
) -> Path:
    """Write the graph under a Tensor as one HTML file to step through: forward, then backward, an op at a time.

    Each step lights an op and shows its rule, with the numbers of an entry, and what arrives where a tensor is used
    twice. The numbers are computed here, by the recorded rules: no `grad` is written, the graph is left as it is, so
    that this is called before `backward()`, or after `backward(retain_graph=True)`. `gradients` is what the tensor
    itself starts with: 1 for a single number; without it, a tensor of several has a forward pass alone. `names` is as
    in `to_dot`. `report` is what `check_deltas` returns, or any findings with `name`, `verdict` and `causes`: they
    are marked in the picture. Of more than `max_steps` ops the first and the last are shown. Without a program to
    draw with, or with too many boxes, a list of the ops takes the picture's place. Returns the path.

    Raises GraphError where there is no graph, or it was freed or changed, ValueError for `gradients` of another
    shape, TypeError for a `report` of anything else, FileNotFoundError where the directory does not exist.

    >>> import autograd_lite as al, tempfile
    >>> w = al.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> al.animate((w * w).sum(), tempfile.mkdtemp() + "/steps.html").name
    'steps.html'
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"the graph of a Tensor is stepped through, and this is {type(loss).__name__}")
    if max_steps < 1:
        raise ValueError(f"max_steps is at least 1, and not {max_steps}")
    target = directory_of(path)
    findings, called = _findings(report), Names(names)
    flow = Flow(loss, gradients, called.tensors)
    formulas = Lines(loss, Names(names), Style(clean, named, number, notation))
    formulas.write()
    for limit in TABLES:
        story = Story(flow, called, max_steps, limit, formulas.of_arrays)
        data = {**story.data(), "blame": blame(findings, story)}
        text = _json(data)
        if len(text) <= ROOM:
            break
    title = f"{story.labels[flow.root]}, step by step"
    return written(target, _page(title, _picture(loss, names, story, data), text).encode())


def _findings(report: Iterable[Any] | None) -> list[Any]:
    """The findings of a report. Raises TypeError for anything else."""
    found = [] if report is None else list(report) if isinstance(report, Iterable) else [report]
    for one in found:
        if not all(hasattr(one, part) for part in ("name", "verdict", "causes")):
            of = "" if one is report else f" of {type(one).__name__}"
            raise TypeError(f"report is what check_deltas returns, and this is {type(report).__name__}{of}")
    return found


def _picture(loss: Tensor, names: Any, story: Story, data: dict[str, Any]) -> str:
    """The graph as SVG whose boxes can be found by id, or nothing: the page then has a list of the ops.

    Below its own lines, a tensor's box has one for its value, one for its gradient, and one for each finding.
    """
    if story.left_out:
        return ""
    made = diagram([loss], names)
    if len(made.boxes) > BOXES:
        return ""
    for box in made.boxes:
        label = story.labels.get(box.of) if isinstance(box.of, Node) else story.constants.get(id(box.of))
        if box.kind not in ("op", "number"):
            named = box.lines if label is None else (label, box.lines[-1])
            box.lines = (*named, *_more_lines(box.id, data))
    try:
        svg = render(dot_text(made), "svg", timeout=PATIENCE).decode("utf-8")
    except (DrawError, ValueError):
        return ""
    svg = re.sub(r"<!--.*?-->\s*", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'(<g id="[^"]*" class="graph"[^>]*>)\s*<title>[^<]*</title>', r"\1", svg)
    svg = re.sub(r'<g id="a_[^"]*">', "<g>", svg)
    svg = re.sub(r'<g id="[^"]*" class="(node|edge)([^"]*)">\s*<title>([^<]*)</title>', _identified, svg)
    return svg if len(svg) <= PICTURE else ""


def _more_lines(id: str, data: dict[str, Any]) -> list[str]:
    """What the page writes into a tensor's box, at its widest."""
    if id not in data["tensors"]:
        return []
    value, gradient = data["tensors"][id]["box"]
    lines = [f"= {value or 'not known'}"]
    if any(step["phase"] == "seed" for step in data["steps"]):
        parts = [edge["box"] for step in data["steps"] for edge in step.get("edges", ()) if edge["to"] == id]
        lines.append(f"∂ {max([gradient, *parts, '?'], key=len)}")
    return lines + [finding["words"] for finding in data["blame"] if finding["id"] == id]


def _identified(found: re.Match[str]) -> str:
    kind, more, title = found.groups()
    start, _, end = html.unescape(title).partition("->")
    where = f'id="box-{start}"' if kind == "node" else f'data-from="{start}" data-to="{end}"'
    return f'<g {where} class="{kind}{more}">'


def _json(data: Any) -> str:
    """JSON that can stand in a script element whatever it holds."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _page(title: str, picture: str, data: str) -> str:
    parts = {"TITLE": html.escape(title), "PICTURE": picture, "DATA": data}
    template = Path(__file__).with_name("player").joinpath("page.html").read_text("utf-8")
    return re.sub("@@(TITLE|PICTURE|DATA)@@", lambda found: parts[found[1]], template)
