"""Changed files in Slack: on a card, decided by the owners, in force without a restart."""

import json
import re

import pytest

from bot.cases.desk_kinds import RULES_KIND
from bot.cases.lifecycle import State
from bot.demo.people import ANA, BEN, ELSIE
from bot.settings import PACKAGED_LIBRARY
from knowledge.library import copy_library
from tests.journeys.harbour import harbour
from tests.journeys.test_autonomy import completed_tasks, raised, words_of
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900), pytest.mark.proof]

KIND = "task_no_evidence"
WIDE = "house.reopen_task: {times_per_day: 100, alone: true}"
NARROW = "house.reopen_task: {times_per_day: 1, alone: true}"


@pytest.fixture
def town(tmp_path, emulator):
    """The sample company, whose first policy lets one task a day be opened again."""
    library = tmp_path / "library"
    copy_library(PACKAGED_LIBRARY, library)
    playbook = library / "playbooks" / f"{KIND}.yml"
    text = re.sub(
        r"signal:\n.*?(?=^what:)", "", playbook.read_text(), flags=re.DOTALL | re.MULTILINE
    )
    playbook.write_text(text)
    folder = tmp_path / "data"
    folder.mkdir()
    rewrite(library, WIDE, NARROW)
    with harbour(folder, emulator, COUNTERSIGN_LIBRARY_DIR=str(library)) as running:
        yield running


def rewrite(library, old: str, new: str) -> None:
    path = library / "policy.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def restart(town, old: str, new: str) -> None:
    """Stop the bot, write another policy, and start it again."""
    town.close()
    rewrite(town.settings.library_dir, old, new)
    town.open()


def adopted(town) -> str:
    return town.desk.store.desk_controls.load().adopted_rules.on_case


def shown_status(town) -> dict:
    return json.loads(town.countersign("policy", "show", "--json"))


def is_refused(town, case) -> bool:
    return town.case(case).proposal.plan is None or town.case(case).state is State.REFERRED


def test_a_loosened_policy_waits_for_the_owners_and_a_tightened_one_does_not(town, tmp_path):
    assert adopted(town) == ""
    tasks = completed_tasks(town)
    first = raised(town, tasks.pop())
    town.approve(ANA, first)
    town.until(lambda: town.case(first).state is State.RESOLVED, "an outcome")
    assert is_refused(town, raised(town, tasks.pop()))

    restart(town, NARROW, WIDE)
    change = town.the(RULES_KIND)
    card = words_of(town, change)
    assert "policy.yml was changed: let it be in force?" in card
    assert "Open the task again, limits: once a day → 100 times a day" in card
    assert "would run alone" in card
    for code_name in ("reopen_task", RULES_KIND, change.signal.facts["checksum"]):
        assert code_name not in re.sub(r'"(action_id|block_id|value)": "[^"]*"', "", card)
    assert is_refused(town, raised(town, tasks.pop()))
    status = shown_status(town)
    assert (status["in_force"], status["case"]) == (False, change.id)

    town.approve(BEN, change)
    town.until(
        lambda: (
            "attempt.refused"
            in [entry.body.name for entry in town.desk.store.cases.entries(change.id)]
        ),
        "a refusal",
    )
    assert adopted(town) == ""
    town.approve(ELSIE, change)
    town.until(lambda: adopted(town) == change.id, "the policy to be in force")
    town.until(lambda: town.case(change).state is State.RESOLVED, "the end of the case")
    # Without a restart.
    let = raised(town, tasks.pop())
    town.until(lambda: town.case(let).state is State.PROPOSED, "a plan")
    assert shown_status(town)["in_force"]

    restart(town, WIDE, NARROW)
    assert is_refused(town, raised(town, tasks.pop()))
    wait_until(lambda: len(town.cases(RULES_KIND)) == 2, "a second case")
    town.close()
    town.countersign("ledger", "verify")
    town.open()
