"""Edits of a library folder."""

from pathlib import Path

import pytest

from bot.cases.errors import PlaybookInvalid
from knowledge.library import load


def change(path: Path, before: str, after: str) -> None:
    """Replace a text that is in the file."""
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def refuse(path: Path, before: str, after: str, *, complaint: str) -> None:
    """Change a file, and expect the library to be refused."""
    change(path, before, after)
    folder = path.parent.parent if path.parent.name == "playbooks" else path.parent
    with pytest.raises(PlaybookInvalid, match=complaint):
        load(folder)
