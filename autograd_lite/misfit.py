"""Shapes that do not fit, drawn one under the other, with the one edit that makes them fit.

An op that raises ValueError ends here (`explained`), and nothing here runs before. An edit is proposed only after it
was tried on the shapes: with it the op would run, and no operand would be repeated in ways that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from math import prod
from typing import Any

import numpy as np

from autograd_lite.operands import labels, operand_names

Shape = tuple[int, ...]
Rows = list[tuple[str, Shape]]  # what each operand is called, and its shape
Edit = tuple[str, Shape]  # code, and the shape that it gives


def drawn(rows: Rows, marked: Sequence[set[int]]) -> str:
    """The shapes right-aligned; under each, carets at the axes marked for it (counted from the right: -1 is last).

    >>> print(drawn([("x", (8, 100)), ("w", (10,))], [{-1}, {-1}]))
        x  (8, 100)
        w      (10)
                ^^^
    """
    ndim = max(len(shape) for _, shape in rows)
    widths = [max([len(str(shape[k])) for _, shape in rows if len(shape) >= -k] or [0]) for k in range(-ndim, 0)]
    label = max(len(name) for name, _ in rows)
    lines = []
    for n, (name, shape) in enumerate(rows):
        cells = [str(size).rjust(w) for size, w in zip(shape, widths[ndim - len(shape) :], strict=True)]
        lead = sum(w + 2 for w in widths[: ndim - len(shape)])
        inner = ", ".join(cells)
        blank = len(inner) - len(inner.lstrip())
        lines.append(f"    {name.ljust(label)}  {' ' * (lead + blank)}({inner.lstrip()})")
        here = marked[n]
        if here and (n + 1 == len(rows) or marked[n + 1] != here):
            marks = "  ".join(("^" if k in here else " ") * w for k, w in zip(range(-ndim, 0), widths, strict=True))
            lines.append(f"    {' ' * label}   {marks}".rstrip())
    return "\n".join(lines)


def explained(op: Any, args: Sequence[Any], attrs: dict[str, Any], error: ValueError) -> ValueError:
    """The error to raise in place of one from an op's forward function: with the shapes drawn, if it is about them."""
    shapes = [_shape(a) for a in args]
    tell = _kinds.get(op.name, _broadcast if "broadcast" in str(error) else None)
    if tell is None:
        return error
    try:
        text = tell(op.name, list(zip(labels(op, args), shapes, strict=True)), attrs)
    except Exception:  # a drawing is a service: the error itself matters more
        text = None
    if text is None:
        return error
    better = ValueError(text)
    better.__cause__ = error
    return better


def _shape(value: Any) -> Shape:
    return tuple(value.shape) if hasattr(value, "shape") else np.shape(value)


def loss_error(loss: str, input: Any, target: Any) -> ValueError:
    """The error of an elementwise loss whose input and target have different shapes."""
    names = operand_names([input, target])
    a, b = _shape(input), _shape(target)
    target_name = names[1] or "target"
    rows = [(names[0] or "input", a), (target_name, b)]
    fix = next((code for code, shape in _edits(target_name, b, a) if shape == a), None)
    return ValueError(
        f"{loss}: input {a} and target {b} have different shapes, and broadcasting them would compare every input "
        f"with every target{_would_fit(fix)}\n\n{drawn(rows, [_unlike(a, b)] * 2)}"
    )


def stack_error(tensors: Sequence[Any]) -> ValueError:
    """The error of `stack` for tensors that have not all one shape."""
    shapes = [_shape(t) for t in tensors]
    names = operand_names(list(tensors))
    rows = [(name or f"number {k + 1}", shape) for k, (name, shape) in enumerate(zip(names, shapes, strict=True))]
    if not rows:
        return ValueError("stack needs at least one tensor")
    odd = next(k for k, (_, shape) in enumerate(rows) if shape != shapes[0])
    fix = next((code for code, shape in _edits(*rows[odd], shapes[0]) if shape == shapes[0]), None)
    if fix is None and (dims := _only_differ(shapes)):
        fix = f"al.cat along dim {dims[0]}"
    marks = _unlike(shapes[0], shapes[odd])
    return ValueError(
        f"stack needs tensors of one shape, and {rows[odd][0]} is {shapes[odd]} where the first is {shapes[0]}"
        f"{_would_fit(fix)}\n\n{_some(rows, [marks] * len(rows), odd)}"
    )


# ---------------------------------------------------------------------------------------------- kinds of op


def _broadcast(op: str, rows: Rows, attrs: dict[str, Any]) -> str | None:
    """Operands that are broadcast against each other; None where they can be: the error is another."""
    pair = _clash([shape for _, shape in rows])
    if pair is None:
        return None
    first, second, axis = pair
    (a, p), (b, q) = rows[first], rows[second]
    fix = next((code for code, new, other, old in _either(rows[first], rows[second]) if _same(new, other, old)), None)
    return (
        f"{op}: {a} {p} and {b} {q} do not broadcast: in dimension {axis} {p[axis]} is not {q[axis]}"
        f"{_would_fit(fix)}\n\n{drawn(rows, [{axis} if k in pair[:2] else set() for k in range(len(rows))])}"
    )


def _clash(shapes: Sequence[Shape]) -> tuple[int, int, int] | None:
    """The first two that do not broadcast, and the last axis in which they do not."""
    for axis in range(-1, -max((len(s) for s in shapes), default=0) - 1, -1):
        sizes = [(k, s[axis]) for k, s in enumerate(shapes) if len(s) >= -axis and s[axis] != 1]
        for k, size in sizes[1:]:
            if size != sizes[0][1]:
                return sizes[0][0], k, axis
    return None


def _same(new: Shape, other: Shape, old: Shape) -> bool:
    """Do they broadcast now, to the shape of one of them?"""
    try:
        return np.broadcast_shapes(new, other) in (other, new if len(new) == len(old) else other)
    except ValueError:
        return False


def _matmul(op: str, rows: Rows, attrs: dict[str, Any]) -> str | None:
    (a, p), (b, q) = rows
    if not p or not q:
        return f"matmul: {a} {p} @ {b} {q}: a number is no matrix; * multiplies by it"
    inner = -2 if len(q) > 1 else -1
    if p[-1] == q[inner]:
        pair = _clash([p[:-2], q[:-2]])
        if pair is None:
            return None
        text = f"the leading dimensions {p[:-2]} and {q[:-2]} do not broadcast"
        marks: list[set[int]] = [{pair[2] - 2}] * 2
        return f"matmul: {a} {p} @ {b} {q}: {text}\n\n{drawn(rows, marks)}"
    tries = [(code, (p, new)) for code, new in _turns(b, q)] + [(code, (new, q)) for code, new in _turns(a, p)]
    tries += [
        ("the other order" if " " in a + b else f"{b} @ {a}", (q, p)),
        *((code, (new, q)) for code, new in _flattened(a, p)),
    ]
    fix = next((code for code, shapes in tries if _multiply(*shapes)), None)
    return (
        f"matmul: {a} {p} @ {b} {q}: the last size of the first, {p[-1]}, is not {q[inner]}, the rows of the second"
        f"{_would_fit(fix)}\n\n{drawn(rows, [{-1}, {inner}])}"
    )


def _multiply(p: Shape, q: Shape) -> bool:
    """Can matrices of these shapes be multiplied?"""
    return p[-1] == q[-2 if len(q) > 1 else -1] and _clash([p[:-2], q[:-2]]) is None


def _linear(op: str, rows: Rows, attrs: dict[str, Any]) -> str | None:
    (x, p), (w, q), *bias = rows
    text = "do not fit: a weight is (out, in), the input's last size is in, a bias is (out,)"
    marks, fix = [set[int]() for _ in rows], None
    if len(q) == 2 and p and p[-1] == q[1] and bias:
        marks[1], marks[2] = {-2}, {-1}
        fix = f"a bias of shape ({q[0]},)"
    else:
        marks[0] = marks[1] = {-1}
        tries = [(code, (new, q)) for code, new in _flattened(x, p)]
        tries += [(code, (p, new)) for code, new in _turns(w, q)]
        tries += [(code, (new, q)) for code, new in (*_turns(x, p), *_columns(x, p))]
        fix = next((c for c, (new, weight) in tries if len(weight) == 2 and new[-1:] == weight[1:]), None)
        if fix is None and p and len(q) == 2:
            fix = f"a layer with in_features={p[-1]}"
    named = ", ".join(f"{role} {shape}" for role, (_, shape) in zip(("input", "weight", "bias"), rows, strict=False))
    return f"linear: {named} {text}{_would_fit(fix)}\n\n{drawn(rows, marks)}"


def _cat(op: str, rows: Rows, attrs: dict[str, Any]) -> str | None:
    dim, shapes = attrs["dim"], [shape for _, shape in rows]
    first = shapes[0]
    odd = next((k for k, s in enumerate(shapes) if len(s) != len(first) or _but(s, dim) != _but(first, dim)), None)
    if odd is None:
        return None
    others = [s for k, s in enumerate(shapes) if k != odd]
    tries = [*_turns(*rows[odd]), *_lifted(*rows[odd]), *_lowered(*rows[odd])]
    dims = _only_differ(shapes)
    fix = f"dim={dims[0]}" if dims else None
    for code, new in tries if fix is None else []:
        if all(len(s) == len(new) and _but(s, dim) == _but(new, dim) for s in others):
            fix = code
            break
    if len(shapes[odd]) != len(first):
        what = f"has {len(shapes[odd])} dimensions where the first has {len(first)}"
        marks: set[int] = set()
    else:
        marks = {d for d in _unlike(shapes[odd], first) if d != dim - len(first)}
        axis = max(marks) + len(first)
        what = f"has {shapes[odd][axis]} in dimension {axis} where the first has {first[axis]}"
    return (
        f"cat along dim {dim}: all other sizes are equal, and {rows[odd][0]} {shapes[odd]} {what}{_would_fit(fix)}"
        f"\n\n{_some(rows, [marks] * len(rows), odd)}"
    )


def _but(shape: Shape, dim: int) -> Shape:
    return (*shape[:dim], *shape[dim + 1 :])


def _only_differ(shapes: Sequence[Shape]) -> list[int]:
    """The dimensions along which tensors of these shapes can be concatenated."""
    ndims = {len(s) for s in shapes}
    return [d for d in range(len(shapes[0])) if len({_but(s, d) for s in shapes}) == 1] if len(ndims) == 1 else []


def _reshape(op: str, rows: Rows, attrs: dict[str, Any]) -> str | None:
    (x, p), want = rows[0], attrs["shape"]
    count, known = prod(p), prod(n for n in want if n != -1)
    if sum(n == -1 for n in want) > 1 or any(n < -1 for n in want) or (count == known and -1 not in want):
        return None
    takes = f"a multiple of {known}" if -1 in want else str(known)
    tries = [(*want[:k], -1, *want[k + 1 :]) for k in range(len(want))] if -1 not in want else []
    tries += [(n, -1) for n in p[:1] if want[:1] != (n,) or len(want) > 1]
    fix = next((t for t in tries if count and prod(t) and count % abs(prod(t)) == 0), None)
    gives = "" if fix is None else tuple(count // abs(prod(fix)) if n == -1 else n for n in fix)
    edit = None if fix is None else f"reshape({', '.join(map(str, fix))}), which gives {gives},"
    drawing = drawn([(x, p), ("asked for", tuple(want))], [set(), set()])
    return f"reshape: {x} {p} has {count} numbers, and {tuple(want)} takes {takes}{_would_fit(edit)}\n\n{drawing}"


def _stretch(op: str, rows: Rows, attrs: dict[str, Any]) -> str | None:
    (x, p), want = rows[0], tuple(attrs["shape"])
    wrong = {k for k in range(-len(p), 0) if len(want) < -k or p[k] not in (1, want[k])}
    if not wrong:
        return None
    fix = next((code for code, new in _edits(x, p, want) if _broadcasts_to(new, want)), None)
    drawing = drawn([(x, p), ("asked for", want)], [wrong] * 2)
    return f"{op}: {x} {p} does not broadcast to {want}{_would_fit(fix)}\n\n{drawing}"


def _broadcasts_to(shape: Shape, want: Shape) -> bool:
    return len(shape) <= len(want) and all(shape[k] in (1, want[k]) for k in range(-len(shape), 0))


_Told = Callable[[str, Rows, dict[str, Any]], str | None]
_kinds: dict[str, _Told] = {
    "matmul": _matmul,
    "linear": _linear,
    "affine": _linear,
    "cat": _cat,
    "reshape": _reshape,
    "broadcast_to": _stretch,
}


# ---------------------------------------------------------------------------------------------- edits


def _would_fit(fix: str | None) -> str:
    return "" if fix is None else f": {fix} would fit"


def _on(name: str, edit: str) -> str:
    """An edit of what has a name in the code, or of what is only called something."""
    return f"{name}.{edit}" if name.replace(".", "").isidentifier() else f".{edit} of {name}"


def _turns(name: str, shape: Shape) -> Iterator[Edit]:
    if len(shape) > 1:
        yield _on(name, "T" if len(shape) == 2 else "mT"), (*shape[:-2], shape[-1], shape[-2])


def _flattened(name: str, shape: Shape) -> Iterator[Edit]:
    """All but the batch as one dimension, or all but more than that."""
    for d in range(1, len(shape) - 1):
        yield _on(name, f"flatten({d})"), (*shape[:d], prod(shape[d:]))


def _columns(name: str, shape: Shape) -> Iterator[Edit]:
    yield _on(name, "unsqueeze(-1)"), (*shape, 1)


def _lifted(name: str, shape: Shape) -> Iterator[Edit]:
    """With a new dimension of size 1, the last first."""
    for d in range(len(shape), -1, -1):
        yield _on(name, f"unsqueeze({-1 if d == len(shape) else d})"), (*shape[:d], 1, *shape[d:])


def _lowered(name: str, shape: Shape) -> Iterator[Edit]:
    """Without a dimension of size 1, the last first."""
    for d in range(len(shape) - 1, -1, -1):
        if shape[d] == 1:
            yield _on(name, f"squeeze({-1 if d == len(shape) - 1 else d})"), _but(shape, d)


def _edits(name: str, shape: Shape, towards: Shape) -> Iterator[Edit]:
    """What can be done to one operand in one edit, the likeliest first."""
    yield from _lifted(name, shape)
    yield from _lowered(name, shape)
    yield from _turns(name, shape)
    if len(shape) == 1 and len(towards) > 2:
        for d in range(len(towards) - 2, -1, -1):
            ones = (1,) * (len(towards) - 1 - d)
            yield _on(name, f"reshape(-1{', 1' * len(ones)})"), (*shape, *ones)
    if 2 < len(shape) == len(towards) <= 5:
        for order in permutations(range(len(shape))):
            yield _on(name, f"permute{order}"), tuple(shape[d] for d in order)


def _either(first: tuple[str, Shape], second: tuple[str, Shape]) -> Iterator[tuple[str, Shape, Shape, Shape]]:
    """(code, new shape, the other's, the old one), the operand with fewer dimensions first, else the second."""
    pairs = (
        [(second, first), (first, second)] if len(second[1]) <= len(first[1]) else [(first, second), (second, first)]
    )
    for (name, shape), (_, other) in pairs:
        yield from ((code, new, other, shape) for code, new in _edits(name, shape, other))


def _unlike(a: Shape, b: Shape) -> set[int]:
    """The axes, from the right, in which two shapes differ."""
    ndim = max(len(a), len(b))
    return {k for k in range(-ndim, 0) if len(a) < -k or len(b) < -k or a[k] != b[k]}


def _some(rows: Rows, marks: list[set[int]], odd: int) -> str:
    """The drawing of a few among many: the first and the odd one."""
    if len(rows) > 6:
        rows, marks = [rows[0], rows[odd]], marks[:2]
    return drawn(rows, marks)
