"""The mathematics under test: pure functions on arrays."""
