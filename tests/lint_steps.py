"""Training steps for `lint`: sound ones, of many networks, and one for each mistake that it names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F

Step = Callable[[], Any]
SOUND: dict[str, Callable[[], Step]] = {}
PLANTED: dict[str, tuple[Callable[[], Step], set[str], str]] = {}  # step, kinds that are found, what is said


def sound(make: Callable[[], Step]) -> Callable[[], Step]:
    SOUND[make.__name__] = make
    return make


def planted(*kinds: str, says: str = "") -> Callable[[Callable[[], Step]], Callable[[], Step]]:
    def keep(make: Callable[[], Step]) -> Callable[[], Step]:
        PLANTED[make.__name__] = make, set(kinds), says
        return make

    return keep


def numbers(*shape: int, seed: int = 0) -> al.Tensor:
    return al.tensor(np.random.default_rng(seed).normal(size=shape))


def classes(n: int, of: int) -> al.Tensor:
    return al.tensor(np.random.default_rng(1).integers(0, of, n))


X, T, Y = numbers(32, 6), classes(32, 4), numbers(32, 1, seed=2)


class BatchNorm(nn.Module):
    """Batch statistics while it trains, running ones afterwards."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(al.ones(features)), nn.Parameter(al.zeros(features))
        self.register_buffer("running_mean", al.zeros(features))
        self.register_buffer("running_var", al.ones(features))

    def forward(self, x: Any) -> Any:
        if self.training:
            mean, var = x.mean(0), ((x - x.mean(0)) ** 2).mean(0)
            self.running_mean.data[...] = 0.9 * self.running_mean.data + 0.1 * mean.data
            self.running_var = self.running_var * 0.9 + var.detach() * 0.1
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / (var + 1e-5).sqrt() * self.weight + self.bias


def mlp(*extra: nn.Module) -> nn.Sequential:
    al.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), *extra, nn.Linear(8, 4))


def trained(model: nn.Module, loss: Callable[[], Any], optimizer: Any = None, zero: bool = True) -> Step:
    optimizer = optimizer or al.optim.SGD(model.parameters(), lr=0.1)

    def step() -> float:
        if zero:
            optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
        return float(value.item())

    return step


# ------------------------------------------------------------------------------------------- sound


@sound
def classifier() -> Step:
    model = mlp()
    return trained(model, lambda: F.cross_entropy(model(X), T))


@sound
def classifier_with_adam_and_dropout() -> Step:
    model = mlp(nn.Dropout(0.2))
    return trained(model, lambda: F.cross_entropy(model(X), T), al.optim.Adam(model.parameters(), lr=0.01))


@sound
def batch_norm() -> Step:
    model = mlp(BatchNorm(8))
    return trained(model, lambda: F.cross_entropy(model(X), T), al.optim.SGD(model.parameters(), lr=0.1, momentum=0.9))


@sound
def batch_norm_of_the_library() -> Step:
    model = mlp(nn.BatchNorm1d(8))
    return trained(model, lambda: F.cross_entropy(model(X), T))


@sound
def batch_norm_of_pictures() -> Step:
    model = nn.Sequential(nn.Conv2d(1, 2, 2), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(4, 4))
    x = X.reshape(32, 1, 2, 3)
    return trained(model, lambda: F.cross_entropy(model(x), T))


@sound
def linear_regression_by_hand() -> Step:
    w = al.tensor(np.zeros((6, 1)), requires_grad=True, name="w")

    def step() -> None:
        loss = F.mse_loss(X @ w, Y)
        loss.backward()
        w.data -= 0.1 * w.grad.data
        w.grad = None

    return step


@sound
def by_autograd_grad() -> Step:
    w = al.tensor(np.zeros((6, 1)), requires_grad=True)

    def step() -> None:
        (g,) = al.autograd.grad(((X @ w - Y) ** 2).mean(), w)
        with al.no_grad():
            w.sub_(g * 0.1)

    return step


@sound
def zeros_in_place_of_none() -> Step:
    model = mlp()
    optimizer = al.optim.SGD(model.parameters(), lr=0.1)

    def step() -> None:
        F.cross_entropy(model(X), T).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)

    return step


@sound
def gradients_of_several_batches() -> Step:
    model = mlp()
    optimizer = al.optim.SGD(model.parameters(), lr=0.1)

    def step() -> None:
        optimizer.zero_grad()
        for start in range(0, 32, 8):
            (F.cross_entropy(model(X[start : start + 8]), T[start : start + 8]) / 4).backward()
        optimizer.step()

    return step


@sound
def evaluation_in_between() -> Step:
    model = mlp(nn.Dropout(0.5))
    optimizer = al.optim.SGD(model.parameters(), lr=0.1)

    def step() -> float:
        optimizer.zero_grad()
        F.cross_entropy(model(X), T).backward()
        optimizer.step()
        model.eval()
        with al.no_grad():
            accuracy = float((model(X).data.argmax(1) == T.data).mean())
        model.train()
        return accuracy

    return step


@sound
def evaluation_alone() -> Step:
    model = mlp(nn.Dropout(0.5), BatchNorm(8)).eval()

    def step() -> float:
        with al.no_grad():
            return float(F.cross_entropy(model(X), T).item())

    return step


@sound
def convolutions() -> Step:
    al.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 3 * 3, 4)
    )
    images = numbers(32, 1, 6, 6)
    return trained(model, lambda: F.cross_entropy(model(images), T))


@sound
def autoencoder() -> Step:
    al.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 3), nn.Tanh(), nn.Linear(3, 6))
    return trained(model, lambda: F.mse_loss(model(X), X))


@sound
def logistic_regression_with_a_record() -> Step:
    model, losses = nn.Linear(6, 1), []
    labels = (Y > 0).double()

    def loss() -> Any:
        value = F.binary_cross_entropy_with_logits(model(X), labels)
        losses.append(value.item())
        return value

    return trained(model, loss)


@sound
def embeddings() -> Step:
    al.manual_seed(0)
    table, words = nn.Embedding(20, 5), al.tensor(np.random.default_rng(3).integers(0, 20, (16, 3)))
    output = nn.Linear(5, 20)
    optimizer = al.optim.SGD([*table.parameters(), *output.parameters()], lr=0.1)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(output(table(words).mean(1)), words[:, 0]).backward()
        optimizer.step()

    return step


@sound
def recurrent_with_a_carried_state() -> Step:
    al.manual_seed(0)
    cell, out = nn.Linear(9, 3), nn.Linear(3, 1)
    optimizer = al.optim.Adam([*cell.parameters(), *out.parameters()], lr=0.01)
    state = [al.zeros(32, 3)]

    def step() -> None:
        h = state[0]
        optimizer.zero_grad()
        for _ in range(4):
            h = al.tanh(cell(al.cat([X, h], 1)))
        F.mse_loss(out(h), Y).backward()
        optimizer.step()
        state[0] = h.detach()

    return step


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x: Any) -> Any:
        scores = self.q(x) @ self.k(x).mT
        hidden = np.triu(np.ones(scores.shape[-2:], bool), 1)
        return al.softmax(al.where(hidden, -np.inf, scores), -1) @ self.v(x)


@sound
def attention_with_a_mask() -> Step:
    al.manual_seed(0)
    model, x = Attention(), numbers(4, 5, 6)
    return trained(model, lambda: F.mse_loss(model(x), x))


@sound
def two_networks_against_each_other() -> Step:
    al.manual_seed(0)
    g, d = nn.Sequential(nn.Linear(2, 6)), nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
    og, od = al.optim.Adam(g.parameters()), al.optim.Adam(d.parameters())
    noise, one, zero = numbers(32, 2, seed=4), al.ones(32, 1), al.zeros(32, 1)

    def step() -> None:
        od.zero_grad()
        loss = F.binary_cross_entropy_with_logits
        (loss(d(X), one) + loss(d(g(noise).detach()), zero)).backward()
        od.step()
        og.zero_grad()
        loss(d(g(noise)), one).backward()
        og.step()

    return step


@sound
def the_discriminator_alone() -> Step:
    al.manual_seed(0)
    g, d = nn.Sequential(nn.Linear(2, 6)), nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
    noise = numbers(32, 2, seed=4)
    loss = F.binary_cross_entropy_with_logits
    return trained(d, lambda: loss(d(X), al.ones(32, 1)) + loss(d(g(noise).detach()), al.zeros(32, 1)))


@sound
def a_head_on_frozen_features() -> Step:
    model = mlp()
    for p in model[0].parameters():
        p.requires_grad_(False)
    return trained(model, lambda: F.cross_entropy(model(X), T), al.optim.SGD(model[2].parameters(), lr=0.1))


@sound
def a_penalty_on_the_gradient() -> Step:
    al.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))

    def loss() -> Any:
        x = al.tensor(X.data, requires_grad=True)
        (g,) = al.autograd.grad(model(x).sum(), x, create_graph=True)
        return F.mse_loss(model(x), Y) + 0.01 * (g**2).sum()

    return trained(model, loss)


@sound
def a_rate_that_warms_up_from_0() -> Step:
    model = mlp()
    optimizer = al.optim.SGD(model.parameters(), lr=0.0)
    inner = trained(model, lambda: F.cross_entropy(model(X), T), optimizer)

    def step() -> None:
        inner()
        optimizer.param_groups[0]["lr"] += 0.1

    return step


# ------------------------------------------------------------------------------------------- mistakes


@planted("no-zero-grad", says="Sequential.0.weight is the first")
def no_zero_grad() -> Step:
    model = mlp()
    return trained(model, lambda: F.cross_entropy(model(X), T), zero=False)


@planted("no-zero-grad", says="w is the first")
def no_zero_grad_by_hand() -> Step:
    w = al.tensor(np.zeros((6, 1)), requires_grad=True, name="w")

    def step() -> None:
        F.mse_loss(X @ w, Y).backward()
        w.data -= 0.1 * w.grad.data

    return step


@planted("graph-grows", says="that of add")
def total_of_losses() -> Step:
    model = mlp()
    total = [al.tensor(0.0)]

    def loss() -> Any:
        value = F.cross_entropy(model(X), T)
        total[0] = total[0] + value
        return value

    return trained(model, loss)


@planted("graph-grows", says="losses.append(loss.item())")
def list_of_losses() -> Step:
    model, losses = mlp(), []

    def loss() -> Any:
        losses.append(F.cross_entropy(model(X), T))
        return losses[-1]

    return trained(model, loss)


@planted("graph-grows", says="state.detach()")
def state_not_detached() -> Step:
    cell = nn.Linear(9, 3)
    state = [al.zeros(32, 3)]

    def loss() -> Any:
        state[0] = al.tanh(cell(al.cat([X, state[0]], 1)))
        return state[0].square().mean()

    return trained(cell, loss)


class Net(nn.Module):
    """A network with one mistake in its forward."""

    def __init__(self, forward: Callable[[Net, Any], Any]) -> None:
        super().__init__()
        al.manual_seed(0)
        self.first, self.second, self.third = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 4)
        self.how = forward

    def forward(self, x: Any) -> Any:
        return self.how(self, x)


def of_net(forward: Callable[[Net, Any], Any], **kwargs: Any) -> Step:
    model = Net(forward)
    return trained(model, lambda: F.cross_entropy(model(X), T), **kwargs)


@planted("no-gradient", says="Net.second.weight, Net.second.bias: no gradient, and in the optimizer: not used")
def unused_layer() -> Step:
    return of_net(lambda net, x: net.third(al.tanh(net.first(x))))


@planted("no-gradient", says="is detached before")
def detached_inside() -> Step:
    return of_net(lambda net, x: net.third(al.tanh(net.second(al.tanh(net.first(x)).detach()))))


@planted("no-gradient", says="without recording: under no_grad()")
def layer_under_no_grad() -> Step:
    def forward(net: Net, x: Any) -> Any:
        with al.no_grad():
            h = al.tanh(net.first(x))
        return net.third(al.tanh(net.second(h)))

    return of_net(forward)


@planted("no-gradient", says="the loss does not depend on what is computed from it")
def result_left_out() -> Step:
    def forward(net: Net, x: Any) -> Any:
        h = al.tanh(net.first(x))
        net.second(h)
        return net.third(h)

    return of_net(forward)


@planted("no-gradient", says="under no_grad(), or through .data")
def parameter_through_data() -> Step:
    return of_net(lambda net, x: net.third(al.tanh(net.first(x)) @ net.second.weight.data + net.second.bias))


@planted("no-gradient", says="frozen (requires_grad is False)")
def frozen_in_the_optimizer() -> Step:
    model = mlp()
    model[0].weight.requires_grad_(False)
    return trained(model, lambda: F.cross_entropy(model(X), T))


@planted("no-gradient", says="is 0 in every step")
def rounded_on_the_way() -> Step:
    return of_net(lambda net, x: net.third(al.round(net.second(al.tanh(net.first(x))))))


@planted("no-gradient", says="no gradient, and in the optimizer: not used")
def an_old_model_in_the_optimizer() -> Step:
    old, model = mlp(), mlp()
    return trained(model, lambda: F.cross_entropy(model(X), T), al.optim.SGD([*old.parameters(), *model.parameters()]))


@planted("not-in-optimizer", says="Sequential.0.weight, Sequential.0.bias: a gradient, and no optimizer")
def layer_not_in_the_optimizer() -> Step:
    model = mlp()
    return trained(model, lambda: F.cross_entropy(model(X), T), al.optim.SGD(model[2].parameters(), lr=0.1))


@planted("learning-rate-0", says="SGD is 0")
def rate_of_0() -> Step:
    model = mlp()
    return trained(model, lambda: F.cross_entropy(model(X), T), al.optim.SGD(model.parameters(), lr=0.0))


@planted("training-mode-in-evaluation", says="Dropout works as in training")
def dropout_in_evaluation() -> Step:
    model = mlp(nn.Dropout(0.5))

    def step() -> None:
        with al.no_grad():
            model(X)

    return step


@planted("training-mode-in-evaluation", says="F.dropout works as in training")
def functional_dropout_in_evaluation() -> Step:
    model = mlp().eval()

    def step() -> None:
        with al.no_grad():
            F.dropout(model(X), 0.5)

    return step


@planted("training-mode-in-evaluation", says="BatchNorm works as in training")
def batch_norm_in_evaluation() -> Step:
    model = mlp(BatchNorm(8))

    def step() -> None:
        model(X)

    return step


@planted("training-mode-in-evaluation", says="Dropout works as in training")
def dropout_in_an_evaluation_in_between() -> Step:
    model = mlp(nn.Dropout(0.5))
    inner = trained(model, lambda: F.cross_entropy(model(X), T))

    def step() -> None:
        inner()
        with al.no_grad():
            model(X)

    return step


@planted("training-mode-in-evaluation", says="BatchNorm1d works as in training")
def batch_norm_of_the_library_in_an_evaluation_in_between() -> Step:
    model = mlp(nn.BatchNorm1d(8))
    inner = trained(model, lambda: F.cross_entropy(model(X), T))

    def step() -> None:
        inner()
        with al.no_grad():
            model(X)

    return step


@planted("cleared-before-step", says="are cleared before the optimizer's step")
def cleared_before_the_step() -> Step:
    model = mlp()
    optimizer = al.optim.SGD(model.parameters(), lr=0.1)

    def step() -> None:
        F.cross_entropy(model(X), T).backward()
        optimizer.zero_grad()
        optimizer.step()

    return step


@planted("evaluation-mode-in-training", says="BatchNorm is in evaluation mode")
def batch_norm_in_eval_while_it_trains() -> Step:
    model = mlp(BatchNorm(8)).eval()
    return trained(model, lambda: F.cross_entropy(model(X), T))


@planted("loss-without-graph", says="has no graph")
def loss_under_no_grad() -> Step:
    model = mlp()

    def loss() -> Any:
        with al.no_grad():
            return F.cross_entropy(model(X), T)

    return trained(model, loss)


@planted("loss-without-graph", says="are all parameters frozen")
def everything_frozen() -> Step:
    model = mlp().requires_grad_(False)
    return trained(model, lambda: F.cross_entropy(model(X), T))


@planted("not-finite", says="log made -inf")
def log_of_0() -> Step:
    model = mlp()
    return trained(model, lambda: -(al.log(al.relu(model(X))) * 0.1).mean())


@planted("not-finite", says="backward through sqrt made")
def root_at_0_backward() -> Step:
    w = al.tensor(np.zeros(3), requires_grad=True, name="w")
    return trained(nn.Module(), lambda: al.sqrt(w).sum(), al.optim.SGD([w], lr=0.1))


@planted("dead-relu", "no-gradient", says="8 of 8 units of a relu were 0")
def dead_relu() -> Step:
    model = mlp()
    model[0].bias.data[...] = -100.0
    return trained(model, lambda: F.cross_entropy(model(X), T))


@planted("saturated", says="of the values of a sigmoid are where it is flat")
def saturated_sigmoid() -> Step:
    model = nn.Sequential(nn.Linear(6, 8), nn.Sigmoid(), nn.Linear(8, 4))
    model[0].weight.data *= 1e4
    return trained(model, lambda: F.cross_entropy(model(X), T))


@planted("saturated", says="of the values of a tanh are where it is flat")
def saturated_tanh() -> Step:
    al.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 4))
    return trained(model, lambda: F.cross_entropy(model(X * 1e3), T))


@planted("softmax-before-loss", says="cross_entropy of what has been through softmax")
def softmax_before_cross_entropy() -> Step:
    model = nn.Sequential(*mlp(), nn.Softmax(dim=1))
    return trained(model, lambda: nn.CrossEntropyLoss()(model(X), T))


@planted("sigmoid-before-loss", says="has been through sigmoid")
def sigmoid_before_the_loss_from_logits() -> Step:
    model = nn.Sequential(nn.Linear(6, 1), nn.Sigmoid())
    labels = (Y > 0).double()
    return trained(model, lambda: F.binary_cross_entropy_with_logits(model(X), labels))


@planted("no-log-probabilities", says="they are a softmax")
def softmax_before_nll() -> Step:
    model = nn.Sequential(*mlp(), nn.Softmax(dim=1))
    return trained(model, lambda: F.nll_loss(model(X), T))


@planted("no-log-probabilities", says="no log-probabilities")
def logits_before_nll() -> Step:
    model = mlp()
    return trained(model, lambda: F.nll_loss(model(X), T))


@planted("softmax-twice", says="log_softmax of what has been through softmax")
def softmax_twice() -> Step:
    model = nn.Sequential(*mlp(), nn.Softmax(dim=1))
    return trained(model, lambda: F.nll_loss(al.log_softmax(model(X), 1), T))


@planted("softmax-of-one", "no-gradient", says="over a dimension of size 1")
def softmax_of_one_number() -> Step:
    model = nn.Sequential(nn.Linear(6, 1), nn.Softmax(dim=1))
    return trained(model, lambda: F.mse_loss(model(X), Y))


@planted("targets", says="that are no probabilities")
def class_numbers_as_floats() -> Step:
    model = mlp()
    wrong = al.tensor(np.tile(T.data[:, None], 4).astype(float))
    return trained(model, lambda: F.cross_entropy(model(X), wrong))


@planted("targets", says="the target is integers")
def class_numbers_as_floats_of_their_shape() -> Step:
    model = mlp()
    return trained(model, lambda: F.cross_entropy(model(X), T.double()))


@planted("targets", says="from -1 to 1")
def labels_of_minus_one() -> Step:
    model = nn.Linear(6, 1)
    return trained(model, lambda: F.binary_cross_entropy_with_logits(model(X), al.sign(Y)))


@planted("targets", says="are float64 and its input float32")
def targets_of_another_precision() -> Step:
    model = nn.Linear(6, 1, dtype=al.float32)
    x = X.float()
    return trained(model, lambda: F.mse_loss(model(x), Y))
