"""Proposals: the one place where plans are made and policy judges them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from bot.cases.approval import ApprovalRequirement, can_be_met
from bot.cases.autonomy import may_depend_on_record
from bot.cases.canonical import ScalarMapping
from bot.cases.case import Case
from bot.cases.case_facts import case_facts
from bot.cases.circumstances import Circumstances
from bot.cases.controls import DeskControls
from bot.cases.desk_kinds import RULES_KIND
from bot.cases.errors import ConnectorFailed
from bot.cases.evidence import Evidence
from bot.cases.expressions import find_scalar
from bot.cases.grant import Grant
from bot.cases.granting import covering_grants, has_room, is_coverable
from bot.cases.judgement import judge
from bot.cases.plan import DRY_RUN, Action, Plan, Proposer
from bot.cases.playbook import Playbook
from bot.cases.policy import Stage
from bot.cases.program import is_approval_kind, is_own_action, program_of_source
from bot.cases.program_request import (
    ProgramRequest,
    own_action,
    request_of,
    with_reversibility,
)
from bot.cases.required_approvers import add_requirements
from bot.cases.rule_use import covering_rule
from bot.cases.tree_shape import LIST, TreeShape
from bot.cases.verdict import Ruling, Verdict, require_governance
from bot.desk.playbook_versions import PlaybookVersions
from bot.desk.rules_in_force import Rules, RulesInForce
from bot.ports.case_store import CaseStore
from bot.ports.connector import NOTHING, Systems
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.ports.recommender import Prepare

#: The mode in which the program carries nothing out, whatever an action has earned.
SHADOW_MODE = "shadow"
#: Modes in which nothing is carried out: there the files are tried by looking.
IDLE_MODES = frozenset({DRY_RUN, SHADOW_MODE})
# An approved plan that could not start for this long is asked about again.
APPROVAL_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Proposals:
    """Makes plans, and asks policy about them."""

    cases: CaseStore
    desk_controls: DeskControlsStore
    library: Library
    systems: Systems
    #: The mode that the program runs in: "live", "dry-run" or "shadow". Empty: plans run in any.
    mode: str = ""
    #: Judge by the playbooks of the files, whatever version is in force.
    is_by_files: bool = False

    @cached_property
    def rules(self) -> RulesInForce:
        """Return what tells the rules that hold now."""
        return RulesInForce(self.cases, self.library, self.desk_controls)

    @cached_property
    def versions(self) -> PlaybookVersions:
        """Return what tells which versions of playbooks judge now."""
        return PlaybookVersions(
            cases=self.cases,
            desk_controls=self.desk_controls,
            library=self.library,
            rules=self.rules,
            is_by_files=self.is_by_files or self.mode in IDLE_MODES,
        )

    def propose(
        self,
        case: Case,
        *,
        actions: tuple[Action, ...],
        evidence: tuple[Evidence, ...],
        proposer: Proposer,
        now: datetime,
        shape: TreeShape = LIST,
        doubt: str = "",
    ) -> tuple[Plan, Verdict]:
        """Make the next revision of the plan, with policy's verdict on it.

        With a ``doubt`` a person decides, even where such plans run alone.
        """
        playbook = self.versions.of_case(case)
        plan = Plan(
            case_id=case.id,
            revision=case.proposal.revision + 1,
            actions=actions,
            playbook=playbook.kind,
            playbook_digest=playbook.checksum,
            policy_digest=self.library.policy().checksum,
            proposer=proposer,
            requester=case.signal.requester,
            beneficiary=_beneficiary(case, playbook, evidence),
            not_after=self._last_start(case, now),
            mode=self.mode,
            branches=shape.branches,
            facts=shape.facts,
        )
        verdict = self.verdict(plan, case, evidence, now=now, doubt=doubt)
        requesters = [requester.account for requester in case.requesters]
        authors = [plan.requester, plan.beneficiary, *requesters]
        return plan, self.govern_strangers(verdict, authors, playbook)

    def _is_program(self, account: str) -> bool:
        """Tell whether an account is that of a declared program."""
        return program_of_source(account) in self.library.programs

    def _last_start(self, case: Case, now: datetime) -> datetime:
        """Find the last time at which a step may begin."""
        tiers = self.library.policy().tiers.values()
        decide_for = max((tier.expires_for for tier in tiers), default=timedelta(0))
        hours = self.library.hours(case.channel)
        # The case may be escalated once, so a plan outlives two times to decide.
        first_deadline = hours.next_opening(now + decide_for)
        return hours.next_opening(first_deadline + decide_for) + APPROVAL_LIFETIME

    def govern_strangers(
        self, verdict: Verdict, authors: Iterable[str | None], playbook: Playbook
    ) -> Verdict:
        """Leave plans of strangers to the governance owners."""
        accounts = [account for account in authors if account]
        if is_approval_kind(playbook.kind):
            # The program has signed in. Elsewhere a source may say anything of who raised it.
            accounts = [account for account in accounts if not self._is_program(account)]
        if self.library.identities().unknown_accounts(accounts):
            return require_governance(verdict, playbook.terms)
        return verdict

    def verdict(
        self,
        plan: Plan,
        case: Case,
        evidence: Iterable[Evidence],
        *,
        now: datetime,
        step: int = 0,
        controls: DeskControls | None = None,
        doubt: str = "",
    ) -> Verdict:
        """Judge this plan from ``step`` on by policy and stage of now.

        The desk's ``controls`` need not be read when they are given.
        """
        if controls is None and not self.rules.is_settled:
            controls = self.desk_controls.load()
        waiting = self.rules.waiting(controls) if controls else None

        def judge_by(rules: Rules) -> Verdict:
            return self._judge(
                plan,
                case,
                evidence,
                rules=rules,
                now=now,
                step=step,
                controls=controls,
                doubt=doubt,
            )

        if waiting is None or self.mode == SHADOW_MODE:
            return judge_by(self.rules.files)
        return waiting.joint_verdict(plan, judge_by, step)

    def _judge(
        self,
        plan: Plan,
        case: Case,
        evidence: Iterable[Evidence],
        *,
        rules: Rules,
        now: datetime,
        step: int,
        controls: DeskControls | None,
        doubt: str,
    ) -> Verdict:
        """Judge a plan by these rules."""
        policy, terms = rules.policy, rules.terms(case.kind)
        standing_rule = None
        if case.kind == RULES_KIND:
            # A rule that refuses everything could never be replaced.
            policy = replace(policy, rules=())
        if self.mode == SHADOW_MODE:
            terms = replace(terms, stage=Stage.SHADOW)
        elif may_depend_on_record(plan, terms, policy):
            controls = controls or self.desk_controls.load()
            stage = controls.stage_of_plan(plan.playbook, plan, terms.stage)
            terms = replace(terms, stage=stage)
            if stage is Stage.SUPERVISED:
                standing_rule = covering_rule(
                    controls, plan, facts=lambda: case_facts(case, evidence), now=now
                )
        if case.assessment.is_on_trial:
            # What runs alone was earned by the version in force.
            standing_rule = None
            if terms.stage is Stage.AUTONOMOUS:
                terms = replace(terms, stage=Stage.SUPERVISED)
        verdict = judge(
            plan,
            terms,
            policy,
            self.cases.usage(now, policy.windows, plan=plan, step=step),
            step=step,
            circumstances=Circumstances(
                kind=case.kind,
                local_at=self.library.hours(case.channel).local(now),
                source=case.signal.source,
                channel=case.channel,
                stake=case.assessment.stake,
                # No other part of policy reads facts.
                facts=case_facts(case, evidence) if policy.rules else {},
                doubt=doubt,
            ),
            standing_rule=standing_rule,
        )
        request = request_of(case.signal)
        return _with_approvers(verdict, request) if request else verdict

    def find_grant(
        self, plan: Plan, verdict: Verdict, case: Case, *, now: datetime
    ) -> Grant | None:
        """Find a grant that covers the first plan of a case."""
        policy = self.library.policy()
        if case.proposal.revision or not is_coverable(plan, verdict, policy):
            return None
        grants = covering_grants(
            self.desk_controls.load(),
            plan,
            verdict,
            case=case,
            policy=policy,
            identities=self.library.identities(),
            now=now,
        )
        # This spares a card that would be withdrawn at once; the claim of the step decides.
        for grant in grants:
            if has_room(grant, plan, self.cases.grant_use(grant)):
                return grant
        return None

    def prepare(
        self, action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
    ) -> Action:
        """Make the dry run of "system.action"."""
        system, _, name = action.partition(".")
        connector = self.systems[system]
        if not words:
            return connector.prepare(name, parameters)
        return connector.prepare(name, parameters, words)

    def prepare_for(self, case: Case) -> Prepare:
        """Return ``prepare`` without what this case has done already.

        A step that an earlier plan has carried out is never proposed again.
        """
        request = request_of(case.signal)
        prepare_anew = self._prepare_request(case, request) if request else self.prepare
        if not case.execution.earlier_steps:
            return prepare_anew

        def prepare(
            action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
        ) -> Action:
            candidate = prepare_anew(action, parameters, words)
            if any(earlier.is_same_as(candidate) for earlier in case.execution.earlier_steps):
                raise ConnectorFailed("it was done already, before this plan was made")
            return candidate

        return prepare

    def _prepare_request(self, case: Case, request: ProgramRequest) -> Prepare:
        """Return ``prepare`` for the request of a program."""
        program = self.library.programs.get(program_of_source(case.signal.source))

        def prepare(
            action: str, parameters: ScalarMapping, words: ScalarMapping = NOTHING
        ) -> Action:
            if program is None:
                raise ConnectorFailed("programs.yml has no such program any more")
            if is_own_action(action):
                return own_action(case, program, request, arguments=parameters)
            return with_reversibility(self.prepare(action, parameters, words), request)

        return prepare


def _with_approvers(verdict: Verdict, request: ProgramRequest) -> Verdict:
    """Add the approvers that a program names; it replaces nobody."""
    if verdict.ruling is not Ruling.ASK or not request.approvers:
        return verdict
    extra = tuple(ApprovalRequirement(group, 1) for group in request.approvers)
    factors = add_requirements(verdict.factors, extra)
    if can_be_met(factors):
        return replace(verdict, factors=factors)
    reason = "the approvers of policy and those that the program names can never be complete"
    return replace(
        verdict, ruling=Ruling.REFUSE, rule="approvers.impossible", reason=reason, factors=()
    )


def _beneficiary(case: Case, playbook: Playbook, evidence: Iterable[Evidence]) -> str | None:
    """Find the account that gains from the plan."""
    if not playbook.beneficiary:
        return None
    account = find_scalar(playbook.beneficiary, case_facts(case, evidence))
    return str(account) if account else None
