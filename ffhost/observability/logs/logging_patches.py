"""What ffhost changes in the standard library's ``logging``: two things, and both narrowly.

``logging.basicConfig`` would do nothing, because the root logger has a handler, ours; people
who call it expect at least their level. And ``logging.disable`` of user code does not silence
the host.
"""

from __future__ import annotations

import logging
from typing import Any

_basic_config = logging.basicConfig
_state: dict[str, Any] = {"handler": None, "level_written": False}


class HostLogger(logging.Logger):
    """A logger of the host's own, which ``logging.disable`` does not disable."""

    def isEnabledFor(self, level: int) -> bool:
        """Whether an entry of *level* is written."""
        return not self.disabled and level >= self.getEffectiveLevel()


def host_logger(name: str) -> logging.Logger:
    """Return the logger *name*, made one of the host's own."""
    logger = logging.getLogger(name)
    if type(logger) is logging.Logger:
        logger.__class__ = HostLogger
    return logger


def install_logging_patches(handler: logging.Handler, *, level_written: bool) -> None:
    """Make ``basicConfig`` set the level while *handler* is the only one of the root logger.

    Args:
        handler: ours
        level_written: whether the settings name a level, which then wins
    """
    _state.update(handler=handler, level_written=level_written)
    logging.basicConfig = basicConfig


def uninstall_logging_patches() -> None:
    """Restore ``logging.basicConfig``."""
    _state.update(handler=None, level_written=False)
    logging.basicConfig = _basic_config


def basicConfig(**options: Any) -> None:
    """Set the level of the root logger if only ffhost's handler is on it, else configure it.

    Handlers and files that are named are added as ever. A stream, a format and ``force`` alone
    have no effect: entries have the form that ``logging`` of the configuration gives them.
    """
    own = logging.root.handlers == [_state["handler"]]
    if not own or options.get("handlers") or options.get("filename"):
        _basic_config(**options)
    elif options.get("level") is not None and not _state["level_written"]:
        logging.root.setLevel(options["level"])
