"""Missed calls: cases that nobody decided in time, though somebody was called.

They are part of the weekly review. The governance owners of their kinds are told with the next
digest of the channel.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.cases.approval import is_colleague
from bot.cases.calls import ABOUT_OWN_REQUEST, MAX_DIRECT_MESSAGES, CallSubject
from bot.cases.case import Case
from bot.cases.entries import Escalated
from bot.cases.errors import ChatFailed, NotEligible
from bot.cases.lifecycle import State
from bot.desk.call_records import (
    DIRECT_PREFIX,
    SLOT_PREFIX,
    mention_prefix,
    slot_person,
    slot_time,
)
from bot.desk.rows import SOMEBODY, with_cards
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.case_store import CaseStore
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.live_lists import LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.views.calls import MissedCall

MAX_CASES = 2_000
MAX_MISSES = 10


@dataclass(frozen=True, kw_only=True)
class MissedCalls:
    """Find missed calls, and report them to the governance owners."""

    cases: CaseStore
    queries: CaseQueries
    card_store: CardStore
    #: Records who was called.
    live_lists: LiveLists
    outbox: Outbox
    library: Library
    directory: Directory
    clock: Clock

    def find(self, scope: CaseFilter, since: datetime, until: datetime) -> list[MissedCall]:
        """List the misses of this span, those of most money first."""
        misses_only = replace(scope, is_missed=True)
        endings = replace(misses_only, ended_between=(since, until), is_over=True)
        candidates = [
            *self.queries.find(endings, MAX_CASES),
            *self.queries.find(misses_only, MAX_CASES),
        ]
        misses = []
        for case in candidates:
            missed_at = self._missed_at(case)
            if missed_at is not None and since <= missed_at < until:
                misses += self._describe(case, missed_at)
        return sorted(misses, key=_stake, reverse=True)[:MAX_MISSES]

    def _missed_at(self, case: Case) -> datetime | None:
        """Return the time of the expiry or escalation; None without one."""
        if case.state is State.EXPIRED:
            return case.ended_at
        if not case.timers.is_escalated:
            return None
        entries = self.cases.entries(case.id)
        escalations = [entry.at for entry in entries if isinstance(entry.body, Escalated)]
        return escalations[-1]

    def _describe(self, case: Case, missed_at: datetime) -> list[MissedCall]:
        """Describe a missed case; nothing where nobody was called."""
        accounts = self._accounts(case, missed_at)
        is_mentioned = self._is_mentioned(case, missed_at)
        if not accounts and not is_mentioned:
            return []
        (row,) = with_cards(self.card_store, self.directory, [case])
        names = tuple(self._name(account) for account in accounts)
        return [MissedCall(row=row, names=names, is_mentioned=is_mentioned)]

    def _accounts(self, case: Case, missed_at: datetime) -> list[str]:
        """List those who got a direct message about the case before."""
        later_subjects = {*ABOUT_OWN_REQUEST}
        if case.state is not State.EXPIRED:
            # That call followed from the escalation.
            later_subjects.add(CallSubject.ESCALATION)
        accounts = []
        for message in self.live_lists.find(f"{DIRECT_PREFIX}{case.id}:", case.timers.opened_at):
            if not later_subjects & {CallSubject(name) for name in message.sections}:
                accounts.append(message.key.rpartition(":")[2])
        for key in self.live_lists.keys_with(case.id):
            if key.startswith(SLOT_PREFIX) and slot_time(key) <= missed_at:
                accounts.append(slot_person(key))
        return list(dict.fromkeys(accounts))

    def _is_mentioned(self, case: Case, missed_at: datetime) -> bool:
        """Tell whether a group was mentioned in the channel before."""
        prefix = f"{mention_prefix(case.channel, case.kind)}{case.id}:"
        mentions = self.live_lists.find(prefix, case.timers.opened_at)
        return any(mention.shown_at <= missed_at for mention in mentions)

    def _name(self, account: str) -> str:
        try:
            return self.directory.person(account).name
        except (NotEligible, ChatFailed):
            return SOMEBODY

    # --- to those who answer for the kind ---------------------------------------------------------

    def report(self, message: LeasedMessage) -> None:
        """Tell the governance owners about the misses since the last digest."""
        channel = str(message.payload["missed"])
        since = _moment(message.payload["since"])
        due = _moment(message.payload["due"])
        misses = self.find(CaseFilter(channel=channel), since, due)
        by_owner: dict[str, list[MissedCall]] = {}
        for miss in misses:
            owner = self.library.playbook(miss.row.case.kind).owners.governance
            by_owner.setdefault(owner, []).append(miss)
        notices: list[OutboxMessage] = []
        for owner, owner_misses in by_owner.items():
            notices += self._notices(message.key, owner, owner_misses)
        self.outbox.finish(message, notices)

    def _notices(
        self, key: str, owner: str, misses: Sequence[MissedCall]
    ) -> Iterable[OutboxMessage]:
        """Request one message a member, unless the group is too large."""
        members = self._members(owner)
        if len(members) > MAX_DIRECT_MESSAGES:
            return
        text = _report_text(misses)
        for account in members:
            yield OutboxMessage(
                topic=Topic.CALL,
                key=f"{key}:{owner}:{account}",
                case_id="",
                run_at=self.clock(),
                payload={"notice": text, "to": account},
            )

    def _members(self, owner: str) -> list[str]:
        members = []
        groups = self.directory.groups([owner])
        for account in sorted(groups.get(owner, frozenset())):
            try:
                if is_colleague(self.directory.person(account)):
                    members.append(account)
            except NotEligible:
                # Slack does not know them: nobody can be told there.
                continue
        return members


def report_message(channel: str, *, since: datetime, due: datetime, now: datetime) -> OutboxMessage:
    """Request the report to the governance owners that goes with a digest."""
    return OutboxMessage(
        topic=Topic.CALL,
        key=f"missed:{channel}:{int(due.timestamp())}",
        case_id="",
        run_at=now,
        payload={"missed": channel, "since": since.timestamp(), "due": due.timestamp()},
    )


def _report_text(misses: Sequence[MissedCall]) -> str:
    lines = [f"{miss.title}: {miss.sentence}." for miss in misses]
    return "\n".join(["Nobody decided these in time, though somebody was called.", *lines])


def _stake(miss: MissedCall) -> float:
    stake = miss.row.case.assessment.stake
    return float(stake.amount) if stake else 0.0


def _moment(seconds: object) -> datetime:
    return datetime.fromtimestamp(float(str(seconds)), UTC)
