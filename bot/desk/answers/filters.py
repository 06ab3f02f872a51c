"""Conditions in the asker's terms, as filters of the store."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.cases.actor import is_person
from bot.cases.controls import ActivePause
from bot.cases.lifecycle import TERMINAL, State
from bot.desk.answers.asker import Asker
from bot.desk.answers.periods import BEGINNING, JUST_NOW, PeriodClock, Span
from bot.desk.waiting import WaitingFilters
from bot.ports.case_queries import CaseFilter, Viewer
from bot.ports.clock import Clock
from bot.ports.desk_controls import DeskControlsStore
from bot.ports.directory import Directory
from bot.ports.library import Library
from bot.views.query import ME, POLICY, Condition, Period

#: No case has this kind, so that a filter for it finds nothing.
NO_KIND = "-"
#: What is snoozed is put off, and what is decided is due no more.
DUE_STATES = (State.OPEN, State.PROPOSED, State.REFERRED)
#: Pauses hold up what has a plan.
PAUSABLE_STATES = (State.PROPOSED, State.APPROVED, State.RUNNING)
OPEN_STATES = tuple(state for state in State if state not in TERMINAL)
ENDED_STATES = tuple(state for state in State if state in TERMINAL)


@dataclass(frozen=True, kw_only=True)
class ConditionFilters:
    """Translate conditions: accounts for "me", moments for "last week"."""

    library: Library
    directory: Directory
    desk_controls: DeskControlsStore
    waiting: WaitingFilters
    clock: Clock

    def filter(self, condition: Condition, asker: Asker) -> CaseFilter:
        """Return a condition as a filter over the asker's visible cases.

        A name of nothing, or of what the asker may not know, finds nothing.

        Raises:
            UnknownPeriod: the condition names a period that is none.
        """
        filter = self._fields(condition, asker, viewer=asker.viewer)
        if condition.waits_on:
            filter = self.waiting.narrow(filter, self.account(condition.waits_on, asker))
        if condition.exclusion is None:
            return filter
        exclusion = self._fields(condition.exclusion, asker, viewer=None)
        if condition.exclusion.waits_on:
            name = self.account(condition.exclusion.waits_on, asker)
            exclusion = self.waiting.narrow(exclusion, name)
        if condition.exclusion.is_open and not exclusion.states:
            # The store looks at no flag for states in an exclusion.
            exclusion = replace(exclusion, states=OPEN_STATES)
        return replace(filter, exclusion=exclusion)

    def account(self, name: str, asker: Asker) -> str:
        """Return the account or group that a name stands for."""
        return asker.person if name == ME else name.removeprefix("@")

    def _fields(self, condition: Condition, asker: Asker, *, viewer: Viewer | None) -> CaseFilter:
        filter = CaseFilter(
            viewer=viewer,
            kinds=condition.kinds,
            text=condition.text,
            min_stake=condition.min_stake,
            max_stake=condition.max_stake,
            approver=condition.approver.removeprefix("@"),
            min_approvals=condition.min_approvals,
            is_part_approved=condition.is_part_approved,
            decision=condition.decision.value if condition.decision else "",
            action=condition.action,
            is_automatic=condition.is_automatic,
            risk=condition.risk,
            source=condition.source,
            channel=self.channel_of(condition.channel),
        )
        filter = self._with_states(filter, condition)
        filter = self._with_times(filter, condition, asker)
        filter = self._with_people(filter, condition, asker)
        if condition.is_unrecognised:
            known_kinds = tuple(kind for kind, _ in self.library.titles())
            filter = replace(filter, is_unrecognised=True, known_kinds=known_kinds)
        if condition.is_paused:
            filter = self._with_pauses(filter)
        return filter

    def channel_of(self, name: str) -> str:
        """Return the id of a channel.

        A name of none is returned as it is, and finds nothing.
        """
        name = name.removeprefix("#")
        for channel, title in self.library.labels().channels.items():
            if name.casefold() in {channel.casefold(), title.casefold()}:
                return channel
        return name

    # --- states --------------------------------------------------------------------------------

    def _with_states(self, filter: CaseFilter, condition: Condition) -> CaseFilter:
        states = set(condition.states)
        is_due = condition.is_overdue or condition.due or condition.due_within
        if is_due and not states and not condition.is_snoozed:
            states = set(DUE_STATES)
        if condition.is_snoozed:
            states = states & {State.SNOOZED} if states else {State.SNOOZED}
        if not states and condition.is_open is None:
            return replace(filter, is_any=True)
        if not states and condition.is_open:
            return filter
        if not states:
            return replace(filter, states=ENDED_STATES, is_over=True)
        if condition.is_open is not None:
            states &= set(OPEN_STATES if condition.is_open else ENDED_STATES)
        if not states:
            return replace(filter, kinds=(NO_KIND,))
        ordered_states = tuple(state for state in State if state in states)
        return replace(filter, states=ordered_states, is_over=states <= TERMINAL)

    def _with_pauses(self, filter: CaseFilter) -> CaseFilter:
        """Narrow to the cases that a pause holds up now."""
        states = filter.states or PAUSABLE_STATES
        held_states = tuple(state for state in PAUSABLE_STATES if state in states)
        if not held_states:
            return replace(filter, kinds=(NO_KIND,))
        filter = replace(filter, states=held_states, is_any=False, is_over=False)
        pauses = self.desk_controls.load().holds
        if any(not pause.scope for pause in pauses):
            return filter
        sort, _, name = pauses[0].scope.partition(":") if len(pauses) == 1 else ("", "", "")
        if sort == "action" and not filter.action:
            return replace(filter, action=name)
        kinds = self._paused_kinds(pauses)
        if filter.kinds:
            kinds &= set(filter.kinds)
        return replace(filter, kinds=tuple(sorted(kinds)) or (NO_KIND,))

    def _paused_kinds(self, pauses: Iterable[ActivePause]) -> set[str]:
        """List the kinds that a pause concerns, also by their actions."""
        kinds = set()
        for kind, _ in self.library.titles():
            actions = {offer.action for offer in self.library.playbook(kind).offers}
            scopes = {f"kind:{kind}"}
            for action in actions:
                scopes |= {f"action:{action}", f"system:{action.partition('.')[0]}"}
            if any(pause.scope in scopes for pause in pauses):
                kinds.add(kind)
        return kinds

    # --- times ---------------------------------------------------------------------------------

    def _with_times(self, filter: CaseFilter, condition: Condition, asker: Asker) -> CaseFilter:
        now = self.clock()
        past = PeriodClock(now=now, hours=asker.hours)
        ahead = replace(past, looks_ahead=True)
        due = _resolve(ahead, condition.due)
        if condition.due_within:
            due = _both(due, (BEGINNING, ahead.end_of(condition.due_within)))
        expires_before = None
        if condition.expires_within:
            expires_before = ahead.end_of(condition.expires_within)
        return replace(
            filter,
            opened_between=_both(_resolve(past, condition.opened), _ages(condition, now)),
            decided_between=_resolve(past, condition.decided),
            ended_between=_resolve(past, condition.ended),
            due_between=due,
            late_at=now if condition.is_overdue else None,
            expires_before=expires_before,
        )

    # --- people --------------------------------------------------------------------------------

    def _with_people(self, filter: CaseFilter, condition: Condition, asker: Asker) -> CaseFilter:
        if condition.owner:
            filter = replace(filter, owned_by=self._owners(self.account(condition.owner, asker)))
        if condition.decided_by:
            filter = replace(filter, decided_by=self._people_named(condition.decided_by, asker))
        if condition.raised_by:
            filter = replace(filter, raised_by=self._people_named(condition.raised_by, asker))
        return filter

    def _owners(self, name: str) -> tuple[str, ...]:
        """List a person with their teams, or a group."""
        if not is_person(name):
            return (name,)
        return (name, *sorted(self.waiting.groups_of([name])))

    def _people_named(self, name: str, asker: Asker) -> tuple[str, ...]:
        """List the accounts of a person or of a group's members."""
        if name == POLICY:
            return (POLICY,)
        name = self.account(name, asker)
        if is_person(name):
            return self._linked_accounts([name])
        members = self.directory.groups([name]).get(name) or frozenset()
        # A group without members has decided nothing.
        return self._linked_accounts(members) or (name,)

    def _linked_accounts(self, accounts: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(self.library.identities().linked_accounts(accounts)))


def _resolve(clock: PeriodClock, period: Period | None) -> Span | None:
    return clock.resolve(period) if period else None


def _ages(condition: Condition, now: datetime) -> Span | None:
    """Return when cases of such an age were opened."""
    if condition.min_age is None and condition.max_age is None:
        return None
    begin, end = BEGINNING, now + JUST_NOW
    try:
        if condition.max_age is not None:
            begin = now - condition.max_age
        if condition.min_age is not None:
            end = now - condition.min_age + JUST_NOW
    except OverflowError:
        return BEGINNING, BEGINNING
    return max(begin, BEGINNING), max(end, BEGINNING)


def _both(first: Span | None, second: Span | None) -> Span | None:
    """Return what lies in both spans."""
    if first is None or second is None:
        return first or second
    return max(first[0], second[0]), min(first[1], second[1])
