"""The desk: every use case of the bot, built over one store."""

from dataclasses import dataclass
from datetime import timedelta

from bot.advisors import Advisors
from bot.desk.alert_storms import MOST_CARDS, AlertStorms, SourceThrottle
from bot.desk.app_home import AppHome
from bot.desk.cards import Cards
from bot.desk.controls import Controls
from bot.desk.decisions import Decisions
from bot.desk.digest import Digest
from bot.desk.executor import Executor
from bot.desk.follow_up import FollowUp
from bot.desk.intake import Intake
from bot.desk.message_cleanup import MessageCleanup
from bot.desk.narration import CaseNarration
from bot.desk.precedents import PrecedentRecorder
from bot.desk.proposal import Proposals
from bot.desk.questions import Questions
from bot.desk.raising import Raising
from bot.desk.triage import Triage
from bot.ports import Chat, Clock, Directory, Systems
from bot.store.lists import Lists
from bot.store.store import SqlStore
from knowledge.language.question_parser import QuestionParser
from knowledge.library import Library


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The use cases over one store."""

    store: SqlStore
    library: Library
    systems: Systems
    lists: Lists
    intake: Intake
    raising: Raising
    triage: Triage
    narration: CaseNarration | None
    decisions: Decisions
    switchboard: Controls
    executor: Executor
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
    store: SqlStore,
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
    lists = Lists(store)
    proposals = Proposals(store=store, library=library, systems=systems, mode=options.mode)
    switchboard = Controls(store=store, library=library, directory=directory, clock=clock)
    intake = Intake(
        store=store,
        library=library,
        clock=clock,
        pacer=SourceThrottle() if options.storm_after else None,
    )
    questions = Questions(
        store=store,
        lists=lists,
        library=library,
        directory=directory,
        grammar=QuestionParser(dict(library.titles())),
        chat=chat,
        clock=clock,
        memory=advisors.memory,
        talker=advisors.talker,
    )
    digests = Digest(
        store=store,
        lists=lists,
        library=library,
        questions=questions,
        chat=chat,
        clock=clock,
        settle_for=settle_for,
    )
    homes = AppHome(
        store=store,
        lists=lists,
        library=library,
        directory=directory,
        questions=questions,
        chat=chat,
        clock=clock,
    )
    storms = AlertStorms(
        store=store,
        lists=lists,
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
        lists=lists,
        intake=intake,
        raising=Raising(intake=intake, library=library, directory=directory, clock=clock),
        triage=build_triage(proposals, advisors, clock),
        narration=_build_narration(proposals, advisors, clock),
        decisions=Decisions(
            store=store, library=library, directory=directory, proposals=proposals, clock=clock
        ),
        switchboard=switchboard,
        executor=Executor(
            store=store,
            library=library,
            systems=systems,
            directory=directory,
            proposals=proposals,
            switchboard=switchboard,
            clock=clock,
            lease_for=timedelta(seconds=options.lease_for),
        ),
        follow_up=FollowUp(store=store, library=library, systems=systems, clock=clock),
        remembering=PrecedentRecorder(store=store, shelf=advisors.shelf, memory=advisors.memory),
        drawing=Cards(
            store=store,
            chat=chat,
            clock=clock,
            followers=(digests.follow, homes.follow),
            storms=storms if options.storm_after else None,
            library=library,
            lists=lists,
            mode=options.mode,
            settle_for=settle_for,
        ),
        storms=storms,
        sweeping=MessageCleanup(
            store=store, lists=lists, chat=chat, clock=clock, settle_for=settle_for
        ),
        questions=questions,
        digests=digests,
        homes=homes,
    )


def build_triage(proposals: Proposals, advisors: Advisors, clock: Clock) -> Triage:
    """Build the part of the desk that looks at new cases."""
    return Triage(
        store=proposals.store,
        library=proposals.library,
        systems=proposals.systems,
        recommender=advisors.recommender,
        recogniser=advisors.recogniser,
        proposals=proposals,
        clock=clock,
        has_narrator=advisors.narrator is not None,
    )


def _build_narration(
    proposals: Proposals, advisors: Advisors, clock: Clock
) -> CaseNarration | None:
    if advisors.narrator is None:
        return None
    return CaseNarration(
        store=proposals.store,
        library=proposals.library,
        proposals=proposals,
        narrator=advisors.narrator,
        clock=clock,
    )
