"""Who may decide what: one table of decisions and the roles of a person towards a case.

``docs/authority.md`` shows this table; a test keeps the two equal.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from bot.cases.approval import Person, either, unfit
from bot.cases.case import Case
from bot.cases.commands import Asker
from bot.cases.policy import Ruling
from bot.cases.seen import DecisionKind


class Role(StrEnum):
    """What somebody is to a case. One person may be several of these."""

    APPROVER = "approver"
    PLAYBOOK_OWNER = "owner of the playbook"
    PRESENT_OWNER = "present owner"
    VOTER = "approved it"


_DECIDERS = frozenset({Role.APPROVER, Role.PLAYBOOK_OWNER})
_HOLDERS = _DECIDERS | {Role.PRESENT_OWNER}

MAY: Mapping[DecisionKind, frozenset[Role]] = {
    DecisionKind.APPROVE: frozenset({Role.APPROVER}),
    DecisionKind.UNDO: frozenset({Role.APPROVER}),
    DecisionKind.WITHDRAW: frozenset({Role.VOTER}),
    DecisionKind.REJECT: _DECIDERS,
    DecisionKind.EDIT: _DECIDERS,
    DecisionKind.SNOOZE: _DECIDERS,
    DecisionKind.RESOLVE: _DECIDERS,
    DecisionKind.TRY_AGAIN: _DECIDERS,
    DecisionKind.SETTLE: _DECIDERS,
    DecisionKind.NAME_KIND: _DECIDERS,
    DecisionKind.CALL_NOVEL: _DECIDERS,
    DecisionKind.CLAIM: _HOLDERS,
    DecisionKind.HAND_OVER: _HOLDERS,
    # Whom policy names for emergencies is judged with the standing of the desk.
    DecisionKind.EMERGENCY: frozenset(),
}
"""The roles of which one is enough. Having a case gives nothing but claiming it and handing it on."""

# Whoever raised or edited a plan, or gains from it, may say no to it and never yes.
NEVER_BY_AUTHORS = frozenset({DecisionKind.APPROVE, DecisionKind.UNDO, DecisionKind.EMERGENCY})


def is_colleague(person: Person) -> bool:
    """A member of this workspace, at work in it: no guest, nobody from outside, no app."""
    return unfit(person) is None


def ineligibility(case: Case, decision: DecisionKind, by: Asker) -> str | None:
    """Say why this person may not decide this, as a sentence to them; None when they may."""
    person = by.person
    if decision is DecisionKind.WITHDRAW:
        voted = Role.VOTER in roles(case, person, by)
        return None if voted else "there is no approval of yours to withdraw"
    if not is_colleague(person):
        says_yes = decision in NEVER_BY_AUTHORS
        return unfit(person) if says_yes else "only members of this workspace may do this"
    if _is_barred(case, decision, person, by):
        return "whoever raised or edited a plan, or gains from it, cannot approve it"
    for principal in (person, *by.behalf_of):
        fit = is_colleague(principal) and not _is_barred(case, decision, principal, by)
        if fit and roles(case, principal, by) & MAY[decision]:
            return None
    return _only_others(case, decision, by)


def roles(case: Case, person: Person, by: Asker) -> frozenset[Role]:
    """Find what this person is to this case, from the groups as they were read for ``by``."""

    def belongs_to(handles: Iterable[str]) -> bool:
        return any(person.id in by.groups.get(handle, frozenset()) for handle in handles)

    held = {
        Role.APPROVER: belongs_to(_approvers(case, by)),
        Role.PLAYBOOK_OWNER: belongs_to(by.playbook_owners),
        Role.PRESENT_OWNER: person.id == case.owner or belongs_to([case.owner]),
        Role.VOTER: any(vote.person == person.id for vote in case.approvals),
    }
    return frozenset(role for role, is_held in held.items() if is_held)


def _approvers(case: Case, by: Asker) -> tuple[str, ...]:
    """The groups of the verdict. What policy let run alone answers to the playbook's owners."""
    if case.verdict is None:
        return ()
    if case.verdict.ruling is Ruling.ALONE:
        return by.playbook_owners
    return tuple(factor.group for factor in case.verdict.factors)


def _is_barred(case: Case, decision: DecisionKind, person: Person, by: Asker) -> bool:
    """Tell whether one of this person's accounts raised or edited the plan, or gains from it."""
    return decision in NEVER_BY_AUTHORS and person.id in by.identities.accounts(case.authors)


def _only_others(case: Case, decision: DecisionKind, by: Asker) -> str:
    able = [*_approvers(case, by)]
    if Role.PLAYBOOK_OWNER in MAY[decision]:
        able += by.playbook_owners
    deed = "approve" if decision is DecisionKind.APPROVE else "do"
    return (
        f"only {either(able)} may {deed} this" if able else f"nobody is named who may {deed} this"
    )
