"""All ops, each defined in one of these files. To add one: its forward and rules there, its name in that `__all__`."""

from autograd_lite.ops import (
    compare,
    conv,
    diagonals,
    elementwise,
    error_function,
    fused,
    index,
    joining,
    linalg,
    losses,
    masks,
    mathematics,
    matrices,
    matrix_functions,
    moving,
    order,
    padding,
    picking,
    products,
    reduce,
    scan,
    shape,
    statistics,
    trigonometry,
)
from autograd_lite.ops.compare import *
from autograd_lite.ops.conv import *
from autograd_lite.ops.diagonals import *
from autograd_lite.ops.elementwise import *
from autograd_lite.ops.error_function import *
from autograd_lite.ops.fused import *
from autograd_lite.ops.index import *
from autograd_lite.ops.joining import *
from autograd_lite.ops.linalg import *
from autograd_lite.ops.losses import *
from autograd_lite.ops.masks import *
from autograd_lite.ops.mathematics import *
from autograd_lite.ops.matrices import *
from autograd_lite.ops.matrix_functions import *
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

public = (  # the parts whose names are also the package's: al.exp, al.sum; of the others nn.functional has a choice
    *(compare, diagonals, elementwise, error_function, index, joining, linalg, masks, mathematics),
    *(moving, order, padding, picking, products, reduce, scan, shape, statistics, trigonometry),
)
rest = (conv, fused, losses, matrices, matrix_functions)
__all__: list[str] = [name for part in (*public, *rest) for name in part.__all__]
