"""Inclusion proofs: every leaf of every tree, checked by the verifier's own arithmetic."""

import hashlib

import pytest

from bot.audit.proofs import prove, sibling_spans
from bot.audit.verifier import root_by_proof, root_of


def leaves(count):
    return [hashlib.sha256(str(number).encode()).digest() for number in range(count)]


@pytest.mark.parametrize("size", [*range(1, 20), 31, 32, 33, 100, 257])
def test_every_proof_leads_to_the_root(size):
    content = leaves(size)
    proofs = prove(iter(content), size, range(size))
    for place, proof in proofs.items():
        assert root_by_proof(content[place], place, size, proof) == root_of(content)


def test_the_example_of_the_rfc():
    """RFC 9162, section 2.1.5: seven leaves."""
    d = leaves(7)

    def node(left, right):
        return hashlib.sha256(b"\x01" + left + right).digest()

    g, h, i = node(d[0], d[1]), node(d[2], d[3]), node(d[4], d[5])
    k, l = node(g, h), node(i, d[6])  # noqa: E741 (the RFC's letters)
    proofs = prove(d, 7, [0, 3, 4, 6])
    assert proofs[0] == (d[1], h, l)
    assert proofs[3] == (d[2], g, l)
    assert proofs[4] == (d[5], d[6], k)
    assert proofs[6] == (i, k)


def test_later_leaves_are_not_part_of_the_tree():
    content = leaves(9)
    assert prove(iter(content), 5, [2]) == prove(iter(content[:5]), 5, [2])
    with pytest.raises(ValueError, match="has 4 entries, the checkpoint 5"):
        prove(iter(content[:4]), 5, [2])


def test_a_proof_grows_with_the_logarithm():
    assert len(list(sibling_spans(12_345, 1_000_000))) <= 20


@pytest.mark.parametrize("size", [1, 2, 7, 8, 13])
def test_no_other_proof_is_accepted(size):
    content = leaves(size)
    proofs = prove(iter(content), size, range(size))
    for place, proof in proofs.items():
        wrong = [
            (place, (*proof, content[0])),
            *((other, proof) for other in range(size) if other != place),
            (size, proof),
        ]
        if proof:
            wrong += [(place, proof[:-1]), (place, proof[::-1])]
        for at, path in wrong:
            if (at, path) == (place, proof):
                continue
            try:
                root = root_by_proof(content[place], at, size, path)
            except ValueError:
                continue
            assert root != root_of(content), (place, at)
