"""Act on cases whose time has come: wake, remind, escalate, expire."""

from dataclasses import dataclass
from datetime import datetime

from bot.cases import commands
from bot.cases.case import Case
from bot.cases.decide import decide
from bot.cases.errors import Conflict, MoveNotAllowed
from bot.cases.lifecycle import State
from bot.cases.sla import next_reminder
from bot.desk.effects import change
from bot.ports.case_queries import CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.library import Library

PAGE_SIZE = 100
# A stop for a clock that was set forward: what is left is due at the next call too.
MAX_PAGES = 500


@dataclass(frozen=True)
class Deadlines:
    """Find due cases, and decide each by what is due."""

    cases: CaseStore
    queries: CaseQueries
    library: Library
    clock: Clock

    def process_due(self) -> int:
        """Process everything that is due. Return how many cases moved."""
        now = self.clock()
        total = 0
        for _ in range(MAX_PAGES):
            page = self.queries.due(now, PAGE_SIZE)
            move_count = sum(self._process(case, now) for case in page)
            total += move_count
            if move_count < PAGE_SIZE:
                break
        return total

    def _process(self, case: Case, now: datetime) -> bool:
        """Process one case; False when somebody moved it first."""
        try:
            decision = decide(case, self._due_command(case, now), now)
            self.cases.commit(change(case, decision, self.library.playbook(case.kind)))
        except (Conflict, MoveNotAllowed):
            return False
        return True

    def _due_command(self, case: Case, now: datetime) -> commands.Command:
        """Choose between waking, escalation or expiry, and a reminder."""
        if case.state is State.SNOOZED:
            return commands.Wake()
        if _is_expired(case, now) or _is_late(case, now):
            return self._expire(case, now)
        next_reminder_at = next_reminder(
            case.timers.sla,
            reminders=case.timers.reminder_count,
            is_escalated=case.timers.is_escalated or case.state is State.OUTCOME_UNKNOWN,
            now=now,
            decide_for=self.library.playbook(case.kind).measure.decide_for,
            hours=self.library.hours(case.channel),
        )
        return commands.Remind(next_reminder_at)

    def _expire(self, case: Case, now: datetime) -> commands.Expire:
        """Escalate to the next owner; close the case without one."""
        playbook = self.library.playbook(case.kind)
        hours = self.library.hours(case.channel)
        decide_for = playbook.measure.decide_for
        expires_for = case.proposal.verdict.expires_for if case.proposal.verdict else decide_for
        return commands.Expire(
            playbook.owners.next_owner,
            remind_at=hours.add_working_time(now, decide_for / 2),
            decide_for=decide_for,
            expires_at=hours.next_opening(now + expires_for),
        )


def _is_expired(case: Case, now: datetime) -> bool:
    """Tell whether the proposed plan may not be approved any more."""
    if case.state is not State.PROPOSED or case.proposal.expires_at is None:
        return False
    return now >= case.proposal.expires_at


def _is_late(case: Case, now: datetime) -> bool:
    """Tell whether the decision is overdue and nobody else was asked yet."""
    if case.state is State.OUTCOME_UNKNOWN or case.timers.is_escalated:
        return False
    return now >= case.timers.sla.decide_by
