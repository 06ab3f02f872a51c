"""One person becomes unreadable in every table, and every proof still holds."""

import json
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select, text

import bot.audit.verifier as verifier
from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.audit.replay import replay
from bot.cases.entries import DataErased, entry_of
from bot.cases.erasure import ERASED_TEXT, ErasureSubject
from bot.cases.errors import TooLate
from bot.cases.ledger import leaf_hash
from bot.cases.passkey import b64url_encode
from bot.desk.digest import digest_message
from bot.desk.digest_rows import Section
from bot.ports.live_lists import LiveList
from bot.store import tables
from bot.store.erased_cases import redact_case
from bot.store.erasures import COMPLETE, Erasure, SqlErasureStore

LABEL = "erased-0a1b2c3d"
NAMES = ("guest:17", "maria lopez", "maria@example.org", "+44 20 7946 0018", "allergic")
COMPLAINT = "The soup was cold and she is allergic to celery, call +44 20 7946 0018"


def guest_signal(world, **changes):
    facts = {
        **world.signal("product:1").facts,
        "guest": 17,
        "guest_name": "Maria Lopez",
        "guest_email": "maria@example.org",
        "complaint": COMPLAINT,
    }
    signal = world.signal("product:1", title="Maria Lopez complains about her dinner")
    return replace(signal, **{"subject": "guest:17", "facts": facts, **changes})


@pytest.fixture
def guests(small_world, tmp_path):
    return Guests(small_world, tmp_path)


@pytest.fixture
def guests_of_both(world, tmp_path):
    """The same on SQLite and PostgreSQL."""
    return Guests(world, tmp_path)


class Guests:
    """A world in which a guest complained, somebody decided, and all was signed."""

    def __init__(self, world, folder):
        self.world = world
        self.folder = folder
        self.store = SqlErasureStore(world.store.database)
        self.checkpoints = Checkpoints(folder / "checkpoints", "house")
        raw = f"A letter of Maria Lopez: {COMPLAINT}".encode()
        self.world.desk.intake.receive(guest_signal(world), raw)
        self.world.receive(world.signal("product:2"))
        self.world.work()
        self.world.approve(self.world.store.cases.case("EX-1"))
        self.world.work()
        self.world.clock.forward(days=30)
        self.world.work()
        self.world.proposed()
        self.sign()
        self.before = self.export("before.jsonl")

    def sign(self):
        self.checkpoints.sign(self.world.store.ledger)

    def export(self, name):
        path = self.folder / name
        export(self.world.store.ledger, path)
        return path

    def subject(self, *names):
        return ErasureSubject.of(names or ("guest:17",), LABEL)

    def erasure(self, *names):
        found = self.store.find(self.subject(*names), self.world.clock())
        subject = self.subject(*names).with_terms(found.names)
        return Erasure(subject=subject, by="olga", reason="asked by letter"), found

    def erase(self, *names):
        erasure, found = self.erasure(*names)
        now = self.world.clock()
        self.store.begin(erasure.subject, now)
        self.store.erase_cases(erasure, found.closed_cases, now)
        self.store.erase_desk(erasure, now)
        counts = self.store.sweep(erasure.subject)
        self.store.complete(erasure, counts, now)
        return found

    def verify(self, against=None):
        self.sign()
        remarks = []
        path = self.export("now.jsonl")
        findings, _, _ = verifier.verify(
            ledger=path,
            checkpoints=self.folder / "checkpoints",
            key=self.checkpoints.public_key,
            against=against,
            remarks=remarks,
        )
        return findings, remarks

    def everything(self):
        """Return all that any table holds, in lower case."""
        parts = []
        with self.world.store.database.read() as connection:
            for table in tables.metadata.sorted_tables:
                for row in connection.execute(select(table)):
                    parts += [
                        bytes(v).decode("utf-8", "replace") if isinstance(v, bytes) else str(v)
                        for v in row
                    ]
        return "\n".join(parts).lower()


def test_after_an_erasure_no_table_names_the_person_and_every_proof_holds(guests_of_both):
    guests = guests_of_both
    for name in NAMES:
        assert name in guests.everything()
    found = guests.erase()
    assert found.closed_cases == ["EX-1"]
    assert set(found.names) == {"Maria Lopez", "maria@example.org"}
    rest = guests.everything()
    assert [name for name in NAMES if name in rest] == []
    assert LABEL in rest
    findings, remarks = guests.verify(against=guests.before)
    assert findings == []
    assert "by order of 'olga'" in remarks[0]
    assert replay(guests.world.store.database).differences == ()


def test_the_case_stays_what_it_was_but_for_the_person(guests):
    before = guests.world.store.cases.case("EX-1")
    guests.erase()
    after = guests.world.store.cases.case("EX-1")
    assert (after.state, after.version, after.kind) == (before.state, before.version, before.kind)
    assert after.signal.subject == LABEL
    assert after.signal.facts["complaint"] == ERASED_TEXT
    assert after.signal.facts["guest"] == LABEL
    assert after.proposal.plan.actions[0].name == before.proposal.plan.actions[0].name
    # The other cases are untouched.
    assert guests.world.store.cases.case("EX-2").signal.subject == "product:2"


def test_an_erased_entry_cannot_be_made_to_say_something_else(guests):
    guests.erase()
    guests.sign()
    path = guests.export("forged.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for place, line in enumerate(lines):
        if LABEL not in line["entry"] or '"data.erased"' in line["entry"]:
            continue
        forged = {**line, "entry": line["entry"].replace(LABEL, "somebody")}
        path.write_text(
            "".join(
                json.dumps(item) + "\n" for item in [*lines[:place], forged, *lines[place + 1 :]]
            )
        )
        findings, _, _ = verifier.verify(
            path, guests.folder / "checkpoints", guests.checkpoints.public_key
        )
        assert f"entry {place + 1}: its content is not what its leaf was made of" in findings


def test_an_entry_that_nobody_ordered_to_be_erased_is_found(guests):
    path = guests.before
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[0]["entry"] = lines[0]["entry"].replace("guest:17", LABEL)
    path.write_text("".join(json.dumps(item) + "\n" for item in lines))
    findings, _, _ = verifier.verify(path)
    assert "entry 1: its content is not what its leaf was made of" in findings


def test_an_erasure_that_changes_more_than_texts_is_found_with_an_older_export(guests):
    """Whoever runs the desk could bind another amount; an export from before shows it."""
    erasure, found = guests.erasure()
    guests.store.begin(erasure.subject, guests.world.clock())
    guests.store.erase_cases(erasure, found.closed_cases, guests.world.clock())
    path = guests.export("honest.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    entries = [json.loads(line["entry"]) for line in lines]
    place = next(i for i, entry in enumerate(entries) if entry["type"] == "plan.recommended")
    entries[place]["body"]["plan"]["actions"][0]["parameters"]["quantity"] = 999
    other = {**entries[place], "redaction": {}}
    original = json.loads(json.loads(guests.before.read_text().splitlines()[place])["entry"])
    assert not verifier.is_faithful(other, {**original, "redaction": None} | {})
    entries[place]["body"]["plan"]["actions"][0]["parameters"]["quantity"] = original["body"][
        "plan"
    ]["actions"][0]["parameters"]["quantity"]
    assert verifier.is_faithful(
        {**entries[place], "redaction": {"x": 1}}, {**original, "redaction": None}
    )


def test_the_database_refuses_other_changes_of_the_ledger(guests_of_both):
    guests = guests_of_both
    guests.erase()
    database = guests.world.store.database

    def tamper(unit):
        unit.connection.execute(text("UPDATE ledger SET case_id = 'EX-9' WHERE seq = 1"))

    with pytest.raises(Exception, match="append-only"):
        database.write(tamper)
    # Not even a body, once no erasure is under way.
    with pytest.raises(Exception, match="append-only"):
        database.write(
            lambda unit: unit.connection.execute(
                tables.ledger.update().where(tables.ledger.c.seq == 1).values(body=b"{}")
            )
        )


def test_an_erasure_that_was_killed_goes_on_under_its_label(guests):
    erasure, found = guests.erasure()
    guests.store.begin(erasure.subject, guests.world.clock())
    guests.store.erase_cases(erasure, found.closed_cases, guests.world.clock())
    # Killed here. What there is holds.
    assert guests.verify()[0] == []
    assert replay(guests.world.store.database).differences == ()
    again = guests.store.resume(ErasureSubject.of(["GUEST:17"], "erased-ffffffff"))
    assert again.label == LABEL
    assert "maria lopez" in {term.lower() for term in again.terms}
    guests.erase()
    rest = guests.everything()
    assert [name for name in NAMES if name in rest] == []


def test_a_second_erasure_finds_nothing(guests):
    guests.erase()
    size = guests.world.store.ledger.head()[0]
    assert guests.store.find(guests.subject(), guests.world.clock()).is_empty
    assert guests.world.store.ledger.head()[0] == size
    with guests.world.store.database.read() as connection:
        row = connection.execute(select(tables.erasures)).one()
    assert (row.state, row.terms) == (COMPLETE, "[]")


def test_a_case_in_flight_is_told_and_not_touched(guests):
    guests.world.receive(guest_signal(guests.world, key="another"))
    guests.world.work()
    erasure, found = guests.erasure()
    assert len(found.in_flight) == 1
    guests.store.begin(erasure.subject, guests.world.clock())
    with pytest.raises(TooLate, match="open again"):
        guests.store.erase_cases(erasure, found.in_flight, guests.world.clock())


def test_the_signals_of_a_case_in_flight_go_when_it_has_ended(guests_of_both):
    guests = guests_of_both
    raw = f"A second letter of Maria Lopez: {COMPLAINT}".encode()
    guests.world.desk.intake.receive(guest_signal(guests.world, key="another"), raw)
    guests.world.work()
    erasure, found = guests.erasure()
    now = guests.world.clock()
    guests.store.begin(erasure.subject, now)
    guests.store.erase_cases(erasure, found.closed_cases, now)
    guests.store.sweep(erasure.subject, found.in_flight)
    assert replay(guests.world.store.database).differences == ()
    assert guests.verify(against=guests.before)[0] == []
    (case_id,) = found.in_flight
    guests.world.approve(guests.world.store.cases.case(case_id))
    guests.world.work()
    guests.world.clock.forward(days=60)
    guests.erase()
    assert "maria lopez" not in guests.everything()
    assert replay(guests.world.store.database).differences == ()


def test_whoever_decided_is_erased_and_the_votes_still_count(guests_of_both):
    guests = guests_of_both
    case = guests.world.store.cases.case("EX-1")
    voter = case.proposal.approvals[0].person
    user = voter.rpartition("/")[2]
    found = guests.erase(user)
    assert "EX-1" in found.closed_cases
    assert user.lower() not in guests.everything()
    assert guests.verify(against=guests.before)[0] == []
    assert replay(guests.world.store.database).differences == ()


def test_two_persons_are_erased_from_the_same_entries(guests):
    guests.erase()
    voter = guests.world.store.cases.case("EX-1").proposal.approvals[0].person
    user = voter.rpartition("/")[2]
    second = ErasureSubject.of([user], "erased-99999999")
    now = guests.world.clock()
    found = guests.store.find(second, now)
    erasure = Erasure(subject=second, by="olga", reason="")
    guests.store.begin(second, now)
    guests.store.erase_cases(erasure, found.closed_cases, now)
    guests.store.complete(erasure, guests.store.sweep(second), now)
    assert guests.verify(against=guests.before)[0] == []
    assert replay(guests.world.store.database).differences == ()


def test_the_record_binds_leaf_and_content_of_every_entry(guests):
    guests.erase()
    rows = list(guests.world.store.ledger.rows())
    bodies = [entry_of(json.loads(bytes(row.body))).body for row in rows]
    records = [body for body in bodies if isinstance(body, DataErased)]
    redactions = [item for record in records for item in record.redactions]
    assert redactions
    assert [record.is_complete for record in records] == [False, True]
    for item in redactions:
        row = rows[item.seq - 1]
        assert row.leaf == item.leaf
        assert leaf_hash(bytes(row.body)).hex() == item.content
        assert b'"salt"' not in bytes(row.body)


def test_the_bot_takes_back_what_slack_shows_of_the_case(guests):
    guests.erase()
    guests.world.work()
    (cleared,) = guests.world.chat.cleared
    assert cleared[0] == "EX-1"
    drawn = guests.world.chat.cards["EX-1/1"][-1]
    assert (
        drawn.signal.title == f"{LABEL} complains about her dinner"
        or drawn.signal.title == ERASED_TEXT
    )


def test_a_list_that_shows_the_case_is_drawn_again_and_its_thread_cleared(guests):
    """A digest of last week, too: it follows its cases for as long as it is recorded."""
    place, at = "C0STOCK", guests.world.clock()
    due = at - timedelta(days=8)
    key = digest_message(place, due, at).key
    guests.world.store.live_lists.save(
        LiveList(
            key=key, place=place, ts="9.1", sections={Section.NEEDS.value: ("EX-1",)}, shown_at=due
        )
    )
    guests.erase()
    guests.world.work()
    assert guests.world.chat.cleared_threads == [(place, "9.1")]
    (drawn,) = [digest for digest in guests.world.chat.digests if digest.key == key]
    assert "EX-1" in str(drawn)
    assert [name for name in NAMES if name in str(drawn).lower()] == []


def test_a_passkey_of_an_erased_approver_still_proves_what_it_signed(guests):
    """The challenge is bound before the ticket that it was made of goes."""
    ticket = "t" * 32
    challenge = bytes(range(32))
    client_data = b64url_encode(json.dumps({"challenge": b64url_encode(challenge)}).encode())
    assertion = {"ticket": ticket, "credential": "c", "client_data": client_data}
    plain = {
        "type": "approval.given",
        "case": "EX-1",
        "version": 5,
        "revision": 1,
        "at": "2026-01-01T12:00:00.000000Z",
        "actor": "T1/UMARIA",
        "surface": "passkey",
        "salt": "00",
        "body": {
            "approval": {
                "person": "T1/UMARIA",
                "name": "Maria Lopez",
                "digest": "d" * 64,
                "at": "2026-01-01T12:00:00Z",
                "assertion": {**assertion, "authenticator_data": "", "signature": ""},
            }
        },
    }
    row = SimpleNamespace(seq=9, leaf="e" * 64, body=json.dumps(plain).encode())
    person = ErasureSubject.of(["UMARIA"], LABEL)
    redacted = redact_case([row], person, {})
    (line,) = redacted.lines
    assert line.redaction.challenge == challenge.hex()
    approval = json.loads(line.content)["body"]["approval"]
    # Without the ticket nobody can try accounts on what was signed.
    assert ticket not in line.content.decode()
    assert approval["person"] == f"T1/{LABEL}"
    # A second erasure of the same entry keeps the challenge of the first.
    again = SimpleNamespace(seq=9, leaf="e" * 64, body=line.content)
    other = ErasureSubject.of(["Maria Lopez"], "erased-99999999")
    (second,) = redact_case([again], other, {9: line.redaction}).lines
    assert second.redaction.challenge == challenge.hex()
