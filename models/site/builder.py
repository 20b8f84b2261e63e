"""The folder of a report: pages made in worker processes, and put in place when all of them are there."""

from __future__ import annotations

import multiprocessing
import os
import re
import secrets
import shutil
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autograd_lite.data import offline
from models import chapters, networks
from models.network import Network
from models.site import pages
from models.site.content import content
from models.site.pages import Entry, Neighbour

MANIFEST = ".report-files"  # what a report has written: another one replaces that, and nothing else
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
Progress = Callable[[Iterable[None], int], Iterable[None]]


class SiteError(Exception):
    """The report cannot be made, and why."""


@dataclass(frozen=True)
class _Task:
    """One page to make, with what it has to know of the others."""

    folder: str
    chapter: str
    before: Neighbour | None
    after: Neighbour | None
    quick: bool


@dataclass(frozen=True)
class _Made:
    entry: Entry
    files: dict[str, bytes]


def build(
    chosen: Sequence[Network],
    folder: str | os.PathLike[str],
    *,
    quick: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write the report on some networks into a folder; returns its index.

    A folder that holds an earlier report is replaced, file by file, once all pages are made; one that holds anything
    else is refused with SiteError. Networks of the book are spread over `workers` processes, as many as there are
    processors unless told otherwise (a script that calls this needs its `if __name__ == "__main__":`); with 1 all is
    done here. `progress` wraps the steps, of which there is one a page.
    """
    place = Path(os.path.realpath(folder))
    old = _earlier(place)
    places = {id(network): k for k, network in enumerate(networks.values())}
    chosen = sorted(chosen, key=lambda network: places.get(id(network), len(places)))  # as in the book
    tasks = _tasks(chosen, quick)
    count = min(workers or os.cpu_count() or 1, len(chosen))
    apart = count > 1 and all(networks.get(network.id) is network for network in chosen)
    made: dict[str, _Made] = {}

    def steps() -> Iterator[None]:
        for one in _in_workers(chosen, tasks, count) if apart else _here(chosen, tasks):
            made[one.entry.folder] = one
            yield

    for _ in progress(steps(), len(chosen)) if progress is not None else steps():
        pass
    ordered = [made[task.folder] for task in tasks]
    files = {pages.STYLE: pages.style(), "index.html": pages.index_page([one.entry for one in ordered], quick)}
    for one in ordered:
        files |= {f"{one.entry.folder}/{name}": text for name, text in one.files.items()}
    _put(place, files, old)
    return place / "index.html"


# Pages


def _tasks(chosen: Sequence[Network], quick: bool) -> list[_Task]:
    names = _folders(chosen)
    title = {id(network): name for name, members in chapters.items() for network in members}
    near = [Neighbour(name, network.id) for name, network in zip(names, chosen, strict=True)]
    around = zip([None, *near[:-1]], [*near[1:], None], strict=True)
    parts = zip(names, chosen, around, strict=True)
    return [_Task(name, title.get(id(network), "Networks"), *sides, quick) for name, network, sides in parts]


def _folders(chosen: Sequence[Network]) -> list[str]:
    """A name for each network's folder, from its id: no two are one, and none leads anywhere else."""
    found: list[str] = []
    for network in chosen:
        base = name = re.sub(r"[^A-Za-z0-9.-]+", "_", network.id)[:60].strip(".-") or "network"
        number = 1
        while name.lower() in (other.lower() for other in found):
            number += 1
            name = f"{base}_{number}"
        found.append(name)
    return found


def _page(network: Network, task: _Task) -> _Made:
    with offline():
        found = content(network, task.quick)
    entry = Entry(task.folder, task.chapter, found.id, found.alias, found.sentence, found.verdict)
    files = {"index.html": pages.network_page(found, task.chapter, task.before, task.after)}
    return _Made(entry, files | ({} if found.player is None else {"steps.html": found.player}))


def _here(chosen: Sequence[Network], tasks: Sequence[_Task]) -> Iterator[_Made]:
    return (_page(network, task) for network, task in zip(chosen, tasks, strict=True))


# Processes


def _of(name: str, task: _Task) -> _Made:
    return _page(networks[name], task)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal: the one that started the others ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _in_workers(chosen: Sequence[Network], tasks: Sequence[_Task], count: int) -> Iterator[_Made]:
    """Pages as they are done; those that take long are begun first."""
    before = set(multiprocessing.active_children())
    with _one_thread_each():
        pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _ignore_interrupts)
        try:
            pairs = sorted(zip(chosen, tasks, strict=True), key=lambda pair: -_size(pair[0]))
            for future in as_completed([pool.submit(_of, network.id, task) for network, task in pairs]):
                yield future.result()
        except BrokenProcessPool as error:
            raise SiteError("a process that made pages was ended from outside: was there too little memory?") from error
        except BaseException:
            for child in set(multiprocessing.active_children()) - before:
                child.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _size(network: Network) -> float:
    """About how long a network takes: the more weights, the longer."""
    try:
        weights, _ = network.start()
    except (OSError, ValueError):
        return 0.0
    return float(sum(weight.size for weight in weights.values()))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that are started inside have a BLAS of one thread."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


# Files


def _earlier(place: Path) -> set[str]:
    """The files of an earlier report. Raises SiteError where the folder is not that of one, or cannot be made."""
    if not place.parent.is_dir():
        raise SiteError(f"the directory {place.parent} does not exist: make it first")
    if not place.exists():
        return set()
    if not place.is_dir():
        raise SiteError(f"{place} is a file, and not a folder")
    there = {path.relative_to(place).as_posix() for path in place.rglob("*") if not path.is_dir() or path.is_symlink()}
    there = {name for name in there if not name.startswith(".part-")}  # of a report that was ended by force
    manifest = place / MANIFEST
    listed = set(manifest.read_text(encoding="utf-8").splitlines()) if MANIFEST in there else set()
    foreign = sorted(there - listed - {MANIFEST})
    if foreign:
        raise SiteError(
            f"{place} holds what is not a report's ({foreign[0]}{' and more' if len(foreign) > 1 else ''}): nothing "
            "was written. Name a new folder, or an empty one"
        )
    return there - {MANIFEST}


def _put(place: Path, files: dict[str, bytes], old: set[str]) -> None:
    """Write all files beside where they belong, then move each to its place and take away what is left of before."""
    new = not place.exists()
    place.mkdir(exist_ok=True)
    draft = place / f".part-{secrets.token_hex(6)}"
    try:
        for name, content in files.items():
            path = draft / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _list(place, draft, old | set(files))
        for name in files:
            (place / name).parent.mkdir(exist_ok=True)
            os.replace(draft / name, place / name)
        for name in sorted(old - set(files)):
            (place / name).unlink(missing_ok=True)
            if (place / name).parent != place and not any((place / name).parent.iterdir()):
                (place / name).parent.rmdir()
        _list(place, draft, set(files))
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        if new and not any(place.iterdir()):
            place.rmdir()


def _list(place: Path, draft: Path, names: set[str]) -> None:
    text = "".join(f"{name}\n" for name in sorted(names))
    (draft / MANIFEST).write_text(text, encoding="utf-8", newline="\n")
    os.replace(draft / MANIFEST, place / MANIFEST)
