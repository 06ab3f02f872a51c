"""Confirmations of orders in words.

A confirmation decides nothing. It carries the button that does, or the reason why there is none.
"""

from dataclasses import dataclass, replace
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
from bot.desk.case_texts import describe_state
from bot.desk.spoken_times import read_time
from bot.ports.clock import Clock
from bot.ports.library import Library
from bot.views.thread_orders import Confirmation, OrderKind, ThreadOrder, describe_orders

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
class Confirmations:
    """Judge orders in words, without carrying out any."""

    callers: Callers
    library: Library
    clock: Clock

    def confirm(
        self, case: Case, order: ThreadOrder, by: str, *, snapshot: str = ""
    ) -> Confirmation | None:
        """Answer an order; None for a program, which gets no answer.

        ``snapshot``: the plan and state of the case when the words were said; empty for now.
        """
        confirmation = Confirmation(
            case=case,
            order=order,
            labels=self.library.labels(),
        )
        try:
            caller = self.callers.for_case(case, by, Surface.SLACK)
        except NotEligible as refusal:
            return replace(confirmation, refusal=_sentence(str(refusal)))
        if caller.person.bot:
            return None
        refusal_text = self._refusal(case, order, caller)
        if refusal_text:
            return replace(confirmation, refusal=refusal_text)
        if order.kind in DECISIONS and snapshot not in {"", describe_snapshot(case)}:
            return replace(confirmation, refusal=_describe_change(case))
        return self._complete(confirmation, caller.person)

    def _complete(self, confirmation: Confirmation, speaker: Person) -> Confirmation:
        """Add the people or the time that the order names."""
        match confirmation.order.kind:
            case OrderKind.HAND_OVER:
                return self._with_people(confirmation, speaker)
            case OrderKind.SNOOZE:
                return self._with_time(confirmation, speaker)
            case OrderKind.APPROVE | OrderKind.REJECT:
                return confirmation
            case OrderKind.UNCLEAR:
                return replace(confirmation, refusal=f"{UNCLEAR} {describe_orders()}")
            case _:
                assert_never(confirmation.order.kind)

    def refusal(self, case: Case, decision: DecisionKind, by: str) -> str:
        """Say why this person cannot decide so now; empty when they can."""
        try:
            caller = self.callers.for_case(case, by, Surface.SLACK)
            return self._why_not(case, decision, caller)
        except NotEligible as refusal:
            return _sentence(str(refusal))

    def ineligibility(self, case: Case, decision: DecisionKind, by: str) -> str:
        """Say what bars this person from a decision, in any state.

        Empty when nothing does.
        """
        try:
            caller = self.callers.for_case(case, by, Surface.SLACK)
        except NotEligible as refusal:
            return str(refusal)
        return ineligibility(case, decision, caller) or ""

    def _refusal(self, case: Case, order: ThreadOrder, caller: Caller) -> str:
        """Say why the button would be refused; empty when it works."""
        decision = DECISIONS.get(order.kind)
        return self._why_not(case, decision, caller) if decision else ""

    def _why_not(self, case: Case, decision: DecisionKind, caller: Caller) -> str:
        try:
            must_be_current(case, decision, CardSnapshot.of(case))
            reason = ineligibility(case, decision, caller)
            if reason is None and decision is DecisionKind.APPROVE:
                self._try_approval(case, caller)
        except MoveNotAllowed:
            state = describe_state(case)
            return f"Nothing was done: {state}. Its card has the buttons that work now."
        except Refusal as refusal:
            return _sentence(str(refusal))
        return _sentence(reason) if reason else ""

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


def _describe_change(case: Case) -> str:
    return f"{case.id} has changed since you said that. Look at its card, and say it again."


def _sentence(refusal: str) -> str:
    return f"Nothing was done: {refusal}."
