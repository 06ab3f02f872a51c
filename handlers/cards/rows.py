"""A case as a row of a list: title, status and buttons."""

from collections.abc import Callable, Sequence

from bot.cases.actor import is_person
from bot.cases.approval import Approval
from bot.cases.case import Case, StatusReason
from bot.cases.entries import Resolution
from bot.cases.lifecycle import State
from bot.cases.plan import Plan
from bot.cases.verdict import Verdict
from bot.views.labels import start_upper
from bot.views.plan_words import plan_sentence
from bot.views.rows import CaseRow
from handlers.cards import ids
from handlers.cards.blocks import button
from handlers.cards.card_buttons import (
    button_row,
    card_buttons,
    decision_buttons,
    kind_buttons,
)
from handlers.cards.case_words import case_wording
from handlers.cards.text import (
    Json,
    bullets,
    clean,
    date_run,
    link_run,
    paragraph,
    plain_text,
    rich_text,
    text_run,
)
from handlers.cards.wording import Wording, money_text

Permalink = Callable[[str, str], str]
"""Return the URL of a message by channel and ts; empty when the message has none."""

NEXT_STEPS = {State.APPROVED: "begins soon", State.RUNNING: "being carried out"}
APPROVED_STATES = frozenset(NEXT_STEPS)
CARD_ONLY = frozenset({ids.DETAILS, ids.MORE})


def case_rows(section: str, rows: Sequence[CaseRow], permalink: Permalink) -> list[Json]:
    """Build rows with the buttons that the state of each case allows.

    Each row has a block of buttons of its own, so that a press leaves the other rows as they are.
    """
    blocks: list[Json] = []
    for row in rows:
        blocks.append(_row(row, permalink))
        blocks += button_row(section, row.case, row_buttons(row, permalink))
    return blocks


def row_buttons(row: CaseRow, permalink: Permalink) -> list[Json]:
    """Build the buttons of a row."""
    open_button = _open_button(row, permalink)
    if row.case.is_terminal:
        return []
    if not row.is_decidable:
        return [open_button]
    return [*_decision_buttons(row.case), open_button]


def _open_button(row: CaseRow, permalink: Permalink) -> Json:
    """Build a link to the card, or a request for one."""
    link = permalink(row.channel, row.ts) if row.ts else ""
    if not link:
        return button("Open", ids.OPEN, f"{row.case.id}:0")
    return {
        "type": "button",
        "action_id": ids.OPEN_LINK,
        "text": plain_text("Open"),
        "url": link,
    }


def _decision_buttons(case: Case) -> list[Json]:
    token = ids.token(case)
    match case.state:
        case State.PROPOSED:
            return decision_buttons(case)
        case State.REFERRED:
            resolve = button("Handled by hand…", ids.RESOLVE, token)
            return kind_buttons(case) or [resolve, button("Try again", ids.TRY_AGAIN, token)]
        case State.OUTCOME_UNKNOWN:
            return [
                button(
                    "I have looked…",
                    ids.SETTLE,
                    token,
                    style="primary",
                )
            ]
        case State.SNOOZED:
            # Whatever its card offers, but for what the row itself leads to.
            buttons = card_buttons(case, is_undoable=False)
            return [one for one in buttons if one["action_id"] not in CARD_ONLY]
        case _:
            return []


def plain_rows(rows: Sequence[CaseRow], permalink: Permalink) -> Json:
    """Build rows without buttons, one line each."""
    items = [[*row_title(row, permalink), text_run("  "), *_status(row)] for row in rows]
    return rich_text(bullets(items))


def describe_outcome(case: Case) -> str:
    """Describe in a few words what was decided and how it ended."""
    approvers = _approved_by(case)
    if case.state in APPROVED_STATES:
        return f"Approved{approvers}, {NEXT_STEPS[case.state]}"
    ending = case.activity.status_reason
    if ending is None:
        return start_upper(str(case.state))
    if case.state is State.REJECTED:
        return f"Rejected by {clean(ending.by, 60)}: {ending.reason}"
    if case.state is State.WITHDRAWN:
        return f"Withdrawn by {clean(ending.by, 60)}; nothing was done"
    if case.state is State.CLEARED:
        return "Went away by itself"
    if ending.reason == Resolution.WORKED:
        return f"Done, approved{approvers}"
    return f"{start_upper(str(case.state))}: {_reason_and_note(ending)}"


def _row(row: CaseRow, permalink: Permalink) -> Json:
    return rich_text(paragraph(*row_title(row, permalink)), paragraph(*_status(row)))


def row_title(row: CaseRow, permalink: Permalink) -> list[Json]:
    """Build the id, the title and the stake of a case."""
    case = row.case
    runs = [
        link_run(permalink(row.channel, row.ts), case.id),
        text_run(f"  {_wording(row).prose(case.signal.title, 110)}", bold=True),
    ]
    stake = case.assessment.stake
    if stake and stake.amount:
        runs.append(text_run(f"  {money_text(stake)}"))
    return runs


def _status(row: CaseRow) -> list[Json]:
    """Build the outcome of a case, or what it waits for."""
    case = row.case
    if case.is_terminal or case.state in APPROVED_STATES:
        return [text_run(describe_outcome(case))]
    deadline = "by"
    at = case.timers.sla.decide_by
    if case.state is State.SNOOZED and case.timers.snoozed_until:
        deadline = "until"
        at = case.timers.snoozed_until
    text = "  ·  ".join([*_reason_to_wait(row), _owner(row), f"{deadline} "])
    return [text_run(text), date_run(at)]


def _reason_to_wait(row: CaseRow) -> list[str]:
    case = row.case
    wording = _wording(row)
    if case.state is State.PROPOSED and case.proposal.plan and case.proposal.verdict:
        return _proposal(
            case,
            case.proposal.plan,
            case.proposal.verdict,
            wording=wording,
        )
    reason = case.activity.status_reason
    if case.state is State.SNOOZED and reason:
        return [f"Snoozed: {_reason_and_note(reason)}"]
    if reason:
        return [wording.reason(reason.reason, 120)]
    return [start_upper(str(case.state))]


def _owner(row: CaseRow) -> str:
    # The handle of a group is readable; the principal of a person is not.
    if not is_person(row.case.owner):
        return f"@{row.case.owner}"
    return f"with {clean(row.owner_name, 60) or 'a colleague'}"


def _proposal(case: Case, plan: Plan, verdict: Verdict, *, wording: Wording) -> list[str]:
    steps = plan_sentence(plan, lambda text: wording.prose(text, 80), wording.system)
    price = money_text(plan.amount) if plan.amount and plan.amount.amount else ""
    # Many a summary says its price itself.
    if price and price not in steps:
        steps += f" for {price}"
    risk = f"{verdict.tier.name.lower()} risk"
    if case.proposal.approvals:
        risk = f"{len(case.proposal.approvals)} of {verdict.approvals_needed} yes, {risk}"
    return [clean(steps, 200), risk]


def _approved_by(case: Case) -> str:
    if not case.proposal.approvals:
        return ""
    names = ", ".join(map(_approver, case.proposal.approvals))
    return f" by {clean(names, 80)}"


def _approver(approval: Approval) -> str:
    if approval.person.startswith("policy:"):
        return "policy"
    return approval.name


def _wording(row: CaseRow) -> Wording:
    return case_wording(row.case, row.labels)


def _reason_and_note(ending: StatusReason) -> str:
    reason = clean(ending.reason, 80)
    if not ending.note:
        return reason
    return f"{reason}: {clean(ending.note, 120)}"
