"""Pictures of recorded graphs: nodes to a `diagram`, that to DOT text (`dot`), that to a `picture`."""

from autograd_lite.draw import notebook
from autograd_lite.draw.algebra import Algebra, algebra
from autograd_lite.draw.animate import animate
from autograd_lite.draw.dot import to_dot
from autograd_lite.draw.engine import DrawError
from autograd_lite.draw.picture import Picture, draw
from autograd_lite.draw.side_by_side import SideBySide, side_by_side

__all__ = [
    "Algebra",
    "DrawError",
    "Picture",
    "SideBySide",
    "algebra",
    "animate",
    "draw",
    "side_by_side",
    "to_dot",
]
