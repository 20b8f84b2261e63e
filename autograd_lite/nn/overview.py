"""`summary`: what is in a model, and the shapes that go through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from math import prod
from typing import Any

from autograd_lite.core import Tensor
from autograd_lite.modes import no_grad
from autograd_lite.nn.module import Module

HEAD = ("layer", "class", "output shape", "parameters")


@dataclass(frozen=True)
class Row:
    """A module: its path, its class, the shape of what it put out first (None where it was not called), how often it
    was called, and the numbers in parameters of its own, each counted where it is met first."""

    path: str
    kind: str
    output: Any
    calls: int
    parameters: int


@dataclass(frozen=True)
class Summary:
    """What `summary` found: a row for each module, and the sums. Its `str` is a table, as its HTML in notebooks."""

    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    nbytes: int

    def _cells(self) -> Iterable[tuple[str, str, str, str]]:
        for row in self.rows:
            shape = "not called" if row.output is None else _text(row.output)
            times = f" × {row.calls}" if row.calls > 1 else ""
            yield row.path or "(the model)", row.kind, shape + times, f"{row.parameters:,}" if row.parameters else ""

    def _foot(self) -> str:
        frozen = self.parameters - self.trainable
        text = f"{self.parameters:,} parameters in all, {self.nbytes:,} bytes"
        return text + (f"; {self.trainable:,} are trained and {frozen:,} frozen" if frozen else "")

    def __str__(self) -> str:
        cells = [HEAD, *self._cells()]
        widths = [max(len(row[k]) for row in cells) for k in range(4)]
        lines = [
            "  ".join([*(c.ljust(w) for c, w in zip(row[:3], widths, strict=False)), row[3].rjust(widths[3])]).rstrip()
            for row in cells
        ]
        return "\n".join([*lines, self._foot()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        style = 'style="text-align: left; padding: 1px 12px"'
        rows = [(f"<{tag} {style}>{escape(c)}</{tag}>" for c in cells) for tag, cells in self._tagged()]
        body = "".join(f'<tr style="background: none">{"".join(row)}</tr>' for row in rows)
        outer = "border-collapse: collapse; border: 1px solid #808080; font-size: 90%"
        return f'<table style="{outer}">{body}</table><p>{escape(self._foot())}</p>'

    def _tagged(self) -> Iterable[tuple[str, tuple[str, str, str, str]]]:
        yield "th", HEAD
        yield from (("td", cells) for cells in self._cells())


def _shape(output: Any) -> Any:
    """The shape of a tensor; of several, in tuples, lists and dicts, theirs."""
    if isinstance(output, Tensor):
        return output.shape
    if isinstance(output, tuple | list):
        return [_shape(item) for item in output]
    if isinstance(output, dict):
        return {key: _shape(item) for key, item in output.items()}
    return type(output).__name__


def _text(shape: Any) -> str:
    if isinstance(shape, list):
        return ", ".join(map(_text, shape))
    return ", ".join(f"{key}: {_text(s)}" for key, s in shape.items()) if isinstance(shape, dict) else str(shape)


def summary(model: Module, *inputs: Any, **kwargs: Any) -> Summary:
    """Call a model once, unrecorded and in evaluation mode, and note what each module puts out.

    Without inputs it is not called, and there are no shapes. The model stays as it was.

    >>> import autograd_lite as al
    >>> al.nn.summary(al.nn.Sequential(al.nn.Linear(3, 4), al.nn.ReLU()), al.ones(2, 3))
    layer        class       output shape  parameters
    (the model)  Sequential  (2, 4)
    0            Linear      (2, 4)                16
    1            ReLU        (2, 4)
    16 parameters in all, 128 bytes
    """
    modules = list(model.named_modules())
    seen: dict[int, list[Any]] = {}
    training = [m.training for _, m in modules]
    hidden = [m.__dict__.get("forward") for _, m in modules]
    if len(inputs) == 1 and isinstance(inputs[0], tuple) and {type(n) for n in inputs[0]} == {int}:
        raise TypeError("summary takes what the model takes: al.zeros(2, 3) where the input has the shape (2, 3)")
    if inputs or kwargs:
        try:
            model.eval()
            for _, module in modules:
                object.__setattr__(module, "forward", _noting(module.forward, seen.setdefault(id(module), [])))
            with no_grad():
                model(*inputs, **kwargs)
        finally:
            for (_, module), mode, own in zip(modules, training, hidden, strict=True):
                object.__setattr__(module, "training", mode)
                if own is None:
                    module.__dict__.pop("forward", None)
                else:
                    object.__setattr__(module, "forward", own)
    return _summed(modules, seen)


def _noting(forward: Callable[..., Any], shapes: list[Any]) -> Callable[..., Any]:
    def noted(*args: Any, **kwargs: Any) -> Any:
        output = forward(*args, **kwargs)
        shapes.append(_shape(output))
        return output

    return noted


def _summed(modules: list[tuple[str, Module]], seen: dict[int, list[Any]]) -> Summary:
    rows, counted, trained, nbytes = [], set[int](), 0, 0
    for path, module in modules:
        own = [p for p in module._parameters.values() if p is not None and id(p) not in counted]
        counted.update(map(id, own))
        shapes = seen.get(id(module), [])
        count = sum(prod(p.shape) for p in own)
        trained += sum(prod(p.shape) for p in own if p.node is not None)
        nbytes += sum(prod(p.shape) * p.dtype.itemsize for p in own)
        rows.append(Row(path, type(module).__name__, shapes[0] if shapes else None, len(shapes), count))
    return Summary(tuple(rows), sum(row.parameters for row in rows), trained, nbytes)
