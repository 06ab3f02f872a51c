"""One card for many cases of the same kind and source."""

from bot.views.alert_storm import StormView
from handlers.cards import ids
from handlers.cards.blocks import actions_block, button, context_block, header_block, heading
from handlers.cards.rows import Permalink, case_rows
from handlers.cards.text import Json, plain_text


def storm_card(storm: StormView, permalink: Permalink) -> list[Json]:
    """Build the blocks of the shared card."""
    summary = f"{storm.total:,} so far. Each is a case with an owner and a deadline."
    source = plain_text(f"From {storm.source}", 50)
    blocks = [header_block(storm_headline(storm)), context_block(summary, source)]
    if not storm.open:
        return blocks
    blocks.append(actions_block("storm:all", _buttons(storm)))
    if storm.rows:
        blocks.append(heading("What matters most"))
        blocks += case_rows("storm", storm.rows, permalink)
    more = storm.open - len(storm.rows)
    if more > 0:
        blocks.append(context_block(f"and {more:,} more: press *Show all*"))
    return blocks


def _buttons(storm: StormView) -> list[Json]:
    """Build the buttons for all cases together."""
    buttons = [button(f"Show all {storm.open:,}", ids.SHOW_ALL, storm.key)]
    if storm.open > 1:
        buttons.append(button("Reject all…", ids.GROUP_REJECT, storm.key))
        if storm.is_unrecognised:
            buttons.append(button("Name all…", ids.GROUP_NAME, storm.key))
        else:
            buttons.append(button("Approve those of low risk…", ids.GROUP_APPROVE, storm.key))
    return buttons


def storm_headline(storm: StormView) -> str:
    """Write the heading, which is also the notification line."""
    if not storm.open:
        return f"The storm is over: {storm.title}"
    return f"{storm.open:,} open at once: {storm.title}"
