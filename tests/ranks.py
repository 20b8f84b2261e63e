"""Starting a program on several ranks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_lite as al
from autograd_lite.distributed.group import LAUNCHERS

ROOT = Path(__file__).parent.parent
LIMIT = 120  # seconds that anything may take; where ranks hang the programs stop after 3 by themselves
needs_mpi = pytest.mark.skipif(not al.distributed.is_available(), reason="pip install 'autograd_lite[mpi]'")


def mpiexec(ranks, *command):
    """Run on so many ranks; fails where that does not end by itself."""
    beside = Path(sys.executable).with_name("mpiexec")
    inherited = {k: v for k, v in os.environ.items() if k not in LAUNCHERS}
    return subprocess.run(
        [str(beside) if beside.exists() else "mpiexec", "-n", str(ranks), sys.executable, *map(str, command)],
        cwd=ROOT,
        env={**inherited, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
        stdin=subprocess.DEVNULL,
    )
