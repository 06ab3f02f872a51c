"""``countersign case``."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from bot import storage
from bot.cases.case import Case
from bot.cases.entries import Entry
from bot.cli.case_pack import write_pack
from bot.cli.case_trail import print_trail
from bot.cli.terminal import AsJson, out, print_json
from bot.preflight import open_library
from bot.settings import load_offline
from bot.views.case_record import case_record, trail_record
from bot.views.labels import Labels
from handlers.cards.inquiry_message import inquiry_summary
from handlers.cards.notes import trail_lines

#: An operator may know, also before anybody has decided it.
PRACTICE = (
    "Practice: the past case {probe.of_case} once more, before @{probe.group}. Nothing of it is "
    "carried out.\n"
)


def case(
    case_id: Annotated[str, typer.Argument(help="The case, like EX-12.")],
    full: Annotated[
        bool, typer.Option("--full", help="Show what each entry says, not only what it is.")
    ] = False,
    pack: Annotated[
        Path | None,
        typer.Option(help="Write a page for an auditor to this file, with proofs of each entry."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    if pack:
        write_pack(case_id, pack)
        return
    settings = load_offline()
    store = storage.open_store(settings)
    with closing(store.database):
        shown_case = store.cases.case(case_id)
        entries = store.cases.entries(case_id)
    labels = open_library(settings).labels() if full else Labels()
    if as_json:
        record = case_record(shown_case)
        if full:
            record["trail"] = trail_record(entries, labels)
        print_json(record)
        return
    out.print(f"{shown_case.id}  {shown_case.state}  {shown_case.signal.title}\n", markup=False)
    if shown_case.probe:
        out.print(PRACTICE.format(probe=shown_case.probe), markup=False)
    if full:
        print_trail(entries, labels, shown_case)
    else:
        _print_summary(shown_case, entries)


def _print_summary(case: Case, entries: Sequence[Entry]) -> None:
    for line in trail_lines(case, entries):
        out.print(f"  {line}", markup=False)
    inquiries = case.activity.inquiries
    if inquiries:
        out.print("\nQuestions", markup=False)
    for inquiry in inquiries:
        out.print(f"  {inquiry_summary(inquiry)}", markup=False)
