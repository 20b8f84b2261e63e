"""Collectives by PyTorch's names, which all ranks call in the same order; alone they leave everything as it is.

Tensors are written in place, as PyTorch does; they have the same shape and dtype on all ranks, or parts of the list do.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite import saving
from autograd_lite.core import Tensor
from autograd_lite.distributed.group import Group, contiguous, current
from autograd_lite.memory import Array, written

OPS = {"sum": "SUM", "avg": "SUM", "max": "MAX", "min": "MIN", "product": "PROD"}


class ReduceOp:
    """What `all_reduce` and `reduce` do: PyTorch's names of the strings that they take.

    >>> import autograd_lite as al
    >>> al.distributed.ReduceOp.AVG
    'avg'
    """

    SUM, AVG, MAX, MIN, PRODUCT = OPS


def _array_of(tensor: Any, what: str) -> Array:
    if not isinstance(tensor, Tensor | np.ndarray):
        raise TypeError(f"{what} takes a Tensor or an array, which it writes into, and got a {type(tensor).__name__}")
    array: Array = tensor._array if isinstance(tensor, Tensor) else tensor
    return array


def _raw(array: Array) -> Array:
    """A copy of its bytes, which MPI takes of every dtype."""
    return np.array(array, order="C").reshape(-1).view(np.uint8)


def _put(array: Array, raw: Array, what: str) -> None:
    array[...] = raw.view(array.dtype).reshape(array.shape)
    written([array], what)


def _parts(tensors: Sequence[Any] | None, size: int, what: str) -> list[Array]:
    """The arrays of a list with one for each rank."""
    arrays = [_array_of(tensor, what) for tensor in tensors or ()]
    if len(arrays) != size:
        raise ValueError(f"{what} takes a list of {size}, one for each rank, and got {len(arrays)}")
    return arrays


def _same(group: Group, what: str, array: Array, *more: object) -> None:
    settings = ", ".join(str(setting) for setting in more if setting is not None)
    group.same(f"{what} of {array.shape} {array.dtype}{settings and f' ({settings})'}")


def all_reduce(tensor: Tensor | Array, op: str = "sum") -> None:
    """Put the sum of all ranks' tensors ("sum"; "avg", "max", "min", "product") into the tensor, on every rank.

    All have the same shape and dtype. Raises ValueError for another op, TimeoutError where a rank does not come.

    >>> import autograd_lite as al
    >>> loss = al.tensor(0.25)
    >>> al.distributed.all_reduce(loss, op="avg"); loss
    tensor(0.25)
    """
    _reduce(tensor, op, "all_reduce")


def reduce(tensor: Tensor | Array, dst: int = 0, op: str = "sum") -> None:
    """`all_reduce` into the tensor of rank `dst` alone.

    >>> import autograd_lite as al
    >>> loss = al.tensor(0.25)
    >>> al.distributed.reduce(loss, dst=0); loss
    tensor(0.25)
    """
    _reduce(tensor, op, "reduce", dst)


def _reduce(tensor: Any, op: str, what: str, dst: int | None = None) -> None:
    array, group = _array_of(tensor, what), current()
    if op not in OPS:
        raise ValueError(f"op is one of {', '.join(OPS)}, and not {op!r}")
    if op == "avg" and array.dtype.kind != "f":
        raise ValueError(f"the mean of {array.dtype} is no {array.dtype}: add up, and divide")
    if group is None:
        return
    _same(group, what, array, op, dst)
    half = array.dtype == np.float16  # MPI has no such numbers
    whole, how = np.array(array, np.float32) if half else contiguous(array), getattr(group.mpi, OPS[op])
    if dst is None:
        request = group.users.Iallreduce(group.mpi.IN_PLACE, whole, how)
    elif group.rank == dst:
        request = group.users.Ireduce(group.mpi.IN_PLACE, whole, how, dst)
    else:
        request = group.users.Ireduce(whole, None, how, dst)
    group.wait(request, what)
    if dst is not None and group.rank != dst:
        return
    if op == "avg":
        array[...] = whole / group.size
    elif whole is not array:
        array[...] = whole
    written([array], what)


def broadcast(tensor: Tensor | Array, src: int = 0) -> None:
    """Put the tensor of rank `src` into the tensor of every rank; all have the same shape and dtype.

    >>> import autograd_lite as al
    >>> w = al.ones(2)
    >>> al.distributed.broadcast(w, src=0); w
    tensor([1., 1.])
    """
    array, group = _array_of(tensor, "broadcast"), current()
    if group is not None:
        _same(group, "broadcast", array, src)
        broadcast_on(group, group.users, array, src, "broadcast")


def broadcast_on(group: Group, communicator: Any, array: Array, src: int, what: str) -> None:
    """`broadcast` by a communicator."""
    raw = _raw(array)
    group.wait(communicator.Ibcast(raw, root=src), what)
    if group.rank != src:
        _put(array, raw, what)


def all_gather(tensor_list: Sequence[Tensor | Array], tensor: Tensor | Array) -> None:
    """Put every rank's tensor into a list's tensors, which are there already, one for each rank.

    >>> import autograd_lite as al
    >>> parts = [al.empty(2) for _ in range(al.distributed.get_world_size())]
    >>> al.distributed.all_gather(parts, al.ones(2)); parts
    [tensor([1., 1.])]
    """
    mine, group = _array_of(tensor, "all_gather"), current()
    into = _parts(tensor_list, 1 if group is None else group.size, "all_gather")
    whole = _raw(mine)[None]
    if group is not None:
        _same(group, "all_gather", mine)
        mine_raw, whole = whole[0], np.empty((group.size, whole.size), np.uint8)
        group.wait(group.users.Iallgather(mine_raw, whole), "all_gather")
    for array, raw in zip(into, whole, strict=True):
        _put(array, raw, "all_gather")


def scatter(tensor: Tensor | Array, scatter_list: Sequence[Tensor | Array] | None = None, src: int = 0) -> None:
    """Put a list's tensors, which rank `src` has, one for each rank, into the tensors of the ranks.

    >>> import autograd_lite as al
    >>> part = al.empty(2)
    >>> al.distributed.scatter(part, [al.ones(2)]); part
    tensor([1., 1.])
    """
    array, group = _array_of(tensor, "scatter"), current()
    if group is None:
        _put(array, _raw(_parts(scatter_list, 1, "scatter")[0]), "scatter")
        return
    _same(group, "scatter", array, src)
    raw, whole = _raw(array), None
    if group.rank == src:
        whole = np.stack([_raw(part) for part in _parts(scatter_list, group.size, "scatter")])
    group.wait(group.users.Iscatter(whole, raw, src), "scatter")
    _put(array, raw, "scatter")


def send(tensor: Tensor | Array, dst: int, tag: int = 0) -> None:
    """Send a tensor to rank `dst`, which calls `recv`; no other rank has to do with it.

    Raises RuntimeError in a process that is alone.

    >>> import autograd_lite as al
    >>> al.distributed.send(al.ones(2), dst=1)
    Traceback (most recent call last):
    RuntimeError: send: there is no other process
    """
    array, group = _array_of(tensor, "send"), _others("send")
    group.wait(group.users.Isend(_raw(array), dst, tag), "send")


def recv(tensor: Tensor | Array, src: int, tag: int = 0) -> None:
    """Put the tensor that rank `src` sends into this one, of the same shape and dtype.

    Raises RuntimeError in a process that is alone.

    >>> import autograd_lite as al
    >>> al.distributed.recv(al.ones(2), src=1)
    Traceback (most recent call last):
    RuntimeError: recv: there is no other process
    """
    array, group = _array_of(tensor, "recv"), _others("recv")
    raw = _raw(array)
    group.wait(group.users.Irecv(raw, src, tag), "recv")
    _put(array, raw, "recv")


def _others(what: str) -> Group:
    group = current()
    if group is None:
        raise RuntimeError(f"{what}: there is no other process")
    return group


def barrier() -> None:
    """Wait until every rank is here.

    >>> import autograd_lite as al
    >>> al.distributed.barrier()
    """
    group = current()
    if group is not None:
        group.same("barrier")  # which waits


def all_gather_object(object_list: list[Any], obj: Any) -> None:
    """Put a picklable object of every rank into a list, in the order of the ranks.

    >>> import autograd_lite as al
    >>> losses = [None] * al.distributed.get_world_size()
    >>> al.distributed.all_gather_object(losses, {"loss": 0.5}); losses
    [{'loss': 0.5}]
    """
    group = current()
    if group is None:
        object_list[:] = [obj]
    else:
        group.same("all_gather_object")
        object_list[:] = group.gather(obj, "all_gather_object", group.users)


def broadcast_object_list(object_list: list[Any], src: int = 0) -> None:
    """Put the picklable objects of rank `src` into the lists of all ranks.

    >>> import autograd_lite as al
    >>> settings = [{"lr": 0.1}]
    >>> al.distributed.broadcast_object_list(settings); settings
    [{'lr': 0.1}]
    """
    group = current()
    if group is not None:
        group.same(f"broadcast_object_list from rank {src}")
        told = group.gather(object_list if group.rank == src else None, "broadcast_object_list", group.users)
        object_list[:] = told[src]


def gather_object(obj: Any, object_gather_list: list[Any] | None = None, dst: int = 0) -> None:
    """Put a picklable object of every rank into the list of rank `dst`, in the order of the ranks; no other gets them.

    Raises ValueError on rank `dst` without a list.

    >>> import autograd_lite as al
    >>> losses = [None] * al.distributed.get_world_size()
    >>> al.distributed.gather_object({"loss": 0.5}, losses); losses
    [{'loss': 0.5}]
    """
    group = current()
    if object_gather_list is None and (group is None or group.rank == dst):
        raise ValueError(f"gather_object: rank {dst}, where the objects go, needs a list for them")
    found: list[Any] | None = [obj]
    if group is not None:
        group.same(f"gather_object to rank {dst}")
        found = group.collect(obj, dst, "gather_object")
    if object_gather_list is not None and found is not None:
        object_gather_list[:] = found


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
        group.same("save")
        group.together(lambda: saving.save(obj, f) if group.rank == 0 else None, "save")
