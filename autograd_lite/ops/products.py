"""Products of vectors, matrices and higher arrays, by PyTorch's names."""

from __future__ import annotations

import string
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from autograd_lite.core import Tensor, primitive
from autograd_lite.layer_misfit import einsum_error
from autograd_lite.memory import Array
from autograd_lite.ops.diagonals import diagonal
from autograd_lite.ops.elementwise import multiply
from autograd_lite.ops.linalg import matmul
from autograd_lite.ops.moving import movedim
from autograd_lite.ops.reduce import sum
from autograd_lite.ops.shape import _data, _operand, axes, permute, reshape, unsqueeze

__all__ = [
    "addbmm",
    "addmm",
    "addmv",
    "addr",
    "baddbmm",
    "bmm",
    "chain_matmul",
    "cross",
    "einsum",
    "ger",
    "inner",
    "kron",
    "mm",
    "multi_dot",
    "mv",
    "outer",
    "tensordot",
    "vdot",
    "vecdot",
]


def _refuse_dims(what: str, *wanted: tuple[Any, int]) -> None:
    """Raise ValueError unless each operand has as many dimensions as are wanted."""
    if any(np.ndim(_data(x)) != n for x, n in wanted):
        shapes = " and ".join(str(np.shape(_data(x))) for x, _ in wanted)
        kinds = {1: "a vector", 2: "a matrix", 3: "a batch of matrices"}
        raise ValueError(f"{what} takes {' and '.join(kinds[n] for _, n in wanted)}, and got {shapes}")


def mm(input: Any, mat2: Any) -> Tensor:
    """The product of two matrices. Raises ValueError for anything but two matrices that fit.

    >>> import autograd_lite as al
    >>> al.mm(al.tensor([[1.0, 2.0]]), al.tensor([[3.0], [4.0]])).tolist()
    [[11.0]]
    """
    _refuse_dims("mm", (input, 2), (mat2, 2))
    return matmul(input, mat2)


def mv(input: Any, vec: Any) -> Tensor:
    """A matrix times a vector. Raises ValueError for anything but a matrix and a vector that fit.

    >>> import autograd_lite as al
    >>> al.mv(al.ones(2, 2), al.tensor([1.0, 2.0]))
    tensor([3., 3.])
    """
    _refuse_dims("mv", (input, 2), (vec, 1))
    return matmul(input, vec)


def bmm(input: Any, mat2: Any) -> Tensor:
    """The products of as many pairs of matrices.

    Shapes (b, n, k) and (b, k, m) give (b, n, m). Raises ValueError for others.

    >>> import autograd_lite as al
    >>> al.bmm(al.ones(5, 1, 2), al.ones(5, 2, 3)).shape
    (5, 1, 3)
    """
    _refuse_dims("bmm", (input, 3), (mat2, 3))
    if np.shape(_data(input))[0] != np.shape(_data(mat2))[0]:
        raise ValueError(f"bmm takes as many of both, and got {np.shape(_data(input))} and {np.shape(_data(mat2))}")
    return matmul(input, mat2)


def vdot(input: Any, other: Any) -> Tensor:
    """The inner product of two vectors. Raises ValueError for anything but two vectors as long.

    >>> import autograd_lite as al
    >>> al.vdot(al.tensor([1.0, 2.0]), al.tensor([3.0, 4.0]))
    tensor(11.)
    """
    _refuse_dims("vdot", (input, 1), (other, 1))
    return matmul(input, other)


def vecdot(x: Any, y: Any, *, dim: int = -1) -> Tensor:
    """The sum of the products over `dim`, the rest broadcast.

    >>> import autograd_lite as al
    >>> al.linalg.vecdot(al.ones(2, 3), al.ones(3))
    tensor([3., 3.])
    """
    return sum(multiply(x, y), dim)


def outer(input: Any, vec2: Any) -> Tensor:
    """All products of an element of one vector with one of the other: (n, m).

    Raises ValueError for anything but two vectors.

    >>> import autograd_lite as al
    >>> al.outer(al.tensor([1.0, 2.0]), al.tensor([3.0, 4.0])).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    _refuse_dims("outer", (input, 1), (vec2, 1))
    return multiply(unsqueeze(input, 1), vec2)


def inner(input: Any, other: Any) -> Tensor:
    """The sum over the last dimensions of both, which are equal; with a number, the product.

    >>> import autograd_lite as al
    >>> al.inner(al.ones(2, 3), al.ones(4, 3)).shape
    (2, 4)
    """
    a, b = _operand(input), _operand(other)
    return multiply(a, b) if not a.ndim or not b.ndim else tensordot(a, b, ([-1], [-1]))


def tensordot(a: Any, b: Any, dims: Any = 2) -> Tensor:
    """The sum over dimensions of both: the last of a with the first of b (a number), or ([of a], [of b]).

    Raises ValueError where their sizes differ.

    >>> import autograd_lite as al
    >>> al.tensordot(al.ones(2, 3, 4), al.ones(3, 4, 5)).shape
    (2, 5)
    """
    a, b = _operand(a), _operand(b)
    if isinstance(dims, int | np.integer):
        dims = range(a.ndim - int(dims), a.ndim), range(int(dims))
    of_a, of_b = (axes(_listed(d), x.ndim) for d, x in zip(dims, (a, b), strict=True))
    if [a.shape[d] for d in of_a] != [b.shape[d] for d in of_b]:
        raise ValueError(f"tensordot: {np.shape(a)} and {np.shape(b)} have other sizes along {of_a} and {of_b}")
    free_a, free_b = ([d for d in range(x.ndim) if d not in of] for x, of in ((a, of_a), (b, of_b)))
    shape_a, shape_b = [a.shape[d] for d in free_a], [b.shape[d] for d in free_b]
    size = prod(a.shape[d] for d in of_a)
    left = reshape(permute(a, (*free_a, *of_a)), (prod(shape_a), size))
    right = reshape(permute(b, (*of_b, *free_b)), (size, prod(shape_b)))
    return reshape(matmul(left, right), (*shape_a, *shape_b))


def _listed(dims: Any) -> tuple[int, ...]:
    return (int(dims),) if isinstance(dims, int | np.integer) else tuple(int(d) for d in dims)


def kron(input: Any, other: Any) -> Tensor:
    """The Kronecker product: each element of one times the whole other, as blocks.

    >>> import autograd_lite as al
    >>> al.kron(al.tensor([1.0, 2.0]), al.tensor([1.0, 10.0]))
    tensor([ 1., 10.,  2., 20.])
    """
    a, b = _operand(input), _operand(other)
    n = max(a.ndim, b.ndim)
    first, second = ((1,) * (n - x.ndim) + tuple(x.shape) for x in (a, b))
    left = reshape(a, [s for k in first for s in (k, 1)])
    right = reshape(b, [s for k in second for s in (1, k)])
    return reshape(multiply(left, right), [j * k for j, k in zip(first, second, strict=True)])


def cross(input: Any, other: Any, dim: int | None = None) -> Tensor:
    """The cross product of vectors of three along `dim` (the first dimension of size 3), the rest broadcast.

    Raises ValueError where there are no vectors of three.

    >>> import autograd_lite as al
    >>> al.cross(al.tensor([1.0, 0.0, 0.0]), al.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    a, b = _operand(input), _operand(other)
    whole = np.broadcast_shapes(a.shape, b.shape)
    if dim is None:
        if 3 not in whole:
            raise ValueError(f"cross: no dimension of {whole} has the size 3")
        dim = whole.index(3)
    (d,) = axes(dim, len(whole))
    a, b = (x if x.ndim == len(whole) else reshape(x, (1,) * (len(whole) - x.ndim) + tuple(x.shape)) for x in (a, b))
    if a.shape[d] != 3 or b.shape[d] != 3:
        raise ValueError(f"cross: vectors of three along dim {dim}, and not {np.shape(a)} and {np.shape(b)}")
    a, b = movedim(a, d, -1), movedim(b, d, -1)
    next_, last = [1, 2, 0], [2, 0, 1]
    return movedim(a[..., next_] * b[..., last] - a[..., last] * b[..., next_], -1, d)


def chain_matmul(*matrices: Any) -> Tensor:
    """The product of several matrices, in the order that costs least.

    >>> import autograd_lite as al
    >>> al.chain_matmul(al.ones(2, 3), al.ones(3, 4), al.ones(4, 1)).shape
    (2, 1)
    """
    return multi_dot(matrices)


def multi_dot(tensors: Sequence[Any]) -> Tensor:
    """The product of two or more matrices, in the order that costs least; the first and last may be vectors.

    Raises ValueError for none.

    >>> import autograd_lite as al
    >>> al.linalg.multi_dot([al.ones(3), al.ones(3, 4), al.ones(4)])
    tensor(12.)
    """
    chain = [_operand(t) for t in tensors]
    if not chain:
        raise ValueError("multi_dot needs at least one matrix")
    sizes = [1 if chain[0].ndim == 1 else chain[0].shape[0]]
    sizes += [1 if x.ndim == 1 and k and k == len(chain) - 1 else x.shape[-1] for k, x in enumerate(chain)]
    n, cost, cut = len(chain), dict[tuple[int, int], int](), dict[tuple[int, int], int]()
    for i in range(n):
        cost[i, i] = 0
    for length in range(1, n):  # by dynamic programming over ever longer parts of the chain
        for i in range(n - length):
            j = i + length
            ways = {m: cost[i, m] + cost[m + 1, j] + sizes[i] * sizes[m + 1] * sizes[j + 1] for m in range(i, j)}
            cut[i, j] = min(ways, key=ways.__getitem__)
            cost[i, j] = ways[cut[i, j]]
    return _multiplied(chain, cut, 0, n - 1)


def _multiplied(chain: Sequence[Any], cut: dict[tuple[int, int], int], i: int, j: int) -> Tensor:
    if i == j:
        return _operand(chain[i])
    return matmul(_multiplied(chain, cut, i, cut[i, j]), _multiplied(chain, cut, cut[i, j] + 1, j))


# A product added to something


def _added(input: Any, product: Any, beta: float, alpha: float) -> Tensor:
    product = _operand(product) if alpha == 1 else multiply(product, alpha)
    if beta == 0:  # then the input does not count, not even its NaN
        return _operand(product)
    total: Tensor = (_operand(input) if beta == 1 else multiply(input, beta)) + product
    return total


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * (mat1 @ mat2), of matrices.

    >>> import autograd_lite as al
    >>> al.addmm(al.ones(1, 1), al.ones(1, 2), al.ones(2, 1), alpha=10).tolist()
    [[21.0]]
    """
    return _added(input, mm(mat1, mat2), beta, alpha)


def addmv(input: Any, mat: Any, vec: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * (mat @ vec).

    >>> import autograd_lite as al
    >>> al.addmv(al.ones(1), al.ones(1, 2), al.ones(2))
    tensor([3.])
    """
    return _added(input, mv(mat, vec), beta, alpha)


def addr(input: Any, vec1: Any, vec2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * outer(vec1, vec2).

    >>> import autograd_lite as al
    >>> al.addr(al.ones(1, 2), al.ones(1), al.tensor([1.0, 2.0])).tolist()
    [[2.0, 3.0]]
    """
    return _added(input, outer(vec1, vec2), beta, alpha)


def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * bmm(batch1, batch2): (b, n, p) of batches (b, n, m) and (b, m, p).

    >>> import autograd_lite as al
    >>> al.baddbmm(al.ones(2, 1, 4), al.ones(2, 1, 3), al.ones(2, 3, 4)).tolist()
    [[[4.0, 4.0, 4.0, 4.0]], [[4.0, 4.0, 4.0, 4.0]]]
    """
    return _added(input, bmm(batch1, batch2), beta, alpha)


def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """beta * input + alpha * the sum of all products of pairs: (n, p) of batches (b, n, m) and (b, m, p).

    >>> import autograd_lite as al
    >>> al.addbmm(al.zeros(1, 4), al.ones(2, 1, 3), al.ones(2, 3, 4)).tolist()
    [[6.0, 6.0, 6.0, 6.0]]
    """
    return _added(input, sum(bmm(batch1, batch2), 0), beta, alpha)


# Einstein's sum


def _einsum_rule(g: Any, i: int, xs: tuple[Any, ...], form: tuple[str, ...]) -> Any:
    """The same sum with the gradient in the place of operand i, and its letters as the result."""
    *given, out = form
    others = [k for k in range(len(xs)) if k != i]
    return _einsum(g, *(xs[k] for k in others), form=(out, *(given[k] for k in others), given[i]))


@primitive(xs=_einsum_rule)
def _einsum(*xs: Array, form: tuple[str, ...]) -> Any:
    """Each letter of an operand is in another or in the result, and no operand has one twice."""
    return np.einsum(f"{','.join(form[:-1])}->{form[-1]}", *xs, optimize=len(xs) > 1)


def einsum(equation: Any, *operands: Any) -> Tensor:
    """Einstein's sum: `einsum("ij,jk->ik", a, b)` is the product of matrices.

    A letter stands for a dimension; over those that are not in the result is summed. Without "->" the result has the
    letters that occur once, in alphabetical order. "..." stands for dimensions that are broadcast. Numbers in place of
    letters follow their operands, and the result's come last: `einsum(a, [0, 1], b, [1, 2], [0, 2])`. Raises ValueError
    where the letters do not fit the operands.

    >>> import autograd_lite as al
    >>> al.einsum("ij,ij->i", al.ones(2, 3), al.ones(2, 3))
    tensor([3., 3.])
    """
    if not isinstance(equation, str):
        equation, operands = _lettered((equation, *operands))
    tensors = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], list | tuple) else list(operands)
    given, out = _letters(equation, [_operand(t) for t in tensors])
    words, whole = list(given), list(tensors)
    for k in range(len(tensors)):
        tensors[k], given[k] = _single(_operand(tensors[k]), given[k])
    sizes: dict[str, int] = {}
    for word, x in zip(given, tensors, strict=True):
        for letter, n in zip(word, x.shape, strict=True):
            if sizes.setdefault(letter, n) != n and 1 not in (sizes[letter], n):
                raise einsum_error(equation, words, whole)
            sizes[letter] = max(sizes[letter], n) if n != 0 else 0
    for k, word in enumerate(given):  # what is in no other and not in the result is summed first
        elsewhere = {*out, *"".join(given[:k] + given[k + 1 :])}
        alone = [d for d, letter in enumerate(word) if letter not in elsewhere]
        if alone:
            tensors[k] = sum(tensors[k], tuple(alone))
            given[k] = "".join(letter for letter in word if letter in elsewhere)
    if len(tensors) == 1:
        return permute(tensors[0], tuple(given[0].index(letter) for letter in out)) if out else tensors[0]
    return _einsum(*tensors, form=(*given, out))


def _lettered(given: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The equation and the operands of a call with numbers in place of letters."""
    lists, letters, n = given[1::2] + given[-1:] * (len(given) % 2), string.ascii_letters, len(given) // 2
    if not all(isinstance(w, list | tuple) and all(k is ... or k in range(52) for k in w) for w in lists):
        raise ValueError(
            f"einsum takes an equation first, or a list of numbers from 0 to 51 after each operand: {lists}"
        )
    words = ["".join("..." if k is ... else letters[k] for k in word) for word in lists]
    return ",".join(words[:n]) + "".join("->" + word for word in words[n:]), given[: 2 * n : 2]


def _letters(equation: str, operands: Sequence[Any]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, those that "..." stands for written out."""
    left, arrow, out = equation.replace(" ", "").replace("...", ".").partition("->")
    words = left.split(",")
    if len(words) != len(operands):
        raise ValueError(f"einsum: {equation!r} is for {len(words)} operands, and got {len(operands)}")
    lost = [x.ndim - len(w.replace(".", "")) for w, x in zip(words, operands, strict=True)]
    if any(n < 0 or (n and "." not in w) for n, w in zip(lost, words, strict=True)):
        shapes = ", ".join(str(np.shape(x)) for x in operands)
        raise ValueError(f"einsum: {equation!r} has not a letter for each dimension of {shapes}")
    free = [c for c in string.ascii_letters if c not in equation][::-1]
    most = max((n for n, w in zip(lost, words, strict=True) if "." in w), default=0)
    dots = "".join(free[:most])
    words = [w.replace(".", dots[most - n :] if n else "") for w, n in zip(words, lost, strict=True)]
    if not arrow:
        joined = "".join(words)
        out = dots + "".join(sorted(c for c in set(joined) - set(dots) if joined.count(c) == 1))
    out = out.replace(".", dots)
    if not set(out) <= set("".join(words)) or len(set(out)) != len(out):
        raise ValueError(f"einsum: {equation!r}: each letter of the result is once there, and in an operand")
    return words, out


def _single(x: Any, word: str) -> tuple[Any, str]:
    """A diagonal for each letter that is there twice."""
    while len(set(word)) < len(word):
        letter = next(c for c in word if word.count(c) > 1)
        a, b = word.index(letter), word.rindex(letter)
        x = diagonal(x, 0, a, b)
        word = "".join(c for d, c in enumerate(word) if d not in (a, b)) + letter
    return x, word


ger = outer
