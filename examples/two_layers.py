"""A first program: define a model, check its gradients, train it."""

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.nn import functional as F

al.manual_seed(0)
lights = al.tensor([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 1, 1]], dtype=al.float64, name="lights")
walk = al.tensor([[1], [1], [0], [0]], dtype=al.float64, name="walk")


class Streetlights(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(3, 4)
        self.output = nn.Linear(4, 1)

    def forward(self, x):
        return self.output(F.relu(self.hidden(x)))


model = Streetlights()
assert al.check_module(model, lambda: F.mse_loss(model(lights), walk))  # every parameter, by finite differences

optimizer = al.optim.SGD(model.parameters(), lr=0.2)
for step in range(301):
    optimizer.zero_grad()
    loss = F.mse_loss(model(lights), walk)
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        print(f"step {step}: loss {loss.item():.6f}")

al.draw(F.mse_loss(model(lights), walk), "two_layers.svg", names=model)
