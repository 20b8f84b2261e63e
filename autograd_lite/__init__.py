"""autograd_lite: NumPy tensors that record what is done to them, gradients that are checked, graphs that are drawn."""

from numpy import float16, float32, float64, int8, int16, int32, int64, uint8

from autograd_lite import autograd, creation, methods, nn, ops, optim, random
from autograd_lite.aids import LintReport, lint
from autograd_lite.autograd import AnomalyError, detect_anomaly
from autograd_lite.check import check_deltas, check_module, check_training, gradcheck, gradgradcheck
from autograd_lite.compiler import TraceError, compile
from autograd_lite.core import GraphError, Node, Op, Tensor, primitive, ufunc
from autograd_lite.creation import *
from autograd_lite.derive import Derived, derive
from autograd_lite.draw import Algebra, Picture, SideBySide, algebra, animate, draw, side_by_side, to_dot
from autograd_lite.graph import record_lines
from autograd_lite.modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled, watch
from autograd_lite.ops import absolute, divide, log_softmax, multiply, negative, power, softmax, subtract
from autograd_lite.ops.elementwise import *
from autograd_lite.ops.index import *
from autograd_lite.ops.linalg import *
from autograd_lite.ops.reduce import *
from autograd_lite.ops.shape import *
from autograd_lite.random import manual_seed
from autograd_lite.sparse import RowSparse

abs, sub, mul, div, neg, pow = absolute, subtract, multiply, divide, negative, power  # PyTorch's names, too

__version__ = "0.1.0"

__all__ = [
    "Algebra",
    "AnomalyError",
    "Derived",
    "GraphError",
    "LintReport",
    "Node",
    "Op",
    "Picture",
    "RowSparse",
    "SideBySide",
    "Tensor",
    "TraceError",
    "abs",
    "algebra",
    "animate",
    "autograd",
    "check_deltas",
    "check_module",
    "check_training",
    "compile",
    "derive",
    "detect_anomaly",
    "div",
    "draw",
    "enable_grad",
    "float16",
    "float32",
    "float64",
    "gradcheck",
    "gradgradcheck",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_grad_enabled",
    "lint",
    "log_softmax",
    "manual_seed",
    "mul",
    "neg",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "pow",
    "primitive",
    "random",
    "record_lines",
    "set_grad_enabled",
    "side_by_side",
    "softmax",
    "sub",
    "to_dot",
    "ufunc",
    "uint8",
    "watch",
]
__all__ += creation.__all__
__all__ += ops.elementwise.__all__
__all__ += ops.index.__all__
__all__ += ops.linalg.__all__
__all__ += ops.reduce.__all__
__all__ += ops.shape.__all__
