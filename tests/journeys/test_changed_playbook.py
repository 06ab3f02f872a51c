"""A changed playbook in Slack: in shadow, on a share, on a card, in force, and back by itself."""

import json
import re
from contextlib import closing

import pytest

from bot.audit.replay import replay
from bot.cases.controls import DESK_ID
from bot.cases.desk_kinds import version_kind
from bot.cases.entries import VersionBegun
from bot.cases.lifecycle import State
from bot.cases.version_record import VersionPhase
from bot.clock import utc_now
from bot.demo.company import write_database
from bot.demo.people import ANA, BEN, ELSIE
from bot.demo.processes import BotProcess
from bot.settings import PACKAGED_LIBRARY, load
from bot.store.database import Database
from bot.store.store import Store
from handlers.cards import ids
from knowledge.library import copy_library
from tests.journeys.bots import sample_environment, send_low_stock
from tests.journeys.harbour import harbour
from tests.journeys.test_autonomy import words_of
from tests.waiting import wait_until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900), pytest.mark.proof]

KIND = "low_stock"
OLD = "quantity: stock.order_quantity}"
NEW = "quantity: '`12`'}"
RULE = 'versions: {shadow: 2, share: 100%, trial: 1, watch: "30d"}'
#: Products of which six are ordered.
PRODUCTS = range(86, 120)


def prepare_library(library) -> None:
    """Copy the sample library, with a rule for a short trial and no search for low stock."""
    copy_library(PACKAGED_LIBRARY, library)
    playbook = library / "playbooks" / f"{KIND}.yml"
    text = re.sub(
        r"signal:\n.*?(?=^what:)", "", playbook.read_text(), flags=re.DOTALL | re.MULTILINE
    )
    text = re.sub(r"^    (when: .*lead_days|otherwise: .*)\"\n", "", text, flags=re.MULTILINE)
    playbook.write_text(text)
    policy = library / "policy.yml"
    policy.write_text(re.sub(r"^versions: .*$", RULE, policy.read_text(), flags=re.MULTILINE))


@pytest.fixture
def town(tmp_path, emulator):
    """The sample company, which tries a changed playbook on two cases and then on all."""
    library = tmp_path / "library"
    prepare_library(library)
    folder = tmp_path / "data"
    folder.mkdir()
    with harbour(folder, emulator, COUNTERSIGN_LIBRARY_DIR=str(library)) as running:
        yield running


def edit(library, old: str, new: str) -> None:
    path = library / "playbooks" / f"{KIND}.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def restart(town, old: str = "", new: str = "") -> None:
    """Stop the bot, edit the playbook, and start it again."""
    town.close()
    if old:
        edit(town.settings.library_dir, old, new)
    town.open()


def raised(town, product: int):
    """Return the case of a product, as soon as it has a card."""
    receipt = town.signal(
        key=f"product-{product}",
        kind=KIND,
        subject=f"product:{product}",
        title="Running low",
        facts={"product_id": product},
    )
    case_id = receipt["case"]
    wait_until(lambda: town.card(town.desk.store.cases.case(case_id)), "a card")
    return town.desk.store.cases.case(case_id)


def quantity(case) -> int:
    return case.proposal.plan.actions[0].parameters["quantity"]


def versions(town):
    return town.desk.store.desk_controls.load().versions_of(KIND)


def phase(town):
    waiting = versions(town).waiting
    return waiting.phase if waiting else None


def is_compared(town, case) -> bool:
    return town.case(case).assessment.comparison is not None


def status(town) -> dict:
    rows = json.loads(town.countersign("versions", "--json"))
    return next(row for row in rows if row["kind"] == KIND)


def to_trial(town, products) -> None:
    """Let it see two cases, with a restart between them."""
    for _ in range(2):
        case = raised(town, next(products))
        assert quantity(case) == 6
        town.until(lambda case=case: is_compared(town, case), "a comparison")
        restart(town)
    town.until(lambda: phase(town) is VersionPhase.TRIAL, "a trial")


def approved(town, product: int):
    case = raised(town, product)
    town.approve(ANA, case)
    town.until(lambda: town.case(case).state is State.RESOLVED, "an outcome")
    return town.case(case)


def take_back(town, case) -> None:
    town.press_current(ANA, case, ids.UNDO)
    town.until(lambda: town.window(ANA)["views"], "a form")
    town.submit(ANA, **{ids.NOTE: "far too many bottles"})


def is_told(town) -> bool:
    return any("far too many bottles" in message["text"] for message in town.direct(ELSIE))


def test_a_changed_playbook_is_tried_asked_about_in_force_and_brought_back(town):
    products = iter(PRODUCTS)
    first = versions(town).in_force.checksum
    restart(town, OLD, NEW)
    assert phase(town) is VersionPhase.SHADOW
    to_trial(town, products)
    row = status(town)
    assert (row["in_force"], row["is_file_in_force"]) == (first, False)
    assert (row["tried"]["compared"], len(row["tried"]["otherwise"])) == (2, 2)
    assert "is on trial: 0 of 1 cases have ended, 2 judged otherwise" in row["sentence"]
    home = json.dumps(town.home(ELSIE), ensure_ascii=False)
    assert "🧪 The new version of “High-margin product running low before a peak” is" in home
    assert "🧪" not in json.dumps(town.home(ANA), ensure_ascii=False)

    # On trial it judges for real, and people decide.
    on_trial = approved(town, next(products))
    assert (quantity(on_trial), on_trial.assessment.is_on_trial) == (12, True)
    town.until(lambda: is_compared(town, on_trial), "a comparison")
    town.desk.upkeep.version_review.advance()

    change = town.the(version_kind(KIND))
    card = words_of(town, change)
    assert "Let the new version of “High-margin product running low before a peak”" in card
    assert "Judged otherwise in 3 of 3 cases" in card
    assert f"{on_trial.id} quantity 6 → 12 (new one approved)" in card
    for code_name in (KIND, "order_stock", "version_of", change.signal.facts["version"]):
        assert code_name not in re.sub(r'"(action_id|block_id|value)": "[^"]*"', "", card)
    town.approve(BEN, change)
    town.until(
        lambda: (
            "attempt.refused"
            in [entry.body.name for entry in town.desk.store.cases.entries(change.id)]
        ),
        "a refusal",
    )
    assert versions(town).in_force.checksum == first
    town.approve(ELSIE, change)
    town.until(lambda: versions(town).on_case == change.id, "the version to be in force")
    town.until(lambda: town.case(change).state is State.RESOLVED, "the end of the case")
    # Without a restart, and after one.
    wrong = approved(town, next(products))
    assert (quantity(wrong), wrong.assessment.is_on_trial) == (12, False)
    assert status(town)["is_file_in_force"]
    restart(town)

    take_back(town, wrong)
    town.until(lambda: versions(town).in_force.checksum == first, "the version before")
    town.until(lambda: is_told(town), "the owner to be told")
    assert quantity(raised(town, next(products))) == 6
    restart(town)
    assert phase(town) is None
    assert f"({wrong.id}); edit the file" in status(town)["sentence"]
    town.close()
    town.countersign("ledger", "verify")
    town.open()


def test_a_bad_outcome_on_trial_ends_it_and_the_owner_is_told(town):
    products = iter(PRODUCTS)
    restart(town, OLD, NEW)
    to_trial(town, products)
    wrong = approved(town, next(products))
    assert wrong.assessment.is_on_trial
    take_back(town, wrong)
    town.until(lambda: phase(town) is None, "the end of the trial")
    town.until(lambda: is_told(town), "the owner to be told")
    assert quantity(raised(town, next(products))) == 6
    # Another edit is another version.
    restart(town, NEW, "quantity: '`18`'}")
    assert phase(town) is VersionPhase.SHADOW
    town.close()
    town.countersign("ledger", "verify")
    town.open()


def test_power_cuts_between_lose_and_double_no_comparison(tmp_path, emulator):
    library = tmp_path / "library"
    prepare_library(library)
    write_database(tmp_path / "company.db", utc_now().replace(tzinfo=None, microsecond=0))
    own = {"COUNTERSIGN_LIBRARY_DIR": str(library), "COUNTERSIGN_LEASE_FOR": "2"}
    environment = sample_environment(tmp_path, emulator.url, **own)
    settings = load(environment)
    bot = BotProcess(environment)
    try:
        bot.start()
        bot.kill()
        edit(library, OLD, NEW)
        # Each is received, and then the power is cut wherever the work on it happens to be.
        for number in range(1, 5):
            bot.start()
            assert send_low_stock(bot, number) == "opened"
            bot.kill()
        bot.start()
        with closing(Database(settings.database_url)) as database:
            store = Store.over(database)
            ours = [case for case in store.queries.newest(limit=200) if case.signal.source == "api"]
            wait_until(
                lambda: all(store.cases.case(case.id).assessment.comparison for case in ours),
                "a comparison of each case",
            )
            bot.stop()
            for case in ours:
                names = [entry.body.name for entry in store.cases.entries(case.id)]
                assert names.count("version.compared") == names.count("evidence.gathered") == 1
            begun = [
                (entry.body.kind, entry.body.phase)
                for entry in store.cases.entries(DESK_ID)
                if isinstance(entry.body, VersionBegun)
            ]
            assert begun == [(KIND, VersionPhase.SHADOW), (KIND, VersionPhase.TRIAL)]
            assert replay(database).differences == ()
    finally:
        bot.stop()
