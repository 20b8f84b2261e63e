"""What `python -m models` does: each command is a function that prints, and returns the exit status."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from autograd_lite.draw import DrawError, draw
from models import checking, networks, picture, report
from models.network import FRAMEWORK, Network
from models.records import Record
from models.reproduce import TABLES, Comparison, has_table, tables_folder, tables_path

T = TypeVar("T")

FAILED, INTERRUPTED = 1, 130
NEXT = """\
3. What next?
python -m models list                      the networks
python -m models train 9.1                 another of them; --as-printed or --corrected: as written by hand
python -m models check 8.1 --json          one network's gradients, for programs
python -m models graph 8.1 -o graph.svg    a picture of its graph
python -m models reproduce 9.1             every number that the text prints, from its own version"""
FIRST = "8.3"  # what the main job trains: some seconds, and far better than what its hand-written version reaches


class CommandError(Exception):
    """The command cannot go on: what to print, and the exit status."""

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


def say(text: str = "") -> None:
    """Print a line, above the progress bar if there is one."""
    tqdm = _tqdm()
    if tqdm is None:
        print(text, flush=True)
    else:
        tqdm.write(text)


def _tqdm() -> Any:
    """What shows progress bars, or None where it is not installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm


@cache
def _say_how_to_get_bars() -> None:
    print('no progress bar, since tqdm is missing: pip install "autograd_lite[models]"', file=sys.stderr)


def bar(steps: Iterable[T], total: int, unit: str, doing: str, quiet: bool = False) -> Iterator[T]:
    """The steps, counted in a progress bar on the terminal; no bar where there is no terminal, or no tqdm."""
    if quiet:
        return iter(steps)
    tqdm = _tqdm()
    if tqdm is None:
        _say_how_to_get_bars()
        return iter(steps)
    shown: Iterator[T] = iter(tqdm(steps, total=total, unit=unit, desc=doing, leave=False, disable=None))
    return shown


def ready(chosen: Iterable[Network]) -> None:
    """Raise CommandError unless the examples of these networks are there."""
    try:
        for network in chosen:
            network.data()
    except (OSError, ValueError) as error:
        raise CommandError(str(error)) from error


def label(network: Network) -> str:
    """Id and alias."""
    return f"{network.id} {network.alias}"


def list_networks() -> int:
    """A line for each network."""
    for network in networks.values():
        print(f"{network.id:5} {network.alias:13} {network.sentence}")
    return 0


def train(network: Network, version: str = FRAMEWORK, epochs: int | None = None, quiet: bool = False) -> int:
    """Train a network, printing the book's lines; Ctrl-C ends it in order."""
    if not quiet:
        say(f"{label(network)}, {version}: {network.sentence}")
    _train(network, version, network.epochs if epochs is None else epochs, quiet)
    return 0


def _train(network: Network, version: str, epochs: int, quiet: bool = False) -> Record | None:
    """Train with lines and a bar; returns the last record. Raises CommandError after Ctrl-C."""
    began, last, tested = perf_counter(), None, None
    if not quiet:
        say(f"{_counted(epochs)} {_direction(network, version)}; Ctrl-C stops")
    try:
        for last in bar(network.train(version, epochs), epochs, "epoch", label(network), quiet):
            tested = last if last.test else tested
            if last.line and not quiet:
                say(last.line)
    except KeyboardInterrupt:
        done = 0 if last is None else last.iteration + 1
        raise CommandError(f"stopped after {done} of {_counted(epochs)}{_reached(tested)}", INTERRUPTED) from None
    say(f"{_counted(epochs)} in {perf_counter() - began:.1f} s{_reached(tested)}")
    return last


def _counted(epochs: int) -> str:
    return f"{epochs} epoch{'' if epochs == 1 else 's'}"


def _direction(network: Network, version: str) -> str:
    """Hand-written steps are the gradient's or not: that is for `check` to find."""
    if version == FRAMEWORK:
        return f"down {network.objective}"
    return f"of steps written by hand (`check` compares them with the gradient of {network.objective})"


def _reached(record: Record | None) -> str:
    return "" if record is None else f"; test accuracy {_accuracy(record):.4f} at I:{record.iteration}"


def _accuracy(record: Record | None) -> float:
    return 0.0 if record is None or record.test is None else record.test.correct / record.test.examples


def check(chosen: Sequence[Network], as_json: bool = False) -> int:
    """Compare the gradients of some networks, and print what was found."""
    findings: list[checking.Finding] = []
    if not as_json:
        say(f"{report.LEGEND}\n\n{report.HEADING}")
    for network in bar(chosen, len(chosen), "network", "checking"):
        found = checking.check(network)
        findings += found
        if not as_json:
            say(report.table(network, found) + "\n")
    if as_json:
        print(report.as_json(findings))
    else:
        say(report.summary(findings))
    return FAILED if any(finding.passed is False for finding in findings) else 0


def graph(network: Network, path: Path) -> int:
    """Draw the graph of the error of the first batch, with everything that goes into it."""
    error, names = picture.graph(network)
    try:
        draw(error, path, names=names)
    except DrawError as problem:
        text = path.with_suffix(".dot")
        raise CommandError(f"cannot draw {path}: {problem}\n-o {text} works without: it is the text") from problem
    except (OSError, ValueError) as problem:
        raise CommandError(f"cannot draw {path}: {problem}") from problem
    print(f"{path}: the graph of {network.objective}, {label(network)}, first batch")
    return 0


def reproduce(chosen: Sequence[Network], epochs: int | None = None) -> int:
    """Train as printed, in full unless told otherwise, and compare every number that the text prints."""
    for line in _sources(chosen):
        say(line)
    comparisons = [_reproduce(network, epochs) for network in chosen]
    return FAILED if any(comparison.differences for comparison in comparisons) else 0


def _sources(chosen: Sequence[Network]) -> Iterator[str]:
    """With what the trainings are compared, and with what not, and why. Raises CommandError for a missing folder."""
    printed = "the lines and sums that the text prints"
    try:
        folder, path = tables_folder(), tables_path()
        missing = [network for network in chosen if path and not has_table(network)]
    except (OSError, ValueError) as error:
        raise CommandError(str(error)) from error
    if path is None:
        yield f"compared with {printed}"
        if folder is not None:
            yield f"NOT compared with whole tables: there is no {TABLES} in {folder}, which AUTOGRAD_LITE_DATA names"
        return
    yield f"compared with {path}"
    if missing:
        yield f"which has no table for {', '.join(map(label, missing))}: compared with {printed}"


def _reproduce(network: Network, epochs: int | None) -> Comparison:
    total = network.epochs if epochs is None else min(epochs, network.epochs)
    try:
        comparison, began = Comparison(network), perf_counter()
    except ValueError as error:
        raise CommandError(str(error)) from error
    for record in bar(network.train("as-printed", total), total, "epoch", label(network)):
        comparison.add(record)
    if total == network.epochs:
        comparison.finish(record.weights)
    seconds = perf_counter() - began
    say(f"{label(network)}, {total} of {network.epochs} epochs: {comparison}  ({seconds:.1f} s)")
    for difference in comparison.differences:
        say(f"  {difference}")
    return comparison


def main_job() -> int:
    """Check all networks, train one to the accuracy it should reach, and say what to do next."""
    network = replace(networks[FIRST], test_every=50)
    say(f"{len(networks)} networks, hand-written in NumPy and built with autograd_lite, on real MNIST")
    say("\n1. Are the gradients right?\n")
    status = check(list(networks.values()))
    say(f"\n2. Does it learn? {label(network)}, built with the framework\n")
    reached = _accuracy(_train(network, FRAMEWORK, network.epochs))
    good = reached >= network.accuracy
    say(f"{'as it should' if good else 'NOT as it should'}: at least {network.accuracy:.2f}{_in_the_text(network)}")
    say(f"\n{NEXT}")
    return status if good else FAILED


def _in_the_text(network: Network) -> str:
    """What the text prints for its own version last."""
    if not network.printed.rows:
        return ""
    last = max(network.printed.rows)
    return f" (the text prints {network.printed.rows[last]['Test-Acc']} at I:{last} for its own)"
