"""A first program: define a model, check its gradients, train it."""

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F

al.manual_seed(0)
x = al.tensor([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1]], dtype=float)  # which of three lights are on
y = al.tensor([[1], [1], [0], [0]], dtype=float)  # whether people walk


class Streetlights(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(3, 4)
        self.output = nn.Linear(4, 1)

    def forward(self, x):
        return self.output(self.hidden(x).tanh())


model = Streetlights()
print(al.check_module(model, lambda: F.mse_loss(model(x), y)))

optimizer = al.optim.SGD(model.parameters(), lr=0.2)
for step in range(301):
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step}: loss {loss.item():.4f}")
