"""The gradients of one model on their way to their mean over the ranks, while backward() still runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from autograd_lite.core import Node, Tensor
from autograd_lite.distributed.buckets import Bucket, planned
from autograd_lite.distributed.group import DistributedError, Group
from autograd_lite.modes import mode
from autograd_lite.sparse import RowSparse

ENDED = -1.0


class Reducers:
    """What backward() tells of gradients, passed on to the models that have the parameters."""

    def __init__(self) -> None:
        self.homes: WeakKeyDictionary[Node, tuple[ref[Reduction], int]] = WeakKeyDictionary()
        self.touched: dict[Reduction, None] = {}

    def ready(self, node: Node, g: Any) -> Any:
        """A gradient is complete: what of it is to go into `grad` now."""
        home = self.homes.get(node)
        reduction = None if home is None or mode.tracer is not None else home[0]()
        if home is None or reduction is None:
            return g
        self.touched[reduction] = None
        return reduction.ready(home[1], g)

    def finish(self) -> None:
        """This backward() is over."""
        touched, self.touched = self.touched, {}
        for reduction in touched:
            reduction.finish()


reducers = Reducers()


class Reduction:
    """One model's. `weight` is this rank's share of the samples, times the number of ranks: 1 where all have as many.

    The first backward() finds out in which order gradients come and which are row-sparse; buckets are made of that.
    """

    def __init__(self, group: Group, named: Sequence[tuple[str, Tensor]], number: int, limit: float, kind: str) -> None:
        self.group, self.number, self.limit, self.kind = group, number, limit, kind
        self.names, self.parameters = [name for name, _ in named], [p for _, p in named]
        self.nodes: list[Node | None] = [None] * len(named)
        self.buckets: list[Bucket] | None = None
        self.homes: list[Bucket] = []  # the bucket of each parameter
        self.order: list[int] = []  # of parameters whose gradient is there
        self.bad: list[str] = []
        self.launched, self.weight, self.weights, self.sync = 0, 1.0, set[float](), True

    def begin(self, samples: int) -> None:
        """Before a forward pass: is everybody here, with the same in mind, and with how many samples?"""
        mode.reducer = reducers
        if self.order:
            raise RuntimeError("the last backward() of this model ended in an error: make a new one")
        for k, p in enumerate(self.parameters):
            if p.node is not self.nodes[k]:
                self.nodes[k] = p.node
                if p.node is not None:
                    reducers.homes[p.node] = ref(self), k
        heads = headed(self.group, [self.number, samples, self.sync])
        ended = np.flatnonzero(heads[:, 0] == ENDED).tolist()
        if ended:
            raise DistributedError(f"rank {_listed(ended)} ended its training while others go on: {STEPS}")
        if (heads[:, [0, 2]] != heads[0, [0, 2]]).any():
            raise DistributedError(
                "the ranks are at different places: all call the same models in the same order, and no_sync() alike"
            )
        total = float(heads[:, 1].sum())
        if self.kind == "mean" and not total:
            raise DistributedError("no rank has a sample in this batch")
        self.weight = {"sum": float(self.group.size), "ranks": 1.0}.get(self.kind) or self.group.size * samples / total
        self.weight = 0.0 if self.kind == "mean" and not samples else self.weight
        self.weights.add(self.weight)

    def ready(self, k: int, g: Any) -> Any:
        """Take a gradient, and start what can be started; what goes into `grad` at once is returned."""
        if isinstance(g, Tensor):
            raise RuntimeError("backward(create_graph=True) of a DistributedDataParallel: use it on the module alone")
        if len(self.weights) > 1:
            raise RuntimeError(
                "since the last backward() there were forward passes of batches with different shares of the samples: "
                "call backward() after each (under no_sync() gradients add up), and evaluate under no_grad()"
            )
        self.order.append(k)
        if self.sync and self.buckets is not None:
            self._put(k, g)
            self._launch()
            return None
        return g if self.weight == 1.0 else scaled(g, self.weight)

    def finish(self) -> None:
        """All gradients of this backward() are there: wait for their means, and put them into `grad`."""
        self.weights.clear()
        if not self.sync:
            self.order.clear()
            return
        if self.buckets is None:
            self._plan()
        there = set(self.order)
        for k in range(len(self.parameters)):
            if k not in there:
                self._put(k, None)
        self._launch()
        assert self.buckets is not None
        wrong = [bucket.finish(self.group) for bucket in self.buckets]
        self.launched, self.order = 0, []
        if any(wrong):
            told = self.group.gather(self.bad, "the look for NaN", self.group.inner)
            self.bad = []
            where = [f"rank {rank}: {', '.join(names)}" for rank, names in enumerate(told) if names]
            raise DistributedError(f"gradients have NaN or infinity, at {'; '.join(where)}. Nothing was updated")
        for k, p in enumerate(self.parameters):
            g = self.homes[k].take(k)
            if p.node is not None:
                p.node.annotate().grad = g

    def _put(self, k: int, g: Any) -> None:
        """A parameter's part in the mean: its new gradient, and what it has from backward() under no_sync()."""
        p, size = self.parameters[k], self.group.size
        before = None if p.node is None else p.node.annotate().grad
        before = before.data if isinstance(before, Tensor) else before
        parts = [] if before is None else [(before, 1 / size)]
        if g is not None and self.weight:
            parts.append((g, self.weight / size))
        if not self.homes[k].put(k, parts):
            self.bad.append(self.names[k])

    def _launch(self) -> None:
        """Start the buckets that are full, in their order; let those under way go on."""
        assert self.buckets is not None
        for bucket in self.buckets[: self.launched]:
            assert bucket.request is not None
            bucket.request.Test()
        while self.launched < len(self.buckets) and not self.buckets[self.launched].missing:
            self.buckets[self.launched].launch(self.group)
            self.launched += 1

    def _plan(self) -> None:
        grads = [None if p.node is None else p.node.annotate().grad for p in self.parameters]
        kinds = ["" if g is None else "rows" if isinstance(g, RowSparse) else "dense" for g in grads]
        told = self.group.gather((kinds, self.order), "the first backward()", self.group.inner)
        self.buckets = planned(self.parameters, told, self.limit)
        home = {k: bucket for bucket in self.buckets for k in bucket.members}
        self.homes, self.order = [home[k] for k in range(len(self.parameters))], []


STEPS = "the ranks have different numbers of batches (DistributedBatchSampler gives all as many)"


def headed(group: Group, mine: list[float], forever: bool = False) -> Any:
    """What every rank says before it goes on: a row each."""
    heads = np.empty((group.size, 3))
    request = group.heads.Iallgather(np.array(mine, np.float64), heads)
    group.wait(request, "the forward pass of a DistributedDataParallel", forever)
    return heads


def end(group: Group) -> None:
    """This rank trains no more; where another does, it is told."""
    heads = headed(group, [ENDED, 0, 0], forever=True)
    going = np.flatnonzero(heads[:, 0] != ENDED).tolist()
    if going:
        raise DistributedError(f"rank {group.rank} ended its training, and rank {_listed(going)} goes on: {STEPS}")


def _listed(ranks: list[int]) -> str:
    return ", ".join(map(str, ranks))


def scaled(g: Any, factor: float) -> Any:
    """A gradient times a number; where that is 0, zeros, whatever was there."""
    if isinstance(g, RowSparse):
        return RowSparse(g.rows, scaled(g.values, factor), g.shape)
    return g * g.dtype.type(factor) if factor else np.zeros_like(g)
