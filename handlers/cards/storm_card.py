"""The card that many cases share: how many, from where, and the first of them with their buttons."""

from bot.views.alert_storm import StormView
from handlers.cards.rows import Link, pressable
from handlers.cards.text import Json, context, paragraph, plain, rich, say


def storm_card(storm: StormView, to: Link) -> list[Json]:
    """The blocks of the shared card."""
    more = storm.open - len(storm.rows)
    blocks: list[Json] = [
        {"type": "header", "text": plain(storm_headline(storm), 150)},
        context(
            f":wind_blowing_face: {storm.total:,}, each a case with an owner and a clock; none is lost",
            plain(f"From {storm.source}", 50),
        ),
    ]
    if storm.rows:
        blocks += [
            rich(paragraph(say("What matters most", bold=True))),
            *pressable("storm", storm.rows, to),
        ]
    if more > 0:
        blocks.append(
            context(
                f"and {more:,} more: they come up here as these are decided, and wait on everyone's home"
            )
        )
    return blocks


def storm_headline(storm: StormView) -> str:
    if not storm.open:
        return f"The storm is over: {storm.title}"
    return f"{storm.open:,} open at once: {storm.title}"
