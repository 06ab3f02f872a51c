"""The common part of a card's buttons and of its menu."""

from dataclasses import dataclass

from bot.cases.actor import CaseId, Surface, UserId
from bot.cases.case import Case
from bot.cases.commands import DecisionKind, PlainDecision
from bot.desk.decision_path import Request
from bot.desk.decisions import Decisions
from bot.ports.card_store import CardStore
from bot.ports.library import Library
from handlers.cards.text import Json
from handlers.slack.chat import SlackChat
from handlers.slack.interactions import ButtonPress


@dataclass(frozen=True)
class CasePresses:
    """The base of press handlers.

    The text that a handler returns is shown to the presser alone.
    """

    decisions: Decisions
    card_store: CardStore
    library: Library
    chat: SlackChat

    def _request(self, press: ButtonPress, decision: DecisionKind) -> Request:
        """Return the presser's request on what they saw.

        A button of an earlier release does not say it, and decides nothing.
        """
        if press.snapshot is None:
            raise self.decisions.refuse_outdated(
                press.case_id,
                by=press.person,
                decision=decision,
                surface=Surface.SLACK,
            )
        return Request(
            case_id=CaseId(press.case_id),
            by=UserId(press.person),
            snapshot=press.snapshot,
            surface=Surface.SLACK,
            state=press.state,
        )

    def _current(self, press: ButtonPress, decision: DecisionKind) -> Case:
        """Return the case while it is as the presser saw it.

        A form is about that case, and is checked again when it is submitted.
        """
        return self.decisions.current(self._request(press, decision), decision)

    def _decide(self, command: type[PlainDecision], press: ButtonPress) -> None:
        """Take a decision that needs no form."""
        self.decisions.decide(self._request(press, command.decision), command)

    def _open(self, press: ButtonPress, form: Json) -> None:
        self.chat.open_modal(press.trigger_id, form)
