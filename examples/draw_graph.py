"""Draw a graph: streetlights.svg, or the path given, and the DOT text to the screen."""

import sys

import autograd_lite as al

layer_0 = al.tensor([[1.0, 0.0, 1.0]], name="layer_0")
weights_0_1 = al.tensor([[0.5, -0.25, 0.75, 0.25]] * 3, requires_grad=True, name="weights_0_1")
weights_1_2 = al.tensor([[0.5], [0.25], [-0.5], [1.0]], requires_grad=True, name="weights_1_2")
goal = al.tensor([[1.0]], name="goal")

layers = {"layer_1_in": layer_0 @ weights_0_1}
layers["layer_1"] = al.relu(layers["layer_1_in"])
layers["layer_2"] = layers["layer_1"] @ weights_1_2
for name, layer in layers.items():
    layer.name = name
    layer.retain_grad()  # which leaves do by themselves
error = al.nn.functional.mse_loss(layers["layer_2"], goal, reduction="sum")
error.name = "error"
error.retain_grad()

error.backward(retain_graph=True)
print(al.to_dot(error))
print(al.draw(error, sys.argv[1] if len(sys.argv) > 1 else "streetlights.svg").path)
