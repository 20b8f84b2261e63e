"""Every public name has a docstring with an example, and pytest runs each example once."""

import ast
import builtins
import doctest
import importlib
import inspect
import pkgutil
from collections import Counter
from types import ModuleType

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.core import ufuncs

NAMESPACES = (
    "autograd_lite",
    "autograd_lite.aids",
    "autograd_lite.autograd",
    "autograd_lite.autograd.functional",
    "autograd_lite.check",
    "autograd_lite.compiler",
    "autograd_lite.cuda",
    "autograd_lite.data",
    "autograd_lite.derive",
    "autograd_lite.distributed",
    "autograd_lite.draw",
    "autograd_lite.func",
    "autograd_lite.linalg",
    "autograd_lite.nn",
    "autograd_lite.nn.functional",
    "autograd_lite.nn.init",
    "autograd_lite.nn.utils",
    "autograd_lite.onnx",
    "autograd_lite.optim",
    "autograd_lite.optim.lr_scheduler",
    "autograd_lite.utils.data",
)


def public(namespace):
    """The public names of a namespace (those of `nn.init` end in _), without submodules and NumPy's dtypes."""
    module = importlib.import_module(namespace)
    for name in sorted(getattr(module, "__all__", None) or {n for n in vars(module) if n[0] != "_" and n[-1] == "_"}):
        thing = getattr(module, name)
        if not inspect.ismodule(thing) and not (isinstance(thing, type) and issubclass(thing, np.generic)):
            yield name, thing


def foreign(text):
    """What an example uses and does not bring along: a reader who copies it would have to guess."""
    source = "".join(example.source for example in doctest.DocTestParser().get_examples(text))
    used, brought = set(), set(dir(builtins))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else brought).add(node.id)
        elif isinstance(node, ast.alias):
            brought.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, ast.arg):
            brought.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler):
            brought.add(node.name)
    return used - brought


def examples(module: ModuleType) -> list[str]:
    """The docstrings whose examples pytest runs with a module: what the finder of doctests finds there."""
    return [test.docstring for test in doctest.DocTestFinder().find(module) if test.examples]


@pytest.fixture(scope="module")
def run():
    """How often pytest runs the examples of each docstring."""
    names = [info.name for info in pkgutil.walk_packages(al.__path__, "autograd_lite.")]
    modules = [al, *(importlib.import_module(name) for name in names if not name.endswith("__main__"))]
    return Counter(text for module in modules for text in examples(module))


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_public_name_has_an_example(namespace):
    parser = doctest.DocTestParser()
    without = [name for name, thing in public(namespace) if not parser.get_examples(inspect.getdoc(thing) or "")]
    assert without == []


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_the_example_of_every_public_name_is_run_once(namespace, run):
    times = {name: run[thing.__doc__] for name, thing in public(namespace)}
    assert len(times) > 1
    assert {name: n for name, n in times.items() if n != 1} == {}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_example_brings_what_it_uses(namespace):
    names = {name: foreign(thing.__doc__) for name, thing in public(namespace)}
    assert {name: used for name, used in names.items() if used} == {}


def test_what_an_example_does_not_bring_is_seen():
    assert foreign(">>> al.exp(np.ones(2))") == {"al", "np"}
    assert foreign(">>> import numpy as np\n>>> def f(x):\n...     return np.exp(x) + len(x)\n>>> f(2)") == set()


def test_a_name_without_an_example_is_seen(monkeypatch):
    monkeypatch.setattr(al.exp, "__doc__", "e to the power x.")
    monkeypatch.setattr(al.relu, "__doc__", None)
    with pytest.raises(AssertionError, match=r"\['exp', 'relu'\]"):
        test_every_public_name_has_an_example("autograd_lite")


def test_an_example_that_pytest_would_not_find_is_seen(monkeypatch):
    monkeypatch.setattr(al.exp, "__module__", "numpy")
    assert al.exp.__doc__ not in examples(al.ops.elementwise)
    assert al.log.__doc__ in examples(al.ops.elementwise)


def test_an_op_of_a_ufunc_is_of_the_module_that_makes_it(monkeypatch):
    monkeypatch.setitem(ufuncs, np.radians, None)  # so that it is forgotten again
    made = al.ufunc(np.radians, "Of degrees.", ">>> radians(0.0)", "0.0", x=None)
    assert made.__module__ == __name__
    assert made.__doc__ == "Of degrees.\n\n>>> import autograd_lite as al\n>>> radians(0.0)\n0.0"
    nowhere = eval('al.ufunc(np.radians, "Of degrees.", x=None)', {"al": al, "np": np})
    assert nowhere.__module__ == "autograd_lite.core"
    assert nowhere.__doc__ == "Of degrees."
