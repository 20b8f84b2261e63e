"""Everything that the page of one network says, measured when it is made."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import autograd_lite as al
from autograd_lite.check import DeltaFinding
from autograd_lite.core import GraphError
from autograd_lite.draw import DrawError, draw
from autograd_lite.draw.algebra import algebra
from autograd_lite.draw.animate import animate
from autograd_lite.draw.forward import forward_code
from autograd_lite.graph import reach
from models import checking, picture, report
from models.checking import Checked, Difference
from models.network import CORRECTED, PRINTED, Network
from models.records import Array
from models.site import learned, source
from models.site.learned import Figure, Learned
from models.site.sides import Side, sides
from models.site.verdict import WRONG, Verdict, verdict

TRAINED = Path(__file__).resolve().parent.parent.parent / "docs" / "trained.json"


@dataclass(frozen=True)
class Mistake:
    """Where something goes wrong: what it is, its causes by name with what they mean, and what it should be.

    `note` says where a derivative that is missing is called in the code.
    """

    what: str
    lie: str
    readings: list[list[tuple[str, str]]]
    line: str | None
    note: str = ""


@dataclass(frozen=True)
class Version:
    """A version by hand: what was found of it, its code, and its deltas beside the derived ones."""

    name: str
    words: str
    settings: str
    update: str
    code: str
    sides: list[Side]
    mistakes: list[Mistake]


@dataclass(frozen=True)
class Outcome:
    """The last line that each version prints when it is trained, how far and on what, and what is worse by mending."""

    extent: str
    lines: dict[str, str]
    note: str = ""


@dataclass(frozen=True)
class Content:
    """A page. Of a network whose data are missing there is the verdict alone, with how to get them in `missing`."""

    id: str
    alias: str
    sentence: str
    objective: str | None
    epochs: int
    verdict: Verdict
    missing: str = ""
    checked: list[tuple[str, str]] = field(default_factory=list)
    picture: str = ""
    batches: bool = False
    algebra: str = ""
    forward: str | None = None
    framework: str = ""
    versions: list[Version] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    curves: Figure | None = None
    extent: str = ""
    pictures: list[Figure] = field(default_factory=list)
    activations: list[Figure] = field(default_factory=list)
    numbers: list[tuple[str, Array, Array]] = field(default_factory=list)
    answers: list[tuple[str, str]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    player: bytes | None = None
    no_player: str = ""


def content(network: Network, quick: bool) -> Content:
    """Check, draw and train a network; downloads nothing that is missing."""
    found = checking.check(network)
    said: dict[str, Any] = {
        name: getattr(network, name) for name in ("id", "alias", "sentence", "objective", "epochs")
    } | {"verdict": verdict(found)}
    if any(c.what == "skipped" for c in found):
        return Content(**said, missing=next(c.note for c in found if c.note))
    recorded = _Recorded(network.small())
    runs = learned.learn(network, quick)
    told = said["verdict"].kind == WRONG
    player, why_not = recorded.player(found)
    return Content(
        **said,
        checked=[(c.version, report.words(c)) for c in found],
        picture=recorded.picture(),
        batches=_has_batches(network),
        algebra=str(algebra(recorded.result, names=recorded.names)),
        forward=forward_code(recorded.result, names=recorded.names),
        framework=framework_code(network),
        versions=sorted((_version(network, c) for c in found if c.version in network.versions), key=lambda v: v.name),
        differences=[d for c in found if c.what == "gradients" for d in c.differences],
        curves=learned.curves(network, runs, told),
        extent=runs.extent,
        pictures=learned.pictures(network, runs),
        activations=learned.slopes(recorded.ops),
        numbers=learned.numbers(network, runs),
        answers=_answers(network, runs),
        outcomes=_outcomes(network, runs) if told else [],
        player=player,
        no_player=why_not,
    )


# The recorded graph


class _Recorded:
    """The graph of the first batch, all its tensors alive, and names for its constants."""

    def __init__(self, network: Network) -> None:
        self.made = list[al.Tensor]()

        def watcher(op: Any, args: Any, attrs: Any, result: Any) -> None:
            if isinstance(result, al.Tensor) and result.node is not None:
                self.made.append(result)

        with al.watch(watcher):
            self.graph, self.names = picture.recorded(network)
        self.result = self.graph.result
        self.title = f"The graph of {network.objective or 'the forward pass'}"
        nodes = reach([self.result.node]) if self.result.node is not None else []
        self.ops = {node.op.name for node in nodes if node.op is not None}

    def picture(self) -> str:
        """The graph with values and gradients, as SVG to stand in a page; or why there is none."""
        every = (*self.graph.weights.values(), *self.made)
        tensors = [t for t in every if t.requires_grad] if self.graph.error is not None else []
        grads = al.autograd.grad(self.result, tensors, retain_graph=True, allow_unused=True) if tensors else ()
        found = {t: g for t, g in zip(tensors, grads, strict=True) if g is not None}
        parts = ("shape", "value", "grad") if tensors else ("shape", "value")
        try:
            svg = draw(self.result, names=self.names, show=parts, gradients=found).svg
        except (DrawError, ValueError) as error:
            return str(error)
        return inline(svg, self.title)

    def player(self, found: Sequence[Checked]) -> tuple[bytes | None, str]:
        """The page to step through it, with the blame of the text's deltas; or why there is none."""
        told = next((c.deltas[c.shown] for c in found if c.version == PRINTED and c.deltas), None)
        with tempfile.TemporaryDirectory() as folder:
            try:
                one = self.result.data.size == 1
                start = None if one else al.ones(self.result.shape, dtype=self.result.dtype)
                path = animate(self.result, Path(folder) / "steps.html", names=self.names, gradients=start, report=told)
            except GraphError as error:
                return None, str(error)
            return path.read_bytes(), ""


def inline(svg: str, title: str) -> str:
    """A picture of a graph for a page: its ids begin with "graph-", it has a text in its place, and knows its width."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<[^<>]*>", lambda tag: re.sub(r'(\sid="|href="#|url\(#)', r"\g<1>graph-", tag[0]), svg)
    alt = re.sub(r'[<>&"]', lambda found: f"&#{ord(found[0])};", title)
    width = re.search(r'^<svg[^>]*? width="([\d.]+pt)"', svg)
    style = f' style="--width: {width[1]}"' if width else ""
    return svg.replace("<svg ", f'<svg role="img" aria-label="{alt}"{style} ', 1)


def framework_code(network: Network) -> str:
    """The forward pass in plain tensors and its error, and the module, if there is one."""
    parts = [source.code_of(type(network).forward)]
    if network.objective is not None:
        parts.append(source.code_of(type(network).error))
    module = network.module()
    if module is not None and type(module).__module__.startswith("models."):
        parts.append(source.code_of(type(module)))
    return "\n\n".join(parts)


# By hand


def _version(network: Network, found: Checked) -> Version:
    handwritten = network.versions[found.version]
    mistakes = list(_mistakes(network, found)) if found.version == PRINTED else []
    return Version(
        found.version,
        report.words(found),
        source.settings(handwritten) if handwritten.lr else "",
        update_words(network, found.version),
        source.step_code(handwritten),
        sides(network, found.version, found),
        mistakes,
    )


def update_words(network: Network, version: str) -> str:
    """The update as arithmetic, in the version's own rate and signs; nothing where it has its own code, or none."""
    handwritten = network.versions[version]
    trained = [name for name in handwritten.signs if name in network.start()[0]]
    if handwritten.follows != "gradient" or not handwritten.lr or not trained:
        return ""
    lines = [
        f"{name} {'+' if handwritten.signs[name] > 0 else '-'}= {handwritten.lr:g} * {name}_delta" for name in trained
    ]
    again = f"  # {handwritten.updates} times on each forward pass" if handwritten.updates > 1 else ""
    return "\n".join(lines) + again


def _has_batches(network: Network) -> bool:
    """Is an epoch more than one step?"""
    _, rng = network.start()
    return len(list(islice(network.batches(network.data(), rng), 2))) > 1


def _mistakes(network: Network, found: Checked) -> Iterable[Mistake]:
    for finding, readings in found.introduced:
        above = " and ".join(finding.above)
        what = f"The delta of {finding.name}" + (f", given the delta of {above}" if above else "")
        told = [[(c.kind, c.explanation) for c in reading] for reading in readings]
        line = finding.line and finding.line.replace("; ", "\n")
        yield Mistake(what, _lie(finding), told, line, _called(network, finding))
    for step in report.strayed(found):
        yield Mistake(f"The step of {step.name}", _lie(step), [[(c.kind, c.explanation)] for c in step.causes], None)


def _called(network: Network, finding: DeltaFinding) -> str:
    """Where a derivative is missing that the code calls: that its values were 1 wherever the deltas were checked."""
    handwritten = network.versions[PRINTED]
    text = source.delta_lines(handwritten, [finding.name]).get(finding.name)
    if text is None or all(c.kind != "missing-derivative" for reading in finding.readings for c in reading):
        return ""
    small = network.small()
    at = [small.focus(place.weights, place.batch) for place in checking.places(small)]
    called = source.slopes_of_one(handwritten, text, [handwritten.forward(weights, batch) for weights, batch in at])
    words = "The code does call a derivative, but here it is 1 for every number, so that nothing is changed by it"
    return f"{words}: {', '.join(called)}." if called else ""


def _lie(finding: Any) -> str:
    if finding.cosine is None or finding.ratio is None:
        return "Its shape is another than the gradient's, or one of them is zero: there is no cosine."
    words = f"Cosine to the gradient {finding.cosine:.4f}; nearest to it is {finding.ratio:.3g} times the gradient."
    return words.replace("-", "−")


# Trained


def _answers(network: Network, runs: Learned) -> list[tuple[str, str]]:
    """What the trained table answers, by question."""
    run = learned.trained(runs)
    asked = getattr(network, "asked", {})
    row = run.records[-1].row if run is not None and run.records else {}
    return [(question, network.cell(question, row[question])) for question in asked if question in row]


def _outcomes(network: Network, runs: Learned) -> list[Outcome]:
    """What each version reaches: as trained here, and where it was measured in full before, that."""
    reached = {run.version: run.last for run in runs.runs.values()}
    here = Outcome(f"Trained here over {runs.extent}", reached, "" if runs.short else _worse(reached))
    if not runs.short or not TRAINED.exists():
        return [here]
    before = json.loads(TRAINED.read_text(encoding="utf-8")).get(network.id)
    if before is None:
        return [here]
    lines = {name: before[name] for name in (PRINTED, CORRECTED) if name in before}
    return [here, Outcome(f"Trained in full{before.get('on', '')}, measured once", lines, _worse(lines))]


def _worse(lines: Mapping[str, str]) -> str:
    """That the corrected version is right less often on what it has not seen, where it is.

    >>> _worse({"as-printed": "I:9 Test-Acc:0.8706", "corrected": "I:9 Test-Acc:0.8666"})
    'Corrected, the test accuracy of the full training is lower here: 0.8666 against 0.8706.'
    """
    found = [re.search(r"\bTest-Acc:(\d[\d.]*)", lines.get(name, "")) for name in (PRINTED, CORRECTED)]
    printed, corrected = ("" if one is None else one[1] for one in found)
    if not printed or not corrected or float(corrected) >= float(printed):
        return ""
    return f"Corrected, the test accuracy of the full training is lower here: {corrected} against {printed}."
