"""Graphs of many small ops, in operators that all libraries share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def chain(tanh: Callable[[Any], Any], ops: int, weights: Any) -> Any:
    """The sum of what so many tanh in a row make of a vector."""
    for _ in range(ops):
        weights = tanh(weights)
    return weights.sum()


def mixed(tanh: Callable[[Any], Any], ops: int, weights: Any, scale: Any, turn: Any) -> Any:
    """The sum of a vector after so many ops, of four kinds in turn; each fourth leads back to the weights."""
    x = weights
    for _ in range(ops // 4):
        x = (tanh(x) * scale + weights) @ turn
    return x.sum()
