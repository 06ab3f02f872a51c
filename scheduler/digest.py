"""Enqueues the digest of each channel on its working days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases.hours import Hours
from bot.desk.digest import MAX_DELAY, digest_message
from bot.desk.digest_period import WHOLE_DESK, previous_digest, working_place
from bot.desk.missed_calls import report_message
from bot.ports.clock import Clock
from bot.ports.library import Library
from bot.ports.live_lists import LiveLists
from bot.ports.outbox import Outbox

DAY = timedelta(days=1)
# No subscription is as old: all of them are read.
MAX_SUBSCRIPTION_AGE = timedelta(days=3650)
SUBSCRIPTION_PREFIX = "digest-for:"


@dataclass(frozen=True)
class DigestSchedule:
    """Enqueues each digest once, in however many processes."""

    live_lists: LiveLists
    outbox: Outbox
    library: Library
    clock: Clock

    def enqueue_due(self) -> int:
        """Enqueue the digests that are due; return how many were."""
        now = self.clock()
        count = 0
        for channel in self.library.channels():
            self._enqueue_reports(channel, now)
        for place in self._places(now):
            for due_at in due_times(self.library.hours(working_place(place)), now):
                count += self._enqueue(place, due_at, now)
        return count

    def _places(self, now: datetime) -> list[str]:
        """List the channels with a digest, those of leads, and the subscribers."""
        subscriptions = self.live_lists.find(SUBSCRIPTION_PREFIX, now - MAX_SUBSCRIPTION_AGE)
        whole_desk = [f"{WHOLE_DESK}{channel}" for channel in self.library.whole_desk_digests()]
        subscribers = [live_list.place for live_list in subscriptions]
        return [*self.library.channels(), *whole_desk, *subscribers]

    def _enqueue_reports(self, channel: str, now: datetime) -> None:
        """Enqueue the missed-call reports that go with a channel's digests."""
        hours = self.library.hours(channel)
        for due_at in due_times(hours, now):
            since = previous_digest(hours, due_at)
            message = report_message(
                channel,
                since=since,
                due=due_at,
                now=now,
            )
            self.outbox.enqueue_once(f"missed {channel}", int(due_at.timestamp()), message)

    def _enqueue(
        self,
        place: str,
        due_at: datetime,
        now: datetime,
    ) -> bool:
        slot = int(due_at.timestamp())
        return self.outbox.enqueue_once(
            f"digest {place}",
            slot,
            digest_message(
                place,
                due_at,
                now,
            ),
        )


def due_times(hours: Hours, now: datetime) -> Sequence[datetime]:
    """Return the times of the digests that are due and still news."""
    today = hours.local(now).date()
    times = []
    # After midnight, that of yesterday may still be news.
    for day in (today - DAY, today):
        if not hours.is_working_day(day):
            continue
        due_at = hours.digest_time(day)
        if due_at <= now < due_at + MAX_DELAY:
            times.append(due_at)
    return times
