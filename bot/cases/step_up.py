"""Step-up approval: a vote that the voter's passkey must sign."""

from collections.abc import Iterable
from datetime import datetime

from bot.cases.approval import Approval
from bot.cases.case import Case
from bot.cases.commands import Approve, Undo
from bot.cases.errors import NotEligible, TooLate
from bot.cases.passkey import (
    LINK_IS_OVER,
    Assertion,
    Passkey,
    Purpose,
    challenge,
    find_live_link,
    is_in_force,
    matches_challenge,
)

NOT_SIGNED = {
    Purpose.APPROVE: (
        "this plan is approved with your passkey, outside Slack: press Approve on its card"
    ),
    Purpose.UNDO: (
        "this plan is taken back with your passkey, outside Slack: press Take back on its card"
    ),
}
NO_PASSKEY = (
    "this needs your passkey, and you have none yet; ask whoever runs Countersign to invite you"
)


def must_have_passkey(vote: Approval, passkeys: Iterable[Passkey]) -> None:
    """Refuse a step-up that the voter has no passkey for.

    Raises:
        NotEligible: none of these passkeys is the voter's.
    """
    if not any(passkey.person == vote.person for passkey in passkeys):
        raise NotEligible(NO_PASSKEY)


def verify_step_up(
    case: Case,
    command: Approve | Undo,
    *,
    plan_hash: str,
    purpose: Purpose,
    now: datetime,
) -> Assertion:
    """Return the assertion of exactly this vote.

    The signature itself is verified where the assertion arrives.

    Raises:
        NotEligible: nothing is signed, something else is, or by a passkey that is not theirs.
        TooLate: the link has expired or belongs to another vote.
    """
    person, assertion = command.by.person.id, command.assertion
    if assertion is None:
        raise NotEligible(NOT_SIGNED[purpose])
    step_up = find_live_link(case.proposal.step_ups, assertion.ticket, now)
    if step_up is None or step_up.person != person or step_up.purpose is not purpose:
        raise TooLate(LINK_IS_OVER)
    if not is_in_force(assertion, person, command.passkeys):
        raise NotEligible("this passkey is not one of yours any more")
    expected = challenge(
        case_id=case.id,
        revision=case.proposal.revision,
        plan_hash=plan_hash,
        person=person,
        ticket=assertion.ticket,
        purpose=purpose,
    )
    if not matches_challenge(assertion, expected):
        raise NotEligible("your device signed something else than this plan")
    return assertion
