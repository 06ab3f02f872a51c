"""Differences between two records of the rules, in words."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import timedelta

from bot.cases.limits import describe_window
from bot.cases.policy import Policy
from bot.cases.program import is_own_action, program_of_source
from bot.cases.rule_record import KindRules, RuleRecord
from bot.views.labels import Labels
from bot.views.policy_page import GROUPS, PolicyPart, policy_page

MAX_CHANGES = 12
#: The name of an action behind its title, which people need not read.
_CODE_NAME = re.compile(r" \([a-z0-9_]+\.[a-z0-9_]+\)$")
_ROLES = {"next": "next to be asked"}
_AUTONOMY_WORDS = {
    "decisions": "decisions that an action must show",
    "agreement": "agreement that it must show",
    "confidence": "confidence",
    "window": "time that counts",
    "drift": "drift that is tolerated",
    "ask_again": "time before it is asked again",
    "alone_per_day": "plans that run alone in a day",
}


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A change of the rules in words, with its back-test."""

    text: str
    figures: str
    comparison: str


def policy_changes(before: Policy, after: Policy, labels: Labels) -> list[str]:
    """Say what differs between two policies, part by part."""
    old_parts = {part.title: part for part in policy_page(before, labels)}
    new_parts = {part.title: part for part in policy_page(after, labels)}
    changes: list[str] = []
    for title in dict.fromkeys([*old_parts, *new_parts]):
        changes += _part_changes(title, old_parts.get(title), new_parts.get(title))
    return [*changes, *_autonomy_changes(before, after)]


def _part_changes(title: str, before: PolicyPart | None, after: PolicyPart | None) -> Iterator[str]:
    columns = (before or after or PolicyPart("", (), ())).columns
    old_rows, new_rows = _rows(before), _rows(after)
    for name in dict.fromkeys([*old_rows, *new_rows]):
        old, new = old_rows.get(name), new_rows.get(name)
        subject = _subject(title, name)
        if old is None and new is not None:
            beginning = "new,"
            if title == GROUPS:
                beginning = "as in Slack →"
            yield f"{subject}: {beginning} {', '.join(filter(None, new))}"
        elif new is None:
            yield f"{subject}: {'as in Slack' if title == GROUPS else 'removed'}"
        elif old is not None:
            for column, one, other in zip(columns[1:], old, new, strict=True):
                if one != other:
                    yield f"{_with_column(subject, column)}: {one} → {other}"


def _rows(part: PolicyPart | None) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in part.rows} if part else {}


def _subject(title: str, name: str) -> str:
    if title == "Risk and approvers":
        return f"{name.capitalize()} risk"
    if title == "Rules":
        return f"Rule {name}"
    if title == GROUPS:
        return f"Group {name}"
    return _CODE_NAME.sub("", name)


def _with_column(subject: str, column: str) -> str:
    return subject if column == "Value" else f"{subject}, {column.lower()}"


def _autonomy_changes(before: Policy, after: Policy) -> Iterator[str]:
    for one in fields(before.autonomy):
        old, new = getattr(before.autonomy, one.name), getattr(after.autonomy, one.name)
        if old != new:
            words = _AUTONOMY_WORDS.get(one.name, one.name.replace("_", " "))
            yield f"Autonomy, {words}: {_value(old)} → {_value(new)}"


def _value(value: object) -> str:
    if isinstance(value, timedelta):
        return describe_window(value).removeprefix("in ").replace("a day", "24 hours")
    return f"{value:,}" if isinstance(value, int) else str(value)


def record_changes(before: RuleRecord, after: RuleRecord, labels: Labels) -> list[str]:
    """Say what differs in approver groups, connectors and people."""
    changes: list[str] = []
    for kind in sorted({*before.kinds, *after.kinds}):
        changes += _kind_changes(
            f"“{labels.kind(kind)}”", before.kinds.get(kind), after.kinds.get(kind)
        )
    for name in sorted({*before.actions, *after.actions}):
        if before.actions.get(name) != after.actions.get(name):
            changes += _definition_change(name, before, after, labels=labels)
    if before.people_checksum != after.people_checksum:
        changes.append("Which accounts are one person's")
    return changes


def _definition_change(
    name: str, before: RuleRecord, after: RuleRecord, *, labels: Labels
) -> Iterator[str]:
    """Say how an action or a program differs."""
    if is_own_action(name):
        # It changes with its program, which has a line of its own.
        return
    is_program = bool(program_of_source(name))
    title = labels.system(name) if is_program else labels.action(name)
    noun = "program" if is_program else "action"
    if name not in after.actions:
        yield f"“{title}” is no {noun} any more"
    elif name not in before.actions:
        yield f"“{title}” is a new {noun}"
    elif is_program:
        yield f"“{title}” may ask for something else"
    else:
        yield f"“{title}” is carried out in another way"


def _kind_changes(title: str, before: KindRules | None, after: KindRules | None) -> Iterator[str]:
    if after is None:
        yield f"{title} is no kind any more"
        return
    if before is None:
        yield f"{title} is a new kind"
        return
    if before.approvers != after.approvers:
        yield f"{title}, approvers: {_approvers(before)} → {_approvers(after)}"
    if before.expires_for != after.expires_for:
        yield f"{title}, time: {_time(before)} → {_time(after)}"
    if before.stage is not after.stage:
        yield f"{title}, first stage: {before.stage} → {after.stage}"
    for role in sorted({*before.owners, *after.owners}):
        one, other = before.owners.get(role, ""), after.owners.get(role, "")
        if one != other:
            words = _ROLES.get(role, f"{role} owner")
            yield f"{title}, {words}: {_group(one)} → {_group(other)}"


def _approvers(terms: KindRules) -> str:
    names = [f"{factor.count} of {_group(factor.group)}" for factor in terms.approvers]
    return " and ".join(names) or "those of policy"


def _time(terms: KindRules) -> str:
    return _value(terms.expires_for) if terms.expires_for else "that of policy"


def _group(name: str) -> str:
    return f"@{name}" if name else "nobody"


def rule_changes(
    before: tuple[RuleRecord, Policy], after: tuple[RuleRecord, Policy], labels: Labels
) -> list[str]:
    """Say all that differs, policy first."""
    changes = [
        *policy_changes(before[1], after[1], labels),
        *record_changes(before[0], after[0], labels),
    ]
    # A rule may have moved, or a name that no page shows may have changed.
    return changes or ["The order of the rules, or what no page shows"]


def shorten(changes: Iterable[str]) -> str:
    """Join the first changes, and count the others."""
    lines = list(changes)
    text = "; ".join(lines[:MAX_CHANGES])
    text = text[:1].upper() + text[1:]
    rest = len(lines) - MAX_CHANGES
    return f"{text}; and {rest:,} more" if rest > 0 else text


def changed_files(before: RuleRecord, after: RuleRecord) -> list[str]:
    """List the files that differ, as people name them."""
    names = _changed_names(before, after)
    of_programs = {name for name in names if program_of_source(name) or is_own_action(name)}
    files = [
        ("policy.yml", before.policy_checksum != after.policy_checksum),
        ("systems.yml", bool(names - of_programs)),
        ("programs.yml", bool(of_programs)),
        ("people.yml", before.people_checksum != after.people_checksum),
        ("playbooks", before.kinds != after.kinds),
    ]
    return [name for name, is_changed in files if is_changed]


def _changed_names(before: RuleRecord, after: RuleRecord) -> set[str]:
    """Return the names of actions and programs that differ."""
    names = {*before.actions, *after.actions}
    return {name for name in names if before.actions.get(name) != after.actions.get(name)}


def change_title(before: RuleRecord, after: RuleRecord) -> str:
    """Ask whether the changed files may be in force."""
    *others, last = changed_files(before, after)
    if not others and last != "playbooks":
        return f"{last} was changed: let it be in force?"
    names = f"{', '.join(others)} and {last}" if others else last
    return f"{names} were changed: let them be in force?"
