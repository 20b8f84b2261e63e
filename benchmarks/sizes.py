"""Cost against size: time and peak memory by width, batch and number of ops; and the time to compile."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from importlib import import_module
from time import perf_counter
from typing import Any

from .libraries import HAND, PEERS, Library, build, compare_all
from .memory import with_peak
from .ours import compiled
from .problems import CHAINS, ROWS, LeftOutError, Problem, two_layers, vector
from .timing import Effort, interleave, limit_threads

EFFORT = Effort(rounds=11, turn=0.01, seconds=2)
QUICK = Effort(rounds=3, turn=0.001, seconds=0.1)
GRAPHS = {row.name: row for row in (*ROWS, *CHAINS)}
EAGER = "autograd_lite"
COMPILED = {"compiled": "numpy", "compiled, Numba": "numba"}
SHOWN = (EAGER, *COMPILED, "PyTorch")
OPS = {"compiled": 10_000, "compiled, Numba": 1_000, "MyGrad": 100, "HIPS autograd": 10_000}  # at most


@dataclass(frozen=True)
class Family:
    """Problems that differ in one size."""

    name: str
    axis: str
    row: str
    sizes: tuple[int, ...]
    problem: Callable[[int], Problem]

    @property
    def of_ops(self) -> bool:
        """Whether the size is a number of ops."""
        return self.row in {row.name for row in CHAINS}


def of_width(width: int) -> Problem:
    """A batch of 32."""
    return two_layers(width, 32)


def of_batch(batch: int) -> Problem:
    """256 wide."""
    return two_layers(256, batch)


FAMILIES = (
    Family("width", "width, batch 32", "mnist-one", (16, 64, 256, 1024, 4096), of_width),
    Family("batch", "batch, width 256", "mnist-one", (1, 8, 64, 512, 4096), of_batch),
    Family("chain", "ops: tanh", "chain", (8, 100, 1_000, 10_000, 100_000), vector),
    Family("mixed", "ops: tanh, multiply, add, matmul", "mixed", (8, 100, 1_000, 10_000, 100_000), vector),
)
OVERHEAD = 100  # ops of the chain that the cost of one op is taken from
COMPILES = {"numpy": (100, 1_000, 10_000, 100_000), "numba": (100, 1_000, 10_000)}  # ops


@dataclass(frozen=True)
class Point:
    """One library at one size: microseconds and peak bytes of a step."""

    family: str
    size: int
    library: str
    microseconds: float
    bytes: int


def libraries(family: Family, size: int) -> Iterator[Library]:
    """Who takes part: in chains of ops all eager ones, and compilers while that is a matter of seconds."""
    for library in PEERS:
        if family.of_ops:
            if size <= OPS.get(library.name, size) and not library.slow:
                yield library
        elif library.name in SHOWN:
            yield library


def measure(family: Family, size: int, effort: Effort) -> list[dict[str, Any]]:
    """The memory of each as it is built and run, a comparison, then the time of all."""
    row, problem = GRAPHS[family.row], family.problem(size)
    trainings, peaks = {}, {}
    for library in (HAND, *libraries(family, size)):
        with suppress(LeftOutError):
            trainings[library.name], peaks[library.name] = with_peak(library, partial(build, library, row, problem))
    limit_threads(trainings, 1)
    compare_all(trainings, problem.weights, f"at {family.axis} {size}")
    timings = interleave(trainings, effort)
    return [asdict(Point(family.name, size, n, t.microseconds, peaks[n])) for n, t in timings.items()]


def compile_time(backend: str, ops: int, found: str, folder: str) -> dict[str, Any]:
    """The seconds of the first call of a compiled step; Numba keeps what it compiles in `folder`."""
    os.environ["NUMBA_CACHE_DIR"] = folder
    if backend == "numba":
        import_module("numba")
    training = compiled(backend)["mixed"](vector(ops))
    start = perf_counter()
    training.step()
    return {"backend": backend, "ops": ops, "found": found, "seconds": perf_counter() - start}


Task = tuple[str, Callable[..., Any], tuple[Any, ...]]  # a title, a function and its arguments


def points(quick: bool) -> Iterator[Task]:
    """All sizes of all families."""
    for family in FAMILIES:
        for size in family.sizes[:1] if quick else family.sizes:
            yield f"{family.axis}: {size:,}", measure, (family, size, QUICK if quick else EFFORT)


def compiles(quick: bool) -> Iterator[Task]:
    """Each backend at each number of ops; Numba twice, the second time with what is on disk."""
    for backend, sizes in COMPILES.items():
        for ops in sizes[:1] if quick else sizes:
            with tempfile.TemporaryDirectory() as folder:
                for found in ("cold", "warm") if backend == "numba" else ("cold",):
                    yield f"compile {ops:,} ops by {backend}, {found}", compile_time, (backend, ops, found, folder)
