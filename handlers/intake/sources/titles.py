"""Titles that people can read, and words for names of programs."""

import re

MAX_WORDS_LENGTH = 160
MIN_LETTERS = 2
MIN_PLURAL = 4
_HEX_OR_UUID = re.compile(
    r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|"
    r"(?=[0-9a-f]*\d)[0-9a-f]{12,64}",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]{1,20}:/\S*|www\.\S+|\S+@\S+\.\w+|(?:arn|urn):\S+", re.I)
_NUMBER = re.compile(r"[\s\d.,:;+%/()#_TZ-]*")
#: Identifiers like ``evt_1MqqbKLt4d``: letters and digits without a word among them.
_ID = re.compile(r"(?=\S*\d)[A-Za-z]{1,10}[_-][A-Za-z0-9]{10,}|(?=\S*\d)(?=\S*[A-Z])[\w-]{20,}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*")
_NOTHING = frozenset(
    {"none", "null", "n/a", "na", "nil", "undefined", "unknown", "true", "false", "default"}
)
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[\W_]+")
_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,300}|!--.{0,300}?--)>|&nbsp;")
_LINK = re.compile(r"<(?:https?|mailto):[^|<>]{1,500}\|([^<>]{1,300})>")
_MARKDOWN_LINK = re.compile(r"!?\[([^\[\]]{1,300})\]\((?:https?:|mailto:|/)[^()\s]{0,500}\)")
_MARKS = re.compile(r"^[#>*\s`~-]+|\*\*|__|`")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&"))


def name_set(names: str) -> frozenset[str]:
    """Return the names of a text."""
    return frozenset(names.split())


def is_title(text: str) -> bool:
    """Tell whether a text says something that people can read."""
    text = text.strip()
    if text.lower() in _NOTHING:
        return False
    if text[:1] in {"{", "["} and text[-1:] in {"}", "]"}:
        return False
    if sum(map(str.isalpha, text)) < MIN_LETTERS:
        return False
    patterns = (_HEX_OR_UUID, _ADDRESS, _NUMBER, _ID, _TIME)
    return not any(pattern.fullmatch(text) for pattern in patterns)


def has_words(text: str, count: int = 2) -> bool:
    """Tell whether a text has so many words with letters."""
    return sum(any(map(str.isalpha, word)) for word in text.split()) >= count


def words_of(name: str) -> str:
    """Write the name of a program's thing as words: ``invoice.payment_failed``."""
    words = [word for word in _WORD.split(name[:MAX_WORDS_LENGTH]) if word]
    return " ".join(word if word.isupper() else word.lower() for word in words)


def singular(word: str) -> str:
    """Return a noun in the singular, by its last letters."""
    if len(word) < MIN_PLURAL or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word[:-1]


def sentence(text: str) -> str:
    """Begin with a capital letter."""
    return text[:1].upper() + text[1:]


def plain_line(text: str) -> str:
    """Return the first line that says something, without markup."""
    text = _LINK.sub(r"\1", text[:4_000])
    text = _MARKDOWN_LINK.sub(r"\1", text)
    text = _TAG.sub(" ", text)
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    for line in text.splitlines():
        clean = " ".join(_MARKS.sub("", line).split())
        if is_title(clean):
            return clean
    return ""
