"""A company in euros: card, limits, execution and record speak of euros, and of nothing else."""

import json
import sqlite3
from contextlib import closing
from decimal import Decimal

import pytest

from bot.cases.errors import PlaybookInvalid
from bot.cases.lifecycle import State
from bot.cases.plan import Money
from bot.cases.policy import RiskTier
from bot.cli.init_packs import write_pack_library
from bot.cli.pack_company import write_company
from bot.views.case_record import case_record
from knowledge.library import load
from knowledge.library.packs import PACKAGED_PACKS
from tests.journeys.harbour import harbour
from tests.knowledge.library.editing import change

ANA, BEN = "U0ANA", "U0BEN"
#: What 30 bottles cost is over the limit of medium risk, and under that of high risk.
SOURCES = "sources: {api: {format: signal, token_env: [COUNTERSIGN_SOURCE_API_TOKEN]}}\n"
CHAMPAGNE = """
INSERT INTO products VALUES (9, 'Champagne', 'bottles', 41.15, 120.0, 0.66, 1);
INSERT INTO stock VALUES (9, 0, 0, 30, date('now', '+3 days'));
"""


@pytest.fixture
def town(tmp_path, emulator):
    """The bot of a company in euros, to which another system reports pounds."""
    library = tmp_path / "library"
    write_pack_library(library, ["stock"], "EUR")
    (library / "sources.yml").write_text(SOURCES)
    database = tmp_path / "company.db"
    sql = (PACKAGED_PACKS / "stock" / "company.sql").read_text(encoding="utf-8")
    write_company(sql + CHAMPAGNE, database)
    with harbour(
        tmp_path,
        emulator,
        COUNTERSIGN_LIBRARY_DIR=str(library),
        COMPANY_DATABASE_URL=f"sqlite:///{database}",
    ) as town:
        yield town


def the(town, subject):
    """Return the case of this subject as soon as its card stands."""

    def find():
        cases = [case for case in town.cases() if case.signal.subject == subject]
        return next((case for case in cases if town.card(case)), None)

    town.until(find, f"a card of {subject}")
    return find()


def text_of(town, case):
    return json.dumps(town.card(case)["blocks"], ensure_ascii=False)


def test_a_company_in_euros_sees_approves_and_records_euros_and_knows_pounds_from_them(
    town, tmp_path
):
    case = the(town, "product:9")
    # The pack names its channel by name: the card stands in the channel that has it here.
    assert case.channel == "C0STOCK"
    text = text_of(town, case)
    assert "€1,234.50" in text
    assert "£" not in text
    verdict = case.proposal.verdict
    assert (verdict.tier, verdict.reason) == (
        RiskTier.MEDIUM,
        "moves €1,234.50, over €250.00",
    )
    assert case.proposal.plan.amount == Money(Decimal("1234.5"), "EUR")

    # Over the limit of euros, a floor manager is not enough.
    town.approve(ANA, case)
    town.until(lambda: any("ops-leads" in one for one in town.whispers(ANA)), "an answer")
    assert town.case(case).state is State.PROPOSED
    town.approve(BEN, case)
    town.until(lambda: town.case(case).state is State.RESOLVED, "the order")
    with closing(sqlite3.connect(tmp_path / "company.db")) as company:
        assert company.execute("SELECT on_order FROM stock WHERE product_id = 9").fetchone() == (
            30,
        )

    town.until(lambda: "Ordered 30 × Champagne" in text_of(town, case), "the folded card")
    page = tmp_path / "case.html"
    town.countersign("case", case.id, "--pack", str(page))
    record = json.dumps(case_record(town.case(case)), ensure_ascii=False)
    for text in (text_of(town, case), record, page.read_text(encoding="utf-8")):
        assert "1,234.50" in text or "1234.5" in text
        assert "€" in text or "EUR" in text
        assert "£" not in text
        assert "GBP" not in text
    refund_in_pounds_goes_to_a_person(town)


def refund_in_pounds_goes_to_a_person(town):
    """What another system reports in pounds is never read as euros."""
    town.signal(
        key="uk-7",
        kind="refund_asked",
        subject="refund:7",
        title="A shop in Leeds asks for its money back",
        facts={"amount": 640, "currency": "GBP"},
    )
    case = the(town, "refund:7")
    assert case.assessment.stake == Money(Decimal(640), "GBP")
    assert case.proposal.plan is None
    text = text_of(town, case)
    assert "£640.00" in text
    assert "€" not in text


def test_an_action_in_pounds_without_a_rate_is_refused_before_anything_starts(tmp_path):
    library = tmp_path / "library"
    write_pack_library(library, ["stock"], "EUR")
    change(
        library / "systems.yml",
        "        amount: difference_value\n",
        "        amount: difference_value\n        currency: GBP\n",
    )
    with pytest.raises(PlaybookInvalid, match="moves GBP; policy.yml speaks EUR, and refuses it"):
        load(library)
    change(library / "policy.yml", "currency: EUR", "currencies: {GBP: 1.2}\ncurrency: EUR")
    assert load(library).rules.convert(Decimal(100), "GBP") == Decimal(120)
