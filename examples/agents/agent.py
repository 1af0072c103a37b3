"""A program that uses the tools, with the client of the official SDK (`pip install mcp`)."""

from __future__ import annotations

import asyncio
import sys

from mcp import Client


async def tell(progress: float, _total: float | None, message: str | None) -> None:
    print(f"  {progress:g}: {message}", end="")


async def main(url: str) -> None:
    async with Client(url) as client:
        for tool in (await client.list_tools()).tools:
            print(f"{tool.name}: {(tool.description or '').splitlines()[0]}")
        found = await client.call_tool("find", {"author": "Le Guin", "since": 1972})
        print(found.structured_content)
        await client.call_tool("read", {"title": "Kindred"}, progress_callback=tell)
        wrong = await client.call_tool("find", {"author": "Le Guin", "since": "soon"})
        print("refused:", wrong.content[0].text)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "http://localhost:8080/mcp"))
