"""Starts a server for one function, sends it its requests, and stops it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.compat.answers import Answer
from tests.compat.cases import Case, Sent, on_the_wire

START_SECONDS = 30.0
_SETTLE_SECONDS = 0.05
"""How long a note may come after the answer: a background task's."""


class NotStarted(Exception):
    """The server ended, or did not listen in time."""


def answers_of(command: Sequence[str], case: Case, env: Mapping[str, str]) -> list[Answer]:
    """Give the answers of one function behind one server.

    Args:
        command: what starts the server; the flags of functions-framework are added
    """
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder, "notes")
        notes.touch()
        environment = {**os.environ, **env, **case.env, "CORPUS_NOTES": str(notes)}
        with running(command, case, environment) as port:
            return [answer_to(port, sent, notes) for sent in case.requests]


@contextmanager
def running(command: Sequence[str], case: Case, environment: Mapping[str, str]) -> Iterator[int]:
    """Run a server for *case* on a free port."""
    flags = ["--target", case.function, "--source", str(case.source)]
    if case.signature is not None:
        flags += ["--signature-type", case.signature]
    with listening([*command, *flags], environment, case.name) as port:
        yield port


@contextmanager
def listening(command: Sequence[str], environment: Mapping[str, str], name: str) -> Iterator[int]:
    """Run *command* with ``--port`` and ``--host``; return the port on which it listens."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--host", "127.0.0.1"],
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if not _listens(port, process):
                output.seek(0)
                raise NotStarted(f"{name}: {output.read().decode(errors='replace')}")
            yield port
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def answer_to(port: int, sent: Sent, notes: Path) -> Answer:
    """Send one request and return its answer."""
    notes.write_text("")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.putrequest(sent.method, sent.path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", "localhost:8080")
        for name, value in on_the_wire(sent):
            connection.putheader(name, value)
        if sent.chunks:
            connection.putheader("Transfer-Encoding", "chunked")
            connection.endheaders(sent.chunks, encode_chunked=True)
        else:
            if sent.body:
                connection.putheader("Content-Length", str(len(sent.body)))
            connection.endheaders(sent.body)
        response = connection.getresponse()
        body = response.read()
    except http.client.IncompleteRead as error:
        body = error.partial + b" (and then the connection was closed)"
    except (http.client.RemoteDisconnected, ConnectionResetError):
        return Answer(0, (), b"the connection was closed")
    finally:
        connection.close()
    return Answer.of(response.status, response.getheaders(), body, _noted(notes))


def _noted(notes: Path) -> list[str]:
    end = time.monotonic() + _SETTLE_SECONDS
    while not (text := notes.read_text()) and time.monotonic() < end:
        time.sleep(0.01)
    return text.splitlines()
