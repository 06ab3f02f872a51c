#!/usr/bin/env python3
"""Verify an exported ledger without trusting the program that wrote it.

    python verifier.py ledger.jsonl --checkpoints DIR --key "name+id+base64" [--against other.jsonl]

Needs Python and the `cryptography` package, and nothing of Countersign: copy this file where you like. It derives every leaf from
the entry's bytes, every link and root from the leaves, checks every checkpoint's signature and that each grows from the one before,
and then the rules of the trade: no step without an approval of exactly that plan, no approval counted twice, nobody approving
what they raised or edited, no step forgotten whose outcome nobody knows, and where a passkey was asked for, a signature by the approver's own device over exactly that plan. Exit status 0: everything holds. 1: something does not, each finding on a line. 2: it cannot be read.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

GENESIS = hashlib.sha256(b"countersign ledger").digest()
MOST_FINDINGS = 50


class Unreadable(Exception):
    """The files are not what they should be."""


def sha(data):
    return hashlib.sha256(data).digest()


def root_of(leaves):
    """RFC 6962 Merkle tree hash, bottom up, one level at a time; a node without a sibling is carried up."""
    if not leaves:
        return sha(b"")
    level = list(leaves)
    while len(level) > 1:
        paired = [sha(b"\x01" + level[at] + level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = paired + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def read_lines(path):
    """The export as (line number, object); a line that is no JSON is a finding of its own."""
    try:
        with open(path, encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                yield number, json.loads(line)
    except (OSError, UnicodeDecodeError) as wrong:
        raise Unreadable(f"{path}: {wrong}") from None
    except ValueError:
        raise Unreadable(f"{path}:{number + 1 if 'number' in locals() else 1}: not JSON") from None


def check_chain(path, findings):
    """Leaves, links and places. Returns the leaves and the parsed entries."""
    leaves, entries, link = [], [], GENESIS
    for number, line in read_lines(path):
        body = str(line.get("entry", "")).encode()
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
            link = bytes.fromhex(line["chain"]) if re.fullmatch("[0-9a-f]{64}", str(line.get("chain"))) else link
        leaves.append(leaf)
        try:
            entries.append(json.loads(body))
        except ValueError:
            findings.append(f"entry {number}: is not JSON")
            entries.append({})
    return leaves, entries


def parse_key(text):
    """A C2SP verifier key: name+id+base64 of 0x01 and the Ed25519 key."""
    name, key_id, encoded = text.strip().split("+", 2)
    raw = base64.b64decode(encoded)
    if raw[:1] != b"\x01" or len(raw) != 33:
        raise Unreadable("the key is not an Ed25519 verifier key")
    if sha(name.encode() + b"\n" + raw)[:4].hex() != key_id:
        raise Unreadable("the key does not belong to its name")
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:])


def parse_note(path, key):
    """Size and root of a signed note. Raises InvalidSignature or ValueError."""
    name, key_id, public = key
    text, _, signatures = path.read_text(encoding="utf-8").partition("\n\n")
    text += "\n"
    origin, size, root = text.splitlines()[:3]
    if origin != name:
        raise ValueError(f"is of {origin}, not of {name}")
    for line in signatures.splitlines():
        signed = re.fullmatch(r"— (\S+) (\S+)", line)
        if signed and signed[1] == name and base64.b64decode(signed[2])[:4] == key_id:
            public.verify(base64.b64decode(signed[2])[4:], text.encode())
            return int(size), base64.b64decode(root)
    raise ValueError("carries no signature by this key")


def check_checkpoints(folder, key_text, leaves, findings):
    """Every note: signed by the pinned key, none missing, each the root of its prefix of this ledger."""
    key = parse_key(key_text)
    notes = sorted(Path(folder).glob("*.note"))
    if not notes:
        findings.append("there is no checkpoint: a ledger alone cannot show that it was not cut or rewritten whole")
    last = 0
    for expected, path in enumerate(notes, start=1):
        if not path.name.startswith(f"{expected:06d}-"):
            findings.append(f"checkpoint {expected} is missing")
            break
        try:
            size, root = parse_note(path, key)
        except InvalidSignature:
            findings.append(f"{path.name}: the signature does not hold")
            continue
        except (ValueError, IndexError) as wrong:
            findings.append(f"{path.name}: {wrong}")
            continue
        if size < last:
            findings.append(f"{path.name}: signs {size} entries after {last} were signed: the log went back")
        if size > len(leaves):
            findings.append(f"{path.name}: signs {size} entries, the ledger has {len(leaves)}: entries were cut off")
        elif root_of(leaves[:size]) != root:
            findings.append(
                f"{path.name}: the first {size} entries are not those that were signed: rewritten or grown anew"
            )
        last = max(last, size)
    return last


def check_fork(leaves, other, findings):
    """Two exports of one log agree as far as both go."""
    theirs = check_chain(other, [])[0]
    for number, (ours, their) in enumerate(zip(leaves, theirs), start=1):
        if ours != their:
            findings.append(f"entry {number}: the two exports disagree: the log was forked")
            return


def check_trade(entries, findings):
    """The rules that make the ledger worth having."""
    cases, passkeys = {}, {}
    for number, entry in enumerate(entries, start=1):
        new = {"version": 0, "digest": None, "votes": {}, "authors": set(), "authorised": None, "steps": set()}
        new["doubt"] = {}
        case = cases.setdefault(entry.get("case"), {**new, "passkeys": passkeys, "asked": {}})
        if entry.get("version") != case["version"] + 1:
            findings.append(
                f"entry {number}: {entry.get('case')} version {entry.get('version')} after {case['version']}"
            )
        case["version"] = entry.get("version") or 0
        if entry.get("type") in ENDS_DOUBT and case["doubt"] and not drifted_unreported(entry, case):
            step = min(case["doubt"]) + 1
            findings.append(f"entry {number}: {entry.get('case')}: step {step} was forgotten while nobody knew of it")
            case["doubt"] = {}
        rule = RULES.get(entry.get("type"))
        wrong = rule(entry, entry.get("body") or {}, case) if rule else None
        if wrong:
            findings.append(f"entry {number}: {entry.get('case')}: {wrong}")


def digest_of(plan):
    """SHA-256 of the plan's RFC 8785 form. Plans hold no floats but in snapshots, which Python writes as RFC 8785 does up to 1e16.

    ``undo_for`` came with a later release; where it says nothing it is no part of the digest.
    """
    told = [{k: v for k, v in action.items() if (k, v) != ("undo_for", "PT0S")} for action in plan["actions"]]
    plan = dict(plan, actions=told)
    return hashlib.sha256(canonical(plan).encode()).hexdigest()


def canonical(value):
    if isinstance(value, dict):
        ordered = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return (
            "{" + ",".join(f"{json.dumps(name, ensure_ascii=False)}:{canonical(value[name])}" for name in ordered) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    if isinstance(value, float) and value == int(value) and abs(value) < 1e21:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def begun(entry, body, case):
    plan = body.get("plan")
    case.update(
        digest=digest_of(plan) if plan else None, votes={}, authorised=None, steps=set(), emergency=False, asked={}
    )
    case["step_up"] = bool((body.get("verdict") or {}).get("step_up"))
    if entry["type"] != "plan.edited":
        case["authors"] = set()
    else:
        case["authors"].add(entry["actor"])
    if plan:
        case["authors"] |= {who for who in (plan.get("requester"), plan.get("beneficiary")) if who}
        case["needed"] = sum(factor["count"] for factor in (body.get("verdict") or {}).get("factors", []))
        case["low"] = (body.get("verdict") or {}).get("tier") == 1


def voted(entry, body, case):
    approval = body["approval"]
    if approval["digest"] != case["digest"]:
        return "an approval of another plan than the one that was shown"
    if approval["person"] in case["votes"]:
        return f"{approval['person']} approved twice"
    if approval["person"] in case["authors"]:
        return f"{approval['person']} approved what they raised, edited or gain from"
    if approval["person"] != entry["actor"]:
        return "an approval in somebody else's name"
    if approval.get("behalf_of") and approval["behalf_of"] in case["authors"]:
        return f"{approval['person']} approved for {approval['behalf_of']}, who raised, edited or gains from it"
    if approval.get("emergency"):
        case["emergency"] = True
    if case.get("step_up"):
        wrong = unsigned(entry, approval, case)
        if wrong:
            return f"{approval['person']} approved without their passkey: {wrong}"
    case["votes"][approval["person"]] = True


def unsigned(entry, approval, case):
    """Why the device's signature does not prove this yes; None when it does (WebAuthn level 2, section 7.2)."""
    told, person = approval.get("assertion") or {}, approval["person"]
    key = case["passkeys"].get(told.get("credential"))
    if key is None or key["person"] != person:
        return "no passkey of theirs was known then"
    if case["asked"].get(person) != told.get("ticket"):
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
        wanted = sha(b"countersign step-up\n" + canonical(asked).encode())
        if said["type"] != "webauthn.get" or unarmoured(said["challenge"]) != wanted:
            return "the device signed something else than this plan"
        if device[:32] != sha(key["site"].encode()):
            return "the device signed for another site"
        if device[32] & 0x05 != 0x05:
            return "the device did not make sure who held it"
        signature_holds(base64.b64decode(key["public_key"]), unarmoured(told["signature"]), device + sha(client))
    except InvalidSignature:
        return "the signature does not hold"
    except (ValueError, KeyError, TypeError, IndexError) as wrong:
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
    case["asked"][entry["actor"]] = body["ticket"]


def authorised(entry, body, case):
    if body.get("plan"):
        begun(entry, body, case)
        if not case["low"] or not body["by"][0].startswith("policy:"):
            return "a plan ran without a person that is not low risk"
    elif set(body["by"]) != set(case["votes"]) or (
        len(case["votes"]) < case.get("needed", 1) and not case.get("emergency")
    ):
        return "authorised without the approvals it needs"
    if body["digest"] != case["digest"]:
        return "authorised another plan than the one that was shown"
    case["authorised"] = body["digest"]


def started(entry, body, case):
    if case["authorised"] is None or body["digest"] != case["authorised"]:
        return "a step was begun of a plan that was not approved"
    if body["step"] in case["steps"]:
        return f"step {body['step'] + 1} was begun twice"
    case["steps"].add(body["step"])
    case["doubt"][body["step"]] = "started"


def reported(entry, body, case):
    if body["state"] in IN_DOUBT:
        case["doubt"][body["step"]] = body["state"]
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


def voided(entry, body, case):
    case.update(votes={}, authorised=None)


# What became of a step is in doubt in these states, until a report or a person's word ends that.
IN_DOUBT = {"started", "outcome unknown", "being undone"}
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
    "case.reopened",
}
RULES = {
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
}


def verify(ledger, checkpoints=None, key=None, against=None):
    """All findings, and (entries, entries covered by a checkpoint)."""
    findings = []
    leaves, entries = check_chain(ledger, findings)
    covered = 0
    if checkpoints:
        covered = check_checkpoints(
            checkpoints, key or (Path(checkpoints) / "public.key").read_text(), leaves, findings
        )
    if against:
        check_fork(leaves, against, findings)
    check_trade(entries, findings)
    return findings, len(leaves), covered


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ledger", help="the export, one entry a line")
    parser.add_argument("--checkpoints", help="the folder of signed notes")
    parser.add_argument("--key", help="the pinned verifier key; without it the folder's own is used, which proves less")
    parser.add_argument("--against", help="another export of the same log")
    asked = parser.parse_args(arguments)
    try:
        findings, entries, covered = verify(asked.ledger, asked.checkpoints, asked.key, asked.against)
    except (Unreadable, OSError, ValueError) as wrong:
        print(f"cannot be read: {wrong}", file=sys.stderr)
        return 2
    for finding in findings[:MOST_FINDINGS]:
        print(f"FINDING  {finding}")
    if len(findings) > MOST_FINDINGS:
        print(f"and {len(findings) - MOST_FINDINGS} more")
    print(
        f"{entries} entries, {covered} of them under a signed checkpoint: {'everything holds' if not findings else f'{len(findings)} findings'}"
    )
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
