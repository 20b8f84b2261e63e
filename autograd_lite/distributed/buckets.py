"""What is sent at once: gradients side by side in one array, or the rows of one gradient that is row-sparse.

Every rank starts the same collectives in the same order, whatever it has: a gradient that is missing is sent as zeros
with a flag, a row-sparse one among dense ones as an array, a dense one in the place of a row-sparse as all its rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.distributed.group import Group
from autograd_lite.memory import Array
from autograd_lite.sparse import RowSparse


def finite(array: Array) -> bool:
    """Whether all are numbers; their sum says so in most cases, in one pass."""
    with np.errstate(all="ignore"):
        return bool(np.isfinite(array.sum())) or bool(np.isfinite(array).all())


def wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """What MPI adds up a dtype in."""
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


class Dense:
    """Gradients of one dtype, and behind them a flag for each that there is one, and one for NaN."""

    def __init__(self, members: list[int], parameters: list[Tensor]) -> None:
        self.members, self.parameters = members, {k: parameters[k] for k in members}
        ends = np.cumsum([0, *(p.data.size for p in self.parameters.values())])
        self.spans = {k: slice(int(ends[i]), int(ends[i + 1])) for i, k in enumerate(members)}
        self.size = int(ends[-1])
        self.flat = np.zeros(self.size + len(members) + 1, wide(parameters[members[0]].dtype))
        self.total, self.request, self.missing = np.empty_like(self.flat), None, len(members)

    def put(self, k: int, parts: list[tuple[Any, float]]) -> bool:
        """Take the gradient of one parameter, in parts with a factor each; says whether it is finite."""
        here, self.missing = self.flat[self.spans[k]], self.missing - 1
        self.flat[self.size + self.members.index(k)] = bool(parts)
        place = here.reshape(self.parameters[k].shape)
        if not parts:
            here[:] = 0
        for i, (g, factor) in enumerate(parts):
            whole = g.to_dense() if isinstance(g, RowSparse) else g
            if i:
                place += whole * factor
            else:
                np.multiply(whole, factor, out=place, casting="same_kind")
        good = finite(here)
        if not good:
            self.flat[-1] = 1
        return good

    def launch(self, group: Group, communicator: Any) -> None:
        """Start adding up."""
        self.request = group.started(communicator.Iallreduce(self.flat, self.total, group.mpi.SUM))

    def finish(self, group: Group, communicator: Any) -> bool:
        """Wait; says whether any rank had NaN."""
        group.wait(self.request, "the sum of gradients after backward()")
        self.flat[-1], self.missing = 0, len(self.members)
        return bool(self.total[-1])

    def take(self, k: int) -> Any:
        """The sum for one parameter, as an array of its own, or None where no rank had a gradient."""
        if not self.total[self.size + self.members.index(k)]:
            return None
        p = self.parameters[k]
        return np.array(self.total[self.spans[k]].reshape(p.shape), p.dtype)


class Rows:
    """The row-sparse gradient of one parameter: each rank's rows, which all get."""

    def __init__(self, member: int, parameters: list[Tensor]) -> None:
        self.members, self.parameter = [member], parameters[member]
        self.mine: RowSparse | None = None
        self.found: RowSparse | None = None
        self.request, self.missing = None, 1

    def put(self, k: int, parts: list[tuple[Any, float]]) -> bool:
        """Take the gradient, in parts with a factor each; says whether it is finite."""
        self.missing, p = 0, self.parameter
        mine = RowSparse(np.empty(0, np.int64), np.empty((0, *p.shape[1:]), p.dtype), p.shape)
        for g, factor in parts:
            rows, values = (g.rows, g.values) if isinstance(g, RowSparse) else (np.arange(len(g)), np.asarray(g))
            mine = mine + RowSparse(rows, values * factor, p.shape)
        self.mine = mine = mine.coalesce()
        good = finite(mine.values)
        self.head = np.array([mine.rows.size, bool(parts), not good], np.int64)
        return good

    def launch(self, group: Group, communicator: Any) -> None:
        """Start telling how many rows there are."""
        self.heads = np.empty((group.size, 3), np.int64)
        self.request = group.started(communicator.Iallgather(self.head, self.heads))

    def finish(self, group: Group, communicator: Any) -> bool:
        """Wait, and exchange the rows; says whether any rank had NaN."""
        assert self.mine is not None
        what, p, self.missing = "the exchange of row-sparse gradients after backward()", self.parameter, 1
        group.wait(self.request, what)
        counts, width = self.heads[:, 0], int(np.prod(p.shape[1:]))
        rows = np.empty(int(counts.sum()), np.int64)
        values = np.empty((rows.size, *p.shape[1:]), wide(p.dtype))
        request = communicator.Iallgatherv(self.mine.rows.astype(np.int64), [rows, counts])
        group.wait(request, what)
        mine = np.ascontiguousarray(self.mine.values, values.dtype)
        request = communicator.Iallgatherv(mine, [values, counts * width])
        group.wait(request, what)
        some, self.mine = bool(self.heads[:, 1].any()), None
        self.found = RowSparse(rows, values.astype(p.dtype, copy=False), p.shape).coalesce() if some else None
        return bool(self.heads[:, 2].any())

    def take(self, k: int) -> Any:
        """The sum, or None where no rank had a gradient."""
        found, self.found = self.found, None
        return found


Bucket = Dense | Rows


def planned(parameters: list[Tensor], told: list[tuple[list[str], list[int]]], limit: float) -> list[Bucket]:
    """Buckets of at most `limit` bytes, in the order in which rank 0 had its gradients; the same on all ranks.

    `told` has of each rank what kind every gradient was ("dense", "rows", or "" for none), and their order.
    """
    first = told[0][1]
    order = [*first, *(k for k in reversed(range(len(parameters))) if k not in set(first))]
    kinds = [{told_kinds[k] for told_kinds, _ in told} for k in range(len(parameters))]
    buckets: list[Bucket] = []
    open_: dict[np.dtype[Any], list[int]] = {}
    for k in order:
        if "rows" in kinds[k] and "dense" not in kinds[k]:
            buckets.append(Rows(k, parameters))
            continue
        dtype = parameters[k].dtype
        members = open_.setdefault(dtype, [])
        if members and sum(parameters[m].data.nbytes for m in (*members, k)) > limit:
            buckets.append(Dense(members, parameters))
            members = open_[dtype] = []
        members.append(k)
    return buckets + [Dense(members, parameters) for members in open_.values()]
