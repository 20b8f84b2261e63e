"""`docs/errata.md`: what `python -m models check` finds in the text's versions, and what they reach when trained.

The findings are computed anew. The trainings take half an hour: `python docs/errata.py --train` runs them and keeps
their last lines in `docs/trained.json`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from autograd_lite.check import DeltaFinding, StepFinding  # noqa: E402
from autograd_lite.check.cause import Reading  # noqa: E402
from autograd_lite.data import offline  # noqa: E402
from models import Network, chapter_engine, checking, networks, report, train, words  # noqa: E402
from models.network import CORRECTED, PRINTED  # noqa: E402

PAGE = ROOT / "docs" / "errata.md"
TRAINED = ROOT / "docs" / "trained.json"
WIDTH = 120  # of a line
REVIEWS = 2000  # of IMDB, on which 11.3 is trained here: all of them take half an hour each way

HEAD = """\
# Errata

What `python -m models check` finds in the versions as the text prints them, by itself: the program holds every
hand-written delta against the recorded graph of the error that the text states, and knows no list of mistakes.
"Cosine" and "ratio" say how the array lies to the gradient: a cosine of 1 is its direction, the ratio is the k that
makes k times the gradient nearest to it. Of a pass that is k times the gradient as a whole (minus it, written for
`+=`; that of half the error) only what is beside this constant is listed. The corrected line gives what the delta
should be, from the deltas above it as they are. All of it is measured after some steps of training, on the real data.
`python -m models check --explain NAME` prints the whole page of a network; [how to read it](deltas.md).

Made by `docs/generate.py`; the trainings by `docs/errata.py --train`, on the data that each network's text uses.
"""

ENGINE, ENGINE_ALIAS, ENGINE_BEFORE = "13.10", "engine", "13.11"
ENGINE_HEAD = """\
No network, but the rules by which the chapter's framework takes a gradient back through a graph, restated in
`models/chapter_engine.py` and held against the gradient. Add, subtract and multiply say from whom a gradient comes, and
a tensor waits for all of those that do; every other op hands its gradient over without a word, and the tensor passes on
at once the *whole* of what it has so far. Where that comes to a tensor that says so a second time, chapter 13 raises an
exception; from chapter 14 on what comes again is dropped in silence. Right is what is right to 1e-12; else there
are the cosine, the ratio, and the length of the difference to the gradient, relative to the gradient's; in the last
column, this length where a tensor waits for all that was computed from it, those that never say a word included.

| h | the loss is the sum of | chapter 13 | chapter 14: cosine | ratio | off | off, waiting for all |
|---|---|---|---|---|---|---|"""
ENGINE_STEPS = """\
On the LSTM of chapter 14, in small, over some steps of time, the gradients of all its weights together:

| steps | chapter 13 | chapter 14: cosine | ratio | off | off, waiting for all |
|---|---|---|---|---|---|"""
ENGINE_TAIL = """\
`python -m models engine` prints these tables. Why, and what it does to the printed losses:
[backpropagation through time](time.md#an-engine-that-does-not-wait). What is left of the LSTM's pass, delta by delta:
[14.3](#143-character-lstm).
"""


@cache
def checked() -> dict[str, list[checking.Checked]]:
    """All networks, checked once, by id; of those without their data, that they were skipped."""
    with offline():
        return {network.id: checking.check(network) for network in networks.values()}


def skipped(name: str) -> bool:
    """Are the data of a network missing here?"""
    return any(version.what == "skipped" for version in checked()[name])


def mistaken() -> dict[str, checking.Checked]:
    """By id, the text's version of each network in which something is introduced."""
    printed = {name: c for name, found in checked().items() for c in found if c.version == PRINTED}
    return {name: c for name, c in printed.items() if c.introduced or report.strayed(c)}


def sections() -> dict[str, str]:
    """By id, the section of each network in which something is introduced; those without their data are left out."""
    trained = json.loads(TRAINED.read_text()) if TRAINED.exists() else {}
    return {name: "\n".join(_section(networks[name], c, trained.get(name))) for name, c in mistaken().items()}


def _section(network: Network, found: checking.Checked, trained: dict[str, str] | None) -> Iterator[str]:
    yield f"## {network.id} {network.alias}\n"
    yield filled(f"{network.sentence} The error: {network.objective}.{_whole(found)}") + "\n"
    for finding, readings in found.introduced:
        yield from _delta(finding, readings)
    for step in report.strayed(found):
        yield from _step(step)
    if trained:
        yield f"Trained, the last line that each version prints{trained.get('on', '')}:\n"
        yield "```text"
        for name in (PRINTED, CORRECTED):
            if name in trained:
                yield textwrap.fill(
                    f"{name:10}  {trained[name]}",
                    WIDTH,
                    subsequent_indent=" " * 12,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
        yield "```\n"


def _whole(found: checking.Checked) -> str:
    constant = report.whole(found)
    return f" Apart from what follows, the pass is {constant}." if constant else ""


def _delta(finding: DeltaFinding, readings: list[Reading]) -> Iterator[str]:
    given = " and ".join(f"the delta of `{name}`" for name in finding.above) or "the error"
    yield filled(f"**The delta of `{finding.name}`**, given {given}{_lie(finding)}:") + "\n"
    for i, reading in enumerate(readings or [()]):
        text = "; and ".join(f"*{cause.kind}*, {cause.explanation}" for cause in reading) or "no cause was found"
        yield filled(f"- {'fits as well: ' if i else ''}{text}", "  ")
    yield ""
    if finding.line:
        lines = "\n".join(map(broken, finding.line.split("; ")))
        yield f"Corrected:\n\n```python\n{lines}\n```\n"


def _step(step: StepFinding) -> Iterator[str]:
    yield f"**The step of `{step.name}`**{_lie(step)}:\n"
    for i, cause in enumerate(step.causes):
        yield filled(f"- {'fits as well: ' if i else ''}*{cause.kind}*, {cause.explanation}", "  ")
    if not step.causes:
        yield "- no cause was found"
    yield ""


def filled(text: str, indent: str = "") -> str:
    """Text in lines of no more than `WIDTH`; none of them begins with a sign that would make it an item of a list.

    >>> filled("- " + "a " * 58 + "+ b - c", "  ").splitlines()[1]
    '  a + b - c'
    """
    kept = re.sub(r" ([-+*]) ", "\0\\1\0", text)
    lines = textwrap.fill(kept, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\0", " ")


def broken(line: str) -> str:
    """A line of code; where it is too long, its right side in parentheses with a summand on each line.

    >>> print(broken("d = " + " + ".join(f"f({n:036} + 1)" for n in range(3))))
    d = (
        f(000000000000000000000000000000000000 + 1)
        + f(000000000000000000000000000000000001 + 1)
        + f(000000000000000000000000000000000002 + 1)
    )
    """
    name, _, right = line.partition(" = ")
    parts = right.split(" + ")
    for k in range(len(parts) - 1, 0, -1):  # a summand in brackets is not apart from what is before it
        if sum(part.count("(") - part.count(")") for part in parts[:k]):
            parts[k - 1 : k + 1] = [" + ".join(parts[k - 1 : k + 1])]
    if len(line) <= WIDTH or len(parts) < 2:
        return line
    return f"{name} = (\n    " + "\n    + ".join(parts) + "\n)"


def _lie(finding: DeltaFinding | StepFinding) -> str:
    if finding.cosine is None or finding.ratio is None:
        return ""
    return f" (cosine {finding.cosine:.4f}, ratio {finding.ratio:.3g})"


def engine() -> str:
    """The section on chapter 13's engine, which is no network: where its gradients are none, by our own check."""
    graphs, times = chapter_engine.on_graphs(), chapter_engine.over_time()
    rows = [f"| `h = {made}` | `{used}` | {' | '.join(one.words())} |" for (made, used), one in graphs.items()]
    steps = [f"| {count} | {' | '.join(one.words())} |" for count, one in times.items()]
    parts = [ENGINE_HEAD, *rows, "", ENGINE_STEPS, *steps, "", ENGINE_TAIL]
    return "\n".join([f"## {ENGINE} {ENGINE_ALIAS}\n", *parts])


def page() -> str:
    """The whole page; sections of networks whose data are not here are kept as they were."""
    fresh, old = sections() | {ENGINE: engine()}, committed()
    kept = {name: old[name] for name in old if name in networks and skipped(name)}
    order = [name for known in networks for name in ((ENGINE, known) if known == ENGINE_BEFORE else (known,))]
    texts = [{**kept, **fresh}.get(name, "") for name in order]
    return "\n".join([HEAD, *(text.rstrip("\n") + "\n" for text in texts if text)])


def committed() -> dict[str, str]:
    """The sections of the committed page, by id."""
    text = PAGE.read_text() if PAGE.exists() else ""
    parts = text.split("\n## ")[1:]
    return {part.split(" ", 1)[0]: f"## {part}" for part in parts}


def trainings() -> None:
    """Train what has a section, as printed and corrected, in full; write the last lines."""
    found = json.loads(TRAINED.read_text()) if TRAINED.exists() else {}
    chosen = sys.argv[2:] or list(mistaken())
    for network in (networks[name] for name in chosen):
        data = network.data()
        lines = {}
        if network.id == "11.3":
            data = words.first(data, REVIEWS)
            lines["on"] = f", on the first {REVIEWS} reviews"
        for version in (PRINTED, CORRECTED):
            last = ""
            for record in train(network, version, data=data):
                last = record.line or last
            lines[version] = last
            print(network.id, version, last, flush=True)
        found[network.id] = lines
        TRAINED.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if "--train" in sys.argv[1:]:
        trainings()
    else:
        print(page())
