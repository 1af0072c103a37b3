"""Functions without a decorator: the environment says what they are."""

import flask
from notes import note


def plain(request):
    return f"{request.method} {request.path}"


def with_flask_names(request):
    return flask.jsonify(args=request.args.to_dict())


def on_event(event):
    note(id=event["id"], type=event["type"], data=event.data)


def on_background(data, context):
    note(data=data, id=context.event_id, type=context.event_type)
