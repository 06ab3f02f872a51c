"""Whatever is changed past the ledger is found, in every table and column that follows from it; an honest database raises no alarm."""

import contextlib
import shutil
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.audit.export import export
from bot.audit.replay import audit, replay
from bot.audit.verifier import verify
from bot.cases.actor import Actor, Surface
from bot.cases.entries import Entry, Resolution, Resolved
from bot.cases.errors import KeyReused
from bot.cases.lifecycle import State
from bot.ports.case_store import Change
from bot.ports.outbox import Topic
from bot.store import tables
from bot.store import tables as t
from bot.store.database import Database
from bot.store.store import Store
from tests.conftest import _create
from tests.fakes.directory import principal
from tests.world import World, request

pytestmark = [pytest.mark.threat("D1"), pytest.mark.proof]
_EXECUTE = [Topic.EXECUTE]
_WORDS = [Topic.CARD, Topic.NOTE, Topic.REMEMBER]


def lived(world: World) -> None:
    """Cases in every state in which something is still to be done, and some that have ended."""
    world.house.undo_for = timedelta(hours=2)
    desk, store = world.desk, world.store
    for number in range(1, 10):
        world.receive(
            world.signal(f"product:{number}", key=f"k{number}", requester=principal("finn"))
        )
    world.work()
    world.approve(store.cases.case("EX-1"))
    world.work()
    world.house.faults = {"execute": ["lost before"], "verify": ["unknown"]}
    world.approve(store.cases.case("EX-4"))
    (work,) = store.outbox.claim(list(_EXECUTE), 1, world.clock(), 30)
    world.lane.handle(work)
    desk.decisions.edit(
        request("EX-2", principal("omar"), world.seen("EX-2")), values={"quantity": 12}
    )
    desk.decisions.hand_over(
        request("EX-2", principal("ana"), world.seen("EX-2")),
        to=principal("finn"),
        progress="looked",
        remains="decide",
    )
    world.receive(world.signal("product:2", key="again", requester=principal("finn")))
    with contextlib.suppress(KeyReused):
        world.receive(world.signal("product:5", key="k5", title="another body"))
    world.clear(world.signal("product:6", key="k6 clear", requester=principal("finn")))
    world.clear(world.signal("product:nothing", key="ignored"))
    desk.controls.pause("", by=principal("ben"), reason="a reason", surface=Surface.SLACK)
    for _ in range(20):
        for row in store.outbox.claim(list(_WORDS), 50, world.clock(), 30):
            world.lane.handle(row)
    world.approve(store.cases.case("EX-3"))
    world.receive(world.signal("product:new", key="new"))
    states = {
        f"EX-{number}": store.cases.case(f"EX-{number}").state for number in (1, 2, 3, 4, 6, 10)
    }
    assert states == {
        "EX-1": State.RESOLVED,
        "EX-2": State.PROPOSED,
        "EX-3": State.APPROVED,
        "EX-4": State.RUNNING,
        "EX-6": State.CLEARED,
        "EX-10": State.OPEN,
    }


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def honest(request, tmp_path_factory):
    """A database that has lived, for all tampers: each is rolled back."""
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("audit") / "honest.db"
        shutil.copy(request.getfixturevalue("empty_sqlite"), path)
        url = f"sqlite:///{path}"
    else:
        server, name = request.getfixturevalue("postgres"), f"a{uuid.uuid4().hex[:12]}"
        _create(server, name, "template_countersign")
        url = f"{server}/{name}"
    database = Database(url)
    store = Store.over(database)
    lived(World(store))
    yield store
    database.close()


@contextlib.contextmanager
def tampering(store):
    """A connection that may change anything, and leaves nothing behind."""
    connection = store.database.engine.connect()
    transaction = connection.begin()
    if store.database.is_sqlite:
        for name in ("ledger_no_update", "ledger_no_delete", "ledger_contiguous"):
            connection.exec_driver_sql(f"DROP TRIGGER {name}")
    else:
        connection.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER ALL")
    try:
        yield connection
    finally:
        transaction.rollback()
        connection.close()


def test_an_honest_database_raises_no_alarm(honest):
    assert replay(honest.database).differences == ()
    with tampering(honest) as connection:
        assert audit(connection).differences == ()


def test_a_bot_that_writes_meanwhile_raises_no_alarm(store):
    """The audit sees one moment: rows that are written while it reads are not half there."""
    world = World(store)
    for number in range(3):
        world.receive(world.signal(f"product:{number}"))
    written = []

    def meanwhile(step: int) -> None:
        if not written:
            written.append(world.receive(world.signal("product:meanwhile")))
            world.work()

    replayed = replay(store.database, progress=meanwhile)
    assert (replayed.differences, replayed.cases, len(written)) == ((), 3, 1)


def change(table, where, **values):
    return lambda c: c.execute(sa.update(table).where(where).values(**values))


def remove(table, where):
    return lambda c: c.execute(sa.delete(table).where(where))


def add(table, **values):
    return lambda c: c.execute(sa.insert(table).values(**values))


CASE = t.cases.c.id == "EX-2"
EFFECT = t.effects.c.case_id == "EX-1"
SIGNAL = (t.inbox.c.source == "api") & (t.inbox.c.key == "k2")
CONFLICT = t.inbox_conflicts.c.key == "k5"
EXECUTE = t.outbox.c.key == "execute:EX-3:1"
RUNNING = t.outbox.c.key == "execute:EX-4:1"
TRIAGE = t.outbox.c.key == "triage:EX-10"
CARD = t.cards.c.case_id == "EX-2"
LEDGER, CASES, MEMORY = (t.heads.c.name == name for name in ("ledger", "cases", "memory"))
ENTRY = t.ledger.c.seq == 5
SCORE = t.decision_scores.c.case_id == "EX-1"
TALLY = (t.case_tallies.c.event == "ended") & (t.case_tallies.c.state == "RESOLVED")

# By table and column; what is not here, and not in NOT_DERIVED below, fails the last test of this file.
TAMPERS = {
    "heads.name": remove(t.heads, CASES),
    "heads.number": change(t.heads, LEDGER, number=t.heads.c.number + 1),
    "heads.number of cases": change(t.heads, CASES, number=t.heads.c.number - 1),
    "heads.number of memory": change(t.heads, MEMORY, number=0),
    "heads.chain": change(t.heads, LEDGER, chain="0" * 64),
    "heads.peaks": change(t.heads, LEDGER, peaks="[]"),
    "inbox.source": change(t.inbox, SIGNAL, source="other"),
    "inbox.key": change(t.inbox, SIGNAL, key="other"),
    "inbox.digest": change(t.inbox, SIGNAL, digest="0" * 64),
    "inbox.received_at": change(t.inbox, SIGNAL, received_at="2020-01-01T00:00:00+00:00"),
    "inbox.outcome": change(t.inbox, SIGNAL, outcome="counted"),
    "inbox.outcome, waved away": change(t.inbox, SIGNAL, outcome="ignored", case_id=None),
    "inbox.case_id": change(t.inbox, SIGNAL, case_id="EX-1"),
    "inbox.case_id of none": change(t.inbox, SIGNAL, case_id="EX-99"),
    "inbox.fingerprint": change(t.inbox, SIGNAL, fingerprint="0" * 64),
    "inbox, taken away": remove(t.inbox, SIGNAL),
    "inbox, put in": add(
        t.inbox,
        source="api",
        key="never sent",
        digest="0" * 64,
        body=b"{}",
        received_at="2026-11-21T12:00:00+00:00",
        outcome="counted",
        case_id="EX-2",
    ),
    "inbox_conflicts.source": change(t.inbox_conflicts, CONFLICT, source="other"),
    "inbox_conflicts.key": change(t.inbox_conflicts, CONFLICT, key="other"),
    "inbox_conflicts.digest": change(t.inbox_conflicts, CONFLICT, digest="0" * 64),
    "inbox_conflicts, taken away": remove(t.inbox_conflicts, CONFLICT),
    "cases.id": change(t.cases, CASE, id="EX-77"),
    "cases.number": change(t.cases, CASE, number=77),
    "cases.kind": change(t.cases, CASE, kind="other"),
    "cases.source": change(t.cases, CASE, source="other"),
    "cases.state": change(t.cases, CASE, state="RESOLVED"),
    "cases.fingerprint": change(t.cases, CASE, fingerprint="0" * 64),
    "cases.owner": change(t.cases, CASE, owner="T1/UOTHER"),
    "cases.version": change(t.cases, CASE, version=77),
    "cases.due_at": change(t.cases, CASE, due_at=None),
    "cases.body": change(t.cases, CASE, body=sa.func.replace(t.cases.c.body, "Merlot", "Barolo")),
    "cases.body, unreadable": change(t.cases, CASE, body="{}"),
    "cases.channel": change(t.cases, CASE, channel="C0OTHER"),
    "cases.waits_on": change(t.cases, CASE, waits_on=" T1/UOTHER "),
    "cases.rank": change(t.cases, CASE, rank=0.0),
    "cases.decide_by": change(t.cases, CASE, decide_by=0.0),
    "cases.stake": change(t.cases, CASE, stake=1.0),
    "cases.opened_at": change(t.cases, CASE, opened_at=0.0),
    "cases.decided_at": change(t.cases, CASE, decided_at=1.0),
    "cases.ended_at": change(t.cases, CASE, ended_at=1.0),
    "cases.undo_until": change(t.cases, t.cases.c.id == "EX-1", undo_until=None),
    "cases.words": change(t.cases, CASE, words="other"),
    "cases.team": change(t.cases, CASE, team="other"),
    "cases.stake_cents": change(t.cases, CASE, stake_cents=1),
    "cases.currency": change(t.cases, CASE, currency="EUR"),
    "cases.expires_at": change(t.cases, CASE, expires_at=1.0),
    "cases.decision": change(t.cases, CASE, decision="rejected"),
    "cases.decision_at": change(t.cases, CASE, decision_at=1.0),
    "cases.deciders": change(t.cases, CASE, deciders=" T1/UOTHER "),
    "cases.is_edited": change(t.cases, CASE, is_edited=7),
    "cases.approvers": change(t.cases, CASE, approvers=" others "),
    "cases.approvals_needed": change(t.cases, CASE, approvals_needed=77),
    "cases.approvals_given": change(t.cases, CASE, approvals_given=77),
    "cases.actions": change(t.cases, CASE, actions=" house.other "),
    "cases.authors": change(t.cases, CASE, authors=" T1/UOTHER "),
    "cases.voters": change(t.cases, CASE, voters=" T1/UOTHER "),
    "cases.requesters": change(t.cases, CASE, requesters=" T1/UOTHER "),
    "cases.risk": change(t.cases, CASE, risk=7),
    "cases.is_automatic": change(t.cases, CASE, is_automatic=7),
    "cases.moved_cents": change(t.cases, CASE, moved_cents=7),
    "cases.moved_currency": change(t.cases, CASE, moved_currency="XXX"),
    "cases.agreement": change(t.cases, CASE, agreement="after_edit"),
    "cases.is_escalated": change(t.cases, CASE, is_escalated=7),
    "cases.is_reopened": change(t.cases, CASE, is_reopened=7),
    "cases.is_undone": change(t.cases, CASE, is_undone=7),
    "cases.is_named": change(t.cases, CASE, is_named=7),
    "cases.inquiry_count": change(t.cases, CASE, inquiry_count=7),
    "cases.names": change(t.cases, CASE, names="Other"),
    "cases, taken away": remove(t.cases, CASE),
    "ledger.seq": change(
        t.ledger,
        t.ledger.c.seq == sa.select(sa.func.max(t.ledger.c.seq)).scalar_subquery(),
        seq=999,
    ),
    "ledger.case_id": change(t.ledger, ENTRY, case_id="EX-99"),
    "ledger.version": change(t.ledger, ENTRY, version=99),
    "ledger.leaf": change(t.ledger, ENTRY, leaf="0" * 64),
    "ledger.chain": change(t.ledger, ENTRY, chain="0" * 64),
    "ledger.body": change(t.ledger, ENTRY, body=b"{}"),
    "ledger, cut": remove(t.ledger, t.ledger.c.seq > 20),
    "ledger, emptied": remove(t.ledger, t.ledger.c.seq > 0),
    "outbox.key": change(t.outbox, EXECUTE, key="execute:EX-9:1"),
    "outbox.topic": change(t.outbox, EXECUTE, topic="card"),
    "outbox.topic of none": change(t.outbox, EXECUTE, topic="nothing"),
    "outbox.case_id": change(t.outbox, EXECUTE, case_id="EX-2"),
    "outbox.case_id of none": change(t.outbox, EXECUTE, case_id="EX-99"),
    "outbox.state, done": change(t.outbox, EXECUTE, state="done"),
    "outbox.state, done while it runs": change(t.outbox, RUNNING, state="done"),
    "outbox.state, not looked at": change(t.outbox, TRIAGE, state="done"),
    "outbox.state of none": change(t.outbox, EXECUTE, state="asleep"),
    "outbox.run_at": change(t.outbox, EXECUTE, run_at=9e9),
    "outbox.run_at of a lease": change(
        t.outbox, t.outbox.c.key == "card:EX-3", state="leased", run_at=9e9
    ),
    "outbox.payload": change(t.outbox, EXECUTE, payload='{"revision": 9}'),
    "outbox.payload, unreadable": change(t.outbox, EXECUTE, payload="{"),
    "outbox, taken away": remove(t.outbox, EXECUTE),
    "outbox, all of it": remove(t.outbox, t.outbox.c.key != ""),
    "effects.case_id": change(t.effects, EFFECT, case_id="EX-2"),
    "effects.case_id of none": change(t.effects, EFFECT, case_id="EX-99"),
    "effects.revision": change(t.effects, EFFECT, revision=9),
    "effects.step": change(t.effects, EFFECT, step=9),
    "effects.action": change(t.effects, EFFECT, action="house.give_notice"),
    "effects.target": change(t.effects, EFFECT, target="other"),
    "effects.amount": change(t.effects, EFFECT, amount=1),
    "effects.day": change(t.effects, EFFECT, day="2020-01-01"),
    "effects.at": change(t.effects, EFFECT, at=0.0),
    "effects.alone_kind": change(t.effects, EFFECT, alone_kind="low_stock"),
    "effects.grant_id": change(t.effects, EFFECT, grant_id="EX-1/1"),
    "effects.rule_id": change(t.effects, EFFECT, rule_id="EX-1/1"),
    "effects.requester": change(t.effects, EFFECT, requester="T1/UEVE"),
    "effects.currency": change(t.effects, EFFECT, currency="JPY"),
    "effects.outcome": change(t.effects, EFFECT, outcome="FAILED"),
    "effects.outcome, forgotten": change(t.effects, EFFECT, outcome=""),
    "effects, taken away": remove(t.effects, EFFECT),
    "effects, put in": add(
        t.effects,
        case_id="EX-2",
        revision=1,
        step=0,
        action="house.order_stock",
        target="x",
        amount=1,
        day="2026-11-21",
    ),
    "cards.case_id": change(t.cards, CARD, case_id="EX-10"),
    "cards.case_id of none": change(t.cards, CARD, case_id="EX-99"),
    "cards.generation": change(t.cards, CARD, generation=9),
    "cards.channel": change(t.cards, CARD, channel="C0OTHER"),
    "cards.ts": change(t.cards, CARD, ts=""),
    "cards.drawn": change(t.cards, CARD, drawn="99"),
    "cards.drawn, unreadable": change(t.cards, CARD, drawn="x"),
    "cards.look": change(t.cards, CARD, look="dancing"),
    "cards, taken away": remove(t.cards, CARD),
    "standing.name": change(t.controls, t.controls.c.name == "desk", name="other"),
    "standing.version": change(t.controls, t.controls.c.name == "desk", version=99),
    "standing.body": change(t.controls, t.controls.c.name == "desk", body=""),
    "standing.body, unreadable": change(t.controls, t.controls.c.name == "desk", body="{"),
    "standing, taken away": remove(t.controls, t.controls.c.name == "desk"),
    "named.person": change(
        t.case_people, t.case_people.c.case_id == "EX-2", person=t.case_people.c.person + "X"
    ),
    "named.case_id": change(t.case_people, t.case_people.c.case_id == "EX-2", case_id="EX-99"),
    "named, taken away": remove(t.case_people, t.case_people.c.case_id == "EX-2"),
    "named.channel": change(t.case_people, t.case_people.c.case_id == "EX-2", channel="C0OTHER"),
    "named.number": change(t.case_people, t.case_people.c.case_id == "EX-2", number=99),
    "named, put in": add(t.case_people, person="T1/UNOSY", case_id="EX-2"),
    "case_tallies.event": change(t.case_tallies, TALLY, event="begun"),
    "case_tallies.day": change(t.case_tallies, TALLY, day=7),
    "case_tallies.id": change(t.case_tallies, TALLY, id="0" * 64),
    "case_tallies.channel": change(t.case_tallies, TALLY, channel="C0OTHER"),
    "case_tallies.kind": change(t.case_tallies, TALLY, kind="other"),
    "case_tallies.source": change(t.case_tallies, TALLY, source="other"),
    "case_tallies.state": change(t.case_tallies, TALLY, state="EXPIRED"),
    "case_tallies.decision": change(t.case_tallies, TALLY, decision="edited"),
    "case_tallies.deciders": change(t.case_tallies, TALLY, deciders=" somebody "),
    "case_tallies.currency": change(t.case_tallies, TALLY, currency="XXX"),
    "case_tallies.risk": change(t.case_tallies, TALLY, risk=7),
    "case_tallies.is_automatic": change(t.case_tallies, TALLY, is_automatic=7),
    "case_tallies.is_edited": change(t.case_tallies, TALLY, is_edited=7),
    "case_tallies.cases": change(t.case_tallies, TALLY, cases=99),
    "case_tallies.stake_cents": change(t.case_tallies, TALLY, stake_cents=99),
    "case_tallies, taken away": remove(t.case_tallies, TALLY),
    "decision_scores.case_id": change(t.decision_scores, SCORE, case_id="EX-2"),
    "decision_scores.revision": change(t.decision_scores, SCORE, revision=9),
    "decision_scores.action": change(t.decision_scores, SCORE, action="house.give_notice"),
    "decision_scores.kind": change(t.decision_scores, SCORE, kind="other"),
    "decision_scores.decided_at": change(t.decision_scores, SCORE, decided_at=1.5),
    "decision_scores.stage": change(t.decision_scores, SCORE, stage="shadow"),
    "decision_scores.is_alone": change(t.decision_scores, SCORE, is_alone=1),
    "decision_scores.is_comparable": change(t.decision_scores, SCORE, is_comparable=0),
    "decision_scores.action_agrees": change(t.decision_scores, SCORE, action_agrees=0),
    "decision_scores.parameters_agree": change(t.decision_scores, SCORE, parameters_agree=0),
    "decision_scores.bad_outcome": change(t.decision_scores, SCORE, bad_outcome="taken back"),
    "decision_scores.bad_reason": change(t.decision_scores, SCORE, bad_reason="other"),
    "decision_scores.bad_at": change(t.decision_scores, SCORE, bad_at=1.5),
    "decision_scores, taken away": remove(t.decision_scores, SCORE),
}

NOT_DERIVED = {
    "inbox.body": "the bytes as they came; the ledger has the signal that was read from them",
    "inbox_conflicts.body": "the same",
    "inbox_conflicts.received_at": "the ledger has the time of the entry, written a moment later",
    **dict.fromkeys(
        ("outbox.wanted", "outbox.fence", "outbox.attempts", "outbox.doubt", "outbox.error"),
        "how often work was asked for and tried",
    ),
    "outbox.priority": "in which order work is done",
}
# Slack's answers, the loop's ticks, what people asked, lists that are drawn anew, an imported past, and what people taught.
TABLES_NOT_DERIVED = {
    "ticks",
    "erasures",
    "removals",
    "removed_cases",
    "migrations",
    "boards",
    "listed",
    "details_openings",
    "ignored_requests",
    "pinned_names",
    "questions",
    "precedents",
    "labels",
}


@pytest.mark.parametrize("name", TAMPERS)
def test_what_was_changed_past_the_ledger_is_found(honest, name):
    with tampering(honest) as connection:
        assert TAMPERS[name](connection).rowcount != 0
        differences = audit(connection).differences
        assert differences, name
    assert all(len(difference) < 400 for difference in differences)


def test_each_difference_says_what_to_do(honest):
    for name in ("cases.state", "outbox, taken away", "ledger.leaf", "effects, put in"):
        with tampering(honest) as connection:
            TAMPERS[name](connection)
            assert all(
                "find out who else writes" in difference or "restore a backup" in difference
                for difference in audit(connection).differences
            )


def test_every_column_of_every_table_is_compared_or_said_not_to_be():
    known = {name.partition(",")[0].partition(" ")[0] for name in TAMPERS} | set(NOT_DERIVED)
    columns = {
        f"{table.name}.{column.name}"
        for table in t.metadata.sorted_tables
        if table.name not in TABLES_NOT_DERIVED
        for column in table.columns
    }
    assert columns - known == set()


def test_the_projection_equals_the_ledger_folded_again(world):
    case = world.proposed()
    world.approve(case)
    world.work()
    assert world.case(case).state is State.RESOLVED
    assert replay(world.store.database).differences == ()


def test_a_state_edited_without_the_ledger_is_found(world):
    case = world.proposed()
    with world.store.database.engine.begin() as connection:
        row = connection.execute(sa.select(tables.cases.c.body)).scalar_one()
        connection.execute(
            sa.update(tables.cases).values(body=row.replace("waiting for a decision", "resolved"))
        )
    (difference,) = replay(world.store.database).differences
    assert difference.startswith(
        f"{case.id}: the projection says resolved, the ledger says waiting for a decision, or they differ in detail"
    )


def test_a_row_without_a_ledger_and_a_ledger_without_a_row_are_found(world):
    world.receive()
    world.receive(world.signal("product:2"))
    with world.store.database.engine.begin() as connection:
        connection.execute(
            sa.update(tables.cases).where(tables.cases.c.id == "EX-2").values(id="EX-9", number=9)
        )
    differences = [
        difference.rpartition(": ")[0] for difference in replay(world.store.database).differences
    ]
    assert {
        "EX-9: in the projection, but not in the ledger",
        "EX-2: in the ledger, but not in the projection",
    } <= set(differences)


@pytest.mark.threat("A1")
def test_a_step_that_a_person_let_be_forgotten_is_named_by_replay_and_verifier_and_stops_nothing_else(
    world, tmp_path
):
    """As an earlier release wrote it: "Handled by hand" from a stale card, while the step was in doubt."""
    remembered = world.proposed()
    world.approve(remembered)
    world.work()
    case = world.store.cases.case(world.receive(world.signal("product:2")).case_id)
    world.work()
    world.house.faults["execute"] = ["lost after"]
    world.approve(world.case(case))
    world.work()
    running = world.case(case)
    assert running.execution.step_in_doubt == 0
    body = Resolved(resolution=Resolution.BY_HAND, note="did it", by_name="Ana")
    entry = Entry(
        case_id=case.id,
        version=running.version + 1,
        revision=1,
        at=world.clock(),
        actor=Actor.parse(principal("ana")),
        surface=Surface.SLACK,
        body=body,
    )
    after = replace(running, state=State.RESOLVED, version=entry.version)
    world.store.cases.commit(Change(before=running, entries=(entry,), after=after))
    assert any(
        "nobody knows yet what came of step 1" in difference
        for difference in replay(world.store.database).differences
    )
    export(world.store.ledger, tmp_path / "log.jsonl")
    (finding,) = verify(str(tmp_path / "log.jsonl"))[0]
    assert "EX-2: step 1 was forgotten while nobody knew of it" in finding
    for _ in world.shelf.rebuild():
        pass
    assert [one.case_id for one in world.shelf.of_kind("low_stock", 10)] == [remembered.id]
