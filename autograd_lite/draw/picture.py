"""From DOT text to a picture: `draw`, and the `Picture` that it returns."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograd_lite.draw.diagram import Options
from autograd_lite.draw.dot import dot_text, drawn
from autograd_lite.draw.engine import FORMATS, render


class Picture:
    """A drawn graph: `dot` is its text, `svg` its picture, drawn at the first look, `path` its file, if any.

    A notebook shows it by itself.
    """

    def __init__(self, dot: str, engine: str | None = None, timeout: float | None = None) -> None:
        self.dot = dot
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
        target = Path(path)
        if not target.parent.is_dir():
            raise FileNotFoundError(f"the directory {target.parent} does not exist: make it first")
        _write(target, self._content(_format(target, format)))
        self.path = target
        return target

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


def _write(target: Path, content: bytes) -> None:
    """Into a file beside the target first, so that nobody finds half a picture."""
    target = Path(os.path.realpath(target))
    draft = target.parent / f".{secrets.token_hex(8)}.part"
    try:
        with open(draft, "xb") as file:
            file.write(content)
        os.replace(draft, target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def draw(
    t: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    show: Sequence[str] = ("shape",),
    gradients: Mapping[Any, Any] | None = None,
    names: Any = None,
    format: str | None = None,
    engine: str | None = None,
    max_nodes: int | None = 500,
    timeout: float | None = 30.0,
) -> Picture:
    """Draw the graph under a Tensor, or under a list of them: a `Picture`, and a file if `path` is given.

    The format is the path's suffix (svg, png, pdf, dot, as far as the program at hand writes them), SVG
    without one, or `format`. `names`, `show` and `gradients` are as in `to_dot`, which also says what the
    shapes mean. The program
    that lays out is graphviz-pure, whose pictures are the same on every platform, or else the system's
    `dot`; `engine` chooses one. More than `max_nodes` boxes (None: any number) are refused, since the
    time to lay out grows steeply; a layout is stopped after `timeout` seconds (None: never). Raises
    DrawError where it is, or where there is no program, and ValueError for too many boxes or for a format
    that cannot be written here.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> al.draw((w * w).sum()).dot == al.to_dot((w * w).sum())
    True
    """
    if path is None and format is not None:
        raise ValueError(
            f"format={format!r} is for a file: give a path, or take the .svg or .dot of what draw(t) returns"
        )
    made = drawn(t, Options(names, show, gradients))
    if max_nodes is not None and len(made.boxes) > max_nodes:
        raise ValueError(
            f"the picture would have {len(made.boxes)} boxes, more than max_nodes={max_nodes}: draw a part "
            f"of the graph (an inner tensor, one step), or raise the limit, max_nodes={len(made.boxes)}; "
            "al.to_dot(t) has none"
        )
    picture = Picture(dot_text(made), engine, timeout)
    if path is not None:
        picture.save(path, format)
    return picture
