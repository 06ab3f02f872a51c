"""Lines and columns in the files of a library."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cases.errors import PlaybookInvalid
from bot.cases.finding import Finding, Severity
from bot.lazy_module import LazyModule

if TYPE_CHECKING:
    from knowledge.library import marked_yaml
else:
    # Its library is large, and whoever imports this may never open a file.
    marked_yaml = LazyModule("knowledge.library.marked_yaml")

#: The way to a value: names of fields and numbers of items.
Way = tuple[int | str, ...]
PLAYBOOKS = "playbooks"


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """One file with the place of each value."""

    #: As people name it, from the folder of the library.
    name: str
    text: str
    #: What ruamel read; empty where it could not.
    document: Any

    def find(self, way: Way, word: str = "") -> tuple[int, int]:
        """Return line and column of a value or a word inside.

        Parts of the way that are missing are passed over.
        """
        line, column = _find_value(self.document, way)
        return self.find_word(word, line) or (line, column)

    def find_word(self, word: str, first_line: int = 1) -> tuple[int, int] | None:
        """Return where a word stands first from a line on, or None."""
        if not word:
            return None
        pattern = re.compile(rf"(?<![\w.]){re.escape(word)}(?![\w])")
        for number, text in enumerate(self.text.splitlines()[first_line - 1 :], first_line):
            match = pattern.search(text)
            if match:
                return number, match.start() + 1
        return None

    def indent(self, line: int) -> int:
        """Return the column of the first letter of a line."""
        lines = self.text.splitlines()
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        return len(text) - len(text.lstrip()) + 1 if text.strip() else 0


@dataclass(frozen=True, slots=True)
class LibraryFiles:
    """The files of a folder, each read once."""

    folder: Path
    _files: dict[Path, LibraryFile] = field(default_factory=dict)

    def open(self, path: Path) -> LibraryFile:
        """Read a file as it is."""
        if path not in self._files:
            self._files[path] = self._read(path)
        return self._files[path]

    def root(self, name: str) -> LibraryFile:
        """Read a file of the folder itself, like ``systems.yml``."""
        return self.open(self.folder / name)

    def find_file(self, name: str) -> LibraryFile | None:
        """Read the file that a complaint names without its folder."""
        for path in (self.folder / name, *self.playbook_paths()):
            if path.name == name and path.is_file():
                return self.open(path)
        return None

    def playbook_paths(self) -> Iterator[Path]:
        """Iterate over the files of playbooks, also of packs."""
        yield from sorted(self.folder.glob(f"**/{PLAYBOOKS}/*.yml"))

    def playbook(self, kind: str) -> LibraryFile:
        """Return the file of a kind."""
        for path in self.playbook_paths():
            file = self.open(path)
            if file.document.get("kind") == kind:
                return file
        return LibraryFile("", "", {})

    def finding(
        self,
        file: LibraryFile,
        way: Way,
        sentence: str,
        *,
        word: str = "",
        suggestion: str = "",
        severity: Severity = Severity.ERROR,
    ) -> Finding:
        """Return a finding at a value, or at a word in it."""
        line, column = file.find(way, word)
        if not file.name:
            line, column = 0, 0
        return Finding(
            sentence=sentence,
            suggestion=suggestion,
            severity=severity,
            file=file.name,
            line=line,
            column=column,
        )

    def _read(self, path: Path) -> LibraryFile:
        name = str(path.relative_to(self.folder))
        try:
            raw = path.read_bytes()
        except OSError:
            return LibraryFile(name, "", {})
        text = raw.decode("utf-8", "replace")
        try:
            return LibraryFile(name, text, marked_yaml.parse(path, raw))
        except PlaybookInvalid:
            return LibraryFile(name, text, {})


def _find_value(document: Any, way: Way) -> tuple[int, int]:
    """Return line and column of a value, or of its surroundings."""
    position = (0, 0)
    value = document
    for part in way:
        try:
            # An empty mapping has no places at all.
            place = value.lc.item(part) if isinstance(part, int) else value.lc.key(part)
            position = place or position
            value = value[part]
        except (KeyError, IndexError, AttributeError, TypeError):
            continue
    return position[0] + 1, position[1] + 1
