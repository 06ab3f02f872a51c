"""A case as one row of a list: which, what is wanted or what came of it, and the buttons that can be pressed right there."""

from collections.abc import Callable, Sequence

from bot.cases.case import Case
from bot.cases.entries import Resolution
from bot.cases.lifecycle import State
from bot.views.rows import CaseRow
from handlers.cards import ids
from handlers.cards.case_card import name_buttons, row_buttons
from handlers.cards.text import Json, bullets, clean, link, moment, paragraph, rich, say

Link = Callable[[str, str], str]
"""The address of a message, from channel and ts; empty when it has none."""


def pressable(section: str, rows: Sequence[CaseRow], to: Link) -> list[Json]:
    """Rows that can be decided, each with its buttons in a block of its own: pressing one leaves the others as they are."""
    return _with_buttons(section, rows, to, row_buttons)


def nameable(section: str, rows: Sequence[CaseRow], to: Link) -> list[Json]:
    """Rows that may be given a name, with the guesses as buttons."""
    return _with_buttons(section, rows, to, name_buttons)


def _with_buttons(
    section: str, rows: Sequence[CaseRow], to: Link, buttons_of: Callable[[Case], list[Json]]
) -> list[Json]:
    blocks: list[Json] = []
    for row in rows:
        blocks.append(rich(paragraph(*_line(row, to)), paragraph(*_wanted(row.case))))
        buttons = buttons_of(row.case)
        if buttons:
            token = ids.token(row.case)
            blocks.append(
                {"type": "actions", "block_id": f"{section}:{token}", "elements": buttons}
            )
    return blocks


def listed(rows: Sequence[CaseRow], to: Link) -> Json:
    """Rows to read, one line each."""
    return rich(bullets([*_line(row, to), say("  "), *_wanted(row.case)] for row in rows))


def _line(row: CaseRow, to: Link) -> list[Json]:
    case = row.case
    stake = f"  {case.stake}" if case.stake else ""
    return [
        link(to(row.channel, row.ts), case.id),
        say(f"  {clean(case.signal.title, 110)}", bold=True),
        say(stake),
    ]


def _wanted(case: Case) -> list[Json]:
    """What is proposed and until when; or who has it; or what came of it."""
    if case.is_terminal or case.state in {State.APPROVED, State.RUNNING}:
        return [say(outcome(case))]
    owner = "" if "/" in case.owner else f"@{case.owner}"
    if case.state is State.PROPOSED and case.plan and case.verdict:
        steps = "; ".join(clean(action.summary, 80) for action in case.plan.actions)
        given = (
            f"{len(case.approvals)} of {case.verdict.approvals_needed} yes, "
            if case.approvals
            else ""
        )
        return [
            say(
                f"{clean(steps, 160)}  ·  {given}{case.verdict.tier.name.lower()} risk  ·  {owner}  ·  by "
            ),
            moment(case.sla.decide_by),
        ]
    reason = clean(case.ending.reason, 120) if case.ending else str(case.state)
    return [say(f"{reason}  ·  {owner}  ·  by "), moment(case.sla.decide_by)]


def outcome(case: Case) -> str:
    """What was decided and what came of it, in a few words."""
    names = ", ".join(
        "policy" if given.person.startswith("policy:") else given.name for given in case.approvals
    )
    by = f" by {clean(names, 80)}" if names else ""
    if case.state in {State.APPROVED, State.RUNNING}:
        return f"Approved{by}, {case.state}"
    ending = case.ending
    if ending is None:
        return str(case.state).capitalize()
    if case.state is State.REJECTED:
        return f"Rejected by {clean(ending.by, 60)}: {ending.reason}"
    if ending.reason == Resolution.WORKED:
        return f"Done, approved{by}"
    note = f": {clean(ending.note, 120)}" if ending.note else ""
    return f"{str(case.state).capitalize()}: {clean(ending.reason, 80)}{note}"
