"""Multipart forms: parts, files, and everything that makes a body no form."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from ffhost.errors import BadRequest, ContentTooLarge
from ffhost.web.forms import (
    MAX_FIELD_BYTES,
    MAX_PART_HEADER_BYTES,
    MAX_PARTS,
    UploadedFile,
    parse_form,
)

TYPE = "multipart/form-data; boundary=b"
NAMED = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n%s\r\n%s\r\n'


def part(name: str, content: bytes = b"", *lines: str) -> bytes:
    return NAMED % (name.encode(), "".join(f"{line}\r\n" for line in lines).encode(), content)


def fields(body: bytes, content_type: str = TYPE) -> list[tuple[str, str]]:
    return list(parse_form(content_type, body)[0].items(multi=True))


def file_of(body: bytes) -> UploadedFile:
    return parse_form(TYPE, body)[1]["f"]


FILE = (
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n'
    b"Content-Type: Text/Plain; charset=utf-8\r\n\r\none\r\ntwo\r\n--b--"
)


def test_fields_are_read_in_order_with_repeated_and_empty_ones() -> None:
    body = part("a", b"1") + part("b") + part("a", b"x--b\n--bx\r\n-b") + b"--b--"
    assert fields(body) == [("a", "1"), ("b", ""), ("a", "x--b\n--bx\r\n-b")]


@pytest.mark.parametrize("before", [b"", b"preamble\r\n", b"\r\n", b"--c\r\n"])
@pytest.mark.parametrize("after", [b"--", b"--\r\n", b"--epilogue\r\n--b\r\nno part"])
def test_what_stands_before_and_after_the_form_means_nothing(before: bytes, after: bytes) -> None:
    assert fields(before + part("a", b"1") + b"--b" + after) == [("a", "1")]


def test_a_form_without_parts_is_empty() -> None:
    assert fields(b"--b--") == fields(b"preamble\r\n--b--\r\n") == []


def test_a_part_may_end_with_its_headers() -> None:
    assert fields(b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--") == [("a", "")]


def test_a_boundary_may_be_followed_by_blanks() -> None:
    body = b'--b \t\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--'
    assert fields(body) == [("a", "1")]


@pytest.mark.parametrize("boundary", ["b" * 70, '"b c"', '"b "'])
def test_a_boundary_has_at_most_70_characters(boundary: str) -> None:
    written = boundary.strip('"').rstrip().encode()
    body = (part("a", b"1") + b"--b--").replace(b"--b", b"--" + written)
    assert fields(body, f"multipart/form-data; boundary={boundary}") == [("a", "1")]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json", "multipart/mixed"])
def test_another_content_type_is_no_form(content_type: str) -> None:
    assert parse_form(content_type, b"a=1") == ({}, {})


def test_an_urlencoded_form_has_fields_and_no_files() -> None:
    form, files = parse_form("Application/X-WWW-Form-Urlencoded; charset=x", b"a=1&a=%C3%A9")
    assert (form.getlist("a"), files) == (["1", "é"], {})


NO_LENGTH = "the content type of a multipart form needs a boundary of 1 to 70 characters"
NO_BOUNDARY = "the body of the multipart form does not contain its boundary"
NO_LINE_END = "a boundary of the multipart form does not end its line"
NO_HEAD_END = "the headers of a part of the multipart form do not end"
NO_END = "the body of the multipart form does not end with its boundary"


@pytest.mark.parametrize(
    ("body", "content_type", "detail"),
    [
        (b"--b--", "multipart/form-data", NO_LENGTH),
        (b"--b--", "multipart/form-data; boundary=", NO_LENGTH),
        (b"--b--", 'multipart/form-data; boundary=" "', NO_LENGTH),
        (b"--b--", "multipart/form-data; boundary=" + "b" * 71, NO_LENGTH),
        (b"", TYPE, NO_BOUNDARY),
        (b"x--b--", TYPE, NO_BOUNDARY),
        (b"--b--", "multipart/form-data; boundary=€", NO_BOUNDARY),
        (b"\n--b--", TYPE, NO_BOUNDARY),
        (b"--b", TYPE, NO_LINE_END),
        (b"--b-", TYPE, NO_LINE_END),
        (b"--bx\r\n\r\n--b--", TYPE, NO_LINE_END),
        (b"--b\r\n", TYPE, NO_HEAD_END),
        (b"--b\r\nA: b\r\n", TYPE, NO_HEAD_END),
        (part("a", b"1"), TYPE, NO_END),
        (b"--b\r\n\r\nx\r\n--b--", TYPE, "part 0 of the multipart form has no name"),
        (
            part("a") + b"--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--",
            TYPE,
            "part 1 of the multipart form has no name",
        ),
    ],
)
def test_a_body_that_is_no_form_is_refused(body: bytes, content_type: str, detail: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse_form(content_type, body)
    assert caught.value.detail == detail


def test_as_many_parts_as_are_allowed_are_read_and_one_more_is_refused() -> None:
    assert MAX_PARTS == 1000
    assert len(fields(part("a") * MAX_PARTS + b"--b--")) == MAX_PARTS
    with pytest.raises(ContentTooLarge) as caught:
        fields(part("a") * (MAX_PARTS + 1) + b"--b--")
    assert caught.value.detail == "the form has more than 1000 parts"


def test_a_field_may_be_so_large_and_a_file_larger() -> None:
    assert MAX_FIELD_BYTES == 500_000
    assert len(fields(part("a", b"x" * MAX_FIELD_BYTES) + b"--b--")[0][1]) == MAX_FIELD_BYTES
    with pytest.raises(ContentTooLarge) as caught:
        fields(part("a", b"x" * (MAX_FIELD_BYTES + 1)) + b"--b--")
    assert caught.value.detail == "the form field 'a' is larger than 500000 bytes"
    assert file_of(FILE.replace(b"one", b"x" * 600_000)).content_length == 600_005


@pytest.mark.parametrize(("more", "fits"), [(0, True), (1, False)])
def test_the_headers_of_a_part_may_have_so_many_bytes(more: int, fits: bool) -> None:
    line = b"\r\nContent-Disposition: form-data; name=a"
    padding = b"\r\nX: " + b"x" * (MAX_PART_HEADER_BYTES - len(line) - 5 + more)
    body = b"--b" + line + padding + b"\r\n\r\n1\r\n--b--"
    assert MAX_PART_HEADER_BYTES == 8192
    if fits:
        assert fields(body) == [("a", "1")]
    else:
        with pytest.raises(BadRequest, match="do not end"):
            fields(body)


@pytest.mark.parametrize(
    ("content_type", "content", "text"),
    [
        ("text/plain", "é".encode(), "é"),
        ("text/plain; charset=UTF-8", "é".encode(), "é"),
        ("text/plain; charset=ISO-8859-1", b"\xe9", "é"),
        ("text/plain; charset=us-ascii", "é".encode(), "\ufffd\ufffd"),
        ("text/plain; charset=ascii", "é".encode(), "\ufffd\ufffd"),
        ("text/plain; charset=utf-16", "é".encode(), "é"),  # only harmless ones are believed
        ("text/plain; charset=nonsense", "é".encode(), "é"),
        ("text/plain", b"\xff", "\ufffd"),
    ],
)
def test_a_field_is_decoded_as_it_says(content_type: str, content: bytes, text: str) -> None:
    body = part("a", content, f"Content-Type: {content_type}") + b"--b--"
    assert fields(body) == [("a", text)]


def test_header_lines_of_a_part_without_a_colon_mean_nothing() -> None:
    body = part("a", b"1", "no header", " X-Padded :  v ") + b"--b--"
    assert fields(body) == [("a", "1")]
    headers = file_of(FILE.replace(b"Content-Type:", b" X-Padded :  v \r\nno header\r\nA:")).headers
    assert (headers["x-padded"], list(headers)) == ("v", ["Content-Disposition", "X-Padded", "A"])


def test_a_name_that_is_not_utf_8_is_replaced_and_not_refused() -> None:
    assert file_of(FILE.replace(b"a.txt", b"\xff.txt")).filename == "\ufffd.txt"


def test_a_file_has_a_name_a_type_and_a_length() -> None:
    file = file_of(FILE)
    assert (file.name, file.filename, file.content_length) == ("f", "a.txt", 8)
    assert (file.content_type, file.mimetype) == ("Text/Plain; charset=utf-8", "text/plain")
    assert file.headers["content-type"] == "Text/Plain; charset=utf-8"
    assert repr(file) == "UploadedFile('a.txt', 8 bytes)"
    bare = file_of(b'--b\r\nContent-Disposition: form-data; name=f; filename=""\r\n\r\n\r\n--b--')
    assert (bare.content_type, bare.mimetype, bare.content_length) == ("", "", 0)
    assert not bare  # browsers send it for a file that was not chosen
    assert file


def test_a_file_reads_like_any_other(tmp_path: Path) -> None:
    file = file_of(FILE)
    assert list(file) == [b"one\r\n", b"two"]
    assert file.read() == b""
    file.seek(5)
    file.save(tmp_path / "path")
    file.seek(5)
    file.save(str(tmp_path / "text"))
    file.seek(0)
    copied = BytesIO()
    file.save(copied)
    assert (tmp_path / "path").read_bytes() == (tmp_path / "text").read_bytes() == b"two"
    assert copied.getvalue() == b"one\r\ntwo"
    file.close()
    assert file.closed
    with pytest.raises(AttributeError):
        file.nothing  # noqa: B018
    assert not hasattr(file, "__next__")  # protocols are its own, and it is no iterator
    with pytest.raises(AttributeError, match="stream"):
        object.__new__(UploadedFile).stream  # noqa: B018
