"""Flask's request and contexts around http functions, beyond what the corpus shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ffhost.testing import Client
from tests.installed import is_installed

Serve = Callable[..., Client]

pytestmark = pytest.mark.usefixtures("no_main_is_left")

SINGLE = {"environ": {"FUNCTION_TARGET": "main"}}


def test_static_files_beside_the_source_are_served(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "style.css").write_text("b {}")
    host = serve("def main(request): return 'mine'", **SINGLE)
    assert (host.get("/static/style.css").body, host.get("/other").body) == (b"b {}", b"mine")
    assert host.get("/static/none.css").status == 404


def test_a_module_may_configure_the_application_while_it_is_imported(serve: Serve) -> None:
    host = serve(
        """
        from flask import current_app

        current_app.config["GREETING"] = "set at import"

        @current_app.after_request
        def stamp(response):
            response.headers["X-Stamp"] = "yes"
            return response

        def main(request):
            return current_app.config["GREETING"]
        """,
        **SINGLE,
    )
    answer = host.get("/")
    assert (answer.body, answer.headers["x-stamp"]) == (b"set at import", "yes")


def test_a_coroutine_function_may_have_flask_s_request(serve: Serve) -> None:
    host = serve(
        """
        import asyncio
        import flask

        async def main(request: flask.Request):
            flask.g.word = request.args["word"]
            await asyncio.sleep(0)
            if flask.g.word == "stop":
                flask.abort(409)
            return flask.jsonify(word=flask.g.word, path=flask.request.path), 201
        """,
        **SINGLE,
    )
    answer = host.get("/here?word=go")
    assert (answer.status, answer.body) == (201, b'{"path":"/here","word":"go"}\n')
    assert host.get("/?word=stop").status == 409


def test_a_session_goes_out_and_comes_back(serve: Serve) -> None:
    host = serve(
        """
        import flask

        flask.current_app.secret_key = "for the test"

        def main(request):
            flask.session["count"] = flask.session.get("count", 0) + 1
            return str(flask.session["count"])
        """,
        **SINGLE,
    )
    cookie = host.get("/").headers["set-cookie"].partition(";")[0]
    assert host.get("/", headers={"Cookie": cookie}).body == b"2"


def test_contexts_and_resources_end_with_the_call(serve: Serve) -> None:
    host = serve(
        """
        import flask

        ended = []

        @flask.current_app.teardown_request
        def teardown(error):
            ended.append(type(error).__name__)

        def main(request):
            if request.path == "/crash":
                raise RuntimeError
            before, ended[:] = list(ended), []
            return before
        """,
        **SINGLE,
    )
    assert host.get("/crash").status == 500
    assert host.get("/").body == b'["RuntimeError"]\n'
    assert host.get("/").body == b'["NoneType"]\n'


def test_the_parameters_of_the_path_are_view_args(serve: Serve) -> None:
    host = serve(
        """
        import flask

        def main(request):
            return request.view_args
        """,
        """
        version: 1
        functions:
          main: {source: main.py, target: main, path: "/users/{id}"}
        """,
    )
    assert host.get("/users/7").body == b'{"id":"7"}\n'


def test_two_functions_of_one_file_share_its_application(serve: Serve) -> None:
    host = serve(
        """
        import flask

        flask.current_app.config["SHARED"] = "one"

        def first(request): return flask.current_app.config["SHARED"]
        def second(request): return flask.current_app.config["SHARED"]
        """,
        """
        version: 1
        functions:
          first: {source: main.py, target: first}
          second: {source: main.py, target: second}
        """,
    )
    assert (host.get("/first").body, host.get("/second").body) == (b"one", b"one")


def test_none_is_ok_in_the_legacy_mode(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTRY_POINT", "main")
    host = serve("def main(request): return None", **SINGLE)
    assert (host.get("/").status, host.get("/").body) == (200, b"OK")


def test_headers_that_cannot_be_sent_are_a_crash_and_not_an_open_door(serve: Serve) -> None:
    host = serve(
        """
        import flask

        def main(request):
            response = flask.Response("x")
            response.headers.add_header("X-Own", "a\\nSet-Cookie: b=c")
            return response
        """,
        **SINGLE,
    )
    answer = host.get("/")
    assert (answer.status, "set-cookie" in answer.headers) == (500, False)


def test_every_way_to_abort_with_a_response_is_that_response(serve: Serve) -> None:
    host = serve(
        """
        import flask
        from werkzeug.exceptions import Conflict, HTTPException
        from werkzeug.wrappers import Response

        class Own(HTTPException):
            code = 418

        def later(environ, start_response):
            return flask.Response("delegated", 202)(environ, start_response)

        def raised(error):
            raise error

        FORMS = {
            "made": lambda: flask.abort(flask.make_response(flask.jsonify(a=1), 409)),
            "werkzeug": lambda: flask.abort(Response("w", 410)),
            "wsgi": lambda: later,
            "exception": lambda: raised(Conflict(response=flask.Response("c", 411))),
            "own": lambda: raised(Own("tea")),
            "returned": lambda: Conflict(response=flask.Response("r", 412)),
            "stream": lambda: flask.abort(flask.Response(iter(["a", "b"]), 413)),
            "redirect": lambda: flask.abort(flask.redirect("/there")),
        }

        def main(request):
            return FORMS[request.args["form"]]()
        """,
        **SINGLE,
    )
    forms = ("made", "werkzeug", "wsgi", "exception", "own", "returned", "stream", "redirect")
    answers = [host.get(f"/?form={form}") for form in forms]
    assert [each.status for each in answers] == [409, 410, 202, 411, 418, 412, 413, 302]
    assert [answers[index].body for index in (0, 1, 2, 3, 5, 6)] == [
        b'{"a":1}\n',
        b"w",
        b"delegated",
        b"c",
        b"r",
        b"ab",
    ]
    assert answers[7].headers["location"] == "/there"


def test_what_flask_s_objects_are_asked_by_werkzeug_they_answer(serve: Serve) -> None:
    host = serve(
        """
        import flask
        from flask.globals import request_ctx
        from werkzeug.routing import MapAdapter

        def main(request):
            adapter = request_ctx.url_adapter
            return {
                "kind": isinstance(adapter, MapAdapter),
                "match": adapter.match("/x/y"),
                "default": adapter.match(),
                "test": adapter.test("/x/y"),
                "build": adapter.build("run", {"path": "z"}),
                "server": adapter.server_name,
                "view": "run" in flask.current_app.view_functions,
                "unknown": hasattr(adapter, "unknown"),
            }
        """,
        **SINGLE,
    )
    assert host.get("/here").json() == {
        "kind": True,
        "match": ["run", {"path": "x/y"}],
        "default": ["run", {"path": "here"}],
        "test": True,
        "build": "/z",
        "server": "localhost:8080",
        "view": True,
        "unknown": False,
    }


@pytest.mark.skipif(not is_installed("flask>=3.1"), reason="Flask itself ignores TRUSTED_HOSTS")
def test_a_host_that_is_not_trusted_does_not_reach_the_function(serve: Serve) -> None:
    host = serve(
        """
        import flask

        flask.current_app.config["TRUSTED_HOSTS"] = ["localhost"]

        def main(request):
            return "reached"
        """,
        **SINGLE,
    )
    assert host.get("/").text == "reached"
    assert host.get("/", headers={"Host": "evil.example"}).status == 400


def test_a_crash_is_signalled(serve: Serve) -> None:
    host = serve(
        """
        import flask

        seen = []

        def main(request):
            if request.path == "/crash":
                flask.got_request_exception.connect(note)
                raise KeyError("word")
            return seen

        def note(app, exception, **_more):
            seen.append(type(exception).__name__)
        """,
        **SINGLE,
    )
    assert host.get("/crash").status == 500
    assert host.get("/").body == b'["KeyError"]\n'
