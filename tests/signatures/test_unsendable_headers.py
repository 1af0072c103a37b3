"""Header fields of every framework are checked before an answer counts as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest
import werkzeug.exceptions
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse

from tests.conftest import Serve

CODE = """
import flask, functions_framework, werkzeug.exceptions
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse

NAMES = {"name": ("a b", "c"), "empty": ("", "c"), "line": ("a", "b\\r\\nc: d"),
         "nul": ("a", "\\0")}

def fields(request):
    return dict([NAMES[request.args["bad"]]])

def werkzeug_response(request):
    answer = flask.Response("x")
    answer.headers._list.append(NAMES[request.args["bad"]])
    return answer

def werkzeug_stream(request):
    answer = flask.Response(iter(["a", "b"]))
    answer.headers._list.append(NAMES[request.args["bad"]])
    return answer

def aborted(request):
    answer = flask.Response("x")
    answer.headers._list.append(NAMES[request.args["bad"]])
    flask.abort(answer)

def starlette_response(request):
    answer = PlainTextResponse("x")
    name, value = NAMES[request.args["bad"]]
    answer.raw_headers.append((name.encode(), value.encode("utf-8")))
    return answer

def starlette_exception(request):
    raise HTTPException(418, "x", fields(request))
"""
MADE = ("werkzeug_response", "werkzeug_stream", "aborted", "starlette_response")
CONFIG = "functions:\n" + "".join(
    f"  {name}: {{target: 'main.py:{name}'}}\n" for name in (*MADE, "starlette_exception")
)


@pytest.mark.parametrize("name", [*MADE, "starlette_exception"])
def test_an_answer_that_cannot_be_sent_is_a_crash_with_an_id(serve: Serve, name: str) -> None:
    host = serve(CODE, CONFIG)
    for bad in ("name", "empty", "line", "nul"):
        answer = host.get(f"/{name}?bad={bad}", headers={"Function-Execution-Id": "e1"})
        assert answer.status == 500, bad
        assert answer.headers["x-google-status"] == "crash"
        assert answer.headers["function-execution-id"] == "e1"
        assert answer.json()["detail"] == "the function crashed"


@pytest.mark.parametrize(
    "raised",
    [
        lambda: werkzeug.exceptions.HTTPException(response=flask.Response("taken", 409)),
        lambda: werkzeug.exceptions.Conflict("taken"),
        lambda: HTTPException(409, "taken"),
        lambda: PlainTextResponse("taken", 409),
    ],
)
def test_what_frameworks_mean_is_still_sent(raised: Callable[[], Any]) -> None:
    from ffhost.signatures.foreign_responses import (
        encode_foreign_exception,
        encode_foreign_response,
    )

    made = raised()
    encode: Any = (
        encode_foreign_exception if isinstance(made, BaseException) else encode_foreign_response
    )
    reply = encode(made)
    assert reply.status == 409
    assert b"taken" in reply.body


def test_a_refused_stream_is_closed() -> None:
    from ffhost.errors import ResultError
    from ffhost.signatures.foreign_responses import encode_foreign_response

    closed = []

    def body() -> Iterator[str]:
        yield "a"

    answer = flask.Response(body())
    answer.call_on_close(lambda: closed.append(True))
    answer.headers._list.append(("a b", "c"))  # type: ignore[attr-defined]
    with pytest.raises(ResultError, match="a header that cannot be sent"):
        encode_foreign_response(answer)
    assert closed == [True]
