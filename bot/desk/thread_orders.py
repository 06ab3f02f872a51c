"""Answer orders in words in the thread of a case.

Words never decide. The answer is private: a question with the button that decides, or the reason
why there is none. The button carries the plan that was current when the words were said.
"""

from dataclasses import asdict, dataclass, replace
from typing import assert_never

from bot.cases.actor import Surface
from bot.cases.approval import Person, is_colleague
from bot.cases.authority import ineligibility
from bot.cases.caller import Caller
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import Approve, DecisionKind
from bot.cases.decide import decide, must_be_current
from bot.cases.errors import MoveNotAllowed, NotEligible, Refusal
from bot.desk.callers import Callers
from bot.desk.case_answers import describe_state
from bot.desk.spoken_times import read_time
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.ports.question_log import QuestionLog, QuestionRecord
from bot.views.thread_orders import (
    Confirmation,
    OrderKind,
    PostedOrder,
    describe_orders,
)

#: More people of one name than this are not offered as buttons.
MAX_PEOPLE = 4
UNCLEAR = "That is not clear, so nothing was done."
TO_ONESELF = "Nothing was done: to take it on yourself, press “I'm on it” on its card."
SPEAKERS = frozenset({"me", "myself"})
DECISIONS = {
    OrderKind.APPROVE: DecisionKind.APPROVE,
    OrderKind.REJECT: DecisionKind.REJECT,
    OrderKind.HAND_OVER: DecisionKind.HAND_OVER,
    OrderKind.SNOOZE: DecisionKind.SNOOZE,
}


@dataclass(frozen=True, kw_only=True)
class ThreadOrders:
    """Record orders, and answer each once."""

    cases: CaseStore
    callers: Callers
    question_log: QuestionLog
    outbox: Outbox
    library: Library
    chat: Chat
    clock: Clock

    def receive(self, posted_order: PostedOrder) -> None:
        """Record an order and the request to answer it.

        Slack may deliver a message twice: the id makes both one order.
        """
        now = self.clock()
        case = self.cases.case(posted_order.case_id)
        posted_order = replace(posted_order, snapshot=describe_snapshot(case))
        record = QuestionRecord(
            id=posted_order.id,
            asked_at=now,
            person=posted_order.person,
            text=posted_order.text,
        )
        message = OutboxMessage(
            topic=Topic.ORDER,
            key=f"order:{posted_order.case_id}:{posted_order.id}",
            case_id=posted_order.case_id,
            run_at=now,
            payload=asdict(posted_order),
        )
        self.question_log.record(record, message)

    def run(self, message: LeasedMessage) -> None:
        """Answer an order, to the person alone."""
        posted_order = PostedOrder.parse(message.payload)
        case = self.cases.case(posted_order.case_id)
        confirmation = self._confirm(posted_order, case)
        if confirmation:
            self.chat.confirm(posted_order, confirmation)
        self.question_log.record_reading(posted_order.id, f"{posted_order.order.kind} {case.id}")
        self.outbox.finish(message)

    def _confirm(self, posted_order: PostedOrder, case: Case) -> Confirmation | None:
        """Answer an order; None for a program, which gets no answer."""
        confirmation = Confirmation(
            case=case,
            order=posted_order.order,
            labels=self.library.labels(),
        )
        try:
            caller = self.callers.for_case(case, posted_order.person, Surface.SLACK)
        except NotEligible as refusal:
            return replace(confirmation, refusal=_sentence(str(refusal)))
        if caller.person.bot:
            return None
        refusal_text = self._refusal(posted_order, case, caller)
        if refusal_text:
            return replace(confirmation, refusal=refusal_text)
        match posted_order.order.kind:
            case OrderKind.HAND_OVER:
                return self._with_people(confirmation, caller.person)
            case OrderKind.SNOOZE:
                return self._with_time(confirmation, caller.person)
            case OrderKind.APPROVE | OrderKind.REJECT:
                return confirmation
            case OrderKind.UNCLEAR:
                return replace(confirmation, refusal=f"{UNCLEAR} {describe_orders()}")
            case _:
                assert_never(posted_order.order.kind)

    def _refusal(self, posted_order: PostedOrder, case: Case, caller: Caller) -> str:
        """Say why the button would be refused; "" if it works."""
        decision = DECISIONS.get(posted_order.order.kind)
        if decision is None:
            return ""
        snapshot = CardSnapshot.of(case)
        try:
            must_be_current(case, decision, snapshot)
            reason = ineligibility(case, decision, caller)
            if reason is None and decision is DecisionKind.APPROVE:
                self._try_approval(case, caller)
        except MoveNotAllowed:
            state = describe_state(case)
            return f"Nothing was done: {state}. Its card has the buttons that work now."
        except Refusal as refusal:
            return _sentence(str(refusal))
        if reason:
            return _sentence(reason)
        if posted_order.snapshot != describe_snapshot(case):
            return f"{case.id} has changed since you said that. Look at its card, and say it again."
        return ""

    def _try_approval(self, case: Case, caller: Caller) -> None:
        """Raise the refusal that an approval would meet now. Nothing is written."""
        verdict = case.proposal.verdict
        if verdict and verdict.step_up:
            # The passkey is asked for by the form.
            return
        decide(case, Approve(caller, CardSnapshot.of(case), note="in words"), self.clock())

    def _with_people(self, confirmation: Confirmation, speaker: Person) -> Confirmation:
        """Find the colleague who was meant; several when that is not clear."""
        order = confirmation.order
        people: list[Person] = []
        if order.to_user:
            people = self._find_account(order.to_user, speaker)
        elif order.to_name.casefold() in SPEAKERS:
            people = [speaker]
        elif order.to_name:
            people = self.callers.directory.find_people(order.to_name)
        if [person.id for person in people] == [speaker.id]:
            return replace(confirmation, refusal=TO_ONESELF)
        return replace(confirmation, people=tuple(people[: MAX_PEOPLE + 1]))

    def _find_account(self, user_id: str, speaker: Person) -> list[Person]:
        team = speaker.id.partition("/")[0]
        try:
            person = self.callers.directory.person(f"{team}/{user_id}")
        except NotEligible:
            return []
        return [person] if is_colleague(person) else []

    def _with_time(self, confirmation: Confirmation, speaker: Person) -> Confirmation:
        """Read the time, on the clock of whoever said it."""
        until = read_time(
            confirmation.order.until,
            self.clock(),
            self.library.hours(confirmation.case.channel),
            zone=speaker.zone,
        )
        return replace(confirmation, until=until)


def describe_snapshot(case: Case) -> str:
    """Write the plan and state of a case, to compare them later."""
    snapshot = CardSnapshot.of(case)
    return f"{snapshot.revision}:{snapshot.checksum}:{snapshot.state.code}:{snapshot.doubt}"


def _sentence(refusal: str) -> str:
    return f"Nothing was done: {refusal}."
