"""Receipts verify with another library, and match what was approved alone."""

import json

import pytest
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from bot.audit.checkpoints import Checkpoints, Witness
from bot.audit.receipts import Receipts, key_id
from bot.cases.canonical import canonical_hash

# RFC 9864 has a newer name for it, which most libraries do not know yet.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
PAYLOAD = {
    "iss": "countersign",
    "iat": 1_795_000_000,
    "approval": "EX-1",
    "arguments": {"booking": "B-17", "deposit": 40.5, "ünïcode": "£"},
    "outcome": "approved",
}


@pytest.fixture
def receipts(tmp_path):
    return Receipts(Checkpoints(tmp_path / "notes", "countersign"))


def verify(receipt, keys):
    """Verify as a stranger does, by the published keys."""
    signed = jws.deserialize_compact(receipt, KeySet.import_key_set({"keys": keys}), ["EdDSA"])
    return signed.headers(), json.loads(signed.payload)


def test_another_library_verifies_a_receipt_by_the_published_key(receipts):
    header, payload = verify(receipts.sign(PAYLOAD), receipts.public_keys())
    (key,) = receipts.public_keys()
    assert header == {"alg": "EdDSA", "kid": key["kid"], "typ": "countersign-receipt+jwt"}
    assert payload == PAYLOAD
    assert key["kid"] == OKPKey.import_key(key).thumbprint()


def test_the_same_decision_has_the_same_receipt(receipts):
    assert receipts.sign(PAYLOAD) == receipts.sign(dict(reversed(PAYLOAD.items())))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_receipt_that_was_changed_anywhere_does_not_verify(receipts, part):
    parts = receipts.sign(PAYLOAD).split(".")
    middle = len(parts[part]) // 2
    letter = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + letter + parts[part][middle + 1 :]
    with pytest.raises((JoseError, ValueError)):
        verify(".".join(parts), receipts.public_keys())


def test_other_arguments_have_another_hash():
    approved = canonical_hash({"deposit": 40})
    assert approved == canonical_hash({"deposit": 40.0})
    assert approved != canonical_hash({"deposit": 41})
    assert approved != canonical_hash({"deposit": "40"})


def test_a_process_without_the_key_signs_nothing_and_still_publishes_it(receipts, tmp_path):
    reader = Receipts(Witness(tmp_path / "notes", "countersign"))
    assert reader.sign(PAYLOAD) is None
    assert reader.public_keys() == receipts.public_keys()


def test_without_a_key_there_is_nothing_to_publish(tmp_path):
    receipts = Receipts(Witness(tmp_path / "nothing", "countersign"))
    assert (receipts.sign(PAYLOAD), receipts.public_keys()) == (None, [])


def test_the_id_of_a_key_is_its_thumbprint():
    # The example of RFC 8037, appendix A.3.
    assert key_id("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo") == (
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    )
