"""Forms and files: an object of names, within bounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.intake.forms import MAX_FORM_FIELDS, MAX_PARTS, is_form, read_form, read_parts


def part(name, content, *, file_name="", content_type="", headers=""):
    disposition = f'form-data; name="{name}"'
    if file_name:
        disposition += f'; filename="{file_name}"'
    lines = [f"Content-Disposition: {disposition}"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    return ("\r\n".join(lines) + headers + "\r\n\r\n").encode() + content + b"\r\n"


def multipart(*parts, boundary=b"----boundary7MA4YWxk"):
    pieces = [b"--" + boundary + b"\r\n" + piece for piece in parts]
    return b"".join(pieces) + b"--" + boundary + b"--\r\n"


def test_fields_and_files_become_an_object():
    body = multipart(
        part("subject", "Größe fehlt".encode()),
        part("to", b"a@example.com"),
        part("to", b"b@example.com"),
        part("note", b"order 7 is late\n", file_name="note.txt", content_type="text/plain"),
        part("scan", b"\x89PNG\0\xff", file_name="scan.png", content_type="image/png"),
    )
    assert read_parts(body) == {
        "subject": "Größe fehlt",
        "to": ["a@example.com", "b@example.com"],
        "note": {
            "name": "note.txt",
            "type": "text/plain",
            "size": 16,
            "text": "order 7 is late\n",
        },
        "scan": {"name": "scan.png", "type": "image/png", "size": 6},
    }


def test_an_escaped_form_becomes_an_object():
    assert read_form(b"a=1&b=x+y%21&a=2&c=") == {"a": ["1", "2"], "b": "x y!", "c": ""}
    assert read_form("a=Größe 7".encode()) == {"a": "Größe 7"}
    assert read_form(b"a=\xe9") == {"a": "é"}
    assert read_form(b"") == {}


def test_a_form_is_known_by_its_bytes():
    for body in (b"a=1", b"a=1&b=2", b"a%5Bb%5D=1&c=", b"a=b=c", b"a=1&&b=2"):
        assert is_form(body)
    for body in (b"", b"text", b"a = 1", b"a=1\n", b"=1", "ä=1".encode(), b'{"a": 1}', b"<a b=1>"):
        assert not is_form(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--",
        b"--b",
        b"--b\r\n",
        b"--b\r\nno header",
        b"--" + b"b" * 71 + b"\r\n" + part("a", b"1") + b"--" + b"b" * 71 + b"--\r\n",
        multipart(part("a", b"1"))[:-30],
        b"text before\r\n" + multipart(part("a", b"1")),
        multipart(part("a", b"1"), boundary=b"b\xff"),
        b"--- a diff\r\n+++ of a file",
    ],
)
def test_what_is_no_multipart_is_none(body):
    assert read_parts(body) is None


@pytest.mark.threat("C4")
def test_a_flood_of_parts_fields_or_headers_is_not_read():
    assert read_parts(multipart(*[part("a", b"")] * MAX_PARTS)) is not None
    assert read_parts(multipart(*[part("a", b"")] * (MAX_PARTS + 1))) is None
    assert read_parts(multipart(part("a", b"1", headers="\r\nX: 1" * 50))) is None
    assert read_parts(multipart(part("a", b"1", headers="\r\nX: " + "1" * 10_000))) is None
    fields = read_form(b"&".join(b"n%d=1" % number for number in range(MAX_FORM_FIELDS + 500)))
    assert len(fields) == MAX_FORM_FIELDS


@pytest.mark.threat("C4")
@given(body=st.binary(max_size=300))
def test_any_bytes_are_parts_or_none(body):
    read_form(body)
    read_parts(body)
    read_parts(b"--b\r\n" + body)
    read_parts(multipart(body))
    read_parts(multipart(part("a", body)))
