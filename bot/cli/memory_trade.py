"""The trade of recognition in ``countersign memory status``.

What a looser or stricter threshold names of the own texts of a kind, and of strangers.
"""

from typing import Any

from rich.table import Table

from knowledge.learning.recogniser import RecogniserModel
from knowledge.learning.recogniser_trade import STEPS, KindTrade, RecognitionTrade

COLUMNS = ("kind", "examples", "own texts named, %", "strangers taken for it")
UNTRIED = "–"


def trade_plain(recogniser: RecogniserModel | None) -> dict[str, Any] | None:
    """Return the trade for ``--json``; None when recognition is not trained."""
    if recogniser is None:
        return None
    trade = recogniser.trade
    return {
        "stranger_share": round(trade.stranger_share, 4),
        "strangers": trade.strangers,
        "steps": {
            step: {
                "threshold": round(trade.thresholds[place], 4),
                "own_named": round(trade.own_shares[place], 4),
                "strangers_noticed": round(trade.caught_shares[place], 4),
            }
            for place, step in enumerate(STEPS)
        },
        "kinds": [_kind_plain(kind) for kind in trade.kinds],
    }


def trade_table(trade: RecognitionTrade) -> Table:
    """Return the trade of each kind for people."""
    table = Table(*COLUMNS, caption=" / ".join(STEPS), caption_justify="left")
    for kind in trade.kinds:
        own_shares = " / ".join(_percent(count, kind.own) for count in kind.own_named)
        strangers = " / ".join(map(str, kind.strangers_named))
        cells = (kind.kind, str(kind.examples), own_shares, strangers)
        table.add_row(*cells)
    return table


def trade_lines(trade: RecognitionTrade) -> list[str]:
    """Say in words what each step of the threshold does."""
    if not trade.strangers:
        return ["recognition: too few kinds to try it on strangers"]
    lines = [_step_line(trade, place) for place in range(len(STEPS))]
    return [*lines, f"strangers expected among the coming cases: {trade.stranger_share:.1%}"]


def _step_line(trade: RecognitionTrade, place: int) -> str:
    threshold = trade.thresholds[place]
    if threshold > 1:
        return f"{STEPS[place]}: no kind, as nothing tells right answers from wrong ones"
    return (
        f"{STEPS[place]} (from {threshold:.0%}): {trade.own_shares[place]:.0%} of own texts named"
        f" rightly, {trade.caught_shares[place]:.0%} of {trade.strangers} strangers noticed"
    )


def _kind_plain(kind: KindTrade) -> dict[str, Any]:
    return {
        "kind": kind.kind,
        "examples": kind.examples,
        "own": kind.own,
        "own_named": dict(zip(STEPS, kind.own_named, strict=True)),
        "strangers_named": dict(zip(STEPS, kind.strangers_named, strict=True)),
    }


def _percent(count: int, total: int) -> str:
    return f"{100 * count / total:.0f}" if total else UNTRIED
