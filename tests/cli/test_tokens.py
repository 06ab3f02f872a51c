"""Tokens of programs, as an operator makes, lists and revokes them."""

import json
import re
from contextlib import closing

import pytest

from bot import storage
from bot.cases.errors import BadRequest
from bot.cases.program_token import hash_token
from bot.cli.app import COUNTERSIGN
from bot.settings import load_offline


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "olga")
    monkeypatch.setenv("COLUMNS", "200")
    opened = storage.open_store(load_offline())
    with closing(opened.database):
        yield opened


@pytest.fixture
def run(store, capsys):
    """Run the command, and return what it prints."""

    def run(*arguments) -> str:
        COUNTERSIGN(["tokens", *arguments], standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_a_token_is_shown_once_and_listed_without_its_secret(run):
    options = ("--actions", "refund_deposit", "--limit", "99.50", "--expires", "90d", "--json")
    secret = json.loads(run("make", "stock-agent", *options))["token"]

    (token,) = json.loads(run("list", "--json"))

    assert token["token_hash"] == hash_token(secret)
    assert (token["program"], token["actions"], token["limit"], token["by_name"]) == (
        "stock-agent",
        ["refund_deposit"],
        "99.50",
        "olga",
    )
    assert secret not in run("list")


def test_a_token_alone_is_printed_for_scripts_and_the_advice_apart(store, capsys):
    COUNTERSIGN(["tokens", "make", "stock-agent"], standalone_mode=False)
    printed = capsys.readouterr()
    assert re.fullmatch(r"cs_stock-agent_\S{40,}\n", printed.out)
    assert "shown once" in printed.err


def test_a_revoked_token_is_listed_no_more(run, store):
    run("make", "stock-agent")
    (token,) = store.desk_controls.load().tokens
    assert "Revoked" in run("revoke", token.id[:8])
    assert "There are no tokens" in run("list")
    with pytest.raises(BadRequest, match="0 tokens begin"):
        run("revoke", token.id)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nobody"], "programs.yml has no program 'nobody'; it has stock-agent"),
        (["stock-agent", "--actions", "house.give_notice"], "ask for no house.give_notice"),
        (["stock-agent", "--limit", "much"], "--limit"),
        (["stock-agent", "--limit", "-1"], "--limit"),
        (["stock-agent", "--expires", "soon"], "--expires: .*a duration like"),
    ],
)
def test_what_is_wrong_makes_no_token(run, store, arguments, complaint):
    with pytest.raises(BadRequest, match=complaint):
        run("make", *arguments)
    assert store.desk_controls.load().tokens == ()
