"""The mathematics under test: pure functions on stacks of arrays.

- `sensing`: the loss of matrix sensing on finitely many measurements, and the spectrum behind it (Problem 1)
- `deep_linear`: deep linear networks under gradient flow and descent (Problem 1)
- `shallow`: shallow networks near their initialization (Problem 2)

They share `arrays`, `checks` and `data`.
"""
