"""What is written by hand for an op that has a softmax or a sigmoid inside: without its target, or on another array."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from autograd_lite.check.cause import Slip
from autograd_lite.check.clues import Clues
from autograd_lite.check.region import Change, Region
from autograd_lite.check.slips import At
from autograd_lite.memory import Array
from autograd_lite.ops.fused import hidden_outputs

AWAY = 0.5  # how far the second point is from the first, at most


def inside(region: Region, clues: Clues) -> Iterator[Slip]:
    """Slips at the rules that are `scale * (p - target)`, with p made inside the op: softmax(x) or sigmoid(x)."""
    for edge in region.edges:
        node, k = edge
        function = None if node.op is None else hidden_outputs.get(node.op)
        x = clues.graph.arguments.get(edge) if function is not None and "x" in node.saved_by_name(k) else None
        if function is not None and k == 0 and isinstance(x, np.ndarray):
            yield from _Inside(At(region, edge, clues), function, x).slips()


class _Inside:
    """An op with p inside. Its rule at two points says what it multiplies p with."""

    def __init__(self, at: At, function: Callable[[Any], Any], x: Array) -> None:
        self.at, self.function, self.x, self.p = at, function, x, np.asarray(function(x))
        signs = np.where(np.arange(x.size).reshape(x.shape) % 2, 1.0, -1.0)
        self.second = x + (signs * np.random.default_rng(0).uniform(AWAY / 2, AWAY, x.shape)).astype(x.dtype)
        self.apart = np.asarray(function(self.second)) - self.p

    def slips(self) -> Iterator[Slip]:
        """Another array for p, and the target left out or added."""
        x, p, of = self.x, self.p, self.at.clues.graph.label(self.at.below)
        made = f"{self.function.__name__}({of})"
        others = {f"{of} stands where {made} belongs": x, f"exp({of}) stands where {made} belongs": np.exp(x)}
        if x.ndim == 2 and x.shape[0] > 1:
            others[f"{made} was taken along dimension 0 instead of 1"] = np.asarray(self.function(x.T)).T
        for text, q in others.items():
            if not np.allclose(q, p):
                yield self.at.slip("wrong-operand", text, 2.0, self.changed(q - p, 1.0), text)
        text = f"the target was not subtracted from {made}"
        yield self.at.slip("wrong-operand", text, 1.9, self.changed(p, 0.0), "no target")
        text = f"the target was added to {made}, not subtracted from it"
        yield self.at.slip("sign", text, 1.9, self.changed(2 * p, -1.0), "target added")

    def changed(self, more: Array, times: float) -> Change:
        """So many times the rule, and `more` times what it multiplies p with."""

        def change(g: Any) -> Any:
            rule = self.at.rule(g)
            return times * rule + (self.at.rule(g, x=self.second) - rule) / self.apart * more

        return change
