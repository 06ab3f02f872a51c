"""The lists and cards in Slack, built over one store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.audit.approver_decisions import SqlApproverDecisions
from bot.desk.alert_storms import AlertStorms
from bot.desk.app_home import AppHome
from bot.desk.call_slots import CallSlots
from bot.desk.calls import Calls
from bot.desk.card_evidence import CardEvidence
from bot.desk.cards import Cards, Follower
from bot.desk.case_lists import CaseLists
from bot.desk.case_progress import CaseProgress
from bot.desk.digest import Digest
from bot.desk.digest_figures import DigestNumbers
from bot.desk.digest_rows import DigestRows
from bot.desk.direct_calls import DirectCalls
from bot.desk.eligibility import Eligibility
from bot.desk.inquiry_messages import InquiryMessages
from bot.desk.missed_calls import MissedCalls
from bot.desk.options import DeskOptions
from bot.desk.question_lists import QuestionLists
from bot.desk.question_review import DescribeQuery, QuestionReviews, describe_nothing
from bot.desk.queue_reviews import QueueReviews
from bot.desk.queues import Queues
from bot.desk.thread_notes import ThreadNotes
from bot.desk.version_review import build_reports
from bot.desk.visibility import Visibility
from bot.desk.weekly_review import WeeklyReview
from bot.ports.approver_decisions import ApproverDecisions, NoApproverDecisions
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.recommender import PromiseRecords
from bot.store.store import Store
from bot.views.queue_health import PRACTICE_NOTICE
from knowledge.library import FileLibrary

#: Redraws the lists that show a case, by their keys.


@dataclass(frozen=True, kw_only=True)
class Screens:
    """Keeps what stands in Slack up to date."""

    cards: Cards
    notes: ThreadNotes
    calls: Calls
    inquiry_messages: InquiryMessages
    storms: AlertStorms
    digests: Digest
    app_home: AppHome
    case_lists: CaseLists
    question_reviews: QuestionReviews


@dataclass(frozen=True, kw_only=True)
class ScreenBuilder:
    """Builds the screens one by one."""

    store: Store
    library: FileLibrary
    chat: Chat
    directory: Directory
    clock: Clock
    options: DeskOptions
    visibility: Visibility
    queues: Queues
    progress: CaseProgress
    promises: PromiseRecords
    #: Puts a reading that was chosen into words.
    describe_query: DescribeQuery = describe_nothing
    #: Finds the cases of an answer again.
    question_lists: QuestionLists | None = None

    @property
    def settle_for(self) -> timedelta:
        return timedelta(seconds=self.options.settle_for)

    def screens(self) -> Screens:
        """Build the cards, lists and messages."""
        # Cards tell storms, digests and homes what has changed, so those are built first.
        storms = self.alert_storms()
        digests = self.digest()
        app_home = self.app_home()
        calls = self.calls()
        inquiry_messages = self.inquiry_messages()
        notes = self.notes(storms)
        followers = (
            digests.follow,
            storms.follow,
            calls.direct_calls.follow,
            inquiry_messages.follow,
            calls.direct_calls.slots.follow,
            notes.follow,
        )
        return Screens(
            cards=self.cards(followers, app_home, storms=storms, calls=calls, notes=notes),
            notes=notes,
            calls=calls,
            inquiry_messages=inquiry_messages,
            storms=storms,
            digests=digests,
            app_home=app_home,
            case_lists=self.case_lists(),
            question_reviews=self.question_reviews(),
        )

    def digest(self) -> Digest:
        """Build the daily digest."""
        rows = DigestRows(
            queries=self.store.queries,
            card_store=self.store.cards,
            library=self.library,
            directory=self.directory,
            visibility=self.visibility,
            eligibility=self.eligibility(),
            queues=self.queues,
        )
        return Digest(
            queries=self.store.queries,
            live_lists=self.store.live_lists,
            outbox=self.store.outbox,
            desk_controls=self.store.desk_controls,
            library=self.library,
            directory=self.directory,
            visibility=self.visibility,
            rows=rows,
            numbers=DigestNumbers(queries=self.store.queries, question_log=self.store.question_log),
            weekly_review=WeeklyReview(
                queries=self.store.queries,
                queues=self.queues,
                library=self.library,
                rows=rows,
                missed_calls=self.missed_calls(),
                question_reviews=self.question_reviews(),
                queue_reviews=self.queue_reviews(),
                promises=self.promises,
            ),
            chat=self.chat,
            clock=self.clock,
            settle_for=self.settle_for,
        )

    def queue_reviews(self) -> QueueReviews:
        """Build what finds queues that are approved unread."""
        decisions: ApproverDecisions = NoApproverDecisions()
        if self.options.is_health_shown:
            decisions = SqlApproverDecisions(self.store.database)
        return QueueReviews(decisions=decisions, library=self.library, directory=self.directory)

    def app_home(self) -> AppHome:
        """Build the App Home."""
        return AppHome(
            cases=self.store.cases,
            queries=self.store.queries,
            live_lists=self.store.live_lists,
            card_store=self.store.cards,
            outbox=self.store.outbox,
            desk_controls=self.store.desk_controls,
            library=self.library,
            directory=self.directory,
            visibility=self.visibility,
            eligibility=self.eligibility(),
            queues=self.queues,
            chat=self.chat,
            clock=self.clock,
            practice_notice=PRACTICE_NOTICE if self.options.probes_per_week else "",
            versions=build_reports(
                cases=self.store.cases,
                desk_controls=self.store.desk_controls,
                queries=self.store.queries,
                library=self.library,
                clock=self.clock,
            ),
        )

    def case_lists(self) -> CaseLists:
        """Build what lists open cases page by page."""
        return CaseLists(
            queries=self.store.queries,
            live_lists=self.store.live_lists,
            card_store=self.store.cards,
            outbox=self.store.outbox,
            library=self.library,
            directory=self.directory,
            visibility=self.visibility,
            eligibility=self.eligibility(),
            clock=self.clock,
            question_lists=self.question_lists,
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

    def calls(self) -> Calls:
        """Build what reaches those for whom a case waits."""
        direct_calls = DirectCalls(
            cases=self.store.cases,
            card_store=self.store.cards,
            live_lists=self.store.live_lists,
            outbox=self.store.outbox,
            desk_controls=self.store.desk_controls,
            library=self.library,
            directory=self.directory,
            chat=self.chat,
            clock=self.clock,
            progress=self.progress,
            slots=self.call_slots(),
        )
        return Calls(
            card_store=self.store.cards,
            live_lists=self.store.live_lists,
            outbox=self.store.outbox,
            library=self.library,
            directory=self.directory,
            chat=self.chat,
            clock=self.clock,
            direct_calls=direct_calls,
            missed_calls=self.missed_calls(),
        )

    def call_slots(self) -> CallSlots:
        """Build what collects direct messages that may wait."""
        return CallSlots(
            queries=self.store.queries,
            card_store=self.store.cards,
            live_lists=self.store.live_lists,
            outbox=self.store.outbox,
            library=self.library,
            directory=self.directory,
            eligibility=self.eligibility(),
            chat=self.chat,
            clock=self.clock,
        )

    def missed_calls(self) -> MissedCalls:
        """Build what finds the calls that came to nothing."""
        return MissedCalls(
            cases=self.store.cases,
            queries=self.store.queries,
            card_store=self.store.cards,
            live_lists=self.store.live_lists,
            outbox=self.store.outbox,
            library=self.library,
            directory=self.directory,
            clock=self.clock,
        )

    def question_reviews(self) -> QuestionReviews:
        """Build what lists questions that were not answered well."""
        return QuestionReviews(
            question_log=self.store.question_log,
            directory=self.directory,
            describe=self.describe_query,
        )

    def inquiry_messages(self) -> InquiryMessages:
        """Build what sends questions about cases."""
        return InquiryMessages(
            cases=self.store.cases,
            card_store=self.store.cards,
            live_lists=self.store.live_lists,
            outbox=self.store.outbox,
            directory=self.directory,
            chat=self.chat,
            clock=self.clock,
        )

    def cards(
        self,
        followers: Sequence[Follower],
        app_home: AppHome,
        *,
        storms: AlertStorms,
        calls: Calls,
        notes: ThreadNotes,
    ) -> Cards:
        """Build what keeps the cards."""
        return Cards(
            cases=self.store.cases,
            card_store=self.store.cards,
            outbox=self.store.outbox,
            chat=self.chat,
            clock=self.clock,
            followers=followers,
            follow_homes=app_home.follow,
            storms=storms if self.options.storm_after else None,
            calls=calls,
            evidence=CardEvidence(notes=notes, clock=self.clock, settle_for=self.settle_for),
            library=self.library,
            directory=self.directory,
            mode=self.options.mode,
            settle_for=self.settle_for,
        )

    def notes(self, storms: AlertStorms) -> ThreadNotes:
        """Build what writes in the threads of cards."""
        return ThreadNotes(
            cases=self.store.cases,
            card_store=self.store.cards,
            live_lists=self.store.live_lists,
            outbox=self.store.outbox,
            chat=self.chat,
            clock=self.clock,
            library=self.library,
            storms=storms if self.options.storm_after else None,
        )

    def eligibility(self) -> Eligibility:
        """Build what tells lists whom to offer a decision."""
        return Eligibility(
            desk_controls=self.store.desk_controls,
            library=self.library,
            directory=self.directory,
            clock=self.clock,
        )
