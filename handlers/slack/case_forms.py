"""The forms of a card, sent in. What they say is checked by the desk as if it came from a stranger."""

from datetime import UTC, datetime

from slack_bolt import App

from bot.cases.entry import RejectReason
from bot.cases.errors import BadRequest
from bot.desk.decisions import Decisions
from handlers.cards import ids
from handlers.slack.answers import on_submit
from handlers.slack.press import Submission


def register(app: App, desk: Decisions) -> None:
    """Give every form its listener."""

    def approve(form: Submission) -> None:
        desk.approve(form.case_id, by=form.person, revision=form.revision, note=form.text(ids.NOTE))

    def reject(form: Submission) -> None:
        try:
            reason = RejectReason(form.text(ids.REASON))
        except ValueError:
            raise BadRequest("choose a reason from the list", field="reason") from None
        desk.reject(form.case_id, by=form.person, revision=form.revision, reason=reason, note=form.text(ids.NOTE))

    def edit(form: Submission) -> None:
        values = {name.removeprefix(ids.PARAMETER): form.text(name) for name in form.values if name.startswith(ids.PARAMETER)}
        desk.edit(form.case_id, by=form.person, revision=form.revision, values=values)

    def resolve(form: Submission) -> None:
        desk.resolve(form.case_id, by=form.person, note=form.text(ids.NOTE))

    def settle(form: Submission) -> None:
        answer = form.text(ids.LANDED)
        if answer not in {"yes", "no"}:
            raise BadRequest("say whether it happened", field="landed")
        desk.settle(form.case_id, by=form.person, landed=answer == "yes", note=form.text(ids.NOTE))

    def hand_over(form: Submission) -> None:
        user = form.text(ids.TO)
        if not user:
            raise BadRequest("choose who takes over", field="to")
        to = f"{form.person.partition('/')[0]}/{user}"
        desk.hand_over(form.case_id, by=form.person, to=to, note=form.text(ids.NOTE))

    def snooze(form: Submission) -> None:
        seconds = form.values.get(ids.UNTIL)
        if not isinstance(seconds, int):
            raise BadRequest("choose a time", field="until")
        until = datetime.fromtimestamp(min(seconds, 2**33), UTC)
        desk.snooze(form.case_id, by=form.person, until=until, reason=form.text(ids.NOTE))

    listeners = {
        ids.APPROVE_FORM: approve,
        ids.REJECT_FORM: reject,
        ids.EDIT_FORM: edit,
        ids.RESOLVE_FORM: resolve,
        ids.SETTLE_FORM: settle,
        ids.HAND_OVER_FORM: hand_over,
        ids.SNOOZE_FORM: snooze,
    }
    for callback_id, do in listeners.items():
        app.view(callback_id)(on_submit(do))
