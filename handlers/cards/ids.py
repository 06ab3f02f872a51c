"""Slack ids of buttons, forms and fields, named ``noun.verb``.

A test checks that each has a listener. An id on a posted card never changes.
"""

from collections.abc import Mapping

from bot.cases.card_snapshot import CardSnapshot
from bot.cases.case import Case
from bot.cases.commands import (
    Claim,
    ConfirmPractice,
    Nudge,
    PlainDecision,
    Retract,
    ReviewRight,
    TryAgain,
    WakeEarly,
)

# Buttons of a card.
APPROVE = "case.approve"
APPROVE_WITH_REASON = "case.approve_with_reason"
REJECT = "case.reject"
EDIT = "case.edit"
RESOLVE = "case.resolve"
TRY_AGAIN = "case.try_again"
SETTLE = "case.settle"
CLAIM = "case.claim"
WAKE = "case.wake"
UNDO = "case.undo"
REPORT_MISTAKE = "case.report_mistake"
DETAILS = "case.details"
MORE = "case.more"
NAME_FIRST = "case.name_first"
NAME_SECOND = "case.name_second"
NAME_THIRD = "case.name_third"
NOVEL = "case.novel"
ANOTHER_KIND = "case.another_kind"
# What was done by hand, and whether what ran alone was right.
DID_THAT = "case.did_that"
DID_OTHERWISE = "case.did_otherwise"
REVIEW_RIGHT = "case.review_right"
REVIEW_WRONG = "case.review_wrong"
# Buttons of the message to whoever raised a case.
NUDGE = "case.nudge"
RETRACT = "case.retract"
#: The buttons that decide at one press, without a form.
ONE_PRESS: Mapping[str, type[PlainDecision]] = {
    CLAIM: Claim,
    WAKE: WakeEarly,
    TRY_AGAIN: TryAgain,
    NUDGE: Nudge,
    RETRACT: Retract,
    DID_THAT: ConfirmPractice,
    REVIEW_RIGHT: ReviewRight,
}
# A link, which Slack reports as a press all the same.
STEP_UP = "case.step_up"

# Buttons and menus of App Home, of answers and of the form for an exception.
HOME_KIND = "home.kind"
HOME_WHEN = "home.when"
HOME_RAISE = "home.raise"
HOME_DELEGATE = "home.delegate"
HOME_DIGEST = "home.digest"
FEEDBACK = "answer.feedback"
RAISE_KIND = "raise.kind"

# Shortcuts, which are declared in manifest.yml.
FROM_MESSAGE = "exception_from_message"
FROM_ANYWHERE = "create_exception"

# Choices of the overflow menu; an option's value is one of these and the case's token.
HAND_OVER = "hand_over"
CLAIM_IT = "claim"
NOT_THIS_KIND = "not_this_kind"
SNOOZE = "snooze"
ASK = "ask"
WITHDRAW = "withdraw"
APPROVE_NEXT = "approve_next"
TRAIL = "trail"

# Forms.
APPROVE_FORM = "form.approve"
APPROVE_NEXT_FORM = "form.approve_next"
REJECT_FORM = "form.reject"
EDIT_FORM = "form.edit"
RESOLVE_FORM = "form.resolve"
SETTLE_FORM = "form.settle"
UNDO_FORM = "form.undo"
MISTAKE_FORM = "form.mistake"
HAND_OVER_FORM = "form.hand_over"
SNOOZE_FORM = "form.snooze"
KIND_FORM = "form.kind"
PRACTICE_FORM = "form.practice"
REVIEW_FORM = "form.review"
ASK_FORM = "form.ask"
ANSWER_FORM = "form.answer"
RAISE_FORM = "form.raise"
DELEGATE_FORM = "form.delegate"

# Fields of forms.
NOTE = "field.note"
DONE = "field.done"
REMAINS = "field.remains"
REASON = "field.reason"
TO = "field.to"
UNTIL = "field.until"
COUNT = "field.count"
AMOUNT = "field.amount"
TARGET = "field.target"
LANDED = "field.landed"
PRACTICE = "field.practice"
KIND = "field.kind"
TITLE = "field.title"
SUBJECT = "field.subject"
WHOM = "field.whom"
QUESTION = "field.question"
ANSWER_TYPE = "field.type"
OPTIONS = "field.options"
FACT = "field.fact"
ANSWER = "field.answer"
CHOICE = "field.choice"
# Followed by the name of the parameter.
PARAMETER = "field.parameter."


# Buttons of lists. The value of the first is the case's id and ":0", for it decides nothing.
OPEN = "case.open"
OPEN_LINK = "case.open_link"
# The value of these is the key of a list, after the number of the page for the next two.
SHOW_ALL = "case.show_all"
PREVIOUS_PAGE = "case.previous_page"
NEXT_PAGE = "case.next_page"
# Buttons of the window with a case's trail. The value is the case, the page and how much is shown.
TRAIL_BACK = "case.trail_back"
TRAIL_NEXT = "case.trail_next"
TRAIL_UNFOLD = "case.trail_unfold"
GROUP_REJECT = "case.group_reject"
GROUP_NAME = "case.group_name"
GROUP_APPROVE = "case.group_approve"
GROUP_FORM = "form.group"

# Buttons of the private answer to an order in words. The value is what was said, and the token.
ORDER_APPROVE = "case.order_approve"
ORDER_REJECT = "case.order_reject"
ORDER_HAND_OVER = "case.order_hand_over"
ORDER_SNOOZE = "case.order_snooze"

# Buttons about the desk as a whole. Those of a pause have its scope behind a word, those of a
# delegation its giver, its taker and its kind.
HOME_DIGEST_NOW = "home.digest_now"
HOME_PAUSE = "home.pause"
HOME_RESUME = "home.resume"
HOME_END_DELEGATION = "home.end_delegation"
PAUSE_FORM = "form.pause"
SCOPE = "field.scope"

# On the meter of what is approved in advance, on a card and on Home. The value is the grant.
STOP_GRANT = "home.stop_grant"

# Buttons of a question. The value is the case and the number of the inquiry, and for a choice the
# place of the option: no two buttons of a row may have one id.
INQUIRY_ANSWER = "inquiry.answer"
INQUIRY_CHOICES = tuple(f"inquiry.choose_{place}" for place in range(10))

# Buttons in answers to questions, and below them. The value is the question, and for the first the
# place of the reading before it.
CHOOSE_READING = "question.choose"
REREAD = "question.reread"
# Offers of an answer: each opens a form with what was said filled in, or asks once more.
OFFER_PAUSE = "question.pause"
OFFER_RESUME = "question.resume"
OFFER_STAND_IN = "question.stand_in"
OFFER_RAISE = "question.raise"
OFFER_REMINDER = "question.remind"
# In a digest: the value is its place, and since when.
REVIEW_QUESTIONS = "question.review"


def token(case: Case) -> str:
    """Write which case, and which version of it, a button shows.

    The format is "EX-12:3:<32 hex digits of the checksum>:PROPOSED", followed by
    ":<step>@<milliseconds>" where the outcome of a step is unknown. ``handlers.slack.interactions``
    parses it. A change of format needs a new ``bot.ports.CARD_FORMAT``.
    """
    version = CardSnapshot.of(case)
    parts = [case.id, str(version.revision), version.checksum, version.state.code]
    if version.doubt:
        parts.append(version.doubt)
    return ":".join(parts)
