"""Edits of a plan by people: form, preview and edit."""

from dataclasses import dataclass
from typing import Any

from bot.cases.caller import Caller
from bot.cases.canonical import ScalarMapping
from bot.cases.case import Case
from bot.cases.commands import Command, DecisionKind, Edit
from bot.cases.edits import (
    EditForm,
    EditPreview,
    editable_fields,
    find_contradictions,
    must_be_within_bounds,
)
from bot.cases.entries import FieldChange
from bot.cases.errors import BadRequest, ConnectorFailed
from bot.cases.evidence import facts_of
from bot.cases.plan import Action, Money, Proposer
from bot.cases.playbook import ActionOffer
from bot.cases.program_request import cap_expiry, is_request, request_offer
from bot.cases.tree_shape import LIST, TreeShape
from bot.desk.decision_path import CommandOnCase, DecisionPath, Request
from bot.desk.proposal import Proposals
from bot.ports.clock import Clock
from bot.ports.library import Library


@dataclass(frozen=True, kw_only=True)
class PlanEdits:
    """Edits of a plan's first action, by the terms of its playbook."""

    path: DecisionPath
    library: Library
    proposals: Proposals
    clock: Clock

    def form(self, case: Case) -> EditForm:
        """List what a person may edit, and within which bounds."""
        offer = self._offer(case)
        if offer is None or case.proposal.plan is None:
            return EditForm(fields=())
        action = case.proposal.plan.actions[0]
        policy = self.library.policy()
        limit = policy.actions.get(action.name)
        max_amount = None
        if limit and limit.per_plan is not None:
            max_amount = Money(limit.per_plan, policy.currency)
        return EditForm(fields=editable_fields(offer, action, _facts(case)), max_amount=max_amount)

    def preview(self, request: Request, values: ScalarMapping) -> EditPreview:
        """Return the changes of an edit, and the evidence against it."""
        before, after = self.path.preview(
            DecisionKind.EDIT, request, self._command(request, values)
        )
        contradictions: tuple[str, ...] = ()
        offer = self._offer(after)
        if offer and after.proposal.plan:
            action = after.proposal.plan.actions[0]
            contradictions = find_contradictions(offer, action, _facts(after))
        return EditPreview(before=before, after=after, contradictions=contradictions)

    def save(self, request: Request, values: ScalarMapping) -> Case:
        """Replace the plan by one with these values."""
        command = self._command(request, values)
        return self.path.decide_on_case(DecisionKind.EDIT, request, command)

    def _command(self, request: Request, values: ScalarMapping) -> CommandOnCase:
        def command(case: Case, caller: Caller) -> Command:
            actions, changes = self._edit_actions(case, values)
            now = self.clock()
            plan, verdict = self.proposals.propose(
                case,
                actions=actions,
                evidence=case.assessment.evidence,
                proposer=Proposer.PERSON,
                now=now,
                shape=_shape(case),
            )
            hours = self.library.hours(case.channel)
            return Edit(
                caller,
                request.snapshot,
                plan=plan,
                verdict=verdict,
                changes=changes,
                expires_at=cap_expiry(case, hours.next_opening(now + verdict.expires_for)),
            )

        return command

    def _edit_actions(
        self, case: Case, values: ScalarMapping
    ) -> tuple[tuple[Action, ...], tuple[FieldChange, ...]]:
        """Prepare the first action with these values, and list what that changes."""
        offer = self._offer(case)
        if offer is None or case.proposal.plan is None:
            raise BadRequest(f"{case.id} has no plan that can be edited")
        first, *rest = case.proposal.plan.actions
        for name in values:
            if name not in offer.edit:
                raise BadRequest(f"{name} cannot be edited here", field=name)
        try:
            parameters = {**first.parameters, **values}
            action = self.proposals.prepare_for(case)(first.name, parameters)
        except ConnectorFailed as failure:
            raise BadRequest(f"that cannot be done: {failure}") from None
        must_be_within_bounds(editable_fields(offer, action, _facts(case)))
        return (action, *rest), _list_changes(first, action, values)

    def _offer(self, case: Case) -> ActionOffer | None:
        """Return the playbook's offer of the first action of the plan."""
        if case.proposal.plan is None:
            return None
        action = case.proposal.plan.actions[0]
        if is_request(case):
            # Every argument of a program's request may be edited; policy has the bounds.
            return request_offer(case, action)
        return self.proposals.versions.of_case(case).offer(action.name)


def _shape(case: Case) -> TreeShape:
    """Return the shape of the plan, which an edit keeps."""
    plan = case.proposal.plan
    return TreeShape(branches=plan.branches, facts=plan.facts) if plan else LIST


def _facts(case: Case) -> dict[str, Any]:
    return facts_of(case.signal, case.assessment.evidence)


def _list_changes(before: Action, after: Action, names: ScalarMapping) -> tuple[FieldChange, ...]:
    changes = []
    for name in names:
        old = before.parameters.get(name)
        new = after.parameters.get(name)
        if old != new:
            changes.append(FieldChange(name, old, new))
    return tuple(changes)
