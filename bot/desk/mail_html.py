"""The text of a mail that is only markup."""

import re
from typing import TYPE_CHECKING

from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    import inscriptis
    from lxml import etree
else:
    # Large, and only for mails without plain text.
    inscriptis = LazyModule("inscriptis")
    etree = LazyModule("lxml.etree")

MAX_HTML_LENGTH = 200_000
_TAG = re.compile(r"<[^<>]{0,2000}>")
_DECLARATION = re.compile(r"^\s*<\?xml[^<>]{0,200}>")
_EMPTY_LINES = re.compile(r"\n\s*\n\s*\n+")


def html_to_text(html: str) -> str:
    """Write markup as text, without what is hidden."""
    html = _DECLARATION.sub("", html[:MAX_HTML_LENGTH].replace("\0", ""))
    try:
        text = inscriptis.get_text(html)
    except (etree.LxmlError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        text = _TAG.sub(" ", html)
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return _EMPTY_LINES.sub("\n\n", lines).strip()
