"""Bodies of the admin listener: what the console sends, and its stream of events."""

from __future__ import annotations

from typing import Any

from ffhost.fronts.agent_streams import AsgiAgentStream
from ffhost.fronts.asgi_body import AsgiClientGone, asgi_body_too_large
from ffhost.fronts.asgi_request import AsgiScopeMessage, Receive, Send
from ffhost.web.messages import Reply

LIMIT = 8 * 1024 * 1024
"""The largest body, in bytes: a call to try, with a body of its own in it."""


async def read_admin_body(message: AsgiScopeMessage, receive: Receive) -> None:
    """Read the body of *message*.

    Raises:
        ContentTooLarge: it is longer than the console takes
        AsgiClientGone: the client left before its end
    """
    body = bytearray()
    more = True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise AsgiClientGone("the client left while it sent the request")
        body += event.get("body", b"")
        if len(body) > LIMIT:
            raise asgi_body_too_large(LIMIT)
        more = event.get("more_body", False)
    message.body = bytes(body)


async def send_admin_stream(send: Send, receive: Receive, reply: Reply) -> None:
    """Send *reply* and its chunks, until they end or the client leaves."""
    headers: Any = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    stream = AsgiAgentStream(reply.chunks, receive)
    try:
        async for chunk in stream:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        await stream.close()
