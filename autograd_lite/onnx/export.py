"""`export`: a model's call, op by op, as an ONNX file that is checked before it is written."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autograd_lite.core import Op, Tensor
from autograd_lite.func.trees import leaves
from autograd_lite.memory import Array
from autograd_lite.modes import no_grad, watch
from autograd_lite.nn.module import Module
from autograd_lite.onnx.builder import OPSET, Builder, ExportError
from autograd_lite.onnx.table import DRAWS, written
from autograd_lite.saving import replacing

Call = tuple[Op, Sequence[Any], dict[str, Any], Any]


def export(
    model: Any,
    args: Any,
    f: str | os.PathLike[str],
    *,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
) -> None:
    """Write a model as an ONNX file: what it does with `args`, a tensor or a tuple of them, in evaluation mode.

    Shapes, Python's control flow and what is no tensor are those of this call. Outputs in tuples, lists and dicts are
    put side by side. Before the file is written, it is run in plain NumPy, by the onnx library, on these inputs and on
    others of the same shapes, and compared with the model. Raises ExportError for an op without an ONNX form, and
    where the results differ, as they do where the model computes with numbers that it reads from its inputs.

    >>> import autograd_lite as al
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "model.onnx")
    >>> al.onnx.export(al.nn.Sequential(al.nn.Linear(3, 2), al.nn.Tanh()), al.ones(1, 3), path)
    >>> os.path.exists(path)
    True
    """
    _refuse_without_library()
    inputs = [args] if isinstance(args, Tensor) else list(args)
    if any(not isinstance(t, Tensor) for t in inputs):
        raise TypeError(f"export: the inputs are tensors, and these are {[type(t).__name__ for t in inputs]}")
    modules = list(model.modules()) if isinstance(model, Module) else []
    training = [m.training for m in modules]
    try:
        if modules:
            model.eval()
        made = _graph(model, inputs, input_names, output_names)
        for given in (inputs, [_other(t) for t in inputs]):
            _refuse_differences(made, model, given)
    finally:
        for module, mode in zip(modules, training, strict=True):
            object.__setattr__(module, "training", mode)
    with replacing(Path(f).resolve()) as beside:
        beside.write_bytes(made.SerializeToString())


def _refuse_without_library() -> None:
    try:
        import onnx  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            'ONNX files are written with its library: pip install "autograd_lite[onnx]"'
        ) from error


def _graph(model: Any, inputs: list[Tensor], names: Sequence[str] | None, results: Sequence[str] | None) -> Any:
    """The model's call as an ONNX model."""
    calls: list[Call] = []
    fresh = [Tensor(np.array(t.data)) for t in inputs]
    with no_grad(), watch(lambda *call: calls.append(call)):
        outputs = leaves(model(*fresh))
    if any(not isinstance(t, Tensor) for t in outputs):
        raise TypeError(f"export: the model returns tensors, and here {[type(t).__name__ for t in outputs]}")
    parameters = {}
    if isinstance(model, Module):
        parameters = {id(p.data): name for name, p in (*model.named_parameters(), *model.named_buffers())}
    b = Builder(parameters)
    in_names = [b.fresh(n) for n in names or [f"input_{k}" for k in range(len(inputs))]]
    out_names = [b.fresh(n) for n in results or [f"output_{k}" for k in range(len(outputs))]]
    if (len(in_names), len(out_names)) != (len(inputs), len(outputs)):
        raise ValueError(f"export: the model has {len(inputs)} inputs and {len(outputs)} outputs to be named")
    for t, name in zip(fresh, in_names, strict=True):
        b.define(t.data, name)
    for op, args, attrs, result in calls:
        if op.name in DRAWS:
            raise ExportError("export: the model draws random numbers, which an ONNX file of it does not")
        y = result.data if isinstance(result, Tensor) else result
        b.kept.append((args, y))
        if isinstance(result, Tensor):
            b.define(y, written(b, op, [_raw(a) for a in args], attrs, y))
    for t, name in zip(outputs, out_names, strict=True):
        b.nodes.append(b.onnx.helper.make_node("Identity", [b.name(t.data)], [name]))
    return _model(b, [*zip(in_names, fresh, strict=True)], [*zip(out_names, outputs, strict=True)])


def _raw(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else value


def _model(b: Builder, inputs: list[tuple[str, Tensor]], outputs: list[tuple[str, Tensor]]) -> Any:
    helper = b.onnx.helper
    infos = [
        [helper.make_tensor_value_info(name, b.kind(t.dtype), t.shape) for name, t in side]
        for side in (inputs, outputs)
    ]
    graph = helper.make_graph(b.nodes, "autograd_lite", *infos, initializer=b.initializers)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="autograd_lite")
    made.ir_version = 8  # the first for this opset, so that older programs read it
    b.onnx.checker.check_model(made, full_check=True)
    return made


def _other(t: Tensor) -> Tensor:
    """Another tensor of this shape: of floats other numbers, of integers the same ones in another order."""
    array = t.data[..., ::-1] if t.ndim else t.data
    array = array[::-1] if t.ndim > 1 else array
    return Tensor(np.array(0.7 * array + 0.1 if t.dtype.kind == "f" else array, t.dtype))


def _refuse_differences(made: Any, model: Callable[..., Any], inputs: list[Tensor]) -> None:
    """Run the ONNX model, and compare. Raises ExportError where it gives something else."""
    from onnx.reference import ReferenceEvaluator

    with no_grad():
        expected = [_raw(t) for t in leaves(model(*(Tensor(np.array(t.data)) for t in inputs)))]
    feed: dict[str, Array] = {i.name: t.data for i, t in zip(made.graph.input, inputs, strict=True)}
    with np.errstate(all="ignore"):
        found = ReferenceEvaluator(made).run(None, feed)
    for k, (a, e) in enumerate(zip(found, expected, strict=True)):
        tolerance = 1e-8 if e.dtype == np.float64 else 1e-4
        largest = np.max(np.abs(e), initial=0.0, where=np.isfinite(e)) if e.dtype.kind == "f" else 0.0
        close = np.shape(a) == e.shape and np.allclose(a, e, rtol=tolerance, atol=tolerance * largest, equal_nan=True)
        if not close:
            raise ExportError(
                f"export: output {k} of the ONNX model is not the model's for all inputs: numbers that were read from "
                "the inputs (.item(), .data, if) or written in place stay as they are in the file. Compute with "
                "tensors (al.where in place of if)"
            )
