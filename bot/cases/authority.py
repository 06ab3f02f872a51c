"""One table of decisions and the roles that may take them.

``docs/authority.md`` shows this table; a test keeps the two equal.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from bot.cases.approval import Person, either, is_colleague, unfit
from bot.cases.caller import Caller
from bot.cases.case import Case
from bot.cases.policy import Ruling
from bot.cases.seen import DecisionKind


class Role(StrEnum):
    """A person's relation to a case. One person may have several."""

    APPROVER = "approver"
    PLAYBOOK_OWNER = "owner of the playbook"
    PRESENT_OWNER = "present owner"
    VOTER = "approved it"


_DECIDERS = frozenset({Role.APPROVER, Role.PLAYBOOK_OWNER})
_HOLDERS = _DECIDERS | {Role.PRESENT_OWNER}

#: The roles of which one is enough. Owning a case allows nothing but to claim it and hand it on.
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
    # Whom policy names for emergencies is checked in ``decide_controls``.
    DecisionKind.EMERGENCY: frozenset(),
}

# Whoever raised or edited a plan, or gains from it, may reject it and never approve it.
NEVER_BY_AUTHORS = frozenset({DecisionKind.APPROVE, DecisionKind.UNDO, DecisionKind.EMERGENCY})


def ineligibility(case: Case, decision: DecisionKind, by: Caller) -> str | None:
    """Say to this person why they may not decide this.

    None means that they may.
    """
    person = by.person
    if decision is DecisionKind.WITHDRAW:
        has_voted = Role.VOTER in roles(case, person, by)
        return None if has_voted else "there is no approval of yours to withdraw"
    if not is_colleague(person):
        is_approval = decision in NEVER_BY_AUTHORS
        return unfit(person) if is_approval else "only members of this workspace may do this"
    if _is_barred(case, decision, person, by):
        return "whoever raised or edited a plan, or gains from it, cannot approve it"
    for candidate in (person, *by.behalf_of):
        is_fit = is_colleague(candidate) and not _is_barred(case, decision, candidate, by)
        if is_fit and roles(case, candidate, by) & MAY[decision]:
            return None
    return _only_others(case, decision, by)


def roles(case: Case, person: Person, by: Caller) -> frozenset[Role]:
    """Find this person's roles, from the groups read for ``by``."""

    def belongs_to(handles: Iterable[str]) -> bool:
        return any(person.id in by.groups.get(handle, frozenset()) for handle in handles)

    is_so = {
        Role.APPROVER: belongs_to(_approvers(case, by)),
        Role.PLAYBOOK_OWNER: belongs_to(by.playbook_owners),
        Role.PRESENT_OWNER: person.id == case.owner or belongs_to([case.owner]),
        Role.VOTER: any(vote.person == person.id for vote in case.proposal.approvals),
    }
    return frozenset(role for role in Role if is_so[role])


def _approvers(case: Case, by: Caller) -> tuple[str, ...]:
    """List the groups of the verdict."""
    if case.proposal.verdict is None:
        return ()
    # A plan that policy let run alone answers to the playbook's owners.
    if case.proposal.verdict.ruling is Ruling.AUTO_APPROVE:
        return by.playbook_owners
    return tuple(factor.group for factor in case.proposal.verdict.factors)


def _is_barred(case: Case, decision: DecisionKind, person: Person, by: Caller) -> bool:
    """Tell whether the decision is barred to this person as an author."""
    return decision in NEVER_BY_AUTHORS and person.id in by.identities.linked_accounts(case.authors)


def _only_others(case: Case, decision: DecisionKind, by: Caller) -> str:
    handles = [*_approvers(case, by)]
    if Role.PLAYBOOK_OWNER in MAY[decision]:
        handles += by.playbook_owners
    verb = "approve" if decision is DecisionKind.APPROVE else "do"
    if not handles:
        return f"nobody is named who may {verb} this"
    return f"only {either(handles)} may {verb} this"
