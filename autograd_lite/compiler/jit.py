"""Loops as machine code: text that Numba compiles, kept on disk by its content."""

from __future__ import annotations

import functools
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

HEADER = """\
from math import cos, exp, expm1, inf, log, log1p, nan, sin, sqrt, tanh

from numpy import bool_, float32, float64, int32, int64, uint8

from autograd_lite.compiler.jit import intrinsics

pointer, data, shared = intrinsics()
"""


def numba() -> Any:
    """Numba itself. Raises ImportError, with what to install, where it is missing."""
    try:
        import numba as found
    except ImportError as error:
        raise ImportError(
            'backend="numba" needs Numba, which the extra "jit" brings: pip install "autograd_lite[jit]"'
        ) from error
    return found


@functools.cache
def intrinsics() -> tuple[Any, Any, Any]:
    """What loops begin with.

    `pointer(table, k, dtype)` is the k-th address of a table, `data(array)` where an array's numbers begin, and
    `shared(p, n, q, m)` whether n bytes from p and m bytes from q have any in common.
    """
    from llvmlite import ir
    from numba.np.arrayobj import make_array

    types, intrinsic = numba().core.types, numba().extending.intrinsic

    word = ir.IntType(64)

    def pointer(context: Any, table: Any, k: Any, dtype: Any) -> Any:
        kind = types.CPointer(dtype.dtype)

        def made(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            entry = builder.gep(builder.inttoptr(args[0], word.as_pointer()), [args[1]])
            return builder.inttoptr(builder.load(entry), context.get_value_type(kind))

        return kind(types.int64, types.int64, dtype), made

    def data(context: Any, array: Any) -> Any:
        kind = types.CPointer(types.uint8 if array.dtype is types.boolean else array.dtype)

        def made(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            start = make_array(array)(context, builder, args[0]).data
            return builder.bitcast(start, context.get_value_type(kind))

        return kind(array), made

    def shared(context: Any, p: Any, n: Any, q: Any, m: Any) -> Any:
        def made(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            a, b = builder.ptrtoint(args[0], word), builder.ptrtoint(args[2], word)
            first = builder.icmp_unsigned("<", a, builder.add(b, args[3]))
            return builder.and_(first, builder.icmp_unsigned("<", b, builder.add(a, args[1])))

        return types.boolean(p, types.int64, q, types.int64), made

    return intrinsic(pointer), intrinsic(data), intrinsic(shared)


def folder() -> Path:
    """Where texts are kept: NUMBA_CACHE_DIR, else the user's cache directory."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen) / "autograd_lite" / "compiled"
    if os.name == "nt" and "LOCALAPPDATA" in os.environ:
        return Path(os.environ["LOCALAPPDATA"]) / "autograd_lite" / "Cache" / "compiled"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autograd_lite" / "compiled"


def written(text: str) -> Path | None:
    """The file with a text, made where there is none: whole or not at all, whoever else writes it. None: it cannot."""
    try:
        path = folder() / f"step_{hashlib.sha256(text.encode()).hexdigest()[:24]}.py"
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(name, path)
        except OSError:
            os.unlink(name)
            raise
    except (OSError, RuntimeError):  # RuntimeError: no home
        return None
    return path


def compiled(text: str, signatures: dict[str, tuple[Any, ...]]) -> tuple[dict[str, Callable[..., Any]], Any]:
    """The functions of a text as machine code, found on disk if they have been compiled before, and what keeps them.

    A signature says of the result and of each argument what it is: None, `int`, `float`, or (dtype, ndim) of a
    C-contiguous array.
    """
    nb = numba()
    path = written(text) if signatures else None

    def argument(kind: Any) -> Any:
        if isinstance(kind, tuple):
            return nb.types.Array(nb.from_dtype(kind[0]), kind[1], "C", readonly=True)
        return nb.int64 if kind is int else nb.float64

    def machine_code(cache: bool) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": __name__}  # a module that Numba finds when it reads what it kept
        exec(compile(text, str(path) if cache else "<autograd_lite loops>", "exec"), names)
        found = {}
        for name, kinds in signatures.items():
            signature = (nb.int64 if kinds[0] else nb.void)(*map(argument, kinds[1:]))
            found[name] = nb.njit(signature, error_model="numpy", no_cfunc_wrapper=True, cache=cache)(names[name])
        return found

    try:
        made = machine_code(path is not None)
    except Exception:  # the directory cannot be written after all, or what is there cannot be read
        made = machine_code(False)
    return {name: next(iter(f.overloads.values())).entry_point for name, f in made.items()}, made


def address(array: Any) -> int:
    """Where an array's numbers begin."""
    return int(array.__array_interface__["data"][0])


def solid(array: Any, dtype: Any, shape: tuple[int, ...]) -> Any:
    """An array in the order of its memory and aligned, copied where it is not. Raises ValueError for another shape."""
    made = np.require(array, dtype, ("C", "A"))
    if made.shape != shape:
        raise ValueError(f"an array of shape {shape} has become one of {made.shape} in a compiled step")
    return made
