"""Watched folders: each row of a new file is a signal.

A folder is local or in an object store. A file that has been read moves to ``read/``, beside a list
of the rows that could not be. One that is read again, after a crash, counts nothing twice.
"""

import csv
import io
import logging
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.cases.errors import BadRequest, KeyReused
from bot.cases.source import Folder, Source
from bot.desk.intake import Intake
from bot.lazy_module import LazyModule
from bot.ports.file_rows import FileRow, RowReader

if TYPE_CHECKING:
    import fsspec
    from fsspec.spec import AbstractFileSystem
else:
    # Few bots watch a folder.
    fsspec = LazyModule("fsspec")

log = logging.getLogger(__name__)
READ_FOLDER = "read"
PROBLEMS_SUFFIX = ".problems.csv"

#: What changes when a file does.
State = tuple[object, ...]


@dataclass(kw_only=True)
class FolderWatch:
    """Reads the new files of one source's folder."""

    source: Source
    folder: Folder
    intake: Intake
    read_rows: RowReader
    #: Size and time of each file as the last look found it.
    _states: dict[str, State] = field(default_factory=dict, init=False)
    #: Files that have been read and cannot be moved.
    _files_in_place: dict[str, State] = field(default_factory=dict, init=False)

    def poll(self) -> int:
        """Read the files that are complete; return how many.

        One that grows is still being written. A folder that cannot be read changes nothing.
        """
        try:
            files, root = fsspec.core.url_to_fs(self.folder.path)
            states = _list_files(files, root, self.folder.pattern)
        except (OSError, ValueError, ImportError) as failure:
            log.warning("the folder of source %s cannot be read: %s", self.source.name, failure)
            return 0
        quiet = [path for path, state in states.items() if self._states.get(path) == state]
        self._states = states
        new = [path for path in quiet if self._files_in_place.get(path) != states[path]]
        return sum(self._read_file(files, path) for path in sorted(new))

    def _read_file(self, files: "AbstractFileSystem", path: str) -> bool:
        """Read a file; False for one that stays for the next look."""
        problems: list[tuple[int, str]] = []
        name = posixpath.basename(path)
        try:
            with files.open(path, "rb") as raw:
                stream = io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline="")
                for row in self.read_rows(stream, name, self.source):
                    self._take(row, problems)
        except BadRequest as error:
            problems.append((1, str(error)))
        except OSError as failure:
            log.warning("a file of source %s: %s", self.source.name, failure)
            return False
        if problems:
            log.warning("%s rows of %s could not be read", len(problems), name)
        self._set_aside(files, path, problems)
        return True

    def _take(self, row: FileRow, problems: list[tuple[int, str]]) -> None:
        if row.problem:
            problems.append((row.line, row.problem))
        elif row.signal is None:
            self.intake.ignore(self.source.name, row.ignored_event)
        else:
            try:
                self.intake.receive(row.signal, row.raw)
            except KeyReused as error:
                problems.append((row.line, str(error)))

    def _set_aside(
        self, files: "AbstractFileSystem", path: str, problems: list[tuple[int, str]]
    ) -> None:
        """Move a file, and list the rows that could not be read."""
        folder, name = posixpath.split(path)
        target = f"{folder}/{READ_FOLDER}/{name}"
        try:
            files.makedirs(f"{folder}/{READ_FOLDER}", exist_ok=True)
            files.mv(path, _free_path(files, target))
            if problems:
                files.pipe(f"{target}{PROBLEMS_SUFFIX}", _write_problems(problems))
        except OSError as failure:
            # Remembered while this process runs. After a start it is read again, for nothing.
            self._files_in_place[path] = self._states[path]
            log.warning("file %s cannot be moved: %s", name, failure)


def _list_files(files: "AbstractFileSystem", root: str, pattern: str) -> dict[str, State]:
    """Return size and time of each file directly in a folder."""
    # A store keeps what it has listed, and would show nothing new.
    files.invalidate_cache()
    details = files.glob(f"{root.rstrip('/')}/{pattern}", detail=True)
    return {
        path: (info.get("size"), info.get("mtime") or info.get("LastModified"), info.get("ETag"))
        for path, info in details.items()
        if info["type"] == "file"
    }


def _free_path(files: "AbstractFileSystem", target: str) -> str:
    """Return this path, with a number where it is taken."""
    stem, dot, suffix = target.rpartition(".")
    number = 1
    path = target
    while files.exists(path):
        number += 1
        path = f"{stem}-{number}{dot}{suffix}"
    return path


def _write_problems(problems: list[tuple[int, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["line", "problem"])
    writer.writerows(problems)
    return text.getvalue().encode()
