"""What a run found, printed as it goes."""

from __future__ import annotations


class Report:
    """Figures of one run, and whether what it promises held."""

    def __init__(self, name: str) -> None:
        self.held = True
        print(f"== {name}", flush=True)

    def say(self, text: str) -> None:
        """Print a figure."""
        print(f"   {text}", flush=True)

    def expect(self, holds: bool, text: str) -> None:
        """Print a figure that something is promised of."""
        self.held = self.held and holds
        print(f"   {'ok  ' if holds else 'FAIL'} {text}", flush=True)

    def end(self, seconds: float) -> None:
        """Print the end."""
        print(f"   {'held' if self.held else 'DID NOT HOLD'}, {seconds:.0f} s\n", flush=True)


def percentile(values: list[float], share: float) -> float:
    """Give the value that *share* of the *values* do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(seconds: float) -> str:
    """Show a time."""
    return f"{seconds * 1000:.1f} ms"
