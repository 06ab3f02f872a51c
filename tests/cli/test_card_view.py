"""Cards in the terminal: every block has words, and every button its name."""

from rich.console import Console

from bot.cli.card_view import MAX_WIDTH, card_view
from tests.emulator.block_kit import BLOCKS, mrkdwn, plain


def drawn(*blocks):
    """Return the lines of a card without its frame."""
    console = Console(width=MAX_WIDTH, color_system=None)
    with console.capture() as capture:
        console.print(card_view(blocks))
    lines = capture.get().splitlines()[1:-1]
    return [line[1:-1].strip() for line in lines]


def test_headings_fields_and_buttons_stand_as_in_slack():
    button = {"type": "button", "text": plain("Approve"), "style": "primary"}
    menu = {"type": "overflow", "options": [{"text": plain("Snooze…"), "value": "1"}]}
    lines = drawn(
        {"type": "header", "text": plain("EX-7 · Short delivery")},
        {"type": "section", "text": mrkdwn("*Order* <https://e.co|PO-1> for `30`?")},
        {"type": "section", "fields": [mrkdwn("*Owner*"), plain("Ana"), plain("Age")]},
        {"type": "divider"},
        {"type": "actions", "elements": [button, menu]},
        {"type": "context", "elements": [mrkdwn("by <!date^1^{time}|12:00>"), plain("x")]},
    )
    assert lines[0] == "EX-7 · Short delivery"
    assert lines[1] == "Order PO-1 for 30?"
    assert lines[2].split() == ["Owner", "Ana"]
    assert lines[3] == "Age"
    assert set(lines[4]) == {"─"}
    assert lines[5] == "[ Approve ]  [ ⋯ Snooze… ]"
    assert lines[6] == "by 12:00 · x"


def test_lists_quotes_tables_and_containers_are_drawn():
    part = {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]}
    lines = drawn(
        {
            "type": "rich_text",
            "elements": [
                {"type": "rich_text_list", "style": "ordered", "elements": [part, part]},
                {"type": "rich_text_quote", "elements": [{"type": "user", "user_id": "U0"}]},
            ],
        },
        {
            "type": "container",
            "title": plain("Evidence"),
            "child_blocks": [{"type": "section", "text": plain("inside")}],
        },
        {"type": "table", "rows": [[{"type": "raw_text", "text": "Item"}]] * 2},
    )
    assert lines[:5] == ["1. one", "2. one", "│ @U0", "▾ Evidence", "inside"]
    assert sum("Item" in line for line in lines) == 2


def test_no_block_that_slack_knows_breaks_the_view():
    for kind, sample in BLOCKS.items():
        assert drawn({"type": kind, **sample.least}), kind
