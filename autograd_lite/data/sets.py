"""The data sets: what was published, where, under which licence, and how it is handed out."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import numpy.typing as npt

from autograd_lite.data.formats import classes, idx, lines, table, table_text, text
from autograd_lite.data.sources import DataSet, File, fetch

Folder = str | os.PathLike[str] | None

MNIST = DataSet(
    "MNIST",
    "mnist",
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/{}.gz",
        "https://storage.googleapis.com/cvdf-datasets/mnist/{}.gz",
    ),
    (
        File(
            "train-images-idx3-ubyte",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            partial(idx, shape=(60000, 28, 28)),
        ),
        File(
            "train-labels-idx1-ubyte",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            partial(idx, shape=(60000,)),
        ),
        File(
            "t10k-images-idx3-ubyte",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            partial(idx, shape=(10000, 28, 28)),
        ),
        File(
            "t10k-labels-idx1-ubyte",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            partial(idx, shape=(10000,)),
        ),
    ),
)

IMDB = DataSet(
    "IMDB reviews",
    "imdb",
    ("https://raw.githubusercontent.com/udacity/deep-learning/master/sentiment-network/{}",),
    (
        File(
            "reviews.txt",
            "d7c2f21e5c8f5240859910ba5331b9baa88310aa978dbd8747ebd4ff6ebbefa6",
            partial(lines, count=25000),
        ),
        File(
            "labels.txt",
            "301d18424e95957a000293f5d8393239451d7f54622a8f21613172aebe64ca06",
            partial(classes, count=25000, values={"positive": 1.0, "negative": 0.0}),
        ),
    ),
)

ADMISSIONS = DataSet(
    "graduate admissions",
    "admissions",
    ("https://stats.idre.ucla.edu/stat/data/{}",),
    (
        File(
            "binary.csv",
            "2f5dcda0e455631215709575cc2eede4e5fb4e94cda9c37dab54e26d79dcf8c2",
            partial(
                table,
                rows=400,
                dtypes={"admit": np.int64, "gre": np.int64, "gpa": np.float64, "rank": np.int64},
                sums={"admit": 127},  # one public copy has a label altered
            ),
            table_text,  # copies differ in their line ends
        ),
    ),
)

BABI = DataSet(
    "bAbI qa1",
    "text",
    ("https://raw.githubusercontent.com/iamtrask/Grokking-Deep-Learning/master/tasksv11/en/{}",),
    tuple(
        File(f"qa1_single-supporting-fact_{part}.txt", sha256, partial(lines, count=3000))
        for part, sha256 in (
            ("train", "c64ba9b1a49bbb111ffc4cd2ae4f129d25c012399dd7ade9679eea464b9afb05"),
            ("test", "55acf66cef2f6d798e2aa1d056e1ec8f24e910ea9215b639450574321132959b"),
        )
    ),
)


SHAKESPEARE = DataSet(
    "text in the style of Shakespeare",
    "text",
    ("https://raw.githubusercontent.com/iamtrask/Grokking-Deep-Learning/master/{}",),
    (
        File(
            "shakespear.txt",
            "c879e55c5e318b9d978064e246306e01d60be15a50f64d9438daeaeacbc119e8",
            partial(text, count=99993),
        ),
    ),
)

ENRON = DataSet(
    "Enron spam",
    "enron",
    ("http://www2.aueb.gr/users/ion/data/enron-spam/",),  # as one file for each mail
    (
        File(
            "ham.txt",
            "77f51fd97af51e9ad11ba48373a1162c042fb364e15d5b4bf48bf36a34fdc383",
            partial(lines, count=3672),
        ),
        File(
            "spam.txt",
            "7d2725a3feb210c58a5541fb25a53628d1c78e37ba43741f9b4cce7c51bf693d",
            partial(lines, count=1500),
        ),
    ),
    served=False,
)


class Shown:
    """Shows what a data set holds without its values, which would fill many screens."""

    def __repr__(self) -> str:
        held = ((field.name, getattr(self, field.name)) for field in fields(self))  # type: ignore[arg-type]
        parts = (
            f"{name}: {v.dtype} {v.shape}" if isinstance(v, np.ndarray) else f"{name}: {len(v)}" for name, v in held
        )
        return f"{type(self).__name__}({', '.join(parts)})"


@dataclass(frozen=True, eq=False, repr=False)
class Mnist(Shown):
    """Handwritten digits: images of 28 by 28 pixels from 0 (paper) to 255 (ink), labels from 0 to 9.

    All are read-only arrays of uint8: `train_images` (60000, 28, 28), `train_labels` (60000,), `test_images`
    (10000, 28, 28) and `test_labels` (10000,).

    >>> import numpy as np
    >>> from autograd_lite import data
    >>> images, labels = np.zeros((2, 28, 28), np.uint8), np.array([5, 0], np.uint8)
    >>> data.Mnist(images, labels, images[:1], labels[:1])
    Mnist(train_images: uint8 (2, 28, 28), train_labels: uint8 (2,),
          test_images: uint8 (1, 28, 28), test_labels: uint8 (1,))
    """

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.uint8]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False, repr=False)
class Imdb(Shown):
    """Movie reviews: `reviews`, 25,000 strings, each ending in its newline; `labels`, 1.0 where positive, else 0.0.

    The labels are a read-only array of float64, (25000,). The words stand in lower case, separated by spaces.

    >>> import numpy as np
    >>> from autograd_lite import data
    >>> data.Imdb(("bad .", "a good film ."), np.array([0.0, 1.0]))
    Imdb(reviews: 2, labels: float64 (2,))
    """

    reviews: tuple[str, ...]
    labels: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Admissions(Shown):
    """400 applicants: `admit`, 1 for those admitted; `gre`, 220 to 800; `gpa`, up to 4; `rank` of their school.

    `gre` is a test score and `gpa` a mean grade, both in points; the best schools have rank 1, the others 2 to 4.
    All are read-only arrays (400,), of int64 but for `gpa`, float64.

    >>> import numpy as np
    >>> from autograd_lite import data
    >>> data.Admissions(np.array([0, 1]), np.array([380, 660]), np.array([3.61, 3.67]), np.array([3, 3]))
    Admissions(admit: int64 (2,), gre: int64 (2,), gpa: float64 (2,), rank: int64 (2,))
    """

    admit: npt.NDArray[np.int64]
    gre: npt.NDArray[np.int64]
    gpa: npt.NDArray[np.float64]
    rank: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Babi(Shown):
    """Stories of who went where, with questions: `train` and `test`, 3,000 lines each, each ending in its newline.

    A line begins with its number in its story. Of a question, the answer and the number of the line that says so
    follow after tabs.

    >>> from autograd_lite import data
    >>> data.Babi(("1 Mary moved to the hall.", "2 Where is Mary? \thall\t1"), ("1 John went to the garden.",))
    Babi(train: 2, test: 1)
    """

    train: tuple[str, ...]
    test: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Enron(Shown):
    """Mails, `ham` that was wanted and `spam` that was not: a string each, white space squeezed, ending in a newline.

    >>> from autograd_lite import data
    >>> data.Enron(("see you at noon\\n",), ("win a prize\\n", "act now\\n"))
    Enron(ham: 1, spam: 2)
    """

    ham: tuple[str, ...]
    spam: tuple[str, ...]


def mnist(folder: Folder = None, *, download: bool = True) -> Mnist:
    """The MNIST database of handwritten digits, 60,000 to train on and 10,000 to test on, in the published order.

    The four idx files, such as `train-images-idx3-ubyte.gz`, are taken from `folder` or its sub-folder mnist/. Where
    no folder is given, they are taken from mnist/ in the folder that AUTOGRAD_LITE_DATA names, if they are
    there, or else from a cache, which they are downloaded to once, 11 MB, unless `download` is False.

    By Yann LeCun, Corinna Cortes and Christopher J. C. Burges, from NIST's Special Databases 1 and 3.
    Y. LeCun and C. Cortes hold the copyright; CC BY-SA 3.0.

    Raises DataMissing where a file is in none of these places and cannot be downloaded, and DataError where one
    is cut short or altered.

    >>> from autograd_lite import data
    >>> try:
    ...     found = data.mnist("my-data")
    ... except data.DataMissing as missing:
    ...     print(str(missing).partition(": not")[0])
    MNIST: train-images-idx3-ubyte is missing
    """
    return Mnist(*fetch(MNIST, folder, download=download))


def imdb(folder: Folder = None, *, download: bool = True) -> Imdb:
    """25,000 movie reviews of the Large Movie Review Dataset, and whether they are positive.

    `reviews.txt` and `labels.txt` are taken from `folder` or its sub-folder imdb/. Where no folder is given, they
    are taken from imdb/ in the folder that AUTOGRAD_LITE_DATA names, if they are there, or else from a cache,
    which they are downloaded to once, 34 MB, unless `download` is False.

    A. L. Maas, R. E. Daly, P. T. Pham, D. Huang, A. Y. Ng, C. Potts: Learning Word Vectors for Sentiment Analysis,
    ACL 2011, which users are asked to cite; in the form of Udacity's course. No licence is stated.

    Raises DataMissing where a file is in none of these places and cannot be downloaded, and DataError where one
    is cut short or altered.

    >>> from autograd_lite import data
    >>> try:
    ...     found = data.imdb("my-data")
    ... except data.DataMissing as missing:
    ...     print(str(missing).partition(": not")[0])
    IMDB reviews: reviews.txt is missing
    """
    return Imdb(*fetch(IMDB, folder, download=download))


def admissions(folder: Folder = None, *, download: bool = True) -> Admissions:
    """400 applicants to graduate schools, 127 of them admitted: generated data, for teaching, from UCLA.

    `binary.csv` is taken from `folder` or its sub-folder admissions/. Where no folder is given, it is taken from
    admissions/ in the folder that AUTOGRAD_LITE_DATA names, if it is there, or else from a cache, which it is
    downloaded to once, 5 kB, unless `download` is False. Copies may differ in line ends: the values are verified.

    By UCLA's Statistical Consulting Group (Institute for Digital Research and Education). No licence is stated.

    Raises DataMissing where the file is in none of these places and cannot be downloaded, and DataError where it
    is cut short or altered.

    >>> from autograd_lite import data
    >>> try:
    ...     found = data.admissions("my-data")
    ... except data.DataMissing as missing:
    ...     print(str(missing).partition(": not")[0])
    graduate admissions: binary.csv is missing
    """
    (columns,) = fetch(ADMISSIONS, folder, download=download)
    return Admissions(**columns)


def babi(folder: Folder = None, *, download: bool = True) -> Babi:
    """The first of the bAbI tasks, in English: questions that a single line of a story answers, to train and to test.

    `qa1_single-supporting-fact_train.txt` and `..._test.txt` are taken from `folder` or its sub-folder text/. Where
    no folder is given, they are taken from text/ in the folder that AUTOGRAD_LITE_DATA names, if they are there, or
    else from a cache, which they are downloaded to once, 190 kB, unless `download` is False.

    J. Weston, A. Bordes, S. Chopra, T. Mikolov, A. M. Rush: Towards AI-Complete Question Answering: A Set of
    Prerequisite Toy Tasks, 2015. CC BY 3.0.

    Raises DataMissing where a file is in none of these places and cannot be downloaded, and DataError where one
    is cut short or altered.

    >>> from autograd_lite import data
    >>> try:
    ...     found = data.babi("my-data")
    ... except data.DataMissing as missing:
    ...     print(str(missing).partition(": not")[0])
    bAbI qa1: qa1_single-supporting-fact_train.txt is missing
    """
    return Babi(*fetch(BABI, folder, download=download))


def shakespeare(folder: Folder = None, *, download: bool = True) -> str:
    """99,993 characters in the style of Shakespeare, of 62 kinds.

    `shakespear.txt` is taken from `folder` or its sub-folder text/. Where no folder is given, it is taken from text/
    in the folder that AUTOGRAD_LITE_DATA names, if it is there, or else from a cache, which it is downloaded to
    once, 100 kB, unless `download` is False. No licence is stated.

    Raises DataMissing where the file is in none of these places and cannot be downloaded, and DataError where it
    is cut short or altered.

    >>> from autograd_lite import data
    >>> try:
    ...     found = data.shakespeare("my-data")
    ... except data.DataMissing as missing:
    ...     print(str(missing).partition(": not")[0])
    text in the style of Shakespeare: shakespear.txt is missing
    """
    (written,) = fetch(SHAKESPEARE, folder, download=download)
    return str(written)


def enron(folder: Folder = None) -> Enron:
    """3,672 wanted and 1,500 unwanted mails of the Enron-spam corpus, its part enron1, one in each line.

    `ham.txt` and `spam.txt` are taken from `folder` or its sub-folder enron/, or where no folder is given from enron/
    in the folder that AUTOGRAD_LITE_DATA names. In this form they cannot be downloaded: the corpus has a file for
    each mail.

    V. Metsis, I. Androutsopoulos, G. Paliouras: Spam Filtering with Naive Bayes - Which Naive Bayes?, CEAS 2006. It is
    real mail; no licence is stated.

    Raises DataMissing where a file is not there, and DataError where one is cut short or altered.

    >>> from autograd_lite import data
    >>> try:
    ...     found = data.enron("my-data")
    ... except data.DataMissing as missing:
    ...     print(str(missing).partition(": not")[0])
    Enron spam: ham.txt is missing
    """
    return Enron(*fetch(ENRON, folder, download=False))
