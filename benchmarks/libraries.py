"""Who is measured, and whether they all compute the same thing."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module, metadata, util

import numpy as np

from .problems import Array, Builder, LeftOutError, Problem, Row, Training

RTOL = {"float64": 1e-9, "float32": 1e-3}
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
    slow: bool = False  # building takes many seconds

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
GEMMS = "GEMMs alone"
PEERS = (
    Library("autograd_lite", "ours", "autograd_lite", "autograd-lite"),
    Library("compiled", "ours_compiled", "autograd_lite", "autograd-lite"),
    Library("compiled, Numba", "ours_numba", "numba", "numba"),
    Library("PyTorch", "peer_torch", "torch", "torch"),
    Library("torch.compile", "peer_torch_compile", "torch", "torch", slow=True),
    Library("JAX jit", "peer_jax", "jax", "jax"),
    Library("MyGrad", "peer_mygrad", "mygrad", "mygrad"),
    Library("HIPS autograd", "peer_autograd", "autograd", "autograd"),
)


@dataclass(frozen=True)
class Built:
    """The networks of a row, the hand-written one first, and why libraries are missing."""

    trainings: dict[str, Training]
    left_out: dict[str, str]


def build(library: Library, row: Row, problem: Problem) -> Training:
    """This library's network from the problem's first weights. Raises LeftOutError where there is none."""
    builders = library.builders()
    if builders is None:
        raise LeftOutError("not installed")
    if row.name not in builders:
        raise LeftOutError("–")
    return builders[row.name](problem)


def build_all(row: Row, problem: Problem, libraries: tuple[Library, ...] = PEERS) -> Built:
    """The network of each library that has one."""
    trainings, left_out = {HAND.name: build(HAND, row, problem)}, {}
    for library in libraries:
        try:
            trainings[library.name] = build(library, row, problem)
        except LeftOutError as error:
            left_out[library.name] = str(error)
    return Built(trainings, left_out)


def compare(name: str, what: str, got: Array | float, wanted: Array | float, rtol: float) -> None:
    """Refuse values that differ by more than `rtol` of the greatest one."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    if got.shape != wanted.shape:
        raise DisagreementError(f"{name}: {what} has shape {got.shape}, hand-written {wanted.shape}")
    scale = float(np.abs(wanted).max())
    worst = float(np.abs(got - wanted).max())
    if not worst <= rtol * scale:
        raise DisagreementError(f"{name}: {what} is off by {worst:.3g}, where the greatest value is {scale:.3g}")


def compare_all(trainings: dict[str, Training], first: tuple[Array, ...], when: str) -> None:
    """Losses, and what was learned since `first`, must be as by hand."""
    hand, rtol = trainings[HAND.name], RTOL[first[0].dtype.name]
    for name, training in trainings.items():
        compare(name, f"the loss {when}", training.loss(), hand.loss(), rtol)
        for layer, (start, weights) in enumerate(zip(first, training.weights(), strict=True)):
            if weights.dtype != start.dtype:
                raise DisagreementError(f"{name}: weights {layer} are {weights.dtype} and not {start.dtype}")
            learned = hand.weights()[layer] - start
            compare(name, f"the change of weights {layer} {when}", weights - start, learned, rtol)


def verify(trainings: dict[str, Training], first: tuple[Array, ...]) -> None:
    """Train all for `STEPS` steps, and compare after each."""
    for step in range(1, STEPS + 1):
        for training in trainings.values():
            training.step()
        compare_all(trainings, first, f"after step {step}")
