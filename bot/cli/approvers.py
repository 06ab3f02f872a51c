"""``countersign approvers``: how groups decide, for the lead of the operation."""

from contextlib import closing
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from bot import storage
from bot.audit.approver_decisions import SqlApproverDecisions
from bot.cases.approver_health import MIN_PEOPLE, QueueHealth, measure_health
from bot.cases.errors import Refusal
from bot.cli.terminal import AsJson, out, print_json
from bot.clock import utc_now
from bot.settings import ApproverHealth, load_offline
from bot.views.queue_health import REMEDIES, busy_sentence, duration, percent, practice_text

HEADS = (
    "group",
    "decisions",
    "people",
    "time to decide",
    "approved",
    "too fast to read",
    "without details",
    "busiest person",
    "most frequent pair",
    "practice",
)
TURNED_OFF = (
    "Figures about how people decide are off. If your organisation has agreed to them, set "
    "COUNTERSIGN_APPROVER_HEALTH=on. They are about groups, and leave out what would be about one "
    "person"
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
        decisions = SqlApproverDecisions(store.database)
        since = utc_now() - timedelta(days=days)
        queues = measure_health(decisions.read(since), decisions.probes(since))
    if as_json:
        print_json([_as_plain(queue) for queue in queues])
        return
    out.print(_table(queues))
    out.print(f"Figures about fewer than {MIN_PEOPLE} people are left out.", style="dim")
    for queue in queues:
        if queue.is_rubber_stamped:
            out.print(busy_sentence(queue), markup=False)
            for remedy in REMEDIES:
                out.print(f"  - {remedy}", markup=False)


def _as_plain(queue: QueueHealth) -> dict[str, object]:
    return {**asdict(queue), "is_rubber_stamped": queue.is_rubber_stamped}


def _table(queues: list[QueueHealth]) -> Table:
    table = Table(*HEADS, box=None)
    for queue in queues:
        cells = (
            f"@{queue.group}",
            str(queue.decisions),
            str(queue.people),
            duration(queue.time_to_decide),
            percent(queue.approval_share),
            percent(queue.fast_share),
            percent(queue.unopened_share),
            percent(queue.busiest_share),
            percent(queue.pair_share),
            practice_text(queue),
        )
        table.add_row(*cells)
    return table
