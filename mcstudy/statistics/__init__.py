"""Estimators of simulated columns, each with its Monte Carlo standard error."""
