"""What a single target will most likely need, imported before workers are forked.

A worker that imports it later copies each page of memory that it changes, and has it for itself
alone. A wrong guess costs a little time, and nothing else.
"""

from __future__ import annotations

import re
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from ffhost.config import LoadedConfig
from ffhost.loading.targets import find_target_place
from ffhost.signatures.requests.request_choice import is_request_framework_installed

_OTHERS = ("cloud_event", "typed")
"""What decorators of functions have in their names that get something else than a request."""


def import_likely_request(config: LoadedConfig) -> None:
    """Import Flask and its request if the only function will most likely get it."""
    if likely_gets_flask_request(config):
        # Whatever is wrong with it is told when the function is loaded.
        with suppress(Exception):
            import_module("ffhost.signatures.requests.flask_request")
            import_module("ffhost.signatures.http_function")


def likely_gets_flask_request(config: LoadedConfig) -> bool:
    """Whether the only function will get Flask's request, as far as its text tells."""
    name = config.framework_target
    if name is None or config.asgi:
        return False
    settings = config.settings.function(name)
    if (
        settings.signature not in (None, "http")
        or settings.request not in (None, "auto", "flask")
        or settings.isolation == "process"
    ):
        return False
    try:
        place = find_target_place(settings.target, settings.source, config.base)
        text = "" if place.file is None else place.file.read_text("utf-8")
    except Exception:  # told when the function is loaded
        return False
    return (
        _is_plain_function(place.attribute, text)
        and not _brings_its_own(place.folder)
        and is_request_framework_installed("flask")
    )


def _is_plain_function(name: str, text: str) -> bool:
    found = re.search(rf"^((?:@.*\n)*)def {re.escape(name)}\(", text, re.MULTILINE)
    return found is not None and not any(each in found[1] for each in _OTHERS)


def _brings_its_own(folder: Path) -> bool:
    """Whether *folder* has packages which the function finds in the place of those installed."""
    return any((folder / each).exists() for each in ("flask", "werkzeug", "jinja2"))
