"""The arithmetic of the ledger: RFC 6962 and a hash chain.

``bot.verifier`` does the same sums in its own words, on purpose: the auditor's program must not
trust ours.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

EMPTY_ROOT = hashlib.sha256(b"").digest()
GENESIS = hashlib.sha256(b"countersign ledger").hexdigest()


def leaf_hash(body: bytes) -> bytes:
    """Hash a leaf by RFC 6962, section 2.1.

    It is the SHA-256 over 0x00 and the entry.
    """
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash a node by RFC 6962, section 2.1.

    It is the SHA-256 over 0x01 and both children.
    """
    return hashlib.sha256(b"\x01" + left + right).digest()


def chain_hash(previous: str, leaf: bytes) -> str:
    """Link a leaf to the one before it.

    A damaged row is found where it stands.
    """
    return hashlib.sha256(bytes.fromhex(previous) + leaf).hexdigest()


@dataclass(frozen=True, slots=True)
class Tree:
    """A growing Merkle tree: O(log n) to keep and to append to."""

    size: int = 0
    #: The roots of its perfect subtrees, the largest first.
    peaks: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> "Tree":
        """Return the tree with one more leaf."""
        peaks, size = [*self.peaks, leaf], self.size
        # As in binary addition: two subtrees of one size become one of twice the size.
        while size % 2 == 1:
            right = peaks.pop()
            peaks.append(node_hash(peaks.pop(), right))
            size //= 2
        return Tree(self.size + 1, tuple(peaks))

    def extend(self, leaves: Iterable[bytes]) -> "Tree":
        """Return the tree with more leaves."""
        tree = self
        for leaf in leaves:
            tree = tree.append(leaf)
        return tree

    def first(self, count: int) -> "Tree":
        """Return the tree of the entries under the first ``count`` peaks."""
        # The set bits of the size are the sizes of the subtrees.
        bits = reversed(range(self.size.bit_length()))
        sizes = [1 << bit for bit in bits if self.size >> bit & 1]
        return Tree(sum(sizes[:count]), self.peaks[:count])

    @property
    def root(self) -> bytes:
        """Return the RFC 6962 Merkle tree hash."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root
