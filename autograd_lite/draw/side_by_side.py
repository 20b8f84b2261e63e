"""A network side by side: its picture, its algebra and its code, all from the one recorded graph."""

from __future__ import annotations

import html
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograd_lite.core import GraphError, Tensor
from autograd_lite.derive import derive
from autograd_lite.draw.algebra import Algebra, algebra
from autograd_lite.draw.engine import DrawError
from autograd_lite.draw.files import written
from autograd_lite.draw.forward import forward_code
from autograd_lite.draw.picture import Picture, draw

_page = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<body style="font: 16px/1.5 system-ui, sans-serif; margin: 1.5rem">
<h1 style="font-size: 1.4rem">{title}</h1>
{parts}
</body>
</html>
"""
_fits = "min-width: 0; max-width: 100%; overflow-x: auto"
_drawing, _texts = f"flex: 0 1 auto; {_fits}", f"flex: 1 1 22rem; {_fits}"
_code = "font: 14px/1.5 ui-monospace, monospace; white-space: pre; overflow-x: auto; margin: 0; text-align: left"


@dataclass(frozen=True)
class SideBySide:
    """One network four times: `picture`, `algebra`, and the NumPy code of both passes: `forward` and `backward`.

    `forward` is None where an op has no NumPy text, `backward` also where the graph has been freed. `str()` gives
    algebra and code, `html` all of it, and a notebook shows it by itself.

    >>> import autograd_lite as al
    >>> x, w = al.tensor([[1.0, 2.0]], name="x"), al.tensor([[0.5], [0.25]], requires_grad=True, name="w")
    >>> side = al.side_by_side(al.relu(x @ w).sum())
    >>> print(side.algebra)
    result = ∑ relu(x w)
    >>> print(side.backward)
    w_delta = x.T @ (h1 > 0)  # w: slope of relu, matrix product
    """

    title: str
    picture: Picture
    algebra: Algebra
    forward: str | None
    backward: str | None = None

    def __str__(self) -> str:
        return "\n\n".join(text for _, text in self._texts())

    def _texts(self) -> list[tuple[str, str]]:
        said = [("Algebra", str(self.algebra)), ("Forward", self.forward), ("Backward", self.backward)]
        return [(title, text.rstrip()) for title, text in said if text]

    @property
    def html(self) -> str:
        """Picture, algebra and code in columns, which stand one below the other where there is little room.

        Raises DrawError where there is no program to draw with.
        """
        return self._columns(self.picture.svg)

    def _columns(self, picture: str) -> str:
        titled = '<h2 style="font-size: 1rem; margin: 0 0 0.5rem; text-align: left">{}</h2>'
        texts = "".join(
            f'<section style="margin-bottom: 1.5rem">{titled.format(title)}'
            f'<pre style="{_code}">{html.escape(text)}</pre></section>'
            for title, text in self._texts()
        )
        drawn = f'<section style="{_drawing}">{titled.format("Picture")}{_inline(picture)}</section>'
        return (
            f'<div style="display: flex; flex-wrap: wrap; gap: 2rem; align-items: flex-start">{drawn}'
            f'<div style="{_texts}">{texts}</div></div>'
        )

    def _repr_html_(self) -> str:
        try:
            return self.html
        except DrawError as error:
            return self._columns(f"<p>{html.escape(str(error))}</p>")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write all of it as one HTML page, which needs nothing else. Raises FileNotFoundError, and DrawError."""
        return written(path, _page.format(title=html.escape(self.title), parts=self.html).encode())


def _inline(svg: str) -> str:
    """A picture within a page: without what only a file of its own may have."""
    return svg[svg.index("<svg") :] if "<svg" in svg else svg


def side_by_side(loss: Tensor, *, names: Any = None, **drawing: Any) -> SideBySide:
    """The network under a Tensor, side by side: its picture, its algebra, the code of its passes, as `derive` has it.

    `names` is as in `to_dot`; other keywords are those of `draw`. Raises TypeError for what is not a Tensor.

    >>> import autograd_lite as al
    >>> x, w = al.tensor([[1.0, 2.0]], name="x"), al.tensor([[0.5], [0.25]], requires_grad=True, name="w")
    >>> print(al.side_by_side(al.relu(x @ w).sum()))
    result = ∑ relu(x w)
    <BLANKLINE>
    h1 = np.maximum(x @ w, 0)
    result = np.sum(h1)
    <BLANKLINE>
    w_delta = x.T @ (h1 > 0)  # w: slope of relu, matrix product
    """
    formula = algebra(loss, names=names)
    title, drawn = formula.lines[-1][0], draw(loss, names=names, **drawing)
    try:
        derived = derive(loss, names=names)
    except GraphError:
        return SideBySide(title, drawn, formula, forward_code(loss, names=names))
    return SideBySide(title, drawn, formula, derived.forward, derived.backward)
