"""`ffhost.Request`: what its accessors give, measured against Flask's own request."""

from __future__ import annotations

import contextlib
import json
from io import BytesIO
from typing import Any

import flask
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.errors import BadRequest, ContentTooLarge, RequestError, UnsupportedMediaType
from ffhost.signatures.requests import Fields, Request, make_wsgi_environ
from ffhost.web.messages import Message
from tests.installed import is_installed

HEADERS = {"host": "example.com:8080", "content-type": "application/json", "x-one": "1"}


class WsgiMessage(Message):
    """A message of the WSGI front: it knows the environ that it came with."""

    __slots__ = ("given",)

    def environ(self) -> dict[str, Any] | None:
        return self.given


def message(method: str = "POST", path: str = "/", **rest: Any) -> Message:
    rest.setdefault("headers", HEADERS)
    rest.setdefault("client", ("10.0.0.9", 1234))
    rest.setdefault("server", ("10.0.0.1", 8080))
    return Message(method, path, **rest)


def form(body: bytes, content_type: str, query: str = "") -> Request:
    return Request(message(query=query, headers={"content-type": content_type}, body=body))


def test_an_environ_is_what_pep_3333_asks_for() -> None:
    environ = make_wsgi_environ(
        message(
            "PUT",
            "/caf%C3%A9/x%2Fy",
            query="a=b%20c",
            body=b"{}",
            scheme="https",
            root_path="/caf\xe9",
        )
    )
    errors, body = environ.pop("wsgi.errors"), environ.pop("wsgi.input")
    assert errors.write is not None
    assert body.read() == b"{}"
    assert environ == {
        "REQUEST_METHOD": "PUT",
        "SCRIPT_NAME": "/caf\xc3\xa9",
        "PATH_INFO": "/x/y",
        "RAW_URI": "/caf%C3%A9/x%2Fy?a=b%20c",
        "QUERY_STRING": "a=b%20c",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "10.0.0.1",
        "SERVER_PORT": "8080",
        "REMOTE_ADDR": "10.0.0.9",
        "REMOTE_PORT": "1234",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "2",
        "HTTP_HOST": "example.com:8080",
        "HTTP_X_ONE": "1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }


def test_a_header_with_an_underscore_cannot_pose_as_one_with_a_dash() -> None:
    headers = {"x-user": "ann", "x_user": "eve"}
    assert make_wsgi_environ(message(headers=headers))["HTTP_X_USER"] == "ann"
    assert (
        make_wsgi_environ(message(headers=dict(reversed(headers.items()))))["HTTP_X_USER"] == "ann"
    )


def test_the_environ_of_a_wsgi_server_is_copied_and_gets_the_body_that_was_read() -> None:
    given_environ = {"REQUEST_METHOD": "POST", "wsgi.input": BytesIO(), "gunicorn.socket": "it"}
    wsgi = WsgiMessage("POST", "/", body=b"abc")
    wsgi.given = given_environ
    environ = make_wsgi_environ(wsgi)
    assert environ["wsgi.input"].read() == b"abc"
    assert environ["CONTENT_LENGTH"] == "3"
    assert environ["gunicorn.socket"] == "it"
    assert "CONTENT_LENGTH" not in given_environ
    assert given_environ["wsgi.input"].read() == b""


@pytest.mark.parametrize(
    ("path", "root", "query"),
    [
        ("/", "", ""),
        ("/hello", "", "name=World"),
        ("/a%20b/%C3%A9", "", "a=1&a=2&b=&c&=d&e=%20+x&f=%C3%A9&g=%ff%C3"),
        ("/app/x", "/app", "x=1"),
        ("/appendix", "/app", ""),
        ("/a//b;c=d,e", "", "&&"),
    ],
)
@pytest.mark.parametrize("host", ["example.com:8080", "example.com:80", "[::1]:9", None])
def test_paths_and_queries_read_as_in_flask(
    path: str, root: str, query: str, host: str | None
) -> None:
    headers = {} if host is None else {"host": host}
    each = message("GET", path, root_path=root, query=query, headers=headers)
    ours, theirs = Request(each), flask.Request(make_wsgi_environ(each))
    assert ours.path == theirs.path
    assert ours.base_url == theirs.base_url
    assert ours.full_path == theirs.full_path
    assert list(ours.args.items(multi=True)) == list(theirs.args.items(multi=True))
    assert dict(ours.args) == theirs.args.to_dict()


@pytest.mark.parametrize("host", ["b@d", "a b", "x/y"])
def test_a_host_that_cannot_be_one_is_left_out(host: str) -> None:
    each = message("GET", "/hello", query="name=World", headers={"host": host})
    assert Request(each).base_url == "http:///hello"
    if is_installed("werkzeug>=3.1"):
        assert flask.Request(make_wsgi_environ(each)).base_url == "http:///hello"


def test_fields_look_up_as_in_flask() -> None:
    fields = Fields([("a", "1"), ("b", "x"), ("a", "2")])
    assert fields["a"] == "1"
    assert fields.get("a", type=int) == 1
    assert fields.get("b", 7, type=int) == 7
    assert fields.get("c", 8) == 8
    assert fields.getlist("a") == ["1", "2"]
    assert fields.getlist("a", int) == [1, 2]
    assert fields.to_dict(flat=False) == {"a": ["1", "2"], "b": ["x"]}
    assert list(fields) == ["a", "b"]
    assert json.loads(json.dumps(fields)) == {"a": "1", "b": "x"}
    with pytest.raises(TypeError):
        fields["a"] = "3"
    changed = fields.copy()
    changed["a"] = "3"
    assert fields["a"] == "1"


def test_a_field_that_is_missing_is_the_callers_mistake_and_still_a_key_error() -> None:
    request = Request(message())
    with pytest.raises(BadRequest) as caught:
        request.args["name"]
    assert isinstance(caught.value, KeyError)
    assert (caught.value.status, str(caught.value)) == (400, "the request has no field 'name'")
    with pytest.raises(KeyError):
        request.headers["X-Nothing"]


def test_headers_are_found_in_any_case() -> None:
    headers = Request(message()).headers
    assert headers.get("X-One") == headers["x-ONE"] == "1"
    assert headers.get("X-One", type=int) == 1
    assert "X-ONE" in headers
    assert headers.get("X-Two") is None
    assert dict(headers) == {
        "Host": "example.com:8080",
        "Content-Type": "application/json",
        "X-One": "1",
    }


def test_the_request_is_falcons_too() -> None:
    request = Request(
        message("PATCH", "/a%20b", query="n=5&t=x&t=y", body=b'{"a": 1}', params={"id": "7"})
    )
    assert (request.method, request.path, request.query_string) == ("PATCH", "/a b", "n=5&t=x&t=y")
    assert request.get_param_as_int("n") == 5
    assert request.get_param_as_list("t") == ["x", "y"]
    assert request.media == {"a": 1}
    assert request.stream.read() == b""
    assert request.data == b'{"a": 1}'
    assert request.get_header("X-One") == "1"
    assert request.host == "example.com"
    assert request.remote_addr == "10.0.0.9"
    assert request.content_length == 8
    assert request.path_params == {"id": "7"}
    with pytest.raises(AttributeError):
        request.nothing_of_the_kind  # noqa: B018


def test_an_address_keeps_the_escapes_of_the_path() -> None:
    request = Request(message("GET", "/u/a%20b%3Fc", query="q=%2F", headers={"host": "h:81"}))
    assert request.path == "/u/a b?c"
    assert request.relative_uri == "/u/a%20b%3Fc?q=%2F"
    assert request.url == request.uri == request.forwarded_uri == "http://h:81/u/a%20b%3Fc?q=%2F"


def test_what_clients_say_of_proxies_is_not_believed() -> None:
    said = {
        "host": "h",
        "forwarded": "for=6.6.6.6;host=evil;proto=https",
        "x-forwarded-for": "6.6.6.6",
        "x-forwarded-host": "evil",
        "x-forwarded-proto": "https",
        "x-real-ip": "6.6.6.6",
    }
    request = Request(message("GET", "/a", headers=said, client=("127.0.0.1", 5)))
    assert request.forwarded is None
    assert (request.forwarded_scheme, request.forwarded_host) == ("http", "h")
    assert (request.forwarded_uri, request.forwarded_prefix) == ("http://h/a", "http://h")
    assert request.access_route == ["127.0.0.1"]


def test_ten_thousand_fields_are_listed_in_linear_time() -> None:
    fields = Fields([(f"f{number}", "v") for number in range(200_000)])
    assert sum(len(values) for _, values in fields.lists()) == 200_000
    assert Fields([("a", 1), ("b", 2), ("a", 3)]).to_dict(flat=False) == {"a": [1, 3], "b": [2]}


def test_what_a_function_sets_on_a_request_stays() -> None:
    request = Request(message("GET", "/a"))
    request.path = "/changed"
    request.context.user = "ann"
    request.anything = 1
    assert request.get_header("x-one") == "1"
    assert (request.path, request.context.user, request.anything) == ("/changed", "ann", 1)
    assert request.relative_uri == "/changed"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"a": [1, 2.5, null]}', "application/json"),
        (b'{"a": 1}', "application/vnd.api+json; charset=utf-8"),
        (b"[1e400, NaN, 123456789012345678901234567890]", "Application/JSON"),
        (b'"\\ud800"', "application/json"),
        (b"\xef\xbb\xbf1", "application/json"),
        ('"é"'.encode("utf-16"), "application/json"),
        (b"null", "application/json"),
    ],
)
def test_json_reads_as_in_flask(body: bytes, content_type: str) -> None:
    each = message(body=body, headers={"content-type": content_type})
    request = Request(each)
    theirs = flask.Request(make_wsgi_environ(each)).get_json()
    assert repr(request.get_json()) == repr(request.json) == repr(theirs)


def test_json_is_refused_with_the_status_that_says_why() -> None:
    with pytest.raises(BadRequest) as caught:
        Request(message(body=b'{"secret": ')).get_json()
    assert caught.value.detail == (
        "the body is not valid JSON: Expecting value at line 1, column 12"
    )
    text = Request(message(body=b"{}", headers={"content-type": "text/plain"}))
    with pytest.raises(UnsupportedMediaType):
        text.get_json()
    assert text.get_json(silent=True) is None
    assert text.get_json(force=True) == {}
    assert Request(message(body=b"{")).get_json(silent=True) is None
    with pytest.raises(BadRequest):
        Request(message(body=b"")).get_json()
    for opening in (b"[", b'{"a":'):
        with pytest.raises(BadRequest):
            Request(message(body=opening * 200_000)).get_json()


def test_data_is_the_body_unless_it_is_a_form() -> None:
    assert Request(message(body=b"\xffx")).get_data() == b"\xffx"
    assert Request(message(body=b"\xffx")).get_data(as_text=True) == "\ufffdx"
    request = form(b"a=1", "application/x-www-form-urlencoded")
    assert (request.data, request.get_data()) == (b"", b"a=1")
    assert request.form == {"a": "1"}
    assert request.get_data() == b"a=1"


def test_values_are_the_query_and_then_the_form() -> None:
    request = form(b"a=2&b=3", "application/x-www-form-urlencoded", query="a=1")
    assert request.values.getlist("a") == ["1", "2"]
    assert request.values["b"] == "3"


MULTIPART = (
    b"preamble\r\n--XX\r\n"
    b'Content-Disposition: form-data; name="text"\r\n\r\nv\xc3\xa4lue\r\n'
    b"--XX\r\n"
    b'content-disposition: form-data; name="file"; filename="a \\"b\\".txt"\r\n'
    b"Content-Type: text/plain\r\n\r\nline 1\r\n--X\r\n\r\n"
    b'--XX  \r\nContent-Disposition: form-data; name="empty"\r\n\r\n\r\n'
    b"--XX--\r\nepilogue"
)


def test_multipart_forms_read_as_in_flask(tmp_path: Any) -> None:
    request = form(MULTIPART, "multipart/form-data; boundary=XX")
    theirs = flask.Request(
        make_wsgi_environ(
            message(headers={"content-type": "multipart/form-data; boundary=XX"}, body=MULTIPART)
        )
    )
    assert dict(request.form) == theirs.form.to_dict() == {"text": "välue", "empty": ""}
    file, their_file = request.files["file"], theirs.files["file"]
    assert (file.filename, file.mimetype) == (their_file.filename, their_file.mimetype)
    assert file.read() == their_file.read() == b"line 1\r\n--X\r\n"
    file.seek(0)
    file.save(tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes() == b"line 1\r\n--X\r\n"


def test_a_file_may_have_a_name_in_any_language() -> None:
    body = (
        b"--b\r\nContent-Disposition: form-data; name=f; "
        b"filename=\"x\"; filename*=UTF-8''%e2%82%ac.txt\r\n\r\n1\r\n--b--"
    )
    assert form(body, 'multipart/form-data; boundary="b"').files["f"].filename == "€.txt"


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        (b"", "multipart/form-data", BadRequest),
        (b"", "multipart/form-data; boundary=" + "b" * 71, BadRequest),
        (b"nothing", "multipart/form-data; boundary=b", BadRequest),
        (b"--b\r\n", "multipart/form-data; boundary=b", BadRequest),
        (b"--bx\r\n\r\n\r\n--b--", "multipart/form-data; boundary=b", BadRequest),
        (b"--b\r\n\r\nno name\r\n--b--", "multipart/form-data; boundary=b", BadRequest),
        (b"--b\r\nA: b\r\n\r\nno end", "multipart/form-data; boundary=b", BadRequest),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 1001 + b"--b--",
            "multipart/form-data; boundary=b",
            ContentTooLarge,
        ),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
            + b"x" * 500_001
            + b"\r\n--b--",
            "multipart/form-data; boundary=b",
            ContentTooLarge,
        ),
        (b"a&" * 10_001, "application/x-www-form-urlencoded", ContentTooLarge),
    ],
)
def test_a_form_that_is_none_or_too_much_is_refused(
    body: bytes, content_type: str, error: type[RequestError]
) -> None:
    with pytest.raises(error):
        _ = form(body, content_type).form


def _hostile_bodies() -> st.SearchStrategy[bytes]:
    pieces = st.sampled_from(
        [b"--b", b"--b--", b"\r\n", b"\r\n\r\n", b"a=%", b"&", b"=", b"%C3", b"+", b'{"a":', b"[",
         b"]", b"}", b'"', b"\\ud800", b"1e999", b"NaN", b"\xff", b"\xef\xbb\xbf", b"\x00",
         b'Content-Disposition: form-data; name="a"', b'; filename="', b"; filename*=x'y'%ff",
         b"Content-Type: text/plain; charset=utf-16", b"9" * 30]
    )  # fmt: skip
    return st.binary(max_size=40) | st.lists(pieces | st.binary(max_size=3), max_size=15).map(
        b"".join
    )


CONTENT_TYPES = st.sampled_from(
    ["application/json", "multipart/form-data; boundary=b", "application/x-www-form-urlencoded",
     'multipart/form-data; boundary="b', "multipart/form-data; boundary*=utf-8''b", "x+json", "",
     "application/x+json; charset=nonsense"]
) | st.text(st.characters(max_codepoint=255), max_size=30)  # fmt: skip
TEXT = st.text(st.characters(max_codepoint=255), max_size=20)

ACCESSORS = [
    "args", "json", "form", "files", "values", "data", "mimetype", "mimetype_params", "is_json",
    "base_url", "full_path", "path", "headers", "path_params",
]  # fmt: skip


@given(body=_hostile_bodies(), content_type=CONTENT_TYPES, query=TEXT, path=TEXT, host=TEXT)
def test_no_accessor_fails_but_with_a_request_error(
    body: bytes, content_type: str, query: str, path: str, host: str
) -> None:
    request = Request(
        Message(
            "POST",
            "/" + path,
            query=query,
            headers={
                "content-type": content_type,
                "host": host,
                "cookie": query,
                host.lower(): path,
            },
            body=body,
        )
    )
    for name in ACCESSORS:
        with contextlib.suppress(RequestError):
            getattr(request, name)
    request.get_json(force=True, silent=True)
    request.get_data(as_text=True)
    repr(request)
    assert request.env["PATH_INFO"].encode("latin-1").startswith(b"/")
    assert (request.cookies, request.params) is not None
