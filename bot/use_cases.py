"""The desk: every use case of the bot, built over one store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.advisors import Advisors
from bot.cases.case import Case
from bot.desk.alert_storms import MAX_CARDS, AlertStorms
from bot.desk.app_home import AppHome
from bot.desk.calls import Calls
from bot.desk.cards import Cards
from bot.desk.case_answers import CaseAnswers
from bot.desk.case_lists import CaseLists
from bot.desk.controls import Controls
from bot.desk.deadlines import Deadlines
from bot.desk.decisions import Decisions
from bot.desk.digest import Digest
from bot.desk.digest_figures import DigestNumbers
from bot.desk.digest_rows import DigestRows
from bot.desk.direct_calls import DirectCalls
from bot.desk.eligibility import Eligibility
from bot.desk.executor import Executor, build_executor
from bot.desk.follow_up import FollowUp
from bot.desk.group_decisions import GroupDecisions
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
from bot.desk.weekly_review import WeeklyReview
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.connector import Systems
from bot.ports.directory import Directory
from bot.ports.outbox import Outbox
from bot.store.store import Store
from knowledge.language.question_parser import PatternParser
from knowledge.library import FileLibrary

#: Redraws the lists that show a case, by their keys.
Follower = Callable[[Case, Sequence[str]], None]


@dataclass(frozen=True, kw_only=True)
class PlanExecution:
    """Carries out approved plans."""

    executor: Executor
    follow_up: FollowUp


@dataclass(frozen=True, kw_only=True)
class Screens:
    """Keeps what stands in Slack up to date, and decides on whole lists."""

    cards: Cards
    calls: Calls
    storms: AlertStorms
    digests: Digest
    app_home: AppHome
    case_lists: CaseLists
    group_decisions: GroupDecisions


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """Does what nobody asks for: deadlines, cleanup and memory."""

    deadlines: Deadlines
    message_cleanup: MessageCleanup
    precedents: PrecedentRecorder


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The use cases over one store."""

    store: Store
    library: FileLibrary
    systems: Systems
    intake: Intake
    raising: Raising
    triage: Triage
    narration: CaseNarration | None
    decisions: Decisions
    controls: Controls
    enrolment: PasskeyEnrolment
    execution: PlanExecution
    queues: Queues
    questions: Questions
    screens: Screens
    upkeep: Upkeep


@dataclass(frozen=True, kw_only=True)
class DeskOptions:
    """The settings that the desk itself needs."""

    #: What plans are approved for: "live", "dry-run" or "shadow". Empty binds them to none.
    mode: str = ""
    #: Cards of one kind from one source before the rest share one; 0 for never.
    storm_after: int = MAX_CARDS
    #: Seconds that work stays with a worker that gives no sign of life.
    lease_for: float = 30.0
    #: Seconds before a message whose posting is in doubt is looked for.
    settle_for: float = 30.0


@dataclass(frozen=True, kw_only=True)
class _Builder:
    """Builds the use cases one by one."""

    store: Store
    library: FileLibrary
    systems: Systems
    chat: Chat
    directory: Directory
    clock: Clock
    advisors: Advisors
    options: DeskOptions

    @property
    def settle_for(self) -> timedelta:
        return timedelta(seconds=self.options.settle_for)

    def controls(self) -> Controls:
        """Build the controls of the whole desk."""
        return Controls(
            desk_controls=self.store.desk_controls,
            cases=self.store.cases,
            queries=self.store.queries,
            outbox=self.store.outbox,
            library=self.library,
            directory=self.directory,
            clock=self.clock,
        )

    def queues(self) -> Queues:
        """Build what says which cases wait on whom."""
        return Queues(
            queries=self.store.queries,
            desk_controls=self.store.desk_controls,
            library=self.library,
            directory=self.directory,
            clock=self.clock,
        )

    def digest(self, visibility: Visibility, queues: Queues) -> Digest:
        """Build the daily digest."""
        rows = DigestRows(
            queries=self.store.queries,
            card_store=self.store.cards,
            library=self.library,
            directory=self.directory,
            visibility=visibility,
            eligibility=self.eligibility(),
            queues=queues,
        )
        return Digest(
            queries=self.store.queries,
            live_lists=self.store.live_lists,
            outbox=self.store.outbox,
            desk_controls=self.store.desk_controls,
            library=self.library,
            directory=self.directory,
            visibility=visibility,
            rows=rows,
            numbers=DigestNumbers(queries=self.store.queries, question_log=self.store.question_log),
            weekly_review=WeeklyReview(
                queries=self.store.queries, queues=queues, library=self.library, rows=rows
            ),
            chat=self.chat,
            clock=self.clock,
            settle_for=self.settle_for,
        )

    def app_home(self, visibility: Visibility, queues: Queues) -> AppHome:
        """Build the App Home."""
        return AppHome(
            queries=self.store.queries,
            live_lists=self.store.live_lists,
            card_store=self.store.cards,
            outbox=self.store.outbox,
            desk_controls=self.store.desk_controls,
            library=self.library,
            directory=self.directory,
            visibility=visibility,
            eligibility=self.eligibility(),
            queues=queues,
            chat=self.chat,
            clock=self.clock,
        )

    def alert_storms(self) -> AlertStorms:
        """Build the cards that many cases share."""
        return AlertStorms(
            queries=self.store.queries,
            live_lists=self.store.live_lists,
            card_store=self.store.cards,
            outbox=self.store.outbox,
            library=self.library,
            directory=self.directory,
            chat=self.chat,
            clock=self.clock,
            max_cards=self.options.storm_after,
            settle_for=self.settle_for,
        )

    def decisions(self, proposals: Proposals) -> Decisions:
        """Build the decisions of people about a case."""
        return Decisions(
            cases=self.store.cases,
            desk_controls=self.store.desk_controls,
            library=self.library,
            directory=self.directory,
            proposals=proposals,
            clock=self.clock,
        )

    def enrolment(self) -> PasskeyEnrolment:
        """Build the enrolment of passkeys."""
        return PasskeyEnrolment(
            desk_controls=self.store.desk_controls,
            queries=self.store.queries,
            directory=self.directory,
            clock=self.clock,
        )

    def execution(self, proposals: Proposals, controls: Controls) -> PlanExecution:
        """Build what carries out approved plans."""
        executor = build_executor(
            cases=self.store.cases,
            outbox=self.store.outbox,
            desk_controls=self.store.desk_controls,
            library=self.library,
            systems=self.systems,
            directory=self.directory,
            proposals=proposals,
            controls=controls,
            clock=self.clock,
            lease_for=timedelta(seconds=self.options.lease_for),
        )
        follow_up = FollowUp(
            cases=self.store.cases,
            outbox=self.store.outbox,
            library=self.library,
            systems=self.systems,
            clock=self.clock,
        )
        return PlanExecution(executor=executor, follow_up=follow_up)

    def screens(self, visibility: Visibility, queues: Queues, decisions: Decisions) -> Screens:
        """Build what stands in Slack."""
        # Cards tell storms, digests and homes what has changed, so those are built first.
        storms = self.alert_storms()
        digests = self.digest(visibility, queues)
        app_home = self.app_home(visibility, queues)
        calls = self.calls()
        followers = (
            digests.follow,
            app_home.follow,
            storms.follow,
            calls.direct_calls.follow,
        )
        return Screens(
            cards=self.cards(followers, storms=storms, calls=calls),
            calls=calls,
            storms=storms,
            digests=digests,
            app_home=app_home,
            case_lists=self.case_lists(visibility),
            group_decisions=GroupDecisions(
                queries=self.store.queries,
                decisions=decisions,
                library=self.library,
                visibility=visibility,
            ),
        )

    def case_lists(self, visibility: Visibility) -> CaseLists:
        """Build what lists open cases page by page."""
        return CaseLists(
            queries=self.store.queries,
            live_lists=self.store.live_lists,
            card_store=self.store.cards,
            outbox=self.store.outbox,
            library=self.library,
            directory=self.directory,
            visibility=visibility,
            eligibility=self.eligibility(),
            clock=self.clock,
        )

    def eligibility(self) -> Eligibility:
        """Build what tells lists whom to offer a decision."""
        return Eligibility(
            desk_controls=self.store.desk_controls,
            library=self.library,
            directory=self.directory,
            clock=self.clock,
        )

    def upkeep(self) -> Upkeep:
        """Build what nobody asks for."""
        deadlines = Deadlines(
            cases=self.store.cases,
            queries=self.store.queries,
            library=self.library,
            clock=self.clock,
        )
        precedents = PrecedentRecorder(
            cases=self.store.cases, store=self.advisors.shelf, memory=self.advisors.memory
        )
        return Upkeep(
            deadlines=deadlines,
            message_cleanup=self.message_cleanup(),
            precedents=precedents,
        )

    def calls(self) -> Calls:
        """Build what reaches those for whom a case waits."""
        direct_calls = DirectCalls(
            cases=self.store.cases,
            card_store=self.store.cards,
            queries=self.store.queries,
            live_lists=self.store.live_lists,
            outbox=self.store.outbox,
            library=self.library,
            directory=self.directory,
            chat=self.chat,
            clock=self.clock,
        )
        return Calls(
            cases=self.store.cases,
            card_store=self.store.cards,
            live_lists=self.store.live_lists,
            outbox=self.store.outbox,
            library=self.library,
            directory=self.directory,
            chat=self.chat,
            clock=self.clock,
            direct_calls=direct_calls,
        )

    def cards(self, followers: Sequence[Follower], *, storms: AlertStorms, calls: Calls) -> Cards:
        """Build what keeps the cards."""
        return Cards(
            cases=self.store.cases,
            card_store=self.store.cards,
            live_lists=self.store.live_lists,
            outbox=self.store.outbox,
            desk_controls=self.store.desk_controls,
            chat=self.chat,
            clock=self.clock,
            followers=followers,
            storms=storms if self.options.storm_after else None,
            calls=calls,
            library=self.library,
            directory=self.directory,
            mode=self.options.mode,
            settle_for=self.settle_for,
        )

    def message_cleanup(self) -> MessageCleanup:
        """Build what removes messages that were posted twice."""
        return MessageCleanup(
            cases=self.store.cases,
            card_store=self.store.cards,
            live_lists=self.store.live_lists,
            outbox=self.store.outbox,
            chat=self.chat,
            clock=self.clock,
            settle_for=self.settle_for,
        )

    def questions(self, visibility: Visibility, queues: Queues) -> Questions:
        """Build the answers to questions."""
        answers = CaseAnswers(
            cases=self.store.cases,
            queries=self.store.queries,
            card_store=self.store.cards,
            desk_controls=self.store.desk_controls,
            library=self.library,
            memory=self.advisors.memory,
            visibility=visibility,
            queues=queues,
            clock=self.clock,
        )
        return Questions(
            answers=answers,
            visibility=visibility,
            question_log=self.store.question_log,
            outbox=self.store.outbox,
            library=self.library,
            parser=PatternParser(dict(self.library.titles())),
            chat=self.chat,
            clock=self.clock,
            assistant=self.advisors.talker,
        )


def build_desk(
    *,
    store: Store,
    library: FileLibrary,
    systems: Systems,
    chat: Chat,
    directory: Directory,
    clock: Clock,
    advisors: Advisors,
    options: DeskOptions,
) -> Desk:
    """Build the use cases over whatever stands behind the ports."""
    build = _Builder(
        store=store,
        library=library,
        systems=systems,
        chat=chat,
        directory=directory,
        clock=clock,
        advisors=advisors,
        options=options,
    )
    proposals = Proposals(cases=store.cases, library=library, systems=systems, mode=options.mode)
    throttle = SourceThrottle() if options.storm_after else None
    intake = Intake(cases=store.cases, library=library, clock=clock, throttle=throttle)
    visibility = Visibility(
        cases=store.cases, queries=store.queries, library=library, directory=directory
    )
    queues = build.queues()
    controls = build.controls()
    decisions = build.decisions(proposals)
    return Desk(
        store=store,
        library=library,
        systems=systems,
        intake=intake,
        raising=Raising(
            intake=intake,
            library=library,
            directory=directory,
            systems=systems,
            clock=clock,
        ),
        triage=build_triage(proposals, store.outbox, advisors=advisors, clock=clock),
        narration=_build_narration(proposals, store.outbox, advisors=advisors, clock=clock),
        decisions=decisions,
        controls=controls,
        enrolment=build.enrolment(),
        execution=build.execution(proposals, controls),
        queues=queues,
        questions=build.questions(visibility, queues),
        screens=build.screens(visibility, queues, decisions),
        upkeep=build.upkeep(),
    )


def build_triage(
    proposals: Proposals, outbox: Outbox, *, advisors: Advisors, clock: Clock
) -> Triage:
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
    proposals: Proposals, outbox: Outbox, *, advisors: Advisors, clock: Clock
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
