"""When a digest is due: each working day at the channel's own hour, once, however many processes look and whatever the clock does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.cases.hours import Hours
from bot.desk.digest import MAX_DELAY, digest_message
from bot.ports.clock import Clock
from bot.ports.library import Library
from bot.ports.live_lists import LiveLists
from bot.ports.outbox import Outbox

DAY = timedelta(days=1)
LONG_AGO = timedelta(days=3650)


@dataclass(frozen=True)
class DigestTimes:
    """Looks which digests have become due, and asks for each of them once."""

    live_lists: LiveLists
    outbox: Outbox
    library: Library
    clock: Clock

    def look(self) -> int:
        """Returns how many were asked for now."""
        now = self.clock()
        places = [
            *self.library.channels(),
            *(board.place for board in self.live_lists.find("digest-for:", now - LONG_AGO)),
        ]
        return sum(
            self._ask(place, due, now)
            for place in places
            for due in due_now(self.library.hours(place), now)
        )

    def _ask(self, place: str, due: datetime, now: datetime) -> bool:
        return self.outbox.enqueue_once(
            f"digest {place}", int(due.timestamp()), digest_message(place, due, now)
        )


def due_now(hours: Hours, now: datetime) -> Sequence[datetime]:
    """The digests whose time has come, and is not so long ago that they are no news any more. Pure."""
    today = hours.local(now).date()
    times = [hours.digest_time(day) for day in (today - DAY, today) if hours.is_working_day(day)]
    return [at for at in times if at <= now < at + MAX_DELAY]
