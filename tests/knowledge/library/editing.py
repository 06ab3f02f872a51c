"""Edits of a library folder."""

from pathlib import Path

import pytest

from bot.cases.errors import PlaybookInvalid
from knowledge.library import load


def change(folder: Path, name: str, before: str, after: str) -> None:
    """Replace a text that is in the file."""
    path = folder / name
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def refuse(folder: Path, name: str, before: str, after: str, complaint: str) -> None:
    """Change a file, and expect that the library is refused with this complaint."""
    change(folder, name, before, after)
    with pytest.raises(PlaybookInvalid, match=complaint):
        load(folder)
