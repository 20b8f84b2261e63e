"""Make `mnist_subset.npz`: the first 1,000 training images and all test images of MNIST, with their labels.

    python -m models.data.make_mnist_subset [FOLDER]

FOLDER holds the four gzipped idx files; without it, the folder `mnist` in $AUTOGRAD_LITE_DATA is taken.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import struct
import sys
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from models.mnist import CONTENT_SHA256, SUBSET, content_sha256
from models.records import Array

IMAGES, LABELS = 2051, 2049  # the magic numbers of idx files of unsigned bytes with three axes and one

# name of the file: magic number, number of items, sha256 of the unpacked file
FILES = {
    "train-images-idx3-ubyte.gz": (
        IMAGES,
        60000,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    "train-labels-idx1-ubyte.gz": (
        LABELS,
        60000,
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    "t10k-images-idx3-ubyte.gz": (
        IMAGES,
        10000,
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    "t10k-labels-idx1-ubyte.gz": (
        LABELS,
        10000,
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
}


def read_idx(path: Path) -> Array:
    """The array in one of the four files, after its magic number, counts, size and checksum were verified."""
    magic, count, sha256 = FILES[path.name]
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: expected {path.name}, {count} items, gzipped")
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: expected a complete gzip file ({error})") from error
    shape = (count, 28, 28) if magic == IMAGES else (count,)
    header = struct.pack(f">{1 + len(shape)}I", magic, *shape)
    if content[: len(header)] != header:
        found = struct.unpack(f">{len(content[:16]) // 4}I", content[: len(content[:16]) // 4 * 4])
        raise ValueError(f"{path}: expected magic number and counts {(magic, *shape)}, found {found}")
    size = len(header) + int(np.prod(shape))
    if len(content) != size:
        raise ValueError(f"{path}: expected {size} bytes unpacked, found {len(content)}")
    found_sha256 = hashlib.sha256(content).hexdigest()
    if found_sha256 != sha256:
        raise ValueError(f"{path}: expected sha256 {sha256} of the unpacked content, found {found_sha256}")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def subset(folder: Path) -> dict[str, Array]:
    """The arrays of the subset, by the names they have in the file."""
    train_images, train_labels, test_images, test_labels = (read_idx(folder / name) for name in FILES)
    return {
        "train_images": train_images[:1000],
        "train_labels": train_labels[:1000],
        "test_images": test_images,
        "test_labels": test_labels,
    }


def write(arrays: Mapping[str, Array], path: Path) -> None:
    """Write a compressed npz whose bytes do not depend on the time or the system, only on the zlib used."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), version=(1, 0))
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, buffer.getvalue(), zipfile.ZIP_DEFLATED, compresslevel=9)


def main(arguments: list[str] | None = None) -> int:
    """Make the subset, verify it against the checksum that the loader expects, and say what was written."""
    parser = argparse.ArgumentParser(description="Make the subset of MNIST that the networks train on.")
    parser.add_argument("folder", nargs="?", type=Path, help="default: $AUTOGRAD_LITE_DATA/mnist")
    parser.add_argument("--output", type=Path, default=SUBSET, help="default: %(default)s")
    options = parser.parse_args(arguments)
    root = os.environ.get("AUTOGRAD_LITE_DATA")
    if options.folder is None and not root:
        parser.error("name the folder of the four idx.gz files, or set AUTOGRAD_LITE_DATA")
    try:
        arrays = subset(options.folder or Path(root or "", "mnist"))
    except (OSError, ValueError) as error:
        print(f"make_mnist_subset: {error}", file=sys.stderr)
        return 1
    found = content_sha256(arrays)
    if found != CONTENT_SHA256:
        print(f"make_mnist_subset: content sha256 {found}, expected {CONTENT_SHA256}", file=sys.stderr)
        return 1
    write(arrays, options.output)
    print(f"{options.output}: {options.output.stat().st_size} bytes, content sha256 {found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
