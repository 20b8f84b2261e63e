"""The rules by which the engine of chapter 13 hands gradients on, over a recorded graph, to be held against the truth.

Where all that is computed from a tensor says from whom a gradient comes, the tensor waits for every one of them, and
the result is the gradient. Of the ops, though, only add, subtract and multiply say so. What the others hand to a
tensor is added to its gradient, and the whole of it is passed on at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

import autograd_lite as al
from autograd_lite.core import Node
from autograd_lite.graph import reach
from autograd_lite.ops.shape import sum_to
from autograd_lite.sparse import RowSparse
from models.records import Array

SAYING = ("add", "subtract", "multiply")
BY_ROWS = "take_rows"  # index_select hands on what came last, and not all that came


class ComesTwice(RuntimeError):  # noqa: N818 - the name says it
    """A tensor that says from whom its gradient comes has handed on its gradient more than once."""


@dataclass(eq=False)
class Passing:
    """Gradients on their way. `quiet` is chapter 14's rule: what comes a second time is dropped without a word.

    With `waits_for_all` a tensor that is told from whom a gradient comes waits for all that were computed from it, as
    the chapter's engine counts them, those that never say anything with them; else for those alone that say it.
    """

    quiet: bool = False
    waits_for_all: bool = False
    grads: dict[Node, Array] = field(default_factory=dict)
    waiting: dict[Node, Counter[Node]] = field(default_factory=dict)

    def run(self, root: Node) -> dict[Node, Array]:
        """The gradients of all tensors that any reach, depth first, from a gradient of ones."""
        for node in reach([root]):
            for parent in node.parents:
                if parent is not None and (self.waits_for_all or _says(node)):
                    self.waiting.setdefault(parent, Counter())[node] += 1
        todo: list[tuple[Node, Array, Node | None]] = [(root, np.ones(root.shape), None)]
        while todo:
            node, g, origin = todo.pop()
            if self._passes(node, g, origin):
                edges = [k for k, parent in enumerate(node.parents) if parent is not None]
                todo += [self._edge(node, k, g) for k in reversed(edges)]
        return self.grads

    def _passes(self, node: Node, g: Array, origin: Node | None) -> bool:
        """Take a gradient in; is the whole passed on now?"""
        waiting = self.waiting.get(node, Counter())
        if origin is not None:
            if waiting[origin] == 0 and self.quiet:
                return False
            if waiting[origin] == 0:
                raise ComesTwice("a gradient came a second time: the chapter's engine stops here")
            waiting[origin] -= 1
        self.grads[node] = self.grads[node] + g if node in self.grads else g
        return origin is None or not any(waiting.values())

    def _edge(self, node: Node, k: int, came: Array) -> tuple[Node, Array, Node | None]:
        parent, op = node.parents[k], node.op
        assert parent is not None
        assert op is not None
        rule = op.rules[op.slot(k)]
        assert rule is not None
        assert node.saved is not None
        found = rule(came if op.name == BY_ROWS else self.grads[node], *(node.saved[k] or ()))
        g = found.to_dense() if isinstance(found, RowSparse) else np.asarray(found)
        fitted = np.asarray(g if g.shape == parent.shape else sum_to(g, shape=parent.shape))
        return parent, fitted, node if _says(node) else None


def _says(node: Node) -> bool:
    return node.op is not None and node.op.name in SAYING


def gradients(
    loss: al.Tensor, tensors: Mapping[str, al.Tensor], *, quiet: bool = False, waits_for_all: bool = False
) -> dict[str, Array]:
    """The gradient of each tensor by the chapter's rules; zeros where none arrives. The graph is left as it is.

    Raises ComesTwice where the chapter's engine stops, unless `quiet`, and ValueError for a loss without a graph.

    >>> x = al.tensor([1.0, 2.0], requires_grad=True)
    >>> once, twice = al.tanh(x).sum(), (al.tanh(x) + x).sum()
    >>> truth, = al.autograd.grad(once, [x], retain_graph=True)
    >>> bool(np.allclose(gradients(once, {"x": x})["x"], truth.data))
    True
    >>> hidden = x * 1.0
    >>> loss = (al.tanh(hidden) + al.sigmoid(hidden)).sum()
    >>> gradients(loss, {"x": x})["x"].shape
    Traceback (most recent call last):
    models.chapter_engine.ComesTwice: a gradient came a second time: the chapter's engine stops here
    """
    if loss.node is None:
        raise ValueError("the loss was computed from nothing that requires a gradient")
    found = Passing(quiet, waits_for_all).run(loss.node)
    return {
        name: np.zeros(tensor.shape) if tensor.node is None else found.get(tensor.node, np.zeros(tensor.shape))
        for name, tensor in tensors.items()
    }


@dataclass(frozen=True)
class Apart:
    """How an array lies to the gradient: 1 and 1 where it is the gradient."""

    cosine: float
    ratio: float
    off: float  # the length of the difference, relative to the gradient's


def apart(found: Array, truth: Array) -> Apart:
    """How far off a gradient is. Lengths are relative to the truth's.

    >>> apart(np.array([2.0, 0.0]), np.array([1.0, 0.0]))
    Apart(cosine=1.0, ratio=2.0, off=1.0)
    """
    a, b = found.ravel(), truth.ravel()
    length, size = float(np.linalg.norm(a)), float(np.linalg.norm(b))
    dot = float(a @ b)
    return Apart(dot / (length * size) if length and size else 0.0, dot / size**2, float(np.linalg.norm(a - b)) / size)


@dataclass(frozen=True)
class Held:
    """The chapter's gradients on one graph, held against the truth.

    `stops` says whether chapter 13's exception ends the pass; `apart` is how all gradients together lie to the truth
    by chapter 14's rule, which drops what comes again without a word, and `counting` where a tensor waits for all that
    were computed from it.
    """

    stops: bool
    apart: Apart
    counting: Apart

    def words(self) -> list[str]:
        """What the engine of chapter 13 does, how far off chapter 14's is in three numbers, and when it waits for all.

        Right is what is right to 1e-12.
        """
        right, apart = self.apart.off < RIGHT, self.apart
        off = ["right", "", ""] if right else [f"{n:.3f}" for n in (apart.cosine, apart.ratio, apart.off)]
        stops = "stops" if self.stops else "right" if right else "wrong, and silent"
        return [stops, *off, "right" if self.counting.off < RIGHT else f"{self.counting.off:.3f}"]


def held(loss: al.Tensor, tensors: Mapping[str, al.Tensor]) -> Held:
    """Hold the chapter's gradients of some tensors against the engine's own, which leaves the graph as it is.

    >>> x = al.tensor([1.0, 2.0], requires_grad=True)
    >>> hidden = x * 1.0
    >>> found = held((hidden * hidden).sum(), {"x": x})
    >>> found.stops, round(found.apart.off, 9)
    (False, 0.0)
    """
    truth = _whole(dict(zip(tensors, _truth(loss, tensors), strict=True)))
    try:
        gradients(loss, tensors)
        stops = False
    except ComesTwice:
        stops = True
    found = [_whole(gradients(loss, tensors, quiet=True, waits_for_all=waits)) for waits in (False, True)]
    return Held(stops, *(apart(one, truth) for one in found))


def _truth(loss: al.Tensor, tensors: Mapping[str, al.Tensor]) -> list[Array]:
    return [found.data for found in al.autograd.grad(loss, list(tensors.values()), retain_graph=True)]


def _whole(arrays: Mapping[str, Array]) -> Array:
    whole: Array = np.concatenate([array.ravel() for array in arrays.values()])
    return whole


# Graphs

MADE: Mapping[str, Callable[[al.Tensor], al.Tensor]] = {"tanh(x)": al.tanh, "2x": lambda x: x * 2.0}
USED: Mapping[str, Callable[[al.Tensor], al.Tensor]] = {
    "tanh(h)": al.tanh,
    "h + h": lambda h: h + h,
    "h * h - 3h": lambda h: h * h - h * 3.0,
    "h @ A + h @ B": lambda h: h @ al.tensor([[1.0, 2.0], [0.5, -1.0]]) + h @ al.tensor([[0.0, -1.0], [1.0, 1.0]]),
    "sigmoid(h) + tanh(h)": lambda h: al.sigmoid(h) + al.tanh(h),
    "sigmoid(h) + h": lambda h: al.sigmoid(h) + h,
    "h + sigmoid(h)": lambda h: h + al.sigmoid(h),
    "sigmoid(h) + tanh(h) + exp(h)": lambda h: al.sigmoid(h) + al.tanh(h) + al.exp(h),
}
STEPS = (1, 2, 5, 10, 25)
RIGHT = 1e-12  # how far off, relative to the gradient, is none


def on_graphs() -> dict[tuple[str, str], Held]:
    """By how h is made of x, and by what is summed up to the loss: graphs in which h is used once, twice, three times.

    >>> on_graphs()["2x", "h + h"].stops
    False
    """
    found = {}
    for made, make in MADE.items():
        for used, use in USED.items():
            x = al.tensor([[0.5, -1.0], [2.0, 0.25]], requires_grad=True, name="x")
            found[made, used] = held(use(make(x)).sum(), {"x": x})
    return found


def over_time(*, last_first: bool = True) -> dict[int, Held]:
    """The gradients of an LSTM's weights over 1, 2, 5, 10 and 25 steps.

    >>> over_time()[2].stops
    True
    """
    return {steps: held(*lstm(steps, last_first=last_first)) for steps in STEPS}


def lstm(
    steps: int, size: int = 8, rows: int = 4, *, last_first: bool = True
) -> tuple[al.Tensor, dict[str, al.Tensor]]:
    """The loss of chapter 14's LSTM after so many steps, summed over them, and its weights by name.

    The text adds the losses of the steps before to each new one, so that a backward pass in depth meets the last step
    `last_first`; without it the losses are added the other way round. The loss and its gradient are the same.

    >>> [round(lstm(2, last_first=first)[0].item(), 9) for first in (True, False)]
    [3.123275998, 3.123275998]
    """
    rng = np.random.RandomState(0)
    names = [f"weights_{kind}{gate}" for kind in "xh" for gate in "fiog"]
    drawn = {name: rng.randn(size, size) / np.sqrt(size) for name in names} | {"decoder": rng.randn(size, 5)}
    weights = {name: al.tensor(array, requires_grad=True, name=name) for name, array in drawn.items()}
    h = al.tensor(rng.randn(rows, size))
    c, loss = al.tensor(rng.randn(rows, size)), al.tensor(0.0)
    for _ in range(steps):
        x = al.tensor(rng.randn(rows, size))
        into = {gate: x @ weights[f"weights_x{gate}"] + h @ weights[f"weights_h{gate}"] for gate in "fiog"}
        f, i, o = (al.sigmoid(into[gate]) for gate in "fio")
        c = f * c + i * al.tanh(into["g"])
        h = o * al.tanh(c)
        new = al.nn.functional.cross_entropy(h @ weights["decoder"], rng.randint(0, 5, rows))
        loss = new + loss if last_first else loss + new
    return loss, weights
