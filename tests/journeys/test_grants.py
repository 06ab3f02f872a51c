"""An approval of the next few like one, in Slack: given in the menu, counted on the card, stopped on Home."""

import json
import sqlite3

import pytest

from bot.audit.export import export
from bot.audit.verifier import verify
from bot.cases.lifecycle import State
from bot.demo.people import ANA
from handlers.cards import ids
from tests.journeys.harbour import harbour
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900), pytest.mark.proof]

KIND = "task_no_evidence"


@pytest.fixture
def town(tmp_path, emulator):
    with harbour(tmp_path, emulator) as running:
        yield running


def completed_tasks(town) -> list[int]:
    with sqlite3.connect(town.folder / "company.db") as connection:
        rows = connection.execute("SELECT id FROM tasks WHERE status = 'complete' ORDER BY id")
        return [row[0] for row in rows]


def status_of(town, task: int) -> str:
    with sqlite3.connect(town.folder / "company.db") as connection:
        return connection.execute("SELECT status FROM tasks WHERE id = ?", (task,)).fetchone()[0]


def sent(town, task: int) -> str:
    receipt = town.signal(
        key=f"task-{task}",
        kind=KIND,
        subject=f"task:{task}",
        title="A task without evidence",
        facts={"task_id": task},
    )
    return receipt["case"]


def raised(town, task: int):
    case_id = sent(town, task)
    wait_until(lambda: town.card(town.desk.store.cases.case(case_id)), "a card")
    return town.desk.store.cases.case(case_id)


def words_of(town, case) -> str:
    return json.dumps(town.card(case)["blocks"], ensure_ascii=False)


def test_the_next_ones_are_approved_in_the_menu_counted_on_the_card_and_stopped_on_home(town):
    # The detector of this kind finds cases of its own: they must not spend what is given below.
    town.settled()
    tasks = completed_tasks(town)
    first = raised(town, tasks.pop())
    town.press_current(ANA, first, ids.MORE, entry=ids.APPROVE_NEXT)
    town.until(lambda: town.window(ANA)["views"], "a form")
    town.submit(ANA, **{ids.COUNT: "4"})
    town.until(lambda: town.case(first).state is State.RESOLVED, "an outcome")
    assert "up to 4 more like it" in json.dumps(town.window(ANA)["views"])

    task = tasks.pop()
    second = raised(town, task)
    town.until(lambda: town.case(second).state is State.RESOLVED, "an outcome without a press")
    assert status_of(town, task) == "open"
    assert not town.case(second).was_auto_approved
    town.until(lambda: f"in advance with {first.id}" in words_of(town, second), "the approver")
    town.until(lambda: "1 of 4 more" in words_of(town, first), "the meter")
    for task in (tasks.pop(), tasks.pop()):
        sent(town, task)
    town.until(lambda: "3 of 4 more" in words_of(town, first), "the meter after two at once")
    assert "3 of 4 more" in json.dumps(town.home(ANA))

    (grant,) = town.desk.store.desk_controls.load().grants
    assert grant.id in json.dumps(town.home(ANA))
    town.press_home(ANA, ids.STOP_GRANT, grant.id)
    town.until(lambda: not town.desk.store.desk_controls.load().grants, "the end of it")
    town.until(lambda: ids.STOP_GRANT not in words_of(town, first), "the card without the button")
    last = raised(town, tasks.pop())
    assert town.case(last).state is State.PROPOSED

    export(town.desk.store.ledger, town.folder / "log.jsonl")
    assert verify(str(town.folder / "log.jsonl"))[0] == []
