"""The shipment that two systems disagree on, over three systems, with a carrier that misbehaves."""

import json
import re
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from bot.audit.replay import replay
from bot.cases.entries import StepState
from bot.cases.lifecycle import State
from bot.clock import utc_now
from bot.demo import company
from bot.demo.people import BEN
from bot.settings import PACKAGED_LIBRARY
from handlers.cards import ids
from knowledge.library import copy_library
from tests.journeys.carrier import running_carrier
from tests.journeys.harbour import Harbour

pytestmark = [pytest.mark.journey, pytest.mark.timeout(600), pytest.mark.proof]
#: The way in which the carrier answers, and what then becomes of the case.
HELD = ("held", "is slow", "loses the answer", "is busy first", "talks nonsense first")
ASKED = ("answers something else", "names no day", "names a far day")
MODES = {90_000 + number: mode for number, mode in enumerate((*HELD, "refuses", *ASKED))}
CARRIER_BLOCK = re.compile(r"  # What the carrier lets.*?(?=  warehouse:)", re.DOTALL)


@pytest.fixture
def carrier():
    with running_carrier() as server:
        server.modes = dict(MODES)
        yield server


@pytest.fixture
def town(tmp_path, emulator, carrier, database_url):
    """The sample company with a carrier behind an HTTP API, and a shipment for each of its ways."""
    library = tmp_path / "library"
    copy_library(PACKAGED_LIBRARY, library)
    systems = (library / "systems.yml").read_text()
    text, count = CARRIER_BLOCK.subn(lambda _: carrier.system, systems)
    assert count == 1
    (library / "systems.yml").write_text(text)
    company.write_database(tmp_path / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
    ship(tmp_path)
    running = Harbour(
        tmp_path,
        emulator,
        COUNTERSIGN_LIBRARY_DIR=str(library),
        COUNTERSIGN_DATABASE_URL=database_url,
        COUNTERSIGN_STORM_AFTER="0",
    )
    try:
        yield running
    finally:
        running.close()


def ship(folder):
    """Add the shipments, of which both systems say something else."""
    shipped_on = (utc_now() - timedelta(days=2)).date().isoformat()
    with closing(sqlite3.connect(folder / "company.db")) as database, database:
        database.executemany(
            "INSERT INTO shipments VALUES (?, 'Pell & Co', 120, ?, 'delivered', 'short', 'open')",
            [(shipment, shipped_on) for shipment in MODES],
        )
    with closing(sqlite3.connect(folder / "warehouse.db")) as database, database:
        database.executemany(
            "INSERT INTO deliveries VALUES (?, 'short', NULL)", [(one,) for one in MODES]
        )


def value(town, file, query, *parameters):
    with closing(sqlite3.connect(town.folder / file)) as database:
        row = database.execute(query, parameters).fetchone()
    return row[0] if row else None


def case_of(town, shipment):
    for case in town.cases("shipment_mismatch"):
        if case.signal.facts["shipment_id"] == shipment:
            return case
    return None


def text_of(blocks) -> str:
    return json.dumps(blocks, ensure_ascii=False)


def test_every_way_in_which_a_carrier_may_answer(town, carrier):
    """Nine shipments, nine answers: each is done once, or asked about before anything more is."""
    town.until(lambda: all(case_of(town, one) for one in MODES), "the cases")
    for shipment in MODES:
        town.until(lambda one=shipment: town.card(case_of(town, one)), "a card")
    case = case_of(town, 90_000)
    assert question_of(town, case) == (
        "Hold shipment 90000 for Pell & Co, then ask the carrier to find and hold what is missing; "
        "if the carrier holds it, let the warehouse expect the rest on the day that the carrier "
        "names; if the carrier refuses, claim shipment 90000 from the carrier?"
    )
    details = details_of(town, case)
    assert "3a. If the carrier holds it: let the warehouse expect" in details
    assert "3b. If the carrier refuses: claim shipment 90000" in details
    assert "else it is asked again" in details
    for shipment in MODES:
        town.approve(BEN, case_of(town, shipment))
    ends = {one: end_of(mode) for one, mode in MODES.items()}
    town.until(
        lambda: {one: case_of(town, one).state for one in MODES} == ends, "every end", patience=180
    )
    for shipment, mode in MODES.items():
        check(town, carrier, shipment, mode)
    assert replay(town.desk.store.database).differences == ()


def end_of(mode: str) -> State:
    return State.REFERRED if mode in ASKED else State.RESOLVED


def check(town, carrier, shipment, mode):
    """Look at all three systems, at the card and at its thread."""
    case = case_of(town, shipment)
    record = value(
        town, "warehouse.db", "SELECT record FROM deliveries WHERE shipment_id = ?", shipment
    )
    claims = value(
        town, "company.db", "SELECT COUNT(*) FROM claims WHERE shipment_id = ?", shipment
    )
    status = value(town, "company.db", "SELECT status FROM shipments WHERE id = ?", shipment)
    holds = carrier.holds_of(shipment)
    assert status == "on hold"
    assert (len(holds), claims) == ((0, 1) if mode == "refuses" else (1, 0)), mode
    assert record == ("rest expected" if mode in HELD else "short"), mode
    if mode in HELD:
        expected_on = "SELECT expected_on FROM deliveries WHERE shipment_id = ?"
        assert value(town, "warehouse.db", expected_on, shipment) == holds[0]["held_until"]
        town.until(lambda: "as the carrier holds it" in card_text(town, shipment), "the path")
    elif mode == "refuses":
        assert case.execution.steps[1].state is StepState.REFUSED
        town.until(lambda: "as the carrier refused" in card_text(town, shipment), "the path")
    else:
        facts = {fact.label for fact in case.assessment.evidence}
        assert {"Done already", "Answer"} <= facts
        assert case.activity.drift_reasons
        # Once, and not again on the new card.
        assert "done already" in case.proposal.recommendation.blocked


def card_text(town, shipment) -> str:
    return text_of(town.card(case_of(town, shipment))["blocks"])


def question_of(town, case) -> str:
    (text,) = re.findall(r'"(Hold shipment [^"]*\?)', text_of(town.card(case)["blocks"]))
    return text


def details_of(town, case) -> str:
    town.press_current(BEN, case, ids.DETAILS)
    town.until(lambda: town.window(BEN)["views"], "the details")
    return text_of(town.window(BEN)["views"][-1]["blocks"])
