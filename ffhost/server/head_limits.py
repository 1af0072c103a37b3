"""Where one message ends and the next begins, and how large what is not a body may be.

httptools parses; these are the rules of RFC 9110 and RFC 9112 that it leaves to the server:

- An ``Upgrade`` that is not served is ignored (RFC 9110, section 7.8). llhttp stops after the
  head of such a request and takes what follows for another protocol, so the head is parsed
  again without the field, and the rest after it.
- Trailer fields never become header fields (RFC 9110, section 6.5.1).
- ``Host`` is there once, in HTTP/1.0 at most once, and is possible (RFC 9112, section 3.2).
- The only transfer coding is ``chunked``, and HTTP/1.0 has none (section 6.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

HEAD_LIMIT_BYTES = 256 * 1024
"""How much may arrive that is neither body nor the end of a head: heads, trailers, extensions.

Others take less for a head (nginx 32 KiB, node 16 KiB, tomcat 8 KiB); this is what one read of
uvloop brings, and above every head that a browser or a proxy sends.
"""
TARGET_LIMIT_BYTES = 65_535
"""The longest target of a request: httptools counts its parts in two bytes."""
FIELD_LIMIT = 1000
"""How many fields a head, or the trailers, may have; nginx and Apache take 100 to 1,000."""

SPECIAL_FIELDS = frozenset(
    {b"connection", b"expect", b"host", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)
"""Fields that the server itself has to look at."""

_HOST = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")


@lru_cache(16)  # nearly every request has the Host of the one before
def is_possible_host_in_request_head(value: bytes) -> bool:
    """Whether *value* can be a ``Host`` (RFC 9110, section 7.2): a name or address, and a port."""
    return _HOST.fullmatch(value) is not None


def head_without_upgrade(
    method: bytes, target: bytes, version: str, fields: Iterable[tuple[bytes, bytes]]
) -> bytes:
    """Return the head of a request as if it had not asked for another protocol.

    Args:
        method: such as ``POST``
        target: as it was received
        version: of HTTP, such as ``1.1``
        fields: names in lower case, with values
    """
    lines = [method, b" ", target, b" HTTP/", version.encode(), b"\r\n"]
    for name, value in fields:
        if name == b"upgrade":
            continue
        if name == b"connection":
            tokens = [token.strip() for token in value.split(b",")]
            value = b", ".join(token for token in tokens if token.lower() != b"upgrade")
        lines += [name, b": ", value, b"\r\n"]
    lines.append(b"\r\n")
    return b"".join(lines)
