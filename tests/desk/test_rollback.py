"""A backup is restored while the world has moved on: nothing runs, everybody is told, and nothing is done twice afterwards."""

import itertools
import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bot.audit.checkpoints import Checkpoints
from bot.audit.export import export
from bot.audit.replay import replay
from bot.audit.verifier import verify
from bot.cases.actor import Surface
from bot.cases.caller import Caller
from bot.cases.control_commands import Pause, Resume
from bot.cases.control_decisions import decide_controls
from bot.cases.entries import RejectReason
from bot.cases.errors import BadRequest, LedgerBroken, NotEligible, TooLate
from bot.cases.lifecycle import State
from bot.cases.plan import Idempotency
from bot.checkpoint_keeper import CheckpointKeeper
from bot.desk.rollback import RollbackWatch
from bot.store import tables
from bot.store.database import Database
from bot.store.store import Store
from bot.views.query import About, Ask, Query
from tests.conftest import _create
from tests.fakes.directory import principal
from tests.world import World, request

pytestmark = [pytest.mark.both_databases, pytest.mark.threat("A5")]


def watch_over(store: Store, compare, clock) -> RollbackWatch:
    return RollbackWatch(
        desk_controls=store.desk_controls,
        cases=store.cases,
        queries=store.queries,
        outbox=store.outbox,
        compare=compare,
        clock=clock,
    )


class Town:
    """One database that can be copied and put back, the systems of record that it cannot take back, and a witness."""

    def __init__(self, url: str, folder) -> None:
        self.url, self.folder = url, folder
        self.outside: World | None = None
        self.keys = itertools.count(1)
        self.open()

    def open(self) -> World:
        """The desk over the database as it is now; the outside is where it was."""
        self.world = World(Store.over(Database(self.url)), outside=self.outside)
        self.outside = self.world
        self.world._keys = self.keys
        self.world.clock.forward(seconds=1)
        store = self.world.store
        self.watch = watch_over(store, lambda: self.witness.compare(store.ledger), self.world.clock)
        return self.world

    @property
    def witness(self) -> Checkpoints:
        return Checkpoints(self.folder / "cp", "log")

    def sign(self):
        return self.witness.sign(self.world.store.ledger)

    def close(self) -> None:
        self.world.store.database.close()

    def back_up(self) -> str:
        """Copy the database as it is now."""
        self.close()
        copy = self._copy(self.url)
        self.open()
        return copy

    def restore(self, backup: str) -> World:
        """Put that copy in the place of the database, and open the desk over it."""
        self.close()
        self.url = self._copy(backup)
        return self.open()

    def _copy(self, url: str) -> str:
        name = f"b{uuid.uuid4().hex[:12]}"
        if url.startswith("sqlite"):
            shutil.copy(url.removeprefix("sqlite:///"), self.folder / f"{name}.db")
            return f"sqlite:///{self.folder / f'{name}.db'}"
        server, _, source = url.rpartition("/")
        _create(server, name, source)
        return f"{server}/{name}"

    def findings(self) -> tuple[list[str], list[str]]:
        remarks: list[str] = []
        export(self.world.store.ledger, self.folder / "log.jsonl")
        checkpoints = str(self.folder / "cp")
        found = verify(
            str(self.folder / "log.jsonl"), checkpoints, self.witness.public_key, remarks=remarks
        )[0]
        return found, remarks


@pytest.fixture
def town(empty_sqlite, tmp_path):
    shutil.copy(empty_sqlite, tmp_path / "town.db")
    place = Town(f"sqlite:///{tmp_path / 'town.db'}", tmp_path)
    yield place
    place.close()


@pytest.fixture
def either_town(database_url, tmp_path):
    """A town over each of the two databases."""
    place = Town(database_url, tmp_path)
    yield place
    place.close()


def names(store) -> list[str]:
    return [entry.body.name for entry in store.cases.entries("DESK")]


def pauses_as_answered(world) -> str:
    """What is paused, as a person is answered who asks."""
    query = Query(ask=Ask.WHEN, about=About.PAUSE)
    answer = world.desk.conversation.questions.answer_query(query, by=principal("ana"))
    return " ".join([answer.text, *answer.facts])


def carried_out_after_the_backup(town) -> tuple[str, str]:
    """One case that waits, one approved: both were carried out after the backup was made. Returns the backup and its head."""
    world = town.world
    for number in (1, 2):
        world.receive(world.signal(f"product:{number}"))
    world.work()
    world.approve(world.store.cases.case("EX-1"))
    town.sign()
    backup = town.back_up()
    world = town.world
    world.approve(world.store.cases.case("EX-2"))
    world.work()
    for number in range(3, 6):
        world.receive(world.signal(f"product:{number}", key=f"later {number}"))
    world.work()
    assert [world.store.cases.case(f"EX-{number}").state for number in (1, 2)] == [
        State.RESOLVED
    ] * 2
    assert len(world.house.effects) == 2
    town.sign()
    return backup


def test_nothing_runs_after_a_backup_is_restored_until_it_is_acknowledged(either_town):
    world = either_town.restore(carried_out_after_the_backup(either_town))
    standing = either_town.watch.check()
    assert (standing.is_behind, names(world.store)) == (True, ["ledger.behind"])
    world.approve(world.store.cases.case("EX-2"))
    for _ in range(5):
        world.clock.forward(minutes=2)
        world.work()
    assert [world.store.cases.case(f"EX-{number}").state for number in (1, 2)] == [
        State.APPROVED
    ] * 2
    assert len(world.house.effects) == 2


def test_what_was_carried_out_after_the_backup_is_found_and_not_done_again(either_town):
    world = either_town.restore(carried_out_after_the_backup(either_town))
    either_town.watch.check()
    world.approve(world.store.cases.case("EX-2"))
    either_town.watch.acknowledge("compared with the house", operator="root")
    world.work()
    for case_id in ("EX-1", "EX-2"):
        case = world.store.cases.case(case_id)
        assert (case.state, case.execution.steps[0].detail) == (State.RESOLVED, "found done")
    assert len(world.house.effects) == 2
    assert replay(world.store.database).differences == ()


def look_twice(world):
    """Work until what is not found has been looked for as often as it must be."""
    for _ in range(10):
        world.work()
        world.clock.forward(seconds=1)


def test_what_was_not_carried_out_is_done_once_it_was_looked_for(town):
    world = town.world
    case = world.proposed()
    world.approve(case)
    backup = town.back_up()
    town.world.receive(town.world.signal("product:9"))
    town.sign()
    world = town.restore(backup)
    town.watch.acknowledge("nothing was done", operator="root")
    look_twice(world)
    assert (world.store.cases.case(case.id).state, len(world.house.effects)) == (State.RESOLVED, 1)


def test_what_moved_meanwhile_is_asked_again_and_not_done(town):
    world = town.world
    case = world.proposed()
    world.approve(case)
    backup = town.back_up()
    town.world.receive(town.world.signal("product:9"))
    town.sign()
    world = town.restore(backup)
    world.house.facts = {**world.house.facts, "on_hand": 40}
    town.watch.acknowledge("stock has come", operator="root")
    look_twice(world)
    asked = world.store.cases.case(case.id)
    assert (asked.state, asked.proposal.revision, world.house.effects) == (State.PROPOSED, 2, [])


@pytest.mark.parametrize("idempotency", [Idempotency.NONE, Idempotency.MARKER])
def test_what_cannot_be_looked_for_waits_for_a_person(town, idempotency):
    town.world.house.idempotency = idempotency
    world = town.restore(carried_out_after_the_backup(town))
    if idempotency is Idempotency.MARKER:
        world.house.faults["verify"] = ["unknown"] * 99
    else:
        world.house.effects.clear()
    done = len(world.house.effects)
    town.watch.acknowledge("cannot be seen", operator="root")
    for _ in range(12):
        world.clock.forward(minutes=5)
        world.work()
    assert world.store.cases.case("EX-1").state is State.OUTCOME_UNKNOWN
    assert len(world.house.effects) == done


def test_what_was_taken_back_after_the_backup_is_not_taken_back_twice(town):
    from datetime import timedelta

    world = town.world
    world.house.undo_for = timedelta(hours=2)
    case = world.proposed()
    world.approve(case)
    world.work()
    backup = town.back_up()
    world = town.world
    world.desk.decisions.undo(
        request(case.id, principal("ana"), world.seen(case)), note="wrong shop"
    )
    world.work()
    town.sign()
    effects = list(world.house.effects)
    assert effects[1] == f"undo:{effects[0]}"
    world = town.restore(backup)
    town.watch.acknowledge("compared", operator="root")
    world.desk.decisions.undo(
        request(case.id, principal("ana"), world.seen(case)), note="wrong shop"
    )
    world.work()
    assert world.house.effects == effects
    assert world.store.cases.case(case.id).execution.steps[0].detail == "found undone"


def test_what_is_planned_after_the_restoration_is_carried_out_as_always(town):
    world = town.restore(carried_out_after_the_backup(town))
    town.watch.acknowledge("compared", operator="root")
    world.work()
    world.clock.forward(seconds=1)
    receipt = world.receive(world.signal("product:77"))
    world.work()
    world.approve(world.store.cases.case(receipt.case_id))
    world.work()
    assert world.store.cases.case(receipt.case_id).execution.steps[0].detail == "done"


def test_numbers_go_on_above_all_that_may_have_been_given(either_town):
    world = either_town.restore(carried_out_after_the_backup(either_town))
    either_town.watch.check()
    ids = [world.receive(world.signal(f"product:new {number}")).case_id for number in range(2)]
    assert ids == ["EX-1006", "EX-1007"]
    assert either_town.watch.acknowledge("compared", operator="root").is_behind is False
    assert world.receive(world.signal("product:last")).case_id == "EX-1008"
    world.work()
    assert replay(world.store.database).differences == ()


def test_a_witness_of_an_older_release_knows_no_numbers_and_the_entries_bound_them(town):
    import json

    backup = carried_out_after_the_backup(town)
    path = town.folder / "cp/witness.json"
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({name: stored[name] for name in ("number", "size", "peaks")}))
    world = town.restore(backup)
    own = world.store.ledger.head()[0]
    town.watch.check()
    assert (
        world.receive(world.signal("product:new")).case_id
        == f"EX-{2 + stored['size'] - own + 1000 + 1}"
    )


def test_it_is_written_once_however_many_processes_find_it(either_town):
    either_town.restore(carried_out_after_the_backup(either_town))
    watches, databases = [], []
    for _ in range(4):
        databases.append(Database(either_town.url))
        store = Store.over(databases[-1])
        watches.append(
            watch_over(
                store,
                lambda store=store: either_town.witness.compare(store.ledger),
                either_town.world.clock,
            ),
        )
    with ThreadPoolExecutor(4) as many:
        standings = list(many.map(lambda watch: watch.check(), watches))
    for database in databases:
        database.close()
    assert all(standing.is_behind for standing in standings)
    assert names(either_town.world.store) == ["ledger.behind"]


def test_everybody_is_told(town):
    world = town.restore(carried_out_after_the_backup(town))
    town.watch.check()
    world.work()
    sentence = "the ledger is older than what was signed: a backup was restored"
    assert sentence in world.chat.looks["EX-2"].pause_reason
    app_home = world.desk.screens.app_home
    (pause,) = app_home.compose(principal("ana"), app_home._parse_filter("")).pauses
    assert sentence in pause.description
    due = world.clock().timestamp()
    from datetime import UTC, datetime

    digest = world.desk.screens.digests.compose(
        key="digest:C0STOCK:1",
        place="C0STOCK",
        due=datetime.fromtimestamp(due, UTC),
        live_list=None,
    )
    assert sentence in digest.pauses[0]
    assert sentence in pauses_as_answered(world)


def test_every_open_card_is_drawn_anew_whatever_the_backup_remembers_of_it(town):
    world = town.world
    case = world.proposed()
    world.receive(world.signal("product:2"))
    world.desk.decisions.reject(
        request(case.id, principal("ana"), world.seen(case)), reason=RejectReason.WRONG_PLAN
    )
    world.work()
    backup = town.back_up()
    town.world.receive(town.world.signal("product:9"))
    town.sign()
    world = town.restore(backup)
    world.chat.cards.clear()
    town.watch.check()
    world.work()
    assert list(world.chat.cards) == ["EX-2/1"]


def test_nobody_resumes_it_from_slack(town):
    world = town.restore(carried_out_after_the_backup(town))
    town.watch.check()
    with pytest.raises(NotEligible, match="countersign ledger acknowledge"):
        world.desk.controls.resume("", by=principal("elsie"), surface=Surface.SLACK)
    world.desk.controls.pause("", by=principal("ben"), reason="also by hand", surface=Surface.SLACK)
    world.desk.controls.resume("", by=principal("elsie"), surface=Surface.SLACK)
    assert world.store.desk_controls.load().is_behind


def test_acknowledging_says_what_was_compared_and_is_for_a_restored_backup_only(town):
    world = town.restore(carried_out_after_the_backup(town))
    with pytest.raises(BadRequest, match="say what you compared"):
        town.watch.acknowledge("  ", operator="root")
    town.watch.acknowledge("compared with the house", operator="root")
    entry = world.store.cases.entries("DESK")[-1]
    assert (str(entry.actor), entry.surface, entry.body.note) == (
        "operator:root",
        "command line",
        "compared with the house",
    )
    with pytest.raises(TooLate, match="nothing to acknowledge"):
        town.watch.acknowledge("again", operator="root")


def test_nothing_is_signed_before_it_is_acknowledged_and_then_the_note_says_so(town):
    world = town.restore(carried_out_after_the_backup(town))
    before = sorted(path.name for path in (town.folder / "cp").glob("*.note"))
    with pytest.raises(LedgerBroken, match="entries were taken away"):
        town.sign()
    assert any("entries were cut off" in finding for finding in town.findings()[0])
    town.watch.acknowledge("compared with the house", operator="root")
    world.work()
    signed = town.sign()
    assert [path.name for path in sorted((town.folder / "cp").glob("*.note"))][:-1] == before
    (line,) = [line for line in signed.note.splitlines() if line.startswith("restored ")]
    assert line.split()[1] == before[-1].partition("-")[2].removesuffix(".note")
    world.receive(world.signal("product:after"))
    town.sign()
    findings, (remark,) = town.findings()
    assert findings == []
    assert "that were signed once are gone" in remark
    assert "root" in remark
    assert "compared with the house" in remark
    assert town.watch.check().is_behind is False


def test_a_ledger_that_went_on_after_the_restoration_is_seen_too(town):
    """The bot of an older release, or one without its checkpoints, ran on the restored backup: it is long enough, and another."""
    world = town.restore(carried_out_after_the_backup(town))
    for number in range(30):
        world.receive(world.signal(f"product:other {number}"))
    world.work()
    assert town.watch.check().is_behind
    assert "was restored" in pauses_as_answered(world)
    town.watch.acknowledge("compared", operator="root")
    town.sign()
    findings, remarks = town.findings()
    assert (findings, len(remarks)) == ([], 1)


def test_a_second_backup_is_a_second_time(town):
    backup = carried_out_after_the_backup(town)
    town.restore(backup)
    town.watch.acknowledge("first", operator="root")
    town.sign()
    later = town.back_up()
    for number in range(3):
        town.world.receive(town.world.signal(f"product:third {number}"))
    town.sign()
    for again, entries in ((backup, 1), (later, 3)):
        world = town.restore(again)
        assert town.watch.check().is_behind
        assert len(names(world.store)) == entries
        town.watch.acknowledge("again", operator="root")
        town.sign()
        assert town.findings()[0] == []
        world.receive(world.signal(f"product:{uuid.uuid4().hex}"))
        town.sign()
        assert town.findings()[0] == []


def test_the_verifier_accepts_no_step_back_that_was_not_acknowledged(town):
    """The same notes over a ledger without the entry that acknowledges: it stays the finding that it was."""
    world = town.restore(carried_out_after_the_backup(town))
    town.watch.acknowledge("compared", operator="root")
    with world.store.database.read() as connection:
        body = connection.execute(sa.select(tables.controls.c.body)).scalar_one()
    assert '"acknowledged_by":"root"' in body
    town.sign()
    notes = sorted((town.folder / "cp").glob("*.note"))
    text = notes[-1].read_text()
    checkpoints = town.witness
    for line, finding in (
        ("restored 1 AAAA 0", "does not name the note before it"),
        (text.splitlines()[3].replace("restored", "regained"), "the log went back"),
    ):
        size, root = text.splitlines()[1:3]
        tree_text = f"log\n{size}\n{root}\n{line}\n"
        notes[-1].write_text(_signed(checkpoints, tree_text))
        assert any(finding in found for found in town.findings()[0]), line
    notes[-1].write_text(text)
    assert town.findings()[0] == []


def _signed(checkpoints, text: str) -> str:
    import base64

    signature = base64.b64encode(
        checkpoints._key_id(checkpoints.raw_public_key) + checkpoints._key.sign(text.encode())
    ).decode()
    return f"{text}\n— log {signature}\n"


def test_the_verifier_finds_a_step_that_was_begun_in_between(town):
    """Whoever writes to the database past the desk."""
    world = town.restore(carried_out_after_the_backup(town))
    town.watch.check()
    case = world.store.cases.case("EX-1")
    from bot.cases.commands import LookFirst
    from bot.cases.decide import decide
    from bot.ports.case_store import Change

    decision = decide(case, LookFirst(0), world.clock())
    world.store.cases.commit(Change(before=case, entries=decision.entries, after=decision.case))
    export(world.store.ledger, town.folder / "log.jsonl")
    found = verify(str(town.folder / "log.jsonl"))[0]
    assert any("nobody had acknowledged that a backup was restored" in finding for finding in found)


def test_an_honest_ledger_is_not_behind(town):
    world = town.world
    assert town.watch.check().is_behind is False
    for number in range(3):
        world.receive(world.signal(f"product:{number}"))
        town.sign()
        assert town.watch.check().is_behind is False
    assert names(world.store) == []


def test_pausing_and_resuming_go_on_as_before(town):
    """Old standings, written before there were rollbacks, are read as they were."""
    world = town.world
    standing = replace(world.store.desk_controls.load())
    carla = Caller(
        person=world.people.person(principal("carla")),
        surface=Surface.SLACK,
        governors=frozenset({principal("carla")}),
    )
    pause = decide_controls(standing, Pause(carla, "", "a reason"), world.clock())
    after = world.store.desk_controls.save(pause)
    assert [pause.scope for pause in after.holds] == [""]
    resumption = decide_controls(after, Resume(carla, ""), world.clock())
    assert world.store.desk_controls.save(resumption).holds == ()


def test_no_more_is_called_the_same_than_what_was_signed_proves(town):
    """Between two notes nobody can tell what the lost ledger held: it is not said to be the same."""
    world = town.world
    for number in range(5):
        world.receive(world.signal(f"product:{number}"))
    proved = town.sign().size
    world.receive(world.signal("product:not yet signed"))
    backup = town.back_up()
    for number in range(20):
        town.world.receive(town.world.signal(f"product:later {number}"))
    town.sign()
    world = town.restore(backup)
    town.watch.check()
    body = world.store.cases.entries("DESK")[-1].body
    assert (body.own_size, body.common_size) == (proved + 1, proved)


def test_the_job_that_signs_sees_it_while_the_bot_runs_and_says_it_once(town, caplog):
    world = town.restore(carried_out_after_the_backup(town))
    keeper = CheckpointKeeper(town.watch, town.witness, world.store)
    for _ in range(3):
        keeper.sign()
    said = [record for record in caplog.records if "a backup was restored" in record.message]
    assert (len(said), world.store.desk_controls.load().is_behind, names(world.store)) == (
        1,
        True,
        ["ledger.behind"],
    )
    town.watch.acknowledge("compared", operator="root")
    keeper.sign()
    assert town.findings()[0] == []


def test_a_witness_that_cannot_be_read_stops_nobody_and_is_said(town, caplog):
    town.world.receive()
    town.sign()
    (town.folder / "cp/witness.json").write_text("{")
    keeper = CheckpointKeeper(town.watch, town.witness, town.world.store)
    keeper.start()
    keeper.sign()
    assert any("put it back from a backup" in record.message for record in caplog.records)
    assert not town.world.store.desk_controls.load().is_behind


def test_a_restored_backup_pauses_also_where_nothing_shows_what_it_lacks(small_world):
    """On another machine, or before anything was signed after the backup."""
    small_world.receive()
    watch = watch_over(small_world.store, lambda: None, small_world.clock)
    assert not watch.check().is_behind
    assert watch.record_restore(1, "root").is_behind
    # Whoever restores it twice says it once.
    assert len(watch.record_restore(1, "root").rollbacks) == 1
    number = int(small_world.receive(small_world.signal("product:2")).case_id[3:])
    assert number > 1_000
    assert not watch.acknowledge("compared", operator="root").is_behind
