import main
from cloudevents.conversion import to_binary, to_dict
from cloudevents.http import CloudEvent, from_http

ATTRIBUTES = {
    "id": "5e9f24a",
    "type": "google.cloud.storage.object.v1.finalized",
    "source": "sourceUrlHere",
    "subject": "objects/folder/a.txt",
}
DATA = {"bucket": "my-bucket", "name": "folder/a.txt"}


def test_an_event_is_printed(capsys):
    main.on_upload(CloudEvent(ATTRIBUTES, DATA))
    out, _ = capsys.readouterr()
    assert "Event 5e9f24a: my-bucket/folder/a.txt" in out


def test_a_plain_function_keeps_the_very_event():
    event = CloudEvent(ATTRIBUTES, DATA)
    main.on_any(event)
    assert main.seen[-1] is event


def test_what_was_written_is_read_again():
    event = CloudEvent(ATTRIBUTES, DATA)
    headers, body = to_binary(event)
    again = from_http(headers, body)
    assert to_dict(again)["data"] == DATA
    assert again == event
