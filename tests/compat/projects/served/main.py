"""A function that is tried through a real server."""

import os

import functions_framework

PREFIX = os.environ.get("PREFIX", "Hello")


@functions_framework.http
def hello(request):
    name = request.args.get("name") or (request.get_json(silent=True) or {}).get("name", "World")
    return f"{PREFIX} {name}! ({os.environ['FUNCTION_TARGET']}, {__name__})"


def on_event(event, context):
    if event != {"a": 1}:
        raise ValueError(event)
