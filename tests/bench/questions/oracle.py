"""What is true: the meaning of a question, evaluated over the records by code of its own."""

import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from bot.demo.people import TEAM, WORKSPACE
from tests.bench.questions import periods
from tests.bench.questions.records import POLICY, Data, Decided, Record, matches

ME = "me"
UNRECOGNISED = "unrecognised"
CHANNELS = {channel["name"]: channel["id"] for channel in WORKSPACE["channels"]}
MEMBERS = {
    channel["id"]: frozenset(f"{TEAM}/{user}" for user in channel["members"])
    for channel in WORKSPACE["channels"]
}
GROUPS = {
    group["handle"]: frozenset(f"{TEAM}/{user}" for user in group["users"])
    for group in WORKSPACE["groups"]
}
NAMES = {f"{TEAM}/{user['id']}": user["real_name"] for user in WORKSPACE["users"]}
GUESTS = frozenset(
    f"{TEAM}/{user['id']}" for user in WORKSPACE["users"] if user.get("is_restricted")
)
#: A decision that is none of a case in the end; a question without its name may mean it or not.
PASSING = frozenset({"edited", "handed_over", "taken_back"})

Where = Mapping[str, Any]
#: True, False, or None where the format leaves it open.
Truth = bool | None


@dataclass(frozen=True)
class Selection:
    """The cases that a condition finds."""

    certain: list[Record]
    #: These may be shown or not.
    possible: list[Record]

    @property
    def ids(self) -> list[str]:
        return [record.id for record in self.certain]

    @property
    def allowed(self) -> frozenset[str]:
        return frozenset(record.id for record in [*self.certain, *self.possible])


@dataclass(frozen=True, kw_only=True)
class Oracle:
    """The records, and the moment at which they are asked about."""

    data: Data
    now: datetime
    zone: str
    #: The kinds that have a playbook.
    kinds: frozenset[str]

    # --- which cases -----------------------------------------------------------------------------

    def visible(self, asker: str) -> list[Record]:
        """List what this person may see."""
        return [record for record in self.data.records if self.may_see(asker, record)]

    def may_see(self, asker: str, record: Record) -> bool:
        is_there = asker in MEMBERS.get(record.channel, frozenset())
        return is_there or asker in record.parties

    def select(self, where: Where, asker: str, *, everything: bool = False) -> Selection:
        """Find the cases of a condition. ``everything``: those of all people."""
        records = self.data.records if everything else self.visible(asker)
        certain, possible = [], []
        for record in records:
            truth = self.holds(where, record, asker)
            if truth:
                certain.append(record)
            elif truth is None:
                possible.append(record)
        return Selection(certain, possible)

    def holds(self, where: Where, record: Record, asker: str) -> Truth:
        """Tell whether all of a condition holds for a case."""
        result: Truth = True
        for key, value in where.items():
            truth = self._test(key, value, record, asker, where)
            if truth is False:
                return False
            if truth is None:
                result = None
        return result

    def _test(self, key: str, value: Any, record: Record, asker: str, where: Where) -> Truth:
        match key:
            case "decision":
                return record.last is not None and record.last.how == value
            case "decided":
                return self._is_decided_in(value, record, where)
            case "decided_by":
                return self._is_decided_by(self.account(value, asker), record, where)
            case "text":
                return self._has_text(value, record)
            case "waits_on":
                return self.waits_on(record, self.account(value, asker))
            case "owner":
                return self._is_owned_by(record, self.account(value, asker))
            case "raised_by":
                return self.account(value, asker) in record.raised_by
            case "not":
                inner = self.holds(value, record, asker)
                return None if inner is None else not inner
            case _:
                return self._tests()[key](value, record)

    def _tests(self) -> dict[str, Callable[[Any, Record], Truth]]:
        return {
            "open": lambda value, record: record.is_open == value,
            "state": lambda value, record: record.state in value,
            "kind": lambda value, record: self.kind(record) in value,
            "stake_min": lambda value, record: _at_least(record.stake, value),
            "stake_max": lambda value, record: _at_most(record.stake, value),
            "age_min": lambda value, record: self.age(record) >= periods.duration(value),
            "age_max": lambda value, record: self.age(record) <= periods.duration(value),
            "opened": lambda value, record: self._inside(record.opened, value),
            "ended": lambda value, record: self._inside(record.ended, value),
            "due": self._is_due_in,
            "due_within": self._is_due_within,
            "expires_within": self._expires_within,
            "overdue": lambda value, record: self.is_overdue(record) == value,
            "approver": lambda value, record: value in {group for group, _ in record.factors},
            "approvals_min": lambda value, record: _votes_needed(record) >= value,
            "part_approved": lambda value, record: _is_part_approved(record) == value,
            "action": lambda value, record: value in record.actions,
            "automatic": lambda value, record: record.is_automatic == value,
            "risk": lambda value, record: record.risk == value,
            "source": lambda value, record: record.source == value,
            "channel": lambda value, record: record.channel == CHANNELS.get(value, value),
            "snoozed": lambda value, record: (record.state == "snoozed") == value,
            "paused": lambda value, record: self.is_paused(record) == value,
            "unrecognised": lambda value, record: self._is_unrecognised(record) == value,
        }

    def account(self, value: str, asker: str) -> str:
        """Return the account of "me" or of a user id; groups and policy stay."""
        if value == ME:
            return asker
        return f"{TEAM}/{value}" if value.startswith("U0") else value

    def kind(self, record: Record) -> str:
        return UNRECOGNISED if self._is_unrecognised(record) else record.kind

    def age(self, record: Record) -> timedelta:
        return self.now - record.opened

    def is_overdue(self, record: Record) -> bool:
        return record.waits and record.decide_by < self.now

    def _is_unrecognised(self, record: Record) -> bool:
        return record.kind == UNRECOGNISED or record.kind not in self.kinds

    # --- periods ---------------------------------------------------------------------------------

    def _inside(self, at: datetime | None, period: Mapping[str, str]) -> bool:
        if at is None:
            return False
        begin, end = periods.span_of(period, self.now, self.zone)
        return begin <= at < end

    def _is_due_in(self, period: Mapping[str, str], record: Record) -> bool:
        begin, end = periods.span_of(period, self.now, self.zone, is_due=True)
        return record.waits and begin <= record.decide_by < end

    def _is_due_within(self, name: str, record: Record) -> bool:
        _, end = periods.named_span(name, self.now, self.zone, is_due=True)
        return record.waits and record.decide_by < end

    def _expires_within(self, name: str, record: Record) -> bool:
        if record.state != "proposed" or record.expires_at is None:
            return False
        _, end = periods.named_span(name, self.now, self.zone, is_due=True)
        return self.now <= record.expires_at < end

    # --- decisions -------------------------------------------------------------------------------

    def _decision(self, record: Record, where: Where) -> Decided | None:
        return record.last if "decision" in where else record.final

    def _is_decided_in(self, period: Mapping[str, str], record: Record, where: Where) -> Truth:
        decision = self._decision(record, where)
        if decision and self._inside(decision.at, period):
            return True
        return self._or_passing(record, where, lambda last: self._inside(last.at, period))

    def _is_decided_by(self, who: str, record: Record, where: Where) -> Truth:
        accounts = GROUPS.get(who, frozenset({who}))
        decision = self._decision(record, where)
        if decision and decision.by & accounts:
            return True
        return self._or_passing(record, where, lambda last: bool(last.by & accounts))

    def _or_passing(self, record: Record, where: Where, test: Callable[[Decided], bool]) -> Truth:
        """Leave open what was only edited, handed over or undone, where no decision is named."""
        last = record.last
        if "decision" in where or last is None or last.how not in PASSING:
            return False
        return None if test(last) else False

    # --- people ----------------------------------------------------------------------------------

    def accounts_of(self, person: str) -> frozenset[str]:
        """List for whom this person may decide now: themselves, and whom they stand in for."""
        givers = {person}
        for delegation in self.data.delegations:
            if delegation["taker"] == person and self._is_in_force(delegation):
                givers.add(delegation["giver"])
        return frozenset(givers)

    def _is_in_force(self, delegation: Mapping[str, str]) -> bool:
        begin = datetime.fromisoformat(delegation["begins_at"].replace("Z", "+00:00"))
        end = datetime.fromisoformat(delegation["ends_at"].replace("Z", "+00:00"))
        return begin <= self.now < end

    def stand_ins(self, giver: str = "") -> list[Mapping[str, str]]:
        """List the delegations that are in force."""
        return [
            one
            for one in self.data.delegations
            if self._is_in_force(one) and giver in {"", one["giver"]}
        ]

    def unmet_groups(self, record: Record) -> list[str]:
        """List the groups whose approval is still wanted."""
        if record.state != "proposed":
            return []
        unmet = []
        free = {principal for _, principal in record.votes}
        for group, count in record.factors:
            members = free & GROUPS.get(group, frozenset())
            used = sorted(members)[:count]
            free -= set(used)
            if len(used) < count:
                unmet.append(group)
        return unmet

    def wanted_of(self, record: Record) -> list[str]:
        """List the groups and accounts of whom something is wanted now."""
        if record.state == "proposed":
            names = self.unmet_groups(record)
            return [*names, record.owner] if record.owner.startswith(f"{TEAM}/") else names
        if record.state not in {"referred", "parked"}:
            return []
        if record.owner.startswith(f"{TEAM}/") and record.team:
            return [record.owner, record.team]
        return [record.owner]

    def waits_on(self, record: Record, who: str) -> bool:
        """Tell whether something is wanted of this group or person."""
        wanted = self.wanted_of(record)
        if who in GROUPS:
            return who in wanted
        if self._has_acted(record, who):
            return False
        if who in wanted:
            return True
        if who in GUESTS:
            return False
        accounts = self.accounts_of(who)
        return any(accounts & (GROUPS.get(name, frozenset()) - GUESTS) for name in wanted)

    def _has_acted(self, record: Record, person: str) -> bool:
        voters = {one for vote in record.votes for one in vote}
        return person in record.authors or person in voters

    def _is_owned_by(self, record: Record, who: str) -> bool:
        if who in GROUPS:
            return who in {record.owner, record.team}
        teams = {handle for handle, members in GROUPS.items() if who in members}
        return record.owner == who or record.owner in teams or record.team in teams

    def may_approve(self, record: Record, person: str) -> bool:
        """Tell whether a press of this person would count now."""
        if person in GUESTS or self._has_acted(record, person):
            return False
        accounts = self.accounts_of(person)
        unmet = self.unmet_groups(record)
        return any(accounts & GROUPS.get(group, frozenset()) for group in unmet)

    # --- text and pauses -------------------------------------------------------------------------

    def _has_text(self, text: str, record: Record) -> Truth:
        if matches(record.words, text):
            return True
        return None if matches([*record.words, *record.more_words], text) else False

    def is_paused(self, record: Record) -> bool:
        """Tell whether a pause keeps the plan of an open case from running."""
        if record.state not in {"proposed", "approved", "running"}:
            return False
        return any(_stops(pause["scope"], record) for pause in self.data.pauses)

    # --- figures ---------------------------------------------------------------------------------

    def total(self, records: Iterable[Record]) -> Decimal:
        """Add up the stakes."""
        return sum((one.stake for one in records if one.stake is not None), Decimal(0))

    def medians(self, records: Iterable[Record], measure: str) -> tuple[float, float] | None:
        """Return median and mean in seconds; None when there are none."""
        spans = []
        for record in records:
            end = record.ended
            if measure == "median_time_to_decide":
                end = record.first_decided
            if end is not None:
                spans.append((end - record.opened).total_seconds())
        if not spans:
            return None
        return statistics.median(spans), statistics.fmean(spans)

    def share(self, records: Iterable[Record], measure: str) -> tuple[int, int]:
        """Return a numerator and its denominator."""
        by_people = [one for one in records if one.final and one.final.how != POLICY]
        approved = [one for one in by_people if one.final and one.final.how == "approved"]
        decided = [
            one for one in by_people if one.final and one.final.how in {"approved", "rejected"}
        ]
        match measure:
            case "approval_rate":
                return len(approved), len(decided)
            case "rejection_rate":
                return len(decided) - len(approved), len(decided)
            case "edit_rate":
                return sum(one.was_edited for one in decided), len(decided)
            case "accepted_unchanged_rate":
                return sum(not one.was_edited for one in approved), len(decided)
            case _:
                return sum(one.state == "resolved" for one in approved), len(approved)

    def groups(
        self, records: Iterable[Record], group_by: str
    ) -> list[dict[str, tuple[int, Decimal]]]:
        """Count by a property. Several tables where the format allows several."""
        tables: list[dict[str, list[Record]]] = [{}, {}]
        for record in records:
            keys = self._keys(record, group_by)
            for table, names in zip(tables, keys, strict=True):
                for name in names:
                    table.setdefault(name, []).append(record)
        return [
            {name: (len(members), self.total(members)) for name, members in table.items()}
            for table in tables
        ]

    def _keys(self, record: Record, group_by: str) -> tuple[list[str], list[str]]:
        local = record.opened.astimezone(ZoneInfo(self.zone))
        match group_by:
            case "kind":
                keys = [self.kind(record)]
            case "owner":
                keys = [record.owner]
            case "team":
                keys = [record.team or record.owner]
            case "state":
                keys = [record.state]
            case "day":
                keys = [f"{local:%Y-%m-%d}"]
            case "month":
                keys = [f"{local:%Y-%m}"]
            case _:
                return self._deciders(record)
        return keys, keys

    def _deciders(self, record: Record) -> tuple[list[str], list[str]]:
        """Name everybody whose decision it was; in the other reading, the last of them."""
        decision = record.final
        if decision is None:
            return [], []
        everybody = sorted(decision.by)
        last = [person for person, _ in record.votes if person in decision.by][-1:]
        return everybody, last or everybody[-1:]

    def ordered(self, records: Iterable[Record], order: str) -> list[Record]:
        """Sort as asked; what has no such value comes last or not at all."""
        keys: dict[str, Callable[[Record], float]] = {
            "oldest": lambda one: one.opened.timestamp(),
            "newest": lambda one: -one.opened.timestamp(),
            "largest": lambda one: -float(one.stake or 0),
            "smallest": lambda one: float(one.stake or 0),
            "soonest_due": lambda one: one.decide_by.timestamp(),
        }
        chosen = list(records)
        if order in {"largest", "smallest"}:
            chosen = [one for one in chosen if one.stake is not None]
        if order == "soonest_due":
            chosen = [one for one in chosen if one.waits]
        return sorted(chosen, key=keys[order])

    def order_value(self, record: Record, order: str) -> float:
        """Return what cases are sorted by, so that equals are told."""
        if order in {"largest", "smallest"}:
            return float(record.stake or 0)
        if order == "soonest_due":
            return record.decide_by.timestamp()
        return record.opened.timestamp()


def _at_least(stake: Decimal | None, limit: float) -> bool:
    return stake is not None and stake >= Decimal(str(limit))


def _at_most(stake: Decimal | None, limit: float) -> bool:
    return stake is not None and stake <= Decimal(str(limit))


def _votes_needed(record: Record) -> int:
    return sum(count for _, count in record.factors)


def _is_part_approved(record: Record) -> bool:
    return record.state == "proposed" and bool(record.votes) and _votes_needed(record) > 1


def _stops(scope: str, record: Record) -> bool:
    sort, _, name = scope.partition(":")
    match sort:
        case "kind":
            return record.kind == name
        case "action":
            return name in record.actions
        case "system":
            return any(action.partition(".")[0] == name for action in record.actions)
        case _:
            return True
