"""Text as vectors: the built-in embedder is the public model, and what stands in for it stands in."""

import json
from pathlib import Path

import numpy as np
import pytest

from bot.cases.errors import SettingsIncomplete
from knowledge.memory import embedder as subject
from knowledge.memory.embedder import CachingEmbedder, HashedWordsEmbedder, MiniLM, open_embedder
from tests.conftest import SHARED

KNOWN = json.loads((Path(__file__).parent / "known_vectors.json").read_text())


@pytest.fixture(scope="module")
def built_in():
    return MiniLM()


def test_the_vectors_are_those_of_the_public_model(built_in):
    """Computed once from the published 32-bit weights (SHA-256 53aa5117…), in plain arithmetic."""
    found = built_in.embed([one["text"] for one in KNOWN])
    alike = (found * np.array([one["vector"] for one in KNOWN])).sum(axis=1)
    assert (found.shape, alike.min() > 0.99) == ((len(KNOWN), 384), True)


def test_one_by_one_or_together_is_the_same(built_in):
    texts = [one["text"] for one in KNOWN]
    together = built_in.embed(texts)
    alone = np.concatenate([built_in.embed([text]) for text in texts])
    assert (together * alone).sum(axis=1).min() > 0.999


def test_the_weights_and_the_tokenizer_are_checked_by_their_hash(monkeypatch):
    monkeypatch.setattr(subject, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="not the file that was released"):
        MiniLM()
    assert open_embedder().identity == "words/1/384"


def test_without_the_package_words_stand_in(monkeypatch):
    monkeypatch.setattr(subject.importlib.util, "find_spec", lambda name: None)
    stand_in = open_embedder()
    near, far = stand_in.embed(["low on Merlot", "Merlot is low", "a parrot escaped"]), None
    assert (stand_in.is_semantic, near[0] @ near[1] > near[0] @ near[2], far) == (False, True, None)


def test_an_unknown_embedder_is_a_line_on_the_to_do_list():
    with pytest.raises(SettingsIncomplete, match="COUNTERSIGN_EMBEDDINGS=nobody:knows"):
        open_embedder("nobody:knows")


@pytest.mark.parametrize(
    "text", ["", "\0", "\ud800", "a" * 200_000, "\u202e\u2066", "🦜" * 500, "\n\n\t"]
)
def test_no_text_is_too_odd(built_in, text):
    for one in (built_in, HashedWordsEmbedder()):
        assert np.isfinite(one.embed([text])).all()


def test_the_naughty_strings_are_only_text(built_in):
    path = SHARED / "data/hostile_text/naughty_strings.json"
    if not path.exists():
        pytest.skip("the shared data is not here")
    assert np.isfinite(built_in.embed(json.loads(path.read_text()))).all()


class Counting:
    identity, is_semantic, asked = "x", True, 0

    def embed(self, texts):
        self.asked += len(texts)
        return np.ones((len(texts), 2), np.float32)


def test_the_same_text_is_embedded_once():
    counting = Counting()
    cached = CachingEmbedder(counting)
    for text in ["a", "b", "a", "a"]:
        cached.embed([text])
    assert counting.asked == 2
