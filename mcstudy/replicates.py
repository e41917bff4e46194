"""How many replicates a scenario gets, and after how many of them the claims are looked at."""

from __future__ import annotations

from dataclasses import dataclass

from mcstudy.checks import is_count
from mcstudy.defaults import PROFILES
from mcstudy.exceptions import StudyError

__all__ = ["Replicates"]


@dataclass(frozen=True, kw_only=True)
class Replicates:
    """How many replicates a scenario gets: stages double from `first` up to the profile's count.

    Parameters
    ----------
    first : int
        Replicates of the first stage, a multiple of the study's block.
    quick, full : int
        The most that the profiles draw: `first` times a power of two.
    """

    first: int
    quick: int
    full: int

    def __post_init__(self) -> None:
        for name in ("first", *PROFILES):
            count = getattr(self, name)
            if not is_count(count):
                msg = f"`{name}` must be a positive whole number of replicates, got {count!r}"
                raise StudyError(msg)
            object.__setattr__(self, name, int(count))
            ratio, rest = divmod(int(count), self.first)
            if rest or ratio & (ratio - 1) or not ratio:
                msg = f"`{name}` must be `first` ({self.first}) times a power of two, got {count}"
                raise StudyError(msg)
        if self.quick > self.full:
            msg = f"`quick` must not exceed `full` ({self.full}), got {self.quick}"
            raise StudyError(msg)

    def stages(self, profile: str) -> tuple[int, ...]:
        """The replicates after each stage of a profile.

        Examples
        --------
        >>> Replicates(first=256, quick=1024, full=4096).stages("quick")
        (256, 512, 1024)
        """
        last = int(getattr(self, profile))
        doublings = (last // self.first).bit_length()
        return tuple(self.first << doubling for doubling in range(doublings))
