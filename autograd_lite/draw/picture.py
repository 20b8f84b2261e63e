"""From DOT text to a picture: `draw`, and the `Picture` that it returns."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograd_lite.draw.diagram import Options
from autograd_lite.draw.dot import dot_text, drawn
from autograd_lite.draw.engine import FORMATS, render
from autograd_lite.draw.files import directory_of, written


class Picture:
    """A drawn graph: `dot` is its text, `svg` its picture, drawn at the first look, `path` its file, if any.

    `folded` says what is folded, joined or not shown, which the picture says too; it is empty where all is shown.
    A notebook shows the picture by itself.

    >>> import autograd_lite as al
    >>> x, w = al.tensor([[1.0, 2.0]], name="x"), al.tensor([[0.5], [0.25]], requires_grad=True, name="w")
    >>> picture = al.draw(al.relu(x @ w).sum())
    >>> picture.dot.startswith("digraph"), picture.folded
    (True, '')
    """

    def __init__(self, dot: str, engine: str | None = None, timeout: float | None = None, folded: str = "") -> None:
        self.dot, self.folded = dot, folded
        self.path: Path | None = None
        self._engine, self._timeout = engine, timeout
        self._svg: str | None = None

    @property
    def svg(self) -> str:
        """The picture as SVG text."""
        if self._svg is None:
            self._svg = render(self.dot, "svg", self._engine, self._timeout).decode("utf-8")
        return self._svg

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> Path:
        """Write the picture into a file: the format is the path's suffix, or SVG where it has none.

        The file is there whole or not at all; one that was there before is replaced. Raises ValueError for a
        format that cannot be written here, FileNotFoundError where the directory does not exist.
        """
        target = directory_of(path)
        self.path = written(target, self._content(_format(target, format)))
        return self.path

    def _content(self, format: str) -> bytes:
        if format == "dot":
            return self.dot.encode()
        if format == "svg":
            return self.svg.encode()
        return render(self.dot, format, self._engine, self._timeout)

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        where = "" if self.path is None else f" in {self.path}"
        return f"<picture of a graph{where}: .svg, .dot, .save(path)>"


def _format(target: Path, format: str | None) -> str:
    wanted = (format or target.suffix or "svg").lstrip(".").lower()
    wanted = "dot" if wanted == "gv" else wanted
    if wanted not in ("dot", *FORMATS):
        raise ValueError(f"{wanted!r} is not a format to draw in: {', '.join(('dot', *FORMATS))} are")
    return wanted


def draw(
    t: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    show: Sequence[str] = ("shape", "value", "grad"),
    group: str | None = "module",
    fold: bool | str = True,
    names: Any = None,
    gradients: Mapping[Any, Any] | None = None,
    format: str | None = None,
    engine: str | None = None,
    max_nodes: int | None = 100,
    timeout: float | None = 30.0,
) -> Picture:
    """Draw the graph under a Tensor, or under a list of them: a `Picture`, and a file if `path` is given.

    The format is the path's suffix (svg, png, pdf, dot, as far as the programs at hand write them), SVG
    without one, or `format`. What is shown, and how, is as in `to_dot`: values and gradients with `show`
    and `gradients`, frames around modules with `group`, repeated blocks once with `fold`, `names`. The
    picture has about `max_nodes` boxes at most (None: any number), and its `folded` says what it leaves
    out. The program that lays out is graphviz-pure, whose pictures are the same on every platform, or else
    the system's `dot`; `engine` chooses one. A layout is stopped after `timeout` seconds (None: never).
    Raises DrawError where it is, or where there is no program, and ValueError for a format that cannot be
    written here.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> al.draw((w * w).sum()).dot == al.to_dot((w * w).sum())
    True
    >>> x = w
    >>> for step in range(25):
    ...     x = al.tanh(x * w)
    >>> al.draw(x.sum()).folded
    'Folded: 25 × 2 ops (multiply, tanh). 3 of 51 ops are shown.'
    """
    if path is None and format is not None:
        raise ValueError(
            f"format={format!r} is for a file: give a path, or take the .svg or .dot of what draw(t) returns"
        )
    if max_nodes is not None and max_nodes < 1:
        raise ValueError(f"max_nodes is at least 1, or None for any number, and not {max_nodes}")
    made = drawn(t, Options(names, show, gradients, group, fold), max_nodes)
    picture = Picture(dot_text(made), engine, timeout, " ".join(made.folded))
    if path is not None:
        picture.save(path, format)
    return picture
