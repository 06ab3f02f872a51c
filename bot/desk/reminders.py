"""Reminders that one person sends to another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases.approval import Person, is_colleague
from bot.cases.case import Case
from bot.cases.errors import BadRequest, NotEligible, NotNow
from bot.cases.notices import moment
from bot.desk.case_texts import count_noun, verb
from bot.desk.queues import Queues
from bot.desk.visibility import Visibility
from bot.ports.case_queries import CaseQueries
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import OutboxMessage, Topic

#: One person reminds another once in this time.
PAIR_INTERVAL = timedelta(hours=4)
#: A person sends so many reminders in ``SENDER_INTERVAL``.
MAX_REMINDERS = 5
SENDER_INTERVAL = timedelta(days=1)
MAX_SEARCHED = 200
MAX_NAMED = 5
#: A reminder that was overtaken is judged again so often.
MAX_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class Reminders:
    """Remind people of what waits on them, within limits."""

    queries: CaseQueries
    queues: Queues
    visibility: Visibility
    directory: Directory
    #: Keeps who was reminded by whom, and when.
    live_lists: LiveLists
    clock: Clock

    def remind(self, *, by: str, of: str, case_id: str = "") -> str:
        """Remind a person of one case, or all that wait on them.

        Return what was done, in words.

        Raises:
            BadRequest: a person cannot be reminded by themselves.
            NotEligible: only colleagues remind, and only colleagues are reminded.
            NotNow: this person, or anybody, was reminded too often of late.
        """
        sender = self._colleague(by, "only members of this workspace may remind others")
        recipient = self._colleague(of, "only members of this workspace are reminded")
        if by == of:
            raise BadRequest("choose somebody else to remind", field="of")
        cases = self.shared_cases(by=by, of=of, case_id=case_id)
        if not cases:
            return f"Nothing that you both may see waits on {recipient.name}, so I sent nothing."
        message = self._message(by, of, _notice(sender, cases))
        for _ in range(MAX_ATTEMPTS):
            if self._send(message, by, recipient):
                return f"I reminded {recipient.name} of {count_noun(len(cases), 'case')}."
        raise NotNow("several reminders of yours are being sent at this moment; try again")

    def _message(self, by: str, of: str, notice: str) -> OutboxMessage:
        now = self.clock()
        # The slot makes two presses at the same moment one message.
        slot = int(now.timestamp() // PAIR_INTERVAL.total_seconds())
        return OutboxMessage(
            topic=Topic.CALL,
            key=f"call:reminder:{by}:{of}:{slot}",
            case_id="",
            run_at=now,
            payload={"notice": notice, "to": of},
        )

    def _send(self, message: OutboxMessage, by: str, recipient: Person) -> bool:
        """Send a reminder and record it; False when another was recorded meanwhile.

        Raises:
            NotNow: this person, or anybody, was reminded too often of late.
        """
        now = self.clock()
        live_list = self.live_lists.get(_key(by))
        history = _history(live_list, now)
        _must_be_rare(history, recipient, now)
        history.setdefault(recipient.id, []).append(now)
        sections = {}
        for account, times in history.items():
            if times:
                sections[account] = [at.isoformat() for at in times]
        record = LiveList(key=_key(by), place=by, ts="", sections=sections, shown_at=now)
        return self.live_lists.replace(record, previous=live_list, messages=[message])

    def shared_cases(self, *, by: str, of: str, case_id: str = "") -> list[Case]:
        """List what waits on a person, and both may see."""
        cases, _ = self.queues.waiting_on(self.visibility.viewer(of), limit=MAX_SEARCHED)
        channels = self.visibility.viewer(by).channels
        common_cases = []
        for case in cases:
            is_meant = case_id in {"", case.id}
            if is_meant and (case.channel in channels or self.queries.is_party(by, case.id)):
                common_cases.append(case)
        return common_cases

    def _colleague(self, account: str, refusal: str) -> Person:
        person = self.directory.person(account)
        if not is_colleague(person):
            raise NotEligible(refusal)
        return person


def _must_be_rare(history: Mapping[str, list[datetime]], recipient: Person, now: datetime) -> None:
    times = [at for times in history.values() for at in times]
    if len(times) >= MAX_REMINDERS:
        raise NotNow(f"you have sent {MAX_REMINDERS} reminders in a day; that is the most")
    for at in history.get(recipient.id, []):
        if now - at < PAIR_INTERVAL:
            hours = int(PAIR_INTERVAL.total_seconds() // 3600)
            name = recipient.name
            raise NotNow(f"you reminded {name} already; once in {hours} hours is the most")


def _history(live_list: LiveList | None, now: datetime) -> dict[str, list[datetime]]:
    """Return who was reminded when, within the interval of senders."""
    history: dict[str, list[datetime]] = {}
    for account, texts in (live_list.sections if live_list else {}).items():
        times = [datetime.fromisoformat(text) for text in texts]
        history[account] = [at for at in times if now - at < SENDER_INTERVAL]
    return history


def _key(person: str) -> str:
    return f"reminders-by:{person}"


def _notice(sender: Person, cases: Sequence[Case]) -> str:
    """Write what waits, and from whom the reminder is."""
    count = count_noun(len(cases), "case")
    wait = verb(len(cases), "waits", "wait")
    lines = [f"{sender.name} reminds you: {count} {wait} on you."]
    for case in cases[:MAX_NAMED]:
        due = moment(case.timers.sla.decide_by)
        lines.append(f"{case.id}: {case.signal.title}, to be decided by {due}")
    if len(cases) > MAX_NAMED:
        lines.append(f"And {len(cases) - MAX_NAMED} more; my Home lists them all.")
    return "\n".join(lines)
