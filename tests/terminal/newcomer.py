"""The way of a newcomer through ``ffhost dev`` in a real terminal, which tmux is here.

``python -m tests.terminal.newcomer`` shows the screens, and with ``--write`` stores them. What
differs from run to run (times, the port, the revision) is replaced by words.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.serving import eventually, free_port

SCREENS = Path(__file__).parent / "screens"
WIDTHS = (80, 100)
_WAIT_SECONDS = 30
_CONFIG = "functions:\n  hello:\n    target: main.py:{target}\n    timuot: 5s\n"
_FIXED = "functions:\n  hello:\n    target: main.py:hello\n"
_ADDED = _FIXED + "  slow:\n    target: main.py:slow\n"
_HELLO = "def hello(request):\n    return 'hello'\n"
_BROKEN = "def hello(request:\n    return 'hello'\n"
_HANGING = "import time\n\ntime.sleep(60)\n"
_SLOW = """import time


def slow(request):
    open("begun", "w").close()
    time.sleep(3)
    return "slow"


"""


class Terminal:
    """A terminal of tmux with a shell in *folder*."""

    def __init__(self, folder: Path, width: int) -> None:
        self._socket = f"ffhost-{free_port()}"
        self._tmux(
            *("new-session", "-d", "-x", str(width), "-y", "30", "-c", str(folder)),
            *("env", "-u", "TMUX", "PS1=$ ", "TERM=screen", "NO_COLOR=1"),
            *(f"PATH={Path(sys.executable).parent}:/usr/bin:/bin", "bash", "--norc"),
        )
        self.wait_for("$")

    def _tmux(self, *words: str) -> str:
        command = ["tmux", "-L", self._socket, "-f", "/dev/null", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def type(self, line: str) -> None:
        """Type *line* and press Enter, on a cleared screen."""
        self._tmux("send-keys", "clear", "Enter")
        eventually(lambda: self.screen() == "$", "the screen is clear")
        self._tmux("send-keys", "-l", line)
        self._tmux("send-keys", "Enter")

    def press(self, key: str) -> None:
        """Press one key."""
        self._tmux("send-keys", key)

    def screen(self) -> str:
        """Return what is on the screen."""
        lines = [line.rstrip() for line in self._tmux("capture-pane", "-p").splitlines()]
        return "\n".join(lines).strip("\n")

    def wait_for(self, text: str) -> str:
        """Wait until *text* is on the screen, and return the screen."""
        return eventually(
            lambda: screen if text in (screen := self.screen()) else None, f"{text!r} is shown"
        )

    def close(self) -> None:
        """End it, and what runs in it."""
        with suppress(subprocess.CalledProcessError):
            self._tmux("kill-server")


def walk(folder: Path, width: int) -> Iterator[tuple[str, str]]:
    """Go the way in *folder*, and yield each screen under a name."""
    port = free_port()
    terminal = Terminal(folder, width)
    config, code = folder / "functions.yaml", folder / "main.py"
    try:
        config.write_text(_CONFIG.format(target="helo"))
        code.write_text(_HELLO)
        serve = shlex.join(["ffhost", "dev", "--port", str(port)])
        terminal.type(serve)
        terminal.wait_for("timuot: 5s")
        yield "typo", _plain(terminal.wait_for("\n$"), port)
        config.write_text(_FIXED)
        terminal.type(serve)
        terminal.wait_for("main.py:hello")
        _get(port, "/hello")
        _get(port, "/helo")
        terminal.wait_for("404")
        code.write_text(_BROKEN)
        yield "syntax-error", _plain(terminal.wait_for("not served"), port)
        code.write_text(_HANGING)
        terminal.wait_for("still loading")
        code.write_text(_SLOW + _HELLO)
        terminal.wait_for("main.py changed: reloaded")
        config.write_text(_ADDED)
        yield "new-function", _plain(terminal.wait_for(f"{port}/slow"), port)
        caller = threading.Thread(target=_get, args=(port, "/slow"))
        caller.start()
        eventually((folder / "begun").exists, "the slow function is called")
        terminal.press("C-c")
        terminal.wait_for("waiting for 1 call")
        yield "ctrl-c", _plain(terminal.wait_for("\n$"), port)
        caller.join()
    finally:
        terminal.close()


def _get(port: int, path: str) -> None:
    with suppress(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=_WAIT_SECONDS).read()


def _plain(screen: str, port: int) -> str:
    """Return *screen* without what differs from run to run."""
    screen = screen.replace(str(port), "PORT")
    screen = re.sub(r"console: http://127.0.0.1:\d+", "console: http://127.0.0.1:PORT", screen)
    screen = re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "HH:MM:SS.mmm", screen)
    screen = re.sub(r"\d+\.\d+ ms", "N ms", screen)
    screen = re.sub(r"reloaded in \d+\.\d+ s", "reloaded in N s", screen)
    screen = re.sub(r"ffhost \d+\.\d+\.\d+", "ffhost VERSION", screen)
    screen = re.sub(r"revision [0-9a-f]{12}", "revision REVISION", screen)
    # On a slow machine it takes longer, and is said more often.
    return re.sub(r"(still loading: .*\n)\1+", r"\1", screen) + "\n"


def main() -> None:
    """Show the screens; store them if asked to."""
    for width in WIDTHS:
        with tempfile.TemporaryDirectory() as folder:
            for name, screen in walk(Path(folder), width):
                print(f"--- {name}, {width} columns\n{screen}")
                if "--write" in sys.argv:
                    (SCREENS / f"{name}-{width}.txt").write_text(screen)


if __name__ == "__main__":
    main()
