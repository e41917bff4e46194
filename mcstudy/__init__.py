"""Monte Carlo studies that put theory to the test."""
