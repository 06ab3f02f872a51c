"""Names that an asker may know, for reading questions."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from bot.cases.errors import ChatFailed, NotEligible
from bot.ports.case_queries import CaseNames, CaseQueries, Viewer
from bot.ports.clock import Clock
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.views.labels import as_words
from bot.views.query import KnownName, NameType

#: Names of the newest so many cases are known.
MAX_CASES = 20_000
PAGE = 1_000
#: A case gets its evidence after it is opened: the newest are read again.
RECENT_CASES = 100
#: Older cases are read again bit by bit, so many at a time.
REVIEWED_CASES = 100
CATCH_UP_INTERVAL = timedelta(seconds=5)
MAX_PARTY_CASES = 200
MAX_PEOPLE = 500
MAX_LISTS = 64
PERSON_NAME_LIFETIME = timedelta(hours=1)
MIN_NAME_LENGTH = 2
MAX_NAME_LENGTH = 120

#: The names of the desk, of the viewer's own cases, and of each channel.
Parts = tuple[tuple[KnownName, ...], ...]


@dataclass(kw_only=True)
class _CaseNameIndex:
    """Names in cases by channel, cached from the store."""

    queries: CaseQueries
    _cases: dict[int, CaseNames] = field(default_factory=dict)
    _counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _by_channel: dict[str, tuple[KnownName, ...]] = field(default_factory=dict)
    _last_number: int = 0
    _review_number: int = 0

    def of_channel(self, channel: str) -> tuple[KnownName, ...]:
        """Return the names in the cases of a channel."""
        if channel not in self._by_channel:
            self._by_channel[channel] = tuple(_text_names(self._counts.get(channel, ())))
        return self._by_channel[channel]

    def catch_up(self) -> None:
        """Read the names of new and of changed cases."""
        self._read_from(max(0, self._last_number - RECENT_CASES))
        self._review()

    def _read_from(self, number: int) -> None:
        while True:
            page = self.queries.names_since(number, PAGE)
            for names in page:
                self._put(names)
            # After each page: a long history is never held as a whole.
            while len(self._cases) > MAX_CASES:
                self._remove(next(iter(self._cases)))
            if not page:
                return
            number = page[-1].number
            self._last_number = max(self._last_number, number)
            if len(page) < PAGE:
                return

    def _review(self) -> None:
        page = self.queries.names_since(self._review_number, REVIEWED_CASES)
        for names in page:
            if names.number in self._cases:
                self._put(names)
        self._review_number = page[-1].number if len(page) == REVIEWED_CASES else 0

    def _put(self, names: CaseNames) -> None:
        if self._cases.get(names.number) == names:
            return
        self._remove(names.number)
        self._cases[names.number] = names
        self._counts[names.channel].update(names.names)
        self._by_channel.pop(names.channel, None)

    def _remove(self, number: int) -> None:
        names = self._cases.pop(number, None)
        if names is None:
            return
        counts = self._counts[names.channel]
        counts.subtract(names.names)
        for name in names.names:
            if counts[name] <= 0:
                del counts[name]
        self._by_channel.pop(names.channel, None)


@dataclass(kw_only=True)
class Vocabulary:
    """List the names that a person may know, by what they see."""

    queries: CaseQueries
    library: Library
    directory: Directory
    clock: Clock
    _index: _CaseNameIndex = field(init=False)
    #: The last names of each viewer, and the parts that they were made of.
    _lists: dict[tuple[str, frozenset[str]], tuple[Parts, tuple[KnownName, ...]]] = field(
        default_factory=dict, init=False
    )
    #: The name of each account, and when it was read.
    _person_names: dict[str, tuple[datetime, str]] = field(default_factory=dict, init=False)
    _caught_up_at: datetime | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        """Make an empty index; it fills at the first question."""
        self._index = _CaseNameIndex(queries=self.queries)

    def warm_up(self) -> tuple[KnownName, ...]:
        """Read the names in the cases of every channel in advance.

        Slack is not asked for anybody.
        """
        everything = Viewer("", frozenset(self.library.channels()))
        parts = self._channel_names(everything)
        return tuple(dict.fromkeys(name for part in parts for name in part))

    def names(self, viewer: Viewer) -> tuple[KnownName, ...]:
        """Return every name that this viewer may know.

        The same tuple is returned until something changes, for readers that index it.
        """
        desk_names = (
            *self._people(viewer),
            *self._groups(),
            *self._channels(viewer),
            *self._titles(),
        )
        channel_names = self._channel_names(viewer)
        parts = (desk_names, self._party_names(viewer), *channel_names)
        key = (viewer.person, viewer.channels)
        previous_parts, previous_names = self._lists.get(key, ((), ()))
        if _is_same(parts, previous_parts):
            return previous_names
        names = tuple(dict.fromkeys(name for part in parts for name in part))
        if len(self._lists) >= MAX_LISTS:
            self._lists.clear()
        self._lists[key] = (parts, names)
        return names

    def _channel_names(self, viewer: Viewer) -> list[tuple[KnownName, ...]]:
        """Return the names in the cases of each channel of the viewer."""
        with self._lock:
            now = self.clock()
            if self._caught_up_at is None or now - self._caught_up_at >= CATCH_UP_INTERVAL:
                self._index.catch_up()
                self._caught_up_at = now
            return [self._index.of_channel(channel) for channel in sorted(viewer.channels)]

    def _party_names(self, viewer: Viewer) -> tuple[KnownName, ...]:
        """Return the names in the viewer's own cases of other channels."""
        names: list[KnownName] = []
        if viewer.person:
            for case in self.queries.names_of_party(viewer.person, MAX_PARTY_CASES):
                if case.channel not in viewer.channels:
                    names += _text_names(case.names)
        return tuple(names)

    def _people(self, viewer: Viewer) -> list[KnownName]:
        """List the people of the viewer's channels and of deciding groups."""
        accounts: dict[str, None] = {}
        for members in self.directory.groups(self.library.deciders()).values():
            accounts |= dict.fromkeys(sorted(members or ()))
        for channel in sorted(viewer.channels):
            accounts |= dict.fromkeys(sorted(self.directory.members_of(channel)))
        full_names = {}
        for account in islice(accounts, MAX_PEOPLE):
            name = self._person_name(account)
            if name:
                full_names[account] = name
        return _person_names(full_names)

    def _person_name(self, account: str) -> str:
        """Return the name of a person, cached for an hour.

        Empty for an app or nobody.
        """
        now = self.clock()
        read_at, name = self._person_names.get(account, (None, ""))
        if read_at is not None and now - read_at < PERSON_NAME_LIFETIME:
            return name
        try:
            person = self.directory.person(account)
        except (NotEligible, ChatFailed):
            return ""
        name = "" if person.bot else person.name.strip()
        self._person_names[account] = (now, name)
        return name

    def _groups(self) -> list[KnownName]:
        handles = sorted({*self.library.deciders(), *self.library.governors()})
        names = []
        for handle in handles:
            if ":" in handle:
                continue
            names.append(KnownName(NameType.GROUP, handle, handle))
        return names

    def _channels(self, viewer: Viewer) -> list[KnownName]:
        titles = self.library.labels().channels
        return [
            KnownName(NameType.CHANNEL, titles.get(channel, channel), channel)
            for channel in sorted(viewer.channels)
        ]

    def _titles(self) -> list[KnownName]:
        labels = self.library.labels()
        kinds = [KnownName(NameType.KIND, title, kind) for kind, title in self.library.titles()]
        sources = [
            KnownName(NameType.SOURCE, title or as_words(name), name)
            for name, title in labels.systems.items()
        ]
        actions = [
            KnownName(NameType.ACTION, title or labels.action(name), name)
            for name, title in labels.actions.items()
        ]
        return [*kinds, *sources, *actions]


def _person_names(full_names: dict[str, str]) -> list[KnownName]:
    """Name people in full, and by unique first names."""
    first_names = Counter(name.split()[0].casefold() for name in full_names.values())
    names = []
    for account, full_name in full_names.items():
        names.append(KnownName(NameType.PERSON, full_name, account))
        first_name = full_name.split()[0]
        is_unique = first_names[first_name.casefold()] == 1
        if is_unique and first_name != full_name:
            names.append(KnownName(NameType.PERSON, first_name, account))
    return names


def _text_names(names: Iterable[str]) -> list[KnownName]:
    """Make known names, without those too short or too long."""
    return [
        KnownName(NameType.TEXT, name, name)
        for name in names
        if MIN_NAME_LENGTH <= len(name) <= MAX_NAME_LENGTH
    ]


def _is_same(parts: Parts, others: Parts) -> bool:
    """Compare parts, by identity first because they are large."""
    if len(parts) != len(others):
        return False
    return all(part is other or part == other for part, other in zip(parts, others, strict=True))
