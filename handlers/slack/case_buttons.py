"""The buttons of a card: each decides, or opens a form."""

from concurrent.futures import Future
from functools import partial

from slack_bolt import App

from bot.cases.case import Case
from bot.cases.commands import CallNovel, DecisionKind, PlainDecision
from bot.cases.errors import NotEligible
from handlers.cards import forms, ids
from handlers.cards.edit_form import edit_form
from handlers.slack.case_menu import CaseMenu
from handlers.slack.case_presses import CasePresses
from handlers.slack.interactions import ButtonPress
from handlers.slack.listeners import ButtonHandler, ButtonSubmit, button_listener
from handlers.slack.services import SlackServices


def register(app: App, services: SlackServices) -> None:
    """Give every button of the card its listener."""
    buttons = CaseButtons(
        decisions=services.decisions,
        card_store=services.card_store,
        library=services.library,
        chat=services.chat,
    )
    menu = CaseMenu(
        decisions=services.decisions,
        card_store=services.card_store,
        library=services.library,
        chat=services.chat,
    )
    handlers: dict[str, ButtonHandler] = {
        ids.APPROVE: buttons.approve,
        ids.APPROVE_WITH_REASON: buttons.approve_with_reason,
        ids.REJECT: buttons.reject,
        ids.EDIT: buttons.edit,
        ids.RESOLVE: buttons.resolve,
        ids.SETTLE: buttons.settle,
        ids.UNDO: buttons.undo,
        ids.DID_OTHERWISE: buttons.did_otherwise,
        ids.REVIEW_WRONG: buttons.review_wrong,
        ids.REPORT_MISTAKE: buttons.report_mistake,
        ids.DETAILS: menu.details,
        ids.MORE: menu.select,
        ids.NAME_FIRST: buttons.name_kind,
        ids.NAME_SECOND: buttons.name_kind,
        ids.NAME_THIRD: buttons.name_kind,
        ids.NOVEL: buttons.novel,
        ids.ANOTHER_KIND: buttons.another_kind,
    }
    submits: dict[str, ButtonSubmit] = {ids.APPROVE: buttons.submit_approval}
    for action_id, command in ids.ONE_PRESS.items():
        handlers[action_id] = buttons.decide_with(command)
        submits[action_id] = buttons.submit_with(command)
    for action_id, handle in handlers.items():
        app.action(action_id)(button_listener(services, handle, submits.get(action_id)))


class CaseButtons(CasePresses):
    """One method for each button that is no plain decision."""

    def decide_with(self, command: type[PlainDecision]) -> ButtonHandler:
        """Return the handler of a button that decides at one press."""
        return partial(self._decide, command)

    def submit_with(self, command: type[PlainDecision]) -> ButtonSubmit:
        """Return what begins such a decision."""

        def submit(press: ButtonPress) -> Future[Case]:
            return self.decisions.submit(self._request(press, command.decision), command)

        return submit

    def submit_approval(self, press: ButtonPress) -> Future[Case]:
        """Begin to approve the plan."""
        return self.decisions.submit_approval(self._request(press, DecisionKind.APPROVE))

    def approve(self, press: ButtonPress) -> None:
        """Approve the plan."""
        self.decisions.approve(self._request(press, DecisionKind.APPROVE))

    def approve_with_reason(self, press: ButtonPress) -> None:
        """Open the form that approves with a reason."""
        case = self._current(press, DecisionKind.APPROVE)
        missing = self.decisions.missing_approvals(case)
        self._open(press, forms.approve_form(case, self.library.labels(), missing))

    def reject(self, press: ButtonPress) -> None:
        """Open the form that rejects."""
        case = self._current(press, DecisionKind.REJECT)
        self._open(press, forms.reject_form(case))

    def edit(self, press: ButtonPress) -> None:
        """Open the form that edits the first action of the plan."""
        case = self._current(press, DecisionKind.EDIT)
        form = self.decisions.edits.form(case)
        if not form.fields:
            raise NotEligible(
                "the playbook does not allow edits of this plan; reject it and say what is wrong"
            )
        self._open(press, edit_form(case, form, self.library.labels()))

    def resolve(self, press: ButtonPress) -> None:
        """Open the form that closes a case handled by hand."""
        case = self._current(press, DecisionKind.RESOLVE)
        self._open(press, forms.resolve_form(case))

    def settle(self, press: ButtonPress) -> None:
        """Open the form that says whether a step has happened."""
        case = self._current(press, DecisionKind.SETTLE)
        self._open(press, forms.settle_form(case, self.library.labels()))

    def undo(self, press: ButtonPress) -> None:
        """Open the form that takes back what was done."""
        case = self._current(press, DecisionKind.UNDO)
        self._open(press, forms.undo_form(case, self.library.labels(), self.decisions.clock()))

    def did_otherwise(self, press: ButtonPress) -> None:
        """Open the form that asks what was done by hand."""
        case = self._current(press, DecisionKind.CONFIRM_PRACTICE)
        self._open(press, forms.practice_form(case, self.library.labels()))

    def review_wrong(self, press: ButtonPress) -> None:
        """Open the form that asks what was wrong."""
        case = self._current(press, DecisionKind.REVIEW)
        self._open(press, forms.review_form(case))

    def report_mistake(self, press: ButtonPress) -> None:
        """Open the form that says what was wrong."""
        case = self._current(press, DecisionKind.REPORT_MISTAKE)
        self._open(press, forms.mistake_form(case))

    def name_kind(self, press: ButtonPress) -> None:
        """Set the kind that the button names."""
        request = self._request(press, DecisionKind.NAME_KIND)
        self.decisions.name_kind(request, press.choice)

    def another_kind(self, press: ButtonPress) -> None:
        """Open the list of kinds."""
        case = self._current(press, DecisionKind.NAME_KIND)
        self._open(press, forms.kind_form(case, self.library.titles()))

    def novel(self, press: ButtonPress) -> str:
        """Record that the case is of no known kind."""
        self._decide(CallNovel, press)
        return "Recorded as something new. Similar signals will not be assigned to a known kind."
