"""Files as results: which are read by position, and which as they read themselves."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pytest
import starlette.responses

from ffhost.errors import ResultError
from ffhost.signatures.file_parts import BLOCK_BYTES, RequestFilePart
from ffhost.signatures.results import result_encoder
from ffhost.testing import Client
from ffhost.web.messages import Reply

encode = result_encoder("f")
CONTENT = os.urandom(BLOCK_BYTES * 2 + 1000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "file.bin").write_bytes(CONTENT)
    return tmp_path / "file.bin"


def sent(reply: Reply) -> bytes:
    """Read and close what is sent."""
    chunks: Any = reply.chunks
    body = b"".join(chunks)
    chunks.close()
    return body


def of(path: Path) -> list[Callable[[], Any]]:
    def temporary() -> Any:
        file = tempfile.NamedTemporaryFile()  # noqa: SIM115
        file.write(CONTENT)
        file.seek(0)
        return file

    def written() -> Any:
        file = path.open("r+b")
        file.write(CONTENT[:10])  # in Python's buffer
        file.seek(0)
        return file

    return [lambda: path.open("rb"), lambda: path.open("rb", buffering=0), temporary, written]


@pytest.mark.parametrize("number", range(4), ids=["open", "unbuffered", "temporary", "written"])
def test_a_regular_file_is_read_by_position_and_its_length_is_told(path: Path, number: int) -> None:
    file = of(path)[number]()
    reply = encode(file)
    assert isinstance(reply.chunks, RequestFilePart)
    assert reply.header("content-length") == str(len(CONTENT))
    assert sent(reply) == CONTENT
    assert file.closed


def test_a_file_is_sent_from_its_position(path: Path) -> None:
    file = path.open("rb")
    file.read(7)
    reply = encode(file)
    assert reply.header("content-length") == str(len(CONTENT) - 7)
    assert sent(reply) == CONTENT[7:]


def test_a_position_behind_the_end_leaves_nothing(path: Path) -> None:
    file = path.open("rb")
    file.seek(len(CONTENT) + 5)
    assert sent(encode(file)) == b""


def test_what_a_file_gets_later_is_left_out(path: Path) -> None:
    reply = encode(path.open("rb"))
    with path.open("ab") as more:
        more.write(b"more")
    assert sent(reply) == CONTENT


def test_a_file_that_becomes_shorter_is_an_error(path: Path) -> None:
    reply = encode(path.open("rb"))
    os.truncate(path, BLOCK_BYTES)
    with pytest.raises(ResultError, match=f"{BLOCK_BYTES + 1000} of {len(CONTENT)} bytes are mis"):
        sent(reply)


def test_a_small_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(CONTENT[:BLOCK_BYTES])
    chunks: Any = encode((tmp_path / "small").open("rb")).chunks
    assert chunks.whole() == CONTENT[:BLOCK_BYTES]


def test_a_large_file_is_not(path: Path) -> None:
    chunks: Any = encode(path.open("rb")).chunks
    assert chunks.whole() is None


def test_a_file_that_changes_what_it_reads_is_read_by_itself(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("ä\n", encoding="latin-1")
    assert sent(encode((tmp_path / "text").open(encoding="latin-1"))) == "ä\n".encode()
    with gzip.open(tmp_path / "packed", "wb") as packed:
        packed.write(b"unpacked")
    reply = encode(gzip.open(tmp_path / "packed"))  # noqa: SIM115
    assert (sent(reply), reply.header("content-length")) == (b"unpacked", None)


def test_what_a_pipe_has_is_sent_at_once() -> None:
    reading, writing = os.pipe()
    chunks: Any = encode(os.fdopen(reading, "rb")).chunks
    os.write(writing, b"first")
    assert next(chunks) == b"first"
    os.close(writing)
    assert list(chunks) == []


def test_a_status_without_a_body_has_no_length_of_a_file(path: Path) -> None:
    for status in (204, 304):
        reply = encode((path.open("rb"), status))
        assert reply.header("content-length") is None
        assert sent(reply) == b""


# Flask


def flask_reply(path: Path, make: Callable[[], Any], **headers: str) -> Reply:
    app = flask.Flask("app")
    with app.test_request_context(headers=headers):
        return encode(app.make_response(make()))


def test_flask_s_send_file_is_read_by_position(path: Path) -> None:
    reply = flask_reply(path, lambda: flask.send_file(path))
    assert isinstance(reply.chunks, RequestFilePart)
    assert (reply.status, sent(reply)) == (200, CONTENT)


def test_so_is_a_range_of_it(path: Path) -> None:
    reply = flask_reply(path, lambda: flask.send_file(path), Range="bytes=1000-300999")
    assert isinstance(reply.chunks, RequestFilePart)
    assert (reply.status, sent(reply)) == (206, CONTENT[1000:301000])
    assert reply.header("content-range") == f"bytes 1000-300999/{len(CONTENT)}"


def test_and_an_open_file_that_flask_would_send_line_by_line(path: Path) -> None:
    reply = flask_reply(path, lambda: path.open("rb"))
    assert isinstance(reply.chunks, RequestFilePart)
    assert sent(reply) == CONTENT


def test_what_is_in_memory_is_sent_from_there() -> None:
    def make() -> Any:
        return flask.send_file(io.BytesIO(b"0123456789"), mimetype="text/plain")

    assert flask_reply(Path(), make).body == b"0123456789"
    assert sent(flask_reply(Path(), make, Range="bytes=2-3")) == b"23"


def test_an_unchanged_file_is_closed_and_not_read(path: Path) -> None:
    opened = path.open("rb")
    last = flask_reply(path, lambda: flask.send_file(path)).header("etag") or ""

    def make() -> Any:
        response = flask.send_file(opened, mimetype="a/b", etag=last.strip('"'))
        return response.make_conditional(flask.request)

    reply = flask_reply(path, make, **{"If-None-Match": last})
    assert (reply.status, reply.body) == (304, b"")


def test_callbacks_of_a_flask_response_run_when_the_file_is_closed(path: Path) -> None:
    closed = []

    def make() -> Any:
        response = flask.send_file(path)
        response.call_on_close(lambda: closed.append(True))
        return response

    sent(flask_reply(path, make))
    assert closed == [True]


# Starlette, and whole applications

Serve = Callable[..., Client]
SINGLE = {"environ": {"FUNCTION_TARGET": "main"}}
SOURCE = """
import functions_framework.aio
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

seen = []

async def note(word):
    seen.append(word)

@functions_framework.aio.http
async def main(request):
    if request.url.path == "/seen":
        return ",".join(seen)
    task = BackgroundTask(note, "done") if request.url.path == "/task" else None
    return FileResponse({path!r}, media_type="a/b", background=task)
"""


@pytest.fixture
def starlette_host(no_main_is_left: None, serve: Serve, path: Path) -> Client:
    return serve(SOURCE.replace("{path!r}", repr(str(path))), **SINGLE)


def test_a_file_response_is_sent_whole(starlette_host: Client) -> None:
    answer = starlette_host.get("/")
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"]
    assert answer.headers["last-modified"]


def test_ranges_of_a_file_response_are_sent_alone(starlette_host: Client) -> None:
    answer = starlette_host.get("/", headers={"Range": "bytes=1000-300999"})
    assert (answer.status, answer.body) == (206, CONTENT[1000:301000])
    assert answer.headers["content-range"] == f"bytes 1000-300999/{len(CONTENT)}"
    assert answer.headers["content-length"] == "300000"


def test_several_ranges_are_sent_as_parts(starlette_host: Client) -> None:
    answer = starlette_host.get("/", headers={"Range": "bytes=0-9, 300000-300009"})
    boundary = answer.headers["content-type"].removeprefix("multipart/byteranges; boundary=")
    assert answer.status == 206
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.body == b"".join(
        [
            f"--{boundary}\r\nContent-Type: a/b\r\n"
            f"Content-Range: bytes {start}-{start + 9}/{len(CONTENT)}\r\n\r\n".encode()
            + CONTENT[start : start + 10]
            + b"\r\n"
            for start in (0, 300000)
        ]
        + [f"--{boundary}--".encode()]
    )


def test_a_range_behind_the_end_is_refused(starlette_host: Client) -> None:
    answer = starlette_host.get("/", headers={"Range": "bytes=9999999-"})
    assert (answer.status, answer.headers["content-range"]) == (416, f"bytes */{len(CONTENT)}")


def test_a_range_of_an_older_file_is_ignored(starlette_host: Client) -> None:
    etag = starlette_host.get("/").headers["etag"]
    for condition, status in ((etag, 206), ('"another"', 200)):
        headers = {"Range": "bytes=0-9", "If-Range": condition}
        assert starlette_host.get("/", headers=headers).status == status


def test_what_follows_a_file_response_runs_after_it(starlette_host: Client) -> None:
    assert starlette_host.get("/task").body == CONTENT
    assert starlette_host.get("/seen").body == b"done"


def test_a_missing_file_is_the_function_s_fault(tmp_path: Path) -> None:
    missing = starlette.responses.FileResponse(tmp_path / "missing")
    with pytest.raises(ResultError, match="which is missing"):
        encode(missing)
    with pytest.raises(ResultError, match="which is not a file"):
        encode(starlette.responses.FileResponse("/dev/null"))


def test_an_application_finds_a_file_wrapper(serve: Serve, path: Path) -> None:
    host = serve(
        f"""
        import flask
        app = flask.Flask("app")

        @app.get("/")
        def main():
            assert flask.request.environ["wsgi.file_wrapper"].__module__.startswith("ffhost")
            return flask.send_file({str(path)!r})
        """,
        environ={"FUNCTION_TARGET": "app", "FUNCTION_SIGNATURE_TYPE": "wsgi"},
    )
    assert host.get("/").body == CONTENT
    answer = host.get("/", headers={"Range": "bytes=1000-300999"})
    assert (answer.status, answer.body) == (206, CONTENT[1000:301000])
