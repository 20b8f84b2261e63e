"""The command line: `python -m models`, and `python -m models --help`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from models import commands, find, networks
from models.commands import INTERRUPTED, CommandError
from models.network import FRAMEWORK, Network

UNKNOWN = 2  # argparse's status, too


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError
    return count


_count.__name__ = "number of epochs"  # what argparse calls it where it is none


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    main = argparse.ArgumentParser(
        prog="python -m models",
        description="The networks of chapters 8 to 10: hand-written in NumPy, and built with autograd_lite. "
        "Without a command: check them all, and train one (about a quarter of a minute).",
    )
    commands = main.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    commands.add_parser("list", help="the networks, one a line")
    train = commands.add_parser("train", help="train one, printing the book's lines")
    train.add_argument("name", metavar="NAME", help="an id or an alias, of `list`")
    version = train.add_mutually_exclusive_group()
    for name, words in (("as-printed", "as the text writes it"), ("corrected", "the gradient, by hand")):
        version.add_argument(f"--{name}", dest="version", action="store_const", const=name, help=words)
    train.add_argument("--epochs", type=_count, metavar="N", help="instead of the book's number")
    train.add_argument("--quiet", action="store_true", help="only what was reached")
    check = commands.add_parser("check", help="compare differences, autograd and hand-written deltas")
    check.add_argument("names", metavar="NAME", nargs="*", help="which; all, if none is named")
    check.add_argument("--json", action="store_true", help="for programs")
    graph = commands.add_parser("graph", help="draw the graph of the error of one batch")
    graph.add_argument("name", metavar="NAME")
    graph.add_argument("-o", "--output", metavar="FILE.svg", type=Path, required=True)
    reproduce = commands.add_parser(
        "reproduce", help="train as printed, and compare every number that the text prints (minutes)"
    )
    reproduce.add_argument("names", metavar="NAME", nargs="*", help="which; all, if none is named")
    reproduce.add_argument("--epochs", type=_count, metavar="N", help="only the first N")
    return main


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
