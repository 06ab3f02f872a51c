"""The forms of a card. The desk checks everything they say."""

from dataclasses import dataclass

from slack_bolt import Ack, App

from bot.cases.actor import CaseId, Surface, UserId
from bot.cases.canonical import canonical_hash
from bot.cases.commands import DecisionKind
from bot.cases.entries import RejectReason
from bot.cases.errors import BadRequest
from bot.cases.granting import GrantTerms
from bot.cases.passkey import Purpose
from bot.cases.plan import amount_of
from bot.desk.decision_path import Request
from bot.desk.decisions import Decisions
from bot.ports.library import Library
from handlers.cards import ids
from handlers.cards.edit_form import edit_preview_form
from handlers.cards.forms import step_up_form
from handlers.cards.grant_form import SAME, grant_notice
from handlers.cards.text import Json
from handlers.cards.wording import Wording
from handlers.slack.interactions import FormSubmission
from handlers.slack.listeners import FormHandler, form_listener
from handlers.slack.services import ConfirmationLink, SlackServices

MAX_REFUSAL = 300


def register(app: App, services: SlackServices) -> None:
    """Give every form its listener."""
    forms = CaseForms(
        decisions=services.decisions,
        library=services.library,
        confirmation_link=services.confirmation_link,
    )
    handlers: dict[str, FormHandler] = {
        ids.APPROVE_FORM: forms.approve,
        ids.APPROVE_NEXT_FORM: forms.approve_next,
        ids.REJECT_FORM: forms.reject,
        ids.EDIT_FORM: forms.edit,
        ids.RESOLVE_FORM: forms.resolve,
        ids.SETTLE_FORM: forms.settle,
        ids.UNDO_FORM: forms.undo,
        ids.PRACTICE_FORM: forms.practice,
        ids.REVIEW_FORM: forms.review,
        ids.MISTAKE_FORM: forms.report_mistake,
        ids.HAND_OVER_FORM: forms.hand_over,
        ids.SNOOZE_FORM: forms.snooze,
        ids.KIND_FORM: forms.name_kind,
    }
    for callback_id, handle in handlers.items():
        app.view(callback_id)(form_listener(handle))
    app.action(ids.STEP_UP)(_acknowledge)


def _acknowledge(ack: Ack) -> None:
    # A press on a button that is a link opens the link; Slack wants an answer all the same.
    ack()


@dataclass(frozen=True)
class CaseForms:
    """One method for each form. A returned view replaces the form."""

    decisions: Decisions
    library: Library
    confirmation_link: ConfirmationLink

    def approve(self, form: FormSubmission) -> Json | None:
        """Approve the plan.

        A step-up approval returns the view that leads to the page for passkeys.
        """
        request = self._request(form, DecisionKind.APPROVE)
        note = form.text(ids.NOTE)
        case = self.decisions.cases.case(form.case_id)
        if case.proposal.verdict and case.proposal.verdict.step_up:
            token = self.decisions.step_ups.begin_approval(request, note)
            return step_up_form(case, self.confirmation_link(case.id, token))
        self.decisions.approve(request, note)
        return None

    def approve_next(self, form: FormSubmission) -> Json:
        """Approve the plan and the next ones like it."""
        request = self._request(form, DecisionKind.APPROVE)
        count, amount = form.text(ids.COUNT), form.text(ids.AMOUNT)
        if not count.isdecimal():
            raise BadRequest("choose how many", field="count")
        terms = GrantTerms(
            count=int(count),
            amount=amount_of(amount.replace(",", "")) if amount else None,
            until=form.time(ids.UNTIL, "choose a time"),
            is_for_target=form.text(ids.TARGET) == SAME,
        )
        return grant_notice(self.decisions.approve_next(request, terms))

    def undo(self, form: FormSubmission) -> Json | None:
        """Take back what was done.

        A passkey is needed where the approval needed one.
        """
        request = self._request(form, DecisionKind.UNDO)
        note = form.text(ids.NOTE)
        case = self.decisions.cases.case(form.case_id)
        if case.undo_verdict and case.undo_verdict.step_up:
            token = self.decisions.step_ups.begin_undo(request, note)
            return step_up_form(
                case,
                self.confirmation_link(case.id, token),
                Purpose.UNDO,
            )
        self.decisions.undo(request, note)
        return None

    def report_mistake(self, form: FormSubmission) -> None:
        """Record what was wrong with what the bot did."""
        request = self._request(form, DecisionKind.REPORT_MISTAKE)
        self.decisions.report_mistake(request, form.text(ids.NOTE))

    def reject(self, form: FormSubmission) -> None:
        """Reject the plan for one of the reasons in the list."""
        try:
            reason = RejectReason(form.text(ids.REASON))
        except ValueError:
            raise BadRequest("choose a reason from the list", field="reason") from None
        request = self._request(form, DecisionKind.REJECT)
        self.decisions.reject(
            request,
            reason=reason,
            note=form.text(ids.NOTE),
        )

    def edit(self, form: FormSubmission) -> Json | None:
        """Make a new revision of the plan with other parameters.

        What it would change is shown first; only values that were shown are saved.
        """
        request = self._request(form, DecisionKind.EDIT)
        values = form.parameters()
        fingerprint = canonical_hash(values)
        if form.metadata.endswith(f" {fingerprint}"):
            self.decisions.edit(request, values)
            return None
        labels = self.library.labels()
        try:
            preview = self.decisions.edits.preview(request, values)
        except BadRequest as refusal:
            # Systems and policy name the parameter and the action as the files do.
            text = Wording(labels=labels).reason(str(refusal), MAX_REFUSAL)
            raise BadRequest(text, field=refusal.field) from None
        if preview.after.probe is not None:
            # There is nothing to look at: any edit of a practice case is its answer.
            self.decisions.edit(request, values)
            return None
        fields = self.decisions.edits.form(preview.after).fields
        return edit_preview_form(preview, fields, labels, fingerprint=fingerprint)

    def resolve(self, form: FormSubmission) -> None:
        """Close a case that was handled by hand."""
        request = self._request(form, DecisionKind.RESOLVE)
        self.decisions.resolve(
            request,
            note=form.text(ids.NOTE),
        )

    def settle(self, form: FormSubmission) -> None:
        """Record whether a step of unknown outcome has happened."""
        answer = form.text(ids.LANDED)
        if answer not in {"yes", "no"}:
            raise BadRequest("choose whether it happened", field="landed")
        request = self._request(form, DecisionKind.SETTLE)
        self.decisions.settle(
            request,
            has_landed=answer == "yes",
            note=form.text(ids.NOTE),
        )

    def practice(self, form: FormSubmission) -> None:
        """Record what people did instead of the plan."""
        answer = form.text(ids.PRACTICE)
        if answer not in {"same", "else"}:
            raise BadRequest("choose what was done", field="practice")
        request = self._request(form, DecisionKind.CONFIRM_PRACTICE)
        self.decisions.correct_practice(
            request,
            is_same_action=answer == "same",
            note=form.text(ids.NOTE),
        )

    def review(self, form: FormSubmission) -> None:
        """Record that what ran alone was wrong."""
        request = self._request(form, DecisionKind.REVIEW)
        self.decisions.review_wrong(
            request,
            note=form.text(ids.NOTE),
        )

    def name_kind(self, form: FormSubmission) -> None:
        """Set the kind of the case."""
        request = self._request(form, DecisionKind.NAME_KIND)
        self.decisions.name_kind(
            request,
            kind=form.text(ids.KIND),
        )

    def hand_over(self, form: FormSubmission) -> None:
        """Hand the case to a colleague, or to its next owner."""
        to = ""
        if form.text(ids.TO):
            to = form.principal(ids.TO, "choose a colleague")
        request = self._request(form, DecisionKind.HAND_OVER)
        self.decisions.hand_over(
            request,
            to=to,
            progress=form.text(ids.DONE),
            remains=form.text(ids.REMAINS),
        )

    def snooze(self, form: FormSubmission) -> None:
        """Let the case rest until a time."""
        until = form.time(ids.UNTIL, "choose a time")
        request = self._request(form, DecisionKind.SNOOZE)
        self.decisions.snooze(
            request,
            until=until,
            reason=form.text(ids.NOTE),
        )

    def _request(self, form: FormSubmission, decision: DecisionKind) -> Request:
        """Return the person's request on what the form was opened on.

        A form of an earlier release does not say it, and decides nothing.
        """
        if form.snapshot is None:
            raise self.decisions.refuse_outdated(
                form.case_id,
                by=form.person,
                decision=decision,
                surface=Surface.SLACK,
            )
        return Request(
            case_id=CaseId(form.case_id),
            by=UserId(form.person),
            snapshot=form.snapshot,
            surface=Surface.SLACK,
        )
