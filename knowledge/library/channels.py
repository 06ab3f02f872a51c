"""``channels.yml``: the working hours of channels, and who is called in them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
from pydantic import AfterValidator, Field, StringConstraints

from bot.cases.call_rules import CallRules
from bot.cases.constraints import ChannelId, SlackChannelId, Text
from bot.cases.hours import Hours, no_holidays
from knowledge.library.yaml_files import read

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NO_HOLIDAYS = "none"
Value = TypeVar("Value")
_TIME = r"([01]\d|2[0-3]):[0-5]\d"

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
ClockTime = Annotated[str, StringConstraints(pattern=rf"^{_TIME}$")]
OpeningTimes = Annotated[str, StringConstraints(pattern=rf"^{_TIME}-{_TIME}$")]


def _check_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"there is no time zone {zone!r}; name one like Europe/London") from None
    return zone


def _holidays(name: str) -> Callable[[date], bool]:
    """Return the holidays of a country or of a part of one."""
    if name == NO_HOLIDAYS:
        return no_holidays
    country, _, subdivision = name.partition("-")
    try:
        days = holidays.country_holidays(country, subdiv=subdivision or None)
    except NotImplementedError:
        raise ValueError(
            f"no holidays are known for {name!r}; name a country like GB-ENG, or none"
        ) from None
    return days.__contains__


def _check_holidays(name: str) -> str:
    _holidays(name)
    return name


HolidayName = Annotated[
    str,
    StringConstraints(pattern=r"^(none|[A-Z]{2}(-[A-Z0-9]{1,5})?)$"),
    AfterValidator(_check_holidays),
]


# Not read as `Hours` itself: people write names of days, "08:00-18:00" and a country, where the
# rules calculate with numbers, times and a function.
@dataclass(frozen=True, slots=True, kw_only=True)
class HoursEntry:
    """The working hours of one channel, as people write them."""

    #: A time zone like Europe/London.
    zone: Annotated[str, AfterValidator(_check_zone)]
    #: The working days.
    days: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)]
    #: May end on the next day: 17:00-02:00.
    open: OpeningTimes
    #: The public holidays of a country or of a part of one, like GB-ENG, or none.
    holidays: HolidayName = NO_HOLIDAYS
    #: When the daily summary comes.
    digest: ClockTime = "09:00"
    #: The day of the weekly review.
    review: Weekday = "mon"
    #: Who is called about a case, by its risk.
    calls: CallRules | None = None

    def to_hours(self) -> Hours:
        """Convert to the hours that the rules calculate with."""
        opens, _, closes = self.open.partition("-")
        return Hours(
            zone=self.zone,
            opens=time.fromisoformat(opens),
            closes=time.fromisoformat(closes),
            days=frozenset(WEEKDAYS.index(day) for day in self.days),
            is_holiday=_holidays(self.holidays),
            digest_at=time.fromisoformat(self.digest),
            review_on=WEEKDAYS.index(self.review),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelsFile:
    """The channels, as people write them."""

    #: The hours of every channel without its own.
    default: HoursEntry
    #: The hours of single channels.
    channels: Mapping[ChannelId, HoursEntry] = field(default_factory=dict)
    #: What people call each channel.
    titles: Mapping[ChannelId, Text] = field(default_factory=dict)
    #: The channels of leads, which get one digest of every channel's cases.
    whole_desk_digest: tuple[ChannelId, ...] = ()
    #: The ids of channels that files name. Slack is asked once for every other one.
    ids: Mapping[ChannelId, SlackChannelId] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Channels:
    """The working hours, calls and titles of channels.

    Without the file everybody is always at work, and the digest comes at nine, UTC.
    """

    default_hours: Hours = field(default_factory=Hours)
    default_calls: CallRules = field(default_factory=CallRules)
    hours_by_channel: Mapping[str, Hours] = field(default_factory=dict)
    calls_by_channel: Mapping[str, CallRules] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    whole_desk_digests: tuple[str, ...] = ()
    #: The ids that the file says, by name.
    ids: Mapping[str, str] = field(default_factory=dict)

    def hours(self, channel: str) -> Hours:
        """Return the working hours of a channel."""
        return self.hours_by_channel.get(channel, self.default_hours)

    def calls(self, channel: str) -> CallRules:
        """Return who is called about the cases of a channel."""
        return self.calls_by_channel.get(channel, self.default_calls)

    def channels(self) -> set[str]:
        """Return every channel that the file names."""
        return {*self.hours_by_channel, *self.titles, *self.whole_desk_digests}

    def with_ids(self, ids: Mapping[str, str]) -> "Channels":
        """Return them with ids in place of names, which become titles."""
        titles = {ids[name]: name for name in ids}
        return replace(
            self,
            hours_by_channel=_by_id(self.hours_by_channel, ids),
            calls_by_channel=_by_id(self.calls_by_channel, ids),
            titles={**titles, **_by_id(self.titles, ids)},
            whole_desk_digests=tuple(ids.get(name, name) for name in self.whole_desk_digests),
        )


def _by_id(values: Mapping[str, Value], ids: Mapping[str, str]) -> dict[str, Value]:
    return {ids.get(channel, channel): value for channel, value in values.items()}


def read_channels(path: Path) -> Channels:
    """Read the file, if there is one."""
    if not path.exists():
        return Channels()
    document, _ = read(path, ChannelsFile)
    entries = document.channels.items()
    return Channels(
        default_hours=document.default.to_hours(),
        default_calls=document.default.calls or CallRules(),
        hours_by_channel={channel: entry.to_hours() for channel, entry in entries},
        calls_by_channel={channel: entry.calls for channel, entry in entries if entry.calls},
        titles=document.titles,
        whole_desk_digests=document.whole_desk_digest,
        ids=document.ids,
    )
