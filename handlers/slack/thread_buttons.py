"""The buttons of the private answer to an order in words.

Each opens the form of the card, with what was said filled in.
"""

import re

from slack_bolt import App

from bot.cases.commands import DecisionKind
from handlers.cards import forms, ids
from handlers.slack.case_presses import CasePresses
from handlers.slack.interactions import MAX_UNIX_TIME, SLACK_USER, ButtonPress
from handlers.slack.listeners import ButtonHandler, button_listener
from handlers.slack.services import SlackServices

UNIX_TIME = re.compile(r"[0-9]{1,12}")


def register(app: App, services: SlackServices) -> None:
    """Give each button its listener."""
    buttons = ThreadButtons(
        decisions=services.decisions,
        card_store=services.card_store,
        library=services.library,
        chat=services.chat,
    )
    handlers: dict[str, ButtonHandler] = {
        ids.ORDER_APPROVE: buttons.approve,
        ids.ORDER_REJECT: buttons.reject,
        ids.ORDER_HAND_OVER: buttons.hand_over,
        ids.ORDER_SNOOZE: buttons.snooze,
    }
    for action_id, handle in handlers.items():
        app.action(action_id)(button_listener(services, handle))


class ThreadButtons(CasePresses):
    """One method for each button."""

    def approve(self, press: ButtonPress) -> None:
        """Open the form that approves, with the reason."""
        case = self._current(press, DecisionKind.APPROVE)
        missing = self.decisions.missing_approvals(case)
        labels = self.library.labels()
        form = forms.approve_form(case, labels, missing, note=press.choice.strip())
        self._open(press, form)

    def reject(self, press: ButtonPress) -> None:
        """Open the form that rejects, with the reason."""
        case = self._current(press, DecisionKind.REJECT)
        self._open(press, forms.reject_form(case, press.choice.strip()))

    def hand_over(self, press: ButtonPress) -> None:
        """Open the form that hands over, with the person filled in."""
        case = self._current(press, DecisionKind.HAND_OVER)
        user_id, _, note = press.choice.partition(" ")
        next_owner = self.library.playbook(case.kind).owners.next_owner
        form = forms.hand_over_form(
            case,
            next_owner,
            to=user_id if SLACK_USER.fullmatch(user_id) else "",
            remains=note.strip(),
        )
        self._open(press, form)

    def snooze(self, press: ButtonPress) -> None:
        """Open the form that snoozes, with the time and the reason."""
        case = self._current(press, DecisionKind.SNOOZE)
        seconds, _, note = press.choice.partition(" ")
        until = None
        if UNIX_TIME.fullmatch(seconds) and int(seconds) < MAX_UNIX_TIME:
            until = int(seconds)
        self._open(press, forms.snooze_form(case, until, note.strip()))
