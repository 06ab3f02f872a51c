"""The built-in embedder is the public model."""

import json
from pathlib import Path

import numpy as np
import pytest

from knowledge.memory import minilm as subject
from knowledge.memory.embedder import open_embedder
from knowledge.memory.minilm import MiniLM

KNOWN_VECTORS = json.loads((Path(__file__).parent / "known_vectors.json").read_text())
TEXTS = [row["text"] for row in KNOWN_VECTORS]


def test_the_vectors_are_those_of_the_public_model(minilm):
    """Compare with vectors of the published 32-bit weights.

    They were computed once by plain arithmetic (SHA-256 of the weights: 53aa5117…).
    """
    vectors = minilm.embed(TEXTS)
    published_vectors = np.array([row["vector"] for row in KNOWN_VECTORS])
    similarities = (vectors * published_vectors).sum(axis=1)
    assert (vectors.shape, similarities.min() > 0.99) == ((len(TEXTS), 384), True)


def test_one_by_one_or_together_is_the_same(minilm):
    together = minilm.embed(TEXTS)
    alone = np.concatenate([minilm.embed([text]) for text in TEXTS])
    assert (together * alone).sum(axis=1).min() > 0.999


def test_a_long_text_is_cut_before_its_end_mark(minilm):
    # 126 words of one token each, between the two marks: all that the model takes.
    beginning = " ".join(["bottle", "of", "wine"] * 42)
    whole, longer, other = minilm.embed([beginning, f"{beginning} is lost", "bottle of wine"])
    assert whole @ longer > 0.9999 > whole @ other


def test_both_built_in_embedders_have_one_vocabulary():
    assert subject.load_tokenizer() is subject.load_tokenizer()


def test_the_weights_and_the_tokenizer_are_checked_by_their_hash(monkeypatch):
    monkeypatch.setattr(subject, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="not the file that was released"):
        MiniLM()
    assert open_embedder().identity == "words/1/384"
