"""Answers to requests to act: the control is offered, nothing is done."""

from dataclasses import dataclass
from typing import assert_never

from bot.cases.actor import is_person
from bot.cases.approval import Person
from bot.cases.case import Case
from bot.cases.commands import DecisionKind
from bot.cases.lifecycle import State
from bot.desk.answers.approvers import Approvers
from bot.desk.answers.asker import Asker
from bot.desk.answers.case_file import CaseFiles
from bot.desk.answers.control_acts import ControlActs
from bot.desk.answers.decisions import describe_ending
from bot.desk.answers.times import describe_undo
from bot.desk.confirmations import Confirmations
from bot.desk.eligibility import Eligibility
from bot.desk.rows import with_cards
from bot.desk.visibility import Visibility
from bot.ports.card_store import CardStore
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.views.answers import Answer, Offer
from bot.views.labels import start_upper
from bot.views.query import ME, Act, Query
from bot.views.rows import CaseRow
from bot.views.thread_orders import Confirmation, OrderKind, ThreadOrder

WORDS_DO_NOTHING = "I do not decide from words"
BY_BUTTON = f"{WORDS_DO_NOTHING}; the button below does."
NO_BUTTON = f"{WORDS_DO_NOTHING}, and there is no button for you here."
ONE_BY_ONE = (
    f"{WORDS_DO_NOTHING}, and never on several cases at once. These are the cases; each has its"
    " own buttons."
)
WHICH_CASE = f"{WORDS_DO_NOTHING}. Say which case you mean, and I show you its button."
REFUSED = "Nothing was done: "


@dataclass(frozen=True, kw_only=True)
class ActAnswers:
    """Offer the control for what was asked, or say who may."""

    visibility: Visibility
    files: CaseFiles
    confirmations: Confirmations
    approvers: Approvers
    eligibility: Eligibility
    control_acts: ControlActs
    card_store: CardStore
    directory: Directory
    library: Library

    def answer(self, query: Query, asker: Asker) -> Answer:
        """Offer the control. Several cases are never acted on together.

        Raises:
            NoSuchCase: there is no such case, or none that the asker may see.
        """
        match query.act:
            case Act.PAUSE:
                return self.control_acts.offer_pause(query, asker)
            case Act.RESUME:
                return self.control_acts.offer_resume(query, asker)
            case Act.STAND_IN:
                return self.control_acts.offer_stand_in(query, asker)
            case Act.RAISE:
                return self.control_acts.offer_raising(query, asker)
            case Act.REMIND:
                return self.control_acts.offer_reminder(query, asker)
            case None:
                return Answer(text=WHICH_CASE)
            case _:
                return self._offer_for_case(query, query.act, asker)

    def _offer_for_case(self, query: Query, act: Act, asker: Asker) -> Answer:
        if not query.case_id:
            has_condition = query.condition != Query(ask=query.ask).condition
            return Answer(text=ONE_BY_ONE if has_condition else WHICH_CASE)
        case = self.visibility.find_case(query.case_id, asker.viewer)
        order = _order(query, act)
        if order:
            return self._confirm(case, order, act, asker=asker)
        refusal = self._refusal(case, act, asker)
        if refusal:
            return self._refuse(case, refusal, act, asker=asker)
        (row,) = self._rows(case, asker)
        return Answer(
            text=BY_BUTTON,
            rows=(row,),
            total=1,
            offers=(Offer(act=act, row=row, note=query.words),),
        )

    def _confirm(self, case: Case, order: ThreadOrder, act: Act, *, asker: Asker) -> Answer:
        """Offer what an order in the thread of the card offers."""
        confirmation = self.confirmations.confirm(case, order, asker.person)
        if confirmation is None:
            return Answer(text=NO_BUTTON)
        if confirmation.refusal:
            return self._refuse(case, confirmation.refusal, act, asker=asker)
        (row,) = self._rows(case, asker)
        offer = Offer(
            act=act,
            row=row,
            confirmation=confirmation,
            person=_only_person(confirmation),
            until=confirmation.until,
            note=order.note,
        )
        return Answer(text=BY_BUTTON, rows=(row,), total=1, offers=(offer,))

    def _refuse(self, case: Case, refusal: str, act: Act, *, asker: Asker) -> Answer:
        """Say why there is no button, and who may instead."""
        file = self.files.open(case, asker)
        reason = start_upper(refusal.removeprefix(REFUSED))
        if case.is_terminal and reason.startswith(f"{case.id} {case.state.predicate}"):
            # A refusal gives no time on the asker's clock; the ledger does.
            reason = describe_ending(file).text
        facts = [reason]
        if case.state is State.PROPOSED:
            facts.append(self.approvers.describe(file).text)
        if act is Act.TAKE_BACK:
            facts.append(describe_undo(file).text)
        return Answer(
            text=NO_BUTTON,
            facts=tuple(dict.fromkeys(facts)),
            rows=self._rows(case, asker),
            total=1,
        )

    def _refusal(self, case: Case, act: Act, asker: Asker) -> str:
        """Say why an act cannot be done; empty when it can."""
        match act:
            case Act.EDIT:
                return self.confirmations.refusal(case, DecisionKind.EDIT, asker.person)
            case Act.CLAIM:
                return self.confirmations.refusal(case, DecisionKind.CLAIM, asker.person)
            case Act.TAKE_BACK:
                return self._refuse_taking_back(case, asker)
            case _:
                return ""

    def _refuse_taking_back(self, case: Case, asker: Asker) -> str:
        """Judge an undo, or a withdrawal before the plan has run."""
        has_voted = any(asker.person in vote.parties for vote in case.proposal.approvals)
        if has_voted and case.state in {State.PROPOSED, State.APPROVED}:
            return self.confirmations.refusal(case, DecisionKind.WITHDRAW, asker.person)
        file = self.files.open(case, asker)
        until = case.execution.undo_until
        if case.state is not State.RESOLVED or until is None or until <= file.now:
            return describe_undo(file).text
        return self.confirmations.refusal(case, DecisionKind.UNDO, asker.person)

    def _rows(self, case: Case, asker: Asker) -> tuple[CaseRow, ...]:
        labels = self.library.labels()
        rows = with_cards(self.card_store, self.directory, [case], labels=labels)
        return self.eligibility.mark(rows, asker.person)


def _order(query: Query, act: Act) -> ThreadOrder | None:
    """Return the order in a thread that a query is, if any."""
    match act:
        case Act.APPROVE:
            return ThreadOrder(kind=OrderKind.APPROVE, note=query.words)
        case Act.REJECT:
            return ThreadOrder(kind=OrderKind.REJECT, note=query.words)
        case Act.SNOOZE:
            return ThreadOrder(kind=OrderKind.SNOOZE, note=query.words, until=query.until)
        case Act.HAND_OVER:
            return _hand_over_order(query)
        case Act.EDIT | Act.CLAIM | Act.TAKE_BACK:
            return None
        case Act.REMIND | Act.PAUSE | Act.RESUME | Act.STAND_IN | Act.RAISE:
            return None
        case _:
            assert_never(act)


def _hand_over_order(query: Query) -> ThreadOrder:
    if query.to == ME:
        return ThreadOrder(kind=OrderKind.HAND_OVER, note=query.words, to_name=ME)
    user_id = query.to.rpartition("/")[2] if is_person(query.to) else ""
    # Any other name may be that of a person whom the reader does not know.
    name = "" if user_id else query.to
    return ThreadOrder(kind=OrderKind.HAND_OVER, note=query.words, to_user=user_id, to_name=name)


def _only_person(confirmation: Confirmation) -> Person | None:
    return confirmation.people[0] if len(confirmation.people) == 1 else None
