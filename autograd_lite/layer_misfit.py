"""Shapes that a layer, a loss or `einsum` refuses, drawn as `misfit` draws those of ops, with the edit that fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any

from autograd_lite.misfit import Edit, Rows, Shape, _edits, _lifted, _lowered, _on, _shape, _unlike, _would_fit, drawn
from autograd_lite.operands import operand_names


def _named(**values: Any) -> Rows:
    """Operands under what they are called, else their role."""
    names = operand_names(list(values.values()))
    return [(name or role, _shape(v)) for name, (role, v) in zip(names, values.items(), strict=True)]


def _error(text: str, fix: str | None, rows: Rows, marks: Sequence[set[int]]) -> ValueError:
    return ValueError(f"{text}{_would_fit(fix)}\n\n{drawn(rows, marks)}")


def _first_to_fit(tries: Iterator[Edit], fits: Any) -> str | None:
    return next((code for code, shape in tries if fits(shape)), None)


def _channels_first(name: str, shape: Shape, dims: int) -> Iterator[Edit]:
    """An image whose channels are last, or that has none, as a convolution takes it."""
    if len(shape) > dims:
        d = len(shape) - dims - 1
        yield _on(name, f"movedim(-1, {d})"), (*shape[:d], shape[-1], *shape[d:-1])
        yield _on(name, f"unsqueeze({-dims - 1})"), (*shape[:-dims], 1, *shape[-dims:])


def channels_error(name: str, dims: int, input: Any, weight: Any, groups: int, transposed: bool) -> ValueError:
    """The error of a convolution for an input that has not the channels, or not the dimensions, that it takes."""
    rows = (x, p), (w, q) = _named(input=input, weight=weight)
    takes, axis = (q[0], -dims - 2) if transposed else (q[1] * groups, -dims - 1)

    def fits(shape: Shape) -> bool:
        return len(shape) in (dims + 1, dims + 2) and shape[-dims - 1] == takes

    fix = _first_to_fit(_channels_first(x, p, dims), fits) or _first_to_fit(_edits_of_rank(x, p), fits)
    if len(p) not in (dims + 1, dims + 2):
        form = ("N", takes, *"DHW"[3 - dims :])
        text = f"{name}: the input is ({', '.join(map(str, form))}), with or without N, and {x} has shape {p}"
        return _error(text, fix, [*rows, ("taken", form)], [set()] * 3)
    c = p[-dims - 1]
    if fix is None and groups > 1 and not transposed and c % q[1] == 0 and q[0] % (c // q[1]) == 0:
        fix = f"groups={c // q[1]}"
    elif fix is None and c % groups == 0:
        fix = f"a layer with in_channels={c}"
    grouped = f" with groups={groups}" if groups > 1 else ""
    text = f"{name}: {x} {p} has {c} channels, and {w} {q} takes {takes}{grouped}"
    return _error(text, fix, rows, [{-dims - 1}, {axis}])


def _edits_of_rank(name: str, shape: Shape) -> Iterator[Edit]:
    yield from _lowered(name, shape)
    yield from _lifted(name, shape)


def form_error(name: str, dims: int, input: Any) -> ValueError:
    """The error of a pool and its kin for an input of another number of dimensions."""
    ((x, p),) = rows = _named(input=input)
    form = ("N", "C", *"DHW"[3 - dims :])
    fix = _first_to_fit(_edits_of_rank(x, p), lambda shape: len(shape) in (dims + 1, dims + 2))
    text = f"{name}: the input is ({', '.join(form)}), with or without N, and {x} has shape {p}"
    return _error(text, fix, [*rows, ("taken", form)], [set()] * 2)


def kernel_error(name: str, input: Any, kernel: Shape, reach: Shape, widths: Sequence[tuple[int, int]]) -> ValueError:
    """The error for a kernel that reaches, dilation included, over more than an input with its padding."""
    ((x, p),) = rows = _named(input=input)
    dims = len(kernel)
    marks = {k - dims for k in range(dims) if reach[k] > p[k - dims] + sum(widths[k])}
    need = max(-(-(e - n) // 2) for e, n in zip(reach, p[-dims:], strict=True))
    fix = f"padding={need}" if len(set(widths)) == 1 and 2 * need <= min(kernel) else None
    over = "" if reach == kernel else f", which dilation spreads over {reach},"
    padded = " with its padding" if any(map(sum, widths)) else ""
    text = f"{name}: a kernel of {kernel}{over} is larger than {x} {p}{padded}"
    return _error(text, fix, [*rows, ("kernel", reach)], [marks] * 2)


def bias_error(name: str, bias: Any, channels: int) -> ValueError:
    """The error of a convolution for a bias of another size."""
    ((b, q),) = rows = _named(bias=bias)
    text = f"{name}: a bias has one number for each of {channels} channels, and {b} has shape {q}"
    fix = _first_to_fit(_edits(b, q, (channels,)), lambda shape: shape == (channels,))
    return _error(text, fix, [*rows, ("taken", (channels,))], [{-1}] * 2)


def classes_error(name: str, input: Any, target: Any, kind: str, probabilities: bool) -> ValueError:
    """The error of a loss over classes for a target that does not belong to its input; `kind` is the target's dtype."""
    (x, p), (y, t) = rows = _named(input=input, target=target)
    want = (*p[:1], *p[2:]) if len(p) > 1 else ()
    fix = None
    if kind.startswith(("int", "uint")):
        fix = _first_to_fit(_edits(y, t, want), lambda shape: shape == want)
        if fix is None and t == p:
            fix = _on(y, "argmax(1)")
        elif fix is None and len(p) > 2 and t == p[:-1]:
            fix = _on(x, "movedim(-1, 1)")
    elif t == want:
        fix = _on(y, "long()")
    elif probabilities:
        fix = _first_to_fit(_edits(y, t, p), lambda shape: shape == p)
    where = f"its {p[1]} classes in dimension 1" if len(p) > 1 else f"{p[0] if p else 'no'} classes"
    more = f" or probabilities of shape {p}" if probabilities else ""
    text = f"{name}: {x} {p} has {where}, so the target is integers of shape {want}{more}, and not {kind} of shape {t}"
    return _error(text, fix, [*rows, ("taken", want)], [{1 - len(p)} if len(p) > 1 else {-1}, _unlike(t, want), set()])


def sequence_error(name: str, input: Any, forms: Sequence[tuple[str, ...]], inputs: int) -> ValueError:
    """The error of a recurrent layer for an input of another size, or number of dimensions."""
    ((x, p),) = _named(input=input)
    taken = [(*form, inputs) for form in forms]

    def fits(shape: Shape) -> bool:
        return len(shape) in {len(form) for form in taken} and shape[-1] == inputs and 0 not in shape

    swaps = ((_on(x, f"transpose({d}, -1)"), _swapped(p, d)) for d in range(len(p) - 2, -1, -1))
    fix = _first_to_fit(swaps, fits) or _first_to_fit(_edits_of_rank(x, p), fits)
    if fix is None and len(p) in {len(form) for form in taken} and 0 not in p:
        fix = f"a layer with input_size={p[-1]}"
    said = " or ".join(f"({', '.join(map(str, form))})" for form in taken)
    text = f"{name}: the input is {said}, none of them 0, and {x} has shape {p}"
    form = next((form for form in taken if len(form) == len(p)), taken[0])
    marks = {-1} if p and p[-1] != inputs else set[int]()
    return _error(text, fix, [(x, p), ("taken", form)], [marks] * 2)  # type: ignore[list-item]


def _swapped(shape: Shape, d: int) -> Shape:
    return (*shape[:d], shape[-1], *shape[d + 1 : -1], shape[d])


def state_error(name: str, state: Any, want: Shape, batches_first: Shape | None) -> ValueError:
    """The error of a recurrent layer for a state to begin with; with batch_first it would be `batches_first`."""
    ((h, s),) = rows = _named(state=state)
    fix = _first_to_fit(_edits(h, s, want), lambda shape: shape == want)
    if s == batches_first:
        fix = "batch_first=True"
    text = f"{name}: a state to begin with has shape {want} here, and {h} has {s}"
    return _error(text, fix, [*rows, ("taken", want)], [_unlike(s, want)] * 2)


def attention_error(query: Any, key: Any, value: Any, takes: Sequence[int], heads: int) -> ValueError:
    """The error of attention for inputs that have not the features that they are projected from."""
    rows = _named(query=query, key=key, value=value)
    have = [shape[-1] for _, shape in rows]
    wrong = [k for k in range(3) if have[k] != takes[k]]
    fix = None
    if len(set(have)) == 1 and len(set(takes)) == 1 and have[0] % heads == 0:
        fix = f"a module with embed_dim={have[0]}"
    elif wrong in ([1], [2]):
        fix = f"a module with {'kdim' if wrong == [1] else 'vdim'}={have[wrong[0]]}"
    sizes = ", ".join(map(str, takes))
    text = f"MultiheadAttention: query, key and value end in {sizes}, and here in {', '.join(map(str, have))}"
    return _error(text, fix, rows, [{-1} if k in wrong else set() for k in range(3)])


def scores_error(query: Any, key: Any, value: Any) -> ValueError:
    """The error of scaled_dot_product_attention for sizes that have to be equal and are not."""
    rows = _named(query=query, key=key, value=value)
    q, k, v = (shape for _, shape in rows)
    marks: list[set[int]] = [{-1}, {-1}, set()] if q[-1:] != k[-1:] else [set(), {-2}, {-2}]
    text = f"scaled_dot_product_attention: query {q}, key {k} and value {v} do not fit"
    return _error(f"{text}: they are (..., L, E), (..., S, E) and (..., S, V)", None, rows, marks)


def features_error(name: str, input: Any, given: Any, role: str) -> ValueError:
    """The error of a normalization whose weights are for another number of channels."""
    (x, p), (w, q) = rows = _named(**{"input": input, role: given})
    fix = _on(x, "movedim(-1, 1)") if len(p) > 2 and q == p[-1:] else f"a layer with num_features={p[1]}"
    text = f"{name}: {x} {p} has {p[1]} channels in dimension 1, and {w} is for {q[0] if q else 'none'}"
    return _error(text, fix, rows, [{1 - len(p)}, {-1}])


def ending_error(name: str, input: Any, shape: Shape) -> ValueError:
    """The error of a normalization over last dimensions that the input has not."""
    ((x, p),) = rows = _named(input=input)
    ends = p[-len(shape) :] if len(shape) <= len(p) else ()
    text = f"{name}: an input that ends in {shape} was expected, and {x} is {p}"
    fix = f"a layer with normalized_shape={ends[0] if len(ends) == 1 else ends}" if ends else None
    return _error(text, fix, [*rows, ("taken", shape)], [_unlike(p[-len(shape) :], shape)] * 2)


def einsum_error(equation: str, words: Sequence[str], operands: Sequence[Any]) -> ValueError:
    """The error of `einsum` for a letter that stands for two sizes."""
    names, shapes = operand_names(list(operands)), [_shape(x) for x in operands]
    called = [name or f"number {k + 1}" for k, name in enumerate(names)]
    letter, (a, d), (b, e) = _two_sizes(words, shapes)
    tries = ((k, "".join(w)) for k, word in enumerate(words) if len(word) < 5 for w in permutations(word))
    fits = (new for k, w in tries if not _clash(new := [*words[:k], w, *words[k + 1 :]], shapes))
    left, arrow, out = equation.replace(" ", "").partition("->")
    found = None if "." in equation else next(fits, None)
    fix = None if found is None else repr(",".join(found) + arrow + out)
    text = (
        f"einsum: {equation!r}: {letter!r} is both {shapes[a][d]}, in {called[a]}, and {shapes[b][e]}, in {called[b]}"
    )
    labels = [(f"{name}  {word}", shape) for name, word, shape in zip(called, left.split(","), shapes, strict=True)]
    marks = [{d - len(word) for d, c in enumerate(word) if c == letter} for word in words]
    return _error(text, fix, labels, marks)


def _two_sizes(words: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, tuple[int, int], tuple[int, int]]:
    found = _clash(words, shapes)
    assert found is not None
    return found


def _clash(words: Sequence[str], shapes: Sequence[Shape]) -> tuple[str, tuple[int, int], tuple[int, int]] | None:
    """The first letter that has two sizes, and where: operand and dimension of each."""
    seen: dict[str, tuple[int, int]] = {}
    for k, word in enumerate(words):
        for d, letter in enumerate(word):
            n = shapes[k][d]
            if n == 1:
                continue
            i, j = seen.setdefault(letter, (k, d))
            if shapes[i][j] != n:
                return letter, (i, j), (k, d)
    return None
