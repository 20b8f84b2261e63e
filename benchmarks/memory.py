"""The peak memory of a step besides weights and examples: what is kept from step to step, and what comes and goes."""

from __future__ import annotations

import gc
import os
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from .libraries import Library, build
from .problems import LeftOutError, Problem, Row, Training

SETTLING = 2  # steps before one is measured: the first may compile
ARRAYS = tracemalloc.DomainFilter(inclusive=True, domain=int(np.lib.tracemalloc_domain))


@contextmanager
def quiet() -> Iterator[None]:
    """Without what C++ writes to the standard error: the profiler's notes of when it starts and stops."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def arrays() -> int:
    """The bytes that NumPy's arrays hold now."""
    gc.collect()
    return sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces([ARRAYS]).traces)


def settle(training: Training) -> None:
    """The steps before the one that is measured."""
    for _ in range(SETTLING):
        training.step()


def numpy_peak(make: Callable[[], Training]) -> tuple[Training, int]:
    """The training, and the bytes as `tracemalloc` sees them, which NumPy tells of its arrays."""
    tracemalloc.start()
    try:
        training = make()
        before = arrays()
        settle(training)
        kept = arrays() - before
        tracemalloc.reset_peak()
        start, _ = tracemalloc.get_traced_memory()
        training.step()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return training, kept + peak - start


def torch_peak(make: Callable[[], Training]) -> tuple[Training, int]:
    """The training, and the bytes that PyTorch's profiler sees its allocator hand out and take back."""
    training = make()
    profiler: Any = import_module("torch.profiler")
    settle(training)
    with quiet(), profiler.profile(activities=[profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
        training.step()
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    return training, int(np.cumsum([0, *(event.nbytes() for event in events)]).max())


def with_peak(library: Library, make: Callable[[], Training]) -> tuple[Training, int]:
    """The training after some steps, the same number for every library, and its peak."""
    return (torch_peak if library.package == "torch" else numpy_peak)(make)


def measure(row: Row, problem: Problem, libraries: tuple[Library, ...]) -> dict[str, int]:
    """The peak of each implementation of a row that there is; JAX does not tell."""
    peaks = {}
    for library in libraries:
        if library.package != "jax":
            with suppress(LeftOutError):
                _, peaks[library.name] = with_peak(library, partial(build, library, row, problem))
    return peaks
