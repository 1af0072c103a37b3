"""The environment variables that functions-framework sets for its function.

Only for a single target without a file: with many functions in one process there is not one
target.
"""

from __future__ import annotations

from collections.abc import Mapping


def framework_variables_before_loading(target: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for the import of the module; ``ENTRY_POINT`` is the legacy mode."""
    found = {"FUNCTION_TARGET": target}
    if environ.get("ENTRY_POINT"):
        found["FUNCTION_NAME"] = environ.get("K_SERVICE", target)
    return found


def framework_variables_after_loading(signature: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that are known once the function and its decorator are loaded."""
    found = {"FUNCTION_SIGNATURE_TYPE": signature}
    if environ.get("ENTRY_POINT"):
        found["FUNCTION_TRIGGER_TYPE"] = signature
    return found
