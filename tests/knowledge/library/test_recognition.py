"""``recognition.yml``: off as shipped, and checked like every file."""

from datetime import timedelta

import pytest

from bot.cases.merit_rules import Merit
from knowledge.library import load
from tests.knowledge.library.editing import change, refuse

OFF = "recognition: {}"


def test_nothing_is_recognised_as_shipped(folder):
    assert load(folder).merit_rules.is_on is False


def test_a_library_without_the_file_recognises_nothing(folder):
    (folder / "recognition.yml").unlink()
    assert load(folder).merit_rules.is_on is False


def test_the_example_in_the_files_comments_is_read_as_it_says(folder):
    """Whoever takes the marks of the comment away has rules."""
    path = folder / "recognition.yml"
    text = path.read_text()
    example = text[text.index("# recognition:") : text.index(OFF)]
    lines = [line.removeprefix("# ") for line in example.splitlines()]
    path.write_text("\n".join(lines))
    for kind in ("training_completed", "referral"):
        playbook = (folder / "playbooks" / "lead_cold.yml").read_text()
        named = playbook.replace("kind: lead_cold", f"kind: {kind}", 1)
        (folder / "playbooks" / f"{kind}.yml").write_text(named)
    rules = load(folder).merit_rules
    assert (set(rules.merits), rules.channel) == (set(Merit), "C0OPS")
    assert (rules.stands_for, rules.caps.per_day) == (timedelta(days=3), 5)


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ("{merits: {speed: {points: 1}}}", "recognition.merits.speed"),
        ("{merits: {hand_over: {points: 11}}}", "less than or equal to 10"),
        ("{merits: {hand_over: {kinds: [nonesuch]}}}", "hand_over names nonesuch"),
        ("{merits: {training: {points: 1}}}", "training needs kinds"),
        ("{stands_for: 15d}", "less than or equal to"),
        ("{channel: Operations Room}", "recognition.channel"),
        ("{caps: {per_day: 0}}", "greater than or equal to 1"),
        ("{ranking: true}", "Extra inputs"),
    ],
)
def test_a_mistake_is_named_with_its_place(folder, section, complaint):
    refuse(
        folder / "recognition.yml", OFF, f"recognition: {section}", complaint=f"yml:.*{complaint}"
    )


def test_rules_are_read(folder):
    change(folder / "recognition.yml", OFF, "recognition: {merits: {check: {within: 4h}}}")
    rules = load(folder).merit_rules
    assert rules.merits[Merit.CHECK].within == timedelta(hours=4)
