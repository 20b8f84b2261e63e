"""One style for all plots, and figures as SVG that can stand in a page.

The background is transparent. Every colour for text and lines has a contrast of at least 4.5 on white and of at least
3 on #111, and so do as well on a light page as on a dark one; red-green blind eyes tell blue from vermilion, and what
is green or purple besides has a dash or a place of its own.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from models.records import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

INK = "#737373"  # text and axes: 4.7 on white, 4.0 on #111
BLUE, VERMILION, GREEN, PURPLE = "#0072b2", "#c44f00", "#007a5a", "#a8478a"
PALETTE = (BLUE, VERMILION, GREEN, PURPLE)
DASHES = ("-", (0, (4, 1.6)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))
SMALL, NORMAL, LARGE = 8, 9, 10  # points
STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # which matplotlib brings: the same layout everywhere
    "font.size": NORMAL,
    "text.color": INK,
    "text.parse_math": False,  # a word may have a dollar in it
    "figure.facecolor": "none",
    "figure.dpi": 72,
    "savefig.facecolor": "auto",
    "axes.facecolor": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": LARGE,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.formatter.use_mathtext": False,
    "axes.unicode_minus": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
    "svg.hashsalt": "autograd_lite",
    "svg.image_inline": True,
}
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
FONTS = "'DejaVu Sans', Verdana, sans-serif"  # Verdana's letters are as wide


@contextmanager
def styled() -> Iterator[None]:
    """The style inside, whatever the reader's matplotlib is set to; outside nothing changes.

    Raises ImportError, saying what to do, where matplotlib is not there.
    """
    try:
        from matplotlib import style
    except ImportError as error:
        raise ImportError('plots need matplotlib: pip install "autograd_lite[models]" brings it') from error
    with style.context(["default", STYLE]):
        yield


def sheet(rows: int, columns: int, size: tuple[float, float], label: str, **shared: Any) -> tuple[Figure, Array]:
    """A figure of so many inches with a grid of axes, (rows, columns); `label` says in words what it shows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained", label=label)
    FigureCanvasAgg(figure)
    axes: Array = figure.subplots(rows, columns, squeeze=False, **shared)
    return figure, axes


def settle(figure: Figure) -> Figure:
    """Lay the figure out for good, so that drawing it again changes nothing."""
    figure.draw_without_rendering()
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return figure


def diverging() -> Colormap:
    """Blue below 0, nearly white at 0, vermilion above."""
    from matplotlib.colors import LinearSegmentedColormap

    colors = ["#003f66", BLUE, "#f7f7f7", VERMILION, "#6e2c00"]
    return LinearSegmentedColormap.from_list("pressure", colors)


def label_end(axes: Axes, end: tuple[float, float], text: str, color: str) -> Annotation:
    """A label to the right of a line's end, in place of a legend."""
    return axes.annotate(
        text,
        end,
        (5, 0),
        textcoords="offset points",
        va="center",
        color=color,
        fontsize=SMALL,
        annotation_clip=False,
    )


def part(labels: Sequence[Annotation], gap: float = SMALL * 1.3) -> None:
    """Move labels of one axes apart, up and down, where they would stand on each other; the figure is settled."""
    if not labels:
        return
    figure = labels[0].get_figure()
    assert figure is not None
    points = 72 / figure.dpi
    axes = labels[0].axes
    assert axes is not None
    at = [float(axes.transData.transform(note.xy)[1]) * points for note in labels]
    for note, old, new in zip(labels, at, apart(np.array(at), gap, axes.bbox.y0 * points), strict=True):
        note.set_position((5, float(new) - old))


def apart(values: Array, gap: float, least: float = -np.inf) -> Array:
    """Numbers in the same order, at least `gap` apart, each heap staying where its middle was, none below `least`.

    >>> apart(np.array([5.0, 0.0, 5.0]), 2.0), apart(np.array([0.0, 0.0]), 2.0, 0.0)
    (array([4., 0., 6.]), array([0., 2.]))
    """
    order = np.argsort(values, kind="stable")
    heaps: list[list[float]] = []  # middle, members
    for value in values[order]:
        heaps.append([float(value), 1])
        while len(heaps) > 1 and heaps[-1][0] - heaps[-2][0] < gap * (heaps[-1][1] + heaps[-2][1]) / 2:
            (upper, more), (lower, some) = heaps.pop(), heaps.pop()
            heaps.append([(upper * more + lower * some) / (more + some), more + some])
    moved = np.empty(len(values))
    spread = np.array([middle + gap * (k - (n - 1) / 2) for middle, n in heaps for k in range(int(n))])
    moved[order] = np.maximum(spread, least + gap * np.arange(len(spread)))
    return moved


def power(number: float) -> str:
    """Two digits, a power of ten where that is shorter.

    >>> power(0.25), power(-348678440.5)
    ('0.25', '−3.5×10⁸')
    """
    mantissa, _, exponent = f"{number:.2g}".partition("e")
    tens = f"×10{str(int(exponent)).translate(RAISED)}" if exponent else ""
    return mantissa.replace("-", "−") + tens


def svg(figure: Figure, prefix: str | None = None) -> str:
    """The figure as an SVG element: the same text in every process, its words selectable, no outer page touched.

    Ids begin with `prefix`, so that several pictures can stand in one page; without one, with a checksum of the
    picture. There is no XML declaration: a file with nothing else in it is well-formed all the same. A page scales it
    with `svg {max-width: 100%; height: auto}`.
    """
    with styled():
        buffer = io.StringIO()
        nothing: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    mark = prefix if prefix is not None else f"plot-{hashlib.sha256(text.encode()).hexdigest()[:10]}"
    if not re.fullmatch(r"[A-Za-z_][\w.-]*", mark, re.ASCII):
        raise ValueError(f"a prefix of ids begins with a letter and has letters, digits, - _ . alone, not {mark!r}")
    text = re.sub(r"<[^<>]*>", lambda tag: _tag(tag.group(), mark), text)
    text = text.replace("*{stroke-linejoin", f"#{mark} *{{stroke-linejoin", 1)  # not the page's own lines
    alt = re.sub(r'[<>&"]', lambda found: f"&#{ord(found.group())};", str(figure.get_label()) or "a plot")
    return text.replace("<svg ", f'<svg id="{mark}" role="img" aria-label="{alt}" ', 1)


def _tag(tag: str, mark: str) -> str:
    tag = re.sub(r'(\sid="|href="#|url\(#)', rf"\g<1>{mark}-", tag)
    return tag.replace("'DejaVu Sans'", FONTS).replace("&quot;DejaVu Sans&quot;", FONTS)
