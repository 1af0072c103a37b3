"""Fuzzing that is too long for every test run: ``make fuzz``."""
