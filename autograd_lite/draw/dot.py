"""From a diagram to DOT text: which shape and colour each kind of box has, and how text is quoted.

Boxes have a light fill and dark text, and arrows are of a grey that stands out from white and from black, so
that a picture without a background can be read on either. Kinds differ by shape, and by colours that the
colour-blind tell apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from autograd_lite.core import Tensor
from autograd_lite.draw.diagram import Box, Diagram, Link, Options, diagram
from autograd_lite.draw.table import table

FONT = "Arial"
_size = 12.0  # points
_head = f"""digraph autograd_lite {{
  graph [bgcolor="transparent", rankdir="TB", nodesep="0.3", ranksep="0.28", fontname="{FONT}"]
  node [fontname="{FONT}", fontsize="{_size:g}", fontcolor="#1a1a1a", margin="0.14,0.06", height="0.3", width="0.5"]
  edge [color="#808080", arrowsize="0.7", penwidth="1.2"]
"""
STYLES = {
    "parameter": 'shape="box", style="filled", fillcolor="#ffe0b2", color="#b35900", penwidth="2"',
    "constant": 'shape="note", style="filled", fillcolor="#e6e6e6", color="#666666"',
    "number": 'shape="note", style="filled", fillcolor="#e6e6e6", color="#666666", fontsize="10"',
    "op": 'shape="ellipse", style="filled", fillcolor="#ffffff", color="#4d4d4d", margin="0.06,0.03"',
    "tensor": 'shape="box", style="filled,rounded", fillcolor="#d6eaf8", color="#2874a6"',
    "result": 'shape="box", style="filled", fillcolor="#a9d3f0", color="#2e86c1", peripheries="2"',
}

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


def quoted_lines(lines: Iterable[str]) -> str:
    """Lines as one DOT string."""
    return '"' + "\\n".join(quoted(line)[1:-1] for line in lines) + '"'


def escaped(text: str) -> str:
    r"""Any text for a table's cell, standing for itself.

    >>> escaped('<b> & "c" \\N')
    '&lt;b&gt; &amp; &quot;c&quot; \\\\N'
    """
    text = _layout.sub(" ", _unfit.sub("\ufffd", text)).replace("&", "&amp;").replace("\\", "\\\\")
    return text.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _quoted_tip(tip: str) -> str:
    return quoted_lines(tip.replace("\\", "\\\\").split("\n"))  # engines read a tooltip's escapes twice


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
        *([] if link.flows else ['style="dashed"']),
        *(['weight="8"'] if link.main else []),
    ]
    return f"  {link.start} -> {link.end} [{', '.join(said)}]\n"


def dot_text(made: Diagram) -> str:
    """A diagram in the DOT language."""
    return "".join([_head, *map(_box_text, made.boxes), *map(_link_text, made.links), "}\n"])


def drawn(t: Any, options: Options) -> Diagram:
    """The diagram of a Tensor or of several. Raises TypeError for anything else."""
    tensors = [t] if isinstance(t, Tensor) else list(t) if isinstance(t, list | tuple) else [t]
    wrong = [type(item).__name__ for item in tensors if not isinstance(item, Tensor)]
    if wrong:
        raise TypeError(f"a Tensor is drawn, or a list of Tensors, and not {wrong[0]}")
    if not tensors:
        raise ValueError("an empty list has no graph to draw")
    return diagram(tensors, options=options)


def to_dot(
    t: Any,
    *,
    names: Any = None,
    show: Sequence[str] = ("shape",),
    gradients: Mapping[Any, Any] | None = None,
) -> str:
    """The graph under a Tensor, or under a list of them, as DOT text: the same in every process.

    Boxes with a thick frame are leaves that require a gradient, dog-eared ones constants, rounded ones what
    the ellipses, ops, make, and a double frame is the result. Each has its name, its shape, and its dtype
    unless that is float64. Dashed arrows carry no gradient. A constant is drawn where a derivative needs
    it, until backward() lets it go. `names` maps names to tensors, or is a module, whose parameters'
    names are used; they win over the tensors' own. Raises TypeError where `t` or a named value is not a
    Tensor.

    `show` is what tensors show, of "shape", "value" and "grad": up to 12 numbers as they are, more of them as
    a strip of means, blue below zero and brown above, with the range. Values are those still known: of leaves
    and named tensors that are alive, and what backward() needs. Gradients are those kept in `.grad`, or
    else `gradients`, a mapping from tensors to arrays; where there is none, the box says so.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True)
    >>> print(al.to_dot(w, names={"weights": w}))  # doctest: +ELLIPSIS
    digraph autograd_lite {
    ...
      t1 [label="weights\\n(2,)", shape="box", ...]
    }
    """
    return dot_text(drawn(t, Options(names, show, gradients)))
