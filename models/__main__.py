"""The command line: `python -m models`, and `python -m models --help`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from models import commands, find, networks
from models.commands import INTERRUPTED, CommandError, Training
from models.network import Network

UNKNOWN = 2  # argparse's status, too
NETWORK = "an id or an alias, as `python -m models list` shows them: 8.1 or overfit"


def _count(text: str) -> int:
    count = int(text) if text.removeprefix("-").isdecimal() else None
    if count is None or count < 1:
        raise argparse.ArgumentTypeError(f"a whole number, at least 1, and not {text!r}")
    return count


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    main = argparse.ArgumentParser(
        prog="python -m models",
        description="The networks of a textbook and of two courses: hand-written in NumPy, and with autograd_lite. "
        "Without a command: check them all, and train one (less than half a minute).",
    )
    subparsers = main.add_subparsers(dest="command", title="commands", metavar="COMMAND")

    def command(name: str, help: str, more: str) -> argparse.ArgumentParser:
        return subparsers.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}. {more}")

    command("list", "the networks, by chapter, one a line", "Each with its id, its alias and a sentence.")
    _training(command)
    check = command(
        "check",
        "compare differences, autograd and hand-written deltas",
        "Exits with 1 where autograd is not what finite differences say, or corrected code not what autograd says.",
    )
    check.add_argument("names", metavar="NAME", nargs="*", help=f"{NETWORK}; all, if none is named")
    form = check.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--explain", metavar="NAME", help="the full pages of one network: what is wrong, where and why")
    graph = command(
        "graph",
        "draw the graph of the error of one batch",
        "Shows the parameters, what enters as constants (images, labels, the mask of dropout), and every op.",
    )
    graph.add_argument("name", metavar="NAME", help=NETWORK)
    output = "where to; the suffix says how: .svg, .png or .dot, which is text and needs no program that draws"
    graph.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help=output)
    _numbers(command)
    _report(command)
    return main


def _numbers(command: Callable[[str, str, str], argparse.ArgumentParser]) -> None:
    reproduce = command(
        "reproduce",
        "train as printed, and compare every number that the text prints (minutes)",
        "With whole tables, if $AUTOGRAD_LITE_DATA names a folder that holds expected_tables.json. "
        "Exits with 1 where a number differs; networks whose data are missing are named.",
    )
    reproduce.add_argument("names", metavar="NAME", nargs="*", help=f"{NETWORK}; all, if none is named")
    reproduce.add_argument("--epochs", type=_count, metavar="N", help="only the first N; at least 1")
    command(
        "engine",
        "hold the engine of chapter 13 (13.10) against the gradient",
        "On small graphs, and on an LSTM over 1 to 25 steps of time: where it is right, stops, or is wrong in silence.",
    )


def _report(command: Callable[[str, str, str], argparse.ArgumentParser]) -> None:
    pages = command(
        "report",
        "write a site: an index, and a page for each network",
        "Pictures, code, deltas beside the derived ones, curves, what was learned, and the graph to step through; "
        "pages to be opened in a browser, which need nothing else. Trains every network in full, both ways written by "
        "hand (11.3 on 2,000 reviews): about ten minutes on two processors.",
    )
    pages.add_argument("names", metavar="NAME", nargs="*", help=f"{NETWORK}; all, if none is named")
    where = "a new folder, an empty one, or that of an earlier report, which is replaced"
    pages.add_argument("-o", "--output", metavar="DIR", type=Path, required=True, help=where)
    pages.add_argument("--quick", action="store_true", help="short trainings: under two minutes on two processors")


def _training(command: Callable[[str, str, str], argparse.ArgumentParser]) -> None:
    train = command(
        "train",
        "train one, printing the book's lines",
        "Built with autograd_lite, unless a hand-written version is asked for. Ctrl-C stops in order.",
    )
    train.add_argument("name", metavar="NAME", help=NETWORK)
    version = train.add_mutually_exclusive_group()
    for name, words in (("as-printed", "as the text writes it"), ("corrected", "the gradient, by hand")):
        version.add_argument(f"--{name}", dest="version", action="store_const", const=name, help=words)
    train.add_argument("--epochs", type=_count, metavar="N", help="instead of the book's number; at least 1")
    train.add_argument("--quiet", action="store_true", help="only what was reached")
    early = "stop when so many tests in a row were no better than the best, and go back to its weights"
    train.add_argument("--early-stopping", type=_count, metavar="N", dest="patience", help=early)
    train.add_argument("--all-data", action="store_true", help="all 60,000 training images, not the first 1,000")
    parallel = "on all processes that `mpiexec -n 2 python -m models train ...` starts, each on its part of a batch"
    train.add_argument("--distributed", action="store_true", help=parallel)


def _find(name: str) -> Network:
    try:
        return find(name)
    except LookupError as error:
        engine = "13.10 is an engine, and no network: `python -m models engine` holds it against the gradient"
        raise CommandError(engine if name.strip() == "13.10" else str(error), UNKNOWN) from error


def run(given: argparse.Namespace) -> int:
    """Do what the command line says."""
    if given.command == "list":
        return commands.list_networks()
    if given.command == "engine":
        return commands.engine()
    names = [given.name] if "name" in given else getattr(given, "names", [])
    names = [given.explain] if getattr(given, "explain", None) else names
    chosen = list(dict.fromkeys(_find(name) for name in names)) or list(networks.values())
    if given.command == "train":
        how = Training(given.version, given.epochs, given.quiet, given.patience, given.all_data, given.distributed)
        return commands.train(chosen[0], how)
    if given.command == "check":
        form = commands.PAGES if given.explain else commands.JSON if given.json else commands.TABLE
        return commands.check(chosen, form)
    if given.command == "graph":
        return commands.graph(chosen[0], given.output)
    if given.command == "report":
        return commands.pages(chosen, given.output, given.quick)
    if given.command == "reproduce":
        return commands.reproduce(chosen, given.epochs)
    return commands.main_job()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    try:
        return run(parser().parse_args(arguments))
    except CommandError as error:
        print(error, file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever reads, `head` for instance, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
