import base64
from unittest import mock

import main
from google.cloud.functions.context import Context

context = mock.Mock()
context.event_id = "617187464135194"
context.timestamp = "2019-07-15T22:09:03.761Z"
context.resource = {"name": "projects/my-project/topics/my-topic"}


def test_a_message_without_data(capsys):
    main.hello_pubsub({}, context)
    assert "Hello World!\n" in capsys.readouterr().out


def test_a_message_with_data(capsys):
    main.hello_pubsub({"data": base64.b64encode(b"test")}, context)
    out, _ = capsys.readouterr()
    assert "Hello test!\n" in out
    assert context.event_id in out


def test_a_context_of_its_own_class(capsys):
    own = Context(eventId="7", eventType="t", resource={"name": "r"})
    main.hello_gcs({"name": "a.txt"}, own)
    assert capsys.readouterr().out == "t: a.txt of r\n"
