"""The wider set of PyTorch's ops: values, gradients and second gradients are PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from op_calls import CALLS, identity, parts

import autograd_lite as al

torch = pytest.importorskip("torch", reason="PyTorch is the reference of these tests, and it is not installed")

from test_ops_torch import DTYPES, WHERE, same_call  # noqa: E402

WHERE["linalg"] = (al.linalg, torch.linalg)


@DTYPES
@pytest.mark.parametrize("case", CALLS, ids=identity)
def test_the_same_call_gives_pytorchs_values_and_gradients(case: tuple[Any, ...], dtype: Any):
    where, name, args, keywords = parts(case)
    with np.errstate(all="ignore"):
        same_call(where, name, *args, dtype=dtype, **keywords)
