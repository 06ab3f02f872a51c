"""A case as a row of a list: title, status and buttons."""

from collections.abc import Callable, Sequence

from bot.cases.approval import Approval
from bot.cases.case import Case, StatusReason
from bot.cases.entries import Resolution
from bot.cases.lifecycle import State
from bot.cases.plan import Plan
from bot.cases.policy import Verdict
from bot.views.rows import CaseRow
from handlers.cards.card_buttons import button_row, decision_buttons, kind_buttons
from handlers.cards.text import (
    Json,
    bullets,
    clean,
    date_run,
    link_run,
    paragraph,
    rich_text,
    text_run,
)

Permalink = Callable[[str, str], str]
"""Return the URL of a message by channel and ts; empty when the message has none."""

APPROVED_STATES = frozenset({State.APPROVED, State.RUNNING})


def rows_with_decisions(section: str, rows: Sequence[CaseRow], permalink: Permalink) -> list[Json]:
    """Build rows with buttons to approve or reject.

    Each row has a block of buttons of its own, so that a press leaves the other rows as they are.
    """
    blocks: list[Json] = []
    for row in rows:
        blocks.append(_row(row, permalink))
        blocks += button_row(section, row.case, decision_buttons(row.case))
    return blocks


def rows_with_kind_choices(
    section: str, rows: Sequence[CaseRow], permalink: Permalink
) -> list[Json]:
    """Build rows of unrecognised cases, with the likeliest kinds as buttons."""
    blocks: list[Json] = []
    for row in rows:
        blocks.append(_row(row, permalink))
        blocks += button_row(section, row.case, kind_buttons(row.case))
    return blocks


def plain_rows(rows: Sequence[CaseRow], permalink: Permalink) -> Json:
    """Build rows without buttons, one line each."""
    items = [[*_title(row, permalink), text_run("  "), *_status(row.case)] for row in rows]
    return rich_text(bullets(items))


def describe_outcome(case: Case) -> str:
    """Describe in a few words what was decided and how it ended."""
    approvers = _approved_by(case)
    if case.state in APPROVED_STATES:
        return f"Approved{approvers}, {case.state}"
    ending = case.activity.status_reason
    if ending is None:
        return str(case.state).capitalize()
    if case.state is State.REJECTED:
        return f"Rejected by {clean(ending.by, 60)}: {ending.reason}"
    if ending.reason == Resolution.WORKED:
        return f"Done, approved{approvers}"
    return f"{str(case.state).capitalize()}: {_reason_and_note(ending)}"


def _row(row: CaseRow, permalink: Permalink) -> Json:
    return rich_text(paragraph(*_title(row, permalink)), paragraph(*_status(row.case)))


def _title(row: CaseRow, permalink: Permalink) -> list[Json]:
    case = row.case
    stake = ""
    if case.assessment.stake:
        stake = f"  {case.assessment.stake}"
    return [
        link_run(permalink(row.channel, row.ts), case.id),
        text_run(f"  {clean(case.signal.title, 110)}", bold=True),
        text_run(stake),
    ]


def _status(case: Case) -> list[Json]:
    """Build the outcome of a case, or what it waits for."""
    if case.is_terminal or case.state in APPROVED_STATES:
        return [text_run(describe_outcome(case))]
    text = "  ·  ".join([*_reason_to_wait(case), _owner(case), "by "])
    return [text_run(text), date_run(case.timers.sla.decide_by)]


def _reason_to_wait(case: Case) -> list[str]:
    if case.state is State.PROPOSED and case.proposal.plan and case.proposal.verdict:
        return _proposal(case, case.proposal.plan, case.proposal.verdict)
    if case.activity.status_reason:
        return [clean(case.activity.status_reason.reason, 120)]
    return [str(case.state)]


def _owner(case: Case) -> str:
    # The handle of a group is readable; the principal of a person is not.
    if "/" in case.owner:
        return ""
    return f"@{case.owner}"


def _proposal(case: Case, plan: Plan, verdict: Verdict) -> list[str]:
    steps = "; ".join(clean(action.summary, 80) for action in plan.actions)
    risk = f"{verdict.tier.name.lower()} risk"
    if case.proposal.approvals:
        risk = f"{len(case.proposal.approvals)} of {verdict.approvals_needed} yes, {risk}"
    return [clean(steps, 160), risk]


def _approved_by(case: Case) -> str:
    if not case.proposal.approvals:
        return ""
    names = ", ".join(map(_approver, case.proposal.approvals))
    return f" by {clean(names, 80)}"


def _approver(approval: Approval) -> str:
    if approval.person.startswith("policy:"):
        return "policy"
    return approval.name


def _reason_and_note(ending: StatusReason) -> str:
    reason = clean(ending.reason, 80)
    if not ending.note:
        return reason
    return f"{reason}: {clean(ending.note, 120)}"
