"""The rules in force, and those that wait for the governance owners.

The controls say what is in force. Where the files say something else, both are judged by until it
is decided. Where they agree, which is nearly always, nothing is read: what another process has let
in or taken back since is found by the transaction that writes what was judged.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from bot.cases.controls import DESK_ID, AdoptedRules, DeskControls
from bot.cases.desk_kinds import RULES_KIND, concerned_kind
from bot.cases.entries import PolicyAdopted
from bot.cases.errors import LedgerBroken
from bot.cases.group_lists import GroupLists
from bot.cases.identity import Identities
from bot.cases.plan import Plan
from bot.cases.policy import EmergencyRule, PlaybookTerms, Policy
from bot.cases.program import program_of_source
from bot.cases.rule_record import RuleRecord
from bot.cases.rules_playbook import rules_terms
from bot.cases.strictness import stricter
from bot.cases.verdict import Ruling, Verdict, require_governance
from bot.ports.case_store import CaseStore
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library

UNDECIDED = "the rules were changed, and the stricter of both holds until that is decided"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """One policy, with the terms of each kind under it."""

    policy: Policy
    terms: Callable[[str], PlaybookTerms]


# Without slots, because the cached values need a place.
@dataclass(frozen=True, kw_only=True)
class WaitingRules:
    """The rules in force beside those of the files, which wait."""

    #: In force.
    in_force: Rules
    record: RuleRecord
    #: Of the files.
    of_files: Rules
    changed_record: RuleRecord
    #: The accounts in force; None where they are not known any more.
    accounts: Identities | None = None

    @cached_property
    def changed_actions(self) -> frozenset[str]:
        """List the actions that may not run until they are decided."""
        return self.record.changed_actions(self.changed_record)

    @property
    def is_people_changed(self) -> bool:
        """Tell whether other accounts are one person's."""
        return self.record.people_checksum != self.changed_record.people_checksum

    def refusal(self, plan: Plan, step: int = 0) -> str:
        """Say what of a plan waits for a decision; empty for nothing."""
        if self.is_people_changed and self.accounts is None and plan.playbook != RULES_KIND:
            return (
                "people.yml was changed, and who had which accounts before is not known:"
                " put it back, start once, and change it then"
            )
        program = program_of_source(plan.requester or "")
        if program and plan.requester in self.changed_actions:
            return (
                f"{program} was changed in programs.yml,"
                " and the governance owners have not let it be in force"
            )
        for action in plan.actions[step:]:
            if action.name in self.changed_actions:
                return (
                    f"{action.name} was changed in systems.yml,"
                    " and the governance owners have not let it be in force"
                )
        return ""

    def joint_verdict(self, plan: Plan, judge: Callable[[Rules], Verdict], step: int) -> Verdict:
        """Judge by both, and return the stricter verdict."""
        old, new = judge(self.in_force), judge(self.of_files)
        verdict = stricter(old, new)
        refusal = self.refusal(plan, step)
        if refusal:
            return replace(
                verdict,
                ruling=Ruling.REFUSE,
                rule="action.not_adopted",
                reason=refusal,
                factors=(),
            )
        if self.is_people_changed and plan.playbook != RULES_KIND:
            verdict = require_governance(verdict, self.in_force.terms(plan.playbook))
        if _outcome(old) != _outcome(new):
            verdict = replace(verdict, reason=f"{verdict.reason}; {UNDECIDED}")
        return verdict


def _outcome(verdict: Verdict) -> tuple[object, ...]:
    return verdict.ruling, verdict.tier, frozenset(verdict.factors), verdict.step_up


class RulesInForce:
    """Find the rules that hold now.

    Each process keeps what it has read, and follows the newest controls that it has met.
    """

    def __init__(
        self, cases: CaseStore, library: Library, desk_controls: DeskControlsStore
    ) -> None:
        self._cases = cases
        self._library = library
        self._desk_controls = desk_controls
        self._accounts: dict[str, Identities | None] = {}
        self._records: dict[str, RuleRecord] = {}
        self._policies: dict[str, Policy] = {}
        #: The rules that were followed last, which may be none, and whether the files are they.
        self._last_rules: tuple[AdoptedRules | None, bool] | None = None
        self._group_lists: tuple[GroupLists, ...] = ()

    @property
    def files(self) -> Rules:
        """Return the rules of the files."""
        library = self._library
        return Rules(policy=library.policy(), terms=lambda kind: library.playbook(kind).terms)

    def waiting(self, controls: DeskControls) -> WaitingRules | None:
        """Return both rules while a change waits, else None.

        Until it is decided, whoever is one person by either counts as one.
        """
        last = controls.adopted_rules
        # Before the first start nothing else can be in force.
        is_settled = last is None or last.checksum == self._files_checksum()
        self._last_rules = (last, is_settled)
        if last is None or is_settled:
            self._library.join_identities(None)
            self._group_lists = (self._library.policy().groups,)
            return None
        record = self.record_of(last)
        accounts = self._accounts.get(record.people_checksum)
        self._library.join_identities(accounts)
        in_force = self._rules_of(record)
        self._group_lists = (in_force.policy.groups, self._library.policy().groups)
        return WaitingRules(
            accounts=accounts,
            in_force=in_force,
            record=record,
            of_files=self.files,
            changed_record=self._library.rule_record(),
        )

    def group_lists(self) -> tuple[GroupLists, ...]:
        """Return the listed groups of each of the rules that hold.

        The controls are read while a change waits.
        """
        if not self.is_settled:
            self.waiting(self._desk_controls.load())
        return self._group_lists

    @property
    def is_settled(self) -> bool:
        """Tell whether the newest controls have the files in force."""
        return self._last_rules == (self._desk_controls.latest().adopted_rules, True)

    def follow(self, controls: DeskControls) -> None:
        """Take over groups and accounts where these controls have new rules."""
        if self._last_rules is None or self._last_rules[0] != controls.adopted_rules:
            self.waiting(controls)

    def is_at_hand(self, controls: DeskControls) -> bool:
        """Tell whether ``waiting`` reads nothing, as inside a transaction."""
        last = controls.adopted_rules
        return (
            last is None
            or last.checksum in self._records
            or last.checksum == self._files_checksum()
        )

    def each(self, controls: DeskControls) -> Iterator[Rules]:
        """Yield all the rules that a plan must satisfy."""
        waiting = self.waiting(controls)
        if waiting:
            yield waiting.in_force
        yield self.files

    def emergency(self, controls: DeskControls) -> EmergencyRule | None:
        """Return who may break the glass, with the shortest review."""
        rules = [one.policy.emergency for one in self.each(controls)]
        groups = {rule.group for rule in rules if rule}
        if None in rules or len(groups) != 1:
            return None
        return min((rule for rule in rules if rule), key=lambda rule: rule.review_for)

    def record_of(self, rules: AdoptedRules) -> RuleRecord:
        """Return what was adopted, from the ledger."""
        record = self._records.get(rules.checksum)
        if record is None:
            record = self.record_at(rules.version)
            checksum = record.people_checksum
            self._accounts[checksum] = self._desk_controls.accounts_of(checksum)
            self._records[rules.checksum] = record
        return record

    def record_at(self, version: int) -> RuleRecord:
        """Return what an entry about the desk adopted.

        Raises:
            LedgerBroken: there is no such entry.
        """
        for entry in self._cases.entries(str(DESK_ID), after=version - 1):
            if entry.version == version and isinstance(entry.body, PolicyAdopted):
                return entry.body.record
        raise LedgerBroken(f"{DESK_ID} entry {version} adopts no rules")

    def _rules_of(self, record: RuleRecord) -> Rules:
        policy = self._policies.get(record.policy_checksum)
        if policy is None:
            policy = self._library.policy_from(record.policy_text)
            self._policies[record.policy_checksum] = policy
        files = self._library

        def terms(kind: str) -> PlaybookTerms:
            if kind == RULES_KIND:
                return rules_terms(record.governors or files.governors())
            subject = concerned_kind(kind)
            old = record.kinds.get(subject)
            if old and subject != kind:
                return rules_terms([old.owners["governance"]])
            # A kind that is new has no terms but its own.
            return old.terms if old else files.playbook(kind).terms

        return Rules(policy=policy, terms=terms)

    def _files_checksum(self) -> str:
        return self._library.rule_record().checksum
