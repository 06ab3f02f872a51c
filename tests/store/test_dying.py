"""Kill -9 of an erasure and of the retention job: run again, they end complete, and nothing is half done."""

import json

import pytest
from sqlalchemy import select

from bot.audit.replay import replay
from bot.cases.entries import DataErased, DataExpired, entry_of
from bot.store import tables
from tests.store.dying import NEVER, run_until_killed
from tests.store.test_erasures import NAMES, Guests
from tests.store.test_retention import WORDS, Archive

pytestmark = [pytest.mark.proof, pytest.mark.threat("A5")]


def traces(scene, words) -> list[str]:
    rest = scene.everything()
    return [word for word in words if word in rest]


def is_recorded_as_complete(scene, body_type) -> bool:
    rows = scene.world.store.ledger.rows()
    bodies = [entry_of(json.loads(bytes(row.body))).body for row in rows]
    return any(isinstance(body, body_type) and body.is_complete for body in bodies)


def kill_at_every_point(scene, words, body_type, run) -> int:
    """Kill it at one point after the other until it ends. Return how often it was killed."""
    for fatal in range(1, NEVER):
        is_killed = run(fatal) != 0
        assert scene.verify()[0] == []
        assert replay(scene.world.store.database).differences == ()
        if traces(scene, words):
            assert not is_recorded_as_complete(scene, body_type)
        if not is_killed:
            return fatal - 1
    raise AssertionError("it never came to its end")


def test_an_erasure_that_is_killed_at_every_point_ends_complete(world, tmp_path):
    guests = Guests(world, tmp_path)
    environment = {
        "COUNTERSIGN_DATABASE_URL": world.store.database.url,
        "COUNTERSIGN_DATA_DIR": str(tmp_path / "data"),
        # The world plays in a later year than the database's clock.
        "COUNTERSIGN_CHECKPOINTS_DIR": str(tmp_path / "own checkpoints"),
    }

    def run(fatal):
        return run_until_killed("erase", fatal, "guest:17", environment=environment)

    assert kill_at_every_point(guests, NAMES, DataErased, run) >= 9
    assert traces(guests, NAMES) == []
    assert is_recorded_as_complete(guests, DataErased)
    with world.store.database.read() as connection:
        states = connection.execute(select(tables.erasures.c.state)).scalars().all()
    assert states == ["complete"]


def test_a_run_of_retention_that_is_killed_at_every_point_ends_complete(world, tmp_path):
    archive = Archive(world, tmp_path)
    arguments = (world.store.database.url, world.clock().isoformat())

    def run(fatal):
        return run_until_killed("remove", fatal, *arguments)

    assert kill_at_every_point(archive, WORDS, DataExpired, run) >= 9
    assert traces(archive, WORDS) == []
    records = archive.records()
    assert [record.is_complete for record in records] == [False, True]
    assert records[-1].counts == {"signals": 1, "cases": 1}
    with world.store.database.read() as connection:
        assert connection.execute(select(tables.removals)).all() == []
