"""Flask's request and contexts are made in parts, unless something hangs on the application.

That both ways answer alike is what the tables of tests/compat show.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.json.provider import DefaultJSONProvider
from hypothesis import example, given
from hypothesis import strategies as st

from ffhost.signatures import Codec, SignatureOptions, make_codec
from ffhost.signatures.requests import flask_request
from ffhost.signatures.requests._flask import LAZY_VERSIONS
from ffhost.signatures.requests.flask_answers import QuickFlaskEncoder
from ffhost.signatures.requests.flask_request import FlaskFunctionApp, flask_request_adapter
from ffhost.web.messages import Message, Reply

only_lazily = pytest.mark.skipif(
    version("flask") not in LAZY_VERSIONS, reason="all of this version of Flask runs for each call"
)


def codec_of(function: Callable[[Any], Any], folder: Path) -> Codec:
    adapter = flask_request_adapter("function", folder / "main.py", None)
    return make_codec("http", function, SignatureOptions(name="function", adapter=adapter))


def answer(codec: Codec, message: Message | None = None) -> Reply:
    return codec.encode(codec.call(*codec.decode(message or Message("GET", "/path", query="a=1"))))


@only_lazily
def test_what_is_not_asked_for_is_not_made(tmp_path: Path) -> None:
    def function(request: flask.Request) -> str:
        before = sorted(vars(request))
        assert (request.method, request.query_string, request.args["a"]) == ("GET", b"a=1", "1")
        assert "environ" not in vars(request)
        assert request.path == "/path"
        assert "environ" in vars(request)
        return ",".join(before)

    assert answer(codec_of(function, tmp_path)).body == b"_ffhost_is_made,_ffhost_origin"


def test_what_was_assigned_before_stays(tmp_path: Path) -> None:
    def function(request: flask.Request) -> list[Any]:
        request.method = "PUT"
        request.view_args = {"own": 1}
        return [request.path, request.method, request.view_args, request.endpoint]

    assert json.loads(answer(codec_of(function, tmp_path)).body) == [
        "/path",
        "PUT",
        {"own": 1},
        "run",
    ]


def test_after_a_call_no_context_is_left(tmp_path: Path) -> None:
    def function(request: flask.Request) -> str:
        flask.g.word = "kept"
        if request.args["a"] == "2":
            raise SystemExit
        return request.url

    codec = codec_of(function, tmp_path)
    answer(codec)
    assert not flask.has_app_context()
    with pytest.raises(SystemExit):
        answer(codec, Message("GET", "/", query="a=2"))
    assert not flask.has_request_context()


def test_a_context_that_the_function_entered_is_left_by_it(tmp_path: Path) -> None:
    def function(request: flask.Request) -> flask.Response:
        def parts() -> Iterator[str]:
            yield flask.request.path
            yield flask.g.word

        flask.g.word = " kept"
        return flask.Response(flask.stream_with_context(parts()))

    reply = answer(codec_of(function, tmp_path))
    assert reply.chunks is not None
    assert b"".join(reply.chunks) == b"/path kept"  # type: ignore[arg-type]
    assert not flask.has_app_context()


class OwnRequest(flask.Request):
    own = "own request"


class OwnResponse(flask.Response):
    default_mimetype = "text/own"


class OwnProvider(DefaultJSONProvider):
    sort_keys = False


Hang = Callable[[FlaskFunctionApp, list[str]], Any]


def hang_on_signal(signal: Any) -> Hang:
    def hang(app: FlaskFunctionApp, seen: list[str]) -> Any:
        def receive(_sender: Any, **_values: Any) -> None:
            seen.append("received")

        signal.connect(receive, app)
        return lambda: signal.disconnect(receive, app)

    return hang


def wrap_application(app: FlaskFunctionApp, seen: list[str]) -> None:
    inner = app.wsgi_app

    def outer(environ: Any, start_response: Any) -> Any:
        seen.append("called")
        return inner(environ, lambda *given: start_response(*given))

    app.wsgi_app = outer  # type: ignore[method-assign]


HANGING: dict[str, Hang] = {
    "before_request": lambda app, seen: app.before_request_funcs[None].append(
        lambda: seen.append("before")
    ),
    "after_request": lambda app, seen: app.after_request_funcs[None].append(
        lambda response: seen.append("after") or response
    ),
    "teardown_request": lambda app, seen: app.teardown_request_funcs[None].append(
        lambda _error: seen.append("teardown")
    ),
    "teardown_appcontext": lambda app, seen: app.teardown_appcontext_funcs.append(
        lambda _error: seen.append("teardown")
    ),
    "url_value_preprocessor": lambda app, seen: app.url_value_preprocessors[None].append(
        lambda _endpoint, _values: seen.append("preprocessed")
    ),
    "make_response": lambda app, seen: setattr(
        app, "make_response", lambda _value: seen.append("made") or app.response_class("own")
    ),
    "wsgi_app": wrap_application,
    "secret_key": lambda app, _seen: app.config.update(SECRET_KEY="secret"),
    "request_class": lambda app, _seen: setattr(app, "request_class", OwnRequest),
    "response_class": lambda app, _seen: setattr(app, "response_class", OwnResponse),
    "request_started": hang_on_signal(flask.request_started),
    "request_finished": hang_on_signal(flask.request_finished),
    "request_tearing_down": hang_on_signal(flask.request_tearing_down),
    "appcontext_pushed": hang_on_signal(flask.appcontext_pushed),
    "appcontext_popped": hang_on_signal(flask.appcontext_popped),
    "appcontext_tearing_down": hang_on_signal(flask.appcontext_tearing_down),
}


@only_lazily
@pytest.mark.parametrize("name", HANGING)
def test_what_hangs_on_the_application_runs_also_if_it_came_after_the_first_call(
    name: str, tmp_path: Path
) -> None:
    seen: list[str] = []
    apps: list[FlaskFunctionApp] = []

    def function(request: flask.Request) -> str:
        apps.append(flask.current_app._get_current_object())  # type: ignore[attr-defined]
        seen.append(getattr(request, "own", "request" if "environ" in vars(request) else "lazy"))
        return "text"

    codec = codec_of(function, tmp_path)
    answer(codec)
    undo = HANGING[name](apps[0], seen)
    try:
        reply = answer(codec)
    finally:
        if undo is not None:
            undo()
    assert seen[0] == "lazy"
    assert "lazy" not in seen[1:]
    assert (
        len(seen) > 2
        or reply.header("content-type") == "text/own; charset=utf-8"
        or name
        in (
            "secret_key",
            "request_class",
        )
    )


@contextmanager
def application(folder: Path, **parts: Any) -> Iterator[FlaskFunctionApp]:
    app = FlaskFunctionApp("function", folder, single=False)
    for name, value in parts.items():
        setattr(app, name, value)
    with app.test_request_context("/"):
        yield app


TEXT = st.text(max_size=8) | st.sampled_from(["", "ü", "\udc80", "<b>"])
BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT | st.integers(), inner, max_size=3)
    ),
    max_leaves=6,
)
STATUSES = st.integers(190, 620) | st.sampled_from([200, 204, 304, "404 Own", HTTPStatus.OK, None])
NAMES = st.sampled_from(
    [
        "X-A",
        "x-a",
        "Content-Type",
        "content-type",
        "Content-Length",
        "Location",
        "Set-Cookie",
        "Connection",
        "X A",
        "Vary",
        "",
        "Content-Location",
    ]
)
VALUES = TEXT | st.sampled_from(["1", "a b", "a\r\nX-B: b", " a", "text/plain", "é", "0"])
FIELDS = st.dictionaries(NAMES, VALUES | st.integers() | st.lists(VALUES, max_size=2), max_size=3)
RESULTS = (
    BODIES
    | st.tuples(BODIES, STATUSES)
    | st.tuples(BODIES, FIELDS)
    | st.tuples(BODIES, STATUSES, FIELDS)
    | st.tuples(BODIES, st.lists(st.tuples(NAMES, VALUES), max_size=2))
)


@given(result=RESULTS)
def test_what_is_answered_without_flask_is_answered_as_flask_does(
    result: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with application(tmp_path_factory.getbasetemp()) as app:
        quick = QuickFlaskEncoder(app).answer(result)
        if quick is None:
            return
        response = app.make_response(result)
        response.headers = response.get_wsgi_headers(flask.request.environ)
        response.headers.pop("Content-Length")
        assert (quick.status, quick.body) == (response.status_code, response.get_data())
        assert sorted((name.lower(), value) for name, value in quick.headers) == sorted(
            (name.lower(), value) for name, value in response.headers
        )


@pytest.mark.parametrize("result", ["text", b"bytes", {"b": 1, "a": [None]}, [], ("made", 201)])
def test_plain_results_need_no_response_of_flask(result: Any, tmp_path: Path) -> None:
    with application(tmp_path) as app:
        assert QuickFlaskEncoder(app).answer(result) is not None


@pytest.mark.parametrize(
    ("conditions", "status"),
    [({}, 200), ({"range": "bytes=2-4"}, 206), ({"range": "bytes=99-"}, 416)],
)
def test_a_file_is_answered_as_flask_does(
    conditions: dict[str, str], status: int, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    closed: list[bool] = []

    def function(_request: flask.Request) -> flask.Response:
        response = flask.send_file(tmp_path / "file", mimetype="a/b")
        response.headers["X-A"] = "1"
        response.call_on_close(lambda: closed.append(flask.has_request_context()))
        return response

    def replied() -> tuple[int, list[tuple[str, str]], bytes]:
        reply = answer(codec, Message("GET", "/", headers=conditions))
        body = reply.body
        if reply.chunks is not None:
            body = b"".join(reply.chunks)  # type: ignore[arg-type]
            reply.chunks.close()  # type: ignore[union-attr]
        headers = [(name.lower(), value) for name, value in reply.headers]
        return reply.status, [field for field in headers if field[0] != "date"], body

    codec = codec_of(function, tmp_path)
    quick = replied()
    app = flask_request._apps[str(tmp_path / "main.py")]
    app.config["SECRET_KEY"] = "all of Flask"
    assert replied() == quick
    assert quick[0] == status
    assert closed == ([] if status == 416 else [False, False])


def test_other_responses_and_amended_ones_are_left_to_flask(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")

    def send(**fields: str) -> flask.Response:
        response = flask.send_file(tmp_path / "file", mimetype="a/b")
        response.headers.update(fields)
        return response

    with application(tmp_path) as app:
        quick = QuickFlaskEncoder(app).answer
        assert isinstance(quick(send()), Reply)
        assert quick(send(Location="/other")) is None
        assert quick(send(Connection="close")) is None
        assert quick((send(), 201)) is None
        assert quick(flask.Response("text")) is None
        assert quick(OwnResponse("text")) is None
        unchanged = send()
        unchanged.status_code = 304
        assert quick(unchanged) is None


@pytest.mark.parametrize("more", [(), (201,), ({"X-A": "1"},), (404, {"Content-Type": "a/b"})])
def test_a_generator_is_streamed_as_flask_streams_it(more: tuple[Any, ...], tmp_path: Path) -> None:
    closed: list[bool] = []

    def generate() -> Iterator[str | bytes]:
        try:
            yield "ü"
            yield b"b"
        finally:
            closed.append(True)

    with application(tmp_path) as app:
        result = (generate(), *more) if more else generate()
        quick = QuickFlaskEncoder(app).answer(result)
        assert quick is not None
        assert quick.chunks is not None
        response = app.make_response((generate(), *more) if more else generate())
        assert quick.status == response.status_code
        assert sorted((name.lower(), value) for name, value in quick.headers) == sorted(
            (name.lower(), value) for name, value in response.headers
        )
        assert list(quick.chunks) == list(response.iter_encoded())
        assert closed == [True, True]
        begun = QuickFlaskEncoder(app).answer(generate())
        assert begun is not None
        assert next(begun.chunks) == "ü".encode()
        begun.chunks.close()
        assert closed == [True, True, True]


def test_json_is_left_to_flask_where_its_way_was_changed(tmp_path: Path) -> None:
    with application(tmp_path) as app:
        app.json.sort_keys = False  # type: ignore[attr-defined]
        assert QuickFlaskEncoder(app).answer({}) is None
    with application(tmp_path, json=OwnProvider(app)) as app:
        assert QuickFlaskEncoder(app).answer({}) is None
    with application(tmp_path, debug=True) as app:
        assert QuickFlaskEncoder(app).answer({}) is None
        assert QuickFlaskEncoder(app).answer("text") is not None


def asked_in_both_ways(function: Callable[[Any], Any], message: Message, folder: Path) -> Any:
    """Return what *function* answers with a lazy request, after it was compared with Flask's."""
    codec = codec_of(function, folder)
    lazy = answer(codec, message)
    app = flask_request._app_for("function", folder / "main.py", single=False)
    app.is_changed = True
    try:
        assert answer(codec, message).body == lazy.body
    finally:
        app.is_changed = False
    return json.loads(lazy.body)


QUERIES = st.text("ab=&+%;2ü ", max_size=10).map(lambda text: text.encode().decode("latin-1"))


@given(query=QUERIES)
def test_arguments_are_those_of_flask(query: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    def function(request: flask.Request) -> list[Any]:
        return [type(request.args).__name__, list(request.args.items(multi=True))]

    message = Message("GET", "/", query=query)
    asked_in_both_ways(function, message, tmp_path_factory.getbasetemp())


READS: dict[str, Callable[[flask.Request], Any]] = {
    "data": lambda request: request.get_data(),
    "text": lambda request: request.get_data(as_text=True),
    "data, not kept": lambda request: request.get_data(cache=False),
    "data, not a form": lambda request: request.data,
    "json": lambda request: request.get_json(),
    "json, silent": lambda request: request.get_json(silent=True),
    "json, forced": lambda request: request.get_json(force=True),
    "json, not kept": lambda request: request.get_json(cache=False),
    "the same json": lambda request: request.json is request.get_json(),
    "form": lambda request: request.form.to_dict(),
    "stream": lambda request: request.stream.read(),
    "input": lambda request: request.environ["wsgi.input"].read(),
    "limit": lambda request: setattr(request, "max_content_length", 3),
}
TYPES = ["application/json", "text/json", "application/json; charset=utf-8", ""]
SENT = ['{"a": [1]}', "null", "{", "a=1", "NaN", ""]
SENT += ["[12345678901234567890, 1e400, -0]", '{"a": 1, "a": "\\ud800"}']


@given(
    names=st.lists(st.sampled_from(sorted(READS)), max_size=4),
    media_type=st.sampled_from([*TYPES, "application/x-www-form-urlencoded"]),
    body=st.sampled_from(SENT),
)
@example(names=["data", "limit", "stream"], media_type="application/json", body='{"a": [1]}')
def test_a_body_is_read_as_from_flask_in_whatever_order(
    names: list[str], media_type: str, body: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    def function(request: flask.Request) -> list[str]:
        found = []
        for name in names:
            try:
                found.append(repr(READS[name](request)))
            except (flask_request.HTTPException, AttributeError) as error:
                found.append(type(error).__name__)  # a limit cannot be set before Flask 3.1
        return found

    headers = {"content-type": media_type, "content-length": str(len(body))}
    message = Message("POST", "/", headers=headers, body=body.encode())
    asked_in_both_ways(function, message, tmp_path_factory.getbasetemp())


@only_lazily
def test_a_body_and_arguments_need_no_environ(tmp_path: Path) -> None:
    def function(request: flask.Request) -> list[Any]:
        found = [request.get_json(), request.get_data(as_text=True), request.args["a"]]
        return [*found, "environ" in vars(request)]

    headers = {"content-type": "application/json", "content-length": "3"}
    message = Message("POST", "/", query="a=1", headers=headers, body=b"[1]")
    reply = answer(codec_of(function, tmp_path), message)
    assert json.loads(reply.body) == [[1], "[1]", "1", False]


def test_json_is_read_by_what_the_application_reads_it_with(tmp_path: Path) -> None:
    def function(request: flask.Request) -> list[Any]:
        return [request.get_json()]

    message = Message("POST", "/", headers={"content-type": "application/json"}, body=b"[1]")
    codec = codec_of(function, tmp_path)
    app = flask_request._app_for("function", tmp_path / "main.py", single=False)
    app.json.loads = lambda text, **_: len(text)  # type: ignore[method-assign]
    assert json.loads(answer(codec, message).body) == [3]


@only_lazily
def test_a_limit_of_the_application_is_kept(tmp_path: Path) -> None:
    def function(request: flask.Request) -> str:
        flask.current_app.config["MAX_CONTENT_LENGTH"] = 2
        return str(len(request.get_data()))

    headers = {"content-length": "3"}
    reply = answer(codec_of(function, tmp_path), Message("POST", "/", headers=headers, body=b"[1]"))
    assert reply.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
