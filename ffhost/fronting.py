"""What both fronts do with a reply before they write it: one place for what every answer has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from ffhost import cors
from ffhost.context import Invocation
from ffhost.functions import Function
from ffhost.host import Service
from ffhost.messages import Reply

if TYPE_CHECKING:
    import falcon
    import falcon.asgi

Finish: TypeAlias = Callable[[Invocation, Reply], None]


def finisher(function: Function, service: Service) -> Finish:
    """Make what completes the replies of *function*: execution id, CORS, closing."""
    declared = function.settings.cors

    def finish(invocation: Invocation, reply: Reply) -> None:
        reply.headers.append(("function-execution-id", invocation.execution_id))
        if service.draining:
            reply.headers.append(("connection", "close"))

    def finish_cross_origin(invocation: Invocation, reply: Reply) -> None:
        finish(invocation, reply)
        if declared is not None:
            cors.permit(declared, invocation.message, reply)

    return finish if declared is None else finish_cross_origin


def write(resp: falcon.Response | falcon.asgi.Response, reply: Reply) -> None:
    """Put *reply* into Falcon's response, with every field line that it has."""
    resp.status = reply.status  # type: ignore[assignment]
    if reply.body:
        resp.data = reply.body
    headers = resp._headers
    for name, value in reply.headers:
        name = name.lower()
        if name in headers or name == "set-cookie":
            resp.append_header(name, value)
        else:
            headers[name] = value
