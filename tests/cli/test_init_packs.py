"""``countersign init --pack``: packs joined into a library of one's own."""

import shutil

import pytest
from click.testing import CliRunner

from bot.cases.errors import Refusal
from bot.cli.app import COUNTERSIGN
from bot.cli.init_packs import write_pack_library
from knowledge.library import load
from knowledge.library.packs import PACKAGED_PACKS
from tests.knowledge.library.editing import change


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder from which commands are run."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(COUNTERSIGN, list(arguments))


def test_packs_become_a_library_that_loads_with_the_settings_that_it_needs(home):
    result = run("init", "mine", "--pack", "stock", "--pack", "finance")
    assert result.exit_code == 0, result.output
    library = load(home / "mine")
    assert {"low_stock", "invoice_no_order", "record_differs", "unrecognised"} <= set(
        library.playbooks
    )
    assert "countersign pack try finance" in result.output
    settings = (home / ".env").read_text()
    assert f"COUNTERSIGN_LIBRARY_DIR={home / 'mine'}\n" in settings
    assert "COMPANY_DATABASE_URL=\n" in settings
    assert "COMPANY_ACCOUNTS_URL=\n" in settings
    first, *_ = (home / "mine" / "playbooks" / "low_stock.yml").read_text().splitlines()
    assert first == "# yaml-language-server: $schema=../schemas/playbook.json"


def test_a_pack_of_a_folder_and_of_a_zip_is_taken_too(home):
    run("pack", "new", "bakery")
    archive = shutil.make_archive("logistics", "zip", PACKAGED_PACKS / "logistics")
    assert run("init", "mine", "--pack", "bakery", "--pack", archive).exit_code == 0
    assert {"order_late", "shipment_mismatch"} <= set(load(home / "mine").playbooks)


def test_nothing_is_written_where_packs_disagree_or_are_missing(home):
    shutil.copytree(PACKAGED_PACKS / "sales", home / "sales")
    change(home / "sales" / "policy.yml", "currency: GBP", "currency: EUR")
    with pytest.raises(Refusal, match="say different things of currency in policy.yml"):
        write_pack_library(home / "mine", ["stock", "./sales"])
    with pytest.raises(Refusal, match="there is no pack cellar"):
        write_pack_library(home / "mine", ["stock", "cellar"])
    assert [path.name for path in home.iterdir()] == ["sales"]


def test_packs_are_written_in_the_currency_of_the_company(home):
    result = run("init", "mine", "--pack", "sales", "--pack", "finance", "--currency", "EUR")
    assert result.exit_code == 0, result.output
    library = load(home / "mine")
    assert library.rules.currency == "EUR"
    call = library.systems["house"].actions["chase_quote"]
    assert "the quote of €{amount} to {company}" in call.preview
    for path in (home / "mine").rglob("*.yml"):
        assert "£" not in path.read_text(), path.name
        assert "GBP" not in path.read_text(), path.name
    francs = write_pack_library(home / "francs", ["sales"], "CHF")
    assert "of CHF {amount} to" in francs.systems["house"].actions["chase_quote"].preview
    wrong = run("init", "other", "--pack", "sales", "--currency", "euro")
    assert wrong.exit_code != 0
    assert not (home / "other").exists()


def test_what_follows_names_channels_and_groups(home):
    printed = run("init", "mine", "--pack", "stock").output
    assert "Cards go to #stock: make them in Slack and invite the app" in printed
    assert "finance, floor-managers, ops-leads, owners" in printed
