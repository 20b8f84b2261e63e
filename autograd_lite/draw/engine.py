"""The programs that lay a graph out: which are there, what they write, and a run within a time limit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

PURE, SYSTEM = "graphviz-pure", "dot"
FORMATS = ("svg", "png", "pdf")
HOW_TO_GET = 'pip install "autograd_lite[draw]" brings one, and so does the system\'s graphviz package'


class DrawError(RuntimeError):
    """A picture could not be made: there is no program for it, or it failed, or it took too long.

    >>> import autograd_lite as al
    >>> x = al.tensor([1.0, 2.0], requires_grad=True)
    >>> al.draw(x * 2.0, engine="no-such-program").svg  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    autograd_lite.draw.engine.DrawError: there is no program 'no-such-program' to draw with; ...
    """


def _beside_python(program: str) -> str | None:
    return shutil.which(program, path=os.path.dirname(sys.executable)) if sys.executable else None


def engines() -> list[str]:
    """The programs that are there, best first: graphviz-pure draws the same picture on every platform."""
    found = (_beside_python(PURE), shutil.which(PURE), shutil.which(SYSTEM))
    return list(dict.fromkeys(path for path in found if path is not None))


def converter(format: str) -> Callable[..., Any] | None:
    """What makes of SVG text what the programs do not write: CairoSVG, where it and its library are installed."""
    try:
        cairosvg = import_module("cairosvg")
    except (ImportError, OSError):
        return None
    made: Callable[..., Any] | None = getattr(cairosvg, f"svg2{format}", None)
    return made


@lru_cache(maxsize=8)
def formats(program: str) -> tuple[str, ...]:
    """Which of the formats a program can write: it lists its own where it is asked for one that is none."""
    try:
        said = subprocess.run([program, "-T?"], input=b"", capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.SubprocessError):
        return ("svg",)
    listed = said.stderr.decode("utf-8", "replace").partition("Use one of:")[2].split()
    return tuple(f for f in FORMATS if any(f == name.partition(":")[0] for name in listed)) or ("svg",)


def choose(format: str, engine: str | None = None) -> str:
    """The first program that can write a format; `engine` is the name or the path of the one to use.

    Raises DrawError where there is no program, ValueError where none that is there writes the format.
    """
    if engine is None:
        programs = engines()
        if not programs:
            raise DrawError(
                f"there is no program to draw with: {HOW_TO_GET}. Meanwhile al.to_dot(t), or "
                "al.draw(t, 'graph.dot'), gives the text that any Graphviz viewer draws"
            )
    else:
        path = shutil.which(engine) or _beside_python(engine)
        if path is None:
            raise DrawError(
                f"there is no program {engine!r} to draw with; {PURE!r}, {SYSTEM!r} or a path is possible: {HOW_TO_GET}"
            )
        programs = [path]
    for program in programs:
        if format in formats(program):
            return program
    works = sorted({"dot", *(f for program in programs for f in formats(program))})
    hint = f"; the package cairosvg, of the extra pdf, or the system's Graphviz writes {format} too"
    raise ValueError(f"{format!r} cannot be drawn here. What works: {', '.join(works)}{hint}")


def render(text: str, format: str, engine: str | None = None, timeout: float | None = None) -> bytes:
    """DOT text drawn in a format. Raises DrawError where that fails or takes more than `timeout` seconds."""
    try:
        program = choose(format, engine)
    except ValueError:
        convert = converter(format)
        if convert is None:
            raise
        svg = _run(choose("svg", engine), text, "svg", timeout)
        return bytes(convert(bytestring=svg))
    return _run(program, text, format, timeout)


def _run(program: str, text: str, format: str, timeout: float | None) -> bytes:
    try:
        from graphviz.backend import dot_command, execute
    except ImportError as error:
        raise DrawError(
            "drawing needs the Python package graphviz, which is not installed: "
            'pip install "autograd_lite[draw]". Meanwhile al.to_dot(t) gives the text'
        ) from error
    command = [program, *dot_command.command("dot", format)[1:]]
    try:
        done = execute.run_check(
            command,
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            quiet=True,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as error:
        raise DrawError(
            f"the layout was stopped after {timeout:g} s. Give max_nodes= a smaller number, draw a part of the graph "
            "(an inner tensor), or give it longer with timeout=; al.to_dot(t) gives the text at once"
        ) from error
    except (OSError, execute.ExecutableNotFound) as error:
        raise DrawError(f"{command[0]} could not be run: {error}. {HOW_TO_GET}") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr or b"").decode("utf-8", "replace").strip()
        raise DrawError(f"{command[0]} failed ({error.returncode}): {said[-500:]}") from error
    return bytes(done.stdout)
