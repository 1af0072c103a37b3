"""What both servers run, unmodified: nothing here belongs to either of them."""


def hello(request):
    return "hello"


def echo(request):
    return request.get_json()


def length(request):
    return str(len(request.get_data()))


def stream(request):
    return (b"x" * 1024 for _ in range(100))


def on_cloud_event(event):
    assert event["id"]
    assert event.data


def on_event(data, context):
    assert data
    assert context.event_id
