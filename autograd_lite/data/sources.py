"""Where a data set's files come from: a folder, the cache, the internet; a file that was altered is refused."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from autograd_lite.data.formats import PACKINGS, unpack

VARIABLE = "AUTOGRAD_LITE_DATA"
SECONDS = 30  # how long a server may keep silent
DOWNLOADED = (
    '- install pooch (pip install "autograd_lite[data]"), connect to the internet and leave folder= out: it is '
    "downloaded once."
)
CHUNK = 1 << 16  # bytes between two steps of the progress bar


_offline: ContextVar[bool] = ContextVar("offline", default=False)


@contextmanager
def offline() -> Iterator[None]:
    """Inside, nothing is downloaded: what is neither in a folder nor in the cache is missing.

    >>> from autograd_lite import data
    >>> with data.offline():
    ...     data.mnist("my-data")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    autograd_lite.data.sources.DataMissing: MNIST: train-images-idx3-ubyte is missing: ...
    """
    token = _offline.set(True)
    try:
        yield
    finally:
        _offline.reset(token)


class DataError(ValueError):
    """A file of a data set is not what was published: cut short, altered, or another file altogether.

    >>> import pathlib, tempfile
    >>> from autograd_lite import data
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "binary.csv").write_text("admit,gre")
    >>> data.admissions(folder)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    autograd_lite.data.sources.DataError: ...
    """


class DataMissing(FileNotFoundError):  # noqa: N818 - the name says it
    """A file of a data set is in none of the places where it may be, and was not downloaded.

    >>> from autograd_lite import data
    >>> issubclass(data.DataMissing, FileNotFoundError)
    True
    >>> data.imdb("my-data")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    autograd_lite.data.sources.DataMissing: IMDB reviews: reviews.txt is missing: ...
    """


@dataclass(frozen=True)
class File:
    """One published file: its unpacked name, the sha256 of its unpacked content, and what reads that content.

    Where copies differ in form alone, such as line ends, `write` brings what was read into the published form,
    and the checksum is that of this form.
    """

    name: str
    sha256: str
    read: Callable[[bytes], Any]
    write: Callable[[Any], bytes] | None = None


@dataclass(frozen=True)
class DataSet:
    """A published data set: its title, the folder its files lie in, and their addresses, in the order of trying.

    In an address {} stands for the name of a file; what follows it, .gz or .xz, tells how the file is packed. What is
    not `served` has another form there, and cannot be downloaded.
    """

    title: str
    folder: str
    addresses: tuple[str, ...]
    files: tuple[File, ...]
    served: bool = True


def fetch(data: DataSet, folder: str | os.PathLike[str] | None = None, *, download: bool = True) -> tuple[Any, ...]:
    """What the files of a data set hold, in their order; each is searched for, read and verified.

    A given `folder` has to hold them, itself or in the data set's own folder within it. Without one, each is
    taken from the folder that AUTOGRAD_LITE_DATA names, if it is there, or else from the cache, which it is
    downloaded to where `download` allows. Raises DataMissing and DataError.
    """
    return tuple(_fetch_file(data, file, folder, download) for file in data.files)


def cache_folder() -> Path:
    """The folder that downloads go to: the operating system's for caches. Raises ImportError without pooch."""
    import pooch

    return Path(pooch.os_cache("autograd_lite"))


def _fetch_file(data: DataSet, file: File, folder: str | os.PathLike[str] | None, download: bool) -> Any:
    named = os.environ.get(VARIABLE)
    if folder is not None:
        places = [Path(folder, data.folder), Path(folder)]
    else:
        places = [Path(named, data.folder)] if named else []
    path = _find(file, places)
    if path is not None:
        return _verified(file, path, str(path), f"an unaltered one is at {_address(data, file)}")
    if folder is not None:
        raise _missing(data, file, places, "a given folder has to hold it")
    try:
        cache = cache_folder() / data.folder
    except ImportError as error:
        raise _missing(data, file, places, f"pooch, which downloads it, is not installed ({error})") from error
    path = _find(file, [cache])
    if path is not None:
        return _verified(file, path, str(path), f"to download it again, delete {path}")
    if not download or _offline.get():
        raise _missing(data, file, [*places, cache], "downloading was not allowed")
    return _download(data, file, cache, places)


def _find(file: File, places: list[Path]) -> Path | None:
    candidates = (place / f"{file.name}{packing}" for place in places for packing in PACKINGS)
    return next((path for path in candidates if path.is_file()), None)


def _download(data: DataSet, file: File, cache: Path, places: list[Path]) -> Any:
    """Download from the first address that serves the unaltered file; only such a file gets into the cache."""
    failures: list[Exception] = []
    for number in range(len(data.addresses)):
        address = _address(data, file, number)
        try:
            cache.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=cache) as scratch:
                arrived = Path(scratch, address.rpartition("/")[2])
                _get(address, arrived)
                values = _verified(file, arrived, address, "it was not kept")
                arrived.replace(cache / arrived.name)
            return values
        except (OSError, ValueError) as error:  # those of requests are OSErrors
            failures.append(error)
    for failure in failures:
        if isinstance(failure, DataError):
            raise failure
    tried = [f"{_address(data, file, number)}: {failure}" for number, failure in enumerate(failures)]
    raise _missing(data, file, [*places, cache], "it could not be downloaded", tried) from failures[-1]


def _get(address: str, path: Path) -> None:
    import pooch

    bar = bool(sys.stderr and sys.stderr.isatty()) and find_spec("tqdm") is not None
    with ExitStack() as answers:

        def close_later(answer: Any, **_: Any) -> None:  # pooch leaves those open that tell of an error
            answers.callback(answer.close)

        get = pooch.HTTPDownloader(
            bar,
            CHUNK,
            timeout=SECONDS,
            headers={"Accept-Encoding": "identity"},  # packed files are to arrive packed
            hooks={"response": close_later},
        )
        get(address, str(path), None)


def _verified(file: File, path: Path, origin: str, advice: str) -> Any:
    try:
        content = unpack(path.read_bytes(), path.name)
        values = file.read(content)
        found = hashlib.sha256(content if file.write is None else file.write(values)).hexdigest()
        if found != file.sha256:
            what = "unpacked content has" if file.write is None else "values have"
            raise ValueError(f"altered: its {what} sha256 {found}, expected {file.sha256}")
    except ValueError as error:
        raise DataError(f"{origin}: {error}; {advice}") from error
    return values


def _address(data: DataSet, file: File, number: int = 0) -> str:
    return data.addresses[number].format(file.name)


def _missing(data: DataSet, file: File, places: list[Path], why: str, tried: list[str] | None = None) -> DataMissing:
    searched = f"not in {' nor in '.join(map(str, places))}" if places else f"{VARIABLE} is not set"
    return DataMissing(
        "\n".join(
            [
                f"{data.title}: {file.name} is missing: {searched}, and {why}.",
                f"It comes from {_address(data, file)}. "
                f"There {'are two ways' if data.served else 'is one way'} to have it:",
                f"- get a folder that holds {data.folder}/{file.name}, as it is, .gz or .xz, and name that folder by "
                f"{VARIABLE} or by folder={';' if data.served else '.'}",
                *([DOWNLOADED] if data.served else []),
                *(f"Tried {failure}" for failure in tried or []),
            ]
        )
    )
