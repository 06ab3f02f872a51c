"""Words under which cases are found.

Case, accents and punctuation do not matter. Cases are written, and looked for, by the same rule.
"""

import re
import unicodedata
from collections.abc import Iterable

_BETWEEN_WORDS = re.compile(r"[\W_]+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


def fold_text(text: str) -> str:
    """Return the words of a text in their plain spelling.

    There are single blanks between them.
    """
    if not text.isascii():
        plain_text = unicodedata.normalize("NFKD", text)
        # Only the few letters beyond ASCII are looked at one by one.
        text = _NOT_ASCII.sub(_without_accents, plain_text)
    return _BETWEEN_WORDS.sub(" ", text.casefold()).strip()


def _without_accents(match: re.Match[str]) -> str:
    return "".join(char for char in match[0] if not unicodedata.combining(char))


def search_words(texts: Iterable[str]) -> list[str]:
    """List the words of these texts, each once, in their order."""
    # One text is folded much faster than many.
    return list(dict.fromkeys(fold_text("\n".join(texts)).split()))
