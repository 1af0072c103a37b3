"""Coroutine functions that both servers run."""


async def hello(request):
    return "hello"
