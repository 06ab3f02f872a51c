"""Text of mails, whose charsets are often named wrongly."""

import codecs
from typing import TYPE_CHECKING

from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    import charset_normalizer
else:
    # Only for mails that say nothing true about their charset.
    charset_normalizer = LazyModule("charset_normalizer")

MAX_SAMPLE_BYTES = 20_000
# Names of codecs that are no charsets, or take time that grows with the square of the length.
_NO_CHARSETS = frozenset(
    {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)


def decode_text(content: bytes, charset: str) -> str:
    """Decode by the charset of the mail, or by a guess."""
    for name in (charset, "utf-8"):
        text = _decode(content, name)
        if text is not None:
            return text
    guess = charset_normalizer.from_bytes(content[:MAX_SAMPLE_BYTES]).best()
    text = _decode(content, guess.encoding) if guess else None
    return content.decode("latin-1") if text is None else text


def _decode(content: bytes, charset: str) -> str | None:
    try:
        codec = codecs.lookup(charset)
        if codec.name.replace("-", "_") in _NO_CHARSETS:
            return None
        return content.decode(charset)
    except (LookupError, ValueError):
        # A name with a NUL is a ValueError.
        return None
