"""What a signal is: whose trouble it names, what makes two deliveries one, and that no fact speaks for it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.canonical import canonical_hash, to_plain
from bot.cases.evidence import Evidence, facts_of
from bot.cases.expressions import find_scalar
from bot.cases.signal import Signal, SignalStatus, fingerprint_of
from tests.cases.making import NOW
from tests.cases.shapes import TEXT, shapes

BASE = Signal(
    source="api",
    key="k",
    kind="low_stock",
    subject="product:1",
    title="Merlot is running low",
    occurred_at=NOW,
    facts={"product_id": 1},
)


@pytest.mark.threat("A6")
def test_the_fingerprint_says_whose_trouble_it_is():
    others = [
        replace(BASE, source="till"),
        replace(BASE, kind="x"),
        replace(BASE, subject="x"),
        replace(BASE, group="g"),
    ]
    assert len({BASE.fingerprint, *(other.fingerprint for other in others)}) == 5
    assert replace(BASE, key="k2", title="x", facts={}).fingerprint == BASE.fingerprint


@pytest.mark.threat("A6")
def test_sources_of_one_domain_speak_of_the_same_trouble():
    first, second = replace(BASE, domain="stock"), replace(BASE, source="till", domain="stock")
    assert first.fingerprint == second.fingerprint != BASE.fingerprint
    assert first.identities == (
        ("stock", "low_stock", "product:1"),
        ("api", "low_stock", "product:1"),
    )
    assert BASE.identities == (BASE.identity,)


@pytest.mark.threat("A6")
def test_a_body_of_before_has_the_digest_of_before():
    plain = to_plain(BASE)
    del plain["domain"], plain["principals"]
    assert (
        BASE.body_checksum == replace(BASE, domain="stock").body_checksum == canonical_hash(plain)
    )
    assert BASE.body_checksum == replace(BASE, principals=("T1/U1",)).body_checksum
    assert BASE.body_checksum == "6af578272a0a6543aad83511866144a4719699c8e059d4949210dd1c6fa3c25c"


@pytest.mark.threat("A6")
def test_no_fact_speaks_for_the_signal_itself():
    facts = {"source": "house", "title": "Nothing", "subject": "product:9", "product_id": 1}
    evidence = [
        Evidence(name=f"signal.{name}", label="", value="forged", source="house", read_at=NOW)
        for name in ("source", "product_id", "x")
    ]
    known = facts_of(replace(BASE, facts=facts), evidence)
    assert [
        find_scalar(f"signal.{name}", known)
        for name in ("source", "title", "subject", "product_id", "x")
    ] == [
        "api",
        "Merlot is running low",
        "product:1",
        1,
        None,
    ]


@pytest.mark.threat("A6")
def test_every_identity_of_a_trouble_has_its_own_fingerprint():
    joined = replace(BASE, domain="stock")
    assert joined.fingerprints == tuple(fingerprint_of(one) for one in joined.identities)
    assert joined.fingerprints == (joined.fingerprint, BASE.fingerprint)
    assert BASE.fingerprints == (BASE.fingerprint,)


@given(st.tuples(TEXT, TEXT, TEXT), st.tuples(TEXT, TEXT, TEXT))
def test_two_identities_have_one_fingerprint_only_when_they_are_one(one, other):
    assert (fingerprint_of(one) == fingerprint_of(other)) is (one == other)


@given(shapes(Signal))
def test_a_group_takes_the_place_of_the_subject(value):
    speaker, kind, trouble = value.identity
    assert speaker == (value.domain or value.source)
    assert kind == value.kind
    assert trouble == (value.group or value.subject)
    assert value.identity in value.identities
    assert 1 <= len(value.identities) <= 2


@given(shapes(Signal), st.sampled_from(["key", "title", "facts", "status", "requester", "kind"]))
def test_a_second_delivery_must_repeat_all_but_the_domain(value, name):
    other = replace(
        value,
        **{
            "key": {"key": f"{value.key}!"},
            "title": {"title": f"{value.title}!"},
            "facts": {"facts": {**value.facts, "!": 1}},
            "status": {"status": SignalStatus.CLEAR},
            "requester": {"requester": f"{value.requester}!"},
            "kind": {"kind": f"{value.kind}!"},
        }[name],
    )
    is_same = to_plain(other) == to_plain(value)
    assert (other.body_checksum == value.body_checksum) is is_same
    assert replace(value, domain="another").body_checksum == value.body_checksum
