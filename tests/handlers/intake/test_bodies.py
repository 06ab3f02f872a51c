"""Compressed bodies: unpacked within bounds, whatever the header says of them."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.intake.bodies import MAX_RATIO, unpack
from handlers.intake.problem import Problem


def compress(body: bytes) -> bytes:
    """Compress without a time: the bytes are a part of the tests' names."""
    return gzip.compress(body, mtime=0)


TEXT = b'{"subject": "product:1", "title": "Low"}'
LIMIT = 1024 * 1024


def bare_deflate(content):
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


def refusal(body, encoding="gzip", limit=LIMIT):
    with pytest.raises(Problem) as caught:
        unpack(body, encoding, limit)
    return caught.value.status


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (TEXT, ""),
        (TEXT, "identity"),
        (compress(TEXT), "gzip"),
        (compress(TEXT), "GZIP "),
        (compress(TEXT), "x-gzip"),
        (zlib.compress(TEXT), "deflate"),
        (bare_deflate(TEXT), "deflate"),
        (compress(TEXT[:9]) + compress(TEXT[9:]), "gzip"),
        # A proxy has unpacked it and left the header.
        (TEXT, "gzip"),
        # The header is lost; it is signed by nobody.
        (compress(TEXT), ""),
    ],
)
def test_a_body_is_unpacked_as_its_bytes_say(body, encoding):
    assert unpack(body, encoding, LIMIT) == TEXT


def test_an_empty_body_stays_empty():
    for encoding in ("", "gzip", "deflate"):
        assert unpack(b"", encoding, LIMIT) == b""


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "x" * 500])
def test_another_encoding_is_415(encoding):
    assert refusal(TEXT, encoding) == 415


@pytest.mark.parametrize(
    "body",
    [
        compress(TEXT)[:-1],
        compress(TEXT)[:-9],
        compress(TEXT)[:5],
        compress(TEXT)[:-4] + b"abcd",
        compress(TEXT) + compress(TEXT)[:12],
        compress(TEXT) + b"more",
        b"\x1f\x8b",
    ],
)
def test_a_damaged_body_is_400(body):
    assert refusal(body) == 400


@pytest.mark.threat("C4")
@pytest.mark.parametrize(
    "make_bomb",
    # Made in the test: every worker collects it, and one runs it.
    [
        lambda: compress(bytes(200_000_000)),
        lambda: zlib.compress(bytes(200_000_000)),
        lambda: compress(compress(bytes(200_000_000))),
        lambda: compress(bytes(20_000)) * 500,
        # Below the limit, and still made to fill a memory.
        lambda: compress(bytes(900_000)),
    ],
    ids=["gzip", "zlib", "gzip in gzip", "many parts", "small"],
)
def test_a_bomb_is_refused_before_it_is_unpacked(make_bomb):
    bomb = make_bomb()
    encoding = "gzip" if bomb.startswith(b"\x1f\x8b") else "deflate"
    tracemalloc.start()
    try:
        unpacked = unpack(bomb, encoding, LIMIT)
        # The bomb within is plain bytes, which nobody unpacks a second time.
        assert len(unpacked) < LIMIT
    except Problem as problem:
        assert problem.status == 413
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 4 * LIMIT


def test_the_limit_is_exact():
    body = compress(bytes(range(256)) * 4)
    assert len(unpack(body, "gzip", 1024)) == 1024
    assert refusal(body, "gzip", 1023) == 413
    # Texts of programs pack to a tenth, and far from this.
    assert len(unpack(compress(TEXT * 100), "gzip", LIMIT)) < MAX_RATIO * len(TEXT * 100)


@pytest.mark.threat("C4")
@given(body=st.binary(max_size=200), encoding=st.sampled_from(["", "gzip", "deflate"]))
def test_any_bytes_are_a_body_or_a_refusal(body, encoding):
    for candidate in (body, b"\x1f\x8b\x08" + body, compress(body)[:-3] + body[:3]):
        try:
            unpack(candidate, encoding, LIMIT)
        except Problem as problem:
            assert problem.status in {400, 413}
