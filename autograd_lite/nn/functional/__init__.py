"""`torch.nn.functional`'s names for ops without state; conventionally imported as F."""

from autograd_lite.nn.functional import (
    activation,
    adaptive,
    attention,
    convolution,
    distance,
    dropping,
    lookup,
    loss,
    normalization,
    padding,
    pooling,
    resizing,
)
from autograd_lite.nn.functional.activation import *
from autograd_lite.nn.functional.adaptive import *
from autograd_lite.nn.functional.attention import *
from autograd_lite.nn.functional.convolution import *
from autograd_lite.nn.functional.distance import *
from autograd_lite.nn.functional.dropping import *
from autograd_lite.nn.functional.lookup import *
from autograd_lite.nn.functional.loss import *
from autograd_lite.nn.functional.normalization import *
from autograd_lite.nn.functional.padding import *
from autograd_lite.nn.functional.pooling import *
from autograd_lite.nn.functional.resizing import *

__all__: list[str] = []
__all__ += activation.__all__
__all__ += adaptive.__all__
__all__ += attention.__all__
__all__ += convolution.__all__
__all__ += distance.__all__
__all__ += dropping.__all__
__all__ += lookup.__all__
__all__ += loss.__all__
__all__ += normalization.__all__
__all__ += padding.__all__
__all__ += pooling.__all__
__all__ += resizing.__all__
__all__.sort()
