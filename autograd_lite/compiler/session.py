"""One run of a step under a trace: what tensors, modules, rules and optimizers tell it."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from autograd_lite.compiler.guards import fixed, frozen, numeric, still
from autograd_lite.compiler.ir import Instruction, Place, Program, Var
from autograd_lite.compiler.proxy import TraceError, value_of
from autograd_lite.compiler.rows import TracedRows, refuse_range
from autograd_lite.compiler.trace import Trace
from autograd_lite.compiler.traced import Scalar, Traced
from autograd_lite.core import Node, Op, Tensor, op_of
from autograd_lite.creation import draws
from autograd_lite.memory import name_of
from autograd_lite.modes import contexts, mode
from autograd_lite.ops.fused import keep_mask
from autograd_lite.ops.index import _refuse_range, scatter_rows
from autograd_lite.random import Generator, state_of


class Session:
    """A step while it is traced. As `mode.tracer` it is told of every op, rule, module and update.

    The run is a real one: what it writes is written when it ends well, and nothing is when it does not.
    """

    def __init__(self, changing: frozenset[str] = frozenset()) -> None:
        self.trace, self.changing = Trace(), changing  # settings of optimizers that are read at each step
        self.trace.lowering = Session.lowered.__code__
        self.objects: list[tuple[Any, dict[str, Any]]] = []  # whose code was run, with the attributes that they had
        self.optimizers: list[tuple[Any, list[Any]]] = []  # that made a step, with their groups
        self.kept: list[tuple[Any, Tensor, Any]] = []  # what optimizers remember of parameters
        self.attributes: list[tuple[Any, Any]] = []  # of optimizers, as they were
        self.groups: list[dict[str, Any]] = []  # of optimizers, with something to train
        self.given: list[tuple[Tensor, Any]] = []  # what stands for arguments, and their arrays
        self.leaves: dict[Node, Tensor] = {}  # that were met
        self.met: list[tuple[Tensor, Node | None]] = []  # tensors from outside
        self.names: dict[int, str] = {}
        self.cleared: set[Node] = set()
        self.states: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}  # of optimizers, and what was in them
        self.watched: list[tuple[np.random.Generator, Any]] = []
        self.drew: set[int] = set()  # the generators that ops drew from
        self.checked: set[Any] = set()
        self.absent: list[Any] = []  # notes of leaves that had no gradient, and have one now
        self.final = True  # whether the next run will be the same

    def __enter__(self) -> Session:
        if mode.tracer is not None:
            raise TraceError("a compiled function is called while another one is traced: compile the outer one alone")
        contexts.count(1)
        mode.tracer = self
        self.states_before = _states()
        return self

    def __exit__(self, *exc: Any) -> None:
        """Leave everything as it was found."""
        mode.tracer = None
        contexts.count(-1)
        for found in self.trace.places.values():
            if found.place.kind not in ("setting", "argument"):
                found.place.put(found.original)
        for state, before in self.states.values():
            state.clear()
            state.update(before)
        for node in self.leaves:
            notes = node.annotate()
            if isinstance(notes.grad, Traced | TracedRows | Tensor) and (id(notes), "grad") not in self.trace.places:
                notes.grad = None
        for thing, before in self.objects:
            for name, value in list(vars(thing).items()):
                if isinstance(value, Tensor) and isinstance(value._array, Traced):
                    setattr(thing, name, before[name][0]) if name in before else delattr(thing, name)

    # Tensors

    def name(self, tensor: Tensor, name: str) -> None:
        """What a tensor is called, unless it has a name of its own; it is looked at from now on."""
        if tensor._array.dtype.kind != "O":
            self.names.setdefault(id(tensor), _name(tensor) or name)
            self.array_of(tensor)

    def array_of(self, tensor: Tensor) -> Any:
        """A tensor's array, traced; one from outside the step is met here first."""
        array = tensor._array
        if isinstance(array, Traced):
            return array
        name = self.names.get(id(tensor)) or _name(tensor)
        tensor._array = made = self.trace.found(Place("tensor", tensor, "_array", name))
        node = tensor.node
        self.met.append((tensor, node))
        if node is not None and node.op is None and node not in self.leaves:
            notes = node.annotate()
            self.leaves[node] = tensor
            if isinstance(notes.grad, np.ndarray):
                notes.grad = self.trace.found(Place("grad", notes, "grad", f"{name}_grad"))
        return made

    def assigned(self, tensor: Tensor, array: Any) -> Any:
        """What a tensor's `data` becomes; an array from outside is copied, in each step."""
        self.array_of(tensor)
        return array if isinstance(array, Traced) else self.fresh(np.asarray(array))

    def fresh(self, array: Any) -> Any:
        """An array that the step makes, of numbers that stay the same."""
        return array if isinstance(array, Traced) else self.trace.made("copy", None, (array,), array.copy())

    # What the core tells

    def call(self, op: Op, args: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
        """The result of an op, as something traced."""
        arrays = [self.array_of(a) if isinstance(a, Tensor) else a for a in args]
        if not arrays:
            return self._drawn(op, attrs, op.forward(**attrs))
        if not any(isinstance(a, Traced) for a in arrays):
            return op.forward(*arrays, **attrs)
        if op is op_of(scatter_rows):
            g, index = arrays
            return TracedRows(self.trace, index.reshape(-1), g.reshape(-1, *attrs["shape"][1:]), attrs["shape"])
        return self.lowered(op.forward, arrays, attrs)

    def _drawn(self, op: Op, attrs: dict[str, Any], y: Any) -> Any:
        """Random numbers, drawn anew in each step."""
        generator: Any = attrs.get("generator")
        made, own = self.trace.made, type(generator) in (np.random.Generator, Generator)
        self.drew.add(id(generator))
        plain = op is op_of(draws) and not attrs["params"] and attrs["dtype"] in (None, np.float64) and y.ndim
        if plain and own:
            return made("draw", getattr(generator, attrs["method"]), (), y, effect=True)
        if op is not op_of(keep_mask) or not own or y.dtype != np.float64:
            return made("call", op.forward, (), y, attrs, effect=True)
        p = attrs["p"]
        drawn = made("draw", generator.random, (), np.where(y > 0, 1.0, 0.0), effect=True)
        return made("ufunc", np.multiply, (drawn >= p, 1.0 / (1.0 - p) if p < 1 else 0.0), y)

    def lowered(self, function: Callable[..., Any], args: list[Any], attrs: dict[str, Any]) -> Any:
        """What a function makes, as instructions; as one that calls it, where it needs numbers."""
        trace = self.trace
        start, leaked, trace.leaked = len(trace.program.instructions), trace.leaked, False
        try:
            made = function(*args, **attrs)
            failed = trace.leaked
        except TraceError:
            made, failed = None, True
        finally:
            trace.leaked = leaked
        if not failed and (made is None or isinstance(made, Traced | TracedRows)):
            return made
        del trace.program.instructions[start:]
        value = function(*map(value_of, args), **attrs)
        if not isinstance(value, np.ndarray | np.generic):
            raise TraceError(f"{function!r} returns a {type(value).__name__}, which is not followed in a trace")
        return trace.made("call", function, tuple(args), value, attrs)

    def rule(self, rule: Callable[..., Any], g: Any, saved: tuple[Any, ...]) -> Any:
        """What a rule makes of a gradient."""
        args = [g, *saved]
        if not any(isinstance(a, Traced) for arg in args for a in (arg if isinstance(arg, tuple) else (arg,))):
            return rule(*args)
        return self.lowered(rule, args, {})

    def check(self, function: Callable[..., None], *args: Any) -> None:
        """A function that raises for wrong numbers is called in every step."""
        function(*map(value_of, args))
        if not any(isinstance(a, Traced) for a in args):
            return
        key = function, tuple(a.current() if isinstance(a, Traced) else a for a in args)
        if key not in self.checked:
            self.checked.add(key)
            self.trace.note("call", refuse_range if function is _refuse_range else function, args, 0, effect=True)

    def entered(self, thing: Any) -> None:
        """A module is called, or a method of an object."""
        if not any(thing is known for known, _ in self.objects):
            inside = vars(thing).items()
            self.objects.append((thing, {k: (v, None if fixed(v) else frozen(v)) for k, v in inside}))

    def stepping(self, optimizer: Any) -> None:
        """An optimizer goes through its groups."""
        if not any(optimizer is known for known, _ in self.optimizers):
            self.optimizers.append((optimizer, list(optimizer.param_groups)))
            self.attributes.append((optimizer, _attributes(optimizer)))
            self.groups += [g for g in optimizer.param_groups if not any(g is known for known in self.groups)]

    def watch(self, generators: list[np.random.Generator]) -> None:
        """Generators that the step could draw from behind our back."""
        self.watched = [(generator, state_of(generator)) for generator in generators]

    def refuse(self, what: str) -> None:
        """Something that no program can do."""
        raise TraceError(f"{what} in a step that is compiled: do it outside")

    def clear(self, node: Node) -> None:
        """A gradient is about to be forgotten."""
        self.cleared.add(node)

    def updating(self, optimizer: Any, p: Tensor, g: Any, group: dict[str, Any]) -> None:
        """An optimizer's update of one parameter, with its learning rate and its state traced."""
        self.array_of(p)
        assert p.node is not None
        g = p.node.annotate().grad if g is not None else g
        settings = {**group, **self._read(group)}
        state = optimizer.state.get(p)
        if state is not None and id(state) not in self.states:
            self.states[id(state)] = state, dict(state)
            for key, value in list(state.items()):
                if isinstance(value, np.ndarray | int | float):
                    state[key] = self.trace.found(Place("state", state, key, key))
        optimizer.update(p, g, settings)
        after = optimizer.state.get(p)
        self.kept.append((optimizer, p, after))
        if after is not None:
            _, before = self.states.setdefault(id(after), (after, {}))
            self.final &= after.keys() <= before.keys()  # the next update finds what this one has put there

    def _read(self, group: dict[str, Any]) -> dict[str, Any]:
        """The settings that a program reads where they change: the learning rate, and others that were seen to."""
        found = {"lr": self.trace.found(Place("setting", group, "lr", "lr"))}
        for key in self.changing & group.keys():
            if numeric(group[key]) is float:
                found[key] = self.trace.found(Place("setting", group, key, key))
            elif numeric(group[key]) is tuple:
                places = (Place("setting", group, (key, k), f"{key}_{k}") for k in range(len(group[key])))
                found[key] = tuple(map(self.trace.found, places))
        return found

    # The end

    def finish(self, keep_grads: bool) -> list[tuple[Any, Any, Any]]:
        """Note what stays: the values that places have now. Returns (place, original, value) to be written."""
        program, commits = self.trace.program, []
        self._settled()
        for found in list(self.trace.places.values()):
            place = found.place
            if place.kind not in ("tensor", "state", "argument"):
                continue
            now = place.owner._array if place.kind == "tensor" else found.traced
            now = place.owner.get(place.key) if place.kind == "state" else now
            if isinstance(now, Traced | Scalar) and now.current() is not found.var:
                program.writes.append((place, now.current()))
                commits.append((place, found.original, now.value))
        self._copied(program)
        for node, tensor in self.leaves.items():
            commits.append(self._left_gradient(node, tensor, keep_grads))
        for state, before in self.states.values():
            fresh = {k: v for k, v in state.items() if k not in before}
            commits += [(Place("state", state, k), None, value_of(v)) for k, v in fresh.items()]
        return commits

    def _settled(self) -> None:
        """What the step has assigned to attributes: a constant's successor is written into it, the rest refused."""
        if any(tensor._array is not array or tensor.node is not None for tensor, array in self.given):
            raise TraceError("the step gives an argument another array (x.data = ...), which a program would not do")
        drawn = [name for name, state in _states().items() if state != self.states_before[name]]
        drawn += [repr(g) for g, state in self.watched if id(g) not in self.drew and state_of(g) != state]
        if drawn:
            raise TraceError(
                f"the step draws from {' and '.join(drawn)}, and those numbers would stay as they are now: draw by "
                "al.rand, al.randn or al.randint, with generator= for one of your own"
            )
        for optimizer, before in self.attributes:
            if _attributes(optimizer) != before:
                raise TraceError(
                    f"{type(optimizer).__name__} changes an attribute of its own when it steps, which a program would "
                    "not do: what it remembers goes into self.state[p]"
                )
        self._refuse_changes()

    def _refuse_changes(self) -> None:
        known = {id(tensor) for tensor, _ in self.met}
        for thing, before in self.objects:
            for name, value in list(vars(thing).items()):
                if isinstance(value, Tensor) and isinstance(value._array, Traced) and id(value) not in known:
                    self._assigned(thing, name, value, before.get(name, (None, None))[0])
            now = vars(thing)
            changed = [n for n in now.keys() | before.keys() if n not in before or not still(now.get(n), *before[n])]
            if changed:
                raise TraceError(
                    f"the step changes {type(thing).__name__}.{', '.join(sorted(changed))}, which a program would not "
                    "do: count outside, or keep numbers in a tensor and write into that"
                )

    def _assigned(self, thing: Any, name: str, value: Tensor, old: Any) -> None:
        alike = isinstance(old, Tensor) and old.node is None and (old.shape, old.dtype) == (value.shape, value.dtype)
        if not alike or value.node is not None:
            raise TraceError(
                f"the step assigns {type(thing).__name__}.{name}, which a program would not do: return the tensor, or "
                "for a running value make it a tensor of the same shape beforehand, and assign it .detach()ed"
            )
        self.array_of(old)
        old._array = value._array
        setattr(thing, name, old)

    def refuse_leaks(self) -> None:
        """After the run: does anything outside hold what only stood for an array?"""
        placed = {id(found.traced) for found in self.trace.places.values()}
        held = [ref for ref in self.trace.alive if (made := ref()) is not None and id(made) not in placed]
        if held:
            made = None
            gc.collect()
            if any(ref() is not None and id(ref()) not in placed for ref in held):
                raise TraceError(
                    "the step keeps a tensor outside (in a list, an attribute, a global variable), where a program "
                    "would not put it: return it"
                )

    def _copied(self, program: Program) -> None:
        """What is left in a place, or returned, but stands in another place that is written: a copy of it."""
        base = {m.out: m.shares or m.args[0] for m in program.instructions if m.kind == "view" or m.shares is not None}
        written = {id(place) for place, _ in program.writes}

        def apart(var: Var, home: Place | None) -> Var:
            root = var
            while root in base:
                root = base[root]
            if var.shape is None or root.place is None or root.place is home or id(root.place) not in written:
                return var
            copy = self.trace.var_like(var)
            program.instructions.append(Instruction("copy", None, (var,), {}, copy))
            return copy

        program.writes = [(place, apart(var, place)) for place, var in program.writes]
        program.results = [apart(var, None) for var in program.results]

    def refuse_overlaps(self) -> None:
        """Two arrays that share memory, of which the step writes one, are one to it and would be two to a program."""
        written = {id(place) for place, _ in self.trace.program.writes}
        spans: list[tuple[int, int, int, Place]] = []
        for found in self.trace.places.values():
            if isinstance(found.original, np.ndarray) and found.original.size:
                spans.append((*byte_bounds(found.original), len(spans), found.place))
        spans.sort()
        end, last = 0, Place("none", None)
        for low, high, _, place in spans:
            close = low < end and not written.isdisjoint((id(place), id(last)))
            if close and np.shares_memory(self._array_at(place), self._array_at(last)):
                raise TraceError(
                    f"{last.name or 'an array'} and {place.name or 'an array'} share memory, and the step writes to "
                    "one of them: clone() one, or leave this step uncompiled"
                )
            if high > end:
                end, last = high, place

    def _array_at(self, place: Any) -> Any:
        return self.trace.places[id(place.owner), place.key].original

    def _left_gradient(self, node: Node, tensor: Tensor, keep_grads: bool) -> tuple[Any, Any, Any]:
        """What becomes of a leaf's gradient: it stays, or nobody would read it before the next step forgets it."""
        notes = node.annotate()
        if isinstance(notes.grad, Tensor):  # of backward(create_graph=True)
            notes.grad = self.array_of(notes.grad)
        kept = keep_grads or node not in self.cleared
        if kept and isinstance(notes.grad, TracedRows):
            notes.grad = notes.grad.to_dense()
        there = self.trace.places.get((id(notes), "grad"))
        name = f"{self.names.get(id(tensor)) or _name(tensor)}_grad"
        place = Place("grad", notes, "grad", name) if there is None else there.place
        if not isinstance(notes.grad, Traced) or not kept:
            return place, None, None
        self.trace.program.writes.append((place, notes.grad.current()))
        if there is None and node not in self.cleared:
            self.absent.append(notes)
        return place, None if there is None else there.original, notes.grad.value


def _attributes(optimizer: Any) -> Any:
    """All of an optimizer but what has its own way into a program."""
    own = ("param_groups", "state", "defaults", "_scratch")
    return frozen({key: value for key, value in vars(optimizer).items() if key not in own})


def _states() -> dict[str, Any]:
    """The states of the generators that a step must not draw from."""
    state: Any = np.random.get_state(legacy=False)
    state = state["state"]
    return {"np.random": (state["key"].tobytes(), state["pos"]), "random": random.getstate()}


def _name(tensor: Tensor) -> str:
    """A tensor's name, without asking for its numbers."""
    return (name_of(tensor._array) if tensor.node is None else tensor.node.name) or ""


def commit(writes: list[tuple[Any, Any, Any]]) -> None:
    """Write what a step leaves behind into its places, after they were put back."""
    for place, original, value in [(p, o, v.copy() if isinstance(v, np.ndarray) else v) for p, o, v in writes]:
        if isinstance(original, np.ndarray):
            original[...] = value
        else:
            place.put(np.array(value) if isinstance(value, np.ndarray) else value)
