"""The book's networks, each hand-written in NumPy, as printed and corrected, and built with the framework.

>>> find("overfit").id
'8.1'

The data is there for programs of one's own: `from models import mnist; data = mnist.load()` gives `data.x_train`
(1000, 784), `data.labels_train` (1000, 10), `data.x_test` and `data.labels_test`, 10,000 of each.
"""

from __future__ import annotations

import difflib

from models import chapter_08, chapter_09, chapter_10
from models.network import Handwritten, Network
from models.records import Batch, Data, Figures, Printed, Record, Weights

__all__ = [
    "Batch",
    "Data",
    "Figures",
    "Handwritten",
    "Network",
    "Printed",
    "Record",
    "Weights",
    "find",
    "networks",
]

networks: dict[str, Network] = {
    network.id: network for chapter in (chapter_08, chapter_09, chapter_10) for network in chapter.networks
}


def find(name: str) -> Network:
    """The network with this id or alias.

    >>> find("9.1").alias
    'tanh-softmax'
    """
    names = networks | {network.alias: network for network in networks.values()}
    wanted = name.strip().lower()
    if wanted in names:
        return names[wanted]
    close = [known for known in names if wanted and (wanted in known or known in wanted)]
    close = close or difflib.get_close_matches(wanted, names, n=1)
    meant = f"; did you mean {' or '.join(map(repr, close))}?" if close else "."
    listed = ", ".join(f"{network.id} {network.alias}" for network in networks.values())
    raise LookupError(f"no network {name!r}{meant} There are: {listed}")
