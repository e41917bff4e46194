"""Shallow networks and their linearization at initialization (Problem 2).

Networks and the bound are in `networks`, displacements from the start in `displacements` and `adversary`, what is
measured there in `linearization_errors`, training in `training` and `lazy_training`, infinite width in `kernels`.
"""
