"""Functions as they were written for functions-framework. Nothing in here was changed."""

import functions_framework
from flask import abort, jsonify


@functions_framework.http
def greet(request):
    """Greet whoever is named."""
    name = request.args.get("name")
    if name is None and request.is_json:
        name = request.get_json(silent=True).get("name")
    if not name:
        abort(400, "who is it?")
    return jsonify(greeting=f"Hello, {name}!")


@functions_framework.cloud_event
def uploaded(cloud_event):
    """Take note of an object in a bucket."""
    data = cloud_event.data
    print(f"{cloud_event['type']}: {data['bucket']}/{data['name']}")


def published(data, context):
    """Take note of a message, as a background function does."""
    print(f"{context.event_id}: {sorted(data)}")
