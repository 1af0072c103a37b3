"""Messages that are nearly HTTP: requests as they should be, with a few things wrong.

Each comes from a number, so that a disagreement can be looked at again.
"""

from __future__ import annotations

from random import Random

LAST = b"GET /seen HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
"""What follows each message: it ends the connection if it is read as a request."""

_METHODS = [b"GET", b"POST", b"POST", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH"]
_ODD_METHODS = [b"get", b"CONNECT", b"FOO", b"PO ST", b"PRI", b"", b"POST\t", b"M-SEARCH", b"QUERY"]
_TARGETS = [b"/seen", b"/seen", b"/seen", b"/seen?a=b", b"/none", b"/%73een", b"http://a/seen"]
_ODD_TARGETS = [b"*", b"seen", b"/se en", b"//seen", b"/seen#x", b"", b"/\xffseen", b"a:80", b"/%"]
_VERSIONS = [b"HTTP/1.1"] * 8 + [b"HTTP/1.0"]
_ODD_VERSIONS = [b"HTTP/2.0", b"HTTP/1.2", b"http/1.1", b"HTTP/1.10", b"HTTP/1", b"", b"HTTP/0.9"]
_FIELDS = [
    b"X: y",
    b"Accept: */*",
    b"Content-Type: text/plain",
    b"Cookie: a=b",
    b"X-Empty:",
    b"Connection: keep-alive",
    b"Connection: close",
    b"Expect: 100-continue",
    b"Upgrade: h2c",
    b"Upgrade: websocket\r\nConnection: Upgrade",
    b"TE: trailers",
    b"Trailer: X",
]
_ODD_FIELDS = [
    b"X : y",
    b"X",
    b": y",
    b" X: y",
    b"X: y\r\n z",
    b"X\x00: y",
    b"X: \x00",
    b"X: \x01",
    b"X: a\rb",
    b"X: a\nb",
    b"X\xe9: y",
    b"X: \xe9",
    b"X(y): z",
    b"X_Y: z",
    b"Host: b",
    b"Host: a b",
    b"Expect: other",
    b"Connection: Upgrade\r\nUpgrade: TLS/1.0",
    b"Connection: close, keep-alive",
]
_LENGTHS = [b"+%d", b"-%d", b"0%d", b"%d,%d", b"%d %d", b"0x%d", b"%d.", b"_%d", b"\t%d\t", b'"%d"']
_CODINGS = [
    b"Chunked",
    b"chunked, chunked",
    b"gzip, chunked",
    b"chunked, gzip",
    b"identity",
    b"x",
    b"",
    b" chunked ",
    b"\x0bchunked",
    b"chunked\x00",
    b"chunked;q=1",
    b"chunked,",
    b",chunked",
    b"identity, chunked",
]
_BYTES = [b"\r", b"\n", b"\r\n", b"\x00", b" ", b"\t", b":", b"0", b"a", b";", b"\xff", b"\r\n\r\n"]


def message(number: int) -> bytes:
    """Return the message of *number*: one to three requests."""
    random = Random(number)
    whole = b"".join(_request(random) for _ in range(random.choice((1, 1, 2, 3))))
    if random.random() < 0.15:
        whole = _spoiled(random, whole)
    return whole


def packets(number: int, whole: bytes) -> list[bytes]:
    """Return *whole* as it is sent: mostly at once."""
    random = Random(-number - 1)
    cuts = random.choice((0, 0, 0, 1, 2))
    places = sorted(random.randrange(len(whole) + 1) for _ in range(cuts))
    return [whole[a:b] for a, b in zip([0, *places], [*places, len(whole)], strict=True)]


def _pick(random: Random, usual: list[bytes], odd: list[bytes], odds: float) -> bytes:
    return random.choice(odd if random.random() < odds else usual)


def _request(random: Random) -> bytes:
    method = _pick(random, _METHODS, _ODD_METHODS, 0.04)
    target = _pick(random, _TARGETS, _ODD_TARGETS, 0.06)
    version = _pick(random, _VERSIONS, _ODD_VERSIONS, 0.03)
    fields = [b"Host: a"] if random.random() > 0.03 else []
    for _ in range(random.choice((0, 0, 1, 2))):
        fields.append(_pick(random, _FIELDS, _ODD_FIELDS, 0.2))
    framing, body = _framed(random)
    fields += framing
    random.shuffle(fields)
    space = b" " if random.random() > 0.02 else random.choice((b"  ", b"\t", b""))
    end = b"\r\n" if random.random() > 0.02 else random.choice((b"\n", b"\r", b"\r\r\n"))
    start = b"" if random.random() > 0.01 else random.choice((b"\r\n", b"\n", b" ", b"\r\n\r\n"))
    lines = [start + method + space + target + space + version, *fields, b"", b""]
    return end.join(lines) + body


def _framed(random: Random) -> tuple[list[bytes], bytes]:
    body = bytes(random.choice(b"abcGET /\r\n:0159") for _ in range(random.choice((0, 1, 5, 20))))
    kind = random.random()
    if kind < 0.2:
        return [], b""
    if kind < 0.45:
        return [b"Content-Length: %d" % len(body)], body
    if kind < 0.52:
        form = random.choice(_LENGTHS)
        count = form.count(b"%d")
        return [b"Content-Length: " + form % ((len(body),) * count)], body
    if kind < 0.57:
        wrong = max(0, len(body) + random.choice((-3, -1, 1, 3)))
        return [b"Content-Length: %d" % wrong], body
    if kind < 0.62:
        others = [b"Content-Length: %d" % random.choice((len(body), 0, 7)) for _ in range(2)]
        return others, body
    if kind < 0.68:
        both = [b"Content-Length: %d" % len(body), b"Transfer-Encoding: chunked"]
        return both, _chunks(random, body, 0.0)
    coding = b"chunked" if kind < 0.93 else random.choice(_CODINGS)
    fields = [b"Transfer-Encoding: " + coding]
    if random.random() < 0.03:
        fields.append(b"Transfer-Encoding: " + random.choice((b"chunked", b"identity", b"x")))
    return fields, _chunks(random, body, 0.3)


def _chunks(random: Random, body: bytes, odds: float) -> bytes:
    odd = random.random() < odds
    sizes = [b"%x", b"%X", b"0%x", b"000%x"]
    extensions = [b"", b"", b";a=b", b';a="b"', b";a"]
    ends = [b"\r\n"]
    trailers = [b"", b"", b"X: y\r\n", b"X-User: root\r\nAccept: b\r\n"]
    if odd:
        sizes += [
            b"0x%x",
            b"+%x",
            b"-%x",
            b" %x",
            b"%x ",
            b"%xg",
            b"_%x",
            b"fffffffffffffffff%x",
            b"",
        ]
        extensions += [b'; a="b"', b" ;a", b";", b";\x00", b";a\nb", b";a\rb", b"\t;a", b" "]
        ends += [b"\n", b"\r", b"", b"\r\n\r\n", b"x\r\n"]
        trailers += [
            b"Content-Length: 3\r\n",
            b"Host: b\r\n",
            b"X",
            b"X y\r\n",
            b" X: y\r\n",
            b"X: y\n",
            b"\x00: y\r\n",
            b": y\r\n",
        ]
    out, place = [], 0
    while place < len(body):
        piece = body[place : place + random.choice((1, 2, 7, 20))]
        place += len(piece)
        form = random.choice(sizes)
        size = form % len(piece) if b"%" in form else form
        out += [size, random.choice(extensions), random.choice(ends), piece, random.choice(ends)]
    out += [random.choice((b"0", b"0", b"00", b"000")), random.choice(extensions)]
    out += [random.choice(ends), random.choice(trailers), random.choice(ends)]
    return b"".join(out)


def _spoiled(random: Random, whole: bytes) -> bytes:
    for _ in range(random.choice((1, 1, 2))):
        place = random.randrange(len(whole))
        match random.randrange(4):
            case 0:
                whole = whole[:place] + whole[place + 1 :]
            case 1:
                whole = whole[:place] + random.choice(_BYTES) + whole[place:]
            case 2:
                whole = whole[:place] + random.choice(_BYTES) + whole[place + 1 :]
            case 3:
                end = place + random.randrange(1, 20)
                whole = whole[:end] + whole[place:]
    return whole
