"""Write ``docs/authority.md`` from the table of the rules: ``python -m tests.cases.authority_page``."""

from pathlib import Path

from bot.cases.commands import MAY, NEVER_BY_AUTHORS, OFFERED, DecisionKind, Role
from bot.cases.lifecycle import State

WORDS = {
    DecisionKind.APPROVE: "Approve a plan",
    DecisionKind.WITHDRAW: "Withdraw an approval",
    DecisionKind.REJECT: "Reject",
    DecisionKind.EDIT: "Edit a plan",
    DecisionKind.SNOOZE: "Snooze",
    DecisionKind.WAKE: "End a snooze early",
    DecisionKind.RESOLVE: "Close as handled by hand",
    DecisionKind.TRY_AGAIN: "Try again",
    DecisionKind.SETTLE: "Report the outcome of a step",
    DecisionKind.UNDO: "Undo a plan",
    DecisionKind.REPORT_MISTAKE: "Report a mistake of the bot",
    DecisionKind.NAME_KIND: "Assign a kind",
    DecisionKind.CALL_NOVEL: "Mark as something new",
    DecisionKind.CLAIM: "Claim",
    DecisionKind.HAND_OVER: "Hand over",
    DecisionKind.ASK: "Ask a question",
    DecisionKind.EMERGENCY: "Approve alone in an emergency",
    DecisionKind.NUDGE: "Ask again for a decision",
    DecisionKind.RETRACT: "Withdraw a case",
    DecisionKind.CONFIRM_PRACTICE: "Say what was done by hand",
    DecisionKind.REVIEW: "Review what ran alone",
}
ROLES = {
    Role.APPROVER: "Approver",
    Role.PLAYBOOK_OWNER: "Playbook owner",
    Role.PRESENT_OWNER: "Case owner",
    Role.VOTER: "Has approved",
    Role.REQUESTER: "Has raised it",
}
HEAD = """# Who may decide what

This page is generated from the table in `bot/cases/commands.py`, which applies everywhere. A test keeps the two equal.

* **Approver**: a member of a group that must approve this plan by policy. If policy let the plan run without approval: a playbook owner.
* **Playbook owner**: a member of one of the groups under `owners:` in the playbook (business, operations, technical, governance, next).
* **Case owner**: the person to whom the case was given, or a member of the group that has it now.
* **Has approved**: a person can withdraw only their own approval.
* **Has raised it**: a person who raised the case. They can withdraw it while nobody else has raised it too, and ask again once in four
  hours. Their buttons are in the message that the bot sent them.
* **Author**: a person who raised the case, edited its plan, gave an answer that the plan uses, or gains from it.

"""
FOOT = """
* Authors may say no, if they have one of the other roles. They never approve.
* A person who *stands in* may do what the absent person may do, under the same limits. An approval names them both.
* Nobody hands a case to themself. A person who may decide a case claims it. Owning a case gives no right to decide it.
* A question is answered by the person who was asked, or by a member of the group that was asked, and never by whoever asked it.
* In an emergency the group that `policy.yml` names approves a low or medium plan alone, unless that person is an author
  (see [operating](operating.md#emergencies)).
* Guests, people of other companies, apps and deactivated accounts decide nothing, whatever group they are in.

## When

A decision counts only in a state whose card offers it, and only for what that card showed: the revision, the plan, the state, and the step
whose outcome was unknown. For claiming, handing over, withdrawing an approval and asking again, the plan must be the same, but the state may
have changed since.

"""


def page() -> str:
    """Write the whole page."""
    return f"{HEAD}{_who()}{FOOT}{_when()}"


def _who() -> str:
    lines = [["Decision", *ROLES.values(), "Author"], ["---", *(":-:" for _ in ROLES), ":-:"]]
    for decision, words in WORDS.items():
        if decision is DecisionKind.EMERGENCY:
            continue
        marks = ["yes" if role in MAY[decision] else "" for role in ROLES]
        lines.append([words, *marks, "never" if decision in NEVER_BY_AUTHORS else ""])
    return _table(lines)


def _when() -> str:
    lines = [["State", "What its card offers"], ["---", "---"]]
    for state in State:
        offered = [words for decision, words in WORDS.items() if state in OFFERED[decision]]
        if offered:
            lines.append([str(state).capitalize(), "; ".join(offered).capitalize()])
    return _table(lines)


def _table(lines: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    (Path(__file__).parent.parent.parent / "docs" / "authority.md").write_text(page())
