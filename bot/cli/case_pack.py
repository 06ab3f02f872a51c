"""``countersign case --pack`` and ``countersign ledger verify-pack``."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from bot import storage
from bot.audit import verifier
from bot.audit.case_pack import make_pack, pack_from_plain
from bot.audit.pack_page import pack_page
from bot.cases.errors import LedgerBroken, Refusal
from bot.checkpoint_keeper import open_witness, sign_or_compare
from bot.cli.terminal import AsJson, err, out, print_problems
from bot.settings import load_offline
from bot.store.clock import clock_of


def write_pack(case_id: str, path: Path) -> None:
    """Sign the ledger, and write the page of a case."""
    if path.exists():
        raise Refusal(f"{path} already exists; name a new file")
    settings = load_offline()
    store = storage.open_store(settings)
    with closing(store.database):
        witness = open_witness(settings)
        try:
            # Otherwise the latest entries would be under no checkpoint.
            sign_or_compare(witness, store)
        except LedgerBroken as failure:
            # What was signed before can be shown all the same.
            err.print(f"Not signed: {failure}", style="red", markup=False)
        pack = make_pack(store, witness, case_id=case_id, now=clock_of(store.database)())
    path.write_text(pack_page(pack), encoding="utf-8")
    out.print(
        f"{len(pack.entries)} entries of {pack.case_id} in {path}, under a checkpoint of "
        f"{pack.size}. Verify with:\n  countersign ledger verify-pack {path} --key '{pack.key}'",
        markup=False,
        # A command is copied in one piece.
        soft_wrap=True,
    )


def verify_pack(
    path: Annotated[Path, typer.Argument(help="The page of a case.", exists=True, dir_okay=False)],
    key: Annotated[
        str,
        typer.Option(
            help="Your pinned public key. Default: the key in the page, which proves less."
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    try:
        findings, entries, size = verifier.verify_pack(str(path), key)
        findings += [] if findings else _page_findings(path)
    except (verifier.Unreadable, ValueError) as failure:
        raise Refusal(f"cannot be read: {failure}") from None
    print_problems(
        findings,
        otherwise=f"{entries} entries, under a checkpoint of {size}. No problem found.",
        as_json=as_json,
    )


def _page_findings(path: Path) -> list[str]:
    """Compare the page with its record, which is verified by now."""
    text = path.read_text(encoding="utf-8")
    if pack_page(pack_from_plain(verifier.read_pack(str(path)))) == text:
        return []
    return [
        "the sentences are not those that this release writes of the record: "
        "another release wrote them, or somebody changed them. The record holds"
    ]
