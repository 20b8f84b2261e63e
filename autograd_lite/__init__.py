"""autograd_lite: NumPy tensors that record what is done to them, gradients that are checked, graphs that are drawn."""

import numpy as np
from numpy import float16, float32, float64, int8, int16, int32, int64, uint8

from autograd_lite import (
    autograd,
    creation,
    cuda,
    distributed,
    func,
    linalg,
    methods,
    nn,
    onnx,
    ops,
    optim,
    random,
    sampling,
    utils,
)
from autograd_lite.aids import LintReport, lint
from autograd_lite.anomaly import AnomalyError, detect_anomaly, is_anomaly_enabled
from autograd_lite.check import check_deltas, check_module, check_training, gradcheck, gradgradcheck
from autograd_lite.compiler import TraceError, compile
from autograd_lite.core import GraphError, Node, Op, Tensor, primitive, ufunc
from autograd_lite.creation import *
from autograd_lite.derive import Derived, derive
from autograd_lite.devices import device
from autograd_lite.draw import Algebra, Picture, SideBySide, algebra, animate, draw, side_by_side, to_dot
from autograd_lite.graph import record_lines
from autograd_lite.modes import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
    watch,
)
from autograd_lite.ops import (
    absolute,
    cholesky,
    cholesky_solve,
    det,
    divide,
    inverse,
    log_softmax,
    logdet,
    matrix_power,
    multiply,
    negative,
    pinverse,
    power,
    slogdet,
    softmax,
    subtract,
    vander,
)
from autograd_lite.ops.compare import *
from autograd_lite.ops.diagonals import *
from autograd_lite.ops.elementwise import *
from autograd_lite.ops.error_function import *
from autograd_lite.ops.index import *
from autograd_lite.ops.joining import *
from autograd_lite.ops.linalg import *
from autograd_lite.ops.masks import *
from autograd_lite.ops.mathematics import *
from autograd_lite.ops.moving import *
from autograd_lite.ops.order import *
from autograd_lite.ops.padding import *
from autograd_lite.ops.picking import *
from autograd_lite.ops.products import *
from autograd_lite.ops.reduce import *
from autograd_lite.ops.scan import *
from autograd_lite.ops.shape import *
from autograd_lite.ops.statistics import *
from autograd_lite.ops.trigonometry import *
from autograd_lite.random import (
    Generator,
    default_generator,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from autograd_lite.sampling import *
from autograd_lite.saving import load, save
from autograd_lite.sparse import RowSparse

abs, mul, neg, pow = absolute, multiply, negative, power  # PyTorch's names, too
half, double, short, long = float16, float64, int16, int64
# Not in __all__: `import *` leaves Python's alone
bool, float, int = np.bool_, float32, int32
inf, nan, pi, newaxis, finfo, iinfo = np.inf, np.nan, np.pi, None, np.finfo, np.iinfo

__version__ = "0.1.0"

__all__ = [
    "Algebra",
    "AnomalyError",
    "Derived",
    "Generator",
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
    "cholesky",
    "cholesky_solve",
    "compile",
    "cuda",
    "default_generator",
    "derive",
    "det",
    "detect_anomaly",
    "device",
    "distributed",
    "double",
    "draw",
    "enable_grad",
    "float16",
    "float32",
    "float64",
    "func",
    "get_rng_state",
    "gradcheck",
    "gradgradcheck",
    "half",
    "inference_mode",
    "initial_seed",
    "int8",
    "int16",
    "int32",
    "int64",
    "inverse",
    "is_anomaly_enabled",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "linalg",
    "lint",
    "load",
    "log_softmax",
    "logdet",
    "long",
    "manual_seed",
    "matrix_power",
    "mul",
    "neg",
    "nn",
    "no_grad",
    "onnx",
    "ops",
    "optim",
    "pinverse",
    "pow",
    "primitive",
    "random",
    "record_lines",
    "save",
    "seed",
    "set_grad_enabled",
    "set_rng_state",
    "short",
    "side_by_side",
    "slogdet",
    "softmax",
    "to_dot",
    "ufunc",
    "uint8",
    "utils",
    "vander",
    "watch",
]
__all__ += creation.__all__
__all__ += sampling.__all__
__all__ += [name for part in ops.public for name in part.__all__]
