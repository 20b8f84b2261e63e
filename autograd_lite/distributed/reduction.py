"""The gradients of one model on their way to their mean over the ranks, while backward() still runs."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar
from weakref import WeakKeyDictionary, ref

import numpy as np

from autograd_lite.core import Node, Tensor
from autograd_lite.distributed.buckets import Bucket, Dense, planned
from autograd_lite.distributed.group import DistributedError, Group, by_rank, current
from autograd_lite.modes import mode
from autograd_lite.sparse import RowSparse


class Reducers(threading.local):
    """What backward() tells of gradients, passed on to the models that have the parameters."""

    homes: ClassVar[WeakKeyDictionary[Node, tuple[ref[Reduction], int]]] = WeakKeyDictionary()  # of all threads

    def __init__(self) -> None:
        self.touched: dict[Reduction, None] = {}  # by the backward() of this thread

    def ready(self, node: Node, g: Any) -> Any:
        """A gradient is complete: what of it is to go into `grad` now."""
        home = self.homes.get(node)
        reduction = None if home is None or mode.tracer is not None else home[0]()
        if home is None or reduction is None:
            return g
        self.touched[reduction] = None
        return reduction.ready(home[1], g)

    def finish(self) -> list[Node]:
        """This backward() is over; the nodes that have got their mean, the same on all ranks."""
        touched, self.touched = sorted(self.touched, key=lambda r: r.number), {}  # in the same order on all ranks
        given, errors = list[Node](), list[DistributedError]()
        for reduction in touched:
            reduction.broken = True  # until it comes to an end that all ranks know of
        for reduction in touched:
            try:
                given += reduction.finish()
            except DistributedError as error:
                errors.append(error)
            reduction.broken = False
        if errors:
            raise errors[0]
        return given

    def abandon(self) -> None:
        """This backward() ended in an error."""
        touched, self.touched = self.touched, {}
        for reduction in touched:
            reduction.broken = bool(reduction.order)
            reduction.weights.clear()


reducers = Reducers()


class Reduction:
    """One model's. `weight` is this rank's share of the samples, times the number of ranks: 1 where all have as many.

    The first backward() finds out in which order gradients come and which are row-sparse; buckets are made of that.
    """

    def __init__(self, group: Group, named: Sequence[tuple[str, Tensor]], number: int, limit: float, kind: str) -> None:
        self.group, self.number, self.limit, self.kind = group, number, limit, kind
        self.lane = group.lanes[number % len(group.lanes)]
        self.names, self.parameters = [name for name, _ in named], [p for _, p in named]
        self.nodes: list[Node | None] = [None] * len(named)
        self.buckets: list[Bucket] | None = None
        self.homes: list[Bucket] = []  # the bucket of each parameter
        self.order: list[int] = []  # of parameters whose gradient is there
        self.held: dict[int, Any] = {}  # the gradients of the first backward()
        self.bad: list[int] = []
        self.launched, self.weight, self.weights, self.sync, self.broken = 0, 1.0, set[float](), True, False

    def begin(self, samples: int, training: bool) -> None:
        """Before a forward pass: is everybody here, with the same in mind, and with how many samples?"""
        type(mode).reducer = reducers  # in all threads
        if self.broken:
            raise RuntimeError("a backward() of this model ended in an error: make a new one")
        for k, p in enumerate(self.parameters):
            if p.node is not self.nodes[k]:
                self.nodes[k] = p.node
                if p.node is not None:
                    reducers.homes[p.node] = ref(self), k
        total = float(self.group.meet(self.number, samples, self.sync + 2 * training).sum())
        if self.kind == "mean" and not total:
            raise DistributedError("no rank has a sample in this batch")
        self.weight = {"sum": float(self.group.size), "ranks": 1.0}.get(self.kind) or self.group.size * samples / total
        self.weight = 0.0 if self.kind == "mean" and not samples else self.weight
        if any(node is not None for node in self.nodes):
            self.weights.add(self.weight)

    def ready(self, k: int, g: Any) -> Any:
        """Take a gradient, and start what can be started; what goes into `grad` at once is returned."""
        if isinstance(g, Tensor):
            raise RuntimeError(
                "backward(create_graph=True) of a DistributedDataParallel's parameters: a loss that has a gradient in "
                "it takes that from al.autograd.grad(..., create_graph=True)"
            )
        if len(self.weights) > 1:
            raise RuntimeError(
                "since the last backward() there were forward passes of batches with different shares of the samples: "
                "call backward() after each (under no_sync() gradients add up), and evaluate under no_grad()"
            )
        self.order.append(k)
        if not self.sync:
            return g if self.weight == 1.0 else scaled(g, self.weight)
        if self.buckets is None:
            self.held[k] = g
        else:
            self._put(k, g)
            self._launch()
        return None

    def finish(self) -> list[Node]:
        """All gradients of this backward() are there: wait for their means, put them into `grad`, and say whose."""
        self.weights.clear()
        if not self.sync:
            self.order.clear()
            return []
        there, held = set(self.order), self.held
        if self.buckets is None:
            there = set()
            self._plan()
        for k in range(len(self.parameters)):
            if k not in there:
                self._put(k, held.pop(k, None))
        self._launch()
        assert self.buckets is not None
        wrong = [bucket.finish(self.group, self.lane) for bucket in self.buckets]
        (self.launched, self.order), (bad, self.bad) = (0, []), (self.bad, [])
        if any(wrong):
            refuse(self.group, self.lane, [self.names[k] for k in sorted(bad)])
        given = []
        for k, p in enumerate(self.parameters):
            g = self.homes[k].take(k)
            if p.node is not None:
                p.node.annotate().grad = g
                given += [p.node] if g is not None else []
        return given

    def _put(self, k: int, g: Any) -> None:
        """A parameter's part in the mean: its new gradient, and what it has from backward() under no_sync()."""
        p, size = self.parameters[k], self.group.size
        before = None if p.node is None else p.node.annotate().grad
        before = before.data if isinstance(before, Tensor) else before
        parts = [] if before is None else [(before, 1 / size)]
        if g is not None and self.weight:
            parts.append((g, self.weight / size))
        if not self.homes[k].put(k, parts):
            self.bad.append(k)

    def _launch(self) -> None:
        """Start the buckets that are full, in their order; let those under way go on."""
        assert self.buckets is not None
        for bucket in self.buckets[: self.launched]:
            assert bucket.request is not None
            bucket.request.Test()
        while self.launched < len(self.buckets) and not self.buckets[self.launched].missing:
            self.buckets[self.launched].launch(self.group, self.lane)
            self.launched += 1

    def _plan(self) -> None:
        before = [None if p.node is None else p.node.annotate().grad for p in self.parameters]
        grads = [self.held.get(k, g) for k, g in enumerate(before)]
        kinds = ["" if g is None else "rows" if isinstance(g, RowSparse) else "dense" for g in grads]
        told = self.group.gather((kinds, self.order), "the first backward()", self.lane)
        self.buckets = planned(self.parameters, told, self.limit)
        home = {k: bucket for bucket in self.buckets for k in bucket.members}
        self.homes = [home[k] for k in range(len(self.parameters))]


def refuse(group: Group, communicator: Any, bad: list[str]) -> None:
    """Raise on all ranks, and say where NaN is."""
    told = group.gather(bad, "the look for NaN", communicator)
    where = by_rank([", ".join(names) for names in told])
    raise DistributedError(f"gradients have NaN or infinity, at {where}. Nothing was updated")


def scaled(g: Any, factor: float) -> Any:
    """A gradient times a number; where that is 0, zeros, whatever was there."""
    if isinstance(g, RowSparse):
        return RowSparse(g.rows, scaled(g.values, factor), g.shape)
    return g * g.dtype.type(factor) if factor else np.zeros_like(g)


def average_gradients(parameters: Iterable[Tensor], samples: int | None = None) -> None:
    """Put the mean of all ranks' gradients into `grad`, all at once: for steps without a `DistributedDataParallel`.

    With `samples`, how many this rank's loss was a mean over, the mean is by samples. A gradient that no rank has
    stays None. Row-sparse gradients are made dense. Raises DistributedError, on all ranks, where one has NaN.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> al.distributed.average_gradients([w])
    >>> w.grad
    tensor([2., 4.])
    """
    group, some = current(), [p for p in parameters if p.node is not None]
    if group is None or not some:
        return
    group.same(f"average_gradients of {sum(p.data.size for p in some)} numbers{'' if samples is None else ', samples'}")
    share = 1 / group.size
    if samples is not None:
        total = sum(group.gather(samples, "average_gradients", group.users))
        if not total:
            raise DistributedError("no rank has a sample in this batch")
        share = samples / total
    notes, bad = [p.node.annotate() for p in some if p.node is not None], []
    buckets = [Dense([k for k, p in enumerate(some) if p.dtype == dtype], some) for dtype in {p.dtype: 0 for p in some}]
    for bucket in buckets:
        for k in bucket.members:
            g = notes[k].grad
            g = g.data if isinstance(g, Tensor) else g
            if not bucket.put(k, [] if g is None else [(g, share)] if share else [(np.zeros_like(g), 0.0)]):
                bad.append(f"number {k} of {len(some)}, {some[k].shape}")
        bucket.launch(group, group.users)
    wrong = [bucket.finish(group, group.users) for bucket in buckets]
    if any(wrong):
        refuse(group, group.users, bad)
    for bucket in buckets:
        for k in bucket.members:
            notes[k].grad = bucket.take(k)
