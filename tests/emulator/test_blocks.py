import json

import pytest

from bot.emulator.blocks import validate, validate_view
from tests.conftest import SHARED

TEXT = {"type": "mrkdwn", "text": "x"}
PLAIN = {"type": "plain_text", "text": "x"}
OPTION = {"text": PLAIN, "value": "1"}
INPUT = {
    "type": "input",
    "label": PLAIN,
    "element": {"type": "plain_text_input", "action_id": "a"},
}


def actions(*elements):
    return {"type": "actions", "elements": list(elements)}


def plain_text(length):
    return {"type": "plain_text", "text": "x" * length}


def table(*rows):
    return {"type": "table", "rows": list(rows)}


CELL = {"type": "raw_text", "text": "a"}
BUTTON = {"type": "button", "action_id": "a", "text": PLAIN}
WRONG = [
    ({"type": "section"}, "missing"),
    ({"type": "nonsense"}, "unsupported_type"),
    ({"type": "header", "text": TEXT}, "invalid_type"),
    ({"type": "header", "text": plain_text(151)}, "length"),
    ({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}, "length"),
    ({"type": "section", "text": {"type": "mrkdwn", "text": ""}}, "length"),
    ({"type": "section", "fields": [TEXT] * 11}, "count"),
    (actions(), "count"),
    ({"type": "context", "elements": [TEXT] * 11}, "count"),
    ({"type": "section", "text": TEXT, "colour": "red"}, "unknown_field"),
    (actions({"type": "button", "text": plain_text(76)}), "length"),
    (actions({"type": "button", "text": PLAIN, "style": "huge"}), "invalid_value"),
    (actions({"type": "overflow", "options": [OPTION] * 6}), "count"),
    ({"type": "alert", "text": TEXT}, "wrong_surface"),
    (table([CELL], []), "ragged"),
    (table(*[[CELL]] * 101), "count"),
    (actions(BUTTON, BUTTON), "duplicate"),
]


def codes(mistakes):
    return {mistake.code for mistake in mistakes}


@pytest.mark.parametrize(("block", "code"), WRONG, ids=range(len(WRONG)))
def test_a_block_that_slack_would_refuse_is_refused(block, code):
    assert code in codes(validate([block]))


@pytest.mark.parametrize(("text", "size"), [("&", 5), ("<", 4), (">", 4), ("é", 1)])
def test_plain_text_counts_as_slack_stores_it(text, size):
    def header(count):
        return [{"type": "header", "text": {"type": "plain_text", "text": text * count}}]

    assert validate(header(150 // size)) == []
    assert [mistake.code for mistake in validate(header(150 // size + 1))] == ["length"]


def test_whole_messages_have_limits_too():
    divider = {"type": "divider"}
    modal = {"type": "modal", "blocks": [INPUT], "title": PLAIN}
    assert codes(validate([divider] * 51)) == {"too_many"}
    assert codes(validate([{**divider, "block_id": "a"}] * 2)) == {"duplicate"}
    assert codes(validate([table([CELL])] * 2)) == {"only_one_table_allowed"}
    assert codes(validate("x")) == {"invalid_type"}
    assert codes(validate_view(modal)) == {"missing"}


@pytest.mark.skipif(not SHARED.exists(), reason="the shared block fixtures are absent")
def test_slacks_own_fixtures_are_valid_except_for_these():
    """Real payloads raise no false alarm.

    Refused are dates that were cut, and a modal's block.
    """
    refusals = {}
    for path in (SHARED / "data/slack_payloads/block_fixtures").glob("*.json"):
        blocks = json.loads(path.read_text())
        if not isinstance(blocks, list):
            blocks = blocks.get("blocks", [blocks])
        surface = "home" if "home" in path.name else "message"
        mistakes = validate(blocks, surface)
        if mistakes:
            refusals[path.stem] = codes(mistakes)
    assert refusals == {
        "botarium_05-date-and-time-pickers": {"invalid_type", "invalid_value"},
        "botarium_07-combined-actions": {"invalid_value"},
        "slack_alert_block": {"wrong_surface"},
    }
