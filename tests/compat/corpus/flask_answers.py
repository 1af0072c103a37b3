"""Every form in which a function with Flask's request can answer, as a table."""

import dataclasses
import datetime
import decimal
import http
import io
import os
import uuid

import flask
import functions_framework
from flask import Response, abort, jsonify, make_response, redirect, send_file
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, NotFound, ServiceUnavailable, Unauthorized

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "templates", "page.html")
WHEN = datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC)


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Html:
    def __html__(self):
        return "<b>bold</b>"


class OwnResponse(Response):
    default_mimetype = "text/plain"


class Text(str):
    pass


class Dict(dict):
    pass


class Teapot(HTTPException):
    code = 418
    description = "short and stout"


def changed(response, **attributes):
    for name, value in attributes.items():
        setattr(response, name, value)
    return response


def cookies(r):
    response = make_response("cookies")
    response.set_cookie("a", "1")
    response.set_cookie("b", "x y", path="/p", secure=True, httponly=True)
    response.set_cookie("c", "ü", expires=WHEN, domain="example.com", samesite="Lax")
    response.delete_cookie("d")
    return response


def cached(r):
    response = make_response("cached")
    response.cache_control.max_age = 60
    response.cache_control.public = True
    response.last_modified = WHEN
    response.expires = WHEN
    response.vary.add("Accept")
    response.content_language.add("de")
    response.add_etag()
    return response.make_conditional(r)


def after(r):
    @flask.after_this_request
    def stamp(response):
        response.headers["X-After"] = type(response).__name__
        response.headers["X-Length"] = str(response.content_length)
        return response

    return "after"


def after_replaced(r):
    flask.after_this_request(lambda response: make_response("replaced", 202))
    return "after"


def after_broken(r):
    flask.after_this_request(lambda response: 1 / 0)
    return "after"


def numbers(*values):
    yield from values


def broken_stream():
    raise KeyError("before the first chunk")
    yield ""


def with_context(r):
    def parts():
        yield flask.request.path
        yield flask.request.args["form"]

    return Response(flask.stream_with_context(parts()), mimetype="text/plain")


def application(environ, start_response):
    start_response("203 Told", [("Content-Type", "text/plain"), ("X-Wsgi", "yes")])
    return [b"of WSGI ", environ["PATH_INFO"].encode()]


INNER = flask.Flask("inner")


@INNER.route("/", defaults={"path": ""}, methods=["GET", "POST", "HEAD"])
@INNER.route("/<path:path>")
def inner(path):
    return {"inner": path, "url": flask.url_for("inner", path="x")}, 207


def delegated(r):
    with INNER.request_context(r.environ):
        return INNER.full_dispatch_request()


def headers(*pairs):
    made = Headers()
    for name, value in pairs:
        made.add(name, value)
    return made


def raised(error):
    def form(r):
        raise error

    return form


def aborted(*arguments, **more):
    return lambda r: abort(*arguments, **more)


def closed(r):
    response = Response("closed")
    response.call_on_close(lambda: None)
    return response


FORMS = {
    # Bodies
    "str": lambda r: "text",
    "str empty": lambda r: "",
    "str unicode": lambda r: "Grüße",
    "str subclass": lambda r: Text("text"),
    "bytes": lambda r: b"\x00\xff",
    "bytes empty": lambda r: b"",
    "dict": lambda r: {"b": 1, "a": [None, True, 1.5, "ü"]},
    "dict empty": lambda r: {},
    "dict subclass": lambda r: Dict(a=1),
    "dict values": lambda r: {
        "date": WHEN.date(),
        "datetime": WHEN,
        "decimal": decimal.Decimal("1.50"),
        "html": Html(),
        "point": Point(1, 2),
        "uuid": uuid.UUID(int=1),
    },
    "dict keys": lambda r: {1: "a", 2: "b"},
    "dict nan": lambda r: {"a": float("nan")},
    "list": lambda r: [1, {"a": 2}],
    "list empty": lambda r: [],
    "generator": lambda r: numbers("one ", "two"),
    "generator of bytes": lambda r: numbers(b"one ", b"two"),
    "generator empty": lambda r: numbers(),
    "iterator": lambda r: iter(["one ", "two"]),
    # Tuples
    "tuple status": lambda r: ("made", 201),
    "tuple status text": lambda r: ("told", "299 Own Words"),
    "tuple status digits": lambda r: ("told", "404"),
    "tuple status enum": lambda r: ("told", http.HTTPStatus.ACCEPTED),
    "tuple status none": lambda r: ("told", None),
    "tuple status none headers": lambda r: ("told", None, {"X-A": "1"}),
    "tuple status odd": lambda r: ("told", 299),
    "tuple status 204": lambda r: ("", 204),
    "tuple status 204 text": lambda r: ("left out", 204),
    "tuple status 304": lambda r: ("left out", 304),
    "tuple status 500": lambda r: ("own", 500),
    "tuple status 503": lambda r: ("own", 503),
    "tuple headers dict": lambda r: ("told", {"X-A": "1", "x-b": "2"}),
    "tuple headers list": lambda r: ("told", [("X-A", "1"), ("X-A", "2")]),
    "tuple headers tuple": lambda r: ("told", (("X-A", "1"),)),
    "tuple headers object": lambda r: ("told", headers(("X-A", "1"), ("X-A", "2"))),
    "tuple headers lists": lambda r: ("told", {"X-A": ["1", "2"]}),
    "tuple headers int": lambda r: ("told", {"X-A": 1}),
    "tuple headers empty": lambda r: ("told", 200, {}),
    "tuple headers unicode": lambda r: ("told", {"X-A": "é"}),
    "tuple headers none": lambda r: ("told", 201, None),
    "tuple headers cookie": lambda r: ("told", [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]),
    "tuple content type": lambda r: ("a,b", 200, {"Content-Type": "text/csv"}),
    "tuple content type lower": lambda r: ("a,b", {"content-type": "text/csv; charset=utf-8"}),
    "tuple content length": lambda r: ("four", {"Content-Length": "4"}),
    "tuple location": lambda r: ("", 302, {"Location": "/ü there"}),
    "tuple bytes": lambda r: (b"told", 202, {"X-A": "1"}),
    "tuple dict": lambda r: ({"a": 1}, 201),
    "tuple dict headers": lambda r: ({"a": 1}, {"X-A": "1"}),
    "tuple dict all": lambda r: ({"a": 1}, 201, {"Content-Type": "application/problem+json"}),
    "tuple list": lambda r: ([1], 201, {"X-A": "1"}),
    "tuple generator": lambda r: (numbers("a", "b"), 201, {"Content-Type": "text/csv"}),
    "tuple response": lambda r: (Response("own"), 202, {"X-A": "1"}),
    # Responses
    "response": lambda r: Response("own"),
    "response empty": lambda r: Response(),
    "response list": lambda r: Response(["one ", "two"]),
    "response generator": lambda r: Response(numbers("one ", "two"), 206),
    "response status text": lambda r: Response("own", "299 Own Words"),
    "response mimetype": lambda r: Response("own", mimetype="text/plain"),
    "response content type": lambda r: Response("own", content_type="text/x-own"),
    "response headers": lambda r: Response("own", headers={"X-A": "1"}),
    "response direct": lambda r: Response(io.BytesIO(b"file"), direct_passthrough=True),
    "response subclass": lambda r: OwnResponse("own"),
    "response data": lambda r: changed(Response(), data="later", status_code=203),
    "response 204": lambda r: Response("left out", 204),
    "response closed": closed,
    "response cookies": cookies,
    "response cached": cached,
    "response location": lambda r: Response("", 303, {"Location": "there"}),
    "response absolute": lambda r: changed(
        redirect("/there?ü=1"), autocorrect_location_header=True
    ),
    "make_response": lambda r: make_response("made", 201, {"X-A": "1"}),
    "make_response dict": lambda r: make_response({"a": 1}),
    "jsonify": lambda r: jsonify(b=1, a=[1]),
    "jsonify list": lambda r: jsonify(1, "a", None),
    "jsonify status": lambda r: (jsonify({"a": 1}), 201, {"X-A": "1"}),
    "redirect": lambda r: redirect("/there"),
    "redirect 308": lambda r: redirect("https://example.com/?a=b", 308),
    "redirect url_for": lambda r: redirect(flask.url_for("run", path="there")),
    # Files and templates
    "send_file": lambda r: send_file(PAGE, etag=False, last_modified=WHEN),
    "send_file bytes": lambda r: send_file(io.BytesIO(b"0123456789"), mimetype="text/plain"),
    "send_file name": lambda r: send_file(
        io.BytesIO(b"0123456789"), download_name="ü.csv", as_attachment=True
    ),
    "send_file conditional": lambda r: send_file(
        PAGE, conditional=True, etag="tag", last_modified=WHEN
    ),
    "send_from_directory": lambda r: flask.send_from_directory(
        HERE, "templates/page.html", etag=False, last_modified=WHEN
    ),
    "send_from_directory none": lambda r: flask.send_from_directory(HERE, "none.html"),
    "render_template": lambda r: flask.render_template("page.html", name="n", items=[1]),
    "render_template_string": lambda r: flask.render_template_string("{{ request.path }}"),
    "stream_template_string": lambda r: flask.stream_template_string("{{ request.path }}"),
    "stream_with_context": with_context,
    # Aborted
    "abort 400": aborted(400, "own words <b>"),
    "abort 401": lambda r: raised(Unauthorized())(r),
    "abort 404": aborted(404),
    "abort 405": aborted(405),
    "abort 418": aborted(418),
    "abort 429": aborted(429),
    "abort 500": aborted(500, "own words"),
    "abort 501": aborted(501),
    "abort 503": lambda r: raised(ServiceUnavailable("later", retry_after=5))(r),
    "abort response": lambda r: abort(Response("own", 410, {"X-A": "1"})),
    "abort make_response": lambda r: abort(make_response({"a": 1}, 409)),
    "abort response status": lambda r: raised(NotFound(response=Response("own", 403)))(r),
    "raise own": lambda r: raised(Teapot())(r),
    "raise KeyError": lambda r: r.args["none"],
    "return NotFound": lambda r: NotFound("own words"),
    "bad json": lambda r: r.get_json(),
    "bad form": lambda r: r.form["none"],
    # Afterwards
    "after_this_request": after,
    "after_this_request replaced": after_replaced,
    # Applications
    "wsgi": lambda r: application,
    "wsgi flask": lambda r: INNER,
    "wsgi delegated": delegated,
    "wsgi response": lambda r: Response.from_app(application, r.environ),
    "wsgi status": lambda r: (application, 201, {"X-A": "1"}),
}

CRASHES = {
    "str surrogate": lambda r: "\udc80",
    "memoryview": lambda r: memoryview(b"view"),
    "dict mixed keys": lambda r: {1: "a", "b": "c"},
    "dict of a set": lambda r: {"a": {1}},
    "list of a set": lambda r: [{1}],
    "none": lambda r: None,
    "int": lambda r: 5,
    "float": lambda r: 1.5,
    "bool": lambda r: True,
    "set": lambda r: {1},
    "dataclass": lambda r: Point(1, 2),
    "object": lambda r: object(),
    "tuple status bytes": lambda r: ("told", b"404 Gone Away"),
    "tuple status empty": lambda r: ("told", ""),
    "tuple headers line break": lambda r: ("told", {"X-A": "a\r\nX-B: b"}),
    "tuple none": lambda r: (None, 204),
    "tuple one": lambda r: ("told",),
    "tuple four": lambda r: ("told", 200, {}, 1),
    "tuple tuple": lambda r: (("told", 200), 201),
    "render_template none": lambda r: flask.render_template("none.html"),
    "abort unknown": aborted(299),
    "raise ValueError": lambda r: int("x"),
    "after_this_request broken": after_broken,
}

BETTER = {
    "tuple status word": lambda r: ("told", "gone"),
    "bytearray": lambda r: bytearray(b"array"),
    "generator broken": lambda r: broken_stream(),
}


@functions_framework.http
def forms(request):
    return FORMS[request.args["form"]](request)


@functions_framework.http
def crashes(request):
    """Return or raise what cannot be sent."""
    return CRASHES[request.args["form"]](request)


@functions_framework.http
def better(request):
    """Return what the original's server cannot send, or answers itself."""
    return BETTER[request.args["form"]](request)
