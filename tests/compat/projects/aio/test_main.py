import asyncio

import main
from cloudevents.http import CloudEvent
from starlette.requests import Request


def test_a_coroutine_function_is_awaited_by_the_test():
    scope = {"type": "http", "method": "GET", "query_string": b"name=Ada", "headers": []}
    assert asyncio.run(main.hello(Request(scope))) == "Hello, Ada!"


def test_an_event_is_handed_over_by_the_test():
    asyncio.run(main.on_event(CloudEvent({"type": "t", "source": "s"}, {"b": 2})))
    assert main.seen[-1] == {"b": 2}
