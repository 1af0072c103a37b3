"""Processes that run isolated functions, which are killed at the deadline.

A loop in C, a segmentation fault, ``os._exit`` or too much memory costs the call that it
happens in, and nothing else. Why this is not built on a library of process pools is told in
``docs/decisions/isolation.md``.
"""
