"""Receipts, verified offline by the client module: a true one, and forgeries."""

import base64
import json
from datetime import UTC, datetime

import pytest

from handlers.programs.client import ReceiptInvalid, arguments_hash, verify_receipt
from tests.fakes.approval_server import Signer, base64url, receipt_claims, tampered

ARGUMENTS = {"order": "A-17", "amount": 80.0, "urgent": True, "note": None}
APPROVAL = {
    "id": "EX-7",
    "case": "EX-7",
    "action": "pay_refund",
    "decision": {
        "outcome": "approved",
        "by": [{"id": "T1/U0BEN", "name": "Ben Okafor"}],
        "at": "2026-11-27T09:00:00.000000Z",
        "reason": "",
        "arguments": ARGUMENTS,
        "plan_hash": "1" * 64,
    },
}
SIGNER = Signer()


def claims(**changes):
    return receipt_claims(APPROVAL, **changes)


def verify(receipt, **changes):
    expected = {"action": "pay_refund", "arguments": ARGUMENTS} | changes
    return verify_receipt(receipt, SIGNER.keys, **expected)


def test_a_receipt_proves_who_allowed_what():
    proof = verify(SIGNER.sign(claims()), approval="EX-7")
    assert (proof.approval, proof.program, proof.outcome) == ("EX-7", "refund_agent", "approved")
    assert proof.by[0].name == "Ben Okafor"
    # A whole number is the same number, as JSON has it.
    assert verify(SIGNER.sign(claims()), arguments=ARGUMENTS | {"amount": 80})


def test_edited_arguments_match_and_those_that_were_asked_do_not():
    edited = ARGUMENTS | {"amount": 50}
    receipt = SIGNER.sign(
        claims(outcome="edited", arguments=edited, arguments_hash=arguments_hash(edited))
    )
    assert verify(receipt, arguments=edited).outcome == "edited"
    with pytest.raises(ReceiptInvalid, match="not those that were approved"):
        verify(receipt)


@pytest.mark.parametrize(
    "changes",
    [
        {"arguments": ARGUMENTS | {"amount": 8000}},
        {"arguments": ARGUMENTS | {"amount": "80"}},
        {"arguments": ARGUMENTS | {"urgent": 1}},
        {"arguments": ARGUMENTS | {"note": ""}},
        {"arguments": {"order": "A-17"}},
        {"arguments": ARGUMENTS | {"also": 1}},
        {"action": "pay_refunds"},
        {"approval": "EX-8"},
        {"now": datetime(2026, 11, 29, tzinfo=UTC)},
    ],
)
def test_a_true_receipt_allows_nothing_else(changes):
    receipt = SIGNER.sign(claims())
    assert verify(receipt, now=datetime(2026, 11, 27, 10, tzinfo=UTC))
    with pytest.raises(ReceiptInvalid, match="Do not act"):
        verify(receipt, **changes)


def unsigned(**header):
    parts = [{"alg": "none", "typ": "countersign-receipt+jwt"} | header, claims()]
    return ".".join([*(base64url(json.dumps(part).encode()) for part in parts), ""])


def doubled_name():
    content = json.dumps(claims())[:-1] + ', "outcome": "approved"}'
    header = SIGNER.sign(claims()).split(".")[0]
    signature = SIGNER._key.sign(f"{header}.{base64url(content.encode())}".encode())
    return f"{header}.{base64url(content.encode())}.{base64url(signature)}"


def with_bits_in_the_last_letter():
    """Decodes to the same bytes where a decoder ignores the unused bits of the last letter."""
    receipt = SIGNER.sign(claims())
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = letters[letters.index(receipt[-1]) ^ 1]
    forged = receipt[:-1] + other
    decoded = [base64.urlsafe_b64decode(one.split(".")[2] + "==") for one in (receipt, forged)]
    assert decoded[0] == decoded[1]
    return forged


FORGERIES = {
    "other arguments": lambda: tampered(
        SIGNER.sign(claims(arguments=ARGUMENTS | {"amount": 8})), 1, arguments=ARGUMENTS
    ),
    "another outcome": lambda: tampered(
        SIGNER.sign(claims(outcome="rejected")), 1, outcome="approved"
    ),
    "a signed no": lambda: SIGNER.sign(claims(outcome="rejected")),
    "a signed expiry": lambda: SIGNER.sign(claims(outcome="expired")),
    "a hash that is not of its arguments": lambda: SIGNER.sign(claims(arguments_hash="0" * 64)),
    "no arguments": lambda: SIGNER.sign(claims(arguments=None)),
    "another key under the same id": lambda: Signer(SIGNER.kid).sign(claims()),
    "an unknown key": lambda: Signer("2020-01").sign(claims()),
    "no key": lambda: SIGNER.sign(claims(), kid=None),
    "no algorithm": unsigned,
    "no algorithm but a key": lambda: unsigned(kid=SIGNER.kid),
    "an algorithm of secrets": lambda: SIGNER.sign(claims(), alg="HS256"),
    "another sort of token": lambda: SIGNER.sign(claims(), typ="JWT"),
    "an unknown extension": lambda: SIGNER.sign(claims(), crit=["exp"]),
    "a truncated signature": lambda: SIGNER.sign(claims())[:-4],
    "a truncated receipt": lambda: SIGNER.sign(claims()).rpartition(".")[0],
    "a fourth part": lambda: SIGNER.sign(claims()) + ".AAAA",
    "padding": lambda: SIGNER.sign(claims()) + "==",
    "unused bits": with_bits_in_the_last_letter,
    "a name twice": doubled_name,
    "spaces": lambda: SIGNER.sign(claims()) + " ",
    "letters of other alphabets": lambda: SIGNER.sign(claims()).replace(".", ".é", 1),
    "nothing": lambda: "",
    "a list": lambda: ".".join([base64url(b"[]")] * 3),
    "no JSON": lambda: ".".join([base64url(b"\xff\xfe")] * 3),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_receipt_allows_nothing(forge):
    with pytest.raises(ReceiptInvalid, match="does not allow this"):
        verify(forge())


@pytest.mark.parametrize(
    "change", [{"kty": "RSA"}, {"crv": "X25519"}, {"x": "AAAA"}, {"kid": None}], ids=str
)
def test_a_key_for_another_purpose_is_not_used(change):
    keys = {"keys": [SIGNER.keys["keys"][0] | change]}
    with pytest.raises(ReceiptInvalid):
        verify_receipt(SIGNER.sign(claims()), keys, action="pay_refund", arguments=ARGUMENTS)


def test_a_receipt_of_the_server_is_verified_with_its_keys(server, caller):
    server.on_request = lambda approval: server.decide(approval["id"], "edited", amount=50)
    approval = caller.obtain("pay_refund", {"amount": 80}, summary="Refund £80")
    proof = verify_receipt(
        approval.receipt, caller.keys(), action="pay_refund", arguments={"amount": 50}
    )
    assert (proof.approval, proof.outcome) == (approval.id, "edited")
    with pytest.raises(ReceiptInvalid):
        verify_receipt(
            approval.receipt, caller.keys(), action="pay_refund", arguments={"amount": 80}
        )
