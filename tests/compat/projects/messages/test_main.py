import base64
from unittest import mock

import functions_framework
import main
import pytest
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


@pytest.fixture
def client():
    return functions_framework.create_app("hello_pubsub", main.__file__, "event").test_client()


def test_a_background_event_comes_by_http(client, capsys):
    sent = {
        "context": {
            "eventId": "1",
            "timestamp": "2020-01-01T00:00:00Z",
            "eventType": "t",
            "resource": "r",
        },
        "data": {"data": base64.b64encode(b"Ada").decode()},
    }
    answer = client.post("/", json=sent)
    assert (answer.status_code, answer.text) == (200, "OK")
    out = capsys.readouterr().out
    assert "Hello Ada!" in out
    assert "messageId 1 at 2020-01-01T00:00:00Z" in out


def test_a_push_message_comes_by_http(client, capsys):
    message = {
        "data": base64.b64encode(b"Lin").decode(),
        "messageId": "2",
        "publishTime": "2020-01-01T00:00:00Z",
    }
    sent = {"subscription": "projects/p/subscriptions/s", "message": message}
    assert client.post("/projects/p/topics/t", json=sent).status_code == 200
    assert "Hello Lin!" in capsys.readouterr().out


def test_a_probe_gets_an_empty_answer(client):
    answer = client.get("/")
    assert (answer.status_code, answer.text) == (200, "")
