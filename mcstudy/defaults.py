"""What a run does unless told otherwise, in one place that costs nothing to import."""

__all__ = ["ALPHA", "EXECUTOR", "OUT", "PROFILES", "SEED"]

SEED = 20261123
PROFILES = ("quick", "full")
EXECUTOR = "joblib"
OUT = "reports"
ALPHA = 0.01  # the chance of any wrong verdict in a report
