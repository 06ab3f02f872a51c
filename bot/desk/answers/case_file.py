"""The file of one case: everything that its answers rest on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from bot.cases.case import Case
from bot.cases.controls import ActivePause, DeskControls
from bot.cases.entries import Entry
from bot.cases.playbook import Playbook
from bot.desk.answers.asker import Asker
from bot.desk.answers.names import Names, scope_title
from bot.desk.case_texts import local_time
from bot.desk.history_texts import describe_decision
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.views.labels import Labels

_ACTION = re.compile(r"\b[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\b")
_CHANNEL = re.compile(r"\b[CG][A-Z0-9]{4,}\b")
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A point of a case in words, as it is recorded."""

    #: The answer itself, in one sentence or two.
    text: str
    #: Further sentences, one line each.
    facts: tuple[str, ...] = ()
    #: Other cases that it rests on. The asker may see them.
    cases: tuple[Case, ...] = ()


# No slots: the labels are read once and kept.
@dataclass(frozen=True, kw_only=True)
class CaseFile:
    """A case with its ledger, the asker's clock and names."""

    case: Case
    #: The oldest first.
    entries: Sequence[Entry]
    asker: Asker
    now: datetime
    names: Names
    library: Library
    controls: DeskControls

    @property
    def id(self) -> str:
        return self.case.id

    @cached_property
    def playbook(self) -> Playbook:
        """Return the playbook of the kind, or that of unrecognised cases."""
        return self.library.playbook(self.case.kind)

    @cached_property
    def labels(self) -> Labels:
        """Return what people read in place of names in code."""
        return self.library.labels()

    @property
    def pause(self) -> ActivePause | None:
        """Return the pause that stops the plan now."""
        return self.controls.pause_on(self.case.kind, self.case.proposal.plan)

    def time(self, at: datetime) -> str:
        """Write a moment on the clock of the asker."""
        return local_time(at, self.asker.hours, self.now)

    def decision_text(self, entry: Entry) -> str:
        """Say what was decided and when.

        Empty for an entry that records no decision.
        """
        return describe_decision(entry, self.asker.hours, self.now)

    def without_id(self, text: str) -> str:
        """Leave out the id of the case in front of a sentence."""
        return text.removeprefix(f"{self.id}: ")

    def words(self, text: object) -> str:
        """Replace stored names of actions, channels and days in a text."""
        words = _ACTION.sub(self._action_title, str(text))
        words = _CHANNEL.sub(self._channel_title, words)
        return _DAY.sub(self._day, words)

    @property
    def pause_reason(self) -> str:
        """Say what stops the plan now, by whom and why.

        Empty when nothing does.
        """
        pause = self.pause
        if pause is None:
            return ""
        scope = scope_title(pause.scope, self.labels)
        # It stands within a sentence.
        return f"{scope} is paused by {pause.by_name}: {pause.reason.removesuffix('.')}"

    def _channel_title(self, match: re.Match[str]) -> str:
        title = self.labels.channels.get(match[0])
        return f"#{title}" if title else match[0]

    def _day(self, match: re.Match[str]) -> str:
        try:
            day = date.fromisoformat(match[0])
        except ValueError:
            return match[0]
        text = f"{day:%a} {day.day} {day:%b}"
        return text if day.year == self.now.year else f"{text} {day.year}"

    def _action_title(self, match: re.Match[str]) -> str:
        title = self.labels.actions.get(match[0])
        return f"“{title}”" if title else match[0]

    def names_here(self, accounts: Sequence[str]) -> tuple[str, ...]:
        """Name these owners or groups, each with its members."""
        return tuple(self.names.owner(account) for account in accounts)


@dataclass(frozen=True, kw_only=True)
class CaseFiles:
    """Open the files of cases that the asker may see."""

    cases: CaseStore
    desk_controls: DeskControlsStore
    library: Library
    names: Names
    clock: Clock

    def open(self, case: Case, asker: Asker) -> CaseFile:
        """Read everything that is recorded of a case."""
        return CaseFile(
            case=case,
            entries=self.cases.entries(case.id),
            asker=asker,
            now=self.clock(),
            names=self.names,
            library=self.library,
            controls=self.desk_controls.load(),
        )
