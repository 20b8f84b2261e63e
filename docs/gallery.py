"""Pictures of graphs and of what the networks learn: `docs/gallery.md`, and `docs/pictures/`.

`python docs/gallery.py` makes all of them, `python docs/gallery.py NAME ...` some. Nothing is downloaded: a picture
whose data are not here (see `python -m models list`) is left as it is. Each function makes one, and says something of
it; the page shows the code that makes it, so that what is shown is what runs.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import autograd_lite as al  # noqa: E402
from autograd_lite import nn  # noqa: E402
from autograd_lite.data import offline  # noqa: E402
from autograd_lite.nn import functional as F  # noqa: E402
from models import find, picture, plots, train  # noqa: E402
from models.records import Record  # noqa: E402
from models.site.builder import ONE_THREAD  # noqa: E402
from models.site.learned import learn  # noqa: E402
from models.slopes import activations  # noqa: E402
from models.words import imdb_distinct, nearest  # noqa: E402

PAGE = ROOT / "docs" / "gallery.md"
PICTURES = ROOT / "docs" / "pictures"
WIDEST = 800  # pixels that GitHub has for a picture
Made: TypeAlias = tuple[Any, str]  # a picture or a figure, and sentences about it


# Graphs


def derivatives() -> Made:
    """Values and derivatives.

    A graph of the numbers a, b, c, u, v and J, each with its value and the derivative of J by it.
    """
    a, b, c = (al.tensor(value, requires_grad=True, name=name) for name, value in (("a", 5.0), ("b", 3.0), ("c", 2.0)))
    u = b * c
    v = a + u
    J = 3 * v  # noqa: N806
    for name, t in {"u": u, "v": v, "J": J}.items():
        t.name = name
        t.retain_grad()
    J.backward(retain_graph=True)
    drawn = al.draw(J)
    values = ", ".join(f"{t.name} = {t.item():g}" for t in (u, v, J))
    slopes = ", ".join(f"{t.grad.item():g} to {t.name}" for t in (v, a, u, b, c) if t.grad is not None)
    return drawn, f"J = 3 (a + b c), forward and back: {values}; the derivatives of J are {slopes}."


def relu_zeros() -> Made:
    """What relu lets through.

    A graph of one training step: arrays with their numbers and gradients, zeros where relu is off.
    """
    error, known = picture.graph(find("6.4"))
    for t in (*known.values(), error):
        if isinstance(t, al.Tensor) and t.requires_grad:
            t.retain_grad()
    error.backward(retain_graph=True)
    drawn = al.draw(error, names=known)
    hidden, out = known["layer_1"].data, known["layer_2"]
    return drawn, (
        f"Network 6.4. relu sets {np.sum(hidden == 0)} of {hidden.size} hidden units to 0, and their gradient with "
        f"them: the weights that lead there learn nothing here. The output is off by {out.item() - 1:.4f}."
    )


def strips() -> Made:
    """A batch.

    A graph of a training step on 100 images: arrays as strips of colour with ranges and means.
    """
    error, known = picture.graph(find("8.3"))
    for t in (*known.values(), error):
        if isinstance(t, al.Tensor) and t.requires_grad:
            t.retain_grad()
    error.backward(retain_graph=True)
    drawn = al.draw(error, names=known)
    rows, columns = known["layer_1"].shape
    zeros = np.mean(known["layer_1"].data == 0)
    return drawn, (
        f"Network 8.3, a batch of {rows} images through {columns} hidden units. What has more than 12 numbers is shown "
        f"as a strip of means with its range; {zeros:.0%} of the hidden layer are zeros, from relu and dropout."
    )


def modules() -> Made:
    """Modules.

    A graph with frames around modules, one inside the other, and the parameters in them.
    """

    class Residual(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(size, size), nn.Tanh())

        def forward(self, x):
            return x + self.inner(x)

    al.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), Residual(3), nn.Linear(3, 1))
    loss = F.mse_loss(model(al.randn(4, 2)), al.zeros(4, 1))
    drawn = al.draw(loss, names=model, show=("shape",))
    count = sum(p.data.size for p in model.parameters())
    return drawn, f"A frame for each call of a module, under its path; {count} weights where they are used."


def layers() -> Made:
    """Equal layers.

    A graph in which three equal layers are one, in a dashed frame that says so.
    """
    al.manual_seed(0)
    model = nn.Sequential(*(layer for _ in range(3) for layer in (nn.Linear(4, 4), nn.Tanh())))
    loss = model(al.randn(2, 4)).square().mean()
    loss.backward(retain_graph=True)
    drawn = al.draw(loss, names=model)
    return drawn, f"Equal layers are shown once, with how often they are there. {drawn.folded}"


def lstm() -> Made:
    """Time steps.

    A graph of an LSTM in which one of 25 time steps is shown, in a dashed frame that says so.
    """

    class Cell(nn.Module):
        def __init__(self, inputs, hidden):
            super().__init__()
            self.from_input = nn.Linear(inputs, 4 * hidden)
            self.from_state = nn.Linear(hidden, 4 * hidden, bias=False)

        def forward(self, x, h, c):
            gates = self.from_input(x) + self.from_state(h)
            size = h.shape[1]
            i, f, o, u = (gates[:, k * size : (k + 1) * size] for k in range(4))
            c = al.sigmoid(f) * c + al.sigmoid(i) * al.tanh(u)
            return al.sigmoid(o) * al.tanh(c), c

    class LSTM(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.out = Cell(3, 4), nn.Linear(4, 1)

        def forward(self, xs):
            h, c = al.zeros(2, 4), al.zeros(2, 4)
            for x in xs:
                h, c = self.cell(x, h, c)
            return self.out(h)

    al.manual_seed(0)
    model = LSTM()
    loss = F.mse_loss(model([al.randn(2, 3) for _ in range(25)]), al.zeros(2, 1))
    drawn = al.draw(loss, names=model, show=("shape",))
    return drawn, (
        f"An LSTM over 25 time steps. {drawn.folded} Dotted arrows are what one step hands to the next; the weights "
        "stand outside, since all steps share them."
    )


# Plots


def bowls() -> Made:
    """Gradient descent on one weight.

    Six error curves by weight, with the steps of gradient descent as dots on them.
    """
    networks = [find(name) for name in ("4.4", "4.5", "4.6", "4.7", "4.8", "4.9")]
    walks = [plots.Walk.of(network, train(network, "as-printed")) for network in networks]  # type: ignore[arg-type]
    drawn = plots.bowls(walks)
    away = walks[[network.id for network in networks].index("4.8")]
    return drawn, (
        "Networks 4.4 to 4.9: the error of one weight, and the steps of the training in it. In 4.8 the input is "
        f"{away.input:g}, and they are too long: the {len(away.weights) - 1}th leads to {away.weights[-1]:,.0f}."
    )


def pressures() -> Made:
    """Weight pressure.

    A table of six examples with an arrow for the push on each weight, and the sums below.
    """
    data = find("6.2").data()
    for last in train(find("6.2"), "corrected"):
        trained = last.epoch.weights["weights"]
    drawn = plots.pressures(data.x_train, data.labels_train, title="Six states of the lights", trained=trained)
    pushes = plots.pressure(data.x_train, data.labels_train).sum(axis=0)
    summed, learned = ([f"{value:{form}}" for value in row] for row, form in ((pushes, "g"), (trained, ".2f")))
    return drawn, (
        f"Network 6.2. The pushes of the {len(data.x_train)} examples come to {listed(summed)} on the weights; after "
        f"{last.epoch.iteration + 1} epochs these are {listed(learned)}."
    )


def pressures_even() -> Made:
    """No correlation.

    A table of four examples in which the arrows on each weight cancel.
    """
    data = find("6.3").data()
    drawn = plots.pressures(data.x_train, data.labels_train, title="Four states of the lights")
    even = int(np.sum(plots.pressure(data.x_train, data.labels_train).sum(axis=0) == 0))
    return drawn, (
        f"Network 6.3. On {even} of {data.x_train.shape[1]} weights the pushes cancel: no single light tells when to "
        "walk, which is why this network has a hidden layer."
    )


def digits() -> Made:
    """Weights of ten digits.

    Ten pictures of 28 by 28 weights, one for each digit, in vermilion and blue.
    """
    for last in train(find("5.5"), "corrected"):
        weights = last.epoch.weights["weights"]
    drawn = plots.digits(weights)
    return drawn, (
        f"Network 5.5: the weights of each digit after {last.epoch.iteration + 1} epochs on {last.epoch.size:,} images "
        f"of MNIST, vermilion where ink speaks for it, blue where against. {number(last, 'Test-Acc'):.1%} of the test "
        "images are read right."
    )


def curves() -> Made:
    """Overfitting, dropout, batches.

    Training and test error by epoch in six panels: three networks, as printed and corrected.
    """
    runs = {
        (f"{network.id} {network.alias}", run.version): run.records
        for network in map(find, ("8.1", "8.2", "8.3"))
        for run in learn(network, quick=False).runs.values()
    }
    drawn = plots.chapter_08(runs)
    ends = {
        version: listed([f"{number(r[-1], 'Test-Err'):.2f}" for (_, v), r in runs.items() if v == version])
        for version in ("as-printed", "corrected")
    }
    return drawn, (
        "Chapter 8: the squared error of an image by epoch. As printed the test error ends at "
        f"{ends['as-printed']} in 8.1, 8.2 with dropout, and 8.3 with batches; along the gradient at "
        f"{ends['corrected']}."
    )


def slopes() -> Made:
    """Activations and their slopes.

    Four plots by input: sigmoid, tanh, relu and leaky relu, each with its slope dashed.
    """
    drawn = plots.slopes()
    top = listed([f"{np.max(a.slope(np.linspace(-4, 4, 401))):g} in {a.name}" for a in activations])
    return drawn, f"The activations of chapter 9 and part B by their input, with their slopes: at most {top}."


def slopes_from_output() -> Made:
    """Slopes by the output.

    The slopes of sigmoid, tanh and relu by their output, in one plot.
    """
    drawn = plots.slopes_from_output()
    return drawn, "The same slopes by the activation's own output, which a backward pass by hand still has."


def kernels() -> Made:
    """Kernels.

    Sixteen pictures of 3 by 3 weights in vermilion and blue.
    """
    for last in train(find("10.1"), "corrected"):
        weights = last.epoch.weights["kernels"]
    drawn = plots.kernels(weights)
    return drawn, (
        f"Network 10.1: its {weights.shape[1]} kernels of three by three pixels after {last.epoch.iteration + 1} "
        f"epochs; {number(last, 'Test-Acc'):.1%} of the test images are read right."
    )


def words() -> Made:
    """Words and their neighbours.

    A map of words: the neighbours of beautiful are apart from those of terrible.
    """
    for last in train(find("11.2"), "as-printed"):
        table = last.epoch.weights["weights_0_1"]
    vocabulary = imdb_distinct().vocabulary
    drawn = plots.word_map(table, vocabulary, ["beautiful", "terrible"])
    asked = {word: nearest(table, vocabulary, word, 4)[1:] for word in ("beautiful", "terrible")}
    told = listed([f"{listed([near for near, _ in found])} to {word}" for word, found in asked.items()])
    return drawn, (
        f"Network 11.2, as printed, after {last.epoch.iteration + 1} epochs on {last.epoch.size:,} film reviews; each "
        f"of {len(vocabulary):,} words is a row of {table.shape[1]} numbers, on the map in the plane in which those "
        f"shown differ most. Nearest are {told}."
    )


def listed(parts: Sequence[str]) -> str:
    """Parts of a sentence, the last after an "and"."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))


def number(record: Record, column: str) -> float:
    """What the text prints as a number."""
    return float(str(record.row[column]))


# The page


def every() -> dict[str, Callable[[], Made]]:
    """The functions that make pictures, by name."""
    return {n: f for n, f in globals().items() if inspect.isfunction(f) and f.__annotations__.get("return") == "Made"}


def code(make: Callable[[], Made]) -> str:
    """What makes the picture: the function's body without its docstring, down to where `drawn` is."""
    source = textwrap.dedent(inspect.getsource(make))
    (function,) = ast.parse(source).body
    assert isinstance(function, ast.FunctionDef)
    last = next(s for s in function.body if isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == "drawn")
    lines = source.splitlines()[function.body[1].lineno - 1 : last.end_lineno]
    return textwrap.dedent("\n".join(line.partition("  # ")[0] for line in lines))


def block(make: Callable[[], Made]) -> tuple[str, str]:
    """A picture as SVG, and its part of the page."""
    with offline():
        drawn, said = make()
    graph = isinstance(drawn, al.Picture)
    svg = drawn.svg if graph else plots.svg(drawn)
    points = re.search(r'<svg [^>]*?\bwidth="([\d.]+)pt"', svg)
    assert points is not None
    width = min(WIDEST, round(float(points[1]) * (1 if graph else 4 / 3)))  # a graph's letters are the larger ones
    title, alt = (inspect.getdoc(make) or "").split("\n\n")
    image = f'<img src="pictures/{make.__name__}.svg" alt="{alt.rstrip(".")}" width="{width}">'
    text = textwrap.fill(said, 120, break_long_words=False, break_on_hyphens=False)
    return svg, f"### {title.rstrip('.')}\n\n{image}\n\n{text}\n\n```python\n{code(make)}\n```"


def placed(page: str, name: str, part: str) -> str:
    """The page with a picture's part at its place, which is between `<!-- NAME:start -->` and `<!-- NAME:end -->`."""
    before, start, rest = page.partition(f"<!-- {name}:start -->\n")
    _, end, after = rest.partition(f"<!-- {name}:end -->")
    if not end:
        raise SystemExit(f"{PAGE.name} has no place for {name}: <!-- {name}:start --> and <!-- {name}:end -->")
    return f"{before}{start}{part}\n{end}{after}"


def put(name: str, made: Future[tuple[str, str]]) -> str:
    """Write what has been made, and say so."""
    try:
        svg, part = made.result()
    except FileNotFoundError as error:
        return f"left as it was. {error}"
    page = placed(PAGE.read_text(encoding="utf-8"), name, part)
    (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8", newline="\n")
    PAGE.write_text(page, encoding="utf-8", newline="\n")
    return f"{len(svg.encode()) / 1000:.0f} KB"


def main(names: Sequence[str]) -> int:
    """Make all pictures, or those named, some at a time; returns the exit status."""
    makes = every()
    if unknown := set(names) - set(makes):
        print(f"no picture is called {', '.join(sorted(unknown))}; there are {', '.join(makes)}", file=sys.stderr)
        return 2
    chosen = [name for name in makes if name in names or not names]
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # sums in one order, on every number of processors
    begun = time.monotonic()
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        waited = {pool.submit(block, makes[name]): name for name in chosen}
        for count, future in enumerate(as_completed(waited), 1):
            left = [waited[other] for other in waited if not other.done()]
            more = f"; to come: {listed(left)}" if 0 < len(left) < 4 else ""
            said = f"{waited[future]}: {put(waited[future], future)}{more}"
            print(f"[{count}/{len(chosen)}, {time.monotonic() - begun:.0f} s] {said}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
