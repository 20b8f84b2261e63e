"""What each op is in NumPy, written out exactly: what runs is what was recorded."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from autograd_lite.core import Op
from autograd_lite.derive import helpers
from autograd_lite.derive.labels import attribute
from autograd_lite.derive.lines import Style
from autograd_lite.derive.numpy_text import Unprintable
from autograd_lite.derive.pieces import ATOM, CHOICE, NEGATIVE, POWER, PRODUCT, SUM, Call, Piece, clean
from autograd_lite.ops import (
    compare,
    conv,
    elementwise,
    error_function,
    fused,
    gru,
    index,
    linalg,
    lstm,
    mathematics,
    matrices,
    picking,
    products,
    reduce,
    scan,
    shape,
    statistics,
)
from autograd_lite.ops.index import ARRAY

LARGEST = "np.max(x, axis=axis, keepdims=True)"


def helpers_of(text: Iterable[str], empty: bool = False) -> list[str]:
    """The functions that some lines of code need, as text; with `empty` such that take arrays without elements."""
    start = ", initial=-np.inf)" if empty else ")"
    return [helpers.sources[name].replace(LARGEST, LARGEST[:-1] + start) for name in helpers.used_in(text)]


def identifier(name: str) -> str:
    """A name as Python can have it."""
    name = f"layer{name}" if re.match(r"\d+\.", name) else name  # of a Sequential: 0.weight
    text = re.sub(r"\W", "_", clean(name))
    text = unicodedata.normalize("NFKC", f"_{text}" if text[:1].isdigit() else text)  # as Python reads it
    return f"{text}_" if keyword.iskeyword(text) else text if text.isidentifier() else "_"


def literal(value: Any) -> Piece:
    """A constant, exactly."""
    if np.ndim(value):
        array = np.asarray(value)
        kind = "" if array.dtype in (np.float64, np.int64, np.bool_) else f', dtype="{array.dtype}"'
        return Piece(f"np.array({_plain(array.tolist())}{kind})")
    value = value.item() if isinstance(value, np.generic | np.ndarray) else value
    text = _plain(value)
    return Piece(text, level=NEGATIVE if text.startswith("-") else ATOM)


def _plain(value: Any) -> str:
    """`repr` of numbers, with what NumPy calls those that have no literal."""
    return re.sub(r"\b(inf|nan)\b", r"np.\1", repr(value))


def of_kind(dtype: Any) -> str:
    """What a call that makes an array says of its dtype."""
    return "" if dtype == np.float64 else f', dtype="{np.dtype(dtype)}"'


def code(made: Call) -> Piece:
    """The text of an op. Raises Unprintable for one that has none."""
    write, function = _codes.get(made.op), made.op.forward
    if write is not None:
        return write(made)
    if isinstance(function, np.ufunc):
        return _calling(f"np.{function.__name__}")(made)
    raise Unprintable(f"the op {made.op.name}")


def has_code(op: Op) -> bool:
    """Has an op a text?"""
    return op in _codes or op in _scatters or isinstance(op.forward, np.ufunc)


def _calling(name: str, more: str = "") -> Callable[[Call], Piece]:
    return lambda made: Piece(f"{name}({', '.join(a.plain for a in made.arguments)}{more})")


def _infix(sign: str, level: int) -> Callable[[Call], Piece]:
    write, left = "{} " + sign + " {}", level + (level == CHOICE)  # a > b > c is something else
    return lambda made: Piece(write.format(made[0].inside(left).plain, made[1].inside(level + 1).plain), level=level)


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


def _logsumexp(made: Call) -> Piece:
    (dims, _, everything), keep = made.dims(), made.node.attrs["keepdim"]
    axis = "" if everything else f", axis={dims[0] if len(dims) == 1 else dims}"
    return Piece(f"logsumexp({made[0].plain}{axis}{', keepdims=True' * keep})")


def _total(text: str) -> Callable[[Call], Piece]:
    def write(made: Call) -> Piece:
        one, how = _filled(text, SUM)(made), made.node.attrs["reduction"]
        return one if how == "none" else Piece(f"np.{how}({one.plain})")

    return write


def indices(made: Call, first: int = 1) -> str:
    """What stands between the brackets where an op reads or writes a part; arguments from `first` are arrays."""
    arrays = iter(made.arguments[first:])
    given = made.node.attrs.get("form", made.node.attrs.get("index", (ARRAY,)))
    items = [
        next(arrays).plain if i is ARRAY else attribute(i) for i in (given if isinstance(given, tuple) else (given,))
    ]
    return ", ".join(items) or "()"


def _item(made: Call) -> Piece:
    return Piece(f"{made[0].inside(ATOM).plain}[{indices(made)}]")


def _reshape(made: Call) -> Piece:
    return Piece(f"{made[0].inside(ATOM).plain}.reshape({', '.join(map(str, made.node.shape)) or '()'})")


def _permute(made: Call) -> Piece:
    dims, base = made.node.attrs["dims"], made[0].inside(ATOM).plain
    return Piece(f"{base}.T" if dims == tuple(reversed(range(len(dims)))) else f"{base}.transpose{dims}")


def _sum_to(made: Call) -> Piece:
    have, want = made.shapes[0] or (), made.node.shape
    new = len(have) - len(want)
    repeated = tuple(d + new for d, n in enumerate(want) if n == 1 and have[d + new] != 1)
    dims = (*range(new), *repeated)
    if not dims:
        return made[0]
    axis, keep = dims[0] if len(dims) == 1 else dims, ", keepdims=True" if repeated else ""
    again = f".reshape({', '.join(map(str, want))})" if new and repeated else ""
    return Piece(f"{made[0].inside(ATOM).plain}.sum(axis={axis}{keep}){again}")


def _counts(made: Call) -> bool:
    """Is no target left out, of those that the loss was recorded with?"""
    given = made.node.saved_by_name(0).get("index")
    return given is not None and not np.any(given == made.node.attrs["ignore"])


def _cross_entropy(made: Call) -> Piece:
    if _counts(made) and len(made.node.shape) == 1:
        rows = f"np.arange({made.node.shape[0]})"
        return Piece(f"-log_softmax({made[0].plain})[{rows}, {made[1].plain}]", level=NEGATIVE)
    ignore = made.node.attrs["ignore"]
    return Piece(f"cross_entropy({made[0].plain}, {made[1].plain}{f', {ignore}' if ignore != -100 else ''})")


def _mean(made: Call) -> Piece:
    if _counts(made):
        return Piece(f"np.mean({made[0].plain})")
    counted = f"{made[1].inside(SUM).plain} != {made.node.attrs['ignore']}"
    return Piece(f"np.sum({made[0].plain}) / np.count_nonzero({counted})", level=PRODUCT)


def _windows(made: Call) -> Piece:
    attrs = made.node.attrs
    more = [f"{name}={attrs[name]}" for name in ("stride", "dilation") if attrs[name] != (1, 1)]
    size = [str(tuple(attrs["size"]))] if "size" in attrs else []
    return Piece(f"{made.op.name}({', '.join([made[0].plain, *size, str(attrs['kernel']), *more])})")


def _clip(made: Call) -> Piece:
    low, high = (literal(made.node.attrs[name]).plain for name in ("low", "high"))
    return Piece(f"np.clip({made[0].plain}, {low}, {high})")


def _pad(made: Call) -> Piece:
    value, widths = made.node.attrs["value"], made.node.attrs["widths"]
    if not widths:
        return made[0]
    more = f", constant_values={literal(value).plain}" if value else ""
    return Piece(f"np.pad({made[0].plain}, {widths}{more})")


def _one_hot(made: Call) -> Piece:
    attrs = made.node.attrs
    kind = of_kind(attrs.get("dtype", np.float64))
    return Piece(f"np.eye({attrs['classes']}{kind})[{made[0].plain}]")


def _nan_to_num(made: Call) -> Piece:
    given = ((name, made.node.attrs[name]) for name in ("nan", "posinf", "neginf"))
    more = "".join(f", {name}={literal(value).plain}" for name, value in given if value is not None)
    return Piece(f"np.nan_to_num({made[0].plain}{more})")


def _einsum(made: Call) -> Piece:
    *given, out = made.node.attrs["form"]
    return Piece(f'np.einsum("{",".join(given)}->{out}", {", ".join(a.plain for a in made.arguments)})')


def _pinv(made: Call) -> Piece:
    given, shape = made.node.attrs["rcond"], made.shapes[0] or (0,)
    least = max(shape[-2:]) * float(np.finfo(made.node.dtype).eps) if given is None else given
    return Piece(f"np.linalg.pinv({made[0].plain}, rcond={least!r})")


def _packed(text: str) -> Callable[[Call], Piece]:
    """Matrices one behind the other: their last two dimensions, or that of their singular values, in one."""
    batch = "{a}.shape[:-2]"
    return _filled(f"packed(np.linalg.{text}, {batch})")


def _steps(name: str, taken: tuple[int, ...] | None = None) -> Callable[[Call], Piece]:
    """A recurrence, with those of its settings that are on."""

    def write(made: Call) -> Piece:
        arguments = made.arguments if taken is None else [made.arguments[k] for k in taken]
        on = [f"{key}=True" for key in ("reverse", "flat") if made.node.attrs.get(key)]
        return Piece(f"{name}({', '.join([*(a.plain for a in arguments), *on])})")

    return write


def _place(made: Call, first: int = 1) -> str:
    """An index as an object."""
    where = indices(made, first)
    where = f"np.s_[{where}]" if ":" in where or "None" in where or "..." in where else where
    return f"({where})" if "," in where and not where.startswith("np.s_") else where


def _put(made: Call) -> Piece:
    return Piece(f"put({made[0].plain}, {_place(made, 2)}, {made[1].plain})")


def _scattered(made: Call) -> Piece:
    return Piece(f"scattered({made[0].plain}, {_place(made)}, {made.node.shape})")


# Statements: what no expression can do


def statements(target: str, made: Call, like: str | None = None) -> list[str]:
    """The lines that give a name what an op makes, zeros of the shape of `like` where that is known."""
    if made.op not in _scatters:
        return [f"{target} = {code(made).plain}"]
    shape, kind = made.node.shape, of_kind(made.node.dtype)
    zeros = f"np.zeros_like({like})" if like else f"np.zeros({shape[0] if len(shape) == 1 else shape}{kind})"
    first = f"{target} = {zeros}"
    if made.op is _I.add_at.op:  # names no entry twice
        return [first, f"{target}[{indices(made)}] = {made[0].plain}"]
    return [first, f"np.add.at({target}, {_place(made)}, {made[0].plain})"]


_C: Any = conv  # Any: type checkers do not see that what `primitive` makes has an `op`
_E: Any = elementwise
_O: Any = compare
_F: Any = fused
_G: Any = gru
_I: Any = index
_Ls: Any = lstm
_L: Any = linalg
_R: Any = reduce
_M: Any = matrices
_S: Any = shape
_X: Any = error_function
_Ma: Any = mathematics
_Pi: Any = picking
_Pr: Any = products
_Sc: Any = scan
_St: Any = statistics
_signs = {_E.add: "+", _E.subtract: "-", _E.multiply: "*", _E.divide: "/", _L.matmul: "@"}
_comparisons = {
    _O.greater: ">",
    _O.greater_equal: ">=",
    _O.less: "<",
    _O.less_equal: "<=",
    _O.eq: "==",
    _O.not_equal: "!=",
}
_scatters = {_I.add_at.op, _I.scatter_at.op, _I.scatter_rows.op}
_codes: dict[Any, Callable[[Call], Piece]] = {
    **{call.op: _infix(sign, SUM if sign in "+-" else PRODUCT) for call, sign in _signs.items()},
    **{call.op: _infix(sign, CHOICE) for call, sign in _comparisons.items()},
    **{call.op: _item for call in (_I._slice, _I._pick, _I.take_rows)},
    **{getattr(_R, f"_{n}").op: _along(f"np.{n}") for n in ("sum", "mean", "amax", "amin")},
    **{call.op: _windows for call in (_C._unfold, _C._fold)},
    _E.negative.op: lambda made: Piece(f"-{made[0].inside(POWER).plain}", level=NEGATIVE),
    _E.square.op: _filled("{0}**2", POWER),
    _E._power.op: _filled("{0}**{exponent!r}", POWER),
    _E.sigmoid.op: _calling("sigmoid"),
    _E.relu.op: _calling("np.maximum", ", 0"),
    _E.softplus.op: _calling("np.logaddexp", ", 0"),
    _E.where.op: _calling("np.where"),
    _E._clip.op: _clip,
    _L._linear.op: _filled("{0} @ {1}.T", PRODUCT),
    _L._affine.op: _filled("{0} @ {1}.T + {2}", SUM),
    _R._root.op: _calling("np.sqrt"),
    _R._logsumexp.op: _logsumexp,
    _S._reshape.op: _reshape,
    _S._permute.op: _permute,
    _S._broadcast_to.op: _filled("np.broadcast_to({a}, {y.shape})"),
    _S.sum_to.op: _sum_to,
    _S._cat.op: lambda made: Piece(
        f"np.concatenate([{', '.join(a.plain for a in made.arguments)}], axis={made.node.attrs['dim']})"
    ),
    _S._pad.op: _pad,
    **{call.op: _filled('{0}.astype("{y.dtype}")') for call in (_S.cast, _S.discrete)},
    _S.clone.op: lambda made: made[0],
    **dict.fromkeys(_scatters, _scattered),
    **{getattr(_M, f"_{n}").op: _calling(f"np.linalg.{n}") for n in ("inv", "solve", "det", "cholesky")},
    **{getattr(_X, n).op: _calling(n) for n in ("erf", "erfc", "erfinv")},
    _Ls._lstm.op: _steps("lstm"),
    _Ls._lstm_back.op: _steps("lstm_backward"),
    _G._gru.op: _steps("gru"),
    _G._gru_back.op: _steps("gru_backward"),
    _G._rnn.op: _steps("rnn"),
    _G._rnn_back.op: _steps("rnn_backward", (0, 1, 3, 4)),
    _M._pinv.op: _pinv,
    _M._sign_of_det.op: _filled("np.linalg.slogdet({a})[0]"),
    _M._logdet.op: _filled("np.linalg.slogdet({a})[1]"),
    _M._eigh.op: lambda made: _packed("eigh({a}" + ("" if made.node.attrs["lower"] else ', "U"') + ")")(made),
    _M._svd.op: _packed("svd({a}, full_matrices=False)"),
    _M._qr.op: _packed("qr({a})"),
    _Pi.put_at.op: _put,
    _Pr._einsum.op: _einsum,
    _St._median.op: _filled('np.quantile({a}, 0.5, method="lower")'),
    _Ma._nan_to_num.op: _nan_to_num,
    _Sc._sums.op: _filled("np.cumsum({a}, axis={dim})"),
    _E.reciprocal.op: _filled("1 / {a}", PRODUCT),
    _Ma.rsqrt.op: _filled("1 / np.sqrt({a})", PRODUCT),
    _Ma.sinc.op: _calling("np.sinc"),
    _F._one_hot.op: _one_hot,
    _F._softmax.op: _filled("softmax({a}{axis})"),
    _F._log_softmax.op: _filled("log_softmax({a}{axis})"),
    _F._cross_entropy_of_rows.op: _filled("-np.sum(log_softmax({a}) * {1}, axis=-1)", NEGATIVE),
    _F._cross_entropy.op: _cross_entropy,
    _F._mean.op: _mean,
    _F._squared_error.op: _total("({0} - {1})**2"),
    _F._absolute_error.op: _total("np.abs({0} - {1})"),
    _F._logistic_loss.op: _total("np.logaddexp(0, {a}) - {0} * {1}"),
}
recurrences = {_Ls._lstm_back.op, _G._gru_back.op, _G._rnn_back.op}  # one serves several rules
numpy_style = Style(identifier, Piece, literal, code, helpers.taken)
