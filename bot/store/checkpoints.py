"""Checkpoints: the ledger's size and root, signed with Ed25519, kept in a folder that the database's credentials do not reach.

The folder is also a witness: it remembers the tree it last signed and signs only what grows from it. A ledger that was cut, changed
or grown anew is refused, loudly. Notes are C2SP signed notes (tlog-checkpoint), numbered so that a missing one shows.
"""

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bot.cases.errors import LedgerBroken
from bot.cases.ledger import Tree
from bot.store.store import SqlStore

ED25519 = b"\x01"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    size: int
    root: bytes
    note: str


class Checkpoints:
    """Signs for ``origin``, the name of the log. The key is made on first use, readable by its owner alone."""

    def __init__(self, folder: Path, origin: str) -> None:
        self._folder = folder
        self._origin = origin
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key = self._own_key()

    @property
    def public_key(self) -> str:
        """The verifier key of the note, as C2SP writes it: name+id+key. Pin it where the operator of the bot cannot change it."""
        raw = ED25519 + self._raw_public()
        return f"{self._origin}+{self._key_id().hex()}+{base64.b64encode(raw).decode()}"

    def sign(self, store: SqlStore) -> Checkpoint | None:
        """Sign the ledger as it is now; None when nothing was added since the last time.

        Raises:
            LedgerBroken: the ledger does not grow from what was signed before.
        """
        witnessed, number = self._witness()
        tree = witnessed
        for row in store.ledger(after=witnessed.size):
            if row.seq != tree.size + 1:
                raise LedgerBroken(f"entry {tree.size + 1} is missing")
            tree = tree.append(hashlib.sha256(b"\x00" + bytes(row.body)).digest())
        size, _, peaks = store.head()
        if size < witnessed.size:
            raise LedgerBroken(
                f"the ledger has {size} entries; {witnessed.size} were signed before: entries were taken away"
            )
        if tree.size == witnessed.size and [peak.hex() for peak in witnessed.peaks] == peaks:
            return None
        if tree.size == size and [peak.hex() for peak in tree.peaks] != peaks:
            raise LedgerBroken("the ledger is not a continuation of what was signed before")
        return self._write(tree, number + 1)

    def _write(self, tree: Tree, number: int) -> Checkpoint:
        note = self._note(tree)
        name = self._folder / f"{number:06d}-{tree.size}.note"
        _durable(name, note)
        _durable(
            self._folder / "witness.json",
            json.dumps({"number": number, "size": tree.size, "peaks": [peak.hex() for peak in tree.peaks]}),
        )
        return Checkpoint(tree.size, tree.root, note)

    def _note(self, tree: Tree) -> str:
        text = f"{self._origin}\n{tree.size}\n{base64.b64encode(tree.root).decode()}\n"
        signature = base64.b64encode(self._key_id() + self._key.sign(text.encode())).decode()
        return f"{text}\n— {self._origin} {signature}\n"

    def _witness(self) -> tuple[Tree, int]:
        path = self._folder / "witness.json"
        if not path.exists():
            if any(self._folder.glob("*.note")):
                raise LedgerBroken(f"{path} is gone but its notes are there; put it back from a backup")
            return Tree(), 0
        kept = json.loads(path.read_text())
        return Tree(kept["size"], tuple(bytes.fromhex(peak) for peak in kept["peaks"])), kept["number"]

    def _own_key(self) -> Ed25519PrivateKey:
        path = self._folder / "key"
        if path.exists():
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
        key = Ed25519PrivateKey.generate()
        raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        path.touch(mode=0o600)
        path.write_text(raw.hex())
        self._key = key
        (self._folder / "public.key").write_text(self.public_key + "\n")
        return key

    def _raw_public(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def _key_id(self) -> bytes:
        return hashlib.sha256(self._origin.encode() + b"\n" + ED25519 + self._raw_public()).digest()[:4]


def _durable(path: Path, text: str) -> None:
    """Written beside, synced, then renamed: a crash leaves the old file or the new one."""
    beside = path.with_suffix(".new")
    with beside.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
