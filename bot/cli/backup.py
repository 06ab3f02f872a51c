"""``countersign backup`` and ``countersign restore``."""

import base64
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from bot import storage
from bot.audit.backup import (
    BackupManifest,
    BackupSources,
    ledger_problems,
    opened_backup,
    restore_checkpoints,
    write_backup,
)
from bot.audit.checkpoints import SIGNING_KEY, Witness
from bot.cases.errors import LedgerBroken, Refusal
from bot.cases.ledger import Tree
from bot.checkpoint_keeper import open_witness, sign_or_compare, watch_over
from bot.cli.terminal import err, out
from bot.clock import utc_now
from bot.settings import PACKAGED_LIBRARY, Settings, inherit, load_offline
from bot.store.clock import clock_of
from bot.store.copies import is_empty, load_copy, require_empty
from bot.store.store import Store

#: What the programs of PostgreSQL may need to reach the server.
TOOL_VARIABLES = ("PATH", "HOME", "PGPASSFILE", "PGSSLROOTCERT", "PGSSLMODE", "LANG")


def backup(
    target: Annotated[
        Path, typer.Argument(help="The folder to create; or a file that ends in .tar or .tar.gz.")
    ],
    with_keys: Annotated[
        bool,
        typer.Option(
            "--with-keys",
            help="Include the key that signs checkpoints. Keep such a backup like the key.",
        ),
    ] = False,
) -> None:
    settings = load_offline()
    store = storage.open_store(settings)
    with closing(store.database):
        try:
            # What is backed up is under a checkpoint then.
            sign_or_compare(open_witness(settings), store)
        except LedgerBroken as failure:
            err.print(f"Not signed: {failure}", style="red", markup=False)
        sources = BackupSources(
            checkpoints=settings.checkpoints_dir,
            library=_own_library(settings),
            with_keys=with_keys,
            environment=inherit(*TOOL_VARIABLES),
        )
        manifest = write_backup(store, target, sources, made_at=utc_now())
    _print_backup(target, manifest)


def _own_library(settings: Settings) -> Path | None:
    """Return the folder of the library; None for the packaged one."""
    folder = settings.library_dir.resolve()
    return None if folder == PACKAGED_LIBRARY.resolve() else folder


def _print_backup(target: Path, manifest: BackupManifest) -> None:
    if manifest.has_keys:
        keys = "The signing key is in it: whoever has this backup can sign checkpoints."
    else:
        keys = "The signing key is not in it: keep a copy of it elsewhere, or use --with-keys."
    out.print(
        f"{manifest.entries} entries and {len(manifest.files)} files in {target}. {keys}\n"
        "Secrets of the environment are in no backup, nor is memory, which is rebuilt.",
        markup=False,
        soft_wrap=True,
    )


def restore(
    source: Annotated[Path, typer.Argument(help="What `countersign backup` has written.")],
    key: Annotated[
        str,
        typer.Option(
            help="Your pinned public key. Default: the key in the backup, which proves less."
        ),
    ] = "",
) -> None:
    settings = load_offline()
    mark = settings.data_dir / storage.RESTORE_MARK
    with opened_backup(source) as (folder, manifest):
        _load(settings, mark, folder=folder, manifest=manifest)
        store = storage.open_store(settings, is_restoring=True)
        with closing(store.database):
            # By a run that was killed after it.
            is_longer = store.ledger.head()[0] > manifest.entries
            is_paused = is_longer and store.desk_controls.load().is_behind
            try:
                problems = ledger_problems(store, folder, manifest, key=key, is_paused=is_paused)
            finally:
                is_moved = restore_checkpoints(folder, settings.checkpoints_dir)
                # Paused also when it does not verify: nothing may act on it.
                if not is_paused:
                    _pause(settings, store)
    mark.unlink(missing_ok=True)
    if problems:
        lines = "\n".join(f"  • {problem}" for problem in problems)
        raise LedgerBroken(
            f"the restored ledger does not verify, and stays paused:\n{lines}\n"
            "Restore another backup into an empty database"
        )
    _print_restored(settings, manifest, is_moved=is_moved)


def _load(settings: Settings, mark: Path, *, folder: Path, manifest: BackupManifest) -> None:
    """Load the whole copy, unless a killed run has done so.

    Raises:
        Refusal: the database is not empty, or another restoration was interrupted.
    """
    if not mark.exists():
        require_empty(settings.database_url)
        # From here until everything is paused no other command opens the database.
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.write_text(manifest.chain)
    elif mark.read_text() not in {"", manifest.chain}:
        raise Refusal(
            "the restoration of another backup was interrupted. Run it again; or empty the"
            f" database, and delete {mark}"
        )
    elif not is_empty(settings.database_url):
        return
    load_copy(
        folder / manifest.database,
        settings.database_url,
        environment=inherit(*TOOL_VARIABLES),
    )


def _pause(settings: Settings, store: Store) -> None:
    """Let nothing run before an operator has acknowledged what the backup lacks."""
    size = store.ledger.head()[0]
    tree = Tree().extend(store.ledger.leaves(until=size))
    # The key that signs need not be here yet.
    witness = Witness(settings.checkpoints_dir, settings.origin)
    watch = watch_over(witness, store, clock_of(store.database))
    watch.record_restore(size, base64.b64encode(tree.root).decode())


def _print_restored(settings: Settings, manifest: BackupManifest, *, is_moved: bool) -> None:
    out.print(
        f"{manifest.entries} entries as of {manifest.made_at:%d %b %Y %H:%M} UTC. Files and ledger"
        " are verified.",
        markup=False,
        soft_wrap=True,
    )
    if is_moved:
        folder = settings.checkpoints_dir
        out.print(f"The checkpoints of the backup are in {folder}.", markup=False, soft_wrap=True)
        key = folder / SIGNING_KEY
        if any(folder.glob("*.note")) and not key.exists():
            out.print(
                f"The key that signs them was not backed up: put your copy at {key} before the bot"
                " starts. Without one, move the folder aside and keep it for the auditor.",
                markup=False,
                soft_wrap=True,
                style="yellow",
            )
    out.print(
        "Everything is paused: what was decided and done after the backup is not in it.\n"
        "1. Compare your systems with what was done since.\n"
        '2. countersign ledger acknowledge --note "what you compared"\n'
        "The bot then looks for the result of each earlier plan before it carries the plan out.",
        markup=False,
        soft_wrap=True,
    )
