"""Coroutine functions with Starlette's request."""

import asyncio

import functions_framework.aio
from notes import note
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)


@functions_framework.aio.http
async def hello(request: Request):
    await asyncio.sleep(0)
    return "Hello, async world!"


@functions_framework.aio.http
def hello_sync(request):
    return f"sync {request.method}"


@functions_framework.aio.http
async def parts(request):
    return {
        "method": request.method,
        "path": request.url.path,
        "query": request.url.query,
        "one": request.query_params.get("one"),
        "many": request.query_params.getlist("many"),
        "own": request.headers.get("X-Own"),
        "cookie": request.cookies.get("flavour"),
        "path_params": request.path_params,
    }


@functions_framework.aio.http
async def echo_json(request):
    return {"got": await request.json()}


@functions_framework.aio.http
async def echo_json_carefully(request):
    try:
        return {"got": await request.json()}
    except ValueError:
        return {"got": "nonsense"}, 422


@functions_framework.aio.http
async def body_length(request):
    return str(len(await request.body()))


@functions_framework.aio.http
async def body_stream(request):
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
    return str(total)


@functions_framework.aio.http
async def with_status(request):
    return "made", 201


@functions_framework.aio.http
async def json_with_status(request):
    return {"made": True}, 201


@functions_framework.aio.http
async def html(request):
    return HTMLResponse("<b>bold</b>", headers={"X-Kind": "html"})


@functions_framework.aio.http
async def as_json(request):
    return JSONResponse({"é": 1}, status_code=203)


@functions_framework.aio.http
async def redirected(request):
    return RedirectResponse("/elsewhere")


@functions_framework.aio.http
async def cookie(request):
    response = PlainTextResponse("sweet")
    response.set_cookie("flavour", "lemon", httponly=True)
    return response


@functions_framework.aio.http
async def streamed(request):
    async def lines():
        for number in range(5):
            await asyncio.sleep(0)
            yield f"line {number}\n"

    return StreamingResponse(lines(), media_type="text/plain")


@functions_framework.aio.http
async def streamed_sync(request):
    return StreamingResponse(iter(["a", "b"]), media_type="text/event-stream")


@functions_framework.aio.http
async def background(request):
    async def later(word):
        await asyncio.sleep(0)
        note(later=word)

    return Response("now", background=BackgroundTask(later, "then"))


@functions_framework.aio.http
async def refused(request):
    raise HTTPException(403, detail="members only", headers={"X-Why": "closed"})


@functions_framework.aio.http
async def nothing(request):
    return None


@functions_framework.aio.http
async def rows(request):
    return [1, 2, 3]


@functions_framework.aio.http
async def raw(request):
    return b"bytes"


@functions_framework.aio.http
async def with_headers(request):
    return "three", 200, {"X-Three": "3"}


@functions_framework.aio.http
async def crash(request):
    raise RuntimeError("a secret of the function")
