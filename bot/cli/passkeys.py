"""``countersign passkey``."""

import getpass
import json
from contextlib import closing
from typing import Annotated

import typer
from rich.table import Table

from bot import storage, wiring
from bot.cases.canonical import to_plain
from bot.cli.terminal import AsJson, out, print_json
from bot.settings import load, load_offline
from handlers.passkeys.app import enrolment_url

COLUMNS = ("person", "name", "passkey", "site", "added")


def invite(
    person: Annotated[str, typer.Argument(help="Slack user id, like U012AB3CD.")],
    as_json: AsJson = False,
) -> None:
    settings = load()
    store = storage.open_store(settings)
    with closing(store.database):
        enrolment, chat = wiring.open_enrolment(settings, store)
        principal = f"{chat.team_id()}/{person}"
        invitation = enrolment.invite(principal, operator=getpass.getuser())
    link = enrolment_url(settings.public_url, invitation)
    if as_json:
        print(json.dumps({"person": principal, "link": link}))
        return
    # Slack would show the link to everybody who can read that conversation.
    out.print(
        "This link works once, within 24 hours. Give it to them in person, not through Slack:"
    )
    # Not wrapped: it is copied.
    out.print(link, markup=False, soft_wrap=True)


def list_passkeys(as_json: AsJson = False) -> None:
    store = storage.open_store(load_offline())
    with closing(store.database):
        passkeys = store.desk_controls.load().passkeys
    if as_json:
        print_json([to_plain(passkey) for passkey in passkeys])
        return
    if not passkeys:
        out.print("There are no passkeys. Invite somebody with `countersign passkey invite U…`.")
        return
    table = Table(*COLUMNS)
    for passkey in passkeys:
        added_at = f"{passkey.added_at:%d %b %Y %H:%M} UTC"
        # Long enough to name it in `passkey remove`.
        credential = passkey.credential[:16]
        row = (passkey.person, passkey.name, credential, passkey.site, added_at)
        table.add_row(*row)
    out.print(table)


def remove(
    passkey: Annotated[str, typer.Argument(help="The passkey, as `passkey list` shows it.")],
) -> None:
    settings = load_offline()
    store = storage.open_store(settings)
    with closing(store.database):
        enrolment, _ = wiring.open_enrolment(settings, store)
        enrolment.remove(passkey, operator=getpass.getuser())
    out.print("Removed. This passkey can no longer sign.")
