"""Findings of checks of files, settings, systems and Slack."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """The weight of a finding.

    error: something will not work, or not as its reader expects. hint: it works; somebody may want
    to know.
    """

    ERROR = "error"
    HINT = "hint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A sentence, what to do about it, and its place.

    The place is empty where there is none in a file.
    """

    sentence: str
    #: What to do, as a sentence in the imperative; empty when the first one says it.
    suggestion: str = ""
    severity: Severity = Severity.ERROR
    #: The file relative to the library's folder; empty for a finding outside of files.
    file: str = ""
    #: Counted from 1; 0 where nobody knows.
    line: int = 0
    column: int = 0

    @property
    def place(self) -> str:
        """The place as editors and terminals know it, like ``policy.yml:3:7``."""
        parts = [self.file, *(str(number) for number in (self.line, self.column) if number)]
        return ":".join(parts) if self.file else ""
