"""The places of each case's cards in Slack."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, or_, select

from bot.cases.errors import NoSuchCase
from bot.cases.lifecycle import TERMINAL
from bot.ports.card_store import NOBODY, CardRef, CardState
from bot.ports.outbox import LeasedMessage, OutboxMessage
from bot.store import tables
from bot.store.card_states import HOME_VALUES, STATE_OF_CARD, card_refs, rows_by_part
from bot.store.database import Database
from bot.store.dialects import insert_or_update
from bot.store.statements import CompiledStatement
from bot.store.unit_of_work import UnitOfWork, controls_from

_cards = tables.cards.c
_RECORD = CompiledStatement(insert_or_update(tables.cards, key=[_cards.case_id, _cards.generation]))
_CARDS = CompiledStatement(
    select(tables.cards)
    .where(_cards.case_id == bindparam("case_id"))
    .order_by(_cards.generation.desc())
)
_NEWEST = CompiledStatement(
    select(tables.cards)
    .where(_cards.case_id.in_(bindparam("case_ids", expanding=True)))
    .order_by(_cards.generation)
)
_CASE_AT = CompiledStatement(
    select(_cards.case_id)
    .where(_cards.channel == bindparam("channel"), _cards.ts == bindparam("ts"))
    .limit(1)
)


class SqlCardStore:
    """Record where cards stand, and find them again.

    Every method is one transaction.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def state_of(
        self,
        message: LeasedMessage,
        *,
        homes_since: datetime | None = None,
        cards_due_at: datetime | None = None,
    ) -> CardState:
        """Return the present case of a message, and all about its card.

        ``homes_since``: look for App Homes that were shown after this time. ``cards_due_at``: look
        for cards that are due then.

        Raises:
            NoSuchCase: there is no such case.
        """
        case_id = message.case_id
        values = {
            **HOME_VALUES,
            "case_id": case_id,
            "known_version": message.case.version if message.case else 0,
            "homes_since": _seconds(homes_since, otherwise=math.inf),
            "cards_due_at": _seconds(cards_due_at, otherwise=-math.inf),
        }
        rows = self._database.fetch(STATE_OF_CARD, values)
        cases, controls, cards, lists, homes, due_cards = rows_by_part(rows)
        if not cases:
            raise NoSuchCase(f"there is no case {case_id[:40]}")
        case = message.case
        if case is None or cases[0].body:
            case = self._database.decoded_cases.decode(case_id, cases[0].body)
        return CardState(
            case=case,
            cards=card_refs(case_id, cards),
            controls=controls_from(controls),
            live_list_keys=sorted(row.body for row in lists),
            has_homes=bool(homes),
            has_due_cards=bool(due_cards),
        )

    def cards(self, case_id: str) -> list[CardRef]:
        """Return the cards of this case, the newest generation first."""
        rows = self._database.fetch(_CARDS, {"case_id": case_id})
        return [card_ref(row) for row in rows]

    def newest(self, case_ids: Sequence[str]) -> dict[str, CardRef]:
        """Return the newest card of each of these cases that has one."""
        rows = self._database.fetch(_NEWEST, {"case_ids": list(case_ids)})
        return {row.case_id: card_ref(row) for row in rows}

    def case_at(self, channel: str, ts: str) -> str:
        """Return the id of the case whose card stands there.

        Empty when none does.
        """
        rows = self._database.fetch(_CASE_AT, {"channel": channel, "ts": ts})
        return str(rows[0].case_id) if rows else ""

    def find_outdated(self, card_format: str, now: datetime) -> list[str]:
        """List the cases whose newest card must be drawn again.

        It has live buttons, and another format, or says that nobody can approve, which may be over.
        """
        cases = tables.cases.c
        newer = tables.cards.alias()
        is_newest = ~exists().where(
            newer.c.case_id == _cards.case_id, newer.c.generation > _cards.generation
        )
        is_open = cases.state.not_in([state.code for state in TERMINAL])
        has_format = or_(_cards.look == card_format, _cards.look.startswith(f"{card_format} "))
        is_stale = or_(~has_format, _cards.look.contains(f" {NOBODY}"))
        query = (
            select(cases.id)
            .join(tables.cards, _cards.case_id == cases.id)
            .where(or_(is_open, cases.undo_until > now.timestamp()), is_newest, is_stale)
            .order_by(cases.number)
        )
        return [row.id for row in self._database.fetch(query)]

    def record(
        self,
        card: CardRef,
        *,
        finish: LeasedMessage | None = None,
        hold: LeasedMessage | None = None,
        messages: Sequence[OutboxMessage] = (),
        now: datetime | None = None,
    ) -> None:
        """Record where a card stands, and request the effects that follow.

        ``finish`` is done with it; the lease on ``hold`` must still be valid. ``now`` tells which
        effects are due at once: workers are not woken for the others before their time.

        Raises:
            StaleFence: another worker has taken the message over.
        """
        row = {
            "case_id": card.case_id,
            "generation": card.generation,
            "channel": card.channel,
            "ts": card.ts,
            "drawn": str(card.version),
            "look": card.look,
        }

        def job(unit: UnitOfWork) -> None:
            if finish:
                unit.complete(finish)
            if hold:
                unit.hold(hold)
            unit.driver.change_later(_RECORD, row)
            unit.enqueue(messages, now)

        self._database.write(job, appends=False)


def _seconds(time: datetime | None, *, otherwise: float) -> float:
    """Return the seconds since 1970, or the bound that nothing is beyond."""
    return otherwise if time is None else time.timestamp()


def card_ref(row: Any) -> CardRef:
    """Return the card of a row of its table."""
    return CardRef(
        case_id=row.case_id,
        generation=row.generation,
        channel=row.channel,
        ts=row.ts,
        version=int(row.drawn),
        look=row.look,
    )
