"""From measured pairs to a median and its quartiles."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """How often one side has what the other has.

    Args:
        median: of the ratios of all pairs
        low: their lower quartile
        high: their upper quartile
        pairs: how many there were
    """

    median: float
    low: float
    high: float
    pairs: int

    def overlaps(self, other: Ratio) -> bool:
        """Say whether the quartile ranges of two runs overlap."""
        return self.low <= other.high and other.low <= self.high


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Compare two sides that were measured in turn."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    if len(ratios) == 1:
        return Ratio(ratios[0], ratios[0], ratios[0], 1)
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Ratio(median, low, high, len(ratios))
