"""The people and groups that questions ask for, as they are recorded."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.bench.questions.asked import Asked
from tests.bench.questions.oracle import GROUPS, GUESTS, NAMES
from tests.bench.questions.records import POLICY, Record

Choice = frozenset[str]


@dataclass(frozen=True)
class People:
    """Whom an answer must name."""

    #: Of each of these, one at least.
    required: list[Choice] = field(default_factory=list)
    #: These may be named beside them.
    allowed: frozenset[str] = frozenset()


def wanted_people(asked: Asked) -> People:
    """Return whom the answer must name."""
    if asked.ask == "group":
        return _top_deciders(asked)
    if asked.ask == "who_may_approve" or asked.about == "approver":
        return _approvers(asked, asked.subjects)
    match asked.about:
        case "owner":
            return _owners(asked.subjects)
        case "stand_in":
            return _stand_ins(asked)
        case "members":
            return _members(str(asked.meaning["of"]))
        case "blocker":
            return _blockers(asked)
        case "opening":
            return _raisers(asked.subjects)
        case "changes":
            return _actors(asked.subjects, "plan.edited")
        case "execution" | "outcome" | "undo":
            return _deciders(asked.subjects)
        case "escalation":
            return _owners(asked.subjects)
        case _:
            return _deciders(asked.subjects)


def _top_deciders(asked: Asked) -> People:
    tables = asked.oracle.groups(asked.selection.certain, "decider")
    choices = []
    for table in tables:
        most = max((count for count, _ in table.values()), default=0)
        choices += [name for name, (count, _) in table.items() if count == most]
    if not choices:
        return People()
    return People([frozenset(choices)], frozenset(NAMES))


def _approvers(asked: Asked, records: Iterable[Record]) -> People:
    """Require of each group that is still wanted its handle, or somebody of it who may."""
    required: list[Choice] = []
    allowed: set[str] = set()
    for record in list(records)[:10]:
        groups = asked.oracle.unmet_groups(record) or [group for group, _ in record.factors]
        for group in groups:
            may = {one for one in NAMES if asked.oracle.may_approve(record, one)}
            required.append(frozenset({group}) | (may & _with_stand_ins(asked, group)))
        everyone = {one for group, _ in record.factors for one in _with_stand_ins(asked, group)}
        voters = {one for vote in record.votes for one in vote}
        allowed |= everyone | voters | record.authors | {record.owner, record.team}
        allowed |= {one["giver"] for one in asked.oracle.stand_ins()}
    return People(list(dict.fromkeys(required)), frozenset(allowed | {asked.asker}))


def _with_stand_ins(asked: Asked, group: str) -> frozenset[str]:
    members = GROUPS.get(group, frozenset())
    takers = {one["taker"] for one in asked.oracle.stand_ins() if one["giver"] in members}
    return members | takers


def _owners(records: Iterable[Record]) -> People:
    required = []
    allowed: set[str] = set()
    for record in list(records)[:10]:
        required.append(frozenset({record.owner}))
        allowed |= {record.team, *GROUPS.get(record.owner, frozenset())}
        allowed |= GROUPS.get(record.team, frozenset())
        allowed |= record.raised_by
    return People(list(dict.fromkeys(required)), frozenset(allowed))


def _stand_ins(asked: Asked) -> People:
    giver = asked.oracle.account(str(asked.meaning.get("of", "")), asked.asker)
    delegations = asked.oracle.stand_ins(giver if giver in NAMES else "")
    required = [frozenset({one["taker"]}) for one in delegations]
    givers = {one["giver"] for one in delegations} | {giver}
    return People(required, frozenset(givers))


def _members(group: str) -> People:
    members = GROUPS.get(group, frozenset())
    required = [frozenset({one}) for one in sorted(members - GUESTS)]
    return People(required, members & GUESTS)


def _blockers(asked: Asked) -> People:
    records = asked.selection.certain
    if not records:
        # Nothing is overdue: then those on whom anything open waits.
        records = asked.oracle.select({"open": True}, asked.asker).certain
    required: set[Choice] = set()
    allowed: set[str] = set()
    for record in records:
        for name in asked.oracle.wanted_of(record):
            members = GROUPS.get(name, frozenset())
            required.add(frozenset({name}) | (members - GUESTS))
            allowed |= {name, *members, *_with_stand_ins(asked, name)}
    return People(sorted(required, key=sorted), frozenset(allowed))


def _raisers(records: Iterable[Record]) -> People:
    required = []
    for record in list(records)[:10]:
        required.append(record.raised_by or frozenset({"source"}))
    return People(required)


def _actors(records: Iterable[Record], entry_name: str) -> People:
    actors = {
        entry["actor"]
        for record in records
        for entry in record.entries
        if entry["type"] == entry_name
    }
    return People([frozenset({one}) for one in sorted(actors)])


def _deciders(records: Iterable[Record]) -> People:
    """Require everybody whose decision is in force, or who took the last."""
    required: list[Choice] = []
    allowed: set[str] = set()
    for record in records:
        decision = record.final or record.last
        if decision is None:
            continue
        if POLICY in decision.by:
            required.append(frozenset({POLICY}))
        for account in sorted(decision.by - {POLICY}):
            required.append(frozenset({account}))
        allowed |= {one for vote in record.votes for one in vote}
        allowed |= record.authors | record.parties
    return People(list(dict.fromkeys(required)), frozenset(allowed))
