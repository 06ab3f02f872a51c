"""Compressed bodies, unpacked within bounds.

A body is unpacked after its sender is known: signatures are over the bytes as they are sent, and a
few kilobytes of a stranger could become gigabytes.
"""

import zlib

from handlers.intake.problem import Problem

#: Text of programs packs to a tenth; what packs a hundred times better is made to fill a memory.
MAX_RATIO = 200
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = zlib.MAX_WBITS | 16
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """Unpack a body to at most ``limit`` bytes.

    Bytes that are gzip by their first two are unpacked without a header that says so: no signature
    covers that header, and leaving it out must not change what was signed.

    Raises:
        Problem: 413 above the limits, 415 for another encoding, 400 for damaged bytes.
    """
    name = encoding.strip().lower()
    if name not in _ENCODINGS:
        raise Problem(415, f"the body must be gzip, deflate or plain, not {name[:50]}")
    if body.startswith(_GZIP_MAGIC):
        return _inflate(body, _GZIP_WINDOW, limit)
    if name == "deflate" and body:
        return _inflate(body, _deflate_window(body), limit)
    # A proxy may have unpacked it and left the header.
    return body


def _deflate_window(body: bytes) -> int:
    """Tell the zlib format of the standard from bare deflate."""
    is_zlib = body[0] & 0x0F == zlib.DEFLATED and int.from_bytes(body[:2]) % 31 == 0
    return zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS


def _inflate(body: bytes, window: int, limit: int) -> bytes:
    # One byte more than allowed shows that there is more; nothing beyond it is unpacked.
    bound = min(limit, len(body) * MAX_RATIO)
    text = bytearray()
    rest = body
    try:
        # gzip allows several parts one after the other.
        while rest and len(text) <= bound:
            part = zlib.decompressobj(window)
            text += part.decompress(rest, bound + 1 - len(text))
            is_whole = part.eof
            rest = part.unused_data
            if not is_whole:
                break
    except zlib.error:
        raise Problem(400, "the compressed body is damaged; send it again") from None
    if len(text) > bound:
        raise Problem(413, f"the body is too large when unpacked; at most {bound:,} bytes are")
    if not is_whole:
        raise Problem(400, "the compressed body is cut off; send it again")
    return bytes(text)
