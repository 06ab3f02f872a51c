"""The words of a statement, as MySQL reads it.

Only to tell what kind of statement it is: MySQL has no way to ask for a SELECT and nothing else.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from bot.connectors.sql_statements import MAX_STATEMENTS

_PARTS = re.compile(
    r"""
      (?P<text>'(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*")
    | (?P<name>`(?:[^`]|``)*`)
    | (?P<hidden>/\*M?!)
    | (?P<comment>/\*.*?\*/ | --(?=\s|$)[^\n]* | \#[^\n]*)
    | (?P<word>[\w$]+)
    """,
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class StatementWords:
    """The words of one statement, in lower case, without texts and comments."""

    #: Its first word: "select".
    first: str
    #: Every word that is no quoted name.
    all: frozenset[str]
    #: Everything that may be the name of a table or schema.
    names: frozenset[str]
    #: Whether a comment has words that the server carries out: ``/*! … */``.
    is_hidden: bool


@lru_cache(maxsize=MAX_STATEMENTS)
def read_words(sql: str) -> StatementWords:
    """Read the words of a statement."""
    words: list[str] = []
    names: set[str] = set()
    is_hidden = False
    for kind, text in _parts(sql):
        if kind == "word":
            words.append(text.lower())
        elif kind == "name":
            names.add(text[1:-1].replace("``", "`"))
        is_hidden = is_hidden or kind == "hidden"
    return StatementWords(
        first=words[0] if words else "",
        all=frozenset(words),
        names=frozenset({*words, *names}),
        is_hidden=is_hidden,
    )


def _parts(sql: str) -> Iterator[tuple[str, str]]:
    for match in _PARTS.finditer(sql):
        yield match.lastgroup or "", match.group()
