"""A case with all about its card, read by one statement."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    bindparam,
    case,
    literal_column,
    or_,
    select,
    union_all,
)

from bot.ports.card_store import CardRef
from bot.ports.outbox import Topic
from bot.store import tables
from bot.store.dialects import DialectStatement
from bot.store.live_lists import begins_with_on_postgresql, begins_with_on_sqlite, prefix_values
from bot.store.outbox_rows import LEASED, READY
from bot.store.statements import CompiledStatement

HOME_PREFIX = "home:"
#: The parts of the answer: each row belongs to one.
CASE, CONTROLS, CARD, LIST, HOME, DUE_CARD = range(6)

_cases = tables.cases.c
_cards = tables.cards.c
_items = tables.live_list_items.c
_controls = tables.controls.c
_outbox = tables.outbox.c
_EMPTY: ColumnElement[str] = literal_column("''")
_ZERO: ColumnElement[int] = literal_column("0")
_TEXT_COLUMNS = ("body", "ts", "drawn", "look")


def _part(
    part: int, *texts: ColumnElement[str], generation: ColumnElement[int] = _ZERO
) -> Select[Any]:
    """Select rows of one part. All have the same columns."""
    missing = [_EMPTY] * (len(_TEXT_COLUMNS) - len(texts))
    columns: list[ColumnElement[Any]] = [
        literal_column(str(part)).label("part"),
        generation.label("generation"),
    ]
    for name, text in zip(_TEXT_COLUMNS, [*texts, *missing], strict=True):
        columns.append(text.label(name))
    return select(*columns)


def _state_of_card(is_home: ColumnElement[bool]) -> CompoundSelect[Any]:
    # Whoever has this version of the case need not get its body.
    body = case((_cases.version == bindparam("known_version"), _EMPTY), else_=_cases.body)
    case_id: BindParameter[str] = bindparam("case_id")
    card = (_cards.channel, _cards.ts, _cards.drawn, _cards.look)
    is_fresh = tables.live_lists.c.shown_at >= bindparam("homes_since")
    home = _part(HOME).where(is_home, is_fresh).limit(1).subquery()
    is_due = and_(
        or_(_outbox.state == READY, _outbox.state == LEASED),
        _outbox.topic == Topic.CARD.value,
        _outbox.run_at <= bindparam("cards_due_at"),
    )
    due_card = _part(DUE_CARD).where(is_due).limit(1).subquery()
    parts = (
        _part(CASE, body).where(_cases.id == case_id),
        _part(CONTROLS, _controls.body).where(_controls.name == "desk"),
        _part(CARD, *card, generation=_cards.generation).where(_cards.case_id == case_id),
        _part(LIST, _items.board).where(_items.case_id == case_id),
        select(home),
        select(due_card),
    )
    return union_all(*parts)


QUERY = DialectStatement(
    on_sqlite=lambda: _state_of_card(begins_with_on_sqlite()),
    on_postgresql=lambda: _state_of_card(begins_with_on_postgresql()),
)
STATE_OF_CARD = CompiledStatement(QUERY)
HOME_VALUES = prefix_values(HOME_PREFIX)


def rows_by_part(rows: Sequence[Any]) -> list[list[Any]]:
    """Sort the rows of an answer by their parts."""
    parts: list[list[Any]] = [[], [], [], [], [], []]
    for row in rows:
        parts[row.part].append(row)
    return parts


def card_refs(case_id: str, rows: Sequence[Any]) -> list[CardRef]:
    """Read the rows of the cards, the newest generation first."""
    cards = [
        CardRef(
            case_id=case_id,
            generation=row.generation,
            # The first text of every part has the same column.
            channel=row.body,
            ts=row.ts,
            version=int(row.drawn),
            look=row.look,
        )
        for row in rows
    ]
    return sorted(cards, key=lambda card: -card.generation)
