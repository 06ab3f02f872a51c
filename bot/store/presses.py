"""The state that a press is judged by, in one statement."""

from sqlalchemy import bindparam, select

from bot.cases.errors import NoSuchCase
from bot.ports.press_store import PressState
from bot.store import tables
from bot.store.cards import card_ref
from bot.store.database import Database
from bot.store.statements import CompiledStatement
from bot.store.unit_of_work import controls_from

_cases = tables.cases.c
_cards = tables.cards.c
_controls = tables.controls.c
_STATE = CompiledStatement(
    select(
        _cases.body.label("case_body"),
        _controls.body.label("body"),
        _cards.case_id,
        _cards.generation,
        _cards.channel,
        _cards.ts,
        _cards.drawn,
        _cards.look,
    )
    .select_from(
        tables.cases.outerjoin(tables.controls, _controls.name == "desk").outerjoin(
            tables.cards, _cards.case_id == _cases.id
        )
    )
    .where(_cases.id == bindparam("case_id"))
    .order_by(_cards.generation.desc())
    .limit(1)
)


class SqlPressStore:
    """Read at one moment all that a press is judged by."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._decoded_cases = database.decoded_cases
        self._met_controls = database.met_controls

    def state(self, case_id: str) -> PressState:
        """Return the present case with all that a press needs.

        Raises:
            NoSuchCase: there is none.
        """
        rows = self._database.fetch(_STATE, {"case_id": case_id})
        if not rows:
            raise NoSuchCase(f"there is no case {case_id[:40]}")
        controls = controls_from(rows)
        self._met_controls.add(controls)
        return PressState(
            case=self._decoded_cases.decode(case_id, rows[0].case_body),
            controls=controls,
            card=None if rows[0].generation is None else card_ref(rows[0]),
        )
