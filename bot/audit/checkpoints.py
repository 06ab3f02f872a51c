"""Checkpoints: the ledger's size and root, signed with Ed25519, kept in a folder that the database's credentials do not reach.

The folder is also a witness: it remembers the tree it last signed and signs only what grows from it. A ledger that was cut, changed
or grown anew is refused, loudly, until whoever runs the bot has acknowledged in the ledger that a backup was restored: then the next
note names what was signed before. Notes are C2SP signed notes (tlog-checkpoint), numbered so that a missing one shows.

``Witness`` only reads, for a bot whose signer is another process; ``Checkpoints`` signs.
"""

import base64
import binascii
import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from filelock import FileLock

from bot.cases.control_commands import FallBehind
from bot.cases.errors import LedgerBroken, SettingsIncomplete
from bot.cases.ledger import Tree, leaf_hash
from bot.store.ledger import Ledger

ED25519 = b"\x01"
# Cases that may have been opened between the last checkpoint and the loss, and whose numbers nobody remembers.
NUMBER_MARGIN = 1_000
NOTE_NAME = re.compile(r"(\d{6,})-(\d+)\.note")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One signed note. ``common`` is set on one that follows a restored backup: so many entries are as they were before."""

    number: int
    size: int
    root: bytes
    note: str
    common: int | None = None


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the folder remembers: the tree that was signed last, under which number, and the highest case number then."""

    tree: Tree
    number: int
    cases: int | None = None
    note: str = ""


class _Disagrees(LedgerBroken):
    """The ledger is not a continuation of what was signed: ``size`` and ``root`` are of that."""

    def __init__(self, message: str, size: int, root: bytes, memory: _Memory) -> None:
        super().__init__(message)
        self.size, self.root, self.memory = size, root, memory


class Witness:
    """What was signed of the log ``origin``, and whether the ledger still grows from it. Writes nothing."""

    def __init__(self, folder: Path, origin: str) -> None:
        self._folder = folder
        self._origin = origin
        self._public = self._known_key()

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def is_there(self) -> bool:
        """Whether anything has been signed that this process can read."""
        return os.access(self._folder / "witness.json", os.R_OK)

    @property
    def public_key(self) -> str:
        """The verifier key of the note, as C2SP writes it: name+id+key. Pin it where the operator of the bot cannot change it."""
        raw = ED25519 + self._raw_public()
        return f"{self._origin}+{self._key_id().hex()}+{base64.b64encode(raw).decode()}"

    def compare(self, ledger: Ledger) -> FallBehind | None:
        """Compare the ledger with what was signed; None when it grows from that.

        Raises:
            LedgerBroken: the witness itself cannot be read.
        """
        try:
            self._grown(ledger)
        except _Disagrees as found:
            return self._behind(ledger, found)
        return None

    def _grown(self, ledger: Ledger) -> tuple[_Memory, Tree]:
        """What is remembered, with notes adopted that are newer, and the tree of the ledger as it is now."""
        memory = self._memory()
        # Signed after what is remembered: a process ended between the two.
        newer = self._notes(after=memory.number)
        size, _, peaks = ledger.head()
        if size < memory.tree.size:
            raise _disagrees(
                f"the ledger has {size} entries; {memory.tree.size} were signed before: entries were taken away",
                memory,
                newer,
            )
        tree = memory.tree
        for row in ledger.rows(after=tree.size):
            if row.seq > size:
                break
            if row.seq != tree.size + 1:
                raise _disagrees(f"entry {tree.size + 1} is missing", memory, newer)
            tree = tree.append(_leaf(row))
            if newer and tree.size == newer[0].size and tree.root == newer[0].root:
                memory = replace(memory, tree=tree, number=newer[0].number, note=newer[0].note)
                newer = newer[1:]
        if newer or [peak.hex() for peak in tree.peaks] != peaks:
            raise _disagrees(
                "the ledger is not a continuation of what was signed before", memory, newer
            )
        return memory, tree

    def _behind(self, ledger: Ledger, found: _Disagrees) -> FallBehind:
        own_size, cases = ledger.head()[0], ledger.last_case_number()
        common = self._common(ledger, found.memory, own_size)
        # An older witness does not know the numbers: no case was opened without an entry.
        highest = (
            found.memory.cases
            if found.memory.cases is not None
            else cases + max(0, found.size - common)
        )
        return FallBehind(
            size=found.size,
            root=_text(found.root),
            own_size=own_size,
            common_size=common,
            numbers_from=max(cases, highest) + NUMBER_MARGIN,
        )

    def _common(self, ledger: Ledger, memory: _Memory, own_size: int) -> int:
        """How many entries are proved to be what was signed, by a note or by a part of the remembered tree."""
        signed = {note.size: note.root for note in _in_force(self._notes())}
        for count in range(1, len(memory.tree.peaks)):
            part = memory.tree.first(count)
            signed.setdefault(part.size, part.root)
        tree, proved = Tree(), 0
        rows = ledger.rows()
        for size in sorted(size for size in signed if size <= own_size):
            while tree.size < size:
                row = next(rows, None)
                if row is None:
                    return proved
                tree = tree.append(_leaf(row))
            if tree.root != signed[size]:
                return proved
            proved = size
        return proved

    # --- the folder ----------------------------------------------------------------------------------------------------

    def _memory(self) -> _Memory:
        path = self._folder / "witness.json"
        if not path.exists():
            if self._notes(after=1):
                raise LedgerBroken(
                    f"{path} is gone but its notes are there; put it back from a backup"
                )
            return _Memory(Tree(), 0, 0)
        try:
            stored = json.loads(path.read_text())
            tree = Tree(stored["size"], tuple(bytes.fromhex(peak) for peak in stored["peaks"]))
            return _Memory(tree, stored["number"], stored.get("cases"), stored.get("note", ""))
        except (ValueError, KeyError, TypeError) as damage:
            raise LedgerBroken(f"{path} is damaged ({damage}); put it back from a backup") from None

    def _notes(self, *, after: int = 0) -> list[Checkpoint]:
        """Every note above this number that carries our own signature, by number."""
        names = (NOTE_NAME.fullmatch(path.name) for path in self._folder.glob("*.note"))
        numbers = sorted((int(name[1]), name[0]) for name in names if name)
        read = (self._read(number, name) for number, name in numbers if number > after)
        return [note for note in read if note]

    def _read(self, number: int, name: str) -> Checkpoint | None:
        try:
            text = (self._folder / name).read_text()
        except (OSError, ValueError):
            return None
        return self._opened(number, text)

    def _opened(self, number: int, text: str) -> Checkpoint | None:
        body, _, signature = text.partition("\n\n")
        try:
            signed = base64.b64decode(signature.strip().rpartition(" ")[2], validate=True)
            if self._public is None or signed[:4] != self._key_id():
                return None
            self._public.verify(signed[4:], f"{body}\n".encode())
            _, size, root, *extensions = body.split("\n")
            common = next(
                (int(line.split(" ")[3]) for line in extensions if line.startswith("restored ")),
                None,
            )
            return Checkpoint(number, int(size), base64.b64decode(root), text, common)
        except (InvalidSignature, ValueError, IndexError, binascii.Error):
            return None

    # --- the key -------------------------------------------------------------------------------------------------------

    def _known_key(self) -> Ed25519PublicKey | None:
        """The public key beside the notes, if this process may read it."""
        try:
            text = (self._folder / "public.key").read_text()
            return Ed25519PublicKey.from_public_bytes(
                base64.b64decode(text.strip().split("+", 2)[2])[1:]
            )
        except (OSError, ValueError, IndexError):
            return None

    def _raw_public(self) -> bytes:
        if self._public is None:
            raise LedgerBroken(
                f"there is no public.key in {self._folder}, so nothing was signed there yet"
            )
        return self._public.public_bytes(Encoding.Raw, PublicFormat.Raw)

    def _key_id(self) -> bytes:
        return hashlib.sha256(
            self._origin.encode() + b"\n" + ED25519 + self._raw_public()
        ).digest()[:4]


class Checkpoints(Witness):
    """Signs for ``origin``, the name of the log. The key is made on first use, readable by its owner alone."""

    def __init__(self, folder: Path, origin: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Several processes of one machine may share the folder.
        self._lock = FileLock(folder / "lock")
        super().__init__(folder, origin)
        with self._lock:
            self._key = self._own_key()
            self._public = self._key.public_key()
            self._publish()

    def sign(self, ledger: Ledger) -> Checkpoint | None:
        """Sign the ledger as it is now; None when nothing was added since the last time.

        Raises:
            LedgerBroken: the ledger does not grow from what was signed before, and nobody has acknowledged why.
        """
        with self._lock:
            cases = ledger.last_case_number()
            try:
                memory, tree = self._grown(ledger)
            except _Disagrees as found:
                return self._sign_restored(ledger, found, cases)
            self._complete(memory)
            if tree.size == memory.tree.size:
                return None
            return self._write(tree, number=memory.number + 1, cases=cases)

    def _sign_restored(self, ledger: Ledger, found: _Disagrees, cases: int) -> Checkpoint:
        """Sign a restored backup: the note names the one before it, and how many entries both have."""
        root = _text(found.root)
        rollback = ledger.acknowledgement_of(found.size, root)
        if rollback is None:
            raise found
        size, _, peaks = ledger.head()
        leaves = (_leaf(row) for row in ledger.rows() if row.seq <= size)
        tree = Tree().extend(leaves)
        if [peak.hex() for peak in tree.peaks] != peaks:
            raise LedgerBroken("the head of the ledger is not what its entries make")
        extension = f"restored {found.size} {root} {rollback.common_size}\n"
        return self._write(tree, number=found.memory.number + 1, cases=cases, extension=extension)

    def _complete(self, memory: _Memory) -> None:
        """Finish what a process that ended in between has left: the note of what is remembered, or the memory of a note."""
        name = self._folder / _name(memory.number, memory.tree.size)
        if memory.note and not name.exists():
            _write_durably(name, memory.note)
        if memory.number > self._memory().number:
            self._remember(memory)

    def _write(self, tree: Tree, *, number: int, cases: int, extension: str = "") -> Checkpoint:
        note = self._note(tree, extension)
        # The memory carries the note: whoever dies after this line leaves a note that can be written again.
        self._remember(_Memory(tree, number, cases, note))
        _write_durably(self._folder / _name(number, tree.size), note)
        return Checkpoint(number, tree.size, tree.root, note)

    def _remember(self, memory: _Memory) -> None:
        tree = {"size": memory.tree.size, "peaks": [peak.hex() for peak in memory.tree.peaks]}
        stored = {"number": memory.number, **tree, "cases": memory.cases, "note": memory.note}
        _write_durably(self._folder / "witness.json", json.dumps(stored))

    def _note(self, tree: Tree, extension: str) -> str:
        text = f"{self._origin}\n{tree.size}\n{_text(tree.root)}\n{extension}"
        signature = base64.b64encode(self._key_id() + self._key.sign(text.encode())).decode()
        return f"{text}\n— {self._origin} {signature}\n"

    def _own_key(self) -> Ed25519PrivateKey:
        path = self._folder / "key"
        try:
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
        except FileNotFoundError:
            what = "is gone"
        except ValueError:
            what = "is empty or damaged"
        if any(self._folder.glob("*.note")):
            raise SettingsIncomplete(
                f"{path} {what}, and notes were signed with it. Put it back from a backup. Without one: move {self._folder} "
                "aside and keep it for the auditor, who verifies the old notes with its public.key; a new key is then made"
            )
        # Nothing was signed with it: a process ended while it was being made.
        key = Ed25519PrivateKey.generate()
        _write_durably(
            path,
            key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex(),
            mode=0o600,
        )
        (self._folder / "public.key").unlink(missing_ok=True)
        return key

    def _publish(self) -> None:
        path = self._folder / "public.key"
        if not path.exists() or not path.read_text().strip():
            _write_durably(path, self.public_key + "\n")


def _disagrees(message: str, memory: _Memory, newer: Sequence[Checkpoint]) -> _Disagrees:
    """The failure, against the last note that was signed."""
    if not newer:
        return _Disagrees(message, memory.tree.size, memory.tree.root, memory)
    last = newer[-1]
    return _Disagrees(message, last.size, last.root, replace(memory, number=last.number))


def _leaf(row: Any) -> bytes:
    return leaf_hash(bytes(row.body))


def _in_force(notes: Sequence[Checkpoint]) -> list[Checkpoint]:
    """The notes that still say something of the ledger: a later one that follows a restored backup ends those beyond it."""
    return [
        note
        for place, note in enumerate(notes)
        if all(later.common is None or note.size <= later.common for later in notes[place + 1 :])
    ]


def _name(number: int, size: int) -> str:
    return f"{number:06d}-{size}.note"


def _text(root: bytes) -> str:
    return base64.b64encode(root).decode()


def _write_durably(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write beside, sync, rename, and sync the folder: a crash leaves the old file or the new one."""
    beside = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
