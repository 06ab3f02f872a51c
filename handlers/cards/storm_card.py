"""One card for many cases of the same kind and source."""

from bot.views.alert_storm import StormView
from handlers.cards.blocks import context_block, header_block, heading
from handlers.cards.rows import Permalink, case_rows
from handlers.cards.text import Json, plain_text


def storm_card(storm: StormView, permalink: Permalink) -> list[Json]:
    """Build the blocks of the shared card."""
    summary = (
        f":wind_blowing_face: {storm.total:,}, each a case with an owner and a clock; none is lost"
    )
    source = plain_text(f"From {storm.source}", 50)
    blocks = [header_block(storm_headline(storm)), context_block(summary, source)]
    if storm.rows:
        blocks.append(heading("What matters most"))
        blocks += case_rows("storm", storm.rows, permalink)
    more = storm.open - len(storm.rows)
    if more > 0:
        blocks.append(
            context_block(
                f"and {more:,} more: they come up here as these are decided,"
                " and wait on everyone's home"
            )
        )
    return blocks


def storm_headline(storm: StormView) -> str:
    """Write the heading, which is also the notification line."""
    if not storm.open:
        return f"The storm is over: {storm.title}"
    return f"{storm.open:,} open at once: {storm.title}"
