#!/usr/bin/env python3
"""Verify an exported ledger without trusting the program that wrote it.

    python verifier.py ledger.jsonl --checkpoints DIR --key "name+id+base64" [--against other.jsonl]
    python verifier.py EX-12.html --key "name+id+base64"

It needs Python and the `cryptography` package, and nothing of Countersign: copy this file where
you like. It checks

- that every leaf follows from its entry, and every link and root from the leaves;
- that every checkpoint is signed, and grows from the one before;
- that no step was begun without an approval of exactly its plan;
- that a step of a tree was begun only with what earlier steps told, within the approved bounds;
- that what was done before something unforeseen was not done again;
- that no approval was counted twice, and nobody approved what they raised or edited;
- that nothing was taken back by fewer people than had to approve it;
- that no step was left whose outcome nobody knows;
- that nothing of a practice case was approved or carried out;
- that what was approved in advance was within number, sum and time, and like what it came with;
- that a changed playbook came into force by people's approval where policy asks for it, that a case
  was judged by a version that was in force or on trial, and that nothing on trial ran alone;
- that what a program asked for came under a token that an operator had made and nobody had revoked,
  that no person it acts for approved it, and that no other program reported what came of it;
- that an approval with a passkey carries a signature by the approver's own device over its plan.

A person may have been erased. Then some entries are not what their leaves were made of, and a later
entry, by the operator who ordered it, binds what stands there now, and the plan that was approved.
Such an entry is printed as a note. That what was left out was about that person, only an export
from before can show: with --against it is compared, word by word.

What a case was about may have been removed once it was kept for its term. Then a later entry, by
policy, binds what stands there now; the case must have ended before the time that this entry names.

A log that goes back is a finding, unless two things explain it. The note that does so names the
one before it, in a signed line "restored SIZE ROOT COMMON", and an entry says who acknowledged
that a backup was restored. Then it is printed as a note.

A key is replaced by a note with a signed line "rotated OLD NEW" under the signatures of both keys.
Notes before it are of the old key, notes after it of the new one. Pin either: it is printed as a
note.

A file that ends in .html is the pack of one case. Then it checks that each of its entries is part
of the tree that the checkpoint in it signs, that none of the case's entries before its last is
missing, and the same rules. Whether the case went on after its last entry, only a later pack or an
export can show. The sentences of the page are not checked here: what holds is the record in it.

Exit status 0: everything holds. 1: something does not, each finding on a line. 2: it cannot be
read.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

# What reading a malformed entry can raise.
MALFORMED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    UnsupportedAlgorithm,
)
GENESIS = hashlib.sha256(b"countersign ledger").digest()
MAX_FINDINGS = 50
# The entry that says from which others a person was erased, and what stands for a longer text.
ERASURE = "data.erased"
ERASED_TEXT = "[erased]"
# The entry that says from which others policy removed what a case was about, and what stands for
# names there.
EXPIRY = "data.expired"
REMOVED_NAME = "erased-by-policy-"
# What may be noted about a case that has ended, which stays as it is.
LATE_NOTES = {
    "approval.begun",
    "attempt.refused",
    "case.nudged",
    "inquiry.answered",
    "inquiry.opened",
    "mistake.reported",
    "practice.observed",
    "review.given",
    "signal.conflicted",
    "signal.marked_clear",
    "signal.recurred",
    "undo.approved",
    "undo.lapsed",
}
# A process may have looked at a case while another one let a version be in force.
VERSION_GRACE = timedelta(minutes=10)

LINE_FIELDS = {"seq": int, "chain": str, "leaf": str, "entry": str}
ENTRY_FIELDS = {
    "type": str,
    "case": str,
    "version": int,
    "revision": int,
    "at": str,
    "actor": str,
    "surface": str,
    "body": dict,
}


class Unreadable(Exception):
    """The files are not what they should be."""


# --- hashes --------------------------------------------------------------------------------------


def sha(data):
    """Return the SHA-256 of the data."""
    return hashlib.sha256(data).digest()


def roots_of(leaves, sizes):
    """Return the RFC 6962 roots of the trees of these sizes."""
    roots = {0: sha(b"")} if 0 in sizes else {}
    # The roots of the complete subtrees so far, the largest first.
    peaks = []
    for size, leaf in enumerate(leaves, start=1):
        node = leaf
        rest = size - 1
        while rest % 2:
            node = sha(b"\x01" + peaks.pop() + node)
            rest //= 2
        peaks.append(node)
        if size in sizes:
            root = peaks[-1]
            for peak in reversed(peaks[:-1]):
                root = sha(b"\x01" + peak + root)
            roots[size] = root
    return roots


def root_of(leaves):
    """Return the RFC 6962 root of all leaves."""
    return roots_of(leaves, {len(leaves)})[len(leaves)]


# --- the export ----------------------------------------------------------------------------------


def parse(text):
    """Parse strict JSON: no NaN, no duplicate names, only valid UTF-8.

    Raises ValueError or RecursionError.
    """
    text.encode()
    return json.loads(text, object_pairs_hook=unique_names, parse_constant=refuse_constant)


def unique_names(pairs):
    """Make an object of its names and values."""
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return value


def refuse_constant(name):
    """Refuse NaN and the infinities."""
    raise ValueError(f"{name} is not JSON")


def read_lines(path):
    """Yield the line numbers and objects of an export.

    Raises Unreadable when it is none.
    """
    number = 0
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                yield number, parse(line)
    except (OSError, UnicodeDecodeError) as failure:
        raise Unreadable(f"{path}: {failure}") from None
    except (ValueError, RecursionError) as failure:
        raise Unreadable(f"{path}:{number or 1}: not JSON ({failure})") from None


def check_chain(path, findings):
    """Check places, leaves and links. Return the leaves and the parsed entries."""
    leaves = []
    entries = []
    link = GENESIS
    redactions = read_redactions(path)
    for number, line in read_lines(path):
        if not is_line(line):
            raise Unreadable(
                f"{path}:{number}: not a line of an export"
                " (seq, chain, leaf and entry, and nothing else)"
            )
        try:
            body = line["entry"].encode()
        except ValueError as failure:
            raise Unreadable(f"{path}:{number}: the entry is no text ({failure})") from None
        leaf = sha(b"\x00" + body)
        redaction = find_redaction(redactions, number, leaf)
        if redaction:
            leaf = bytes.fromhex(redaction["leaf"])
        link = check_line(
            number=number,
            line=line,
            leaf=leaf,
            link=sha(link + leaf),
            findings=findings,
        )
        leaves.append(leaf)
        entry = read_entry(number, line["entry"], findings)
        if entry:
            # Never what the entry says of itself.
            entry["redaction"] = redaction
        entries.append(entry)
    return leaves, entries


def read_redactions(path):
    """Return the redactions of an export by place.

    Only entries that are what their own leaf was made of say so.
    """
    redactions = {}
    for number, line in read_lines(path):
        if is_line(line) and says_redactions(line["entry"]):
            leaf = sha(b"\x00" + line["entry"].encode("utf-8", "replace")).hex()
            if line["leaf"] == leaf:
                add_redactions(redactions, number, line["entry"])
    return redactions


def says_redactions(text):
    """Tell whether an entry may bind what stands in others now."""
    return ERASURE in text or EXPIRY in text


def add_redactions(redactions, number, text):
    """Add the redactions of one entry. A later one holds."""
    try:
        entry = parse(text)
        by = {ERASURE: "operator:", EXPIRY: "policy:"}.get(entry["type"])
        if by is None or not entry["actor"].startswith(by):
            return
        for redaction in entry["body"]["redactions"]:
            is_earlier = type(redaction["seq"]) is int and redaction["seq"] < number
            hashes_of = (redaction["leaf"], redaction["content"])
            if is_earlier and all(re.fullmatch("[0-9a-f]{64}", item) for item in hashes_of):
                earlier = redactions.get(redaction["seq"], {})
                redactions[redaction["seq"]] = {
                    **redaction,
                    "by": number,
                    # What policy has removed, no later erasure brings back.
                    "is_removed": entry["type"] == EXPIRY or earlier.get("is_removed", False),
                }
    except MALFORMED:
        # An entry that cannot be read is a finding, and erases nothing.
        return


def find_redaction(redactions, number, leaf):
    """Return the redaction that binds this content; else None."""
    redaction = redactions.get(number)
    if redaction and redaction["content"] == leaf.hex():
        return redaction
    return None


def describe_erasures(entries):
    """Yield a sentence for each erasure in force."""
    counts = {}
    for entry in entries:
        redaction = entry.get("redaction") if entry else None
        if redaction:
            counts[redaction["by"]] = counts.get(redaction["by"], 0) + 1
    for number, count in sorted(counts.items()):
        entry = entries[number - 1]
        if entry["type"] == EXPIRY:
            yield (
                f"what {count} entries were about was removed by policy at {entry['at']}"
                f" ({entry['actor']}), because their cases had ended before"
                f" {entry['body'].get('before')}: their leaves hold, and what stands there now is"
                f" what entry {number} binds"
            )
            continue
        yield (
            f"a person was erased from {count} entries at {entry['at']} by order of"
            f" {entry['body'].get('by_name')!r} ({entry['actor']}), who is called"
            f" {entry['body'].get('label')!r} since: their leaves hold, and what stands there now"
            f" is what entry {number} binds"
        )


def is_line(line):
    """Tell whether a value is a line of an export."""
    return (
        isinstance(line, dict)
        and set(line) == set(LINE_FIELDS)
        and all(has_type(line[name], kind) for name, kind in LINE_FIELDS.items())
    )


def has_type(value, kind):
    """Tell whether a value has this type.

    Python's bool is an int, and JSON's is not.
    """
    return isinstance(value, kind) and not isinstance(value, bool)


def check_line(number, line, leaf, link, findings):
    """Check a line against its leaf and link.

    Return the link to go on from: after a broken one, so that each break is found once.
    """
    if line["seq"] != number:
        findings.append(
            f"line {number}: seq is {line['seq']}, must be {number}:"
            " an entry was taken out, put in or moved"
        )
    if line["leaf"] != leaf.hex():
        findings.append(f"entry {number}: its content is not what its leaf was made of")
    if line["chain"] == link.hex():
        return link
    findings.append(f"entry {number}: the link to the entry before does not hold")
    if re.fullmatch("[0-9a-f]{64}", line["chain"]):
        return bytes.fromhex(line["chain"])
    return link


def read_entry(number, text, findings):
    """Return the entry as an object.

    An empty one, and a finding, when it is none.
    """
    try:
        entry = parse(text)
    except (ValueError, RecursionError) as failure:
        findings.append(f"entry {number}: is not JSON ({failure})")
        return {}
    if not isinstance(entry, dict):
        findings.append(f"entry {number}: is not an object")
        return {}
    for name, kind in ENTRY_FIELDS.items():
        if not has_type(entry.get(name), kind):
            findings.append(f"entry {number}: its {name} is not what every entry has there")
            return {}
    return entry


def check_fork(leaves, entries, other, findings):
    """Check that two exports of one log agree."""
    other_leaves, other_entries = check_chain(other, [])
    for number, (leaf, other_leaf) in enumerate(zip(leaves, other_leaves), start=1):
        if leaf != other_leaf:
            findings.append(f"entry {number}: the two exports disagree: the log was forked")
            return
    for number, pair in enumerate(zip(entries, other_entries), start=1):
        if all(pair) and not is_faithful(*pair):
            findings.append(
                f"entry {number}: more than a person was erased from it: the other export says"
                " something else"
            )


def is_faithful(entry, other):
    """Tell whether two copies differ by erased texts alone."""
    if entry["redaction"] is None or other["redaction"] is not None:
        return True
    return all(is_erased_copy(entry[name], other[name]) for name in ENTRY_FIELDS)


def is_erased_copy(value, other):
    """Tell whether a value is another one with texts left out."""
    if isinstance(value, dict) and isinstance(other, dict):
        names = set(other) - set(value)
        return len(value) == len(other) and all(
            is_erased_copy(value[name], other[name])
            if name in other
            # A name that was erased itself: one of the others stood there.
            else any(is_erased_copy(value[name], other[old]) for old in names)
            for name in value
        )
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(map(is_erased_copy, value, other))
    if value == other and type(value) is type(other):
        return True
    return isinstance(value, str) and (value == ERASED_TEXT or "erased-" in value)


# --- the checkpoints -----------------------------------------------------------------------------


class Note:
    """A signed note: so many entries had this root."""

    def __init__(self, size, root, restore):
        self.size = size
        self.root = root
        # Of a note after a restored backup: size and root of the note before it, and how many
        # entries both have.
        self.restore = restore
        # Of a note that replaces the key: the old one and the new one.
        self.rotation = None
        self.name = ""
        self.number = 0


def parse_key(text):
    """Parse a C2SP verifier key: name+id+base64 of 0x01 and the Ed25519 key."""
    try:
        name, key_id, key_text = text.strip().split("+", 2)
        raw = base64.b64decode(key_text, validate=True)
    except ValueError:
        raise Unreadable("the key is not a verifier key (name+id+base64)") from None
    if raw[:1] != b"\x01" or len(raw) != 33:
        raise Unreadable("the key is not an Ed25519 verifier key")
    if sha(name.encode() + b"\n" + raw)[:4].hex() != key_id:
        raise Unreadable("the key does not belong to its name")
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:])


def parse_note(path, key):
    """Return a note whose signature holds.

    Raises InvalidSignature or ValueError.
    """
    return read_note(path.read_bytes().decode("utf-8"), key)


def read_note(content, key):
    """Return a note from its text.

    Raises InvalidSignature or ValueError.
    """
    name, key_id, public_key = key
    text, _, signatures = content.partition("\n\n")
    origin, size, root, *extensions = text.split("\n")
    if origin != name:
        raise ValueError(f"is of {origin[:100]!r}, not of {name}")
    for line in signatures.split("\n"):
        match = re.fullmatch(r"— (\S+) (\S+)", line)
        if match and match[1] == name and base64.b64decode(match[2])[:4] == key_id:
            public_key.verify(base64.b64decode(match[2])[4:], f"{text}\n".encode())
            note = Note(parse_size(size), base64.b64decode(root), parse_restored(extensions))
            note.rotation = parse_rotated(extensions)
            return note
    raise ValueError("carries no signature by this key")


def parse_size(text):
    """Parse a number of entries."""
    if not re.fullmatch("0|[1-9][0-9]{0,17}", text, re.ASCII):
        raise ValueError(f"{text[:40]!r} is not a number of entries")
    return int(text)


def parse_restored(extensions):
    """Return what a note says of the backup that was restored.

    That is size and root of the note before it, and how many entries both have.
    """
    for line in extensions:
        match = re.fullmatch(r"restored (\S+) (\S+) (\S+)", line)
        if match:
            return parse_size(match[1]), base64.b64decode(match[2]), parse_size(match[3])
    return None


def parse_rotated(extensions):
    """Return the old key and the new one; None without a replacement."""
    for line in extensions:
        match = re.fullmatch(r"rotated (\S+) (\S+)", line)
        if match:
            return match[1], match[2]
    return None


def check_rotation(path, rotation, signer):
    """Return the key that signs from here on.

    Raises InvalidSignature, Unreadable or ValueError when not both keys have signed the change.
    """
    old, new = rotation
    if old != signer:
        raise ValueError("replaces a key that was not in force")
    if new == old or parse_key(new)[0] != parse_key(old)[0]:
        raise ValueError("does not replace the key by a new one of the same log")
    try:
        parse_note(path, parse_key(new))
    except InvalidSignature:
        raise ValueError("the signature of the new key does not hold") from None
    return new


def first_key(paths):
    """Return the old key of the first replacement, if there is one.

    Nothing is believed of it: every note before must carry its signature.
    """
    for path in paths:
        try:
            extensions = path.read_bytes().decode("utf-8").partition("\n\n")[0].split("\n")[3:]
        except (OSError, ValueError):
            continue
        rotation = parse_rotated(extensions)
        if rotation:
            return rotation[0]
    return None


def check_checkpoints(folder, key_text, leaves, findings, acknowledgements=(), remarks=None):
    """Check every note against this ledger.

    Return how many entries the notes cover.

    Each must be signed by the pinned key and be the root of its first entries, and none may be
    missing. ``acknowledgements`` are the entries that acknowledge restored backups or replaced
    keys; what they explain goes into ``remarks``.
    """
    notes = read_notes(folder, key_text.strip(), findings)
    roots = roots_of(leaves, {note.size for note in notes})
    coverage = 0
    last = None
    for place, note in enumerate(notes):
        # A later note says that a backup was restored that does not hold this one's entries.
        is_superseded = any(
            later.restore and note.size > later.restore[2] for later in notes[place + 1 :]
        )
        if note.restore:
            problem = restore_problem(
                note=note,
                last=last,
                acknowledgements=acknowledgements,
                is_superseded=is_superseded,
            )
            if problem:
                findings.append(f"{note.name}: {problem}")
            elif remarks is not None and not is_superseded:
                remarks.append(describe_restore(note.restore, acknowledgements))
        elif note.rotation and remarks is not None:
            remarks.append(describe_rotation(note, acknowledgements))
        if not note.restore and last and note.size < last.size:
            findings.append(
                f"{note.name}: signs {note.size} entries after {last.size} were signed:"
                " the log went back"
            )
        last = note
        if not is_superseded:
            check_root(
                note=note,
                leaves=leaves,
                roots=roots,
                findings=findings,
            )
            coverage = max(coverage, note.size)
    return coverage


def check_root(note, leaves, roots, findings):
    """Check that a note signs the first entries of this ledger."""
    if note.size > len(leaves):
        findings.append(
            f"{note.name}: signs {note.size} entries, the ledger has {len(leaves)}:"
            " entries were cut off"
        )
    elif roots[note.size] != note.root:
        findings.append(
            f"{note.name}: the first {note.size} entries are not those that were signed:"
            " rewritten or grown anew"
        )


def read_notes(folder, key, findings):
    """Return the notes whose signature holds, in order.

    The others are findings, and so is the first that is missing.
    """
    paths = sorted(Path(folder).glob("*.note"))
    if not paths:
        findings.append(
            "there is no checkpoint: a ledger alone cannot show that it was not cut or rewritten"
            " whole"
        )
    parse_key(key)
    signer = first_key(paths) or key
    keys = [signer]
    notes = []
    for number, path in enumerate(paths, start=1):
        if not path.name.startswith(f"{number:06d}-"):
            findings.append(f"checkpoint {number} is missing")
            break
        try:
            note = parse_note(path, parse_key(signer))
            if note.rotation:
                signer = check_rotation(path, note.rotation, signer)
                keys.append(signer)
        except InvalidSignature:
            findings.append(f"{path.name}: the signature does not hold")
            continue
        except (Unreadable, ValueError, IndexError, OSError) as failure:
            findings.append(f"{path.name}: {failure}")
            continue
        note.name = path.name
        note.number = number
        notes.append(note)
    if paths and key not in keys:
        findings.append("the pinned key is none of those that signed: all was signed by others")
    return notes


def restore_problem(note, last, acknowledgements, is_superseded):
    """Return why a note does not explain that the log went back.

    None when it does.
    """
    size, root, common = note.restore
    names_the_one_before = (
        last is not None
        and last.number == note.number - 1
        and (last.size, last.root) == (size, root)
    )
    if not names_the_one_before:
        return "says that a backup was restored, but does not name the note before it"
    if common > note.size:
        return f"says that {common} entries were kept, and signs {note.size}"
    # A later backup may have taken this acknowledgement away. Then the later one counts.
    if not is_superseded and acknowledgement_of(size, root, acknowledgements) is None:
        return "says that a backup was restored, and no entry says that anybody acknowledged it"
    return None


def acknowledgement_of(size, root, acknowledgements):
    """Return the entry that acknowledges the loss of this signed tree."""
    signed_root = base64.b64encode(root).decode()
    for entry in acknowledgements:
        body = entry["body"]
        if body.get("signed_size") == size and body.get("signed_root") == signed_root:
            return entry
    return None


def describe_rotation(note, acknowledgements):
    """Say which key replaced which, and who did that."""
    old, new = note.rotation
    who = "no entry says by whom"
    for entry in acknowledgements:
        body = entry["body"]
        if (body.get("old_key"), body.get("new_key")) == (old, new):
            who = f"by {body.get('by_name')!r} at {entry['at']}"
    return f"{note.name}: the key {old} was replaced by {new}; {who}"


def describe_restore(restore, acknowledgements):
    """Say what a restored backup lacks, and who acknowledged it."""
    size, root, common = restore
    entry = acknowledgement_of(size, root, acknowledgements)
    return (
        f"a backup was restored: entries {common + 1} to {size} that were signed once are gone, or"
        f" not proved to be the same; acknowledged by {entry['body'].get('by_name')!r}"
        f" at {entry['at']}: {entry['body'].get('note')!r}"
    )


# --- the pack of one case ------------------------------------------------------------------------


PACK_FORMAT = "countersign case pack 1"
# The program that writes packs escapes what could end the script element.
PACK_ELEMENT = re.compile(
    '<script type="application/json" id="countersign-pack">(.*?)</script>', re.DOTALL
)
PACK_FIELDS = {
    "format": str,
    "case": str,
    "made_at": str,
    "key": str,
    "checkpoint": str,
    "entries": list,
    "devices": list,
}
PACKED_FIELDS = {"seq": int, "entry": str, "proof": list}
# Before the name of a program, as the source of its signals.
PROGRAM = "program:"
TOKEN_GRACE = timedelta(minutes=5)
DEVICE_ENTRIES = {"passkey.invited", "passkey.added", "passkey.removed", ERASURE, EXPIRY}


def read_pack(path):
    """Return the record in the page of a pack.

    Raises Unreadable when there is none.
    """
    try:
        page = Path(path).read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as failure:
        raise Unreadable(f"{path}: {failure}") from None
    records = PACK_ELEMENT.findall(page)
    if len(records) != 1:
        raise Unreadable(f"{path}: holds {len(records)} records of a case, must hold 1")
    try:
        pack = parse(records[0])
    except (ValueError, RecursionError) as failure:
        raise Unreadable(f"{path}: its record is not JSON ({failure})") from None
    if not has_fields(pack, PACK_FIELDS) or pack["format"] != PACK_FORMAT:
        raise Unreadable(f"{path}: its record is not that of a pack")
    lines = pack["entries"] + pack["devices"]
    if not pack["entries"] or not all(has_fields(line, PACKED_FIELDS) for line in lines):
        raise Unreadable(f"{path}: its entries are not those of a pack")
    return pack


def has_fields(value, fields):
    """Tell whether a value is an object of these fields and types."""
    return (
        isinstance(value, dict)
        and set(value) == set(fields)
        and all(has_type(value[name], kind) for name, kind in fields.items())
    )


def verify_pack(path, key=None):
    """Return findings, entries and size of the tree of a pack."""
    pack = read_pack(path)
    findings = []
    if key and key.strip() != pack["key"]:
        findings.append("the pack carries another key than the pinned one")
    note = check_pack_note(pack, parse_key(key or pack["key"]), findings)
    entries = []
    lines = sorted(pack["entries"] + pack["devices"], key=lambda line: line["seq"])
    redactions = packed_redactions(lines)
    for line in lines:
        leaf = sha(b"\x00" + line["entry"].encode())
        redaction = find_redaction(redactions, line["seq"], leaf)
        check_packed(line=line, note=note, findings=findings, redaction=redaction)
        entry = read_entry(line["seq"], line["entry"], findings)
        if entry:
            entry["redaction"] = redaction
        entries.append((line["seq"], entry))
    check_order(pack, findings)
    check_pack_trade(entries, pack["case"], findings)
    return findings, len(pack["entries"]), note.size if note else 0


def check_pack_note(pack, key, findings):
    """Return the note of a pack.

    None, and a finding, when its signature does not hold.
    """
    try:
        note = read_note(pack["checkpoint"], key)
    except InvalidSignature:
        findings.append("the checkpoint: the signature does not hold")
        return None
    except (ValueError, IndexError) as failure:
        findings.append(f"the checkpoint: {failure}")
        return None
    if note.rotation:
        check_second_signature(pack["checkpoint"], note.rotation, findings)
    # The same bytes can be written in several ways in base64; a checkpoint is written in one.
    signatures = pack["checkpoint"].partition("\n\n")[2]
    count = 2 if note.rotation else 1
    matches = re.findall(r"— \S+ (\S+)\n", signatures)
    is_whole = re.fullmatch(r"(— \S+ \S+\n)*", signatures) and len(matches) == count
    if not is_whole or any(base64.b64encode(base64.b64decode(m)).decode() != m for m in matches):
        findings.append("the checkpoint: is not written as checkpoints are")
    return note


def check_second_signature(checkpoint, rotation, findings):
    """Check that both keys have signed the replacement."""
    for key in rotation:
        try:
            read_note(checkpoint, parse_key(key))
        except (InvalidSignature, Unreadable, ValueError, IndexError):
            findings.append("the checkpoint: not both keys have signed the change of the key")


def packed_redactions(lines):
    """Return the redactions of a pack by place."""
    redactions = {}
    for line in lines:
        if says_redactions(line["entry"]):
            add_redactions(redactions, line["seq"], line["entry"])
    # What erases is never erased: else it would not have to be in the tree.
    for line in lines:
        if says_redactions(line["entry"]):
            redactions.pop(line["seq"], None)
    return redactions


def check_packed(line, note, findings, redaction):
    """Check that an entry is part of the signed tree."""
    seq = line["seq"]
    try:
        proof = [parse_hash(node) for node in line["proof"]]
        leaf = sha(b"\x00" + line["entry"].encode())
        if redaction:
            leaf = parse_hash(redaction["leaf"])
        if note is None:
            return
        root = root_by_proof(leaf=leaf, place=seq - 1, size=note.size, proof=proof)
        if root != note.root:
            findings.append(f"entry {seq}: is not part of what the checkpoint signs")
    except ValueError as failure:
        findings.append(f"entry {seq}: {failure}")


def parse_hash(text):
    """Parse a SHA-256 in lower-case hexadecimal."""
    if not isinstance(text, str) or not re.fullmatch("[0-9a-f]{64}", text, re.ASCII):
        raise ValueError("its proof is not made of hashes")
    return bytes.fromhex(text)


def root_by_proof(leaf, place, size, proof):
    """Return the root to which a proof leads (RFC 9162, section 2.1.3.2)."""
    if not 0 <= place < size:
        raise ValueError(f"the checkpoint covers {size} entries")
    node = leaf
    last = size - 1
    for sibling in proof:
        if last == 0:
            raise ValueError("its proof is too long")
        if place % 2 or place == last:
            node = sha(b"\x01" + sibling + node)
            while place % 2 == 0 and place:
                place //= 2
                last //= 2
        else:
            node = sha(b"\x01" + node + sibling)
        place //= 2
        last //= 2
    if last:
        raise ValueError("its proof is too short")
    return node


def check_order(pack, findings):
    """Check that each entry stands once, in the order of the ledger."""
    for name in ("entries", "devices"):
        places = [line["seq"] for line in pack[name]]
        if places != sorted(set(places)):
            findings.append(f"the {name} are not in the order of the ledger")


def check_pack_trade(entries, case_id, findings):
    """Check the rules on the entries of one case."""
    log = Log()
    log.is_pack = True
    case = CaseState(log)
    desk = CaseState(log)
    for seq, entry in entries:
        if not entry:
            continue
        if entry["case"] == case_id:
            problems = entry_problems(entry, case)
        elif entry["type"] in DEVICE_ENTRIES:
            # The desk's other entries are left out, so its versions have gaps.
            desk.version = entry["version"] - 1
            problems = entry_problems(entry, desk)
        else:
            problems = [f"is of {entry['case']}, not of {case_id}"]
        findings.extend(f"entry {seq}: {problem}" for problem in problems)


# --- canonical JSON ------------------------------------------------------------------------------


def digest_of(plan):
    """Return the SHA-256 of the plan's RFC 8785 form.

    Some fields came with later releases; empty, they are no part of it.
    """
    actions = [
        without(without(action, "undo_for", "PT0S"), "returns", {}) for action in plan["actions"]
    ]
    for name, empty in (("mode", ""), ("branches", []), ("facts", {})):
        plan = without(plan, name, empty)
    plan = dict(plan, actions=actions)
    return hashlib.sha256(canonical(plan).encode()).hexdigest()


def without(value, name, default):
    """Return an object without this name when it has this value."""
    return {key: item for key, item in value.items() if (key, item) != (name, default)}


def canonical(value):
    """Write a value as RFC 8785 says."""
    if isinstance(value, dict):
        members = []
        for name in sorted(value, key=utf_16):
            members.append(f"{json.dumps(name, ensure_ascii=False)}:{canonical(value[name])}")
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, float):
        return ecmascript(value)
    return json.dumps(value, ensure_ascii=False)


def utf_16(name):
    """Encode a name for sorting: RFC 8785 sorts by UTF-16 code units."""
    return name.encode("utf-16-be")


def ecmascript(number):
    """Write a double as ECMAScript does (ECMA-262, Number::toString).

    Python finds the same digits.
    """
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError("NaN and infinity are not JSON")
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    # The value is 0.DIGITS times ten to the power of ``point``.
    digits = (whole + fraction).lstrip("0")
    point = len(whole.lstrip("0")) + int(exponent or 0)
    if whole.strip("0") == "":
        point -= len(fraction) - len(fraction.lstrip("0"))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    if len(digits) > 1:
        digits = digits[0] + "." + digits[1:]
    power = point - 1
    power_sign = "+" if power > 0 else "-"
    return f"{sign}{digits}e{power_sign}{abs(power)}"


# --- the rules of the trade ----------------------------------------------------------------------


class Log:
    """The state across cases at this place of the log."""

    def __init__(self):
        # By credential.
        self.passkeys = {}
        # Size and root of the last checkpoint, for each restored backup not acknowledged yet.
        self.restored_backups = set()
        self.was_restored = False
        # From the release on that says how many people an undo takes, they are required.
        self.has_undo_votes = False
        # What is approved in advance and not ended: the grant by its id, with its giver.
        self.grants = {}
        # What was begun under each: the amount by case and revision.
        self.grant_uses = {}
        # Standing rules that have not ended, and the times at which plans began by each.
        self.standing_rules = {}
        self.rule_uses = {}
        # The states of all cases, for entries about one that rest on another.
        self.cases = {}
        # Of the rules in force; empty before the first.
        self.rules_checksum = ""
        # Policy in force says that changed playbooks are tried first.
        self.tries_versions = False
        # The versions of each kind's playbook.
        self.versions = {}
        # The tokens of programs by id, those that were revoked with the time of that.
        self.tokens = {}
        # A pack has no entry about tokens.
        self.is_pack = False


class PlaybookState:
    """The versions of a kind's playbook at this place of the log."""

    def __init__(self, in_force):
        self.in_force = in_force
        # The one before, to which a bad outcome goes back.
        self.before = ""
        self.waiting = ""
        self.is_on_trial = False
        # When each of the others judged last.
        self.ended_at = {}

    def may_judge(self, version, at):
        """Tell whether this version judged cases a short while ago."""
        if version == self.in_force or (version == self.waiting and self.is_on_trial):
            return True
        ended_at = self.ended_at.get(version)
        return ended_at is not None and at - ended_at < VERSION_GRACE


class Terms:
    """The terms of policy for the plan that is shown."""

    def __init__(self):
        self.votes_needed = 1
        self.groups = {}
        self.needs_passkey = False
        # None before there is a plan.
        self.is_low_risk = None
        self.is_high_risk = None


class Steps:
    """The steps of the plan that is carried out."""

    def __init__(self):
        # The numbers of the steps that were begun, and their keys.
        self.starts = set()
        self.keys = {}
        # The last state of each step whose outcome is in doubt.
        self.doubt = {}
        # Those that have landed and stand, and what each of them told.
        self.effects = set()
        self.facts = {}
        # What earlier plans did before something unforeseen ended them, by the keys of its steps:
        # action and target, and how many of each group had to approve it.
        self.earlier_effects = {}
        # The keys of those that an undo takes back. Their numbers follow those of the plan.
        self.earlier_undone = ()

    def begin_plan(self):
        """Begin with the steps of another plan."""
        self.starts = set()
        self.keys = {}
        self.effects = set()
        self.facts = {}
        self.earlier_undone = ()


class Pending:
    """Step-ups, invitations and questions that are not finished yet."""

    def __init__(self):
        # Approvals begun in Slack: ticket and purpose by person.
        self.step_ups = {}
        # Invitations to add a passkey: person by ticket.
        self.invitations = {}
        # Questions without an answer: who may give it, by the number of the question.
        self.inquiries = {}


class CaseState:
    """The state of one case at this place of the log."""

    def __init__(self, log):
        self.log = log
        self.version = 0
        # The plan that is shown.
        self.plan = None
        # Of the plan that is shown, and of the one that may be carried out.
        self.plan_digest = None
        self.authorised_digest = None
        # Policy let the plan run without a person.
        self.is_automatic = False
        self.terms = Terms()
        # The account of each voter, and for whom they voted.
        self.votes = {}
        self.undo_votes = {}
        self.undo_until = None
        self.has_emergency_vote = False
        # The grant by which the plan was approved.
        self.grant = None
        # The standing rule by which the plan runs.
        self.standing_rule = None
        # What the signal and the look-ups say, by "item.column".
        self.signal_facts = {}
        self.evidence_facts = {}
        # The version of the playbook that judged it; empty in earlier releases.
        self.playbook_version = ""
        self.is_on_trial = False
        # Who raised the exception or answered for its plan, and who edited the plan or gains from
        # it: none may approve.
        self.requesters = set()
        self.authors = set()
        self.pending = Pending()
        self.steps = Steps()
        # It is a past case put before people as practice.
        self.is_probe = False
        # What it was about was removed by policy, so that nobody can compare it with bounds.
        self.is_removed = False


def check_trade(entries, findings):
    """Check the rules that make the ledger worth having."""
    log = Log()
    cases = log.cases
    for number, entry in enumerate(entries, start=1):
        # An entry that could not be read is a finding already.
        if not entry:
            continue
        case_id = entry.get("case")
        if case_id not in cases:
            cases[case_id] = CaseState(log)
        for problem in entry_problems(entry, cases[case_id]):
            findings.append(f"entry {number}: {problem}")


def check_expiries(entries, findings):
    """Check that policy removed only what had been kept its term."""
    policies = set()
    last_at = {}
    for number, entry in enumerate(entries, start=1):
        if not entry:
            continue
        try:
            if entry["type"] == "policy.adopted":
                policies.add(entry["body"]["record"]["policy_checksum"])
            at = parse_time(entry["at"])
            if entry["type"] not in LATE_NOTES:
                last_at[entry["case"]] = at
            if entry["type"] == EXPIRY and entry["body"]["redactions"]:
                problems = expiry_problems(entry, entries, last_at=last_at, policies=policies)
                findings.extend(f"entry {number}: {problem}" for problem in problems)
        except MALFORMED as failure:
            findings.append(f"entry {number}: cannot be read ({type(failure).__name__})")


def expiry_problems(entry, entries, *, last_at, policies):
    """Yield why something was removed that policy keeps."""
    body = entry["body"]
    before = parse_time(body["before"])
    if parse_time(entry["at"]) - before < timedelta(seconds=body["terms"]["cases"]):
        yield "what cases were about was removed before their term was over"
    if policies and entry["actor"].partition(":")[2] not in policies:
        yield "what cases were about was removed by a policy that was never in force"
    places = [redaction["seq"] for redaction in body["redactions"]]
    cases = {entries[place - 1]["case"] for place in places if entries[place - 1]}
    for case_id in sorted(case_id for case_id in cases if last_at[case_id] > before):
        yield f"{case_id}: what it was about was removed, and it had not ended then"


def entry_problems(entry, case):
    """Yield what is wrong with an entry, and update the case."""
    case_id = entry.get("case")
    kind = entry.get("type")
    case.is_removed |= bool((entry.get("redaction") or {}).get("is_removed"))
    if entry.get("version") != case.version + 1:
        yield f"{case_id} version {entry.get('version')} after {case.version}"
    case.version = entry.get("version") or 0
    if kind in ENDS_DOUBT and case.steps.doubt and not is_unreported_drift(entry, case):
        step = min(case.steps.doubt) + 1
        yield f"{case_id}: step {step} was forgotten while nobody knew of it"
        case.steps.doubt = {}
    if case.is_probe and kind in NEVER_OF_PROBES:
        yield f"{case_id}: {kind} on a practice case, of which nothing is ever carried out"
    rule = RULES.get(kind)
    if rule is None:
        return
    try:
        problem = rule(entry, entry.get("body") or {}, case)
    except MALFORMED as failure:
        reason = f"{type(failure).__name__}: {str(failure)[:100]}"
        problem = f"this {kind} cannot be read ({reason})"
    if problem:
        yield f"{case_id}: {problem}"


# Each rule takes an entry, its body and its case. It returns what is wrong, or nothing.


def add_requester(entry, body, case):
    """Make whoever raises the exception an author of all that follows."""
    signal = body.get("signal") or {}
    requester = signal.get("requester")
    if requester:
        case.requesters.add(requester)
    # Of a program's request: the people it acts for.
    case.requesters.update(signal.get("principals") or ())
    return token_problem(entry, signal, case)


def open_case(entry, body, case):
    """Record who raised the exception, its signal, and whether it is practice."""
    case.is_probe = bool(body.get("probe"))
    problem = add_requester(entry, body, case)
    signal = body.get("signal") or {}
    facts = {**(signal.get("facts") or {}), "source": signal.get("source")}
    case.signal_facts = {f"facts.signal.{name}": value for name, value in facts.items()}
    return problem


def token_problem(entry, signal, case):
    """Return why nobody can have signed in as this program."""
    source = signal.get("source") or ""
    if not source.startswith(PROGRAM) or case.log.is_pack:
        return None
    if entry["actor"] != f"source:{source}":
        return f"a signal of {source} that somebody else recorded"
    # A request that came before the token was revoked may be recorded a moment later.
    at = parse_time(entry["at"]) - TOKEN_GRACE
    for token in case.log.tokens.values():
        ends = [token.get("expires_at"), token.get("revoked_at")]
        is_over = any(parse_time(end) < at for end in ends if end)
        if token["program"] == source[len(PROGRAM) :] and not is_over:
            return None
    return f"{source} had no token that was valid then"


def make_token(entry, body, case):
    """Check that an operator gave a program a token."""
    token = body["token"]
    if not token["token_hash"].startswith(token["id"]):
        return "a token whose id is not that of its hash"
    case.log.tokens[token["id"]] = dict(token)
    return None if entry["actor"].startswith("operator:") else "a token that no operator made"


def revoke_token(entry, body, case):
    """Record that a token is revoked."""
    token = case.log.tokens.get(body["token"])
    if token is None or token.get("revoked_at"):
        return "a token was revoked that nobody had made, or that was revoked before"
    token["revoked_at"] = entry["at"]
    return None


def reporter_problem(entry, case):
    """Return why this program cannot know what came of a step."""
    actor = entry["actor"]
    source = case.signal_facts.get("facts.signal.source")
    if not actor.startswith("source:") or actor == f"source:{source}":
        return None
    return f"{actor} reported a step of a plan that it had not asked for"


def answer_probe(entry, body, case):
    """Check that only practice is answered as such."""
    return None if case.is_probe else "a case of the business was ended as practice"


def record_inquiry(entry, body, case):
    """Record a question, which may be answered once."""
    case.pending.inquiries[entry["version"]] = body["to"]


def record_answer(entry, body, case):
    """Check that an answer comes from the addressee of an open question.

    The plan may rest on it, so whoever gave it may not approve.
    """
    if body["inquiry"] not in case.pending.inquiries:
        return "an answer to a question that was not asked, or was answered before"
    to = case.pending.inquiries.pop(body["inquiry"])
    if "/" in to and entry["actor"] != to:
        return "an answer by another person than the one who was asked"
    if body.get("fact"):
        case.requesters.add(entry["actor"])
    if body.get("is_replanned"):
        void_approvals(entry, body, case)
    return None


def begin_plan(entry, body, case):
    """Begin a revision: its votes start anew."""
    plan = body.get("plan")
    case.plan_digest = approved_digest(entry, plan) if plan else None
    case.authorised_digest = None
    case.votes = {}
    case.undo_votes = {}
    case.undo_until = None
    case.pending.step_ups = {}
    case.pending.invitations = {}
    case.plan = plan
    case.steps.begin_plan()
    case.has_emergency_vote = False
    case.grant = None
    case.standing_rule = None
    case.is_automatic = False
    verdict = body.get("verdict") or {}
    case.terms.needs_passkey = bool(verdict.get("step_up"))
    if entry["type"] == "plan.edited":
        case.authors.add(entry["actor"])
    else:
        case.authors = set()
    if plan:
        authors = (plan.get("requester"), plan.get("beneficiary"))
        case.authors |= {author for author in authors if author}
        case.terms.groups = group_counts(verdict)
        case.terms.votes_needed = sum(factor["count"] for factor in verdict.get("factors", []))
        case.terms.is_low_risk = verdict.get("tier") == 1
        case.terms.is_high_risk = verdict.get("tier") == 3
    # An edited plan is of the version that judged the case, however long ago.
    return None if entry["type"] == "plan.edited" else version_problem(entry, plan, case)


def approved_digest(entry, plan):
    """Return the hash of the plan as it was approved."""
    redaction = entry.get("redaction") or {}
    return redaction.get("plan") or digest_of(plan)


def group_counts(verdict):
    """Return how many of each group have to approve."""
    counts = {}
    for factor in verdict.get("factors", []):
        counts[factor["group"]] = max(factor["count"], counts.get(factor["group"], 0))
    return counts


def undo_votes_needed(case):
    """Return how many people an undo needs.

    As many as the plan did, with those who had to approve what earlier plans have done.
    """
    counts = {} if case.is_automatic else dict(case.terms.groups)
    if not case.is_automatic and not case.steps.earlier_effects:
        return max(1, case.terms.votes_needed)
    for _, groups in case.steps.earlier_effects.values():
        for group, count in groups.items():
            counts[group] = max(count, counts.get(group, 0))
    return max(1, sum(counts.values()))


def count_vote(entry, body, case):
    """Count an approval of the plan that is shown."""
    approval = body["approval"]
    if approval["digest"] != case.plan_digest:
        return "an approval of another plan than the one that was shown"
    authors = case.authors | case.requesters
    problem = grant_problem(entry, approval, case) or vote_problem(
        entry, approval, case, authors=authors, purpose="approve"
    )
    if problem:
        return problem
    if approval.get("emergency"):
        case.has_emergency_vote = True
    return None


def grant_problem(entry, approval, case):
    """Return why nobody has approved a plan in advance.

    None where it is, and where people looked at the plan itself.
    """
    name = approval.get("grant")
    if not name:
        return None
    grant = case.log.grants.get(name)
    if grant is None or grant["giver"] != approval["person"]:
        return "an approval in advance that nobody had given, or that had ended"
    if parse_time(entry["at"]) >= parse_time(grant["until"]):
        return "an approval in advance whose time was over"
    if case.terms.is_high_risk or case.terms.needs_passkey or case.terms.votes_needed != 1:
        return "an approval in advance of a plan that one person cannot approve alone"
    if not is_like_granted(grant, case):
        return "an approval in advance of a plan that is not like the one it came with"
    case.grant = name
    return None


def is_like_granted(grant, case):
    """Tell whether kind, action and shape are those of a grant."""
    plan = case.plan
    if len(plan["actions"]) != 1 or plan.get("branches") or plan.get("proposer") != "playbook":
        return False
    action = plan["actions"][0]
    parameters = action["parameters"]
    names = ("policy_digest", "playbook_digest")
    return (
        plan["playbook"] == grant["kind"]
        and action["name"] == grant["action"]
        and (grant["target"] in ("", action["target"]) or is_removed_name(action["target"], case))
        and sorted(parameters) == list(grant["parameters"])
        and all(
            is_unknown(parameters[name], case)
            or Decimal(str(parameters[name])) <= Decimal(str(most))
            for name, most in (grant.get("limits") or {}).items()
        )
        and all(plan[name] == grant[name] for name in names)
    )


def is_removed_name(name, case):
    """Tell whether a name was removed by policy."""
    return case.is_removed and name.startswith(REMOVED_NAME)


def spend_grant(entry, case):
    """Count a step against its grant, and return what it exceeds."""
    if case.grant is None:
        return None
    grant = case.log.grants.get(case.grant)
    is_over = grant is None or parse_time(entry["at"]) >= parse_time(grant["until"])
    # After a restored backup a step is begun to look whether it was done, and only then judged.
    if is_over:
        finding = "a step was begun under an approval in advance that had ended"
        return None if case.log.was_restored else finding
    money = case.plan["actions"][0].get("amount")
    uses = case.log.grant_uses.setdefault(case.grant, {})
    uses[entry["case"], entry["revision"]] = Decimal(money["amount"]) if money else Decimal(0)
    if len(uses) > grant["max_count"]:
        return "more steps were begun than were approved in advance"
    most = grant.get("max_amount")
    if money and (most is None or most["currency"] != money["currency"]):
        return "a step was begun in another currency than was approved in advance"
    if most and sum(uses.values()) > Decimal(most["amount"]):
        return "more was moved than was approved in advance"
    return None


def give_grant(entry, body, case):
    """Record what a person approves in advance, with their own plan."""
    grant = body["grant"]
    other = case.log.cases.get(grant["on_case"])
    if grant["giver"] != entry["actor"]:
        return "an approval in advance in somebody else's name"
    if other is None or other.authorised_digest is None or set(other.votes) != {grant["giver"]}:
        return "an approval in advance without an approval of a plan like it"
    if other.grant or not is_like_granted(grant, other):
        return "an approval in advance of other plans than the one that was approved"
    case.log.grants[grant["id"]] = grant
    return None


def end_grant(entry, body, case):
    """End what a person approved in advance."""
    case.log.grants.pop(body["grant"], None)


def count_undo_vote(entry, body, case):
    """Count an approval of taking the plan back.

    What ran by itself may be stopped by its authors too.
    """
    approval = body["approval"]
    authors = set() if case.is_automatic else case.authors | case.requesters
    case.log.has_undo_votes = True
    if case.authorised_digest is None or approval["digest"] != case.authorised_digest:
        return "a yes to taking back another plan than the one that was carried out"
    if not case.undo_until or parse_time(entry["at"]) >= parse_time(case.undo_until):
        return "a yes to taking back what could not be taken back then"
    return vote_problem(entry, approval, case, authors=authors, purpose="undo")


def vote_problem(entry, approval, case, authors, purpose):
    """Return why this vote is not its giver's to give.

    None counts it.
    """
    votes = case.votes if purpose == "approve" else case.undo_votes
    person = approval["person"]
    principal = approval.get("behalf_of") or person
    if person in votes:
        return f"{person} approved twice"
    voters = set(votes) | set(votes.values())
    twice = sorted({person, principal} & voters)
    if twice:
        return f"{twice[0]} was heard twice"
    if person in authors:
        return f"{person} approved what they raised, edited or gain from"
    if person != entry["actor"] and not approval.get("grant"):
        return "an approval in somebody else's name"
    if principal in authors:
        return f"{person} approved for {principal}, who raised, edited or gains from it"
    if case.terms.needs_passkey:
        problem = signature_problem(
            entry=entry,
            approval=approval,
            case=case,
            purpose=purpose,
        )
        if problem:
            return f"{person} approved without their passkey: {problem}"
    votes[person] = principal
    return None


def signature_problem(entry, approval, case, purpose):
    """Return why the device's signature does not prove this vote.

    None when it does.

    The steps are those of WebAuthn level 2, section 7.2.
    """
    assertion = approval.get("assertion") or {}
    person = approval["person"]
    passkey = case.log.passkeys.get(assertion.get("credential"))
    if passkey is None or passkey["person"] != person:
        return "no passkey of theirs was known then"
    if case.pending.step_ups.get(person) != (assertion.get("ticket"), purpose):
        return "it was not begun in Slack"
    try:
        client_data = b64url_decode(assertion["client_data"])
        device_data = b64url_decode(assertion["authenticator_data"])
        client = json.loads(client_data)
        # A person who was erased has another name than the one that their device signed.
        erased_challenge = (entry.get("redaction") or {}).get("challenge")
        challenge = bytes.fromhex(erased_challenge or "") or challenge_of(
            entry=entry,
            person=person,
            case=case,
            ticket=assertion["ticket"],
            purpose=purpose,
        )
        if client["type"] != "webauthn.get" or b64url_decode(client["challenge"]) != challenge:
            return "the device signed something else than this plan"
        if device_data[:32] != sha(passkey["site"].encode()):
            return "the device signed for another site"
        # The flags "user present" and "user verified".
        if device_data[32] & 0x05 != 0x05:
            return "the device did not make sure who held it"
        verify_signature(
            key=base64.b64decode(passkey["public_key"]),
            signature=b64url_decode(assertion["signature"]),
            message=device_data + sha(client_data),
        )
    except InvalidSignature:
        return "the signature does not hold"
    except MALFORMED as failure:
        return f"what the device signed cannot be read ({type(failure).__name__})"
    return None


def challenge_of(entry, person, case, ticket, purpose):
    """Return the challenge that the device had to sign."""
    question = {
        "case": entry["case"],
        "revision": entry["revision"],
        "plan": case.plan_digest,
        "person": person,
        "ticket": ticket,
    }
    if purpose != "approve":
        question["purpose"] = purpose
    return sha(b"countersign step-up\n" + canonical(question).encode())


def verify_signature(key, signature, message):
    """Verify by one of the algorithms that passkeys use: ES256, EdDSA, RS256.

    Raises InvalidSignature.
    """
    public_key = serialization.load_der_public_key(key)
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        public_key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    elif isinstance(public_key, rsa.RSAPublicKey):
        public_key.verify(signature, message, padding=padding.PKCS1v15(), algorithm=hashes.SHA256())
    else:
        public_key.verify(signature, message)


def b64url_decode(text):
    """Decode base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parse_time(text):
    """Parse an ISO 8601 time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def record_resolution(entry, body, case):
    """Open the time in which the plan can be taken back."""
    case.undo_votes = {}
    case.undo_until = body.get("undo_until")
    if "undo_votes" in body:
        case.log.has_undo_votes = True


def check_undo(entry, body, case):
    """Check who took the plan back, and what goes with it.

    In ledgers of earlier releases, which know no votes, one person was enough, and what earlier
    plans have done stayed.
    """
    voters = set(case.undo_votes)
    by = set(body.get("by") or ())
    has_earlier = "earlier_keys" in body
    votes_needed = undo_votes_needed(case) if has_earlier else own_votes_needed(case)
    has_votes = case.log.has_undo_votes or "by" in body
    keys = tuple(body.get("earlier_keys") or ())
    case.steps.earlier_undone = keys
    case.undo_votes = {}
    case.undo_until = None
    if has_votes and (not by <= voters or len(by) < votes_needed):
        return "taken back without the approvals it needs"
    if len(set(keys)) != len(keys) or not set(keys) <= set(case.steps.earlier_effects):
        return "takes back what no earlier plan of the case has done"
    return None


def own_votes_needed(case):
    """Return how many people the undo of the plan alone needs."""
    return 1 if case.is_automatic else max(1, case.terms.votes_needed)


def end_undo_vote(entry, body, case):
    """Void the votes for taking back."""
    case.steps.earlier_undone = ()
    case.undo_votes = {}
    case.undo_until = body.get("undo_until")


def begin_approval(entry, body, case):
    """Record the start of an approval that a device will sign."""
    case.pending.step_ups[entry["actor"]] = (body["ticket"], body.get("purpose", "approve"))


def withdraw_vote(entry, body, case):
    """Take a vote back."""
    case.votes.pop(body["person"], None)
    case.authorised_digest = None


def record_invitation(entry, body, case):
    """Record that somebody may add a passkey."""
    case.pending.invitations[body["ticket"]] = body["to"]


def add_passkey(entry, body, case):
    """Add the passkey of a person who was invited."""
    passkey = body["passkey"]
    ticket = body["ticket"]
    invitations = case.pending.invitations
    if ticket not in invitations or invitations[ticket] != passkey["person"]:
        return f"a passkey was added for {passkey['person']}, who was not invited"
    del invitations[ticket]
    case.log.passkeys[passkey["credential"]] = passkey
    return None


def remove_passkey(entry, body, case):
    """Remove a passkey."""
    case.log.passkeys.pop(body["credential"], None)


def check_authorisation(entry, body, case):
    """Check that the plan is approved, or of low risk."""
    if body.get("plan"):
        problem = begin_plan(entry, body, case)
        if problem:
            return problem
        if case.is_on_trial:
            return "a plan ran without a person by a version of the playbook on trial"
        if not case.terms.is_low_risk or not body["by"][0].startswith("policy:"):
            return "a plan ran without a person that is not low risk"
        if body["plan"].get("proposer") == "model":
            return "a plan ran without a person that a model suggested"
        if body["plan"].get("proposer") == "program":
            return "a plan ran without a person that a program asked for"
        problem = alone_problem(entry, body, case)
        if problem:
            return problem
        case.is_automatic = True
    else:
        has_enough = len(case.votes) >= case.terms.votes_needed or case.has_emergency_vote
        if set(body["by"]) != set(case.votes) or not has_enough:
            return "authorised without the approvals it needs"
    if body["digest"] != case.plan_digest:
        return "authorised another plan than the one that was shown"
    case.authorised_digest = body["digest"]
    return None


def change_stage(entry, body, case):
    """Check that people have approved a wider stage."""
    if STAGES.index(body["stage"]) <= STAGES.index(body["before"]):
        return None
    other = case.log.cases.get(body["on_case"])
    if other is None or other.authorised_digest is None or other.is_automatic:
        return "an action may do more than before, and nobody has approved it"
    return None


def alone_problem(entry, body, case):
    """Return why nothing lets a plan run alone; else None."""
    inputs = (body.get("verdict") or {}).get("inputs") or {}
    if inputs.get("stage", "autonomous") == "autonomous":
        return None
    name = inputs.get("standing_rule")
    if not name:
        return "a plan ran without a person whose actions had not earned it"
    rule = case.log.standing_rules.get(name)
    if rule is None:
        return "a plan ran by a standing rule that nobody had adopted, or that had ended"
    if parse_time(entry["at"]) >= parse_time(rule["until"]):
        return "a plan ran by a standing rule whose time was over"
    if not is_within_rule(rule, case):
        return "a plan ran by a standing rule that does not cover it"
    case.standing_rule = name
    return None


def is_within_rule(rule, case):
    """Tell whether a standing rule covers a plan."""
    plan = case.plan
    shape = [[action["name"] for action in plan["actions"]]]
    shape.append([sorted(action["parameters"]) for action in plan["actions"]])
    is_alike = shape == [rule["actions"], rule["parameters"]] and not plan.get("branches")
    names = (plan["playbook"], plan["playbook_digest"])
    if not is_alike or names != (rule["kind"], rule["playbook_digest"]):
        return False
    figures = figures_of(case)
    values = [(bound, figures.get(bound["name"])) for bound in rule["bounds"]]
    return all(is_unknown(value, case) or bound_holds(bound, value) for bound, value in values)


def is_unknown(value, case):
    """Tell whether policy removed a value, so that nobody knows it."""
    return case.is_removed and value == ERASED_TEXT


def figures_of(case):
    """List what a standing rule looks at."""
    figures = {**case.signal_facts, **case.evidence_facts}
    amounts = []
    for step, action in enumerate(case.plan["actions"]):
        for name, value in action["parameters"].items():
            figures[f"{step}.{name}"] = value
        if action.get("amount"):
            amounts.append(action["amount"])
    if amounts:
        figures["amount"] = str(sum(Decimal(money["amount"]) for money in amounts))
        figures["currency"] = amounts[0]["currency"]
    return figures


def bound_holds(bound, value):
    """Tell whether a figure is within a bound."""
    if bound["values"]:
        return figure_text(value) in bound["values"]
    if value is None or isinstance(value, bool):
        return False
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return False
    return Decimal(bound["minimum"]) <= number <= Decimal(bound["maximum"])


def figure_text(value):
    """Write a value so that equal ones are written alike."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return format(Decimal(str(value)).normalize(), "f")
    return value


def use_standing_rule(entry, case, step):
    """Count a use of a standing rule, and return its problem."""
    if case.standing_rule is None or step:
        return None
    rule = case.log.standing_rules.get(case.standing_rule)
    at = parse_time(entry["at"])
    if rule is None or at >= parse_time(rule["until"]):
        # After a restored backup a step is begun to look whether it was done.
        finding = "a step was begun by a standing rule that had ended"
        return None if case.log.was_restored else finding
    uses = case.log.rule_uses.setdefault(case.standing_rule, {})
    uses[entry["case"], entry["revision"]] = at
    recent = [one for one in uses.values() if at - timedelta(days=1) < one]
    if len(recent) > rule["times_per_day"]:
        return "more plans were begun in a day than a standing rule lets"
    return None


def adopt_standing_rule(entry, body, case):
    """Check that people have approved exactly this standing rule."""
    rule = body["rule"]
    case.log.standing_rules[rule["id"]] = rule
    terms = canonical({name: rule[name] for name in RULE_TERMS})
    if not has_approved(case, body["on_case"], rule=sha(terms.encode()).hex()):
        return "a standing rule came into force, and nobody has approved it"
    return None


def doubt_standing_rule(entry, body, case):
    """Let a standing rule end sooner."""
    rule = case.log.standing_rules.get(body["rule"])
    if rule is None:
        return None
    if parse_time(body["until"]) > parse_time(rule["until"]):
        return "a standing rule lasts longer, and nobody has approved it"
    case.log.standing_rules[body["rule"]] = {**rule, "until": body["until"]}
    return None


def prolong_standing_rule(entry, body, case):
    """Check that people have approved that a standing rule lasts longer."""
    rule = case.log.standing_rules.get(body["rule"])
    if rule is None:
        return "a standing rule was kept that had ended"
    case.log.standing_rules[body["rule"]] = {**rule, "until": body["until"]}
    if parse_time(body["until"]) <= parse_time(rule["until"]):
        return None
    if not has_approved(case, body["on_case"], rule=body["rule"], until=body["until"]):
        return "a standing rule lasts longer, and nobody has approved it"
    return None


def has_approved(case, case_id, rule, until=None):
    """Tell whether people approved, in another case, this rule and this end."""
    other = case.log.cases.get(case_id)
    if other is None or other.authorised_digest is None or other.is_automatic:
        return False
    for action in other.plan["actions"]:
        parameters = action["parameters"]
        if parameters.get("rule") != rule:
            continue
        if until is None:
            return action["name"] == "desk.adopt_standing_rule"
        is_same_end = parse_time(parameters.get("until", "")) == parse_time(until)
        return action["name"] == "desk.keep_standing_rule" and is_same_end
    return False


def end_standing_rule(entry, body, case):
    """End a standing rule."""
    case.log.standing_rules.pop(body["rule"], None)


def record_evidence(entry, body, case):
    """Record what the look-ups say, and which version judges the case."""
    case.playbook_version = body.get("playbook_version", "")
    case.is_on_trial = bool(body.get("is_on_trial"))
    case.evidence_facts = {
        f"facts.{fact['name']}": fact["value"]
        for fact in body["evidence"]
        if fact.get("failure") is None
    }


def adopt_policy(entry, body, case):
    """Check that people have approved changed rules; the first ones need nobody."""
    before, case.log.rules_checksum = case.log.rules_checksum, body["checksum"]
    text = body["record"].get("policy_text", "")
    case.log.tries_versions = re.search(r"(?m)^versions:", text) is not None
    if body["before"] != before:
        return "rules came into force after others than those that were"
    if not before:
        return None
    other = case.log.cases.get(body["on_case"])
    if other is None or other.authorised_digest is None or other.is_automatic:
        return "changed rules came into force, and nobody has approved them"
    return None


def begin_version(entry, body, case):
    """Note which version of a playbook is tried."""
    versions = case.log.versions.get(body["kind"])
    if versions is None:
        return "a version of a playbook is tried beside none in force"
    is_trial = body["phase"] == "on trial"
    if is_trial and versions.waiting != body["checksum"]:
        return "a version of a playbook was on trial that had not been in shadow"
    if versions.is_on_trial and not is_trial:
        versions.ended_at[versions.waiting] = parse_time(entry["at"])
    versions.waiting, versions.is_on_trial = body["checksum"], is_trial
    return None


def end_version(entry, body, case):
    """Note that a version is not tried any more."""
    versions = case.log.versions.get(body["kind"])
    if versions is None or versions.waiting != body["checksum"]:
        return "a version of a playbook ended that was not tried"
    if versions.is_on_trial:
        versions.ended_at[versions.waiting] = parse_time(entry["at"])
    versions.waiting, versions.is_on_trial = "", False
    return None


def adopt_version(entry, body, case):
    """Check that people have approved a version, or had before."""
    log, kind = case.log, body["kind"]
    versions = log.versions.get(kind)
    if versions is None:
        log.versions[kind] = PlaybookState(body["checksum"])
        if body["before"]:
            return "a version of a playbook came into force after none"
        return None
    if body["before"] != versions.in_force:
        return "a version of a playbook came into force after another than the one that was"
    is_return = bool(body.get("former_version")) and body["checksum"] == versions.before
    versions.ended_at[versions.in_force] = parse_time(entry["at"])
    versions.before, versions.in_force = versions.in_force, body["checksum"]
    if versions.waiting == body["checksum"]:
        versions.waiting, versions.is_on_trial = "", False
    if is_return or body.get("is_unreadable") or not log.tries_versions:
        return None
    if is_version_approved(body, log.cases.get(body["on_case"])):
        return None
    return "a changed playbook came into force, and nobody has approved it"


def is_version_approved(body, case):
    """Tell whether people have approved this version."""
    if case is None or case.authorised_digest is None or case.is_automatic:
        return False
    expected = {"kind": body["kind"], "version": body["checksum"]}
    return any(
        action["name"] == "desk.adopt_version" and action["parameters"] == expected
        for action in (case.plan or {}).get("actions", ())
    )


def version_problem(entry, plan, case):
    """Return why the version of a plan was not to judge."""
    if not (plan and case.playbook_version) or plan.get("mode") in ("dry-run", "shadow"):
        return None
    versions = case.log.versions.get(plan["playbook"])
    at = parse_time(entry["at"])
    if versions is None or versions.may_judge(case.playbook_version, at):
        return None
    return "a plan was made by a version of the playbook that was neither in force nor on trial"


def begin_step(entry, body, case):
    """Check that a step is of an approved plan, and begun once."""
    if case.log.restored_backups:
        return "a step was begun while nobody had acknowledged that a backup was restored"
    if case.authorised_digest is None or body["digest"] != case.authorised_digest:
        return "a step was begun of a plan that was not approved"
    if body["step"] in case.steps.starts:
        return f"step {body['step'] + 1} was begun twice"
    step = step_number(body)
    problem = (
        step_problem(step, body, case)
        or spend_grant(entry, case)
        or use_standing_rule(entry, case, step)
    )
    if problem:
        return problem
    case.steps.starts.add(step)
    case.steps.keys[step] = body.get("key")
    case.steps.doubt[step] = "started"
    return None


def step_problem(step, body, case):
    """Return why the tree does not let a step begin; else None."""
    action = case.plan["actions"][step]
    earlier = [effect for effect, _ in case.steps.earlier_effects.values()]
    if (action["name"], action["target"]) in earlier:
        return f"step {step + 1} repeats what an earlier plan of the case has done"
    branches = case.plan.get("branches") or []
    inputs = body.get("inputs") or {}
    limits = branches[step].get("inputs") or {} if branches else {}
    if set(inputs) != set(limits):
        return f"step {step + 1} was begun with other parameters than its plan leaves open"
    for name, limit in limits.items():
        if inputs[name] != told_fact(limit["fact"], branches, case):
            return f"step {step + 1} was begun with a {name} that no step told"
        if not is_unknown(inputs[name], case) and not is_within(inputs[name], limit):
            return f"step {step + 1} was begun with a {name} out of its bounds"
    return None


def told_fact(path, branches, case):
    """Return what an earlier step told, by "step.fact"; None for nothing."""
    name, _, fact = path.partition(".")
    for index, branch in enumerate(branches):
        if branch["name"] == name:
            return case.steps.facts.get(index, {}).get(fact)
    return None


def is_within(value, limit):
    """Tell whether a value is within the bounds that were approved."""
    if limit["type"] == "text":
        return value in limit["one_of"]
    if limit["type"] == "date":
        return limit["minimum"] <= value <= limit["maximum"]
    return float(limit["minimum"]) <= float(value) <= float(limit["maximum"])


def step_number(body):
    """Return the number of the step.

    Raises TypeError when it is none, so that nothing is counted under it.
    """
    if type(body["step"]) is not int:
        raise TypeError(f"step is {body['step']!r}")
    return body["step"]


def record_report(entry, body, case):
    """Record what became of a step."""
    problem = reporter_problem(entry, case)
    if problem:
        return problem
    if is_earlier(body, case):
        return record_earlier_undo(body, case)
    if body["state"] in IN_DOUBT:
        case.steps.doubt[step_number(body)] = body["state"]
    else:
        case.steps.doubt.pop(body["step"], None)
    if body["state"] == "failed":
        release_grant(entry, case)
    record_landing(body, case, has_landed=body["state"] == "done")
    return None


def is_earlier(body, case):
    """Tell whether this is about a step of an earlier plan."""
    return bool(case.plan) and step_number(body) >= len(case.plan["actions"])


def record_earlier_undo(body, case):
    """Record the undo of a step of an earlier plan."""
    place = body["step"] - len(case.plan["actions"])
    if place >= len(case.steps.earlier_undone):
        return f"step {body['step'] + 1} was reported, which no plan of the case has"
    if body["state"] not in UNDO_STATES:
        return f"step {body['step'] + 1} is of an earlier plan, and was done again"
    if body["state"] in IN_DOUBT:
        case.steps.doubt[body["step"]] = body["state"]
        return None
    case.steps.doubt.pop(body["step"], None)
    case.steps.earlier_effects.pop(case.steps.earlier_undone[place], None)
    return None


def release_grant(entry, case):
    """Count what surely failed no more."""
    key = (entry["case"], entry["revision"])
    case.log.grant_uses.get(case.grant, {}).pop(key, None)
    case.log.rule_uses.get(case.standing_rule, {}).pop(key, None)


def record_landing(body, case, has_landed):
    """Record whether a step stands, and what it told."""
    if has_landed:
        case.steps.effects.add(body["step"])
    else:
        case.steps.effects.discard(body["step"])
    if body.get("facts"):
        case.steps.facts[body["step"]] = body["facts"]


def settle_step(entry, body, case):
    """Check who settled a step, and that it was in doubt."""
    problem = reporter_problem(entry, case)
    if problem:
        return problem
    if case.steps.doubt.pop(body["step"], None) is None:
        return f"a person settled step {body['step'] + 1}, of which nothing was in doubt"
    if is_earlier(body, case):
        if body.get("landed") is True:
            key = case.steps.earlier_undone[body["step"] - len(case.plan["actions"])]
            case.steps.earlier_effects.pop(key, None)
        return None
    if body.get("landed") is False and body["step"] not in case.steps.effects:
        release_grant(entry, case)
    record_landing(body, case, has_landed=body.get("landed") is True)
    return None


def record_drift(entry, body, case):
    """Void all votes, and keep what has landed.

    The next plan may not repeat it.
    """
    # What a dry run has done was not done.
    if body.get("is_unforeseen") and case.plan and case.plan.get("mode") != "dry-run":
        groups = {} if case.is_automatic else case.terms.groups
        for step in case.steps.effects:
            action = case.plan["actions"][step]
            effect = (action["name"], action["target"])
            case.steps.earlier_effects[case.steps.keys[step]] = (effect, groups)
    void_approvals(entry, body, case)


def begin_anew(entry, body, case):
    """Void all votes.

    The trouble is back, and may need the same again.
    """
    case.steps.earlier_effects = {}
    void_approvals(entry, body, case)


def is_unreported_drift(entry, case):
    """Tell whether an executor of an earlier release stopped without a report.

    It knew that its only step had not happened, and did not write so.
    """
    is_only_step = case.steps.doubt in (
        {0: "started"},
        {0: "outcome unknown"},
    ) and case.steps.starts == {0}
    by_program = entry.get("type") == "plan.drifted" and entry.get("actor") == "countersign"
    if by_program and is_only_step and not (entry.get("body") or {}).get("is_settled"):
        case.steps.doubt = {}
        return True
    return False


def void_approvals(entry, body, case):
    """Void all votes: what was approved is no longer what is shown."""
    case.votes = {}
    case.authorised_digest = None
    case.undo_votes = {}
    case.undo_until = None


def record_restore(entry, body, case):
    """Record a restored backup: nothing may run before it is acknowledged."""
    case.log.was_restored = True
    case.log.restored_backups.add((body["signed_size"], body["signed_root"]))


def acknowledge_restore(entry, body, case):
    """Check that a restored backup was noticed before it was acknowledged."""
    backup = (body["signed_size"], body["signed_root"])
    if backup not in case.log.restored_backups:
        return "a restored backup was acknowledged, and none was noticed"
    case.log.restored_backups.remove(backup)
    return None


def check_erasure(entry, body, case):
    """Check that an operator ordered an erasure."""
    if not entry["actor"].startswith("operator:"):
        return "a person was erased, and no operator ordered it"
    return None


def check_expiry(entry, body, case):
    """Check that what was kept for its term was removed by policy."""
    if not entry["actor"].startswith("policy:"):
        return "data were removed as past their term, and not by policy"
    return None


# The outcome of a step in these states is in doubt, until a report or a person ends that.
IN_DOUBT = {
    "started",
    "accepted, not visible yet",
    "outcome unknown",
    "not found yet",
    "being undone",
    "outcome of undoing unknown",
    "undoing not found yet",
}
UNDO_STATES = {
    "being undone",
    "outcome of undoing unknown",
    "undoing not found yet",
    "undone",
}
# Entries that leave the carrying out of a plan. None may come while a step is in doubt.
ENDS_DOUBT = {
    "case.opened",
    "signal.cleared",
    "kind.recognised",
    "kind.named",
    "evidence.gathered",
    "plan.recommended",
    "case.referred",
    "approval.given",
    "approval.withdrawn",
    "plan.authorised",
    "plan.rejected",
    "plan.edited",
    "case.snoozed",
    "case.woken",
    "case.woken_early",
    "case.retriage_asked",
    "case.escalated",
    "case.expired",
    "case.retracted",
    "probe.answered",
    "plan.drifted",
    "plan.stopped",
    "case.resolved",
    "plan.undo_asked",
    "undo.approved",
    "undo.lapsed",
    "case.reopened",
}
# Entries that belong to carrying out a plan, or to approving one.
NEVER_OF_PROBES = {
    "approval.given",
    "plan.authorised",
    "plan.edited",
    "step.started",
    "step.reported",
    "step.settled",
    "case.resolved",
    "undo.approved",
    "plan.undo_asked",
}
# What an action may do, from the narrowest to the widest.
STAGES = ("shadow", "supervised", "autonomous")
# What an approval of a standing rule binds.
RULE_TERMS = (
    "kind",
    "actions",
    "parameters",
    "bounds",
    "times_per_day",
    "owner",
    "playbook_digest",
    "until",
)
RULES = {
    "case.opened": open_case,
    "probe.answered": answer_probe,
    "signal.recurred": add_requester,
    "case.resolved": record_resolution,
    "undo.approved": count_undo_vote,
    "plan.undo_asked": check_undo,
    "undo.lapsed": end_undo_vote,
    "plan.recommended": begin_plan,
    "plan.edited": begin_plan,
    "case.referred": begin_plan,
    "approval.begun": begin_approval,
    "approval.given": count_vote,
    "approval.withdrawn": withdraw_vote,
    "plan.authorised": check_authorisation,
    "step.started": begin_step,
    "step.reported": record_report,
    "step.settled": settle_step,
    "plan.drifted": record_drift,
    "case.reopened": begin_anew,
    "case.retriage_asked": void_approvals,
    "case.snoozed": void_approvals,
    "inquiry.opened": record_inquiry,
    "inquiry.answered": record_answer,
    "passkey.invited": record_invitation,
    "passkey.added": add_passkey,
    "passkey.removed": remove_passkey,
    "token.made": make_token,
    "token.revoked": revoke_token,
    "stage.changed": change_stage,
    "grant.given": give_grant,
    "grant.ended": end_grant,
    "policy.adopted": adopt_policy,
    "rule.adopted": adopt_standing_rule,
    "rule.doubted": doubt_standing_rule,
    "rule.prolonged": prolong_standing_rule,
    "rule.ended": end_standing_rule,
    "version.begun": begin_version,
    "version.ended": end_version,
    "version.adopted": adopt_version,
    "evidence.gathered": record_evidence,
    "ledger.behind": record_restore,
    "ledger.acknowledged": acknowledge_restore,
    "data.erased": check_erasure,
    "data.expired": check_expiry,
}


# --- the command ---------------------------------------------------------------------------------


def verify(ledger, checkpoints=None, key=None, against=None, remarks=None):
    """Return the findings, and how many entries there are and are signed.

    What is no finding but must be known goes into ``remarks``.
    """
    findings = []
    leaves, entries = check_chain(ledger, findings)
    if remarks is not None:
        remarks.extend(describe_erasures(entries))
    coverage = 0
    if checkpoints:
        key = key or (Path(checkpoints) / "public.key").read_text(encoding="utf-8")
        acknowledgements = [
            entry
            for entry in entries
            if entry.get("type") in ("ledger.acknowledged", "ledger.key_rotated")
        ]
        coverage = check_checkpoints(
            folder=checkpoints,
            key_text=key,
            leaves=leaves,
            findings=findings,
            acknowledgements=acknowledgements,
            remarks=remarks,
        )
    if against:
        check_fork(leaves, entries, other=against, findings=findings)
    check_trade(entries, findings)
    check_expiries(entries, findings)
    return findings, len(leaves), coverage


def read_arguments(arguments):
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ledger", help="the export, one entry a line; or the page of one case")
    parser.add_argument("--checkpoints", help="the folder of signed notes")
    parser.add_argument(
        "--key",
        help="the pinned verifier key; without it the folder's own is used, which proves less",
    )
    parser.add_argument("--against", help="another export of the same log")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Verify what the command line names, and print the findings.

    Return the exit status.
    """
    options = read_arguments(arguments)
    remarks = []
    try:
        if options.ledger.endswith(".html"):
            return report_pack(*verify_pack(options.ledger, options.key))
        findings, entries, coverage = verify(
            ledger=options.ledger,
            checkpoints=options.checkpoints,
            key=options.key,
            against=options.against,
            remarks=remarks,
        )
    except (Unreadable, OSError, ValueError) as failure:
        print(f"cannot be read: {printable(failure)}", file=sys.stderr)
        return 2
    for remark in remarks:
        print(f"NOTE     {printable(remark)}")
    return report(findings, f"{entries} entries, {coverage} of them under a signed checkpoint")


def report_pack(findings, entries, size):
    """Print the findings about a pack. Return the exit status."""
    return report(findings, f"{entries} entries, under a checkpoint of {size}")


def report(findings, counts):
    """Print the findings and a conclusion. Return the exit status."""
    for finding in findings[:MAX_FINDINGS]:
        print(f"FINDING  {printable(finding)}")
    if len(findings) > MAX_FINDINGS:
        print(f"and {len(findings) - MAX_FINDINGS} more")
    conclusion = f"{len(findings)} findings" if findings else "everything holds"
    print(f"{counts}: {conclusion}")
    return 1 if findings else 0


def printable(text):
    """Escape what a terminal would act on."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in str(text))


if __name__ == "__main__":
    sys.exit(main())
