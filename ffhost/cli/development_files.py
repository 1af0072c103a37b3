"""The files that are found while developing: ``functions.yaml`` above, and ``.env`` beside it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from ffhost.config import DEFAULT_FILE, ConfigSources, LoadedConfig

DOTENV = ".env"


def set_config_option(options: dict[str, Any]) -> None:
    """Set ``config`` to the nearest ``functions.yaml`` above, unless there is one or a target.

    The search ends at the root of the repository; outside of one only this folder counts.
    """
    named = options["config"] or os.environ.get("FFHOST_CONFIG")
    if named or options["target"] or os.environ.get("FUNCTION_TARGET"):
        return
    here = Path.cwd()
    found = nearest_config_above(here)
    if found is not None and found.parent != here:
        options["config"] = os.path.relpath(found, here)
        print(f"ffhost: using {options['config']}", file=sys.stderr)


def nearest_config_above(folder: Path) -> Path | None:
    """Return the nearest ``functions.yaml`` in *folder* or above it, within its repository."""
    folders = [folder, *folder.parents]
    roots = [number for number, each in enumerate(folders) if (each / ".git").exists()]
    for each in folders[: roots[0] + 1] if roots else folders[:1]:
        if (each / DEFAULT_FILE).is_file():
            return each / DEFAULT_FILE
    return None


def echo_dotenv_option(config: LoadedConfig, given: ConfigSources) -> list[str]:
    """Write that ``.env`` is read, if it was found; return the option by which it is named."""
    if config.settings.env_file is not None or config.base / DOTENV not in config.watched:
        return []
    print(f"ffhost: reading {DOTENV} beside {given.named_config}", file=sys.stderr)
    return ["--set", f"env_file={DOTENV}"]
