"""Text from outside, cleaned and bounded; never cut off silently."""

import hashlib
import re

SHORTENED = "… (shortened)"
REPLACEMENT = "\ufffd"
# PostgreSQL keeps no NUL; UTF-8 knows no half of a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Replace the characters that no database keeps."""
    return text if is_storable(text) else _UNSTORABLE.sub(REPLACEMENT, text)


def is_storable(text: str) -> bool:
    """Tell whether every database keeps this text as it is."""
    if "\x00" in text:
        return False
    try:
        # Encoding is the check, and much faster than looking for each half of a pair.
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError:
        return False
    return True


def shorten(text: str, limit: int) -> str:
    """Bound a text that people read, and mark where it was cut."""
    return text if len(text) <= limit else text[: limit - len(SHORTENED)] + SHORTENED


def bounded_key(text: str, limit: int) -> str:
    """Bound a key by replacing its tail with its SHA-256.

    No two keys meet.
    """
    if len(text) <= limit:
        return text
    checksum = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{text[: limit - len(checksum) - 1]}~{checksum}"
