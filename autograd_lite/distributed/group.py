"""The processes that train together: their number, waiting for one another, and stopping together.

Every wait ends: with the answer, or after `timeout` seconds with an error. An error that not all ranks have ends the
process and, by MPI's Abort, all others; one that all have (`DistributedError`) each rank raises by itself.
"""

from __future__ import annotations

import atexit
import os
import pickle
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib.util import find_spec
from types import TracebackType
from typing import Any
from zlib import crc32

import numpy as np

from autograd_lite.memory import Array

PATIENCE = 300.0  # seconds
SPINS = 2000  # how often a wait looks before it sleeps between looks: about a millisecond
_let_others = getattr(os, "sched_yield", lambda: time.sleep(0))
ENDED = -1.0
LANES = 8  # communicators that models take turns with
STEPS = "it left early, or the ranks have different numbers of batches (DistributedBatchSampler gives all as many)"
LAUNCHERS = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "PMIX_SIZE", "MPI_LOCALNRANKS")  # how processes see how many they are


class DistributedError(RuntimeError):
    """What is wrong is known to all ranks, and each of them raises this.

    >>> import autograd_lite as al
    >>> issubclass(al.distributed.DistributedError, RuntimeError)
    True
    """


class Group:
    """All ranks. `users` carries the collectives that programs call, `heads` what is said before a forward pass, and
    `lanes` what follows from that, one for each model: where ranks do different things, or go through two models in
    another order, they wait in vain, and mix nothing up.
    """

    def __init__(self, mpi: Any, timeout: float) -> None:
        self.mpi, self.timeout = mpi, timeout
        self.under_way: dict[int, Any] = {}  # requests, and with them the arrays that MPI may still write into
        self.rank, self.size = mpi.COMM_WORLD.Get_rank(), mpi.COMM_WORLD.Get_size()
        here = int(os.environ.get("MPI_LOCALNRANKS") or self.size)  # ranks of this machine
        self.spins = SPINS if here <= (os.cpu_count() or 1) else 0  # who spins takes a core from who is waited for
        self.users, self.heads, *self.lanes = (self._twin("init_process_group") for _ in range(2 + LANES))
        self.over = False  # whether some rank has said that it ends
        self.models = 0  # how many there are of DistributedDataParallel

    def _twin(self, what: str) -> Any:
        communicator, request = self.mpi.COMM_WORLD.Idup()
        self.wait(request, what)
        return communicator

    def started(self, request: Any) -> Any:
        """The request, which is kept until it is done, whatever error comes between."""
        self.under_way[id(request)] = request
        return request

    def wait(self, request: Any, what: str, forever: bool = False) -> None:
        """Until a request is done; raises TimeoutError when that takes too long, unless it may take `forever`."""
        self.started(request)
        spins, end = 0, 0.0
        while not request.Test():
            spins += 1
            if spins < self.spins:
                _let_others()
                continue
            now = time.monotonic()
            end = end or now + self.timeout
            if now > end and not forever:
                raise TimeoutError(
                    f"rank {self.rank} of {self.size} waited {self.timeout:g} s in {what}, and another rank did not "
                    "come there: it hangs, is slower than the timeout of init_process_group, or does something else "
                    "(all ranks have to make the same calls; evaluate on one rank alone under no_grad())"
                )
            time.sleep(5e-5)
        del self.under_way[id(request)]

    def same(self, what: str) -> None:
        """Before what a program calls. Raises DistributedError, on all ranks, where they do not call the same."""
        mark = crc32(what.encode())
        marks, found = np.array([mark, -mark]), np.empty(2, np.int64)
        self.wait(self.users.Iallreduce(marks, found, self.mpi.MAX), what)
        if found[0] != -found[1]:
            told = self.gather(what, what, self.users)
            raise DistributedError("the ranks do different things: " + by_rank(told))

    def gather(self, obj: Any, what: str, comm: Any) -> list[Any]:
        """A picklable object of every rank, in their order."""
        mine = np.frombuffer(pickle.dumps(obj), np.uint8)
        sizes = np.empty(self.size, np.int64)
        self.wait(comm.Iallgather(np.array([mine.size], np.int64), sizes), what)
        whole = np.empty(int(sizes.sum()), np.uint8)
        self.wait(comm.Iallgatherv(mine, [whole, sizes]), what)
        return _unpickled(whole, sizes)

    def collect(self, obj: Any, dst: int, what: str) -> list[Any] | None:
        """A picklable object of every rank, in their order, on rank `dst`; None elsewhere, where nothing arrives."""
        mine, here = np.frombuffer(pickle.dumps(obj), np.uint8), self.rank == dst
        sizes = np.empty(self.size, np.int64) if here else None
        self.wait(self.users.Igather(np.array([mine.size], np.int64), sizes, root=dst), what)
        whole = None if sizes is None else np.empty(int(sizes.sum()), np.uint8)
        self.wait(self.users.Igatherv(mine, None if sizes is None else [whole, sizes], root=dst), what)
        return None if sizes is None or whole is None else _unpickled(whole, sizes)

    def headed(self, number: float, samples: float, doing: float, forever: bool = False) -> Array:
        """What every rank says before it goes on, a row each: which model, how many samples, and what it does."""
        heads = np.empty((self.size, 3))
        request = self.heads.Iallgather(np.array([number, samples, doing], np.float64), heads)
        self.wait(request, "the forward pass of a DistributedDataParallel", forever)
        self.over = bool((heads[:, 0] == ENDED).any())
        return heads

    def meet(self, number: int, samples: int, doing: int) -> Array:
        """How many samples each rank has. Raises DistributedError, on all ranks, where they do not do the same."""
        if self.over:
            raise DistributedError("another rank has ended, and nothing can be trained without it")
        heads = self.headed(number, samples, doing)
        ended = np.flatnonzero(heads[:, 0] == ENDED)
        if ended.size:
            raise DistributedError(f"rank {_listed(ended)} ended its training while others go on: {STEPS}")
        if (heads[:, [0, 2]] != heads[0, [0, 2]]).any():
            raise DistributedError(
                "the ranks are at different places: all call the same models in the same order, with no_sync(), "
                "train() and eval() alike"
            )
        samples_of: Array = heads[:, 1]
        return samples_of

    def end(self) -> None:
        """This rank trains no more; where another does, it is told. Once somebody has ended nobody asks any more."""
        if self.over:
            return
        going = np.flatnonzero(self.headed(ENDED, 0, 0, forever=True)[:, 0] != ENDED)
        if going.size:
            raise DistributedError(f"rank {self.rank} ended its training, and rank {_listed(going)} goes on: {STEPS}")

    def together(self, action: Callable[[], Any], what: str) -> Any:
        """Run something that may fail on some ranks; then all raise, and say whose error it is."""
        error, result = None, None
        try:
            result = action()
        except Exception as caught:
            error = caught
        told = self.gather(None if error is None else f"{type(error).__name__}: {error}", what, self.users)
        if any(told):
            raise DistributedError(f"{what} failed, on {by_rank(told)}") from error
        return result


def _listed(ranks: Array) -> str:
    return ", ".join(map(str, ranks.tolist()))


def by_rank(told: Sequence[str | None]) -> str:
    """What ranks have said, of those that have."""
    return "; ".join(f"rank {rank}: {text}" for rank, text in enumerate(told) if text)


def _unpickled(whole: Array, sizes: Array) -> list[Any]:
    return [pickle.loads(whole[e - s : e].tobytes()) for s, e in zip(sizes, np.cumsum(sizes), strict=True)]


_group: Group | None = None


def launched() -> bool:
    """Whether a program such as mpiexec has started several processes, of which this is one."""
    return any(os.environ.get(name, "1") not in ("", "1") for name in LAUNCHERS)


def current() -> Group | None:
    """The group, or None in a process that is alone.

    Raises RuntimeError where there are other processes that nobody has joined yet.
    """
    if _group is None and launched():
        raise RuntimeError("this is one of several MPI processes: call al.distributed.init_process_group() first")
    return _group


def is_available() -> bool:
    """Whether mpi4py is installed: `pip install "autograd_lite[mpi]"`.

    >>> import autograd_lite as al
    >>> al.distributed.is_available() in (True, False)
    True
    """
    return find_spec("mpi4py") is not None


def is_initialized() -> bool:
    """Whether `init_process_group` was called.

    >>> import autograd_lite as al
    >>> al.distributed.is_initialized()
    False
    """
    return _group is not None


def get_rank() -> int:
    """The number of this process, from 0; 0 in a process that is alone.

    >>> import autograd_lite as al
    >>> al.distributed.get_rank()
    0
    """
    return 0 if _group is None else _group.rank


def get_world_size() -> int:
    """How many processes there are; 1 in one that is alone.

    >>> import autograd_lite as al
    >>> al.distributed.get_world_size()
    1
    """
    return 1 if _group is None else _group.size


def init_process_group(backend: str = "mpi", timeout: float | timedelta = PATIENCE) -> None:
    """Join the other processes that `mpiexec` has started: the first thing that a program does.

    `timeout`, in seconds or as a timedelta, is how long a rank waits for another before all are stopped. From here on
    an error that nobody catches stops all ranks. Raises ImportError without mpi4py, ValueError for another backend,
    RuntimeError at a second call.

    >>> import autograd_lite as al
    >>> al.distributed.init_process_group("nccl")
    Traceback (most recent call last):
    ValueError: the backend is 'mpi', and not 'nccl'
    """
    global _group
    if backend != "mpi":
        raise ValueError(f"the backend is 'mpi', and not {backend!r}")
    if _group is not None:
        raise RuntimeError("init_process_group was called already")
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
    if not seconds > 0:
        raise ValueError(f"timeout is {timeout}, and has to be above 0 (seconds)")
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ImportError(
            f'training on several processes needs mpi4py and an MPI: pip install "autograd_lite[mpi]" ({error})'
        ) from error
    _group = Group(MPI, seconds)
    _stop_together(_group)


def destroy_process_group() -> None:
    """Leave the group, which all ranks do; done by itself at the end of a program. Alone it does nothing.

    >>> import autograd_lite as al
    >>> al.distributed.destroy_process_group()
    """
    global _group
    if _group is not None:
        _group.end()
        _group = None


def _stop_together(group: Group) -> None:
    """An error that only this rank has stops all of them; a rank that ends says so."""
    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        before(kind, error, trace)
        if not isinstance(error, DistributedError) and group.size > 1:
            stop(group, f"{kind.__name__}: {error}")

    def leave() -> None:
        try:
            if _group is group:
                group.end()
        except DistributedError as error:  # the others raise it, too
            print(error, file=sys.stderr, flush=True)

    sys.excepthook = hook
    atexit.register(leave)


def stop(group: Group, why: str) -> None:
    """End this process and all others."""
    print(f"rank {group.rank} of {group.size} stops all ranks: {why}", file=sys.stderr, flush=True)
    sys.stdout.flush()
    time.sleep(0.5)  # mpiexec passes on what was printed, and drops the rest when it is told to abort
    group.mpi.COMM_WORLD.Abort(1)


def contiguous(array: Array) -> Array:
    """The array, or a copy of it that MPI can take."""
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)
