"""An HTTP function as in the tutorials, with an error handler and a template of Flask."""

import functions_framework
from flask import abort, g, jsonify, url_for
from flask import request as current_request
from markupsafe import escape


@functions_framework.errorhandler(ZeroDivisionError)
def divided_by_zero(error):
    return "I'm a teapot", 418


@functions_framework.http
def hello(request):
    request_json = request.get_json(silent=True)
    if request_json and "name" in request_json:
        name = request_json["name"]
    else:
        name = request.args.get("name", "World")
    if name == "nobody":
        abort(404, description="nobody is here")
    if name == "zero":
        return str(1 / 0)
    if name == "broken":
        raise RuntimeError("broken")
    if name == "context":
        g.seen = current_request.path
        return jsonify(seen=g.seen, url=url_for("run", path="below"), method=request.method)
    return f"Hello, {escape(name)}!"
