"""``countersign questions``."""

import json
from contextlib import closing
from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from bot import storage
from bot.cli.terminal import AsJson, out
from bot.clock import utc_now
from bot.settings import load_offline

COLUMNS = ("asked at", "question", "understood as", "feedback")
MAX_QUESTION_LENGTH = 100


def questions(
    days: Annotated[int, typer.Option(help="Number of days to look back.")] = 14,
    every: Annotated[
        bool, typer.Option("--all", help="List all questions, also those with a good answer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    store = storage.open_store(load_offline())
    since = utc_now() - timedelta(days=days)
    with closing(store.database):
        records = store.question_log.questions(since, only_unanswered=not every)
    if as_json:
        rows = [
            {
                "at": record.asked_at.isoformat(),
                "text": record.text,
                "understood": record.reading,
                "vote": record.vote,
            }
            for record in records
        ]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    if not records:
        out.print(f"No such questions in the last {days} days.")
        return
    table = Table(*COLUMNS)
    for record in records:
        asked_at = f"{record.asked_at:%d %b %H:%M}"
        question = record.text[:MAX_QUESTION_LENGTH]
        cells = (asked_at, question, record.reading or "nothing", record.vote)
        table.add_row(*cells)
    out.print(table)
