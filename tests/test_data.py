"""The loaders of real data: where files come from, what is refused, and the published data where they are at hand."""

import gzip
import hashlib
import http.server
import lzma
import os
import re
import socket
import struct
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograd_lite import data
from autograd_lite.data import sources
from autograd_lite.data.formats import classes, idx, lines, table, table_text
from autograd_lite.data.sets import ADMISSIONS, BABI, IMDB, MNIST
from autograd_lite.data.sources import DataError, DataMissing, DataSet, File, fetch

IMAGES = np.arange(24, dtype=np.uint8).reshape(4, 3, 2)
TEXT = b"a fine film .\nnot  so fine\n"
TABLE = b"admit,gre,gpa,rank\n0,380,3.61,3\n1,660,4,1\n1,800,3.2,4\n"
read_table = partial(
    table, rows=3, dtypes={"admit": np.int64, "gre": np.int64, "gpa": np.float64, "rank": np.int64}, sums={"admit": 2}
)


def idx_file(array, magic=None):
    header = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim if magic is None else magic, *array.shape)
    return header + array.tobytes()


def sha256(content):
    return hashlib.sha256(content).hexdigest()


CONTENTS = {"images": idx_file(IMAGES), "text": TEXT, "table": TABLE}
FILES = (
    File("images", sha256(CONTENTS["images"]), partial(idx, shape=IMAGES.shape)),
    File("text", sha256(TEXT), partial(lines, count=2)),
    File("table", sha256(TABLE), read_table, table_text),
)


def small(*addresses, files=FILES):
    return DataSet("small", "little", addresses or ("http://nowhere.invalid/{}.gz",), files)


def put(folder, contents=CONTENTS, packing=""):
    pack = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}[packing]
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / (name + packing)).write_bytes(pack(content))
    return folder


def assert_is_all(values):
    images, text, columns = values
    np.testing.assert_array_equal(images, IMAGES)
    assert images.dtype == np.uint8
    assert text == ("a fine film .\n", "not  so fine\n")
    assert {name: column.tolist() for name, column in columns.items()} == {
        "admit": [0, 1, 1],
        "gre": [380, 660, 800],
        "gpa": [3.61, 4.0, 3.2],
        "rank": [3, 1, 4],
    }
    for array in (images, *columns.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.fixture(autouse=True)
def _no_folder_named(monkeypatch):
    monkeypatch.delenv("AUTOGRAD_LITE_DATA", raising=False)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache folder of the test's own, and requests that go to this computer without a proxy."""
    monkeypatch.setattr(sources, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "cache" / "little"


@contextmanager
def served(answers):
    """An HTTP server with these answers by path, each the bytes or a status; yields its address and what was asked."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            as_it_is = self.headers["Accept-Encoding"] == "identity"  # packed files are not to be unpacked on the way
            answer = answers.get(self.path, 404) if as_it_is else 406
            if isinstance(answer, int):
                self.send_error(answer)
                return
            body, length = answer if isinstance(answer, tuple) else (answer, len(answer))
            self.send_response(200)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join(timeout=10)


def closed_address():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


PACKED = {f"/{name}.gz": gzip.compress(content) for name, content in CONTENTS.items()}


# Where files come from


@pytest.mark.parametrize("packing", ["", ".gz", ".xz"])
def test_a_given_folder_is_the_root_or_the_data_sets_own(tmp_path, packing):
    own = put(tmp_path / "little", packing=packing)
    assert_is_all(fetch(small(), tmp_path))
    assert_is_all(fetch(small(), str(own)))


def test_the_folder_that_the_variable_names(tmp_path, monkeypatch):
    put(tmp_path / "little", packing=".gz")
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(tmp_path))
    assert_is_all(fetch(small()))


def test_a_given_folder_goes_before_the_variables_and_has_to_hold_the_data(tmp_path, monkeypatch, cache):
    put(tmp_path / "named" / "little")
    put(cache)
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(tmp_path / "named"))
    empty = tmp_path / "empty"
    with pytest.raises(DataMissing, match="small: images is missing") as caught:
        fetch(small(), empty)
    assert isinstance(caught.value, FileNotFoundError)
    for said in (str(empty / "little"), "http://nowhere.invalid/images.gz", "AUTOGRAD_LITE_DATA", "folder="):
        assert said in str(caught.value)


def test_without_pooch_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(DataMissing, match=r"AUTOGRAD_LITE_DATA is not set(.|\n)*pip install \"autograd_lite\[data\]\""):
        fetch(small())
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(tmp_path))
    with pytest.raises(DataMissing, match="pooch, which downloads it, is not installed") as caught:
        fetch(small())
    assert str(tmp_path / "little") in str(caught.value)


def test_a_download_is_made_once(tmp_path, monkeypatch, cache):
    pytest.importorskip("pooch")
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(tmp_path))  # which does not hold the data: that is no error
    with served(PACKED) as (address, asked):
        source = small(address + "/{}.gz")
        assert_is_all(fetch(source))
        assert asked == ["/images.gz", "/text.gz", "/table.gz"]
        assert_is_all(fetch(source))
        assert len(asked) == 3
    assert_is_all(fetch(source, download=False))
    assert sorted(path.name for path in cache.iterdir()) == ["images.gz", "table.gz", "text.gz"]


def test_the_next_address_is_tried_where_one_fails_or_serves_something_else(cache):
    pytest.importorskip("pooch")
    wrong = {"/wrong/images.gz": b"<html>", "/wrong/text.gz": gzip.compress(b"another\ntext\n"), "/wrong/table.gz": 503}
    with served({**PACKED, **wrong}) as (address, asked):
        assert_is_all(fetch(small(closed_address() + "/{}.gz", address + "/wrong/{}.gz", address + "/{}.gz")))
    assert asked[:2] == ["/wrong/images.gz", "/images.gz"]


def test_a_download_that_is_altered_is_refused_and_not_kept(cache):
    pytest.importorskip("pooch")
    refusal = pytest.raises(DataError, match=r"127\.0\.0\.1:\d+/images: altered: its unpacked content has sha256")
    with served({"/images": CONTENTS["images"][:-1] + b"!"}) as (address, _), refusal:
        fetch(small(address + "/{}"))
    assert list(cache.iterdir()) == []


def test_a_download_that_breaks_off_is_not_kept(cache):
    pytest.importorskip("pooch")
    content = CONTENTS["images"]
    refusal = pytest.raises((DataMissing, DataError), match="images")
    with served({"/images": (content[:20], len(content))}) as (address, _), refusal:
        fetch(small(address + "/{}"))
    assert list(cache.iterdir()) == []


def test_offline_the_error_says_what_was_tried(cache):
    pytest.importorskip("pooch")
    first, second = closed_address(), closed_address()
    with pytest.raises(DataMissing, match="could not be downloaded") as caught:
        fetch(small(first + "/{}.gz", second + "/{}.gz"))
    for said in (str(cache), f"Tried {first}/images.gz: ", f"Tried {second}/images.gz: ", "refused", "folder="):
        assert said in str(caught.value)
    with pytest.raises(DataMissing, match="downloading was not allowed"):
        fetch(small(), download=False)


def test_a_cache_that_cannot_be_written_is_named(cache):
    pytest.importorskip("pooch")
    cache.parent.write_bytes(b"a file where the folder should be")
    with served(PACKED) as (address, _), pytest.raises(DataMissing, match=re.escape(str(cache))):
        fetch(small(address + "/{}.gz"))


def test_a_damaged_cache_is_refused_with_the_advice_to_delete_it(cache):
    pytest.importorskip("pooch")
    put(cache, packing=".gz")
    (cache / "images.gz").write_bytes(gzip.compress(CONTENTS["images"][:-1] + b"!"))
    with pytest.raises(DataError, match="altered") as caught:
        fetch(small())
    assert str(caught.value).endswith(f"to download it again, delete {cache / 'images.gz'}")
    (cache / "images.gz").unlink()
    with served(PACKED) as (address, asked):
        assert_is_all(fetch(small(address + "/{}.gz")))
    assert asked == ["/images.gz"]


@pytest.mark.parametrize("terminal", [False, True])
def test_a_progress_bar_appears_on_a_terminal_only(cache, monkeypatch, capsys, terminal):
    pytest.importorskip("pooch")
    pytest.importorskip("tqdm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    with served(PACKED) as (address, _):
        fetch(small(address + "/{}.gz"))
    assert ("B/s]" in capsys.readouterr().err) == terminal


def test_the_cache_is_the_operating_systems():
    pooch = pytest.importorskip("pooch")
    assert str(sources.cache_folder()) == str(pooch.os_cache("autograd_lite"))


def test_importing_the_framework_imports_neither_the_data_nor_pooch():
    program = (
        "import sys, autograd_lite; assert not {'autograd_lite.data', 'pooch'} & set(sys.modules);"
        "import autograd_lite.data; assert 'pooch' not in sys.modules"
    )
    subprocess.run(
        [sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )


# What is refused

WRONG = {
    "labels instead": ("images", idx_file(IMAGES[:, 0, 0]), "wrong magic number: found 2049, expected 2051"),
    "another magic": ("images", idx_file(IMAGES, 0x0D03), "wrong magic number: found 3331, expected 2051"),
    "fewer images": ("images", idx_file(IMAGES[:3]), r"wrong shape: found \(3, 3, 2\), expected \(4, 3, 2\)"),
    "turned images": ("images", idx_file(IMAGES.transpose(0, 2, 1).copy()), r"wrong shape: found \(4, 2, 3\)"),
    "short images": ("images", idx_file(IMAGES)[:-1], "cut short: found 39 bytes unpacked, expected 40"),
    "long images": ("images", idx_file(IMAGES) + b"\0", "too long: found 41 bytes unpacked, expected 40"),
    "no header": ("images", idx_file(IMAGES)[:10], "cut short: found 10 bytes, expected a header of 16 bytes"),
    "no bytes": ("images", b"", "cut short: found 0 bytes, expected a magic number"),
    "one line": ("text", TEXT[:14], "wrong number of lines: found 1, expected 2"),
    "short line": ("text", TEXT[:-1], "altered: its unpacked content has sha256"),
    "no UTF-8": ("text", b"\xff\n\n", "not a text: found .*expected UTF-8"),
    "no columns": ("table", b"", "wrong columns: found '', expected 'admit,gre,gpa,rank'"),
    "other columns": ("table", TABLE.replace(b"rank", b"tier"), "wrong columns: found 'admit,gre,gpa,tier'"),
    "two rows": ("table", TABLE[:-12], "wrong number of rows: found 2, expected 3"),
    "three columns": ("table", TABLE.replace(b",3.61", b""), "wrong number of columns in row 1: found 3, expected 4"),
    "a word": ("table", TABLE.replace(b"660", b"many"), "wrong gre in row 2: found 'many', expected a whole number"),
    "other digits": ("table", TABLE.replace(b"4,1", "٤,1".encode()), "wrong gpa in row 2: found '٤'"),
    "no number": ("table", TABLE.replace(b"3.2", b"nan"), "wrong gpa in row 3: found 'nan', expected a decimal number"),
    "an altered label": ("table", TABLE.replace(b"1,800", b"0,800"), "altered: admit adds up to 1, expected 2"),
    "two altered labels": (
        "table",
        TABLE.replace(b"0,380", b"1,380").replace(b"1,660", b"0,660"),
        "altered: its values",
    ),
    "an altered grade": ("table", TABLE.replace(b"3.61", b"3.62"), "altered: its values have sha256"),
    "an open quote": ("table", TABLE.replace(b"380", b'"380'), "not a table"),
}


@pytest.mark.parametrize("packing", ["", ".gz", ".xz"])
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_refused_with_its_name_what_was_found_and_what_expected(tmp_path, case, packing):
    name, content, message = WRONG[case]
    put(tmp_path, {**CONTENTS, name: content}, packing)
    with pytest.raises(DataError, match=message) as caught:
        fetch(small(), tmp_path)
    assert isinstance(caught.value, ValueError)
    assert str(caught.value).startswith(str(tmp_path / (name + packing)))
    assert "expected" in str(caught.value)
    assert f"http://nowhere.invalid/{name}.gz" in str(caught.value)


@pytest.mark.parametrize("packing", [".gz", ".xz"])
@pytest.mark.parametrize("kept", [0, 1, 9, -9, -1])
def test_a_packed_file_that_is_cut_short_is_refused(tmp_path, packing, kept):
    path = put(tmp_path, packing=packing) / f"images{packing}"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=f"images{packing}: (cut short|not a {packing} file)"):
        fetch(small(), tmp_path)


def test_a_page_that_was_saved_under_the_name_of_a_file_is_refused(tmp_path):
    put(tmp_path, packing=".gz")
    (tmp_path / "images.gz").write_bytes(b"<!DOCTYPE html>")
    with pytest.raises(DataError, match=r"not a \.gz file: it starts with b'<!DOCT', expected b'\\x1f\\x8b'"):
        fetch(small(), tmp_path)


@given(st.sampled_from(["images", "text"]), st.integers(1, 255), st.data())
def test_any_changed_byte_is_refused(tmp_path_factory, name, byte, data):
    content = bytearray(CONTENTS[name])
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= byte
    folder = put(tmp_path_factory.mktemp("changed"), {**CONTENTS, name: bytes(content)})
    with pytest.raises(DataError, match=name):
        fetch(small(), folder)


@given(st.sampled_from(["images", "text", "table"]), st.sampled_from([".gz", ".xz"]), st.integers(1, 255), st.data())
def test_a_changed_byte_of_a_packed_file_is_refused_or_changes_nothing(tmp_path_factory, name, packing, byte, data):
    folder = put(tmp_path_factory.mktemp("changed"), packing=packing)
    path = folder / (name + packing)
    packed = bytearray(path.read_bytes())
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= byte
    path.write_bytes(packed)
    with suppress(DataError):
        assert_is_all(fetch(small(), folder))


@given(st.integers(1, 255), st.integers(0, len(TABLE) - 1))
def test_a_changed_byte_of_a_table_is_refused_or_leaves_the_values(tmp_path_factory, byte, position):
    content = bytearray(TABLE)
    content[position] ^= byte
    folder = put(tmp_path_factory.mktemp("changed"), {**CONTENTS, "table": bytes(content)})
    with suppress(DataError):
        assert_is_all(fetch(small(), folder))


@pytest.mark.parametrize(
    "copy",
    [
        TABLE.replace(b"\n", b"\r\n"),
        TABLE.replace(b"\n", b"\r"),
        TABLE[:-1],
        TABLE + b"\n",
        b"\xef\xbb\xbf" + TABLE,
        TABLE.replace(b"4,1", b"4.00,1"),
        TABLE.replace(b"gre", b'"gre"'),
    ],
)
def test_a_copy_of_a_table_with_the_same_values_is_accepted(tmp_path, copy):
    assert_is_all(fetch(small(), put(tmp_path, {**CONTENTS, "table": copy})))


def test_words_that_are_no_class_are_refused():
    assert classes(b"no\nyes\nyes\n", 3, {"yes": 1, "no": 0}).tolist() == [0, 1, 1]
    with pytest.raises(ValueError, match="wrong word in line 2: found 'maybe', expected yes or no"):
        classes(b"no\nmaybe\n", 2, {"yes": 1, "no": 0})


def test_only_a_newline_ends_a_line():
    assert lines("one\x0btwo\x85three\rfour\nfive".encode(), 2) == ("one\x0btwo\x85three\rfour\n", "five")


# The public functions


@pytest.mark.parametrize(
    ("load", "source"), [(data.mnist, MNIST), (data.imdb, IMDB), (data.admissions, ADMISSIONS), (data.babi, BABI)]
)
def test_the_public_functions_name_what_is_missing(tmp_path, load, source):
    with pytest.raises(data.DataMissing, match=source.files[0].name) as caught:
        load(tmp_path)
    assert source.addresses[0].format(source.files[0].name) in str(caught.value)
    assert source.title in str(caught.value)


REAL = os.environ.get("AUTOGRAD_LITE_DATA")
real = pytest.mark.skipif(
    not REAL, reason="needs the data: set AUTOGRAD_LITE_DATA to a folder with mnist/, imdb/, admissions/, text/"
)


@real
def test_mnist_is_the_published_one():
    digits = data.mnist(REAL)
    assert repr(digits).startswith("Mnist(train_images: uint8 (60000, 28, 28), train_labels: uint8 (60000,), test_")
    assert digits.test_images.shape == (10000, 28, 28)
    assert digits.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert digits.test_labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(digits.train_labels[:1000]).tolist() == [97, 116, 99, 93, 105, 92, 94, 117, 87, 100]
    assert (digits.train_images[:1000] / 255).sum() == pytest.approx(100539.34509803921, rel=1e-12)
    assert not any(array.flags.writeable for array in vars(digits).values())


@real
def test_imdb_is_the_published_one():
    films = data.imdb(REAL)
    assert repr(films) == "Imdb(reviews: 25000, labels: float64 (25000,))"
    assert len(films.reviews) == 25000
    assert all(review.endswith("\n") and review.count("\n") == 1 for review in films.reviews)
    assert films.reviews[0].startswith("bromwell high is a cartoon comedy . it ran at the same time")
    assert films.labels[:4].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert films.labels.sum() == 12500
    assert len({word for review in films.reviews for word in review.split(" ")} - {""}) == 74074
    assert not films.labels.flags.writeable


@real
def test_admissions_are_the_published_ones():
    applicants = data.admissions(REAL)
    assert repr(applicants).startswith("Admissions(admit: int64 (400,), gre: int64 (400,), gpa: float64 (400,), rank:")
    assert applicants.admit.sum() == 127
    assert np.bincount(applicants.rank).tolist() == [0, 61, 151, 121, 67]
    gre, gpa = ((column - column.mean()) / column.std(ddof=1) for column in (applicants.gre, applicants.gpa))
    for row, values in {15: (-0.932334, 0.131646), 115: (0.279614, 1.576859), 286: (1.837832, -0.446439)}.items():
        assert (gre[row], gpa[row]) == pytest.approx(values, abs=1e-6)
    assert not any(column.flags.writeable for column in vars(applicants).values())


@real
def test_babi_is_the_published_one():
    stories = data.babi(REAL)
    assert repr(stories) == "Babi(train: 3000, test: 3000)"
    assert stories.train[:3] == (
        "1 Mary moved to the bathroom.\n", "2 John went to the hallway.\n", "3 Where is Mary? \tbathroom\t1\n",
    )  # fmt: skip
    assert len({word for line in stories.train[:1000] for word in line.lower().strip("\n").split(" ")[1:]}) == 82


@real
def test_admissions_with_other_line_ends_or_an_altered_label(tmp_path):
    (original,) = [path for path in sources.Path(REAL, "admissions").iterdir() if path.name == "binary.csv"]
    content = original.read_bytes()
    (tmp_path / "binary.csv").write_bytes(content.replace(b"\n", b"\r\n"))
    np.testing.assert_array_equal(data.admissions(tmp_path).gpa, data.admissions(REAL).gpa)
    (tmp_path / "binary.csv").write_bytes(content.replace(b"\n1,660", b"\n0,660", 1))
    with pytest.raises(DataError, match=r"binary\.csv: altered: admit adds up to 126, expected 127"):
        data.admissions(tmp_path)
