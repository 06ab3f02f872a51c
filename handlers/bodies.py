"""Reading a request's body at every door: its declared length first, then no more of it and no longer than it may take."""

import asyncio
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

# A body of the largest size arrives within this over a slow line; a stalled one is let go of.
BODY_SECONDS = 20.0


@dataclass(eq=False)
class BodyRefused(Exception):
    """The body is too large, came too slowly or never ended; each door says so in its own form."""

    status: int
    detail: str


async def limited_body(request: Request, limit: int, seconds: float = BODY_SECONDS) -> bytes:
    """Read the body of at most ``limit`` bytes within ``seconds``.

    Raises:
        BodyRefused: 413 or 408, before more than that was kept.
    """
    refuse_too_large(request, limit)
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, limit)
    except TimeoutError:
        raise BodyRefused(408, f"the body did not arrive within {seconds:g} seconds") from None
    except ClientDisconnect:
        # Nobody is there to hear it; and it is nothing that our log must tell of.
        raise BodyRefused(408, "the body did not arrive") from None


def refuse_too_large(request: Request, limit: int) -> None:
    """Raise ``BodyRefused`` for a declared length above the limit, before anything is read."""
    if _declared(request.headers.get("content-length", "")) > limit:
        raise BodyRefused(413, f"at most {limit:,} bytes")


async def _read(request: Request, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyRefused(413, f"at most {limit:,} bytes")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _declared(length: str) -> int:
    """Read the declared length; 0 when none is declared, or nothing that is a number."""
    # Nineteen digits are too many for any limit: more of them change nothing.
    return int(length[:19]) if length.isascii() and length.isdecimal() else 0
