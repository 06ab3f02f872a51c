"""Backups: a folder or tar file with the hash of every file.

The signing key is in none, unless it is asked for. Memory is not either: it follows from the
ledger.
"""

import contextlib
import hashlib
import json
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.audit import verifier
from bot.audit.checkpoints import PREVIOUS_KEYS, SIGNING_KEY
from bot.audit.export import export
from bot.cases.errors import Refusal
from bot.store import tables
from bot.store.copies import copy_database, copy_name
from bot.store.migrate import LATEST_MIGRATION
from bot.store.store import Store

FORMAT = "countersign backup 1"
MANIFEST = "manifest.json"
CHECKPOINTS = "checkpoints"
LIBRARY = "library"
KEYS = "keys"
#: What of the folder of checkpoints is no secret.
PUBLIC_PATTERNS = ("*.note", "public.key", PREVIOUS_KEYS, "witness.json")
ARCHIVE_SUFFIXES = {".tar": "w", ".tgz": "w:gz", ".gz": "w:gz"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSources:
    """The sources of a backup, beside the database."""

    checkpoints: Path
    #: None for the playbooks that come with the program.
    library: Path | None
    with_keys: bool
    #: Variables for the programs that copy the database.
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupManifest:
    """The description that a backup carries."""

    made_at: datetime
    release: str
    migration: str
    database: str
    entries: int
    chain: str
    has_keys: bool
    #: SHA-256 by name.
    files: Mapping[str, str]


def write_backup(
    store: Store, target: Path, sources: BackupSources, *, made_at: datetime
) -> BackupManifest:
    """Write a new folder, or a tar file.

    A name that ends in .tar or .tar.gz asks for the file.

    Raises:
        Refusal: the target is there already, or the database could not be copied.
    """
    if target.exists():
        raise Refusal(f"{target} already exists; name a new folder or file")
    mode = ARCHIVE_SUFFIXES.get(target.suffix)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target: it appears whole, or not at all.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".countersign-backup-") as scratch:
        folder = Path(scratch) / "backup"
        folder.mkdir(mode=0o700)
        manifest = _fill(folder, store=store, sources=sources, made_at=made_at)
        if mode is None:
            folder.rename(target)
            return manifest
        archive = Path(scratch) / "archive"
        archive.touch(mode=0o600)
        with tarfile.open(archive, mode) as tar:  # type: ignore[call-overload]
            tar.add(folder, arcname=".")
        archive.rename(target)
    return manifest


def _fill(
    folder: Path, *, store: Store, sources: BackupSources, made_at: datetime
) -> BackupManifest:
    _copy_checkpoints(sources.checkpoints, folder / CHECKPOINTS)
    if sources.with_keys:
        _copy_key(sources.checkpoints / SIGNING_KEY, folder / KEYS / SIGNING_KEY)
    if sources.library is not None:
        _copy_library(sources.library, folder / LIBRARY)
    copy = folder / copy_name(store.database.url)
    ledger = copy_database(store.database, copy, environment=sources.environment)
    manifest = BackupManifest(
        made_at=made_at,
        release=version("countersign"),
        migration=ledger.migration,
        database=copy.name,
        entries=ledger.entries,
        chain=ledger.chain,
        has_keys=sources.with_keys,
        files=_hashes(folder),
    )
    content = {"format": FORMAT, **_plain(manifest)}
    (folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n")
    return manifest


def _copy_checkpoints(source: Path, target: Path) -> None:
    paths = sorted(path for pattern in PUBLIC_PATTERNS for path in source.glob(pattern))
    if paths:
        target.mkdir(mode=0o700)
    for path in paths:
        shutil.copyfile(path, target / path.name)


def _copy_key(source: Path, target: Path) -> None:
    if not source.exists():
        raise Refusal(
            f"{source} is not here: this machine does not sign. Back up the key where it is, or"
            " leave out --with-keys"
        )
    target.parent.mkdir(mode=0o700)
    target.touch(mode=0o600)
    target.write_bytes(source.read_bytes())


def _copy_library(source: Path, target: Path) -> None:
    # Settings with secrets, such as .env, begin with a dot.
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*", "__pycache__"))


def _hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file but the manifest."""
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir())
    return {
        path.relative_to(folder).as_posix(): _hash(path) for path in paths if path.name != MANIFEST
    }


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- restoring -----------------------------------------------------------------------------------


@contextlib.contextmanager
def opened_backup(source: Path) -> Iterator[tuple[Path, BackupManifest]]:
    """Open a folder or tar file, with every hash verified.

    Raises:
        Refusal: it is no backup, or not what was backed up.
    """
    if source.is_dir():
        yield source, _read_verified_manifest(source)
        return
    with tempfile.TemporaryDirectory(prefix="countersign-restore-") as scratch:
        try:
            with tarfile.open(source) as tar:
                tar.extractall(scratch, filter="data")
        except (OSError, EOFError, zlib.error, tarfile.TarError) as failure:
            # Of a file that ends too soon; a library lists the ways that it has tried.
            reason = str(failure).splitlines()[0].rstrip(":")
            raise Refusal(f"{source} cannot be read as a backup: {reason}") from None
        yield Path(scratch), _read_verified_manifest(Path(scratch))


def _read_verified_manifest(folder: Path) -> BackupManifest:
    manifest = _read_manifest(folder)
    hashes = _hashes(folder)
    wrong_names = sorted(
        name
        for name in hashes.keys() | manifest.files.keys()
        if hashes.get(name) != manifest.files.get(name)
    )
    if wrong_names:
        raise Refusal(
            f"{folder} is not what was backed up: {', '.join(wrong_names[:5])} changed, missing or"
            " added. Take another copy of the backup"
        )
    if manifest.migration > LATEST_MIGRATION:
        raise Refusal(
            f"the backup is of release {manifest.release}, newer than this one; install that one"
        )
    return manifest


def _read_manifest(folder: Path) -> BackupManifest:
    try:
        content = json.loads((folder / MANIFEST).read_text())
        if content.pop("format") != FORMAT:
            raise ValueError("another format")
        content["made_at"] = datetime.fromisoformat(content["made_at"])
        return BackupManifest(**content)
    except OSError as failure:
        raise Refusal(f"{folder} has no {MANIFEST} of a backup ({failure.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        # What is wrong in it helps nobody: it is written by us, and never by hand.
        raise Refusal(f"{folder} has no {MANIFEST} of a backup (it is another one)") from None


def _plain(manifest: BackupManifest) -> dict[str, Any]:
    fields = asdict(manifest)
    return {**fields, "made_at": manifest.made_at.isoformat()}


def restore_checkpoints(folder: Path, target: Path) -> bool:
    """Put the checkpoints where there are none. Tell whether that was so.

    Those of this machine are newer than the backup. They show what it lacks, and stay.
    """
    if any(target.glob("*.note")):
        return False
    source = folder / CHECKPOINTS
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in sorted(source.glob("*")) if source.is_dir() else ():
        shutil.copyfile(path, target / path.name)
    key = folder / KEYS / SIGNING_KEY
    if key.exists():
        (target / SIGNING_KEY).touch(mode=0o600)
        (target / SIGNING_KEY).write_bytes(key.read_bytes())
    return True


def ledger_problems(
    store: Store,
    folder: Path,
    manifest: BackupManifest,
    *,
    key: str = "",
    is_paused: bool = False,
) -> list[str]:
    """Verify the restored ledger, and that it is what was backed up.

    ``is_paused``: the entry that pauses everything follows already.
    ``key`` is the pinned public key; without one that of the backup is used, which proves less.
    """
    problems = []
    checkpoints = folder / CHECKPOINTS
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "ledger.jsonl"
        export(store.ledger, path)
        has_notes = any(checkpoints.glob("*.note"))
        problems += verifier.verify(
            ledger=str(path),
            checkpoints=str(checkpoints) if has_notes else None,
            key=key or None,
        )[0]
    size, chain, _ = store.ledger.head()
    if is_paused:
        size, chain = size - 1, _chain_at(store, manifest.entries) or chain
    if (size, chain) != (manifest.entries, manifest.chain):
        problems.append(f"the ledger has {size} entries, {manifest.entries} were backed up")
    return problems


def _chain_at(store: Store, seq: int) -> str:
    """Return the link of an entry; empty where there is none."""
    query = select(tables.ledger.c.chain).where(tables.ledger.c.seq == seq)
    rows = store.database.fetch(query)
    return str(rows[0].chain) if rows else ""
