"""What is saved comes back, whole or not at all; files that are damaged or foreign are refused."""

import io
import json
import os
import pickle
import random
import signal
import struct
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.optim import lr_scheduler

ROOT = Path(__file__).parent.parent
FORMATS = pytest.mark.parametrize("extension", ["npz", "safetensors"])


@pytest.fixture(autouse=True)
def library(request):
    if "safetensors" in request.node.name:
        pytest.importorskip("safetensors", reason="pip install 'autograd_lite[safetensors]'")


def same(a, b):
    """Are two nested things alike, kinds and dtypes too?"""
    assert type(a) is type(b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    elif isinstance(a, al.Tensor | np.ndarray):
        x, y = np.asarray(a), np.asarray(b)
        assert (x.dtype, x.shape) == (y.dtype, y.shape)
        np.testing.assert_array_equal(x, y)
    else:
        assert repr(a) == repr(b)


THING = {
    "weights": {"0.weight": al.tensor(np.arange(6.0).reshape(2, 3)), "0.bias": al.tensor(np.float32(2.5))},
    "arrays": [np.arange(3, dtype=np.int8), np.zeros((0, 4)), np.array([True, False]), np.float16([1, 2])],
    "turned": al.tensor(np.arange(6.0).reshape(2, 3)).T,
    "strided": np.arange(10)[::3],
    "swapped": np.arange(3.0),
    "state": {0: {"step": 3}, 1: {}, 2.5: None},
    "numbers": (1, -2.5, float("inf"), float("nan"), True, None, 10**38, ""),
    "betas": (0.9, 0.999),
    "text": 'quotes " and \n lines, ü',
    "names that meet": {"a.b": np.ones(1), "a": {"b": np.zeros(1)}},
    "nothing": {},
    "": [],
}


@FORMATS
def test_what_is_saved_comes_back(extension, tmp_path):
    path = tmp_path / f"thing.{extension}"
    al.save(THING, path)
    same(al.load(path), THING)
    al.save(al.ones(2), str(path))
    same(al.load(str(path)), al.ones(2))
    al.save([1, 2], path)
    assert al.load(path) == [1, 2]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@FORMATS
def test_other_byte_orders_and_numpys_numbers_come_back_as_the_machines(extension, tmp_path):
    path = tmp_path / f"thing.{extension}"
    al.save({"a": np.arange(3, dtype=">f8"), "b": np.float32(0.5), "c": np.int64(3)}, path)
    same(al.load(path), {"a": np.arange(3.0), "b": 0.5, "c": 3})


def training(seed=0):
    al.manual_seed(seed)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.3), nn.Linear(4, 1))
    optimizer = al.optim.Adam(model.parameters(), lr=0.1, amsgrad=True)
    scheduler = lr_scheduler.SequentialLR(
        optimizer, [lr_scheduler.LinearLR(optimizer), lr_scheduler.MultiStepLR(optimizer, [3, 9])], [5]
    )
    x, t = al.ones(8, 3), al.zeros(8, 1)

    def steps(count):
        losses = []
        for _ in range(count):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), t)
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        return losses

    return model, optimizer, scheduler, steps


@FORMATS
def test_a_training_is_gone_on_with_exactly(extension, tmp_path):
    model, optimizer, scheduler, steps = training()
    steps(7)
    path, mine = tmp_path / f"training.{extension}", np.random.default_rng(5)
    mine.random(3)
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    state = {name: part.state_dict() for name, part in parts.items()}
    al.save({**state, "rng": al.get_rng_state(), "generator": mine, "epoch": 7}, path)
    expected, drawn = steps(10), mine.random(4)
    *others, again = training(seed=1)
    found = al.load(path)
    for (name, _), part in zip(parts.items(), others, strict=True):
        part.load_state_dict(found[name])
    al.set_rng_state(found["rng"])
    assert again(10) == expected
    np.testing.assert_array_equal(found["generator"].random(4), drawn)
    assert found["epoch"] == 7


@FORMATS
@pytest.mark.parametrize("bits", ["PCG64", "MT19937", "Philox", "SFC64", "PCG64DXSM"])
def test_generators_go_on(extension, bits, tmp_path):
    generator = np.random.Generator(getattr(np.random, bits)(3))
    generator.normal(size=5)
    al.save(generator, tmp_path / f"g.{extension}")
    np.testing.assert_array_equal(al.load(tmp_path / f"g.{extension}").random(5), generator.random(5))


# ------------------------------------------------------------------------------------------ other programs


def test_a_pytorch_models_safetensors_is_loaded_and_goes_back(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is the other side")
    files = pytest.importorskip("safetensors.torch", reason="pip install 'autograd_lite[safetensors]'")

    def network(nn):
        class Network(nn.Module):
            def __init__(self):
                super().__init__()
                self.table = nn.Embedding(11, 6)
                self.conv = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
                self.lstm = nn.LSTM(6, 5, num_layers=2, bidirectional=True)
                self.head = nn.Linear(10, 3)

            def forward(self, words, images):
                y, _ = self.lstm(self.table(words))
                return self.head(y).sum() + (self.conv(images) ** 2).sum(), y

        return Network()

    rng = np.random.default_rng(0)
    words, images = rng.integers(11, size=(4, 2)), rng.normal(size=(2, 1, 5, 5))
    theirs, path = network(torch.nn).double(), tmp_path / "model.safetensors"
    files.save_file(theirs.state_dict(), path)
    ours = network(nn)
    assert ours.load_state_dict(al.load(path)) == ([], [])
    back = tmp_path / "back.safetensors"
    al.save(ours.state_dict(), back)
    again = network(torch.nn).double()
    again.load_state_dict(files.load_file(back))
    found = [m(torch.tensor(words), torch.tensor(images)) for m in (theirs, again)]
    mine = ours(al.tensor(words), al.tensor(images))
    for a, b, c in zip(mine, *found, strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(b.detach().numpy(), c.detach().numpy())


def test_numpys_npz_is_read_and_ours_by_numpy(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, a=np.arange(3), b=np.asfortranarray(np.arange(6.0).reshape(2, 3)), c=np.float32(3))
    found = al.load(path)
    same(
        found,
        {"a": al.tensor(np.arange(3)), "b": al.tensor(np.arange(6.0).reshape(2, 3)), "c": al.tensor(np.float32(3))},
    )
    al.save({"w": al.ones(2, 3)}, path)
    with np.load(path, allow_pickle=False) as file:
        np.testing.assert_array_equal(file["w"], np.ones((2, 3)))


# ------------------------------------------------------------------------------------------ what is refused


class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


def header(shape, descr="<f8"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"shape": shape, "fortran_order": False, "descr": descr})
    return file.getvalue()


def zipped(content, name="a.npy", how=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as made:
        made.writestr(name, content)
    return file.getvalue()


def objects():
    file = io.BytesIO()
    np.save(file, np.array([Bomb()], object), allow_pickle=True)
    return file.getvalue()


def safe(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def told(structure):
    return structure if isinstance(structure, str) else json.dumps({"format": 1, "sums": {}, "structure": structure})


FOREIGN = {
    "empty.npz": b"",
    "text.npz": b"not a zip file at all" * 10,
    "pickle.npz": pickle.dumps({"a": 1}),
    "array.npz": header((2,)) + bytes(16),
    "objects.npz": zipped(objects()),
    "strings.npz": zipped(header((1,), "<U4") + bytes(16)),
    "complex.npz": zipped(header((1,), "<c16") + bytes(16)),
    "huge.npz": zipped(header((10**9, 10**9)) + bytes(16)),
    "negative.npz": zipped(header((-2,)) + bytes(16)),
    "short.npz": zipped(header((4,)) + bytes(16)),
    "compressed.npz": zipped(header((10**6,)) + bytes(8 * 10**6), how=zipfile.ZIP_DEFLATED),
    "no header.npz": zipped(b"1234"),
    "structure.npz": zipped(header((3,), "|u1") + b"{,}", "autograd_lite.npy"),
    "floats for text.npz": zipped(header((1,)) + bytes(8), "autograd_lite.npy"),
    "empty.safetensors": b"",
    "text.safetensors": b"not a safetensors file at all" * 10,
    "pickle.safetensors": pickle.dumps({"a": 1}),
    "long header.safetensors": struct.pack("<Q", 2**60) + b"{}",
    "no json.safetensors": safe(b"{,}"),
    "short.safetensors": safe({"a": {"dtype": "F64", "shape": [4], "data_offsets": [0, 32]}}, bytes(16)),
    "huge.safetensors": safe({"a": {"dtype": "F64", "shape": [10**9, 10**9], "data_offsets": [0, 8]}}, bytes(8)),
    "gap.safetensors": safe({"a": {"dtype": "F64", "shape": [1], "data_offsets": [8, 16]}}, bytes(16)),
    "no dtype.safetensors": safe({"a": {"dtype": "PICKLE", "shape": [1], "data_offsets": [0, 8]}}, bytes(8)),
    "bfloat.safetensors": safe({"a": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}}, bytes(8)),
    **{
        f"{name}.safetensors": safe({"__metadata__": {"autograd_lite": told(structure)}})
        for name, structure in {
            "broken structure": "{",
            "deep structure": "[" * 10**5,
            "no such tensor": {"tensor": "a"},
            "no such kind": {"code": "import os"},
            "no such generator": {"generator": {"dict": [["bit_generator", "__loader__"]]}},
            "two kinds": {"list": [], "dict": []},
            "no list": {"list": 3},
            "other format": '{"format": 2}',
            "another list": "[]",
        }.items()
    },
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files_are_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.write_bytes(FOREIGN[name])
    with pytest.raises(ValueError, match="cannot be loaded"):
        al.load(path)
    assert not (tmp_path / "exploded").exists()


@FORMATS
def test_a_file_that_is_cut_short_is_refused_wherever_it_is_cut(extension, tmp_path):
    path = tmp_path / f"w.{extension}"
    al.save({"w": al.ones(5), "n": 3}, path)
    whole = path.read_bytes()
    for size in (*range(0, len(whole), 3), len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="cannot be loaded"):
            al.load(path)


@FORMATS
def test_a_changed_byte_is_refused_or_changes_nothing(extension, tmp_path):
    path = tmp_path / f"w.{extension}"
    thing = {"w": al.tensor(np.arange(5.0)), "n": [3, "text"]}
    al.save(thing, path)
    whole, rng, seen = path.read_bytes(), random.Random(0), 0
    for _ in range(300):
        k = rng.randrange(len(whole))
        path.write_bytes(whole[:k] + bytes([whole[k] ^ (1 << rng.randrange(8))]) + whole[k + 1 :])
        try:
            found = al.load(path)
        except ValueError:
            seen += 1
            continue
        for t in (x for x in found.values() if isinstance(x, al.Tensor)) if isinstance(found, dict) else ():
            np.testing.assert_array_equal(t.data, thing["w"].data)
    assert seen > 100


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        ({"model": nn.ReLU()}, "model is a ReLU.*state_dict"),
        ({"a": [1, {"b": lambda x: x}]}, r"a\.1\.b is a function"),
        ({"a": np.array([object()])}, "a has dtype object"),
        ({"a": np.array(["x"])}, "a has dtype <U1"),
        (np.zeros(1, complex), "complex128"),
        ({(1, 2): 3}, r"key \(1, 2\)"),
        ({1, 2}, "the object is a set"),
    ],
)
def test_what_cannot_be_saved_is_named_and_the_old_file_stays(thing, text, tmp_path):
    path = tmp_path / "thing.npz"
    al.save([1], path)
    with pytest.raises(TypeError, match=text):
        al.save(thing, path)
    assert al.load(path) == [1]
    assert [p.name for p in tmp_path.iterdir()] == ["thing.npz"]


def test_paths():
    for call in (lambda p: al.save([1], p), al.load):
        with pytest.raises(ValueError, match=r"\.safetensors or \.npz, and not '\.pt'"):
            call("model.pt")
        with pytest.raises(TypeError, match="take a path"):
            call(io.BytesIO())
    with pytest.raises(FileNotFoundError, match="is not there"):
        al.load("nowhere.npz")


# ------------------------------------------------------------------------------------------ crashes


@FORMATS
@pytest.mark.parametrize("when", ["open", "fsync", "replace", "full"])
def test_the_old_file_stays_whole_where_a_save_fails_or_the_program_is_killed(extension, when, tmp_path):
    path = tmp_path / f"w.{extension}"
    al.save({"w": al.ones(3)}, path)
    program = f"""
        import os, pathlib, signal, sys
        import numpy as np
        import autograd_lite as al
        def die(*args, **kwargs):
            os.kill(os.getpid(), signal.SIGKILL)
        def full(*args, **kwargs):
            raise OSError(28, "No space left on device")
        when = {when!r}
        if when == "open":
            pathlib.Path.open = die
        elif when == "replace":
            pathlib.Path.replace = die
        else:
            os.fsync = die if when == "fsync" else full
        al.save({{"w": al.zeros(100000)}}, {str(path)!r})
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        check=False,
    )
    assert done.returncode == (1 if when == "full" else -signal.SIGKILL), done.stderr
    same(al.load(path), {"w": al.ones(3)})
    if when == "full":
        assert [p.name for p in tmp_path.iterdir()] == [path.name]


@FORMATS
def test_a_program_that_is_killed_at_any_time_leaves_a_whole_file(extension, tmp_path):
    path = tmp_path / f"w.{extension}"
    program = f"""
        import autograd_lite as al
        k = 0
        while True:
            k += 1
            al.save({{"k": k, "w": al.full((200, 1000), float(k))}}, {str(path)!r})
            if k == 1:
                print("ready", flush=True)
    """
    rng = random.Random(0)
    for _ in range(3):
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)], env=env, stdout=subprocess.PIPE
        ) as running:
            assert running.stdout.readline() == b"ready\n"
            time.sleep(rng.random() * 0.05)
            running.kill()
        found = al.load(path)
        assert (found["w"].data == found["k"]).all()


@FORMATS
def test_no_bit_of_a_file_can_change_unseen(extension, tmp_path):
    path = tmp_path / f"state.{extension}"
    thing = {"lr": 0.125, "w": al.ones(2, 3), "inside": {"n": 7}}
    al.save(thing, path)
    whole, seen = path.read_bytes(), 0
    for place in range(len(whole)):
        for bit in range(0, 8, 3):
            changed = bytearray(whole)
            changed[place] ^= 1 << bit
            path.write_bytes(changed)
            try:
                same(al.load(path), thing)
            except ValueError:
                seen += 1
    assert seen > len(whole)


@FORMATS
def test_names_with_a_zero_byte(extension, tmp_path):
    path = tmp_path / f"state.{extension}"
    thing = {"a\0b": al.ones(2), "a": al.zeros(1), "a\0c": [al.zeros(3)], "a~b": al.zeros(4)}
    al.save(thing, path)
    same(al.load(path), thing)
