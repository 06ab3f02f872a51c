#!/usr/bin/env python3
"""Verify an exported ledger without trusting the program that wrote it.

    python verifier.py ledger.jsonl --checkpoints DIR --key "name+id+base64" [--against other.jsonl]

Needs Python and the `cryptography` package, and nothing of Countersign: copy this file where you like. It derives every leaf from
the entry's bytes, every link and root from the leaves, checks every checkpoint's signature and that each grows from the one before,
and then the rules of the trade: no step without an approval of exactly that plan, no approval counted twice, nobody approving
what they raised or edited, nothing taken back by fewer than had to approve it, no step forgotten whose outcome nobody knows,
and where a passkey was asked for, a signature by the approver's own device over exactly that plan.

A log that goes back is a finding, unless the note that does so names the one before it (a line "restored SIZE ROOT COMMON", signed
like the rest) and an entry says who acknowledged that a backup was restored: then it is a note, on a line of its own.

Exit status 0: everything holds. 1: something does not, each finding on a line. 2: it cannot be read.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

# What reading something that is not as it must be can raise.
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
MOST_FINDINGS = 50


class Unreadable(Exception):
    """The files are not what they should be."""


def sha(data):
    return hashlib.sha256(data).digest()


def roots_of(leaves, sizes):
    """The RFC 6962 root of the first so many leaves, for each of these sizes, in one pass."""
    wanted, roots, peaks = set(sizes), {}, []
    if 0 in wanted:
        roots[0] = sha(b"")
    for size, leaf in enumerate(leaves, start=1):
        node, rest = leaf, size - 1
        while rest % 2:
            node, rest = sha(b"\x01" + peaks.pop() + node), rest // 2
        peaks.append(node)
        if size in wanted:
            root = peaks[-1]
            for peak in reversed(peaks[:-1]):
                root = sha(b"\x01" + peak + root)
            roots[size] = root
    return roots


def root_of(leaves):
    """The RFC 6962 root of all of them."""
    return roots_of(leaves, [len(leaves)])[len(leaves)]


def parse(text):
    """Strict JSON: no NaN, no name twice in one object, nothing that UTF-8 cannot write. Raises ValueError or RecursionError."""
    text.encode()
    return json.loads(text, object_pairs_hook=once, parse_constant=no_number)


def once(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def no_number(name):
    raise ValueError(f"{name} is not JSON")


def read_lines(path):
    """The export as (line number, object); raises Unreadable for what is no export at all."""
    number = 0
    try:
        with open(path, encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                yield number, parse(line)
    except (OSError, UnicodeDecodeError) as wrong:
        raise Unreadable(f"{path}: {wrong}") from None
    except (ValueError, RecursionError) as wrong:
        raise Unreadable(f"{path}:{number or 1}: not JSON ({wrong})") from None


def check_chain(path, findings):
    """Leaves, links and places. Returns the leaves and the parsed entries."""
    leaves, entries, link = [], [], GENESIS
    for number, line in read_lines(path):
        if not is_line(line):
            raise Unreadable(
                f"{path}:{number}: not a line of an export (seq, chain, leaf and entry, and nothing else)"
            )
        try:
            body = line["entry"].encode()
        except ValueError as wrong:
            raise Unreadable(f"{path}:{number}: the entry is no text ({wrong})") from None
        leaf = sha(b"\x00" + body)
        link = sha(link + leaf)
        if line.get("seq") != number:
            findings.append(
                f"line {number}: seq is {line.get('seq')}, must be {number}: an entry was taken out, put in or moved"
            )
        if line.get("leaf") != leaf.hex():
            findings.append(f"entry {number}: its content is not what its leaf was made of")
        if line.get("chain") != link.hex():
            findings.append(f"entry {number}: the link to the entry before does not hold")
            link = (
                bytes.fromhex(line["chain"])
                if re.fullmatch("[0-9a-f]{64}", str(line.get("chain")))
                else link
            )
        leaves.append(leaf)
        entries.append(read_entry(number, line["entry"], findings))
    return leaves, entries


def is_line(line):
    shape = {"seq": int, "chain": str, "leaf": str, "entry": str}
    return (
        isinstance(line, dict)
        and set(line) == set(shape)
        and all(
            isinstance(line[name], kind) and not isinstance(line[name], bool)
            for name, kind in shape.items()
        )
    )


def read_entry(number, text, findings):
    """The entry as an object with the fields that every entry has; an empty one, and a finding, where it is none."""
    shape = {
        "type": str,
        "case": str,
        "version": int,
        "revision": int,
        "at": str,
        "actor": str,
        "surface": str,
        "body": dict,
    }
    try:
        entry = parse(text)
    except (ValueError, RecursionError) as wrong:
        findings.append(f"entry {number}: is not JSON ({wrong})")
        return {}
    if not isinstance(entry, dict):
        findings.append(f"entry {number}: is not an object")
        return {}
    for name, kind in shape.items():
        if not isinstance(entry.get(name), kind) or isinstance(entry.get(name), bool):
            findings.append(f"entry {number}: its {name} is not what every entry has there")
            return {}
    return entry


def parse_key(text):
    """A C2SP verifier key: name+id+base64 of 0x01 and the Ed25519 key."""
    try:
        name, key_id, encoded = text.strip().split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        raise Unreadable("the key is not a verifier key (name+id+base64)") from None
    if raw[:1] != b"\x01" or len(raw) != 33:
        raise Unreadable("the key is not an Ed25519 verifier key")
    if sha(name.encode() + b"\n" + raw)[:4].hex() != key_id:
        raise Unreadable("the key does not belong to its name")
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:])


def parse_note(path, key):
    """Size, root and the restored line (or None) of a signed note. Raises InvalidSignature or ValueError."""
    name, key_id, public = key
    text, _, signatures = path.read_bytes().decode("utf-8").partition("\n\n")
    origin, size, root, *extensions = text.split("\n")
    if origin != name:
        raise ValueError(f"is of {origin[:100]!r}, not of {name}")
    for line in signatures.split("\n"):
        signed = re.fullmatch(r"— (\S+) (\S+)", line)
        if signed and signed[1] == name and base64.b64decode(signed[2])[:4] == key_id:
            public.verify(base64.b64decode(signed[2])[4:], f"{text}\n".encode())
            return natural(size), base64.b64decode(root), restored_line(extensions)
    raise ValueError("carries no signature by this key")


def natural(text):
    if not re.fullmatch("0|[1-9][0-9]{0,17}", text, re.ASCII):
        raise ValueError(f"{text[:40]!r} is not a number of entries")
    return int(text)


def restored_line(extensions):
    """Size and root of the note before it, and how many entries both have."""
    for line in extensions:
        found = re.fullmatch(r"restored (\S+) (\S+) (\S+)", line)
        if found:
            return natural(found[1]), base64.b64decode(found[2]), natural(found[3])
    return None


def check_checkpoints(folder, key_text, leaves, findings, acknowledged=(), remarks=None):
    """Every note: signed by the pinned key, none missing, each the root of its prefix of this ledger.

    ``acknowledged`` are the entries by which restored backups were acknowledged; what they explain goes into ``remarks``.
    """
    key = parse_key(key_text)
    notes = read_notes(folder, key, findings)
    covered, last = 0, None
    roots = roots_of(leaves, {note["size"] for note in notes})
    for place, note in enumerate(notes):
        name, size, restored = note["name"], note["size"], note["restored"]
        gone = [
            later
            for later in notes[place + 1 :]
            if later["restored"] and size > later["restored"][2]
        ]
        if restored:
            wrong = why_not_restored(note, last, acknowledged, gone)
            if wrong:
                findings.append(f"{name}: {wrong}")
            elif remarks is not None and not gone:
                remarks.append(remark_on(restored, acknowledged))
        elif last and size < last["size"]:
            findings.append(
                f"{name}: signs {size} entries after {last['size']} were signed: the log went back"
            )
        last = note
        if gone:
            continue
        if size > len(leaves):
            findings.append(
                f"{name}: signs {size} entries, the ledger has {len(leaves)}: entries were cut off"
            )
        elif roots[size] != note["root"]:
            findings.append(
                f"{name}: the first {size} entries are not those that were signed: rewritten or grown anew"
            )
        covered = max(covered, size)
    return covered


def read_notes(folder, key, findings):
    """The notes whose signature holds, in order; a finding for each that does not, and for the first that is missing."""
    paths = sorted(Path(folder).glob("*.note"))
    if not paths:
        findings.append(
            "there is no checkpoint: a ledger alone cannot show that it was not cut or rewritten whole"
        )
    notes = []
    for expected, path in enumerate(paths, start=1):
        if not path.name.startswith(f"{expected:06d}-"):
            findings.append(f"checkpoint {expected} is missing")
            break
        try:
            size, root, restored = parse_note(path, key)
        except InvalidSignature:
            findings.append(f"{path.name}: the signature does not hold")
            continue
        except (ValueError, IndexError, OSError) as wrong:
            findings.append(f"{path.name}: {wrong}")
            continue
        notes.append(
            {
                "name": path.name,
                "number": expected,
                "size": size,
                "root": root,
                "restored": restored,
            }
        )
    return notes


def why_not_restored(note, last, acknowledged, gone):
    """Why a note that follows a restored backup does not explain that the log went back; None when it does."""
    size, root, common = note["restored"]
    if (
        last is None
        or last["number"] != note["number"] - 1
        or (last["size"], last["root"]) != (size, root)
    ):
        return "says that a backup was restored, but does not name the note before it"
    if common > note["size"]:
        return f"says that {common} entries were kept, and signs {note['size']}"
    # Where a later backup took this one's acknowledgement away, that one's counts.
    if not gone and acknowledgement_of(size, root, acknowledged) is None:
        return "says that a backup was restored, and no entry says that anybody acknowledged it"
    return None


def acknowledgement_of(size, root, acknowledged):
    for entry in acknowledged:
        body = entry["body"]
        if (
            body.get("signed_size") == size
            and body.get("signed_root") == base64.b64encode(root).decode()
        ):
            return entry
    return None


def remark_on(restored, acknowledged):
    size, root, common = restored
    entry = acknowledgement_of(size, root, acknowledged)
    return (
        f"a backup was restored: entries {common + 1} to {size} that were signed once are gone, or not proved to be the same; "
        f"acknowledged by {entry['body'].get('by_name')!r} at {entry['at']}: {entry['body'].get('note')!r}"
    )


def check_fork(leaves, other, findings):
    """Two exports of one log agree as far as both go."""
    theirs = check_chain(other, [])[0]
    for number, (ours, their) in enumerate(zip(leaves, theirs), start=1):
        if ours != their:
            findings.append(f"entry {number}: the two exports disagree: the log was forked")
            return


def check_trade(entries, findings):
    """The rules that make the ledger worth having."""
    # ``release``: what was seen of the releases that wrote this; from then on their rules hold.
    cases, passkeys, release = {}, {}, {"undo_votes": False}
    desk = {"behind": set()}
    for number, entry in enumerate(entries, start=1):
        if not entry:
            # It could not be read, which is a finding already.
            continue
        new = {
            "version": 0,
            "digest": None,
            "votes": {},
            "authors": set(),
            "authorised": None,
            "steps": set(),
        }
        new["doubt"] = {}
        new.update(requesters=set(), undo_votes={}, undo_until=None, alone=False, release=release)
        case = cases.setdefault(
            entry.get("case"), {**new, "passkeys": passkeys, "asked": {}, "desk": desk}
        )
        if entry.get("version") != case["version"] + 1:
            findings.append(
                f"entry {number}: {entry.get('case')} version {entry.get('version')} after {case['version']}"
            )
        case["version"] = entry.get("version") or 0
        if (
            entry.get("type") in ENDS_DOUBT
            and case["doubt"]
            and not drifted_unreported(entry, case)
        ):
            step = min(case["doubt"]) + 1
            findings.append(
                f"entry {number}: {entry.get('case')}: step {step} was forgotten while nobody knew of it"
            )
            case["doubt"] = {}
        rule = RULES.get(entry.get("type"))
        try:
            wrong = rule(entry, entry.get("body") or {}, case) if rule else None
        except MALFORMED as failure:
            wrong = f"this {entry['type']} cannot be read ({type(failure).__name__}: {str(failure)[:100]})"
        if wrong:
            findings.append(f"entry {number}: {entry.get('case')}: {wrong}")


def digest_of(plan):
    """SHA-256 of the plan's RFC 8785 form.

    ``undo_for`` and ``mode`` came with later releases; empty, they are no part of the digest.
    """
    actions = [
        {k: v for k, v in action.items() if (k, v) != ("undo_for", "PT0S")}
        for action in plan["actions"]
    ]
    plan = dict({k: v for k, v in plan.items() if (k, v) != ("mode", "")}, actions=actions)
    return hashlib.sha256(canonical(plan).encode()).hexdigest()


def canonical(value):
    if isinstance(value, dict):
        ordered = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return (
            "{"
            + ",".join(
                f"{json.dumps(name, ensure_ascii=False)}:{canonical(value[name])}"
                for name in ordered
            )
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, float):
        return ecmascript(value)
    return json.dumps(value, ensure_ascii=False)


def ecmascript(number):
    """A double as ECMAScript writes it (ECMA-262, Number::toString), and so RFC 8785: Python finds the same digits."""
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError("NaN and infinity are not JSON")
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # The value is 0.DIGITS times ten to the power of ``point``.
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
    power = point - 1
    tail = f"e{'+' if power > 0 else '-'}{abs(power)}"
    return sign + digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + tail


def begun(entry, body, case):
    plan = body.get("plan")
    case.update(
        digest=digest_of(plan) if plan else None,
        votes={},
        authorised=None,
        steps=set(),
        emergency=False,
        asked={},
    )
    case.update(alone=False, undo_votes={}, undo_until=None)
    case["step_up"] = bool((body.get("verdict") or {}).get("step_up"))
    if entry["type"] != "plan.edited":
        case["authors"] = set()
    else:
        case["authors"].add(entry["actor"])
    if plan:
        case["authors"] |= {who for who in (plan.get("requester"), plan.get("beneficiary")) if who}
        case["needed"] = sum(
            factor["count"] for factor in (body.get("verdict") or {}).get("factors", [])
        )
        case["low"] = (body.get("verdict") or {}).get("tier") == 1


def voted(entry, body, case):
    approval = body["approval"]
    if approval["digest"] != case["digest"]:
        return "an approval of another plan than the one that was shown"
    authors = case["authors"] | case["requesters"]
    wrong = wrongly_said(entry, approval, case, "votes", authors, "approve")
    if wrong:
        return wrong
    if approval.get("emergency"):
        case["emergency"] = True


def wrongly_said(entry, approval, case, votes, authors, purpose):
    """Why this yes is not its giver's to give; None when it is, and then it counts among the votes."""
    person, principal = approval["person"], approval.get("behalf_of") or approval["person"]
    if person in case[votes]:
        return f"{person} approved twice"
    twice = sorted({person, principal} & (set(case[votes]) | set(case[votes].values())))
    if twice:
        return f"{twice[0]} was heard twice"
    if person in authors:
        return f"{person} approved what they raised, edited or gain from"
    if person != entry["actor"]:
        return "an approval in somebody else's name"
    if principal in authors:
        return f"{person} approved for {principal}, who raised, edited or gains from it"
    if case.get("step_up"):
        wrong = unsigned(entry, approval, case, purpose)
        if wrong:
            return f"{person} approved without their passkey: {wrong}"
    case[votes][person] = principal


def raised(entry, body, case):
    """Whoever raises the trouble, at first or again, is an author of all that follows."""
    requester = (body.get("signal") or {}).get("requester")
    if requester:
        case["requesters"].add(requester)


def resolved(entry, body, case):
    """From the release on that says how many people it takes to undo, they are asked for."""
    case.update(undo_votes={}, undo_until=body.get("undo_until"))
    if "undo_votes" in body:
        case["release"]["undo_votes"] = True


def undo_voted(entry, body, case):
    """Undoing is approved as the doing was; what ran alone may be stopped by its authors too."""
    approval = body["approval"]
    authors = set() if case["alone"] else case["authors"] | case["requesters"]
    case["release"]["undo_votes"] = True
    if case["authorised"] is None or approval["digest"] != case["authorised"]:
        return "a yes to taking back another plan than the one that was carried out"
    if not case["undo_until"] or moment(entry["at"]) >= moment(case["undo_until"]):
        return "a yes to taking back what could not be taken back then"
    return wrongly_said(entry, approval, case, "undo_votes", authors, "undo")


def undo_asked(entry, body, case):
    """Ledgers of earlier releases, where one person was enough, know of no votes."""
    votes, by = case["undo_votes"], set(body.get("by") or ())
    needed = 1 if case["alone"] else max(1, case.get("needed", 1))
    is_new = case["release"]["undo_votes"] or "by" in body
    case.update(undo_votes={}, undo_until=None)
    if is_new and (not by <= set(votes) or len(by) < needed):
        return "taken back without the approvals it needs"


def undo_lapsed(entry, body, case):
    case.update(undo_votes={}, undo_until=body.get("undo_until"))


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def unsigned(entry, approval, case, purpose):
    """Why the device's signature does not prove this yes; None when it does (WebAuthn level 2, section 7.2)."""
    told, person = approval.get("assertion") or {}, approval["person"]
    key = case["passkeys"].get(told.get("credential"))
    if key is None or key["person"] != person:
        return "no passkey of theirs was known then"
    if case["asked"].get(person) != (told.get("ticket"), purpose):
        return "it was not begun in Slack"
    try:
        client, device = unarmoured(told["client_data"]), unarmoured(told["authenticator_data"])
        said = json.loads(client)
        asked = {
            "case": entry["case"],
            "revision": entry["revision"],
            "plan": case["digest"],
            "person": person,
            "ticket": told["ticket"],
        }
        if purpose != "approve":
            asked["purpose"] = purpose
        wanted = sha(b"countersign step-up\n" + canonical(asked).encode())
        if said["type"] != "webauthn.get" or unarmoured(said["challenge"]) != wanted:
            return "the device signed something else than this plan"
        if device[:32] != sha(key["site"].encode()):
            return "the device signed for another site"
        if device[32] & 0x05 != 0x05:
            return "the device did not make sure who held it"
        signature_holds(
            base64.b64decode(key["public_key"]), unarmoured(told["signature"]), device + sha(client)
        )
    except InvalidSignature:
        return "the signature does not hold"
    except MALFORMED as wrong:
        return f"what the device signed cannot be read ({type(wrong).__name__})"
    return None


def signature_holds(der, signature, signed):
    """Raises InvalidSignature. The three algorithms that passkeys use: ES256, EdDSA, RS256."""
    public = serialization.load_der_public_key(der)
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    elif isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    else:
        public.verify(signature, signed)


def unarmoured(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def passkey_added(entry, body, case):
    key = body["passkey"]
    if body["ticket"] not in case["asked"] or case["asked"][body["ticket"]] != key["person"]:
        return f"a passkey was added for {key['person']}, who was not invited"
    del case["asked"][body["ticket"]]
    case["passkeys"][key["credential"]] = key


def passkey_removed(entry, body, case):
    case["passkeys"].pop(body["credential"], None)


def invited(entry, body, case):
    case["asked"][body["ticket"]] = body["to"]


def approval_begun(entry, body, case):
    case["asked"][entry["actor"]] = (body["ticket"], body.get("purpose", "approve"))


def authorised(entry, body, case):
    if body.get("plan"):
        begun(entry, body, case)
        if not case["low"] or not body["by"][0].startswith("policy:"):
            return "a plan ran without a person that is not low risk"
        case["alone"] = True
    elif set(body["by"]) != set(case["votes"]) or (
        len(case["votes"]) < case.get("needed", 1) and not case.get("emergency")
    ):
        return "authorised without the approvals it needs"
    if body["digest"] != case["digest"]:
        return "authorised another plan than the one that was shown"
    case["authorised"] = body["digest"]


def step_of(body):
    """The number of the step; TypeError where it is none, so that nothing is counted under it."""
    if type(body["step"]) is not int:
        raise TypeError(f"step is {body['step']!r}")
    return body["step"]


def started(entry, body, case):
    if case["desk"]["behind"]:
        return "a step was begun while nobody had acknowledged that a backup was restored"
    if case["authorised"] is None or body["digest"] != case["authorised"]:
        return "a step was begun of a plan that was not approved"
    if body["step"] in case["steps"]:
        return f"step {body['step'] + 1} was begun twice"
    step = step_of(body)
    case["steps"].add(step)
    case["doubt"][step] = "started"


def reported(entry, body, case):
    if body["state"] in IN_DOUBT:
        case["doubt"][step_of(body)] = body["state"]
    else:
        case["doubt"].pop(body["step"], None)


def settled(entry, body, case):
    if case["doubt"].pop(body["step"], None) is None:
        return f"a person settled step {body['step'] + 1}, of which nothing was in doubt"


def drifted_unreported(entry, case):
    """An executor of an earlier release knew that its only step had not happened, and wrote no report of it."""
    honest = case["doubt"] in ({0: "started"}, {0: "outcome unknown"}) and case["steps"] == {0}
    by_program = entry.get("type") == "plan.drifted" and entry.get("actor") == "countersign"
    if by_program and honest and not (entry.get("body") or {}).get("is_settled"):
        case["doubt"] = {}
        return True
    return False


def withdrawn(entry, body, case):
    case["votes"].pop(body["person"], None)
    case["authorised"] = None


def behind(entry, body, case):
    case["desk"]["behind"].add((body["signed_size"], body["signed_root"]))


def acknowledged(entry, body, case):
    if (body["signed_size"], body["signed_root"]) not in case["desk"]["behind"]:
        return "a restored backup was acknowledged, and none was noticed"
    case["desk"]["behind"].remove((body["signed_size"], body["signed_root"]))


def voided(entry, body, case):
    case.update(votes={}, authorised=None, undo_votes={}, undo_until=None)


# What became of a step is in doubt in these states, until a report or a person's word ends that.
IN_DOUBT = {
    "started",
    "accepted, not visible yet",
    "outcome unknown",
    "not found yet",
    "being undone",
    "outcome of undoing unknown",
    "undoing not found yet",
}
# Everything that leaves the carrying out of a plan. None of it may come while a step is in doubt.
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
    "case.retriage_asked",
    "case.escalated",
    "case.expired",
    "plan.drifted",
    "plan.stopped",
    "case.resolved",
    "plan.undo_asked",
    "undo.approved",
    "undo.lapsed",
    "case.reopened",
}
RULES = {
    "case.opened": raised,
    "signal.recurred": raised,
    "case.resolved": resolved,
    "undo.approved": undo_voted,
    "plan.undo_asked": undo_asked,
    "undo.lapsed": undo_lapsed,
    "plan.recommended": begun,
    "plan.edited": begun,
    "case.referred": begun,
    "approval.begun": approval_begun,
    "approval.given": voted,
    "approval.withdrawn": withdrawn,
    "plan.authorised": authorised,
    "step.started": started,
    "step.reported": reported,
    "step.settled": settled,
    "plan.drifted": voided,
    "case.reopened": voided,
    "case.retriage_asked": voided,
    "case.snoozed": voided,
    "passkey.invited": invited,
    "passkey.added": passkey_added,
    "passkey.removed": passkey_removed,
    "ledger.behind": behind,
    "ledger.acknowledged": acknowledged,
}


def verify(ledger, checkpoints=None, key=None, against=None, remarks=None):
    """All findings, and (entries, entries covered by a checkpoint). What is no finding but must be known goes into ``remarks``."""
    findings = []
    leaves, entries = check_chain(ledger, findings)
    covered = 0
    if checkpoints:
        key = key or (Path(checkpoints) / "public.key").read_text(encoding="utf-8")
        restored = [entry for entry in entries if entry.get("type") == "ledger.acknowledged"]
        covered = check_checkpoints(checkpoints, key, leaves, findings, restored, remarks)
    if against:
        check_fork(leaves, against, findings)
    check_trade(entries, findings)
    return findings, len(leaves), covered


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("ledger", help="the export, one entry a line")
    parser.add_argument("--checkpoints", help="the folder of signed notes")
    parser.add_argument(
        "--key",
        help="the pinned verifier key; without it the folder's own is used, which proves less",
    )
    parser.add_argument("--against", help="another export of the same log")
    asked = parser.parse_args(arguments)
    remarks = []
    try:
        findings, entries, covered = verify(
            asked.ledger, asked.checkpoints, asked.key, asked.against, remarks
        )
    except (Unreadable, OSError, ValueError) as wrong:
        print(f"cannot be read: {printable(wrong)}", file=sys.stderr)
        return 2
    for remark in remarks:
        print(f"NOTE     {printable(remark)}")
    for finding in findings[:MOST_FINDINGS]:
        print(f"FINDING  {printable(finding)}")
    if len(findings) > MOST_FINDINGS:
        print(f"and {len(findings) - MOST_FINDINGS} more")
    print(
        f"{entries} entries, {covered} of them under a signed checkpoint: {'everything holds' if not findings else f'{len(findings)} findings'}"
    )
    return 1 if findings else 0


def printable(text):
    """What was read may hold anything; a terminal is shown characters only, and one line of them."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in str(text))


if __name__ == "__main__":
    sys.exit(main())
