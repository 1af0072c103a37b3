"""``invoke``, ``test`` and ``convert``: shapes of requests, answers shown, exit statuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from ffhost.cli.example_expectations import missing_in_example_answer
from tests.commands import Ran, ffhost, project

ROOT = Path(__file__).parents[2]
CONFIG = """
    functions:
      echo: {target: "main.py:echo"}
      user: {target: "main.py:echo", path: "/users/{id}"}
      order: {target: "main.py:order"}
      on-event: {target: "main.py:on_event"}
      on-message: {target: "main.py:on_message"}
"""
MAIN = """
    import json
    import ffhost

    def echo(request):
        if request.args.get("fail"):
            return {"why": "asked"}, 418
        kind = request.headers.get("content-type")
        return {"method": request.method, "path": request.full_path, "type": kind,
                "x": request.headers.get("x-a"), "body": request.data.decode()}

    @ffhost.typed
    def order(given: dict) -> dict:
        return given

    @ffhost.cloud_event
    def on_event(event):
        seen = {"type": event["type"], "subject": event.get("subject"), "data": event.data}
        print(json.dumps(seen))

    @ffhost.event
    def on_message(data, context):
        print(json.dumps({"type": context.event_type, "data": data}))
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return project(tmp_path, CONFIG, main=MAIN)


def printed(ran: Ran) -> dict[str, Any]:
    """Give what the function printed, which goes to stderr."""
    return json.loads(next(line for line in ran.err.splitlines() if line.startswith("{")))


def test_the_body_goes_to_stdout_and_the_rest_to_stderr(shop: Path) -> None:
    ran = ffhost("invoke", "order", "--data", '{"b": 1, "a": [2]}', cwd=shop)
    assert (ran.status, ran.out) == (0, '{\n  "a": [\n    2\n  ],\n  "b": 1\n}\n')
    lines = ran.err.splitlines()
    assert re.fullmatch(r"200 OK  \(\d+ ms\)", lines[0])
    assert lines[1] == "content-type: application/json"
    assert "\x1b" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ("GET", "/echo?", None, "")),
        (["--data", "[1]"], ("POST", "/echo?", "application/json", "[1]")),
        (["--data", "hi"], ("POST", "/echo?", "text/plain; charset=utf-8", "hi")),
        (["--method", "PUT", "-d", "é"], ("PUT", "/echo?", "text/plain; charset=utf-8", "é")),
        (["--path", "/echo/a?b=c"], ("GET", "/echo/a?b=c", None, "")),
        (["-H", "Content-Type: text/x", "-d", "1"], ("POST", "/echo?", "text/x", "1")),
        (["-"], ("POST", "/echo?", "text/plain; charset=utf-8", "from stdin")),
        (["--file", "-"], ("POST", "/echo?", "text/plain; charset=utf-8", "from stdin")),
        (["--file", "a.csv"], ("POST", "/echo?", "text/csv", "1,2\n")),
    ],
)
def test_an_http_function_gets_what_was_typed(
    shop: Path, arguments: list[str], expected: tuple[str, ...]
) -> None:
    (shop / "a.csv").write_text("1,2\n")
    got = json.loads(ffhost("invoke", "echo", *arguments, cwd=shop, stdin=b"from stdin").out)
    assert (got["method"], got["path"], got["type"], got["body"]) == expected


def test_a_status_from_400_on_is_a_failure(shop: Path) -> None:
    ran = ffhost("invoke", "echo", "--path", "/echo?fail=1", cwd=shop)
    assert (ran.status, ran.out) == (1, '{\n  "why": "asked"\n}\n')
    assert ran.err.startswith("418 ")


STORED = {"kind": "storage#object", "bucket": "b", "name": "a.png"}


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        (["-d", '{"a": 1}'], {"type": "ffhost.invoke", "subject": None, "data": {"a": 1}}),
        (
            ["--event", "type=t", "--event", "subject=s", "-d", "text"],
            {"type": "t", "subject": "s", "data": "text"},
        ),
        (
            ["--event", "type=t", "--structured", "-d", "[1]"],
            {"type": "t", "subject": None, "data": [1]},
        ),
        (
            ["--event", "storage", "--event", "bucket=b", "--event", "name=a.png"],
            {
                "type": "google.cloud.storage.object.v1.finalized",
                "subject": "objects/a.png",
                "data": STORED,
            },
        ),
        (
            ["--event", "firestore", "--event", "document=users/7", "--event", "change=create"],
            {
                "type": "google.cloud.firestore.document.v1.created",
                "subject": "documents/users/7",
                "data": {"value": {}, "oldValue": {}, "updateMask": {}},
            },
        ),
        (
            ["-d", '{"specversion": "1.0", "id": "1", "source": "/s", "type": "whole"}'],
            {"type": "whole", "subject": None, "data": None},
        ),
    ],
)
def test_a_cloudevent_function_gets_an_event(
    shop: Path, arguments: list[str], seen: dict[str, Any]
) -> None:
    ran = ffhost("invoke", "on-event", *arguments, cwd=shop)
    event = printed(ran)
    if seen["data"] is STORED:
        event["data"] = {name: event["data"][name] for name in STORED}  # the rest is made up
    assert (ran.status, ran.out, event) == (0, "", seen)


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        (["-d", '{"a": 1}'], {"type": "ffhost.invoke", "data": {"a": 1}}),
        (
            ["--event", "background", "--event", "type=t", "-d", "[1]"],
            {"type": "t", "data": [1]},
        ),
        (
            ["--event", "pubsub", "--event", "attribute.k=v", "-d", "hello"],
            {
                "type": "google.pubsub.topic.publish",
                "data": {
                    "@type": "type.googleapis.com/google.pubsub.v1.PubsubMessage",
                    "attributes": {"k": "v"},
                    "data": "aGVsbG8=",
                },
            },
        ),
    ],
)
def test_an_event_function_gets_data_and_context(
    shop: Path, arguments: list[str], seen: dict[str, Any]
) -> None:
    ran = ffhost("invoke", "on-message", *arguments, cwd=shop)
    assert (ran.status, printed(ran)) == (0, seen)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ehco"], "the configuration has no function 'ehco'\n  hint: did you mean 'echo'?"),
        ([], "which function?\n  hint: there are echo, user, order, on-event, on-message"),
        (
            ["user"],
            "the path of user has parameters: /users/{id}\n  hint: pass them with --path",
        ),
        (
            ["on-event", "--event", "storge"],
            "unknown kind of event 'storge'\n  hint: did you mean 'storage'?",
        ),
        (
            ["on-event", "--event", "storage", "--event", "bukcet=b"],
            "an event of kind storage has no 'bukcet'\n  hint: did you mean 'bucket'?",
        ),
        (
            ["on-event", "--event", "storage", "--event", "change=x"],
            "unknown change 'x'\n  hint: write one of finalize, delete, archive, metadataUpdate",
        ),
        (["order", "--event", "type=t"], "order is a typed function; it takes no event"),
        (["echo", "-H", "x"], "'x' is not a header\n  hint: write --header 'accept: text/plain'"),
        (
            ["echo", "-", "-d", "x"],
            "the body comes from one place\n  hint: pass --data, --file or -",
        ),
        (["echo", "x"], "unexpected argument 'x'\n  hint: write --data 'x'"),
        (
            ["echo", "--remote", "ftp://x"],
            "'ftp://x' is not an address\n  hint: write --remote http://localhost:8080",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_a_hint(
    shop: Path, arguments: list[str], message: str
) -> None:
    assert ffhost("invoke", *arguments, cwd=shop) == (2, "", f"ffhost: {message}\n")


def test_only_the_function_that_is_called_is_loaded(tmp_path: Path) -> None:
    config = "functions: {hi: {target: 'main.py:hi'}, broken: {target: 'none.py:x'}}"
    project(tmp_path, config, main="def hi(request): return 'hi'")
    assert ffhost("invoke", "hi", cwd=tmp_path)[:2] == (0, "hi\n")


def test_a_single_target_needs_no_file_and_no_name(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("def hi(request): return 'hi ' + request.path")
    ran = ffhost("invoke", "--target", "hi", cwd=tmp_path)
    assert ran[:2] == (0, "hi /\n")


def test_logs_of_the_function_are_shown_on_stderr(tmp_path: Path) -> None:
    code = "import logging\ndef hi(request):\n    logging.warning('seen')\n    return 'hi'"
    project(tmp_path, "functions: {hi: {target: 'main.py:hi'}}", main=code)
    ran = subprocess.run(
        [sys.executable, "-m", "ffhost", "invoke"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "hi\n"
    assert re.search(r"^\S+ \[warning  \] seen .* function=hi", ran.stderr, re.MULTILINE)


class _Recorder(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        self.server.seen.append((self.path, self.headers["ce-type"], self.rfile.read(length)))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def remote() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Recorder)
    server.seen, server.status = [], 200  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_remote_function_gets_the_same_request_and_nothing_is_run_here(
    tmp_path: Path, remote: HTTPServer
) -> None:
    code = "import ffhost\nraise SystemExit\n@ffhost.cloud_event\ndef take(event): ..."
    project(tmp_path, "functions: {take: {target: 'main.py:take', path: /e}}", main=code)
    url = f"http://127.0.0.1:{remote.server_port}/base/"
    arguments = ["invoke", "take", "--event", "type=t", "-d", "[1]", "--remote", url]
    assert ffhost(*arguments, cwd=tmp_path)[:2] == (0, "ok\n")
    remote.status = 500  # type: ignore[attr-defined]
    assert ffhost(*arguments, cwd=tmp_path).status == 1
    assert remote.seen == [("/base/e", "t", b"[1]")] * 2  # type: ignore[attr-defined]


def test_nobody_at_the_address_is_said_with_what_to_do(shop: Path) -> None:
    assert ffhost("invoke", "echo", "--remote", "localhost:1", cwd=shop) == (
        1,
        "",
        "ffhost: no answer from http://localhost:1: connection refused\n"
        "  hint: start it with 'ffhost serve', or leave --remote out to call in process\n",
    )


EXAMPLES = """
    functions:
      echo:
        target: main.py:echo
        examples:
          - name: right
            request: {path: "/echo?a=1"}
            response: {status: 200, headers: {content-type: application/json}, json: {method: GET}}
          - name: wrong
            request: {path: "/echo?fail=1"}
            response: {status: 200, headers: {x-a: b}, json: {why: never, more: [1]}}
      order:
        target: main.py:order
        examples:
          - request: {body: "no JSON"}
      on-event:
        target: main.py:on_event
        examples:
          - event: {type: t, data: {a: 1}}
            response: {status: 204}
          - event: {data: 1}
"""


def test_examples_are_run_and_differences_are_shown(tmp_path: Path) -> None:
    project(tmp_path, EXAMPLES, main=MAIN)
    ran = ffhost("test", cwd=tmp_path)
    assert ran.status == 1
    assert (
        re.sub(r" +\d+ ms$", "  N ms", ran.out, flags=re.MULTILINE)
        == """\
      function  example      took
ok    echo      right  N ms
fail  echo      wrong  N ms
        status: expected 200, got 418
        header x-a: expected 'b', but it is missing
        body.why: expected "never", got "asked"
        body.more: expected [1], but it is missing
fail  order     examples[0]  N ms
        status: expected one below 400, got 415
        the answer says: expected a body with content type 'application/json'
ok    on-event  examples[0]  N ms
fail  on-event  examples[1]
        the event has no type
          hint: write 'type: com.example.created'

5 examples, 3 failed
"""
    )


def test_examples_of_named_functions_can_hold(tmp_path: Path) -> None:
    project(
        tmp_path,
        EXAMPLES.replace("fail=1", "").replace(
            "status: 200, headers: {x-a: b}, json: {why: never, more: [1]}", "status: 200"
        ),
        main=MAIN,
    )
    ran = ffhost("test", "echo", "--format", "json", cwd=tmp_path)
    assert ran.status == 0
    assert [(each["example"], each["ok"]) for each in json.loads(ran.out)] == [
        ("right", True),
        ("wrong", True),
    ]


def test_examples_are_run_against_a_server(tmp_path: Path, remote: HTTPServer) -> None:
    config = """
        functions:
          take:
            target: main.py:take
            signature: cloudevent
            examples: [{event: {type: t, data: 1}, response: {status: 200, body: ok}}]
    """
    project(tmp_path, config, main="def take(event): ...")
    url = f"http://127.0.0.1:{remote.server_port}"
    assert ffhost("test", "--remote", url, "-H", "X-A: 1", cwd=tmp_path).status == 0
    remote.status = 503  # type: ignore[attr-defined]
    ran = ffhost("test", "--remote", url, cwd=tmp_path)
    assert (ran.status, "status: expected 200, got 503" in ran.out) == (1, True)
    assert remote.seen == [("/take", "t", b"1")] * 2  # type: ignore[attr-defined]


def test_no_example_at_all_is_no_success(shop: Path) -> None:
    assert ffhost("test", cwd=shop) == (
        1,
        "",
        "ffhost: no function has examples\n  hint: 'ffhost test --help' shows how to write one\n",
    )


@pytest.mark.parametrize(
    ("expected", "got", "lines"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": 1}, {"a": True}, ["body.a: expected 1, got true"]),
        ([1, 2], [1], ["body: expected 2 items, got 1 item: [1]"]),
        ([{"a": 1}], [{"a": 2}], ["body[0].a: expected 1, got 2"]),
        ({"a": None}, {}, ["body.a: expected null, but it is missing"]),
        ({}, [], ["body: expected {}, got []"]),
    ],
)
def test_json_is_compared_as_a_subset(expected: object, got: object, lines: list[str]) -> None:
    assert missing_in_example_answer(expected, got) == lines


BACKGROUND = {
    "context": {
        "eventId": "1",
        "timestamp": "2026-01-02T03:04:05Z",
        "eventType": "google.storage.object.finalize",
        "resource": {
            "service": "storage.googleapis.com",
            "name": "projects/_/buckets/b/objects/a.png",
            "type": "storage#object",
        },
    },
    "data": {"bucket": "b"},
}


def test_an_event_is_shown_in_three_forms(tmp_path: Path) -> None:
    event = {
        **BACKGROUND,
        "context": {**BACKGROUND["context"], "resource": "projects/_/buckets/b/objects/a"},
    }
    ran = ffhost("convert", cwd=tmp_path, stdin=json.dumps(event).encode())
    assert ran.status == 0
    assert ran.out.endswith(
        """\
# CloudEvent, binary mode
ce-id: 1
ce-source: //storage.googleapis.com/projects/_/buckets/b
ce-specversion: 1.0
ce-type: google.cloud.storage.object.v1.finalized
ce-time: 2026-01-02T03:04:05Z
ce-subject: objects/a
content-type: application/json

{
  "bucket": "b"
}

# CloudEvent, structured mode
content-type: application/cloudevents+json

{
  "id": "1",
  "source": "//storage.googleapis.com/projects/_/buckets/b",
  "specversion": "1.0",
  "type": "google.cloud.storage.object.v1.finalized",
  "datacontenttype": "application/json",
  "time": "2026-01-02T03:04:05Z",
  "subject": "objects/a",
  "data": {
    "bucket": "b"
  }
}
"""
    )


@pytest.mark.parametrize("through", ["background", "binary", "structured"])
def test_what_convert_shows_can_be_read_again(tmp_path: Path, through: str) -> None:
    (tmp_path / "event.json").write_text(json.dumps(BACKGROUND))
    form = ffhost("convert", "event.json", "--to", through, cwd=tmp_path).out
    back = ffhost("convert", "--to", "background", cwd=tmp_path, stdin=form.encode())
    assert json.loads(back.out.partition("\n\n")[2]) == BACKGROUND


def test_what_is_no_event_or_has_no_such_form_is_said(tmp_path: Path) -> None:
    assert ffhost("convert", cwd=tmp_path, stdin=b"{}") == (
        1,
        "",
        "ffhost: the request holds no event\n  id: required, but missing\n"
        "  source: required, but missing\n  type: required, but missing\n"
        "  specversion: required, but missing\n",
    )
    event = b'{"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}'
    assert ffhost("convert", "--to", "background", cwd=tmp_path, stdin=event) == (
        1,
        "",
        "ffhost: events of type 't' have no background form\n",
    )
