"""Draw a graph: streetlights.svg, or the path given, and the DOT text to the screen."""

import sys

import autograd_lite as al

layer_0 = al.tensor([[1.0, 0.0, 1.0]], name="layer_0")
weights_0_1 = al.tensor([[0.5] * 4] * 3, requires_grad=True, name="weights_0_1")
weights_1_2 = al.tensor([[0.5]] * 4, requires_grad=True, name="weights_1_2")
goal = al.tensor([[1.0]], name="goal")

layer_1 = al.relu(layer_0 @ weights_0_1)
layer_1.name = "layer_1"
layer_2 = layer_1 @ weights_1_2
layer_2.name = "layer_2"
error = al.nn.functional.mse_loss(layer_2, goal, reduction="sum")
error.name = "error"

print(al.to_dot(error))
print(al.draw(error, sys.argv[1] if len(sys.argv) > 1 else "streetlights.svg").path)
