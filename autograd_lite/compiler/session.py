"""One run of a step under a trace: what tensors, modules, rules and optimizers tell it."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.compiler.guards import as_it_was
from autograd_lite.compiler.ir import Place
from autograd_lite.compiler.proxy import TraceError, value_of
from autograd_lite.compiler.rows import TracedRows
from autograd_lite.compiler.trace import Trace
from autograd_lite.compiler.traced import Scalar, Traced
from autograd_lite.core import Node, Op, Tensor, op_of
from autograd_lite.creation import draws
from autograd_lite.memory import name_of
from autograd_lite.modes import contexts, mode
from autograd_lite.ops.fused import keep_mask
from autograd_lite.ops.index import scatter_rows


class Session:
    """A step while it is traced. As `mode.tracer` it is told of every op, rule, module and update.

    The run is a real one: what it writes is written when it ends well, and nothing is when it does not.
    """

    def __init__(self) -> None:
        self.trace = Trace()
        self.trace.lowering = Session.lowered.__code__
        self.objects: list[tuple[Any, dict[str, Any]]] = []  # whose code was run, with the attributes that they had
        self.optimizers: list[tuple[Any, list[Any]]] = []  # that made a step, with their groups
        self.kept: list[tuple[Any, Tensor, Any]] = []  # what optimizers remember of parameters
        self.groups: list[dict[str, Any]] = []  # of optimizers, with something to train
        self.given: list[tuple[Tensor, Any]] = []  # what stands for arguments, and their arrays
        self.leaves: dict[Node, Tensor] = {}  # that were met
        self.met: list[tuple[Tensor, Node | None]] = []  # tensors from outside
        self.names: dict[int, str] = {}
        self.cleared: set[Node] = set()
        self.states: list[tuple[dict[str, Any], dict[str, Any]]] = []  # of optimizers, and what was in them before
        self.final = True  # whether the next run will be the same

    def __enter__(self) -> Session:
        if mode.tracer is not None:
            raise TraceError("a compiled function is called while another one is traced: compile the outer one alone")
        contexts.count(1)
        mode.tracer = self
        self.draws = _states()
        return self

    def __exit__(self, *exc: Any) -> None:
        """Leave everything as it was found."""
        mode.tracer = None
        contexts.count(-1)
        for found in self.trace.places.values():
            if found.place.kind not in ("setting", "argument"):
                found.place.put(found.original)
        for state, before in self.states:
            state.clear()
            state.update(before)
        for node in self.leaves:
            notes = node.annotate()
            if isinstance(notes.grad, Traced | TracedRows | Tensor) and (id(notes), "grad") not in self.trace.places:
                notes.grad = None

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

    # What the core tells

    def call(self, op: Op, args: tuple[Any, ...], attrs: dict[str, Any], y: Any) -> Any:
        """The result of an op, which has been computed once already, as something traced."""
        arrays = [self.array_of(a) if isinstance(a, Tensor) else a for a in args]
        if not arrays:
            return self._drawn(op, attrs, y)
        if not any(isinstance(a, Traced) for a in arrays):
            return y
        if op is op_of(scatter_rows):
            g, index = arrays
            return TracedRows(self.trace, index.reshape(-1), g.reshape(-1, *attrs["shape"][1:]), attrs["shape"])
        return self.lowered(op.forward, arrays, attrs, y)

    def _drawn(self, op: Op, attrs: dict[str, Any], y: Any) -> Any:
        """Random numbers, drawn anew in each step."""
        generator, made = attrs.get("generator"), self.trace.made
        plain = op is op_of(draws) and not attrs["params"] and attrs["dtype"] in (None, np.float64) and y.ndim
        if plain and type(generator) is np.random.Generator:
            return made("draw", getattr(generator, attrs["method"]), (), y, effect=True)
        if op is not op_of(keep_mask) or type(generator) is not np.random.Generator or y.dtype != np.float64:
            return made("call", op.forward, (), y, attrs, effect=True)
        p = attrs["p"]
        drawn = made("draw", generator.random, (), np.where(y > 0, 1.0, 0.0), effect=True)
        return made("ufunc", np.multiply, (drawn >= p, 1.0 / (1.0 - p) if p < 1 else 0.0), y)

    def lowered(self, function: Callable[..., Any], args: list[Any], attrs: dict[str, Any], y: Any = None) -> Any:
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
        value = function(*map(value_of, args), **attrs) if not isinstance(y, np.ndarray | np.generic) else y
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
        if any(isinstance(a, Traced) for a in args):
            self.trace.note("call", function, args, 0, effect=True)

    def entered(self, thing: Any) -> None:
        """A module is called, or a method of an object."""
        if not any(thing is known for known, _ in self.objects):
            self.objects.append((thing, {k: (v, as_it_was(v)) for k, v in vars(thing).items()}))

    def stepping(self, optimizer: Any) -> None:
        """An optimizer goes through its groups."""
        if not any(optimizer is known for known, _ in self.optimizers):
            self.optimizers.append((optimizer, list(optimizer.param_groups)))

    def clear(self, node: Node) -> None:
        """A gradient is about to be forgotten."""
        self.cleared.add(node)

    def updating(self, optimizer: Any, p: Tensor, g: Any, group: dict[str, Any]) -> None:
        """An optimizer's update of one parameter, with its learning rate and its state traced."""
        self.array_of(p)
        assert p.node is not None
        g = p.node.annotate().grad if g is not None else g
        if not any(group is known for known in self.groups):
            self.groups.append(group)
        settings = {**group, "lr": self.trace.found(Place("setting", group, "lr", "lr"))}
        state = optimizer.state.get(p)
        if state is not None and not any(state is known for known, _ in self.states):
            self.states.append((state, dict(state)))
            for key, value in list(state.items()):
                if isinstance(value, np.ndarray | int | float):
                    state[key] = self.trace.found(Place("state", state, key, key))
        optimizer.update(p, g, settings)
        after = optimizer.state.get(p)
        self.kept.append((optimizer, p, after))
        if after is not None and not any(after is known for known, _ in self.states):
            self.states.append((after, {}))
            self.final = False  # the next update finds a state

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
        for node, tensor in self.leaves.items():
            commits.append(self._left_gradient(node, tensor, keep_grads))
        for state, before in self.states:
            fresh = {k: v for k, v in state.items() if k not in before}
            commits += [(Place("state", state, k), None, value_of(v)) for k, v in fresh.items()]
        return commits

    def _settled(self) -> None:
        """What the step has assigned to attributes: a constant's successor is written into it, the rest refused."""
        if any(tensor._array is not array or tensor.node is not None for tensor, array in self.given):
            raise TraceError("the step gives an argument another array (x.data = ...), which a program would not do")
        if drawn := [name for name, state in _states().items() if state != self.draws[name]]:
            raise TraceError(
                f"the step draws from {' and '.join(drawn)}, and those numbers would stay as they are now: draw by "
                "al.rand, al.randn or al.randint, with generator= for one of your own"
            )
        known = {id(tensor) for tensor, _ in self.met}
        for thing, before in self.objects:
            for name, value in list(vars(thing).items()):
                if isinstance(value, Tensor) and isinstance(value._array, Traced) and id(value) not in known:
                    self._assigned(thing, name, value, before.get(name, (None, None))[0])

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

    def _left_gradient(self, node: Node, tensor: Tensor, keep_grads: bool) -> tuple[Any, Any, Any]:
        """What becomes of a leaf's gradient: it stays, or nobody would read it before the next step forgets it."""
        notes = node.annotate()
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
            self.final = False  # the next step finds a gradient
        return place, None if there is None else there.original, notes.grad.value


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
    for place, original, value in writes:
        if isinstance(original, np.ndarray):
            original[...] = value
        else:
            place.put(np.array(value) if isinstance(value, np.ndarray) else value)
