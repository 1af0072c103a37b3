"""Background functions, without decorators."""

import base64


def hello_pubsub(event, context):
    """Prints the message, as in the tutorials of Pub/Sub."""
    print(f"This Function was triggered by messageId {context.event_id} at {context.timestamp}")
    name = base64.b64decode(event["data"]).decode("utf-8") if "data" in event else "World"
    print(f"Hello {name}!")


def hello_gcs(data, context):
    print(f"{context.event_type}: {data['name']} of {context.resource['name']}")
