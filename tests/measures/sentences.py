"""Docstrings: how they begin, and how long their first line is."""

import statistics

from tests.measures.source import Finding, SourceFile
from tests.measures.words import CLAUSE_OPENINGS

MAX_FIRST_LINE_WORDS = 12


def first_lines(files: list[SourceFile]) -> list[tuple[Finding, list[str]]]:
    """Return the words of each docstring's first line, with its place."""
    lines = []
    for file in files:
        for _, constant in file.docstrings:
            text = constant.value.strip().split("\n")[0]
            lines.append((file.finding(constant, text), text.split()))
    return lines


def clause_openings(lines: list[tuple[Finding, list[str]]]) -> list[Finding]:
    """Find docstrings that begin with What, Who, Whether, Those …"""
    return [place for place, words in lines if words and _bare(words[0]) in CLAUSE_OPENINGS]


def long_first_lines(lines: list[tuple[Finding, list[str]]]) -> list[Finding]:
    """Find first lines of more than twelve words."""
    return [
        Finding(place.path, place.line, f"{len(words)} words: {place.text}", len(words))
        for place, words in lines
        if len(words) > MAX_FIRST_LINE_WORDS
    ]


def median_words(lines: list[tuple[Finding, list[str]]]) -> float:
    """Return the median number of words of a first line."""
    return statistics.median([len(words) for _, words in lines] or [0])


def _bare(word: str) -> str:
    return word.strip("\"'`.,;:!?…").lower()
