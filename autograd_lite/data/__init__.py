"""Real data sets, verified against what was published: `mnist`, `imdb`, `admissions`, `babi`, `shakespeare`, `enron`.

Import it by its name, `from autograd_lite import data`: the framework itself does without. Downloads need pooch
(`pip install "autograd_lite[data]"`); files in a folder of one's own need NumPy alone.
"""

from autograd_lite.data.sets import (
    Admissions,
    Babi,
    Enron,
    Imdb,
    Mnist,
    admissions,
    babi,
    enron,
    imdb,
    mnist,
    shakespeare,
)
from autograd_lite.data.sources import DataError, DataMissing, offline

__all__ = [
    "Admissions",
    "Babi",
    "DataError",
    "DataMissing",
    "Enron",
    "Imdb",
    "Mnist",
    "admissions",
    "babi",
    "enron",
    "imdb",
    "mnist",
    "offline",
    "shakespeare",
]
