"""Each person's App Home: what waits on them, what is theirs, what was handled without them; published again when it changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases.case import Case, is_principal
from bot.cases.controls import DeskControls
from bot.cases.digest import TREND_DAYS, HomeFilter, HomePeriod, HomeView, trend
from bot.cases.errors import NotEligible
from bot.cases.hours import Hours
from bot.desk.questions import JUST_NOW, Questions
from bot.desk.rows import others, with_cards
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic

MOST_WAITING, MOST_MINE, MOST_TEAM, MOST_ALONE = 12, 6, 8, 6
# A home is published again for so long after it was last looked at; opening it publishes it anyway.
KEPT_FRESH_FOR = timedelta(hours=8)
NOT_MORE_OFTEN_THAN = timedelta(seconds=2)
ALONE_FOR = timedelta(days=2)


@dataclass(frozen=True)
class AppHome:
    queries: CaseQueries
    live_lists: LiveLists
    card_store: CardStore
    outbox: Outbox
    desk_controls: DeskControlsStore
    library: Library
    directory: Directory
    questions: Questions
    chat: Chat
    clock: Clock

    def opened(self, person: str, *, kind: str | None = None, when: str | None = None) -> None:
        """Somebody looks at their home, or chooses another filter: it is published now."""
        board, now = self.live_lists.get(_key(person)), self.clock()
        before = self._chosen(board)
        asked = f"{before.when if when is None else when} {before.kind if kind is None else kind}"
        sections = board.sections if board else {}
        self.live_lists.save(
            LiveList(
                key=_key(person),
                place=person,
                ts=self._filter(asked).key,
                sections=sections,
                shown_at=now,
            )
        )
        self.outbox.enqueue(
            [
                OutboxMessage(
                    topic=Topic.HOME,
                    key=_key(person),
                    case_id="",
                    run_at=now,
                    payload={"person": person},
                )
            ]
        )

    def run(self, work: LeasedMessage) -> None:
        """Handle one outbox row: publish the home as it is now."""
        person = str(work.payload["person"])
        board = self.live_lists.get(_key(person))
        home = self.gathered(person, self._chosen(board))
        self.chat.publish_home(home)
        if board:
            self.live_lists.save(replace(board, sections=_sections(home)))
        self.outbox.finish(work)

    def follow(self, case: Case, boards: Sequence[str]) -> None:
        """A case has moved: the homes that show it, and those of whom something is wanted, are published again soon."""
        now = self.clock()
        recent = {
            board.key: board.place for board in self.live_lists.find("home:", now - KEPT_FRESH_FOR)
        }
        if not recent:
            return
        concerned = {key for key in boards if key in recent}
        groups = self.directory.groups([name for name in case.waits_on if not is_principal(name)])
        people = {person for members in groups.values() for person in members} | set(case.waits_on)
        concerned |= {key for key, person in recent.items() if person in people}
        soon = now + NOT_MORE_OFTEN_THAN
        self.outbox.enqueue(
            [
                OutboxMessage(
                    topic=Topic.HOME,
                    key=key,
                    case_id="",
                    run_at=soon,
                    payload={"person": recent[key]},
                )
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
        mine = others(self.queries, replace(narrowed, owner=person), shown, MOST_MINE)
        shown |= {case.id for case in mine}
        wanted = replace(narrowed, viewer=sight)
        team = others(self.queries, wanted, shown, MOST_TEAM)
        many = self.queries.count(wanted)
        ended = (now - ALONE_FOR, now + JUST_NOW)
        alone = self.questions.handled_alone(sight, ended, kind=chosen.kind)[:MOST_ALONE]
        tallies = self.queries.case_times(
            CaseFilter(viewer=sight), now - timedelta(days=TREND_DAYS), now
        )
        standing = self.desk_controls.load()
        return HomeView(
            user=person.rpartition("/")[2],
            waiting=with_cards(self.card_store, waiting),
            waiting_more=max(0, waits - len(waiting)),
            mine=with_cards(self.card_store, mine),
            team=with_cards(self.card_store, team),
            team_more=max(0, many - len(shown) - len(team)),
            alone=with_cards(self.card_store, alone),
            days=trend(tallies, now, hours),
            paused=tuple(pause.said for pause in standing.holds),
            standing_in=tuple(
                f"{one.taker_name} stands in for {one.giver_name} until {one.ends_at:%d %b %H:%M} UTC"
                for one in standing.delegations
                if person in {one.giver, one.taker} and now < one.ends_at
            ),
            kinds=tuple(self.library.titles()),
            chosen=chosen,
            suggestion=self._suggestion(person, standing, now),
            has_digest=self.live_lists.get(f"digest-for:{person}") is not None,
            at=now,
        )

    def wants_digest(self, person: str, *, wanted: bool) -> None:
        """Whether this person wants a digest of their own every working day."""
        key = f"digest-for:{person}"
        if wanted:
            self.live_lists.save(
                LiveList(key=key, place=person, ts="", sections={}, shown_at=self.clock())
            )
        else:
            self.live_lists.delete(key)
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
        opened_between=(today, now + JUST_NOW) if chosen.when is HomePeriod.TODAY else None,
    )


def _key(person: str) -> str:
    return f"home:{person}"


def _sections(home: HomeView) -> dict[str, tuple[str, ...]]:
    lists = {"waiting": home.waiting, "mine": home.mine, "team": home.team, "alone": home.alone}
    return {name: tuple(row.case.id for row in rows) for name, rows in lists.items()}
