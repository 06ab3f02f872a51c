"""Ten thousand more open cases, varied, and written through the store."""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from bot.cases import commands
from bot.cases.actor import CaseId
from bot.cases.case import Case
from bot.cases.decide import decide, record_entry
from bot.cases.entries import Gathered
from bot.cases.lifecycle import State
from bot.cases.plan import Money
from bot.cases.signal import Signal
from bot.cases.sla import promise_sla
from bot.demo import company as sample
from bot.ports.case_store import Change
from tests.bench.questions.company import NOW, Company

SEED = 5
FIRST_NUMBER = 20_000
WRITERS = 4
MAX_AGE_MINUTES = 60 * 40
MAX_ASKED_MINUTES = 90
#: Of ten cases, so many need a person to find a plan.
REFERRED_IN_TEN = 1


@dataclass(frozen=True)
class _Writer:
    """Writes cases like those that wait already."""

    company: Company
    models: list[Case]
    dice: random.Random

    def write(self, number: int) -> None:
        model = self.models[number % len(self.models)]
        self.company.store.cases.commit(self._change(model, number))

    def _change(self, model: Case, number: int) -> Change:
        case_id = CaseId(f"EX-{FIRST_NUMBER + number}")
        opened_at = NOW - timedelta(minutes=1 + number * 7919 % MAX_AGE_MINUTES)
        signal = self._signal(model, number)
        hours = self.company.library.hours(model.channel)
        measure = self.company.library.playbook(model.kind).measure
        sla = promise_sla(
            opened_at,
            decide_for=measure.decide_for * 3,
            resolve_for=measure.resolve_for * 3,
            hours=hours,
        )
        opening = commands.Open(
            case_id=case_id,
            signal=signal,
            owner=model.team or model.owner,
            channel=model.channel,
            sla=sla,
        )
        decision = decide(None, opening, opened_at)
        entry = record_entry(decision.case, self._gathered(model, number), opened_at)
        decision = decision.then(entry)
        proposal = model.proposal
        if proposal.plan and proposal.recommendation and number % 10 >= REFERRED_IN_TEN:
            # An edited plan has a later revision than a new case can have.
            plan = replace(
                proposal.plan, case_id=case_id, revision=1, not_after=NOW + timedelta(days=9)
            )
            recommendation = proposal.recommendation
            verdict = proposal.verdict
        else:
            plan, verdict = None, None
            recommendation = replace(
                proposal.recommendation or self._any_recommendation(),
                action="",
                blocked="no plan fits",
            )
        recommend = commands.Recommend(recommendation, plan, verdict)
        # Asked anew of late: the time to approve has not run out.
        asked_at = max(opened_at, NOW - timedelta(minutes=number % MAX_ASKED_MINUTES))
        decision = decision.then(decide(decision.case, recommend, asked_at))
        return Change(before=None, entries=decision.entries, after=decision.case, messages=())

    def _any_recommendation(self):
        return next(one.proposal.recommendation for one in self.models if one.proposal.plan)

    def _signal(self, model: Case, number: int) -> Signal:
        return Signal(
            source=model.signal.source,
            key=f"many{number}",
            kind=model.kind,
            subject=f"{model.signal.subject}:{number}",
            title=f"{model.signal.title} ({_name(number)} {number})",
            occurred_at=None,
            facts=dict(model.signal.facts),
        )

    def _gathered(self, model: Case, number: int) -> Gathered:
        stake = model.assessment.stake
        if stake is not None:
            stake = Money(Decimal(17 + number * 6089 % 9000), stake.currency)
        return Gathered(
            model.assessment.evidence, model.assessment.what, model.assessment.why, stake
        )


def _name(number: int) -> str:
    names = (*sample.COMPANIES, *sample.SUPPLIERS, *sample.WINES)
    return names[number % len(names)]


def fill_with_open_cases(company: Company, count: int) -> None:
    """Write so many cases that wait for a decision or for a person.

    A kept company may have them already.
    """
    if company.store.queries.by_id([f"EX-{FIRST_NUMBER + count - 1}"]):
        return
    waiting = {State.PROPOSED, State.REFERRED}
    models = [
        case
        for case in company.store.queries.newest(states=waiting, limit=100)
        if not case.proposal.approvals and case.proposal.recommendation
    ]
    dice = random.Random(SEED)
    writer = _Writer(company, models, dice)
    with ThreadPoolExecutor(WRITERS) as pool:
        for _ in pool.map(writer.write, range(count)):
            pass
