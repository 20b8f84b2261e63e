"""Data sets, orders and batches: those of `torch.utils.data`, but for the drawn orders, which are NumPy's."""

from collections import Counter, namedtuple

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.utils import data

X, Y = np.arange(22.0).reshape(11, 2), np.arange(11)


class Squares(data.Dataset):
    def __init__(self, size=11):
        self.size = size

    def __len__(self):
        return self.size

    def __getitem__(self, k):
        if not 0 <= k < self.size:
            raise IndexError(k)
        return {"square": k**2, "half": k / 2, "name": f"n{k}", "pair": (np.array([k, -k]), al.tensor([float(k)]))}


class Stream(data.IterableDataset):
    def __init__(self, size=11):
        self.size = size

    def __iter__(self):
        return iter(range(self.size))


class Known(Stream):
    def __len__(self):
        return self.size


def plain(thing):
    """Nested lists of what a batch holds."""
    if isinstance(thing, dict):
        return {k: plain(v) for k, v in thing.items()}
    if isinstance(thing, list | tuple):
        return [plain(v) for v in thing]
    return (str(thing.dtype).removeprefix("torch."), thing.tolist()) if hasattr(thing, "tolist") else thing


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("size", [1, 3, 4, 11, 20, None])
@pytest.mark.parametrize("kind", ["tensors", "subset", "own", "stream", "list", "joined"])
def test_batches_in_order_are_pytorchs(kind, size, drop_last):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    theirs = torch.utils.data
    if size is None and drop_last:
        return
    rows = list(zip(X.tolist(), Y.tolist(), strict=True))
    mine, yours = {
        "tensors": lambda: (
            data.TensorDataset(al.tensor(X), al.tensor(Y)),
            theirs.TensorDataset(*map(torch.tensor, (X, Y))),
        ),
        "subset": lambda: (
            data.Subset(data.TensorDataset(al.tensor(X)), [3, 1, 7, 9, 10]),
            theirs.Subset(theirs.TensorDataset(torch.tensor(X)), [3, 1, 7, 9, 10]),
        ),
        "own": lambda: (data.Subset(Numbers(), range(7)), theirs.Subset(Numbers(), range(7))),
        "stream": lambda: (Stream(), type("S", (theirs.IterableDataset,), {"__iter__": lambda s: iter(range(11))})()),
        "list": lambda: (rows, rows),
        "joined": lambda: (data.ConcatDataset([range(4), range(5)]), theirs.ConcatDataset([range(4), range(5)])),
    }[kind]()
    a = data.DataLoader(mine, size, drop_last=drop_last)
    b = theirs.DataLoader(yours, size, drop_last=drop_last)
    assert [plain(x) for x in a] == [plain(x) for x in b]
    if kind != "stream":
        assert len(a) == len(b)


class Numbers:
    def __getitem__(self, k):
        return {"square": k**2, "half": k / 2, "even": k % 2 == 0, "name": f"n{k}", "list": [k, np.float32(k)]}


def test_samples_of_many_kinds_become_batches():
    (batch,) = data.DataLoader(Squares(2), 2)
    assert plain(batch) == {
        "square": ("int64", [0, 1]),
        "half": ("float64", [0.0, 0.5]),
        "name": ["n0", "n1"],
        "pair": [("int64", [[0, 0], [1, -1]]), ("float64", [[0.0], [1.0]])],
    }
    point = namedtuple("point", "x y")
    batch = data.default_collate([point(1, 2.0), point(3, 4.0)])
    assert type(batch) is point
    assert plain(batch) == [("int64", [1, 3]), ("float64", [2.0, 4.0])]
    with pytest.raises(TypeError, match="collate_fn"):
        data.default_collate([object()])
    with pytest.raises(ValueError, match="different lengths"):
        data.default_collate([(1,), (1, 2)])
    assert list(data.DataLoader(range(3), 2, collate_fn=sum)) == [1, 2]


@pytest.mark.parametrize("dataset", [data.TensorDataset(al.tensor(Y)), Y.tolist()], ids=["tensors", "list"])
def test_a_drawn_order_has_all_items_once_differs_each_time_and_can_be_had_again(dataset):
    def epochs(seed, **more):
        al.manual_seed(seed)
        loader = data.DataLoader(dataset, 4, shuffle=True, **more)
        return [
            [int(k) for batch in loader for k in np.ravel(np.asarray(batch[0] if isinstance(batch, list) else batch))]
            for _ in range(3)
        ]

    first = epochs(0)
    assert all(sorted(order) == Y.tolist() for order in first)
    assert len({tuple(order) for order in first}) == 3
    assert epochs(0) == first
    assert epochs(1) != first
    own = [epochs(seed, generator=np.random.default_rng(5)) for seed in (0, 1)]
    assert own[0] == own[1]
    assert {len(e) for e in epochs(0, drop_last=True)} == {8}


def test_samplers():
    rng = np.random.default_rng(0)
    assert list(data.SequentialSampler("abc")) == [0, 1, 2]
    assert sorted(data.SubsetRandomSampler([4, 7, 9], rng)) == [4, 7, 9]
    many = list(data.RandomSampler(range(3), num_samples=8, generator=rng))
    assert len(many) == 8
    assert sorted(many[:3]) == sorted(many[3:6]) == [0, 1, 2]
    drawn = Counter(data.RandomSampler(range(3), True, 3000, rng))
    assert all(abs(drawn[k] - 1000) < 150 for k in range(3))
    drawn = Counter(data.WeightedRandomSampler([0.0, 1.0, 3.0], 4000, generator=rng))
    assert drawn[0] == 0
    assert abs(drawn[2] - 3000) < 200
    assert sorted(data.WeightedRandomSampler(al.tensor([0.5, 1.0, 3.0]), 3, False, rng)) == [0, 1, 2]
    for last in (False, True):
        batches = data.BatchSampler(range(7), 3, last)
        assert len(batches) == len(list(batches)) == 3 - last
    assert plain(list(data.DataLoader(range(10), batch_sampler=[[1, 2], [9]]))) == [("int64", [1, 2]), ("int64", [9])]
    assert plain(list(data.DataLoader(range(10), 2, sampler=[5, 3, 1]))) == [("int64", [5, 3]), ("int64", [1])]
    assert len(data.DataLoader(Known(), 4)) == 3
    assert len(data.DataLoader(Known(), 4, drop_last=True)) == 2
    with pytest.raises(TypeError):
        len(data.DataLoader(Stream(), 4))


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([11], [11]),
        ([3, 8], [3, 8]),
        ([0, 11], [0, 11]),
        ([0.5, 0.5], [6, 5]),
        ([0.3, 0.3, 0.4], [4, 3, 4]),
        ([1.0], [11]),
    ],
)
def test_parts_do_not_overlap_and_can_be_had_again(lengths, expected):
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    assert [len(p) for p in torch.utils.data.random_split(range(11), lengths)] == expected
    parts = data.random_split(range(11), lengths, np.random.default_rng(0))
    assert [len(p) for p in parts] == expected
    assert sorted(k for p in parts for k in p) == list(range(11))
    again = data.random_split(range(11), lengths, np.random.default_rng(0))
    assert [list(p) for p in parts] == [list(p) for p in again]


def test_data_sets_one_after_the_other():
    both = Squares(2) + Squares(3)
    assert len(both) == 5
    assert [both[k]["square"] for k in range(5)] == [0, 1, 0, 1, 4]
    assert both[-1]["square"] == 4
    for k in (5, -6):
        with pytest.raises(IndexError, match="of a data set with 5"):
            both[k]


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: data.DataLoader([1], num_workers=2), ValueError, "num_workers=2: batches are made in this process"),
        (lambda: data.DataLoader([1], shuffle=True, sampler=[0]), ValueError, "sampler is the order"),
        (lambda: data.DataLoader([1], 2, batch_sampler=[[0]]), ValueError, "batch_sampler makes"),
        (lambda: data.DataLoader([1], batch_sampler=[[0]], drop_last=True), ValueError, "batch_sampler makes"),
        (lambda: data.DataLoader([1], None, drop_last=True), ValueError, "batch_size is None"),
        (lambda: data.DataLoader([1], 0), ValueError, "from 1 on"),
        (lambda: data.DataLoader(Stream(), shuffle=True), ValueError, "its own order"),
        (lambda: data.DataLoader([], shuffle=True), ValueError, "at least one"),
        (lambda: data.TensorDataset(), ValueError, "at least one tensor"),
        (lambda: data.TensorDataset(al.ones(2), al.ones(3)), ValueError, "one length"),
        (lambda: data.ConcatDataset([]), ValueError, "one or more"),
        (lambda: data.random_split(range(3), [2, 2]), ValueError, "do not add up"),
        (lambda: data.random_split(range(3), [1.5, 1.5]), ValueError, "do not add up"),
        (lambda: data.WeightedRandomSampler([-1.0], 1), ValueError, "not negative"),
        (lambda: data.WeightedRandomSampler([1.0, 0.0], 2, False), ValueError, "cannot be drawn"),
        (lambda: data.Dataset()[0], TypeError, "__getitem__"),
        (lambda: iter(data.IterableDataset()), TypeError, "__iter__"),
        (lambda: iter(data.Sampler()), TypeError, "__iter__"),
    ],
)
def test_what_makes_no_sense_is_refused(make, error, text):
    with pytest.raises(error, match=text):
        make()


def test_batches_train_a_compiled_step():
    model = al.nn.Linear(2, 1)
    optimizer = al.optim.SGD(model.parameters(), lr=1e-3)

    @al.compile
    def step(x, y):
        optimizer.zero_grad()
        loss = al.nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    loader = data.DataLoader(data.TensorDataset(al.tensor(X), al.tensor(Y[:, None] * 1.0)), 4, shuffle=True)
    losses = [step(x, y).item() for _ in range(30) for x, y in loader]
    assert losses[-1] < 0.1 * losses[0]
    assert step.recompiles == 1  # the last batch is shorter


def test_text_and_scalars_are_put_together_as_in_pytorch():
    torch = pytest.importorskip("torch", reason="PyTorch is the reference here")
    theirs = torch.utils.data
    for samples in ([(1, "a"), (2, "b")], [{"name": "a"}, {"name": "b"}], ["a", "b"], [["a"], ["b"]]):
        ours = plain(data.default_collate(samples))
        assert repr(ours) == repr(plain(theirs.default_collate(samples)))
    for wrong in ([np.array(["a"])] * 2, [np.array([None])] * 2):
        for library in (data, theirs):
            with pytest.raises(TypeError):
                library.default_collate(wrong)
    samples = [np.float64(1.5), (np.int64(2), "a"), {"x": np.arange(2)}, np.array(["a"])]
    ours = list(data.DataLoader(samples, batch_size=None))
    expected = list(theirs.DataLoader(samples, batch_size=None))
    assert isinstance(ours[0], al.Tensor)
    assert (ours[0].item(), ours[0].shape) == (expected[0].item(), ())
    assert [type(t).__name__ for t in (ours[1], ours[1][0], ours[2]["x"])] == ["list", "Tensor", "Tensor"]
    assert isinstance(expected[1], list)
    assert ours[3] is samples[3]
