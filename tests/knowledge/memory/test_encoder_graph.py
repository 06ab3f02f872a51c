"""The graph of 8 bits computes what the packaged model does."""

import numpy as np

from knowledge.memory.encoder_graph import EncoderGraph
from knowledge.memory.minilm import GRAPH, MiniLM, find_weights

TEXTS = [
    "merlot is running low before the weekend",
    "HighErrorRate on checkout: 5xx above 3 % for 10 minutes",
    "Invoice INV-2291 of ACME names no order, 1,240.00 EUR",
    "the persistent volume of a database is filling up " * 12,
]


def test_the_file_is_what_the_tool_writes():
    assert EncoderGraph(find_weights().read_bytes()).build() == GRAPH.read_bytes()


def test_the_graph_holds_no_weights():
    assert len(GRAPH.read_bytes()) < find_weights().stat().st_size / 500


def test_its_vectors_are_those_of_the_packaged_graph_within_the_tolerance(minilm):
    exact_vectors = MiniLM(is_exact=True).embed(TEXTS)
    similarities = (minilm.embed(TEXTS) * exact_vectors).sum(axis=1)
    assert (similarities > 0.99).all()
    # It does compute with fewer bits: the packaged graph would differ by rounding alone.
    assert similarities.min() < 0.99999


def test_a_text_has_the_same_vector_whatever_stands_beside_it(minilm):
    together = minilm.embed(TEXTS)
    alone = np.concatenate([minilm.embed([text]) for text in TEXTS])
    assert (together * alone).sum(axis=1).min() > 0.999
