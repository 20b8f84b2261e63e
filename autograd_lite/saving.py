"""`save` and `load`: nested dicts, lists, numbers, strings and tensors in one file, which nothing is executed to read.

The extension says in which format: `.safetensors` (its library's; the extra `safetensors`) or `.npz` (NumPy's own).
Tensors go under the names that their keys make, `model.0.weight`, so that a plain state dict is what other programs
expect; what else there is stands as JSON in the safetensors' metadata, or in an entry of the npz.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.memory import Array

__all__ = ["load", "save"]

Arrays = dict[str, Array]
STRUCTURE = "autograd_lite"  # the metadata key, or the entry, with the structure
MARK = "autograd_lite "  # what the structure begins with, before its sum and its JSON
DTYPES = "fiub"
GENERATORS = ("PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64")


def save(obj: Any, f: str | os.PathLike[str]) -> None:
    """Write tensors, arrays, numbers, strings, None and NumPy generators, in dicts, lists and tuples, into a file.

    The file is written beside its place, and put there when it is complete and on the disk: whatever happens, the old
    file or the new one is there, whole. Raises TypeError for what cannot be saved, saying where it is; ValueError for
    an extension other than .safetensors and .npz.

    >>> import autograd_lite as al
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "state.npz")
    >>> al.save({"w": al.ones(2), "epoch": 3}, path)
    >>> al.load(path)
    {'w': tensor([1., 1.]), 'epoch': 3}
    """
    path = _path(f)
    write = {".safetensors": _write_safetensors, ".npz": _write_npz}[path.suffix]
    arrays: Arrays = {}
    structure = _taken_apart(obj, "", arrays)
    sums = {name: _sum(array) for name, array in arrays.items()}
    text = json.dumps({"format": 1, "sums": sums, "structure": structure})
    text = f"{MARK}{zlib.crc32(text.encode()):08x} {text}"
    with replacing(path) as beside:
        write(beside, arrays, text)


def load(f: str | os.PathLike[str]) -> Any:
    """What `save` has written; of another program's file, a dict of its tensors by name.

    Raises FileNotFoundError, and ValueError for a file that is cut short, damaged, or of another kind.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "other.npz")
    >>> np.savez(path, w=np.ones(2))  # without this package
    >>> al.load(path)
    {'w': tensor([1., 1.])}
    """
    path = _path(f)
    read = {".safetensors": _read_safetensors, ".npz": _read_npz}[path.suffix]
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there")
    arrays, text = read(path)
    if text is None:
        return {name: Tensor(array) for name, array in arrays.items()}
    try:
        return _read(text, arrays)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise _damaged(path, f"its structure cannot be read ({type(error).__name__}: {error})") from error


def _read(text: str, arrays: Arrays) -> Any:
    total, _, inside = text.removeprefix(MARK).partition(" ")
    if text[: len(MARK)] != MARK or total != f"{zlib.crc32(inside.encode()):08x}":
        raise ValueError("its text is not the one that was written")
    told = json.loads(inside)
    if told["format"] != 1:
        raise ValueError(f"it is of format {told['format']}, and this version reads format 1")
    for name, total in told["sums"].items():
        if _sum(arrays[name]) != total:
            raise ValueError(f"the numbers of {name!r} are not those that were written")
    return _put_together(told["structure"], arrays)


def _sum(array: Array) -> int:
    """A check sum of an array: of its dtype, its shape and its numbers."""
    kind = f"{array.dtype.newbyteorder('=')}{array.shape}"
    return zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, zlib.crc32(kind.encode()))


def _path(f: Any) -> Path:
    if not isinstance(f, str | os.PathLike):
        raise TypeError(f"save and load take a path, and got a {type(f).__name__}")
    path = Path(f)
    if path.suffix not in (".safetensors", ".npz"):
        raise ValueError(f"{path}: the extension says the format: .safetensors or .npz, and not {path.suffix!r}")
    return path.resolve()


def _damaged(path: Path, why: str) -> ValueError:
    return ValueError(f"{path} cannot be loaded: {why}")


# ---------------------------------------------------------------------------------------------- structure


def _taken_apart(thing: Any, name: str, arrays: Arrays) -> Any:
    """A value as JSON; arrays go to `arrays` under names made of the keys that lead to them."""
    if isinstance(thing, Tensor):
        return {"tensor": _kept(thing.data, name, arrays)}
    if isinstance(thing, np.ndarray):
        return {"array": _kept(thing, name, arrays)}
    if isinstance(thing, np.generic):
        thing = thing.item()
    if thing is None or isinstance(thing, bool | int | float | str):
        return thing
    if isinstance(thing, Mapping):
        wrong = [key for key in thing if not (key is None or isinstance(key, str | int | float))]
        if wrong:
            raise TypeError(f"save: {name or 'the dict'} has the key {wrong[0]!r}: keys are strings and numbers")
        return {"dict": [[key, _taken_apart(value, _under(name, key), arrays)] for key, value in thing.items()]}
    if isinstance(thing, list | tuple):
        items = [_taken_apart(value, _under(name, k), arrays) for k, value in enumerate(thing)]
        return {"list" if isinstance(thing, list) else "tuple": items}
    if isinstance(thing, np.random.Generator):
        return {"generator": _taken_apart(thing.bit_generator.state, _under(name, "state"), arrays)}
    raise TypeError(
        f"save: {name or 'the object'} is a {type(thing).__name__}; what can be saved is tensors, arrays, numbers, "
        "strings and None in dicts, lists and tuples: of a model, an optimizer, a schedule, save the state_dict()"
    )


def _under(name: str, key: Any) -> str:
    return f"{name}.{key}" if name else str(key)


def _kept(array: Array, name: str, arrays: Arrays) -> str:
    if array.dtype.kind not in DTYPES or array.dtype.itemsize > 8:
        raise TypeError(f"save: {name or 'the array'} has dtype {array.dtype}; floats, integers and booleans are saved")
    name = name.replace("\0", "~")  # where a zip file's names end
    free, k = name or "tensor", 1
    while free in arrays or free in (STRUCTURE, "__metadata__"):
        free, k = f"{name}~{k}", k + 1
    arrays[free] = np.array(array, array.dtype.newbyteorder("="), order="C")
    return free


def _put_together(told: Any, arrays: Arrays) -> Any:
    """The value that `_taken_apart` made this of."""
    if not isinstance(told, dict):
        return told
    ((kind, inside),) = told.items()
    if kind == "tensor":
        return Tensor(arrays[inside])
    if kind == "array":
        return arrays[inside]
    if kind == "dict":
        return {key: _put_together(value, arrays) for key, value in inside}
    if kind in ("list", "tuple"):
        items = [_put_together(value, arrays) for value in inside]
        return items if kind == "list" else tuple(items)
    if kind != "generator":
        raise KeyError(kind)
    state = _put_together(inside, arrays)
    if state["bit_generator"] not in GENERATORS:
        raise KeyError(state["bit_generator"])
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = state
    return np.random.Generator(bits)


# ---------------------------------------------------------------------------------------------- files


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside a file, whose content takes the file's place when it is complete and on the disk."""
    beside = path.with_name(f".{path.stem}.{os.getpid()}.{secrets.token_hex(4)}{path.suffix}")
    try:
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # elsewhere folders cannot be opened
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _safetensors() -> tuple[Any, Callable[..., None], type[Exception]]:
    try:
        from safetensors import SafetensorError, safe_open
        from safetensors.numpy import save_file
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'files with the extension .safetensors need its library: pip install "autograd_lite[safetensors]"; .npz '
            "needs none"
        ) from error
    return safe_open, save_file, SafetensorError


def _write_safetensors(path: Path, arrays: Arrays, text: str) -> None:
    _safetensors()[1](arrays, str(path), metadata={STRUCTURE: text})


def _read_safetensors(path: Path) -> tuple[Arrays, str | None]:
    safe_open, _, wrong = _safetensors()
    try:
        with safe_open(str(path), framework="np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
            told = (file.metadata() or {}).items()
            text = next((text for key, text in told if key == STRUCTURE or text.startswith(MARK)), None)
    except (wrong, OSError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _damaged(path, f"it is no whole safetensors file ({error})") from error
    for name, array in arrays.items():
        if array.dtype.kind not in DTYPES:
            raise _damaged(path, f"{name!r} has dtype {array.dtype}, which NumPy does not calculate with")
    return arrays, text


def _write_npz(path: Path, arrays: Arrays, text: str) -> None:
    told = np.frombuffer(text.encode(), np.uint8)
    with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED, allowZip64=True) as file:
        for name, array in ((STRUCTURE, told), *arrays.items()):
            with file.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def _read_npz(path: Path) -> tuple[Arrays, str | None]:
    arrays: Arrays = {}
    try:
        with zipfile.ZipFile(path) as file:
            entries = file.infolist()
            if sum(e.file_size for e in entries) > path.stat().st_size:
                raise _damaged(path, "its entries are larger than the file: compressed ones are not read here")
            for entry in entries:
                arrays[entry.filename.removesuffix(".npy")] = _entry(path, file, entry)
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, zlib.error, RuntimeError) as error:
        raise _damaged(path, f"it is no whole npz file ({error})") from error
    told = arrays.pop(STRUCTURE, None)
    if told is not None and told.dtype != np.uint8:
        raise _damaged(path, "its structure is no text")
    return arrays, None if told is None else told.tobytes().decode(errors="replace")


def _entry(path: Path, file: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Array:
    """The array of an entry, whose header must promise what is there."""
    with file.open(entry) as content:
        try:
            version = np.lib.format.read_magic(content)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
            shape, fortran, dtype = read(content)
        except (ValueError, KeyError, TypeError, SyntaxError) as error:
            raise _damaged(path, f"its entry {entry.filename!r} is no array ({error})") from error
        if dtype.kind not in DTYPES:
            raise _damaged(path, f"{entry.filename!r} has dtype {dtype}; pickled objects and text are not read")
        expected = math.prod(shape) * dtype.itemsize
        if entry.file_size - content.tell() != expected:
            raise _damaged(path, f"{entry.filename!r} does not have the {expected} bytes of its shape {shape}")
        array = np.frombuffer(bytearray(content.read()), dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
