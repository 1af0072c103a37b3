"""Stands for functions-framework where only ffhost is installed.

For code that ffhost does not load itself: tests of functions, `python -m functions_framework`.
It lies behind everything that is installed, so the original wins wherever it is there. At run
time ffhost's own modules take its place; the stubs beside it are for type checkers.
"""

from ffhost.loading.compat import put_compat_for_stand_in

put_compat_for_stand_in(__name__)
