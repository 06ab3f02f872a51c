"""``countersign autonomy``."""

from contextlib import closing
from typing import Any

from rich.table import Table

from bot import storage
from bot.cases.autonomy import percent_below
from bot.cli.terminal import AsJson, out, print_json
from bot.clock import utc_now
from bot.desk.action_stages import ActionStages
from bot.preflight import open_library
from bot.settings import load_offline
from bot.views.autonomy import ActionStage

COLUMNS = ("kind", "action", "stage", "since", "by", "agreed", "surely", "missing to the next")


def autonomy(as_json: AsJson = False) -> None:
    settings = load_offline()
    store = storage.open_store(settings)
    with closing(store.database):
        stages = ActionStages(
            desk_controls=store.desk_controls,
            records=store.decision_records,
            library=open_library(settings),
            clock=utc_now,
        ).list()
    if as_json:
        print_json([_plain(one) for one in stages])
        return
    table = Table(*COLUMNS)
    for one in stages:
        table.add_row(*_row(one))
    out.print(table)


def _row(one: ActionStage) -> tuple[str, ...]:
    since = f"{one.since:%d %b %Y}" if one.since else "its playbook"
    agreement = bound = missing = ""
    if one.gate:
        agreement = f"{one.gate.agreements:,} of {one.gate.decisions:,}"
        bound = f"{percent_below(one.gate.lower_bound)} %"
        missing = "; ".join(one.gate.reasons) or "nothing: it is asked for"
    return (
        one.kind_title,
        one.action_title,
        one.stage.value,
        since,
        one.by_name,
        agreement,
        bound,
        missing,
    )


def _plain(one: ActionStage) -> dict[str, Any]:
    gate = one.gate
    record: dict[str, Any] = {}
    if gate:
        record = {
            "decisions": gate.decisions,
            "agreements": gate.agreements,
            "lower_bound": round(gate.lower_bound, 4),
            "misses": list(gate.misses),
            "bad_cases": list(gate.bad_cases),
            "missing": list(gate.reasons),
        }
    return {
        "kind": one.kind,
        "action": one.action,
        "stage": one.stage.value,
        "since": one.since.isoformat() if one.since else None,
        "by": one.by_name,
        **record,
    }
