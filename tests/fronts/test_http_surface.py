"""Paths, methods, limits, probes and cross-origin requests, on both fronts."""

from __future__ import annotations

import pytest

from tests.conftest import Serve

CODE = """
import ffhost

def echo(request):
    return {
        "method": request.method,
        "path": request.path,
        "params": dict(request.path_params),
        "name": ffhost.current().function_name,
    }

def other(request):
    return "other"

def size(request):
    return str(len(request.data))
"""
CONFIG = """
functions:
  hello: {target: "main.py:echo"}
  user: {target: "main.py:echo", path: "/users/{id}", methods: [GET, DELETE]}
  create: {target: "main.py:other", path: "/users/{name}", methods: [POST]}
  size: {target: "main.py:size", max_body_size: 10B}
  off: {target: "main.py:echo", enabled: false}
  gone: {target: "main.py:echo", enabled: false, gone: true}
"""


def test_an_http_function_gets_every_method(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"):
        assert host.request(method, "/hello").json()["method"] == method


def test_parameters_of_the_path_reach_the_function(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    assert host.get("/users/7").json()["params"] == {"id": "7"}
    assert host.get("/users/a%20b/posts").json()["params"] == {"id": "a b"}


def test_functions_share_a_path_with_different_methods(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    assert host.post("/users/7").text == "other"
    refused = host.request("PUT", "/users/7")
    assert refused.status == 405
    assert refused.headers["allow"] == "DELETE, GET, HEAD, POST"
    assert refused.json()["detail"] == "PUT is not among the methods of this path"


def test_head_is_answered_where_get_is(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    answer = host.request("HEAD", "/users/7")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 0
    assert host.request("HEAD", "/size").status == 200


def test_an_unknown_path_lists_nothing(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    answer = host.get("/nowhere", headers={"Function-Execution-Id": "x"})
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "no function is served at this path",
        "execution_id": "x",
    }
    assert host.get("/hellothere").status == 404


def test_while_debugging_an_unknown_path_names_the_one_that_was_probably_meant(
    serve: Serve,
) -> None:
    host = serve(CODE, "server: {debug: true}\n" + CONFIG)
    assert host.get("/helo").json()["detail"] == (
        "no function is served at this path; did you mean /hello?"
    )


@pytest.mark.parametrize("body", [b"x" * 11, [b"x" * 6, b"x" * 6]])
def test_a_body_over_the_limit_is_413_with_a_length_and_without(
    serve: Serve, body: bytes | list[bytes]
) -> None:
    host = serve(CODE, CONFIG)
    assert host.post("/size", body=body).status == 413
    assert host.post("/size", body=b"x" * 10).text == "10"
    assert host.post("/size", body=[b"x" * 5, b"x" * 5]).text == "10"
    assert host.post("/hello", body=b"x" * 1000).status == 200


def test_a_function_that_is_switched_off_answers_503_and_410_for_good(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    off = host.get("/off")
    assert (off.status, off.headers["retry-after"]) == (503, "1")
    assert host.get("/gone").status == 410


def test_probes_answer_and_nothing_else_below_their_prefix_does(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    assert host.get("/_ffhost/live").json() == {"status": "live"}
    assert host.get("/_ffhost/ready").json() == {"status": "ready"}
    assert host.get("/_ffhost/metrics").status == 404
    assert host.post("/_ffhost/live").status == 405
    host.service.begin_drain()
    assert host.get("/_ffhost/ready").status == 503
    assert host.get("/_ffhost/live").status == 200


def test_no_etag_is_ever_added(serve: Serve) -> None:
    host = serve(CODE, CONFIG)
    for path in ("/hello", "/nowhere", "/size"):
        assert "etag" not in host.get(path).headers


CORS = """
functions:
  open: {target: "main.py:other", cors: {allow_origins: "*"}}
  one:
    target: main.py:other
    methods: [GET, PUT]
    cors:
      allow_origins: ["https://app.example.com"]
      allow_headers: [x-token]
      expose_headers: [x-total]
      allow_credentials: true
      max_age: 5m
  own: {target: "main.py:other", methods: [GET, OPTIONS], cors: {allow_origins: "*"}}
  none: {target: "main.py:other"}
"""
ORIGIN = {"Origin": "https://app.example.com"}
ASKED = {**ORIGIN, "Access-Control-Request-Method": "PUT"}


def test_a_preflight_is_answered_without_calling_the_function(serve: Serve) -> None:
    answer = serve(CODE, CORS).request("OPTIONS", "/one", headers=ASKED)
    assert (answer.status, answer.body) == (204, b"")
    headers = answer.headers
    assert headers["access-control-allow-origin"] == "https://app.example.com"
    assert headers["access-control-allow-methods"] == "GET, PUT"
    assert headers["access-control-allow-headers"] == "x-token"
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-max-age"] == "300"


def test_other_answers_say_who_may_read_them(serve: Serve) -> None:
    host = serve(CODE, CORS)
    answer = host.get("/one", headers=ORIGIN)
    assert answer.text == "other"
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert answer.headers["access-control-expose-headers"] == "x-total"
    assert "origin" in answer.headers["vary"]
    assert host.get("/open", headers=ORIGIN).headers["access-control-allow-origin"] == "*"
    stranger = host.get("/one", headers={"Origin": "https://evil.example.com"})
    assert "access-control-allow-origin" not in stranger.headers
    refused = host.post("/one", headers=ORIGIN)
    assert refused.status == 405
    assert refused.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "origin" in refused.headers["vary"]


def test_a_function_that_answers_options_itself_is_left_alone(serve: Serve) -> None:
    host = serve(CODE, CORS)
    assert host.request("OPTIONS", "/own", headers=ASKED).text == "other"
    assert host.request("OPTIONS", "/none", headers=ASKED).text == "other"
    assert "access-control-allow-origin" not in host.get("/none", headers=ORIGIN).headers


def test_a_plain_options_request_reaches_a_function_that_takes_all_methods(serve: Serve) -> None:
    assert serve(CODE, CORS).request("OPTIONS", "/open").text == "other"
    assert serve(CODE, CORS).request("OPTIONS", "/one").status == 405


@pytest.mark.parametrize(
    ("trusted", "client"),
    [
        ("[]", "127.0.0.1"),
        ('["127.0.0.1"]', "203.0.113.9"),
        ('["127.0.0.0/8", "203.0.113.9"]', "198.51.100.1"),
        ("all", "198.51.100.1"),
    ],
)
def test_only_trusted_proxies_are_believed(serve: Serve, trusted: str, client: str) -> None:
    host = serve(
        "def f(request): return f'{request.remote_addr} {request.scheme}'",
        f"server: {{trusted_proxies: {trusted}}}\nfunctions: {{f: {{target: 'main.py:f'}}}}",
    )
    headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Forwarded-Proto": "https"}
    scheme = "http" if trusted == "[]" else "https"
    assert host.get("/f", headers=headers).text == f"{client} {scheme}"


def test_repeated_field_lines_stay_apart(serve: Serve) -> None:
    host = serve(
        """
        import ffhost
        def f(request):
            response = ffhost.Response("")
            response.headers.add("WWW-Authenticate", "Basic")
            response.headers.add("WWW-Authenticate", "Bearer")
            response.set_cookie("a", "1")
            response.set_cookie("b", "2")
            response.set_cookie("a", "3")
            return response
        """,
        "functions: {f: {target: 'main.py:f'}}",
    )
    fields = host.get("/f").fields
    assert [v for n, v in fields if n.lower() == "www-authenticate"] == ["Basic", "Bearer"]
    assert [v for n, v in fields if n.lower() == "set-cookie"] == [
        "a=1; Path=/",
        "b=2; Path=/",
        "a=3; Path=/",
    ]
