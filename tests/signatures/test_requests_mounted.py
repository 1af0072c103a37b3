"""Functions mounted at their path: ``strip_path``."""

from __future__ import annotations

import json

import pytest

from ffhost.testing import Client
from tests.conftest import Serve

CONFIG = """
    version: 1
    functions:
      first: {source: main.py, target: flask_function, path: "/first", strip_path: true}
      user: {source: main.py, target: flask_function, path: "/users/{id}", strip_path: true}
      visits: {source: main.py, target: session, path: "/visits", strip_path: true}
      others: {source: main.py, target: session, path: "/others", strip_path: true}
      inner: {source: main.py, target: inner, path: "/inner/{tenant}", strip_path: true}
      star: {source: main.py, target: star, path: "/star/{id}", strip_path: true}
      native: {source: main.py, target: native, path: "/native/{id}", strip_path: true}
      falcon: {source: main.py, target: falcon, path: "/falcon", strip_path: true}
      plain: {source: main.py, target: flask_function, path: "/plain"}
"""
CODE = """
    import ffhost, flask, starlette.requests

    flask.current_app.secret_key = "for the test"
    app = flask.Flask("inner")

    @app.route("/")
    def index(): return "index of " + flask.request.script_root

    @app.route("/user/<name>")
    def of_user(name): return {"name": name, "url": flask.url_for("index")}

    def flask_function(request: flask.Request):
        return {
            "path": request.path,
            "script_root": request.script_root,
            "full_path": request.full_path,
            "url": request.url,
            "view_args": request.view_args,
            "url_for": flask.url_for("run", path="x/y"),
            "root": flask.current_app.config["APPLICATION_ROOT"],
        }

    def session(request: flask.Request):
        flask.session["count"] = flask.session.get("count", 0) + 1
        return str(flask.session["count"])

    def inner(request: flask.Request):
        with app.request_context(request.environ):
            return app.full_dispatch_request()

    async def star(request: starlette.requests.Request):
        return {
            "path": request.scope["path"],
            "root_path": request.scope["root_path"],
            "url": str(request.url),
            "base_url": str(request.base_url),
            "path_params": request.path_params,
        }

    def native(request: ffhost.Request):
        return {
            "path": request.path,
            "root_path": request.root_path,
            "params": dict(request.path_params),
            "base_url": request.base_url,
        }

    def falcon(req, resp):
        resp.media = [req.root_path, req.path]
"""


@pytest.fixture
def host(serve: Serve) -> Client:
    return serve(CODE, CONFIG)


def answer(host: Client, path: str) -> dict[str, object]:
    found = host.get(path)
    assert found.status == 200, found.text
    return dict(json.loads(found.body))


def test_flask_sees_what_follows_the_mount(host: Client) -> None:
    assert answer(host, "/first/a%20b?c=1") == {
        "path": "/a b",
        "script_root": "/first",
        "full_path": "/a b?c=1",
        "url": "http://localhost:8080/first/a%20b?c=1",
        "view_args": {"path": "a b"},
        "url_for": "/first/x/y",
        "root": "/first",
    }
    assert answer(host, "/first")["path"] == "/"


def test_the_parameters_of_the_mount_stand_beside_the_path(host: Client) -> None:
    found = answer(host, "/users/7/orders/8")
    assert (found["path"], found["view_args"]) == ("/orders/8", {"id": "7", "path": "orders/8"})
    assert (found["script_root"], found["url_for"]) == ("/users/7", "/users/7/x/y")
    assert answer(host, "/users/%C3%A9/")["script_root"] == "/users/é"


def test_the_default_is_the_path_as_received(host: Client) -> None:
    found = answer(host, "/plain/a")
    assert (found["path"], found["script_root"], found["root"]) == ("/plain/a", "", "/")
    assert (found["view_args"], found["url_for"]) == ({"path": "plain/a"}, "/x/y")


def test_each_function_has_a_session_cookie_of_its_own(host: Client) -> None:
    cookies = [host.get(path).headers["set-cookie"] for path in ("/visits/a", "/others")]
    assert [each.rpartition("Path=")[2] for each in cookies] == ["/visits", "/others"]


def test_an_application_in_the_function_works_as_alone(host: Client) -> None:
    assert host.get("/inner/t").text == "index of /inner/t"
    assert answer(host, "/inner/t/user/ada") == {"name": "ada", "url": "/inner/t/"}


def test_starlette_has_the_root_path_and_the_whole_path(host: Client) -> None:
    assert answer(host, "/star/7/ab") == {
        "path": "/star/7/ab",
        "root_path": "/star/7",
        "url": "http://localhost:8080/star/7/ab",
        "base_url": "http://localhost:8080/star/7/",
        "path_params": {"id": "7", "path": "ab"},
    }


def test_ffhost_s_and_falcon_s_request_have_the_root_path_too(host: Client) -> None:
    assert answer(host, "/native/7/x") == {
        "path": "/x",
        "root_path": "/native/7",
        "params": {"id": "7"},
        "base_url": "http://localhost:8080/native/7/x",
    }
    assert host.get("/falcon/x").json() == ["/falcon", "/x"]
    assert host.get("/falcon").json() == ["/falcon", "/"]
