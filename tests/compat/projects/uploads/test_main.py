import json

import functions_framework
import main
import pytest
from cloudevents.conversion import to_binary, to_dict, to_structured
from cloudevents.exceptions import MissingRequiredFields
from cloudevents.http import CloudEvent, from_http

ATTRIBUTES = {
    "id": "5e9f24a",
    "type": "google.cloud.storage.object.v1.finalized",
    "source": "sourceUrlHere",
    "subject": "objects/folder/a.txt",
}
DATA = {"bucket": "my-bucket", "name": "folder/a.txt"}


@pytest.fixture
def client():
    return functions_framework.create_app("on_upload", main.__file__).test_client()


def test_an_event_is_printed(capsys):
    main.on_upload(CloudEvent(ATTRIBUTES, DATA))
    out, _ = capsys.readouterr()
    assert "Event 5e9f24a: my-bucket/folder/a.txt" in out


def test_a_plain_function_keeps_the_very_event():
    event = CloudEvent(ATTRIBUTES, DATA)
    main.on_any(event)
    assert main.seen[-1] is event


@pytest.mark.parametrize("write", [to_binary, to_structured])
def test_an_event_comes_by_http(client, capsys, write):
    headers, body = write(CloudEvent(ATTRIBUTES, DATA))
    answer = client.post("/", headers=headers, data=body)
    assert (answer.status_code, answer.text) == (200, "OK")
    assert "Event 5e9f24a: my-bucket/folder/a.txt" in capsys.readouterr().out


def test_what_was_written_is_read_again():
    event = CloudEvent(ATTRIBUTES, DATA)
    headers, body = to_binary(event)
    again = from_http(headers, body)
    assert to_dict(again)["data"] == DATA
    assert again == event


def test_a_request_that_is_no_event_is_refused(client):
    assert client.post("/", json={"a": 1}).status_code == 400
    assert client.get("/").status_code == 405
    with pytest.raises(MissingRequiredFields):
        from_http({}, json.dumps({"a": 1}))


def test_a_background_event_is_converted(client, capsys):
    context = {
        "eventId": "legacy",
        "timestamp": "2020-09-29T11:32:00.000Z",
        "eventType": "google.storage.object.finalize",
        "resource": {
            "service": "storage.googleapis.com",
            "name": "projects/_/buckets/my-bucket/objects/b.txt",
        },
    }
    sent = {"context": context, "data": {"bucket": "my-bucket", "name": "b.txt"}}
    assert client.post("/", json=sent).status_code == 200
    assert "Event legacy: my-bucket/b.txt" in capsys.readouterr().out
