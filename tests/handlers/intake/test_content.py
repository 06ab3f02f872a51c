"""Content: any body is read, and its bytes say how."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.intake.content import MAX_TEXT_LENGTH, read_content

FORM = "application/x-www-form-urlencoded"
MULTIPART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'


def body_of(body, content_type="application/json"):
    return read_content(body, {"content-type": content_type}).body


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": [1, null]}', {"a": [1, None]}),
        (b"[]", []),
        (b"7", 7),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        # What Python and JavaScript write where a number is missing.
        (b'{"a": NaN, "b": -Infinity, "c": 1e999}', {"a": None, "b": None, "c": None}),
        (b"a=1&b=x+y", {"a": "1", "b": "x y"}),
        (b"payload=%7B%22a%22%3A+1%7D", {"payload": '{"a": 1}'}),
        (MULTIPART, {"a": "1"}),
        (b"<alert/>", {"text": "<alert/>"}),
        (b"disk is full", {"text": "disk is full"}),
        ("größer".encode(), {"text": "größer"}),
        (b"gr\xf6\xdfer", {"text": "größer"}),
        (b"", {"text": ""}),
        (b"{" * 300, {"text": "{" * 300}),
        (b"[" * 300 + b"]" * 300, {"text": "[" * 300 + "]" * 300}),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=x", "", "x/y"])
def test_the_bytes_say_how_a_body_is_read(body, value, content_type):
    assert body_of(body, content_type) == value


def test_a_form_that_is_not_escaped_is_one_by_its_content_type():
    assert body_of(b"a=1 2", FORM) == {"a": "1 2"}
    assert body_of(b"a=1 2") == {"text": "a=1 2"}


def test_long_text_is_cut_and_two_that_begin_alike_stay_two():
    first, second = (body_of(b"x" * 60_000 + end) for end in (b"1", b"2"))
    assert len(first["text"]) == MAX_TEXT_LENGTH
    assert first["text"] == second["text"]
    assert first["sha256"] != second["sha256"]


def test_headers_have_names_that_expressions_can_hold_and_no_secrets():
    headers = {
        "X-GitHub-Event": "push",
        "Authorization": "Bearer x",
        "Cookie": "a=b",
        "Proxy-Authorization": "Basic x",
    }
    content = read_content(b"{}", headers, {"a": "1"})
    assert content.headers == {"x_github_event": "push"}
    assert content.query == {"a": "1"}


@pytest.mark.threat("C4")
@given(
    body=st.binary(max_size=200), content_type=st.sampled_from(["", FORM, "multipart/form-data"])
)
def test_any_bytes_are_content(body, content_type):
    read_content(body, {"content-type": content_type})
