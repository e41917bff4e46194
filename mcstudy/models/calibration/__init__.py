"""Laws and trials by which the verdicts of the package are calibrated."""
