"""Request bodies: no more is read than the limit."""

import asyncio

import pytest
from starlette.requests import Request

from handlers.bodies import BodyRefused, read_limited_body

LIMIT = 1000


def read(chunks, *, content_length=None):
    """Read a body in chunks; returns it and how many were read."""
    headers = []
    if content_length is not None:
        headers.append((b"content-length", content_length.encode("latin-1")))
    messages = iter(chunks)
    chunks_read = []

    async def receive():
        chunk = next(messages)
        chunks_read.append(chunk)
        is_last = len(chunks_read) == len(chunks)
        return {"type": "http.request", "body": chunk, "more_body": not is_last}

    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    try:
        body = asyncio.run(read_limited_body(Request(scope, receive), LIMIT))
    except BodyRefused as refusal:
        return refusal.status, len(chunks_read)
    return body, len(chunks_read)


@pytest.mark.parametrize("chunks", [[b""], [b"x" * LIMIT], [b"a" * 600, b"b" * 400]])
def test_a_body_within_the_limit_is_read_whole(chunks):
    assert read(chunks) == (b"".join(chunks), len(chunks))


def test_a_body_that_grows_beyond_the_limit_is_read_no_further():
    assert read([b"x" * 600, b"x" * 600, b"x" * 600]) == (413, 2)


@pytest.mark.parametrize("content_length", ["1001", "9" * 5000])
def test_a_declared_length_beyond_the_limit_is_refused_before_anything_is_read(content_length):
    assert read([b"x"], content_length=content_length) == (413, 0)


@pytest.mark.parametrize("content_length", ["", "x", "-1", "\xb2"])
def test_a_declared_length_that_is_no_number_counts_as_none(content_length):
    assert read([b"x"], content_length=content_length) == (b"x", 1)


@pytest.mark.threat("C3")
@pytest.mark.parametrize("seconds", [0.05, 30.0])
def test_a_body_that_does_not_come_is_waited_for_no_longer_than_its_time(seconds):
    async def receive():
        if seconds < 1:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)
    with pytest.raises(BodyRefused, match="did not arrive") as refused:
        asyncio.run(read_limited_body(request, 1000, seconds))
    assert refused.value.status == 408
