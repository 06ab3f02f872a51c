"""The daily digests of channels, of people and of the whole desk.

A digest is posted once, and refreshed while the cases that it shows change. Once a week it has a
review.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import partial

from bot.cases.actor import is_person
from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.cases.hours import Hours
from bot.cases.lifecycle import WAITING, State
from bot.cases.plan import Money
from bot.desk.eligibility import Eligibility
from bot.desk.message_cleanup import SETTLE_FOR, finish_list, sweep_list
from bot.desk.missed_calls import MissedCalls
from bot.desk.queues import Queues
from bot.desk.rows import with_cards
from bot.desk.visibility import Visibility
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.ports.question_log import QuestionLog
from bot.views.digest import (
    Counts,
    DigestMoney,
    DigestView,
    OpenCounts,
    Review,
    count_endings,
    sum_money,
    tally_agreements,
)
from bot.views.inquiries import tally_inquiries
from bot.views.rows import CaseRow
from bot.views.trend import TREND_DAYS, TrendDay, trend

# The most urgent open cases; any others are only counted.
MAX_OPEN = 500
MAX_EXPIRED = 5
MAX_BLIND = 2
MAX_SLOW = 5
MAX_REST = 20
MAX_ENDED = 2_000
# A calendar without a working day has no next digest; it is taken for this far away.
MAX_CLOSED_DAYS = 60
NEEDS_PERSON = frozenset({State.REFERRED, State.OUTCOME_UNKNOWN})
#: A digest that could not be posted for so long is left out: the next one says it.
MAX_DELAY = timedelta(hours=12)
WEEK = timedelta(days=7)
PREFIX = "digest:"
#: Before the channel in the place of a digest of all cases.
WHOLE_DESK = "desk/"
NOTHING_TO_REVIEW = Review(
    blind=(),
    agreements=(),
    slow=(),
    reopenings=0,
    taken_back=0,
)


class _Section(StrEnum):
    """The sections of open cases. Each case is in one."""

    NEEDS = "needs"
    PERSONS = "persons"
    OTHERS = "others"
    LATER = "later"


# All sections together fit into one message of Slack, with the weekly review below them.
MAX_ROWS = {
    _Section.NEEDS: 5,
    _Section.PERSONS: 4,
    _Section.OTHERS: 2,
    _Section.LATER: 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Period:
    """The cases and the time that one digest is about."""

    #: A channel, a person, or a channel of leads after ``WHOLE_DESK``.
    place: str
    since: datetime
    due: datetime
    #: When the next digest is due.
    until: datetime
    #: The cases of the channel, or those that the person may see.
    scope: CaseFilter

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenCases:
    """The open cases of a digest, by section."""

    by_section: dict[_Section, list[Case]]
    counts: OpenCounts

    @property
    def all(self) -> list[Case]:
        return [case for cases in self.by_section.values() for case in cases]


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
    directory: Directory
    visibility: Visibility
    eligibility: Eligibility
    queues: Queues
    chat: Chat
    clock: Clock
    missed_calls: MissedCalls
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
        hours = self.library.hours(working_place(place))
        day = hours.local(due).date()
        period = self._period(place, due, hours)
        open_cases = self._open_cases(period)
        ended_cases = self.queries.find(period.endings, MAX_ENDED)
        sections = self._sections(period, live_list, open_cases)
        shown_ids = {row.case.id for rows in sections.values() for row in rows}
        review = None
        if day.weekday() == hours.review_on:
            review = self._review(period, live_list, shown_ids, open_cases=open_cases.all)
        return DigestView(
            key=key,
            place=place,
            on=day,
            pauses=tuple(pause.description for pause in self.desk_controls.load().holds),
            needs=sections[_Section.NEEDS],
            persons=sections[_Section.PERSONS],
            others=sections[_Section.OTHERS],
            later=sections[_Section.LATER],
            expiries=self._rows(live_list, "expiries", partial(_find_expiries, ended_cases)),
            rest=() if live_list else self._rest(period, open_cases, shown_ids),
            open=open_cases.counts,
            money=_add_up(open_cases.all, ended_cases),
            counts=self._count_endings(period, ended_cases),
            days=self._trend(period, hours),
            questions=self._count_unanswered(place, period.since),
            review=review,
        )

    def _period(self, place: str, due: datetime, hours: Hours) -> _Period:
        day = hours.local(due).date()
        return _Period(
            place=place,
            since=previous_digest(hours, due),
            due=due,
            until=hours.digest_time(_next_working_day(hours, day)),
            scope=self._scope(place),
        )

    def _sections(
        self, period: _Period, live_list: LiveList | None, open_cases: _OpenCases
    ) -> dict[_Section, tuple[CaseRow, ...]]:
        """List the rows of each section of open cases."""
        sections = {}
        for section, cases in open_cases.by_section.items():
            rows = self._rows(live_list, section, partial(_first, cases, MAX_ROWS[section]))
            if _is_of_person(period.place):
                rows = self.eligibility.mark(rows, period.place)
            sections[section] = rows
        return sections

    def show_now(self, place: str) -> DigestView:
        """Compose the digest of a place as of now."""
        now = self.clock()
        return self.compose(
            key=f"{PREFIX}{place}:{int(now.timestamp())}",
            place=place,
            due=now,
            live_list=None,
        )

    def place_for(self, person: str, channel: str) -> str:
        """Choose the digest for a person who asks in this channel.

        It is that of the channel where it has one, else the person's own.
        """
        if channel in self.library.whole_desk_digests():
            place = f"{WHOLE_DESK}{channel}"
        elif channel in self.library.channels():
            place = channel
        else:
            return person
        return place if person in self.directory.members_of(channel) else person

    def _scope(self, place: str) -> CaseFilter:
        if place.startswith(WHOLE_DESK):
            return CaseFilter()
        if _is_of_person(place):
            return CaseFilter(viewer=self.visibility.viewer(place))
        return CaseFilter(channel=place)

    def _open_cases(self, period: _Period) -> _OpenCases:
        """Sort the open cases into sections, the most urgent first."""
        by_section: dict[_Section, list[Case]] = {section: [] for section in _Section}
        own_ids = self._ids_waiting_on(period.place)
        cases = self.queries.find(period.scope, MAX_OPEN)
        for case in cases:
            by_section[_section(case, own_ids)].append(case)
        total = len(cases)
        if total == MAX_OPEN:
            total = self.queries.count(period.scope)
        to_decide = len(by_section[_Section.NEEDS])
        if own_ids is None:
            # As far as is known, what is beyond the limit waits for a decision.
            to_decide += total - len(cases)
        counts = OpenCounts(
            to_decide=to_decide,
            to_handle=len(by_section[_Section.PERSONS]),
            late=self.queries.count(period.overdue),
            due_soon=sum(_is_due_soon(case, period) for case in cases),
            total=total,
        )
        return _OpenCases(by_section=by_section, counts=counts)

    def _ids_waiting_on(self, place: str) -> frozenset[str] | None:
        """List the cases that wait on a person.

        None for a digest of many readers.
        """
        if not _is_of_person(place):
            return None
        cases, _ = self.queues.waiting_on(self.visibility.viewer(place), limit=MAX_OPEN)
        return frozenset(case.id for case in cases)

    def _rest(
        self, period: _Period, open_cases: _OpenCases, shown_ids: Collection[str]
    ) -> tuple[CaseRow, ...]:
        """List the other open cases, for the thread.

        A person has them in the App Home.
        """
        if _is_of_person(period.place):
            return ()
        cases = [case for case in open_cases.all if case.id not in shown_ids]
        return with_cards(self.card_store, self.directory, cases[:MAX_REST])

    def _count_unanswered(self, place: str, since: datetime) -> int:
        """Count the unanswered questions of this channel, or of this person."""
        # Questions from elsewhere are not for everyone to see, not even as a number.
        questions = self.question_log.questions(since, only_unanswered=True)
        return sum(one.person == place or one.id.startswith(f"{place}:") for one in questions)

    def _count_endings(self, period: _Period, ended_cases: Sequence[Case]) -> Counts:
        openings = replace(
            period.scope,
            opened_between=(period.since, period.due),
            is_any=True,
        )
        return count_endings(ended_cases, self.queries.count(openings))

    def _trend(self, period: _Period, hours: Hours) -> tuple[TrendDay, ...]:
        since = period.due - timedelta(days=TREND_DAYS)
        case_times = self.queries.case_times(period.scope, since, period.due)
        return trend(case_times, period.due, hours)

    def _review(
        self,
        period: _Period,
        live_list: LiveList | None,
        shown_ids: Collection[str],
        *,
        open_cases: Sequence[Case],
    ) -> Review | None:
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
        find_blind = partial(self._find_blind, period.scope, cases, shown_ids)
        titles = dict(self.library.titles())
        review = Review(
            blind=self._rows(live_list, "blind", find_blind),
            agreements=tally_agreements(cases, titles),
            slow=with_cards(self.card_store, self.directory, slow_cases[:MAX_SLOW]),
            reopenings=sum(bool(case.activity.reopening_reason) for case in cases),
            taken_back=sum(_is_undone(case) for case in cases),
            # Among the cases that are read anyway: open, or ended in this week.
            inquiries=tally_inquiries(
                [*cases, *open_cases], titles, (period.due - WEEK, period.due)
            ),
            misses=tuple(self.missed_calls.find(period.scope, period.due - WEEK, period.due)),
        )
        return review if review != NOTHING_TO_REVIEW else None

    def _find_blind(
        self, scope: CaseFilter, ended_cases: Sequence[Case], shown_ids: Collection[str]
    ) -> list[Case]:
        """Find the cases that show what recognition has to learn."""
        cases = self.queries.find(
            self.queues.unrecognised_filter(scope), MAX_BLIND + len(shown_ids)
        )
        cases = [case for case in cases if case.id not in shown_ids]
        cases += [case for case in ended_cases if case.classification.named_by]
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
            return with_cards(self.card_store, self.directory, find())
        ids = list(live_list.sections.get(section, ()))
        cases = self.queries.by_id(ids)
        return with_cards(
            self.card_store, self.directory, [cases[case_id] for case_id in ids if case_id in cases]
        )


def previous_digest(hours: Hours, due: datetime) -> datetime:
    """Return when the last digest was due, on the working day before."""
    day = hours.local(due).date() - timedelta(days=1)
    while not hours.is_working_day(day):
        day -= timedelta(days=1)
    return hours.digest_time(day)


def _next_working_day(hours: Hours, day: date) -> date:
    """Return the first working day after this one."""
    following = day + timedelta(days=1)
    for _ in range(MAX_CLOSED_DAYS):
        if hours.is_working_day(following):
            break
        following += timedelta(days=1)
    return following


def working_place(place: str) -> str:
    """Return the channel or person whose working hours a digest keeps."""
    return place.removeprefix(WHOLE_DESK)


def _is_of_person(place: str) -> bool:
    return is_person(place) and not place.startswith(WHOLE_DESK)


def _section(case: Case, own_ids: Collection[str] | None) -> _Section:
    """Find the section of an open case.

    ``own_ids``: the cases that wait on the reader; None where there are many readers.
    """
    if case.state is State.SNOOZED:
        return _Section.LATER
    if own_ids is not None and case.id not in own_ids:
        return _Section.OTHERS
    if case.state in NEEDS_PERSON:
        return _Section.PERSONS
    if case.state is not State.PROPOSED:
        return _Section.OTHERS
    if own_ids is None and case.proposal.approvals:
        return _Section.OTHERS
    if own_ids is None and is_person(case.owner):
        return _Section.LATER
    return _Section.NEEDS


def _is_due_soon(case: Case, period: _Period) -> bool:
    is_waiting = case.state in WAITING and case.state is not State.SNOOZED
    return is_waiting and period.due <= case.timers.sla.decide_by < period.until


def _first(cases: Sequence[Case], limit: int) -> Sequence[Case]:
    return cases[:limit]


def _find_expiries(ended_cases: Iterable[Case]) -> list[Case]:
    cases = [case for case in ended_cases if case.state is State.EXPIRED]
    return cases[:MAX_EXPIRED]


def _add_up(open_cases: Iterable[Case], ended_cases: Sequence[Case]) -> DigestMoney:
    expired_cases = [case for case in ended_cases if case.state is State.EXPIRED]
    return DigestMoney(
        at_stake=sum_money(case.assessment.stake for case in open_cases),
        turnover=sum_money(_moved_amount(case) for case in ended_cases),
        losses=sum_money(case.assessment.stake for case in expired_cases),
    )


def _moved_amount(case: Case) -> Money | None:
    """Return the money of a plan that was carried out and stands."""
    steps = case.execution.steps
    if case.proposal.plan is None or case.state is not State.RESOLVED:
        return None
    if case.proposal.plan.is_dry_run or not steps:
        return None
    has_landed = all(step.state is StepState.LANDED for step in steps)
    return case.proposal.plan.amount if has_landed else None


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
