"""The plots of docs/benchmarks.md: ratios by row, time and memory by size, and the time to compile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from models.plots.style import (
    BLUE,
    DASHES,
    GREEN,
    INK,
    PURPLE,
    SMALL,
    VERMILION,
    settle,
    sheet,
    styled,
    svg,
)

from .libraries import GEMMS, HAND, PEERS
from .problems import ROWS
from .report import Results
from .sizes import FAMILIES, SHOWN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# A colour for each family of libraries, a marker and a dash for each of its members; "none" is hollow
LOOKS: dict[str, tuple[str, str, str, Any]] = {
    HAND.name: (INK, "|", INK, DASHES[0]),
    GEMMS: (INK, "|", INK, DASHES[2]),
    "autograd_lite": (BLUE, "o", "none", DASHES[0]),
    "compiled": (BLUE, "o", BLUE, DASHES[1]),
    "compiled, Numba": (BLUE, "D", BLUE, DASHES[2]),
    "PyTorch": (VERMILION, "s", "none", DASHES[0]),
    "torch.compile": (VERMILION, "s", VERMILION, DASHES[1]),
    "JAX jit": (GREEN, "^", GREEN, DASHES[1]),
    "MyGrad": (PURPLE, "v", "none", DASHES[0]),
    "HIPS autograd": (PURPLE, "x", PURPLE, DASHES[1]),
}
FAINT = "#73737360"


def ratios(results: Results) -> Figure:
    """A band for each row of the table, with a lane for each library; left is faster."""
    rows = results["settings"][0]["rows"]
    shown = [row for row in ROWS if row.name in rows]
    with styled():
        label = "Times of one training step relative to hand-written NumPy, by network and library"
        figure, grid = sheet(1, 1, (8.4, 1.0 + 0.85 * len(shown)), label)
        axes = grid[0, 0]
        axes.axvline(1, color=INK, linewidth=0.8)
        for lane, name in enumerate((GEMMS, *(library.name for library in PEERS))):
            found = [(rows[row.name].get(name, {}).get("ratio"), y) for y, row in enumerate(shown)]
            marks(axes, name, [(ratio, y) for ratio, y in found if ratio is not None], lane)
        for y in range(len(shown) - 1):
            axes.axhline(y + 0.5, color=FAINT, linewidth=0.5)
        axes.set(xscale="log", xlabel="time of a step, hand-written NumPy = 1", ylim=(len(shown) - 0.5, -0.5))
        axes.set_yticks(range(len(shown)), [row.title.replace(", ", "\n", 1) for row in shown])
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=FAINT, linewidth=0.5)
        axes.spines["left"].set_visible(False)
        plain(axes.xaxis)
        legend(figure, axes)
        return settle(figure)


def marks(axes: Axes, name: str, at: list[tuple[float, int]], lane: int) -> None:
    """The marks of one library, each in its lane; the products alone are a line across all lanes."""
    color, marker, fill, _ = LOOKS[name]
    if name == GEMMS:
        for x, y in at:
            axes.plot([x, x], [y - 0.44, y + 0.44], color=color, linewidth=1.6, label=name if not y else None)
        return
    lanes = [(x, y + 0.8 * (lane - 0.5) / len(PEERS) - 0.4) for x, y in at]
    style: dict[str, Any] = {"markersize": 5, "markeredgewidth": 1.3, "zorder": 3, "linestyle": "none"}
    axes.plot(
        *(zip(*lanes, strict=True) if lanes else ((), ())),
        marker=marker,
        markerfacecolor=fill,
        color=color,
        label=name,
        **style,
    )


def plain(axis: Any) -> None:
    """Powers of ten as people write them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(10, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def by_size(sizes: Results, key: str, scale: float, unit: str) -> Figure:
    """A panel for each family of sizes, both axes logarithmic."""
    what = {"microseconds": "Time", "bytes": "Peak memory"}[key]
    names = HAND.name, *SHOWN
    with styled():
        label = f"{what} of a step by width, batch and number of ops, for {', '.join(names)}"
        figure, grid = sheet(2, 2, (8.4, 6.2), label)
        for axes, family in zip(grid.flat, FAMILIES, strict=True):
            for name in names:
                points = [p for p in sizes["points"] if (p["family"], p["library"]) == (family.name, name)]
                draw(axes, name, [p["size"] for p in points], [p[key] / scale for p in points])
            finish(axes, family.axis, f"{what.lower()} of a step, {unit}")
        legend(figure, grid[0, 0])
        return settle(figure)


def compiling(sizes: Results) -> Figure:
    """Seconds of the first call by the number of ops."""
    shown = {
        "compiled": ("numpy", "cold", "compiled"),
        "compiled, Numba, cold cache": ("numba", "cold", "compiled, Numba"),
        "compiled, Numba, warm cache": ("numba", "warm", "autograd_lite"),
    }
    with styled():
        figure, grid = sheet(1, 1, (5.6, 3.4), "Seconds of a compiled step's first call by its number of ops")
        for words, (backend, found, look) in shown.items():
            points = [p for p in sizes["compile"] if (p["backend"], p["found"]) == (backend, found)]
            draw(grid[0, 0], look, [p["ops"] for p in points], [p["seconds"] for p in points], words)
        finish(grid[0, 0], "ops: tanh, multiply, add, matmul", "first call, seconds")
        legend(figure, grid[0, 0])
        return settle(figure)


def draw(axes: Axes, name: str, x: list[float], y: list[float], words: str | None = None) -> None:
    """A line in the look of a library, with a mark at each size."""
    color, marker, fill, dash = LOOKS[name]
    style: dict[str, Any] = {"markersize": 4.5, "linewidth": 1.3, "linestyle": dash, "marker": marker}
    axes.plot(x, y, color=color, markerfacecolor=fill, label=words or name, **style)


def finish(axes: Axes, x: str, y: str) -> None:
    """Both axes logarithmic, with a grid and names."""
    axes.set(xscale="log", yscale="log", xlabel=x, ylabel=y)
    plain(axes.xaxis)
    plain(axes.yaxis)
    axes.grid(color=FAINT, linewidth=0.4)


def legend(figure: Figure, axes: Axes) -> None:
    """What the lines are, above all panels."""
    lines, words = axes.get_legend_handles_labels()
    place: dict[str, Any] = {"loc": "outside upper left", "ncols": 5, "handlelength": 3.0, "columnspacing": 1.4}
    figure.legend(lines, words, frameon=False, fontsize=SMALL, labelcolor=INK, **place)


def all_of(results: Results, sizes: Results) -> dict[str, str]:
    """Each plot as SVG, by its name."""
    figures = {
        "ratios": ratios(results),
        "time": by_size(sizes, "microseconds", 1000, "ms"),
        "memory": by_size(sizes, "bytes", 1e6, "MB"),
        "compile": compiling(sizes),
    }
    return {name: svg(figure, f"benchmarks-{name}") + "\n" for name, figure in figures.items()}
