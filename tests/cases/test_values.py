"""Canonical bytes, expressions, the ledger's arithmetic, SLA: each against somebody else's answer."""

import hashlib
from datetime import UTC, datetime

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from bot.audit.verifier import canonical, root_of
from bot.cases.canonical import MAX_INTEGER, canonical_bytes, format_utc
from bot.cases.errors import PlaybookInvalid
from bot.cases.expressions import compile_expression, evaluate, find_scalar, render
from bot.cases.ledger import EMPTY_ROOT, Tree, leaf_hash, node_hash

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_canonical_bytes_are_those_of_the_reference_implementation(value):
    assert canonical_bytes(value) == rfc8785.dumps(value)


PLANS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(1e-4, 1e15)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(PLANS)
def test_the_verifiers_own_canonical_form_agrees(value):
    assert canonical(value).encode() == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [{"a": 2**53}, {"a": float("nan")}, {"a": b"x"}])
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical_bytes(value)


# RFC 6962's own example leaves, with the roots that the certificate-transparency reference implementation prints.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_roots_are_those_of_rfc_6962():
    assert Tree().root == EMPTY_ROOT == hashlib.sha256(b"").digest()
    tree = Tree()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        tree = tree.append(leaf_hash(leaf))
        assert tree.root.hex() == root


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_the_growing_tree_the_recursive_definition_and_the_verifier_agree(bodies):
    leaves = [leaf_hash(body) for body in bodies]
    assert Tree().extend(leaves).root == _by_definition(leaves) == root_of(leaves)
    whole = Tree().extend(leaves)
    for count in range(len(whole.peaks) + 1):
        part = whole.first(count)
        assert part == Tree().extend(leaves[: part.size])


def _by_definition(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(_by_definition(leaves[:split]), _by_definition(leaves[split:]))


def test_moments_have_one_width_and_sort_as_text():
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert (format_utc(early), format_utc(late)) == (
        "2026-01-01T00:00:00.000000Z",
        "2026-01-01T00:00:00.000001Z",
    )


def test_what_is_not_known_makes_a_condition_false():
    known = {"stock": {"on_hand": 4}}
    assert evaluate("", known)
    assert evaluate("stock.on_hand < `5`", known)
    assert not evaluate("stock.gone < `5`", known)
    assert not evaluate("stock.on_hand", known)
    assert find_scalar("stock", known) is None
    assert render("{stock.on_hand} left of {stock.par}", known) == "4 left of unknown"


def test_sentences_reach_into_nothing_but_what_is_known():
    assert render("{stock.__class__} {0} {a!r} {}", {"stock": {"x": 1}}) == "unknown {0} {a!r} {}"


def test_a_wrong_expression_says_so():
    with pytest.raises(PlaybookInvalid, match="not a JMESPath expression"):
        compile_expression("a.[")
