"""Diagrams that are too large: chains of ops become one box, and of the rest the middle is left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from autograd_lite.core import Tensor
from autograd_lite.draw.diagram import Box, Diagram, Link, Options, fill, skeleton

_written = 6  # ops of a chain


def shortened_to(tensors: Sequence[Tensor], options: Options, most: int | None) -> Diagram:
    """The diagram of the graph under some tensors in so many boxes (None: any number)."""
    drawing = skeleton(tensors, options)
    made = drawing.made
    if options.fold == "chains" or (options.fold and most is not None and len(made.boxes) > most):
        join_chains(made)
    if most is not None and len(made.boxes) > most:
        leave_out(made, most)
    fill(drawing)
    return made


def join_chains(made: Diagram) -> None:
    """Ops on single entries, one after the other, as one box, where nothing else needs what is between them."""
    boxes = {box.id: box for box in made.boxes}
    leaving = Counter(link.start for link in made.links)
    after: dict[str, str] = {}
    labelled = {link.start for link in made.links if link.back or link.label}
    for link in made.links:
        if leaving[link.start] == 1:
            after[link.start] = link.end
    into: dict[str, Box] = {}  # what is joined to the last op of its chain
    chains: dict[Box, list[Box]] = {}
    taken: set[Box] = set()
    for box in reversed(made.boxes):  # results before operands
        middle = boxes.get(after.get(box.id, ""))
        last = boxes.get(after.get(middle.id, "")) if middle is not None else None
        if (
            middle is not None
            and last is not None
            and last not in taken
            and box.kind == last.kind == "op"
            and box.plain
            and middle.plain
            and last.plain
            and middle.id not in labelled
            and box.group is last.group
        ):
            taken.add(last)
            end = into[box.id] = into[middle.id] = into.get(last.id, last)
            chains.setdefault(end, [end]).append(box)
    if not chains:
        return
    for end, chain in chains.items():
        _name_chain(end, chain[::-1])
    made.boxes[:] = [box for box in made.boxes if box.id not in into]
    made.links[:] = _moved(made.links, {id: box.id for id, box in into.items()})
    joined = sum(map(len, chains.values()))
    made.folded.append(f"{joined:,} ops on single entries are joined to {len(chains):,} chains.")


def _name_chain(end: Box, chain: Sequence[Box]) -> None:
    words = [box.lines[0] for box in chain]
    shown = words if len(words) <= _written else [*words[: _written - 2], "…", words[-1]]
    lines = [", ".join(shown[k : k + 3]) + "," * (k + 3 < len(shown)) for k in range(0, len(shown), 3)]
    end.tip = f"{len(words)} ops on single entries: {', '.join(words[:40])}{', …' * (len(words) > 40)}"
    end.lines, end.ordered = tuple(lines), False


def _moved(links: Iterable[Link], into: dict[str, str]) -> list[Link]:
    """The links between what is left, each once."""
    found: dict[tuple[str, str, str, bool], Link] = {}
    extra = []
    for link in links:
        start, end = into.get(link.start, link.start), into.get(link.end, link.end)
        if start == end and (link.start in into or link.end in into):
            continue
        if (start, end) == (link.start, link.end):
            extra.append(link)
            continue
        known = found.get((start, end, link.label, link.back))
        if known is None:
            link.start, link.end = start, end
            found[start, end, link.label, link.back] = link
            extra.append(link)
        else:
            known.flows, known.main = known.flows or link.flows, known.main or link.main
    return extra


def leave_out(made: Diagram, most: int) -> None:
    """Keep the beginning and what is nearest to the results: a box says how much of the middle is not shown."""
    forward: dict[str, list[str]] = {box.id: [] for box in made.boxes}
    backward: dict[str, list[str]] = {box.id: [] for box in made.boxes}
    for link in made.links:
        if not link.back:
            forward[link.start].append(link.end)
            backward[link.end].append(link.start)
    room = max(most - 1, 1)
    kept = set(_nearest([box.id for box in reversed(made.boxes) if not forward[box.id]], backward, room - room // 2))
    ops = [box.id for box in sorted(made.boxes, key=lambda box: box.age) if box.kind == "op"]
    early = dict.fromkeys(id for op in ops for id in (*backward[op], op, *forward[op]))  # an op with its operands
    early |= dict.fromkeys(box.id for box in made.boxes)
    kept.update([id for id in early if id not in kept][: room - len(kept)])
    gone = [box for box in made.boxes if box.id not in kept]
    rest = Box(
        "rest", "rest", (f"… {_counted(gone)} not shown",), "the beginning is shown, and what is nearest to the result"
    )
    place = next(k for k, box in enumerate(made.boxes) if box.id not in kept)
    made.boxes[:] = [
        *(b for b in made.boxes[:place] if b.id in kept),
        rest,
        *(b for b in made.boxes[place:] if b.id in kept),
    ]
    made.links[:] = _moved(made.links, {box.id: "rest" for box in gone})
    made.folded.append(
        f"{_counted(gone)} are not shown: al.to_dot(t) has all, max_nodes= sets how many boxes there are."
    )


def _nearest(starts: Iterable[str], ways: dict[str, list[str]], most: int) -> list[str]:
    """The boxes that are nearest to some, going along the ways, at most so many."""
    found: list[str] = []
    seen: set[str] = set()
    level = list(starts)
    while level and len(found) < most:
        level = [id for id in dict.fromkeys(level) if id not in seen]
        found += level[: most - len(found)]
        seen.update(level)
        level = [other for id in level for other in ways[id]]
    return found


def _counted(gone: Iterable[Box]) -> str:
    counts = Counter[str](box.kind for box in gone)
    said = []
    for kind, what in (("op", "op"), ("parameter", "parameter"), ("constant", "constant")):
        if counts[kind]:
            said.append(f"{counts[kind]:,} {what}{'s' * (counts[kind] != 1)}")
    return " and ".join(
        [", ".join(said[:-1]), said[-1]] if len(said) > 1 else said or [f"{sum(counts.values()):,} boxes"]
    )
