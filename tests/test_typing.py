"""What a type checker says of programs that use the library."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy", reason="mypy is not installed: pip install -e '.[dev]'")

PROGRAM = Path(__file__).with_name("typed_program.py")
WRONG = {
    "x.relo()": "attr-defined",
    "x.sum(dimension=0)": "call-arg",
    "al.zeros(2).backwards()": "attr-defined",
    "F.cross_entrophy(x, x)": "attr-defined",
    "al.optim.Adam([x], learning_rate=0.1)": "call-arg",
    "nn.Linear(3)": "call-arg",
    "al.no_such_thing": "attr-defined",
    "n: int = al.exp(x)": "assignment",
    "n: int = nn.Linear(3, 2)(x)": "assignment",
    "n: int = (2.0 * x).sum()": "assignment",
}


def checked(path: Path, cache: Path) -> str:
    options = ["--strict", "--follow-imports=silent", "--cache-dir", str(cache)]
    command = [sys.executable, "-m", "mypy", *options, str(path)]
    return subprocess.run(command, capture_output=True, text=True, cwd=PROGRAM.parents[1], check=False).stdout


def test_a_typed_program_checks_and_mistakes_in_one_are_found(tmp_path):
    assert checked(PROGRAM, tmp_path / "cache").startswith("Success")
    program = tmp_path / "wrong.py"
    head = "import autograd_lite as al\nfrom autograd_lite import nn\nfrom autograd_lite.nn import functional as F\n\n"
    lines = "".join(f"def f{k}(x: al.Tensor) -> None:\n    {line}\n" for k, line in enumerate(WRONG))
    program.write_text(head + lines)
    found = [line for line in checked(program, tmp_path / "cache").splitlines() if ": error: " in line]
    assert len(found) == len(WRONG), found
    for k, kind in enumerate(WRONG.values()):
        assert f"wrong.py:{6 + 2 * k}: error" in found[k], found[k]
        assert f"[{kind}]" in found[k], found[k]
