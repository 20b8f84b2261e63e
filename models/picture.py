"""The graph of a network's error with everything that goes into it, each under its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd_lite as al
from models.network import Network
from models.records import Array


def graph(network: Network) -> tuple[al.Tensor, dict[str, Any]]:
    """The error of the first batch, and what in its graph has which name; no backward has freed any of it."""
    weights, rng = network.start()
    model = network.build(weights)
    batch = next(network.batches(network.data(), rng))
    constants = [(batch.x, "images"), (batch.labels, "labels")]
    with al.watch(_followed(constants)):
        scores = network.scores(model, batch)
        error = network.criterion(scores, batch.labels)
    names: dict[str, Any] = dict(model.named_parameters())
    return error, names | {name: array for array, name in constants} | {"scores": scores, "error": error}


def _followed(constants: list[tuple[Array, str]]) -> Callable[..., None]:
    """A watcher that names what is made of named constants after them, and the mask of dropout."""

    def watcher(op: Any, args: Any, attrs: Any, result: Any) -> None:
        if isinstance(result, al.Tensor) and result.node is not None:
            return
        made = _array(result)
        if op.name == "keep_mask":
            constants.append((made, "dropout mask"))
        for array, name in list(constants):
            if any(_array(arg) is array for arg in args):
                constants.append((made, f"{name.partition(',')[0]}, {op.name}"))

    return watcher


def _array(value: Any) -> Any:
    return value.data if isinstance(value, al.Tensor) else value
