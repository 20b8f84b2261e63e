"""Many products as one, as recurrence has them: of all inputs with one weight, and sums of them over the steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.compiler.ir import Instruction, Program, Var
from autograd_lite.compiler.passes import uses

FEWEST = 3  # products that are worth it


def merged(program: Program, fresh: Any) -> None:
    """Both, which find each other's work: the inputs in one product going forward, their gradients going back."""
    _inputs(program, fresh)
    _sums(program, fresh)


def _row(var: Any, makers: dict[Var, Instruction]) -> tuple[Var, int] | None:
    """The array and the number, where a value is a row x[number] of an array of three dimensions."""
    made = makers.get(var)
    if made is None or made.kind != "view" or made.function != "getitem":
        return None
    base, index = made.args[0], made.attrs["index"]
    number = index[0] if isinstance(index, tuple) and len(index) == 1 else index
    if not isinstance(number, int) or isinstance(number, bool) or len(base.shape or ()) != 3:
        return None
    return base, number % base.shape[0]


def _is_product(made: Instruction | None) -> bool:
    return made is not None and made.kind == "product" and made.function is np.dot and len(made.out.shape or ()) == 2


def _inputs(program: Program, fresh: Any) -> None:
    """x[0] w, x[1] w, ... as the rows of one product of all of x with w."""
    makers = {made.out: made for made in program.instructions}
    found: dict[tuple[Var, Any], dict[int, Instruction]] = {}
    for made in program.instructions:
        row = _row(made.args[0], makers) if _is_product(made) else None
        if row is not None and isinstance(made.args[1], Var):
            found.setdefault((row[0], made.args[1]), {})[row[1]] = made
    before: dict[Instruction, list[Instruction]] = {}
    for (base, w), rows in found.items():
        count, *size = base.shape or ()
        if len(rows) != count or count < FEWEST:
            continue
        one = rows[0].out
        assert one.shape is not None
        flat = fresh(base, (count * size[0], size[1]))
        product = fresh(one, (count * size[0], one.shape[1]))
        whole = fresh(one, (count, *one.shape))
        first = min(rows.values(), key=program.instructions.index)
        before[first] = [
            Instruction("view", "reshape", (base,), {"shape": flat.shape}, flat),
            Instruction("product", np.dot, (flat, w), {}, product),
            Instruction("view", "reshape", (product,), {"shape": whole.shape}, whole),
        ]
        for number, made in rows.items():
            made.kind, made.function, made.args, made.attrs = "view", "getitem", (whole,), {"index": number}
    program.instructions = [one for made in program.instructions for one in (*before.get(made, ()), made)]


def _sums(program: Program, fresh: Any) -> None:
    """aᵀb + cᵀd + ... as one product of a, c, ... in one array with b, d, ... in another."""
    makers, count = {made.out: made for made in program.instructions}, uses(program)
    gone: set[Instruction] = set()
    instead: dict[Instruction, list[Instruction]] = {}
    joined: dict[tuple[Var, ...], Var] = {}
    ends: list[Any] = []
    for last in reversed(program.instructions):
        adds, products = ([], []) if last in gone else _terms(last, makers, count)
        if len(products) >= FEWEST and last.out.size >= sum(v.size for v in products[0].uses()):
            gone.update(adds, products)
            ends.append((last, products))
    for last, products in reversed(ends):
        pairs = [(makers[p.args[0]].args[0], p.args[1]) for p in products]
        pairs.sort(key=lambda pair: -pair[0].number)  # gradients come last step first
        made: list[Instruction] = []
        left = _joined([a for a, _ in pairs], makers, joined, made, fresh)
        right = _joined([b for _, b in pairs], makers, joined, made, fresh)
        turned = fresh(left, (left.shape or ())[::-1])
        made.append(Instruction("view", "transpose", (left,), {"axes": (1, 0)}, turned))
        made.append(Instruction("product", np.dot, (turned, right), {}, last.out))
        instead[last] = made
    program.instructions = [
        one for made in program.instructions for one in instead.get(made, [] if made in gone else [made])
    ]


def _terms(
    last: Instruction, makers: dict[Var, Instruction], count: Counter[Var]
) -> tuple[list[Instruction], list[Instruction]]:
    """The additions and the products of which a value is the sum, or nothing."""
    adds: list[Instruction] = []
    products: list[Instruction] = []
    queue: list[Any] = [last]
    while queue:
        made = queue.pop()
        if made is None or (made is not last and count[made.out] != 1):
            return [], []
        if made.kind == "ufunc" and made.function is np.add and not made.attrs:
            if any(not isinstance(a, Var) or (a.shape, a.dtype) != (last.out.shape, last.out.dtype) for a in made.args):
                return [], []
            adds.append(made)
            queue += [makers.get(a) for a in made.args]
        elif _is_product(made) and all(isinstance(a, Var) and len(a.shape or ()) == 2 for a in made.args):
            turned = makers.get(made.args[0])
            if turned is None or turned.kind != "view" or turned.function != "transpose":
                return [], []
            products.append(made)
        else:
            return [], []
    return adds, products


def _joined(
    parts: Sequence[Var],
    makers: dict[Var, Instruction],
    joined: dict[tuple[Var, ...], Var],
    made: list[Instruction],
    fresh: Any,
) -> Var:
    """The rows of several matrices in one; rows of one array, if they are all of its, are seen and not copied."""
    rows = [_row(part, makers) for part in parts]
    base = rows[0][0] if rows[0] is not None else None
    shape = (sum((part.shape or ())[0] for part in parts), (parts[0].shape or ())[1])
    if base is not None and (base.shape or ())[:1] == (len(parts),) and rows == [(base, k) for k in range(len(parts))]:
        whole = fresh(base, shape)
        made.append(Instruction("view", "reshape", (base,), {"shape": shape}, whole))
        return whole  # type: ignore[no-any-return]
    key = tuple(parts)
    if key not in joined:
        joined[key] = fresh(parts[0], shape)
        made.append(Instruction("cat", np.concatenate, (key,), {"axis": 0}, joined[key]))
    return joined[key]
