"""Deep linear networks W = W_L ... W_1 and their gradient flow, in theory and on a computer (Problem 1 (a)-(f)).

Products and gradients are in `products`, starts and planted matrices in `starts` and `problems`, the flow in `flow`,
`fixed_step` and `escape`, its closed forms in `mode_dynamics` and `riccati`, the statements compared in `residuals`,
recovery from few measurements in `descent`.
"""
