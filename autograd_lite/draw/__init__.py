"""Pictures of recorded graphs: nodes to a `diagram`, that to DOT text (`dot`), that to a `picture`."""

from autograd_lite.draw.dot import to_dot
from autograd_lite.draw.engine import DrawError
from autograd_lite.draw.picture import Picture, draw

__all__ = ["DrawError", "Picture", "draw", "to_dot"]
