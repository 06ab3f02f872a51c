"""The figures of a back-test in words."""

from collections import Counter

from bot.cases.backtest import BacktestResult
from bot.cases.verdict import Ruling

#: How many cases a sentence names.
MAX_NAMES = 10
RULINGS = {
    Ruling.AUTO_APPROVE: "alone",
    Ruling.ASK: "to people",
    Ruling.REFUSE: "refused",
}


def backtest_sentence(result: BacktestResult) -> str:
    """Say what would run alone, go to people and be wrong."""
    if not result.cases:
        return "There is no past case with a plan in this time, so nothing can be compared."
    alone = result.count(Ruling.AUTO_APPROVE)
    parts = [f"{alone:,} would run alone", f"{result.count(Ruling.ASK):,} would go to managers"]
    refusals = result.count(Ruling.REFUSE)
    if refusals:
        parts.append(f"{refusals:,} would be refused")
    wrong = result.wrong_alone()
    if alone:
        parts.append(f"{_wrong_of(len(wrong), alone)} would have been wrong")
    names = f": {name_cases(wrong)}" if wrong else ""
    return f"With this, {', '.join(parts)}{names}."


def _wrong_of(wrong: int, alone: int) -> str:
    return f"{wrong:,} of the {alone:,}" if wrong else f"none of the {alone:,}"


def name_cases(ids: tuple[str, ...]) -> str:
    """List the ids of cases, the first of many."""
    names = ", ".join(ids[:MAX_NAMES])
    more = len(ids) - MAX_NAMES
    return f"{names} and {more:,} more" if more > 0 else names


def comparison_sentence(result: BacktestResult) -> str:
    """Say how the policy compares with today's."""
    differences = list(result.differences())
    if not differences:
        return "No past case would be ruled otherwise than by today's policy."
    count = len(differences)
    text = f"{count:,} of {len(result.cases):,} cases would be ruled otherwise than today"
    wrong, wrong_today = len(result.wrong_alone()), len(result.wrong_alone(after=False))
    if wrong > wrong_today:
        return f"{text}; {wrong:,} wrong ones would run alone, and today {wrong_today:,}."
    return f"{text}."


def kind_rows(result: BacktestResult) -> list[tuple[str, ...]]:
    """Return a row for each kind, with its counts before and after."""
    rows = []
    changes = Counter(case.kind for case in result.differences())
    for kind, pairs in sorted(result.by_kind().items()):
        cells = [kind]
        for ruling in RULINGS:
            before = sum(count for (one, _), count in pairs.items() if one is ruling)
            after = sum(count for (_, other), count in pairs.items() if other is ruling)
            cells.append(f"{before:,}" if before == after else f"{before:,} → {after:,}")
        cells.append(f"{changes[kind]:,}")
        rows.append(tuple(cells))
    return rows
