"""The picture of a terminal session: ``docs/pictures/terminal.svg``.

``python docs/terminal.py`` runs the session for real and draws what it writes. It needs ``rich``,
which is part of the extra ``docs``.
"""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

FILE = Path(__file__).parent / "pictures" / "terminal.svg"
PORT = 8080
WIDTH = 92
_CODE = """import ffhost


@ffhost.http
def hello(request):
    return f"Hello, {request.args.get('name', 'world')}!\\n"


@ffhost.cloud_event
def on_upload(event):
    print("uploaded", event.get_data()["name"])
"""
_WRONG = """version: 1
functions:
  hello:
    target: main.py:hello
    timeuot: 5s
  on-upload:
    target: main.py:on_uplaod
"""
_RIGHT = _WRONG.replace("uplaod", "upload").replace("timeuot", "timeout")
_WAIT_SECONDS = 20


class Program:
    """``ffhost`` in a terminal of its own, and all that it has written.

    Args:
        folder: where it runs
        words: its arguments
    """

    def __init__(self, folder: Path, *words: str) -> None:
        self.written = ""
        self._terminal, its_side = pty.openpty()
        environ = {**os.environ, "TERM": "xterm", "COLUMNS": str(WIDTH), "FORCE_COLOR": "1"}
        self._process = subprocess.Popen(
            [Path(sys.executable).parent / "ffhost", *words],
            cwd=folder,
            env=environ,
            stdin=its_side,
            stdout=its_side,
            stderr=its_side,
        )
        os.close(its_side)

    def read_until(self, text: str) -> None:
        """Read until it has written *text*, or has ended."""
        end = time.monotonic() + _WAIT_SECONDS
        while text not in self.written and time.monotonic() < end:
            if not select.select([self._terminal], [], [], 0.1)[0]:
                continue
            try:
                self.written += os.read(self._terminal, 65536).decode().replace("\r\n", "\n")
            except OSError:  # it has ended
                return

    def end(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
        os.close(self._terminal)


def session(folder: Path) -> str:
    """Return what the session shows, with its colours as escape sequences."""
    (folder / "main.py").write_text(_CODE)
    (folder / "functions.yaml").write_text(_WRONG)
    check = Program(folder, "check")
    check.read_until("never written: read to the end")
    check.end()
    (folder / "functions.yaml").write_text(_RIGHT)
    dev = Program(folder, "dev", "--port", str(PORT))
    dev.read_until("main.py:on_upload")
    _get("/hello?name=Ada")
    _get("/helo")
    dev.read_until("404")
    (folder / "main.py").write_text(_CODE.replace("Hello", "Good morning"))
    dev.read_until("reloaded in")
    dev.end()
    return f"{_prompt('ffhost check')}{check.written}\n{_prompt('ffhost dev')}{dev.written}"


def _prompt(command: str) -> str:
    return f"\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m\n"


def _get(path: str) -> None:
    try:
        urlopen(f"http://localhost:{PORT}{path}", timeout=_WAIT_SECONDS).read()
    except HTTPError as answer:
        answer.close()


def draw(text: str) -> str:
    """Draw *text* as a window."""
    from rich.console import Console
    from rich.terminal_theme import DIMMED_MONOKAI
    from rich.text import Text

    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi(text.strip("\n")))
    picture = console.export_svg(title="ffhost", theme=DIMMED_MONOKAI, unique_id="terminal")
    picture = re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)  # of a foreign host
    return "\n".join(
        line.rstrip() for line in picture.replace("Fira Code", "ui-monospace").split("\n")
    )


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        FILE.write_text(draw(session(Path(folder))) + "\n")


if __name__ == "__main__":
    main()
