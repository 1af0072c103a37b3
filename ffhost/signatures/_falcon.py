"""Falcon's inside, as signatures and fronts use it; checked at import.

A response of Falcon's has its header fields in three private places: `_headers`, by name;
`_extra_headers`, lines that repeat a name; and its cookies. There is no public way to read all
three, nor to write a repeated line but for ``Set-Cookie``. Its body is in `_data`; the property
in front of it is a call more for each reply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ffhost._library import InstalledLibrary
from ffhost.web.messages import Reply

library = InstalledLibrary("falcon", tested="4.4.0")
with library.imports():
    import falcon
    from falcon import app_helpers

if TYPE_CHECKING:
    from falcon.asgi import Response as AsyncResponse

library.require(
    falcon.Response,
    {
        "_data": "write the body of a reply",
        "_headers": "write the header fields of a reply",
        "_extra_headers": "write header fields that are repeated",
        "_wsgi_headers": "read all header fields of a response, its cookies too",
    },
)
library.require(falcon.App, {"_response_type": "write replies into a response of its own"})
library.require(app_helpers, {"default_serialize_error": "answer an HTTPError as Falcon does"})
serialize_error = app_helpers.default_serialize_error


def write_falcon_reply(resp: falcon.Response | AsyncResponse, reply: Reply) -> None:
    """Write *reply* into Falcon's response, with all of its header lines."""
    resp.status = reply.status
    if reply.body:
        resp._data = reply.body
    headers = resp._headers
    for name, value in reply.headers:
        name = name.lower()
        if name in headers:
            # Falcon joins repeated lines with a comma, which is wrong for some fields.
            if resp._extra_headers is None:
                resp._extra_headers = []
            resp._extra_headers.append((name, value))
        else:
            headers[name] = value


def rewrite_falcon_reply(resp: falcon.Response | AsyncResponse, reply: Reply) -> None:
    """Write *reply* in the place of all that was written into Falcon's response before."""
    resp._headers.clear()
    resp._extra_headers = None
    resp.text = resp.data = resp.stream = None
    write_falcon_reply(resp, reply)


def falcon_header_fields(resp: falcon.Response, media_type: str | None) -> list[tuple[str, str]]:
    """Return the header fields of *resp*, its cookies too; *media_type* if it has none."""
    return resp._wsgi_headers(media_type)
