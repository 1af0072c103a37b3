"""Long runs against real servers: ``python -m tests.soak [NAME ...] [--quick]``.

Each prints its counts and says what it expects of them; the exit status tells whether all held.
"""
