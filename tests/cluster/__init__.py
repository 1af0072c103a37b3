"""Checks that need kubectl, an environment of their own or much time: ``make cluster``."""
