"""The cases as the bench reads them: stored rows and ledger entries, by plain SQL.

Nothing here uses the desk, its queries or its filters: what the product makes of the rows is what
is measured.
"""

import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

ENDED = frozenset({"resolved", "rejected", "expired", "cleared", "withdrawn"})
#: Something is wanted of somebody.
WAITING = frozenset({"proposed", "referred", "parked"})
TIERS = {1: "low", 2: "medium", 3: "high"}
POLICY = "policy"
#: What the last decision of people may be, by the entry that records it.
DECISIONS = {
    "plan.rejected": "rejected",
    "plan.edited": "edited",
    "case.handed_over": "handed_over",
    "plan.undo_asked": "taken_back",
}
#: These make an approval void.
VOIDING = frozenset({"plan.drifted", "case.reopened", "approval.withdrawn", "kind.named"})
#: These end or carry a case; the others leave it as it is.
FINAL = frozenset({"approved", "rejected", "by_hand", POLICY})

Json = dict[str, Any]


@dataclass(frozen=True)
class Decided:
    """A decision: how, when, and by which accounts."""

    how: str
    at: datetime
    by: frozenset[str]


@dataclass(kw_only=True)
class Record:
    """One case, flat."""

    id: str
    number: int
    kind: str
    state: str
    channel: str
    source: str
    owner: str
    team: str
    title: str
    stake: Decimal | None
    opened: datetime
    ended: datetime | None
    decide_by: datetime
    expires_at: datetime | None
    snoozed_until: datetime | None
    #: Group and count of each approval that the plan needs.
    factors: list[tuple[str, int]]
    #: Who has voted: person, and for whom.
    votes: list[tuple[str, str]]
    authors: frozenset[str]
    raised_by: frozenset[str]
    parties: frozenset[str]
    actions: frozenset[str]
    risk: str
    is_automatic: bool
    #: The words that must be found, and more that may be.
    words: list[str]
    more_words: list[str]
    body: Json
    entries: list[Json]
    last: Decided | None = None
    final: Decided | None = None
    first_decided: datetime | None = None
    was_edited: bool = False

    @property
    def is_open(self) -> bool:
        return self.state not in ENDED

    @property
    def waits(self) -> bool:
        return self.state in WAITING


@dataclass(frozen=True, kw_only=True)
class Data:
    """All that was read of the database."""

    records: list[Record]
    pauses: list[Json]
    delegations: list[Json]
    #: Every ledger row, so that an act is noticed.
    entry_count: int

    def by_id(self) -> dict[str, Record]:
        return {record.id: record for record in self.records}


def read_data(database: Path) -> Data:
    """Read the whole database."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    entries: dict[str, list[Json]] = {}
    rows = connection.execute("SELECT case_id, body FROM ledger ORDER BY seq")
    for case_id, body in rows:
        entries.setdefault(case_id, []).append(json.loads(body))
    records = []
    for (body,) in connection.execute("SELECT body FROM cases ORDER BY number"):
        plain = json.loads(body)
        records.append(_record(plain, entries.get(plain["id"], [])))
    standing = connection.execute("SELECT body FROM standing").fetchone()
    controls = json.loads(standing[0] or "{}") if standing else {}
    connection.close()
    return Data(
        records=records,
        pauses=controls.get("pauses", []),
        delegations=controls.get("delegations", []),
        entry_count=sum(map(len, entries.values())),
    )


def count_entries(database: Path) -> int:
    """Count what has ever been written into the ledger."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    (count,) = connection.execute("SELECT count(*) FROM ledger").fetchone()
    connection.close()
    return int(count)


def moment(text: str | None) -> datetime | None:
    """Read a stored time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def words_of(text: object) -> list[str]:
    """Cut into words without case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", str(text))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.findall(r"\w+", plain.casefold().replace("_", " "))


# The stored names of two states are not their words.
_STATES = {
    "new": "new",
    "open": "open",
    "waiting for a decision": "proposed",
    "needs a person": "referred",
    "snoozed": "snoozed",
    "approved": "approved",
    "being carried out": "running",
    "outcome unknown": "parked",
    "resolved": "resolved",
    "rejected": "rejected",
    "expired": "expired",
    "cleared by itself": "cleared",
    "withdrawn": "withdrawn",
}


def _record(body: Json, entries: list[Json]) -> Record:
    signal, timers = body["signal"], body["timers"]
    proposal, assessment = body["proposal"], body["assessment"]
    plan = proposal["plan"] or {}
    verdict = proposal["verdict"] or {}
    activity = body["activity"]
    stake = assessment["stake"]
    state = _STATES[body["state"]]
    raised_by = [signal["requester"], *(one["account"] for one in activity["later_requesters"])]
    requesters = frozenset(account for account in raised_by if account)
    opened = moment(timers["opened_at"])
    decide_by = moment(timers["sla"]["decide_by"])
    assert opened
    assert decide_by
    record = Record(
        id=body["id"],
        number=int(body["id"].rpartition("-")[2]),
        kind=body["kind"],
        state=state,
        channel=body["channel"],
        source=signal["source"],
        owner=body["owner"],
        team=body["team"],
        title=signal["title"],
        stake=Decimal(str(stake["amount"])) if stake else None,
        opened=opened,
        ended=_ended(body, state),
        decide_by=decide_by,
        expires_at=moment(proposal["expires_at"]),
        snoozed_until=moment(timers["snoozed_until"]),
        factors=[(one["group"], one["count"]) for one in verdict.get("factors", [])],
        votes=[
            (one["person"], one["behalf_of"] or one["person"])
            for one in proposal["approvals"]
            if not one["person"].startswith(POLICY)
        ],
        authors=requesters | _authors(proposal, plan, activity),
        raised_by=requesters,
        parties=frozenset(activity["people"]) | requesters,
        actions=frozenset(action["name"] for action in plan.get("actions", [])),
        risk=TIERS.get(verdict.get("tier", 0), ""),
        is_automatic=any(one["person"].startswith(POLICY) for one in proposal["approvals"]),
        words=_certain_words(signal, assessment, plan),
        more_words=_possible_words(body, signal, assessment, plan),
        body=body,
        entries=entries,
    )
    _decide(record)
    return record


def _ended(body: Json, state: str) -> datetime | None:
    if state not in ENDED:
        return None
    reason = body["activity"]["status_reason"]
    return moment(reason["at"] if reason else body["timers"]["changed_at"])


def _authors(proposal: Json, plan: Json, activity: Json) -> frozenset[str]:
    accounts = [plan.get("requester"), plan.get("beneficiary"), *proposal["editors"]]
    for inquiry in activity["inquiries"]:
        if inquiry.get("fact") and inquiry.get("answer"):
            accounts.append(inquiry["answer"]["by"])
    return frozenset(account for account in accounts if account)


def _certain_words(signal: Json, assessment: Json, plan: Json) -> list[str]:
    parts = [signal["title"], assessment["what"]]
    parts += [one["value"] for one in assessment["evidence"] if one["value"] is not None]
    parts += [action["summary"] for action in plan.get("actions", [])]
    return [word for part in parts for word in words_of(part)]


def _possible_words(body: Json, signal: Json, assessment: Json, plan: Json) -> list[str]:
    parts: list[object] = [body["id"], signal["subject"], assessment["why"], body["kind"]]
    parts += signal["facts"].values()
    for action in plan.get("actions", []):
        parts += [action["preview"], action["name"], action["target"]]
        parts += action["parameters"].values()
    parts += [one["label"] for one in assessment["evidence"]]
    return [word for part in parts for word in words_of(part)]


def _decide(record: Record) -> None:
    """Find the last decision, and the one in force, from the entries."""
    for entry in record.entries:
        name, body = entry["type"], entry["body"]
        at = moment(entry["at"])
        assert at
        by = frozenset({entry["actor"]})
        how = DECISIONS.get(name, "")
        if name == "plan.authorised":
            by = frozenset(POLICY if one.startswith(POLICY) else one for one in body["by"])
            how = POLICY if by == {POLICY} else "approved"
        if name == "case.resolved" and body["resolution"] == "handled by hand":
            how = "by_hand"
        if name == "plan.undo_asked" and body.get("by"):
            by = frozenset(body["by"])
        if name in VOIDING:
            record.last = record.final = None
        if how:
            record.last = Decided(how, at, by)
            record.was_edited = record.was_edited or how == "edited"
        if how in FINAL:
            record.final = Decided(how, at, by)
            record.first_decided = record.first_decided or at


def matches(words: Iterable[str], text: str) -> bool:
    """Tell whether each word of a text begins one of these words."""
    known = list(words)
    return all(any(one.startswith(word) for one in known) for word in words_of(text))
