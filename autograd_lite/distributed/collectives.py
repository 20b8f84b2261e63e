"""Collectives by PyTorch's names, which all ranks call in the same order; alone they leave everything as it is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_lite import saving
from autograd_lite.core import Tensor
from autograd_lite.distributed.group import Group, contiguous, current
from autograd_lite.memory import Array, written
from autograd_lite.sparse import RowSparse

OPS = {"sum": "SUM", "avg": "SUM", "max": "MAX", "min": "MIN", "product": "PROD"}


def _array_of(tensor: Any, what: str) -> Array:
    if not isinstance(tensor, Tensor | np.ndarray):
        raise TypeError(f"{what} takes a Tensor or an array, which it writes into, and got a {type(tensor).__name__}")
    array: Array = tensor._array if isinstance(tensor, Tensor) else tensor
    return array


def all_reduce(tensor: Tensor | Array, op: str = "sum") -> None:
    """Put the sum of all ranks' tensors ("sum"; "avg", "max", "min", "product") into the tensor, on every rank.

    All have the same shape and dtype. Raises ValueError for another op, TimeoutError where a rank does not come.

    >>> import autograd_lite as al
    >>> loss = al.tensor(0.25)
    >>> al.distributed.all_reduce(loss, op="avg"); loss
    tensor(0.25)
    """
    array, group = _array_of(tensor, "all_reduce"), current()
    if op not in OPS:
        raise ValueError(f"op is one of {', '.join(OPS)}, and not {op!r}")
    if group is None:
        return
    half = array.dtype == np.float16  # MPI has no such numbers
    whole = np.array(array, np.float32) if half else contiguous(array)
    group.wait(group.users.Iallreduce(group.mpi.IN_PLACE, whole, getattr(group.mpi, OPS[op])), "all_reduce")
    if op == "avg":
        array[...] = whole / group.size
    elif whole is not array:
        array[...] = whole
    written([array], "all_reduce")


def broadcast(tensor: Tensor | Array, src: int = 0) -> None:
    """Put the tensor of rank `src` into the tensor of every rank; all have the same shape and dtype.

    >>> import autograd_lite as al
    >>> w = al.ones(2)
    >>> al.distributed.broadcast(w, src=0); w
    tensor([1., 1.])
    """
    array, group = _array_of(tensor, "broadcast"), current()
    if group is not None:
        _broadcast(group, group.users, array, src, "broadcast")


def _broadcast(group: Group, communicator: Any, array: Array, src: int, what: str) -> None:
    whole = np.array(array, order="C")
    raw = whole.reshape(-1).view(np.uint8)  # float16 and booleans too
    group.wait(communicator.Ibcast(raw, root=src), what)
    if group.rank != src:
        array[...] = whole
        written([array], what)


def barrier() -> None:
    """Wait until every rank is here.

    >>> import autograd_lite as al
    >>> al.distributed.barrier()
    """
    group = current()
    if group is not None:
        group.wait(group.users.Ibarrier(), "barrier")


def all_gather_object(obj: Any) -> list[Any]:
    """A picklable object of every rank, in the order of the ranks.

    >>> import autograd_lite as al
    >>> al.distributed.all_gather_object({"loss": 0.5})
    [{'loss': 0.5}]
    """
    group = current()
    return [obj] if group is None else group.gather(obj, "all_gather_object")


def gather_object(obj: Any, dst: int = 0) -> list[Any] | None:
    """A picklable object of every rank, in the order of the ranks, on rank `dst` alone; None on the others.

    >>> import autograd_lite as al
    >>> al.distributed.gather_object({"loss": 0.5})
    [{'loss': 0.5}]
    """
    group = current()
    return [obj] if group is None else group.collect(obj, dst, "gather_object")


def save(obj: Any, f: str | os.PathLike[str]) -> None:
    """`al.save` on rank 0, while the others wait: when it returns, the file is there, whole.

    Raises on every rank where it fails. A rank that ends before leaves the old file.

    >>> import autograd_lite as al
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "state.npz")
    >>> al.distributed.save({"w": al.ones(2)}, path)
    >>> al.load(path)
    {'w': tensor([1., 1.])}
    """
    group = current()
    if group is None:
        saving.save(obj, f)
    else:
        group.together(lambda: saving.save(obj, f) if group.rank == 0 else None, "save")


def average_gradients(parameters: Iterable[Tensor], samples: int | None = None) -> None:
    """Put the mean of all ranks' gradients into `grad`, all at once: for steps without a `DistributedDataParallel`.

    With `samples`, how many this rank's loss was a mean over, the mean is by samples. A gradient that no rank has
    stays None. Row-sparse gradients are made dense.

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
    share = 1 / group.size
    if samples is not None:
        total = np.array(samples, np.float64)
        all_reduce(total)
        share = samples / float(total)
    for p in some:
        assert p.node is not None
        notes = p.node.annotate()
        g = notes.grad.data if isinstance(notes.grad, Tensor) else notes.grad
        flat, used = np.zeros(p._array.size + 1, np.result_type(p.dtype, np.float32)), g is not None
        if used and share:
            whole = g.to_dense() if isinstance(g, RowSparse) else g
            np.multiply(whole, share, out=flat[:-1].reshape(p.shape), casting="unsafe")
        flat[-1] = used
        all_reduce(flat)
        notes.grad = flat[:-1].reshape(p.shape).astype(p.dtype) if flat[-1] else None
