"""The command line: `python -m models`, and `python -m models --help`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from models import commands, find, networks
from models.commands import INTERRUPTED, CommandError
from models.network import FRAMEWORK, Network

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
        description="The networks of chapters 8 to 10: hand-written in NumPy, and built with autograd_lite. "
        "Without a command: check them all, and train one (about a quarter of a minute).",
    )
    subparsers = main.add_subparsers(dest="command", title="commands", metavar="COMMAND")

    def command(name: str, help: str, more: str) -> argparse.ArgumentParser:
        return subparsers.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}. {more}")

    command("list", "the networks, one a line", "Each with its id, its alias and a sentence.")
    _training(command)
    check = command(
        "check",
        "compare differences, autograd and hand-written deltas",
        "Exits with 1 where autograd is not what finite differences say, or corrected code not what autograd says.",
    )
    check.add_argument("names", metavar="NAME", nargs="*", help=f"{NETWORK}; all, if none is named")
    check.add_argument("--json", action="store_true", help="for programs")
    graph = command(
        "graph",
        "draw the graph of the error of one batch",
        "Shows the parameters, what enters as constants (images, labels, the mask of dropout), and every op.",
    )
    graph.add_argument("name", metavar="NAME", help=NETWORK)
    output = "where to; the suffix says how: .svg, .png or .dot, which is text and needs no program that draws"
    graph.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help=output)
    reproduce = command(
        "reproduce",
        "train as printed, and compare every number that the text prints (minutes)",
        "With whole tables, if $AUTOGRAD_LITE_DATA names a folder that holds expected_tables.json.",
    )
    reproduce.add_argument("names", metavar="NAME", nargs="*", help=f"{NETWORK}; all, if none is named")
    reproduce.add_argument("--epochs", type=_count, metavar="N", help="only the first N; at least 1")
    return main


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


def _find(name: str) -> Network:
    try:
        return find(name)
    except LookupError as error:
        raise CommandError(str(error), UNKNOWN) from error


def run(given: argparse.Namespace) -> int:
    """Do what the command line says."""
    if given.command == "list":
        return commands.list_networks()
    names = [given.name] if "name" in given else getattr(given, "names", [])
    chosen = list(dict.fromkeys(_find(name) for name in names)) or list(networks.values())
    commands.ready(chosen)
    if given.command == "train":
        return commands.train(chosen[0], given.version or FRAMEWORK, given.epochs, given.quiet)
    if given.command == "check":
        return commands.check(chosen, given.json)
    if given.command == "graph":
        return commands.graph(chosen[0], given.output)
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
