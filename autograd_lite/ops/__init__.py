"""All ops, each defined in one of these files. To add one: its forward and rules there, its name in that `__all__`."""

from autograd_lite.ops import conv, elementwise, fused, index, linalg, losses, reduce, shape, special
from autograd_lite.ops.conv import *
from autograd_lite.ops.elementwise import *
from autograd_lite.ops.fused import *
from autograd_lite.ops.index import *
from autograd_lite.ops.linalg import *
from autograd_lite.ops.losses import *
from autograd_lite.ops.reduce import *
from autograd_lite.ops.shape import *
from autograd_lite.ops.special import *

__all__: list[str] = []
__all__ += conv.__all__
__all__ += elementwise.__all__
__all__ += fused.__all__
__all__ += index.__all__
__all__ += linalg.__all__
__all__ += losses.__all__
__all__ += reduce.__all__
__all__ += shape.__all__
__all__ += special.__all__
