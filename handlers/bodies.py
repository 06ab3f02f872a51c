"""Request bodies of bounded size and time, for every HTTP entry point."""

import asyncio
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

# Enough for a body of the largest size over a slow line; a stalled one is given up.
BODY_TIMEOUT_SECONDS = 20.0
# Nineteen digits exceed any limit, so the rest of a longer number changes nothing.
MAX_LENGTH_DIGITS = 19


@dataclass(eq=False)
class BodyRefused(Exception):
    """A body that is too large, too slow or incomplete.

    Each endpoint answers it in its own format.
    """

    status: int
    detail: str


async def read_limited_body(
    request: Request, limit: int, timeout_seconds: float = BODY_TIMEOUT_SECONDS
) -> bytes:
    """Read a body of at most ``limit`` bytes.

    Raises:
        BodyRefused: 413 above the limit, 408 when the body does not arrive in time.
    """
    refuse_too_large(request, limit)
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _read_stream(request, limit)
    except TimeoutError:
        detail = f"the body did not arrive within {timeout_seconds:g} seconds"
        raise BodyRefused(408, detail) from None
    except ClientDisconnect:
        # The client has gone: nobody reads the answer, and the log needs no entry.
        raise BodyRefused(408, "the body did not arrive") from None


def refuse_too_large(request: Request, limit: int) -> None:
    """Check the declared length before anything is read.

    Raises:
        BodyRefused: 413 when the declared length exceeds ``limit``.
    """
    content_length = request.headers.get("content-length", "")
    if _parse_length(content_length) > limit:
        raise _too_large(limit)


async def _read_stream(request: Request, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    # A body that came in one piece need not be copied.
    if len(chunks) == 1:
        return chunks[0]
    return b"".join(chunks)


def _parse_length(content_length: str) -> int:
    """Parse the declared length; 0 when it is no number."""
    if not content_length.isascii() or not content_length.isdecimal():
        return 0
    return int(content_length[:MAX_LENGTH_DIGITS])


def _too_large(limit: int) -> BodyRefused:
    return BodyRefused(413, f"the body is too large; at most {limit:,} bytes are allowed")
