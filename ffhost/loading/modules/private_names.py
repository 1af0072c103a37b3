"""The private names of user modules, and their plain form for logs. Imports nothing."""

from __future__ import annotations

import os
import re

PREFIX = "_ffhost_"
_PRIVATE = re.compile(r"\b_ffhost_(\w*)_[0-9a-f]{8}(?:\.|\b)")


def private_package_name(folder: str, *, salt: str = "") -> str:
    """Return the name of the package that represents *folder* in ``sys.modules``.

    The name depends on the path and *salt* alone. So it is the same in every worker process, and
    an object pickled in one of them can be read in another.
    """
    from hashlib import blake2s

    label = re.sub(r"\W", "_", os.path.basename(folder), flags=re.ASCII) or "root"
    digest = blake2s(f"{salt}{folder}".encode(), digest_size=4).hexdigest()
    return f"{PREFIX}{label}_{digest}"


def plain_module_name(module_name: str) -> str:
    """Return the name of a module as its author wrote it.

    ``_ffhost_images_1b2c3d4e.app.resize`` is ``app.resize``, the folder itself ``images``;
    every other name is returned as it is.
    """
    if not module_name.startswith(PREFIX):
        return module_name
    root, _, rest = module_name.partition(".")
    return rest or root[len(PREFIX) : -9]


def with_plain_module_names(text: str) -> str:
    """Replace private module names within *text*, such as an exception's message."""
    if PREFIX not in text:
        return text
    return _PRIVATE.sub(lambda match: "" if match[0].endswith(".") else match[1], text)


def error_with_plain_module_names(error: ImportError) -> None:
    """Replace private module names in *error*, in its message and its ``name``."""
    if isinstance(error.msg, str) and PREFIX in error.msg:
        error.msg = with_plain_module_names(error.msg)
        error.args = (error.msg, *error.args[1:])
    if error.name is not None:
        error.name = plain_module_name(error.name)
