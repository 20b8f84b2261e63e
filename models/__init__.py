"""The book's networks, each hand-written in NumPy, as printed and corrected, and built with the framework.

>>> find("overfit").id
'8.1'
>>> record, *_ = train(find("8.3"), epochs=1)
>>> record.epoch.iteration, sorted(record.epoch.weights)
(0, ['weights_0_1', 'weights_1_2'])

The data is there for programs of one's own: `from models import mnist; data = mnist.load()` gives `data.x_train`
(1000, 784), `data.labels_train` (1000, 10), `data.x_test` and `data.labels_test`, 10,000 of each.
"""

from __future__ import annotations

import difflib

from models import (
    chapter_03,
    chapter_04,
    chapter_05,
    chapter_06,
    chapter_08,
    chapter_09,
    chapter_10,
    chapter_11,
    chapter_12,
    chapter_13,
    chapter_14,
    chapter_15,
    part_a,
    part_b,
)
from models.network import Graph, Handwritten, Network
from models.records import Batch, Data, Epoch, Figures, Printed, Record, Weights
from models.training import EarlyStopping, train

__all__ = [
    "Batch",
    "Data",
    "EarlyStopping",
    "Epoch",
    "Figures",
    "Graph",
    "Handwritten",
    "Network",
    "Printed",
    "Record",
    "Weights",
    "chapters",
    "find",
    "networks",
    "train",
]

_modules = (
    *(chapter_03, chapter_04, chapter_05, chapter_06, chapter_08, chapter_09, chapter_10, chapter_11),
    *(chapter_12, chapter_13, chapter_14, chapter_15),
    *(part_a, part_b),
)
chapters: dict[str, tuple[Network, ...]] = {
    (module.__doc__ or "").partition("\n")[0].rstrip("."): module.networks for module in _modules
}
networks: dict[str, Network] = {network.id: network for chapter in chapters.values() for network in chapter}
MOST = 5  # suggestions for a name that is none


def find(name: str) -> Network:
    """The network with this id or alias, in capitals or not. Raises LookupError, with those that may be meant.

    >>> find("9.1").alias
    'tanh-softmax'
    """
    known = {key.lower(): network for network in networks.values() for key in (network.id, network.alias)}
    wanted = name.strip().lower()
    if wanted in known:
        return known[wanted]
    close = _close(wanted, known) if wanted else []
    named = [key if key == known[key].alias.lower() else known[key].id for key in close]
    meant = f"; did you mean {' or '.join(map(repr, named))}?" if named else "."
    raise LookupError(f"no network {name!r}{meant} `python -m models list` shows the {len(networks)} there are")


def _close(wanted: str, known: dict[str, Network]) -> list[str]:
    for close in (
        [key for key in known if key.startswith(wanted)],
        [key for key in known if wanted in key or key in wanted],
        difflib.get_close_matches(wanted, known, n=1),
    ):
        if close:
            return close[:MOST]
    return []
