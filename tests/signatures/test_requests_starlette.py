"""Starlette's request around http functions, beyond what the corpus shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ffhost.testing import Client

Serve = Callable[..., Client]

pytestmark = pytest.mark.usefixtures("no_main_is_left")
SINGLE = {"environ": {"FUNCTION_TARGET": "main"}}


def test_forms_and_uploads_are_read(serve: Serve) -> None:
    host = serve(
        """
        import functions_framework.aio

        @functions_framework.aio.http
        async def main(request):
            async with request.form() as form:
                upload = form["file"]
                return {"name": form["name"], "file": upload.filename,
                        "size": len(await upload.read())}
        """,
        **SINGLE,
    )
    body = (
        '--cut\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda\r\n'
        '--cut\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nabc\r\n'
        "--cut--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=cut"}
    answer = host.post("/", headers=headers, body=body)
    assert answer.body == b'{"name":"Ada","file":"a.txt","size":3}'


def test_a_bad_form_is_the_caller_s_fault(serve: Serve) -> None:
    host = serve(
        """
        import functions_framework.aio

        @functions_framework.aio.http
        async def main(request):
            return dict(await request.form())
        """,
        **SINGLE,
    )
    headers = {"Content-Type": "multipart/form-data"}
    assert host.post("/", headers=headers, body="x").status == 400


def test_the_client_does_not_seem_to_have_left(serve: Serve) -> None:
    host = serve(
        """
        import functions_framework.aio

        @functions_framework.aio.http
        async def main(request):
            body = await request.body()
            return {"left": await request.is_disconnected(), "length": len(body)}
        """,
        **SINGLE,
    )
    assert host.post("/", body="four").body == b'{"left":false,"length":4}'


def test_the_state_of_the_application_is_shared_by_the_calls(serve: Serve) -> None:
    host = serve(
        """
        import functions_framework.aio

        @functions_framework.aio.http
        async def main(request):
            state = request.app.state
            state.count = getattr(state, "count", 0) + 1
            return str(state.count)
        """,
        **SINGLE,
    )
    assert (host.get("/").body, host.get("/").body) == (b"1", b"2")


def test_what_aio_does_not_know_is_converted_as_everywhere(serve: Serve) -> None:
    host = serve(
        """
        import functions_framework.aio

        @functions_framework.aio.http
        async def main(request):
            async def words():
                yield "one "
                yield "two"
            return words()
        """,
        **SINGLE,
    )
    assert host.get("/").body == b"one two"


def test_a_plain_function_may_ask_for_it_by_annotation(serve: Serve) -> None:
    host = serve(
        """
        from starlette.requests import Request

        async def main(request: Request):
            return {"id": request.path_params["id"], "body": (await request.body()).decode()}
        """,
        """
        version: 1
        functions:
          main: {source: main.py, target: main, path: "/things/{id}"}
        """,
    )
    assert host.post("/things/7", body="b").body == b'{"id":"7","body":"b"}'
