"""The graph of a network's error with everything that goes into it, each under the book's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as al
from models.network import Graph, Network
from models.records import Array


def recorded(network: Network) -> tuple[Graph, dict[str, Array]]:
    """The graph of the first batch in plain tensors, which no backward has freed, and the constants in it by name."""
    weights, rng = network.start()
    batch = next(network.batches(network.data(), rng))
    constants = [(batch.labels, "labels")]
    with al.watch(_followed(constants)):
        made = network.graph(weights, batch)
    return made, {name: array for array, name in constants if isinstance(array, np.ndarray)}


def graph(network: Network) -> tuple[al.Tensor, dict[str, Any]]:
    """The error of the first batch (the output, of a forward pass alone), and all that has a name in its graph.

    That holds weights, layers and constants, so that their values are known.
    """
    made, constants = recorded(network)
    return made.result, {**made.weights, **made.layers, **constants}


def _followed(constants: list[tuple[Array, str]]) -> Callable[..., None]:
    """A watcher that names what is made of named constants after them."""

    def watcher(op: Any, args: Any, attrs: Any, result: Any) -> None:
        if isinstance(result, al.Tensor) and result.node is not None:
            return
        made = _array(result)
        for array, name in list(constants):
            if any(_array(arg) is array for arg in args):
                constants.append((made, f"{name.partition(',')[0]}, {op.name}"))

    return watcher


def _array(value: Any) -> Any:
    return value.data if isinstance(value, al.Tensor) else value
