"""A run's settings, and the commands that repeat it."""

from __future__ import annotations

from dataclasses import dataclass

from mcstudy.defaults import SEED
from mcstudy.engine.limit import UNTIL, Limit
from mcstudy.engine.source import Origin
from mcstudy.study import Study

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """A study with the settings of its run."""

    origin: Origin
    profile: str
    seed: int
    executor: str
    jobs: int
    limit: Limit
    retry_failures: bool = False
    block_timeout: float | None = None

    @property
    def study(self) -> Study:
        """The study that is run."""
        return self.origin.study

    @property
    def most(self) -> int:
        """The most replicates that the profile gives a scenario, or that were asked for."""
        return int(self.limit.replicates) if self.limit.exact else self.study.replicates.most(self.profile)

    @property
    def command(self) -> str:
        """The command that runs the study again."""
        until = f" --until {UNTIL}" if self.limit.endless else ""
        return f"mcstudy run {self.origin.command} --profile {self.profile}{until}{self._exact}{self._seed}"

    def shard(self, part: str) -> str:
        """The command that draws a part, up to the folder that it writes."""
        design = f"{self.origin.command} --profile {self.profile}{self._exact}{self._seed}"
        return f"mcstudy shard {part} {design}"

    @property
    def replay(self) -> str:
        """The command that draws a block again, up to the block's name."""
        return f"mcstudy replay {self.origin.command}{self._seed}"

    @property
    def _exact(self) -> str:
        return f" --replicates {self.most}" if self.limit.exact else ""

    @property
    def _seed(self) -> str:
        return "" if self.seed == SEED else f" --seed {self.seed}"
