"""What an explanation of an array that was written by hand is made of: slips, and what is said of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autograd_lite.check.region import Change
from autograd_lite.recorded import Edge


@dataclass(frozen=True, eq=False)
class Slip:
    """A possible mistake: what it is, how simple (`cost`), and what edges do instead of their rules.

    `key` is what the same slip at another op has in common with it; None where it belongs to one place.
    """

    kind: str
    op: str
    text: str
    cost: float
    changes: Mapping[Edge, Change]
    key: tuple[Any, ...] | None = None
    second: tuple[str, str] | None = None  # kind and text of another slip that is made at the same place
    swaps: Mapping[str, Any] = field(default_factory=dict)  # what the rule is given instead, by name; "g" is a gradient


@dataclass(frozen=True)
class Cause:
    """One slip that is part of an explanation. `factor` is set where a constant is behind it.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> x, w = np.array([[1.0, 2.0]]), al.tensor([[0.5], [-1.0]], requires_grad=True, name="w")
    >>> loss = (x @ w).square().sum()
    >>> report = al.check_deltas(loss, {"w": x.T @ (x @ w.data)})
    >>> report["w"].causes[0].kind, report["w"].causes[0].factor
    ('factor', 0.5)
    >>> report["w"].causes[0].explanation
    'half the gradient: that of half the loss'
    """

    kind: str
    op: str | None
    explanation: str
    factor: float | None = None
    convention: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": self.kind,
            "op": self.op,
            "factor": self.factor,
            "explanation": self.explanation,
            "convention": self.convention,
        }


Reading = tuple[Cause, ...]  # slips that together explain an array
