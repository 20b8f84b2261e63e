"""The forward pass of a recorded graph as NumPy code, op by op as it was recorded, in the user's names."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.core import Tensor
from autograd_lite.draw.algebra import Lines, Style, refuse_other
from autograd_lite.draw.labels import attribute
from autograd_lite.draw.latex import ATOM, CHOICE, NEGATIVE, POWER, PRODUCT, SUM, Call, Piece, clean
from autograd_lite.ops import elementwise, fused, index, linalg, reduce, shape
from autograd_lite.ops.index import ARRAY


class Unprintable(Exception):  # noqa: N818
    """There is no NumPy text for this."""


def forward_code(loss: Tensor, *, names: Any = None) -> str | None:
    """The forward pass under a Tensor as NumPy code: a line for each named tensor, the loss last.

    Names are those of the tensors, as Python can have them ("hidden.weight" is hidden_weight); comments say what
    leaves and constants without a name are called, and what they are. None where an op has no NumPy text, or
    where nothing was recorded. Raises TypeError for what is not a Tensor.

    >>> import autograd_lite as al
    >>> w = al.tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> print(forward_code(al.sum(al.sigmoid(w * 2)), names={"weights": w}))
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))
    <BLANKLINE>
    result = np.sum(sigmoid(weights * 2))
    """
    refuse_other(loss)
    if loss.node is None:
        return None
    lines = Lines(loss, names, _numpy)
    try:
        made = lines.write()
    except Unprintable:
        return None
    text = [f"{line.left.plain} = {line.right.plain}" for line in made]
    used = [code for name, code in _helpers.items() if any(f"{name}(" in line for line in text)]
    return "\n".join([*used, *(f"# {name}: {of}" for name, of in lines.unnamed), *text])


_helpers = {
    "softmax": "def softmax(x, axis=-1):\n    e = np.exp(x - np.max(x, axis=axis, keepdims=True))\n"
    "    return e / np.sum(e, axis=axis, keepdims=True)\n",
    "sigmoid": "def sigmoid(x):\n    return 1 / (1 + np.exp(-x))\n",
}


def _identifier(name: str) -> str:
    text = re.sub(r"\W", "_", clean(name))
    text = f"_{text}" if text[:1].isdigit() else text
    return f"{text}_" if keyword.iskeyword(text) else text if text.isidentifier() else "_"


def _literal(value: Any) -> Piece:
    """A constant of one element, exactly."""
    if np.ndim(value):
        return Piece(f"np.array({np.asarray(value).tolist()!r})")
    value = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if isinstance(value, float) and not np.isfinite(value):
        return Piece(f"np.{value}") if not value < 0 else Piece("-np.inf", level=NEGATIVE)
    return Piece(repr(value), level=NEGATIVE if repr(value).startswith("-") else ATOM)


def _code(made: Call) -> Piece:
    write, function = _codes.get(made.op), made.op.forward
    if write is not None:
        return write(made)
    if isinstance(function, np.ufunc):
        return _calling(f"np.{function.__name__}")(made)
    raise Unprintable(made.op.name)


def _calling(name: str, more: str = "") -> Callable[[Call], Piece]:
    return lambda made: Piece(f"{name}({', '.join(a.plain for a in made.arguments)}{more})")


def _infix(sign: str, level: int) -> Callable[[Call], Piece]:
    write = "{} " + sign + " {}"
    return lambda made: Piece(write.format(made[0].inside(level).plain, made[1].inside(level + 1).plain), level=level)


def _along(name: str) -> Callable[[Call], Piece]:
    def write(made: Call) -> Piece:
        dims, _, everything = made.dims()
        axis = dims[0] if len(dims) == 1 else dims
        keep = ", keepdims=True" if made.node.attrs["keepdim"] else ""
        return Piece(f"{name}({made[0].plain}{'' if everything else f', axis={axis}'}{keep})")

    return write


def _filled(text: str, level: int = ATOM) -> Callable[[Call], Piece]:
    """A text with {0}, {1} for arguments as they are needed: a, b where they stand alone, and attributes."""

    def write(made: Call) -> Piece:
        whole = dict(zip("abc", (p.plain for p in made.arguments), strict=False))
        tight = [p.inside(ATOM).plain for p in made.arguments]
        last = made.node.attrs.get("dim") == len(made.node.shape) - 1
        axis = "" if last else f", axis={made.node.attrs.get('dim')}"
        return Piece(text.format(*tight, **whole, axis=axis, y=made.node, **made.node.attrs), level=level)

    return write


def _exponential(made: Call) -> Call:
    return Call(made.node, [_calling("np.exp")(made)], made.shapes)


def _total(text: str) -> Callable[[Call], Piece]:
    def write(made: Call) -> Piece:
        one, how = _filled(text, SUM)(made), made.node.attrs["reduction"]
        return one if how == "none" else Piece(f"np.{how}({one.plain})")

    return write


def _item(made: Call) -> Piece:
    arrays = iter(made.arguments[1:])
    given = made.node.attrs.get("form", made.node.attrs.get("index", (ARRAY,)))
    items = [
        next(arrays).plain if i is ARRAY else attribute(i) for i in (given if isinstance(given, tuple) else (given,))
    ]
    return Piece(f"{made[0].inside(ATOM).plain}[{', '.join(items) or '()'}]")


def _reshape(made: Call) -> Piece:
    return Piece(f"{made[0].inside(ATOM).plain}.reshape({', '.join(map(str, made.node.shape)) or '()'})")


def _permute(made: Call) -> Piece:
    dims, base = made.node.attrs["dims"], made[0].inside(ATOM).plain
    return Piece(f"{base}.T" if dims == tuple(reversed(range(len(dims)))) else f"{base}.transpose{dims}")


def _classes(text: str) -> Callable[[Call], Piece]:
    """Where all targets count."""

    def write(made: Call) -> Piece:
        index_ = made.node.saved_by_name(0).get("index")
        if index_ is None or index_.ndim != 1 or np.any(index_ == made.node.attrs["ignore"]):
            raise Unprintable("targets that do not count")
        return Piece(text.format(made[0].plain, made[1].plain, len(index_)), level=NEGATIVE)

    return write


_E: Any = elementwise  # Any: type checkers do not see that what `primitive` makes has an `op`
_F: Any = fused
_I: Any = index
_L: Any = linalg
_R: Any = reduce
_S: Any = shape
_signs = {_E.add: "+", _E.subtract: "-", _E.multiply: "*", _E.divide: "/", _L.matmul: "@", _E.greater: ">"}
_codes: dict[Any, Callable[[Call], Piece]] = {
    **{
        call.op: _infix(sign, SUM if sign in "+-" else CHOICE if sign == ">" else PRODUCT)
        for call, sign in _signs.items()
    },
    **{call.op: _item for call in (_I._slice, _I._pick, _I.take_rows)},
    **{getattr(_R, f"_{n}").op: _along(f"np.{n}") for n in ("sum", "mean", "amax", "amin")},
    _E.negative.op: lambda made: Piece(f"-{made[0].inside(POWER).plain}", level=NEGATIVE),
    _E.square.op: _filled("{0}**2", POWER),
    _E._power.op: _filled("{0}**{exponent!r}", POWER),
    _E.sigmoid.op: _calling("sigmoid"),
    _E.relu.op: _calling("np.maximum", ", 0"),
    _E.softplus.op: _calling("np.logaddexp", ", 0"),
    _E.where.op: _calling("np.where"),
    _E._clip.op: _filled("np.clip({a}, {low!r}, {high!r})"),
    _L._linear.op: _filled("{0} @ {1}.T", PRODUCT),
    _L._affine.op: _filled("{0} @ {1}.T + {2}", SUM),
    _R._root.op: _calling("np.sqrt"),
    _R._logsumexp.op: lambda made: Piece(f"np.log({_along('np.sum')(_exponential(made)).plain})"),
    _S._reshape.op: _reshape,
    _S._permute.op: _permute,
    _S._broadcast_to.op: _filled("np.broadcast_to({a}, {y.shape})"),
    _S._cat.op: lambda made: Piece(f"np.concatenate({_calling('')(made).plain}, axis={made.node.attrs['dim']})"),
    _S._pad.op: _filled("np.pad({a}, {widths}, constant_values={value!r})"),
    _S.cast.op: _filled('{0}.astype("{y.dtype}")'),
    _S.clone.op: lambda made: made[0],
    _F._softmax.op: _filled("softmax({a}{axis})"),
    _F._log_softmax.op: _filled("np.log(softmax({a}{axis}))"),
    _F._cross_entropy_of_rows.op: _filled("-np.sum(np.log(softmax({a})) * {1}, axis=-1)", NEGATIVE),
    _F._cross_entropy.op: _classes("-np.log(softmax({0}))[np.arange({2}), {1}]"),
    _F._mean.op: _filled("np.mean({a})"),
    _F._squared_error.op: _total("({0} - {1})**2"),
    _F._absolute_error.op: _total("np.abs({0} - {1})"),
    _F._logistic_loss.op: _total("np.logaddexp(0, {a}) - {0} * {1}"),
}
_numpy = Style(_identifier, Piece, _literal, _code, frozenset({"np", *_helpers}))
