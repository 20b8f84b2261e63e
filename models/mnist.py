"""The part of MNIST that the book uses, from the compressed copy in `models/data`."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from autograd_lite.data import mnist as published
from models.records import Array, Data

SUBSET = Path(__file__).parent / "data" / "mnist_subset.npz"
CONTENT_SHA256 = "2888f2798ca7aa3afe0bbd31a167e2974145153d125dd14c7fd0966dbdd88325"
SHAPES = {
    "train_images": (1000, 28, 28),
    "train_labels": (1000,),
    "test_images": (10000, 28, 28),
    "test_labels": (10000,),
}


def content_sha256(arrays: Mapping[str, Array]) -> str:
    """Checksum of names, shapes and pixels: the same however the file was compressed."""
    digest = hashlib.sha256()
    for name in SHAPES:
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}\n".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


@cache
def load(path: Path = SUBSET) -> Data:
    """1,000 images to train on and 10,000 to test on: rows of 784 pixels in [0, 1], labels one-hot.

    The arrays are float64 and read-only; every call gives the same ones.
    """
    return _rows(**_read(path))


def load_all() -> Data:
    """All 60,000 images to train on and 10,000 to test on, in the form of `load`; they take half a gigabyte.

    Raises FileNotFoundError where the published files are not there, ValueError where they are damaged.
    """
    found = published()
    return _rows(found.train_images, found.train_labels, found.test_images, found.test_labels)


def _rows(train_images: Array, train_labels: Array, test_images: Array, test_labels: Array) -> Data:
    return Data(
        _frozen(train_images.reshape(-1, 784) / 255),
        _frozen(np.eye(10)[train_labels]),
        _frozen(test_images.reshape(-1, 784) / 255),
        _frozen(np.eye(10)[test_labels]),
    )


def _read(path: Path) -> dict[str, Array]:
    repair = "restore it from git, or make it again: see models/data/README.md"
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; {repair}")
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in SHAPES}
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is damaged and cannot be read ({error}); {repair}") from error
    found = content_sha256(arrays)
    if found != CONTENT_SHA256:
        raise ValueError(f"{path} is damaged: its content has sha256 {found}, expected {CONTENT_SHA256}; {repair}")
    return arrays


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array
