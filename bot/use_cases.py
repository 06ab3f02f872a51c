"""The desk: every use case of the bot, built over one store."""

from dataclasses import dataclass
from datetime import timedelta

from bot.advisors import Advisors
from bot.desk.case_answers import CaseAnswers
from bot.desk.case_progress import CaseProgress
from bot.desk.controls import Controls
from bot.desk.conversation import Conversation
from bot.desk.deadlines import Deadlines
from bot.desk.decisions import Decisions
from bot.desk.executor import Executor, build_executor
from bot.desk.follow_up import FollowUp
from bot.desk.group_decisions import GroupDecisions
from bot.desk.inquiries import Inquiries
from bot.desk.intake import Intake
from bot.desk.message_cleanup import MessageCleanup
from bot.desk.narration import CaseNarration
from bot.desk.options import DeskOptions
from bot.desk.passkeys import PasskeyEnrolment
from bot.desk.precedents import PrecedentRecorder
from bot.desk.proposal import Proposals
from bot.desk.questions import Questions
from bot.desk.queues import Queues
from bot.desk.raising import Raising
from bot.desk.source_throttle import SourceThrottle
from bot.desk.thread_orders import ThreadOrders
from bot.desk.triage import Triage
from bot.desk.visibility import Visibility
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.connector import Systems
from bot.ports.directory import Directory
from bot.ports.outbox import Outbox
from bot.screens import ScreenBuilder, Screens
from bot.store.store import Store
from knowledge.language.question_parser import PatternParser
from knowledge.library import FileLibrary


@dataclass(frozen=True, kw_only=True)
class PlanExecution:
    """Carries out approved plans."""

    executor: Executor
    follow_up: FollowUp


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
    group_decisions: GroupDecisions
    controls: Controls
    enrolment: PasskeyEnrolment
    execution: PlanExecution
    conversation: Conversation
    screens: Screens
    upkeep: Upkeep


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

    def case_progress(self) -> CaseProgress:
        """Build what tells whoever raised a case how it stands."""
        return CaseProgress(
            queries=self.store.queries, library=self.library, directory=self.directory
        )

    def thread_orders(self, decisions: Decisions) -> ThreadOrders:
        """Build the answers to orders in words."""
        return ThreadOrders(
            cases=self.store.cases,
            callers=decisions.callers,
            question_log=self.store.question_log,
            outbox=self.store.outbox,
            library=self.library,
            chat=self.chat,
            clock=self.clock,
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
        )

    def conversation(self, decisions: Decisions, visibility: Visibility) -> Conversation:
        """Build what answers people, and asks them."""
        queues = self.queues()
        return Conversation(
            questions=self.questions(visibility, queues),
            thread_orders=self.thread_orders(decisions),
            inquiries=Inquiries(path=decisions.path, directory=self.directory),
            queues=queues,
            progress=self.case_progress(),
        )

    def screens(self, visibility: Visibility, conversation: Conversation) -> Screens:
        """Build what stands in Slack."""
        builder = ScreenBuilder(
            store=self.store,
            library=self.library,
            chat=self.chat,
            directory=self.directory,
            clock=self.clock,
            options=self.options,
            visibility=visibility,
            queues=conversation.queues,
            progress=conversation.progress,
        )
        return builder.screens()


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
    proposals = Proposals(
        cases=store.cases,
        library=library,
        systems=systems,
        mode=options.mode,
    )
    throttle = SourceThrottle() if options.storm_after else None
    intake = Intake(
        cases=store.cases,
        library=library,
        clock=clock,
        throttle=throttle,
    )
    visibility = Visibility(
        cases=store.cases,
        queries=store.queries,
        library=library,
        directory=directory,
    )
    controls = build.controls()
    decisions = build.decisions(proposals)
    conversation = build.conversation(decisions, visibility)
    group_decisions = GroupDecisions(
        queries=store.queries,
        decisions=decisions,
        library=library,
        visibility=visibility,
    )
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
        group_decisions=group_decisions,
        controls=controls,
        enrolment=build.enrolment(),
        execution=build.execution(proposals, controls),
        conversation=conversation,
        screens=build.screens(visibility, conversation),
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
