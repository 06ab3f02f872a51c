"""What is past its term is removed, and every proof still holds."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

import bot.audit.verifier as verifier
from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.audit.replay import replay
from bot.cases.entries import DataExpired, entry_of
from bot.cases.erasure import ERASED_TEXT, REMOVAL_PREFIX
from bot.cases.retention import DataKind, Retention
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
