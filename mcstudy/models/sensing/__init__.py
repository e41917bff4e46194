"""Matrix sensing on finitely many measurements: the loss, its moments and law, and the spectrum behind it (Problem 1).

The loss in closed form is in `loss`; draws of it are in `samplers`, compared with theory by `errors`; eigenvalues of
the measurements are in `extreme_eigenvalues`, their laws in `marchenko_pastur` and `tracy_widom`.
"""
