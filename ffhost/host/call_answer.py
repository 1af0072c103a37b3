"""What a function that was called by name answered."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ffhost.errors import CallError
from ffhost.web.messages import Reply


@dataclass(frozen=True)
class CallAnswer:
    """The answer of a function to a call by name, whole and in memory.

    Args:
        status: as over HTTP: 2xx, 4xx for what the caller did wrong, 429 for no free slot, 504
            past the deadline, 500 for a crash
        headers: names in lower case
        body: the whole body

    Example:
        >>> answer = CallAnswer(200, {"content-type": "application/json"}, b'{"width": 80}')
        >>> answer.raise_for_status().json()
        {'width': 80}

    Since 0.2.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of_reply(cls, reply: Reply) -> CallAnswer:
        """Return the answer that *reply* is, whose body is in memory; without the constructor."""
        answer = object.__new__(cls)
        fields, headers = answer.__dict__, {}
        for key, value in reply.headers:  # a comprehension is a call, too
            headers[key.lower()] = value
        fields["status"], fields["headers"], fields["body"] = reply.status, headers, reply.body
        return answer

    @property
    def text(self) -> str:
        """Return the body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Return the value of the body.

        Raises:
            ValueError: it is not JSON
        """
        return jsonlib.loads(self.body)

    def raise_for_status(self) -> CallAnswer:
        """Return the answer itself if its status is below 400.

        Raises:
            CallError: it is not; the error has the answer
        """
        if self.status < 400:
            return self
        detail = ""
        if "json" in self.headers.get("content-type", ""):
            try:
                value = self.json()
            except ValueError:
                value = None
            detail = str(value.get("detail") or "") if isinstance(value, dict) else ""
        raise CallError(f"the function answered {self.status}{detail and ': '}{detail}", self)
