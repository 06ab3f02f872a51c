"""The forms of a card, sent in. What they say is checked by the desk as if it came from a stranger."""

from collections.abc import Callable
from dataclasses import dataclass

from slack_bolt import App

from bot.cases.actor import CaseId, Surface, UserId
from bot.cases.entries import RejectReason
from bot.cases.errors import BadRequest
from bot.cases.passkey import Purpose
from bot.cases.seen import DecisionKind
from bot.desk.decision_path import Request
from bot.desk.decisions import Decisions
from handlers.cards import ids
from handlers.cards.forms import step_up_form
from handlers.cards.text import Json
from handlers.slack.answers import on_submit
from handlers.slack.press import Submission

# The link to the page where this case's plan is confirmed, with its secret part.
Confirming = Callable[[str, str], str]


def register(app: App, desk: Decisions, confirming: Confirming) -> None:
    """Give every form its listener."""
    forms = CaseForms(desk, confirming)
    listeners = {
        ids.APPROVE_FORM: forms.approve,
        ids.REJECT_FORM: forms.reject,
        ids.EDIT_FORM: forms.edit,
        ids.RESOLVE_FORM: forms.resolve,
        ids.SETTLE_FORM: forms.settle,
        ids.UNDO_FORM: forms.undo,
        ids.HAND_OVER_FORM: forms.hand_over,
        ids.SNOOZE_FORM: forms.snooze,
        ids.KIND_FORM: forms.name_kind,
    }
    for callback_id, do in listeners.items():
        app.view(callback_id)(on_submit(do))
    # Slack tells of a press on a link too, and wants to hear that it was heard.
    app.action(ids.STEP_UP)(lambda ack: ack())


@dataclass(frozen=True)
class CaseForms:
    """What each form does."""

    desk: Decisions
    confirming: Confirming

    def approve(self, form: Submission) -> Json | None:
        """The top class is only begun here: what comes back is the way to the other half."""
        request, note = self._request(form, DecisionKind.APPROVE), form.text(ids.NOTE)
        case = self.desk.store.case(form.case_id)
        if case.verdict and case.verdict.step_up:
            token = self.desk.step_ups.begin_approval(request, note)
            return step_up_form(case, self.confirming(case.id, token))
        self.desk.approve(request, note)
        return None

    def reject(self, form: Submission) -> None:
        try:
            reason = RejectReason(form.text(ids.REASON))
        except ValueError:
            raise BadRequest("choose a reason from the list", field="reason") from None
        request, note = self._request(form, DecisionKind.REJECT), form.text(ids.NOTE)
        self.desk.reject(request, reason, note)

    def edit(self, form: Submission) -> None:
        named = [name for name in form.values if name.startswith(ids.PARAMETER)]
        values = {name.removeprefix(ids.PARAMETER): form.text(name) for name in named}
        self.desk.edit(self._request(form, DecisionKind.EDIT), values)

    def resolve(self, form: Submission) -> None:
        request = self._request(form, DecisionKind.RESOLVE)
        self.desk.resolve(request, form.text(ids.NOTE))

    def settle(self, form: Submission) -> None:
        answer = form.text(ids.LANDED)
        if answer not in {"yes", "no"}:
            raise BadRequest("say whether it happened", field="landed")
        request, note = self._request(form, DecisionKind.SETTLE), form.text(ids.NOTE)
        self.desk.settle(request, has_landed=answer == "yes", note=note)

    def name_kind(self, form: Submission) -> None:
        request = self._request(form, DecisionKind.NAME_KIND)
        self.desk.name_kind(request, form.text(ids.KIND))

    def hand_over(self, form: Submission) -> None:
        to = form.person_named(ids.TO, "choose who takes over") if form.text(ids.TO) else ""
        done, remains = form.text(ids.DONE), form.text(ids.REMAINS)
        request = self._request(form, DecisionKind.HAND_OVER)
        self.desk.hand_over(request, to=to, progress=done, remains=remains)

    def undo(self, form: Submission) -> Json | None:
        """As for the yes to doing it: the top class is only begun here."""
        case, note = self.desk.store.case(form.case_id), form.text(ids.NOTE)
        request = self._request(form, DecisionKind.UNDO)
        if case.verdict and case.verdict.step_up:
            token = self.desk.step_ups.begin_undo(request, note)
            return step_up_form(case, self.confirming(case.id, token), Purpose.UNDO)
        self.desk.undo(request, note)
        return None

    def snooze(self, form: Submission) -> None:
        until = form.moment(ids.UNTIL, "choose a time")
        request = self._request(form, DecisionKind.SNOOZE)
        self.desk.snooze(request, until=until, reason=form.text(ids.NOTE))

    def _request(self, form: Submission, decision: DecisionKind) -> Request:
        """What the form was opened on; one that an earlier release opened says nothing, and decides nothing."""
        if form.seen is None:
            raise self.desk.refuse_outdated(
                form.case_id, by=form.person, decision=decision, surface=Surface.SLACK
            )
        return Request(
            case_id=CaseId(form.case_id),
            by=UserId(form.person),
            seen=form.seen,
            surface=Surface.SLACK,
        )
