"""The private names of user modules, and how they read in a log. Imports nothing."""

from __future__ import annotations

import os
import re

PREFIX = "_ffhost_"
_PRIVATE = re.compile(r"\b_ffhost_(\w*)_[0-9a-f]{8}(?:\.|\b)")


def root_name(folder: str, *, salt: int = 0) -> str:
    """Return the name of the package that stands for *folder* in ``sys.modules``.

    The name depends on the path alone, so that every worker process gives the same one and
    an object pickled in one of them can be read in another.
    """
    from hashlib import blake2s

    label = re.sub(r"\W", "_", os.path.basename(folder), flags=re.ASCII) or "root"
    digest = blake2s(f"{salt or ''}{folder}".encode(), digest_size=4).hexdigest()
    return f"{PREFIX}{label}_{digest}"


def plain_name(module_name: str) -> str:
    """Return the name that the author of a module knows it by.

    ``_ffhost_images_1b2c3d4e.app.resize`` is ``app.resize``, the folder itself ``images``;
    every other name is returned as it is.
    """
    if not module_name.startswith(PREFIX):
        return module_name
    root, _, rest = module_name.partition(".")
    return rest or root[len(PREFIX) : -9]


def plain_text(text: str) -> str:
    """Replace private module names within *text*, such as an exception's message."""
    if PREFIX not in text:
        return text
    return _PRIVATE.sub(lambda match: "" if match[0].endswith(".") else match[1], text)


def plain_error(error: ImportError) -> None:
    """Make *error* show plain names, also where user code looks at its ``name``."""
    if isinstance(error.msg, str) and PREFIX in error.msg:
        error.msg = plain_text(error.msg)
        error.args = (error.msg, *error.args[1:])
    if error.name is not None:
        error.name = plain_name(error.name)
