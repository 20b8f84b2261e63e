"""`derive`: a recorded graph as NumPy code for its forward and backward pass, executed before it is handed out."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal

import numpy as np

from autograd_lite.core import GraphError, Node, Tensor
from autograd_lite.derive.backward import Backward, Line, Problem, Wanted
from autograd_lite.derive.codes import has_code, helpers_of
from autograd_lite.derive.equal import near, relative
from autograd_lite.derive.forward import Recovered
from autograd_lite.derive.labels import kind_of_array
from autograd_lite.derive.names import Names, missing, operands, walk
from autograd_lite.derive.numpy_text import Unprintable
from autograd_lite.derive.origins import origins
from autograd_lite.derive.replay import gradients_of, lost_leaves, node_of, twin_of
from autograd_lite.derive.source_names import guess
from autograd_lite.derive.statement import wrapped
from autograd_lite.graph import leading_to
from autograd_lite.memory import Array
from autograd_lite.recorded import Recorded

WIDTH = 88  # of a line with its comment: the default of formatters
ATTEMPTS = 24
PASSES = 3  # in which everything is rounded anew, where a gradient is the small difference of large numbers
MARGIN = 64  # times what these differ by

Style = Literal["book", "plain"]


@dataclass(frozen=True)
class Derived:
    """NumPy code: `source`, which is also `str()`. `inputs` are the arrays that it starts from, by name.

    `gradients` says by which name in the code the gradient of each is found, and `result` what the loss is called.
    `lost` are inputs whose arrays were kept nowhere, as those of a weight whose Tensor is gone.

    >>> import autograd_lite as al
    >>> import numpy as np
    >>> x, w = al.tensor([[1.0, 2.0]], name="x"), al.tensor([[0.5], [0.25]], requires_grad=True, name="w")
    >>> derived = al.derive((x @ w).sum())
    >>> derived.gradients
    {'w': 'w_delta'}
    >>> derived.run(x=np.array([[3.0, 4.0]]))["w_delta"].tolist()
    [[3.0], [4.0]]
    """

    source: str
    inputs: Mapping[str, Array] = field(repr=False)
    gradients: Mapping[str, str] = field(repr=False)
    result: str
    lost: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.source

    @property
    def forward(self) -> str:
        """The lines of the forward pass, with the functions that they need."""
        head, _, lines = self.source.partition("# Forward\n")
        helpers = head.partition("# Given")[0].replace("import numpy as np", "").strip()
        return (f"{helpers}\n\n\n" if helpers else "") + lines.partition("\n# Backward\n")[0].strip()

    @property
    def backward(self) -> str:
        """The lines of the backward pass."""
        return self.source.partition("# Backward\n")[2].strip()

    def run(self, **arrays: Any) -> dict[str, Any]:
        """Execute it, and return everything that it computes by name.

        Inputs that are not given are those that were recorded. Raises TypeError for what is no input, and for one of
        `lost` that is not given.
        """
        unknown = sorted(set(arrays) - set(self.inputs))
        if unknown:
            raise TypeError(f"no input of the code: {', '.join(unknown)}; there are {', '.join(sorted(self.inputs))}")
        left_out = [name for name in self.lost if name not in arrays]
        if left_out:
            raise TypeError(f"{', '.join(left_out)}: not given, and the recorded array is gone with its Tensor")
        scope: dict[str, Any] = {**self.inputs, **arrays}
        exec(compile(self.source, "<derived>", "exec"), scope)
        del scope["__builtins__"]
        return scope

    def function(self) -> Callable[..., dict[str, Any]]:
        """The code as a function of its inputs, by name, that returns the gradients in a dict."""

        def gradients(**arrays: Any) -> dict[str, Any]:
            scope = self.run(**arrays)
            return {name: scope[delta] for name, delta in self.gradients.items()}

        return gradients


def derive(loss: Tensor, wrt: Any = None, *, style: Style = "book", names: Any = None) -> Derived:
    """The forward and backward pass under a Tensor as NumPy code, such as one would write it by hand.

    Straight-line code: what goes in is listed on top, the forward pass has a line for each tensor with a name, the
    backward pass one for each gradient, called `<name>_delta`, with a comment that says whose it is and by which rule.
    "book" fuses what a textbook fuses; "plain" has a line for each op. `wrt` are tensors or names whose gradients are
    derived, all leaves unless given. Names are those of the tensors, those of `names` (a mapping, or a module), or
    those of the user's variables where the forward pass was inside `record_lines()`. Of a result with several numbers
    it is the gradient of their sum. The code has been executed, and gave the engine's gradients. What is done to
    constants alone is not recorded, and its outcome goes in: parts, shapes and the windows of a convolution of an array
    with a name are traced back to it. For all else let the data require a gradient, and give the weights as `wrt`.

    Raises TypeError for what is not a Tensor, ValueError for a `wrt` that is not in the graph, and GraphError where
    nothing was recorded, where the graph was freed, or where an op has no NumPy text.

    >>> import autograd_lite as al
    >>> x, goal = al.tensor([[1.0, 2.0]], name="x"), al.tensor([[1.0]], name="goal")
    >>> weights = al.tensor([[0.5], [0.25]], requires_grad=True, name="weights")
    >>> output = al.sigmoid(x @ weights)
    >>> output.name = "output"
    >>> derived = al.derive(((output - goal) ** 2).sum())
    >>> print(derived.backward)
    # output: square, slope of sigmoid
    output_delta = 2 * (output - goal) * output * (1 - output)
    weights_delta = x.T @ output_delta  # weights: matrix product
    """
    _refuse(loss, style)
    try:
        with np.errstate(all="ignore"):
            problem = _problem(loss, wrt, Names(names))
            made = _attempts(problem, style)
    except Unprintable as error:
        raise GraphError(
            f"derive: there is no NumPy text for {error}: write it with the ops of autograd_lite, or take the gradient "
            "with autograd.grad"
        ) from error
    derived = _assembled(made)
    _hold(derived, made)
    return derived


def _refuse(loss: Any, style: str) -> None:
    if not isinstance(loss, Tensor):
        raise TypeError(f"derive takes the Tensor that a forward pass ends in, and this is {type(loss).__name__}")
    if style not in ("book", "plain"):
        raise ValueError(f'style is "book" or "plain", and not {style!r}')
    if loss.node is None or loss.node.op is None:
        raise GraphError("derive: nothing was recorded under this tensor: no gradient flows from it")


def _problem(loss: Tensor, wrt: Any, names: Names) -> Problem:
    assert loss.node is not None
    order = walk([loss.node])
    unknown = next((n.op for n in order if n.op is not None and not has_code(n.op)), None)
    if unknown is not None:
        raise Unprintable(f"the op {unknown.name}")
    recorded = Recorded(loss.node)
    guess(names, recorded)
    targets = _targets(recorded, wrt, names)
    _refuse_hooks(recorded)
    constants, stand_ins = Recovered(recorded, order, loss, names), list[Array]()
    for node in order:
        given = operands(node)
        for k, operand in enumerate(given):
            if operand is missing:
                constants.find(node, k, given)
    known = origins(recorded, names)
    if constants.lost or lost_leaves(recorded) or known:
        twin = twin_of(loss, recorded, names, constants, known)
        targets, loss, stand_ins = [node_of(twin.of[n]) for n in targets], twin.root, twin.stand_ins
        recorded = Recorded(node_of(loss))
        constants = Recovered(recorded, walk([node_of(loss)]), loss, names)
        constants.found = twin.constants
    leading = leading_to(targets, recorded.order)
    true = gradients_of(recorded)
    return Problem(loss, recorded, constants, frozenset(targets), frozenset(leading), true, stand_ins)


def _targets(recorded: Recorded, wrt: Any, names: Names) -> list[Node]:
    """The nodes whose gradients are wanted."""
    if wrt is None:
        return [node for node in recorded.order if node.op is None]
    found = []
    for one in [wrt] if isinstance(wrt, Tensor | str) else wrt:
        if isinstance(one, str):
            nodes = [n for n in recorded.order if names.of_node(n) == one]
            known = sorted({str(names.of_node(n)) for n in recorded.order if names.of_node(n)})
            if len(nodes) != 1:
                raise ValueError(f"wrt: {len(nodes)} tensors of the graph are called {one!r}; there are {known}")
        else:
            nodes = [one.node] if isinstance(one, Tensor) and one.node is not None else []
            if not nodes or nodes[0] not in recorded.consumers:
                raise ValueError("wrt: no gradient flows to this tensor: it is not in the graph of the loss")
        found += nodes
    return found


def _refuse_hooks(recorded: Recorded) -> None:
    hooked = next((n for n in recorded.order if n.notes is not None and n.notes.hooks), None)
    if hooked is not None:
        raise GraphError(f"derive: a hook changes the gradient of {recorded.label(hooked)}, and has no NumPy text")


def _attempts(problem: Problem, style: str) -> Backward:
    """The lines, once there is nothing more that should have had a name."""
    wanted, everything = Wanted(), set(problem.recorded.order)
    for attempt in range(ATTEMPTS):
        if style == "plain" or attempt == ATTEMPTS - 1:
            wanted = Wanted(set(everything), set(everything), set(everything))
        before = wanted.size()
        with np.errstate(all="ignore"):
            made = Backward(problem, wanted)
        if wanted.size() == before:
            break
    return made


# The text


def _assembled(made: Backward) -> Derived:
    lines = made.forward.lines
    gradients = {lines.own[n]: made.names[n] for n in made.names if n in made.problem.targets}
    code = [*made.forward.text, *(line.code for line in made.lines)]
    words = dict.fromkeys(re.findall(r"\w+", "\n".join(code)))
    given = made.forward.inputs()
    inputs = {name: given[name] for name in words if name in given}  # in the order of their use
    said = dict(lines.unnamed)
    listed = [f"# {name}: {said.get(name) or kind_of_array(a.shape, a.dtype)}" for name, a in inputs.items()]
    blocks = [
        "\n".join(["# Given", *listed]),
        "\n".join(["# Forward", *map(tidy, made.forward.text)]),
        "\n".join(["# Backward", *(f"# (as here: {text})" for text in made.assumed), *_commented(made.lines)]),
    ]
    helpers = helpers_of(code, any(0 in n.shape for n in made.problem.recorded.order))
    head = ["import numpy as np\n\n", *(f"{text}\n" for text in helpers)] if helpers else ["import numpy as np\n"]
    source = "\n".join(head) + "\n" + "\n\n".join(blocks) + "\n"
    lost = tuple(n for n, a in inputs.items() if any(a is s for s in made.problem.stand_ins))
    return Derived(source, inputs, gradients, lines.own[made.problem.recorded.root], lost)


def _commented(lines: Sequence[Line]) -> list[str]:
    """With comments beside the lines, or above those that are long or share one."""
    out = []
    for comment, group in groupby(lines, key=lambda line: line.comment):
        code = [tidy(line.code) for line in group]
        beside = f"{code[0]}  # {comment}"
        out += [beside] if len(code) == 1 and len(beside) <= WIDTH else [f"# {comment}", *code]
    return out


def tidy(code: str) -> str:
    """Spaces around a power of more than names and numbers, and lines that are not too long, as formatters have it.

    >>> tidy("(a - b)**2 * c.d**2")
    '(a - b) ** 2 * c.d**2'
    """
    if "**" not in code:
        return wrapped(code, WIDTH)
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(code).readline) if t.string]
    apart = [t.start[1] for i, t in enumerate(tokens) if t.string == "**" and not _simple(tokens, i)]
    for at in reversed(apart):
        code = f"{code[:at]} ** {code[at + 2 :]}"
    return wrapped(code, WIDTH)


def _simple(tokens: Sequence[tokenize.TokenInfo], i: int) -> bool:
    plain = (tokenize.NAME, tokenize.NUMBER)
    after = i + 1 + (tokens[i + 1].string == "-")
    called = after + 1 < len(tokens) and tokens[after + 1].string in ("(", "[", ".")
    before = i - 1
    while before > 1 and tokens[before].type == tokenize.NAME and tokens[before - 1].string == ".":
        before -= 2
    return tokens[before].type in plain and tokens[after].type in plain and not called


# Execution


def _hold(derived: Derived, made: Backward) -> None:
    """Raise GraphError unless the code gives the engine's gradients."""
    problem, inputs = made.problem, {n: np.array(a) for n, a in derived.inputs.items()}
    with np.errstate(all="ignore"):
        try:
            scope = derived.run(**inputs)
        except Exception as error:
            raise GraphError(f"derive: the code that was made does not run ({error}): it is not handed out") from error
    own = made.forward.lines.own
    expected = {delta: problem.true[node] for node, delta in made.names.items() if node in problem.targets}
    expected |= {own[n]: a for n, a in problem.recorded.values.items() if n in own and n.op is not None}
    wrong = [name for name, array in expected.items() if not near(scope[name], array)]
    off = [name for name, array in expected.items() if np.asarray(scope[name]).dtype != array.dtype]
    if wrong:
        slack = _rounded(derived, scope, wrong)
        wrong = [name for name in wrong if not np.all(np.abs(scope[name] - expected[name]) <= slack[name])]
    moved = [n for n, a in inputs.items() if not np.array_equal(a, derived.inputs[n], equal_nan=a.dtype.kind == "f")]
    if wrong or off or moved:
        raise GraphError(
            f"derive: the code that was made gives something else than the engine for "
            f"{', '.join(wrong or off or moved)}: it is not handed out"
        )


def _rounded(derived: Derived, right: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """How far some results are off where every line is rounded anew."""
    tree = ast.parse(derived.source)
    slack = {name: relative(np.asarray(right[name]).dtype) * np.max(np.abs(right[name]), initial=0.0) for name in names}
    for seed in range(PASSES):
        rng, scope = np.random.default_rng(seed), dict[str, Any](derived.inputs)
        for statement in tree.body:
            with np.errstate(all="ignore"):
                exec(compile(ast.Module([statement], []), "<derived>", "exec"), scope)
            target = statement.targets[0] if isinstance(statement, ast.Assign) else None
            value = np.asarray(scope[target.id]) if isinstance(target, ast.Name) else np.zeros(0, bool)
            if isinstance(target, ast.Name) and value.dtype.kind == "f":
                unit = 2 * np.finfo(value.dtype).eps
                scope[target.id] = value * (1 + unit * rng.uniform(-1, 1, value.shape)).astype(value.dtype)
        slack = {n: np.maximum(s, MARGIN * np.max(np.abs(scope[n] - right[n]), initial=0.0)) for n, s in slack.items()}
    return slack
