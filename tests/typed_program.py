"""A program as somebody who has mypy at its strictest would write it; test_typing.py checks it, nothing runs it."""

from __future__ import annotations

from typing import Any

import numpy as np
from typing_extensions import assert_type

import autograd_lite as al
from autograd_lite import Tensor, nn
from autograd_lite.autograd.function import FunctionCtx
from autograd_lite.nn import functional as F
from autograd_lite.utils.data import DataLoader, Dataset, TensorDataset


class Net(nn.Module):
    scale: Tensor

    def __init__(self, inputs: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden)
        self.rest = nn.Sequential(nn.LayerNorm(hidden), nn.ReLU(), nn.Dropout(0.1), nn.Linear(hidden, classes))
        self.register_buffer("scale", al.ones(classes))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        assert_type(hidden, Tensor)
        return self.rest(hidden) * self.scale

    def probabilities(self, x: Tensor) -> Tensor:
        return F.softmax(self.rest(self.first(x)), dim=-1)


class Square(al.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: FunctionCtx, g: Tensor) -> Tensor:
        x: Tensor
        (x,) = ctx.saved_tensors
        return g * x * 2.0


@al.primitive(x=lambda g, y: g * y * (1 - y))
def logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


class Squares(Dataset[tuple[Tensor, Tensor]]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return al.tensor([float(index)]), al.tensor([float(index**2)])


@al.no_grad()
def measured(net: Net, data: DataLoader[tuple[Tensor, Tensor]]) -> float:
    return sum(F.mse_loss(net(x), y).item() for x, y in data)


def slope(y: Tensor, x: Tensor) -> Tensor:
    return al.autograd.grad(y, x, create_graph=True)[0].norm()


def loss_of(net: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(net(x), y) + 1e-4 * sum((p**2).sum() for p in net.parameters())


def train(net: Net, epochs: int) -> list[float]:
    data = TensorDataset(al.randn(32, 4), al.randint(0, 3, (32,)))
    optimizer = al.optim.Adam(net.parameters(), lr=1e-2, betas=(0.9, 0.99))
    scheduler = al.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)
    losses = []
    for _ in range(epochs):
        for x, y in DataLoader(data, batch_size=8, shuffle=True):
            optimizer.zero_grad()
            loss = loss_of(net, x, y)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
    return losses


def largest(x: Tensor) -> tuple[Tensor, Tensor]:
    values, indices = x.topk(2, dim=1)
    return values, indices


def shapes(x: Tensor) -> list[Tensor]:
    parts = al.split(x, 2)
    assert_type(x.shape, tuple[int, ...])
    assert_type(al.cat([x, x], dim=1), Tensor)
    assert_type(x[0].reshape(2, -1).T, Tensor)
    assert_type(al.einsum("ij,jk->ik", x, x.T), Tensor)
    assert_type(-x + 2.0 * x @ x.T / 3, Tensor)
    assert_type(al.where(x > 0, x, 0.0).sum(dim=0, keepdim=True).exp(), Tensor)
    assert_type(al.linalg.inv(x @ x.T), Tensor)
    assert_type(logistic(x), Tensor)
    return [*parts, *al.chunk(x, 2)]


def main() -> None:
    al.manual_seed(0)
    net = Net(4, 8, 3)
    assert_type(net.first.weight, nn.Parameter)
    print(train(net, epochs=2)[-1], nn.utils.parameters_to_vector(net.parameters()).shape)
    with al.no_grad():
        accuracy = (net(al.randn(5, 4)).argmax(dim=1) == 0).float().mean().item()
    print(f"{accuracy:.2f}")
    x = al.randn(3, requires_grad=True)
    if not al.gradcheck(lambda x: Square.apply(x).sum(), x):
        raise SystemExit("wrong")
    slope: Tensor = al.func.grad(lambda x: x.pow(2).sum())(x)
    print(slope.numpy() @ np.ones(3), al.derive(loss_of(net, al.randn(2, 4), al.tensor([0, 1]))))
    al.save(net.state_dict(), "net.npz")
    net.load_state_dict(al.load("net.npz"))
