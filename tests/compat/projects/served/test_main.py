import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

FOLDER = os.path.dirname(os.path.abspath(__file__))


@contextmanager
def served(*flags, **env):
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    process = subprocess.Popen(
        ["functions-framework", "--port", str(port), "--host", "127.0.0.1", *flags],
        cwd=FOLDER,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def call(url, data=None):
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    end = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, ""
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


def test_a_server_of_flags_answers():
    with served("--target", "hello", PREFIX="Hi", DRAIN="0") as url:
        assert call(f"{url}/?name=Ada") == (200, "Hi Ada! (hello, main)")
        assert call(f"{url}/any", {"name": "Lin"}) == (200, "Hi Lin! (hello, main)")


def test_a_server_of_variables_answers():
    env = {"FUNCTION_TARGET": "on_event", "FUNCTION_SIGNATURE_TYPE": "event"}
    context = {"eventId": "1", "timestamp": "", "eventType": "t", "resource": "r"}
    with served(**env, FUNCTION_SOURCE="main.py") as url:
        assert call(url, {"context": context, "data": {"a": 1}}) == (200, "OK")
        assert call(url, {"context": context, "data": {"a": 2}})[0] == 500
