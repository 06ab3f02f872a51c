"""The daily digest of each channel and person, with a weekly review.

A digest is posted once, and refreshed while the cases that it shows change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from bot.cases.actor import is_person
from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.cases.hours import Hours
from bot.cases.lifecycle import State
from bot.desk.message_cleanup import SETTLE_FOR, finish_list, sweep_list
from bot.desk.queues import Queues
from bot.desk.rows import find_others, with_cards
from bot.desk.visibility import Visibility
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.library import Library
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.ports.question_log import QuestionLog
from bot.views.digest import Counts, DigestView, Review, count_endings, tally_agreements
from bot.views.rows import CaseRow
from bot.views.trend import TREND_DAYS, TrendDay, trend

MAX_NEEDS = 8
MAX_LATE = 5
MAX_UNHANDLED = 5
MAX_BLIND = 5
MAX_SLOW = 5
MAX_REST = 25
MAX_ENDED = 2_000
#: A digest that could not be posted for so long is left out: the next one says it.
MAX_DELAY = timedelta(hours=12)
WEEK = timedelta(days=7)
PREFIX = "digest:"
NOTHING_TO_REVIEW = Review(
    blind=(),
    agreements=(),
    slow=(),
    reopened=0,
    taken_back=0,
)


@dataclass(
    frozen=True,
    slots=True,
    kw_only=True,
)
class _Period:
    """The cases and the time that one digest is about."""

    #: A channel or a person.
    place: str
    since: datetime
    due: datetime
    #: The cases of the channel, or those that the person may see.
    scope: CaseFilter

    @property
    def waiting(self) -> CaseFilter:
        return replace(self.scope, states=(State.PROPOSED,))

    @property
    def overdue(self) -> CaseFilter:
        return replace(self.scope, late_at=self.due)

    @property
    def endings(self) -> CaseFilter:
        return replace(
            self.scope,
            ended_between=(self.since, self.due),
            is_over=True,
        )


@dataclass(frozen=True, kw_only=True)
class Digest:
    """Compose, post and refresh digests."""

    queries: CaseQueries
    live_lists: LiveLists
    card_store: CardStore
    outbox: Outbox
    question_log: QuestionLog
    desk_controls: DeskControlsStore
    library: Library
    visibility: Visibility
    queues: Queues
    chat: Chat
    clock: Clock
    #: How long Slack may take to show a message.
    settle_for: timedelta = SETTLE_FOR

    def run(self, message: LeasedMessage) -> None:
        """Post the digest of a day, or refresh it."""
        place = str(message.payload["place"])
        due = datetime.fromtimestamp(float(message.payload["due"]), UTC)
        live_list = self.live_lists.get(message.key)
        if live_list is None and self.clock() - due > MAX_DELAY:
            self.outbox.finish(message)
            return
        digest = self.compose(
            key=message.key,
            place=place,
            due=due,
            live_list=live_list,
        )
        if digest.says_something:
            self._post(digest, live_list, message)
        else:
            self.outbox.finish(message)

    def _post(
        self,
        digest: DigestView,
        live_list: LiveList | None,
        message: LeasedMessage,
    ) -> None:
        now = self.clock()
        # The message may have been posted by an attempt that lost its reply, so look first.
        ts = self.chat.post_digest(digest, live_list, look_first=True)
        self.live_lists.save(
            LiveList(
                key=digest.key,
                place=digest.place,
                ts=ts,
                sections=digest.sections,
                shown_at=live_list.shown_at if live_list else now,
            )
        )
        channel = digest.place.rpartition("/")[2]
        sweep = sweep_list(digest.key, channel, now + self.settle_for)
        finish_list(self.outbox, message, sweep, is_new=live_list is None)

    def follow(self, case: Case, live_list_keys: Sequence[str]) -> None:
        """Refresh the digests that show a case which has changed."""
        now = self.clock()
        messages = [_refresh_message(key, now) for key in live_list_keys if key.startswith(PREFIX)]
        self.outbox.enqueue(messages)

    def compose(
        self,
        *,
        key: str,
        place: str,
        due: datetime,
        live_list: LiveList | None,
    ) -> DigestView:
        """Gather the digest of ``due``.

        One that was posted keeps its rows, with the cases as they are now.
        """
        hours = self.library.hours(place)
        period = _Period(
            place=place,
            since=_previous_digest(hours, due),
            due=due,
            scope=self._scope(place),
        )
        needs = self._rows(live_list, "needs", partial(self._find_needs, period))
        ids = {str(row.case.id) for row in needs}
        late = self._rows(live_list, "late", partial(self._find_late, period, ids))
        find_unhandled = partial(self._find_unhandled, period)
        day = hours.local(due).date()
        is_review_day = day.weekday() == hours.review_on
        rest = self._rest(period, ids) if live_list is None else ()
        review = self._review(period, live_list) if is_review_day else None
        return DigestView(
            key=key,
            place=place,
            on=day,
            paused=tuple(pause.description for pause in self.desk_controls.load().holds),
            needs=needs,
            needs_more=self._count_more_needs(period, needs),
            rest=rest,
            late=late,
            late_more=self._count_more_late(period, late, needs),
            unhandled=self._rows(live_list, "unhandled", find_unhandled),
            counts=self._count_endings(period),
            days=self._trend(period, hours),
            questions=self._count_unanswered(place, period.since),
            review=review,
        )

    def _scope(self, place: str) -> CaseFilter:
        if is_person(place):
            return CaseFilter(viewer=self.visibility.viewer(place))
        return CaseFilter(channel=place)

    def _find_needs(self, period: _Period) -> list[Case]:
        """Find the cases that wait on the person, or in the channel."""
        if is_person(period.place):
            viewer = self.visibility.viewer(period.place)
            return self.queues.waiting_on(viewer)[0][:MAX_NEEDS]
        return self.queries.find(period.waiting, MAX_NEEDS)

    def _count_more_needs(self, period: _Period, needs: Sequence[CaseRow]) -> int:
        if is_person(period.place):
            return 0
        return max(0, self.queries.count(period.waiting) - len(needs))

    def _find_late(self, period: _Period, except_ids: set[str]) -> list[Case]:
        return find_others(
            self.queries,
            period.overdue,
            except_ids=except_ids,
            limit=MAX_LATE,
        )

    def _count_more_late(
        self,
        period: _Period,
        late: Sequence[CaseRow],
        needs: Sequence[CaseRow],
    ) -> int:
        late_needs = sum(row.case.timers.sla.decide_by < period.due for row in needs)
        return max(0, self.queries.count(period.overdue) - len(late) - late_needs)

    def _rest(self, period: _Period, except_ids: set[str]) -> tuple[CaseRow, ...]:
        """List the other waiting cases, for the thread.

        A person has them in the App Home.
        """
        if is_person(period.place):
            return ()
        cases = find_others(
            self.queries,
            period.waiting,
            except_ids=except_ids,
            limit=MAX_REST,
        )
        return with_cards(self.card_store, cases)

    def _count_unanswered(self, place: str, since: datetime) -> int:
        """Count the unanswered questions of this channel, or of this person."""
        # Questions from elsewhere are not for everyone to see, not even as a number.
        questions = self.question_log.questions(since, only_unanswered=True)
        return sum(one.person == place or one.id.startswith(f"{place}:") for one in questions)

    def _find_unhandled(self, period: _Period) -> list[Case]:
        """Find the cases that are not recognised, and those that expired."""
        new_kinds = replace(period.scope, is_unrecognised=True)
        expiries = replace(period.endings, states=(State.EXPIRED,))
        cases = self.queries.find(new_kinds, MAX_UNHANDLED)
        cases += self.queries.find(expiries, MAX_UNHANDLED)
        return cases[:MAX_UNHANDLED]

    def _count_endings(self, period: _Period) -> Counts:
        openings = replace(
            period.scope,
            opened_between=(period.since, period.due),
            is_any=True,
        )
        ended_cases = self.queries.find(period.endings, MAX_ENDED)
        return count_endings(ended_cases, self.queries.count(openings))

    def _trend(self, period: _Period, hours: Hours) -> tuple[TrendDay, ...]:
        since = period.due - timedelta(days=TREND_DAYS)
        case_times = self.queries.case_times(period.scope, since, period.due)
        return trend(case_times, period.due, hours)

    def _review(self, period: _Period, live_list: LiveList | None) -> Review | None:
        """Review the week until ``due``; None when there is nothing to say."""
        week = replace(
            period.scope,
            ended_between=(period.due - WEEK, period.due),
            is_over=True,
        )
        cases = self.queries.find(week, MAX_ENDED)
        slow_cases = sorted(
            (case for case in cases if case.timers.is_escalated), key=_wait, reverse=True
        )
        find_blind = partial(self._find_blind, period.scope, cases)
        review = Review(
            blind=self._rows(live_list, "blind", find_blind),
            agreements=tally_agreements(cases, dict(self.library.titles())),
            slow=with_cards(self.card_store, slow_cases[:MAX_SLOW]),
            reopened=sum(bool(case.activity.reopening_reason) for case in cases),
            taken_back=sum(_is_undone(case) for case in cases),
        )
        return review if review != NOTHING_TO_REVIEW else None

    def _find_blind(self, scope: CaseFilter, ended_cases: Sequence[Case]) -> list[Case]:
        """Find the cases that show what recognition has to learn."""
        cases = self.queries.find(replace(scope, is_unrecognised=True), MAX_BLIND)
        for case in ended_cases:
            if case.classification.named_by or case.state is State.EXPIRED:
                cases.append(case)
        return cases[:MAX_BLIND]

    def _rows(
        self,
        live_list: LiveList | None,
        section: str,
        find: Callable[[], Sequence[Case]],
    ) -> tuple[CaseRow, ...]:
        """List the cases of a section.

        Those that it was posted with, else those of ``find``.
        """
        if live_list is None:
            return with_cards(self.card_store, find())
        ids = list(live_list.sections.get(section, ()))
        cases = self.queries.by_id(ids)
        return with_cards(self.card_store, [cases[case_id] for case_id in ids if case_id in cases])


def _previous_digest(hours: Hours, due: datetime) -> datetime:
    """Return when the last digest was due, on the working day before."""
    day = hours.local(due).date() - timedelta(days=1)
    while not hours.is_working_day(day):
        day -= timedelta(days=1)
    return hours.digest_time(day)


def _wait(case: Case) -> timedelta:
    return (case.timers.decided_at or case.timers.changed_at) - case.timers.opened_at


def _is_undone(case: Case) -> bool:
    return any(step.state is StepState.UNDONE for step in case.execution.steps)


def digest_message(place: str, due: datetime, now: datetime) -> OutboxMessage:
    """Request the digest of this place that is due then."""
    key = f"{PREFIX}{place}:{int(due.timestamp())}"
    return _message(
        key,
        place=place,
        due=due.timestamp(),
        now=now,
    )


def _refresh_message(key: str, now: datetime) -> OutboxMessage:
    """Request a refresh of the digest that was posted under this key."""
    _, place, due = key.split(":")
    return _message(
        key,
        place=place,
        due=float(due),
        now=now,
    )


def _message(
    key: str,
    *,
    place: str,
    due: float,
    now: datetime,
) -> OutboxMessage:
    payload = {"place": place, "due": due}
    return OutboxMessage(
        topic=Topic.DIGEST,
        key=key,
        case_id="",
        run_at=now,
        payload=payload,
    )
