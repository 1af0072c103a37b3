"""Processes that run isolated functions, which are killed at the deadline.

A loop in C, a segmentation fault, ``os._exit`` or too much memory fails only the call
that it happens in. ``docs/decisions/isolation.md`` says why this does not use a library of
process pools.
"""
