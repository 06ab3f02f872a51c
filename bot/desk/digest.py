"""The daily digest of each channel, and the weekly review: gathered from lists, posted once, and kept true while its cases move."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bot.cases.case import Case, is_principal
from bot.cases.digest import TREND_DAYS, CaseRow, DigestView, Review, agreements, counted, trend
from bot.cases.entries import StepState
from bot.cases.hours import Hours
from bot.cases.lifecycle import State
from bot.desk.message_cleanup import SETTLE_FOR, finish_list, sweep_list
from bot.desk.questions import Questions
from bot.desk.rows import others, with_cards
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.ports.question_log import QuestionLog

MOST_NEEDS, MOST_LATE, MOST_UNHANDLED, MOST_BLIND, MOST_SLOW = 8, 5, 5, 5, 5
MOST_ENDED = 2_000
MOST_REST = 25
NOT_POSTED_AFTER = timedelta(hours=12)
WEEK = timedelta(days=7)
PREFIX = "digest:"
NOTHING_TO_REVIEW = Review((), (), (), 0, 0)


@dataclass(frozen=True)
class Digest:
    queries: CaseQueries
    live_lists: LiveLists
    card_store: CardStore
    outbox: Outbox
    question_log: QuestionLog
    desk_controls: DeskControlsStore
    library: Library
    questions: Questions
    chat: Chat
    clock: Clock
    settle_for: timedelta = SETTLE_FOR

    def run(self, work: LeasedMessage) -> None:
        """Handle one outbox row: post the digest of that day, or draw the one that stands again."""
        place, due = (
            str(work.payload["place"]),
            datetime.fromtimestamp(float(work.payload["due"]), UTC),
        )
        board = self.live_lists.get(work.key)
        now = self.clock()
        if board is None and now - due > NOT_POSTED_AFTER:
            # Yesterday's news: the next one tells it.
            self.outbox.finish(work)
            return
        digest = self.gathered(work.key, place, due, board)
        if digest.says_something:
            ts = self.chat.post_digest(digest, board, look_first=True)
            self.live_lists.save(
                LiveList(
                    key=work.key,
                    place=place,
                    ts=ts,
                    sections=digest.sections,
                    shown_at=board.shown_at if board else now,
                )
            )
            sweep = sweep_list(work.key, place.rpartition("/")[2], now + self.settle_for)
            finish_list(self.outbox, work, sweep, is_new=board is None)
            return
        self.outbox.finish(work)

    def follow(self, case: Case, boards: Sequence[str]) -> None:
        """A case has moved: those of these boards that are digests are drawn again."""
        now = self.clock()
        self.outbox.enqueue([_again(key, now) for key in boards if key.startswith(PREFIX)])

    def gathered(self, key: str, place: str, due: datetime, board: LiveList | None) -> DigestView:
        """What there is to say at ``due``. One that stands keeps its rows, with the cases as they are now."""
        hours = self.library.hours(place)
        since = self._previous(hours, due)
        on = hours.local(due).date()
        base = self._base(place)
        waiting = replace(base, states=(State.PROPOSED,))
        overdue = replace(base, late_at=due)
        needs = self._rows(board, "needs", lambda: self._needs(place, waiting))
        shown = {row.case.id for row in needs}
        late = self._rows(board, "late", lambda: others(self.queries, overdue, shown, MOST_LATE))
        unhandled = self._rows(board, "unhandled", lambda: self._unhandled(base, since, due))
        ended = self.queries.find(
            replace(base, ended_between=(since, due), is_over=True), MOST_ENDED
        )
        opened = self.queries.count(replace(base, opened_between=(since, due), is_any=True))
        tallies = self.queries.case_times(base, due - timedelta(days=TREND_DAYS), due)
        standing = self.desk_controls.load()
        return DigestView(
            key=key,
            place=place,
            on=on,
            paused=tuple(pause.said for pause in standing.holds),
            needs=needs,
            needs_more=max(0, self.queries.count(waiting) - len(needs))
            if not is_principal(place)
            else 0,
            rest=with_cards(self.card_store, self._rest(place, waiting, shown))
            if board is None
            else (),
            late=late,
            late_more=max(
                0,
                self.queries.count(overdue)
                - len(late)
                - sum(_is_late(row.case, due) for row in needs),
            ),
            unhandled=unhandled,
            counts=counted(ended, opened),
            days=trend(tallies, due, hours),
            questions=self._unanswered(place, since),
            review=self._review(base, due, board) if on.weekday() == hours.review_on else None,
        )

    def _base(self, place: str) -> CaseFilter:
        """A channel's own cases; for a person, what they may see now."""
        return (
            CaseFilter(viewer=self.questions.sight(place))
            if is_principal(place)
            else CaseFilter(channel=place)
        )

    def _needs(self, place: str, waiting: CaseFilter) -> list[Case]:
        if is_principal(place):
            return self.questions.waiting_on(self.questions.sight(place))[0][:MOST_NEEDS]
        return self.queries.find(waiting, MOST_NEEDS)

    def _rest(self, place: str, waiting: CaseFilter, shown: set[str]) -> list[Case]:
        """What else waits, for the thread; a person finds theirs at home."""
        return [] if is_principal(place) else others(self.queries, waiting, shown, MOST_REST)

    def _previous(self, hours: Hours, due: datetime) -> datetime:
        """When the last digest was due: on the working day before."""
        day = hours.local(due).date() - timedelta(days=1)
        while not hours.is_working_day(day):
            day -= timedelta(days=1)
        return hours.digest_time(day)

    def _unanswered(self, place: str, since: datetime) -> int:
        """Count what was asked here, or by this person: what others asked elsewhere is not for everyone."""
        asked = self.question_log.questions(since, only_unanswered=True)
        return sum(one.person == place or one.id.startswith(f"{place}:") for one in asked)

    def _unhandled(self, base: CaseFilter, since: datetime, due: datetime) -> list[Case]:
        """What was not recognised and still is not, what expired, and what was waved away."""
        open_ones = self.queries.find(replace(base, is_unrecognised=True), MOST_UNHANDLED)
        ended = self.queries.find(
            replace(base, ended_between=(since, due), is_over=True, states=(State.EXPIRED,)),
            MOST_UNHANDLED,
        )
        return [*open_ones, *ended][:MOST_UNHANDLED]

    def _review(self, base: CaseFilter, due: datetime, board: LiveList | None) -> Review | None:
        ended = self.queries.find(
            replace(base, ended_between=(due - WEEK, due), is_over=True), MOST_ENDED
        )
        slow = sorted((case for case in ended if case.escalated), key=_waited, reverse=True)[
            :MOST_SLOW
        ]
        blind = self._rows(board, "blind", lambda: self._blind(base, ended))
        review = Review(
            blind=blind,
            agreements=agreements(ended, dict(self.library.titles())),
            slow=with_cards(self.card_store, slow),
            reopened=sum(bool(case.reopened) for case in ended),
            taken_back=sum(_was_taken_back(case) for case in ended),
        )
        return review if review != NOTHING_TO_REVIEW else None

    def _blind(self, base: CaseFilter, ended: Sequence[Case]) -> list[Case]:
        """What abstained, was named otherwise by people, was dismissed or expired: what there is to learn from."""
        unknown = self.queries.find(replace(base, is_unrecognised=True), MOST_BLIND)
        missed = [case for case in ended if case.named_by or case.state is State.EXPIRED]
        return [*unknown, *missed][:MOST_BLIND]

    def _rows(
        self, board: LiveList | None, section: str, find: Callable[[], Sequence[Case]]
    ) -> tuple[CaseRow, ...]:
        if board is None:
            return with_cards(self.card_store, find())
        ids = list(board.sections.get(section, ()))
        known = self.queries.by_id(ids)
        return with_cards(self.card_store, [known[case_id] for case_id in ids if case_id in known])


def _is_late(case: Case, at: datetime) -> bool:
    return case.sla.decide_by < at


def _waited(case: Case) -> timedelta:
    return (case.decided_at or case.changed_at) - case.opened_at


def _was_taken_back(case: Case) -> bool:
    return any(step.state is StepState.UNDONE for step in case.steps)


def asked_for(place: str, due: datetime, now: datetime) -> OutboxMessage:
    """The effect of posting the digest that is due there then. Its key says both."""
    return _asked(f"{PREFIX}{place}:{int(due.timestamp())}", place, due.timestamp(), now)


def _again(key: str, now: datetime) -> OutboxMessage:
    """The effect of drawing the one under this key again."""
    _, place, due = key.split(":")
    return _asked(key, place, float(due), now)


def _asked(key: str, place: str, due: float, now: datetime) -> OutboxMessage:
    return OutboxMessage(
        topic=Topic.DIGEST, key=key, case_id="", run_at=now, payload={"place": place, "due": due}
    )
