"""Our replacement of ``functions_framework._cli``: ``_cli(["--target", "hello"])`` serves."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_cli: Any = import_module("ffhost.cli.framework_command").command

__all__ = ["_cli"]
