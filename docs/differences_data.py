"""What is not the same here as in PyTorch or NumPy, by theme: the rows of the table that docs/differences.py makes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One difference: what it is about, lines of code that show it, and the reason.

    The lines are run in each library. What no line can show has three texts instead: here, in PyTorch, in NumPy.
    """

    subject: str
    lines: tuple[str, ...] = ()
    why: str = ""
    told: tuple[str, str, str] | None = None


def _row(subject: str, *lines: str, why: str = "") -> Difference:
    return Difference(subject, lines, why)


NUMBERS = (
    _row(
        "floats are float64, and float32 stays what it is",
        "tensor([1.0]).dtype",
        "nn.Linear(2, 1).weight.dtype",
        why="gradients are checked here; `set_default_dtype(float32)` gives PyTorch's",
    ),
    _row(
        "`float` and `Tensor.float()` mean float32, PyTorch's name for it, and not the default",
        "tensor([1.0]).float().dtype == tensor([1.0]).dtype",
    ),
    _row(
        "dtypes are NumPy's",
        "float32",
        "tensor([1]).type()",
        why="an array and its tensor have the same",
    ),
    _row(
        "mixed dtypes are promoted as in NumPy 2: Python's numbers are weak, tensors without dimensions are not",
        "(tensor([1], dtype=int32) + 1.5).dtype",
        "(ones(2, dtype=float32) + tensor(1.0, dtype=float64)).dtype",
        "tensor([1, 2]).mean()",
        why="values are NumPy's",
    ),
    _row(
        "`one_hot` makes floats", "nn.functional.one_hot(tensor([1, 0])).dtype", why="they are multiplied with floats"
    ),
    _row("no complex numbers", "tensor([1j]).dtype"),
    _row("no device but the CPU", 'ones(1, device="cpu").device', 'nn.Linear(1, 1).to("meta").weight.shape'),
    _row(
        "the same seed draws other numbers",
        "manual_seed(0); rand(1)",
        "type(Generator().get_state()).__name__",
        why="draws are NumPy's; where a `Generator` can be given, `np.random.default_rng(0)` can, too",
    ),
    _row("as many digits are shown as NumPy shows", "tensor([1 / 3])"),
)

SHAPES = (
    _row("shapes and sizes are tuples", "type(ones(2).shape).__name__", "type(ones(2).size()).__name__"),
    _row(
        "`transpose()` of all dimensions; with two of them it is PyTorch's",
        "ones((2, 3)).transpose().shape",
        why="as in NumPy",
    ),
    _row("`T` is for matrices", "ones((2, 3, 4)).T.shape", why="PyTorch warns; `mT` swaps the last two dimensions"),
    _row(
        "`dot` of matrices",
        "tensor([[1.0, 2.0], [3.0, 4.0]]).dot(tensor([[0.0, 1.0], [1.0, 0.0]]))",
        why="networks that were written by hand use it",
    ),
    _row(
        "`max(axis=...)` is NumPy's, the values alone; `max(dim=...)` is PyTorch's pair",
        "tensor([[1.0, 3.0]]).max(axis=1)",
    ),
    _row("`sum(())` reduces nothing", "ones((2, 2)).sum(())", why="as in NumPy"),
    _row("slices may go backwards", "arange(3)[::-1]"),
    _row("`view` of what does not lie in order copies", "ones((2, 3)).t().view(6).shape"),
    _row(
        "`diagonal`, `unfold` and `positive` copy",
        "x = ones((2, 2)); y = x.diagonal(); x.add_(1.0); y",
        "x = ones(2); y = x.unfold(0, 2, 1); x.add_(1.0); y",
        "x = ones(2); y = positive(x); x.add_(1.0); y",
        why="they are compositions of other ops",
    ),
    _row(
        "no writes in place that change the shape",
        "ones((2, 1)).squeeze_().shape",
        "ones((2, 3)).t_().shape",
    ),
    _row(
        "shapes that do not fit are a ValueError, with the shapes drawn",
        "ones(2) + ones(3)",
        "nn.Linear(2, 1)(ones((1, 3)))",
        why="NumPy's kind of error",
    ),
)

ARRAYS = (
    _row(
        "`data` is the array",
        "type(tensor([1.0]).data).__name__",
        'hasattr(tensor([1.0]).data, "fill_")',
        "float(tensor([1.0, 3.0]).data.std())",
        why="`w.data -= alpha * w.grad.data` works on arrays; for `w.data.fill_(3.0)` write "
        "`with no_grad(): w.fill_(3.0)`, and for `p.grad.data.norm()` `p.grad.norm()`",
    ),
    _row(
        "`x.data = array` takes any array, of another shape too, and no Tensor",
        "x = tensor([1.0], requires_grad=True); x.data = np.ones(2); x.shape",
        "x = tensor([1.0], requires_grad=True); x.data = ones(2); x.shape",
    ),
    _row("NumPy's functions are recorded", "np.exp(tensor([0.0], requires_grad=True))"),
    _row("an op on arrays alone gives an array", "type(exp(np.ones(1))).__name__", why="rules run on arrays"),
    _row(
        "`x += y` of what is no leaf makes a new tensor",
        "x = ones(2); y = x; x += 1.0; y",
        why="the graph keeps the old values; of a leaf it is in place inside `no_grad`, and an error outside",
    ),
    _row(
        "writing into a recorded value is refused",
        "y = tensor([1.0], requires_grad=True) * 2.0; y[0] = 3.0; y",
        why="the values of a graph do not change; the error says what to write",
    ),
    _row(
        "`inplace=True` of activations and dropout is taken, and a new tensor returned",
        "x = tensor([-1.0]); nn.functional.relu(x, inplace=True); x",
        why="the graph keeps the old values",
    ),
)

GRADIENTS = (
    _row(
        "a second `backward()` over a freed graph is always an error",
        "x = tensor([1.0], requires_grad=True); y = (x + 1.0).sum(); y.backward(); y.backward(); x.grad",
        why="one rule for all graphs: in PyTorch it depends on what the ops have saved",
    ),
    _row(
        "a second gradient is added to the first in a new array",
        "x = ones(1, requires_grad=True); x.sum().backward(); g = x.grad; x.sum().backward(); g",
        why="what was read stays as it was read",
    ),
    _row(
        "`autograd.grad`, and `backward(inputs=...)`, fill in no `grad` of inner tensors",
        "x = ones(1, requires_grad=True); y = x * 2.0; y.retain_grad(); autograd.grad(y.sum(), x); y.grad",
        why="these name what they are asked for",
    ),
    _row(
        "`copy.deepcopy` of a leaf leaves its `grad` behind",
        "x = ones(1, requires_grad=True); x.grad = ones(1); copy.deepcopy(x).grad",
        why="as PyTorch's of a parameter does",
    ),
    _row(
        "an infinite gradient into `relu` where it is flat",
        "x = tensor([-1.0], requires_grad=True); relu(x).backward(tensor([inf])); x.grad",
        why="infinity times 0: a product takes a fifth of a choice's time on large arrays; `clamp(x, min=0.0)` gives 0",
    ),
    _row(
        "gradients at NaN, and of NaN",
        "sign(tensor([nan]))",
        "nn.functional.hardswish(tensor([-inf]))",
        "x = tensor([nan], requires_grad=True); clamp(x, min=tensor([0.0])).backward(); x.grad",
        why="`sign` is NumPy's; a choice gives the gradient to what it chose",
    ),
    _row(
        "the gradient of a singular matrix in `det` is an error",
        "x = tensor([[1.0, 0.0], [0.0, 0.0]], requires_grad=True); det(x).backward(); x.grad",
        why="it takes the inverse; the true one is `[[0, 0], [0, 1]]`",
    ),
    _row(
        "`eigh` and `svd` where values are equal: what has no limit is 0",
        "x = eye(2, requires_grad=True); linalg.eigh(x)[1].sum().backward(); x.grad",
        "x = eye(2, requires_grad=True); linalg.svd(x)[0].sum().backward(); x.grad",
    ),
    _row("`nanmean` of nothing", "x = tensor([nan], requires_grad=True); nanmean(x).backward(); x.grad"),
    _row(
        "`normal(mean, std)` is a constant",
        "normal(zeros(1, requires_grad=True), 1.0).requires_grad",
        why="PyTorch's gradient is 0; `randn(...) * std + mean` has the real one",
    ),
    _row(
        "`autograd.Function` has no `mark_dirty`, `jvp` and `vmap`",
        'hasattr(autograd.Function, "jvp")',
        why="its forward does not write into its inputs",
    ),
    _row(
        "`inference_mode` is `no_grad`",
        "with inference_mode():\n    x = ones(1)\n(x * ones(1, requires_grad=True)).requires_grad",
        why="tensors made inside are as all others",
    ),
    _row(
        "`autograd.functional` refuses `strict=True`",
        "autograd.functional.jacobian(lambda x: 2 * x, ones(1), strict=True)",
    ),
    _row(
        "`detect_anomaly` raises at the op that makes infinity or NaN, forward and backward",
        "with autograd.detect_anomaly():\n    y = log(tensor([0.0], requires_grad=True))\ny",
        why="that is where to look; PyTorch looks for NaN on the way back",
    ),
    _row(
        "`al.gradcheck` and `al.gradgradcheck` return a report",
        "type(gradcheck(sin, ones(1, dtype=float64, requires_grad=True))).__name__",
        why="true or false, and it says what is wrong where; `al.autograd.gradcheck` raises, as PyTorch's",
    ),
)

FUNCTIONS = (
    _row(
        "the variance of one number is an error",
        "tensor([5.0]).var()",
        why="PyTorch warns, too; NumPy divides by n, not by n - 1",
    ),
    _row(
        "`topk`, `sort` and `argsort` keep the order of equals",
        "(ones(40).topk(3).indices == arange(3)).all()",
        why="the same numbers everywhere",
    ),
    Difference(
        "`cumprod`, `logcumsumexp`: the last digits",
        why="their derivatives are right at zeros without a second rule",
        told=("by doubling", "one after the other", "one after the other"),
    ),
    _row("no `lgamma` and its kin", "lgamma(tensor(3.0))", why="NumPy has none"),
    _row("no `alpha` of `add` and `sub`", "add(tensor([1.0]), 1.0, alpha=2.0)", why="write the product"),
    _row(
        "names of `uniform_` and its kin",
        "zeros(1).uniform_(low=1.0, high=1.0)",
        why="PyTorch's `from` is a word of Python's",
    ),
    _row("`Tensor.cholesky`: `upper` by keyword", "eye(2).cholesky(True)", why="as `linalg.cholesky`"),
    Difference(
        "defaults of `randperm`, `tril_indices`, `triu_indices` (`dtype`), `meshgrid` (`indexing`), `cdist` "
        "(`compute_mode`), `norm` (`p`)",
        told=("what they come to", "None, or a word that stands for it", "–"),
    ),
)

LAYERS = (
    _row(
        "losses want equal shapes",
        "nn.functional.mse_loss(ones((2, 1)), ones(2))",
        why="(n, 1) against (n,) would compare all with all; PyTorch warns",
    ),
    _row(
        "the mean of no losses at all is an error",
        "nn.functional.mse_loss(ones(0), ones(0))",
        "nn.functional.cross_entropy(ones((0, 2)), ones(0).long())",
        why="a batch without rows is a mistake; where every target is `ignore_index`, it is NaN, as in PyTorch",
    ),
    _row(
        "`lp_pool1d` and its kin: a window whose powers sum to less than 0 has 0",
        "nn.functional.lp_pool1d(tensor([[[-1.0, -1.0]]]), 3.0, 2)",
        why="it has no root; with `norm_type` 1 it is the sum, of any sign",
    ),
    _row(
        "losses: no `size_average` and `reduce`, options by keyword",
        "nn.functional.mse_loss(ones(2), zeros(2), size_average=False)",
        why="PyTorch has put them aside for `reduction`",
    ),
    _row(
        "`Hardtanh`: no `min_value` and `max_value`", "nn.Hardtanh(min_value=0.0)", why="they are `min_val`, `max_val`"
    ),
    _row(
        "`softmax`, `softmin`, `log_softmax` and their modules without `dim`: the last one",
        "nn.functional.softmax(tensor([[[0.0, 0.0]]]))",
        why="in PyTorch it depends on how many there are",
    ),
    _row("`softplus` is exact, also over 20", "nn.functional.softplus(tensor(21.0, dtype=float64)) > 21.0"),
    _row("negative indices of an embedding", "nn.functional.embedding(tensor([-1]), ones((3, 1)))", why="NumPy's"),
    _row(
        "`Embedding`, `EmbeddingBag`: no `max_norm`, no `scale_grad_by_freq`",
        "nn.functional.embedding(tensor([0]), ones((1, 2)), max_norm=1.0)",
        why="a forward pass does not change weights",
    ),
    _row(
        "`Embedding(sparse=True)`: the gradient's class",
        "e = nn.Embedding(3, 2, sparse=True); e(tensor([1])).sum().backward(); type(e.weight.grad).__name__",
        why="it is row-sparse inside in any case",
    ),
    _row(
        "`interpolate`: no `bicubic`, no `antialias`",
        'nn.functional.interpolate(ones((1, 1, 2, 2)), size=(3, 3), mode="bicubic").shape',
    ),
    _row(
        "`binary_cross_entropy` of probabilities under 1e-12, but not 0: the gradient",
        "p = tensor([1e-20], requires_grad=True)\nnn.functional.binary_cross_entropy(p, ones(1)).backward(); p.grad",
        why="it is the slope; PyTorch's is cut at 1e12",
    ),
    _row("`RNN`, `LSTM`, `GRU`: no `proj_size`, no packed sequences", "nn.LSTM(2, 3, proj_size=1)"),
    _row(
        "`MultiheadAttention(is_causal=True)` applies the mask that it is given",
        "m = nn.MultiheadAttention(2, 1); x = eye(2); mask = zeros((2, 2))\n"
        "a = m(x, x, x, attn_mask=mask, is_causal=True, need_weights=False)[0]\n"
        "allclose(a, m(x, x, x, attn_mask=mask)[0])",
        why="PyTorch puts a causal one in its place where no weights are asked for",
    ),
    _row(
        "hooks: forward, forward-pre and full backward ones",
        'hasattr(nn.Module, "register_full_backward_pre_hook")',
        why="an output without a gradient counts as zeros in them, and is None in PyTorch",
    ),
    _row("`load_state_dict` returns the missing and the unknown names as a tuple", "nn.ReLU().load_state_dict({})"),
    _row(
        "modules: no lazy ones, no extra state, no hooks of states, no `assign`, no `keep_vars`",
        "nn.LazyLinear(1)",
        "nn.ReLU().load_state_dict({}, assign=True)",
        "len(nn.ReLU().state_dict(keep_vars=True))",
    ),
    _row(
        "`ParameterDict` keeps a dict's order",
        'list(nn.ParameterDict({"b": nn.Parameter(ones(1)), "a": nn.Parameter(ones(1))}).keys())',
        why="as `ModuleDict` does; PyTorch sorts by name, but for an `OrderedDict`",
    ),
    _row("`nn.Parameter` wants its data", "nn.Parameter()"),
    _row("`ModuleList` shows each module on a line", "nn.ModuleList([nn.ReLU(), nn.ReLU()])"),
    _row("`MultiheadAttention` shows its sizes", "nn.MultiheadAttention(2, 1)"),
    _row(
        "`ParameterList` and `ParameterDict` show NumPy's dtypes",
        "nn.ParameterList([nn.Parameter(ones(1, dtype=float64))])",
    ),
)

TRAINING = (
    _row(
        "`Optimizer(params, **defaults)`",
        'optim.Optimizer([ones(1)], {"lr": 1.0}).defaults["lr"]',
        why="they are checked by name",
    ),
    _row(
        "optimizers: no `foreach`, `fused`, `capturable`, `differentiable`",
        'optim.SGD([ones(1)], lr=1.0, foreach=True).defaults["foreach"]',
        why="there are no kernels to choose from; a state that has them is loaded",
    ),
    _row(
        "`NAdam` keeps its product of momenta as a float of Python's",
        "p = nn.Parameter(ones(1)); p.grad = ones(1); o = optim.NAdam([p]); o.step()\n"
        'type(o.state[p]["mu_product"]).__name__',
        why="in float32 the rates are off by 1e-8",
    ),
    _row(
        "`DataLoader` has no workers",
        'utils.data.DataLoader("ab", num_workers=1).num_workers',
        why="it works in this process",
    ),
    _row(
        "`save` and `load` take a path: .safetensors or .npz",
        'save({"x": ones(1)}, io.BytesIO())',
        why="a file is written whole or not at all, and nothing is executed to read it; [saving](saving.md)",
    ),
    _row(
        "`func.vmap` calls the function for each slice",
        "n = []; func.vmap(lambda x: n.append(1) or x)(ones(3)); len(n)",
        why="which costs what the calls cost; [func](func.md)",
    ),
    _row(
        "`func.jacrev` has no `chunk_size`",
        "func.jacrev(sin, chunk_size=1)(tensor(0.0))",
        why="it takes a pass for each number in any case",
    ),
    _row("`func.jacfwd`: `has_aux` by keyword", "func.jacfwd(sin, 0, False)(tensor(0.0))", why="as `func.jacrev`"),
    Difference(
        "`compile(step)`",
        told=("makes NumPy code of a training step: [compile](compile.md)", "makes kernels of a model", "–"),
    ),
)

AS_PYTORCH = (
    _row("sizes one by one, and `view`", "zeros(2, 3).shape", "arange(4).view(2, 2).shape"),
    _row("`size` is a method", "ones((2, 3)).size()"),
    _row("an element is a tensor", "tensor([1.0, 2.0])[0]"),
    _row("`var` and `std` divide by n - 1; `correction=0` does not", "tensor([1.0, 3.0]).var()"),
    _row("`median` is the lower of two", "median(tensor([1.0, 2.0, 3.0, 4.0]))"),
    _row("`repeat` is NumPy's `tile`; `repeat_interleave` is its `repeat`", "tensor([1, 2]).repeat(2)"),
    _row("`split` takes the size of a part; `tensor_split` their number", "len(split(arange(4), 1))"),
    _row("`sort` returns values and their places", "tensor([3, 1]).sort()[0]"),
    _row("`squeeze` leaves a dimension that is not 1", "ones((2, 1)).squeeze(0).shape"),
    _row("`meshgrid` by rows; `indexing` says it otherwise", "meshgrid(arange(2), arange(3))[0].shape"),
)

THEMES: dict[str, tuple[Difference, ...]] = {
    "Numbers": NUMBERS,
    "Shapes": SHAPES,
    "Arrays, and writing into them": ARRAYS,
    "Gradients": GRADIENTS,
    "Functions": FUNCTIONS,
    "Layers and losses": LAYERS,
    "Training, files, transforms": TRAINING,
    "As in PyTorch, and not as in NumPy": AS_PYTORCH,
}
