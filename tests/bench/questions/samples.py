"""Small records, questions and answers for the tests of the bench itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bot.demo.people import TEAM
from tests.bench.questions.asked import Asked, Wordings
from tests.bench.questions.company import NOW, ZONE
from tests.bench.questions.oracle import Oracle
from tests.bench.questions.records import Data, Decided, Record
from tests.bench.questions.shown import Control, Shown

ANA, BEN, CARLA, DEV, ELSIE, FINN, GUS, OMAR = (
    f"{TEAM}/U0{name}" for name in ("ANA", "BEN", "CARLA", "DEV", "ELSIE", "FINN", "GUS", "OMAR")
)
HOUR = timedelta(hours=1)
KINDS = {"low_stock": "Running low", "invoice_no_order": "Invoice that matches no order"}


def stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.000000Z}"


def record(number: int, **changes: Any) -> Record:
    """Return a case that waits for the floor managers, opened an hour ago."""
    opened = changes.pop("opened", NOW - HOUR)
    title = changes.pop("title", f"Merlot {number} is running low")
    body: dict[str, Any] = {
        "timers": {"is_escalated": False},
        "proposal": {
            "recommendation": {"reason": "the peak is in three days", "basis": "rule 1"},
            "verdict": {"reason": "one reversible change under the limit"},
            "plan": None,
            "expires_at": None,
        },
        "assessment": {"evidence": [], "what": title},
        "execution": {"steps": [], "undo_until": None},
        "classification": {"recognition": None},
        "activity": {"drift_reasons": [], "status_reason": None},
    }
    body["proposal"].update(changes.pop("proposal", {}))
    body["execution"].update(changes.pop("execution", {}))
    body["assessment"].update(changes.pop("assessment", {}))
    facts: dict[str, Any] = {
        "kind": "low_stock",
        "state": "proposed",
        "channel": "C0STOCK",
        "source": "house",
        "owner": "floor-managers",
        "team": "floor-managers",
        "stake": Decimal(100 * number),
        "ended": None,
        "decide_by": opened + 4 * HOUR,
        "expires_at": opened + 12 * HOUR,
        "snoozed_until": None,
        "factors": [("floor-managers", 1)],
        "votes": [],
        "authors": frozenset(),
        "raised_by": frozenset(),
        "parties": frozenset(),
        "actions": frozenset({"house.order_stock"}),
        "risk": "low",
        "is_automatic": False,
        "words": title.casefold().split(),
        "more_words": [],
        "entries": [],
    }
    return Record(
        id=f"EX-{number}",
        number=number,
        title=title,
        opened=opened,
        body=body,
        **{**facts, **changes},
    )


def decided(how: str, by: str, hours_ago: float = 2) -> dict[str, Any]:
    """Return the fields of a case that was decided so."""
    decision = Decided(how, NOW - hours_ago * HOUR, frozenset({by}))
    states = {"rejected": "rejected", "approved": "resolved", "by_hand": "resolved"}
    return {
        "state": states[how],
        "ended": decision.at,
        "last": decision,
        "final": decision,
        "first_decided": decision.at,
    }


def oracle(records: Sequence[Record], **controls: Any) -> Oracle:
    data = Data(
        records=list(records),
        pauses=controls.get("pauses", []),
        delegations=controls.get("delegations", []),
        entry_count=0,
    )
    return Oracle(data=data, now=NOW, zone=ZONE, kinds=frozenset(KINDS))


def shown(text: str, **parts: Any) -> Shown:
    """Return an answer of this text, with whatever else stands below it."""
    rows = parts.pop("rows", [])
    below = " ".join([*rows, *parts.get("others", []), *parts.get("left_aside", [])])
    controls = [Control(*one) for one in parts.pop("controls", [])]
    return Shown(
        text=f"{text}\n{below}",
        said=text,
        first=text.partition("\n")[0],
        rows=rows,
        controls=controls,
        **parts,
    )


def asked(
    meaning: dict[str, Any],
    answer: dict[str, Any],
    records: Sequence[Record],
    view: Shown,
    **more: Any,
) -> Asked:
    """Return a question with this meaning and expectation, and its answer."""
    row = {
        "id": "t1",
        "surface": more.pop("surface", "pane"),
        "question": more.pop("question", "what is it"),
        "meaning": meaning,
        "answer": {"must_not": [], **answer},
    }
    row.update(more.pop("row", {}))
    controls = {name: more.pop(name) for name in ("pauses", "delegations") if name in more}
    wordings = Wordings(kinds=KINDS, actions={}, limits=(250, 2500), alone=frozenset())
    return Asked(
        row=row,
        asker=more.pop("asker", BEN),
        shown=view,
        oracle=oracle(records, **controls),
        wordings=wordings,
        **more,
    )
