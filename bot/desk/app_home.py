"""Each person's App Home, with the cases that concern them.

It is published again when a case that it shows changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.cases.actor import is_person
from bot.cases.case import Case
from bot.cases.controls import DeskControls
from bot.cases.desk_kinds import DESK_SOURCE
from bot.cases.errors import NotEligible
from bot.cases.grant import GrantMeter
from bot.cases.hours import Hours
from bot.desk.eligibility import Eligibility
from bot.desk.queues import JUST_NOW, Queues
from bot.desk.results import MONTH, find_tallied_results, headline, span_before
from bot.desk.rows import find_others, with_cards
from bot.desk.version_review import VersionReports
from bot.desk.visibility import Visibility
from bot.ports.card_store import CardStore
from bot.ports.case_queries import CaseFilter, CaseQueries, Viewer
from bot.ports.case_store import CaseStore
from bot.ports.chat import Chat
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.ports.live_lists import LiveList, LiveLists
from bot.ports.outbox import LeasedMessage, Outbox, OutboxMessage, Topic
from bot.views.app_home import (
    HomeDelegation,
    HomeFilter,
    HomePause,
    HomePeriod,
    HomePreferences,
    HomeRights,
    HomeView,
)
from bot.views.prompts import PromptFacts, suggest_prompts
from bot.views.rows import CaseRow
from bot.views.trend import TREND_DAYS, trend

MAX_WAITING = 12
MAX_MINE = 6
MAX_TEAM = 8
MAX_AUTOMATIC = 6
# A home is kept up to date for so long after it was opened; opening it again publishes it anyway.
FRESH_FOR = timedelta(hours=8)
MIN_PUBLISH_INTERVAL = timedelta(seconds=2)
AUTOMATIC_FOR = timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class AppHome:
    """Compose and publish App Homes."""

    cases: CaseStore
    queries: CaseQueries
    live_lists: LiveLists
    card_store: CardStore
    outbox: Outbox
    desk_controls: DeskControlsStore
    library: Library
    directory: Directory
    visibility: Visibility
    eligibility: Eligibility
    queues: Queues
    chat: Chat
    clock: Clock
    versions: VersionReports
    #: What deciders are told of practice cases; empty where there are none.
    practice_notice: str = ""

    def show(
        self,
        person: str,
        *,
        kind: str | None = None,
        when: str | None = None,
    ) -> None:
        """Publish the home that somebody opens, or filters in another way."""
        live_list = self.live_lists.get(_key(person))
        filter = self._current_filter(live_list)
        if kind is None:
            kind = filter.kind
        if when is None:
            when = filter.when
        now = self.clock()
        self.live_lists.save(
            LiveList(
                key=_key(person),
                place=person,
                ts=self._parse_filter(f"{when} {kind}").key,
                sections=live_list.sections if live_list else {},
                shown_at=now,
            )
        )
        self.outbox.enqueue([_publish_message(person, now)])

    def run(self, message: LeasedMessage) -> None:
        """Publish a home as it is now."""
        person = str(message.payload["person"])
        live_list = self.live_lists.get(_key(person))
        home = self.compose(person, self._current_filter(live_list))
        self.chat.publish_home(home)
        if live_list:
            live_list = replace(live_list, sections=home.sections)
            if self.live_lists.save(live_list, cases=home.cases):
                self.outbox.enqueue([_publish_message(person, self.clock())])
        self.outbox.finish(message)

    def follow(self, case: Case, live_list_keys: Sequence[str]) -> None:
        """Publish the homes that a changed case is or should be on."""
        now = self.clock()
        homes = self.live_lists.find("home:", now - FRESH_FOR)
        if not homes:
            return
        people = set(case.waits_on)
        handles = [name for name in case.waits_on if not is_person(name)]
        for members in self.directory.groups(handles).values():
            people.update(members)
        persons = {
            home.place: home.key
            for home in homes
            if home.place in people or home.key in live_list_keys
        }
        # A burst of changes publishes each home once.
        soon = now + MIN_PUBLISH_INTERVAL
        self.outbox.enqueue([_publish_message(person, soon) for person in sorted(persons)])

    def compose(self, person: str, home_filter: HomeFilter) -> HomeView:
        """Gather a person's home, as far as the person may see."""
        now = self.clock()
        viewer = self.visibility.viewer(person)
        hours = self.library.hours("")
        filter = _case_filter(home_filter, now, hours)
        candidates, waiting_count = self.queues.waiting_on(viewer, filter)
        waiting = candidates[:MAX_WAITING]
        mine = self._find_mine(person, filter, waiting)
        visible = replace(filter, viewer=viewer)
        ids = {case.id for case in (*waiting, *mine)}
        team = find_others(
            self.queries,
            visible,
            except_ids=ids,
            limit=MAX_TEAM,
        )
        team_more = self.queries.count(visible) - len(ids) - len(team)
        controls = self.desk_controls.load()
        case_times = self.queries.case_times(
            CaseFilter(viewer=viewer), now - timedelta(days=TREND_DAYS), now
        )
        return HomeView(
            user=person.rpartition("/")[2],
            waiting=self._rows(waiting, person),
            waiting_more=max(0, waiting_count - len(waiting)),
            mine=self._rows(mine, person),
            team=self._rows(team, person),
            team_more=max(0, team_more),
            alone=self._rows(self._find_automatic(viewer, home_filter, now), person),
            days=trend(case_times, now, hours),
            figures=self._figures(viewer, now),
            pauses=self._pauses(controls, person),
            delegations=self._delegations(controls, person, now),
            kinds=tuple(self.library.titles()),
            rights=HomeRights(
                may_pause=self.eligibility.may_pause(person),
                may_delegate=self.eligibility.may_delegate(person),
                may_raise=self.eligibility.may_raise(person),
            ),
            preferences=HomePreferences(
                filter=home_filter,
                has_digest=self.live_lists.get(_digest_key(person)) is not None,
            ),
            suggestion=self._suggestion(person, controls, now),
            at=now,
            grants=self._grants(controls, person, now),
            practice_notice=self.practice_notice,
            versions=self._versions(controls, person),
        )

    def _rows(self, cases: Sequence[Case], person: str) -> tuple[CaseRow, ...]:
        """List cases, with buttons on those that this person may decide."""
        rows = with_cards(
            self.card_store,
            self.directory,
            cases,
            labels=self.library.labels(),
        )
        return self.eligibility.mark(rows, person)

    def _pauses(self, controls: DeskControls, person: str) -> tuple[HomePause, ...]:
        may_resume = self.eligibility.may_resume(person)
        pauses = []
        for pause in controls.holds:
            home_pause = HomePause(
                description=pause.description,
                scope=pause.scope,
                # That of a restored backup is ended elsewhere.
                is_resumable=may_resume and pause in controls.pauses,
                resumers=tuple(self.library.governors()) if pause in controls.pauses else (),
            )
            pauses.append(home_pause)
        return tuple(pauses)

    def _grants(
        self, controls: DeskControls, person: str, now: datetime
    ) -> tuple[tuple[GrantMeter, str], ...]:
        """List the grants in force that this person may stop."""
        titles = dict(self.library.titles())
        sees_all = self.eligibility.may_resume(person)
        return tuple(
            (GrantMeter(grant, self.cases.grant_use(grant)), titles.get(grant.kind, grant.kind))
            for grant in controls.grants
            if now < grant.until and (sees_all or grant.giver == person)
        )

    def _versions(self, controls: DeskControls, person: str) -> tuple[str, ...]:
        """Say to those who govern which changed playbooks are tried."""
        # Nearly always nothing is, and then nothing is read.
        if not any(one.waiting for one in controls.versions):
            return ()
        return self.versions.notes(controls) if self.eligibility.may_resume(person) else ()

    def _delegations(
        self, controls: DeskControls, person: str, now: datetime
    ) -> tuple[HomeDelegation, ...]:
        """List who stands in for whom, where that concerns this person."""
        titles = dict(self.library.titles())
        delegations = []
        for one in controls.delegations:
            if person not in {one.giver, one.taker} or now >= one.ends_at:
                continue
            delegation = HomeDelegation(
                giver=one.giver,
                taker=one.taker,
                giver_name=one.giver_name,
                taker_name=one.taker_name,
                kind=one.kind,
                kind_title=titles.get(one.kind, one.kind),
                ends_at=one.ends_at,
            )
            delegations.append(delegation)
        return tuple(delegations)

    def delegations(self, person: str) -> tuple[HomeDelegation, ...]:
        """List the delegations that this person has given or taken."""
        return self._delegations(self.desk_controls.load(), person, self.clock())

    def _find_mine(
        self,
        person: str,
        filter: CaseFilter,
        waiting: Sequence[Case],
    ) -> list[Case]:
        """Find the person's other cases, which do not wait on them."""
        ids = {case.id for case in waiting}
        own = replace(filter, owner=person)
        return find_others(
            self.queries,
            own,
            except_ids=ids,
            limit=MAX_MINE,
        )

    def _figures(self, viewer: Viewer, now: datetime) -> str:
        """Say what the last month came to, from tallies."""
        period = (now - MONTH, now)
        filter = CaseFilter(
            viewer=viewer, ended_between=period, is_over=True, except_source=DESK_SOURCE
        )
        before = replace(filter, ended_between=span_before(period))
        return headline(find_tallied_results(self.queries, filter, before), MONTH.days)

    def _find_automatic(
        self,
        viewer: Viewer,
        home_filter: HomeFilter,
        now: datetime,
    ) -> list[Case]:
        """Find the latest cases that were handled without anybody."""
        span = (now - AUTOMATIC_FOR, now + JUST_NOW)
        return self.queues.handled_automatically(
            viewer,
            span,
            kind=home_filter.kind,
            limit=MAX_AUTOMATIC,
        )

    def prompts(self, person: str) -> tuple[str, ...]:
        """Suggest questions by what this person may do and what waits."""
        now = self.clock()
        waiting, _ = self.queues.waiting_on(self.visibility.viewer(person), limit=MAX_WAITING)
        facts = PromptFacts(
            waiting=len(waiting),
            late=sum(case.timers.sla.decide_by < now for case in waiting),
            is_decider=self.eligibility.may_delegate(person),
            is_lead=self._is_lead(person),
            may_raise=self.eligibility.may_raise(person),
        )
        return suggest_prompts(facts)

    def _is_lead(self, person: str) -> bool:
        """Tell whether the person governs the desk or reads its whole digest."""
        if self.eligibility.may_resume(person):
            return True
        channels = self.library.whole_desk_digests()
        return any(person in self.directory.members_of(channel) for channel in channels)

    def subscribe_to_digest(self, person: str, *, subscribe: bool) -> None:
        """Start or stop this person's own digest on working days."""
        key = _digest_key(person)
        if subscribe:
            self.live_lists.save(
                LiveList(
                    key=key,
                    place=person,
                    ts="",
                    sections={},
                    shown_at=self.clock(),
                )
            )
        else:
            self.live_lists.delete(key)
        self.show(person)

    def _current_filter(self, live_list: LiveList | None) -> HomeFilter:
        return self._parse_filter(live_list.ts if live_list else "")

    def _parse_filter(self, key: str) -> HomeFilter:
        return HomeFilter.of(key, [kind for kind, _ in self.library.titles()])

    def _suggestion(
        self,
        person: str,
        controls: DeskControls,
        now: datetime,
    ) -> str:
        """Suggest a delegation to a person who is away.

        Returns the status of somebody for whom nobody stands in; empty otherwise.
        """
        try:
            away = self.directory.person(person).away
        except NotEligible:
            return ""
        for delegation in controls.delegations:
            if delegation.giver == person and delegation.holds("", now):
                return ""
        return away


def _case_filter(home_filter: HomeFilter, now: datetime, hours: Hours) -> CaseFilter:
    """Return the open cases that a home is narrowed to."""
    filter = CaseFilter(kind=home_filter.kind)
    if home_filter.when is HomePeriod.LATE:
        return replace(filter, late_at=now)
    if home_filter.when is HomePeriod.TODAY:
        today = hours.midnight(hours.local(now).date())
        return replace(filter, opened_between=(today, now + JUST_NOW))
    return filter


def _key(person: str) -> str:
    return f"home:{person}"


def _digest_key(person: str) -> str:
    return f"digest-for:{person}"


def _publish_message(person: str, run_at: datetime) -> OutboxMessage:
    return OutboxMessage(
        topic=Topic.HOME,
        key=_key(person),
        case_id="",
        run_at=run_at,
        payload={"person": person},
    )
