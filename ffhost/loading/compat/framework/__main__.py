"""``python -m functions_framework``."""

from __future__ import annotations

from importlib import import_module

import_module("ffhost.cli.framework_command").main(program="python -m functions_framework")
