"""The desk: every use case of the bot, built over one store."""

from dataclasses import dataclass
from datetime import timedelta

from bot.advisors import Advisors
from bot.desk.alert_storms import MOST_CARDS, AlertStorms
from bot.desk.app_home import AppHome
from bot.desk.cards import Cards
from bot.desk.case_answers import CaseAnswers
from bot.desk.controls import Controls
from bot.desk.deadlines import Deadlines
from bot.desk.decisions import Decisions
from bot.desk.digest import Digest
from bot.desk.executor import Executor, build_executor
from bot.desk.follow_up import FollowUp
from bot.desk.intake import Intake
from bot.desk.message_cleanup import MessageCleanup
from bot.desk.narration import CaseNarration
from bot.desk.passkeys import PasskeyEnrolment
from bot.desk.precedents import PrecedentRecorder
from bot.desk.proposal import Proposals
from bot.desk.questions import Questions
from bot.desk.queues import Queues
from bot.desk.raising import Raising
from bot.desk.source_throttle import SourceThrottle
from bot.desk.triage import Triage
from bot.desk.visibility import Visibility
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.connector import Systems
from bot.ports.directory import Directory
from bot.ports.outbox import Outbox
from bot.store.store import Store
from knowledge.language.question_parser import QuestionParser
from knowledge.library import Library


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The use cases over one store."""

    store: Store
    library: Library
    systems: Systems
    intake: Intake
    raising: Raising
    triage: Triage
    narration: CaseNarration | None
    decisions: Decisions
    controls: Controls
    enrolment: PasskeyEnrolment
    executor: Executor
    deadlines: Deadlines
    queues: Queues
    follow_up: FollowUp
    remembering: PrecedentRecorder
    drawing: Cards
    storms: AlertStorms
    sweeping: MessageCleanup
    questions: Questions
    digests: Digest
    homes: AppHome


@dataclass(frozen=True, kw_only=True)
class DeskOptions:
    """The settings that the desk itself needs."""

    #: What plans are approved for: "live", "dry-run" or "shadow". Empty binds them to none.
    mode: str = ""
    #: Cards of one kind from one source before the rest share one; 0 for never.
    storm_after: int = MOST_CARDS
    #: Seconds that work stays with a worker that gives no sign of life.
    lease_for: float = 30.0
    #: Seconds before a message whose posting is in doubt is looked for.
    settle_for: float = 30.0


def build_desk(
    *,
    store: Store,
    library: Library,
    systems: Systems,
    chat: Chat,
    directory: Directory,
    clock: Clock,
    advisors: Advisors,
    options: DeskOptions,
) -> Desk:
    """Build the use cases over whatever stands behind the ports."""
    settle_for = timedelta(seconds=options.settle_for)
    # Cards tell storms, digests and homes what has changed, so those are built first.
    proposals = Proposals(cases=store.cases, library=library, systems=systems, mode=options.mode)
    controls = Controls(
        desk_controls=store.desk_controls,
        cases=store.cases,
        queries=store.queries,
        outbox=store.outbox,
        library=library,
        directory=directory,
        clock=clock,
    )
    intake = Intake(
        cases=store.cases,
        library=library,
        clock=clock,
        throttle=SourceThrottle() if options.storm_after else None,
    )
    visibility = Visibility(
        cases=store.cases, queries=store.queries, library=library, directory=directory
    )
    queues = Queues(
        queries=store.queries,
        desk_controls=store.desk_controls,
        library=library,
        directory=directory,
        clock=clock,
    )
    questions = _build_questions(
        store=store,
        library=library,
        chat=chat,
        clock=clock,
        advisors=advisors,
        visibility=visibility,
        queues=queues,
    )
    digests = Digest(
        queries=store.queries,
        live_lists=store.live_lists,
        card_store=store.cards,
        outbox=store.outbox,
        question_log=store.question_log,
        desk_controls=store.desk_controls,
        library=library,
        visibility=visibility,
        queues=queues,
        chat=chat,
        clock=clock,
        settle_for=settle_for,
    )
    homes = AppHome(
        queries=store.queries,
        live_lists=store.live_lists,
        card_store=store.cards,
        outbox=store.outbox,
        desk_controls=store.desk_controls,
        library=library,
        directory=directory,
        visibility=visibility,
        queues=queues,
        chat=chat,
        clock=clock,
    )
    storms = AlertStorms(
        queries=store.queries,
        live_lists=store.live_lists,
        card_store=store.cards,
        outbox=store.outbox,
        library=library,
        chat=chat,
        clock=clock,
        most=options.storm_after,
        settle_for=settle_for,
    )
    return Desk(
        store=store,
        library=library,
        systems=systems,
        intake=intake,
        raising=Raising(intake=intake, library=library, directory=directory, clock=clock),
        triage=build_triage(proposals, store.outbox, advisors, clock),
        narration=_build_narration(proposals, store.outbox, advisors, clock),
        decisions=Decisions(
            cases=store.cases,
            desk_controls=store.desk_controls,
            library=library,
            directory=directory,
            proposals=proposals,
            clock=clock,
        ),
        controls=controls,
        enrolment=PasskeyEnrolment(
            desk_controls=store.desk_controls,
            queries=store.queries,
            directory=directory,
            clock=clock,
        ),
        executor=build_executor(
            cases=store.cases,
            outbox=store.outbox,
            desk_controls=store.desk_controls,
            library=library,
            systems=systems,
            directory=directory,
            proposals=proposals,
            controls=controls,
            clock=clock,
            lease_for=timedelta(seconds=options.lease_for),
        ),
        deadlines=Deadlines(cases=store.cases, queries=store.queries, library=library, clock=clock),
        queues=queues,
        follow_up=FollowUp(
            cases=store.cases,
            outbox=store.outbox,
            library=library,
            systems=systems,
            clock=clock,
        ),
        remembering=PrecedentRecorder(
            cases=store.cases, store=advisors.shelf, memory=advisors.memory
        ),
        drawing=Cards(
            cases=store.cases,
            card_store=store.cards,
            live_lists=store.live_lists,
            outbox=store.outbox,
            desk_controls=store.desk_controls,
            chat=chat,
            clock=clock,
            followers=(digests.follow, homes.follow),
            storms=storms if options.storm_after else None,
            library=library,
            mode=options.mode,
            settle_for=settle_for,
        ),
        storms=storms,
        sweeping=MessageCleanup(
            cases=store.cases,
            card_store=store.cards,
            live_lists=store.live_lists,
            outbox=store.outbox,
            chat=chat,
            clock=clock,
            settle_for=settle_for,
        ),
        questions=questions,
        digests=digests,
        homes=homes,
    )


def build_triage(proposals: Proposals, outbox: Outbox, advisors: Advisors, clock: Clock) -> Triage:
    """Build the part of the desk that looks at new cases."""
    return Triage(
        cases=proposals.cases,
        outbox=outbox,
        library=proposals.library,
        systems=proposals.systems,
        recommender=advisors.recommender,
        recogniser=advisors.recogniser,
        proposals=proposals,
        clock=clock,
        has_narrator=advisors.narrator is not None,
    )


def _build_narration(
    proposals: Proposals, outbox: Outbox, advisors: Advisors, clock: Clock
) -> CaseNarration | None:
    if advisors.narrator is None:
        return None
    return CaseNarration(
        cases=proposals.cases,
        outbox=outbox,
        library=proposals.library,
        proposals=proposals,
        narrator=advisors.narrator,
        clock=clock,
    )


def _build_questions(
    *,
    store: Store,
    library: Library,
    chat: Chat,
    clock: Clock,
    advisors: Advisors,
    visibility: Visibility,
    queues: Queues,
) -> Questions:
    answers = CaseAnswers(
        cases=store.cases,
        queries=store.queries,
        card_store=store.cards,
        desk_controls=store.desk_controls,
        library=library,
        memory=advisors.memory,
        visibility=visibility,
        queues=queues,
        clock=clock,
    )
    return Questions(
        answers=answers,
        visibility=visibility,
        question_log=store.question_log,
        outbox=store.outbox,
        library=library,
        parser=QuestionParser(dict(library.titles())),
        chat=chat,
        clock=clock,
        assistant=advisors.talker,
    )
