"""The authority of a person over a case.

It applies the table ``MAY`` of ``commands`` to who the person is.
"""

from bot.cases.approval import AUTHOR_REASON, Person, either, is_colleague, unfit
from bot.cases.caller import Caller
from bot.cases.case import Case
from bot.cases.commands import MAY, NEVER_BY_AUTHORS, DecisionKind, Role
from bot.cases.lifecycle import State
from bot.cases.verdict import Ruling

_ACTS = {
    DecisionKind.APPROVE: "approve this",
    DecisionKind.NAME_KIND: "say what this is",
    DecisionKind.CALL_NOVEL: "say what this is",
}


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
    if _is_barred(case, decision, person=person, by=by):
        return AUTHOR_REASON
    if roles(case, person, by) & MAY[decision]:
        return None
    for giver in by.behalf_of:
        is_fit = is_colleague(giver) and not _is_barred(case, decision, person=giver, by=by)
        if is_fit and roles(case, giver, by) & MAY[decision]:
            return None
    return _only_others(case, decision, by)


def roles(case: Case, person: Person, by: Caller) -> frozenset[Role]:
    """Find this person's roles, from the groups read for ``by``."""
    handles = {handle for handle, members in by.groups.items() if person.id in members}
    is_so = {
        Role.APPROVER: not handles.isdisjoint(_approvers(case, by)),
        Role.PLAYBOOK_OWNER: not handles.isdisjoint(by.playbook_owners),
        Role.PRESENT_OWNER: case.owner in {person.id, *handles},
        Role.REQUESTER: _has_raised(case, person, by),
        Role.VOTER: any(vote.person == person.id for vote in case.proposal.approvals),
    }
    return frozenset(role for role in Role if is_so[role])


def _has_raised(case: Case, person: Person, by: Caller) -> bool:
    accounts = [requester.account for requester in case.requesters]
    return person.id in by.identities.linked_accounts(accounts)


def _approvers(case: Case, by: Caller) -> tuple[str, ...]:
    """List the groups of the verdict, or those of an undo."""
    verdict = case.undo_verdict if case.state is State.RESOLVED else case.proposal.verdict
    if verdict is None:
        return ()
    # A plan that policy let run alone answers to the playbook's owners.
    if verdict.ruling is Ruling.AUTO_APPROVE:
        return by.playbook_owners
    return tuple(factor.group for factor in verdict.factors)


def _is_barred(case: Case, decision: DecisionKind, *, person: Person, by: Caller) -> bool:
    """Tell whether the decision is barred to this person as an author."""
    return decision in NEVER_BY_AUTHORS and person.id in by.identities.linked_accounts(case.authors)


def _only_others(case: Case, decision: DecisionKind, by: Caller) -> str:
    if MAY[decision] == {Role.REQUESTER}:
        return "only whoever raised this may do this"
    handles = [*_approvers(case, by)]
    if Role.PLAYBOOK_OWNER in MAY[decision]:
        handles += by.playbook_owners
    act = _ACTS.get(decision, "do this")
    if not handles:
        return f"nobody is named who may {act}"
    return f"only {either(handles)} may {act}"
