"""The page of the documentation that says who may decide what, from the table in the rules.

``python -m tests.cases.authority_page`` writes it.
"""

from pathlib import Path

from bot.cases.commands import MAY, NEVER_BY_AUTHORS, OFFERED, DecisionKind, Role
from bot.cases.lifecycle import State

WORDS = {
    DecisionKind.APPROVE: "Approve a plan",
    DecisionKind.WITHDRAW: "Withdraw an approval",
    DecisionKind.REJECT: "Reject",
    DecisionKind.EDIT: "Edit a plan",
    DecisionKind.SNOOZE: "Snooze",
    DecisionKind.RESOLVE: "Say that it was handled by hand",
    DecisionKind.TRY_AGAIN: "Have it looked at again",
    DecisionKind.SETTLE: "Say what happened in the outside system",
    DecisionKind.UNDO: "Take a plan back",
    DecisionKind.NAME_KIND: "Say which kind it is",
    DecisionKind.CALL_NOVEL: "Say that it is something new",
    DecisionKind.CLAIM: "Take it on",
    DecisionKind.HAND_OVER: "Hand it over",
    DecisionKind.EMERGENCY: "Let a plan through alone",
}
ROLES = {
    Role.APPROVER: "Approver",
    Role.PLAYBOOK_OWNER: "Owner of the playbook",
    Role.PRESENT_OWNER: "Present owner",
    Role.VOTER: "Whoever approved",
}
HEAD = """# Who may decide what

One table in the rules says it (`bot/cases/commands.py`), for every surface. This page is made from it.

* **Approver**: a member of a group that policy names for this very plan. What policy let run alone answers to the owners of its playbook.
* **Owner of the playbook**: a member of one of the groups under `owners:` in the playbook: business, operations, technical, governance or next.
* **Present owner**: the person whom the case was given to, or a member of the group that has it now.
* **Whoever approved**: a person takes back their own approval, nobody else's.

"""
FOOT = """
An *author* raised the case, edited its plan or gains from it. Authors may say no, if they are one of the above; they never say yes.
Whoever *stands in* may do what the person who asked them may do, and is held to the same limits; an approval names them both.
Nobody hands a case to themself: who may decide it takes it on. Having a case gives no right to decide it.
In an emergency the group that `policy.yml` names lets a low or medium plan through alone, unless one of them is its author (docs/operating.md).
Guests, people of other companies, apps and deactivated accounts decide nothing, whatever group they are in.

## When

A decision counts only in a state whose card offers it, and only on what was on that card: the revision, the plan, the state, and which
step's outcome was in doubt. Taking on, handing over and withdrawing need the same plan and may have been seen a moment earlier.

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
