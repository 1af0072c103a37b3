"""The terminal that a server was started in: whether it was closed since."""

from __future__ import annotations

import os
import signal


class ControllingTerminal:
    """The terminal that signals of the keyboard come from; made when the server starts.

    When a terminal is closed, the kernel takes it from its processes and then sends them SIGHUP,
    the signal by which a supervisor or an administrator asks for a reload.
    """

    def __init__(self) -> None:
        # nohup ignores SIGHUP and starts what is to outlive its terminal.
        ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        self._counts = not ignored and _is_there()

    @property
    def was_closed(self) -> bool:
        """Whether there was a terminal that the server ends with, and it is gone."""
        return self._counts and not _is_there()


def _is_there() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:  # ENXIO: the process has no controlling terminal
        return False
    return True
