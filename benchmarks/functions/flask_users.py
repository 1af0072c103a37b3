"""What users of Flask's request do: arguments, ``g``, tuples, JSON."""

from flask import g


def arguments(request):
    return request.args.get("name", "nobody")


def with_g(request):
    g.name = "hello"
    return g.name


def a_tuple(request):
    return "made", 201, {"X-Made": "1"}


def echo(request):
    return request.get_json()
