"""The page of names that PyTorch has too is what the comparison finds, and the comparison finds what is wrong."""

import re
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as al

torch = pytest.importorskip("torch", reason="PyTorch is what the page compares with, and it is not installed")
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def page():
    """The module that makes the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "docs"))
        import compatibility

        yield compatibility


@pytest.fixture(scope="module")
def rows(page):
    threads = torch.get_num_threads()
    found = page.rows(torch)
    torch.set_num_threads(threads)
    return found


def test_the_page_is_what_the_comparison_finds(page, rows):
    text, version = page.PAGE.read_text("utf-8"), torch.__version__.partition("+")[0]
    if f"PyTorch {version} " not in text:
        pytest.skip(f"the page is of another version of PyTorch than {version}")
    assert page.page(rows, version, page.absent(torch)) == text, "python docs/compatibility.py"


def test_what_is_different_is_so_on_purpose(page, rows):
    """Every name that is compared agrees, or has a row in docs/differences.md."""
    known = page.DIFFERENCES.read_text("utf-8")
    assert len([r for r in rows if r.outcome is not None]) >= 250
    assert [r.path for r in rows if r.differs and not page.explained(r, known)] == []
    assert {r.path for r in rows if r.outcome is not None and not r.outcome.agrees} <= {"nn.functional.one_hot"}


def test_hardly_a_name_is_not_compared(page, rows):
    assert {r.path for r in rows if r.outcome is None} <= {
        *("compile", "Tensor.data", "Tensor.name", "optim.Optimizer", "optim.lr_scheduler.LRScheduler"),
    }


def outcome(page, ours, theirs, *arguments, **options):
    """What is found where the two libraries have these functions."""
    import compat_compare as compare

    call = compare.Call(arguments, **options)
    return compare.judge(torch, lambda lib: ours if lib is al else theirs, [call], "test")


def drawn(*shape):
    import compat_compare as compare

    return compare.Draw(lambda rng: rng.normal(size=shape))


def test_the_same_agrees(page):
    found = outcome(page, al.sin, torch.sin, drawn(2, 3))
    assert (found.values, found.first, found.second) == ("agree",) * 3
    assert outcome(page, al.sign, torch.sign, drawn(3)).second == "none"
    assert outcome(page, lambda x: 3.0 * x, lambda x: 3.0 * x, drawn(3)).second == "agree"  # by the cotangent


@al.primitive(x=lambda g, x: g * np.cos(x) * 1.001)
def wrong_slope(x):
    return np.sin(x)


@al.primitive(x=lambda g, x: g * np.cos(x.data if isinstance(x, al.Tensor) else x))
def wrong_curvature(x):
    return np.sin(x)


@pytest.mark.parametrize(
    ("ours", "where", "words"),
    [
        (lambda x: al.sin(x) + 1e-6, "values", "other numbers"),
        (lambda x: al.sin(x).reshape(3, 2), "values", "shape (3, 2), there (2, 3)"),
        (lambda x: al.sin(x).to(np.float64), "values", "float32: result: float64, there float32"),
        (lambda x: [al.sin(x), 1], "values", "2 results, there 1"),
        (lambda x: al.sin(x.detach()), "first", "not recorded here"),
        (lambda x: 1 / 0, "values", "ZeroDivisionError: division by zero"),
        (wrong_slope, "first", "gradient: other numbers"),
        (wrong_curvature, "second", "second gradient 1: none here"),
    ],
)
def test_what_is_not_the_same_is_said(page, ours, where, words):
    found = outcome(page, ours, torch.sin, drawn(2, 3))
    assert words in getattr(found, where)
    assert not found.agrees


def test_random_numbers_are_of_one_distribution(page):
    def normal(scale):
        return lambda n: al.randn(n) * scale

    assert outcome(page, normal(1.0), torch.randn, 20000, kind="random").values == "distribution"
    assert "mean" in outcome(page, normal(1.1), torch.randn, 20000, kind="random").values


def test_a_write_in_place_is_compared_by_what_is_there_afterwards(page):
    assert outcome(page, lambda x: x.mul_(2.0), lambda x: x.mul_(2.0), drawn(3), kind="written").agrees
    assert not outcome(page, lambda x: x * 2.0, lambda x: x.mul_(2.0), drawn(3), kind="written").agrees


def a(input, dim=None, keepdim=False, *, out=None): ...
def b(input, dim=-1): ...
def c(x, dim=None, keepdim=False): ...
def d(input, keepdim=False, dim=None): ...
def e(input, *, dim=None): ...
def f(input, dim=None, *, keepdims=False): ...
def g(input, *more, keepdim=False): ...
def h(input, size, dim=None): ...


@pytest.mark.parametrize(
    ("ours", "level", "text", "lacks"),
    [
        (a, "same", "same", ()),
        (b, "differs", "`dim` is `-1`, there `None`", ("keepdim", "out")),
        (c, "names", "`x` for `input`", ("out",)),
        (d, "differs", "order: `input`, `keepdim`, `dim`", ("out",)),
        (e, "differs", "`dim` by keyword only", ("keepdim", "out")),
        (f, "same", "same", ("keepdim", "out")),
        (g, "same", "same", ("dim", "out")),
        (h, "differs", "`size` has to be given", ("keepdim", "out")),
    ],
)
def test_signatures_are_compared(page, ours, level, text, lacks):
    import compat_signatures as signatures

    found = signatures.compare(ours, signatures.theirs("nn.functional", "a", a))
    assert (found.level, found.text, found.lacks) == (level, text, lacks)


def test_pytorch_tells_its_signatures_in_many_ways(page):
    import compat_signatures as signatures

    def of(space, name, thing):
        return [[p.name for p in overload] for overload in signatures.theirs(space, name, thing)]

    assert ["input", "other", "alpha", "out"] in of("torch", "add", torch.add)  # from the stub
    assert ["self", "dim", "keepdim", "dtype"] in of("Tensor", "sum", torch.Tensor.sum)
    assert ["A", "out"] in of("linalg", "inv", torch.linalg.inv)  # from the operator
    assert of("nn.functional", "gelu", torch.nn.functional.gelu) == [["input", "approximate"]]  # from the docstring
    assert of("nn", "Linear", torch.nn.Linear)[0][:3] == ["in_features", "out_features", "bias"]


def test_every_name_with_calls_is_one_of_pytorch(page):
    for space, calls in page.SPACES.items():
        theirs = page.found(torch, space)
        spaces = [theirs, torch.nn.functional, torch.linalg, torch.special, torch.Tensor]
        assert [n for n in calls if not any(hasattr(s, n) for s in spaces)] == []


def test_the_counts_of_the_page_are_its_rows(page, rows):
    text = page.page(rows, "0", {})
    counted = int(re.search(r"of PyTorch that are here \| (\d+)", text)[1])
    assert len(re.findall(r"^\| `", text, re.MULTILINE)) == counted == len(rows)


def test_every_class_of_layers_and_optimizers_is_here_or_listed(page):
    missing = page.absent(torch)
    for space, base in (("nn", torch.nn.Module), ("optim", torch.optim.Optimizer)):
        ours, theirs = page.found(al, space), page.found(torch, space)
        classes = {n for n, c in vars(theirs).items() if isinstance(c, type) and issubclass(c, base) and c.__doc__}
        public = classes & set(getattr(theirs, "__all__", classes))
        assert len(public) > 10
        assert {n for n in public if not hasattr(ours, n)} <= set(missing[space])
        assert not any(hasattr(ours, n) for n in missing[space])
