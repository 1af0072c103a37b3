"""Functions that run by the clock: when, by whom, and with what."""
