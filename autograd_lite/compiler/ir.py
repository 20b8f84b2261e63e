"""What a traced step is made of: values, and instructions that make each of them once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Shape = tuple[int, ...]


@dataclass(eq=False, slots=True)
class Place:
    """Where a value that a step finds, or leaves behind, is kept: `owner[key]`, or with an attribute `owner.key`.

    A setting's key may be a pair: one number of several, `owner[name][k]`.

    `kind` is "tensor", "grad", "state", "setting", "argument" or "constant".
    """

    kind: str
    owner: Any
    key: Any = None
    name: str = ""

    def get(self) -> Any:
        """What is there now."""
        if self.kind in ("tensor", "grad"):
            return getattr(self.owner, self.key)
        if isinstance(self.key, tuple):
            return self.owner[self.key[0]][self.key[1]]
        return self.owner.get(self.key) if self.kind in ("state", "setting") else self.owner

    def put(self, value: Any) -> None:
        """Put something else there."""
        if self.kind in ("tensor", "grad"):
            setattr(self.owner, self.key, value)
        else:
            self.owner[self.key] = value


@dataclass(eq=False, slots=True)
class Var:
    """A value: an array of a shape and dtype, or with `shape` None a Python number. `place` is where it is found."""

    number: int
    shape: Shape | None
    dtype: np.dtype[Any] | None
    place: Place | None = None
    name: str = ""

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(np.prod(self.shape, dtype=np.int64)) if self.shape is not None else 1

    def __repr__(self) -> str:
        return f"v{self.number}{self.shape}"


@dataclass(eq=False, slots=True)
class Instruction:
    """One call: `out` is what `function` makes of `args`, in which Vars stand for values.

    `kind` is "ufunc", "reduce", "product", "view", "copy", "take", "where", "cat", "fill", "set", "scalar" or "call".
    `overwrites` is the argument whose memory the result has to stay in, if it is kept somewhere. `errors` is how
    NumPy deals with floating-point errors, where it is not as it was when the step began.
    """

    kind: str
    function: Any
    args: tuple[Any, ...]
    attrs: dict[str, Any]
    out: Var
    effect: bool = False
    errors: tuple[tuple[str, str], ...] | None = None
    shares: Var | None = None  # whose memory a call's result is in

    def uses(self) -> Iterator[Var]:
        """The values among its arguments."""
        for arg in self.args:
            if isinstance(arg, Var):
                yield arg
            elif isinstance(arg, tuple):
                yield from (item for item in arg if isinstance(item, Var))


@dataclass(eq=False, slots=True)
class Program:
    """Instructions in order, and what is left behind: `writes` into places, and `results` that are returned."""

    instructions: list[Instruction] = field(default_factory=list)
    writes: list[tuple[Place, Var]] = field(default_factory=list)
    results: list[Var] = field(default_factory=list)
