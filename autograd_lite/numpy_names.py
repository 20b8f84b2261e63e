"""Which op stands for which function of NumPy: one table, from NumPy's function to its call in NumPy's own terms.

An entry names the op that it needs; `served` leaves out those whose op is not there. What NumPy has a name for and no
entry here is refused where a gradient would be lost, with what to write instead (`INSTEAD`) where that is known.
NumPy's third positional argument is mostly a dtype or out=, which nothing here serves: so the rest is by keyword.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from autograd_lite import ops as all_ops
from autograd_lite.core import Tensor
from autograd_lite.ops import elementwise, shape

Call = Callable[..., Any]
REMEDY = "writes behind the graph's back into a Tensor: write x[...] = v or x.copy_(v), which are noted"
ops: Any = all_ops  # an op is looked up where it is called


def _own(x: Any) -> Any:
    return x if isinstance(x, Tensor) else Tensor(np.asarray(x))


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    matrix = x.ndim == 2 if axis is None else np.size(axis) == 2
    if ord not in (None, 2, "fro") or (ord == 2 and matrix):
        raise TypeError(f"np.linalg.norm with ord={ord!r} has no derivative rule here; the Euclidean norm has")
    return ops.norm(x, 2, axis, keepdims)


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """np.split: equal parts, or cuts at places."""
    size, sections = ary.shape[axis], indices_or_sections
    if isinstance(sections, int | np.integer):
        if size % sections:
            raise ValueError(f"np.split: {size} does not divide into {sections} equal parts")
        return list(ops.split(ary, size // sections, axis))
    cuts = [0, *sections, size]
    return list(ops.split(ary, [b - a for a, b in pairwise(cuts)], axis))


def _concatenate(arrays: Any, /, axis: int | None = 0) -> Any:
    return ops.cat([ops.flatten(x) for x in arrays], 0) if axis is None else ops.cat(arrays, axis)


def _running(op: str) -> Call:
    """np.cumsum and its kin: without an axis, of all numbers in a row."""
    return lambda a, axis=None: getattr(ops, op)(ops.flatten(a) if axis is None else a, 0 if axis is None else axis)


def _take(a: Any, indices: Any, axis: int | None = None) -> Any:
    a = ops.flatten(_own(a)) if axis is None else _own(a)
    return a[shape.along(0 if axis is None else shape.axes(axis, a.ndim)[0], indices)]


def _quantile(op: str, share: float = 1.0) -> Call:
    return lambda a, q, axis=None, *, method="linear", keepdims=False: getattr(ops, op)(
        a, np.asarray(q) * share, axis, keepdims, interpolation=method
    )


def _median(op: str) -> Call:
    """NumPy's median is the middle of the two middle ones; PyTorch's is the lower."""
    return lambda a, axis=None, *, keepdims=False: getattr(ops, op)(a, 0.5, axis, keepdims)


def _pad(array: Any, pad_width: Any, mode: str = "constant", *, constant_values: float = 0.0) -> Any:
    if mode != "constant" or np.ndim(constant_values):
        raise TypeError(
            "np.pad has no derivative rule here but with one constant: al.nn.functional.pad has other modes"
        )
    x = _own(array)
    pairs = np.broadcast_to(np.asarray(pad_width), (x.ndim, 2))
    return shape._pad(x, widths=tuple((int(a), int(b)) for a, b in pairs), value=float(constant_values))


def _solve(a: Any, b: Any) -> Any:
    """In NumPy b is a vector only where it has one dimension."""
    a, b = _own(a), _own(b)
    missing = a.ndim - b.ndim if b.ndim > 1 else 0
    return ops.solve(a, ops.reshape(b, ((1,) * missing) + b.shape))


def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    return ops.svd(a, full_matrices) if compute_uv else ops.svdvals(a)


def _cov(m: Any, *, bias: bool = False, ddof: int | None = None, fweights: Any = None, aweights: Any = None) -> Any:
    correction = ddof if ddof is not None else 0 if bias else 1
    return ops.cov(m, correction=correction, fweights=fweights, aweights=aweights)


def _nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    if not copy:
        raise TypeError(f"np.nan_to_num with copy=False {REMEDY}")
    return ops.nan_to_num(x, nan, posinf, neginf)


def _full_like(a: Any, fill_value: Any, dtype: Any = None) -> Any:
    return Tensor(np.full_like(_own(a).data, fill_value, dtype=dtype))


REDUCING: dict[Call, tuple[str, Call]] = {
    np.sum: ("sum", lambda a, axis=None, *, keepdims=False: ops.sum(a, axis, keepdims)),
    np.mean: ("mean", lambda a, axis=None, *, keepdims=False: ops.mean(a, axis, keepdims)),
    np.var: (
        "var",
        lambda a, axis=None, *, ddof=0, keepdims=False: ops.var(a, axis=axis, correction=ddof, keepdims=keepdims),
    ),
    np.std: (
        "std",
        lambda a, axis=None, *, ddof=0, keepdims=False: ops.std(a, axis=axis, correction=ddof, keepdims=keepdims),
    ),
    np.max: ("amax", lambda a, axis=None, *, keepdims=False: ops.amax(a, axis, keepdims)),
    np.min: ("amin", lambda a, axis=None, *, keepdims=False: ops.amin(a, axis, keepdims)),
    np.amax: ("amax", lambda a, axis=None, *, keepdims=False: ops.amax(a, axis, keepdims)),
    np.amin: ("amin", lambda a, axis=None, *, keepdims=False: ops.amin(a, axis, keepdims)),
    np.argmax: ("argmax", lambda a, axis=None, *, keepdims=False: ops.argmax(a, axis, keepdims)),
    np.argmin: ("argmin", lambda a, axis=None, *, keepdims=False: ops.argmin(a, axis, keepdims)),
    np.all: ("all", lambda a, axis=None, *, keepdims=False: ops.all(a, axis, keepdims)),
    np.any: ("any", lambda a, axis=None, *, keepdims=False: ops.any(a, axis, keepdims)),
    np.prod: ("prod", lambda a, axis=None, *, keepdims=False: ops.prod(a, axis, keepdims)),
    np.nansum: ("nansum", lambda a, axis=None, *, keepdims=False: ops.nansum(a, axis, keepdims)),
    np.nanmean: ("nanmean", lambda a, axis=None, *, keepdims=False: ops.nanmean(a, axis, keepdims)),
    np.count_nonzero: ("count_nonzero", lambda a, axis=None: ops.count_nonzero(a, axis)),
    np.median: ("quantile", _median("quantile")),
    np.nanmedian: ("nanquantile", _median("nanquantile")),
    np.quantile: ("quantile", _quantile("quantile")),
    np.nanquantile: ("nanquantile", _quantile("nanquantile")),
    np.percentile: ("quantile", _quantile("quantile", 0.01)),
    np.nanpercentile: ("nanquantile", _quantile("nanquantile", 0.01)),
    np.cov: ("cov", _cov),
    np.corrcoef: ("corrcoef", lambda x: ops.corrcoef(x)),
    np.cumsum: ("cumsum", _running("cumsum")),
    np.cumprod: ("cumprod", _running("cumprod")),
    np.diff: ("diff", lambda a, n=1, axis=-1, *, prepend=None, append=None: ops.diff(a, n, axis, prepend, append)),
    np.trapezoid: ("trapezoid", lambda y, x=None, dx=1.0, axis=-1: ops.trapezoid(y, x, dx=dx, dim=axis)),
    np.sort: (
        "sort",
        lambda a, axis=-1: ops.sort(ops.flatten(a) if axis is None else a, -1 if axis is None else axis)[0],
    ),
    np.argsort: (
        "argsort",
        lambda a, axis=-1: ops.argsort(ops.flatten(a) if axis is None else a, -1 if axis is None else axis),
    ),
}

MOVING: dict[Call, tuple[str, Call]] = {
    np.reshape: ("reshape", lambda a, shape: ops.reshape(a, shape)),
    np.ravel: ("flatten", lambda a: ops.flatten(a)),
    np.transpose: ("transpose", lambda a, axes=None: ops.transpose(a, axes)),
    np.swapaxes: ("transpose", lambda a, axis1, axis2: ops.transpose(a, axis1, axis2)),
    np.moveaxis: ("moveaxis", lambda a, source, destination: ops.moveaxis(a, source, destination)),
    np.squeeze: ("reshape", lambda a, axis=None: ops.reshape(a, np.squeeze(a.data, axis).shape)),
    np.expand_dims: ("reshape", lambda a, axis: ops.reshape(a, np.expand_dims(a.data, axis).shape)),
    np.atleast_1d: ("atleast_1d", lambda *arys: ops.atleast_1d(*arys)),
    np.atleast_2d: ("atleast_2d", lambda *arys: ops.atleast_2d(*arys)),
    np.atleast_3d: ("atleast_3d", lambda *arys: ops.atleast_3d(*arys)),
    np.broadcast_to: ("broadcast_to", lambda array, shape: ops.broadcast_to(array, shape)),
    np.broadcast_arrays: ("broadcast_tensors", lambda *args: ops.broadcast_tensors(*args)),
    np.concatenate: ("cat", _concatenate),
    np.stack: ("stack", lambda arrays, axis=0: ops.stack(arrays, axis)),
    np.hstack: ("hstack", lambda tup: ops.hstack(tup)),
    np.vstack: ("vstack", lambda tup: ops.vstack(tup)),
    np.dstack: ("dstack", lambda tup: ops.dstack(tup)),
    np.column_stack: ("column_stack", lambda tup: ops.column_stack(tup)),
    np.split: ("split", _split),
    np.array_split: ("tensor_split", lambda ary, sections, axis=0: list(ops.tensor_split(ary, sections, axis))),
    np.hsplit: ("hsplit", lambda ary, indices_or_sections: list(ops.hsplit(ary, indices_or_sections))),
    np.vsplit: ("vsplit", lambda ary, indices_or_sections: list(ops.vsplit(ary, indices_or_sections))),
    np.dsplit: ("dsplit", lambda ary, indices_or_sections: list(ops.dsplit(ary, indices_or_sections))),
    np.copy: ("clone", lambda a: ops.clone(a)),
    np.flip: ("flip", lambda m, axis=None: ops.flip(m, dims=tuple(range(m.ndim)) if axis is None else axis)),
    np.fliplr: ("fliplr", lambda m: ops.fliplr(m)),
    np.flipud: ("flipud", lambda m: ops.flipud(m)),
    np.rot90: ("rot90", lambda m, k=1, axes=(0, 1): ops.rot90(m, k, axes)),
    np.roll: ("roll", lambda a, shift, axis=None: ops.roll(a, shift, axis)),
    np.tile: ("tile", lambda A, reps: ops.tile(A, dims=(reps,) if isinstance(reps, int) else tuple(reps))),  # noqa: N803
    np.repeat: ("repeat_interleave", lambda a, repeats, axis=None: ops.repeat_interleave(a, repeats, axis)),
    np.pad: ("pad", _pad),
    np.take: ("getitem", _take),
    np.take_along_axis: ("take_along_dim", lambda arr, indices, axis=-1: ops.take_along_dim(arr, indices, axis)),
    np.tril: ("tril", lambda m, k=0: ops.tril(m, k)),
    np.triu: ("triu", lambda m, k=0: ops.triu(m, k)),
    np.diag: ("diag", lambda v, k=0: ops.diag(v, k)),
    np.diagflat: ("diagflat", lambda v, k=0: ops.diagflat(v, k)),
    np.diagonal: ("diagonal", lambda a, offset=0, axis1=0, axis2=1: ops.diagonal(a, offset, axis1, axis2)),
    np.meshgrid: ("meshgrid", lambda *xi, indexing="xy": ops.meshgrid(*xi, indexing=indexing)),
}

CHOOSING: dict[Call, tuple[str, Call]] = {
    np.clip: ("clamp", lambda a, a_min=None, a_max=None: ops.clamp(a, a_min, a_max)),
    np.where: ("where", elementwise.where),
    np.round: ("round", lambda a, decimals=0: ops.round(a, decimals=decimals)),
    np.fix: ("trunc", lambda x: ops.trunc(x)),
    np.sinc: ("sinc", lambda x: ops.sinc(x)),
    np.nan_to_num: ("nan_to_num", _nan_to_num),
    np.isclose: (
        "isclose",
        lambda a, b, rtol=1e-5, atol=1e-8, equal_nan=False: ops.isclose(a, b, rtol, atol, equal_nan),
    ),
    np.allclose: (
        "allclose",
        lambda a, b, rtol=1e-5, atol=1e-8, equal_nan=False: ops.allclose(a, b, rtol, atol, equal_nan),
    ),
    np.isposinf: ("isposinf", lambda x: ops.isposinf(x)),
    np.isneginf: ("isneginf", lambda x: ops.isneginf(x)),
    np.isin: ("isin", lambda element, test_elements, *, invert=False: ops.isin(element, test_elements, invert=invert)),
}

PRODUCTS: dict[Call, tuple[str, Call]] = {
    np.dot: ("dot", ops.dot),
    np.vdot: ("vdot", lambda a, b, /: ops.vdot(ops.flatten(_own(a)), ops.flatten(_own(b)))),
    np.inner: ("inner", lambda a, b, /: ops.inner(a, b)),
    np.outer: ("outer", lambda a, b: ops.outer(ops.flatten(_own(a)), ops.flatten(_own(b)))),
    np.kron: ("kron", lambda a, b: ops.kron(a, b)),
    np.cross: ("cross", lambda a, b, *, axis=-1: ops.cross(a, b, axis)),
    np.tensordot: ("tensordot", lambda a, b, axes=2: ops.tensordot(a, b, axes)),
    np.einsum: ("einsum", lambda subscripts, *operands: ops.einsum(subscripts, *operands)),
    np.trace: ("diagonal", lambda a, offset=0, axis1=0, axis2=1: ops.sum(ops.diagonal(a, offset, axis1, axis2), -1)),
    np.vander: ("vander", lambda x, N=None, increasing=False: ops.vander(x, N, increasing)),  # noqa: N803
    np.linalg.norm: ("norm", _norm),
    np.linalg.matmul: ("matmul", lambda x1, x2, /: ops.matmul(x1, x2)),
    np.linalg.outer: ("outer", lambda x1, x2, /: ops.outer(x1, x2)),
    np.linalg.cross: ("cross", lambda x1, x2, /, *, axis=-1: ops.cross(x1, x2, axis)),
    np.linalg.vecdot: ("vecdot", lambda x1, x2, /, *, axis=-1: ops.vecdot(x1, x2, dim=axis)),
    np.linalg.tensordot: ("tensordot", lambda x1, x2, /, *, axes=2: ops.tensordot(x1, x2, axes)),
    np.linalg.diagonal: ("diagonal", lambda x, /, *, offset=0: ops.diagonal(x, offset, -2, -1)),
    np.linalg.trace: ("diagonal", lambda x, /, *, offset=0: ops.sum(ops.diagonal(x, offset, -2, -1), -1)),
    np.linalg.matrix_transpose: ("transpose", lambda x, /: ops.transpose(x, -1, -2)),
    np.linalg.multi_dot: ("multi_dot", lambda arrays: ops.multi_dot(arrays)),
    np.linalg.matrix_power: ("matrix_power", lambda a, n: ops.matrix_power(a, n)),
    np.linalg.inv: ("inv", lambda a: ops.inv(a)),
    np.linalg.pinv: ("pinv", lambda a, *, rtol=None: ops.pinv(a, rtol=rtol)),
    np.linalg.det: ("det", lambda a: ops.det(a)),
    np.linalg.slogdet: ("slogdet", lambda a: ops.slogdet(a)),
    np.linalg.solve: ("solve", _solve),
    np.linalg.cholesky: ("cholesky", lambda a, /, *, upper=False: ops.cholesky(a, upper=upper)),
    np.linalg.eigh: ("eigh", lambda a, UPLO="L": ops.eigh(a, UPLO)),  # noqa: N803
    np.linalg.eigvalsh: ("eigvalsh", lambda a, UPLO="L": ops.eigvalsh(a, UPLO)),  # noqa: N803
    np.linalg.svd: ("svd", _svd),
    np.linalg.svdvals: ("svdvals", lambda x, /: ops.svdvals(x)),
    np.linalg.qr: ("qr", lambda a, mode="reduced": ops.qr(a, mode)),
    np.linalg.cond: ("cond", lambda x, p=None: ops.cond(x, p)),
    np.linalg.matrix_rank: ("matrix_rank", lambda A, *, rtol=None: ops.matrix_rank(A, rtol=rtol)),  # noqa: N803
    np.linalg.vector_norm: (
        "vector_norm",
        lambda x, /, *, axis=None, keepdims=False, ord=2: ops.vector_norm(x, ord, axis, keepdims),
    ),
    np.linalg.matrix_norm: (
        "matrix_norm",
        lambda x, /, *, keepdims=False, ord="fro": ops.matrix_norm(x, ord, keepdim=keepdims),
    ),
}

FILLING: dict[Call, Call] = {
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.data.size if axis is None else a.shape[axis],
    np.zeros_like: lambda a, dtype=None: Tensor(np.zeros_like(a.data, dtype=dtype)),
    np.ones_like: lambda a, dtype=None: Tensor(np.ones_like(a.data, dtype=dtype)),
    np.empty_like: lambda prototype, dtype=None: Tensor(np.empty_like(prototype.data, dtype=dtype)),
    np.full_like: _full_like,
}

# Without a derivative, whatever they are given: places, counts, answers
PLAIN: set[Call] = {
    *(np.argwhere, np.nonzero, np.flatnonzero, np.searchsorted, np.digitize, np.bincount, np.unique, np.histogram),
    *(np.array_equal, np.array_equiv, np.isreal, np.iscomplexobj, np.isrealobj, np.argpartition, np.lexsort),
    *(np.result_type, np.can_cast, np.min_scalar_type, np.array_repr, np.array_str, np.array2string, np.shares_memory),
}

UFUNCS: dict[np.ufunc, tuple[str, Call]] = {
    np.float_power: ("float_power", lambda a, b: ops.float_power(a, b)),
    np.ldexp: ("ldexp", lambda a, b: ops.ldexp(a, b)),
    np.vecdot: ("vecdot", lambda a, b, axis=-1: ops.vecdot(a, b, dim=axis)),
}

REDUCTIONS: dict[np.ufunc, str] = {
    np.add: "sum",
    np.maximum: "amax",
    np.minimum: "amin",
    np.multiply: "prod",
    np.logaddexp: "logsumexp",
    np.logical_and: "all",
    np.logical_or: "any",
}
ACCUMULATIONS: dict[np.ufunc, str] = {np.add: "cumsum", np.multiply: "cumprod"}

INSTEAD: dict[str, str] = {
    "np.append": "al.cat([x, y])",
    "np.apply_along_axis": "a loop over x.unbind(axis), and al.stack",
    "np.average": "(x * w).sum(dim) / w.sum(dim)",
    "np.cbrt": "al.sign(x) * al.abs(x) ** (1 / 3)",
    "np.convolve": "al.nn.functional.conv1d, with the kernel flipped",
    "np.correlate": "al.nn.functional.conv1d",
    "np.delete": "x[keep], with a mask of what stays",
    "np.extract": "x[mask]",
    "np.gradient": "(x[2:] - x[:-2]) / (2 * h)",
    "np.insert": "al.cat([x[:k], new, x[k:]])",
    "np.interp": "y0 + (y1 - y0) * (x - x0) / (x1 - x0), the places by np.searchsorted(xs, x.data)",
    "np.linalg.eig": "al.linalg.eigh, of a symmetric matrix",
    "np.linalg.eigvals": "al.linalg.eigvalsh, of a symmetric matrix",
    "np.linalg.lstsq": "al.linalg.lstsq",
    "np.linalg.tensorinv": "al.linalg.inv of x.reshape to a matrix",
    "np.nanmax": "al.where(al.isnan(x), -np.inf, x).amax(dim)",
    "np.nanmin": "al.where(al.isnan(x), np.inf, x).amin(dim)",
    "np.partition": "al.sort, or al.topk",
    "np.ptp": "x.amax(dim) - x.amin(dim)",
    "np.piecewise": "al.where, one inside the other",
    "np.select": "al.where, one inside the other",
    "np.unwrap": "x + 2 * np.pi * k, k being integers without a gradient",
    "np.multiply.outer": "x[..., None] * y",
    "np.add.outer": "x[..., None] + y",
    "np.subtract.outer": "x[..., None] - y",
    "np.true_divide.outer": "x[..., None] / y",
    "np.divide.outer": "x[..., None] / y",
    "np.subtract.reduce": "x[0] - x[1:].sum(0)",
}


def served(table: dict[Any, tuple[str, Call]]) -> dict[Any, Call]:
    """The entries of a table whose op is there."""
    return {function: call for function, (op, call) in table.items() if hasattr(ops, op)}


FUNCTIONS: dict[Call, Call] = {
    **{f: call for table in (REDUCING, MOVING, CHOOSING, PRODUCTS) for f, call in served(table).items()},
    **FILLING,
}
