"""The networks under `torch.compile`: loss, gradient and update in one graph, by `torch.func`.

This is faster here than compiling the loss alone and leaving the update eager. The gradient of the embedding is dense:
sparse ones cannot be compiled. What Inductor cannot take, or has no C++ compiler for, is left out, and says why.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

from .peer_torch import BUILDERS as EAGER
from .peer_torch import Eager, Embedding, torch
from .problems import Builder, LeftOutError, Problem, Training

BACKEND = "inductor"


class DenseEmbedding(Embedding):
    """With a gradient for every word."""

    sparse = False


def compiled(eager: Any) -> Builder:
    """The same network, its step compiled."""

    def prepared(problem: Problem) -> Eager:
        made: Eager = eager(problem)
        made.parameters = [parameter.detach() for parameter in made.parameters]
        return made

    def build(problem: Problem) -> Training:
        made = prepared(problem)
        differentiate = torch.func.grad_and_value(made.criterion)

        def update(weights: Any, *example: Any) -> Any:
            gradients, loss = differentiate(weights, *example)
            for weight, gradient in zip(weights, gradients, strict=True):
                weight.sub_(gradient, alpha=made.alpha)
            return loss

        made.train = torch.compile(update, backend=BACKEND, fullgraph=True)
        first_call(made)
        fresh = prepared(problem)
        fresh.train = made.train
        return fresh

    return build


def first_call(training: Training) -> None:
    """Compile, by a step that is not kept. Raises LeftOutError where that is not possible."""
    errors: Any = import_module("torch._dynamo.exc")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            training.step()
    except (errors.TorchDynamoException, RuntimeError) as error:
        cause = getattr(error, "inner_exception", error)
        reason = next((line.strip() for line in str(cause).splitlines() if line.strip()), "")
        raise LeftOutError(f"not compiled: {type(cause).__name__}: {reason}") from error


NAMES = "streetlights", "mnist-one", "mnist-batch", "conv", "embedding", "lstm"
BUILDERS: dict[str, Builder] = {name: compiled({**EAGER, "embedding": DenseEmbedding}[name]) for name in NAMES}
