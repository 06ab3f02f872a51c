"""Checkpoints: the ledger's size and root, signed with Ed25519.

They are kept in a folder that the database's credentials do not reach. The folder remembers the
tree that was signed last, and only what grows from it is signed. A ledger that was cut, changed or
grown anew is refused until whoever runs the bot has acknowledged in the ledger that a backup was
restored. The next note then names what was signed before.

A key is replaced by a note that names both keys and carries the signatures of both.

Notes are C2SP signed notes (tlog-checkpoint), numbered so that a missing one shows. ``Witness``
only reads, for a bot whose signer is another process; ``Checkpoints`` signs.
"""

import base64
import binascii
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from filelock import AcquireReturnProxy, FileLock, Timeout

from bot.cases.control_commands import FallBehind
from bot.cases.errors import LedgerBroken, SettingsIncomplete
from bot.cases.ledger import Tree
from bot.store.ledger import Ledger

# The type of an Ed25519 key, as C2SP writes it in front of the key.
ED25519 = b"\x01"
# Cases that may have been opened between the last checkpoint and the loss, and whose numbers
# nobody remembers.
NUMBER_MARGIN = 1_000
SIGNING_KEY = "key"
#: Keys that were replaced, one a line, the oldest first.
PREVIOUS_KEYS = "previous.keys"
#: A key that a note is about to bring into force.
NEW_KEY = "key.new"
#: The extension line of a note that replaces the key: the old one, and the new one.
ROTATED = "rotated"
NOTE_NAME = re.compile(r"(\d{6,})-(\d+)\.note")
#: A wait for another process of this machine is logged so often. Signing takes milliseconds.
REPORT_INTERVAL_SECONDS = 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One signed note."""

    number: int
    #: How many entries the ledger had.
    size: int
    root: bytes
    note: str
    #: On a note that follows a restored backup: so many entries are as they were before.
    common: int | None = None


@dataclass(frozen=True, slots=True)
class Rotation:
    """The old key and the new one, as C2SP writes them."""

    old_key: str
    new_key: str


@dataclass(frozen=True, slots=True)
class _Memory:
    """The memory of the folder: the last signed tree."""

    #: The tree that was signed.
    tree: Tree
    #: The number of its note.
    number: int
    #: The highest case number then; None in a folder of an early release.
    cases: int | None = None
    note: str = ""


class _Disagreement(LedgerBroken):
    """The ledger is not a continuation of what was signed."""

    def __init__(self, message: str, *, size: int, root: bytes, memory: _Memory) -> None:
        super().__init__(message)
        # Of the tree that was signed last.
        self.size = size
        self.root = root
        self.memory = memory


class Witness:
    """The notes of the log ``origin``. Reads only.

    Raises:
        SettingsIncomplete: the folder has the notes of a log of another name.
    """

    def __init__(self, folder: Path, origin: str) -> None:
        self._folder = folder
        self._origin = origin
        self._public = self._read_public_key()
        self._previous = self._read_previous_keys()
        self._require_own_name()

    @property
    def folder(self) -> Path:
        """Return the folder of the notes."""
        return self._folder

    @property
    def origin(self) -> str:
        """Return the name of the log."""
        return self._origin

    @property
    def raw_public_key(self) -> bytes | None:
        """Return the Ed25519 key of the notes; None where unreadable."""
        return self._raw_public_key() if self._public is not None else None

    @property
    def raw_public_keys(self) -> tuple[bytes, ...]:
        """Return the key of the notes, then those that it replaced."""
        self._read_keys()
        current = self.raw_public_key
        return tuple(filter(None, [current, *map(_raw, reversed(self._previous))]))

    @property
    def is_there(self) -> bool:
        """Tell whether anything has been signed that this process can read."""
        return os.access(self._folder / "witness.json", os.R_OK)

    def last_checkpoint(self) -> Checkpoint | None:
        """Return the note of ours that was signed last, or None."""
        notes = self._load_notes(after=max(0, self._load_memory().number - 1))
        return notes[-1] if notes else None

    def last_signed(self) -> tuple[int, float] | None:
        """Return the size of the last signed tree, and its time.

        None when nothing is signed or can be read. The time is in seconds since 1970.
        """
        path = self._folder / "witness.json"
        try:
            return int(json.loads(path.read_bytes())["size"]), path.stat().st_mtime
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def public_key(self) -> str:
        """Return the verifier key of the notes, as C2SP writes it: name+id+key.

        Pin it where the operator of the bot cannot change it.
        """
        return self._verifier_key(self._raw_public_key())

    def latest(self) -> Checkpoint | None:
        """Return the last note that is ours; None where nothing was signed."""
        self._read_keys()
        matches = filter(None, (NOTE_NAME.fullmatch(path.name) for path in self._notes()))
        # A folder has a note for every few minutes of years: only the last is read.
        for match in sorted(matches, key=lambda match: int(match[1]), reverse=True):
            note = self._load_note(int(match[1]), match[0])
            if note is not None:
                return note
        return None

    def compare(self, ledger: Ledger) -> FallBehind | None:
        """Compare the ledger with what was signed.

        None when it grows from that.

        Raises:
            LedgerBroken: the folder itself cannot be read.
        """
        try:
            self._grow_tree(ledger)
        except _Disagreement as disagreement:
            return self._describe_loss(ledger, disagreement)
        return None

    def _grow_tree(self, ledger: Ledger) -> tuple[_Memory, Tree]:
        """Grow the remembered tree by the entries since then.

        Return the memory, with newer notes adopted, and the tree of the ledger as it is now.

        Raises:
            LedgerBroken: the ledger does not grow from what was signed.
        """
        memory = self._load_memory()
        # Signed after what is remembered: a process ended between the two.
        newer = self._load_notes(after=memory.number)
        size, _, peaks = ledger.head()
        tree = memory.tree
        if size < tree.size:
            message = (
                f"the ledger has {size} entries; {tree.size} were signed before:"
                " entries were taken away"
            )
            raise _disagreement(message, memory, newer)
        leaf_of = ledger.redactions().leaf_of
        for row in ledger.rows(after=tree.size):
            # Written after its head was read.
            if row.seq > size:
                break
            if row.seq != tree.size + 1:
                raise _disagreement(f"entry {tree.size + 1} is missing", memory, newer)
            tree = tree.append(leaf_of(row))
            if newer and (tree.size, tree.root) == (newer[0].size, newer[0].root):
                memory = replace(
                    memory,
                    tree=tree,
                    number=newer[0].number,
                    note=newer[0].note,
                )
                newer = newer[1:]
        if newer or [peak.hex() for peak in tree.peaks] != peaks:
            message = "the ledger is not a continuation of what was signed before"
            raise _disagreement(message, memory, newer)
        return memory, tree

    def _describe_loss(self, ledger: Ledger, disagreement: _Disagreement) -> FallBehind:
        own_size = ledger.head()[0]
        own_cases = ledger.last_case_number()
        common = self._common_size(ledger, disagreement.memory, own_size)
        signed_cases = disagreement.memory.cases
        if signed_cases is None:
            # An older folder does not know the numbers. No case was opened without an entry.
            signed_cases = own_cases + max(0, disagreement.size - common)
        return FallBehind(
            size=disagreement.size,
            root=_base64(disagreement.root),
            own_size=own_size,
            common_size=common,
            numbers_from=max(own_cases, signed_cases) + NUMBER_MARGIN,
        )

    def _common_size(self, ledger: Ledger, memory: _Memory, own_size: int) -> int:
        """Return how many entries are proved to be what was signed.

        The proof is a note, or a part of the remembered tree.
        """
        roots = {note.size: note.root for note in _notes_in_force(self._load_notes())}
        for count in range(1, len(memory.tree.peaks)):
            part = memory.tree.first(count)
            roots.setdefault(part.size, part.root)
        leaf_of = ledger.redactions().leaf_of
        tree = Tree()
        proved_size = 0
        rows = ledger.rows()
        for size in sorted(size for size in roots if size <= own_size):
            while tree.size < size:
                row = next(rows, None)
                if row is None:
                    return proved_size
                tree = tree.append(leaf_of(row))
            if tree.root != roots[size]:
                return proved_size
            proved_size = size
        return proved_size

    # --- the folder ------------------------------------------------------------------------------

    def _load_memory(self) -> _Memory:
        path = self._folder / "witness.json"
        if not path.exists():
            if self._load_notes(after=1):
                raise LedgerBroken(
                    f"{path} is gone but its notes are there; put it back from a backup"
                )
            return _Memory(Tree(), number=0, cases=0)
        try:
            content = json.loads(path.read_text())
            peaks = tuple(bytes.fromhex(peak) for peak in content["peaks"])
            return _Memory(
                tree=Tree(content["size"], peaks),
                number=content["number"],
                cases=content.get("cases"),
                note=content.get("note", ""),
            )
        except (ValueError, KeyError, TypeError) as failure:
            raise LedgerBroken(
                f"{path} is damaged ({failure}); put it back from a backup"
            ) from None

    def _load_notes(self, *, after: int = 0) -> list[Checkpoint]:
        """Return our own notes above this number, in order."""
        self._read_keys()
        names: list[tuple[int, str]] = []
        for path in self._notes():
            match = NOTE_NAME.fullmatch(path.name)
            if match and int(match[1]) > after:
                names.append((int(match[1]), path.name))
        notes = (self._load_note(number, name) for number, name in sorted(names))
        return [note for note in notes if note]

    def _notes(self) -> Iterator[Path]:
        return self._folder.glob("*.note")

    def _load_note(self, number: int, name: str) -> Checkpoint | None:
        try:
            text = (self._folder / name).read_text()
        except (OSError, ValueError):
            return None
        return self._parse_note(number, text)

    def _parse_note(self, number: int, text: str) -> Checkpoint | None:
        """Return the checkpoint of a note.

        None when the note is not ours.
        """
        body, _, signature_lines = text.partition("\n\n")
        try:
            # Under a note that replaces the key, the new one signs in the first line.
            signature_line = signature_lines.strip().partition("\n")[0]
            signature = base64.b64decode(signature_line.rpartition(" ")[2], validate=True)
            key = self._find_key(signature[:4])
            if key is None:
                return None
            key.verify(signature[4:], f"{body}\n".encode())
            _, size, root, *extensions = body.split("\n")
            return Checkpoint(
                number=number,
                size=int(size),
                root=base64.b64decode(root),
                note=text,
                common=_common_in(extensions),
            )
        except (InvalidSignature, ValueError, IndexError, binascii.Error):
            return None

    # --- the key ---------------------------------------------------------------------------------

    def _read_public_key(self) -> Ed25519PublicKey | None:
        """Return the public key, if this process may read it."""
        try:
            text = (self._folder / "public.key").read_text()
            return _parse_verifier_key(text)
        except (OSError, ValueError, IndexError):
            return None

    def _read_previous_keys(self) -> list[Ed25519PublicKey]:
        """Return the keys that were replaced, the oldest first."""
        try:
            lines = (self._folder / PREVIOUS_KEYS).read_text().split()
            return [_parse_verifier_key(line) for line in lines]
        except (OSError, ValueError, IndexError):
            return []

    def _read_keys(self) -> None:
        """Read the keys again: another process may have replaced them."""
        public = self._read_public_key()
        if public is not None:
            self._public = public
            self._previous = self._read_previous_keys()

    def _find_key(self, key_id: bytes) -> Ed25519PublicKey | None:
        keys = [*self._previous, *filter(None, [self._public])]
        return next((key for key in keys if self._key_id(_raw(key)) == key_id), None)

    def _require_own_name(self) -> None:
        # A note under another name belongs to no key that anybody has pinned.
        name = self._read_name()
        if name and name != self._origin:
            raise SettingsIncomplete(
                f"{self._folder} has the checkpoints of the ledger {name!r}, not of"
                f" {self._origin!r}: set COUNTERSIGN_ORIGIN={name}, or COUNTERSIGN_CHECKPOINTS_DIR"
                " to a folder of its own. Nothing was signed"
            )

    def _read_name(self) -> str:
        """Return the name in the folder's public key; empty without one."""
        try:
            return (self._folder / "public.key").read_text().partition("+")[0].strip()
        except (OSError, ValueError):
            return ""

    def _raw_public_key(self) -> bytes:
        if self._public is None:
            raise LedgerBroken(
                f"there is no public.key in {self._folder}, so nothing was signed there yet"
            )
        return _raw(self._public)

    def _key_id(self, raw: bytes) -> bytes:
        name = self._origin.encode() + b"\n" + ED25519 + raw
        return hashlib.sha256(name).digest()[:4]

    def _verifier_key(self, raw: bytes) -> str:
        key = base64.b64encode(ED25519 + raw).decode()
        return f"{self._origin}+{self._key_id(raw).hex()}+{key}"


class Checkpoints(Witness):
    """Sign the log ``origin``.

    The key is made on first use, readable by its owner alone.
    """

    def __init__(self, folder: Path, origin: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Several processes of one machine may share the folder.
        self._lock = FileLock(folder / "lock")
        super().__init__(folder, origin)
        with self._hold_folder():
            self._key = self._load_or_make_key()
            self._public = self._key.public_key()
            self._publish_key()
            self._reload_key()

    def _hold_folder(self) -> AcquireReturnProxy[FileLock]:
        """Lock the folder. Say so while another process has it."""
        while True:
            try:
                return self._lock.acquire(timeout=REPORT_INTERVAL_SECONDS)
            except Timeout:
                log.warning(
                    "another process has %s; look whether it is stopped", self._lock.lock_file
                )

    @property
    def private_key(self) -> Ed25519PrivateKey:
        """Return the key that signs the notes.

        Nothing else may be signed with it that could be read as a note.
        """
        return self._key

    def sign(self, ledger: Ledger) -> Checkpoint | None:
        """Sign the ledger as it is now.

        None when nothing was added since the last time.

        Raises:
            LedgerBroken: the ledger does not grow from what was signed before, and nobody has
                acknowledged why.
        """
        with self._hold_folder():
            self._reload_key()
            # Read before the ledger: a case that is opened meanwhile is not counted too early.
            cases = ledger.last_case_number()
            try:
                memory, tree = self._grow_tree(ledger)
            except _Disagreement as disagreement:
                return self._sign_restored(ledger, disagreement, cases)
            self._finish_interrupted_write(memory)
            if tree.size == memory.tree.size:
                return None
            return self._write(tree, number=memory.number + 1, cases=cases)

    def _sign_restored(self, ledger: Ledger, disagreement: _Disagreement, cases: int) -> Checkpoint:
        """Sign a restored backup.

        The note names the one before it, and how many entries both have.
        """
        root = _base64(disagreement.root)
        rollback = ledger.acknowledgement_of(disagreement.size, root)
        if rollback is None:
            raise disagreement
        size, _, peaks = ledger.head()
        leaf_of = ledger.redactions().leaf_of
        tree = Tree().extend(leaf_of(row) for row in ledger.rows() if row.seq <= size)
        if [peak.hex() for peak in tree.peaks] != peaks:
            raise LedgerBroken("the head of the ledger is not what its entries make")
        return self._write(
            tree,
            number=disagreement.memory.number + 1,
            cases=cases,
            extension=f"restored {disagreement.size} {root} {rollback.common_size}\n",
        )

    def rotate(self, ledger: Ledger) -> Rotation:
        """Replace the key; both sign a note that names both.

        Raises:
            LedgerBroken: the ledger does not grow from what was signed before.
        """
        with self._hold_folder():
            self._reload_key()
            cases = ledger.last_case_number()
            memory, tree = self._grow_tree(ledger)
            self._finish_interrupted_write(memory)
            new_key = Ed25519PrivateKey.generate()
            old_text = self.public_key
            new_text = self._verifier_key(_raw(new_key.public_key()))
            # Kept first: whoever dies after the note must have the key that it names.
            _write_durably(self._folder / NEW_KEY, _private_hex(new_key), mode=0o600)
            self._write(
                tree,
                number=memory.number + 1,
                cases=cases,
                extension=f"{ROTATED} {old_text} {new_text}\n",
                keys=(new_key, self._key),
            )
            self._finish_rotation()
            self._reload_key()
            return Rotation(old_text, new_text)

    def _finish_rotation(self) -> None:
        """Bring a new key into force if a note names it."""
        path = self._folder / NEW_KEY
        if not path.exists():
            return
        new_key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
        new_text = self._verifier_key(_raw(new_key.public_key()))
        old_text = _replaced_key(self._load_memory().note, by=new_text)
        if not old_text:
            path.unlink()
            return
        previous = [self._verifier_key(_raw(key)) for key in self._read_previous_keys()]
        if old_text not in previous:
            lines = "".join(f"{key}\n" for key in [*previous, old_text])
            _write_durably(self._folder / PREVIOUS_KEYS, lines)
        _write_durably(self._folder / "public.key", f"{new_text}\n")
        path.replace(self._folder / SIGNING_KEY)

    def _reload_key(self) -> None:
        """Read the key again: another process may have replaced it."""
        self._finish_rotation()
        self._read_keys()

    def _read_keys(self) -> None:
        self._previous = self._read_previous_keys()
        public = self._read_public_key()
        if public is None or _raw(public) == _raw(self._key.public_key()):
            return
        # A public key alone replaces nothing.
        key = self._read_private_key()
        if key is not None and _raw(key.public_key()) == _raw(public):
            self._key, self._public = key, public

    def _read_private_key(self) -> Ed25519PrivateKey | None:
        try:
            text = (self._folder / SIGNING_KEY).read_text()
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text.strip()))
        except (OSError, ValueError):
            return None

    def _finish_interrupted_write(self, memory: _Memory) -> None:
        """Write what a process that ended in between has left out.

        That is the note of what is remembered, or the memory of a note.
        """
        path = self._folder / _note_name(memory.number, memory.tree.size)
        if memory.note and not path.exists():
            _write_durably(path, memory.note)
        if memory.number > self._load_memory().number:
            self._remember(memory)

    def _write(
        self,
        tree: Tree,
        *,
        number: int,
        cases: int,
        extension: str = "",
        keys: Sequence[Ed25519PrivateKey] = (),
    ) -> Checkpoint:
        note = self._sign_note(tree, extension, keys)
        # The memory carries the note: whoever dies after this line leaves a note that can be
        # written again.
        self._remember(
            _Memory(
                tree=tree,
                number=number,
                cases=cases,
                note=note,
            )
        )
        _write_durably(self._folder / _note_name(number, tree.size), note)
        return Checkpoint(
            number=number,
            size=tree.size,
            root=tree.root,
            note=note,
        )

    def _remember(self, memory: _Memory) -> None:
        content = {
            "number": memory.number,
            "size": memory.tree.size,
            "peaks": [peak.hex() for peak in memory.tree.peaks],
            "cases": memory.cases,
            "note": memory.note,
        }
        _write_durably(self._folder / "witness.json", json.dumps(content))

    def _sign_note(self, tree: Tree, extension: str, keys: Sequence[Ed25519PrivateKey] = ()) -> str:
        text = f"{self._origin}\n{tree.size}\n{_base64(tree.root)}\n{extension}"
        lines = [f"— {self._origin} {self._signature(text, key)}\n" for key in keys or (self._key,)]
        return f"{text}\n{''.join(lines)}"

    def _signature(self, text: str, key: Ed25519PrivateKey) -> str:
        return _base64(self._key_id(_raw(key.public_key())) + key.sign(text.encode()))

    def _load_or_make_key(self) -> Ed25519PrivateKey:
        path = self._folder / SIGNING_KEY
        try:
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
        except FileNotFoundError:
            problem = "is gone"
        except ValueError:
            problem = "is empty or damaged"
        if any(self._folder.glob("*.note")):
            raise SettingsIncomplete(
                f"{path} {problem}, and notes were signed with it. Put it back from a backup."
                f" Without one: move {self._folder} aside and keep it for the auditor, who"
                " verifies the old notes with its public.key; a new key is then made"
            )
        # Nothing was signed with it: a process ended while it was being made.
        key = Ed25519PrivateKey.generate()
        _write_durably(path, _private_hex(key), mode=0o600)
        (self._folder / "public.key").unlink(missing_ok=True)
        return key

    def _publish_key(self) -> None:
        path = self._folder / "public.key"
        if not path.exists() or not path.read_text().strip():
            _write_durably(path, self.public_key + "\n")


def _disagreement(message: str, memory: _Memory, newer: Sequence[Checkpoint]) -> _Disagreement:
    """Make the failure against the last note that was signed."""
    if newer:
        last = newer[-1]
        memory_then = replace(memory, number=last.number)
        return _Disagreement(
            message,
            size=last.size,
            root=last.root,
            memory=memory_then,
        )
    tree = memory.tree
    return _Disagreement(
        message,
        size=tree.size,
        root=tree.root,
        memory=memory,
    )


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _private_hex(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex()


def _parse_verifier_key(text: str) -> Ed25519PublicKey:
    typed_key = base64.b64decode(text.strip().split("+", 2)[2])
    return Ed25519PublicKey.from_public_bytes(typed_key[len(ED25519) :])


def _replaced_key(note: str, *, by: str) -> str:
    """Return the key that this note replaces by that one, or nothing."""
    for line in note.partition("\n\n")[0].split("\n"):
        words = line.split(" ")
        if words[0] == ROTATED and words[2:] == [by]:
            return words[1]
    return ""


def _common_in(extensions: Sequence[str]) -> int | None:
    """Return the common size that a note after a restored backup names."""
    for line in extensions:
        if line.startswith("restored "):
            return int(line.split(" ")[3])
    return None


def _notes_in_force(notes: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return the notes that still say something of the ledger.

    A later one that follows a restored backup ends those beyond what both have.
    """
    in_force = []
    for place, note in enumerate(notes):
        later = notes[place + 1 :]
        if all(other.common is None or note.size <= other.common for other in later):
            in_force.append(note)
    return in_force


def _note_name(number: int, size: int) -> str:
    return f"{number:06d}-{size}.note"


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _write_durably(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Write a file that a crash leaves whole, old or new."""
    beside = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    # The new name is in the folder, which is synced on its own.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
