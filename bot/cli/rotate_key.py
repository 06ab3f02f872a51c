"""``countersign ledger rotate-key``: sign checkpoints with a new key."""

import getpass
from contextlib import closing

from bot import storage
from bot.checkpoint_keeper import open_keeper
from bot.cli.terminal import out
from bot.settings import load_offline
from bot.store.clock import clock_of


def rotate_key() -> None:
    settings = load_offline()
    store = storage.open_store(settings)
    with closing(store.database):
        keeper = open_keeper(settings, store, clock_of(store.database))
        rotation = keeper.rotate_key(getpass.getuser())
    out.print(
        f"Old key: {rotation.old_key}\nNew key: {rotation.new_key}\n"
        "Both have signed the change. Pin the new key beside the old one; either verifies the"
        " whole ledger. Processes that run sign with it from their next checkpoint on.",
        markup=False,
        soft_wrap=True,
    )
