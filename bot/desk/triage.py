"""A new case is looked at: evidence gathered, a plan recommended, policy asked. All of it is one set of entries.

A look-up that fails is shown as failed; it never keeps the card from its owner. Nor does anything
else: a case that cannot be looked at goes to its owner as it is.
"""

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from bot.cases import commands as m
from bot.cases.canonical import Scalar, storable
from bot.cases.case import Case
from bot.cases.decide import Decision, decide, record_entry
from bot.cases.entries import Gathered, Recognised
from bot.cases.errors import ConnectorFailed, Refusal
from bot.cases.evidence import Evidence, facts_of
from bot.cases.expressions import find_scalar, has_enough_facts, render
from bot.cases.lifecycle import State
from bot.cases.plan import Money, Proposer, amount_of
from bot.cases.playbook import Lookup, Playbook, Stake
from bot.cases.precedent import signal_text
from bot.cases.recommendation import Recommendation
from bot.cases.signal import UNRECOGNISED
from bot.cases.sla import Sla, promise_sla
from bot.desk.effects import change
from bot.desk.proposal import Proposals
from bot.desk.stated_amount import find_stated_amount
from bot.desk.worker import MAX_ATTEMPTS
from bot.ports.case_store import CaseStore, Change
from bot.ports.clock import Clock
from bot.ports.connector import Systems
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.ports.recommender import Recogniser, Recommender

log = logging.getLogger(__name__)
MOST_ROWS = 50
NOT_COMPUTED = "It cannot be computed: most of the evidence is missing."


@dataclass(frozen=True)
class Triage:
    cases: CaseStore
    outbox: Outbox
    library: Library
    systems: Systems
    recommender: Recommender
    recogniser: Recogniser
    proposals: Proposals
    clock: Clock
    has_narrator: bool = False

    def run(self, work: LeasedMessage) -> None:
        """Handle one outbox row; nothing to do when the case has moved on meanwhile."""
        case = self.cases.case(work.case_id)
        if case.state is not State.OPEN:
            self.outbox.finish(work)
            return
        if _is_last(work):
            self._refer(case, "it was tried again and again, and did not succeed", work)
            return
        try:
            self._look(case, work)
        except (ConnectorFailed, Refusal) as failure:
            self._refer(case, str(failure), work)
        except (ArithmeticError, LookupError, ValueError):
            # Something in what was read that nobody foresaw: trying again would meet it again.
            log.exception("%s cannot be looked at", case.id)
            self._refer(case, "something that was read about it makes no sense", work)

    def _look(self, case: Case, work: LeasedMessage) -> None:
        now = self.clock()
        decision = self.look_at(case, now)
        written = change(case, decision, self.library.playbook(case.kind))
        if self.has_narrator:
            revision = decision.case.revision
            asked = OutboxMessage(
                topic=Topic.NARRATE,
                key=f"narrate:{case.id}:{revision}",
                case_id=case.id,
                run_at=now,
            )
            written = replace(written, messages=(*written.messages, asked))
        self.cases.commit(_keep_turn(written, work), finish=work)

    def _refer(self, case: Case, reason: str, work: LeasedMessage) -> None:
        """Put the case before its owner as it is, with the reason."""
        now = self.clock()
        blocked = (
            f"This could not be looked at: {reason[:300]}. Handle it by hand, or try again later"
        )
        nothing = Recommendation("", "", "", blocked=blocked)
        entries = decide(case, m.Recommend(nothing, None, None, sla=self._again(case, now)), now)
        written = change(case, entries, self.library.playbook(case.kind))
        self.cases.commit(_keep_turn(written, work), finish=work)

    def look_at(self, case: Case, now: datetime) -> Decision:
        """What would be written about this open case; nothing is, here."""
        recognised = self._recognised(case, now)
        case = recognised.case
        playbook = self.library.playbook(case.kind)
        evidence = gather(case, playbook, self.systems, now)
        known = facts_of(case.signal, evidence)
        stake = stake_of(playbook.stake, known) or self._spoken_of(case, playbook)
        what = (
            render(playbook.what, known)
            if has_enough_facts(playbook.what, known)
            else case.signal.title
        )
        why = (
            render(playbook.stake.why, known)
            if has_enough_facts(playbook.stake.why, known)
            else NOT_COMPUTED
        )
        gathered = record_entry(case, Gathered(evidence, what, why, stake), now)
        case = gathered.case
        recommendation, actions = self.recommender.recommend(
            case, playbook, evidence, self.proposals.prepare
        )
        plan = verdict = None
        if actions:
            plan, verdict = self.proposals.propose(
                case, actions=actions, evidence=evidence, proposer=Proposer.PLAYBOOK, now=now
            )
        expires_at = (
            self.library.hours(case.channel).next_opening(now + verdict.expires_for)
            if verdict
            else None
        )
        proposed = m.Recommend(
            recommendation, plan, verdict, sla=self._again(case, now), expires_at=expires_at
        )
        return recognised.then(gathered).then(decide(case, proposed, now))

    def _again(self, case: Case, now: datetime) -> Sla | None:
        """A new promise for a case that is asked about anew after the old one has run out: the next owner is not to blame for a nap."""
        if now < case.sla.decide_by:
            return None
        playbook = self.library.playbook(case.kind)
        times, hours = playbook.measure, self.library.hours(case.channel)
        return promise_sla(
            now, decide_for=times.decide_for, resolve_for=times.resolve_for, hours=hours
        )

    def _recognised(self, case: Case, now: datetime) -> Decision:
        """Which kind it is, when its source did not say and no person has. What fits nothing keeps its owner and its clock.

        Something new with much at stake goes up: to the next owner at once, with a quarter of the time.
        """
        playbook = self.library.playbook(case.kind)
        if playbook.kind != UNRECOGNISED or case.named_by:
            return Decision((), case)
        recognition = self.recogniser.recognise(signal_text(case.signal))
        found = self.library.playbook(recognition.kind or UNRECOGNISED)
        owner, wait = found.owners.business, found.measure.decide_for
        urgent = found.kind == UNRECOGNISED and self._is_much(self._spoken_of(case, found))
        if urgent:
            owner, wait = found.owners.next_owner, wait / 4
        hours = self.library.hours(found.channel)
        sla = promise_sla(
            case.opened_at, decide_for=wait, resolve_for=found.measure.resolve_for, hours=hours
        )
        recognised = Recognised(
            recognition=recognition,
            owner=owner,
            channel=found.channel,
            sla=sla,
            is_urgent=urgent,
        )
        return record_entry(case, recognised, now)

    def _spoken_of(self, case: Case, playbook: Playbook) -> Money | None:
        """What is at stake in a case that no playbook knows how to price: what its facts or its words name."""
        if playbook.kind != UNRECOGNISED:
            return None
        priced = stake_of(playbook.stake, facts_of(case.signal, ()))
        return priced or find_stated_amount(
            signal_text(case.signal), self.library.policy().currency
        )

    def _is_much(self, stake: Money | None) -> bool:
        policy = self.library.policy()
        return (
            stake is not None
            and stake.currency == policy.currency
            and stake.amount > policy.high_above
        )


def _is_last(work: LeasedMessage) -> bool:
    """Tell whether the row would be given up after this attempt.

    ``doubt`` counts workers that died of it too; a mere conflict resets it and is no failure.
    """
    return work.uncertain_attempts >= MAX_ATTEMPTS or (
        work.uncertain_attempts > 1 and work.attempts + 1 >= MAX_ATTEMPTS
    )


def _keep_turn(change: Change, message: LeasedMessage) -> Change:
    """Draw the card in the turn of its case, so that no quiet source's waits behind a storm."""
    messages = tuple(
        replace(effect, priority=message.priority) if effect.topic is Topic.CARD else effect
        for effect in change.messages
    )
    return replace(change, messages=messages)


def gather(case: Case, playbook: Playbook, systems: Systems, now: datetime) -> tuple[Evidence, ...]:
    """Everything the playbook wants to know, in its order; a later look-up may use what an earlier one found."""
    found: list[Evidence] = []
    for lookup in playbook.evidence:
        found.extend(_one(lookup, case, systems, found, now))
    return tuple(found)


def _one(
    lookup: Lookup, case: Case, systems: Systems, so_far: list[Evidence], now: datetime
) -> list[Evidence]:
    known = facts_of(case.signal, so_far)
    parameters = {
        name: find_scalar(expression, known) for name, expression in lookup.parameters.items()
    }
    missing = sorted(lookup.parameters[name] for name, value in parameters.items() if value is None)
    if missing:
        return [_failed(lookup, f"needs {', '.join(missing)}, which is not known", now)]
    given: dict[str, Scalar] = {**parameters, "now": f"{now:%Y-%m-%d %H:%M:%S}"}
    try:
        rows = systems[lookup.system].look_up(lookup.query, given, MOST_ROWS)
    except ConnectorFailed as failure:
        return [_failed(lookup, str(failure), now)]
    if not rows:
        return [_failed(lookup, "nothing found", now)]
    facts = [
        Evidence(
            name=f"{lookup.name}.{column}",
            label=lookup.show.get(column, ""),
            value=storable(value),
            source=lookup.system,
            read_at=now,
        )
        for column, value in rows[0].items()
    ]
    return [
        *facts,
        Evidence(
            name=f"{lookup.name}.rows", label="", value=len(rows), source=lookup.system, read_at=now
        ),
    ]


def _failed(lookup: Lookup, failure: str, now: datetime) -> Evidence:
    label = lookup.name.replace("_", " ").capitalize()
    return Evidence(
        name=lookup.name,
        label=label,
        value=None,
        source=lookup.system,
        read_at=now,
        failure=failure[:300],
    )


def stake_of(stake: Stake, known: dict[str, object]) -> Money | None:
    """The money at risk, or None when the kind has no price or the price is not known."""
    amount = amount_of(find_scalar(stake.amount, known)) if stake.amount else None
    return Money(amount, stake.currency) if amount is not None else None
