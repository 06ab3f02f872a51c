"""``countersign recognition``."""

import csv
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Annotated

import typer
from rich.table import Table

from bot import storage
from bot.cases.merits import Award, names_of
from bot.cli.terminal import AsJson, out, print_json
from bot.clock import utc_now
from bot.desk.recognition import DEEDS, MonthlyAwards, read_month
from bot.preflight import open_library
from bot.settings import load_offline
from bot.store.store import Store
from bot.use_cases import build_monthly_awards

FIELDS = (
    "person",
    "name",
    "merit",
    "points",
    "state",
    "reason",
    "case",
    "kind",
    "deed",
    "proof",
    "reversal",
    "at",
)
COLUMNS = ("person", "what", "case", "entries", "points", "")
OFF = "Nothing is recognised: recognition.yml has no rules."


def recognition(
    month: Annotated[str, typer.Option(help="The month, like 2026-11; default: this one.")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    as_json: AsJson = False,
) -> None:
    settings = load_offline()
    library = open_library(settings)
    store = storage.open_store(settings)
    with closing(store.database):
        awards = build_monthly_awards(store, library)
        now = utc_now()
        month = month or awards.month_of(now)
        read_month(month)
        month_awards = awards.find(month, now)
        names = _names(store, month_awards)
    rows = [_row(award, names) for award in month_awards]
    # By name, and never by points.
    rows.sort(key=lambda row: (str(row["name"]).casefold(), str(row["at"])))
    if as_json:
        print_json(rows)
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    else:
        _print_table(month, awards, rows)


def _names(store: Store, awards: Sequence[Award]) -> dict[str, str]:
    """Find the names that people had in the ledger."""
    names: dict[str, str] = {}
    for case_id in dict.fromkeys(award.case_id for award in awards):
        names |= names_of(store.cases.entries(case_id))
    return names


def _row(award: Award, names: dict[str, str]) -> dict[str, object]:
    return {
        "person": award.person,
        "name": names.get(award.person, award.person),
        "merit": award.merit.value,
        "points": award.points if award.counts else 0,
        "state": award.state.value,
        "reason": award.reason,
        "case": award.case_id,
        "kind": award.kind,
        "deed": award.deed,
        "proof": award.proof,
        "reversal": award.reversal or "",
        "at": award.at.isoformat(),
    }


def _print_table(month: str, awards: MonthlyAwards, rows: Sequence[dict[str, object]]) -> None:
    if not awards.rules.is_on:
        out.print(OFF)
        return
    if not rows:
        out.print(f"Nothing was recognised in {month}.")
        return
    table = Table(*COLUMNS)
    titles = {merit.value: singular for merit, (singular, _) in DEEDS.items()}
    for row in rows:
        remark = ": ".join(str(row[name]) for name in ("state", "reason") if row[name])
        cells = (
            str(row["name"]),
            titles[str(row["merit"])],
            str(row["case"]),
            f"{row['deed']}, {row['proof']}",
            str(row["points"]),
            remark,
        )
        table.add_row(*cells)
    out.print(table)
