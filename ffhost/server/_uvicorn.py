"""uvicorn's inside, as our connections and workers use it; checked at import.

uvicorn documents its settings and its command line. Its protocol and its server are not for
others to build on, and everything named here may change in any version.
"""

from __future__ import annotations

import sys

from ffhost._lazy import postpone_import
from ffhost._library import InstalledLibrary

postpone_import("uvicorn")  # it would import its command line and its supervisors
uvicorn = InstalledLibrary("uvicorn", tested="0.54.0")
with uvicorn.imports():
    from uvicorn.config import Config
    from uvicorn.protocols.http import httptools_impl
    from uvicorn.server import Server as Server
    from uvicorn.server import ServerState
vars(sys.modules["uvicorn"])["Config"] = Config  # `uvicorn.lifespan.on` looks for it there
worker = InstalledLibrary("uvicorn-worker", tested="0.4.0")
with worker.imports():
    import uvicorn_worker

uvicorn.require(
    httptools_impl,
    {
        "HttpToolsProtocol": "read requests",
        "HEADER_RE": "find names of header fields that cannot be sent",
        "HEADER_VALUE_RE": "find values of header fields that cannot be sent",
        "STATUS_LINE": "write the first line of an answer",
    },
)
HEADER_RE = httptools_impl.HEADER_RE
HEADER_VALUE_RE = httptools_impl.HEADER_VALUE_RE
STATUS_LINE = httptools_impl.STATUS_LINE
HttpToolsProtocol = httptools_impl.HttpToolsProtocol

uvicorn.require(
    HttpToolsProtocol,
    {
        # What `server.connection.ServerConnection` extends or replaces
        "connection_made": "note the context that requests begin with",
        "data_received": "bound the size of a head",
        "on_url": "collect the target of a request",
        "on_message_begin": "forget what was known of the request before",
        "on_header": "check Host and Upgrade",
        "on_headers_complete": "call the application",
        "on_body": "collect the body without copying it",
        "on_message_complete": "note the end of a body",
        "connection_lost": "stop the clocks of a connection",
        "pause_writing": "bound how long a client takes nothing",
        "resume_writing": "bound how long a client takes nothing",
        # What it reads and assigns
        "app": "call the application",
        "cycle": "tell whose turn it is, the client's or ours",
        "expect_100_continue": "ask the client for its body",
        "app_state": "hand it to each request",
        "client": "tell an application who asks",
        "connections": "forget a connection that is lost",
        "flow": "let a client wait",
        "headers": "bound the number of fields",
        "loop": "make the task of a request",
        "parser": "feed what has arrived",
        "pipeline": "keep requests that came before their turn",
        "scheme": "tell an application how it is asked",
        "server": "tell an application where it is asked",
        "server_state": "find all connections and tasks",
        "tasks": "keep the task of a request",
        "transport": "write and close",
        "url": "bound the size of a target",
    },
)
uvicorn.require(
    ServerState,
    {
        "connections": "find the connections that are idle or late",
        "default_headers": "write the date once a second",
        "tasks": "cancel what is left at the end",
        "total_requests": "replace a worker after so many requests",
    },
)
uvicorn.require(
    Server,
    {"config": "make connections", "serve": "listen when ready", "server_state": "count requests"},
)
uvicorn.require(
    Config,
    {
        "app": "set the application after the workers have loaded it",
        "backlog": "listen",
        "encoded_headers": "write the fields that all answers have",
        "headers": "close every connection if keepalive is off",
        "load": "prepare what connections need",
        "loaded": "load once",
        "loaded_app": "run start-up and shut-down",
    },
)
worker.require(uvicorn_worker, {"UvicornWorker": "serve under gunicorn"})
UvicornWorker = uvicorn_worker.UvicornWorker
worker.require(
    UvicornWorker,
    {
        "CONFIG_KWARGS": "put our connection in the place of uvicorn's",
        "config": "make connections",
        "init_signals": "take the signals in our way",
        "run": "serve in our way",
    },
)
