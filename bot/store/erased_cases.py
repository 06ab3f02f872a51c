"""The rows of one case, derived anew from redacted entries."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select, update

from bot.cases.canonical import canonical_bytes
from bot.cases.case import Case
from bot.cases.controls import DESK_ID
from bot.cases.entries import DataErased, DataExpired, Redaction, entry_of
from bot.cases.erasure import ErasureSubject, erase, is_about, named_facts, terms_about
from bot.cases.errors import LedgerBroken
from bot.cases.ledger import leaf_hash
from bot.cases.passkey import b64url_decode
from bot.cases.precedent import precedents_from
from bot.store import tables
from bot.store.case_tallies import tally_changes
from bot.store.decision_scores import DROP_SCORES_OF, PUT_ROWS, score_rows
from bot.store.derived import DerivedRows, derive
from bot.store.precedents import precedent_row, save_label, save_rows
from bot.store.projection import people_rows
from bot.store.unit_of_work import UnitOfWork

#: Stands in the place of the bytes of a signal as they came.
NO_BYTES = b""
Plain = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class RedactedLine:
    """A line of the ledger with its new content."""

    redaction: Redaction
    content: bytes


@dataclass(frozen=True, kw_only=True)
class RedactedCase:
    """The entries of a case, and those of them that change."""

    plains: Sequence[Plain]
    lines: Sequence[RedactedLine]
    #: Names of the person that its facts give.
    names: Sequence[str]


def redact_case(
    rows: Sequence[Any], person: ErasureSubject, redactions: Mapping[int, Redaction]
) -> RedactedCase:
    """Make the entries of a case or the desk without the person."""
    plains: list[Plain] = [json.loads(bytes(row.body)) for row in rows]
    signal = plains[0]["body"].get("signal") or {} if rows else {}
    is_subject = is_about(signal, person)
    names: list[str] = []
    if is_subject:
        names = _names_in(plains, person)
        evidence = [fact for plain in plains for fact in plain["body"].get("evidence") or ()]
        person = person.with_terms([*names, *terms_about(signal, evidence)])
    # A ticket is random: without it nobody can try names on what a device has signed.
    person_in_case = person.with_terms(_tickets_of(plains, person))
    lines = []
    for place, (row, plain) in enumerate(zip(rows, plains, strict=True)):
        if plain["type"] in {DataErased.name, DataExpired.name}:
            continue
        subject = person_in_case
        if plain["case"] == DESK_ID:
            subject = person
        new = _redact(plain, subject, is_about_person=is_subject)
        if new is not None:
            plains[place] = new
            lines.append(redacted_line(row, plain, new=new, before=redactions.get(row.seq)))
    return RedactedCase(plains=plains, lines=lines, names=names)


def _names_in(plains: Sequence[Plain], person: ErasureSubject) -> list[str]:
    names: list[str] = []
    for plain in plains:
        body = plain["body"]
        names += named_facts((body.get("signal") or {}).get("facts") or {}, person)
        facts = {fact["name"]: fact["value"] for fact in body.get("evidence") or ()}
        names += named_facts(facts, person)
    return [name for name in dict.fromkeys(names) if person.label not in name]


def _tickets_of(plains: Sequence[Plain], person: ErasureSubject) -> list[str]:
    bodies = [plain["body"] for plain in plains if person.is_in(plain["actor"])]
    assertions = [(body.get("approval") or {}).get("assertion") or {} for body in bodies]
    tickets = [value.get("ticket") for value in (*bodies, *assertions)]
    return [ticket for ticket in tickets if ticket]


def _redact(plain: Plain, person: ErasureSubject, *, is_about_person: bool) -> Plain | None:
    """Return an entry without the person; None without a change."""
    changes = {
        "actor": person.replace_in(plain["actor"]),
        "body": erase(plain["body"], person, with_free_text=is_about_person),
    }
    if all(plain[name] == value for name, value in changes.items()):
        return None
    new = {**plain, **changes}
    # With the salt, whoever tries names could find out which of them was there.
    new.pop("salt", None)
    return new


def redacted_line(row: Any, plain: Plain, *, new: Plain, before: Redaction | None) -> RedactedLine:
    """Bind a line's new content, and what proofs need of the old."""
    content = canonical_bytes(new)
    plan = before.plan if before else ""
    challenge = before.challenge if before else ""
    redaction = Redaction(
        seq=row.seq,
        leaf=row.leaf,
        content=leaf_hash(content).hex(),
        plan=plan or _plan_hash(plain),
        challenge=challenge or _challenge(plain),
    )
    return RedactedLine(redaction=redaction, content=content)


def _plan_hash(plain: Plain) -> str:
    plan = getattr(entry_of(plain).body, "plan", None)
    return plan.plan_hash if plan else ""


def _challenge(plain: Plain) -> str:
    assertion = (plain["body"].get("approval") or {}).get("assertion")
    if not assertion:
        return ""
    client_data = json.loads(b64url_decode(assertion["client_data"]))
    return b64url_decode(client_data["challenge"]).hex()


def write_lines(unit: UnitOfWork, lines: Sequence[RedactedLine]) -> None:
    """Put what stands there from now on into the ledger."""
    for line in lines:
        values = {"of_seq": line.redaction.seq, "content": line.content}
        unit.connection.execute(_SET_BODY, values)


def write_case(unit: UnitOfWork, row: Any, plains: Sequence[Plain]) -> Case:
    """Derive all rows of a case from its entries again.

    Raises:
        LedgerBroken: the entries do not follow on each other.
    """
    entries = [entry_of(plain) for plain in plains]
    rows = derive(entries)
    if rows is None:
        raise LedgerBroken(f"{row.id} has no entries")
    case = rows.case
    new_row = rows.case_row
    if case.probe is None and case.is_terminal:
        unit.count_again(tally_changes(row._mapping, new_row))
    is_this = tables.cases.c.id == row.id
    unit.connection.execute(update(tables.cases).where(is_this).values(dict(new_row)))
    _replace(unit, tables.case_people, case_id=row.id, rows=people_rows(case))
    _replace(unit, tables.effects, case_id=row.id, rows=list(rows.effects.values()))
    unit.connection.execute(DROP_SCORES_OF, {"of_case": row.id})
    scores = list(score_rows(case).values())
    if scores:
        unit.connection.execute(PUT_ROWS.on(unit.connection), scores)
    _write_inbox(unit, row.id, rows)
    _write_precedents(unit, row.id, plains)
    # What Slack shows is another text from now on.
    unit.connection.execute(_REDRAW, {"of_case": row.id})
    return case


def _replace(unit: UnitOfWork, table: Table, *, case_id: str, rows: Sequence[Any]) -> None:
    unit.connection.execute(delete(table).where(table.c.case_id == case_id))
    if rows:
        unit.connection.execute(insert(table), [dict(row) for row in rows])


def _write_inbox(unit: UnitOfWork, case_id: str, rows: DerivedRows) -> None:
    """Keep that signals came, and nothing of what they said."""
    inbox, conflicts = tables.inbox.c, tables.inbox_conflicts.c
    is_of_case = inbox.case_id == case_id
    keys = unit.connection.execute(select(inbox.source, inbox.key).where(is_of_case)).all()
    for old_key in keys:
        is_same = (conflicts.source == old_key.source, conflicts.key == old_key.key)
        unit.connection.execute(delete(tables.inbox_conflicts).where(*is_same))
    values = [
        {**columns, "source": source, "key": key, "body": NO_BYTES}
        for (source, key), columns in rows.inbox.items()
    ]
    _replace(unit, tables.inbox, case_id=case_id, rows=values)
    at = rows.case.timers.opened_at.isoformat()
    for source, key, digest in rows.conflicts:
        values_of = {"source": source, "key": key, "digest": digest, "received_at": at}
        unit.connection.execute(insert(tables.inbox_conflicts), {**values_of, "body": NO_BYTES})


def _write_precedents(unit: UnitOfWork, case_id: str, plains: Sequence[Plain]) -> None:
    precedents = tables.precedents.c
    is_of_case = precedents.case_id == case_id
    ids = set(unit.connection.execute(select(precedents.id).where(is_of_case)).scalars())
    of_case, label = precedents_from(map(entry_of, plains))
    save_rows(unit, [precedent_row(item) for item in of_case if item.id in ids])
    has_label = select(tables.labels.c.case_id).where(tables.labels.c.case_id == case_id)
    if label and unit.connection.execute(has_label).first():
        save_label(unit, label)


_SET_BODY = (
    update(tables.ledger)
    .where(tables.ledger.c.seq == bindparam("of_seq"))
    .values(body=bindparam("content"))
)
_REDRAW = (
    update(tables.cards).where(tables.cards.c.case_id == bindparam("of_case")).values(drawn="0")
)
