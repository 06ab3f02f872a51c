"""A standing rule in Slack: distilled from presses, decided on a card, ended by one mistake."""

import json
import re
import sqlite3

import pytest

from bot.cases.desk_kinds import standing_rule_kind
from bot.cases.lifecycle import State
from bot.demo.people import ANA, BEN, ELSIE
from bot.settings import PACKAGED_LIBRARY
from handlers.cards import ids
from knowledge.library import copy_library
from tests.journeys.harbour import harbour
from tests.journeys.test_autonomy import raised, status_of, words_of

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900), pytest.mark.proof]

KIND, ACTION = "task_no_evidence", "house.reopen_task"
YESES = 6
RULES = f"standing_rules: {{yeses: {YESES}, disuse: 30d}}"


@pytest.fixture
def town(tmp_path, emulator):
    """The sample company, whose policy asks for few approvals."""
    library = tmp_path / "library"
    copy_library(PACKAGED_LIBRARY, library)
    policy = library / "policy.yml"
    text = re.sub(r"^standing_rules: .*$", RULES, policy.read_text(), flags=re.MULTILINE)
    assert RULES in text
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


def rules(town):
    return town.desk.store.desk_controls.load().standing_rules


def alike(town, number: int) -> int:
    """Add a completed task without evidence, like all the others of this test."""
    with sqlite3.connect(town.folder / "company.db") as connection:
        connection.row_factory = sqlite3.Row
        row = dict(connection.execute("SELECT * FROM tasks WHERE status = 'complete'").fetchone())
        # What needs no evidence is not counted among that person's tasks without any.
        row |= {"id": 9000 + number, "needs_evidence": 0}
        names = ", ".join(row)
        marks = ", ".join("?" for _ in row)
        connection.execute(f"INSERT INTO tasks ({names}) VALUES ({marks})", tuple(row.values()))
    return row["id"]


def elsewhere(town) -> int:
    """Return a completed task of another venue."""
    with sqlite3.connect(town.folder / "company.db") as connection:
        (task,) = connection.execute(
            "SELECT id FROM tasks WHERE status = 'complete' AND venue_id !="
            " (SELECT venue_id FROM tasks WHERE id = 9000) ORDER BY id LIMIT 1"
        ).fetchone()
    return task


def drafted(town):
    """Let Ana approve a few tasks alike, and return the case of the draft."""
    for number in range(YESES):
        case = raised(town, alike(town, number))
        town.approve(ANA, case)
        town.until(lambda case=case: town.case(case).state is State.RESOLVED, "an outcome")
    assert town.desk.upkeep.standing_rules.review() == 1
    return town.the(standing_rule_kind(KIND))


def adopt(town, draft) -> None:
    town.approve(ELSIE, draft)
    town.until(lambda: len(rules(town)) == 1, "the rule")
    town.until(lambda: town.case(draft).state is State.RESOLVED, "the outcome of the draft")


def test_a_rule_is_distilled_decided_and_lost_in_slack(town):
    draft = drafted(town)
    card = words_of(town, draft)
    assert "Open the task again" in card
    assert f"People approved {YESES} such plans as they were" in card
    assert f"it would have taken {YESES} of" in card
    for code_name in (KIND, ACTION, "rule_of", "facts."):
        assert code_name not in re.sub(r'"(action_id|block_id|value)": "[^"]*"', "", card)

    # Whoever approves such tasks does not decide that nobody need be asked.
    town.approve(BEN, draft)
    town.until(
        lambda: (
            "attempt.refused"
            in [entry.body.name for entry in town.desk.store.cases.entries(draft.id)]
        ),
        "a refusal",
    )
    assert rules(town) == ()
    adopt(town, draft)

    task = alike(town, 100)
    alone = raised(town, task)
    town.until(lambda: town.case(alone).state is State.RESOLVED, "an outcome without a press")
    assert town.case(alone).standing_rule_id == rules(town)[0].id
    assert status_of(town, task) == "open"
    town.until(lambda: f"by the standing rule of {draft.id}" in words_of(town, alone), "the card")
    outside = raised(town, elsewhere(town))
    assert town.case(outside).state is State.PROPOSED

    (line,) = json.loads(town.countersign("policy", "rules", "--json"))
    assert (line["state"], line["used"], line["approved_by"]) == ("in force", 1, "Elsie Grant")
    explanation = town.countersign("policy", "explain", str(alone.id))
    assert "the standing rule that Elsie Grant approved on" in " ".join(explanation.split())

    # The first ones that run alone are all reviewed.
    town.until(lambda: ids.REVIEW_WRONG in words_of(town, alone), "a review")
    town.press_current(ANA, alone, ids.REVIEW_WRONG)
    town.until(lambda: town.window(ANA)["views"], "a form")
    town.submit(ANA, **{ids.NOTE: "it was done, on paper"})
    town.until(lambda: rules(town) == (), "the end of the rule")
    town.until(
        lambda: any("it was done, on paper" in message["text"] for message in town.direct(ELSIE)),
        "the owner to be told",
    )
    again = raised(town, alike(town, 101))
    assert town.case(again).state is State.PROPOSED
    (line,) = json.loads(town.countersign("policy", "rules", "--json"))
    assert line["state"].startswith(f"ended: {alone.id} was reported as a mistake")


def test_a_rule_that_is_not_used_is_kept_or_ends_by_card(town):
    draft = drafted(town)
    adopt(town, draft)
    for is_kept in (True, False):
        town.clock.forward(days=31)
        # The scheduler of the bot may have noticed it first.
        town.desk.upkeep.standing_rules.review()
        town.until(lambda: rules(town)[0].doubt, "a doubt")
        (case,) = [one for one in town.cases(standing_rule_kind(KIND)) if not one.is_terminal]
        town.until(lambda case=case: town.card(case), "a card")
        card = words_of(town, case)
        assert f"The standing rule of {draft.id}" in card
        assert "nothing ran by it for 30 days" in card
        assert ("It was never used" if is_kept else "It was used once") in card
        if is_kept:
            # The card may be drawn again with its buttons only a moment later.
            assert town.approve(ELSIE, case)["acked"]
            town.until(lambda: not rules(town)[0].doubt, "the rule to be kept")
            assert town.case(raised(town, alike(town, 200))).standing_rule_id
    town.clock.forward(days=8)
    town.desk.upkeep.standing_rules.review()
    assert rules(town) == ()
