"""The arithmetic of the ledger: RFC 6962 and the hash chain, against others' answers."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.audit.verifier import root_of
from bot.cases.ledger import EMPTY_ROOT, GENESIS, Tree, chain_hash, leaf_hash, node_hash

# The example leaves of certificate transparency, with the roots of its reference implementation.
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


def root_by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = root_by_definition(leaves[:split]), root_by_definition(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def test_roots_are_those_of_rfc_6962():
    assert Tree().root == EMPTY_ROOT == hashlib.sha256(b"").digest()
    tree = Tree()
    for leaf, root in zip(LEAVES, ROOTS, strict=True):
        tree = tree.append(leaf_hash(leaf))
        assert tree.root.hex() == root


BODIES = st.lists(st.binary(max_size=8), max_size=70)


@given(BODIES)
def test_the_growing_tree_the_recursive_definition_and_the_verifier_agree(bodies):
    leaves = [leaf_hash(body) for body in bodies]
    assert Tree().extend(leaves).root == root_by_definition(leaves) == root_of(leaves)
    whole = Tree().extend(leaves)
    for count in range(len(whole.peaks) + 1):
        part = whole.first(count)
        assert part == Tree().extend(leaves[: part.size])


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 7, 8, 255, 256, 257, 1000])
def test_a_tree_keeps_one_peak_for_each_bit_of_its_size(size):
    tree = Tree().extend(leaf_hash(str(number).encode()) for number in range(size))
    assert (tree.size, len(tree.peaks)) == (size, size.bit_count())


@given(BODIES, BODIES)
def test_a_tree_grows_the_same_at_once_and_in_two_parts(first, second):
    one, two = ([leaf_hash(body) for body in bodies] for bodies in (first, second))
    assert Tree().extend(one).extend(two) == Tree().extend([*one, *two])


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=20), st.data())
def test_a_changed_leaf_changes_the_root(bodies, data):
    index = data.draw(st.integers(0, len(bodies) - 1))
    other = data.draw(st.binary(max_size=8).filter(lambda body: body != bodies[index]))
    others = [*bodies[:index], other, *bodies[index + 1 :]]
    roots = [Tree().extend(map(leaf_hash, leaves)).root for leaves in (bodies, others)]
    assert roots[0] != roots[1]


def test_appending_leaves_the_smaller_tree_as_it_was():
    one = Tree().append(leaf_hash(b"a"))
    root = one.root
    one.append(leaf_hash(b"b"))
    assert (one.size, one.root) == (1, root)


def test_leaves_and_nodes_are_hashed_apart():
    """Otherwise two leaves could be passed off as a node."""
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert node_hash(left, right) != leaf_hash(left + right)
    assert leaf_hash(b"a") == hashlib.sha256(b"\x00a").digest()
    assert node_hash(left, right) == hashlib.sha256(b"\x01" + left + right).digest()
    assert node_hash(left, right) != node_hash(right, left)


def test_the_chain_starts_where_every_release_started_it():
    assert hashlib.sha256(b"countersign ledger").hexdigest() == GENESIS
    first = chain_hash(GENESIS, leaf_hash(b"a"))
    assert first == hashlib.sha256(bytes.fromhex(GENESIS) + leaf_hash(b"a")).hexdigest()


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=12), st.data())
def test_a_damaged_row_breaks_the_chain_from_there_on(bodies, data):
    def links(rows: list[bytes]) -> list[str]:
        chain = [GENESIS]
        for row in rows:
            chain.append(chain_hash(chain[-1], leaf_hash(row)))
        return chain[1:]

    index = data.draw(st.integers(0, len(bodies) - 1))
    damage = [*bodies[:index], bodies[index] + b"!", *bodies[index + 1 :]]
    before, after = links(bodies), links(damage)
    assert before[:index] == after[:index]
    assert all(one != other for one, other in zip(before[index:], after[index:], strict=True))


@pytest.mark.parametrize("previous", ["", "zz", "0" * 63])
def test_a_chain_of_something_else_than_a_hash_is_no_match(previous):
    if previous == "":
        assert chain_hash(previous, leaf_hash(b"a")) != chain_hash(GENESIS, leaf_hash(b"a"))
        return
    with pytest.raises(ValueError, match="non-hexadecimal"):
        chain_hash(previous, leaf_hash(b"a"))
