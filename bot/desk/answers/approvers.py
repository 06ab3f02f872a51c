"""Answers about the people that a case needs."""

from dataclasses import dataclass

from bot.cases.actor import is_person
from bot.cases.approval import Person, people_of
from bot.cases.commands import DecisionKind
from bot.cases.delegation import Delegation
from bot.cases.lifecycle import State
from bot.cases.missing_approvals import missing_approvals
from bot.cases.verdict import Verdict
from bot.desk.answers.case_file import CaseFile, Statement
from bot.desk.answers.decisions import (
    describe_groups_needed,
    describe_last_decision,
    describe_missing,
    list_votes,
)
from bot.desk.case_texts import as_sentence, join_words
from bot.desk.confirmations import Confirmations
from bot.desk.eligibility import Eligibility
from bot.views.labels import start_upper
from bot.views.rows import CaseRow

NOBODY = "which nobody can give at the moment"


@dataclass(frozen=True, kw_only=True)
class Approvers:
    """Say who may approve a case, who is missing, and why."""

    eligibility: Eligibility
    confirmations: Confirmations

    def describe(self, file: CaseFile) -> Statement:
        """Name the people who may approve now, group by group."""
        case, verdict = file.case, file.case.proposal.verdict
        if case.state is not State.PROPOSED or verdict is None:
            decision = describe_last_decision(file)
            text = f"{case.id} waits for no approval: it {case.state.predicate}."
            owner = self._holder_facts(file)
            return Statement(text=text, facts=(decision.text, *owner))
        lines = self._lines_by_group(file, verdict)
        facts = [*list_votes(case), *self._own_part(file)]
        if len(lines) == 1 and verdict.approvals_needed == 1:
            verb = "needs" if lines[0].endswith(NOBODY) else "can be approved by"
            return Statement(text=f"{case.id} {verb} {lines[0]}.", facts=tuple(facts))
        head = f"{case.id} needs {verdict.approvals_needed} approvals."
        missing = f"Still missing: {join_words(lines, 'and')}."
        return Statement(text=f"{head} {missing}", facts=tuple(facts))

    def _lines_by_group(self, file: CaseFile, verdict: Verdict) -> list[str]:
        """Name those whose approval would help, group by group."""
        votes = file.library.identities().distinct_votes(file.case.proposal.approvals)
        groups = file.names.groups(factor.group for factor in verdict.factors)
        missing = missing_approvals(verdict.factors, votes, groups)
        lines = []
        for handle in missing.groups:
            people = self._people_of(file, groups.get(handle, frozenset()))
            who = join_words(people, "or")
            if not people:
                lines.append(f"an approval of {file.names.group(handle)}, {NOBODY}")
            elif people_of(handle):
                lines.append(who)
            else:
                lines.append(f"{who} (@{handle})")
        return lines

    def _people_of(self, file: CaseFile, members: frozenset[str]) -> list[str]:
        """Name the members who may approve, and their stand-ins."""
        names = []
        for account in members:
            person = file.names.find(account)
            if person and self._may_approve(file, person):
                names.append(person.name)
        for delegation in file.controls.delegations:
            if delegation.giver in members and self._is_useful(file, delegation):
                names.append(f"{delegation.taker_name} for {delegation.giver_name}")
        return sorted(names)

    def _is_useful(self, file: CaseFile, delegation: Delegation) -> bool:
        taker = file.names.find(delegation.taker)
        is_in_force = delegation.holds(file.case.kind, file.now)
        return is_in_force and taker is not None and self._may_approve(file, taker)

    def _may_approve(self, file: CaseFile, person: Person) -> bool:
        row = CaseRow(case=file.case, channel=file.case.channel, ts="")
        (marked_row,) = self.eligibility.mark([row], person.id)
        return marked_row.is_decidable

    def _own_part(self, file: CaseFile) -> list[str]:
        """Say whether the asker may approve; nothing to whom nobody knows."""
        person = file.names.find(file.asker.person)
        if person is None:
            return []
        if person.id in self.eligibility.voters(file.case):
            return ["Your own approval is given."]
        reason = self.confirmations.ineligibility(
            file.case, DecisionKind.APPROVE, file.asker.person
        )
        return (
            [as_sentence(f"You cannot approve it: {reason}")] if reason else ["You may approve it."]
        )

    def explain(self, file: CaseFile) -> Statement:
        """Say why these people are needed, the asker among them."""
        case, verdict = file.case, file.case.proposal.verdict
        if case.state is not State.PROPOSED or verdict is None:
            return self._explain_owner(file)
        reason = file.words(verdict.reason)
        risk = verdict.tier.name.lower()
        text = f"{case.id} is {risk} risk: {reason}. {describe_groups_needed(file, verdict)}"
        facts = [*self._own_place(file), *list_votes(case)]
        if case.proposal.approvals:
            facts.append(describe_missing(file))
        return Statement(text=text, facts=(*facts, *self._own_part(file)))

    def _explain_owner(self, file: CaseFile) -> Statement:
        """Say why the case is with its owner."""
        case, status = file.case, file.case.activity.status_reason
        is_open = not case.is_terminal
        why = f" Because: {as_sentence(file.words(status.reason))}" if status and is_open else ""
        text = f"{case.id} {case.state.predicate}. It is with {file.names.owner(case.owner)}."
        return Statement(text=f"{text}{why}", facts=tuple(self._own_place(file)))

    def _own_place(self, file: CaseFile) -> list[str]:
        """Say through what the case comes to the asker."""
        person, case = file.asker.person, file.case
        facts = []
        if case.owner == person:
            facts.append("You have it.")
        handles = {factor.group for factor in case.proposal.factors}
        if not is_person(case.owner):
            handles.add(case.owner)
            facts += self._owning_group(file)
        groups = file.names.groups(handles)
        for handle in sorted(handles):
            if person in groups.get(handle, frozenset()):
                place = "named for it" if people_of(handle) else f"in @{handle}"
                facts.append(f"You are {place}.")
        for delegation in file.controls.delegations:
            if delegation.taker == person and delegation.holds(case.kind, file.now):
                until = file.time(delegation.ends_at)
                facts.append(f"You stand in for {delegation.giver_name} until {until}.")
        return facts

    def _owning_group(self, file: CaseFile) -> list[str]:
        owner = file.case.owner
        is_approver = any(factor.group == owner for factor in file.case.proposal.factors)
        return [] if is_approver else [f"It belongs to {file.names.group_with_members(owner)}."]

    def describe_owner(self, file: CaseFile) -> Statement:
        """Say whose case it is."""
        case = file.case
        owner = file.names.owner(case.owner)
        match (is_person(case.owner), case.is_terminal):
            case (True, False):
                text = f"{owner} has {case.id}."
            case (True, True):
                text = f"{owner} had {case.id}."
            case (False, False):
                text = f"{case.id} belongs to {owner}; nobody of them has taken it on."
            case _:
                text = f"{case.id} belonged to {owner}."
        return Statement(text=start_upper(text), facts=tuple(self._holder_facts(file)))

    def _holder_facts(self, file: CaseFile) -> list[str]:
        """Say from which team the owner is."""
        team, owner = file.case.team, file.case.owner
        return [f"Its team is {file.names.owner(team)}."] if team and team != owner else []
