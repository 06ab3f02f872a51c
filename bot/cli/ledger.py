"""``countersign ledger``: verify, export, replay and acknowledge."""

import getpass
import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from bot import storage
from bot.audit import verifier
from bot.audit.export import export as export_ledger
from bot.audit.replay import replay as replay_ledger
from bot.cases.errors import LedgerBroken, Refusal
from bot.checkpoint_keeper import open_keeper, open_witness, sign_or_compare
from bot.cli.terminal import AsJson, err, out, print_json, print_problems
from bot.settings import Settings, load_offline
from bot.store.clock import clock_of
from bot.store.store import Store


def verify(
    key: Annotated[
        str,
        typer.Option(
            help="Your pinned public key. Default: the key in the folder, which proves less."
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    if key:
        # Read before the database is opened: a mistake is answered at once.
        _require_verifier_key(key)
    settings = load_offline()
    store = storage.open_store(settings)
    with closing(store.database):
        result = _verify(settings, store, key)
    if as_json:
        print_json(
            {
                "ok": not result.findings,
                "entries": result.entries,
                "covered": result.signed_entries,
                "findings": result.findings,
                "notes": result.remarks,
            }
        )
        raise typer.Exit(1 if result.findings else 0)
    for remark in result.remarks:
        out.print(f"Note: {remark}", markup=False, soft_wrap=True)
    print_problems(
        result.findings,
        otherwise=(
            f"{result.entries} entries, {result.signed_entries} of them signed. No problem found."
        ),
        as_json=False,
    )


def _require_verifier_key(key: str) -> None:
    try:
        verifier.parse_key(key)
    except (verifier.Unreadable, ValueError) as failure:
        raise typer.BadParameter(str(failure), param_hint="--key") from None


@dataclass(frozen=True, kw_only=True)
class LedgerVerification:
    """The result of verifying the whole ledger."""

    findings: list[str]
    #: What must be known and is no finding, such as a backup whose restoration was acknowledged.
    remarks: list[str]
    entries: int
    #: How many of the entries are under a signed checkpoint.
    signed_entries: int


def _verify(settings: Settings, store: Store, key: str) -> LedgerVerification:
    """Sign, export and verify the ledger, then compare the projection with it."""
    findings: list[str] = []
    remarks: list[str] = []
    witness = open_witness(settings)
    try:
        # Otherwise the latest entries would be under no checkpoint.
        sign_or_compare(witness, store)
    except LedgerBroken as failure:
        findings.append(str(failure))
    total = store.ledger.head()[0]
    with tempfile.TemporaryDirectory() as folder, Progress(console=err, transient=True) as progress:
        # Read twice: once to export it, once to fold it.
        task = progress.add_task("Reading the ledger", total=2 * total)
        advance = partial(progress.advance, task)
        path = Path(folder) / "ledger.jsonl"
        export_ledger(store.ledger, path, progress=advance)
        own_findings, entries, signed_entries = verifier.verify(
            ledger=str(path),
            checkpoints=str(settings.checkpoints_dir),
            key=key or witness.public_key,
            remarks=remarks,
        )
        findings += own_findings
        # The head counts entries apart from the ledger: rows that were cut off show here.
        if entries != total:
            findings.append(f"the head counts {total} entries, the ledger has {entries}")
        findings += replay_ledger(store.database, progress=advance).differences
    return LedgerVerification(
        findings=findings,
        remarks=remarks,
        entries=entries,
        signed_entries=signed_entries,
    )


def export(path: Annotated[Path, typer.Argument(help="The folder to create.")]) -> None:
    if path.exists():
        raise Refusal(f"{path} already exists; name a new folder")
    settings = load_offline()
    store = storage.open_store(settings)
    checkpoints = path / "checkpoints"
    with closing(store.database):
        try:
            sign_or_compare(open_witness(settings), store)
        except LedgerBroken as failure:
            # An auditor wants to see a ledger above all when it cannot be signed.
            err.print(f"Not signed: {failure}", style="red", markup=False)
        checkpoints.mkdir(parents=True)
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task("Exporting", total=store.ledger.head()[0])
            advance = partial(progress.advance, task)
            count = export_ledger(store.ledger, path / "ledger.jsonl", progress=advance)
        for note in settings.checkpoints_dir.glob("*.note"):
            shutil.copy(note, checkpoints)
        shutil.copy(settings.checkpoints_dir / "public.key", checkpoints)
        shutil.copy(verifier.__file__, path)
    out.print(
        f"{count} entries in {path}. Verify with:\n"
        f"  python {path}/verifier.py {path}/ledger.jsonl --checkpoints {checkpoints}",
        markup=False,
    )


def acknowledge(
    note: Annotated[str, typer.Option(help="What you compared the ledger with, and the result.")],
) -> None:
    settings = load_offline()
    store = storage.open_store(settings)
    with closing(store.database):
        keeper = open_keeper(settings, store, clock_of(store.database))
        standing = keeper.watch.acknowledge(note, operator=getpass.getuser())
        keeper.sign()
    rollback = standing.rollbacks[-1]
    out.print(
        f"Acknowledged. {rollback.size} entries were signed; the ledger still has "
        f"{rollback.common_size} of them, unchanged. Waiting work continues now. The bot looks for "
        "the result of each earlier plan before it carries the plan out.",
        markup=False,
    )


def replay(as_json: AsJson = False) -> None:
    store = storage.open_store(load_offline())
    with closing(store.database), Progress(console=err, transient=True) as progress:
        task = progress.add_task("Recomputing cases", total=store.ledger.head()[0])
        comparison = replay_ledger(store.database, progress=partial(progress.advance, task))
    print_problems(
        comparison.differences,
        otherwise=(
            f"{comparison.entries} entries give {comparison.cases} cases. "
            "All stored cases are correct."
        ),
        as_json=as_json,
    )
