"""What is measured: pairs of servers, what they are asked, and what is to be reached."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.load import Request
from benchmarks.servers import (
    FUNCTIONS,
    Place,
    Side,
    ffhost,
    free_port,
    functions_framework,
    granian,
    gunicorn,
    single_target,
)

MAIN = f"{FUNCTIONS}/main.py"
JSON = {"Content-Type": "application/json"}
DATA = {"message": {"data": "aGVsbG8=", "attributes": {"a": "b"}}}
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "//pubsub.googleapis.com/projects/p/topics/t",
    "type": "google.cloud.pubsub.topic.v1.messagePublished",
}
BINARY = Request(
    json.dumps(DATA), {**JSON, **{f"ce-{name}": value for name, value in EVENT.items()}}
)
STRUCTURED = Request(
    json.dumps({**EVENT, "datacontenttype": "application/json", "data": DATA}),
    {"Content-Type": "application/cloudevents+json"},
)
BACKGROUND = Request(
    json.dumps(
        {
            "context": {
                "eventId": "1",
                "timestamp": "2024-01-01T00:00:00Z",
                "eventType": "google.storage.object.finalize",
                "resource": {"service": "storage.googleapis.com", "name": "a", "type": "b"},
            },
            "data": {"bucket": "b", "name": "n"},
        }
    ),
    JSON,
)
ORDER = Request(json.dumps({"item": "tea", "quantity": 2}), JSON)
ITEMS = Request(json.dumps({"items": [{"n": n, "name": f"item {n}"} for n in range(10)]}), JSON)


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Args:
        name: on the command line
        title: in the table
        ours: what is measured
        theirs: what it is compared with
        target: the least that the ratio is to be, or the most if *less_is_better*
        aim: what would be good
        measure: ``throughput`` in requests a second, ``start`` for seconds to the first 200;
            ``processor``, ``p50`` and ``p99`` of a call at a fixed rate, ``idle`` of a second;
            ``burden`` for the processor time of a call under load
    """

    name: str
    title: str
    ours: Side
    theirs: Side
    request: Request = field(default_factory=Request)
    target: float | None = None
    aim: float | None = None
    measure: str = "throughput"

    @property
    def less_is_better(self) -> bool:
        """Whether a smaller ratio is better."""
        return self.measure != "throughput"


def function(attribute: str, source: str = "main.py", **settings: Any) -> dict[str, Any]:
    """Write one function of ours, mounted at /hello."""
    return {"hello": {"target": f"{FUNCTIONS}/{source}:{attribute}", "path": "/hello", **settings}}


HELLO = ffhost(function("hello"))
ASYNC = ffhost(function("hello", "asynchronous.py"))
SYNC_THEIRS = functions_framework("hello")
ASYNC_THEIRS = functions_framework("hello", "asynchronous.py", asgi=True)


def cases() -> Iterator[Case]:
    """Give every pair, in the order of the table."""
    yield from _against_functions_framework()
    yield from _single_targets()
    yield from _bodies()
    yield from _at_a_fixed_rate()
    yield from _files()
    yield from _on_wsgi()
    yield from _against_the_floor()
    yield from _mounted()
    yield from _switches()
    yield from _starts()


def _against_functions_framework() -> Iterator[Case]:
    defaults = ffhost(function("hello"), label="ffhost serve, defaults", logging={}, metrics={})
    yield Case("sync-hello", "sync hello", HELLO, SYNC_THEIRS, target=12)
    yield Case("sync-defaults", "sync hello, default logging", defaults, SYNC_THEIRS)
    single = single_target("hello", "main.py")
    yield Case("sync-single", "sync hello, started with --target", single, SYNC_THEIRS, target=8)
    yield Case("async-hello", "async hello", ASYNC, ASYNC_THEIRS, target=5)
    defaults = ffhost(
        function("hello", "asynchronous.py"),
        label="ffhost serve, defaults",
        logging={},
        metrics={},
    )
    yield Case("async-defaults", "async hello, default logging", defaults, ASYNC_THEIRS)
    yield _signature("json", "JSON echo", "echo", request=ITEMS)
    for name, request in (("binary", BINARY), ("structured", STRUCTURED)):
        yield _signature(
            f"cloudevent-{name}",
            f"cloudevent, {name}",
            "on_cloud_event",
            "cloudevent",
            request=request,
            target=9,
        )
    yield _signature("event", "event", "on_event", "event", request=BACKGROUND, target=9)
    for name, source in (("from-dict", "typed.py"), ("pydantic", "typed_model.py")):
        yield _signature(
            f"typed-{name}",
            f"typed, {name.replace('-', '_')}",
            "order",
            "typed",
            source,
            request=ORDER,
            target=9,
        )
    isolated = ffhost(
        function("hello", isolation="process", processes=2), label="ffhost, isolation: process"
    )
    yield Case("process", "sync hello in processes", isolated, SYNC_THEIRS, target=5)


def _signature(
    name: str,
    title: str,
    attribute: str,
    signature: str = "http",
    source: str = "main.py",
    **case: Any,
) -> Case:
    ours = ffhost(function(attribute, source, signature=signature))
    theirs = functions_framework(attribute, source, signature)
    return Case(name, title, ours, theirs, **case)


def _bodies() -> Iterator[Case]:
    for name, repeat, connections in (("1KiB", 1, 16), ("100KiB", 100, 16), ("10MiB", 10240, 4)):
        request = Request("x" * 1024, {"Content-Type": "text/plain"}, repeat, connections)
        target = 1.5 if name == "10MiB" else None
        yield _signature(
            f"body-{name}", f"body of {name}", "length", request=request, target=target
        )
        if target is not None:
            yield Case(
                "single-upload",
                f"body of {name}, started with --target",
                single_target("length", "main.py"),
                functions_framework("length"),
                request,
                target,
            )
    yield _signature("stream", "stream of 100 chunks of 1 KiB", "stream", target=4)
    yield Case(
        "single-stream",
        "the same stream, started with --target",
        single_target("stream", "main.py"),
        functions_framework("stream"),
        target=4,
    )
    many = {f"X-Field-{n}": f"value {n}" for n in range(20)}
    yield Case("fields", "sync hello with 20 header fields", HELLO, SYNC_THEIRS, Request("", many))
    closing = Request("", {"Connection": "close"})
    yield Case("close", "sync hello, Connection: close", HELLO, SYNC_THEIRS, closing)


def _single_targets() -> Iterator[Case]:
    """Functions with Flask's request, as everybody has them who moves."""
    source = "flask_users.py"
    for name, title, attribute, path, request in (
        ("args", "arguments", "arguments", "/?name=a", Request()),
        ("json", "JSON echo", "echo", "/", ITEMS),
        ("g", "flask.g", "with_g", "/", Request()),
        ("tuple", "a tuple", "a_tuple", "/", Request()),
    ):
        yield Case(
            f"single-{name}",
            f"{title}, started with --target",
            single_target(attribute, source, path=path),
            functions_framework(attribute, source, path=path),
            request,
            target=5,
        )


def _at_a_fixed_rate() -> Iterator[Case]:
    for name, title, ours, theirs, target in (
        ("sync", "sync hello", HELLO, SYNC_THEIRS, 0.2),
        ("async", "async hello", ASYNC, ASYNC_THEIRS, None),
    ):
        for measure, what in (("processor", "processor time"), ("p50", "p50"), ("p99", "p99")):
            yield Case(
                f"rate-{name}-{measure}",
                f"{what} of a call at 500/s, {title}",
                ours,
                theirs,
                target=target if measure == "processor" else None,
                measure=measure,
            )
    yield Case(
        "idle", "processor time of an idle second", HELLO, SYNC_THEIRS, target=1, measure="idle"
    )


def _files() -> Iterator[Case]:
    for size, title, connections, target in (
        ("small", "100 KiB", 16, 1.5),
        ("large", "10 MiB", 4, 1.3),
    ):
        request = Request(connections=connections, large=size == "large")
        theirs = functions_framework(f"send_{size}", "files.py")
        for name, title_of, ours in (
            ("flask", "flask.send_file", ffhost(function(f"send_{size}", "files.py"))),
            (
                "native",
                "an open file, against send_file",
                ffhost(function(f"open_{size}", "files.py", request="ffhost")),
            ),
        ):
            yield Case(
                f"file-{name}-{size}",
                f"{title_of} of {title}",
                ours,
                theirs,
                request=request,
                target=target,
            )
            if request.large:
                yield Case(
                    f"file-{name}-processor",
                    f"{title_of} of {title}, processor time",
                    ours,
                    theirs,
                    request=request,
                    measure="burden",
                )
        yield Case(
            f"file-starlette-{size}",
            f"FileResponse of {title}",
            ffhost(function(f"send_{size}", "starlette_files.py")),
            functions_framework(f"send_{size}", "starlette_files.py", asgi=True),
            request=request,
            target=target,
        )


def _on_wsgi() -> Iterator[Case]:
    front = ffhost(function("hello"), label="gunicorn ffhost.wsgi:app, gthread", wsgi_server=True)
    yield Case("wsgi-front", "sync hello, gthread", front, SYNC_THEIRS, target=1.1)


def _floor(app: str, path: str, label: str, worker: str) -> Side:
    def command(place: Place) -> list[str]:
        return gunicorn(f"benchmarks.floors:{app}", worker, place)

    return Side(label, command, {"PYTHONPATH": str(FUNCTIONS.parent.parent)}, path)


def _against_the_floor() -> Iterator[Case]:
    ours = "benchmarks.floors.FloorWorker"
    stock = "uvicorn_worker.UvicornWorker"
    yield Case(
        "floor-sync",
        "share of bare Falcon, same threads and server",
        HELLO,
        _floor("bare_falcon", "/hello", "Falcon ASGI and our threads", ours),
        target=0.95,
    )
    yield Case(
        "floor-async",
        "share of bare Falcon, async, same server",
        ASYNC,
        _floor("bare_falcon", "/async", "Falcon ASGI", ours),
        target=0.95,
    )
    yield Case(
        "floor-asgi",
        "share of a bare ASGI callable, async, same server",
        ASYNC,
        _floor("bare_asgi", "/", "an ASGI callable", ours),
    )
    yield Case(
        "floor-uvicorn",
        "against bare Falcon on uvicorn's own worker, async",
        ASYNC,
        _floor("bare_falcon", "/async", "Falcon ASGI, uvicorn's worker", stock),
    )
    yield Case(
        "orientation-uvicorn",
        "against a bare ASGI callable on uvicorn's own worker, async",
        ASYNC,
        _floor("bare_asgi", "/", "an ASGI callable, uvicorn's worker", stock),
    )
    yield Case(
        "orientation-granian",
        "against a bare ASGI callable on granian, async",
        ASYNC,
        granian("bare_asgi:app"),
    )


def _mounted() -> Iterator[Case]:
    for count in (1_000, 10_000):
        many = {f"f{n}": {"target": f"{MAIN}:hello"} for n in range(count)}
        yield Case(
            f"mounted-{count}",
            f"{count:,} functions against 1",
            ffhost(many, f"/f{count // 2}", label=f"{count:,} functions"),
            HELLO,
            target=0.97 if count == 10_000 else None,
        )


def _switches() -> Iterator[Case]:
    # On the async hello, the cheapest call there is: what is switched on weighs most there.
    coroutine = function("hello", "asynchronous.py")

    def switch(
        name: str,
        title: str,
        target: float | None = None,
        beside: tuple[str, ...] = (),
        **sections: Any,
    ) -> Case:
        on = ffhost(coroutine, label="on", beside=beside, **sections)
        return Case(name, f"{title}, on against off", on, ASYNC, target=target)

    yield switch("summaries", "summary entries to a file", 0.85, logging={"invocations": True})
    yield switch(
        "metrics", "metrics", 0.95, admin={"enabled": True, "port": 0}, metrics={"enabled": True}
    )
    yield switch("prints", "capture_print", logging={"invocations": False, "capture_print": True})
    port = free_port()
    otel = {"endpoint": f"http://127.0.0.1:{port}", "sampling": 0.1}
    for name, title, hook, target in (
        (
            "nothing",
            "a trace hook that does nothing",
            {"target": f"{FUNCTIONS}/hooks.py:nothing"},
            None,
        ),
        ("log", "trace hook log", {}, None),
        ("otel", "trace hook otel, a tenth sampled and exported", {"options": otel}, 0.75),
        ("profile", "trace hook profile, not asked for", {"options": {"token": "a-token"}}, None),
    ):
        yield switch(
            f"hook-{name}",
            title,
            target,
            beside=("-m", "benchmarks.collector", str(port)) if name == "otel" else (),
            tracing={"enabled": True, "hooks": {name: hook}},
        )


def _starts() -> Iterator[Case]:
    for name, title, ours in (
        ("start", "start to first 200", ffhost(function("hello"), as_user=True)),
        (
            "start-single",
            "start with --target to first 200",
            single_target("hello", "main.py", as_user=True),
        ),
    ):
        yield Case(name, title, ours, SYNC_THEIRS, target=1.3, measure="start")
