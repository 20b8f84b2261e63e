"""From a diagram to DOT text: which shape and colour each kind of box has, and how text is quoted.

Boxes have a light fill and dark text, and arrows are of a grey that stands out from white and from black, so
that a picture without a background can be read on either. Kinds differ by shape, and by colours that the
colour-blind tell apart.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from autograd_lite.core import Tensor
from autograd_lite.draw.cut import shortened_to
from autograd_lite.draw.diagram import Box, Diagram, Link, Options
from autograd_lite.draw.groups import Group
from autograd_lite.draw.table import plate, table

FONT = "Arial"
_size = 12.0  # points
_head = f"""digraph autograd_lite {{
  graph [bgcolor="transparent", rankdir="TB", nodesep="0.3", ranksep="0.28", fontname="{FONT}"]
  node [fontname="{FONT}", fontsize="{_size:g}", fontcolor="#1a1a1a", margin="0.14,0.06", height="0.3", width="0.5"]
  edge [fontname="{FONT}", color="#808080", arrowsize="0.7", penwidth="1.2"]
"""
STYLES = {
    "parameter": 'shape="box", style="filled", fillcolor="#ffe0b2", color="#b35900", penwidth="2"',
    "constant": 'shape="note", style="filled", fillcolor="#e6e6e6", color="#666666"',
    "number": 'shape="note", style="filled", fillcolor="#e6e6e6", color="#666666", fontsize="10"',
    "op": 'shape="ellipse", style="filled", fillcolor="#ffffff", color="#4d4d4d", margin="0.06,0.03"',
    "tensor": 'shape="box", style="filled,rounded", fillcolor="#d6eaf8", color="#2874a6"',
    "result": 'shape="box", style="filled", fillcolor="#a9d3f0", color="#2e86c1", peripheries="2"',
    "rest": 'shape="box", style="filled,dashed", fillcolor="#f2f2f2", color="#666666"',
}
_module = 'style="rounded", color="#808080", penwidth="1"'
_repeated = 'style="dashed,rounded", color="#9467bd", penwidth="2"'
_back = 'constraint="false", style="dotted", color="#9467bd", penwidth="2"'

_thin = frozenset(" !'(),./:;I[]fijlrt|")
_layout = re.compile(r"[\n\r\t\v\f\x85\u2028\u2029]+")
# What XML or UTF-8 cannot hold, and what would turn the direction of the text around it
_unfit = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def quoted(text: str) -> str:
    r"""Any text as a DOT string that stands for itself: no escapes, entities or line ends of its own.

    >>> quoted('a "b" \\N &amp; <c>')
    '"a \\"b\\" \\\\N &amp;amp; <c>"'
    """
    if text.isalnum() and text.isascii():
        return f'"{text}"'
    text = _unfit.sub("\ufffd", text).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return f'"{_layout.sub(" ", text)}"'


@lru_cache(maxsize=4096)
def quoted_lines(lines: tuple[str, ...]) -> str:
    """Lines as one DOT string."""
    return '"' + "\\n".join(quoted(line)[1:-1] for line in lines) + '"'


def escaped(text: str) -> str:
    r"""Any text for a table's cell, standing for itself.

    >>> escaped('<b> & "c" \\N')
    '&lt;b&gt; &amp; &quot;c&quot; \\\\N'
    """
    text = _layout.sub(" ", _unfit.sub("\ufffd", text)).replace("&", "&amp;").replace("\\", "\\\\")
    return text.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


@lru_cache(maxsize=4096)
def _quoted_tip(tip: str) -> str:
    return quoted_lines(tuple(tip.replace("\\", "\\\\").split("\n")))  # engines read a tooltip's escapes twice


def _em(c: str) -> float:
    if unicodedata.combining(c):
        return 0.0
    if unicodedata.east_asian_width(c) in "WF":
        return 1.3 if ord(c) > 0xFFFF else 1.0  # emoji are wider than ideographs
    return 1.0 if c in "MWmw@%…" else 0.35 if c in _thin else 0.6


@lru_cache(maxsize=1024)
def width(line: str) -> float:
    """Inches that a line may need, an estimate for what an engine's table of widths does not have."""
    return sum(map(_em, line)) * _size / 72


def _box_text(box: Box) -> str:
    more = ""
    if box.facts:
        more = ', margin="0.06,0.04"'
    if not all(map(str.isascii, box.lines)):
        more += f', width="{max(map(width, box.lines)) * (1.3 if box.kind == "op" else 1) + 0.3:.2f}"'
    if box.ordered:
        more += ', ordering="in"'
    label, tip = table(box, escaped) if box.facts else quoted_lines(box.lines), _quoted_tip(box.tip)
    return f'  {box.id} [label={label}, {STYLES[box.kind]}{more}, class="{box.kind}", tooltip={tip}]\n'


def _link_text(link: Link) -> str:
    said = [
        *([f"tooltip={_quoted_tip(link.tip)}"] if link.tip else []),
        *([_back] if link.back else [] if link.flows else ['style="dashed"']),
        *(['weight="8"'] if link.main else []),
        *([f"label={plate([link.label], escaped, width)}"] if link.label else []),
    ]
    return f"  {link.start} -> {link.end} [{', '.join(said)}]\n"


def _boxes_text(boxes: Iterable[Box]) -> Iterator[str]:
    """Boxes within their frames, each frame where its first box stands."""
    inside: dict[Group | None, list[Box | Group]] = {None: []}
    for box in boxes:
        item: Box | Group = box
        for group in (*(box.group.path() if box.group is not None else ()), None):
            known = group in inside
            inside.setdefault(group, []).append(item)
            if known or group is None:
                break
            item = group
    frames = 0
    stack: list[Box | Group | None] = [*reversed(inside[None])]
    while stack:
        top = stack.pop()
        if top is None:
            yield "  }\n"
        elif isinstance(top, Box):
            yield _box_text(top)
        else:
            frames += 1
            yield _frame_text(top, frames)
            stack += [None, *reversed(inside[top])]


def _frame_text(frame: Group, place: int) -> str:
    style, label = _repeated if frame.count > 1 else _module, plate([frame.title], escaped, width)
    said = f'label={label}, {style}, labeljust="l", tooltip={_quoted_tip(frame.tip)}'
    return f"  subgraph cluster_{place} {{\n  graph [{said}]\n"


def dot_text(made: Diagram) -> str:
    """A diagram in the DOT language."""
    said = [line for note in (*made.folded, *made.notes) for line in textwrap.wrap(note, 70)]
    label = [f'  label={plate(said, escaped, width)}\n  labelloc="b"\n'] if said else []
    return "".join([_head, *_boxes_text(made.boxes), *map(_link_text, made.links), *label, "}\n"])


def drawn(t: Any, options: Options, max_nodes: int | None = None) -> Diagram:
    """The diagram of a Tensor or of several. Raises TypeError for anything else."""
    tensors = [t] if isinstance(t, Tensor) else list(t) if isinstance(t, list | tuple) else [t]
    wrong = [type(item).__name__ for item in tensors if not isinstance(item, Tensor)]
    if wrong:
        raise TypeError(f"a Tensor is drawn, or a list of Tensors, and not {wrong[0]}")
    if not tensors:
        raise ValueError("an empty list has no graph to draw")
    return shortened_to(tensors, options, max_nodes)


def to_dot(
    t: Any,
    *,
    show: Sequence[str] = ("shape", "value", "grad"),
    group: str | None = "module",
    fold: bool | str = True,
    names: Any = None,
    gradients: Mapping[Any, Any] | None = None,
    max_nodes: int | None = None,
) -> str:
    """The graph under a Tensor, or under a list of them, as DOT text: the same in every process.

    Boxes with a thick frame are leaves that require a gradient, dog-eared ones constants, rounded ones what
    the ellipses, ops, make, and a double frame is the result. Each has its name, its shape, and its dtype
    unless that is float64. Dashed arrows carry no gradient. A constant is drawn where a derivative needs
    it, until backward() lets it go. `names` maps names to tensors, or is a module, whose parameters'
    names are used; they win over the tensors' own. Raises TypeError where `t` or a named value is not a
    Tensor, ValueError for a value that an argument cannot have.

    `show` is what tensors show, of "shape", "value" and "grad": up to 12 numbers as they are, more of them as
    a strip of means, blue below zero and brown above, with the range. Values are those still known: of leaves
    and named tensors that are alive, and what backward() needs. Gradients are those kept in `.grad`, or
    else `gradients`, a mapping from tensors to arrays; where there is none, the box or a note says so.

    With `group="module"` there are frames around the calls of modules; None leaves them out. With `fold=True`
    blocks that repeat three times or more, as time steps and equal layers do, are shown once, in a dashed frame
    that says how often; dotted arrows are what one hands to the next. `fold="chains"` also joins ops on single
    entries to one ellipse where nothing else needs what is between them. More than `max_nodes` boxes (None: any
    number) are reduced to that: chains are joined, and then the middle is left out. A note says what was done.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True)
    >>> print(al.to_dot(w, names={"weights": w}, show=("shape",)))  # doctest: +ELLIPSIS
    digraph autograd_lite {
    ...
      t1 [label="weights\\n(2,)", shape="box", ...]
    }
    """
    return dot_text(drawn(t, Options(names, show, gradients, group, fold), max_nodes))
