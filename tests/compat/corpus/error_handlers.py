"""Handlers for what functions raise."""

import flask
import functions_framework


class Refused(Exception):
    pass


class RefusedPolitely(Refused):
    pass


@functions_framework.errorhandler(ZeroDivisionError)
def divided_by_zero(error):
    return "I'm a teapot", 418


@functions_framework.errorhandler(Refused)
def refused(error):
    return flask.jsonify(refused=str(error), path=flask.request.path), 403


@functions_framework.errorhandler(404)
def not_found(error):
    return f"looked everywhere: {error.code}", 404


@functions_framework.errorhandler(KeyError)
def broken_handler(error):
    raise LookupError("the handler fails as well")


@functions_framework.http
def divide(request):
    return str(1 / int(request.args["by"]))


@functions_framework.http
def refuse(request):
    raise (RefusedPolitely if "politely" in request.args else Refused)("not today")


@functions_framework.http
def search(request):
    flask.abort(404)


@functions_framework.http
def unhandled(request):
    raise OSError("nobody handles this")


@functions_framework.http
def handled_badly(request):
    return {}["key"]


@functions_framework.cloud_event
def on_event(event):
    return 1 / 0
