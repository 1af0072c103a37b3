"""The least that an ASGI application can do, for servers that stand for orientation."""

HEADERS = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"5")]


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("there is no lifespan")
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"hello"})
