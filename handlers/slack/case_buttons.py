"""The buttons of a card. Each either decides at once or opens the form that does."""

from collections.abc import Callable
from dataclasses import dataclass

from slack_bolt import App

from bot.cases.actor import CaseId, Surface, UserId
from bot.cases.case import Case
from bot.cases.errors import BadRequest, NotEligible
from bot.cases.seen import DecisionKind
from bot.desk.decision_path import Request
from bot.desk.decisions import Decisions
from bot.desk.message_cleanup import MessageCleanup
from bot.ports.card_store import CardStore
from bot.ports.library import Library
from handlers.cards import forms, ids
from handlers.cards.notes import precedent_blocks, trail_lines
from handlers.cards.text import Json
from handlers.slack.answers import on_press
from handlers.slack.chat import SlackChat
from handlers.slack.press import Press

LONGEST_TRAIL = 25


def register(
    app: App,
    desk: Decisions,
    card_store: CardStore,
    library: Library,
    chat: SlackChat,
    on_home: Callable[[str], None] = lambda person: None,
    sweeping: MessageCleanup | None = None,
) -> None:
    """Give every button of the card its listener."""
    buttons = CaseButtons(desk, card_store, library, chat)
    listeners = {
        ids.APPROVE: buttons.approve,
        ids.APPROVE_WITH_REASON: buttons.approve_with_reason,
        ids.REJECT: buttons.reject,
        ids.EDIT: buttons.edit,
        ids.RESOLVE: buttons.resolve,
        ids.TRY_AGAIN: buttons.try_again,
        ids.SETTLE: buttons.settle,
        ids.CLAIM: buttons.claim,
        ids.UNDO: buttons.undo,
        ids.MORE: buttons.more,
        ids.NAME_FIRST: buttons.name_kind,
        ids.NAME_SECOND: buttons.name_kind,
        ids.NAME_THIRD: buttons.name_kind,
        ids.NOVEL: buttons.novel,
        ids.ANOTHER_KIND: buttons.another_kind,
    }
    for action_id, do in listeners.items():
        app.action(action_id)(on_press(chat, do, on_home, sweeping))


@dataclass(frozen=True)
class CaseButtons:
    """What each button does. What is returned is told to the presser alone."""

    desk: Decisions
    card_store: CardStore
    library: Library
    chat: SlackChat

    def approve(self, press: Press) -> None:
        self.desk.approve(self._request(press, DecisionKind.APPROVE))

    def try_again(self, press: Press) -> None:
        self.desk.try_again(self._request(press, DecisionKind.TRY_AGAIN))

    def approve_with_reason(self, press: Press) -> None:
        self._open(press, forms.approve_form(self._current(press, DecisionKind.APPROVE)))

    def reject(self, press: Press) -> None:
        self._open(press, forms.reject_form(self._current(press, DecisionKind.REJECT)))

    def resolve(self, press: Press) -> None:
        self._open(press, forms.resolve_form(self._current(press, DecisionKind.RESOLVE)))

    def settle(self, press: Press) -> None:
        self._open(press, forms.settle_form(self._current(press, DecisionKind.SETTLE)))

    def claim(self, press: Press) -> None:
        self.desk.claim(self._request(press, DecisionKind.CLAIM))

    def undo(self, press: Press) -> None:
        self._open(press, forms.undo_form(self._current(press, DecisionKind.UNDO)))

    def edit(self, press: Press) -> None:
        case = self._current(press, DecisionKind.EDIT)
        offer = (
            self.library.playbook(case.kind).offer(case.plan.actions[0].name) if case.plan else None
        )
        if offer is None or not offer.edit:
            raise NotEligible(
                "the playbook lets nothing of this plan be edited; reject it and say what is wrong"
            )
        self._open(press, forms.edit_form(case, offer.edit))

    def name_kind(self, press: Press) -> None:
        request = self._request(press, DecisionKind.NAME_KIND)
        self.desk.name_kind(request, press.choice)

    def novel(self, press: Press) -> str:
        self.desk.call_novel(self._request(press, DecisionKind.CALL_NOVEL))
        return "Noted as something new. The next one like it is not taken for something else."

    def another_kind(self, press: Press) -> None:
        self._open(
            press,
            forms.kind_form(self._current(press, DecisionKind.NAME_KIND), self.library.titles()),
        )

    def more(self, press: Press) -> str | None:
        offers = {
            ids.CLAIM_IT: self.claim,
            ids.HAND_OVER: self.hand_over,
            ids.SNOOZE: self.snooze,
            ids.WITHDRAW: self.withdraw,
            ids.TRAIL: self.trail,
            ids.PRECEDENTS: self.precedents,
        }
        if press.choice not in offers:
            raise BadRequest("this menu has no such entry")
        return offers[press.choice](press)

    def hand_over(self, press: Press) -> None:
        case = self._current(press, DecisionKind.HAND_OVER)
        self._open(
            press, forms.hand_over_form(case, self.library.playbook(case.kind).owners.next_owner)
        )

    def snooze(self, press: Press) -> None:
        self._open(press, forms.snooze_form(self._current(press, DecisionKind.SNOOZE)))

    def withdraw(self, press: Press) -> str:
        self.desk.withdraw(self._request(press, DecisionKind.WITHDRAW))
        return "Your approval is withdrawn."

    def trail(self, press: Press) -> str:
        case = self.desk.cases.case(press.case_id)
        lines = trail_lines(case, self.desk.cases.entries(case.id))
        earlier = f"… {len(lines) - LONGEST_TRAIL} earlier\n" if len(lines) > LONGEST_TRAIL else ""
        return f"The trail of {case.id} (UTC)\n{earlier}" + "\n".join(lines[-LONGEST_TRAIL:])

    def precedents(self, press: Press) -> None:
        """The cases that the recommendation stands on, each with the way to its card."""
        case = self.desk.cases.case(press.case_id)
        cited = case.recommendation.citations if case.recommendation else ()
        links = {citation.case_id: self._link(citation.case_id) for citation in cited}
        words = f"What {case.id} stands on: {case.recommendation.precedents if case.recommendation else 'nothing'}"
        self.chat.whisper(press.channel, press.user, words, precedent_blocks(case, links))

    def _link(self, case_id: str) -> str:
        """Where the card of this case stands; empty when it has none, or Slack cannot say."""
        cards = self.card_store.cards(case_id) if case_id else []
        return self.chat.link(cards[0].channel, cards[0].ts) if cards else ""

    def _current(self, press: Press, decision: DecisionKind) -> Case:
        """The case, if it is what was seen: a form is about that, and is judged again when it is sent."""
        return self.desk.current(self._request(press, decision), decision)

    def _request(self, press: Press, decision: DecisionKind) -> Request:
        """What the button says was seen; a button of an earlier release says nothing, and decides nothing."""
        if press.seen is None:
            raise self.desk.refuse_outdated(
                press.case_id, by=press.person, decision=decision, surface=Surface.SLACK
            )
        return Request(
            case_id=CaseId(press.case_id),
            by=UserId(press.person),
            seen=press.seen,
            surface=Surface.SLACK,
        )

    def _open(self, press: Press, form: Json) -> None:
        self.chat.open_form(press.trigger_id, form)
