"""`check_module`: the gradients of a model's parameters, in a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd_lite.check.gradcheck import examine, finish, refuse_nonfinite, upcast
from autograd_lite.check.judge import STEP
from autograd_lite.check.problem import Problem
from autograd_lite.check.replay import Replay
from autograd_lite.check.report import Report
from autograd_lite.core import Tensor


def check_module(
    model: Any,
    loss: Callable[..., Any],
    *batch: Any,
    eps: float | None = None,
    rtol: float = 1e-6,
    seed: int = 0,
    raise_exception: bool = False,
    max_entries: int = 2000,
) -> Report:
    """Compare the gradients of a model's parameters with differences; the report has a row for each parameter.

    `loss` is a function without arguments that computes from the model, or with a batch (inputs..., target) it is
    called as `loss(model(*inputs), target)`. `model` is a Module, or a dictionary of Tensors. The check runs in
    float64 from the same random draws each time; parameters, buffers and gradients are afterwards what they were.
    The options are those of `gradcheck`.

    >>> import autograd_lite as al
    >>> from autograd_lite.check import check_module
    >>> w = al.tensor([[0.3, -0.2]], requires_grad=True)
    >>> x = al.tensor([[1.0], [2.0]])
    >>> report = check_module({"w": w}, lambda: al.tanh(x @ w).sum())
    >>> bool(report), report.verdicts[0].checked
    (True, 2)
    """
    named = _named(model)
    parameters = [p for _, p in named]
    report = Report("check_module", rtol, column="parameter")
    narrow = sorted({str(p.dtype) for p in parameters if p.dtype != np.float64})
    if narrow:
        report.note("upcast", f"parameters in {', '.join(narrow)} were checked in float64, and are {narrow[0]} again")
    call = _caller(model, loss, batch)
    with _borrowed(model, parameters) as reset:

        def evaluate(tensors: list[Tensor]) -> Any:
            reset()
            for parameter, tensor in zip(parameters, tensors, strict=True):
                parameter.data, parameter.node = tensor.data, tensor.node
            return call()

        arrays = [p.data for p in parameters]
        problem = Problem(evaluate, arrays, [n for n, _ in named], Replay(loss, *_parts(model)))
        settings = {"rtol": rtol, "seed": seed, "limit": max_entries, "step": eps or STEP}
        examine(problem, report, settings)
    return finish(report, raise_exception)


def _named(model: Any) -> list[tuple[str, Tensor]]:
    """The parameters that require gradients. Raises where there are none, or one is not finite."""
    if not isinstance(model, dict) and not hasattr(model, "named_parameters"):
        raise TypeError(
            f"the model is a Module or a dictionary of Tensors, and {type(model).__name__} has no named_parameters()"
        )
    items = model.items() if isinstance(model, dict) else model.named_parameters()
    named = [(n, p) for n, p in items if p.node is not None]
    if not named:
        raise ValueError("no parameter of the model requires a gradient: there is nothing to check")
    for name, parameter in named:
        refuse_nonfinite(parameter.data, name)
    return named


def _parts(model: Any) -> list[Any]:
    """The modules of a model, whose attributes may be generators."""
    return list(model.modules()) if hasattr(model, "modules") else []


def _caller(model: Any, loss: Callable[..., Any], batch: tuple[Any, ...]) -> Callable[[], Any]:
    if not batch:
        return loss
    if len(batch) < 2:
        raise TypeError("a batch is inputs and a target, loss(model(*inputs), target); or give none, and loss()")
    *inputs, target = (upcast(b) for b in batch)
    return lambda: loss(model(*inputs), target)


@contextmanager
def _borrowed(model: Any, parameters: list[Tensor]) -> Iterator[Callable[[], None]]:
    """Parameters may be replaced inside; everything is put back after. Gives what puts buffers back at any time."""
    own = [(p, p.data, p.node) for p in parameters]
    homes = [(m, dict(m._buffers)) for m in _parts(model) if hasattr(m, "_buffers")]
    values = [(b, b.data, b.data.copy()) for _, held in homes for b in held.values() if b is not None]

    def reset() -> None:
        for module, held in homes:
            for name, buffer in held.items():
                if module._buffers.get(name) is not buffer:
                    setattr(module, name, buffer)
        for buffer, array, copy in values:
            buffer.data = array
            if not np.array_equal(array, copy, equal_nan=array.dtype.kind == "f"):
                array[...] = copy

    try:
        yield reset
    finally:
        reset()
        for parameter, array, node in own:
            parameter.data, parameter.node = array, node
