"""The columns of a case are the fold of its ledger entries, in every state that it can have."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from bot.audit.replay import replay
from bot.cases.canonical import from_json
from bot.cases.case import Case
from bot.cases.entries import StepState
from bot.cases.evolve import fold
from bot.cases.lifecycle import TERMINAL, State
from bot.cases.plan import Idempotency
from bot.ports.outbox import Topic
from bot.store import tables
from bot.store.projection import MAX_SEARCH_TEXT, case_row, search_text
from tests.cases.making import opened
from tests.fakes.directory import principal
from tests.store.rows import rows_of
from tests.store.states import STORED, bring_to
from tests.world import request

ANA, FINN = principal("ana"), principal("finn")


def row_of(world, case_id):
    """The row of one case, by column."""
    query = sa.select(tables.cases).where(tables.cases.c.id == case_id)
    (row,) = world.store.database.fetch(query)
    return dict(row._mapping)


@pytest.mark.parametrize("state", STORED, ids=lambda state: state.name)
def test_every_column_is_what_the_fold_of_the_entries_gives(world, state):
    case_id = bring_to(world, state)
    case_of_ledger = fold(world.store.cases.entries(case_id))
    row = row_of(world, case_id)
    assert row == case_row(case_of_ledger)
    assert from_json(Case, row["body"]) == case_of_ledger == world.store.cases.case(case_id)
    assert (row["state"], row["version"]) == (state.code, len(world.entry_names(case_of_ledger)))
    assert replay(world.store.database).differences == ()


@pytest.mark.parametrize("state", STORED, ids=lambda state: state.name)
def test_the_columns_of_time_follow_the_state(small_world, state):
    row = row_of(small_world, bring_to(small_world, state))
    assert (row["ended_at"] is not None) is (state in TERMINAL)
    decided_states = {State.APPROVED, State.RUNNING, State.OUTCOME_UNKNOWN, State.RESOLVED}
    assert (row["decided_at"] is not None) is (state in decided_states | {State.REJECTED})
    assert row["opened_at"] <= small_world.clock().timestamp()
    assert row["decide_by"] > row["opened_at"]


@pytest.mark.parametrize(
    ("state", "groups"),
    [
        (State.PROPOSED, "floor-managers"),
        (State.REFERRED, "floor-managers"),
        (State.OUTCOME_UNKNOWN, "floor-managers"),
        (State.OPEN, ""),
        (State.SNOOZED, ""),
        (State.APPROVED, ""),
        (State.RUNNING, ""),
        (State.RESOLVED, ""),
    ],
    ids=lambda value: getattr(value, "name", value or "nobody"),
)
def test_whoever_must_act_stands_between_blanks(small_world, state, groups):
    row = row_of(small_world, bring_to(small_world, state))
    assert row["waits_on"] == f" {groups} "


def test_a_case_in_a_persons_hands_waits_on_them_too(world):
    case = world.proposed()
    world.desk.decisions.hand_over(
        request(case.id, ANA, world.seen(case)), to=FINN, progress="looked", remains="decide"
    )
    row = row_of(world, case.id)
    assert row["waits_on"].split() == ["floor-managers", FINN]
    assert row["owner"] == FINN


def test_the_columns_that_are_set_once_stay_whatever_happens(world):
    fixed = ("id", "number", "source", "fingerprint", "opened_at")
    case_id = bring_to(world, State.OPEN)
    before = row_of(world, case_id)
    world.work()
    world.clock.forward(hours=1)
    world.approve(world.store.cases.case(case_id))
    world.work()
    after = row_of(world, case_id)
    assert {name: after[name] for name in fixed} == {name: before[name] for name in fixed}
    assert after["version"] > before["version"]


def test_of_equal_deadlines_the_larger_stake_ranks_first(small_world):
    row = small_world.house.rows[0]
    ranks = []
    for number, at_risk in enumerate((10, 10_000, None)):
        small_world.house.rows = [{**row, "at_risk": at_risk}]
        small_world.receive(small_world.signal(f"product:{number}"))
        small_world.work()
        ranks.append(row_of(small_world, f"EX-{number + 1}")["rank"])
    small, large, unknown = ranks
    assert large < small < unknown
    assert row_of(small_world, "EX-3")["stake"] is None


# --- search -------------------------------------------------------------------------------------


def test_a_case_is_found_by_its_title_subject_account_evidence_and_plan(small_world):
    case = small_world.proposed()
    words = row_of(small_world, case.id)["words"]
    for text in ("merlot is running low", "product 1", "4 left", "hand", "order"):
        assert all(f" {word}" in words for word in text.split())
    assert words == words.casefold()


def test_search_text_is_bounded_and_has_each_word_once_after_a_blank():
    numbers = " ".join(map(str, range(2_000)))
    text = search_text(opened(title=f"Straße \n\t  très très-long {numbers}"))
    assert len(text) == MAX_SEARCH_TEXT
    assert text.startswith(" strasse tres long 0 1 2 ")
    assert "  " not in text


def test_search_text_does_not_depend_on_the_order_in_which_facts_came():
    facts = {"vendor": "Dockside Fish", "amount": 2660, "ends": "2026-12-28"}
    in_other_order = dict(sorted(facts.items()))
    assert search_text(opened(facts=facts)) == search_text(opened(facts=in_other_order))


def test_a_whole_number_is_found_as_it_is_typed():
    text = search_text(opened(facts={"cost": 2660.0, "rise": 0.5, "none": -0.0}))
    assert text == search_text(opened(facts={"cost": 2660, "rise": 0.5, "none": 0}))
    assert " 2660 " in text


# --- steps --------------------------------------------------------------------------------------


def effects(world):
    return rows_of(world.store, tables.effects)


def test_a_step_that_begins_has_a_row_with_its_day_target_and_amount(world):
    case = world.proposed()
    world.approve(case)
    world.work()
    (row,) = effects(world)
    assert (row.case_id, row.revision, row.step) == (case.id, 1, 0)
    assert (row.action, row.target) == ("house.order_stock", "order_stock:1")
    assert (row.day, row.at) == ("2026-11-21", world.clock().timestamp())
    assert (Decimal(str(row.amount)), row.outcome) == (Decimal(100), "LANDED")


def test_a_step_without_money_counts_nothing(world):
    world.house.amount = None
    world.approve(world.proposed())
    world.work()
    (row,) = effects(world)
    assert Decimal(str(row.amount)) == 0


@pytest.mark.parametrize(
    ("faults", "outcome"),
    [
        ({}, StepState.LANDED.name),
        ({"execute": ["refuse"]}, StepState.FAILED.name),
        ({"execute": ["lost before"], "verify": ["unknown"] * 9}, ""),
        ({"execute": ["moved"]}, ""),
    ],
    ids=["landed", "refused", "in doubt", "did not happen"],
)
def test_only_a_certain_outcome_is_one(world, faults, outcome):
    case = world.proposed()
    world.house.faults = {verb: list(names) for verb, names in faults.items()}
    world.approve(case)
    (message,) = world.store.outbox.claim([Topic.EXECUTE], 1, world.clock(), 30)
    world.lane.handle(message)
    assert [row.outcome for row in effects(world)] == [outcome]


@pytest.mark.parametrize(("has_landed", "outcome"), [(True, "LANDED"), (False, "FAILED")])
def test_a_persons_word_settles_the_outcome(world, has_landed, outcome):
    world.house.idempotency = Idempotency.NONE
    case_id = bring_to(world, State.OUTCOME_UNKNOWN)
    world.desk.decisions.settle(
        request(case_id, ANA, world.seen(case_id)), has_landed=has_landed, note="looked"
    )
    assert [row.outcome for row in effects(world)] == [outcome]


def test_a_step_that_is_undone_has_landed_all_the_same(world):
    world.house.undo_for = timedelta(hours=2)
    case_id = bring_to(world, State.RESOLVED)
    world.desk.decisions.undo(request(case_id, ANA, world.seen(case_id)), note="wrong shop")
    world.work()
    assert [row.outcome for row in effects(world)] == ["LANDED"]


# --- people -------------------------------------------------------------------------------------


def test_everybody_who_raised_owned_or_acted_is_a_party_once(world):
    world.receive(world.signal(requester=FINN))
    world.work()
    case = world.store.cases.case("EX-1")
    for giver, taker in ((ANA, FINN), (FINN, ANA), (ANA, FINN)):
        world.desk.decisions.hand_over(
            request(case.id, giver, world.seen(case)), to=taker, progress="none", remains="all"
        )
    people = {row.person for row in rows_of(world.store, tables.case_people)}
    assert {ANA, FINN} <= people
    assert people == set(world.case(case).activity.people)


def test_a_line_of_the_ledger_is_canonical_json_of_its_entry(world):
    case = world.proposed()
    lines = [bytes(row.body) for row in world.store.ledger.rows()]
    names = [json.loads(line)["type"] for line in lines]
    assert names == world.entry_names(case)
    for line in lines:
        plain = json.loads(line)
        canonical = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        assert json.loads(canonical) == plain
        assert b"\n" not in line
