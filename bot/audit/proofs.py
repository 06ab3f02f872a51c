"""Inclusion proofs of RFC 6962: an entry is in the signed tree."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from bot.cases.ledger import node_hash

#: The first leaf of a subtree, and the one after its last.
Span = tuple[int, int]
#: The hashes beside the way from a leaf to the root, the lowest first.
Proof = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Node:
    """A perfect subtree."""

    span: Span
    hash: bytes

    @property
    def leaves(self) -> int:
        return self.span[1] - self.span[0]


def prove(leaves: Iterable[bytes], size: int, places: Collection[int]) -> Mapping[int, Proof]:
    """Return the proof of each place in the tree.

    The tree has the first ``size`` leaves; the first place is 0. The leaves are
    read once, and memory holds only what the proofs need.

    Raises:
        ValueError: there are fewer leaves.
    """
    paths = {place: list(sibling_spans(place, size)) for place in places}
    hashes = _hash_spans(leaves, size, {span for path in paths.values() for span in path})
    return {place: tuple(hashes[span] for span in path) for place, path in paths.items()}


def sibling_spans(place: int, size: int) -> Iterator[Span]:
    """Yield the subtrees beside the way to the root, lowest first."""
    spans: list[Span] = []
    first, end = 0, size
    while end - first > 1:
        # The largest power of two below the number of leaves splits them.
        middle = first + (1 << ((end - first - 1).bit_length() - 1))
        if place < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((first, middle))
            first = middle
    return reversed(spans)


def _hash_spans(leaves: Iterable[bytes], size: int, spans: Collection[Span]) -> dict[Span, bytes]:
    """Return the hash of each of these subtrees."""
    hashes: dict[Span, bytes] = {}
    peaks: list[_Node] = []
    count = 0
    for count, leaf in enumerate(leaves, start=1):
        _push(peaks, _Node((count - 1, count), leaf), spans=spans, hashes=hashes)
        if count == size:
            break
    if count < size:
        raise ValueError(f"the ledger has {count} entries, the checkpoint {size}")
    # The subtrees at the right edge are not perfect: each is made of the last peaks.
    for first, end in spans:
        if end == size and (first, end) not in hashes:
            hashes[first, end] = _fold([peak.hash for peak in peaks if peak.span[0] >= first])
    return hashes


def _push(
    peaks: list[_Node], node: _Node, *, spans: Collection[Span], hashes: dict[Span, bytes]
) -> None:
    """Add a leaf, and keep each hash that a proof needs."""
    while True:
        if node.span in spans:
            hashes[node.span] = node.hash
        if not peaks or peaks[-1].leaves != node.leaves:
            break
        sibling = peaks.pop()
        node = _Node((sibling.span[0], node.span[1]), node_hash(sibling.hash, node.hash))
    peaks.append(node)


def _fold(peaks: list[bytes]) -> bytes:
    root = peaks[-1]
    for peak in reversed(peaks[:-1]):
        root = node_hash(peak, root)
    return root
