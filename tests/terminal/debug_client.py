"""A client of debugpy's adapter, as far as VS Code's "launch" needs one.

Each process that the launched one forks gets a session of its own, as in VS Code. At a
breakpoint one expression is evaluated; then the function waits and goes on.
"""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.serving import eventually, free_port

_WAIT_SECONDS = 60


class Debugger:
    """The adapter, and what it is to do at the breakpoint.

    Args:
        file: with *line* the place of the breakpoint
        expression: evaluated at each stop, for *stops*
        pause_seconds: how long each stop lasts
    """

    def __init__(self, file: Path, line: int, expression: str, pause_seconds: float) -> None:
        self.file, self.line = file, line
        self.expression, self.pause_seconds = expression, pause_seconds
        self.stops: queue.Queue[str] = queue.Queue()
        self._address = ("127.0.0.1", free_port())
        words = ("--host", self._address[0], "--port", str(self._address[1]))
        self._adapter = subprocess.Popen(
            [sys.executable, "-m", "debugpy.adapter", *words], stderr=subprocess.DEVNULL
        )
        self._main: Session | None = None

    def launch(self, *words: str) -> None:
        """Start ``ffhost`` with *words*, as a launch configuration of VS Code does."""
        self._main = eventually(self._connected, "the adapter listens")
        self._main.begin(
            "launch",
            {
                "type": "debugpy",
                "request": "launch",
                "name": "ffhost",
                "module": "ffhost",
                "args": list(words),
                "cwd": str(self.file.parent),
                "console": "internalConsole",
                "python": [sys.executable],
            },
        )

    def _connected(self) -> Session | None:
        with suppress(ConnectionRefusedError):
            return Session(self, *self._address)
        return None

    def close(self) -> None:
        """End what was launched, and the adapter."""
        if self._main is not None:
            self._main.ask("disconnect", {"terminateDebuggee": True})
        self._adapter.terminate()
        self._adapter.wait()


class Session:
    """The debugging of one process."""

    def __init__(self, debugger: Debugger, host: str, port: int) -> None:
        self._debugger = debugger
        self._socket = socket.create_connection((host, port))
        self._sent = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._in_thread(self._read)

    @staticmethod
    def _in_thread(work: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()

    def begin(self, how: str, arguments: dict[str, Any]) -> None:
        """Begin with the request *how*: ``launch`` or ``attach``."""
        self.ask("initialize", {"adapterID": "debugpy", "pathFormat": "path"})
        self._send(how, arguments)

    def ask(self, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return the body of its answer."""
        number = self._send(command, arguments)
        give_up_at = time.monotonic() + _WAIT_SECONDS
        while number not in self._answers:
            assert time.monotonic() < give_up_at, f"no answer to {command}"
            time.sleep(0.01)
        body: dict[str, Any] = self._answers[number].get("body") or {}
        return body

    def _send(self, command: str, arguments: dict[str, Any]) -> int:
        self._sent += 1
        request = {"type": "request", "seq": self._sent, "command": command}
        text = json.dumps({**request, "arguments": arguments}).encode()
        self._socket.sendall(b"Content-Length: %d\r\n\r\n%b" % (len(text), text))
        return self._sent

    def _read(self) -> None:
        with suppress(OSError), self._socket.makefile("rb") as stream:
            while head := stream.readline():
                stream.readline()
                message = json.loads(stream.read(int(head.partition(b":")[2])))
                if message["type"] == "response":
                    self._answers[message["request_seq"]] = message
                elif message["type"] == "event":
                    self._hear(message["event"], message.get("body") or {})

    def _hear(self, event: str, body: dict[str, Any]) -> None:
        if event == "initialized":
            self._in_thread(self._configure)
        elif event == "debugpyAttach":  # a forked process
            place = body["connect"]
            session = Session(self._debugger, place["host"], place["port"])
            self._in_thread(session.begin, "attach", body)
        elif event == "stopped":
            self._in_thread(self._stand, body["threadId"])

    def _configure(self) -> None:
        place = {"path": str(self._debugger.file)}
        lines = [{"line": self._debugger.line}]
        self.ask("setBreakpoints", {"source": place, "breakpoints": lines})
        self.ask("configurationDone", {})

    def _stand(self, thread: int) -> None:
        frame = self.ask("stackTrace", {"threadId": thread})["stackFrames"][0]["id"]
        asked = {"expression": self._debugger.expression, "frameId": frame, "context": "repl"}
        self._debugger.stops.put(self.ask("evaluate", asked)["result"])
        time.sleep(self._debugger.pause_seconds)
        self.ask("continue", {"threadId": thread})
