"""What Flask offers around a request."""

import flask
import functions_framework
from flask import after_this_request, current_app, g, render_template, url_for


@functions_framework.http
def page(request):
    return render_template("page.html", name=request.args.get("name", "<nobody>"), items=[1, 2])


@functions_framework.http
def page_of_text(request):
    return flask.render_template_string("{{ word|upper }} {{ request.path }}", word="loud")


@functions_framework.http
def contexts(request):
    g.seen = [*g.get("seen", []), request.path]
    return {
        "seen": g.seen,
        "name": current_app.name,
        "debug": current_app.debug,
        "has_context": flask.has_request_context(),
        "templates": current_app.template_folder is not None,
    }


@functions_framework.http
def afterwards(request):
    @after_this_request
    def stamp(response):
        response.headers["X-Stamp"] = "late"
        return response

    return "stamped"


@functions_framework.http
def links(request):
    return url_for("run", path="some/where", q="1")


@functions_framework.http
def without_session(request):
    return str(flask.session.get("user", "nobody"))


@functions_framework.http
def cors(request):
    if request.method == "OPTIONS":
        allowed = {
            "Access-Control-Allow-Origin": "https://app.example.com",
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Content-Type",
            "Access-Control-Max-Age": "3600",
        }
        return "", 204, allowed
    return ("Hello from afar", 200, {"Access-Control-Allow-Origin": "https://app.example.com"})


@functions_framework.http
def by_method(request):
    if request.method == "GET":
        return "got"
    if request.method == "PUT":
        return flask.abort(403, description="nobody puts here")
    return flask.abort(405)


@functions_framework.http
def by_type(request):
    kind = request.headers["content-type"]
    if kind == "application/json":
        name = request.get_json().get("name")
    elif kind == "application/octet-stream":
        name = request.data.decode()
    elif kind == "application/x-www-form-urlencoded":
        name = request.form.get("name")
    else:
        raise ValueError(f"no idea what {kind} is")
    return f"Dear {name}"
