"""Two servers side by side: ours, and gunicorn's own parser over ``ffhost.wsgi:app``.

Both get the same bytes. They must agree on how many answers there are and on what the functions
have seen: whoever reads a message in another way than the server before it can be used to
smuggle requests (RFC 9112, section 11.2).
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextlib import suppress
from typing import NamedTuple

from tests.fuzz.explained import why
from tests.fuzz.nearly_http import LAST, message, packets

SOURCE = """
def seen(request):
    body = request.get_data()
    return "seen", 200, {"X-Seen": f"{request.method} {body.hex()}"}
"""
SETS = ("server.read_timeout=300ms", "logging.invocations=false")

_AT_ONCE = 24
_QUIET_SECONDS = 1.5
"""After how long without a byte gthread is taken to wait for more; it bounds no head."""
_TRIES = 3
"""How often two that disagree are asked, because one of them may have been slow."""

Address = tuple[str, int]


class Disagreement(NamedTuple):
    """A message that the two have read in different ways, and no rule says why."""

    number: int
    sent: bytes
    ours: list[str]
    theirs: list[str]

    def __str__(self) -> str:
        return f"{self.number}: {self.sent!r}\n  ours:   {self.ours}\n  theirs: {self.theirs}"


class Result(NamedTuple):
    """What came of it: how many agreed, how often each rule held, and what is left."""

    agreed: int
    explained: dict[str, int]
    disagreements: list[Disagreement]

    def with_more(self, other: Result) -> Result:
        """Return both together."""
        explained = dict(Counter(self.explained) + Counter(other.explained))
        left = self.disagreements + other.disagreements
        return Result(self.agreed + other.agreed, explained, left)


async def compare(ours: Address, theirs: Address, numbers: range) -> Result:
    """Send the messages of *numbers* to both."""
    explained: dict[str, int] = {}
    left: list[Disagreement] = []
    agreed = 0
    waiting = iter(numbers)

    async def work() -> None:
        nonlocal agreed
        for number in waiting:
            sent = message(number) + LAST
            found, other = await _asked_of_both(ours, theirs, number, sent)
            if found == other:
                agreed += 1
            elif (rule := why(sent, found, other)) is not None:
                explained[rule] = explained.get(rule, 0) + 1
            else:
                left.append(Disagreement(number, sent, found, other))

    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    return Result(agreed, explained, sorted(left))


async def _asked_of_both(
    ours: Address, theirs: Address, number: int, sent: bytes
) -> tuple[list[str], list[str]]:
    pieces = packets(number, sent)
    for place in range(_TRIES):
        quiet = _QUIET_SECONDS * (1 + place)
        found, other = await asyncio.gather(_ask(ours, pieces, quiet), _ask(theirs, pieces, quiet))
        if found == other or why(sent, found, other) is not None:
            break
        # What arrives after a connection was closed resets it, and the answer may be lost.
        pieces = [sent]
    return found, other


async def _ask(address: Address, pieces: list[bytes], quiet: float) -> list[str]:
    reader, writer = await asyncio.open_connection(*address)
    data = b""
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.002 if len(pieces) > 1 else 0)
        while chunk := await asyncio.wait_for(reader.read(65536), quiet):
            data += chunk
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return answers(data)


def answers(data: bytes) -> list[str]:
    """Return each answer in *data*: what its function has seen, or ``refused``."""
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        status = head.split(b" ")[1] if b" " in head else b""
        if status == b"100":
            continue
        length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
        if length and not data.startswith(b"HTTP/1."):  # the answer to HEAD has no body
            data = data[int(length[1]) :]
        seen = re.search(rb"(?i)\nx-seen: *([^\r]*)", head)
        if seen is not None:
            found.append(seen[1].strip().decode())
        else:
            found.append("missing" if status == b"404" else "refused")
    return found
