"""What functions with Flask's request mostly return, answered without a response of Flask.

The answers are those of Flask. What is anything but the plain case is left to Flask itself.
"""

from __future__ import annotations

from types import GeneratorType
from typing import TYPE_CHECKING, Any

import flask
from flask.json.provider import DefaultJSONProvider

from ffhost.signatures._werkzeug import wrapped_file
from ffhost.signatures.chunks import ByteChunks
from ffhost.signatures.flask_json import make_flask_json_encoder
from ffhost.signatures.foreign_responses import encode_wrapped_file
from ffhost.signatures.results import HOP_BY_HOP, HTML, JSON
from ffhost.web.messages import HeaderList, Reply
from ffhost.web.responses import checked_header_fields

if TYPE_CHECKING:
    from ffhost.signatures.requests.flask_request import FlaskFunctionApp

_Response = flask.Response
_CHANGED = HOP_BY_HOP | {"content-location", "location"}
"""Header fields of a response that Flask or the host changes."""
_FLASK_S = _CHANGED | {"content-length"}
"""Those that they change or add."""
_PROVIDER = (True, True, None, "application/json", DefaultJSONProvider.default)
_encode = make_flask_json_encoder(DefaultJSONProvider.default)


class QuickFlaskEncoder:
    """Makes a reply of what a function of *app* returned; None: Flask has to."""

    def __init__(self, app: FlaskFunctionApp) -> None:
        self._app = app

    def answer(self, result: Any) -> Reply | None:
        """Return the reply for *result*, or None."""
        if _Response.default_mimetype != "text/html":
            return None
        kind = result.__class__
        try:
            if kind is str:
                return Reply(200, [HTML], result.encode())
            if kind is tuple:
                return self._of_tuple(result)
            if kind is bytes:
                return Reply(200, [HTML], result)
            if (kind is dict or kind is list) and self._has_own_json():
                return Reply(200, [JSON], ("".join(_encode(result, 0)) + "\n").encode())
            if kind is GeneratorType:
                return Reply(200, [HTML], chunks=ByteChunks(result))
            if kind is flask.Response:
                return _of_file(result)
        except Exception:  # Flask says what is wrong with it
            return None
        return None

    def _of_tuple(self, result: tuple[Any, ...]) -> Reply | None:
        count = len(result)
        if count == 3:
            body, status, fields = result
        elif count == 2:
            body, status = result
            fields = {}
            if status.__class__ is dict:
                status, fields = 200, status
        else:
            return None
        if status.__class__ is not int or not 200 <= status < 600 or status in (204, 304):
            return None
        reply = None if body.__class__ in _AMENDED_BY_FLASK else self.answer(body)
        if reply is None:
            return None
        headers = _merged(reply.headers[0], fields)
        if headers is None:
            return None
        reply.status, reply.headers = status, headers
        return reply

    def _has_own_json(self) -> bool:
        """Whether nobody has changed how Flask writes JSON."""
        json: Any = self._app.json
        found = (json.sort_keys, json.ensure_ascii, json.compact, json.mimetype, json.default)
        return (
            type(json) is DefaultJSONProvider
            and found == _PROVIDER
            and not self._app.config.get("DEBUG")
        )


_AMENDED_BY_FLASK = (tuple, flask.Response)


def _of_file(response: flask.Response) -> Reply | None:
    """Return the reply for what ``send_file`` returned; None for every other response."""
    wrapped = wrapped_file(response.response)
    if wrapped is None or response.status_code not in (200, 206):
        return None
    headers = list(checked_header_fields(response.headers))
    if not _CHANGED.isdisjoint([name.lower() for name, _ in headers]):
        return None
    return encode_wrapped_file(response, wrapped, headers)


def _merged(content_type: tuple[str, str], given: Any) -> HeaderList | None:
    """Return the header fields of an answer; None if one of *given* is not plain."""
    if given.__class__ is not dict:
        return None
    fields = {"content-type": content_type}
    for name, value in given.items():
        if name.__class__ is not str or value.__class__ is not str:
            return None
        lower = name.lower()
        is_other = lower in fields and lower != "content-type"
        if is_other or lower in _FLASK_S or not _is_plain(lower, value):
            return None
        fields[lower] = (name, value)
    if len(given) != len(fields) - ("content-type" not in map(str.lower, given)):
        return None  # Content-Type twice
    return list(fields.values())


def _is_plain(lower: str, value: str) -> bool:
    return (
        lower.isascii()
        and lower.replace("-", "").isalnum()
        and value.isascii()
        and value.isprintable()
        and value == value.strip()
    )
