"""Look at a new case: recognise it, gather evidence, propose a plan.

All of it is one set of entries. A look-up that fails is shown as failed, and never keeps the card
from its owner. Nor does anything else: a case that cannot be looked at goes to its owner as it is.
"""

import logging
import re
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from bot import tracing
from bot.cases import commands
from bot.cases.canonical import ScalarMapping
from bot.cases.case import Case
from bot.cases.case_facts import case_facts
from bot.cases.decide import Decision, decide, record_entry
from bot.cases.entries import Gathered, Recognised
from bot.cases.errors import ConnectorFailed, Refusal
from bot.cases.evidence import Evidence, facts_of
from bot.cases.expressions import Facts, find_scalar, has_enough_facts, render
from bot.cases.inquiries import rests_on_answers
from bot.cases.lifecycle import State
from bot.cases.plan import Action, Money, Proposer, amount_of
from bot.cases.playbook import Playbook, Stake
from bot.cases.precedent import signal_text
from bot.cases.program_request import is_request, request_of
from bot.cases.recognition import Recognition
from bot.cases.recommendation import Recommendation
from bot.cases.signal import UNRECOGNISED
from bot.cases.sla import Sla, promise_sla
from bot.cases.tree_shape import LIST, TreeShape, grow
from bot.desk.answered_systems import AnsweredSystems, common_lookups
from bot.desk.effects import change, comparison_message
from bot.desk.evidence import flatten, gather, read_again
from bot.desk.playbook_versions import KindPlaybooks
from bot.desk.prepared_actions import PreparedActions
from bot.desk.proposal import Proposals
from bot.desk.request_triage import RequestTriage
from bot.desk.stated_amount import find_stated_amount
from bot.desk.worker import MAX_ATTEMPTS
from bot.ports.case_store import CaseStore, Change
from bot.ports.clock import Clock
from bot.ports.connector import Systems
from bot.ports.language import Planner
from bot.ports.library import Library
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.ports.recommender import Recogniser, Recommender, prepare_steps
from bot.views.promises import share_words

log = logging.getLogger(__name__)

MAX_REASON = 300
NOT_COMPUTED = "It cannot be computed: most of the evidence is missing."
KEEPS_FAILING = "it was tried again and again, and did not succeed"
MAKES_NO_SENSE = "something that was read about it makes no sense"
_CURRENCY = re.compile(r"[A-Z]{3}")
#: Failures that end a triage. The owner then gets the case as it is.
FAILURES = (ConnectorFailed, Refusal, ArithmeticError, LookupError, ValueError)


@dataclass(frozen=True, kw_only=True)
class Triage:
    """Put open cases before their owners."""

    cases: CaseStore
    outbox: Outbox
    library: Library
    systems: Systems
    recommender: Recommender
    recogniser: Recogniser
    proposals: Proposals
    clock: Clock
    #: A model words the case once its card is posted.
    has_narrator: bool = False
    #: Suggests plans where no playbook has one.
    planner: Planner | None = None

    @cached_property
    def requests(self) -> RequestTriage:
        """Look at the requests of programs."""
        return RequestTriage(library=self.library, proposals=self.proposals)

    def run(self, message: LeasedMessage) -> None:
        """Look at one case, unless it has moved on meanwhile."""
        write = self.start(message)
        if write is not None:
            write.result()

    def start(self, message: LeasedMessage) -> Future[Case] | None:
        """Look at one case, and return the write that finishes the message.

        None when it has moved on meanwhile, and the message is finished.
        """
        case = self.read(message)
        try:
            outcome = self.judge(case, message)
            if outcome is not None:
                after = outcome.after
                tracing.annotate(kind=after.kind, state=after.state.name.lower())
            return self.commit(outcome, message)
        except FAILURES as failure:
            return self.commit(self.refer(case, failure, message), message)

    def read(self, message: LeasedMessage) -> Case:
        """Read the case of this message."""
        return self.cases.case_of(message)

    def judge(self, case: Case, message: LeasedMessage) -> Change | None:
        """Return the change of a case, or None when it moved on.

        Nothing is written.

        Raises:
            FAILURES: it cannot be looked at, and is to be referred.
        """
        if case.state is not State.OPEN:
            return None
        if _is_last_attempt(message):
            return self._refer(case, KEEPS_FAILING, message)
        now = self.clock()
        # Taken first: whatever is read while it is judged may be newer, and is never older.
        controls_version = self.proposals.desk_controls.latest().version
        decision = self.look_at(case, now)
        outcome = replace(self._change(case, decision), controls_version=controls_version)
        # No model reads what a program writes.
        if self.has_narrator and not is_request(case):
            narration = _narration(decision.case, now)
            outcome = replace(outcome, messages=(*outcome.messages, narration))
        if self.proposals.versions.is_tried(decision.case.kind):
            comparison = comparison_message(decision.case, now)
            outcome = replace(outcome, messages=(*outcome.messages, comparison))
        return _keep_turn(outcome, message)

    def refer(self, case: Case, failure: Exception, message: LeasedMessage) -> Change:
        """Return the change that refers an unreadable case to its owner."""
        if isinstance(failure, ConnectorFailed | Refusal):
            return self._refer(case, str(failure), message)
        # The case has data that the code did not expect: another attempt would fail too.
        log.error("%s cannot be looked at", case.id, exc_info=failure)
        return self._refer(case, MAKES_NO_SENSE, message)

    def commit(self, outcome: Change | None, message: LeasedMessage) -> Future[Case] | None:
        """Begin to write the outcome, and to finish the message with it."""
        if outcome is None:
            self.outbox.finish(message)
            return None
        return self.cases.submit(outcome, finish=message)

    def _refer(self, case: Case, reason: str, message: LeasedMessage) -> Change:
        """Put the case before its owner without a plan, with the reason."""
        now = self.clock()
        instruction = (
            f"This could not be looked at: {reason[:MAX_REASON]}. "
            "Handle it by hand, or try again later"
        )
        recommendation = Recommendation("", "", "", blocked=instruction)
        sla = self._renew_sla(case, now)
        command = commands.Recommend(recommendation, None, None, sla=sla)
        decision = decide(case, command, now)
        outcome = self._change(case, decision)
        return _keep_turn(outcome, message)

    def _change(self, case: Case, decision: Decision) -> Change:
        after = decision.case
        return change(
            case,
            decision,
            self.library.playbook(case.kind),
            # Most cases call nobody: a message that does nothing would cost as much as a card's.
            call_rules=self.library.call_rules(after.channel, after.kind),
        )

    def look_at(self, case: Case, now: datetime) -> Decision:
        """Return what to write about this open case; write nothing."""
        request = request_of(case.signal)
        if request is not None:
            return self.requests.look_at(case, request, now=now, sla=self._renew_sla(case, now))
        recognition = self._recognise(case, now)
        case = recognition.case
        playbooks = self.proposals.versions.of_kind(case.kind, now)
        playbook, evidence = self._gather(case, playbooks, now)
        body = replace(
            self._describe(case, playbook, evidence),
            playbook_version=playbook.version,
            is_on_trial=playbook is playbooks.candidate,
        )
        gathering = record_entry(case, body, now)
        case = gathering.case
        proposal = decide(case, self._recommend(case, playbook, evidence, now=now), now)
        return recognition.then(gathering).then(proposal)

    def _gather(
        self, case: Case, playbooks: KindPlaybooks, now: datetime
    ) -> tuple[Playbook, tuple[Evidence, ...]]:
        """Gather evidence by the version that judges the case."""
        playbook = playbooks.in_force
        evidence = gather(case, playbook, systems=self.systems, now=now)
        if playbooks.candidate is None or not playbooks.is_on_trial(
            case, case_facts(case, evidence)
        ):
            return playbook, evidence
        systems = AnsweredSystems(
            systems=self.systems,
            evidence=evidence,
            lookups=common_lookups(playbook, playbooks.candidate),
        )
        return playbooks.candidate, gather(case, playbooks.candidate, systems=systems, now=now)

    def _describe(
        self,
        case: Case,
        playbook: Playbook,
        evidence: tuple[Evidence, ...],
    ) -> Gathered:
        """Word the case by its playbook, and price what is at stake."""
        facts = case_facts(case, evidence)
        what = case.signal.title
        if has_enough_facts(playbook.what, facts):
            what = render(playbook.what, facts)
        why = NOT_COMPUTED
        if has_enough_facts(playbook.stake.why, facts):
            why = render(playbook.stake.why, facts)
        stake = stake_of(playbook.stake, facts) or self._stated_stake(case, playbook)
        return Gathered(
            evidence=evidence,
            what=what,
            why=why,
            stake=stake,
        )

    def _recommend(
        self,
        case: Case,
        playbook: Playbook,
        evidence: tuple[Evidence, ...],
        *,
        now: datetime,
    ) -> commands.Recommend:
        facts = case_facts(case, evidence)
        preparations = PreparedActions(self.proposals.prepare_for(case))
        recommendation, actions = self.recommender.recommend(
            case, playbook, evidence, prepare=preparations.prepare
        )
        sla = self._renew_sla(case, now)
        if actions:
            actions = preparations.require_offer(
                recommendation, actions, playbook=playbook, facts=facts
            )
            # A plan that rests on a person's answer never runs by itself.
            proposer = Proposer.PERSON if rests_on_answers(case) else Proposer.PLAYBOOK
            shape = _shape(playbook, actions, case_facts(case, evidence))
        else:
            suggestion = self._suggest(case, playbook, evidence, now=now)
            if suggestion is None:
                return commands.Recommend(recommendation, None, None, sla=sla)
            actions, shape = suggestion
            proposer = Proposer.MODEL
            recommendation = _word_suggestion(recommendation, actions)
        doubt = _doubt(recommendation)
        plan, verdict = self.proposals.propose(
            case,
            actions=actions,
            evidence=evidence,
            proposer=proposer,
            now=now,
            shape=shape,
            doubt=doubt,
        )
        hours = self.library.hours(case.channel)
        expires_at = hours.next_opening(now + verdict.expires_for)
        return commands.Recommend(
            recommendation,
            plan,
            verdict,
            sla=sla,
            expires_at=expires_at,
            # What was approved in advance was approved while the promise stood.
            grant=None if doubt else self.proposals.find_grant(plan, verdict, case, now=now),
        )

    def _suggest(
        self,
        case: Case,
        playbook: Playbook,
        evidence: tuple[Evidence, ...],
        *,
        now: datetime,
    ) -> tuple[tuple[Action, ...], TreeShape] | None:
        """Ask a model for a plan; None where it has none."""
        if self.planner is None:
            return None
        facts = case_facts(case, evidence)
        names = [lookup.name for lookup in playbook.evidence]

        def look_up(name: str) -> ScalarMapping:
            return read_again(case, playbook, name, evidence, systems=self.systems, now=now)

        offer = self.planner.suggest(case, flatten(facts), look_ups=names, look_up=look_up)
        if offer is None:
            return None
        try:
            actions = prepare_steps(offer, facts, self.proposals.prepare_for(case))
            return actions, grow(offer, facts)
        except ConnectorFailed as failure:
            log.info("a suggested plan cannot be prepared: %s", str(failure)[:MAX_REASON])
            return None

    def _renew_sla(self, case: Case, now: datetime) -> Sla | None:
        """Renew the SLA when its deadline passed before this proposal."""
        if now < case.timers.sla.decide_by:
            return None
        measure = self.library.playbook(case.kind).measure
        return promise_sla(
            now,
            decide_for=measure.decide_for,
            resolve_for=measure.resolve_for,
            hours=self.library.hours(case.channel),
        )

    def _recognise(self, case: Case, now: datetime) -> Decision:
        """Recognise the kind, unless source or person has named it."""
        playbook = self.library.playbook(case.kind)
        if playbook.kind != UNRECOGNISED or case.classification.named_by:
            return Decision((), case)
        recognition = self.recogniser.recognise(signal_text(case.signal))
        return record_entry(case, self._assign(case, recognition), now)

    def _assign(self, case: Case, recognition: Recognition) -> Recognised:
        """Choose owner, channel and SLA by the recognised kind.

        A case of no kind with much at stake goes to the next owner at once, with a quarter of the
        time.
        """
        playbook = self.library.playbook(recognition.kind or UNRECOGNISED)
        owner = playbook.owners.business
        decide_for = playbook.measure.decide_for
        is_urgent = self._is_urgent(case, playbook)
        if is_urgent:
            owner = playbook.owners.next_owner
            decide_for /= 4
        sla = promise_sla(
            case.timers.opened_at,
            decide_for=decide_for,
            resolve_for=playbook.measure.resolve_for,
            hours=self.library.hours(playbook.channel),
        )
        return Recognised(
            recognition=recognition,
            owner=owner,
            channel=playbook.channel,
            sla=sla,
            is_urgent=is_urgent,
        )

    def _is_urgent(self, case: Case, playbook: Playbook) -> bool:
        """Tell whether much is at stake in an unrecognised case."""
        stake = self._stated_stake(case, playbook)
        if stake is None:
            return False
        policy = self.library.policy()
        amount = policy.convert(stake.amount, stake.currency)
        return amount is not None and amount > policy.high_above

    def _stated_stake(self, case: Case, playbook: Playbook) -> Money | None:
        """Find the stake that the signal of an unrecognised case states."""
        if playbook.kind != UNRECOGNISED:
            return None
        stake = stake_of(playbook.stake, facts_of(case.signal, ()))
        if stake is not None:
            return stake
        return find_stated_amount(signal_text(case.signal), self.library.policy().currency)


def _word_suggestion(recommendation: Recommendation, actions: tuple[Action, ...]) -> Recommendation:
    """Label a plan as a model's, in our own words."""
    return replace(
        recommendation,
        action=actions[0].name,
        reason="A model suggests this, and nobody has checked it",
        basis="no rule of the playbook fits: the plan is a model's",
        blocked="",
    )


def _doubt(recommendation: Recommendation) -> str:
    """Say why a person must look at it; empty for no reason."""
    if recommendation.lapsed_percent is not None:
        target = share_words(recommendation.lapsed_percent)
        return f"{target} such suggestions were promised to be right, and lately fewer were"
    return ""


def _shape(playbook: Playbook, actions: tuple[Action, ...], facts: Facts) -> TreeShape:
    """Return the shape that the playbook gives these actions."""
    names = [action.name for action in actions]
    for offer in playbook.offers:
        if offer.is_tree and [step.action for step in offer.chain()] == names:
            return grow(offer, facts)
    return LIST


def _is_last_attempt(message: LeasedMessage) -> bool:
    """Tell whether the message would be parked after this attempt."""
    # Workers that died of it count as uncertain attempts. A mere conflict resets them, and is no
    # failure.
    if message.uncertain_attempts >= MAX_ATTEMPTS:
        return True
    return message.uncertain_attempts > 1 and message.attempts + 1 >= MAX_ATTEMPTS


def _narration(case: Case, now: datetime) -> OutboxMessage:
    """Ask for a model's words about this revision."""
    return OutboxMessage(
        topic=Topic.NARRATE,
        key=f"narrate:{case.id}:{case.proposal.revision}",
        case_id=case.id,
        run_at=now,
    )


def _keep_turn(outcome: Change, message: LeasedMessage) -> Change:
    """Give the card the turn in the queue that its case had."""
    # Otherwise a quiet source's card would wait for all those of a loud one.
    messages = []
    for effect in outcome.messages:
        is_card = effect.topic is Topic.CARD
        messages.append(replace(effect, priority=message.priority) if is_card else effect)
    return replace(outcome, messages=tuple(messages))


def stake_of(stake: Stake, facts: dict[str, object]) -> Money | None:
    """Return the money at risk; None when it is not known."""
    amount = amount_of(find_scalar(stake.amount, facts)) if stake.amount else None
    if amount is None:
        return None
    currency = find_scalar(stake.currency_from, facts) if stake.currency_from else None
    is_code = isinstance(currency, str) and bool(_CURRENCY.fullmatch(currency))
    return Money(amount, str(currency) if is_code else stake.currency)
