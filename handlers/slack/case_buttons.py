"""The buttons of a card. Each either decides at once or opens the form that does."""

from slack_bolt import App

from bot.cases.case import Case
from bot.cases.errors import NotEligible, TooLate
from bot.desk.decisions import Decisions
from bot.ports import Library
from handlers.cards import forms, ids
from handlers.cards.notes import trail_lines
from handlers.slack.answers import on_press
from handlers.slack.chat import SlackChat
from handlers.slack.press import Press

LONGEST_TRAIL = 25


def register(app: App, desk: Decisions, library: Library, chat: SlackChat) -> None:
    """Give every button of the card its listener."""

    def approve(press: Press) -> None:
        desk.approve(press.case_id, by=press.person, revision=press.revision)

    def try_again(press: Press) -> None:
        desk.try_again(press.case_id, by=press.person)

    def current(press: Press) -> Case:
        """The case, if this press can still lead somewhere: the form is judged again when it is sent."""
        case = desk.store.case(press.case_id)
        if case.is_terminal:
            raise TooLate(f"{case.id} is {case.state}")
        return case

    def approve_with_reason(press: Press) -> None:
        chat.open_form(press.trigger_id, forms.approve_form(current(press)))

    def reject(press: Press) -> None:
        chat.open_form(press.trigger_id, forms.reject_form(current(press)))

    def edit(press: Press) -> None:
        case = current(press)
        offer = library.playbook(case.kind).offer(case.plan.actions[0].name) if case.plan else None
        if offer is None or not offer.edit:
            raise NotEligible("the playbook lets nothing of this plan be edited; reject it and say what is wrong")
        chat.open_form(press.trigger_id, forms.edit_form(case, offer.edit))

    def resolve(press: Press) -> None:
        chat.open_form(press.trigger_id, forms.resolve_form(current(press)))

    def settle(press: Press) -> None:
        chat.open_form(press.trigger_id, forms.settle_form(current(press)))

    def more(press: Press) -> str | None:
        return overflow[press.choice](press)

    def hand_over(press: Press) -> None:
        chat.open_form(press.trigger_id, forms.hand_over_form(current(press)))

    def snooze(press: Press) -> None:
        chat.open_form(press.trigger_id, forms.snooze_form(current(press)))

    def withdraw(press: Press) -> str:
        desk.withdraw(press.case_id, by=press.person, revision=press.revision)
        return "Your approval is withdrawn."

    def trail(press: Press) -> str:
        case = desk.store.case(press.case_id)
        lines = trail_lines(case, desk.store.entries(case.id))
        earlier = f"… {len(lines) - LONGEST_TRAIL} earlier\n" if len(lines) > LONGEST_TRAIL else ""
        return f"The trail of {case.id} (UTC)\n{earlier}" + "\n".join(lines[-LONGEST_TRAIL:])

    overflow = {ids.HAND_OVER: hand_over, ids.SNOOZE: snooze, ids.WITHDRAW: withdraw, ids.TRAIL: trail}
    listeners = {
        ids.APPROVE: approve,
        ids.APPROVE_WITH_REASON: approve_with_reason,
        ids.REJECT: reject,
        ids.EDIT: edit,
        ids.RESOLVE: resolve,
        ids.TRY_AGAIN: try_again,
        ids.SETTLE: settle,
        ids.MORE: more,
    }
    for action_id, do in listeners.items():
        app.action(action_id)(on_press(chat, do))
