"""The development set of questions as queries, to measure readings by."""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.cases.lifecycle import State
from bot.cases.policy import RiskTier
from bot.views.query import (
    About,
    Act,
    Ask,
    Condition,
    Grouping,
    LastDecision,
    Measure,
    Order,
    Period,
    Query,
)
from tests.knowledge.language.question_company import PLACEHOLDERS

DEV_SET = Path(__file__).parents[4] / "shared" / "data" / "questions" / "dev.jsonl"
ASKS = {"do": "act", "smalltalk": "small_talk"}
NAMES = {
    "open": "is_open",
    "kind": "kinds",
    "state": "states",
    "stake_min": "min_stake",
    "stake_max": "max_stake",
    "age_min": "min_age",
    "age_max": "max_age",
    "overdue": "is_overdue",
    "approvals_min": "min_approvals",
    "part_approved": "is_part_approved",
    "automatic": "is_automatic",
    "snoozed": "is_snoozed",
    "paused": "is_paused",
    "unrecognised": "is_unrecognised",
    "not": "exclusion",
}
DAYS = re.compile(r"P(\d+)D")


@dataclass(frozen=True, slots=True)
class DevQuestion:
    """A question of the set, and the query that it means."""

    id: str
    category: str
    person: str
    text: str
    thread: str
    before: tuple[str, ...]
    meaning: dict[str, Any]
    query: Query
    #: The case that is meant is one that was shown before.
    is_about_that: bool
    admits: tuple[str, ...]


def load_questions(path: Path = DEV_SET) -> list[DevQuestion]:
    """Read the set."""
    return [_question(json.loads(line)) for line in path.read_text().splitlines()]


def fill(text: str) -> str:
    """Fill the placeholders of a text."""
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    return text


def label_of(query: Query) -> str:
    """Return the label that a perfect classifier gives."""
    detail: Any = query.act or query.about
    if query.measure not in (None, Measure.COUNT, Measure.STAKE_SUM):
        detail = query.measure
    if query.ask is Ask.GROUP:
        detail = None
    return f"{query.ask}.{detail}" if detail else str(query.ask)


def _question(line: dict[str, Any]) -> DevQuestion:
    context = line.get("context", {})
    meaning = line["meaning"]
    return DevQuestion(
        id=line["id"],
        category=line["category"],
        person=line["asker"]["user"],
        text=fill(line["question"]),
        thread=fill(context.get("thread", "")),
        before=tuple(fill(text) for text in context.get("before", ())),
        meaning=meaning,
        query=_query(meaning),
        is_about_that=meaning.get("case") == "that",
        admits=tuple(line["answer"].get("admits", ())),
    )


def _query(meaning: dict[str, Any]) -> Query:
    ask = Ask(ASKS.get(meaning["ask"], meaning["ask"]))
    case_id = fill(meaning.get("case", ""))
    return Query(
        ask=ask,
        condition=_condition(meaning.get("where", {})),
        order=_enum(Order, meaning.get("order")),
        limit=meaning.get("limit"),
        nth=meaning.get("nth", 0),
        grouping=_enum(Grouping, meaning.get("group_by")),
        measure=_enum(Measure, meaning.get("measure")),
        case_id="" if case_id == "that" else case_id,
        about=_enum(About, meaning.get("about")),
        act=_enum(Act, meaning.get("act")),
        of=meaning.get("of", ""),
        to=meaning.get("to", ""),
        until=meaning.get("until", ""),
    )


def _enum(type_: Any, value: str | None) -> Any:
    return type_(value) if value is not None else None


def _condition(where: dict[str, Any]) -> Condition:
    fields = {NAMES.get(name, name): _value(name, value) for name, value in where.items()}
    return Condition(**fields)


def _value(name: str, value: Any) -> Any:
    match name:
        case "not":
            return _condition(value)
        case "kind":
            return tuple(value)
        case "state":
            return tuple(State.of_code(state.upper()) for state in value)
        case "stake_min" | "stake_max":
            return Decimal(value)
        case "age_min" | "age_max":
            return timedelta(days=int(DAYS.fullmatch(value)[1]))  # type: ignore[index]
        case "opened" | "decided" | "ended" | "due":
            return Period(
                begin=value.get("from", ""), end=value.get("to", ""), before=value.get("before", "")
            )
        case "decision":
            return LastDecision(value)
        case "risk":
            return RiskTier[value.upper()]
        case "text":
            return fill(value)
        case _:
            return value
