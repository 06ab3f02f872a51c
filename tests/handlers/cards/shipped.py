"""A case of every kind that this release ships, from the sample company."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.advisors import without_memory
from bot.cases import commands
from bot.cases.approval import Approval
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.entries import FieldChange, Parked, RejectReason, StepReported, StepState, Stopped
from bot.cases.inquiry import AnswerType
from bot.cases.lifecycle import State
from bot.cases.missing_approvals import MissingApprovals
from bot.cases.policy import RiskTier
from bot.cases.recognition import KindGuess, Recognition
from bot.cases.recommendation import Citation, Recommendation
from bot.cases.signal import UNRECOGNISED, Signal
from bot.clock import utc_now
from bot.connectors.registry import build_connectors
from bot.demo import company
from bot.desk.detection import detection_parameters
from bot.desk.null_chat import NullChat
from bot.desk.preview import Preview
from bot.desk.proposal import Proposals
from bot.ports.card_store import CardContext
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from bot.triage import build_triage
from handlers.cards.case_card import case_card
from knowledge.library import load
from scheduler.detectors import signal_from_row
from tests.cases.making import ANA, BEN, CARLA, Finish, asker, start_step, with_fields
from tests.handlers.cards.examples import OPS_AND_FINANCE, apply_commands, fact

ALERT = Signal(
    source="alertmanager",
    key="k",
    kind="service_alert",
    subject="web-1",
    title="HostHighCpuLoad on web-1",
    occurred_at=None,
    facts={"severity": "critical", "instance": "web-1"},
)
UNKNOWN = replace(ALERT, kind=UNRECOGNISED, title="The terrace heater makes a noise", facts={})
MAIL = Signal(
    source="guest_mail",
    key="m1@guest.example",
    kind="guest_complaint",
    subject="mail:m1@guest.example",
    title="Warm wine on Friday",
    occurred_at=None,
    facts={
        "from": "ada@guest.example",
        "from_name": "Ada Grey",
        "to": "complaints@harbour-vine.example",
        "mail_subject": "[EXTERNAL] Warm wine on Friday",
        "mail_date": "2026-11-21",
        "text": "The wine came warm and nobody cared.",
    },
)


def shipped_cases(folder):
    """Preview one case of each kind; returns the library and the cases by kind."""
    now = utc_now()
    database = folder / "company.db"
    company.write_database(database, now.replace(tzinfo=None, microsecond=0))
    library = load()
    systems = build_connectors(
        library.systems,
        secrets=lambda _: f"sqlite:///{database}",
        chat=NullChat(),
        dry_run=False,
    )
    store_database = Database(f"sqlite:///{folder / 'store.db'}")
    migrate(store_database)
    store = Store.over(store_database)
    advisors = without_memory(store.precedents, utc_now)
    proposals = Proposals(
        cases=store.cases,
        desk_controls=store.desk_controls,
        library=library,
        systems=systems,
    )
    triage = build_triage(proposals, store.outbox, advisors=advisors, clock=utc_now)
    preview = Preview(triage, library, utc_now)
    signals = {"service_alert": ALERT, "guest_complaint": MAIL, UNRECOGNISED: UNKNOWN}
    for kind, playbook in library.playbooks.items():
        if playbook.detection:
            system = systems[playbook.detection.system]
            rows = system.look_up(playbook.detection.query, detection_parameters(now), 50)
            signals[kind] = signal_from_row(
                playbook, playbook.detection, rows[0], count_episodes=lambda *_: 0
            )
    cases = {kind: preview.preview_signal(signal) for kind, signal in signals.items()}
    store_database.close()
    return library, cases


def shipped_cards(folder):
    """Draw every shipped kind in every state; returns the cards by "kind, state"."""
    library, cases = shipped_cases(folder)
    cards = {}
    for kind, case in cases.items():
        for state, state_case, context in every_state(case):
            context = replace(context, labels=library.labels())
            cards[f"{kind}, {state}"] = case_card(state_case, context)
    return cards


def with_precedents(case):
    """Give a case the longest statement about cases like it."""
    recommendation = case.proposal.recommendation
    if recommendation is None:
        return case
    citations = [
        Citation(
            id=f"EX-{number}",
            case_id=f"EX-{number}",
            title="One like it",
            action=recommendation.action,
            ended="worked" if number < 8 else "rejected",
            reason="",
            by=("Ana Duarte",),
            at=datetime.fromisoformat("2026-09-01T10:00:00+00:00"),
        )
        for number in range(10)
    ]
    known = replace(recommendation, citations=tuple(citations))
    return replace(case, proposal=replace(case.proposal, recommendation=known))


def waiting_states(case):
    """Yield the states in which this case waits for a person, each with its name."""
    known = with_precedents(case)
    if known.state is not State.PROPOSED:
        yield "needs a person", known
        return
    yield "waits for a decision", known
    question = asking(known)
    yield "somebody is asked", question
    yield "somebody has answered", answered(question)
    failed = fact("supplier", label="Supplier", value=None, failure="took longer than 1.5 s")
    evidence = (*known.assessment.evidence, failed)
    yield (
        "a look-up failed",
        replace(known, assessment=replace(known.assessment, evidence=evidence)),
    )
    yield "nothing fits", nothing_fits(case)
    yield "in doubt", in_doubt(known)


def asking(case):
    """Ask Ben a question about a case, as its owner does."""
    owner = asker(ANA, groups={case.owner: frozenset({ANA.id})})
    question = commands.AskQuestion(
        owner,
        CardSnapshot.of(case),
        to=BEN.id,
        to_name="Ben Whitfield",
        question="Has the supplier confirmed the delivery for this Friday in writing?",
        answer_type=AnswerType.TEXT,
    )
    return apply_commands(case, question, at=case.timers.changed_at)


def answered(case):
    """Let Ben answer the question."""
    number = case.activity.inquiries[0].number
    text = "Yes, on the telephone this morning, for two in the afternoon"
    answer = commands.GiveAnswer(by=asker(BEN), inquiry=number, text=text)
    return apply_commands(case, answer, at=case.timers.changed_at)


def nothing_fits(case):
    """Let the desk find no plan for an open case."""
    nothing = Recommendation(action="", reason="", basis="", blocked="No plan fits")
    opened = replace(case, state=State.OPEN, proposal=type(case.proposal)())
    return apply_commands(opened, commands.Recommend(nothing, None, None))


def in_doubt(case):
    """Approve a case and lose the answer to its first step."""
    approved = approve(case)
    return apply_commands(
        approved,
        step_of(approved),
        StepReported(0, StepState.UNKNOWN, "no answer"),
        Parked(0, "the answer did not come within 1.5 s"),
        at=later(approved),
    )


def every_state(case):
    """Yield each state that a card of this case can show: its name, the case and the context."""
    for name, waiting_case in waiting_states(case):
        yield name, waiting_case, CardContext()
    for name, decided_case in _unplanned_states(case):
        yield name, decided_case, CardContext()
    if case.state is not State.PROPOSED:
        return
    known = with_precedents(case)
    for name, variant in _variants(known):
        yield name, variant, CardContext()
    high = replace(known.proposal.verdict, tier=RiskTier.HIGH, factors=OPS_AND_FINANCE)
    missing = CardContext(missing_approvals=MissingApprovals(1, ("finance",)))
    yield "half approved", vote(with_fields(known, verdict=high), BEN), missing
    stale_facts = tuple(fact.name for fact in known.assessment.evidence)
    yield "old facts", known, CardContext(stale_facts=stale_facts)
    pause = "everything is paused by Ben: the supplier is closed"
    yield "paused", known, CardContext(pause_reason=pause)
    handed_over = replace(known, owner=CARLA.id)
    yield "handed over", handed_over, CardContext(handed_over_by="Ben")
    for name, decided_case in _decided_states(known):
        yield name, decided_case, CardContext()
    approved = approve(known)
    yield "approved and paused", approved, CardContext(pause_reason=pause)
    undoable = replace(
        resolve(approved), execution=replace(approved.execution, undo_until=later(approved))
    )
    yield "can be undone", undoable, CardContext(is_undoable=True)


def _variants(case):
    """Yield what may stand on the card of a case that waits for a decision."""
    plan = case.proposal.plan
    parameter, value = list(plan.actions[0].parameters.items())[-1]
    change = FieldChange(parameter, value, value)
    yield "edited", with_fields(case, changes=(change,), editors=(ANA.id,))
    yield "asked again", with_fields(case, drift_reasons=("on hand was 4, is 12",))
    yield "opened again", with_fields(case, reopening_reason="the same was reported again")
    yield "contradicted", with_fields(case, conflict_count=2, cleared_at=later(case))
    yield "escalated", with_fields(case, is_escalated=True, owner="ops-leads")
    high = replace(case.proposal.verdict, tier=RiskTier.HIGH, factors=OPS_AND_FINANCE)
    yield "high risk", with_fields(case, verdict=high)
    signed = with_fields(case, verdict=replace(high, step_up=True))
    yield "with a passkey", signed
    guess = KindGuess(case.kind, "One of the kinds that we know", 62)
    recognition = Recognition(
        kind=case.kind, confidence=62, guesses=(guess,), basis="by its words", model=""
    )
    yield "recognised", with_fields(case, recognition=recognition)


def _decided_states(case):
    at = later(case)
    approved = approve(case)
    running = apply_commands(approved, step_of(approved), at=at)
    yield "approved", approved
    yield "running", running
    yield "resolved", resolve(approved)
    stopped = apply_commands(
        running,
        StepReported(0, StepState.FAILED, "the answer was no"),
        Stopped("the plan could not be carried out"),
        at=at,
    )
    yield "stopped", stopped
    yield "snoozed", snooze(case)
    by_ana = asker(ANA, groups=_groups(case))
    rejection = commands.Reject(
        by=by_ana,
        snapshot=CardSnapshot.of(case),
        reason=RejectReason.WRONG_PLAN,
        note="closed on Mondays",
    )
    yield "rejected", apply_commands(case, rejection, at=at)
    expired_at = at + timedelta(days=8)
    escalation, expiry = commands.Expire("ops-leads"), commands.Expire("ops-leads")
    escalated = apply_commands(case, escalation, at=expired_at)
    yield "expired", apply_commands(escalated, expiry, at=expired_at + timedelta(days=8))
    dry_run = replace(case.proposal.plan, mode="dry-run")
    yield "dry run", with_fields(case, plan=dry_run)
    yield "dry run done", with_fields(resolve(approved), plan=dry_run)


def _unplanned_states(case):
    """Yield the states that need no plan."""
    yield "open", replace(case, state=State.OPEN, proposal=type(case.proposal)())
    yield "cleared", apply_commands(case, commands.Clear(case.signal), at=later(case))
    referred = nothing_fits(case) if case.state is State.PROPOSED else case
    by_hand = commands.Resolve(asker(ANA), CardSnapshot.of(referred), "called them")
    yield "by hand", apply_commands(referred, by_hand, at=later(case))


def later(case):
    return case.timers.changed_at + timedelta(minutes=1)


def _groups(case):
    return {factor.group: frozenset({ANA.id}) for factor in case.proposal.verdict.factors}


def vote(case, person):
    """Give one approval of several."""
    approval = Approval(
        person=person.id,
        name=person.name,
        digest=case.proposal.plan.plan_hash,
        at=later(case),
        note="as agreed",
    )
    return with_fields(case, approvals=(approval,))


def approve(case):
    """Let Ana's approval be enough."""
    one = replace(case.proposal.verdict.factors[0], count=1)
    case = with_fields(case, verdict=replace(case.proposal.verdict, factors=(one,)))
    by_ana = asker(ANA, groups=_groups(case))
    approval = commands.Approve(by_ana, CardSnapshot.of(case), "as agreed")
    return apply_commands(case, approval, at=later(case))


def step_of(case, step=0):
    precondition = dict(case.proposal.plan.actions[step].precondition)
    return start_step(case, step=step, precondition=precondition, groups=_groups(case))


def resolve(approved):
    """Carry out every step of an approved case."""
    case, at = approved, later(approved)
    for step, _ in enumerate(case.proposal.plan.actions):
        case = apply_commands(case, step_of(case, step), at=at)
        case = apply_commands(case, StepReported(step, StepState.LANDED, "1 row changed"), at=at)
    return apply_commands(case, Finish("done"), at=at)


def snooze(case):
    command = commands.Snooze(
        by=asker(ANA, groups=_groups(case)),
        snapshot=CardSnapshot.of(case),
        until=later(case) + timedelta(days=1),
        reason="after the weekend",
    )
    return apply_commands(case, command, at=later(case))
