"""The common part of a card's buttons and of its menu."""

from dataclasses import dataclass

from bot.cases.case import Case
from bot.cases.seen import Decision, Seen
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

    def _require_seen(self, press: ButtonPress, decision: Decision) -> Seen:
        """Return what the presser saw.

        A button of an earlier release does not say it, and decides nothing.
        """
        if press.seen is None:
            raise self.decisions.outdated(
                press.case_id,
                by=press.person,
                decision=decision,
            )
        return press.seen

    def _current(self, press: ButtonPress, decision: Decision) -> Case:
        """Return the case while it is as the presser saw it.

        A form is about that case, and is checked again when it is submitted.
        """
        seen = self._require_seen(press, decision)
        return self.decisions.current(
            press.case_id,
            decision,
            seen,
            by=press.person,
        )

    def _open(self, press: ButtonPress, form: Json) -> None:
        self.chat.open_modal(press.trigger_id, form)
