"""``countersign approvers``: how groups decide, for the lead of the operation."""

from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from bot import storage
from bot.audit.approver_decisions import read_decisions
from bot.cases.approver_health import MIN_PEOPLE, QueueHealth, measure_health
from bot.cases.errors import Refusal
from bot.cli.terminal import AsJson, out, print_json
from bot.clock import utc_now
from bot.settings import ApproverHealth, load_offline

TURNED_OFF = (
    "Figures about how people decide are off. If your organisation has agreed to them, set "
    "COUNTERSIGN_APPROVER_HEALTH=on. They are about groups, and leave out what would be about one "
    "person"
)
HIDDEN = "–"
HINT = (
    "@{group} approves without reading: {share} of its approvals came faster than a card can be "
    "read, and none was refused. Fewer cards, or an approval fewer, may help more than a reminder."
)


def approvers(
    days: Annotated[int, typer.Option(min=1, max=365, help="How many days back.")] = 30,
    as_json: AsJson = False,
) -> None:
    settings = load_offline()
    if settings.approver_health is ApproverHealth.OFF:
        raise Refusal(TURNED_OFF)
    store = storage.open_store(settings)
    with closing(store.database):
        samples = read_decisions(store.database, utc_now() - timedelta(days=days))
        queues = measure_health(samples)
    if as_json:
        print_json([_as_plain(queue) for queue in queues])
        return
    out.print(_table(queues))
    out.print(f"Figures about fewer than {MIN_PEOPLE} people are left out.", style="dim")
    for queue in queues:
        if queue.is_rubber_stamped:
            hint = HINT.format(group=queue.group, share=_percent(queue.fast_share))
            out.print(hint, markup=False)


def _as_plain(queue: QueueHealth) -> dict[str, object]:
    return {**asdict(queue), "is_rubber_stamped": queue.is_rubber_stamped}


def _table(queues: list[QueueHealth]) -> Table:
    heads = ("group", "decisions", "people", "time to decide", "approved", "too fast to read")
    table = Table(*heads, "busiest person", "most frequent pair", box=None)
    for queue in queues:
        table.add_row(
            f"@{queue.group}",
            str(queue.decisions),
            str(queue.people),
            _duration(queue.time_to_decide),
            _percent(queue.approval_share),
            _percent(queue.fast_share),
            _percent(queue.busiest_share),
            _percent(queue.pair_share),
        )
    return table


def _percent(share: float | None) -> str:
    return HIDDEN if share is None else f"{share:.0%}"


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"
