"""Coroutine functions with Starlette's request."""

import asyncio

import functions_framework.aio
from starlette.responses import JSONResponse, StreamingResponse

seen = []


@functions_framework.aio.http
async def hello(request):
    await asyncio.sleep(0)
    if request.query_params.get("as") == "stream":

        async def parts():
            for part in ("a", "b"):
                yield part

        return StreamingResponse(parts(), media_type="text/plain")
    if request.method == "POST":
        return JSONResponse({"got": await request.json(), "path": request.url.path})
    return f"Hello, {request.query_params.get('name', 'World')}!"


@functions_framework.aio.cloud_event
async def on_event(event):
    seen.append(event.data)
