"""How a Tensor shows itself in a notebook: the picture of its graph, where there is one and it can be drawn."""

from __future__ import annotations

from itertools import islice
from typing import Any

from autograd_lite.core import Node, Tensor
from autograd_lite.draw.engine import DrawError
from autograd_lite.draw.picture import draw

_most = 5000  # nodes
_patience = 5.0  # seconds


def _repr_svg_(self: Any) -> str | None:
    """The picture of the graph; None, and so the text, without a graph, for a large one, and where none is drawn."""
    if self.node is None or self.node.op is None or _larger(self.node):
        return None
    try:
        return draw(self, timeout=_patience).svg
    except (DrawError, ValueError):
        return None


def _larger(root: Node) -> bool:
    seen, order = {root}, [root]
    for node in islice(order, _most):  # grows while it is walked
        new = {parent for parent in node.parents if parent is not None and parent not in seen}
        seen |= new
        order += new
    return len(order) > _most


Tensor._repr_svg_ = _repr_svg_  # type: ignore[attr-defined]
