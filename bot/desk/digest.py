"""The daily digests of channels, of people and of the whole desk.

A digest is posted once, and refreshed while the cases that it shows change. Once a week it has a
review.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.cases.case import Case
from bot.desk.digest_figures import DigestNumbers
from bot.desk.digest_period import (
    WHOLE_DESK,
    digest_period,
    is_of_person,
    working_place,
)
from bot.desk.digest_rows import DigestRows, Section
from bot.desk.message_cleanup import SETTLE_FOR, finish_list, sweep_list
from bot.desk.visibility import Visibility
from bot.desk.weekly_review import WeeklyReview
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.views.digest import DigestView
from bot.views.rows import CaseRow

#: A digest that could not be posted for so long is left out: the next one says it.
MAX_DELAY = timedelta(hours=12)
PREFIX = "digest:"


@dataclass(frozen=True, kw_only=True)
class Digest:
    """Compose, post and refresh digests."""

    queries: CaseQueries
    live_lists: LiveLists
    outbox: Outbox
    desk_controls: DeskControlsStore
    library: Library
    directory: Directory
    visibility: Visibility
    rows: DigestRows
    numbers: DigestNumbers
    weekly_review: WeeklyReview
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
        ts = self.chat.post_digest(
            digest,
            live_list,
            look_first=True,
        )
        record = LiveList(
            key=digest.key,
            place=digest.place,
            ts=ts,
            sections=digest.sections,
            shown_at=live_list.shown_at if live_list else now,
        )
        if self.live_lists.save(record, cases=digest.cases):
            self.outbox.enqueue([_refresh_message(digest.key, now)])
        channel = digest.place.rpartition("/")[2]
        sweep = sweep_list(digest.key, channel, now + self.settle_for)
        finish_list(
            self.outbox,
            message,
            sweep,
            is_new=live_list is None,
        )

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
        period = digest_period(
            place,
            due=due,
            hours=hours,
            scope=self._scope(place),
        )
        open_cases = self.rows.open_cases(period)
        figures = self.numbers.figures(
            period,
            open_cases=open_cases,
            hours=hours,
        )
        sections = self.rows.sections(
            period,
            open_cases,
            live_list=live_list,
        )
        shown_ids = {row.case.id for rows in sections.values() for row in rows}
        rest: tuple[CaseRow, ...] = ()
        if live_list is None:
            rest = self.rows.rest(
                period,
                open_cases,
                shown_ids=shown_ids,
            )
        review = None
        if day.weekday() == hours.review_on:
            review = self.weekly_review.review(
                period,
                open_cases=open_cases.all,
                live_list=live_list,
                shown_ids=shown_ids,
            )
        return DigestView(
            key=key,
            place=place,
            on=day,
            pauses=tuple(pause.description for pause in self.desk_controls.load().holds),
            needs=sections[Section.NEEDS],
            persons=sections[Section.PERSONS],
            others=sections[Section.OTHERS],
            later=sections[Section.LATER],
            expiries=self.rows.expiries(period, live_list=live_list),
            open_reviews=self.rows.open_reviews(period, live_list=live_list),
            rest=rest,
            figures=figures,
            review=review,
        )

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
        if is_of_person(place):
            return CaseFilter(viewer=self.visibility.viewer(place))
        return CaseFilter(channel=place)


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
