"""Buttons of a card; those of one that is out of date decide nothing."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.cases.lifecycle import State
from bot.desk.message_cleanup import MessageCleanup
from bot.store import tables
from bot.store.cases import SqlCaseStore
from bot.store.database import Database
from handlers.cards import ids
from handlers.cards.case_card import case_card
from tests.cases.making import with_fields
from tests.fakes.directory import principal
from tests.handlers.slack.conftest import receiver_of
from tests.handlers.slack.requests import post_signed, press_body
from tests.metric_samples import sample
from tests.store.rows import rows_of
from tests.world import request

BUTTONS = [
    ids.APPROVE,
    ids.REJECT,
    ids.TRY_AGAIN,
    ids.RESOLVE,
    ids.SETTLE,
    ids.EDIT,
    ids.CLAIM,
    ids.WAKE,
    ids.NOVEL,
]


@pytest.mark.threat("A1")
@pytest.mark.parametrize("action", BUTTONS)
def test_a_button_of_an_earlier_release_decides_nothing_and_its_card_is_drawn_again(
    receiver, action
):
    world = receiver.world
    case = world.proposed()
    before = len(world.chat.cards["EX-1/1"])
    body = press_body(case, action=action, value=f"{case.id}:{case.proposal.revision}")
    assert post_signed(receiver, body).status_code == 200
    refusal = world.store.cases.entries(case.id)[-1].body
    assert (refusal.name, refusal.code) == ("attempt.refused", "superseded")
    assert "drawn by an earlier release" in refusal.reason
    assert (world.case(case).state, world.case(case).proposal.approvals) == (State.PROPOSED, ())
    world.work()
    assert len(world.chat.cards["EX-1/1"]) == before + 1


def test_a_press_on_a_card_is_acknowledged_when_it_is_durable(receiver, monkeypatch):
    world, submit = receiver.world, SqlCaseStore.submit
    case, writes = world.proposed(), []

    def submit_and_note(self, *arguments, **options):
        writes.append(submit(self, *arguments, **options))
        return writes[-1]

    monkeypatch.setattr(SqlCaseStore, "submit", submit_and_note)
    card = world.store.cards.cards(case.id)[0]
    monkeypatch.setattr(MessageCleanup, "stray", lambda *_, **__: None)
    assert post_signed(receiver, press_body(case, block=f"case:{card.ts}")).status_code == 200
    assert [write.done() for write in writes] == [True]
    assert world.case(case).state is State.APPROVED


def test_a_press_that_came_second_is_judged_again_and_told_so(receiver, monkeypatch):
    """Also where the first has come between its reading and its writing."""
    world, submit = receiver.world, SqlCaseStore.submit
    case = world.proposed()
    monkeypatch.setattr(MessageCleanup, "stray", lambda *_, **__: None)

    def submit_second(self, *arguments, **options):
        monkeypatch.undo()
        monkeypatch.setattr(MessageCleanup, "stray", lambda *_, **__: None)
        ana = request(case.id, principal("ana"), world.seen(case))
        world.desk.decisions.approve(ana)
        return submit(self, *arguments, **options)

    monkeypatch.setattr(SqlCaseStore, "submit", submit_second)
    assert post_signed(receiver, press_body(case, block="case:1")).status_code == 200
    assert world.entry_names(case).count("approval.given") == 1
    assert world.entry_names(case)[-1] == "attempt.refused"


def test_a_press_reads_the_store_once_and_writes_once(receiver, monkeypatch):
    fetch, write = Database.fetch, Database.write
    case, accesses = receiver.world.proposed(), []

    def fetch_and_note(self, *arguments):
        accesses.append("read")
        return fetch(self, *arguments)

    def write_and_note(self, *arguments, **options):
        accesses.append("write")
        return write(self, *arguments, **options)

    monkeypatch.setattr(Database, "fetch", fetch_and_note)
    monkeypatch.setattr(Database, "write", write_and_note)
    assert post_signed(receiver, press_body(case)).status_code == 200
    assert accesses == ["read", "write"]
    monkeypatch.undo()
    assert receiver.world.case(case).state is State.APPROVED


def test_a_press_on_wake_now_ends_the_snooze_once(receiver):
    world = receiver.world
    case = world.proposed()
    until = world.clock() + timedelta(hours=5)
    ana = request(case.id, principal("ana"), world.seen(case))
    snoozed = world.desk.decisions.snooze(ana, until=until, reason="later")
    assert ids.WAKE in json.dumps(case_card(snoozed))
    for _ in range(2):
        press = press_body(snoozed, action=ids.WAKE)
        assert post_signed(receiver, press).status_code == 200
    names = world.entry_names(case)
    assert names[-3:] == ["case.snoozed", "case.woken_early", "attempt.refused"]
    world.work()
    assert world.case(case).state is State.PROPOSED


@pytest.mark.threat("A5")
def test_a_button_of_another_plan_under_the_same_number_decides_nothing(receiver):
    """After a backup was restored, its ids are given to other cases."""
    world = receiver.world
    world.house.rows[0]["quantity"] = 30
    case = world.proposed()
    other = with_fields(case, plan=replace(case.proposal.plan, playbook="another"))
    assert post_signed(receiver, press_body(other)).status_code == 200
    refusal = world.store.cases.entries(case.id)[-1].body
    assert (refusal.name, refusal.reason) == (
        "attempt.refused",
        "that card shows another plan than EX-1 has now; look at its card again",
    )
    assert world.case(case).proposal.approvals == ()


def test_details_that_are_opened_are_recorded_of_the_plan_where_that_is_agreed(
    agreeable_slack, small_world
):
    small_world.waits["is_health_shown"] = True
    small_world.start("")
    receiver = receiver_of(agreeable_slack, small_world)
    case = small_world.proposed()
    assert post_signed(receiver, press_body(case, action=ids.DETAILS)).status_code == 200
    (row,) = rows_of(small_world.store, tables.details_openings)
    assert (row.case_id, row.revision) == (case.id, 1)
    assert small_world.case(case) == case


def test_details_that_are_opened_are_counted_by_kind_and_written_nowhere(receiver):
    world = receiver.world
    case = world.proposed()
    before = sample("countersign_details_opened_total", kind="low_stock")
    body = press_body(case, action=ids.DETAILS)
    assert post_signed(receiver, body).status_code == 200
    assert sample("countersign_details_opened_total", kind="low_stock") == before + 1
    assert world.case(case) == case
    assert rows_of(world.store, tables.details_openings) == []
