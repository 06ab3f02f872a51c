"""Interruption budgets: one message for all that may wait.

Such a message is a list of cases. It is recorded as lists are, and follows its cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases.calls import (
    ABOUT_OWN_REQUEST,
    Call,
    CallSubject,
    may_be_held,
    may_wait,
    next_slot,
)
from bot.cases.case import Case
from bot.cases.delegation import Delegation
from bot.desk.call_records import (
    SLOT_PREFIX,
    budget_prefix,
    slot_key,
    slot_person,
    slot_time,
)
from bot.desk.eligibility import Eligibility
from bot.desk.rows import with_cards
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.chat import Chat, PostedMessage
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.views.calls import SlotCall
from bot.views.rows import CaseRow

BUDGET_PERIOD = timedelta(hours=1)
SECTION = "cases"
MAX_ROWS = 10
# The rows that are read, since the reader may not decide all of them any more.
MAX_CANDIDATES = 100
MAX_COLLECTED = 30


@dataclass(frozen=True, kw_only=True)
class CallSlots:
    """Hold direct messages back, and send them together."""

    queries: CaseQueries
    card_store: CardStore
    #: Records the budgets, and where the messages of slots stand.
    live_lists: LiveLists
    outbox: Outbox
    library: Library
    directory: Directory
    eligibility: Eligibility
    chat: Chat
    clock: Clock

    # --- hold back --------------------------------------------------------------------------------

    def take(
        self, message: LeasedMessage, case: Case, *, person: str, subject: CallSubject
    ) -> bool:
        """Hold a new direct message back for the person's next slot.

        Tell whether it was; otherwise it is sent now, and counts towards the budget.
        """
        if subject in ABOUT_OWN_REQUEST:
            return False
        key = self._choose_slot(message, case, person=person, subject=subject)
        if not key:
            return False
        self.live_lists.add(case.id, key)
        self.outbox.finish(message, [_slot_message(key)])
        return True

    def _choose_slot(
        self, message: LeasedMessage, case: Case, *, person: str, subject: CallSubject
    ) -> str:
        """Choose the slot of a direct message once; "" sends it now."""
        key = f"{budget_prefix(person)}{message.key}"
        record = self.live_lists.get(key)
        if record:
            # Chosen by an attempt that was interrupted.
            return record.place
        now = self.clock()
        place = ""
        if may_be_held(subject, case) and self._must_hold(case, person, subject):
            slot = next_slot(now, self.library.hours(case.channel))
            place = slot_key(person, slot)
        record = LiveList(
            key=key,
            place=place,
            ts="",
            sections={},
            shown_at=now,
        )
        # Before the message is sent: one that is tried again is neither counted twice nor held.
        self.live_lists.save(record, follow=False)
        return place

    def _must_hold(self, case: Case, person: str, subject: CallSubject) -> bool:
        """Tell whether the person is off work or beyond their budget."""
        now = self.clock()
        rules = self.library.call_rules(case.channel, case.kind)
        is_open = self.library.hours(case.channel).is_open(now)
        if not is_open and may_wait(Call(subject, matter=""), case, rules):
            return True
        records = self.live_lists.find(budget_prefix(person), now - BUDGET_PERIOD)
        count = sum(not record.place for record in records)
        return count >= rules.per_hour

    # --- send -------------------------------------------------------------------------------------

    def follow(self, case: Case, live_list_keys: Sequence[str]) -> None:
        """Update the messages that show a case which has changed."""
        now = self.clock()
        keys = [key for key in live_list_keys if key.startswith(SLOT_PREFIX)]
        # What stands for a slot to come is read when it comes.
        due_keys = [key for key in keys if slot_time(key) <= now]
        messages = [_slot_message(key, now) for key in due_keys]
        self.outbox.enqueue(messages)

    def run(self, message: LeasedMessage) -> None:
        """Send the message of a slot, or update it."""
        live_list = self.live_lists.get(message.key)
        now = self.clock()
        if live_list is None and now < slot_time(message.key):
            self.outbox.wait(message, slot_time(message.key), "it waits for its slot")
            return
        person = slot_person(message.key)
        if live_list is None and "giver" in message.payload:
            self._collect(message.key, str(message.payload["giver"]))
        rows, more = self._rows(message.key, person, live_list)
        if not rows:
            # All were decided before the slot: nobody is called.
            self.outbox.finish(message)
            return
        slot = SlotCall(
            key=message.key,
            person=person,
            rows=rows,
            more=more,
            labels=self.library.labels(),
        )
        self._draw(slot, live_list, message)

    def _collect(self, key: str, giver: str) -> None:
        """Collect what waits for somebody who lets another decide."""
        members = self.directory.groups(self.library.deciders())
        handles = sorted(handle for handle, people in members.items() if giver in people)
        waits_on = CaseFilter(waits_on=(giver, *handles))
        for case in self.queries.find(waits_on, MAX_COLLECTED):
            self.live_lists.add(case.id, key)

    def _draw(self, slot: SlotCall, live_list: LiveList | None, message: LeasedMessage) -> None:
        reference = None
        if live_list:
            reference = PostedMessage(slot.key, live_list.place, live_list.ts)
        look_first = message.uncertain_attempts > 1
        place = self.chat.draw_message(slot, reference, look_first=look_first)
        record = LiveList(
            key=slot.key,
            place=place.channel,
            ts=place.ts,
            sections={SECTION: tuple(row.case.id for row in slot.rows)},
            shown_at=live_list.shown_at if live_list else self.clock(),
        )
        if self.live_lists.save(record, cases=[row.case for row in slot.rows]):
            self.outbox.enqueue([_slot_message(slot.key, self.clock())])
        self.outbox.finish(message)

    def _rows(
        self, key: str, person: str, live_list: LiveList | None
    ) -> tuple[tuple[CaseRow, ...], int]:
        """List the rows of a message, and count further cases.

        A message that was sent keeps its rows.
        """
        if live_list:
            case_ids = list(live_list.sections.get(SECTION, ()))
            by_id = self.queries.by_id(case_ids)
            cases = [by_id[case_id] for case_id in case_ids if case_id in by_id]
            return self._mark(cases, person), 0
        # By money and time left, as every list of cases is.
        cases = self.queries.find(CaseFilter(live_list=key), MAX_CANDIDATES)
        rows = [row for row in self._mark(cases, person) if row.is_decidable]
        return tuple(rows[:MAX_ROWS]), max(0, len(rows) - MAX_ROWS)

    def _mark(self, cases: Sequence[Case], person: str) -> tuple[CaseRow, ...]:
        rows = with_cards(self.card_store, self.directory, cases)
        return self.eligibility.mark(rows, person)


def _slot_message(key: str, now: datetime | None = None) -> OutboxMessage:
    """Request the message of a slot.

    It is sent once, however often it is requested.
    """
    return OutboxMessage(
        topic=Topic.CALL,
        key=key,
        case_id="",
        run_at=now or slot_time(key),
        payload={"slot": key},
    )


def delegated_cases_message(delegation: Delegation, now: datetime) -> OutboxMessage:
    """Request the message about the giver's cases when a delegation begins."""
    at = max(delegation.begins_at, now)
    # Apart from the slots of the person, which may be at the same time.
    key = slot_key(f"delegation:{delegation.taker}", at)
    return OutboxMessage(
        topic=Topic.CALL,
        key=key,
        case_id="",
        run_at=at,
        payload={"slot": key, "giver": delegation.giver},
    )
