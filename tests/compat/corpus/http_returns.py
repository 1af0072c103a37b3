"""What a function may return, and what comes of it."""

import datetime
import io
from http import HTTPStatus

import flask
import functions_framework
from flask import Response, abort, jsonify, make_response, redirect


@functions_framework.http
def text(request):
    return "plain words"


@functions_framework.http
def unicode_text(request):
    return "Grüße, 世界"


@functions_framework.http
def empty(request):
    return ""


@functions_framework.http
def raw(request):
    return b"\x00\x01\xfe\xff"


@functions_framework.http
def dictionary(request):
    return {"b": 1, "a": [1.5, None, True], "é": "ü"}


@functions_framework.http
def rows(request):
    return [{"id": 1}, {"id": 2}]


@functions_framework.http
def rich_json(request):
    return {"day": datetime.date(2024, 2, 29), "at": datetime.datetime(2024, 2, 29, 12, 30)}


@functions_framework.http
def with_status(request):
    return "made", 201


@functions_framework.http
def with_status_name(request):
    return "gone", HTTPStatus.GONE


@functions_framework.http
def with_status_text(request):
    return "tea", "418 I AM A TEAPOT"


@functions_framework.http
def with_headers(request):
    return "a,b\n1,2\n", {"Content-Type": "text/csv", "X-Rows": "1"}


@functions_framework.http
def with_both(request):
    return {"accepted": True}, 202, {"X-Job": "17"}


@functions_framework.http
def with_header_list(request):
    return "two", 200, [("X-Number", "one"), ("X-Number", "two")]


@functions_framework.http
def no_content(request):
    return "", 204


@functions_framework.http
def response(request):
    return Response("<a/>", status=203, mimetype="application/xml", headers={"X-Made": "by hand"})


@functions_framework.http
def made_response(request):
    made = make_response("sweet", 200)
    made.set_cookie("visits", "3", secure=True, httponly=True, samesite="Lax")
    made.set_cookie("theme", "dark mode")
    made.headers["Cache-Control"] = "no-store"
    return made


@functions_framework.http
def deleted_cookie(request):
    made = make_response("bye")
    made.delete_cookie("visits")
    return made


@functions_framework.http
def as_json(request):
    return jsonify(z=1, a={"nested": [1, 2]}), 200


@functions_framework.http
def json_list(request):
    return jsonify([1, 2, 3])


@functions_framework.http
def redirected(request):
    return redirect("/elsewhere?from=here", code=301)


@functions_framework.http
def redirected_abroad(request):
    return redirect("https://example.com/café")


@functions_framework.http
def aborted(request):
    abort(int(request.args.get("code", 404)))


@functions_framework.http
def aborted_with_words(request):
    abort(403, description="members only")


@functions_framework.http
def aborted_with_response(request):
    abort(Response("please pay", 402, mimetype="text/plain"))


@functions_framework.http
def aborted_method(request):
    if request.method != "POST":
        return abort(405)
    return "posted"


@functions_framework.http
def generated(request):
    def lines():
        for number in range(5):
            yield f"line {number}\n"

    return lines(), {"Content-Type": "text/plain"}


@functions_framework.http
def streamed(request):
    @flask.stream_with_context
    def lines():
        for word in flask.request.args.getlist("word"):
            yield f"{word} in {flask.g.place}\n"

    flask.g.place = "context"
    return Response(lines(), mimetype="text/plain")


@functions_framework.http
def file(request):
    return flask.send_file(io.BytesIO(b"x" * 100), mimetype="image/png", download_name="x.png")


@functions_framework.http
def attachment(request):
    content = io.BytesIO(b"one,two\n")
    return flask.send_file(content, as_attachment=True, download_name="rows.csv")


@functions_framework.http
def etag(request):
    made = make_response("the same")
    made.set_etag("v1")
    return made.make_conditional(request)


@functions_framework.http
def nothing(request):
    return None


@functions_framework.http
def number(request):
    return 42


@functions_framework.http
def crash(request):
    raise RuntimeError("a secret of the function")


@functions_framework.http
def bad_status(request):
    return "odd", "not a status"


@functions_framework.http
def wsgi_application(request):
    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-Inner", "yes")])
        return [b"from ", b"within"]

    return application
