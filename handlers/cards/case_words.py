"""Phrases about a case that several of its views use."""

import re

from bot.cases.approval import Approval
from bot.cases.case import Case
from bot.cases.desk_kinds import DESK_SYSTEM
from bot.cases.grant import giving_case
from bot.cases.plan import Action
from bot.views.labels import Labels
from handlers.cards.text import clean, safe_handle
from handlers.cards.wording import Wording

# A principal with the id of a Slack user: "T1/U1".
PERSON = re.compile(r"[A-Z0-9]+/[UW][A-Z0-9]+")


def case_wording(case: Case, labels: Labels) -> Wording:
    """Return how texts of this case are written."""
    return Wording(labels=labels, year=case.timers.opened_at.year)


def headline(case: Case, wording: Wording, limit: int) -> str:
    """Write the id and title of a case."""
    return f"{case.id} · {wording.prose(case.signal.title, limit)}"


def describe_target(case: Case, action: Action, wording: Wording, *, limit: int) -> str:
    """Name what an action changes as the card does.

    What the case is about has the title of the card. Anything else has its own name.
    """
    if action.target == case.signal.subject or action.system == DESK_SYSTEM:
        return f"“{wording.prose(case.signal.title, limit)}”"
    return wording.target(action.target, limit)


def owner_mention(case: Case) -> str:
    """Name the owner in mrkdwn."""
    if PERSON.fullmatch(case.owner):
        user_id = case.owner.rpartition("/")[2]
        return f"<@{user_id}>"
    return f"@{safe_handle(case.owner)}"


def describe_approvals(case: Case) -> str:
    """Name everybody who approved, with what they said."""
    names = ", ".join(map(approver_name, case.proposal.approvals))
    notes = ""
    for approval in case.proposal.approvals:
        if approval.note:
            notes += f" — “{clean(approval.note, 200)}”"
    return names + notes


def approver_name(approval: Approval) -> str:
    """Name an approver, and for whom they decided."""
    if approval.person.startswith("policy:"):
        return "policy, by itself"
    name = clean(approval.name, 60)
    if approval.behalf_of:
        name += f" for {clean(approval.behalf_name, 60)}"
    if approval.grant:
        name += f", in advance with {giving_case(approval.grant)}"
    if approval.emergency:
        name += ", ALONE in an emergency"
    return name
