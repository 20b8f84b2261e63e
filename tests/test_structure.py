"""The layers point one way, and everything stays readable in an afternoon."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "autograd_lite"

# Each may import what stands before it. Names are modules or packages of autograd_lite; models come last of all.
LAYERS = [
    ["memory", "modes", "sparse", "devices", "random", "callpath", "operands", "misfit", "layer_misfit", "remedies"],
    ["core"],
    ["creation", "graph", "anomaly", "data", "saving", "cuda"],
    ["sampling"],
    ["ops"],
    ["engine", "numpy_names"],
    ["gradients", "interop", "inplace", "opmethods", "conversions", "linalg"],
    ["updates"],
    ["methods", "recorded"],
    ["derive"],
    ["nn", "draw", "check", "utils"],
    ["optim", "func"],
    ["onnx", "aids", "autograd", "distributed"],
    ["compiler"],
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def runtime_imports(path):
    """(line, module) of every import that runs; those under TYPE_CHECKING are for type checkers."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 or "benchmarks" in path.parts, f"{path}: relative imports hide the layer"
            if node.module == "autograd_lite":
                yield from ((node.lineno, f"autograd_lite.{alias.name}") for alias in node.names)
            elif node.module is not None:
                yield node.lineno, node.module


def layer_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def sources(folder):
    return sorted(p for p in folder.rglob("*.py") if "__pycache__" not in p.parts)


def upward_imports(path, layer):
    found = []
    for line, module in runtime_imports(path):
        parts = module.split(".")
        if parts[0] in ("models", "benchmarks", "tests"):
            found.append(f"{path.name}:{line} imports {module}")
        elif parts[0] == "autograd_lite" and len(parts) > 1 and parts[1] in RANK:
            other = parts[1]
            if (
                other != layer
                and RANK[other] >= RANK[layer]
                and not (RANK[other] == RANK[layer] and layer in LAYERS[0])
            ):
                found.append(f"{path.name}:{line} imports {module}")
    return found


@pytest.mark.parametrize("path", [p for p in sources(PACKAGE) if p != PACKAGE / "__init__.py"], ids=lambda p: p.stem)
def test_layers_point_one_way(path):
    layer = layer_of(path)
    assert layer in RANK, f"{layer} has no place among the layers"
    assert upward_imports(path, layer) == []


def test_an_upward_import_is_seen(tmp_path):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from autograd_lite import engine\nfrom autograd_lite.nn.module import Module\nimport models\n")
    assert len(upward_imports(wrong, "ops")) == 3
    fine = tmp_path / "fine.py"
    fine.write_text("from autograd_lite.core import Tensor\nif TYPE_CHECKING:\n    from autograd_lite import engine\n")
    assert upward_imports(fine, "ops") == []


def test_the_core_needs_numpy_alone():
    import sys

    allowed = {"numpy", "autograd_lite", *sys.stdlib_module_names}
    optional = {
        **{"graphviz": "draw", "pooch": "data", "numba": "compiler", "llvmlite": "compiler"},
        **{"safetensors": "saving", "onnx": "onnx", "mpi4py": "distributed"},
    }
    for path in sources(PACKAGE):
        for line, module in runtime_imports(path):
            top = module.split(".")[0]
            assert top in allowed or optional.get(top) == layer_of(path), f"{path.name}:{line} imports {module}"


@pytest.mark.parametrize("path", [*sources(PACKAGE), *sources(ROOT / "models"), *sources(ROOT / "benchmarks")], ids=str)
def test_files_and_functions_stay_short(path):
    text = path.read_text()
    assert text.count("\n") <= 400, "two files would be clearer"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length <= 40, f"{node.name} has {length} lines"


def test_core_and_engine_are_an_afternoon():
    lines = sum((PACKAGE / name).read_text().count("\n") for name in ("core.py", "engine.py"))
    assert lines < 600


def test_nothing_recurses_over_the_graph():
    """No function of the core calls itself by name."""
    for name in ("core", "engine", "graph", "memory"):
        for node in ast.walk(ast.parse((PACKAGE / f"{name}.py").read_text())):
            if isinstance(node, ast.FunctionDef):
                called = {c.func.id for c in ast.walk(node) if isinstance(c, ast.Call) and isinstance(c.func, ast.Name)}
                assert node.name not in called, f"{name}.{node.name}"


def test_the_source_of_tensor_is_its_own():
    import inspect

    import autograd_lite as al

    assert inspect.getsource(al.Tensor).startswith("class Tensor(")
    assert al.Tensor.__module__ == "autograd_lite.core"
