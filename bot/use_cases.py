"""The desk: every use case of the bot, built over one store."""

from dataclasses import dataclass
from datetime import timedelta

from bot.advisors import Advisors
from bot.cases.plan import DRY_RUN
from bot.connectors.combined_desk import CombinedDesk
from bot.connectors.desk import SystemsWithDesk
from bot.connectors.desk_rules import RulesConnector
from bot.connectors.desk_stages import StagesConnector
from bot.connectors.desk_standing_rules import StandingRulesConnector
from bot.connectors.desk_versions import VersionsConnector
from bot.connectors.dry_run import DryRun
from bot.connectors.programs import ProgramConnector
from bot.desk.action_stages import ActionStages
from bot.desk.answers.acts import ActAnswers
from bot.desk.answers.answering import QueryAnswers
from bot.desk.answers.approvers import Approvers
from bot.desk.answers.capabilities import Capabilities
from bot.desk.answers.case_facts import CaseFactsAnswers
from bot.desk.answers.case_file import CaseFiles
from bot.desk.answers.closest import ClosestCases
from bot.desk.answers.control_acts import ControlActs
from bot.desk.answers.doubts import DoubtfulFilters
from bot.desk.answers.figures import CaseFigures
from bot.desk.answers.filters import ConditionFilters
from bot.desk.answers.lists import ListAnswers
from bot.desk.answers.names import Names
from bot.desk.answers.nearest import Nearest
from bot.desk.answers.people import PeopleAnswers
from bot.desk.answers.precedents import CasePrecedents
from bot.desk.answers.product import ProductAnswers
from bot.desk.answers.readings import QueryWords
from bot.desk.case_progress import CaseProgress
from bot.desk.case_reading import CaseReading
from bot.desk.confirmations import Confirmations
from bot.desk.controls import Controls
from bot.desk.conversation import Conversation
from bot.desk.deadlines import Deadlines
from bot.desk.decisions import Decisions
from bot.desk.eligibility import Eligibility
from bot.desk.event_effects import EventEffects, with_callbacks
from bot.desk.events import EventDelivery
from bot.desk.executor import Executor, build_executor
from bot.desk.follow_up import FollowUp
from bot.desk.group_decisions import GroupDecisions
from bot.desk.inquiries import Inquiries
from bot.desk.intake import Intake
from bot.desk.message_cleanup import MessageCleanup
from bot.desk.narration import CaseNarration
from bot.desk.options import DeskOptions
from bot.desk.passkeys import PasskeyEnrolment
from bot.desk.practice_observation import PracticeObservation
from bot.desk.precedents import PrecedentRecorder
from bot.desk.probes import Probes
from bot.desk.program_approvals import ApprovalRecords, ProgramApprovals
from bot.desk.program_tokens import ProgramTokens
from bot.desk.promotions import Promotions
from bot.desk.proposal import IDLE_MODES, Proposals
from bot.desk.question_lists import QuestionLists
from bot.desk.questions import Questions
from bot.desk.queues import Queues
from bot.desk.raising import Raising
from bot.desk.recognition import MonthlyAwards, RecognitionSummary
from bot.desk.record_checks import RecordChecks
from bot.desk.reminders import Reminders
from bot.desk.rule_changes import RuleDescriptions, RuleReview
from bot.desk.rules_in_force import RulesInForce
from bot.desk.source_throttle import SourceThrottle
from bot.desk.standing_rules import RulePresses, StandingRuleRecords, StandingRules
from bot.desk.thread_orders import ThreadOrders
from bot.desk.triage import Triage
from bot.desk.version_comparison import VersionComparisons
from bot.desk.version_review import VersionFigures, VersionReview, build_reports
from bot.desk.visibility import Visibility
from bot.desk.vocabulary import Vocabulary
from bot.desk.waiting import WaitingFilters
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.connector import Connector, Systems
from bot.ports.details_openings import NoDetailsOpenings
from bot.ports.directory import Directory
from bot.ports.outbox import Outbox
from bot.screens import ScreenBuilder, Screens
from bot.store.store import Store
from bot.triage import build_triage
from bot.views.approval_record import approval_record
from bot.views.program_event import DEFAULT_ORIGIN
from knowledge.language.deferred_reading import DeferredQuestionReading
from knowledge.library import FileLibrary


@dataclass(frozen=True, kw_only=True)
class PlanExecution:
    """Carries out approved plans, and looks at what came of plans."""

    executor: Executor
    follow_up: FollowUp
    observation: PracticeObservation


@dataclass(frozen=True, kw_only=True)
class Upkeep:
    """Does what nobody asks for: deadlines, cleanup, memory and promotions."""

    deadlines: Deadlines
    promotions: Promotions
    standing_rules: StandingRules
    rule_review: RuleReview
    version_review: VersionReview
    version_comparisons: VersionComparisons
    message_cleanup: MessageCleanup
    precedents: PrecedentRecorder
    recognition: RecognitionSummary
    probes: Probes

    def review_kind(self, kind: str) -> int:
        """Look for what may be proposed about a kind.

        Returns how many cases that opened. Right after a decision on it, and every hour: every
        look for a proposal belongs here.
        """
        return self.promotions.review_kind(kind)

    def review_kinds(self) -> int:
        """Look for proposals about any kind, and for standing rules.

        In this order: who is asked about a whole action is not asked about a part of it.
        """
        opened_count = sum(self.review_kind(kind) for kind, _ in self.promotions.library.titles())
        return opened_count + self.standing_rules.review()


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
    program_tokens: ProgramTokens
    program_approvals: ProgramApprovals
    execution: PlanExecution
    conversation: Conversation
    screens: Screens
    upkeep: Upkeep
    events: EventDelivery
    reading: CaseReading


@dataclass(frozen=True, kw_only=True)
class _AnswerBuilder:
    """Builds the parts that answer queries."""

    store: Store
    library: FileLibrary
    directory: Directory
    clock: Clock
    advisors: Advisors
    waiting: WaitingFilters

    def filters(self) -> ConditionFilters:
        """Build what translates conditions into filters of the store."""
        return ConditionFilters(
            library=self.library,
            directory=self.directory,
            desk_controls=self.store.desk_controls,
            waiting=self.waiting,
            clock=self.clock,
        )

    def lists(self) -> ListAnswers:
        """Build what lists cases."""
        filters = self.filters()
        words = QueryWords(library=self.library, directory=self.directory)
        nearest = Nearest(
            queries=self.store.queries, filters=filters, words=words, clock=self.clock
        )
        return ListAnswers(
            queries=self.store.queries,
            card_store=self.store.cards,
            directory=self.directory,
            library=self.library,
            eligibility=self.eligibility(),
            filters=filters,
            nearest=nearest,
            words=words,
            clock=self.clock,
        )

    def figures(self, lists: ListAnswers) -> CaseFigures:
        """Build what counts cases."""
        return CaseFigures(
            queries=self.store.queries,
            filters=lists.filters,
            lists=lists,
            nearest=lists.nearest,
            words=lists.words,
        )

    def case_facts(self, confirmations: Confirmations) -> CaseFactsAnswers:
        """Build what tells the facts of cases."""
        files = self.files()
        precedents = CasePrecedents(
            queries=self.store.queries, memory=self.advisors.memory, files=files
        )
        return CaseFactsAnswers(
            files=files,
            approvers=self.approvers(confirmations),
            precedents=precedents,
            card_store=self.store.cards,
            directory=self.directory,
            eligibility=self.eligibility(),
            library=self.library,
        )

    def people(self) -> PeopleAnswers:
        """Build what tells of people and of the controls of the desk."""
        return PeopleAnswers(
            queries=self.store.queries,
            desk_controls=self.store.desk_controls,
            library=self.library,
            filters=self.filters(),
            words=QueryWords(library=self.library, directory=self.directory),
            names=self.names(),
            clock=self.clock,
        )

    def product(self) -> ProductAnswers:
        """Build what tells of the product itself."""
        capabilities = Capabilities(
            library=self.library,
            desk_controls=self.store.desk_controls,
            recogniser=self.advisors.recogniser,
            stages=ActionStages(
                desk_controls=self.store.desk_controls,
                records=self.store.decision_records,
                library=self.library,
                clock=self.clock,
            ),
        )
        return ProductAnswers(capabilities=capabilities, eligibility=self.eligibility())

    def acts(
        self,
        visibility: Visibility,
        confirmations: Confirmations,
        reminders: Reminders,
    ) -> ActAnswers:
        """Build what offers controls to those who ask for an act."""
        control_acts = ControlActs(
            desk_controls=self.store.desk_controls,
            library=self.library,
            names=self.names(),
            eligibility=self.eligibility(),
            people=self.people(),
            reminders=reminders,
            clock=self.clock,
        )
        return ActAnswers(
            visibility=visibility,
            files=self.files(),
            confirmations=confirmations,
            approvers=self.approvers(confirmations),
            eligibility=self.eligibility(),
            control_acts=control_acts,
            card_store=self.store.cards,
            directory=self.directory,
            library=self.library,
        )

    def files(self) -> CaseFiles:
        """Build what opens the history of a case."""
        return CaseFiles(
            cases=self.store.cases,
            desk_controls=self.store.desk_controls,
            library=self.library,
            names=self.names(),
            clock=self.clock,
        )

    def approvers(self, confirmations: Confirmations) -> Approvers:
        """Build what tells who may approve a case."""
        return Approvers(eligibility=self.eligibility(), confirmations=confirmations)

    def names(self) -> Names:
        """Build what names people."""
        return Names(self.directory)

    def eligibility(self) -> Eligibility:
        """Build what tells which buttons a person is offered."""
        return Eligibility(
            desk_controls=self.store.desk_controls,
            library=self.library,
            directory=self.directory,
            clock=self.clock,
        )


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
            library=self.library,
            waiting=self.waiting(),
        )

    def waiting(self) -> WaitingFilters:
        """Build the rule of what waits on whom."""
        return WaitingFilters(
            queries=self.store.queries,
            desk_controls=self.store.desk_controls,
            library=self.library,
            directory=self.directory,
            clock=self.clock,
        )

    def decisions(self, proposals: Proposals) -> Decisions:
        """Build the decisions of people about a case."""
        openings = self.store.details_openings
        return Decisions(
            cases=self.store.cases,
            presses=self.store.presses,
            desk_controls=self.store.desk_controls,
            library=self.library,
            directory=self.directory,
            proposals=proposals,
            details_openings=openings if self.options.is_health_shown else NoDetailsOpenings(),
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

    def program_tokens(self) -> ProgramTokens:
        """Build the tokens of programs."""
        return ProgramTokens(
            programs=self.library.programs,
            desk_controls=self.store.desk_controls,
            queries=self.store.queries,
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
            records=self.store.decision_records,
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
        observation = PracticeObservation(
            cases=self.store.cases,
            outbox=self.store.outbox,
            library=self.library,
            systems=self.systems,
            clock=self.clock,
        )
        return PlanExecution(executor=executor, follow_up=follow_up, observation=observation)

    def reading(self) -> CaseReading:
        """Build what programs read."""
        return CaseReading(
            cases=self.store.cases,
            queries=self.store.queries,
            library=self.library,
            memory=self.advisors.memory,
            shelf=self.advisors.shelf,
            url=self.options.public_url,
            clock=self.clock,
        )

    def events(self) -> EventDelivery:
        """Build what tells programs of cases, and let decisions cause it."""
        programs = with_callbacks(self.library.programs)
        signer = self.options.receipt_signer
        origin = signer.issuer if signer else DEFAULT_ORIGIN
        if self.options.event_sender and programs:
            effects = EventEffects(programs=programs)
            self.store.cases.further_effects[:] = [effects.messages]
        return EventDelivery(
            cases=self.store.cases,
            outbox=self.store.outbox,
            library=self.library,
            sender=self.options.event_sender,
            approval_record=ApprovalRecords(signer).of if signer else approval_record,
            url=self.options.public_url,
            origin=origin,
            clock=self.clock,
        )

    def action_stages(self) -> ActionStages:
        """Build what tells the stages of actions."""
        return ActionStages(
            desk_controls=self.store.desk_controls,
            records=self.store.decision_records,
            library=self.library,
            clock=self.clock,
        )

    def version_review(self, intake: Intake, proposals: Proposals) -> VersionReview:
        """Build what tries changed playbooks."""
        return VersionReview(
            desk_controls=self.store.desk_controls,
            versions=proposals.versions,
            figures=VersionFigures(queries=self.store.queries, clock=self.clock),
            queries=self.store.queries,
            intake=intake,
            library=self.library,
            clock=self.clock,
            is_idle=self.options.mode in IDLE_MODES,
        )

    def upkeep(self, intake: Intake, triage: Triage) -> Upkeep:
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
        promotions = Promotions(
            desk_controls=self.store.desk_controls,
            stages=self.action_stages(),
            queries=self.store.queries,
            intake=intake,
            library=self.library,
            clock=self.clock,
            mode=self.options.mode,
        )
        standing_rules = StandingRules(
            desk_controls=self.store.desk_controls,
            presses=RulePresses(records=self.store.decision_records, cases=self.store.cases),
            cases=self.store.cases,
            queries=self.store.queries,
            intake=intake,
            library=self.library,
            versions=triage.proposals.versions,
            clock=self.clock,
            mode=self.options.mode,
        )
        rule_review = RuleReview(
            desk_controls=self.store.desk_controls,
            rules=RulesInForce(self.store.cases, self.library, self.store.desk_controls),
            queries=self.store.queries,
            intake=intake,
            library=self.library,
            clock=self.clock,
            mode=self.options.mode,
        )
        version_review = self.version_review(intake, triage.proposals)
        return Upkeep(
            version_review=version_review,
            version_comparisons=VersionComparisons(
                triage=triage, advance=version_review.advance_kind, clock=self.clock
            ),
            deadlines=deadlines,
            promotions=promotions,
            standing_rules=standing_rules,
            rule_review=rule_review,
            message_cleanup=self.message_cleanup(),
            precedents=precedents,
            recognition=self.recognition(),
            probes=self.probes(),
        )

    def probes(self) -> Probes:
        """Build what puts practice cases before queues."""
        return Probes(
            cases=self.store.cases,
            queries=self.store.queries,
            records=self.store.probe_records,
            library=self.library,
            directory=self.directory,
            clock=self.clock,
            mode=self.options.mode,
            max_per_week=self.options.probes_per_week,
        )

    def recognition(self) -> RecognitionSummary:
        """Build what posts the recognition of a month."""
        return RecognitionSummary(
            awards=build_monthly_awards(self.store, self.library),
            directory=self.directory,
            outbox=self.store.outbox,
            chat=self.chat,
            clock=self.clock,
        )

    def case_progress(self) -> CaseProgress:
        """Build what tells whoever raised a case how it stands."""
        return CaseProgress(
            queries=self.store.queries, library=self.library, directory=self.directory
        )

    def confirmations(self, decisions: Decisions) -> Confirmations:
        """Build the confirmations of orders in words."""
        return Confirmations(callers=decisions.callers, library=self.library, clock=self.clock)

    def thread_orders(self, decisions: Decisions) -> ThreadOrders:
        """Build the answers to orders in words."""
        return ThreadOrders(
            cases=self.store.cases,
            confirmations=self.confirmations(decisions),
            question_log=self.store.question_log,
            outbox=self.store.outbox,
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

    def reminders(self, visibility: Visibility, queues: Queues) -> Reminders:
        """Build what reminds people of what waits on them."""
        return Reminders(
            queries=self.store.queries,
            queues=queues,
            visibility=visibility,
            directory=self.directory,
            live_lists=self.store.live_lists,
            clock=self.clock,
        )

    def questions(
        self,
        visibility: Visibility,
        confirmations: Confirmations,
        reminders: Reminders,
    ) -> Questions:
        """Build the answers to questions."""
        closest = ClosestCases(
            queries=self.store.queries, memory=self.advisors.memory, clock=self.clock
        )
        vocabulary = Vocabulary(
            queries=self.store.queries,
            library=self.library,
            directory=self.directory,
            clock=self.clock,
        )
        answers = self.query_answers(
            visibility,
            closest,
            confirmations=confirmations,
            reminders=reminders,
        )
        return Questions(
            answers=answers,
            doubts=DoubtfulFilters(queries=self.store.queries, filters=answers.lists.filters),
            closest=closest,
            vocabulary=vocabulary,
            visibility=visibility,
            queries=self.store.queries,
            question_log=self.store.question_log,
            outbox=self.store.outbox,
            library=self.library,
            directory=self.directory,
            reader=DeferredQuestionReading(self.advisors.question_classifier, self.clock),
            chat=self.chat,
            clock=self.clock,
            model_reader=self.advisors.model_reader,
        )

    def query_answers(
        self,
        visibility: Visibility,
        closest: ClosestCases,
        confirmations: Confirmations,
        reminders: Reminders,
    ) -> QueryAnswers:
        """Build what answers queries."""
        build = _AnswerBuilder(
            store=self.store,
            library=self.library,
            directory=self.directory,
            clock=self.clock,
            advisors=self.advisors,
            waiting=self.waiting(),
        )
        lists = build.lists()
        return QueryAnswers(
            visibility=visibility,
            lists=lists,
            figures=build.figures(lists),
            nearest=lists.nearest,
            closest=closest,
            words=lists.words,
            case_facts=build.case_facts(confirmations),
            people=build.people(),
            product=build.product(),
            acts=build.acts(visibility, confirmations, reminders),
        )

    def conversation(self, decisions: Decisions, visibility: Visibility) -> Conversation:
        """Build what answers people, and asks them."""
        queues = self.queues()
        confirmations = self.confirmations(decisions)
        reminders = self.reminders(visibility, queues)
        return Conversation(
            questions=self.questions(visibility, confirmations, reminders),
            thread_orders=self.thread_orders(decisions),
            inquiries=Inquiries(path=decisions.path, directory=self.directory),
            queues=queues,
            progress=self.case_progress(),
            reminders=reminders,
        )

    def screens(self, visibility: Visibility, conversation: Conversation) -> Screens:
        """Build what stands in Slack."""
        questions = conversation.questions
        question_lists = QuestionLists(
            question_log=self.store.question_log,
            visibility=visibility,
            filters=questions.answers.lists.filters,
            library=self.library,
            directory=self.directory,
        )
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
            promises=self.advisors.promises,
            describe_query=questions.describe,
            question_lists=question_lists,
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
    desk_connector = _build_desk_connector(store, library, clock)
    programs: dict[str, Connector] = {
        program.system: ProgramConnector(program) for program in library.programs.values()
    }
    if options.mode == DRY_RUN:
        desk_connector = DryRun(desk_connector)
        programs = {name: DryRun(connector) for name, connector in programs.items()}
    systems = SystemsWithDesk(systems, desk_connector, programs)
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
        desk_controls=store.desk_controls,
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
        ignored_requests=store.ignored_requests,
        record_checks=RecordChecks(systems, clock),
    )
    visibility = Visibility(
        cases=store.cases,
        queries=store.queries,
        library=library,
        directory=directory,
    )
    triage = build_triage(proposals, store.outbox, advisors=advisors, clock=clock)
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
        triage=triage,
        narration=_build_narration(proposals, store.outbox, advisors=advisors, clock=clock),
        decisions=decisions,
        group_decisions=group_decisions,
        controls=controls,
        enrolment=build.enrolment(),
        program_tokens=build.program_tokens(),
        program_approvals=ProgramApprovals(
            cases=store.cases,
            queries=store.queries,
            intake=intake,
            library=library,
            clock=clock,
        ),
        execution=build.execution(proposals, controls),
        conversation=conversation,
        screens=build.screens(visibility, conversation),
        upkeep=build.upkeep(intake, triage),
        events=build.events(),
        reading=build.reading(),
    )


def _build_desk_connector(store: Store, library: FileLibrary, clock: Clock) -> Connector:
    stages = StagesConnector(
        desk_controls=store.desk_controls,
        records=store.decision_records,
        cases=store.cases,
        queries=store.queries,
        library=library,
        clock=clock,
    )
    descriptions = RuleDescriptions(
        desk_controls=store.desk_controls,
        rules=RulesInForce(store.cases, library, store.desk_controls),
        ledger=store.ledger,
        library=library,
        clock=clock,
    )
    rules = RulesConnector(
        desk_controls=store.desk_controls,
        cases=store.cases,
        queries=store.queries,
        library=library,
        clock=clock,
        describe=descriptions.describe,
    )
    reports = build_reports(
        cases=store.cases,
        desk_controls=store.desk_controls,
        queries=store.queries,
        library=library,
        clock=clock,
    )
    standing_rules = StandingRulesConnector(
        desk_controls=store.desk_controls,
        cases=store.cases,
        queries=store.queries,
        clock=clock,
        descriptions=StandingRuleRecords(
            presses=RulePresses(records=store.decision_records, cases=store.cases),
            desk_controls=store.desk_controls,
            cases=store.cases,
            ledger=store.ledger,
            library=library,
            versions=reports.versions,
            clock=clock,
        ),
    )
    versions = VersionsConnector(
        desk_controls=store.desk_controls,
        cases=store.cases,
        queries=store.queries,
        library=library,
        clock=clock,
        describe=reports.describe,
    )
    return CombinedDesk(stages, rules=rules, standing_rules=standing_rules, versions=versions)


def build_monthly_awards(store: Store, library: FileLibrary) -> MonthlyAwards:
    """Build what finds the awards of a month."""
    rules = library.merit_rules
    return MonthlyAwards(
        cases=store.cases,
        ledger=store.ledger,
        rules=rules,
        identities=library.identities(),
        hours=library.hours(rules.channel),
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
