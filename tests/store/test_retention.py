"""What is past its term is removed, and every proof still holds."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select, text

import bot.audit.verifier as verifier
from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.audit.replay import replay
from bot.cases.entries import DataExpired, entry_of
from bot.cases.erasure import ERASED_TEXT, REMOVAL_PREFIX
from bot.cases.retention import DataKind, Retention
from bot.ports.outbox import card_message
from bot.ports.question_log import QuestionRecord
from bot.ports.retention import RemovalOrder
from bot.store import tables

DAY = timedelta(days=1)
WORDS = ("cellar:77", "merlot is low", "raw words of the letter")


@pytest.fixture
def archive(small_world, tmp_path):
    return Archive(small_world, tmp_path)


@pytest.fixture
def archive_of_both(world, tmp_path):
    """The same on SQLite and PostgreSQL."""
    return Archive(world, tmp_path)


class Archive:
    """A world in which one case ended long ago, one of yesterday, and one is open."""

    def __init__(self, world, folder):
        self.world = world
        self.folder = folder
        self.store = world.store.retention
        self.checkpoints = Checkpoints(folder / "checkpoints", "house")
        self.receive("cellar:77", "Merlot is low", b"raw words of the letter")
        world.approve(world.store.cases.case("EX-1"))
        world.work()
        world.clock.forward(days=400)
        world.work()
        self.receive("product:2", "Rioja is low", b"of yesterday")
        world.approve(world.store.cases.case("EX-2"))
        world.work()
        world.clock.forward(days=1)
        world.work()
        self.receive("product:3", "Malbec is low", b"of today")
        self.checkpoints.sign(world.store.ledger)
        self.before = self.export("before.jsonl")

    def receive(self, subject, title, raw):
        world = self.world
        world.desk.intake.receive(world.signal(subject, title=title), raw)
        world.work()

    def order(self, **terms):
        now = self.world.clock()
        return RemovalOrder(retention=Retention(**terms), policy="a" * 64, now=now)

    def remove(self, run="", **terms):
        """Run to the end. Return what was removed."""
        order = self.order(**terms)
        run = run or self.store.begin_run(order.now)
        for kind in DataKind:
            while self.store.remove_batch(run, kind, order):
                pass
        return self.store.complete_run(run, order)

    def export(self, name):
        path = self.folder / name
        export(self.world.store.ledger, path)
        return path

    def verify(self, against=None):
        self.checkpoints.sign(self.world.store.ledger)
        remarks = []
        findings, _, _ = verifier.verify(
            ledger=self.export("now.jsonl"),
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

    def records(self):
        rows = self.world.store.ledger.rows()
        bodies = [entry_of(json.loads(bytes(row.body))).body for row in rows]
        return [body for body in bodies if isinstance(body, DataExpired)]


def test_a_case_past_its_term_is_gone_from_every_table_and_every_proof_holds(archive_of_both):
    archive = archive_of_both
    case_before = archive.world.store.cases.case("EX-1")
    for word in WORDS:
        assert word in archive.everything()
    assert archive.remove(cases=365 * DAY) == {"cases": 1}
    rest = archive.everything()
    assert [word for word in WORDS if word in rest] == []
    assert "rioja is low" in rest
    assert "malbec is low" in rest
    findings, remarks = archive.verify(against=archive.before)
    assert findings == []
    assert "removed by policy" in remarks[0]
    assert replay(archive.world.store.database).differences == ()
    # What happened stays: who decided what, when, and for how much.
    case = archive.world.store.cases.case("EX-1")
    assert (case.state, case.version, case.kind) == (
        case_before.state,
        case_before.version,
        case_before.kind,
    )
    assert case.signal.title == ERASED_TEXT
    assert case.signal.key.startswith(REMOVAL_PREFIX)
    approval, approval_before = case.proposal.approvals[0], case_before.proposal.approvals[0]
    assert (approval.person, approval.at) == (approval_before.person, approval_before.at)
    action, action_before = case.proposal.plan.actions[0], case_before.proposal.plan.actions[0]
    assert (action.name, action.amount) == (action_before.name, action_before.amount)
    assert set(action.parameters.values()) == {ERASED_TEXT}


def test_nothing_is_removed_without_a_term(archive):
    before = archive.everything()
    assert archive.remove() == {}
    assert archive.everything() == before


def test_signals_lose_their_bytes_and_are_still_known_by_their_keys(archive_of_both):
    archive = archive_of_both
    assert archive.remove(signals=100 * DAY) == {"signals": 1}
    rest = archive.everything()
    assert "raw words of the letter" not in rest
    assert "of yesterday" in rest
    # The case is as it was, and the same signal again is still no new one.
    assert archive.world.store.cases.case("EX-1").signal.title == "Merlot is low"
    assert replay(archive.world.store.database).differences == ()


def test_the_signal_of_an_open_case_is_kept_however_old(archive):
    archive.world.clock.forward(days=500)
    archive.remove(signals=100 * DAY)
    assert "of today" in archive.everything()


def test_questions_go_with_how_they_were_read(archive_of_both):
    archive = archive_of_both
    now = archive.world.clock()
    for number, age in enumerate((200, 10)):
        question = QuestionRecord(
            id=f"Q{number}", asked_at=now - age * DAY, person="T1/U1", text=f"what of {age}?"
        )
        archive.world.store.question_log.record(question, None)
    assert archive.remove(questions=90 * DAY) == {"questions": 1}
    assert "what of 200?" not in archive.everything()
    assert "what of 10?" in archive.everything()


def test_what_is_open_under_way_or_on_hold_is_kept(archive):
    world = archive.world
    assert archive.remove(cases=365 * DAY, hold=("EX-1",)) == {}
    assert archive.remove(cases=365 * DAY, hold=(world.store.cases.case("EX-1").kind,)) == {}
    with world.store.database.engine.begin() as connection:
        connection.execute(
            text("UPDATE outbox SET state = 'parked' WHERE case_id = 'EX-1' AND topic = 'card'")
        )
    assert archive.remove(cases=365 * DAY) == {}
    with world.store.database.engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET state = 'done'"))
        connection.execute(
            text("UPDATE cases SET undo_until = :later WHERE id = 'EX-1'"),
            {"later": (world.clock() + DAY).timestamp()},
        )
    assert archive.remove(cases=365 * DAY) == {}
    assert "cellar:77" in archive.everything()
    # EX-3 is open: no term reaches it.
    world.clock.forward(days=2)
    assert archive.remove(cases=timedelta(seconds=1)) == {"cases": 2}
    assert world.store.cases.case("EX-3").signal.title == "Malbec is low"


def test_a_run_that_was_killed_goes_on_and_counts_on(archive_of_both):
    archive = archive_of_both
    order = archive.order(cases=365 * DAY, signals=100 * DAY)
    run = archive.store.begin_run(order.now)
    assert archive.store.remove_batch(run, DataKind.SIGNALS, order) == 1
    assert archive.store.remove_batch(run, DataKind.CASES, order) == 1
    # Killed here. What there is holds, and nothing says that the run was complete.
    assert archive.verify()[0] == []
    assert replay(archive.world.store.database).differences == ()
    assert [record.is_complete for record in archive.records()] == [False]
    assert archive.store.begin_run(order.now) == run
    assert archive.remove(cases=365 * DAY, signals=100 * DAY) == {"signals": 1, "cases": 1}
    records = archive.records()
    assert [record.is_complete for record in records] == [False, True]
    assert {record.run for record in records} == {run}
    assert archive.remove(cases=365 * DAY, signals=100 * DAY) == {}
    assert len(archive.records()) == 2


def test_the_ledger_is_append_only_but_for_a_batch_that_binds_what_it_changes(archive_of_both):
    archive = archive_of_both
    archive.store.begin_run(archive.world.clock())
    with pytest.raises(Exception, match="append-only"):
        archive.world.store.database.write(
            lambda unit: unit.connection.execute(
                tables.ledger.update().where(tables.ledger.c.seq == 1).values(body=b"{}")
            )
        )


def test_memory_forgets_and_does_not_learn_it_again(archive):
    precedents = archive.world.store.precedents
    assert "EX-1.1" in precedents.by_id(["EX-1.1"])
    seq = precedents.last_place()
    archive.remove(cases=365 * DAY)
    assert precedents.by_id(["EX-1.1"]) == {}
    # Whatever follows changes hears that it is gone.
    (change,) = precedents.changes_since(seq)
    assert (change.precedent.id, change.is_gone, change.precedent.facts) == ("EX-1.1", True, {})
    for _ in precedents.rebuild():
        pass
    assert precedents.by_id(["EX-1.1"]) == {}
    assert precedents.count_missing() == 0


def test_slack_loses_the_card_and_it_is_never_posted_again(archive):
    archive.remove(cases=365 * DAY)
    world = archive.world
    world.work()
    assert world.chat.removed_cards == ["EX-1"]
    drawn = len(world.chat.cards["EX-1/1"])
    world.store.outbox.enqueue([card_message("EX-1", world.clock())])
    world.work()
    assert len(world.chat.cards["EX-1/1"]) == drawn


def test_what_is_there_is_told_with_its_age(archive):
    order = archive.order(cases=365 * DAY, signals=100 * DAY)
    held = {one.kind: one for one in archive.store.describe(order)}
    assert held[DataKind.CASES].overdue == 1
    assert held[DataKind.SIGNALS].overdue == 1
    assert held[DataKind.QUESTIONS].oldest_at is None
    ended_at = archive.world.store.cases.case("EX-1").ended_at
    assert held[DataKind.CASES].oldest_at == held[DataKind.CASES].overdue_since == ended_at
    archive.remove(cases=365 * DAY, signals=100 * DAY)
    held = {one.kind: one for one in archive.store.describe(order)}
    assert [one.overdue for one in held.values()] == [0, 0, 0]
    assert held[DataKind.CASES].oldest_at == archive.world.store.cases.case("EX-2").ended_at


FORGERIES = [
    ({"before": "2099-01-01T00:00:00Z"}, "removed before their term was over"),
    ({"terms": {"cases": 10**9}}, "removed before their term was over"),
]


@pytest.mark.parametrize(("changes", "finding"), FORGERIES)
def test_a_removal_before_the_term_is_a_finding(archive, changes, finding):
    archive.remove(cases=365 * DAY)
    entries = [json.loads(bytes(row.body)) for row in archive.world.store.ledger.rows()]
    record = next(entry for entry in entries if entry["type"] == "data.expired")
    record["body"].update(changes)
    findings = []
    verifier.check_expiries(entries, findings)
    assert finding in findings[0]


def test_what_was_removed_of_a_case_that_went_on_is_a_finding(archive):
    archive.remove(cases=365 * DAY)
    entries = [json.loads(bytes(row.body)) for row in archive.world.store.ledger.rows()]
    record = next(entry for entry in entries if entry["type"] == "data.expired")
    open_place = next(
        place for place, entry in enumerate(entries, start=1) if entry["case"] == "EX-3"
    )
    record["body"]["redactions"][0]["seq"] = open_place
    findings = []
    verifier.check_expiries(entries, findings)
    assert "EX-3: what it was about was removed, and it had not ended then" in findings[0]


def test_a_removal_by_a_policy_that_was_never_in_force_is_a_finding(archive):
    archive.world.desk.upkeep.rule_review.review()
    archive.remove(cases=365 * DAY)
    findings, _ = archive.verify()
    assert ["never in force" in finding for finding in findings] == [True]


def test_nobody_but_policy_removes_what_is_past_its_term(archive):
    archive.remove(cases=365 * DAY)
    path = archive.export("forged.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line["entry"] = line["entry"].replace("policy:aaaa", "operator:aaa")
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    findings, _, _ = verifier.verify(path)
    assert any("its content is not what its leaf was made of" in one for one in findings)
