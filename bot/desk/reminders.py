"""Reminders that one person sends to another."""

from collections.abc import Sequence
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
from bot.ports.outbox import Outbox, OutboxMessage, Topic

#: One person reminds another once in this time.
PAIR_INTERVAL = timedelta(hours=4)
#: A person sends so many reminders in ``SENDER_INTERVAL``.
MAX_REMINDERS = 5
SENDER_INTERVAL = timedelta(days=1)
MAX_SEARCHED = 200
MAX_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Reminders:
    """Remind people of what waits on them, within limits."""

    queries: CaseQueries
    queues: Queues
    visibility: Visibility
    directory: Directory
    #: Keeps who was reminded by whom, and when.
    live_lists: LiveLists
    outbox: Outbox
    clock: Clock

    def remind(self, *, by: str, of: str, case_id: str = "") -> str:
        """Remind a person of all that waits on them, or of one case.

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
        now = self.clock()
        self._must_be_rare(by, recipient, now)
        # The slot makes two presses at the same moment one message.
        slot = int(now.timestamp() // PAIR_INTERVAL.total_seconds())
        message = OutboxMessage(
            topic=Topic.CALL,
            key=f"call:reminder:{by}:{of}:{slot}",
            case_id="",
            run_at=now,
            payload={"notice": _notice(sender, cases), "to": of},
        )
        self.outbox.enqueue([message])
        self._record(by, of, now)
        return f"I reminded {recipient.name} of {count_noun(len(cases), 'case')}."

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

    def _must_be_rare(self, by: str, recipient: Person, now: datetime) -> None:
        history = self._history(by, now)
        times = [at for times in history.values() for at in times]
        if len(times) >= MAX_REMINDERS:
            raise NotNow(f"you have sent {MAX_REMINDERS} reminders in a day; that is the most")
        for at in history.get(recipient.id, []):
            if now - at < PAIR_INTERVAL:
                hours = int(PAIR_INTERVAL.total_seconds() // 3600)
                name = recipient.name
                raise NotNow(f"you reminded {name} already; once in {hours} hours is the most")

    def _history(self, by: str, now: datetime) -> dict[str, list[datetime]]:
        """Return when this person reminded whom, within the interval of senders."""
        live_list = self.live_lists.get(_key(by))
        history: dict[str, list[datetime]] = {}
        for account, texts in (live_list.sections if live_list else {}).items():
            times = [datetime.fromisoformat(text) for text in texts]
            history[account] = [at for at in times if now - at < SENDER_INTERVAL]
        return history

    def _record(self, by: str, of: str, now: datetime) -> None:
        history = self._history(by, now)
        history.setdefault(of, []).append(now)
        sections = {}
        for account, times in history.items():
            if times:
                sections[account] = [at.isoformat() for at in times]
        live_list = LiveList(
            key=_key(by),
            place=by,
            ts="",
            sections=sections,
            shown_at=now,
        )
        self.live_lists.save(live_list, follow=False)


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
