"""The names of things people can press or fill in: ``noun.verb``. Every one of them has a listener (a test says so)."""

from bot.cases.case import Case
from bot.cases.seen import Seen

APPROVE = "case.approve"
APPROVE_WITH_REASON = "case.approve_with_reason"
REJECT = "case.reject"
EDIT = "case.edit"
RESOLVE = "case.resolve"
TRY_AGAIN = "case.try_again"
SETTLE = "case.settle"
CLAIM = "case.claim"
UNDO = "case.undo"
MORE = "case.more"
NAME_FIRST = "case.name_first"
NAME_SECOND = "case.name_second"
NAME_THIRD = "case.name_third"
NOVEL = "case.novel"
ANOTHER_KIND = "case.another_kind"

STEP_UP = "case.step_up"

HOME_KIND = "home.kind"
HOME_WHEN = "home.when"
HOME_RAISE = "home.raise"
HOME_DELEGATE = "home.delegate"
HOME_DIGEST = "home.digest"
FEEDBACK = "answer.feedback"
RAISE_KIND = "raise.kind"
FROM_MESSAGE = "exception_from_message"
FROM_ANYWHERE = "create_exception"

# What the overflow offers; the value of an option is one of these and the case's token.
HAND_OVER = "hand_over"
CLAIM_IT = "claim"
SNOOZE = "snooze"
WITHDRAW = "withdraw"
TRAIL = "trail"
PRECEDENTS = "precedents"

APPROVE_FORM = "form.approve"
REJECT_FORM = "form.reject"
EDIT_FORM = "form.edit"
RESOLVE_FORM = "form.resolve"
SETTLE_FORM = "form.settle"
UNDO_FORM = "form.undo"
HAND_OVER_FORM = "form.hand_over"
SNOOZE_FORM = "form.snooze"
KIND_FORM = "form.kind"
RAISE_FORM = "form.raise"
DELEGATE_FORM = "form.delegate"

NOTE = "field.note"
DONE = "field.done"
REMAINS = "field.remains"
REASON = "field.reason"
TO = "field.to"
UNTIL = "field.until"
LANDED = "field.landed"
KIND = "field.kind"
TITLE = "field.title"
SUBJECT = "field.subject"
PARAMETER = "field.parameter."


def token(case: Case) -> str:
    """Write which case a button belongs to and what it was drawn from; all else is looked up.

    "EX-12:3:<32 hex digits of the checksum>:PROPOSED", and ":<step>@<milliseconds>" where a step is in
    doubt. ``handlers.slack.press`` reads it. When this changes, ``bot.ports.card_store.CARD_FORMAT`` does too.
    """
    seen = Seen.of(case)
    doubt = f":{seen.doubt}" if seen.doubt else ""
    return f"{case.id}:{seen.revision}:{seen.checksum}:{seen.state.code}{doubt}"
