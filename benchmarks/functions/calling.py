"""Functions that call another one by its name, many times, and say how long a call took."""

import time

import ffhost


def callee(request):
    return "hello"


async def callee_async(request):
    return "hello"


def plain(request):
    count = int(request.args.get("calls", 1))
    begun = time.perf_counter()
    for _ in range(count):
        assert ffhost.call_sync("callee").body == b"hello"
    return str((time.perf_counter() - begun) / count)


async def coroutine(request):
    count = int(request.args.get("calls", 1))
    begun = time.perf_counter()
    for _ in range(count):
        assert (await ffhost.call("callee_async")).body == b"hello"
    return str((time.perf_counter() - begun) / count)
