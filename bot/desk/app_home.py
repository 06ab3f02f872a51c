"""Each person's App Home: what waits on them, what is theirs, what was handled without them; published again when it changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases.actor import is_person
from bot.cases.case import Case
from bot.cases.controls import DeskControls
from bot.cases.errors import NotEligible
from bot.cases.hours import Hours
from bot.desk.questions import JUST_NOW, Questions
from bot.desk.rows import others, with_cards
from bot.ports import (
    CaseFilter,
    Chat,
    Clock,
    Directory,
    LeasedMessage,
    Library,
    Lists,
    LiveList,
    OutboxMessage,
    Store,
    Topic,
)
from bot.views.app_home import HomeFilter, HomePeriod, HomeView
from bot.views.trend import TREND_DAYS, trend

MOST_WAITING, MOST_MINE, MOST_TEAM, MOST_ALONE = 12, 6, 8, 6
# A home is published again for so long after it was last looked at; opening it publishes it anyway.
KEPT_FRESH_FOR = timedelta(hours=8)
NOT_MORE_OFTEN_THAN = timedelta(seconds=2)
ALONE_FOR = timedelta(days=2)


@dataclass(frozen=True)
class AppHome:
    store: Store
    lists: Lists
    library: Library
    directory: Directory
    questions: Questions
    chat: Chat
    clock: Clock

    def opened(self, person: str, *, kind: str | None = None, when: str | None = None) -> None:
        """Somebody looks at their home, or chooses another filter: it is published now."""
        board, now = self.lists.live_list(_key(person)), self.clock()
        before = self._chosen(board)
        asked = f"{before.when if when is None else when} {before.kind if kind is None else kind}"
        sections = board.sections if board else {}
        self.lists.save_live_list(
            LiveList(_key(person), person, self._filter(asked).key, sections, now)
        )
        self.lists.enqueue([OutboxMessage(Topic.HOME, _key(person), "", now, {"person": person})])

    def run(self, work: LeasedMessage) -> None:
        """Handle one outbox row: publish the home as it is now."""
        person = str(work.payload["person"])
        board = self.lists.live_list(_key(person))
        home = self.gathered(person, self._chosen(board))
        self.chat.publish_home(home)
        if board:
            self.lists.save_live_list(replace(board, sections=_sections(home)))
        self.store.finish(work)

    def follow(self, case: Case, boards: Sequence[str]) -> None:
        """A case has moved: the homes that show it, and those of whom something is wanted, are published again soon."""
        now = self.clock()
        recent = {
            board.key: board.place for board in self.lists.live_lists("home:", now - KEPT_FRESH_FOR)
        }
        if not recent:
            return
        concerned = {key for key in boards if key in recent}
        groups = self.directory.groups([name for name in case.waits_on if not is_person(name)])
        people = {person for members in groups.values() for person in members} | set(case.waits_on)
        concerned |= {key for key, person in recent.items() if person in people}
        soon = now + NOT_MORE_OFTEN_THAN
        self.lists.enqueue(
            [
                OutboxMessage(Topic.HOME, key, "", soon, {"person": recent[key]})
                for key in sorted(concerned)
            ]
        )

    def gathered(self, person: str, chosen: HomeFilter) -> HomeView:
        """Everything on one person's home, through their eyes."""
        now, sight, hours = self.clock(), self.questions.sight(person), self.library.hours("")
        narrowed = _narrowed(chosen, now, hours)
        found, waits = self.questions.waiting_on(sight, narrowed)
        waiting = found[:MOST_WAITING]
        shown = {case.id for case in waiting}
        mine = others(self.lists, replace(narrowed, owner=person), shown, MOST_MINE)
        shown |= {case.id for case in mine}
        wanted = replace(narrowed, viewer=sight)
        team = others(self.lists, wanted, shown, MOST_TEAM)
        many = self.lists.count(wanted)
        ended = (now - ALONE_FOR, now + JUST_NOW)
        alone = self.questions.handled_alone(sight, ended, kind=chosen.kind)[:MOST_ALONE]
        tallies = self.lists.case_times(
            CaseFilter(viewer=sight), now - timedelta(days=TREND_DAYS), now
        )
        standing = self.store.controls()
        return HomeView(
            user=person.rpartition("/")[2],
            waiting=with_cards(self.lists, waiting),
            waiting_more=max(0, waits - len(waiting)),
            mine=with_cards(self.lists, mine),
            team=with_cards(self.lists, team),
            team_more=max(0, many - len(shown) - len(team)),
            alone=with_cards(self.lists, alone),
            days=trend(tallies, now, hours),
            paused=tuple(pause.description for pause in standing.holds),
            standing_in=tuple(
                f"{one.taker_name} stands in for {one.giver_name} until {one.ends_at:%d %b %H:%M} UTC"
                for one in standing.delegations
                if person in {one.giver, one.taker} and now < one.ends_at
            ),
            kinds=tuple(self.library.titles()),
            chosen=chosen,
            suggestion=self._suggestion(person, standing, now),
            has_digest=self.lists.live_list(f"digest-for:{person}") is not None,
            at=now,
        )

    def wants_digest(self, person: str, *, wanted: bool) -> None:
        """Whether this person wants a digest of their own every working day."""
        key = f"digest-for:{person}"
        if wanted:
            self.lists.save_live_list(LiveList(key, person, "", {}, self.clock()))
        else:
            self.lists.delete_live_list(key)
        self.opened(person)

    def _chosen(self, board: LiveList | None) -> HomeFilter:
        return self._filter(board.ts if board else "")

    def _filter(self, key: str) -> HomeFilter:
        return HomeFilter.of(key, [kind for kind, _ in self.library.titles()])

    def _suggestion(self, person: str, standing: DeskControls, now: datetime) -> str:
        """Their status says that they are away, and nobody stands in for them."""
        try:
            away = self.directory.person(person).away
        except NotEligible:
            return ""
        covered = any(one.giver == person and one.holds("", now) for one in standing.delegations)
        return away if away and not covered else ""


def _narrowed(chosen: HomeFilter, now: datetime, hours: Hours) -> CaseFilter:
    """The open cases that this filter lets through."""
    today = hours.midnight(hours.local(now).date())
    return CaseFilter(
        kind=chosen.kind,
        late_at=now if chosen.when is HomePeriod.LATE else None,
        opened=(today, now + JUST_NOW) if chosen.when is HomePeriod.TODAY else None,
    )


def _key(person: str) -> str:
    return f"home:{person}"


def _sections(home: HomeView) -> dict[str, tuple[str, ...]]:
    lists = {"waiting": home.waiting, "mine": home.mine, "team": home.team, "alone": home.alone}
    return {name: tuple(row.case.id for row in rows) for name, rows in lists.items()}
