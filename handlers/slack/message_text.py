"""The text of a message that somebody typed, without Slack's markup."""

import re

MENTION = re.compile(r"<@[UW][A-Z0-9]+(\|[^>]*)?>")
# A link, a channel or a date, like <https://example.com|label> or <#C123|name>.
REFERENCE = re.compile(r"<(?:[@#!][^|>]*\|)?([^|>]*)(?:\|([^>]*))?>")


def plain_text(text: str) -> str:
    """Return the words without mentions, and links by their label."""
    text = MENTION.sub(" ", text)
    text = REFERENCE.sub(_label, text)
    return " ".join(_unescape(text).split())


def _label(match: re.Match[str]) -> str:
    return match[2] or match[1]


def _unescape(text: str) -> str:
    # The three characters that Slack escapes; "&amp;" last, so that "&amp;lt;" stays "&lt;".
    text = text.replace("&lt;", "<")
    text = text.replace("&gt;", ">")
    return text.replace("&amp;", "&")
