"""What `python -m models` does: each command is a function that prints, and returns the exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from autograd_lite import distributed
from autograd_lite.data import offline
from autograd_lite.distributed.group import launched
from autograd_lite.draw import DrawError, draw
from models import chapter_engine, chapters, checking, mnist, networks, picture, report, training
from models.classifier import Classifier
from models.network import CORRECTED, FRAMEWORK, PRINTED, Network
from models.records import Data, Record
from models.reproduce import TABLES, Comparison, has_table, tables_folder, tables_path, version
from models.training import EarlyStopping

T = TypeVar("T")

FAILED, INTERRUPTED = 1, 130
NEXT = """\
3. What next?
python -m models list                      the networks
python -m models train 9.1                 another of them; --as-printed or --corrected: as written by hand
python -m models check --explain 9.1       which delta is wrong, why, and the corrected line
python -m models check 8.1 --json          one network's derivatives, for programs
python -m models graph 8.1 -o graph.svg    a picture of its graph
python -m models reproduce 9.1             every number that the text prints, from its own version
python -m models report --quick -o report  all of this as pages to read, with pictures (under two minutes)"""
ENGINE_COLUMNS = "chapter 13", "chapter 14: cosine", "ratio", "off", "off, waiting for all"
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


def examples(network: Network, all_data: bool = False) -> Data:
    """The examples to train and test on. Raises CommandError where they are not there."""
    try:
        own = network.data()
        if not all_data:
            return own
        if own.x_train is not mnist.load().x_train:
            raise CommandError(f"--all-data is for the networks on MNIST: {label(network)} has other examples")
        return mnist.load_all()
    except (OSError, ValueError) as error:
        raise CommandError(f"{label(network)} cannot be had: {error}") from error


def label(network: Network) -> str:
    """Id and alias."""
    return f"{network.id} {network.alias}"


def list_networks() -> int:
    """A line for each network, under its chapter's."""
    ids, aliases = (max(map(len, names)) for names in zip(*((n.id, n.alias) for n in networks.values()), strict=True))
    for chapter, (title, members) in enumerate(chapters.items()):
        print(f"\n{title}" if chapter else title)
        for network in members:
            print(f"  {network.id:{ids}}  {network.alias:{aliases}}  {network.sentence}")
    return 0


def engine() -> int:
    """The chapter's own engine, held against the gradient on small graphs and over time."""
    graphs = [["h", "the loss is the sum of", *ENGINE_COLUMNS]]
    graphs += [[made, used, *held.words()] for (made, used), held in chapter_engine.on_graphs().items()]
    steps = [["steps of an LSTM", *ENGINE_COLUMNS]]
    steps += [[str(count), *held.words()] for count, held in chapter_engine.over_time().items()]
    print("13.10 engine: its gradients and the gradient: cosine, ratio, and the length of the difference, relative")
    for rows in (graphs, steps):
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        print()
        for row in rows:
            print("  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip())
    return 0


@dataclass(frozen=True)
class Training:
    """How to train: see `train --help`. No version is what the framework can train, else what the text writes."""

    version: str | None = None
    epochs: int | None = None
    quiet: bool = False
    patience: int | None = None
    all_data: bool = False
    distributed: bool = False


def train(network: Network, how: Training | None = None) -> int:
    """Train a network, printing the book's lines; Ctrl-C ends it in order."""
    how = how or Training()
    if not how.distributed and launched():
        raise CommandError("this is one of several MPI processes, which would all train the same: add --distributed")
    if not how.distributed:
        return _trained(network, how)
    _join(network, how)
    if distributed.get_rank() == 0:
        return _trained(network, how)
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        return _trained(network, replace(how, quiet=True))


def _join(network: Network, how: Training) -> None:
    """Join the other ranks. Raises CommandError where that is not possible, or the network is none for many."""
    if not isinstance(network, Classifier) or how.version not in (None, FRAMEWORK):
        raise CommandError(
            f"--distributed is for networks of batches, built with the framework: 9.1; not for {label(network)}"
            + (f", {how.version}" if how.version else "")
        )
    try:
        distributed.init_process_group()
    except ImportError as error:
        raise CommandError(str(error)) from error
    ranks = distributed.get_world_size()
    if network.batch_size < ranks:
        raise CommandError(f"{label(network)} has batches of {network.batch_size}: too small for {ranks} ranks")


def _trained(network: Network, how: Training) -> int:
    data = examples(network, how.all_data)
    trainable = network.objective is None or CORRECTED in network.versions
    version = how.version or (FRAMEWORK if trainable else PRINTED)
    if how.patience is not None and data.x_test is None:
        raise CommandError(f"{label(network)} is not tested: there is nothing to stop early by")
    if not how.quiet:
        say(f"{label(network)}, {version}: {network.sentence}")
    _train(network, replace(how, version=version), data)
    return 0


def _train(network: Network, how: Training, data: Data) -> Record | None:
    """Train with lines and a bar; returns the last record. Raises CommandError after Ctrl-C."""
    version, epochs = how.version or FRAMEWORK, network.epochs if how.epochs is None else how.epochs
    try:
        records: Iterable[Record] = training.train(network, version, epochs, data, how.distributed)
    except ValueError as error:
        raise CommandError(str(error)) from error
    if how.patience is not None:
        records = EarlyStopping(records, how.patience)
    began, last, tested = perf_counter(), None, None
    if not how.quiet:
        say(f"{_counted(epochs)} {_direction(network, version)}; Ctrl-C stops")
    try:
        for last in bar(records, epochs, "epoch", label(network), how.quiet):
            tested = last if last.epoch.test else tested
            if last.line and not how.quiet:
                say(last.line)
    except KeyboardInterrupt:
        raise CommandError(
            f"stopped after {_done(last)} of {_counted(epochs)}{_reached(tested)}", INTERRUPTED
        ) from None
    say(f"{_counted(_done(last))} in {perf_counter() - began:.1f} s{_reached(tested)}")
    if isinstance(records, EarlyStopping):
        say(_stopped(records))
    return last


def _counted(epochs: int) -> str:
    return f"{epochs} epoch{'' if epochs == 1 else 's'}"


def _done(last: Record | None) -> int:
    return 0 if last is None else last.epoch.iteration + 1


def _stopped(records: EarlyStopping) -> str:
    """Why the training is over, and what the best test was."""
    assert records.best is not None
    best = records.best.line or f"I:{records.best.epoch.iteration}"
    tests = f"{records.patience} test{'' if records.patience == 1 else 's'}"
    if records.stopped:
        return f"stopped early: {tests} in a row no better than the best, {best}"
    return f"not stopped early: never {tests} in a row no better than the best, {best}"


def _direction(network: Network, version: str) -> str:
    """Hand-written steps are the gradient's or not: that is for `check` to find."""
    if network.objective is None:
        return "of a forward pass, which learns nothing"
    if version == FRAMEWORK:
        return f"down {network.objective}"
    return f"of steps written by hand (`check` compares them with the gradient of {network.objective})"


def _reached(record: Record | None) -> str:
    return "" if record is None else f"; test accuracy {_accuracy(record):.4f} at I:{record.epoch.iteration}"


def _accuracy(record: Record | None) -> float:
    test = None if record is None else record.epoch.test
    return 0.0 if test is None else test.correct / test.examples


TABLE, BRIEF, JSON, PAGES = "table", "brief", "json", "pages"
FORMS = {TABLE: report.table, BRIEF: report.brief, PAGES: report.explained}  # what is printed of each network


def check(chosen: Sequence[Network], form: str = TABLE) -> int:
    """Compare the derivatives of some networks, and print what was found; those without their data are skipped."""
    found: list[checking.Checked] = []
    if form == TABLE:
        say(f"{report.LEGEND}\n")
    with offline():
        for network in bar(chosen, len(chosen), "network", "checking"):
            checked = checking.check(network)
            found += checked
            if form in FORMS and (text := FORMS[form](network, checked)):
                say(text if form == BRIEF else f"{text}\n")
    if form == JSON:
        print(report.as_json(found))
    elif form != PAGES:
        say(("\n" if form == BRIEF else "") + report.summary(found))
    return FAILED if any(one.passed is False for one in found) else 0


def graph(network: Network, path: Path) -> int:
    """Draw the graph of the error of the first batch, with everything that goes into it."""
    examples(network)
    error, names = picture.graph(network)
    try:
        draw(error, path, names=names)
    except DrawError as problem:
        text = path.with_suffix(".dot")
        raise CommandError(f"cannot draw {path}: {problem}\n-o {text} works without: it is the text") from problem
    except (OSError, ValueError) as problem:
        raise CommandError(f"cannot draw {path}: {problem}") from problem
    drawn = network.objective or "the forward pass"
    print(f"{path}: the graph of {drawn}, {label(network)}, first batch")
    return 0


def reproduce(chosen: Sequence[Network], epochs: int | None = None) -> int:
    """Train as printed, in full unless told otherwise, and compare every number that the text prints."""
    for line in _sources(chosen):
        say(line)
    compared, left = [], []
    for network in chosen:
        comparison = _reproduce(network, epochs)
        if comparison is None:
            left.append(network)
        else:
            compared.append(comparison)
    different = [comparison.network for comparison in compared if comparison.differences]
    parts = [f"{len(compared)} network{'' if len(compared) == 1 else 's'} compared"]
    parts[0] += f", {len(left)} not: {_ids(left)}" if left else ""
    parts += [f"{len(different)} DIFFERENT: {_ids(different)}"] if different else ["all equal"] if compared else []
    say("; ".join(parts))
    return FAILED if different else 0


def _listed(some: Iterable[Network]) -> str:
    return ", ".join(map(label, some))


def _ids(some: Iterable[Network]) -> str:
    return ", ".join(network.id for network in some)


def _sources(chosen: Sequence[Network]) -> Iterator[str]:
    """With what the trainings are compared, and with what not, and why. Raises CommandError for a missing folder."""
    try:
        folder, path = tables_folder(), tables_path()
        having = [network for network in chosen if path and has_table(network)]
    except (OSError, ValueError) as error:
        raise CommandError(str(error)) from error
    yield "compared with the numbers that the text prints"
    if path is not None:
        yield f"and with {path}, which has {f'whole tables of {_listed(having)}' if having else 'no table of these'}"
    elif folder is not None:
        yield f"NOT compared with whole tables: there is no {TABLES} in {folder}, which AUTOGRAD_LITE_DATA names"


def _reproduce(network: Network, epochs: int | None) -> Comparison | None:
    """None where there is nothing to compare, or nothing to train on."""
    total = network.epochs if epochs is None else min(epochs, network.epochs)
    try:
        comparison, began, data = Comparison(network), perf_counter(), network.data()
    except FileNotFoundError as error:
        say(f"{label(network)}: NOT compared: {error}")
        return None
    except (OSError, ValueError) as error:
        raise CommandError(str(error)) from error
    if not comparison.anything:
        say(f"{label(network)}: NOT compared: the text prints no number of it")
        return None
    for record in bar(training.train(network, version(network), total, data), total, "epoch", label(network)):
        comparison.add(record)
    if total == network.epochs:
        comparison.finish(record.epoch.weights)
    seconds = perf_counter() - began
    say(f"{label(network)}, {total} of {_counted(network.epochs)}: {comparison}  ({seconds:.1f} s)")
    for difference in comparison.differences:
        say(f"  {difference}")
    return comparison


def pages(chosen: Sequence[Network], folder: Path, quick: bool) -> int:
    """Write the report on some networks into a folder."""
    from models import site

    def counted(steps: Iterable[None], total: int) -> Iterator[None]:
        return bar(steps, total, "page", "report")

    try:
        index = site.build(chosen, folder, quick=quick, progress=counted)
    except (site.SiteError, ImportError, OSError) as error:
        raise CommandError(str(error)) from error
    print(f"{index}: {len(chosen)} network{'' if len(chosen) == 1 else 's'}")
    return 0


def main_job() -> int:
    """Check all networks, train one to the accuracy it should reach, and say what to do next."""
    network = replace(networks[FIRST], test_every=50)
    say(f"{len(networks)} networks, hand-written in NumPy and built with autograd_lite, the digits on real MNIST")
    say("\n1. Are the gradients right?\n")
    status = check(list(networks.values()), BRIEF)
    say(f"\n2. Does it learn? {label(network)}, built with the framework\n")
    reached, least = _accuracy(_train(network, Training(FRAMEWORK), examples(network))), network.accuracy or 0.0
    good = reached >= least
    say(f"{'as it should' if good else 'NOT as it should'}: at least {least:.2f}{_in_the_text(network)}")
    say(f"\n{NEXT}")
    return status if good else FAILED


def _in_the_text(network: Network) -> str:
    """What the text prints for its own version last."""
    if not network.printed.rows:
        return ""
    last = max(network.printed.rows)
    return f" (the text prints {network.printed.rows[last]['Test-Acc']} at I:{last} for its own)"
