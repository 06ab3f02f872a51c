"""Autonomy in Slack: earned by presses, decided on a card, lost with one press."""

import json
import re
import sqlite3

import pytest

from bot.cases.desk_kinds import stage_kind
from bot.cases.lifecycle import State
from bot.cases.policy import Stage
from bot.demo.people import ANA, BEN, ELSIE
from bot.settings import PACKAGED_LIBRARY
from handlers.cards import ids
from knowledge.library import copy_library
from tests.journeys.harbour import harbour
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900), pytest.mark.proof]

KIND, ACTION = "task_no_evidence", "house.reopen_task"
DECISIONS = 20
RULE = f"autonomy: {{decisions: {DECISIONS}, agreement: 0.8, window: 90d, alone_per_day: 5}}"


@pytest.fixture
def town(tmp_path, emulator):
    """The sample company, whose policy asks for fewer decisions."""
    library = tmp_path / "library"
    copy_library(PACKAGED_LIBRARY, library)
    policy = library / "policy.yml"
    text = re.sub(r"^autonomy: .*$", RULE, policy.read_text(), flags=re.MULTILINE)
    assert RULE in text
    policy.write_text(text)
    # Otherwise the sample company's own task would be decided among ours.
    playbook = library / "playbooks" / f"{KIND}.yml"
    text = re.sub(
        r"signal:\n.*?(?=^what:)", "", playbook.read_text(), flags=re.DOTALL | re.MULTILINE
    )
    playbook.write_text(text)
    folder = tmp_path / "data"
    folder.mkdir()
    with harbour(folder, emulator, COUNTERSIGN_LIBRARY_DIR=str(library)) as running:
        yield running


def completed_tasks(town) -> list[int]:
    with sqlite3.connect(town.folder / "company.db") as connection:
        rows = connection.execute("SELECT id FROM tasks WHERE status = 'complete' ORDER BY id")
        return [row[0] for row in rows]


def raised(town, task: int):
    """Return the case of a task, as soon as it has a card."""
    receipt = town.signal(
        key=f"task-{task}",
        kind=KIND,
        subject=f"task:{task}",
        title="A task without evidence",
        facts={"task_id": task},
    )
    case_id = receipt["case"]
    wait_until(lambda: town.card(town.desk.store.cases.case(case_id)), "a card")
    return town.desk.store.cases.case(case_id)


def status_of(town, task: int) -> str:
    with sqlite3.connect(town.folder / "company.db") as connection:
        return connection.execute("SELECT status FROM tasks WHERE id = ?", (task,)).fetchone()[0]


def stage(town) -> Stage:
    return town.desk.store.desk_controls.load().stage_of(KIND, ACTION, Stage.SUPERVISED)


def words_of(town, case) -> str:
    return json.dumps(town.card(case)["blocks"], ensure_ascii=False)


def test_autonomy_is_earned_decided_and_lost_in_slack(town):
    tasks = completed_tasks(town)
    for _ in range(DECISIONS):
        case = raised(town, tasks.pop())
        town.approve(ANA, case)
        town.until(lambda case=case: town.case(case).state is State.RESOLVED, "an outcome")

    # Nobody waits for the hour: the last press is looked at within seconds.
    promotion = town.the(stage_kind(KIND))
    assert town.desk.upkeep.review_kinds() == 0
    card = words_of(town, promotion)
    assert f"Of {DECISIONS} decisions it would have matched you {DECISIONS} times" in card
    assert "Open the task again" in card
    for code_name in (KIND, ACTION, "autonomous", "stage_of"):
        assert code_name not in re.sub(r'"(action_id|block_id|value)": "[^"]*"', "", card)

    # Whoever approves such tasks does not decide that nobody need be asked.
    town.approve(BEN, promotion)
    town.until(
        lambda: (
            "attempt.refused"
            in [entry.body.name for entry in town.desk.store.cases.entries(promotion.id)]
        ),
        "a refusal",
    )
    assert stage(town) is Stage.SUPERVISED
    town.approve(ELSIE, promotion)
    town.until(lambda: stage(town) is Stage.AUTONOMOUS, "the stage")

    task = tasks.pop()
    alone = raised(town, task)
    town.until(lambda: town.case(alone).state is State.RESOLVED, "an outcome without a press")
    assert town.case(alone).was_auto_approved
    assert status_of(town, task) == "open"
    town.until(lambda: ids.UNDO in words_of(town, alone), "an undo button")
    # The first ones that run alone are all reviewed, and a review asks for mistakes too.
    assert ids.REVIEW_WRONG in words_of(town, alone)

    town.press_current(ANA, alone, ids.UNDO)
    town.until(lambda: town.window(ANA)["views"], "a form")
    town.submit(ANA, **{ids.NOTE: "it was done, on paper"})
    town.until(lambda: stage(town) is Stage.SUPERVISED, "the stage to be taken back")
    town.until(lambda: status_of(town, task) == "complete", "the undo")
    town.until(
        lambda: any("it was done, on paper" in message["text"] for message in town.direct(ELSIE)),
        "the owner to be told",
    )

    again = raised(town, tasks.pop())
    assert town.case(again).state is State.PROPOSED
    answer = town.command(ELSIE, again.channel, "autonomy")
    assert answer is not None
    town.until(
        lambda: "None: a person decides every case" in str(town.whispers(ELSIE)), "an answer"
    )
    printed = json.loads(town.countersign("autonomy", "--json"))
    (line,) = [one for one in printed if (one["kind"], one["action"]) == (KIND, ACTION)]
    assert (line["stage"], line["decisions"], line["bad_cases"]) == ("supervised", 0, [alone.id])
