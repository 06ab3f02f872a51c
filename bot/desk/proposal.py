"""From prepared actions to a plan with policy's verdict on it: the one place where plans are made, at triage and on edit alike."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases.canonical import Scalar
from bot.cases.case import Case
from bot.cases.evidence import Evidence, facts_of
from bot.cases.expressions import find_scalar
from bot.cases.plan import Action, Plan, Proposer
from bot.cases.playbook import Playbook
from bot.cases.policy import Verdict, judge, require_governance
from bot.ports.case_store import CaseStore
from bot.ports.connector import Systems
from bot.ports.library import Library

# An approved plan that could not start for this long is asked about again.
APPROVAL_STANDS_FOR = timedelta(hours=24)


@dataclass(frozen=True)
class Proposals:
    """Make plans, and ask policy about them.

    ``mode`` is the one that the program runs in: "live", "dry-run" or "shadow". Empty: plans may
    run in any.
    """

    cases: CaseStore
    library: Library
    systems: Systems
    mode: str = ""

    def propose(
        self,
        case: Case,
        actions: tuple[Action, ...],
        evidence: tuple[Evidence, ...],
        proposer: Proposer,
        now: datetime,
    ) -> tuple[Plan, Verdict]:
        """The next revision of this case's plan, and what policy says of it."""
        playbook, policy = self.library.playbook(case.kind), self.library.policy()
        beneficiary = (
            find_scalar(playbook.beneficiary, facts_of(case.signal, evidence))
            if playbook.beneficiary
            else None
        )
        hours = self.library.hours(case.channel)
        longest = max((rule.expires_for for rule in policy.tiers.values()), default=timedelta(0))
        plan = Plan(
            case_id=case.id,
            revision=case.revision + 1,
            actions=actions,
            playbook=playbook.kind,
            playbook_digest=playbook.checksum,
            policy_digest=policy.checksum,
            proposer=proposer,
            requester=case.signal.requester,
            beneficiary=str(beneficiary) if beneficiary else None,
            # The question may be handed on once before it closes, so a plan outlives two times to decide.
            not_after=hours.next_opening(hours.next_opening(now + longest) + longest)
            + APPROVAL_STANDS_FOR,
            mode=self.mode,
        )
        verdict = self.verdict(plan, playbook, now)
        authors = [plan.requester, plan.beneficiary, *(one.account for one in case.requesters)]
        return plan, self.known(verdict, authors, playbook)

    def known(self, verdict: Verdict, authors: Iterable[str | None], playbook: Playbook) -> Verdict:
        """Leave a plan to the governance owners when one of its authors matches nobody here."""
        named = [account for account in authors if account]
        if self.library.identities().unknown_accounts(named):
            return require_governance(verdict, playbook.terms)
        return verdict

    def verdict(self, plan: Plan, playbook: Playbook, now: datetime, *, step: int = 0) -> Verdict:
        """Ask policy as it is now about this plan from ``step`` on."""
        usage = self.cases.usage(f"{now:%Y-%m-%d}", plan=plan, step=step)
        return judge(plan, playbook.terms, self.library.policy(), usage, step=step)

    def prepare(self, action: str, parameters: Mapping[str, Scalar]) -> Action:
        """The dry run of "system.action"."""
        system, _, name = action.partition(".")
        return self.systems[system].prepare(name, parameters)
