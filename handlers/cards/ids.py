"""The names of things people can press or fill in: ``noun.verb``. Every one of them has a listener (a test says so)."""

APPROVE = "case.approve"
APPROVE_WITH_REASON = "case.approve_with_reason"
REJECT = "case.reject"
EDIT = "case.edit"
RESOLVE = "case.resolve"
TRY_AGAIN = "case.try_again"
SETTLE = "case.settle"
MORE = "case.more"
NAME_FIRST = "case.name_first"
NAME_SECOND = "case.name_second"
NAME_THIRD = "case.name_third"
NOVEL = "case.novel"
ANOTHER_KIND = "case.another_kind"

# What the overflow offers; the value of an option is one of these and the case's token.
HAND_OVER = "hand_over"
SNOOZE = "snooze"
WITHDRAW = "withdraw"
TRAIL = "trail"
PRECEDENTS = "precedents"

APPROVE_FORM = "form.approve"
REJECT_FORM = "form.reject"
EDIT_FORM = "form.edit"
RESOLVE_FORM = "form.resolve"
SETTLE_FORM = "form.settle"
HAND_OVER_FORM = "form.hand_over"
SNOOZE_FORM = "form.snooze"
KIND_FORM = "form.kind"

NOTE = "field.note"
REASON = "field.reason"
TO = "field.to"
UNTIL = "field.until"
LANDED = "field.landed"
KIND = "field.kind"
PARAMETER = "field.parameter."


def token(case_id: str, revision: int) -> str:
    """What a button carries: which case, which revision. Everything else is looked up."""
    return f"{case_id}:{revision}"
