"""The environment variables that functions-framework shows to its function.

Only for a single target without a file: with many functions in one process there is no such
thing as the target.
"""

from __future__ import annotations

from collections.abc import Mapping


def before_loading(target: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the module sees while it is imported; ``ENTRY_POINT`` is the legacy mode."""
    found = {"FUNCTION_TARGET": target}
    if environ.get("ENTRY_POINT"):
        found["FUNCTION_NAME"] = environ.get("K_SERVICE", target)
    return found


def after_loading(signature: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what is known once the function is loaded, for a decorator may have said it."""
    found = {"FUNCTION_SIGNATURE_TYPE": signature}
    if environ.get("ENTRY_POINT"):
        found["FUNCTION_TRIGGER_TYPE"] = signature
    return found
