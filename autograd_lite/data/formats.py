"""What the published files contain: idx arrays, lines of text, tables of numbers; each is refused with what was found.

The functions take the unpacked content and raise ValueError; `sources` adds the name of the file.
"""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import math
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]
Columns: TypeAlias = dict[str, Array]

UNSIGNED_BYTES = 0x0800  # the type in the magic number of an idx file; its last byte is the number of axes
# how a file may be packed, by the end of its name: what such a file starts with, what unpacks it
PACKINGS: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "": (b"", bytes),
    ".gz": (b"\x1f\x8b", gzip.decompress),
    ".xz": (b"\xfd7zXZ\x00", lzma.decompress),
}
NUMBER = {"i": "[0-9]{1,9}", "f": r"[0-9]{1,9}(\.[0-9]{1,9})?"}  # how a number is written, by the kind of its dtype


def unpack(content: bytes, name: str) -> bytes:
    """The content of a file of this name, unpacked if the name ends in .gz or .xz.

    >>> unpack(gzip.compress(b"as it was"), "text.gz")
    b'as it was'
    >>> unpack(gzip.compress(b"as it was")[:-9], "text.gz")
    Traceback (most recent call last):
    ValueError: cut short or damaged, found 20 bytes that do not unpack (Compressed file ended before the
    end-of-stream marker was reached), expected a whole .gz file
    """
    packing = name[-3:] if name[-3:] in PACKINGS else ""
    start, decompress = PACKINGS[packing]
    if not content.startswith(start):
        raise ValueError(f"not a {packing} file: it starts with {content[:6]!r}, expected {start!r}")
    try:
        return decompress(content)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        found = f"found {len(content)} bytes that do not unpack ({error})"
        raise ValueError(f"cut short or damaged, {found}, expected a whole {packing} file") from error


def idx(content: bytes, shape: tuple[int, ...]) -> Array:
    """The array of unsigned bytes in an idx file, which has to have this shape; read-only.

    An idx file is a magic number, which tells the type and the number of axes, the size of each axis, all
    as big-endian 32-bit integers, and the elements, the last axis fastest.

    >>> idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]), (3,))
    array([5, 0, 4], dtype=uint8)
    >>> idx(bytes([0, 0, 8, 3, 0, 0, 0, 3, 5, 0, 4]), (3,))
    Traceback (most recent call last):
    ValueError: wrong magic number: found 2051, expected 2049 (unsigned bytes, axes: 1)
    """
    magic = UNSIGNED_BYTES + len(shape)
    start = 4 * (1 + len(shape))
    if len(content) < 4:
        raise ValueError(f"cut short: found {len(content)} bytes, expected a magic number and more")
    (found,) = struct.unpack_from(">I", content)
    if found != magic:
        raise ValueError(f"wrong magic number: found {found}, expected {magic} (unsigned bytes, axes: {len(shape)})")
    if len(content) < start:
        raise ValueError(f"cut short: found {len(content)} bytes, expected a header of {start} bytes and more")
    sizes = struct.unpack_from(f">{len(shape)}I", content, 4)
    if sizes != shape:
        raise ValueError(f"wrong shape: found {sizes}, expected {shape}")
    size = start + math.prod(shape)
    if len(content) != size:
        wrong = "cut short" if len(content) < size else "too long"
        raise ValueError(f"{wrong}: found {len(content)} bytes unpacked, expected {size}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def lines(content: bytes, count: int) -> tuple[str, ...]:
    r"""The lines of a text, of which there have to be so many, each with the newline that ends it.

    >>> lines(b"a good film\nnot so good\n", 2)
    ('a good film\n', 'not so good\n')
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"not a text: found {error}, expected UTF-8") from error
    # only "\n" ends a line here: str.splitlines would take form feeds and others for ends, too
    found = tuple(io.StringIO(text, newline="\n"))
    if len(found) != count:
        raise ValueError(f"wrong number of lines: found {len(found)}, expected {count}")
    return found


def text(content: bytes, count: int) -> str:
    """A text of so many characters.

    >>> text(b"to be", 5)
    'to be'
    """
    try:
        found = content.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"not a text: found {error}, expected UTF-8") from error
    if len(found) != count:
        raise ValueError(f"wrong length: found {len(found)} characters, expected {count}")
    return found


def classes(content: bytes, count: int, values: Mapping[str, float]) -> Array:
    r"""One number for each line, by the word that stands there; float64 and read-only.

    >>> classes(b"positive\nnegative\n", 2, {"positive": 1.0, "negative": 0.0})
    array([1., 0.])
    """
    words = [line.removesuffix("\n") for line in lines(content, count)]
    for number, word in enumerate(words, 1):
        if word not in values:
            raise ValueError(f"wrong word in line {number}: found {word[:40]!r}, expected {' or '.join(values)}")
    return frozen(np.array([values[word] for word in words], np.float64))


def table(content: bytes, rows: int, dtypes: Mapping[str, npt.DTypeLike], sums: Mapping[str, int]) -> Columns:
    r"""The columns of comma-separated numbers under a line of names, whichever way its lines end; read-only.

    `sums` holds what some columns have to add up to: it says more than a checksum where a value was altered.

    >>> table(b"admit,gpa\r\n0,3.61\r\n1,4\r\n", 2, {"admit": np.int64, "gpa": np.float64}, {"admit": 1})
    {'admit': array([0, 1]), 'gpa': array([3.61, 4.  ])}
    """
    try:
        records = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"not a table: found {error}, expected comma-separated numbers") from error
    names, cells = (records or [[]])[0], [record for record in records[1:] if record]
    if names != list(dtypes):
        raise ValueError(f"wrong columns: found {','.join(names)[:80]!r}, expected {','.join(dtypes)!r}")
    if len(cells) != rows:
        raise ValueError(f"wrong number of rows: found {len(cells)}, expected {rows}")
    kinds = [np.dtype(dtype).kind for dtype in dtypes.values()]
    for number, record in enumerate(cells, 1):
        if len(record) != len(kinds):
            raise ValueError(f"wrong number of columns in row {number}: found {len(record)}, expected {len(kinds)}")
        for name, kind, cell in zip(names, kinds, record, strict=True):
            if not re.fullmatch(NUMBER[kind], cell):
                wanted = "a whole number" if kind == "i" else "a decimal number"
                raise ValueError(f"wrong {name} in row {number}: found {cell[:40]!r}, expected {wanted}")
    by_column = zip(dtypes.items(), zip(*cells, strict=True), strict=True)
    columns = {name: frozen(np.array(column, np.float64).astype(dtype)) for (name, dtype), column in by_column}
    for name, total in sums.items():
        if columns[name].sum() != total:
            raise ValueError(f"altered: {name} adds up to {columns[name].sum()}, expected {total}")
    return columns


def table_text(columns: Columns) -> bytes:
    r"""The table as it is written with lines that end in newlines and numbers without idle digits.

    >>> table_text({"admit": np.array([0, 1]), "gpa": np.array([3.61, 4.0])})
    b'admit,gpa\n0,3.61\n1,4\n'
    """
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    written = [",".join(repr(value).removesuffix(".0") for value in row) for row in rows]
    return "".join(line + "\n" for line in [",".join(columns), *written]).encode()


def frozen(array: Array) -> Array:
    """The array itself, made read-only."""
    array.setflags(write=False)
    return array
