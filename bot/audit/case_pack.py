"""The record of one case for an auditor, with its proofs.

A pack has every entry of the case in canonical form, the entries that say which devices its
approvers had, a proof for each that it is part of a signed checkpoint, that checkpoint, and the
public key. ``bot.audit.verifier`` checks it alone.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from bot.audit.checkpoints import Checkpoint, Witness
from bot.audit.proofs import Proof, prove
from bot.cases.controls import DESK_ID
from bot.cases.entries import (
    DataErased,
    DataExpired,
    Entry,
    PasskeyAdded,
    PasskeyInvited,
    PasskeyRemoved,
    Redaction,
    entry_of,
)
from bot.cases.errors import LedgerBroken, NoSuchCase, Refusal
from bot.store import tables
from bot.store.store import Store

FORMAT = "countersign case pack 1"
_ledger = tables.ledger.c
_LINES = (
    select(_ledger.seq, _ledger.body)
    .where(_ledger.case_id == bindparam("case_id"))
    .order_by(_ledger.seq)
)


@dataclass(frozen=True, slots=True)
class PackedEntry:
    """An entry of the ledger as it was signed."""

    #: Its place in the ledger; 1 is the first.
    seq: int
    #: Its canonical JSON.
    text: str
    proof: Proof

    @property
    def entry(self) -> Entry:
        """Read the entry."""
        return entry_of(json.loads(self.text))


@dataclass(frozen=True, slots=True)
class Erased:
    """The redaction of an entry, and the entry that orders it."""

    redaction: Redaction
    order: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePack:
    """One case, as an auditor gets it."""

    case_id: str
    made_at: datetime
    #: The verifier key of the checkpoints: name+id+key.
    key: str
    #: The signed note, as its file has it.
    checkpoint: str
    #: How many entries the checkpoint covers.
    size: int
    entries: tuple[PackedEntry, ...]
    #: Entries about the desk: which devices the case's approvers had, and who was erased.
    devices: tuple[PackedEntry, ...] = ()

    @property
    def erasures(self) -> dict[int, Erased]:
        """Return what was erased from which entry, by its place."""
        return {
            redaction.seq: Erased(redaction, line.entry)
            for line in self.devices
            if isinstance(line.entry.body, DataErased | DataExpired)
            for redaction in line.entry.body.redactions
        }


def make_pack(store: Store, witness: Witness, *, case_id: str, now: datetime) -> CasePack:
    """Gather the record of a case under the last signed checkpoint.

    Raises:
        NoSuchCase: there is none.
        Refusal: some of it is not signed yet.
        LedgerBroken: nothing is signed, or the ledger is shorter than its checkpoint.
    """
    lines = _lines(store, case_id)
    if not lines:
        raise NoSuchCase(f"there is no case {case_id[:40]}")
    checkpoint = witness.last_checkpoint()
    if checkpoint is None:
        raise LedgerBroken(f"there is no checkpoint in {witness.folder}: nothing was signed yet")
    last = max(lines)
    if last > checkpoint.size:
        raise Refusal(
            f"{case_id} has entries that are not signed yet: the last checkpoint covers "
            f"{checkpoint.size} entries, and the case has entry {last}. Try again after the next"
        )
    erasures = _erasure_lines(store, lines)
    if erasures and max(erasures) > checkpoint.size:
        raise Refusal(f"{case_id} was redacted since the last checkpoint; try again")
    devices = _device_lines(store, lines, checkpoint)
    devices = dict(sorted({**devices, **erasures}.items()))
    proofs = _prove(store, [*lines, *devices], checkpoint.size)
    return CasePack(
        case_id=case_id,
        made_at=now,
        key=witness.public_key,
        checkpoint=checkpoint.note,
        size=checkpoint.size,
        entries=_pack_entries(lines, proofs),
        devices=_pack_entries(devices, proofs),
    )


def _lines(store: Store, case_id: str) -> dict[int, str]:
    """Return the canonical text of each entry by its place."""
    rows = store.database.fetch(_LINES, {"case_id": case_id})
    return {row.seq: bytes(row.body).decode() for row in rows}


def _device_lines(store: Store, lines: Mapping[int, str], checkpoint: Checkpoint) -> dict[int, str]:
    """Return the entries about the devices with which this case was approved."""
    people = set(_people_with_devices(lines))
    if not people:
        return {}
    device_lines: dict[int, str] = {}
    credentials: set[str] = set()
    for seq, text in _lines(store, DESK_ID).items():
        body = entry_of(json.loads(text)).body
        if seq > checkpoint.size:
            break
        match body:
            case PasskeyInvited(to=person) if person in people:
                device_lines[seq] = text
            case PasskeyAdded(passkey=passkey) if passkey.person in people:
                credentials.add(passkey.credential)
                device_lines[seq] = text
            case PasskeyRemoved(credential=credential) if credential in credentials:
                device_lines[seq] = text
            case _:
                pass
    return device_lines


def _erasure_lines(store: Store, lines: Mapping[int, str]) -> dict[int, str]:
    """Return the entries that erased persons from this case."""
    redactions = store.ledger.redactions().all()
    if not redactions.keys() & lines.keys():
        return {}
    return {
        seq: text
        for seq, text in _lines(store, DESK_ID).items()
        if lines.keys() & _redacted_places(text)
    }


def _redacted_places(text: str) -> set[int]:
    body = entry_of(json.loads(text)).body
    return (
        {item.seq for item in body.redactions}
        if isinstance(body, DataErased | DataExpired)
        else set()
    )


def _people_with_devices(lines: Mapping[int, str]) -> Iterator[str]:
    for text in lines.values():
        approval = json.loads(text)["body"].get("approval")
        if isinstance(approval, dict) and approval.get("assertion"):
            yield approval["person"]


def _prove(store: Store, places: list[int], size: int) -> Mapping[int, Proof]:
    leaves = store.ledger.leaves(until=size)
    try:
        proofs = prove(leaves, size, [seq - 1 for seq in places])
    except ValueError as failure:
        raise LedgerBroken(str(failure)) from None
    return {place + 1: proof for place, proof in proofs.items()}


def _pack_entries(lines: Mapping[int, str], proofs: Mapping[int, Proof]) -> tuple[PackedEntry, ...]:
    return tuple(PackedEntry(seq, text, proofs[seq]) for seq, text in lines.items())


def pack_to_plain(pack: CasePack) -> dict[str, Any]:
    """Return what the file holds, for JSON."""
    return {
        "format": FORMAT,
        "case": pack.case_id,
        "made_at": pack.made_at.isoformat(),
        "key": pack.key,
        "checkpoint": pack.checkpoint,
        "entries": [_entry_to_plain(entry) for entry in pack.entries],
        "devices": [_entry_to_plain(entry) for entry in pack.devices],
    }


def _entry_to_plain(entry: PackedEntry) -> dict[str, Any]:
    proof = [node.hex() for node in entry.proof]
    return {"seq": entry.seq, "entry": entry.text, "proof": proof}


def pack_from_plain(plain: Mapping[str, Any]) -> CasePack:
    """Read what ``pack_to_plain`` wrote, once the verifier has accepted it."""
    note: str = plain["checkpoint"]
    return CasePack(
        case_id=plain["case"],
        made_at=datetime.fromisoformat(plain["made_at"]),
        key=plain["key"],
        checkpoint=note,
        size=int(note.split("\n")[1]),
        entries=tuple(map(_entry_from_plain, plain["entries"])),
        devices=tuple(map(_entry_from_plain, plain["devices"])),
    )


def _entry_from_plain(plain: Mapping[str, Any]) -> PackedEntry:
    proof = tuple(bytes.fromhex(node) for node in plain["proof"])
    return PackedEntry(plain["seq"], plain["entry"], proof)
