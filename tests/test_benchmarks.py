"""The benchmarks, as far as they lean on the inside of the server."""

from __future__ import annotations

import asyncio

from uvicorn import Config
from uvicorn.server import ServerState

from benchmarks import floors


def test_the_applications_for_comparison_run_on_the_connection_of_the_host() -> None:
    async def connect() -> floors.FloorConnection:
        config = Config(floors.bare_asgi, log_config=None)
        config.load()
        return floors.FloorConnection(config, ServerState(), {})

    assert isinstance(asyncio.run(connect()), floors.FloorConnection)
