"""What optimizers remember, as it is saved and loaded."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.core import Tensor

COUNTS = ("step", "mu_product")  # numbers that PyTorch keeps as tensors


def saved(name: str, value: Any) -> Any:
    """An entry of a state as PyTorch has it: arrays as Tensors, lists item by item."""
    if isinstance(value, list):
        return [saved("", item) for item in value]
    if isinstance(value, np.ndarray):
        return Tensor(value)
    return Tensor(np.array(value, np.float32 if name == "step" else np.float64)) if name in COUNTS else value


def loaded(name: str, value: Any, p: Tensor) -> Any:
    """An entry of a state as optimizers here have it: copies, arrays in the parameter's dtype, counts as numbers.

    Raises ValueError for an array that has not the parameter's shape.
    """
    if isinstance(value, list | tuple):
        return [None if item is None else loaded("", item, p) for item in value]
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    array = np.array(value.data if isinstance(value, Tensor) else value)
    if name in COUNTS:
        number = array.item()
        return int(number) if name == "step" else float(number)
    if array.ndim == 0 and p.ndim:
        return array.item()
    if array.shape != p.shape and name in NAMED:
        raise ValueError(f"load_state_dict: {name} has shape {array.shape}, and its parameter {p.shape}")
    return array.astype(p.dtype, copy=False)


NAMED = {  # entries that have the shape of their parameter
    *("momentum_buffer", "exp_avg", "exp_avg_sq", "max_exp_avg_sq", "exp_inf"),
    *("square_avg", "grad_avg", "acc_delta", "sum"),
}
