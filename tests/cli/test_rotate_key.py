"""``countersign ledger rotate-key``: the next key, under both signatures, and who brought it in."""

import getpass
import json

import pytest
import typer

from bot.audit.checkpoints import Checkpoints
from bot.cases.errors import Refusal
from bot.cli import ledger as ledger_commands
from bot.cli.rotate_key import rotate_key
from bot.store.database import Database
from bot.store.migrate import migrate
from bot.store.store import Store
from tests.world import World


@pytest.fixture
def checkpoints(tmp_path, monkeypatch):
    """A data folder with a case, under a checkpoint."""
    monkeypatch.setenv("COUNTERSIGN_DATA_DIR", str(tmp_path))
    database = Database(f"sqlite:///{tmp_path / 'countersign.db'}")
    migrate(database)
    world = World(Store.over(database))
    world.receive()
    Checkpoints(tmp_path / "checkpoints", "countersign").sign(world.store.ledger)
    database.close()
    return tmp_path / "checkpoints"


def test_the_ledger_says_who_brought_the_key_in_and_the_old_pin_holds(checkpoints, capsys):
    old = (checkpoints / "public.key").read_text().strip()
    rotate_key()
    text = capsys.readouterr().out
    new = (checkpoints / "public.key").read_text().strip()
    assert f"Old key: {old}\nNew key: {new}\n" in text
    # The last note is of the new key alone, over the entry.
    assert [path.name for path in sorted(checkpoints.glob("*.note"))] == [
        "000001-1.note",
        "000002-1.note",
        "000003-2.note",
    ]
    for key in (old, new):
        with pytest.raises(typer.Exit) as exit_:
            ledger_commands.verify(key=key, as_json=True)
        answer = json.loads(capsys.readouterr().out)
        assert (exit_.value.exit_code, answer["findings"], answer["covered"]) == (0, [], 2)
        assert f"was replaced by {new}; by {getpass.getuser()!r}" in answer["notes"][0]


def test_a_process_that_does_not_sign_replaces_no_key(checkpoints, monkeypatch):
    key = (checkpoints / "key").read_bytes()
    monkeypatch.setenv("COUNTERSIGN_CHECKPOINTS", "elsewhere")
    with pytest.raises(Refusal, match="replace the key where they are signed"):
        rotate_key()
    assert (checkpoints / "key").read_bytes() == key


def test_a_ledger_that_lacks_signed_entries_is_acknowledged_before_its_key_is_replaced(
    checkpoints, tmp_path
):
    key = (checkpoints / "key").read_bytes()
    for path in tmp_path.glob("countersign.db*"):
        path.unlink()
    with pytest.raises(Refusal, match="a backup was restored"):
        rotate_key()
    assert (checkpoints / "key").read_bytes() == key
