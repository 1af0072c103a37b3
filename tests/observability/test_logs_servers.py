"""gunicorn's and uvicorn's own lines are entries like all others."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from ffhost.observability.logs.server_lines import log_foreign_server
from tests.log_reading import ROOT, parsed, reading

APP = """
import logging
from ffhost.observability import logs
from tests.log_reading import settings
logs.configure_logging(settings())
logging.getLogger("user").warning("imported")

def wsgi(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})
"""


def serve(folder, target, *options):
    """Start gunicorn, call it once, stop it; give its entries and what it wrote to stderr."""
    (folder / "served.py").write_text(APP)
    command = [sys.executable, "-m", "gunicorn", "-b", "127.0.0.1:0", "--no-control-socket"]
    command += [
        "--logger-class",
        "ffhost.server.gunicorn_log.GunicornLogger",
        *options,
        target,
    ]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/tests"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,  # communicate() would lose what readline() had read ahead
    )
    try:
        written = b""
        while not (address := re.search(rb"Listening at: (http://[0-9.:]+)", written)):
            line = process.stdout.readline()
            assert line, process.stderr.read()
            written += line
        url = address[1].decode() + '/a"b?token=secret'
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert answer.read() == b"ok"
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    return parsed(written + out), err


@pytest.mark.parametrize(
    ("target", "worker"),
    [("served:wsgi", "gthread"), ("served:asgi", "uvicorn_worker.UvicornWorker")],
)
def test_every_line_of_a_gunicorn_server_is_one_entry(tmp_path, target, worker):
    entries, err = serve(tmp_path, target, "-k", worker, "-w", "1", "--access-logfile", "-")
    assert err == b""
    messages = [entry["message"] for entry in entries]
    assert any(message.startswith("Starting gunicorn") for message in messages)
    assert any(message.startswith("Booting worker") for message in messages)
    assert messages.count("imported") == 1
    if worker == "gthread":
        (request,) = [entry for entry in entries if entry["logger"] == "gunicorn.access"]
        assert request["message"] == "request"
        assert (request["method"], request["path"], request["status"]) == ("GET", '/a"b', 200)
    else:
        assert "Application startup complete." in messages


def test_a_servers_own_handlers_for_the_standard_streams_are_taken_over(tmp_path):
    error, access = logging.getLogger("uvicorn.error"), logging.getLogger("uvicorn.access")
    file = logging.FileHandler(tmp_path / "access.log")
    error.handlers, access.handlers = [logging.StreamHandler()], [logging.StreamHandler(), file]
    error.propagate = access.propagate = False
    try:
        with reading(tmp_path) as log:
            log.configure()
            log_foreign_server()
            error.warning("from uvicorn")
            access.warning("a request")
            assert log.messages() == ["from uvicorn", "a request"]
            assert access.handlers == [file]
    finally:
        file.close()
        error.handlers, access.handlers = [], []
