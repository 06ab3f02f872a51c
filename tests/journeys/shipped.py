"""A case of every kind that this release ships, from the sample company."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.advisors import without_memory
from bot.cases import commands
from bot.cases.card_snapshot import CardSnapshot
from bot.cases.entries import Parked, StepReported, StepState
from bot.cases.inquiry import AnswerType
from bot.cases.lifecycle import State
from bot.cases.recommendation import Citation, Recommendation
from bot.cases.signal import UNRECOGNISED, Signal
from bot.clock import utc_now
from bot.connectors.registry import build_connectors
from bot.demo import company
from bot.desk.detection import detection_parameters
from bot.desk.null_chat import NullChat
from bot.desk.preview import Preview
from bot.desk.proposal import Proposals
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from bot.use_cases import build_triage
from knowledge.library import load
from scheduler.detectors import signal_from_row
from tests.cases.making import ANA, BEN, asker, start_step
from tests.handlers.cards.examples import apply_commands, fact

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
    proposals = Proposals(cases=store.cases, library=library, systems=systems)
    triage = build_triage(proposals, store.outbox, advisors=advisors, clock=utc_now)
    preview = Preview(triage, library, utc_now)
    signals = {"service_alert": ALERT, UNRECOGNISED: UNKNOWN}
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
    factors = case.proposal.verdict.factors
    people = {factor.group: frozenset({ANA.id}) for factor in factors}
    one = replace(factors[0], count=1)
    verdict = replace(case.proposal.verdict, factors=(one,))
    case = replace(case, proposal=replace(case.proposal, verdict=verdict))
    at = case.timers.changed_at + timedelta(minutes=1)
    approve = commands.Approve(asker(ANA, groups=people), CardSnapshot.of(case), "as agreed")
    case = apply_commands(case, approve, at=at)
    case = apply_commands(case, start_step(case, groups=people), at=at)
    return apply_commands(
        case,
        StepReported(0, StepState.UNKNOWN, "no answer"),
        Parked(0, "the answer did not come within 1.5 s"),
        at=at,
    )
