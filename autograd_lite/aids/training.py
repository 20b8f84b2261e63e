"""Findings about gradients: forgotten zero_grad, graphs that grow, parameters without a gradient, modes, settings."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from autograd_lite.aids.report import Finding
from autograd_lite.aids.sights import Sight, is_dropout, is_norm
from autograd_lite.core import Node, Op, Tensor
from autograd_lite.graph import reach
from autograd_lite.memory import Array, owner
from autograd_lite.modes import mode
from autograd_lite.nn import Module
from autograd_lite.operands import caller
from autograd_lite.optim import Optimizer
from autograd_lite.sparse import RowSparse

SHOWN = 4  # parameters that a finding names


class _Leaf:
    """What is known of one parameter."""

    def __init__(self, tensor: Tensor, name: str) -> None:
        self.tensor, self.name = tensor, name
        self.recorded = self.unrecorded = self.cut = ""  # where it was used, recorded and not; where its path ends
        self.reached = self.stale = self.updated = self.nonzero = self.zero = False
        self.waiting = False  # for a step, since a backward pass
        self.last: Array | None = None  # its numbers at the last backward pass

    def gradient(self) -> Any:
        """What its `grad` holds now."""
        node = self.tensor.node
        g = None if node is None or node.notes is None else node.notes.grad
        g = g.values if isinstance(g, RowSparse) else g
        return g._array if isinstance(g, Tensor) else g


class Training:
    """What is told of the gradients of a step, collected op by op and pass by pass."""

    def __init__(self) -> None:
        self.findings: dict[tuple[str, str], Finding] = {}
        self.leaves: dict[int, _Leaf] = {}
        self.models: dict[int, Module] = {}
        self.optimizers: dict[int, tuple[Optimizer, list[bool]]] = {}
        self.made: list[list[weakref.ref[Node]]] = []  # the nodes of each step
        self.flowed = False
        self._under = weakref.WeakKeyDictionary[Node, frozenset[int]]()  # the parameters that a node comes from
        self._arrays: dict[int, tuple[weakref.ref[Array], frozenset[int]]] = {}  # and those of a result's numbers
        self._calls: dict[
            Any, tuple[Module, str, bool]
        ] = {}  # that drop out or average, and whether any op is recorded
        self._frozen: dict[int, tuple[Module, str]] = {}  # norms in evaluation, recorded

    def tell(self, kind: str, where: str, what: str, to_do: str) -> None:
        """Note a finding, once for each place."""
        self.findings.setdefault((kind, where), Finding(kind, what, where, to_do))

    # What happens

    def began(self) -> None:
        """A run of the step begins."""
        self.made.append([])

    def saw(self, op: Op, args: Sequence[Any], result: Any, sight: Sight) -> None:
        """After an op."""
        if sight.model is not None:
            self._met(sight.model)
        for arg in args:
            self._operand(arg, sight)
        node = result.node if isinstance(result, Tensor) else None
        if node is not None:
            self.made[-1].append(weakref.ref(node))
            array, come = owner(result._array), frozenset[int]().union(*map(self._come_from, node.parents))
            self._under[node], self._arrays[id(array)] = come, (weakref.ref(array), come)
        self._modes(op, sight)

    def _met(self, model: Module) -> None:
        if id(model) not in self.models:
            self.models[id(model)] = model
            for path, p in model.named_parameters():
                self._leaf(p).name = f"{type(model).__name__}.{path}"

    def _leaf(self, tensor: Tensor) -> _Leaf:
        known = self.leaves.get(id(tensor))
        if known is None:
            known = self.leaves[id(tensor)] = _Leaf(tensor, tensor.name or f"a parameter of shape {tensor.shape}")
        return known

    def _come_from(self, node: Node | None) -> frozenset[int]:
        if node is None:
            return frozenset()
        holder = None if node.op is not None or node.notes is None or node.notes.holder is None else node.notes.holder()
        return self._under.get(node, frozenset()) if holder is None else frozenset({id(self._leaf(holder).tensor)})

    def _operand(self, arg: Any, sight: Sight) -> None:
        """Note the use of a parameter, and where a path back to some ends."""
        node = arg.node if isinstance(arg, Tensor) else None
        if node is not None:
            if node.op is None:
                leaf = self._leaf(arg)
                leaf.recorded, leaf.unrecorded = (
                    (sight.line, leaf.unrecorded) if mode.grad else (leaf.recorded, sight.line)
                )
            if mode.grad:
                return
        array = arg._array if isinstance(arg, Tensor) else arg
        if not isinstance(array, np.ndarray):
            return
        whole = owner(array)
        held, come = self._arrays.get(id(whole), (None, frozenset[int]()))
        for k in come if held is not None and held() is whole else ():
            self.leaves[k].cut = sight.line
        for leaf in self.leaves.values() if not isinstance(arg, Tensor) else ():
            if leaf.tensor._array is whole:
                leaf.unrecorded = sight.line

    def _modes(self, op: Op, sight: Sight) -> None:
        """Modules that drop out or average in the wrong mode."""
        module = sight.modules[-1] if sight.modules else None
        if module is not None and is_norm(module) and not module.training and mode.grad:
            self._frozen.setdefault(id(module), (module, sight.where()))
        if module is not None and (is_norm(module) or is_dropout(module)) and module.training:
            _, where, recorded = self._calls.get(sight.call, (module, sight.where(), False))
            self._calls[sight.call] = module, where, recorded or mode.grad  # running statistics never are
        elif sight.dropped and (module is None or not is_dropout(module)):
            self._calls.setdefault((sight.line, mode.grad), (sight.model or Module(), sight.where(), mode.grad))

    def flowing(self, roots: dict[Node, Any], targets: Sequence[Node] | None) -> None:
        """A backward pass begins."""
        self.flowed = True
        for node in reach(roots):
            tensor = None if node.notes is None or node.notes.holder is None else node.notes.holder()
            if node.op is not None or tensor is None:
                continue
            leaf = self._leaf(tensor)
            leaf.reached = True
            if targets is not None:
                continue
            leaf.waiting = True
            g, changed = leaf.gradient(), leaf.last is not None and not np.array_equal(leaf.last, tensor._array)
            kept = g is not None and bool(np.any(g))
            if kept and leaf.stale and changed:
                self._accumulates(leaf)
            leaf.stale = kept and (leaf.updated or changed)
            leaf.updated, leaf.last = False, tensor._array.copy()

    def stepping(self, optimizer: Optimizer) -> None:
        """An optimizer is about to step."""
        _, rates = self.optimizers.setdefault(id(optimizer), (optimizer, []))
        rates.append(all(group.get("lr") == 0 for group in optimizer.param_groups))
        self._cleared([self._leaf(p) for group in optimizer.param_groups for p in group["params"]])
        for group in optimizer.param_groups:
            for p in group["params"]:
                leaf = self._leaf(p)
                leaf.waiting, g = False, leaf.gradient()
                if g is None:
                    continue
                if leaf.stale and np.any(g):
                    self._accumulates(leaf)
                leaf.updated = True
                self._looked(leaf)

    def _cleared(self, leaves: Sequence[_Leaf]) -> None:
        """Note gradients that are gone before the step that was to use them."""
        frame = caller()
        if frame is not None and any(x.waiting for x in leaves) and all(x.gradient() is None for x in leaves):
            self.tell(
                "cleared-before-step",
                f"{frame.f_code.co_filename}:{frame.f_lineno}",
                "the gradients of the backward pass are cleared before the optimizer's step: nothing is learned",
                "call optimizer.zero_grad() before backward(), or after optimizer.step()",
            )

    def _looked(self, leaf: _Leaf) -> None:
        g = leaf.gradient()
        if g is not None:
            leaf.nonzero |= bool(np.any(g))
            leaf.zero = True

    def ended(self) -> None:
        """A run of the step is over."""
        for leaf in self.leaves.values():
            self._looked(leaf)

    def _accumulates(self, leaf: _Leaf) -> None:
        if any(kind == "no-zero-grad" for kind, _ in self.findings):
            return
        frame = caller()
        self.tell(
            "no-zero-grad",
            "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}",
            f"gradients of earlier steps are still in grad when new ones are added ({leaf.name} is the first)",
            "call optimizer.zero_grad() in each step before backward(); by hand, w.grad = None after the update",
        )

    # What there is to tell

    def done(self) -> list[Finding]:
        """What there is to tell, after the last step."""
        self._growing()
        self._modes_told()
        for optimizer, still in self.optimizers.values():
            if still and all(still):
                what = f"the learning rate of {type(optimizer).__name__} is 0 in all groups: nothing is learned"
                self.tell("learning-rate-0", type(optimizer).__name__, what, "give it lr=..., and look at the schedule")
        if self.flowed:
            self._without_gradient()
        return list(self.findings.values())

    def _growing(self) -> None:
        """Nodes of all but the last step that are still there."""
        alive = [[node for ref in refs if (node := ref()) is not None] for refs in self.made]
        if len(alive) < 3 or not all(alive[:-1]):
            return
        last = max(alive[0], key=lambda node: node.seq)
        site = None if last.notes is None else last.notes.site
        sizes = ", ".join(str(len(nodes)) for nodes in alive)
        self.tell(
            "graph-grows",
            "" if site is None else f"{site[0]}:{site[1]}",
            f"the graphs of earlier steps are still held (nodes of each step that are left: {sizes}): something keeps "
            f"a result that leads back into them, such as that of {last.op and last.op.name}",
            "keep numbers: total += loss.item(), losses.append(loss.item()); carry a state on as state.detach()",
        )

    def _modes_told(self) -> None:
        told = set[int]()
        for module, where, recorded in self._calls.values():
            if (not self.flowed or not recorded) and id(module) not in told:
                told.add(id(module))
                name = type(module).__name__ if is_norm(module) or is_dropout(module) else "F.dropout"
                self.tell(
                    "training-mode-in-evaluation",
                    where,
                    f"{name} works as in training, and nothing is learned here",
                    "call model.eval() before an evaluation, model.train() after it; F.dropout(x, p, self.training)",
                )
        for module, where in self._frozen.values():
            learned = [p for p in module.parameters() if id(p) in self.leaves and self.leaves[id(p)].reached]
            if self.flowed and learned:
                what = f"{type(module).__name__} is in evaluation mode, and its parameters are trained"
                to_do = "call model.train() before training, or freeze it: module.requires_grad_(False)"
                self.tell("evaluation-mode-in-training", where, what, to_do)

    def _without_gradient(self) -> None:
        """Parameters that are not trained, those of one reason in one finding."""
        trained = {id(p) for o, _ in self.optimizers.values() for g in o.param_groups for p in g["params"]}
        known = self._in_any_optimizer() if self.optimizers else set()
        found: dict[tuple[str, str, str], list[str]] = {}
        for leaf in self.leaves.values():
            reason = self._reason(leaf, trained, known)
            if reason is not None:
                found.setdefault(reason, []).append(leaf.name)
        for (kind, why, to_do), names in found.items():
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            self.tell(kind, ", ".join(names), f"{', '.join(names[:SHOWN])}{more}: {why}", to_do)

    def _reason(self, leaf: _Leaf, trained: set[int], known: set[int]) -> tuple[str, str, str] | None:
        """The kind of finding, why a parameter is not trained, and what to do; None where all is well."""
        p = leaf.tensor
        if id(p) not in trained and not self._expected(leaf):
            return None
        stepped = ", and in the optimizer" if id(p) in trained else ""
        if p.node is None:
            why = f"no gradient{stepped}: frozen (requires_grad is False)"
            return (
                ("no-gradient", why, "thaw it with requires_grad_(), or leave it out of the optimizer")
                if stepped
                else None
            )
        if not leaf.reached:
            why, to_do = _why(leaf)
            return "no-gradient", f"no gradient{stepped}: {why}", to_do
        if leaf.zero and not leaf.nonzero and len(self.made) > 1:
            to_do = (
                "look for round, sign, dead units, weights that all start at 0, or a factor 0 on the way to the loss"
            )
            return "no-gradient", "the gradient is 0 in every step", to_do
        if self.optimizers and id(p) not in known and leaf.gradient() is not None:
            to_do = "give it to the optimizer, or freeze it with requires_grad_(False)"
            return "not-in-optimizer", "a gradient, and no optimizer that uses it", to_do
        return None

    def _expected(self, leaf: _Leaf) -> bool:
        """Is it of a model that learns here, some of it at least?"""
        models = [m for m in self.models.values() if any(p is leaf.tensor for p in m.parameters())]
        return any(self._learns(model.parameters()) for model in models)

    def _learns(self, parameters: Iterable[Tensor]) -> bool:
        return any(id(p) in self.leaves and self.leaves[id(p)].reached for p in parameters)

    @staticmethod
    def _in_any_optimizer() -> set[int]:
        """The parameters of all optimizers that there are, whether they step here or not."""
        found = [thing for thing in gc.get_objects() if issubclass(type(thing), Optimizer)]
        return {id(p) for o in found for g in getattr(o, "param_groups", ()) for p in g["params"]}


def _why(leaf: _Leaf) -> tuple[str, str]:
    """Why the loss does not lead back to a parameter, and what to do."""
    if leaf.recorded and leaf.cut:
        why = f"what is computed from it at {leaf.recorded} is detached before {leaf.cut} uses it"
        return why, "leave out .detach(), .data, .numpy() and no_grad() on the way from it to the loss"
    if leaf.recorded:
        return (
            f"the loss does not depend on what is computed from it at {leaf.recorded}",
            "use the result, or leave it out",
        )
    if leaf.unrecorded:
        why = f"it is used at {leaf.unrecorded} without recording: under no_grad(), or through .data"
        return why, "take the use out of no_grad(), and use the parameter itself"
    return "not used: no op of the step has it for an operand", "use it in forward(), or leave it out of the model"
