"""Who is measured, and whether they all compute the same thing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module, metadata, util

import numpy as np

from .problems import Array, Builder, Problem, Row, Training

RTOL = 1e-9
STEPS = 3


class DisagreementError(Exception):
    """An implementation computes something else than the hand-written one."""


@dataclass(frozen=True)
class Library:
    """A column of the table: `module` builds each network with `package`."""

    name: str
    module: str
    package: str
    distribution: str

    def builders(self) -> dict[str, Builder] | None:
        """A builder for each row, or None if the package is not installed."""
        if util.find_spec(self.package) is None:
            return None
        builders: dict[str, Builder] = import_module(f"benchmarks.{self.module}").BUILDERS
        return builders

    def version(self) -> str | None:
        """The installed version, or None."""
        try:
            return metadata.version(self.distribution)
        except metadata.PackageNotFoundError:
            return None


HAND = Library("hand-written", "hand", "numpy", "numpy")
PEERS = (
    Library("autograd_lite", "ours", "autograd_lite", "autograd-lite"),
    Library("compiled", "ours_compiled", "autograd_lite", "autograd-lite"),
    Library("compiled, Numba", "ours_numba", "numba", "numba"),
    Library("PyTorch", "peer_torch", "torch", "torch"),
    Library("JAX jit", "peer_jax", "jax", "jax"),
    Library("MyGrad", "peer_mygrad", "mygrad", "mygrad"),
    Library("HIPS autograd", "peer_autograd", "autograd", "autograd"),
)


def build(library: Library, row: Row, problem: Problem) -> Training | None:
    """This library's network from the problem's first weights, or None if there is none."""
    builder = (library.builders() or {}).get(row.name)
    return builder(problem) if builder else None


def build_all(row: Row) -> dict[str, Training]:
    """The network of each installed library; the hand-written one comes first."""
    problem = row.problem()
    built = {library.name: build(library, row, problem) for library in (HAND, *PEERS)}
    return {name: training for name, training in built.items() if training is not None}


def compare(name: str, what: str, got: Array | float, wanted: Array | float) -> None:
    """Refuse values that differ by more than `RTOL` of the greatest one."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    if got.shape != wanted.shape:
        raise DisagreementError(f"{name}: {what} has shape {got.shape}, hand-written {wanted.shape}")
    scale = float(np.abs(wanted).max())
    worst = float(np.abs(got - wanted).max())
    if not worst <= RTOL * scale:
        raise DisagreementError(f"{name}: {what} is off by {worst:.3g}, where the greatest value is {scale:.3g}")


def verify(trainings: dict[str, Training], first: tuple[Array, ...]) -> None:
    """Train all for `STEPS` steps: losses, and what was learned since `first`, must be as by hand."""
    hand = trainings[HAND.name]
    for step in range(1, STEPS + 1):
        for name, training in trainings.items():
            training.step()
            compare(name, f"the loss of step {step}", training.loss(), hand.loss())
    for layer, start in enumerate(first):
        learned = hand.weights()[layer] - start
        for name, training in trainings.items():
            compare(name, f"the change of weights {layer}", training.weights()[layer] - start, learned)
