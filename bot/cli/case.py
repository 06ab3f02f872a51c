"""``countersign case``."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from bot import storage
from bot.cli.case_pack import write_pack
from bot.cli.terminal import AsJson, out, print_json
from bot.settings import load_offline
from bot.views.case_record import case_record
from handlers.cards.inquiry_message import inquiry_summary
from handlers.cards.notes import trail_lines


def case(
    case_id: Annotated[str, typer.Argument(help="The case, like EX-12.")],
    pack: Annotated[
        Path | None,
        typer.Option(help="Write a page for an auditor to this file, with proofs of each entry."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    if pack:
        write_pack(case_id, pack)
        return
    store = storage.open_store(load_offline())
    with closing(store.database):
        shown_case = store.cases.case(case_id)
        entries = store.cases.entries(case_id)
    if as_json:
        print_json(case_record(shown_case))
        return
    title = shown_case.signal.title
    out.print(f"{shown_case.id}  {shown_case.state}  {title}\n", markup=False)
    for line in trail_lines(shown_case, entries):
        out.print(f"  {line}", markup=False)
    inquiries = shown_case.activity.inquiries
    if inquiries:
        out.print("\nQuestions", markup=False)
    for inquiry in inquiries:
        out.print(f"  {inquiry_summary(inquiry)}", markup=False)
