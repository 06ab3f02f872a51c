"""``countersign grants``: list and stop what is approved in advance."""

import getpass
from contextlib import closing
from typing import Annotated, Any

import typer
from rich.table import Table

from bot import storage
from bot.cases.caller import Caller
from bot.cases.control_commands import StopGrant
from bot.cases.errors import TooLate
from bot.cases.grant import Grant, GrantMeter
from bot.cases.granting import live_grants
from bot.cases.plan import Money
from bot.cli.terminal import AsJson, out, print_json
from bot.desk.control_path import ControlPath
from bot.settings import load_offline
from bot.store.clock import clock_of
from bot.store.store import Store

COLUMNS = ("case", "by", "kind", "action", "used", "of the sum", "until")


def list_grants(as_json: AsJson = False) -> None:
    store = storage.open_store(load_offline())
    with closing(store.database):
        meters = [GrantMeter(grant, store.cases.grant_use(grant)) for grant in _grants(store)]
    if as_json:
        print_json([_plain(meter) for meter in meters])
        return
    if not meters:
        out.print("Nothing is approved in advance.")
        return
    table = Table(*COLUMNS)
    for meter in meters:
        table.add_row(*_row(meter))
    out.print(table)


def stop(
    case: Annotated[str, typer.Argument(help="The case that it came with, like EX-12.")],
) -> None:
    store = storage.open_store(load_offline())
    caller = Caller.operator(getpass.getuser())
    with closing(store.database):
        path = ControlPath(store.desk_controls, store.queries, clock_of(store.database))
        grants = _grants(store, on_case=case.upper())
        if not grants:
            raise TooLate(f"nothing is approved in advance with {case[:40]}")
        for grant in grants:
            _stop(path, caller, grant)
    out.print("Stopped. From now on such plans ask people.")


def _stop(path: ControlPath, caller: Caller, grant: Grant) -> None:
    path.decide(lambda: StopGrant(caller, grant.id))


def _grants(store: Store, on_case: str = "") -> list[Grant]:
    now = clock_of(store.database)()
    return live_grants(store.desk_controls.load(), now, on_case=on_case)


def _row(meter: GrantMeter) -> tuple[str, ...]:
    grant, use = meter.grant, meter.use
    amounts = ""
    if grant.max_amount:
        amounts = f"{Money(use.amount, grant.max_amount.currency)} of {grant.max_amount}"
    return (
        grant.on_case,
        grant.giver_name,
        grant.kind,
        grant.action,
        f"{use.count} of {grant.max_count}",
        amounts,
        f"{grant.until:%d %b %Y %H:%M} UTC",
    )


def _plain(meter: GrantMeter) -> dict[str, Any]:
    grant, use = meter.grant, meter.use
    amounts = {"used_amount": None, "amount": None, "currency": ""}
    if grant.max_amount:
        amounts = {
            "used_amount": str(use.amount),
            "amount": str(grant.max_amount.amount),
            "currency": grant.max_amount.currency,
        }
    return {
        "grant": grant.id,
        "case": grant.on_case,
        "giver": grant.giver,
        "giver_name": grant.giver_name,
        "kind": grant.kind,
        "action": grant.action,
        "target": grant.target,
        "used": use.count,
        "count": grant.max_count,
        **amounts,
        "until": grant.until.isoformat(),
    }
