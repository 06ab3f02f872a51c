"""Decoded cases are remembered, and are always those of the body that the database holds."""

from bot.cases.canonical import from_json, to_json
from bot.cases.case import Case
from bot.store.database import Database
from bot.store.decoded_cases import DecodedCases
from bot.store.store import Store
from tests.world import World


def test_a_body_is_decoded_once(world):
    case = world.proposed()
    decoded = DecodedCases()
    first = decoded.decode(case.id, to_json(case))
    assert first == case
    assert decoded.decode(case.id, to_json(case)) is first


def test_what_was_written_need_not_be_decoded(world):
    case = world.proposed()
    decoded = DecodedCases()
    decoded.add(to_json(case), case)
    assert decoded.decode(case.id, to_json(case)) is case


def test_another_body_is_another_case(world):
    case = world.proposed()
    decoded = DecodedCases()
    decoded.add(to_json(case), case)
    world.approve(case)
    later = world.case(case)
    assert later.version > case.version
    assert decoded.decode(case.id, to_json(later)) == later


def test_the_latest_are_remembered_and_no_more(world):
    case = world.proposed()
    decoded = DecodedCases(max_cases=2)
    bodies = {}
    for number in range(1, 5):
        body = to_json(case).replace('"EX-1"', f'"EX-{number}"')
        bodies[f"EX-{number}"] = body
        decoded.decode(f"EX-{number}", body)
    assert list(decoded._cases) == ["EX-3", "EX-4"]
    assert decoded.decode("EX-1", bodies["EX-1"]).id == "EX-1"


def test_what_another_process_writes_shows_at_once(world):
    """Two stores over one database, each with cases in memory."""
    database = Database(world.store.database.url)
    other = World(Store.over(database), outside=world)
    try:
        case = world.proposed()
        assert other.case(case) == case
        other.approve(case)
        assert world.case(case) == other.case(case)
        assert world.case(case).version > case.version
        world.work()
        assert other.case(case) == world.case(case)
    finally:
        database.close()


def test_a_decision_that_failed_leaves_no_case_behind(world):
    """Its case was remembered before it was to be written."""
    case = world.proposed()
    world.approve(case)
    world.work()
    after = world.case(case)
    body = to_json(after)
    assert from_json(Case, body) == after == world.store.cases.case(case.id)
