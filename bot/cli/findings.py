"""Findings of a check, for people and for machines."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bot.cases.errors import ChatFailed, PlaybookInvalid, RateLimited, Unreachable
from bot.cases.finding import Finding, Severity
from bot.cli.terminal import out, print_hanging, print_json
from bot.lazy_module import LazyModule
from bot.library_check import check_systems
from bot.ports.pinned_names import PinnedNames
from bot.preflight import find_problems, open_library
from bot.settings import NO_BOT_TOKEN, Settings
from knowledge.library import FileLibrary
from knowledge.library.complaints import find_ignored_files, read_complaints
from knowledge.library.places import LibraryFiles

if TYPE_CHECKING:
    from bot import slack_check
else:
    # Only who asks Slack loads its library.
    slack_check = LazyModule("bot.slack_check")

#: The status of a command that could not check anything.
UNCHECKED = 2
#: Of one cause so many places are printed.
MAX_PLACES = 5


@dataclass(slots=True)
class FindingGroup:
    """Findings that say the same, with their places."""

    sentence: str
    severity: Severity
    findings: list[Finding] = field(default_factory=list)

    @property
    def suggestions(self) -> list[str]:
        """List what to do, each once."""
        return list(dict.fromkeys(one.suggestion for one in self.findings if one.suggestion))

    @property
    def places(self) -> list[str]:
        """List where it is, each once."""
        return list(dict.fromkeys(one.place for one in self.findings if one.place))


def find_all_problems(settings: Settings) -> tuple[list[Finding], FileLibrary | None]:
    """Check settings, files and systems.

    Without a library, it cannot be read for the reasons found.
    """
    files = LibraryFiles(settings.library_dir)
    try:
        library = open_library(settings)
    except PlaybookInvalid as error:
        return [*read_complaints(str(error), files), *find_ignored_files(files)], None
    findings = find_problems(settings, library)
    findings += check_systems(library, files, settings.secret)
    return findings, library


def find_slack_problems(
    settings: Settings, library: FileLibrary, pins: PinnedNames
) -> list[Finding]:
    """Ask Slack about tokens, permissions, channels, groups and people."""
    if settings.slack_bot_token == NO_BOT_TOKEN:
        return [
            Finding(
                sentence="SLACK_BOT_TOKEN is not set, so Slack cannot be asked",
                suggestion="Set it to the Bot User OAuth Token of the app (xoxb-…).",
            )
        ]
    try:
        return slack_check.check_slack(settings, library, pins)
    except (ChatFailed, OSError) as failure:
        suggestion = "Compare SLACK_API_URL and the way to the network, and run this again."
        if isinstance(failure, RateLimited) and not isinstance(failure, Unreachable):
            suggestion = "Run this again in a minute; nothing is wrong with the way to Slack."
        return [Finding(sentence=f"Slack cannot be asked now: {failure}", suggestion=suggestion)]


def group_by_cause(findings: Iterable[Finding]) -> list[FindingGroup]:
    """Group the findings that say the same; errors come first."""
    causes: dict[tuple[str, Severity], FindingGroup] = {}
    for finding in findings:
        key = (finding.sentence, finding.severity)
        causes.setdefault(key, FindingGroup(*key)).findings.append(finding)
    return sorted(causes.values(), key=lambda cause: cause.severity is Severity.HINT)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Tell whether anything will not work."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def findings_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return the findings for machines."""
    return {
        "ok": not has_errors(findings),
        "problems": [_with_place(one) for one in findings if one.severity is Severity.ERROR],
        "findings": [asdict(finding) for finding in findings],
    }


def _with_place(finding: Finding) -> str:
    text = f"{finding.sentence} {finding.suggestion}".strip()
    if not finding.place:
        return text
    return f"{finding.place}: {text}"


def print_findings(findings: Sequence[Finding], *, otherwise: str, as_json: bool) -> int:
    """Print each cause once with its count; return the command's status.

    ``otherwise`` is printed where nothing is wrong.
    """
    if as_json:
        print_json(findings_json(findings))
    else:
        print_causes(group_by_cause(findings))
        if not has_errors(findings):
            out.print(otherwise, markup=False)
    return 1 if has_errors(findings) else 0


def print_causes(causes: Sequence[FindingGroup]) -> None:
    """Print each cause with its places, and what to do."""
    for cause in causes:
        sentence = _with_count(cause)
        if cause.severity is Severity.HINT:
            sentence = f"hint: {sentence}"
        places = cause.places
        if len(cause.findings) == 1 and places:
            # The form by which editors go to the place.
            sentence = f"{places[0]}: {sentence}"
        print_hanging("• ", sentence)
        for line in _lines_below(cause):
            print_hanging("    ", line)


def _lines_below(cause: FindingGroup) -> Iterator[str]:
    """Yield what to do, at each place where it differs."""
    suggestions, places = cause.suggestions, cause.places
    if len(cause.findings) == 1:
        yield from suggestions
        return
    if len(suggestions) <= 1:
        yield from _first_lines(places)
        yield from suggestions
        return
    lines = []
    for finding in cause.findings:
        parts = (finding.place, finding.suggestion)
        lines.append(": ".join(part for part in parts if part))
    yield from _first_lines(list(dict.fromkeys(filter(None, lines))))


def _with_count(cause: FindingGroup) -> str:
    count = len(cause.findings)
    sentence = cause.sentence.rstrip(".")
    return f"{sentence} ({count} times)." if count > 1 else f"{sentence}."


def _first_lines(lines: list[str]) -> list[str]:
    if len(lines) <= MAX_PLACES:
        return lines
    return [*lines[:MAX_PLACES], f"and {len(lines) - MAX_PLACES} more"]
